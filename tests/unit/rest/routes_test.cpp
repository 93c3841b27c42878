#include <addrbook/rest/routes.hpp>

#include <addrbook/metrics/request_counts.hpp>
#include <addrbook/openapi/operations.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

TEST_CASE("routes: each route has its methods, with and without a trailing slash") {
  const Book book;
  const std::string of_book = "GET, HEAD, OPTIONS, POST";
  const std::string of_address = "DELETE, GET, HEAD, OPTIONS, PATCH, PUT";
  const std::string of_extra = "GET, HEAD, OPTIONS";
  const std::string of_batch = "OPTIONS, POST";
  const std::vector<std::pair<std::string, std::string>> routes{
      {"/addresses", of_book},           {"/addresses/", of_book},
      {"/addresses?a=b", of_book},       {"/addresses/x", of_address},
      {"/addresses/x/", of_address},     {"/addresses/x/?q", of_address},
      {"/addresses/%78", of_address},    {"/addresses/_health", of_extra},
      {"/addresses/_health/", of_extra}, {"/addresses/_ready", of_extra},
      {"/addresses/_ready/", of_extra},  {"/addresses/_batch", of_batch}};
  for (const auto& row : routes) {
    const auto& target = row.first;
    const auto& allow = row.second;
    const std::string uri = target.substr(0, target.find('?'));
    for (const std::string method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH",
                                     "TRACE", "CONNECT", "get", "PROPFIND", ""}) {
      CAPTURE(target);
      CAPTURE(method);
      const bool is_allowed =
          !method.empty() && (", " + allow + ",").find(", " + method + ",") != std::string::npos;
      const Answer answer = ask(book.rest, asking(method, target, {}, {ada}));
      if (!is_allowed) {
        check_error(answer, method, uri, 405, "Method Not Allowed");
        CHECK(answer.header("Allow") == allow);
      } else if (method == "OPTIONS") {
        CHECK(answer.status == 204);
        CHECK(answer.header("Allow") == allow);
        CHECK(answer.header("Accept-Patch") ==
              (allow == of_address ? "application/merge-patch+json, application/json-patch+json"
                                   : "(absent)"));
        CHECK(answer.body.empty());
      } else {
        CHECK(answer.status != 405);
        CHECK(answer.count("Allow") == 0);
        CHECK(answer.message() != "Unknown Endpoint");
      }
      check_common_headers(answer);
      if (!is_allowed) CHECK_FALSE(answer.was_body_read);
    }
  }
}

TEST_CASE("routes: a trailing slash means the same") {
  const Book book;
  const std::string target = book.add();
  CHECK(get(book.rest, target + "/").body == ada);
  CHECK(send(book.rest, "PUT", target + "/", "{}").status == 204);
  const Answer made = send(book.rest, "POST", "/addresses/", ada);
  CHECK(made.status == 201);
  CHECK(made.header("Location") == "/addresses/" + made.id());
  CHECK(get(book.rest, "/addresses/").body == get(book.rest, "/addresses").body);
  CHECK(ask(book.rest, asking("DELETE", target + "/")).status == 204);
}

TEST_CASE("routes: whatever else is below the prefix is unknown, whatever the method") {
  const Book book;
  const std::string max_id(64, 'x');
  for (const std::string& path :
       std::vector<std::string>{"/a/b", "//", "/a//", "//a", "/_other", "/_health/x", "/_", "/a.b",
                                "/a_b", "/%20", "/caf%C3%A9", "/a%2Fb", "/%00", "/.", "/..",
                                "/a%0D%0Ab", "/" + max_id + "x", "/_HEALTH", "/%FF"}) {
    for (const std::string method : {"GET", "POST", "DELETE", "OPTIONS", "PATCH", "BREW"}) {
      CAPTURE(path);
      CAPTURE(method);
      const Answer answer = send(book.rest, method, "/addresses" + path, "{}");
      check_error(answer, method, "/addresses" + path, 404, "Unknown Endpoint");
      CHECK(answer.count("Allow") == 0);
      CHECK_FALSE(answer.was_body_read);
    }
  }
  CHECK(get(book.rest, "/addresses/" + max_id).message() == "No such address: '" + max_id + "'");
}

TEST_CASE("routes: a prefix of one's own") {
  Options options;
  options.prefix = "/api/v1.0/people";
  const Book book(options);
  const Answer made = post(book.rest, ada);
  CHECK(made.header("Location") == "/api/v1.0/people/" + made.id());
  CHECK(get(book.rest, made.header("Location")).body == ada);
  check_error(get(book.rest, "/api/v1.0/people/a/b"), "GET", "/api/v1.0/people/a/b", 404,
              "Unknown Endpoint");
}

TEST_CASE("routes: HEAD has what GET has, but the body") {
  const Book book(with_gzip());
  const std::string target = book.add();
  for (const std::string& each :
       {std::string("/addresses"), target, absent, std::string("/addresses/_health"),
        std::string("/addresses/a/b")}) {
    CAPTURE(each);
    const Fields headers{{"X-Request-Id", "one"}, {"Accept-Encoding", "gzip"}};
    const Answer with_body = get(book.rest, each, headers);
    const Answer without = ask(book.rest, asking("HEAD", each, headers));
    CHECK(without.status == with_body.status);
    CHECK(without.headers == with_body.headers);
    CHECK_FALSE(without.was_body_read);
  }
}

TEST_CASE("routes: a parameter that the route doesn't take is refused by name") {
  const Book book;
  const std::string target = book.add();
  const std::vector<std::pair<std::string, std::string>> table{
      {"limits=1", "Unknown parameter: 'limits'"},
      {"a", "Unknown parameter: 'a'"},
      {"=1", "Unknown parameter: ''"},
      {"%62=1&c=2", "Unknown parameter: 'b'"},
      {"+=1", "Unknown parameter: ' '"},
      {"a=%4", "Invalid query: '%' needs two hexadecimal digits"},
      {"%zz", "Invalid query: '%' needs two hexadecimal digits"},
  };
  const auto before = book.service->state().revision;
  for (const auto& row : table) {
    const std::string& query = row.first;
    const std::string& message = row.second;
    CAPTURE(query);
    for (const auto& endpoint :
         std::vector<std::pair<std::string, std::string>>{{"GET", "/addresses"},
                                                          {"POST", "/addresses"},
                                                          {"GET", target},
                                                          {"PUT", target},
                                                          {"DELETE", target},
                                                          {"GET", "/addresses/_health"},
                                                          {"GET", "/addresses/_ready"}}) {
      const auto& method = endpoint.first;
      const auto& path = endpoint.second;
      CAPTURE(method);
      CAPTURE(path);
      const Answer answer = ask(book.rest, asking(method, path + "?" + query, {}, {ada}));
      check_error(answer, method, path, 400, message);
    }
    CHECK(ask(book.rest, asking("HEAD", target + "?" + query)).status == 400);
    CHECK(ask(book.rest, asking("OPTIONS", target + "?" + query)).status == 204);
  }
  CHECK(book.service->state().revision == before);
  CHECK(get(book.rest, target + "?").status == 200);
  CHECK(get(book.rest, target + "?&").status == 200);
}

TEST_CASE("routes: each row of the table is served, under its own method and path") {
  using addrbook::detail::Prefix;
  using Scope = addrbook::detail::Route::Scope;
  const Prefix one("/addresses");
  const Prefix of_many("/books/{book}/addresses");
  std::set<std::tuple<Scope, std::string_view, std::string_view>> seen;
  for (const auto& route : addrbook::detail::routes()) {
    CAPTURE(route.path);
    CAPTURE(route.method);
    CHECK(seen.emplace(route.scope, route.path, route.method).second);
    CHECK_FALSE(route.text.summary().empty());
    std::string path(route.path);
    if (path == "/{id}") path = "/" + absent_id;
    if (path == "/{book}") path = "/ada";
    const bool is_file = path == "/_page/files/{file}";
    if (is_file) path = "/_page/files/x.js";
    if (route.scope != Scope::collection) {
      const auto endpoints = addrbook::detail::Endpoints::find(one, path);
      REQUIRE(endpoints);
      CHECK(endpoints->route(route.method) == &route);
      CHECK(endpoints->has_any_host() == (!route.action && route.is_on == nullptr));
      CHECK(endpoints->book().empty());
    }
    if (route.scope == Scope::book) path = "/ada/addresses" + path;
    const auto endpoints = addrbook::detail::Endpoints::find(of_many, path);
    REQUIRE(endpoints);
    CHECK(endpoints->route(route.method) == &route);
    CHECK(endpoints->has_any_host() == (!route.action && route.is_on == nullptr));
    const bool is_of_book = route.scope == Scope::book || route.path == "/{book}";
    CHECK(endpoints->book() == (is_of_book ? "ada" : ""));
    CHECK(endpoints->id() == (route.path == "/{id}" ? absent_id : is_file ? "x.js" : ""));
  }
  CHECK_FALSE(addrbook::detail::Endpoints::find(one, "/{id}"));
  CHECK_FALSE(addrbook::detail::Endpoints::find(of_many, "/{book}"));
  CHECK_FALSE(addrbook::detail::Endpoints::find(of_many, "/ada/addresses/{id}"));
}

TEST_CASE("routes: what is not in its place on a mount of many books is unknown") {
  const addrbook::detail::Prefix prefix("/api/books/{book}/v1/addresses");
  for (const std::string path :
       {"//", "/_x", "/ada/", "/ada/v1/addresses/", "/_health/", "/", "/a+b@c~d/v1/addresses/x/"}) {
    CAPTURE(path);
    CHECK(addrbook::detail::Endpoints::find(prefix, path).has_value() ==
          (path != "//" && path != "/_x"));
  }
  for (const std::string path :
       {"/ada/_health", "/ada/v1", "/ada/addresses", "/ada/v1/addressesx", "/ada/v1/addresses/x/y",
        "/ada/v1/addresses/_health", "/ada//v1/addresses", "//ada/v1/addresses", "/_ada",
        "/_ada/v1/addresses", "/../v1/addresses", "/v1/addresses", "/-/v1/addresses", "ada", "x",
        "xada/v1/addresses", "/{book}/v1/addresses", "/ada/v1/addresses//", "/ada//"}) {
    CAPTURE(path);
    CHECK_FALSE(addrbook::detail::Endpoints::find(prefix, path));
  }
}

TEST_CASE("routes: what a mount has not switched on is as if it were not in the table") {
  using addrbook::detail::Endpoints;
  const addrbook::detail::Prefix prefix("/addresses");
  Options options;
  for (const auto& route : addrbook::detail::routes()) {
    CAPTURE(route.path);
    if (route.scope == addrbook::detail::Route::Scope::collection) continue;
    const std::string path = route.path == "/{id}" ? "/x" : std::string(route.path);
    CHECK(Endpoints::find(prefix, path, &options).has_value() == (route.is_on == nullptr));
  }
  options.page = true;
  CHECK(Endpoints::find(prefix, "/_page", &options));
  CHECK(Endpoints::find(prefix, "/_page/files/x", &options));
  CHECK_FALSE(Endpoints::find(prefix, "/_page/files//", &options));
}

TEST_CASE("routes: _health and the page alone are instant") {
  for (const auto& route : addrbook::detail::routes()) {
    CAPTURE(route.path);
    const bool is_page = route.path.substr(0, 6) == "/_page";
    CHECK(route.is_instant == (route.path == "/_health" || is_page));
  }
  const Book book;
  CHECK(book.rest.is_instant("GET", "/_health"));
  CHECK(book.rest.is_instant("HEAD", "/_health/"));
  CHECK_FALSE(book.rest.is_instant("POST", "/_health"));
  CHECK_FALSE(book.rest.is_instant("GET", "/_ready"));
  CHECK_FALSE(book.rest.is_instant("GET", ""));
  CHECK_FALSE(book.rest.is_instant("GET", "/a/b"));
  // It must not need the storage, then.
  book.store->before_find = book.store->before_page = test::fail_storage;
  book.store->before_state = book.store->before_commit = test::fail_storage;
  CHECK(get(book.rest, "/addresses/_health").status == 200);
}

TEST_CASE("routes: the metrics know each status that the document has") {
  Options options;
  options.page = options.openapi = true;
  std::set<int> statuses;
  for (const auto& operation : addrbook::detail::operations_of(options)) {
    for (const auto& answer : operation.answers) statuses.insert(answer.status);
  }
  CHECK(statuses.count(308) == 1);
  for (const int status : statuses) {
    CAPTURE(status);
    CHECK(addrbook::detail::index_of_status(status) != 0);
  }
}
