#include <addrbook/rest/idempotency.hpp>

#include <addrbook/rest.hpp>

#include <support/parallel.hpp>
#include <unit/rest_book.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

using addrbook::Access;
using addrbook::AccessRequest;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

Answer post_with(const Book& book, const std::string& key, const std::string& body = ada) {
  return post(book.rest, body, {{"Idempotency-Key", key}});
}

}  // namespace

TEST_CASE("idempotency: the same request again has the same answer, and creates nothing") {
  const Book book;
  const Answer first = post_with(book, "\"8e03978e\"");
  CHECK(first.status == 201);
  const Answer again = post_with(book, "\"8e03978e\"");
  CHECK(again.status == 201);
  CHECK(again.header("Location") == first.header("Location"));
  CHECK(again.header("ETag") == first.header("ETag"));
  CHECK(post_with(book, "8e03978e").header("Location") == first.header("Location"));
  CHECK(post_with(book, "8e03978e", " " + ada).header("Location") == first.header("Location"));
  CHECK(book.store->true_state().count == 1);
  CHECK(post_with(book, "8e03978f").header("Location") != first.header("Location"));
  CHECK(post(book.rest, ada).header("Location") != first.header("Location"));
  CHECK(book.store->true_state().count == 3);
}

TEST_CASE("idempotency: the answer stays when the address was changed or removed since") {
  const Book book;
  const Answer first = post_with(book, "k");
  const std::string target = first.header("Location");
  CHECK(send(book.rest, "PUT", target, "{}").status == 204);
  CHECK(post_with(book, "k").header("ETag") == first.header("ETag"));
  CHECK(send(book.rest, "DELETE", target, "").status == 204);
  const Answer again = post_with(book, "k");
  CHECK(again.status == 201);
  CHECK(again.header("Location") == target);
  CHECK(book.store->true_state().count == 0);
}

TEST_CASE("idempotency: another body under the same key is refused") {
  const Book book;
  CHECK(post_with(book, "k").status == 201);
  const Answer other = post_with(book, "k", R"({"name":"Grace"})");
  check_error(other, "POST", "/addresses", 422, "The key was used for another address before");
  CHECK(book.store->true_state().count == 1);
}

TEST_CASE("idempotency: a refused request does not use up its key") {
  Options options;
  const Book book(options, {[](const Document& address) -> std::optional<addrbook::Violation> {
                    if (address.text() == "{}") return addrbook::Violation{"", "is empty"};
                    return std::nullopt;
                  }});
  CHECK(post_with(book, "k", "{").status == 400);
  CHECK(post_with(book, "k", "{}").status == 400);
  CHECK(post_with(book, "k").status == 201);
}

TEST_CASE("idempotency: a key is its user's own") {
  Options options;
  options.authorize = [](const AccessRequest& access) {
    return Access::allow(std::string(access.request.header("Authorization").value_or("")));
  };
  const Book book(options);
  const auto id = [&](const std::string& user, const std::string& key) {
    const Answer answer = post(book.rest, ada, {{"Idempotency-Key", key}, {"Authorization", user}});
    CHECK(answer.status == 201);
    return answer.id();
  };
  CHECK(id("ann", "k") == id("ann", "k"));
  CHECK(id("ann", "k") != id("bob", "k"));
  CHECK(id("", "k") != id("ann", "k"));
  CHECK(id("a", "b k") != id("a b", "k"));
  CHECK(post(book.rest, ada, {{"Idempotency-Key", "k"}, {"Authorization", std::string(257, 'x')}})
            .status == 400);
}

TEST_CASE("idempotency: what is not a key is refused") {
  const Book book;
  for (const std::string& key :
       std::vector<std::string>{"", "\"\"", "a\tb", "J\xC3\xBCrgen", std::string(256, 'k')}) {
    CAPTURE(key);
    const Answer answer = post_with(book, key);
    check_error(answer, "POST", "/addresses", 400,
                "Invalid Idempotency-Key: it needs 1 to 255 printable ASCII characters");
  }
  CHECK(post_with(book, std::string(255, 'k')).status == 201);
  CHECK(post_with(book, "\"").status == 201);
}

TEST_CASE("idempotency: many at once make one address") {
  Options options;
  options.log = [](const LogRecord&) {};  // the fixture's own is for one thread
  const Book book(options);
  std::vector<Answer> answers(20);
  CHECK(run_parallel(answers.size(), [&](std::size_t i) {
          answers[i] = post_with(book, "k");
        }).empty());
  std::set<std::string> locations;
  for (const Answer& answer : answers) {
    CHECK(answer.status == 201);
    locations.insert(answer.header("Location") + " " + answer.header("ETag"));
  }
  CHECK(locations.size() == 1);
  CHECK(book.store->true_state().count == 1);
}
