#include <addrbook/metrics.hpp>

#include <addrbook/version.hpp>

#include <support/metrics_text.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using addrbook::Metrics;
using addrbook::detail::BodyFault;
using addrbook::detail::MetricsPage;
using addrbook::detail::RequestSlot;
using test::MetricsText;

TEST_CASE("metrics: what nobody has counted yet is 0") {
  const Metrics metrics;
  const MetricsText text(metrics.text());
  CHECK(text["addrbook_build_info{version=\"" ADDRBOOK_VERSION "\"}"] == 1);
  CHECK(text.has("addrbook_http_bodies_refused_total{reason=\"too_large\"}"));
  CHECK(text["addrbook_http_bodies_refused_total{reason=\"too_large\"}"] == 0);
  CHECK(text.has("addrbook_imports_in_progress"));
  CHECK(text.has("addrbook_import_records_total{outcome=\"created\"}"));
}

TEST_CASE("metrics: requests have the labels of their rows") {
  Metrics metrics;
  metrics.name_routes({{"{base}", "GET"}, {"{base}/{id}", "PUT"}});
  metrics.requests().series(RequestSlot(0, "GET"), 200)->add(200'000, 0, 10);
  metrics.requests().series(RequestSlot(0, "HEAD"), 200)->add(200'000, 0, 0);
  metrics.requests().series(RequestSlot(1, "PUT"), 204)->add(2'000'000, 30, 0);
  metrics.requests().series(RequestSlot(1, "PUT"), 404)->add(0, 12, 5);
  metrics.requests().series(RequestSlot("PROPFIND"), 405)->add(0, 0, 1);
  metrics.requests().series(RequestSlot(2, "GET"), 200)->add(0, 0, 1);  // has no name
  metrics.transfers().refuse(BodyFault::late);
  const MetricsText text(metrics.text());
  CHECK(text[test::requests("{base}", "GET", 200)] == 1);
  CHECK(text[test::requests("{base}", "HEAD", 200)] == 1);
  CHECK(text[test::requests("{base}/{id}", "PUT", 204)] == 1);
  CHECK(text[test::requests("{base}/{id}", "PUT", 404)] == 1);
  CHECK(text[test::requests("other", "other", 405)] == 1);
  CHECK(text[test::requests("other", "other", 200)] == 1);
  CHECK(text["addrbook_http_request_body_bytes_total{route=\"{base}/{id}\",method=\"PUT\"}"] == 42);
  CHECK(text["addrbook_http_response_body_bytes_total{route=\"{base}/{id}\",method=\"PUT\"}"] == 5);
  const std::string put =
      "addrbook_http_request_duration_seconds_bucket{route=\"{base}/{id}\",method=\"PUT\","
      "status=\"204\",le=\"";
  CHECK(text[put + "0.001\"}"] == 0);
  CHECK(text[put + "0.0025\"}"] == 1);
  CHECK(text[put + "+Inf\"}"] == 1);
  CHECK(text["addrbook_http_bodies_refused_total{reason=\"late\"}"] == 1);
}

TEST_CASE("metrics: a hundred books have labels, and keep them") {
  Metrics metrics;
  std::size_t named = 0;
  for (int i = 0; i < 10'000; ++i) {
    if (metrics.has_label("/books", "book" + std::to_string(i))) ++named;
  }
  CHECK(named == Metrics::max_books);
  CHECK(metrics.has_label("/books", "book0"));
  CHECK_FALSE(metrics.has_label("/other", "book0"));
  CHECK_FALSE(metrics.has_label("/books", "book9999"));
}

TEST_CASE("metrics: a collector that fails leaves the rest") {
  Metrics metrics;
  static constexpr addrbook::detail::MetricFamily family{"zz", "Of the test."};
  const auto bad = metrics.collect([](MetricsPage& page) {
    page.add(family, {{"n", "1"}}, 1);
    throw std::runtime_error("the rest is missing");
  });
  const auto good = metrics.collect([](MetricsPage& page) { page.add(family, {{"n", "2"}}, 2); });
  const MetricsText text(metrics.text());
  CHECK(text["zz{n=\"1\"}"] == 1);
  CHECK(text["zz{n=\"2\"}"] == 2);
  CHECK(text.has("addrbook_exports_in_progress"));
}
