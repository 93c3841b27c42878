#include <addrbook/rest/batch.hpp>

#include <addrbook/books.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using addrbook::Access;
using addrbook::Action;
using nlohmann::json;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

Answer batch(const Rest& rest, const std::string& body, const Fields& headers = {}) {
  return send(rest, "POST", "/addresses/_batch", body, headers);
}

void check_failed(const Answer& answer, int status, const std::string& message, int index) {
  CHECK(answer.status == status);
  CHECK(answer.message() == message);
  CHECK(answer.json().value("index", -1) == index);
  check_common_headers(answer);
}

}  // namespace

TEST_CASE("batch: all writes are done, in their order") {
  const Book book;
  for (const std::string id : {"a", "b", "c"}) {
    book.service->create(id, Document::parse(R"({"n":1e400,"id":")" + id + "\"}"));
  }
  const Answer answer = batch(book.rest, R"([
    {"op":"create","address":{"name":"New"}},
    {"op":"create","id":"d","address":{}},
    {"op":"replace","id":"a","address":{"x":1.0},"if_revision":1},
    {"op":"patch","id":"b","patch":{"id":null,"y":{"z":null}},"if_revision":2},
    {"op":"delete","id":"c","if_revision":3}])");
  CHECK(answer.status == 200);
  check_common_headers(answer);
  const json result = json::parse(answer.body);
  REQUIRE(result.size() == 5);
  CHECK(result[0]["id"].get<std::string>().size() == 32);
  CHECK(result[0]["revision"] == 4);
  CHECK(result[1] == json{{"id", "d"}, {"revision", 5}});
  CHECK(result[2] == json{{"id", "a"}, {"revision", 6}});
  CHECK(result[3] == json{{"id", "b"}, {"revision", 7}});
  CHECK(result[4] == json{{"id", "c"}, {"revision", 8}});
  CHECK(book.service->get("a").document.text() == R"({"x":1.0})");
  CHECK(book.service->get("b").document.text() == R"({"n":1e400,"y":{}})");
  CHECK_FALSE(book.service->find("c"));
  CHECK(book.service->get(result[0]["id"].get<std::string>()).revision == 4);
  CHECK(batch(book.rest, "[]").body == "[]");
}

TEST_CASE("batch: the first operation that fails is told, and nothing is done") {
  const Book book(Options(), {[](const Document& document) {
                    return document.text().find("bad") != std::string::npos
                               ? std::optional(addrbook::Violation{"/x", "is bad"})
                               : std::nullopt;
                  }});
  book.service->create("a", Document());
  const std::string good = R"({"op":"create","address":{}},)";
  const auto check_refused = [&](const std::string& rest, int status, const std::string& message,
                                 int index) {
    CAPTURE(rest);
    check_failed(batch(book.rest, "[" + good + rest + "]"), status, message, index);
  };
  check_refused(R"({"op":"create","id":"a","address":{}})", 409, "There is an address already: 'a'",
                1);
  check_refused(R"({"op":"replace","id":"x","address":{}})", 404, "No such address: 'x'", 1);
  check_refused(R"({"op":"delete","id":"x"})", 404, "No such address: 'x'", 1);
  check_refused(R"({"op":"patch","id":"x","patch":{}})", 404, "No such address: 'x'", 1);
  for (const std::string rest : {R"({"op":"replace","id":"a","address":{},"if_revision":2})",
                                 R"({"op":"patch","id":"a","patch":{},"if_revision":2})",
                                 R"({"op":"delete","id":"a","if_revision":2})"}) {
    check_refused(rest, 412, "Not the expected revision: 'a'", 1);
  }
  check_refused(R"({"op":"delete","id":"x","if_revision":1})", 412,
                "Not the expected revision: 'x'", 1);
  check_refused(R"({"op":"create","address":{"x":"bad"}})", 400, "Invalid address: '/x' is bad", 1);
  check_refused(R"({"op":"patch","id":"a","patch":{"x":"bad"}})", 400,
                "Invalid address: '/x' is bad", 1);
  // A patch is looked at before the others are written.
  check_refused(R"({"op":"delete","id":"y"},{"op":"patch","id":"x","patch":{}})", 404,
                "No such address: 'y'", 1);
  check_refused(R"({"op":"create","address":{"x":"bad"}},{"op":"patch","id":"x","patch":{}})", 400,
                "Invalid address: '/x' is bad", 1);
  check_refused(R"({"op":"delete","id":"y"},{"op":"create","address":{"x":"bad"}})", 404,
                "No such address: 'y'", 1);
  check_refused(R"({"op":"spam"})", 400,
                "Invalid batch: 'op' must be create, replace, patch or delete", 1);
  check_refused(R"({"op":"delete","id":"a"},{"op":"replace","id":"a","address":{}})", 400,
                "Invalid batch: an id given twice: 'a'", 2);
  CHECK(batch(book.rest, "{}").message() == "Invalid batch: it must be an array of operations");
  CHECK(batch(book.rest, "{}").json().contains("index") == false);
  CHECK(batch(book.rest, "[").message() == "Invalid JSON body: unexpected end of text at byte 1");
  std::string all = "[" + good;
  for (int i = 0; i < 999; ++i) all += good;
  CHECK(batch(book.rest, all + R"({"op":"delete","id":"x"}])").message() ==
        "Invalid batch: it may have at most 1000 operations");
  CHECK(book.service->state().revision == 1);
  all.pop_back();
  CHECK(batch(book.rest, all + "]").status == 200);
  CHECK(book.service->state().count == 1001);
}

TEST_CASE("batch: a patch is computed again if another writer was faster") {
  const Book book;
  book.service->create("a", Document::parse(R"({"n":1})"));
  int attempts = 0;
  book.store->before_commit = [&] {
    if (++attempts == 1) book.service->update("a", Document::parse(R"({"n":2,"m":3})"));
  };
  SUBCASE("from what that one wrote") {
    CHECK(batch(book.rest, R"([{"op":"patch","id":"a","patch":{"x":1}}])").body ==
          R"([{"id":"a","revision":3}])");
    CHECK(book.service->get("a").document.text() == R"({"n":2,"m":3,"x":1})");
  }
  SUBCASE("but not at a revision that is no longer there") {
    check_failed(batch(book.rest, R"([{"op":"patch","id":"a","patch":{},"if_revision":1}])"), 412,
                 "Not the expected revision: 'a'", 0);
  }
}

TEST_CASE("batch: where another writer is faster, only that patch is computed again") {
  const Book book;
  std::string body;
  for (int i = 0; i < 100; ++i) {
    const std::string id = "id-" + std::to_string(i);
    book.service->create(id, Document());
    body.append(i == 0 ? "[" : ",")
        .append(R"({"op":"patch","id":")" + id + R"(","patch":{"y":1}})");
  }
  int races = 50;
  int reads = 0;
  book.store->before_find = [&] { ++reads; };
  book.store->before_commit = [&] {
    if (races <= 0) return;
    const int left = std::exchange(races, 0) - 1;
    book.service->update("id-7", Document::parse(R"({"n":)" + std::to_string(left) + "}"));
    races = left;
  };
  CHECK(batch(book.rest, body + "]").status == 200);
  CHECK(reads == 100 + 50);
  CHECK(book.service->get("id-7").document.text() == R"({"n":0,"y":1})");
  races = 1000;
  CHECK(batch(book.rest, body + "]").status == 503);
}

TEST_CASE("batch: each address is read once, when it is needed") {
  const Book book;
  std::string body;
  int reads = 0;
  book.store->before_find = [&] { ++reads; };
  SUBCASE("and large ones not all at once") {
    std::string expected;
    for (int i = 0; i < 12; ++i) {
      const std::string id = "id-" + std::to_string(i);
      const std::string text = std::string(300'000, 'x') + id;
      book.service->create(id, Document::parse(R"({"x":")" + text + "\"}"));
      const std::string op = i % 3 == 0   ? R"("replace","address":{})"
                             : i % 3 == 1 ? R"("patch","patch":{"y":1})"
                                          : R"("delete")";
      body.append(i == 0 ? "[" : ",").append(R"({"op":)" + op + R"(,"id":")" + id + "\"}");
    }
    CHECK(batch(book.rest, body + "]").status == 200);
    CHECK(reads == 12);
    for (int i = 0; i < 12; ++i) {
      const std::string id = "id-" + std::to_string(i);
      const auto entry = book.service->find(id);
      CHECK(entry.has_value() == (i % 3 != 2));
      if (i % 3 == 0) CHECK(entry.value().document.text() == "{}");
      if (i % 3 != 1) continue;
      CHECK(entry.value().document.text() ==
            R"({"x":")" + std::string(300'000, 'x') + id + R"(","y":1})");
    }
  }
  SUBCASE("and none for those that are new") {
    CHECK(batch(book.rest, R"([{"op":"create","id":"a","address":{}}])").status == 200);
    CHECK(reads == 0);
  }
  SUBCASE("and a fault is that of the first that needs one") {
    book.store->before_find = [&] {
      if (++reads == 1) test::fail_storage();
    };
    check_failed(batch(book.rest, R"([{"op":"create","address":{}},{"op":"create","address":{}},
                                      {"op":"delete","id":"a"},{"op":"delete","id":"b"}])"),
                 503, "The storage can't be reached", 2);
    CHECK(book.service->state().revision == 0);
  }
}

TEST_CASE("batch: needs the rights of all that it does") {
  Options options;
  std::vector<Action> allowed{Action::create, Action::update};
  std::vector<std::string> asked;
  options.authorize = [&](const addrbook::AccessRequest& access) {
    asked.emplace_back(access.id);
    for (const Action action : allowed) {
      if (access.action == action) return Access::allow("ann");
    }
    return Access::forbid("ann", "this token may not");
  };
  const Book book(options);
  book.service->create("a", Document());
  const std::string create = R"({"op":"create","address":{}})";
  const std::string update = R"({"op":"patch","id":"a","patch":{"x":1}})";
  const std::string remove = R"({"op":"delete","id":"a"})";
  CHECK(batch(book.rest, "[" + create + "," + update + "]").status == 200);
  CHECK(asked == std::vector<std::string>{"", "", "a"});
  check_failed(batch(book.rest, "[" + create + "," + remove + "]"), 403,
               "Forbidden: this token may not", 1);
  allowed = {Action::remove};
  check_failed(batch(book.rest, "[" + create + "]"), 403, "Forbidden: this token may not", 0);
  CHECK(batch(book.rest, "[" + remove + "]").status == 200);
  allowed = {Action::read};
  const Answer unread = batch(book.rest, "[" + create + "]");
  CHECK(unread.status == 403);
  CHECK_FALSE(unread.was_body_read);
  CHECK(book.log->back().user == "ann");
}

TEST_CASE("batch: of a full or stopped book") {
  const auto service =
      std::make_shared<Service>(std::make_shared<addrbook::MemoryStore>(),
                                std::vector<addrbook::Validator>{}, addrbook::ServiceOptions{2});
  const Rest rest = test::make_rest(service, {});
  service->create("a", Document());
  const std::string create = R"({"op":"create","address":{}})";
  const std::string full = "Insufficient Storage: the book may hold 2 addresses";
  check_failed(batch(rest, "[" + create + "," + create + "]"), 507, full, 1);
  CHECK(batch(rest, "[" + create + "," + create + R"(,{"op":"delete","id":"a"}])").status == 200);
  check_failed(batch(rest, "[" + create + "]"), 507, full, 0);
  service->stop();
  CHECK(batch(rest, R"([{"op":"delete","id":"a"}])").status == 404);
  CHECK(
      batch(rest, R"([{"op":"replace","id":")" + service->list().front().id + R"(","address":{}}])")
          .status == 503);
}

TEST_CASE("batch: the first write makes an absent book") {
  addrbook::BooksOptions limits;
  limits.max_entries = 1;
  const auto books = std::make_shared<addrbook::Books>(std::make_shared<addrbook::MemoryBooks>(),
                                                       std::vector<addrbook::Validator>(), limits);
  Options options;
  options.prefix = "/books/{book}/addresses";
  options.create_on_write = true;
  const Rest rest = test::make_rest(books, options);
  const auto in = [&](const std::string& name, const std::string& body) {
    return send(rest, "POST", "/books/" + name + "/addresses/_batch", body);
  };
  check_failed(in("ada", R"([{"op":"create","address":{}},{"op":"delete","id":"x"}])"), 404,
               "No such address: 'x'", 1);
  CHECK(in("ada", "[1]").status == 400);
  CHECK(in("ada", "[]").body == "[]");
  const std::string create = R"({"op":"create","address":{}})";
  check_failed(in("ada", "[" + create + "," + create + "]"), 507,
               "Insufficient Storage: the book may hold 1 address", 1);
  CHECK(send(rest, "PUT", "/books/ada/addresses/x", "{}").status == 404);
  CHECK(
      send(rest, "PUT", "/books/ada/addresses/x", "{}", {{"If-None-Match", "*"}, {"If-Match", "*"}})
          .status == 412);
  CHECK(books->find("ada") == nullptr);
  CHECK(in("ada", R"([{"op":"create","id":"x","address":{}}])").status == 200);
  CHECK(books->open("ada")->state().count == 1);
  const Answer made = send(rest, "PUT", "/books/bob/addresses/x", "{}", {{"If-None-Match", "*"}});
  CHECK(made.status == 201);
  CHECK(made.header("Location") == "/books/bob/addresses/x");
}

TEST_CASE("batch: patches that make large addresses are limited together") {
  addrbook::ServiceOptions limits;
  limits.max_document_bytes = 1000;
  const auto book = std::make_shared<addrbook::Service>(std::make_shared<addrbook::MemoryStore>(),
                                                        std::vector<addrbook::Validator>(), limits);
  const addrbook::Rest rest = test::make_rest(book, addrbook::Options{});
  const std::string text = "{}";
  std::string batch = "[";
  for (const std::string id : {"a", "b", "c"}) {
    book->create(id, addrbook::Document::parse(text));
    batch += (batch.size() > 1 ? "," : "") + (R"({"op":"patch","id":")" + id) +
             R"(","patch":{"note":")" + std::string(400, 'x') + "\"}}";
  }
  const auto answer = test::send(rest, "POST", "/addresses/_batch", batch + "]");
  CHECK(answer.status == 400);
  CHECK(answer.json()["index"] == 2);
  CHECK(answer.message() == "Invalid batch: the patched addresses have over 1000 bytes together");
  CHECK(book->get("a").document.text() == text);
}

TEST_CASE("batch: what it replaces and deletes has a limit, as writers of all books wait for it") {
  addrbook::ServiceOptions limits;
  limits.max_document_bytes = 1000;
  const auto service = std::make_shared<Service>(std::make_shared<FakeStore>(),
                                                 std::vector<addrbook::Validator>{}, limits);
  const Rest rest = test::make_rest(service, {});
  const std::string text = R"({"x":")" + std::string(400, 'x') + "\"}";
  for (const char* const id : {"a", "b", "c"}) service->create(id, Document::parse(text));
  const auto remove = [](const std::string& id) { return R"({"op":"delete","id":")" + id + "\"}"; };
  const Answer refused = batch(rest, "[" + remove("a") + "," + remove("b") + "," +
                                         R"({"op":"replace","id":"c","address":{}}])");
  CHECK(refused.status == 400);
  CHECK(refused.json()["index"] == 2);
  CHECK(refused.message() ==
        "Invalid batch: the addresses that it changes have over 1000 bytes together");
  CHECK(service->state().count == 3);
  CHECK(batch(rest, "[" + remove("a") + "," + remove("b") + "]").status == 200);
}

TEST_CASE("batch: one whose patches are always too late ends with 503, and does nothing") {
  const Book book;
  book.service->create("a", Document());
  book.service->create("b", Document());
  Service other(book.store);
  bool is_inside = false;
  book.store->before_commit = [&] {
    if (is_inside) return;
    is_inside = true;
    other.update("b", Document::parse(R"({"name":"Bob"})"));
    is_inside = false;
  };
  const Answer answer = batch(book.rest, R"([{"op":"delete","id":"a"},)"
                                         R"({"op":"patch","id":"b","patch":{"x":1}}])");
  CHECK(answer.status == 503);
  CHECK(answer.header("Retry-After") == "1");
  CHECK(book.service->find("a"));
  CHECK(book.service->get("b").document.text() == R"({"name":"Bob"})");
}

TEST_CASE("batch: an Idempotency-Key is refused, as it would not be heeded") {
  const Book book;
  const Answer answer =
      send(book.rest, "POST", "/addresses/_batch", "[]", {{"Idempotency-Key", "k"}});
  CHECK(answer.status == 400);
  CHECK(answer.message() ==
        "Idempotency-Key is for the POST of one address; here give each created address an 'id' "
        "of your own");
}
