#include <addrbook/rest.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using addrbook::Access;
using addrbook::AccessRequest;
using addrbook::Action;
using addrbook::BodyStatus;
using addrbook::Errc;
using addrbook::Error;
using nlohmann::json;
using namespace std::string_literals;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

TEST_CASE("rest: needs a service and a prefix that is one") {
  const auto code_of = [](std::shared_ptr<Service> service, const std::string& prefix) {
    Options options;
    options.prefix = prefix;
    try {
      const Rest rest = test::make_rest(std::move(service), options);
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
  CHECK(status("PUT", absent + "?x=1", {}, big) == 413);
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
  const Rest rest = test::make_rest(service, options);
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
                     std::string(access.request.header("authorization").value_or("(none)"))});
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
  CHECK((last("PATCH", target) == std::make_pair(Action::update, id)));
  CHECK((last("DELETE", target) == std::make_pair(Action::remove, id)));
  for (const auto& record : *book.log) CHECK(record.user == "ada");

  asked.clear();
  for (const std::string open : {"/addresses/_health", "/addresses/_ready", "/addresses/a/b"}) {
    get(book.rest, open);
  }
  ask(book.rest, asking("OPTIONS", "/addresses"));
  ask(book.rest, asking("POST", target));
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
  CHECK(post(book.rest, "{}").body ==
        R"({"method":"POST","uri":"/addresses","code":400,)"
        R"("message":"Invalid address: '/name' must be a string",)"
        R"("errors":[{"pointer":"/name","reason":"must be a string"}]})");
  validator = [](const Document&) { return addrbook::Violation{"/\xFF", "\"quoted\""}; };
  const Answer escaped = post(book.rest, "{}");
  CHECK(escaped.status == 400);
  CHECK(escaped.json()["message"] == "Invalid address: '/\xEF\xBF\xBD' \"quoted\"");
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

TEST_CASE("rest: all that a validator finds is listed, for POST and for PUT") {
  addrbook::Validator validator = [](const Document&) { return addrbook::Violations(); };
  const Book book({}, {[&](const Document& document) { return validator(document); }});
  const std::string target = post(book.rest, "{}").header("Location");
  validator = [](const Document&) {
    return addrbook::Violations{{"/a", "is odd"}, {"/b", "is missing"}};
  };
  const auto errors = nlohmann::json::parse(
      R"([{"pointer": "/a", "reason": "is odd"}, {"pointer": "/b", "reason": "is missing"}])");
  const std::vector<Ask> requests{asking("POST", "/addresses", {}, {"{}"}),
                                  asking("PUT", target, {}, {"{}"})};
  for (const Ask& request : requests) {
    const Answer answer = ask(book.rest, request);
    CHECK(answer.status == 400);
    CHECK(answer.json()["message"] == "Invalid address: '/a' is odd");
    CHECK(answer.json()["errors"] == errors);
    CHECK(book.log->back().reason == "Invalid address: '/a' is odd");
  }
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
    request.read_source = false;
    CHECK(ask(book.rest, request).has_source);
    REQUIRE(book.log->size() == 1);
    CHECK(book.log->front().bytes == 0);
  }
}

TEST_CASE("rest: the log never shows the query") {
  for (const bool debug : {false, true}) {
    Options options;
    options.debug = debug;
    const Book book(options);
    for (const std::string query :
         {"mail=ada@example.com", "example.com", "%62=example.com", "&", "email=ada@example.com",
          "sort=example.com", "cursor=example.com"}) {
      const Answer answer = get(book.rest, "/addresses?" + query);
      CHECK(answer.status == (query == "&" || query.substr(0, 6) == "email=" ? 200 : 400));
    }
    REQUIRE(book.log->size() == 7);
    for (const LogRecord& record : *book.log) {
      CHECK(addrbook::to_logfmt(record).find("example.com") == std::string::npos);
    }
    CHECK(book.log->front().reason == "Unknown parameter");
  }
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
    REQUIRE(body["trace"].is_string());
    CHECK_FALSE(body["trace"].get<std::string>().empty());
    body.erase("trace");
    CHECK(body.dump() == expected[i].body);
  }
  const auto trace = answers[2].json()["trace"].get<std::string>();
  const auto line_end = trace.find('\n');
  REQUIRE(std::count(trace.begin(), trace.end(), '\n') == 1);  // a line for each cause
  CHECK(trace.rfind("HTTP 400 at body.hpp:", 0) == 0);
  CHECK(trace.find("compact.hpp:", line_end) != std::string::npos);
  CHECK(trace.find("unexpected ']' at byte 3", line_end) != std::string::npos);

  const LogRecord& record = (*debugging.log)[2];
  CHECK(record.user_agent == "curl/8");
  CHECK(record.request_bytes == 4);
  CHECK(record.trace.size() == 2);
  const LogRecord& without = (*plain.log)[2];
  CHECK(without.user_agent.empty());
  CHECK(without.request_bytes == 0);
  CHECK(without.trace.empty());
}

namespace {

/// Answers a request by a Call, its body coming byte by byte.
addrbook::Reply call_bytewise(const Rest& rest, const Ask& ask) {
  const Asked asked(rest, ask);
  Rest::Call call(rest, asked.request);
  BodyStatus status = BodyStatus::complete;
  if (call.wants_body()) {
    status = ask.body_status;
    for (const std::string& piece : ask.body) {
      for (const char& byte : piece) {
        if (!call.take({&byte, 1})) status = BodyStatus::malformed;
      }
    }
  }
  return call.finish(status);
}

}  // namespace

TEST_CASE("rest: a call answers in steps as handle() does at once") {
  Options options = with_gzip();
  options.max_body_bytes = 100;
  options.authorize = [](const AccessRequest& access) {
    return access.request.header("Authorization") == "none" ? Access::unauthenticated()
                                                            : Access::allow("ada");
  };
  const Book book(options);
  const std::string target = book.add();
  struct Row {
    Ask ask;
    int status;
    bool wants_body;
  };
  std::vector<Row> rows{
      {asking("GET", "/addresses"), 200, false},
      {asking("GET", target), 200, false},
      {asking("HEAD", target), 200, false},
      {asking("OPTIONS", target), 204, false},
      {asking("GET", absent), 404, false},
      {asking("GET", target + "?x=1"), 400, false},
      {asking("GET", "/addresses/a/b"), 404, false},
      {asking("BREW", target, {}, {ada}), 405, false},
      {asking("DELETE", absent, {}, {ada}), 404, false},
      {asking("PUT", target, {}, {ada}), 204, true},
      {asking("PUT", target, {{"Content-Encoding", "gzip"}}, {pack(ada)}), 204, true},
      {asking("PUT", absent, {}, {ada}), 404, true},
      {asking("PUT", target + "?x=1", {}, {ada}), 400, true},
      {asking("PUT", target, {}, {"nonsense"}), 400, true},
      {asking("PUT", target, {{"Content-Encoding", "gzip"}}, {ada}), 400, true},
      {asking("PUT", target, {{"Transfer-Encoding", "chunked"}}, {std::string(101, ' ')}), 413,
       true},
      {asking("PUT", target, {}, {std::string(101, ' ')}), 413, false},
      {asking("PUT", target, {{"Content-Type", "text/html"}}, {ada}), 415, false},
      {asking("PUT", target, {{"Content-Encoding", "br"}}, {ada}), 415, false},
      {asking("PUT", target, {{"Transfer-Encoding", "gzip"}}, {ada}), 501, false},
      {asking("PUT", target, {{"Authorization", "none"}}, {ada}), 401, false},
      {asking("POST", "/addresses", {{"Origin", "null"}}, {ada}), 403, false},
  };
  Row late{asking("PUT", target, {}, {"{"}), 408, true};
  late.ask.body_status = BodyStatus::timed_out;
  rows.push_back(late);
  Row cut{asking("PUT", target, {}, {"{"}), 400, true};
  cut.ask.body_status = BodyStatus::malformed;
  rows.push_back(cut);
  Row unframed{asking("POST", "/addresses", {}, {}), 411, false};
  unframed.ask.unframed = true;
  rows.push_back(unframed);
  for (const Row& row : rows) {
    CAPTURE(row.ask.method);
    CAPTURE(row.ask.target);
    CAPTURE(row.status);
    Ask request = row.ask;
    request.headers.emplace_back("X-Request-Id", "one");
    {
      const Asked asked(book.rest, request);
      CHECK(Rest::Call(book.rest, asked.request).wants_body() == row.wants_body);
    }
    CHECK(book.log->empty());  // nothing is done before finish()
    const addrbook::Reply reply = call_bytewise(book.rest, request);
    CHECK(reply.status == row.status);
    REQUIRE(book.log->size() == 1);
    book.log->clear();
    const Answer whole = ask(book.rest, request);
    book.log->clear();
    CHECK(whole.was_body_read == row.wants_body);
    CHECK(whole.status == reply.status);
    CHECK(whole.closes == reply.close_connection);
    Fields headers;
    for (const auto& field : reply.headers) {
      // A write changes the revision, and nothing else.
      if (field.first != "ETag") headers.emplace_back(field.first, field.second);
    }
    Fields expected = whole.headers;
    expected.erase(std::remove_if(expected.begin(), expected.end(),
                                  [](const auto& field) { return field.first == "ETag"; }),
                   expected.end());
    CHECK(headers == expected);
    CHECK(reply.body == whole.body);
  }
}

TEST_CASE("rest: a call refuses bytes without an end") {
  Options options;
  options.max_body_bytes = 100;
  const Book book(options);
  const Asked asked(book.rest, posting({}, {{"Transfer-Encoding", "chunked"}}));
  Rest::Call call(book.rest, asked.request);
  const std::string piece(std::size_t{1} << 20U, ' ');
  int taken = 0;
  while (taken < 100 && call.take(piece)) ++taken;
  CHECK(taken == 8);
  const addrbook::Reply reply = call.finish(BodyStatus::malformed);
  CHECK(reply.status == 413);
  CHECK(reply.close_connection);
}

namespace {

/// A coding whose decoder throws.
class Broken final : public addrbook::Coding {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "broken"; }
  [[nodiscard]] std::unique_ptr<addrbook::Codec> encoder() const override {
    return std::make_unique<Decoder>();
  }
  [[nodiscard]] std::unique_ptr<addrbook::Codec> decoder(std::string_view) const override {
    return std::make_unique<Decoder>();
  }

 private:
  class Decoder final : public addrbook::Codec {
   public:
    bool write(std::string_view, const addrbook::ByteSink&) override {
      throw std::runtime_error("secret");
    }
    bool flush(const addrbook::ByteSink&) override { return true; }
    bool finish(const addrbook::ByteSink&) override { return true; }
  };
};

}  // namespace

TEST_CASE(
    "rest: what is thrown while a body is read is an internal error, and ends the connection") {
  Options options;
  options.coding = std::make_shared<Broken>();
  const Book book(options);
  SUBCASE("by the decoder") {
    const Asked asked(book.rest, posting({"x"}, {{"Content-Encoding", "x"}}));
    Rest::Call call(book.rest, asked.request);
    REQUIRE(call.wants_body());
    CHECK_FALSE(call.take("x"));
    CHECK_FALSE(call.take("x"));
    const addrbook::Reply reply = call.finish(BodyStatus::malformed);
    CHECK(reply.status == 500);
    CHECK(reply.close_connection);
    CHECK(reply.body.find("secret") == std::string::npos);
  }
  SUBCASE("by the HTTP library") {
    Asked asked(book.rest, posting({"x"}));
    asked.request.read_body = [](const addrbook::ByteSink&) -> BodyStatus {
      throw std::runtime_error("secret");
    };
    const addrbook::Reply reply = test::handle(book.rest, asked.request);
    CHECK(reply.status == 500);
    CHECK(reply.close_connection);
  }
  CHECK(book.log->size() == 2);
  CHECK(book.service->state().revision == 0);
}

TEST_CASE("rest: a body needs time") {
  Options options;
  options.body_timeout = std::chrono::milliseconds(0);
  CHECK_THROWS_AS(test::make_rest(std::make_shared<Service>(), options), Error);
}

TEST_CASE("rest: past max_concurrent_writes further ones get a 503, and all else an answer") {
  constexpr std::size_t limit = 3;
  Options options;
  options.max_concurrent_writes = 0;
  CHECK_THROWS_AS(test::make_rest(std::make_shared<Service>(), options), Error);
  options.max_concurrent_writes = limit;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t waiting = 0;
  bool is_open = true;
  options.log = [](const LogRecord&) {};  // Book's own is not for several threads
  const Book book(options);
  const std::string target = book.add();
  book.store->before_commit = [&] {
    std::unique_lock lock(mutex);
    ++waiting;
    changed.notify_all();
    changed.wait(lock, [&] { return is_open; });
  };
  for (int round = 0; round < 2; ++round) {
    CAPTURE(round);
    waiting = 0;
    is_open = false;
    std::vector<int> statuses(limit);
    std::vector<std::thread> writers;
    for (int& status : statuses) {
      writers.emplace_back([&] { status = post(book.rest, ada).status; });
    }
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return waiting == limit; });
    }
    for (const Ask& request : {asking("POST", "/addresses", {}, {ada}),
                               asking("PUT", target, {}, {ada}), asking("DELETE", target)}) {
      const Answer answer = ask(book.rest, request);
      check_error(answer, request.method, request.target, 503, "Too many writes at once");
      CHECK(answer.header("Retry-After") == "1");
    }
    // What is wrong with the request itself comes first, as far as it is known by then.
    CHECK(post(book.rest, ada, {{"Content-Type", "text/html"}}).status == 415);
    CHECK(get(book.rest, target).body == ada);
    CHECK(get(book.rest, "/addresses").status == 200);
    CHECK(get(book.rest, "/addresses/_health").status == 200);
    CHECK(get(book.rest, "/addresses/_ready").status == 200);
    {
      const std::lock_guard lock(mutex);
      CHECK(waiting == limit);
      is_open = true;
      changed.notify_all();
    }
    for (std::thread& writer : writers) writer.join();
    CHECK(statuses == std::vector<int>(limit, 201));
    CHECK(send(book.rest, "PUT", target, ada).status == 204);
    // Writes that fail free their places, too.
    for (std::size_t i = 0; i <= limit; ++i)
      CHECK(send(book.rest, "PUT", absent, ada).status == 404);
  }
}
