#include <addrbook/tokens.hpp>

#include <addrbook/rest.hpp>

#include <unit/refusal.hpp>
#include <unit/rest_client.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using addrbook::Errc;
using addrbook::Error;
using addrbook::LogRecord;
using addrbook::Options;
using addrbook::Rest;
using addrbook::Service;
using addrbook::Token;
using test::Answer;
using test::Ask;
using test::Fields;

namespace {

const std::string reader = "reader-0123456789";
const std::string writer = "w.R~i+t/e-r_0123456789==";
const std::string realm = "Bearer realm=\"addrbook\"";
const std::string invalid = realm + ", error=\"invalid_token\"";
// The SHA-256 of "abc" (FIPS 180-2, appendix B.1), and of a million letters a (B.3).
const std::string sha256_of_abc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const std::string sha256_of_million_a =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

std::vector<Token> tokens() {
  return {{"grace", Token::Role::read, addrbook::hash_token(reader), ""},
          {"ada@example.com", Token::Role::write, "", writer}};
}

/// A book with one address, for which a token is needed.
struct Book {
  std::shared_ptr<Service> service = std::make_shared<Service>();
  std::string target = "/addresses/" + service->create(nlohmann::json{{"name", "Ada"}}).id;
  std::shared_ptr<std::vector<LogRecord>> log = std::make_shared<std::vector<LogRecord>>();
  Rest rest;

  explicit Book(const std::vector<Token>& with) : rest(test::make_rest(service, options(with))) {}

  [[nodiscard]] Options options(const std::vector<Token>& with) const {
    Options options;
    options.debug = true;  // shows all that is ever shown
    options.authorize = addrbook::bearer_tokens(with);
    options.log = [records = log](const LogRecord& record) { records->push_back(record); };
    return options;
  }
  [[nodiscard]] Answer ask(const std::string& method, const std::string& where,
                           const Fields& headers) const {
    Ask request;
    request.method = method;
    request.target = where;
    request.headers = headers;
    if (method == "POST" || method == "PUT") request.body = {"{}"};
    return test::ask(rest, request);
  }
};

std::string refusal(const std::vector<Token>& tokens) {
  return test::refusal([&] { static_cast<void>(addrbook::bearer_tokens(tokens)); });
}

}  // namespace

TEST_CASE("tokens: readers may read, writers may do everything, and the log has their names") {
  const Book book(tokens());
  const auto status = [&](const std::string& token, const std::string& method,
                          const std::string& where) {
    const Answer answer = book.ask(method, where, {{"Authorization", "Bearer " + token}});
    CHECK(answer.count("WWW-Authenticate") == 0);
    CHECK(answer.was_body_read == (answer.status != 403 && (method == "POST" || method == "PUT")));
    return answer.status;
  };
  CHECK(status(reader, "GET", "/addresses") == 200);
  CHECK(status(reader, "HEAD", book.target) == 200);
  CHECK(status(reader, "GET", "/addresses/absent") == 404);
  CHECK(status(reader, "POST", "/addresses") == 403);
  CHECK(status(reader, "PUT", book.target) == 403);
  CHECK(status(reader, "DELETE", book.target) == 403);
  CHECK(status(reader, "PUT", "/addresses/absent") == 403);
  for (const LogRecord& record : *book.log) CHECK(record.user == "grace");
  CHECK(book.service->state().revision == 1);

  book.log->clear();
  CHECK(status(writer, "GET", "/addresses") == 200);
  CHECK(status(writer, "POST", "/addresses") == 201);
  CHECK(status(writer, "PUT", book.target) == 204);
  CHECK(status(writer, "DELETE", book.target) == 204);
  for (const LogRecord& record : *book.log) CHECK(record.user == "ada@example.com");
  CHECK(book.service->state().revision == 4);
}

TEST_CASE("tokens: one that may only read says so") {
  const Book book(tokens());
  const Answer answer = book.ask("POST", "/addresses", {{"Authorization", "Bearer " + reader}});
  CHECK(answer.body.find("\"Forbidden: this token may only read\"") != std::string::npos);
}

TEST_CASE("tokens: roles, and the books that a token is for") {
  using addrbook::Action;
  const std::string admin = "admin-0123456789";
  const std::string family = "family-0123456789";
  const addrbook::BearerTokens bearers(
      {{"reader", Token::Role::read, "", reader},
       {"writer", Token::Role::write, "", writer},
       {"admin", Token::Role::admin, "", admin},
       {"family", Token::Role::admin, "", family, {"friends", "family"}}});
  const auto refusal_of = [&](const std::string& token, Action action, std::string_view book) {
    const std::string field = "Bearer " + token;
    addrbook::Request request;
    request.header = [&field](std::string_view) { return std::optional<std::string_view>(field); };
    const addrbook::Access access = bearers.authorize({action, "", request, book});
    CHECK(access.reason.empty() == (access.verdict == addrbook::Access::Verdict::allowed));
    return access.reason;
  };
  const std::string only_read = "this token may only read";
  const std::string needs_admin = "this needs a token with the role admin";
  for (const std::string book : {"", "any"}) {
    for (const Action action : {Action::create, Action::update, Action::remove}) {
      CHECK(refusal_of(reader, action, book) == only_read);
      CHECK(refusal_of(writer, action, book).empty());
      CHECK(refusal_of(admin, action, book).empty());
    }
    for (const Action action : {Action::manage, Action::observe}) {
      CHECK(refusal_of(reader, action, book) == needs_admin);
      CHECK(refusal_of(writer, action, book) == needs_admin);
      CHECK(refusal_of(admin, action, book).empty());
    }
    for (const std::string& token : {reader, writer, admin}) {
      CHECK(refusal_of(token, Action::read, book).empty());
    }
  }
  for (const Action action : {Action::read, Action::create, Action::manage}) {
    CHECK(refusal_of(family, action, "family").empty());
    CHECK(refusal_of(family, action, "friends").empty());
    for (const std::string book : {"famil", "family2", "Family", "work", "friend"}) {
      CHECK(refusal_of(family, action, book) == "this token is for other books");
    }
  }
  CHECK(refusal_of(family, Action::observe, "") == "this token is for some books only");
  CHECK(refusal_of(family, Action::read, "").empty());  // the list, which asks for each book
  CHECK(refusal({{"x", Token::Role::read, "", reader, {"../a"}}}) ==
        "token 1: one of its books is no name of a book");
}

TEST_CASE("tokens: they can be replaced while requests come") {
  addrbook::BearerTokens bearers(tokens());
  const auto is_allowed = [&](const std::string& token) {
    const std::string field = "Bearer " + token;
    addrbook::Request request;
    request.header = [&field](std::string_view) { return std::optional<std::string_view>(field); };
    return bearers.authorize({addrbook::Action::read, "", request}).verdict ==
           addrbook::Access::Verdict::allowed;
  };
  const std::string next = "another-0123456789";
  CHECK(is_allowed(reader));
  CHECK_FALSE(is_allowed(next));
  std::atomic<bool> has_ended{false};
  bool is_always_allowed = true;  // the writer stays
  std::thread client([&] {
    while (!has_ended.load()) is_always_allowed = is_always_allowed && is_allowed(writer);
  });
  const std::vector<Token> others{{"bob", Token::Role::read, "", next}, tokens()[1]};
  for (int i = 0; i < 200; ++i) bearers.replace(i % 2 == 0 ? tokens() : others);
  has_ended.store(true);
  client.join();
  CHECK(is_always_allowed);
  CHECK_FALSE(is_allowed(reader));
  CHECK(is_allowed(next));
  // What is refused leaves the old ones.
  CHECK_THROWS_AS(bearers.replace({{"bob", Token::Role::read, "", "short"}}), Error);
  CHECK(is_allowed(next));
  bearers.replace({});
  CHECK(bearers.empty());
  CHECK_FALSE(is_allowed(next));
}

TEST_CASE("tokens: the case of the scheme and white space around the token do not matter") {
  const Book book(tokens());
  for (const std::string& field : {"Bearer " + reader, "bearer " + reader, "BEARER " + reader,
                                   "Bearer   " + reader, " Bearer " + reader + " \t"}) {
    CAPTURE(field);
    CHECK(book.ask("GET", book.target, {{"authorization", field}}).status == 200);
  }
}

TEST_CASE("tokens: without a valid token the answer is 401, and no token is logged") {
  const Book book(tokens());
  const std::string secret = "not-the-token-0123456789";
  const std::vector<std::pair<Fields, std::string>> table{
      {{}, realm},
      {{{"Authorization", ""}}, realm},
      {{{"Authorization", " "}}, realm},
      {{{"Authorization", "Basic " + secret}}, realm},
      {{{"Authorization", secret}}, realm},
      {{{"Authorization", reader}}, realm},
      {{{"Authorization", "Bearer" + reader}}, realm},
      {{{"Authorization", "Token " + reader}}, realm},
      {{{"Proxy-Authorization", "Bearer " + reader}}, realm},
      {{{"Cookie", "access_token=" + reader}}, realm},
      {{{"Authorization", "Bearer"}}, invalid},
      {{{"Authorization", "Bearer "}}, invalid},
      {{{"Authorization", "Bearer " + secret}}, invalid},
      {{{"Authorization", "Bearer " + reader + "x"}}, invalid},
      {{{"Authorization", "Bearer " + reader.substr(1)}}, invalid},
      {{{"Authorization", "Bearer " + reader + "="}}, invalid},
      {{{"Authorization", "Bearer R" + reader.substr(1)}}, invalid},
      {{{"Authorization", "Bearer =="}}, invalid},
      {{{"Authorization", "Bearer " + reader + " " + reader}}, invalid},
      {{{"Authorization", "Bearer " + reader + ", Bearer " + reader}}, invalid},
      {{{"Authorization", "Bearer token=\"" + reader + "\""}}, invalid},
      {{{"Authorization", "Bearer " + secret + "\xC3\xA9"}}, invalid},
      {{{"Authorization", "Bearer " + reader}, {"Authorization", "Bearer " + reader}}, invalid},
      {{{"Authorization", "Bearer " + reader}, {"Authorization", "Basic x"}}, invalid},
      // A hash is not a token.
      {{{"Authorization", "Bearer " + addrbook::hash_token(reader)}}, invalid},
      {{{"Authorization", "Bearer " + std::string(5000, 'x')}}, invalid},
  };
  for (const auto& row : table) {
    const auto& headers = row.first;
    const auto& challenge = row.second;
    CAPTURE(headers.empty() ? "" : headers.front().second);
    for (const std::string method : {"GET", "POST", "DELETE"}) {
      book.log->clear();
      const Answer answer =
          book.ask(method, method == "DELETE" ? book.target : "/addresses", headers);
      CHECK(answer.status == 401);
      CHECK(answer.message() == "Unauthorized");
      CHECK(answer.header("WWW-Authenticate") == challenge);
      CHECK_FALSE(answer.was_body_read);
      REQUIRE(book.log->size() == 1);
      CHECK(book.log->front().user.empty());
      const std::string line = addrbook::to_logfmt(book.log->front());
      for (const std::string& each : {secret, reader, reader.substr(1)}) {
        CHECK(line.find(each) == std::string::npos);
        CHECK(answer.body.find(each) == std::string::npos);
      }
    }
  }
  // A token in the query does not count: it would end up in histories and logs.
  CHECK(book.ask("GET", "/addresses?access_token=" + reader, {}).status == 401);
  CHECK(book.service->state().revision == 1);
}

TEST_CASE("tokens: health, readiness and preflights need no token") {
  const Book book(tokens());
  CHECK(book.ask("GET", "/addresses/_health", {}).status == 200);
  CHECK(book.ask("GET", "/addresses/_ready", {}).status == 200);
  CHECK(book.ask("OPTIONS", book.target, {}).status == 204);
}

TEST_CASE("tokens: an empty list refuses everybody") {
  const Book book({});
  CHECK(book.ask("GET", "/addresses", {}).status == 401);
  CHECK(book.ask("GET", "/addresses", {{"Authorization", "Bearer x"}}).status == 401);
}

TEST_CASE("tokens: a hash is the SHA-256 of the token, in either case") {
  const auto hash = addrbook::detail::sha256("abc");
  CHECK(addrbook::detail::hex({reinterpret_cast<const char*>(hash.data()), hash.size()}) ==
        sha256_of_abc);
  const std::string million(1'000'000, 'a');
  CHECK(addrbook::hash_token(million) == sha256_of_million_a);
  std::string upper = sha256_of_million_a;
  for (char& c : upper) c = static_cast<char>(c >= 'a' ? c - ('a' - 'A') : c);
  const Book book({{"a", Token::Role::read, upper, ""}});
  CHECK(book.ask("GET", "/addresses", {{"Authorization", "Bearer " + million}}).status == 200);
}

TEST_CASE("tokens: an invalid token is refused with its position, and not shown") {
  using Role = Token::Role;
  const std::string name = "token 2: its name must be 1 to 64 of [A-Za-z0-9._@-]";
  const std::string alphabet = "must be of [A-Za-z0-9-._~+/], with = at its end only";
  const std::string digits = "token 2: its sha256 must be 64 hex digits";
  const std::string neither = "token 2: needs either the token or its SHA-256, not both";
  const std::vector<std::pair<Token, std::string>> table{
      {{"", Role::read, "", writer}, name},
      {{std::string(65, 'x'), Role::read, "", writer}, name},
      {{"a b", Role::read, "", writer}, name},
      {{"a\r\nuser=root", Role::read, "", writer}, name},
      {{"a:b", Role::read, "", writer}, name},
      {{"x", Role::read, "", ""}, neither},
      {{"x", Role::read, sha256_of_abc, writer}, neither},
      {{"x", Role::read, "", "fifteen-letters"}, "token 2: is shorter than 16 characters"},
      {{"x", Role::read, "", "sixteen letters!"}, "token 2: " + alphabet},
      {{"x", Role::read, "", "sixteen=letters_"}, "token 2: " + alphabet},
      {{"x", Role::read, "", "================"}, "token 2: " + alphabet},
      {{"x", Role::read, sha256_of_abc.substr(1), ""}, digits},
      {{"x", Role::read, sha256_of_abc + "0", ""}, digits},
      {{"x", Role::read, "g" + sha256_of_abc.substr(1), ""}, digits},
      {{"x", Role::read, std::string(64, '\0'), ""}, digits},
      {{"first", Role::write, "", writer}, "token 2: its name is given twice"},
      {{"x", Role::write, "", reader}, "token 2: is the same token as that of 'first'"},
      {{"x", Role::write, addrbook::hash_token(reader), ""},
       "token 2: is the same token as that of 'first'"},
      {{"x", Role::read, "", "sixteen-letters_"}, "accepted"},
  };
  for (const auto& row : table) {
    CAPTURE(row.first.name);
    CAPTURE(row.first.text);
    CHECK(refusal({{"first", Role::read, "", reader}, row.first}) == row.second);
  }
  CHECK(test::refusal([] { static_cast<void>(addrbook::hash_token("")); }) ==
        "a token must not be empty");
  CHECK(test::refusal([] { static_cast<void>(addrbook::hash_token("short")); }) ==
        "a token is shorter than 16 characters");
  CHECK(test::refusal([] { static_cast<void>(addrbook::hash_token("with, a comma inside")); }) ==
        "a token " + alphabet);
}
