#include <addrbook/rest/status.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using nlohmann::json;
using namespace std::string_literals;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

TEST_CASE("status: health says that the book answers, ready that it can be used") {
  const Book book;
  const std::string pass = R"({"status":"pass"})";
  for (const std::string target : {"/addresses/_health", "/addresses/_ready"}) {
    const Answer answer = get(book.rest, target);
    CHECK(answer.status == 200);
    CHECK(answer.body == pass);
    CHECK(answer.header("Content-Type") == "application/json; charset=UTF-8");
  }
  SUBCASE("a stopped book") {
    book.service->stop();
    CHECK(get(book.rest, "/addresses/_health").status == 200);
    const Answer answer = get(book.rest, "/addresses/_ready");
    check_error(answer, "GET", "/addresses/_ready", 503, "Not ready: the service is stopped");
    CHECK(answer.header("Retry-After") == "1");
    book.service->start();
    CHECK(get(book.rest, "/addresses/_ready").status == 200);
  }
  SUBCASE("a store that can't be reached") {
    book.store->before_page = test::fail_storage;
    CHECK(get(book.rest, "/addresses/_health").status == 200);
    check_error(get(book.rest, "/addresses/_ready"), "GET", "/addresses/_ready", 503,
                "The storage can't be reached");
    REQUIRE(book.log->size() >= 2);
    CHECK((*book.log)[book.log->size() - 2].kind == LogRecord::Kind::fault);
  }
}
