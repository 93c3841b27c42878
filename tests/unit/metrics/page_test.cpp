#include <addrbook/metrics/page.hpp>

#include <addrbook/base/histogram.hpp>

#include <doctest/doctest.h>

#include <string>

using addrbook::detail::HistogramCounts;
using addrbook::detail::MetricFamily;
using addrbook::detail::MetricsPage;
using addrbook::detail::to_seconds;

namespace {

constexpr MetricFamily gauge{"a_gauge", "What it is."};
constexpr MetricFamily counter{"b_total", "How many.", MetricFamily::Type::counter};
constexpr MetricFamily times{"c_seconds", "How long.", MetricFamily::Type::histogram, true};

}  // namespace

TEST_CASE("metrics page: families in the order of their names, each with its help and type") {
  MetricsPage page;
  page.add(counter, {{"kind", "x"}}, 7);
  page.add(gauge, 3);
  page.add(counter, {{"kind", "a"}, {"other", "b"}}, 1);
  CHECK(page.text() ==
        "# HELP a_gauge What it is.\n"
        "# TYPE a_gauge gauge\n"
        "a_gauge 3\n"
        "# HELP b_total How many.\n"
        "# TYPE b_total counter\n"
        "b_total{kind=\"a\",other=\"b\"} 1\n"
        "b_total{kind=\"x\"} 7\n");
}

TEST_CASE("metrics page: what several tell is added up") {
  MetricsPage page;
  page.add(gauge, 3);
  page.add(gauge, 4);
  const HistogramCounts counts{{100'000, 2'500'000'000}, {1, 0, 2}, 3'000'000'001};
  page.add(times, {{"m", "GET"}}, counts);
  page.add(times, {{"m", "GET"}}, counts);
  const std::string text = page.text();
  CHECK(text.find("a_gauge 7\n") != std::string::npos);
  CHECK(text.find("# TYPE c_seconds histogram\n"
                  "c_seconds_bucket{m=\"GET\",le=\"0.0001\"} 2\n"
                  "c_seconds_bucket{m=\"GET\",le=\"2.5\"} 2\n"
                  "c_seconds_bucket{m=\"GET\",le=\"+Inf\"} 6\n"
                  "c_seconds_sum{m=\"GET\"} 6.000000002\n"
                  "c_seconds_count{m=\"GET\"} 6\n") != std::string::npos);
}

TEST_CASE("metrics page: a source that several have tells once") {
  MetricsPage page;
  CHECK(page.is_new(&gauge));
  CHECK_FALSE(page.is_new(&gauge));
  CHECK(page.is_new(&counter));
}

TEST_CASE("metrics page: values of labels are escaped") {
  MetricsPage page;
  page.add(gauge, {{"name", "a\"b\\c\nd"}}, 1);
  CHECK(page.text().find("a_gauge{name=\"a\\\"b\\\\c\\nd\"} 1\n") != std::string::npos);
}

TEST_CASE("metrics page: seconds have the decimals that they need") {
  CHECK(to_seconds(0) == "0");
  CHECK(to_seconds(1) == "0.000000001");
  CHECK(to_seconds(100'000) == "0.0001");
  CHECK(to_seconds(1'000'000'000) == "1");
  CHECK(to_seconds(10'050'000'000) == "10.05");
}
