#include <addrbook/rest/address.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using nlohmann::json;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

TEST_CASE("address: POST makes an address, and says where") {
  const Book book;
  const Answer answer = post(book.rest, " { \"z\" : 1.0 , \"a\" : 1e400 }\n");
  CHECK(answer.status == 201);
  CHECK(answer.body.empty());
  CHECK(answer.id().size() == 32);
  CHECK(answer.header("Location") == "/addresses/" + answer.id());
  CHECK(answer.header("ETag") == tag_of(book, 1));
  CHECK(book.service->get(answer.id()).document.text() == R"({"z":1.0,"a":1e400})");

  const Answer got = get(book.rest, answer.header("Location"));
  CHECK(got.status == 200);
  CHECK(got.header("Content-Type") == "application/json; charset=UTF-8");
  CHECK(got.header("ETag") == answer.header("ETag"));
  CHECK(got.body == R"({"z":1.0,"a":1e400})");
}

TEST_CASE("address: PUT replaces an address") {
  const Book book;
  const std::string target = book.add();
  const Answer answer = send(book.rest, "PUT", target, R"({ "name": "Ada B." })");
  CHECK(answer.status == 204);
  CHECK(answer.body.empty());
  CHECK(answer.header("ETag") == tag_of(book, 2));
  CHECK(answer.header("Location") == "(absent)");
  CHECK(get(book.rest, target).body == R"({"name":"Ada B."})");
  CHECK(get(book.rest, target).header("ETag") == tag_of(book, 2));
  check_error(send(book.rest, "PUT", absent, ada), "PUT", absent, 404,
              "No such address: '" + absent_id + "'");
  CHECK(book.service->state().revision == 2);
}

TEST_CASE("address: DELETE removes an address, once") {
  const Book book;
  const std::string target = book.add();
  const std::string id = target.substr(target.rfind('/') + 1);
  const Answer answer = ask(book.rest, asking("DELETE", target));
  CHECK(answer.status == 204);
  CHECK(answer.body.empty());
  CHECK(answer.count("ETag") == 0);
  for (const std::string method : {"DELETE", "GET"}) {
    check_error(ask(book.rest, asking(method, target)), method, target, 404,
                "No such address: '" + id + "'");
  }
  check_error(send(book.rest, "PUT", target, ada), "PUT", target, 404,
              "No such address: '" + id + "'");
  CHECK(get(book.rest, "/addresses").body == "{}");
}

TEST_CASE("address: If-None-Match of an address") {
  const Book book;
  const std::string target = book.add();
  const std::string tag = get(book.rest, target).header("ETag");
  CHECK(tag == tag_of(book, 1));
  for (const std::string& match : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
    for (const std::string method : {"GET", "HEAD"}) {
      CAPTURE(match);
      const Answer answer = ask(book.rest, asking(method, target, {{"If-None-Match", match}}));
      CHECK(answer.status == 304);
      CHECK(answer.body.empty());
      CHECK(answer.header("ETag") == tag);
      CHECK(answer.count("Content-Type") == 0);
      check_common_headers(answer);
    }
  }
  for (const std::string& match : {std::string("\"x\""), tag_of(book, 2), std::string(),
                                   tag.substr(1, tag.size() - 2), "\"" + tag}) {
    CAPTURE(match);
    const Answer answer = get(book.rest, target, {{"If-None-Match", match}});
    CHECK(answer.status == 200);
    CHECK(answer.body == ada);
  }
  book.service->update(target.substr(11), Document());
  CHECK(get(book.rest, target, {{"If-None-Match", tag}}).status == 200);
  CHECK(get(book.rest, absent, {{"If-None-Match", "*"}}).status == 404);
  // Two fields of one name are one list.
  const Fields two{{"If-None-Match", "\"x\""}, {"If-None-Match", tag_of(book, 2)}};
  CHECK(get(book.rest, target, two).status == 304);
  // Another book's tag of the same revision is another tag.
  const Book other;
  static_cast<void>(other.add());
  CHECK(get(book.rest, target, {{"If-None-Match", tag_of(other, 2)}}).status == 200);
}

TEST_CASE("address: Range is ignored") {
  const Book book;
  const std::string target = book.add();
  const Answer answer = get(book.rest, target, {{"Range", "bytes=0-3"}});
  CHECK(answer.status == 200);
  CHECK(answer.body == ada);
}

TEST_CASE("address: a write of which the fault comes after it is not reported as failed") {
  // head() is asked for the epoch; were it asked after the write, its fault would answer 503 for
  // what has been done.
  const Book book;
  const std::string target = book.add();
  book.store->after_commit = [&] { book.store->before_state = test::fail_storage; };
  CHECK(post(book.rest, ada).status == 201);
  book.store->before_state = [] {};
  CHECK(send(book.rest, "PUT", target, "{}").status == 204);
  book.store->before_state = [] {};
  CHECK(ask(book.rest, asking("DELETE", target)).status == 204);
}
