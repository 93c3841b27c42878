#include <addrbook/rest.hpp>

#include <addrbook/gzip.hpp>

#include <unit/fake_store.hpp>
#include <unit/rest_client.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using addrbook::Access;
using addrbook::AccessRequest;
using addrbook::Action;
using addrbook::BodyStatus;
using addrbook::Document;
using addrbook::Entry;
using addrbook::Errc;
using addrbook::Error;
using addrbook::LogRecord;
using addrbook::Options;
using addrbook::Rest;
using addrbook::Service;
using nlohmann::json;
using nlohmann::ordered_json;
using namespace std::string_literals;
using test::Answer;
using test::Ask;
using test::ask;
using test::FakeStore;
using test::Fields;
using test::get;
using test::post;
using test::send;

namespace {

const std::string ada = R"({"name":"Ada Example","emails":["ada@example.com"]})";
const std::string absent_id = "00000000000000000000000000000000";
const std::string absent = "/addresses/" + absent_id;

/// A book over HTTP whose store and log the test can see.
struct Book {
  std::shared_ptr<FakeStore> store = std::make_shared<FakeStore>();
  std::shared_ptr<Service> service;
  std::shared_ptr<std::vector<LogRecord>> log = std::make_shared<std::vector<LogRecord>>();
  Rest rest;

  explicit Book(Options options = {}, std::vector<addrbook::Validator> validators = {})
      : service(std::make_shared<Service>(store, std::move(validators))),
        rest(service, with_log(std::move(options))) {}

  [[nodiscard]] Options with_log(Options options) const {
    if (!options.log) {
      options.log = [records = log](const LogRecord& record) { records->push_back(record); };
    }
    return options;
  }
  /// Puts an address in. @returns its target
  [[nodiscard]] std::string add(const std::string& text = ada) const {
    return rest.options().prefix + "/" + service->create(Document::parse(text)).id;
  }
};

Options with_gzip() {
  Options options;
  options.coding = addrbook::gzip();
  return options;
}

std::string run(addrbook::Codec& codec, std::string_view text) {
  std::string result;
  const addrbook::ByteSink sink = [&](std::string_view bytes) {
    result.append(bytes);
    return true;
  };
  REQUIRE(codec.write(text, sink));
  REQUIRE(codec.finish(sink));
  return result;
}
std::string pack(std::string_view text) {
  return run(*addrbook::gzip()->encoder(), text);
}
std::string unpack(std::string_view bytes) {
  return run(*addrbook::gzip()->decoder("gzip"), bytes);
}
std::string pack_deflate(std::string_view text) {
  addrbook::detail::ZlibCodec codec(addrbook::detail::ZlibCodec::Direction::deflate, 15);
  return run(codec, text);
}

Ask asking(const std::string& method, const std::string& target, const Fields& headers = {},
           const std::vector<std::string>& body = {}) {
  Ask request;
  request.method = method;
  request.target = target;
  request.headers = headers;
  request.body = body;
  return request;
}

Ask posting(const std::vector<std::string>& body, const Fields& headers = {}) {
  return asking("POST", "/addresses", headers, body);
}

void check_error(const Answer& answer, const std::string& method, const std::string& uri,
                 int status, const std::string& message) {
  CHECK(answer.status == status);
  CHECK(answer.header("Content-Type") == "application/json; charset=UTF-8");
  const ordered_json expected{
      {"method", method}, {"uri", uri}, {"code", status}, {"message", message}};
  CHECK(answer.body == expected.dump());
}

void check_common_headers(const Answer& answer) {
  CHECK(answer.count("Cache-Control") == 1);
  CHECK(answer.header("Cache-Control") == "private, no-cache");
  CHECK(answer.count("X-Content-Type-Options") == 1);
  CHECK(answer.header("X-Content-Type-Options") == "nosniff");
  CHECK(answer.count("X-Request-Id") == 1);
  CHECK(answer.count("Content-Type") == (answer.body.empty() && !answer.is_stream ? 0 : 1));
  std::set<std::string> names;
  for (const auto& field : answer.headers) CHECK(names.insert(field.first).second);
}

std::string tag_of(const Book& book, std::uint64_t revision) {
  return "\"" + addrbook::detail::hex(book.store->true_state().epoch) + "-" +
         std::to_string(revision) + "\"";
}

}  // namespace

// --- the life of an address ----------------------------------------------------------------------

TEST_CASE("rest: POST makes an address, and says where") {
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

TEST_CASE("rest: PUT replaces an address") {
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

TEST_CASE("rest: DELETE removes an address, once") {
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

TEST_CASE("rest: the list is in order of creation, in one object") {
  const Book book;
  Answer answer = get(book.rest, "/addresses");
  CHECK(answer.status == 200);
  CHECK(answer.body == "{}");
  CHECK(answer.header("ETag") == "W/" + tag_of(book, 0));
  const std::string first = book.add(R"({"n":1.0})").substr(11);
  const std::string second = book.add(R"({"n":2})").substr(11);
  book.service->update(first, Document::parse(R"({"n":3})"));
  answer = get(book.rest, "/addresses");
  CHECK(answer.body == R"({")" + first + R"(":{"n":3},")" + second + R"(":{"n":2}})");
  CHECK(answer.header("ETag") == "W/" + tag_of(book, 3));
  CHECK(answer.header("Content-Type") == "application/json; charset=UTF-8");
  CHECK_FALSE(answer.is_stream);
}

// --- routes and methods --------------------------------------------------------------------------

TEST_CASE("rest: each route has its methods, with and without a trailing slash") {
  const Book book;
  const std::string of_book = "GET, HEAD, OPTIONS, POST";
  const std::string of_address = "DELETE, GET, HEAD, OPTIONS, PUT";
  const std::string of_extra = "GET, HEAD, OPTIONS";
  const std::vector<std::pair<std::string, std::string>> routes{
      {"/addresses", of_book},           {"/addresses/", of_book},
      {"/addresses?a=b", of_book},       {"/addresses/x", of_address},
      {"/addresses/x/", of_address},     {"/addresses/x/?q", of_address},
      {"/addresses/%78", of_address},    {"/addresses/_health", of_extra},
      {"/addresses/_health/", of_extra}, {"/addresses/_ready", of_extra},
      {"/addresses/_ready/", of_extra}};
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

TEST_CASE("rest: a trailing slash means the same") {
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

TEST_CASE("rest: whatever else is below the prefix is unknown, whatever the method") {
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

TEST_CASE("rest: health says that the book answers, ready that it can be used") {
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

TEST_CASE("rest: a prefix of one's own") {
  Options options;
  options.prefix = "/api/v1.0/people";
  const Book book(options);
  const Answer made = post(book.rest, ada);
  CHECK(made.header("Location") == "/api/v1.0/people/" + made.id());
  CHECK(get(book.rest, made.header("Location")).body == ada);
  check_error(get(book.rest, "/api/v1.0/people/a/b"), "GET", "/api/v1.0/people/a/b", 404,
              "Unknown Endpoint");
}

TEST_CASE("rest: needs a service and a prefix that is one") {
  const auto code_of = [](std::shared_ptr<Service> service, const std::string& prefix) {
    Options options;
    options.prefix = prefix;
    try {
      const Rest rest(std::move(service), options);
    } catch (const Error& error) {
      return std::optional(error.code());
    }
    return std::optional<Errc>();
  };
  CHECK(code_of(nullptr, "/addresses") == Errc::invalid);
  for (const std::string prefix : {"", "/", "addresses", "/a/", "/a//b", "/../a", "/:id", "/a?b"}) {
    CAPTURE(prefix);
    CHECK(code_of(std::make_shared<Service>(), prefix) == Errc::invalid);
  }
  CHECK_FALSE(code_of(std::make_shared<Service>(), "/a").has_value());
}

TEST_CASE("rest: HEAD has what GET has, but the body") {
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

// --- the order of refusals -----------------------------------------------------------------------

TEST_CASE("rest: of several reasons to refuse the first counts") {
  Options options;
  options.max_body_bytes = 100;
  bool is_open = true;
  options.authorize = [&](const AccessRequest& access) {
    if (access.request.header("Authorization") == "none") return Access::unauthenticated();
    return is_open ? Access::allow() : Access::forbid();
  };
  const Book book(options);
  book.service->stop();
  const Fields bad_type{{"Content-Type", "text/html"}};
  const auto status = [&](const std::string& method, const std::string& target, Fields headers,
                          const std::string& body, BodyStatus body_status = BodyStatus::complete) {
    Ask request = asking(method, target, std::move(headers), {body});
    request.body_status = body_status;
    return ask(book.rest, request).status;
  };
  const std::string big(101, ' ');
  is_open = false;
  CHECK(status("BREW", "/addresses/a/b", bad_type, big) == 404);
  CHECK(status("BREW", "/addresses", bad_type, big) == 405);
  CHECK(status("POST", "/addresses", bad_type, big) == 403);
  CHECK(status("POST", "/addresses", {{"Authorization", "none"}, {"Content-Type", "text/html"}},
               big) == 401);
  CHECK(status("GET", absent, {}, "") == 403);
  CHECK(status("DELETE", absent, {}, "") == 403);
  is_open = true;
  CHECK(status("POST", "/addresses", bad_type, big) == 415);
  CHECK(status("PUT", absent, bad_type, "nonsense") == 415);
  CHECK(status("PUT", absent, {{"Content-Encoding", "br"}}, big) == 415);
  CHECK(status("PUT", absent, {}, big) == 413);
  CHECK(status("PUT", absent, {{"Transfer-Encoding", "chunked"}}, big, BodyStatus::timed_out) ==
        413);
  CHECK(status("PUT", absent, {}, "nonsense", BodyStatus::timed_out) == 408);
  CHECK(status("PUT", absent, {}, "nonsense") == 400);
  CHECK(status("PUT", absent, {}, "[]") == 400);
  CHECK(status("PUT", absent, {}, "{}") == 404);
  CHECK(status("DELETE", absent, {}, "") == 404);
  CHECK(status("POST", "/addresses", {}, "[]") == 400);
  CHECK(status("POST", "/addresses", {}, "{}") == 503);
  Ask unframed = asking("PUT", absent, bad_type, {"{}"});
  unframed.unframed = true;
  CHECK(ask(book.rest, unframed).status == 415);
  unframed.headers.clear();
  CHECK(ask(book.rest, unframed).status == 411);
}

TEST_CASE("rest: a full book answers creates with 507, and everything else as ever") {
  const auto service =
      std::make_shared<Service>(std::make_shared<addrbook::MemoryStore>(),
                                std::vector<addrbook::Validator>{}, addrbook::ServiceOptions{1});
  Options options;
  const Rest rest(service, options);
  const std::string target = post(rest, ada).header("Location");
  const Answer full = post(rest, ada);
  check_error(full, "POST", "/addresses", 507, "Insufficient Storage: the book may hold 1 address");
  check_common_headers(full);
  CHECK(full.count("Location") == 0);
  CHECK(full.count("Retry-After") == 0);
  CHECK(get(rest, "/addresses/_ready").status == 200);
  CHECK(get(rest, target).status == 200);
  CHECK(send(rest, "PUT", target, "{}").status == 204);
  CHECK(post(rest, "[]").status == 400);  // what is wrong with the request comes first
  service->stop();
  CHECK(post(rest, ada).status == 507);
  service->start();
  CHECK(send(rest, "DELETE", target, "").status == 204);
  CHECK(post(rest, ada).status == 201);
}

// --- authorisation -------------------------------------------------------------------------------

TEST_CASE("rest: authorisation is asked what is wanted of what") {
  struct Asked {
    Action action;
    std::string id;
    std::string token;
  };
  std::vector<Asked> asked;
  Options options;
  options.authorize = [&](const AccessRequest& access) {
    asked.push_back({access.action, std::string(access.id),
                     access.request.header("authorization").value_or("(none)")});
    return Access::allow("ada");
  };
  const Book book(options);
  const std::string target = book.add();
  const std::string id = target.substr(11);
  const auto last = [&](const std::string& method, const std::string& where) {
    asked.clear();
    ask(book.rest, asking(method, where, {{"Authorization", "Bearer x"}}, {"{}"}));
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].token == "Bearer x");
    return std::make_pair(asked[0].action, asked[0].id);
  };
  CHECK((last("GET", "/addresses") == std::make_pair(Action::read, std::string())));
  CHECK((last("HEAD", "/addresses/") == std::make_pair(Action::read, std::string())));
  CHECK((last("POST", "/addresses") == std::make_pair(Action::create, std::string())));
  CHECK((last("GET", target) == std::make_pair(Action::read, id)));
  CHECK((last("HEAD", target + "/") == std::make_pair(Action::read, id)));
  CHECK((last("PUT", target) == std::make_pair(Action::update, id)));
  CHECK((last("DELETE", target) == std::make_pair(Action::remove, id)));
  for (const auto& record : *book.log) CHECK(record.user == "ada");

  asked.clear();
  for (const std::string open : {"/addresses/_health", "/addresses/_ready", "/addresses/a/b"}) {
    get(book.rest, open);
  }
  ask(book.rest, asking("OPTIONS", "/addresses"));
  ask(book.rest, asking("PATCH", target));
  CHECK(asked.empty());
}

TEST_CASE("rest: who is refused gets 401 or 403, the body is not read, nothing is done") {
  Access access = Access::forbid("mallory");
  Options options;
  options.authorize = [&](const AccessRequest&) { return access; };
  const Book book(options);
  const std::string target = book.add();
  SUBCASE("forbidden") {
    for (const auto& row : std::vector<std::pair<std::string, std::string>>{{"GET", "/addresses"},
                                                                            {"POST", "/addresses"},
                                                                            {"GET", target},
                                                                            {"PUT", target},
                                                                            {"DELETE", target},
                                                                            {"GET", absent}}) {
      const auto& method = row.first;
      const auto& where = row.second;
      CAPTURE(method);
      const Answer answer = send(book.rest, method, where, "{}");
      check_error(answer, method, where, 403, "Forbidden");
      CHECK(answer.count("WWW-Authenticate") == 0);
      CHECK_FALSE(answer.was_body_read);
      CHECK(book.log->back().user == "mallory");
      CHECK(book.log->back().reason == "Forbidden");
    }
  }
  SUBCASE("unauthenticated") {
    access = Access::unauthenticated("Basic realm=\"book\"");
    const Answer answer = send(book.rest, "PUT", target, "{}");
    check_error(answer, "PUT", target, 401, "Unauthorized");
    CHECK(answer.header("WWW-Authenticate") == "Basic realm=\"book\"");
    CHECK_FALSE(answer.was_body_read);
    CHECK(book.log->back().user.empty());
  }
  SUBCASE("an answer that was never given is a refusal") {
    access = Access();
    CHECK(get(book.rest, target).status == 403);
  }
  CHECK(book.service->state().revision == 1);
}

TEST_CASE("rest: a challenge that would break its header field is an internal error") {
  for (const std::string challenge : {"Bearer\r\nSet-Cookie: a=b", "Bearer\n", "\x7F", ""}) {
    CAPTURE(challenge);
    Options options;
    options.authorize = [&](const AccessRequest&) { return Access::unauthenticated(challenge); };
    const Book book(options);
    const Answer answer = send(book.rest, "POST", "/addresses", ada);
    check_error(answer, "POST", "/addresses", 500, "Internal Server Error");
    CHECK(answer.count("WWW-Authenticate") == 0);
    CHECK_FALSE(answer.was_body_read);
    CHECK(book.service->state().revision == 0);
  }
}

TEST_CASE("rest: an authorisation that throws lets nobody in") {
  const std::vector<std::function<Access(const AccessRequest&)>> throwing{
      [](const AccessRequest&) -> Access { throw std::runtime_error("secret"); },
      [](const AccessRequest&) -> Access { throw 7; },
      [](const AccessRequest&) -> Access { throw Error(Errc::not_found, "secret"); }};
  for (const auto& authorize : throwing) {
    Options options;
    options.authorize = authorize;
    const Book book(options);
    const std::string target = book.add();
    const std::vector<std::pair<std::string, std::string>> requests{
        {"GET", "/addresses"}, {"POST", "/addresses"}, {"GET", target},
        {"PUT", target},       {"DELETE", target},     {"GET", absent}};
    for (const auto& row : requests) {
      CAPTURE(row.first);
      book.log->clear();
      const Answer answer = send(book.rest, row.first, row.second, "{}");
      check_error(answer, row.first, row.second, 500, "Internal Server Error");
      CHECK(answer.count("ETag") == 0);
      CHECK_FALSE(answer.was_body_read);
      REQUIRE(book.log->size() == 2);
      CHECK((*book.log)[0].kind == LogRecord::Kind::fault);
      CHECK((*book.log)[0].trace.size() == 2);
      CHECK((*book.log)[1].user.empty());
    }
    CHECK(book.service->state().revision == 1);
  }
}

TEST_CASE("rest: what strangers write forges no header field and no log line") {
  const std::string forgery = "x\r\nSet-Cookie: a=b\nreq_id=1 status=200 user=admin\0\x1B[2J"s;
  Options options;
  options.debug = true;
  options.authorize = [&](const AccessRequest& access) {
    return access.request.header("Authorization") == "none" ? Access::forbid(forgery)
                                                            : Access::allow(forgery);
  };
  const auto refuse = [&](const Document&) {
    return std::optional(addrbook::Violation{"/" + forgery, forgery});
  };
  const Book book(options, {refuse});
  const Fields headers{{"X-Request-Id", forgery}, {"User-Agent", forgery}, {"Origin", "null"}};
  std::vector<Ask> requests{
      asking("GET", "/addresses/x%0D%0ASet-Cookie:%20a=b", headers),
      asking("GET", "/addresses/x\r\nSet-Cookie: a=b", headers),
      asking("GET", "/addresses/%00", headers),
      asking("GET", "/addresses?" + forgery, headers),
      asking(forgery, "/addresses", headers),
      asking("POST", "/addresses", {headers[0], headers[1]}, {ada}),
      asking("POST", "/addresses", {headers[0], {"Content-Type", forgery}}, {ada}),
      asking("POST", "/addresses", {headers[0], {"Content-Encoding", forgery}}, {ada}),
      asking("POST", "/addresses", {headers[0], {"Content-Length", forgery}}, {ada}),
      asking("POST", "/addresses", {headers[0]}, {"{\"a\": " + forgery}),
      asking("GET", "/addresses", {headers[0], {"Authorization", "none"}}),
      asking("DELETE", absent, headers),
  };
  requests[0].remote_address = forgery;
  for (const Ask& request : requests) {
    CAPTURE(request.target);
    book.log->clear();
    const Answer answer = ask(book.rest, request);
    for (const auto& field : answer.headers) {
      CAPTURE(field.first);
      CHECK(field.second.find_first_of("\r\n\0\x1B"s) == std::string::npos);
    }
    CHECK(answer.count("Set-Cookie") == 0);
    if (answer.status >= 400) CHECK(answer.json().is_object());
    CHECK(answer.body.find_first_of("\r\n\0\x1B"s) == std::string::npos);
    REQUIRE(book.log->size() == 1);
    const std::string json_line = addrbook::to_json_line(book.log->front());
    for (const std::string& line : {addrbook::to_logfmt(book.log->front()), json_line}) {
      CAPTURE(line);
      CHECK(std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7F; }));
      CHECK(line.rfind(line[0] == '{' ? "{\"req_id\":\"" : "req_id=", 0) == 0);
    }
    const auto fields = json::parse(json_line, nullptr, false);
    REQUIRE(fields.is_object());
    CHECK(fields["status"] == answer.status);
    CHECK(addrbook::detail::is_request_id(fields["req_id"].get<std::string>()));
  }
}

// --- bodies --------------------------------------------------------------------------------------

TEST_CASE("rest: which content types a body may have") {
  const Book book;
  for (const std::string type : {"application/json", "Application/JSON; charset=utf-8",
                                 "application/vnd.api+json", "text/json", "text/plain",
                                 "application/x-www-form-urlencoded", "application/octet-stream"}) {
    CAPTURE(type);
    CHECK(post(book.rest, ada, {{"Content-Type", type}}).status == 201);
  }
  CHECK(post(book.rest, ada).status == 201);
  for (const std::string type : {"application/xml", "text/html", "text/vcard", "text/csv", "json",
                                 "multipart/form-data; boundary=x", "application/jsonp", "*/*"}) {
    CAPTURE(type);
    const auto before = book.service->state().revision;
    const Answer answer = post(book.rest, ada, {{"Content-Type", type}});
    CHECK(answer.status == 415);
    CHECK(answer.message().rfind("Unsupported Media Type", 0) == 0);
    CHECK(answer.header("Accept").find("application/json") != std::string::npos);
    CHECK_FALSE(answer.was_body_read);
    CHECK(book.service->state().revision == before);
  }
  const Fields twice{{"Content-Type", "application/json"}, {"Content-Type", "text/html"}};
  CHECK(post(book.rest, ada, twice).status == 415);
  // Only a body has a type: what GET and DELETE say of one is nobody's business.
  CHECK(get(book.rest, "/addresses", {{"Content-Type", "text/html"}}).status == 200);
}

TEST_CASE("rest: a body arrives in any pieces") {
  const Book book;
  std::vector<std::string> pieces;
  for (const char c : ada) pieces.emplace_back(1, c);
  pieces.insert(pieces.begin(), "");
  for (const Fields& framing : std::vector<Fields>{
           {}, {{"Transfer-Encoding", "chunked"}}, {{"Transfer-Encoding", "Chunked"}}}) {
    const Answer answer = ask(book.rest, posting(pieces, framing));
    REQUIRE(answer.status == 201);
    CHECK_FALSE(answer.closes);
    CHECK(get(book.rest, answer.header("Location")).body == ada);
  }
}

TEST_CASE("rest: a body that is no JSON object is refused with reason and place") {
  const Book book;
  const std::string target = book.add();
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "unexpected end of text at byte 0"},
      {"nonsense", "unexpected 'o' at byte 1"},
      {"{\"name\": ", "unexpected end of text at byte 9"},
      {"{} {}", "text after the JSON value at byte 3"},
      {std::string("{}\0", 3), "text after the JSON value at byte 2"},
      {"{\"a\":1,\"\\u0061\":2}", "a member name given twice at byte 7"},
      {"{\"a\":\"\\uD800\"}", "lone surrogate escape at byte 6"},
      {"{\"a\":\"\xED\xA0\x80\"}", "invalid UTF-8 at byte 6"},
      {"\xEF\xBB\xBF{}", "byte order mark at byte 0"},
      {"{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}",
       "nesting over 64 levels at byte 68"},
      {"name=Ada", "unexpected 'a' at byte 1"},
      {"[]", "an address is a JSON object, this is not"},
      {"null", "an address is a JSON object, this is not"},
      {"\"Ada\"", "an address is a JSON object, this is not"},
  };
  for (const auto& row : table) {
    const auto& body = row.first;
    const auto& reason = row.second;
    CAPTURE(body);
    check_error(post(book.rest, body), "POST", "/addresses", 400, "Invalid JSON body: " + reason);
    check_error(send(book.rest, "PUT", target, body), "PUT", target, 400,
                "Invalid JSON body: " + reason);
  }
  CHECK(book.service->state().revision == 1);
  CHECK(get(book.rest, target).body == ada);
}

TEST_CASE("rest: framing that is missing, unknown or contradictory is refused") {
  const Book book;
  struct Row {
    Fields headers;
    int status;
    std::string message;
    bool closes;
  };
  const std::vector<Row> table{
      {{}, 411, "Length Required", true},
      {{{"Transfer-Encoding", "gzip, chunked"}}, 501, "Unsupported Transfer-Encoding", true},
      {{{"Transfer-Encoding", "identity"}}, 501, "Unsupported Transfer-Encoding", true},
      {{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
       501,
       "Unsupported Transfer-Encoding",
       true},
      {{{"Transfer-Encoding", "chunked"}, {"Content-Length", "2"}},
       400,
       "Invalid Content-Length",
       true},
      {{{"Content-Length", "-2"}}, 400, "Invalid Content-Length", true},
      {{{"Content-Length", "+2"}}, 400, "Invalid Content-Length", true},
      {{{"Content-Length", "0x2"}}, 400, "Invalid Content-Length", true},
      {{{"Content-Length", ""}}, 400, "Invalid Content-Length", true},
      {{{"Content-Length", "2"}, {"Content-Length", "2"}}, 400, "Invalid Content-Length", true},
      {{{"Content-Length", "18446744073709551618"}}, 400, "Invalid Content-Length", true},
  };
  for (const Row& row : table) {
    CAPTURE(row.message);
    Ask request = posting({"{}"}, row.headers);
    request.unframed = true;
    const Answer answer = ask(book.rest, request);
    check_error(answer, "POST", "/addresses", row.status, row.message);
    CHECK(answer.closes == row.closes);
    CHECK_FALSE(answer.was_body_read);
  }
  CHECK(book.service->state().revision == 0);
}

TEST_CASE("rest: a body over the limit is refused") {
  Options options;
  options.max_body_bytes = 100;
  const Book book(options);
  const auto of_size = [](std::size_t size) {
    return "{\"t\":\"" + std::string(size - 8, 'x') + "\"}";
  };
  const Fields chunked{{"Transfer-Encoding", "chunked"}};
  CHECK(post(book.rest, of_size(100)).status == 201);
  CHECK(post(book.rest, of_size(100), chunked).status == 201);
  SUBCASE("by its length, before it is read") {
    const Answer answer = post(book.rest, of_size(101));
    check_error(answer, "POST", "/addresses", 413, "Body over 100 bytes");
    CHECK_FALSE(answer.was_body_read);
    CHECK(post(book.rest, "{}", {{"Content-Length", "18446744073709551615"}}).status == 413);
  }
  SUBCASE("as it arrives, and what still arrives is dropped") {
    const Answer answer =
        ask(book.rest, posting({of_size(90), "0123456789", "x", "more", "and more"}, chunked));
    check_error(answer, "POST", "/addresses", 413, "Body over 100 bytes");
    CHECK(answer.pieces_read == 5);
    CHECK_FALSE(answer.closes);
  }
  SUBCASE("white space counts, it has been sent") {
    CHECK(ask(book.rest, posting({std::string(99, ' '), "{}"}, chunked)).status == 413);
  }
  SUBCASE("what is dropped has a limit as well") {
    const std::vector<std::string> pieces(20, std::string(std::size_t{1} << 20U, ' '));
    const Answer answer = ask(book.rest, posting(pieces, chunked));
    CHECK(answer.status == 413);
    CHECK(answer.pieces_read == 9);
    CHECK(answer.closes);
  }
  SUBCASE("the HTTP library's own limit") {
    Ask request = posting({"{}"}, chunked);
    request.body_status = BodyStatus::too_large;
    const Answer answer = ask(book.rest, request);
    check_error(answer, "POST", "/addresses", 413, "Body over 100 bytes");
    CHECK(answer.closes);
  }
  CHECK(book.service->state().revision == 2);
}

TEST_CASE("rest: a body that does not arrive") {
  Options options;
  options.body_timeout = std::chrono::milliseconds(1234);
  const Book book(options);
  Ask request = posting({ada});
  SUBCASE("in time") {
    request.body_status = BodyStatus::timed_out;
    const Answer answer = ask(book.rest, request);
    check_error(answer, "POST", "/addresses", 408, "Body not complete within 1234 ms");
    CHECK(answer.closes);
  }
  SUBCASE("as a whole") {
    request.body_status = BodyStatus::malformed;
    const Answer answer = ask(book.rest, request);
    check_error(answer, "POST", "/addresses", 400, "Incomplete body");
    CHECK(answer.closes);
  }
  CHECK(book.service->state().revision == 0);
}

// --- coded bodies --------------------------------------------------------------------------------

TEST_CASE("rest: coded bodies are unpacked") {
  const Book book(with_gzip());
  const std::vector<std::pair<std::string, std::string>> table{
      {"gzip", pack(ada)},
      {"GZip", pack(ada)},
      {" x-gzip ", pack(ada)},
      {"deflate", pack_deflate(ada)},
      {"identity", ada},
      {"", ada},
      {"gzip", pack(ada.substr(0, 9)) + pack(ada.substr(9))}};
  for (const auto& row : table) {
    const auto& coding = row.first;
    const auto& body = row.second;
    CAPTURE(coding);
    Answer answer = post(book.rest, body, {{"Content-Encoding", coding}});
    REQUIRE(answer.status == 201);
    CHECK(get(book.rest, answer.header("Location")).body == ada);
    std::vector<std::string> pieces;
    for (const char c : body) pieces.emplace_back(1, c);
    answer = ask(book.rest,
                 posting(pieces, {{"Content-Encoding", coding}, {"Transfer-Encoding", "chunked"}}));
    REQUIRE(answer.status == 201);
    CHECK(get(book.rest, answer.header("Location")).body == ada);
  }
}

TEST_CASE("rest: what is not in its coding is refused") {
  const Book book(with_gzip());
  const std::string packed = pack(ada);
  std::string corrupt = packed;
  corrupt[packed.size() / 2] = static_cast<char>(corrupt[packed.size() / 2] ^ 0x55);
  const std::vector<std::pair<std::string, std::string>> table{
      {"gzip", ada},
      {"gzip", ""},
      {"gzip", packed.substr(0, packed.size() - 1)},
      {"gzip", packed.substr(0, 5)},
      {"gzip", packed + "x"},
      {"gzip", packed + ada},
      {"gzip", packed + std::string(20, '\0')},
      {"gzip", corrupt},
      {"gzip", pack_deflate(ada)},
      {"deflate", packed},
      {"deflate", ada},
  };
  for (const auto& row : table) {
    const auto& coding = row.first;
    const auto& body = row.second;
    CAPTURE(coding);
    CAPTURE(body);
    check_error(post(book.rest, body, {{"Content-Encoding", coding}}), "POST", "/addresses", 400,
                "The body is not in its Content-Encoding");
  }
  CHECK(book.service->state().revision == 0);
}

TEST_CASE("rest: an unknown coding is refused unread") {
  const Book with(with_gzip());
  for (const std::string coding : {"br", "zstd", "compress", "gzip, gzip", "gzip, br", "*"}) {
    CAPTURE(coding);
    const Answer answer = post(with.rest, ada, {{"Content-Encoding", coding}});
    check_error(answer, "POST", "/addresses", 415, "Unsupported Content-Encoding");
    CHECK(answer.header("Accept-Encoding") == "gzip, deflate");
    CHECK_FALSE(answer.was_body_read);
  }
  const Book without;
  for (const std::string coding : {"gzip", "deflate", "br"}) {
    CAPTURE(coding);
    const Answer answer = post(without.rest, pack(ada), {{"Content-Encoding", coding}});
    check_error(answer, "POST", "/addresses", 415, "Unsupported Content-Encoding");
    CHECK(answer.header("Accept-Encoding") == "identity");
    CHECK_FALSE(answer.was_body_read);
  }
  CHECK(post(without.rest, ada, {{"Content-Encoding", "Identity"}}).status == 201);
}

namespace {

/// gzip that counts the bytes which it unpacks.
class CountingGzip final : public addrbook::Coding {
 public:
  explicit CountingGzip(std::size_t& bytes) : bytes_(bytes) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "gzip"; }
  [[nodiscard]] std::unique_ptr<addrbook::Codec> encoder() const override {
    return gzip_->encoder();
  }
  [[nodiscard]] std::unique_ptr<addrbook::Codec> decoder(std::string_view coding) const override {
    auto decoder = gzip_->decoder(coding);
    return decoder ? std::make_unique<Counter>(std::move(decoder), bytes_) : nullptr;
  }

 private:
  class Counter final : public addrbook::Codec {
   public:
    Counter(std::unique_ptr<addrbook::Codec> codec, std::size_t& bytes)
        : codec_(std::move(codec)), bytes_(bytes) {}
    bool write(std::string_view input, const addrbook::ByteSink& sink) override {
      return codec_->write(input, [&](std::string_view bytes) {
        bytes_ += bytes.size();
        return sink(bytes);
      });
    }
    bool finish(const addrbook::ByteSink& sink) override { return codec_->finish(sink); }

   private:
    std::unique_ptr<addrbook::Codec> codec_;
    std::size_t& bytes_;
  };

  std::shared_ptr<const addrbook::Coding> gzip_ = addrbook::gzip();
  std::size_t& bytes_;
};

}  // namespace

TEST_CASE("rest: a bomb is unpacked to the limit and no further") {
  std::size_t unpacked = 0;
  Options options;
  options.coding = std::make_shared<CountingGzip>(unpacked);
  const Book book(options);
  const std::string member = pack(std::string(std::size_t{4} << 20U, ' '));
  std::string bomb;
  while (bomb.size() + member.size() < options.max_body_bytes) bomb += member;
  REQUIRE(bomb.size() > 900'000);
  for (const Fields& framing : std::vector<Fields>{{}, {{"Transfer-Encoding", "chunked"}}}) {
    unpacked = 0;
    Fields headers = framing;
    headers.emplace_back("Content-Encoding", "gzip");
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < bomb.size(); at += 4096) pieces.push_back(bomb.substr(at, 4096));
    const Answer answer = ask(book.rest, posting(pieces, headers));
    check_error(answer, "POST", "/addresses", 413, "Body over 1048576 bytes");
    CHECK(unpacked > options.max_body_bytes);
    CHECK(unpacked <= options.max_body_bytes + std::size_t{16} * 1024);
  }
}

TEST_CASE("rest: the limit is of the unpacked size, and packing may make a body larger") {
  Options options = with_gzip();
  options.max_body_bytes = 100;
  const Book book(options);
  // 100 bytes that do not pack well: 100 and gzip's own.
  std::string text = "{\"t\":\"";
  std::mt19937 random(7);
  while (text.size() < 98) text += static_cast<char>('A' + random() % 26);
  text += "\"}";
  REQUIRE(text.size() == 100);
  const std::string larger = pack(text.substr(0, 50)) + pack(text.substr(50));
  REQUIRE(larger.size() > 100);
  const Fields gzip{{"Content-Encoding", "gzip"}};
  CHECK(post(book.rest, larger, gzip).status == 201);
  CHECK(post(book.rest, pack(text + " "), gzip).status == 413);
  CHECK(post(book.rest, pack(std::string(101, ' ')), gzip).status == 413);
  const Answer answer = post(book.rest, std::string(10'000, 'x'), gzip);
  CHECK(answer.status == 413);
  CHECK_FALSE(answer.was_body_read);
}

// --- conditional requests and coded answers ------------------------------------------------------

TEST_CASE("rest: If-None-Match of an address") {
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

TEST_CASE("rest: If-None-Match of the list") {
  const Book book;
  const std::string target = book.add();
  const std::string tag = get(book.rest, "/addresses").header("ETag");
  CHECK(tag == "W/" + tag_of(book, 1));
  int pages = 0;
  book.store->before_page = [&] { ++pages; };
  for (const std::string& match : {tag, tag_of(book, 1), std::string("*")}) {
    CAPTURE(match);
    const Answer answer = get(book.rest, "/addresses", {{"If-None-Match", match}});
    CHECK(answer.status == 304);
    CHECK(answer.header("ETag") == tag);
    CHECK(answer.body.empty());
    CHECK(pages == 0);
  }
  book.service->remove(target.substr(11));
  const Answer answer = get(book.rest, "/addresses", {{"If-None-Match", tag}});
  CHECK(answer.status == 200);
  CHECK(answer.body == "{}");
}

TEST_CASE("rest: answers of 1 KiB and more are packed, when asked") {
  const Book book(with_gzip());
  const auto of_size = [](std::size_t size) {
    return "{\"t\":\"" + std::string(size - 8, 'x') + "\"}";
  };
  const std::string small = book.add(of_size(1023));
  const std::string large = book.add(of_size(1024));
  struct Row {
    std::string target;
    std::optional<std::string> accept;
    bool is_packed;
  };
  const std::vector<Row> table{
      {large, "gzip", true},        {large, "br, x-gzip;q=0.1", true},
      {large, "*", true},           {large, std::nullopt, false},
      {large, "", false},           {large, "br", false},
      {large, "gzip;q=0", false},   {large, "gzip;q=nonsense", false},
      {small, "gzip", false},       {small, std::nullopt, false},
      {"/addresses", "gzip", true}, {"/addresses", "identity", false},
  };
  for (const Row& row : table) {
    CAPTURE(row.target);
    CAPTURE(row.accept.value_or("(none)"));
    Fields headers;
    if (row.accept) headers.emplace_back("Accept-Encoding", *row.accept);
    const Answer plain = get(book.rest, row.target);
    const Answer answer = get(book.rest, row.target, headers);
    CHECK(answer.status == 200);
    CHECK(answer.header("Vary") == "Accept-Encoding");
    CHECK(answer.header("Content-Encoding") == (row.is_packed ? "gzip" : "(absent)"));
    CHECK((row.is_packed ? unpack(answer.body) : answer.body) == plain.body);
    if (row.is_packed) CHECK(answer.body.size() < plain.body.size());
    const std::string tag = plain.header("ETag");
    const std::string weak = tag.substr(0, 2) == "W/" ? tag : "W/" + tag;
    CHECK(answer.header("ETag") == (row.is_packed ? weak : tag));
    // The weak tag of a packed answer confirms it later.
    headers.emplace_back("If-None-Match", answer.header("ETag"));
    const Answer confirmed = get(book.rest, row.target, headers);
    CHECK(confirmed.status == 304);
    CHECK(confirmed.header("Vary") == "Accept-Encoding");
    CHECK(confirmed.count("Content-Encoding") == 0);
    check_common_headers(answer);
  }
}

TEST_CASE("rest: without a coding answers are plain and do not vary") {
  const Book book;
  const std::string large = book.add("{\"t\":\"" + std::string(5000, 'x') + "\"}");
  const Answer answer = get(book.rest, large, {{"Accept-Encoding", "gzip"}});
  CHECK(answer.count("Vary") == 0);
  CHECK(answer.count("Content-Encoding") == 0);
  CHECK(answer.body.size() == 5008);
  CHECK(answer.header("ETag") == tag_of(book, 1));
}

TEST_CASE("rest: Range is ignored") {
  const Book book;
  const std::string target = book.add();
  const Answer answer = get(book.rest, target, {{"Range", "bytes=0-3"}});
  CHECK(answer.status == 200);
  CHECK(answer.body == ada);
}

// --- long lists ----------------------------------------------------------------------------------

namespace {

constexpr std::size_t many = 600;

/// A book of three pages and more.
struct LongBook : Book {
  std::vector<std::string> ids;

  explicit LongBook(Options options = {}) : Book(std::move(options)) {
    for (std::size_t i = 0; i < many; ++i) {
      ids.push_back(service->create(text(std::to_string(i))).id);
    }
  }
  static Document text(const std::string& name) {
    return Document::parse("{\"name\":\"" + name + "\",\"note\":\"" + std::string(1000, 'x') +
                           "\"}");
  }
};

}  // namespace

TEST_CASE("rest: a list of many pages is streamed in order") {
  const LongBook book;
  std::vector<std::size_t> pieces;
  Ask request;
  request.client = [&](std::string_view bytes) {
    pieces.push_back(bytes.size());
    return true;
  };
  const Answer answer = ask(book.rest, request);
  CHECK(answer.status == 200);
  CHECK(answer.is_stream);
  CHECK(answer.is_complete);
  CHECK(answer.header("ETag") == "W/" + tag_of(book, many));
  CHECK(answer.header("Content-Type") == "application/json; charset=UTF-8");
  const auto list = answer.json();
  REQUIRE(list.is_object());
  REQUIRE(list.size() == many);
  std::size_t i = 0;
  bool is_in_order = true;
  for (const auto& [id, address] : list.items()) {
    is_in_order = is_in_order && id == book.ids[i] && address["name"] == std::to_string(i);
    ++i;
  }
  CHECK(is_in_order);
  // Never as one huge piece.
  CHECK(pieces.size() > 5);
  CHECK(*std::max_element(pieces.begin(), pieces.end()) < std::size_t{128} * 1024);
}

TEST_CASE("rest: what is written while a list is sent") {
  const LongBook book;
  bool has_written = false;
  std::string made;
  Ask request;
  request.client = [&](std::string_view) {
    if (!has_written) {
      has_written = true;
      // No lock is held meanwhile, or this would never return.
      made = book.service->create(LongBook::text("meanwhile")).id;
      book.service->remove(book.ids[550]);
      book.service->update(book.ids[551], LongBook::text("updated"));
    }
    return true;
  };
  const Answer answer = ask(book.rest, request);
  CHECK(answer.is_complete);
  REQUIRE(has_written);
  const auto list = answer.json();
  REQUIRE(list.is_object());
  CHECK(list.size() == many - 1);
  CHECK_FALSE(list.contains(made));
  CHECK_FALSE(list.contains(book.ids[550]));
  CHECK(list[book.ids[551]]["name"] == "updated");
  // What was mixed is not confirmed by its tag.
  CHECK(answer.header("ETag") == "W/" + tag_of(book, many));
  CHECK(get(book.rest, "/addresses", {{"If-None-Match", answer.header("ETag")}}).status == 200);
}

TEST_CASE("rest: all that was left of a list may go while it is sent") {
  const LongBook book;
  bool has_written = false;
  Ask request;
  request.client = [&](std::string_view) {
    if (!has_written) {
      has_written = true;
      for (std::size_t i = 100; i < many; ++i) book.service->remove(book.ids[i]);
      // A whole page of newcomers.
      for (int i = 0; i < 300; ++i) book.service->create(LongBook::text("meanwhile"));
    }
    return true;
  };
  const Answer answer = ask(book.rest, request);
  CHECK(answer.is_complete);
  const auto list = answer.json();
  REQUIRE(list.is_object());
  CHECK(list.size() >= 100);
  CHECK(list.size() < many);
  CHECK(list.begin().key() == book.ids[0]);
}

TEST_CASE("rest: a list stops when its client wants no more") {
  const LongBook book;
  std::size_t taken = 0;
  int pages = 0;
  book.store->before_page = [&] { ++pages; };
  Ask request;
  request.client = [&](std::string_view) { return ++taken <= 2; };
  const Answer answer = ask(book.rest, request);
  CHECK_FALSE(answer.is_complete);
  CHECK(taken == 3);
  CHECK(pages == 1);
  REQUIRE(book.log->size() == 1);
  CHECK(book.log->back().reason == "The answer was cut short");
  CHECK(book.log->back().bytes == answer.body.size());
  CHECK(book.log->back().bytes > 0);
}

TEST_CASE("rest: a list has to be taken within its time") {
  Options options;
  options.answer_timeout = std::chrono::milliseconds(0);
  const LongBook book(options);
  const Answer answer = get(book.rest, "/addresses");
  CHECK(answer.is_stream);
  CHECK_FALSE(answer.is_complete);
  CHECK(answer.body.empty());
  REQUIRE(book.log->size() == 1);
  CHECK(book.log->back().reason == "The answer was cut short");
}

TEST_CASE("rest: a list is packed as it is streamed") {
  const LongBook book(with_gzip());
  const Answer plain = get(book.rest, "/addresses");
  const Answer packed = get(book.rest, "/addresses", {{"Accept-Encoding", "gzip"}});
  CHECK(packed.is_stream);
  CHECK(packed.is_complete);
  CHECK(packed.header("Content-Encoding") == "gzip");
  CHECK(packed.header("Vary") == "Accept-Encoding");
  CHECK(plain.header("Vary") == "Accept-Encoding");
  CHECK(packed.header("ETag") == plain.header("ETag"));
  CHECK((unpack(packed.body) == plain.body));
  CHECK(book.log->back().bytes == packed.body.size());

  Ask request;
  request.headers = {{"Accept-Encoding", "gzip"}};
  request.client = [](std::string_view) { return false; };
  CHECK_FALSE(ask(book.rest, request).is_complete);
}

TEST_CASE("rest: a list outlives its Rest") {
  addrbook::Reply reply;
  {
    const LongBook book;
    addrbook::Request request;
    request.method = "GET";
    request.target = "/addresses";
    request.header = [](std::string_view) { return std::nullopt; };
    reply = book.rest.handle(request);
  }
  std::string body;
  REQUIRE(reply.stream);
  CHECK(reply.stream([&](std::string_view bytes) {
    body += bytes;
    return true;
  }));
  CHECK(json::parse(body).size() == many);
}

TEST_CASE("rest: of a long list, HEAD reads one page and 304 none") {
  const LongBook book;
  int pages = 0;
  book.store->before_page = [&] { ++pages; };
  Answer answer = ask(book.rest, asking("GET", "/addresses", {{"If-None-Match", "*"}}));
  CHECK(answer.status == 304);
  CHECK(pages == 0);
  // One, to know whether GET would send a Content-Length; the adapter runs no stream for HEAD.
  answer = ask(book.rest, asking("HEAD", "/addresses"));
  CHECK(answer.status == 200);
  CHECK(pages == 1);
  CHECK(answer.header("ETag") == "W/" + tag_of(book, many));
}

TEST_CASE("rest: a storage fault in the middle of a list ends it, and the log says so") {
  const LongBook book;
  int pages = 0;
  book.store->before_page = [&] {
    if (++pages == 2) test::fail_storage();
  };
  Answer answer;
  CHECK_NOTHROW(answer = get(book.rest, "/addresses"));
  CHECK(pages == 2);
  CHECK_FALSE(answer.is_complete);
  CHECK(answer.body.find(test::secret_cause) == std::string::npos);
  REQUIRE(book.log->size() == 2);
  CHECK((*book.log)[0].kind == LogRecord::Kind::fault);
  CHECK((*book.log)[0].trace.size() == 2);
  CHECK((*book.log)[1].kind == LogRecord::Kind::response);
  CHECK((*book.log)[1].reason == "The answer was cut short");
  CHECK((*book.log)[0].request_id == (*book.log)[1].request_id);
}

// --- what every reply has ------------------------------------------------------------------------

TEST_CASE("rest: every reply carries what every reply carries, and is logged once") {
  for (const bool debug : {false, true}) {
    Options options = with_gzip();
    options.debug = debug;
    options.max_body_bytes = 5000;
    options.authorize = [](const AccessRequest& access) {
      const auto token = access.request.header("Authorization");
      return token == "none"      ? Access::unauthenticated()
             : token == "mallory" ? Access::forbid("mallory")
                                  : Access::allow();
    };
    const Book book(options);
    const std::string target = book.add();
    const std::string large = book.add("{\"t\":\"" + std::string(3000, 'x') + "\"}");
    const std::vector<Ask> requests{
        asking("GET", "/addresses"),
        asking("GET", "/addresses", {{"Accept-Encoding", "gzip"}}),
        asking("HEAD", "/addresses"),
        asking("OPTIONS", "/addresses"),
        asking("GET", "/addresses", {{"If-None-Match", "*"}}),
        asking("GET", target),
        asking("GET", large, {{"Accept-Encoding", "gzip"}}),
        asking("HEAD", target),
        asking("GET", absent),
        asking("GET", "/addresses/_health"),
        asking("GET", "/addresses/_ready"),
        asking("GET", "/addresses/a/b"),
        asking("BREW", target),
        asking("POST", "/addresses", {}, {ada}),
        asking("POST", "/addresses", {}, {"nonsense"}),
        asking("POST", "/addresses", {{"Content-Type", "text/html"}}, {ada}),
        asking("POST", "/addresses", {{"Content-Length", "5001"}}, {ada}),
        asking("POST", "/addresses", {{"Transfer-Encoding", "gzip"}}, {ada}),
        asking("PUT", target, {}, {ada}),
        asking("PUT", absent, {}, {ada}),
        asking("GET", target, {{"Authorization", "none"}}),
        asking("GET", target, {{"Authorization", "mallory"}}),
        asking("DELETE", target),
        asking("DELETE", target),
    };
    std::set<int> statuses;
    for (const Ask& request : requests) {
      CAPTURE(request.method);
      CAPTURE(request.target);
      book.log->clear();
      const Answer answer = ask(book.rest, request);
      statuses.insert(answer.status);
      check_common_headers(answer);
      REQUIRE(book.log->size() == 1);
      const LogRecord& record = book.log->front();
      CHECK(record.level == LogRecord::Level::info);
      CHECK(record.kind == LogRecord::Kind::response);
      CHECK(record.request_id == answer.header("X-Request-Id"));
      CHECK(record.method == request.method);
      CHECK(record.uri == request.target);
      CHECK(record.ip == "192.0.2.7");
      CHECK(record.status == answer.status);
      CHECK(record.time.count() >= 0);
      CHECK(record.bytes == (request.method == "HEAD" ? 0 : answer.body.size()));
      CHECK(record.reason.empty() == (answer.status < 400));
      if (answer.status >= 400) CHECK(record.reason == answer.message());
      CHECK(record.trace.empty() == !(debug && answer.status >= 400));
    }
    CHECK(statuses == std::set<int>{200, 201, 204, 304, 400, 401, 403, 404, 405, 413, 415, 501});
  }
}

TEST_CASE("rest: X-Request-Id is the client's, if it is one, or made") {
  const Book book;
  for (const std::string& id :
       {std::string("abc.DEF_1-2"), std::string("7"), std::string(128, 'x')}) {
    CHECK(get(book.rest, "/addresses", {{"x-request-id", id}}).header("X-Request-Id") == id);
    CHECK(book.log->back().request_id == id);
    CHECK(get(book.rest, absent, {{"X-Request-Id", id}}).header("X-Request-Id") == id);
  }
  std::set<std::string> made;
  const std::vector<std::string> refused{
      "",   std::string(129, 'x'), "a b", "a\"b", "a\r\nb", "caf\xC3\xA9", "a=b", "a,b", "<script>",
      "a/b"};
  for (const std::string& id : refused) {
    CAPTURE(id);
    const std::string answered =
        get(book.rest, "/addresses", {{"X-Request-Id", id}}).header("X-Request-Id");
    CHECK(answered != id);
    CHECK(addrbook::detail::is_request_id(answered));
    CHECK(book.log->back().request_id == answered);
    made.insert(answered);
  }
  made.insert(get(book.rest, "/addresses").header("X-Request-Id"));
  made.insert(get(book.rest, "/addresses", {{"X-Request-Id", "a"}, {"X-Request-Id", "b"}})
                  .header("X-Request-Id"));
  CHECK(made.size() == refused.size() + 2);
}

TEST_CASE("rest: an error's uri is the target before the query, as it was sent") {
  const Book book;
  check_error(get(book.rest, "/addresses/caf%C3%A9?x=1?y"), "GET", "/addresses/caf%C3%A9", 404,
              "Unknown Endpoint");
  check_error(get(book.rest, "/addresses/a%2F%00b"), "GET", "/addresses/a%2F%00b", 404,
              "Unknown Endpoint");
  check_error(get(book.rest, "/addresses/\"\\<b>\n"), "GET", "/addresses/\"\\<b>\n", 404,
              "Unknown Endpoint");
  check_error(get(book.rest, "/addresses/\xC3\xA9"), "GET", "/addresses/\xC3\xA9", 404,
              "Unknown Endpoint");
  check_error(get(book.rest, "/addresses/\xFF_\xC3"), "GET", "/addresses/\xEF\xBF\xBD_\xEF\xBF\xBD",
              404, "Unknown Endpoint");
  // The method is a stranger's word as well.
  check_error(ask(book.rest, asking("GE\xFFT", "/addresses")), "GE\xEF\xBF\xBDT", "/addresses", 405,
              "Method Not Allowed");
}

// --- faults --------------------------------------------------------------------------------------

TEST_CASE("rest: of a storage fault the client learns that there is one, the log all") {
  for (const bool debug : {false, true}) {
    CAPTURE(debug);
    Options options;
    options.debug = debug;
    const Book book(options);
    const std::string target = book.add();
    const auto fail_all = [&](const std::function<void()>& failing) {
      book.store->before_commit = book.store->before_find = failing;
      book.store->before_page = book.store->before_state = failing;
    };
    const std::vector<Ask> requests{
        asking("GET", "/addresses"), asking("GET", target), asking("PUT", target, {}, {ada}),
        asking("POST", "/addresses", {}, {ada}), asking("DELETE", target)};
    for (const Ask& request : requests) {
      CAPTURE(request.method);
      CAPTURE(request.target);
      fail_all(test::fail_storage);
      book.log->clear();
      const Answer answer = ask(book.rest, request);
      CHECK(answer.status == 503);
      CHECK(answer.header("Retry-After") == "1");
      CHECK(answer.message() == "The storage can't be reached");
      const auto body = answer.json();
      CHECK(body.contains("trace") == debug);
      CHECK((answer.body.find("/srv/") != std::string::npos) == debug);
      CHECK(body.size() == (debug ? 5 : 4));

      REQUIRE(book.log->size() == 2);
      const LogRecord& fault = (*book.log)[0];
      const LogRecord& response = (*book.log)[1];
      CHECK(fault.kind == LogRecord::Kind::fault);
      CHECK(fault.level == LogRecord::Level::error);
      CHECK(fault.request_id == response.request_id);
      CHECK(fault.status == 503);
      REQUIRE(fault.trace.size() == 2);
      CHECK(fault.trace[1].find(test::secret_cause) != std::string::npos);
      CHECK(response.kind == LogRecord::Kind::response);
      CHECK(response.level == LogRecord::Level::info);
      CHECK(response.reason == "The storage can't be reached");
      CHECK(response.trace.empty() == !debug);
    }
    fail_all([] {});
    CHECK(book.service->state().revision == 1);
    CHECK(get(book.rest, target).body == ada);
  }
}

TEST_CASE("rest: a stranger's exception is an internal error, its words for the log only") {
  const std::vector<std::function<void()>> failing{[] { throw std::runtime_error("secret"); },
                                                   [] { throw 7; },
                                                   [] { throw Error(Errc::internal, "secret"); },
                                                   [] { throw nlohmann::json::parse("{secret"); }};
  for (const auto& fail : failing) {
    const Book book;
    const std::string target = book.add();
    book.store->before_find = book.store->before_commit = fail;
    for (const Ask& request : {asking("GET", target), asking("DELETE", target),
                               asking("POST", "/addresses", {}, {ada})}) {
      book.log->clear();
      Answer answer;
      CHECK_NOTHROW(answer = ask(book.rest, request));
      check_error(answer, request.method, request.target, 500, "Internal Server Error");
      check_common_headers(answer);
      REQUIRE(book.log->size() == 2);
      CHECK((*book.log)[0].kind == LogRecord::Kind::fault);
      CHECK_FALSE((*book.log)[0].trace.empty());
      CHECK((*book.log)[1].trace.empty());
    }
  }
}

TEST_CASE("rest: a stopped book refuses writes and goes on answering reads") {
  const Book book;
  const std::string target = book.add();
  book.service->stop();
  for (const Ask& request : {asking("POST", "/addresses", {}, {ada}),
                             asking("PUT", target, {}, {ada}), asking("DELETE", target)}) {
    CAPTURE(request.method);
    const Answer answer = ask(book.rest, request);
    check_error(answer, request.method, request.target, 503, "The service is stopped");
    CHECK(answer.header("Retry-After") == "1");
    CHECK(book.log->back().kind == LogRecord::Kind::response);
  }
  CHECK(book.log->size() == 3);
  CHECK(get(book.rest, target).body == ada);
  CHECK(get(book.rest, "/addresses").status == 200);
  book.service->start();
  CHECK(ask(book.rest, asking("DELETE", target)).status == 204);
}

TEST_CASE("rest: a validator's refusal is the client's error, its failure is ours") {
  addrbook::Validator validator;
  const Book book({}, {[&](const Document& document) { return validator(document); }});
  validator = [](const Document&) { return addrbook::Violation{"/name", "must be a string"}; };
  check_error(post(book.rest, "{}"), "POST", "/addresses", 400,
              "Invalid address: '/name' must be a string");
  validator = [](const Document&) { return addrbook::Violation{"/\xFF", "\"quoted\""}; };
  check_error(post(book.rest, "{}"), "POST", "/addresses", 400,
              "Invalid address: '/\xEF\xBF\xBD' \"quoted\"");
  CHECK(book.log->size() == 2);
  validator = [](const Document&) -> std::optional<addrbook::Violation> {
    throw std::runtime_error("secret");
  };
  check_error(post(book.rest, "{}"), "POST", "/addresses", 500, "Internal Server Error");
  CHECK(book.log->size() == 4);
  validator = [](const Document& document) -> std::optional<addrbook::Violation> {
    static_cast<void>(document.json());
    return std::nullopt;
  };
  check_error(post(book.rest, R"({"a":1e400})"), "POST", "/addresses", 400,
              "the address holds a number beyond double");
  CHECK(book.service->state().revision == 0);
  CHECK(post(book.rest, R"({"a":1e40})").status == 201);
}

TEST_CASE("rest: a log that throws takes nothing with it") {
  Options options;
  int calls = 0;
  options.log = [&](const LogRecord&) {
    ++calls;
    throw std::runtime_error("disk full");
  };
  const LongBook book(options);
  Answer answer;
  CHECK_NOTHROW(answer = get(book.rest, absent));
  CHECK(answer.status == 404);
  CHECK_NOTHROW(answer = post(book.rest, ada));
  CHECK(answer.status == 201);
  CHECK_NOTHROW(answer = get(book.rest, "/addresses"));
  CHECK(answer.is_complete);
  CHECK(calls == 3);
  book.store->before_find = test::fail_storage;
  CHECK_NOTHROW(answer = get(book.rest, absent));
  CHECK(answer.status == 503);
  CHECK(calls == 5);
}

// --- the log and debug mode ----------------------------------------------------------------------

TEST_CASE("rest: a stream's log line is written at its end") {
  const LongBook book;
  SUBCASE("with the bytes that were sent") {
    std::size_t lines_before_end = 0;
    Ask request;
    request.client = [&](std::string_view) {
      lines_before_end += book.log->size();
      return true;
    };
    const Answer answer = ask(book.rest, request);
    CHECK(lines_before_end == 0);
    REQUIRE(book.log->size() == 1);
    CHECK(book.log->front().bytes == answer.body.size());
    CHECK(book.log->front().status == 200);
    CHECK(book.log->front().reason.empty());
  }
  SUBCASE("also if it is never run") {
    Ask request;
    request.run_stream = false;
    CHECK(ask(book.rest, request).is_stream);
    REQUIRE(book.log->size() == 1);
    CHECK(book.log->front().bytes == 0);
  }
}

TEST_CASE("rest: the log never shows the query") {
  const Book book;
  get(book.rest, "/addresses?email=ada@example.com");
  REQUIRE(book.log->size() == 1);
  CHECK(addrbook::to_logfmt(book.log->front()).find("example.com") == std::string::npos);
}

TEST_CASE("rest: debug mode adds trace to errors, and more to the log, and changes nothing else") {
  Options options;
  const auto run_all = [](const Book& book) {
    std::vector<Answer> answers;
    const Fields headers{{"X-Request-Id", "one"}, {"User-Agent", "curl/8"}};
    for (const auto& [method, target, body] :
         std::vector<std::tuple<std::string, std::string, std::string>>{
             {"GET", "/addresses", ""},
             {"GET", absent, ""},
             {"POST", "/addresses", "[1,]"},
             {"PATCH", "/addresses", ""},
             {"GET", "/addresses/a/b", ""},
             {"OPTIONS", "/addresses", ""}}) {
      answers.push_back(send(book.rest, method, target, body, headers));
    }
    return answers;
  };
  const Book plain(options);
  options.debug = true;
  const Book debugging(options);
  const auto expected = run_all(plain);
  const auto answers = run_all(debugging);
  REQUIRE(answers.size() == expected.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    CAPTURE(i);
    CHECK(answers[i].status == expected[i].status);
    if (answers[i].status < 400) {
      CHECK(answers[i].body == expected[i].body);
      continue;
    }
    CHECK(answers[i].headers == expected[i].headers);
    auto body = answers[i].json();
    REQUIRE(body.size() == 5);
    CHECK(std::prev(body.end()).key() == "trace");
    REQUIRE(body["trace"].is_array());
    CHECK_FALSE(body["trace"].empty());
    body.erase("trace");
    CHECK(body.dump() == expected[i].body);
  }
  const auto trace = answers[2].json()["trace"];
  REQUIRE(trace.size() == 2);
  CHECK(trace[0].get<std::string>().find("rest.hpp:") != std::string::npos);
  CHECK(trace[1].get<std::string>().find("compact.hpp:") != std::string::npos);
  CHECK(trace[1].get<std::string>().find("unexpected ']' at byte 3") != std::string::npos);

  const LogRecord& record = (*debugging.log)[2];
  CHECK(record.user_agent == "curl/8");
  CHECK(record.request_bytes == 4);
  CHECK(record.trace.size() == 2);
  const LogRecord& without = (*plain.log)[2];
  CHECK(without.user_agent.empty());
  CHECK(without.request_bytes == 0);
  CHECK(without.trace.empty());
}

TEST_CASE("rest: a fault of the store after a write does not make its answer an error") {
  // What an answer needs comes with the commit: nothing else is asked.
  const Book book;
  const std::string target = book.add();
  book.store->before_state = book.store->before_find = test::fail_storage;
  CHECK(post(book.rest, ada).status == 201);
  CHECK(send(book.rest, "PUT", target, "{}").status == 204);
  CHECK(ask(book.rest, asking("DELETE", target)).status == 204);
}
