#include <addrbook/rest/import.hpp>

#include <addrbook/gzip.hpp>
#include <addrbook/memory_books.hpp>

#include <support/line_format.hpp>
#include <unit/rest_book.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using addrbook::Access;
using addrbook::AccessRequest;
using addrbook::Action;
using addrbook::BodyStatus;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

const std::string bob = R"({"name":"Bob Example"})";

Options with_lines(Options options = {}) {
  options.formats = {line_format()};
  return options;
}

struct ImportBook : Book {
  explicit ImportBook(Options options = {}, std::vector<addrbook::Validator> validators = {})
      : Book(with_lines(std::move(options)), std::move(validators)) {}

  [[nodiscard]] Answer bring_in(const std::string& body, const std::string& query = "",
                                const Fields& headers = {{"Content-Type", "text/x-lines"}}) const {
    return send(rest, "POST", "/addresses" + query, body, headers);
  }
  [[nodiscard]] std::size_t count() const { return store->true_state().count; }
};

std::string counts(const Answer& answer) {
  const auto report = answer.json();
  if (!report.contains("created")) return answer.body;
  std::string text = std::to_string(answer.status);
  for (const char* const name : {"created", "updated", "skipped", "failed"}) {
    text += " " + report[name].dump();
  }
  return text;
}

std::string numbers(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += R"({"n":)" + std::to_string(i) + "}\n";
  return text;
}

}  // namespace

TEST_CASE("rest/import: the records of a format, by its type or by ?format=") {
  const ImportBook book;
  const std::string text = ada + "\nid=bob " + bob + "\n~oops\n";
  const Answer answer = book.bring_in(text);
  CHECK(counts(answer) == "200 2 0 0 1");
  CHECK(answer.body ==
        R"({"created":2,"updated":0,"skipped":0,"failed":1,"errors":[{"index":2,"line":3,)"
        R"("message":"unexpected 'o' at byte 0"}],"warnings":[{"index":2,"line":3,)"
        R"("message":"A tilde is lost"}]})");
  check_common_headers(answer);
  CHECK(get(book.rest, "/addresses/bob").body == bob);
  for (const Fields& headers :
       std::vector<Fields>{{},
                           {{"Content-Type", "application/json"}},
                           {{"Content-Type", "application/x-www-form-urlencoded"}},
                           {{"Content-Type", "image/png"}}}) {
    CHECK(counts(book.bring_in(text, "?format=lines", headers)) == "200 0 0 2 1");
  }
  CHECK(counts(book.bring_in(text, "", {{"Content-Type", "APPLICATION/X-lines; charset=utf-8"}})) ==
        "200 0 0 2 1");
  CHECK(book.count() == 2);
}

TEST_CASE("rest/import: without a format JSON is one address, as ever") {
  const ImportBook book;
  for (const std::string type : {"application/json", "application/x-www-form-urlencoded",
                                 "text/plain", "application/jscontact+json"}) {
    CHECK(book.bring_in(ada, "", {{"Content-Type", type}}).status == 201);
    check_error(book.bring_in("[]", "", {{"Content-Type", type}}), "POST", "/addresses", 400,
                "Invalid JSON body: an address must be a JSON object");
  }
  CHECK(post(book.rest, ada).status == 201);
  const Answer answer = book.bring_in("x", "", {{"Content-Type", "image/png"}});
  CHECK(answer.status == 415);
  CHECK(answer.header("Accept") == "application/json, text/x-lines, application/x-lines");
  CHECK(answer.message() ==
        "Unsupported Media Type: an address is sent as application/json, contacts to bring in in a "
        "format: lines");
}

TEST_CASE("rest/import: without formats nothing is different") {
  const Book book;
  check_error(send(book.rest, "POST", "/addresses?format=lines", ada), "POST", "/addresses", 400,
              "Unknown parameter: 'format'");
  CHECK(post(book.rest, ada, {{"Content-Type", "text/x-lines"}}).status == 415);
  CHECK(get(book.rest, "/addresses?format=lines").status == 400);
  CHECK(get(book.rest, "/addresses", {{"Accept", "text/x-lines"}}).header("Vary") == "(absent)");
}

TEST_CASE("rest/import: what is done with what is there") {
  const ImportBook book;
  const std::string old = R"({"uid":"u","n":1})";
  const std::string changed = R"({"uid":"u","n":2})";
  CHECK(counts(book.bring_in(old)) == "200 1 0 0 0");
  CHECK(counts(book.bring_in(changed, "?on_conflict=skip")) == "200 0 0 1 0");
  CHECK(counts(book.bring_in(changed, "?on_conflict=replace&dry_run=true")) == "200 0 1 0 0");
  CHECK(counts(book.bring_in(changed, "?on_conflict=replace&dry_run=false")) == "200 0 1 0 0");
  CHECK(counts(book.bring_in(changed, "?on_conflict=replace")) == "200 0 0 1 0");
  CHECK(counts(book.bring_in(changed, "?on_conflict=duplicate")) == "200 1 0 0 0");
  CHECK(book.count() == 2);
}

TEST_CASE("rest/import: parameters that are wrong are refused, and nothing is stored") {
  const ImportBook book;
  const std::vector<std::pair<std::string, std::string>> table{
      {"?format=vcf", "Invalid value: 'format' must be lines"},
      {"?format=", "Invalid value: 'format' must be lines"},
      {"?on_conflict=merge", "Invalid value: 'on_conflict' must be skip, replace or duplicate"},
      {"?dry_run=1", "Invalid value: 'dry_run' must be true or false"},
      {"?partial=yes", "Invalid value: 'partial' must be true or false"},
      {"?format=lines&format=lines", "Parameter given twice: 'format'"},
      {"?dry-run=true", "Unknown parameter: 'dry-run'"},
      {"?version=2", "Unknown parameter: 'version'"},
      {"?format=%", "Invalid query: '%' needs two hexadecimal digits"},
  };
  for (const auto& row : table) {
    const Answer answer = book.bring_in(ada, row.first);
    check_error(answer, "POST", "/addresses", 400, row.second);
  }
  for (const std::string name : {"on_conflict", "dry_run", "partial"}) {
    const Answer answer = book.bring_in(ada, "?" + name + "=true", {});
    CHECK(answer.status == 400);
    CHECK(answer.message().find("'" + name + "' is for an import") != std::string::npos);
  }
  const Answer answer =
      book.bring_in(ada, "", {{"Content-Type", "text/x-lines"}, {"Idempotency-Key", "k"}});
  CHECK(answer.status == 400);
  CHECK(answer.message().rfind("Idempotency-Key is for the POST of one address", 0) == 0);
  CHECK(book.count() == 0);
}

TEST_CASE("rest/import: what is not of the format at all, and a body that is broken") {
  const ImportBook book;
  check_error(book.bring_in("%PDF\n"), "POST", "/addresses", 400, "The input is not lines");
  CHECK(book.bring_in("").status == 200);
  const Fields type{{"Content-Type", "text/x-lines"}};
  for (const auto& [body_status, status, message] :
       std::vector<std::tuple<BodyStatus, int, std::string>>{
           {BodyStatus::timed_out, 408, "Body slower than 1024 bytes a second"},
           {BodyStatus::malformed, 400, "Incomplete body"},
           {BodyStatus::stopped, 503, "The server is stopping"},
           {BodyStatus::too_large, 413, "Body over 268435456 bytes"}}) {
    Ask request = posting({ada, "\n", bob}, type);
    request.body_status = body_status;
    const Answer answer = ask(book.rest, request);
    CHECK(answer.status == status);
    CHECK(answer.message() == message);
    CHECK(answer.closes);
  }
  Ask unframed = posting({ada}, type);
  unframed.unframed = true;
  CHECK(ask(book.rest, unframed).status == 411);
  CHECK(ask(book.rest,
            posting({ada}, {{"Content-Type", "text/x-lines"}, {"Content-Encoding", "gzip"}}))
            .status == 415);
  CHECK(book.count() == 0);
}

TEST_CASE("rest/import: a body has its own limit, and is unpacked as it arrives") {
  Options options = with_gzip();
  options.max_body_bytes = 10;
  options.max_import_bytes = 1000;
  const ImportBook book(options);
  CHECK(counts(book.bring_in(numbers(100).substr(0, 1000))) == "200 100 0 0 0");
  CHECK(book.bring_in(std::string(1001, 'x')).status == 413);
  const Fields packed{{"Content-Type", "text/x-lines"}, {"Content-Encoding", "gzip"}};
  CHECK(counts(book.bring_in(pack(numbers(90)), "", packed)) == "200 0 0 90 0");
  const Answer answer = book.bring_in(pack(numbers(2000)), "", packed);
  CHECK(answer.status == 413);
  CHECK(answer.message() == "Body over 1000 bytes");
  CHECK(book.bring_in("no gzip", "", packed).message() ==
        "The body is not in its Content-Encoding");
  options.max_import_bytes = 0;
  CHECK(counts(ImportBook(options).bring_in(pack(numbers(2000)), "", packed)) == "200 2000 0 0 0");
}

TEST_CASE("rest/import: many records need parts, and a part that fails is told") {
  Options options;
  options.max_atomic_records = 2;
  ImportBook book(options);
  const Answer answer = book.bring_in(numbers(3));
  CHECK(answer.status == 413);
  CHECK(answer.message() ==
        "The import has over 2 records: it can only be stored in parts, with partial=true");
  CHECK(book.bring_in(numbers(3), "?dry_run=true").status == 413);
  CHECK(book.count() == 0);
  CHECK(counts(book.bring_in(numbers(3), "?partial=true")) == "200 3 0 0 0");
  int commits = 0;
  book.store->before_commit = [&] {
    if (++commits == 2) fail_storage();
  };
  const Answer parts = book.bring_in(numbers(9), "?partial=true");
  CHECK(counts(parts) == "207 4 0 3 2");
  CHECK(parts.json()["failed_batches"].dump() ==
        R"([{"first":4,"last":5,"records":2,"message":"The storage can't be reached"}])");
  CHECK(parts.body.find(secret_cause) == std::string::npos);
}

TEST_CASE("rest/import: a storage fault and a full book store nothing") {
  ImportBook book;
  book.store->before_commit = [] { fail_storage(); };
  CHECK(book.bring_in(numbers(3)).status == 503);
  CHECK(book.count() == 0);
  const auto small = std::make_shared<Service>(std::make_shared<addrbook::MemoryStore>(),
                                               std::vector<addrbook::Validator>{},
                                               addrbook::ServiceOptions{2, std::size_t{1} << 20U});
  const Rest rest = test::make_rest(small, with_lines());
  const Fields type{{"Content-Type", "text/x-lines"}};
  CHECK(send(rest, "POST", "/addresses", numbers(3), type).status == 507);
  CHECK(small->state().count == 0);
  CHECK(send(rest, "POST", "/addresses?partial=true", numbers(3), type).status == 207);
}

TEST_CASE("rest/import: the rest of a body that is refused is read up to a limit") {
  const ImportBook book;
  const std::string piece(std::size_t{1} << 20U, 'x');
  Ask request = posting(std::vector<std::string>(20, piece), {{"Content-Type", "text/x-lines"}});
  request.body.insert(request.body.begin(), "%\n");
  const Answer answer = ask(book.rest, request);
  CHECK(answer.message() == "The input is not lines");
  CHECK(answer.pieces_read == 9);
  CHECK(answer.closes);
}

TEST_CASE("rest/import: who may create may import, and replaces only who may update") {
  std::vector<Action> asked;
  Action refused = Action::remove;
  Options options;
  options.authorize = [&](const AccessRequest& request) {
    asked.push_back(request.action);
    return request.action == refused ? Access::forbid("ada") : Access::allow("ada");
  };
  const ImportBook book(options);
  CHECK(counts(book.bring_in(ada)) == "200 1 0 0 0");
  CHECK(asked == std::vector{Action::create});
  asked.clear();
  CHECK(counts(book.bring_in(ada, "?on_conflict=replace")) == "200 0 0 1 0");
  CHECK(asked == std::vector{Action::create, Action::update});
  refused = Action::update;
  CHECK(book.bring_in(ada, "?on_conflict=replace").status == 403);
  CHECK(book.bring_in(ada, "?on_conflict=skip").status == 200);
  refused = Action::create;
  CHECK(book.bring_in(ada).status == 403);
  CHECK_FALSE(book.bring_in(ada).was_body_read);
}

TEST_CASE("rest/import: a page of another origin may not import") {
  const ImportBook book;
  CHECK(book.bring_in(ada, "",
                      {{"Content-Type", "text/x-lines"},
                       {"Host", "localhost"},
                       {"Origin", "https://evil.example"}})
            .status == 403);
}

TEST_CASE("rest/import: into one of many books, which the first import may make") {
  const auto books = std::make_shared<addrbook::Books>(std::make_shared<addrbook::MemoryBooks>());
  Options options = with_lines();
  options.prefix = "/books/{book}/addresses";
  const Fields type{{"Content-Type", "text/x-lines"}};
  const auto bring_in = [&](const Rest& rest, const std::string& query = "") {
    return send(rest, "POST", "/books/team/addresses" + query, ada, type);
  };
  CHECK(bring_in(test::make_rest(books, options)).message() == "No such book: 'team'");
  options.create_on_write = true;
  const Rest rest = test::make_rest(books, options);
  CHECK(counts(bring_in(rest, "?dry_run=true")) == "200 1 0 0 0");
  CHECK(books->find("team") == nullptr);
  CHECK(send(rest, "POST", "/books/team/addresses", "%\n", type).status == 400);
  CHECK(books->find("team") == nullptr);
  CHECK(counts(bring_in(rest)) == "200 1 0 0 0");
  CHECK(books->find("team")->state().count == 1);
  CHECK(counts(bring_in(rest)) == "200 0 0 1 0");
}

TEST_CASE("rest/import: writes at once have a limit for parts too") {
  Options options;
  options.max_concurrent_writes = 1;
  options.max_atomic_records = 1;
  ImportBook book(options);
  Answer other;
  book.store->before_commit = [&, is_first = true]() mutable {
    if (std::exchange(is_first, false)) other = post(book.rest, bob);
  };
  CHECK(counts(book.bring_in(numbers(3), "?partial=true")) == "200 3 0 0 0");
  CHECK(other.status == 503);
  CHECK(post(book.rest, bob).status == 201);
}

TEST_CASE("rest/import: what a mount refuses") {
  Options options;
  const auto refuse = [&] {
    try {
      const Rest rest = test::make_rest(std::make_shared<Service>(), options);
    } catch (const addrbook::Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  options.formats = {nullptr};
  CHECK(refuse() == "a format is null, or its name is not 1 to 24 of [a-z0-9]");
  options.formats = {line_format()};
  CHECK(refuse() == "accepted");
  options.max_atomic_records = 0;
  CHECK(refuse() == "max_atomic_records and min_transfer_rate must be above 0");
  options.max_atomic_records = 1;
  options.min_transfer_rate = 0;
  CHECK(refuse() == "max_atomic_records and min_transfer_rate must be above 0");
}

TEST_CASE("rest/import: a call tells how fast a body must come, and whether it may wait") {
  const ImportBook book;
  const Fields type{{"Content-Type", "text/x-lines"}, {"Content-Length", "1000000"}};
  const auto call_of = [&](const std::string& target, const Fields& headers) {
    const Asked asked(book.rest, asking("POST", target, headers));
    Rest::Call call(book.rest, asked.request);
    CHECK(call.wants_body());
    CHECK(call.take(std::string(100'000, 'x')));
    CHECK(call.memory() >= 100'000);
    return std::pair(call.min_rate(), call.may_wait());
  };
  using Told = std::pair<std::size_t, bool>;
  CHECK(call_of("/addresses", {{"Content-Length", "1000000"}}) == Told{0, false});
  CHECK(call_of("/addresses", type) == Told{1024, false});
  CHECK(call_of("/addresses?partial=true", type) == Told{1024, true});
}

TEST_CASE("rest/import: what costs the server more than its client ends early") {
  Options options;
  options.coding = addrbook::gzip();
  const ImportBook book(options);
  const auto bring_in = [&](const std::string& body) {
    return book.bring_in(pack(body), "",
                         {{"Content-Type", "text/x-lines"}, {"Content-Encoding", "gzip"}});
  };
  std::string same;
  while (same.size() < (std::size_t{3} << 20U)) same += "{}\n";
  check_error(bring_in(same), "POST", "/addresses", 413,
              "Body over 200 times its size when it is unpacked");
  CHECK(book.count() == 0);
  std::string broken;
  for (int i = 0; i < 10'001; ++i) broken += "x\n";
  const Answer answer = bring_in(broken);
  CHECK(answer.status == 400);
  CHECK(answer.json()["message"].get<std::string>().rfind(
            "Over 10000 records failed, the first in line 1: ", 0) == 0);
  // Dense, but not large; and large, but not dense.
  CHECK(counts(bring_in(same.substr(0, 90'000))) == "200 1 0 29999 0");
  CHECK(counts(bring_in(numbers(9'000))) == "200 9000 0 0 0");
}
