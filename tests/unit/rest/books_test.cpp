// Many books over HTTP, without sockets.

#include <addrbook/rest/books.hpp>

#include <addrbook/books.hpp>
#include <addrbook/rest.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::Access;
using addrbook::AccessRequest;
using addrbook::Action;
using addrbook::Books;
using addrbook::BooksOptions;
using addrbook::Errc;
using addrbook::Error;
using addrbook::MemoryBooks;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

namespace {

const std::string prefix = "/books/{book}/addresses";

std::string of(const std::string& book) {
  return "/books/" + book + "/addresses";
}

/// A MemoryBooks as another process sees it that shares the storage: the test can act on it.
class SharedBooks final : public addrbook::BookStore {
 public:
  explicit SharedBooks(std::shared_ptr<MemoryBooks> books) : books_(std::move(books)) {}

  bool is_broken = false;
  std::size_t opened = 0;
  std::size_t listed = 0;  // names

 private:
  std::shared_ptr<addrbook::Store> do_open(std::string_view name) override {
    if (is_broken) fail_storage();
    ++opened;
    return books_->open(name);
  }
  Created do_create(std::string_view name, std::uint64_t max_books) override {
    if (is_broken) fail_storage();
    return books_->create(name, max_books);
  }
  Removal do_remove(std::string_view name, const Condition& condition) override {
    return books_->remove(name, condition);
  }
  [[nodiscard]] addrbook::BookList do_list(std::string_view after,
                                           std::size_t limit) const override {
    if (is_broken) fail_storage();
    auto list = books_->list(after, limit);
    const_cast<SharedBooks*>(this)->listed += list.books.size();
    return list;
  }

  std::shared_ptr<MemoryBooks> books_;
};

/// Many books over HTTP whose storage and log the test can see.
struct Many {
  std::shared_ptr<MemoryBooks> storage = std::make_shared<MemoryBooks>();
  std::shared_ptr<SharedBooks> store = std::make_shared<SharedBooks>(storage);
  std::shared_ptr<Books> books;
  std::shared_ptr<std::vector<LogRecord>> log = std::make_shared<std::vector<LogRecord>>();
  Rest rest;

  explicit Many(Options options = by_path(), const BooksOptions& limits = {},
                std::vector<addrbook::Validator> validators = {})
      : books(std::make_shared<Books>(store, std::move(validators), limits)),
        rest(test::make_rest(books, with_log(std::move(options)))) {}

  [[nodiscard]] static Options by_path() {
    Options options;
    options.prefix = prefix;
    return options;
  }
  [[nodiscard]] Options with_log(Options options) const {
    options.log = [records = log](const LogRecord& record) { records->push_back(record); };
    return options;
  }
  [[nodiscard]] Answer ask(const std::string& method, const std::string& target,
                           const Fields& headers = {}, const std::string& body = "") const {
    return test::ask(rest, asking(method, target, headers, {body}));
  }
  [[nodiscard]] int status(const std::string& method, const std::string& target,
                           const std::string& body = "") const {
    return ask(method, target, {}, body).status;
  }
  /// Puts an address in. @returns its target
  [[nodiscard]] std::string add(const std::string& book, const std::string& text = ada) const {
    const auto entry = books->create(book).book->create(Document::parse(text));
    return of(book) + "/" + entry.id;
  }
  [[nodiscard]] bool has(const std::string& book) const { return books->find(book) != nullptr; }
};

std::vector<std::string> names_in(const Answer& answer) {
  std::vector<std::string> names;
  for (const auto& book : answer.json()) names.push_back(book["name"].get<std::string>());
  return names;
}

/// The target of rel="next"; "" if there is none.
std::string next_of(const Answer& answer) {
  const std::string link = answer.header("Link");
  if (link == "(absent)") return "";
  const std::string end = ">; rel=\"next\"";
  REQUIRE(link.front() == '<');
  REQUIRE(link.size() > end.size());
  CHECK(link.substr(link.size() - end.size()) == end);
  return link.substr(1, link.size() - end.size() - 1);
}

/// Lets a user, named by Authorization, do everything with the books whose names begin with theirs.
Access own_books(const AccessRequest& access) {
  const std::string user(access.request.header("Authorization").value_or(""));
  if (user.empty()) return Access::unauthenticated();
  return access.book.substr(0, user.size()) == user || access.book.empty() ? Access::allow(user)
                                                                           : Access::forbid(user);
}

}  // namespace

TEST_CASE("rest/books: either the prefix or the program names the book") {
  const auto code_of = [](auto books_or_book, const std::string& where, bool is_named) {
    Options options;
    options.prefix = where;
    if (is_named) options.book = [](const Access&, const addrbook::Request&) { return "ada"; };
    try {
      const Rest rest = test::make_rest(std::move(books_or_book), options);
    } catch (const Error& error) {
      return std::optional(error.code());
    }
    return std::optional<Errc>();
  };
  const auto books = [] { return std::make_shared<Books>(); };
  const auto book = [] { return std::make_shared<Service>(); };
  CHECK_FALSE(code_of(books(), prefix, false).has_value());
  CHECK_FALSE(code_of(books(), "/addresses", true).has_value());
  CHECK(code_of(books(), "/addresses", false) == Errc::invalid);
  CHECK(code_of(books(), prefix, true) == Errc::invalid);
  CHECK(code_of(books(), "/books/{book}", false) == Errc::invalid);
  CHECK(code_of(books(), "/{book}/addresses", false) == Errc::invalid);
  CHECK(code_of(std::shared_ptr<Books>(), prefix, false) == Errc::invalid);
  CHECK(code_of(book(), prefix, false) == Errc::invalid);
  CHECK(code_of(book(), "/addresses", true) == Errc::invalid);
  Options options;
  options.create_on_write = true;
  CHECK_THROWS_AS(test::make_rest(book(), options), Error);
}

TEST_CASE("rest/books: a book is made, used, and removed with all that is in it") {
  const Many host;
  const Answer made = host.ask("PUT", "/books/ada");
  CHECK(made.status == 201);
  CHECK(made.header("Location") == "/books/ada");
  CHECK(made.body.empty());
  check_common_headers(made);
  CHECK(host.status("PUT", "/books/ada/", "a body that nobody reads") == 204);
  const Answer created = host.ask("POST", of("ada"), {}, ada);
  REQUIRE(created.status == 201);
  const std::string target = created.header("Location");
  CHECK(target == of("ada") + "/" + created.id());
  CHECK(host.ask("GET", target).body == ada);
  CHECK(host.status("PUT", target, R"({"name":"Ada"})") == 204);
  CHECK(host.ask("GET", of("ada")).json().size() == 1);
  const Answer state = host.ask("GET", "/books/ada");
  CHECK(state.body == R"({"name":"ada","count":1,"revision":2})");
  CHECK(host.ask("GET", "/books/ada", {{"If-None-Match", state.header("ETag")}}).status == 304);
  CHECK(host.status("DELETE", target) == 204);
  CHECK(host.ask("GET", "/books/ada", {{"If-None-Match", state.header("ETag")}}).status == 200);
  CHECK(host.status("DELETE", "/books/ada") == 204);
  for (const std::string& path : {of("ada"), target, std::string("/books/ada")}) {
    check_error(host.ask("GET", path), "GET", path, 404, "No such book: 'ada'");
  }
  check_error(host.ask("DELETE", "/books/ada"), "DELETE", "/books/ada", 404, "No such book: 'ada'");
  CHECK(host.status("PUT", "/books/ada") == 201);
  CHECK(host.ask("GET", of("ada")).body == "{}");
}

TEST_CASE("rest/books: _health and _ready are the mount's") {
  const Many host;
  CHECK(host.ask("GET", "/books/_health").body == R"({"status":"pass"})");
  CHECK(host.status("GET", "/books/_ready") == 200);
  CHECK(host.rest.is_instant("GET", "/_health"));
  for (const std::string path : {"/books/ada/addresses/_health", "/books/ada/_ready"}) {
    CHECK(host.ask("GET", path).message() == "Unknown Endpoint");
  }
  host.store->is_broken = true;
  CHECK(host.status("GET", "/books/_ready") == 503);
  CHECK(host.status("GET", "/books/_health") == 200);
  CHECK(host.status("GET", of("ada")) == 503);
  CHECK(host.status("GET", "/books") == 503);
  host.store->is_broken = false;
  host.books->stop();
  CHECK(host.status("GET", "/books/_ready") == 503);
  CHECK(host.status("PUT", "/books/ada") == 503);
}

TEST_CASE("rest/books: methods") {
  const Many host;
  const auto allow = [&](const std::string& target) {
    return host.ask("OPTIONS", target).header("Allow");
  };
  CHECK(allow("/books") == "GET, HEAD, OPTIONS");
  CHECK(allow("/books/ada") == "DELETE, GET, HEAD, OPTIONS, PUT");
  CHECK(allow(of("ada")) == "GET, HEAD, OPTIONS, POST");
  CHECK(allow(of("ada") + "/x") == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT");
  CHECK(host.ask("POST", "/books").header("Allow") == "GET, HEAD, OPTIONS");
  CHECK(host.status("POST", "/books/ada", ada) == 405);
  CHECK(host.status("PATCH", "/books/ada") == 405);
  CHECK(host.status("GET", "/books?x=1") == 400);
  CHECK(host.status("PUT", "/books/ada?limit=1") == 400);
  CHECK_FALSE(host.has("ada"));
}

TEST_CASE(
    "rest/books: names are compared byte by byte, after decoding, and nothing makes segments") {
  const Many host;
  const std::string target = host.add("ada");
  const std::string id = target.substr(target.rfind('/') + 1);
  for (const std::string name : {"ada", "%61da", "%61%64%61"}) {
    CHECK(host.ask("GET", of(name) + "/" + id).body == ada);
  }
  for (const std::string name : {"Ada", "ADA", "ad", "adaa", "ada.", "ada%2B"}) {
    CAPTURE(name);
    CHECK(host.ask("GET", of(name) + "/" + id).status == 404);
    CHECK(host.ask("GET", of(name) + "/" + id).message().substr(0, 13) == "No such book:");
  }
  for (const std::string name :
       {".",   "..",      "%2e%2e",     "_ada",        "-ada",           "~ada",
        "+",   "@",       "ada%00",     "%00",         "ada%20",         "a%2Fb",
        "%2F", "",        "ad\xC3\xA1", "%EF%BC%A1da", "ada%2F..%2Fada", "ada,b",
        "%25", "%2561da", "{book}",     "%7Bbook%7D"}) {
    CAPTURE(name);
    for (const std::string& path : {of(name), of(name) + "/" + id, "/books/" + name + "//"}) {
      CAPTURE(path);
      CHECK(host.ask("GET", path).message() == "Unknown Endpoint");
    }
    if (!name.empty()) CHECK(host.ask("PUT", "/books/" + name).status == 404);
  }
  for (const std::string& path : std::vector<std::string>{
           "/books/ada%2Faddresses", "/books/ada%2faddresses/" + id, "/books/ada/addresses%2F" + id,
           "/books%2Fada/addresses", "/books%2Fada", "/books/ada%2F", "/books%2F",
           "/books/ada/addresses%2F", "/books/%5F%2F_health", "/books%2F_health"}) {
    CAPTURE(path);
    CHECK(host.ask("GET", path).message() == "Unknown Endpoint");
  }
  for (const std::string path : {"/books/ada%2Faddresses", "/books/x%2F", "/books%2Fx"}) {
    CHECK(host.status("POST", path, ada) == 404);
    CHECK(host.status("PUT", path) == 404);
    CHECK(host.status("DELETE", path) == 404);
  }
  CHECK(host.books->list().books.size() == 1);
  const std::string longest(128, 'x');
  CHECK(host.status("PUT", "/books/" + longest) == 201);
  CHECK(host.status("PUT", "/books/" + longest + "x") == 404);
  for (const std::string name : {"0", "a.b_c~d@e+f-g", "ada@example.com", "%41.", "a%40b"}) {
    CAPTURE(name);
    CHECK(host.status("PUT", "/books/" + name) == 201);
    const Answer made = host.ask("POST", of(name), {}, ada);
    CHECK(made.status == 201);
    CHECK(host.ask("GET", made.header("Location")).body == ada);
  }
  CHECK(host.ask("PUT", "/books/x%40y").header("Location") == "/books/x@y");
}

TEST_CASE("rest/books: of several reasons to refuse the first counts") {
  Options options = Many::by_path();
  options.max_body_bytes = 100;
  options.authorize = [](const AccessRequest& access) {
    return access.book == "secret" ? Access::forbid() : Access::allow();
  };
  const Many host(options);
  REQUIRE(host.status("PUT", "/books/ada") == 201);
  const Fields bad_type{{"Content-Type", "text/html"}};
  const std::string big(101, ' ');
  const auto status = [&](const std::string& method, const std::string& target,
                          const Fields& headers, const std::string& body) {
    return host.ask(method, target, headers, body).status;
  };
  CHECK(status("BREW", "/books/none/x", bad_type, big) == 404);
  CHECK(status("BREW", of("none"), bad_type, big) == 405);
  CHECK(status("POST", of("secret"), bad_type, big) == 403);
  CHECK(status("POST", of("none"), bad_type, big) == 404);
  CHECK(status("PUT", of("none") + "/x", {}, big) == 404);
  CHECK(status("DELETE", of("none") + "/x?y", {}, "") == 404);
  CHECK(status("POST", of("ada"), bad_type, big) == 415);
  CHECK(status("POST", of("ada"), {}, big) == 413);
  CHECK(status("POST", of("ada"), {}, "[]") == 400);
  CHECK_FALSE(host.ask("POST", of("none"), {}, ada).was_body_read);
  // A missing book comes before the condition on it.
  CHECK(status("DELETE", "/books/none", {{"If-Match", "\"x\""}}, "") == 404);
}

TEST_CASE("rest/books: the removal of a book can have a condition") {
  const Many host;
  const std::string target = host.add("ada");
  const std::string tag = host.ask("GET", "/books/ada").header("ETag");
  CHECK(host.status("DELETE", target) == 204);
  const Answer refused = host.ask("DELETE", "/books/ada", {{"If-Match", tag}});
  check_error(refused, "DELETE", "/books/ada", 412, "Not the expected revision: 'ada'");
  CHECK(host.has("ada"));
  const std::string now = host.ask("GET", "/books/ada").header("ETag");
  CHECK(host.ask("DELETE", "/books/ada", {{"If-Match", tag + ", W/" + now}}).status == 204);
  CHECK(host.status("PUT", "/books/ada") == 201);
  CHECK(host.ask("DELETE", "/books/ada", {{"If-Match", now}}).status == 412);  // another book
  CHECK(host.ask("DELETE", "/books/ada", {{"If-Match", "*"}}).status == 204);
}

TEST_CASE(
    "rest/books: create_on_write makes a book for its first valid address, and for nothing else") {
  const auto named = [](const Document& document) -> std::optional<addrbook::Violation> {
    if (document.text().find("name") != std::string::npos) return std::nullopt;
    return addrbook::Violation{"/name", "is missing"};
  };
  Options options = Many::by_path();
  options.create_on_write = true;
  options.max_body_bytes = 1000;
  BooksOptions limits;
  limits.max_books = 2;
  const Many host(options, limits, {named});
  const std::string id(32, 'a');
  CHECK(host.status("GET", of("new")) == 404);
  CHECK(host.status("GET", "/books/new") == 404);
  CHECK(host.status("PUT", of("new") + "/" + id, ada) == 404);
  CHECK(host.status("DELETE", of("new") + "/" + id) == 404);
  CHECK(host.status("POST", of("new"), "[]") == 400);
  CHECK(host.status("POST", of("new"), "{}") == 400);
  CHECK(host.ask("POST", of("new"), {{"Idempotency-Key", std::string(300, 'k')}}, ada).status ==
        400);
  CHECK(host.status("POST", of("new") + "/_batch", "[]") == 200);
  CHECK(!host.has("new"));
  CHECK(host.status("POST", of("new"), std::string(1001, ' ')) == 413);
  CHECK(host.status("POST", of("new") + "?x=1", ada) == 400);
  CHECK(host.ask("POST", of("new"), {{"Content-Type", "text/html"}}, ada).status == 415);
  CHECK(host.status("POST", of("_new"), ada) == 404);
  CHECK_FALSE(host.has("new"));
  const Answer made = host.ask("POST", of("new"), {}, ada);
  CHECK(made.status == 201);
  CHECK(host.ask("GET", made.header("Location")).body == ada);
  CHECK(host.status("POST", of("new"), ada) == 201);
  CHECK(host.books->find("new")->state().count == 2);
  CHECK(host.status("POST", of("two"), ada) == 201);
  check_error(host.ask("POST", of("three"), {}, ada), "POST", of("three"), 507,
              "Insufficient Storage: there may be 2 books");
  CHECK(host.status("PUT", "/books/three") == 507);
  CHECK(host.status("PUT", "/books/two") == 204);
  host.books->stop();
  CHECK(host.status("POST", of("three"), ada) == 503);
  CHECK(host.books->list().books.size() == 2);
}

TEST_CASE("rest/books: a book that another process removes while it is used") {
  Options options = Many::by_path();
  SUBCASE("it is gone") {
    const Many host(options);
    const std::string target = host.add("ada");
    const std::vector<std::pair<std::string, std::string>> requests{
        {"GET", of("ada")}, {"POST", of("ada")}, {"GET", target},
        {"PUT", target},    {"DELETE", target},  {"GET", "/books/ada"}};
    for (const auto& row : requests) {
      CAPTURE(row.first);
      static_cast<void>(host.books->create("ada").book->create(Document::parse(ada)));
      host.storage->remove("ada");
      check_error(host.ask(row.first, row.second, {}, ada), row.first, row.second, 404,
                  "No such book: 'ada'");
    }
    CHECK_FALSE(host.has("ada"));
  }
  SUBCASE("it is made again") {
    const Many host(options);
    const auto remake = [&] {
      static_cast<void>(host.books->create("ada").book->state());
      host.storage->remove("ada");
      static_cast<void>(host.storage->create("ada"));
    };
    remake();
    CHECK(host.ask("GET", of("ada")).body == "{}");
    remake();
    CHECK(host.ask("GET", "/books/ada").body == R"({"name":"ada","count":0,"revision":0})");
    remake();
    const Answer made = host.ask("POST", of("ada"), {}, ada);
    CHECK(made.status == 201);
    CHECK(host.ask("GET", made.header("Location")).body == ada);
    remake();
    CHECK(host.ask("PUT", made.header("Location"), {}, ada).message() ==
          "No such address: '" + made.id() + "'");
    CHECK(host.ask("DELETE", made.header("Location")).status == 404);
  }
  SUBCASE("a write makes it again") {
    options.create_on_write = true;
    const Many host(options);
    static_cast<void>(host.add("ada"));
    host.storage->remove("ada");
    CHECK(host.status("POST", of("ada"), "[]") == 400);
    CHECK_FALSE(host.storage->open("ada"));
    const Answer made = host.ask("POST", of("ada"), {}, ada);
    CHECK(made.status == 201);
    CHECK(host.ask("GET", of("ada")).json().size() == 1);
  }
}

TEST_CASE("rest/books: authorisation is asked with the name of the book, before it is looked up") {
  struct Asked {
    Action action;
    std::string book;
    std::string id;
  };
  std::vector<Asked> asked;
  Options options = Many::by_path();
  options.authorize = [&](const AccessRequest& access) {
    asked.push_back({access.action, std::string(access.book), std::string(access.id)});
    return Access::forbid("mallory");
  };
  const Many host(options);
  host.books->create("ada");
  host.store->opened = 0;
  const auto check = [&](const std::string& method, const std::string& target, Action action,
                         const std::string& book, const std::string& id) {
    CAPTURE(target);
    asked.clear();
    CHECK(host.status(method, target, "{}") == 403);
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].action == action);
    CHECK(asked[0].book == book);
    CHECK(asked[0].id == id);
    CHECK(host.log->back().book == book);
    CHECK(host.log->back().user == "mallory");
  };
  check("GET", "/books", Action::read, "", "");
  for (const std::string book : {"ada", "none"}) {
    check("PUT", "/books/" + book, Action::manage, book, "");
    check("DELETE", "/books/" + book, Action::manage, book, "");
    check("GET", "/books/" + book, Action::read, book, "");
    check("HEAD", of(book), Action::read, book, "");
    check("POST", of(book), Action::create, book, "");
    check("PUT", of(book) + "/x", Action::update, book, "x");
    check("DELETE", of(book) + "/x", Action::remove, book, "x");
  }
  CHECK(host.store->opened == 0);
  // Not a byte of an answer tells whether there is such a book.
  const Fields fields{{"X-Request-Id", "x"}};
  for (const std::string method : {"GET", "HEAD", "PUT", "DELETE"}) {
    Answer there = host.ask(method, "/books/ada", fields);
    const Answer missing = host.ask(method, "/books/not", fields);
    const auto at = there.body.find("ada");
    if (at != std::string::npos) there.body.replace(at, 3, "not");
    CHECK(there.body == missing.body);
    CHECK(there.headers == missing.headers);
    CHECK(there.status == missing.status);
  }
}

TEST_CASE("rest/books: the program names the book of a request by what it authorised") {
  Options options;
  options.create_on_write = true;
  std::vector<std::string> asked;
  options.authorize = [&](const AccessRequest& access) {
    asked.push_back("authorize '" + std::string(access.book) + "'");
    const auto user = access.request.header("Authorization");
    return user ? Access::allow(std::string(*user)) : Access::unauthenticated();
  };
  options.book = [&](const Access& access, const addrbook::Request& request) {
    asked.emplace_back("book");
    if (access.user == "fails") throw std::runtime_error("secret");
    return access.user + std::string(request.header("X-Suffix").value_or(""));
  };
  const Many host(options);
  const auto as = [](const std::string& user, const std::string& suffix = "") {
    return Fields{{"Authorization", user}, {"X-Suffix", suffix}};
  };
  CHECK(host.status("GET", "/addresses") == 401);
  CHECK((asked == std::vector<std::string>{"authorize ''"}));
  asked.clear();
  check_error(host.ask("GET", "/addresses", as("ada")), "GET", "/addresses", 404,
              "No such book: 'ada'");
  CHECK((asked == std::vector<std::string>{"authorize ''", "book"}));
  const Answer made = host.ask("POST", "/addresses", as("ada"), ada);
  CHECK(made.status == 201);
  CHECK(made.header("Location") == "/addresses/" + made.id());
  CHECK(host.log->back().book == "ada");
  CHECK(host.ask("GET", "/addresses/" + made.id(), as("ada")).body == ada);
  CHECK(host.status("POST", "/addresses", ada) == 401);
  const Answer other = host.ask("POST", "/addresses", as("bob"), "{}");
  CHECK(other.status == 201);
  check_error(host.ask("GET", "/addresses/" + made.id(), as("bob")), "GET",
              "/addresses/" + made.id(), 404, "No such address: '" + made.id() + "'");
  CHECK(host.ask("GET", "/addresses", as("bob")).json().size() == 1);
  for (const std::string& user : {std::string(), std::string("_x"), std::string("../ada"),
                                  std::string("a/b"), std::string(129, 'x')}) {
    CAPTURE(user);
    for (const std::string method : {"GET", "POST"}) {
      check_error(host.ask(method, "/addresses", as(user), ada), method, "/addresses", 404,
                  "No such book: ''");
      CHECK(host.log->back().book.empty());
    }
  }
  CHECK(host.ask("GET", "/addresses", as("fails")).status == 500);
  CHECK(host.status("GET", "/addresses/_health") == 200);
  CHECK(host.status("GET", "/addresses/_ready") == 200);
  CHECK(host.ask("GET", "/addresses%2F" + made.id(), as("ada")).status == 404);
  CHECK(host.books->list().books.size() == 2);
}

TEST_CASE("rest/books: the list of books, page by page") {
  const Many host;
  CHECK(host.ask("GET", "/books").body == "[]");
  for (int i = 0; i < 250; ++i) host.books->create("book-" + std::to_string(1000 + i));
  static_cast<void>(host.add("book-1000"));
  const Answer first = host.ask("GET", "/books");
  CHECK(first.header("Content-Type") == "application/json; charset=UTF-8");
  check_common_headers(first);
  REQUIRE(first.json().size() == 100);
  CHECK(first.json()[0].dump() == R"({"name":"book-1000","count":1,"revision":1})");
  CHECK(first.json()[99]["name"] == "book-1099");
  std::vector<std::string> all;
  std::string target = "/books?limit=7";
  for (int pages = 0; !target.empty() && pages < 100; ++pages) {
    CHECK(target.rfind("/books?limit=7", 0) == 0);
    const Answer page = host.ask("GET", target);
    const auto names = names_in(page);
    CHECK(names.size() <= 7);
    all.insert(all.end(), names.begin(), names.end());
    target = next_of(page);
  }
  REQUIRE(all.size() == 250);
  CHECK(std::is_sorted(all.begin(), all.end()));
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
  // Exactly the rest, and a cursor whose book is removed.
  CHECK(next_of(host.ask("GET", "/books?limit=250")).empty());
  CHECK(names_in(host.ask("GET", "/books?limit=1000")).size() == 250);
  const std::string next = next_of(host.ask("GET", "/books?limit=10"));
  CHECK(host.status("DELETE", "/books/book-1009") == 204);
  CHECK(names_in(host.ask("GET", next)).front() == "book-1010");
  const Answer head = host.ask("HEAD", "/books?limit=10");
  CHECK(head.status == 200);
  CHECK_FALSE(next_of(head).empty());
}

TEST_CASE("rest/books: what is no page of the list of books is refused") {
  const Many host;
  host.books->create("ada");
  host.books->create("bob");
  for (const std::string query : {"limit=0",         "limit=1001",
                                  "limit=",          "limit=x",
                                  "limit=-1",        "limit=1.5",
                                  "limit",           "limit=99999999999999999999",
                                  "limit=1&limit=2", "cursor=",
                                  "cursor=x",        "cursor=n",
                                  "cursor=n6",       "cursor=nzz",
                                  "cursor=p",        "cursor=p0000000000000000",
                                  "cursor=n2e2e",    "cursor=n61&cursor=n61",
                                  "offset=1",        "q=a",
                                  "cursor=%00"}) {
    CAPTURE(query);
    CHECK(host.status("GET", "/books?" + query) == 400);
  }
  CHECK(names_in(host.ask("GET", "/books?cursor=n616461")) == std::vector<std::string>{"bob"});
}

TEST_CASE(
    "rest/books: the list shows what the caller may read, with bounded work, and no other name") {
  Options options = Many::by_path();
  std::size_t asked = 0;
  options.authorize = [&](const AccessRequest& access) {
    ++asked;
    return own_books(access);
  };
  const Many host(options);
  for (int i = 0; i < 2'500; ++i) host.books->create("m-" + std::to_string(10'000 + i));
  for (const std::string name : {"ada", "ada-2", "zoe", "zoe-2"}) host.books->create(name);
  const auto as = [](const std::string& user) { return Fields{{"Authorization", user}}; };
  CHECK(host.status("GET", "/books") == 401);
  std::vector<std::string> found;
  std::string target = "/books?limit=1";
  int pages = 0;
  for (; !target.empty() && pages < 20; ++pages) {
    CHECK(target.find("m-") == std::string::npos);
    CHECK(target.find("6d2d") == std::string::npos);  // m- in hex digits
    asked = host.store->listed = 0;
    const Answer page = host.ask("GET", target, as("zoe"));
    REQUIRE(page.status == 200);
    CHECK(asked <= 1'002);
    CHECK(host.store->listed <= 1'000);
    for (const std::string& name : names_in(page)) found.push_back(name);
    target = next_of(page);
  }
  CHECK((found == std::vector<std::string>{"zoe", "zoe-2"}));
  CHECK(pages <= 5);
  CHECK((names_in(host.ask("GET", "/books?limit=2", as("ada"))) ==
         std::vector<std::string>{"ada", "ada-2"}));
  // A made-up cursor can't ask how much there is after a name that is not the caller's.
  const std::string of_m = "n6d2d3130303030";
  CHECK(host.ask("GET", "/books?cursor=" + of_m, as("zoe")).status == 400);
  CHECK(host.ask("GET", "/books?cursor=" + of_m, as("m")).status == 200);
  CHECK(host.ask("GET", "/books?cursor=n6d2d7878", as("zoe")).status == 400);
}

TEST_CASE(
    "rest/books: the link to the next page does not tell of books that the caller can't read") {
  Options options = Many::by_path();
  options.authorize = own_books;
  const Many host(options);
  host.books->create("ada");
  const auto next = [&] {
    return next_of(host.ask("GET", "/books?limit=1", {{"Authorization", "ada"}}));
  };
  CHECK(next().empty());
  host.books->create("bob");
  CHECK(next().empty());
  host.books->create("ada-2");
  CHECK(next() == "/books?limit=1&cursor=n616461");
}

TEST_CASE("rest/books: nothing of a book shows, matches or confirms anything of another") {
  const Many host;
  const std::string target = host.add("ada");
  const std::string id = target.substr(target.rfind('/') + 1);
  host.books->create("bob");
  const std::string tag = host.ask("GET", target).header("ETag");
  const std::string list_tag = host.ask("GET", of("ada")).header("ETag");
  CHECK(host.ask("GET", target, {{"If-None-Match", tag}}).status == 304);
  CHECK(host.ask("GET", of("ada"), {{"If-None-Match", list_tag}}).status == 304);
  for (const std::string method : {"GET", "HEAD", "PUT", "DELETE"}) {
    CHECK(host.ask(method, of("bob") + "/" + id, {{"If-None-Match", tag}}, ada).status == 404);
  }
  CHECK(host.ask("GET", of("bob")).body == "{}");
  // The same revision, and the same count: no tag of one is a tag of the other.
  const std::string other = host.add("bob");
  CHECK(host.ask("GET", other, {{"If-None-Match", tag}}).status == 200);
  CHECK(host.ask("GET", of("bob"), {{"If-None-Match", list_tag}}).status == 200);
  CHECK(host.ask("GET", "/books/bob", {{"If-None-Match", tag}}).status == 200);
  CHECK(host.ask("DELETE", "/books/bob", {{"If-Match", tag}}).status == 412);
  CHECK(host.ask("GET", target).body == ada);
  // A book that is made again has tags of its own.
  CHECK(host.status("DELETE", "/books/ada") == 204);
  const std::string again = host.add("ada");
  CHECK(host.ask("GET", again, {{"If-None-Match", tag}}).status == 200);
  CHECK(host.ask("GET", of("ada"), {{"If-None-Match", list_tag}}).status == 200);
  CHECK(host.ask("GET", target).status == 404);
}

TEST_CASE("rest/books: kept lists are each book's own") {
  const Many host;
  std::vector<std::string> lists;
  for (const std::string book : {"ada", "bob"}) {
    const auto service = host.books->create(book).book;
    for (int i = 0; i < 300; ++i) service->create(LongBook::text(book + std::to_string(i)));
    lists.push_back(host.ask("GET", of(book)).body);
  }
  CHECK(lists[0] != lists[1]);
  for (int i = 0; i < 4; ++i) {
    CHECK(host.ask("GET", of("ada")).body == lists[0]);
    CHECK(host.ask("GET", of("bob")).body == lists[1]);
  }
  CHECK(host.status("DELETE", "/books/ada") == 204);
  CHECK(host.status("GET", of("ada")) == 404);
  CHECK(host.status("PUT", "/books/ada") == 201);
  CHECK(host.ask("GET", of("ada")).body == "{}");
}

TEST_CASE("rest/books: a list ends when its book is removed") {
  const Many host;
  const auto service = host.books->create("ada").book;
  for (int i = 0; i < 600; ++i) service->create(LongBook::text(std::to_string(i)));
  Ask request = asking("GET", of("ada"));
  request.client = [&](std::string_view) {
    if (host.has("ada")) host.books->remove("ada");
    return true;
  };
  const Answer answer = ask(host.rest, request);
  CHECK(answer.status == 200);
  CHECK_FALSE(answer.is_complete);
  REQUIRE(host.log->size() == 1);  // a removal is no fault
  CHECK(host.log->back().reason == "No such book: 'ada'");
  CHECK(host.log->back().book == "ada");
}

TEST_CASE("rest/books: log lines carry the book") {
  const Many host;
  static_cast<void>(host.add("ada"));
  const auto book_of = [&](const std::string& method, const std::string& target) {
    static_cast<void>(host.ask(method, target, {}, ada));
    return host.log->back().book;
  };
  CHECK(book_of("GET", of("ada")) == "ada");
  CHECK(book_of("POST", of("ada")) == "ada");
  CHECK(book_of("GET", of("none")) == "none");
  CHECK(book_of("PUT", "/books/x%40y") == "x@y");
  CHECK(book_of("GET", "/books").empty());
  CHECK(book_of("GET", "/books/_health").empty());
  CHECK(book_of("GET", "/books/_x").empty());
  CHECK(addrbook::to_logfmt(host.log->front()).find(" book=ada") != std::string::npos);
  const Book one;
  get(one.rest, "/addresses");
  CHECK(addrbook::to_logfmt(one.log->back()).find("book=") == std::string::npos);
}

TEST_CASE("rest/books: names that are asked at random make nothing and leak nothing") {
  BooksOptions limits;
  limits.max_open_books = 100;
  const Many host(Many::by_path(), limits);
  host.books->create("ada");
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "b" + std::to_string(i * 7919 % 10'007);
    const std::string path = i % 2 == 0 ? of(name) : "/books/" + name;
    const std::string method = i % 3 == 0 ? "DELETE" : "GET";
    if (host.ask(method, i % 2 == 0 && i % 3 == 0 ? path + "/x" : path).status != 404) FAIL(path);
  }
  CHECK(host.books->list().books.size() == 1);
  host.store->opened = 0;
  CHECK(host.status("GET", of("ada")) == 200);
  CHECK(host.store->opened <= 1);
}
