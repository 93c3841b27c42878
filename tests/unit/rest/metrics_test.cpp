#include <addrbook/rest/metrics.hpp>

#include <addrbook/authorization.hpp>
#include <addrbook/books.hpp>
#include <addrbook/memory_books.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/metrics/request_counts.hpp>
#include <addrbook/rest.hpp>
#include <addrbook/rest/routes.hpp>
#include <addrbook/service.hpp>

#include <support/line_format.hpp>
#include <support/metrics_text.hpp>
#include <unit/rest_book.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::Access;
using addrbook::AccessRequest;
using addrbook::Action;
using addrbook::BodyStatus;
using addrbook::Books;
using addrbook::MemoryBooks;
using addrbook::Metrics;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

const std::string entries = "addrbook_book_entries{mount=\"/addresses\"}";

std::string refused(const std::string& reason) {
  return "addrbook_http_bodies_refused_total{reason=\"" + reason + "\"}";
}

/// A book that counts.
struct CountedBook {
  std::shared_ptr<Metrics> metrics = std::make_shared<Metrics>();
  Book book;

  explicit CountedBook(Options options = {}, std::vector<addrbook::Validator> validators = {})
      : book(with_metrics(std::move(options)), std::move(validators)) {}

  [[nodiscard]] Options with_metrics(Options options) const {
    options.metrics = metrics;
    return options;
  }
  [[nodiscard]] MetricsText now() const { return MetricsText(metrics->text()); }
};

}  // namespace

TEST_CASE("rest/metrics: served where the mount has them, as text") {
  const CountedBook counted;
  const Answer answer = get(counted.book.rest, "/addresses/_metrics");
  CHECK(answer.status == 200);
  CHECK(answer.header("Content-Type") == "text/plain; version=0.0.4");
  check_common_headers(answer);
  const MetricsText text(answer.body);
  CHECK(text.has(entries));
  // A request counts when it is answered.
  CHECK(counted.now()[test::requests("{base}/_metrics", "GET", 200)] == 1);
  const Answer wrong = ask(counted.book.rest, asking("POST", "/addresses/_metrics", {}, {"{}"}));
  CHECK(wrong.status == 405);
  CHECK(wrong.header("Allow") == "GET, HEAD, OPTIONS");
  CHECK(get(counted.book.rest, "/addresses/_metrics?x=1").status == 400);
}

TEST_CASE("rest/metrics: without them there is no such route") {
  const Book book;
  const auto unknown = get(book.rest, "/addresses/_metrics");
  check_error(unknown, "GET", "/addresses/_metrics", 404, "Unknown Endpoint");
  CHECK(ask(book.rest, asking("OPTIONS", "/addresses/_metrics")).status == 404);
}

TEST_CASE("rest/metrics: they are for those who may observe") {
  Options options;
  std::optional<Action> asked;
  options.authorize = [&](const AccessRequest& request) {
    asked = request.action;
    return request.action == Action::observe ? Access::forbid("ada") : Access::allow();
  };
  const CountedBook counted(options);
  const Answer answer = get(counted.book.rest, "/addresses/_metrics");
  CHECK(answer.status == 403);
  CHECK(asked == Action::observe);
  CHECK(counted.now()[test::requests("{base}/_metrics", "GET", 403)] == 1);
}

TEST_CASE("rest/metrics: each request counts by its row, method and status") {
  const CountedBook counted;
  const Rest& rest = counted.book.rest;
  const std::string target = counted.book.add();
  get(rest, target);
  get(rest, target + "/");
  ask(rest, asking("HEAD", target));
  get(rest, absent);
  send(rest, "PUT", target, ada);
  send(rest, "POST", "/addresses", ada);
  ask(rest, asking("DELETE", target));
  get(rest, "/addresses");
  ask(rest, asking("OPTIONS", "/addresses"));
  ask(rest, asking("DELETE", "/addresses"));
  get(rest, "/addresses/_unknown");
  ask(rest, asking("get", "/addresses"));
  const MetricsText text = counted.now();
  CHECK(text[test::requests("{base}/{id}", "GET", 200)] == 2);
  CHECK(text[test::requests("{base}/{id}", "HEAD", 200)] == 1);
  CHECK(text[test::requests("{base}/{id}", "GET", 404)] == 1);
  CHECK(text[test::requests("{base}/{id}", "PUT", 204)] == 1);
  CHECK(text[test::requests("{base}/{id}", "DELETE", 204)] == 1);
  CHECK(text[test::requests("{base}", "POST", 201)] == 1);
  CHECK(text[test::requests("{base}", "GET", 200)] == 1);
  CHECK(text[test::requests("other", "OPTIONS", 204)] == 1);
  CHECK(text[test::requests("other", "DELETE", 405)] == 1);
  CHECK(text[test::requests("other", "GET", 404)] == 1);
  CHECK(text[test::requests("other", "other", 405)] == 1);
  CHECK(text["addrbook_http_request_duration_seconds_count{route=\"{base}/{id}\",method=\"GET\","
             "status=\"200\"}"] == 2);
  const auto size = static_cast<double>(ada.size());
  const std::string bytes = "body_bytes_total{route=\"{base}/{id}\",method=\"";
  CHECK(text["addrbook_http_request_" + bytes + "PUT\"}"] == size);
  CHECK(text["addrbook_http_response_" + bytes + "GET\"}"] > 2 * size);  // and an error
  CHECK(text["addrbook_http_response_" + bytes + "HEAD\"}"] == 0);
  CHECK(text[entries] == 1);
  CHECK(text["addrbook_book_revision{mount=\"/addresses\"}"] == 4);
}

TEST_CASE("rest/metrics: an answer in pieces counts when it ends, with the bytes that were taken") {
  const auto metrics = std::make_shared<Metrics>();
  Options options;
  options.metrics = metrics;
  const LongBook book(options);
  const Answer whole = get(book.rest, "/addresses");
  REQUIRE(whole.has_source);
  const std::string list = test::requests("{base}", "GET", 200);
  const std::string bytes =
      "addrbook_http_response_body_bytes_total{route=\"{base}\",method=\"GET\"}";
  CHECK(MetricsText(metrics->text())[list] == 1);
  CHECK(MetricsText(metrics->text())[bytes] == static_cast<double>(whole.body.size()));
  Ask cut = asking("GET", "/addresses");
  std::size_t taken = 0;
  cut.client = [&](std::string_view piece) {
    if (taken != 0) return false;
    taken = piece.size();
    return true;
  };
  CHECK_FALSE(ask(book.rest, cut).is_complete);
  const MetricsText text(metrics->text());
  CHECK(text[list] == 2);
  CHECK(text[bytes] == static_cast<double>(whole.body.size() + taken));
  ask(book.rest, asking("HEAD", "/addresses"));
  CHECK(MetricsText(metrics->text())[test::requests("{base}", "HEAD", 200)] == 1);
}

TEST_CASE("rest/metrics: bodies that are refused, by reason") {
  Options options;
  options.max_body_bytes = 100;
  const CountedBook counted(options, {[](const Document& document) -> addrbook::Violations {
                              if (document.text().find("bad") == std::string::npos) return {};
                              return {{"/name", "is bad"}};
                            }});
  const Rest& rest = counted.book.rest;
  send(rest, "POST", "/addresses", std::string(200, ' '));
  ask(rest, asking("POST", "/addresses", {{"Content-Type", "text/xml"}}, {"{}"}));
  ask(rest, asking("POST", "/addresses", {{"Content-Encoding", "br"}}, {"{}"}));
  ask(rest, asking("POST", "/addresses", {{"Content-Length", "x"}}, {"{}"}));
  Ask late = posting({"{"});
  late.body_status = BodyStatus::timed_out;
  ask(rest, late);
  Ask cut = posting({"{"});
  cut.body_status = BodyStatus::malformed;
  ask(rest, cut);
  send(rest, "POST", "/addresses", "{\"name\":");
  send(rest, "POST", "/addresses/_batch", "{}");
  send(rest, "POST", "/addresses", R"({"name":"bad"})");
  const MetricsText text = counted.now();
  CHECK(text[refused("too_large")] == 1);
  CHECK(text[refused("media_type")] == 1);
  CHECK(text[refused("coding")] == 1);
  CHECK(text[refused("framing")] == 1);
  CHECK(text[refused("late")] == 1);
  CHECK(text[refused("incomplete")] == 1);
  CHECK(text[refused("malformed")] == 2);
  CHECK(text[refused("invalid")] == 1);
  CHECK(text[entries] == 0);
}

TEST_CASE("rest/metrics: the list cache") {
  const auto metrics = std::make_shared<Metrics>();
  Options options;
  options.metrics = metrics;
  const LongBook book(options);
  const auto counts = [&] {
    const MetricsText text(metrics->text());
    return std::pair(text["addrbook_cache_hits_total{cache=\"list\"}"],
                     text["addrbook_cache_misses_total{cache=\"list\"}"]);
  };
  get(book.rest, "/addresses");
  get(book.rest, "/addresses");
  CHECK(counts() == std::pair(0.0, 2.0));
  get(book.rest, "/addresses");
  CHECK(counts() == std::pair(1.0, 2.0));
  CHECK(MetricsText(metrics->text())["addrbook_cache_bytes{cache=\"list\"}"] > 600'000);
}

TEST_CASE("rest/metrics: imports and exports") {
  Options options;
  options.formats = {line_format()};
  const CountedBook counted(options);
  const Rest& rest = counted.book.rest;
  const std::string text = ada + "\n{\"name\":\"Bob Example\"}\noops\n";
  send(rest, "POST", "/addresses?format=lines&dry_run=true", text);
  CHECK(counted.now()["addrbook_import_records_total{outcome=\"created\"}"] == 0);
  send(rest, "POST", "/addresses?format=lines", text);
  send(rest, "POST", "/addresses?format=lines", text);
  const MetricsText after = counted.now();
  CHECK(after["addrbook_import_records_total{outcome=\"created\"}"] == 2);
  CHECK(after["addrbook_import_records_total{outcome=\"skipped\"}"] == 2);
  CHECK(after["addrbook_import_records_total{outcome=\"failed\"}"] == 2);
  CHECK(after["addrbook_imports_in_progress"] == 0);
  get(rest, "/addresses?format=lines");
  CHECK(counted.now()["addrbook_export_records_total"] == 2);
  get(rest, "/addresses?format=lines&limit=1");
  CHECK(counted.now()["addrbook_export_records_total"] == 3);
  const std::string one = counted.book.add();
  get(rest, one + "?format=lines");
  CHECK(counted.now()["addrbook_export_records_total"] == 4);
  {
    const Asked asked(rest, asking("POST", "/addresses?format=lines", {}, {"x"}));
    const Rest::Call call(rest, asked.request);
    CHECK(counted.now()["addrbook_imports_in_progress"] == 1);
  }
  CHECK(counted.now()["addrbook_imports_in_progress"] == 0);
}

TEST_CASE("rest/metrics: an export that is under way") {
  const auto metrics = std::make_shared<Metrics>();
  Options options;
  options.metrics = metrics;
  options.formats = {line_format()};
  const LongBook book(options);
  Ask exporting = asking("GET", "/addresses?format=lines");
  double under_way = 0;
  exporting.client = [&](std::string_view) {
    under_way = MetricsText(metrics->text())["addrbook_exports_in_progress"];
    return true;
  };
  REQUIRE(ask(book.rest, exporting).has_source);
  CHECK(under_way == 1);
  const MetricsText text(metrics->text());
  CHECK(text["addrbook_exports_in_progress"] == 0);
  CHECK(text["addrbook_export_records_total"] == many);
}

TEST_CASE("rest/metrics: those who follow changes") {
  const auto metrics = std::make_shared<Metrics>();
  Options options;
  options.metrics = metrics;
  options.max_blocking_streams = 1;
  options.stream_lifetime = std::chrono::milliseconds(0);
  const Book book(options);
  const std::string events = "addrbook_streams{kind=\"events\"}";
  Ask follow = asking("GET", "/addresses/_changes", {{"Accept", "text/event-stream"}});
  const Asked first(book.rest, follow);
  addrbook::Reply stream = test::handle(book.rest, first.request);
  REQUIRE(stream.source);
  CHECK(MetricsText(metrics->text())[events] == 1);
  CHECK(MetricsText(metrics->text())["addrbook_streams{kind=\"poll\"}"] == 0);
  const Asked second(book.rest, follow);
  CHECK_FALSE(test::handle(book.rest, second.request).source);
  CHECK(MetricsText(metrics->text())["addrbook_streams_refused_total"] == 1);
  stream.source.reset();
  CHECK(MetricsText(metrics->text())[events] == 0);
}

TEST_CASE("rest/metrics: a storage that fails is told, and takes nothing from the rest") {
  const CountedBook counted;
  CHECK(counted.now()["addrbook_storage_unreachable"] == 0);
  CHECK(counted.now().has("addrbook_storage_unreachable"));
  counted.book.store->before_state = fail_storage;
  const Answer answer = get(counted.book.rest, "/addresses/_metrics");
  CHECK(answer.status == 200);
  const MetricsText text(answer.body);
  CHECK(text["addrbook_storage_unreachable"] == 1);
  CHECK_FALSE(text.has(entries));
  CHECK(text.has("addrbook_writes_max"));
}

TEST_CASE("rest/metrics: several mounts share them") {
  const auto metrics = std::make_shared<Metrics>();
  const auto service = std::make_shared<Service>();
  Options options;
  options.metrics = metrics;
  const Rest first(service, options);
  options.prefix = "/other";
  std::optional<Rest> second(std::in_place, service, options);
  get(first, "/addresses");
  get(*second, "/other");
  const MetricsText text(metrics->text());
  CHECK(text[test::requests("{base}", "GET", 200)] == 2);
  CHECK(text.has(entries));
  CHECK(text.has("addrbook_book_entries{mount=\"/other\"}"));
  CHECK(text["addrbook_writes_max"] == 2 * Options().max_concurrent_writes);
  second.reset();
  CHECK_FALSE(MetricsText(metrics->text()).has("addrbook_book_entries{mount=\"/other\"}"));
  CHECK(MetricsText(metrics->text())[test::requests("{base}", "GET", 200)] == 2);
}

TEST_CASE("rest/metrics: many books, each with its numbers, and from the hundredth on together") {
  const auto metrics = std::make_shared<Metrics>();
  const auto books = std::make_shared<Books>(std::make_shared<MemoryBooks>());
  Options options;
  options.prefix = "/books/{book}/addresses";
  options.metrics = metrics;
  const Rest rest = test::make_rest(books, options);
  const auto entries_of = [](const std::string& book) {
    return "addrbook_book_entries{mount=\"/books/{book}/addresses\",book=\"" + book + "\"}";
  };
  books->create("ada").book->create(Document::parse(ada));
  const Answer answer = get(rest, "/books/_metrics");
  CHECK(answer.status == 200);
  CHECK(MetricsText(answer.body)[entries_of("ada")] == 1);
  CHECK(MetricsText(answer.body)["addrbook_books{mount=\"/books/{book}/addresses\"}"] == 1);
  for (int i = 0; i < 300; ++i) {
    books->create("team" + std::to_string(i)).book->create(Document::parse(ada));
  }
  const MetricsText text(metrics->text());
  CHECK(text["addrbook_books{mount=\"/books/{book}/addresses\"}"] == 301);
  CHECK(text[entries_of("_others")] == 201);
  double sum = 0;
  std::size_t series = 0;
  for (const auto& [name, value] : text.values()) {
    if (name.rfind("addrbook_book_entries{", 0) != 0) continue;
    sum += value;
    ++series;
  }
  CHECK(sum == 301);
  CHECK(series == 101);
}

TEST_CASE("rest/metrics: whatever clients send, the series are the same") {
  const auto metrics = std::make_shared<Metrics>();
  const auto books = std::make_shared<Books>(std::make_shared<MemoryBooks>());
  Options options;
  options.prefix = "/books/{book}/addresses";
  options.metrics = metrics;
  options.create_on_write = true;
  const Rest rest = test::make_rest(books, options);
  const auto attack = [&](int round) {
    const std::string name = "book" + std::to_string(round);
    get(rest, "/books/" + name + "/addresses");
    get(rest, "/books/" + name + "/addresses/" + name);
    get(rest, "/books/" + name + "/" + name);
    get(rest, "/books/" + name + "?" + name + "=" + name);
    send(rest, "POST", "/books/" + name + "/addresses", ada);
    ask(rest, asking("X" + name, "/books/" + name));
    ask(rest, asking("DELETE", "/books/" + name));
  };
  for (int round = 0; round < 200; ++round) attack(round);
  static_cast<void>(metrics->text());
  for (int i = 0; i < 100; ++i) books->create("kept" + std::to_string(i));
  const std::size_t before = MetricsText(metrics->text()).size();
  for (int round = 200; round < 10'000; ++round) {
    attack(round);
    if (round % 1000 == 0) static_cast<void>(metrics->text());
  }
  for (int i = 0; i < 1000; ++i) books->create("more" + std::to_string(i));
  CHECK(MetricsText(metrics->text()).size() == before);
}

TEST_CASE("rest/metrics: there is room for all rows of the table, each with its place") {
  const auto& table = addrbook::detail::routes();
  CHECK(table.size() <= addrbook::detail::RequestSlot::max_rows);
  const auto names = addrbook::detail::metric_routes();
  REQUIRE(names.size() == table.size());
  for (std::size_t row = 0; row < table.size(); ++row) {
    CHECK(table[row].row == row);
    CHECK(names[row].method == table[row].method);
  }
  CHECK(names.front().label == "{base}");
}
