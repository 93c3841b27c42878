#include <addrbook/rest/web_policy.hpp>

#include <addrbook/gzip.hpp>
#include <addrbook/rest.hpp>

#include <unit/refusal.hpp>
#include <unit/rest_client.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using addrbook::Access;
using addrbook::AccessRequest;
using addrbook::Errc;
using addrbook::Error;
using addrbook::Options;
using addrbook::Rest;
using addrbook::Service;
using test::Answer;
using test::Ask;
using test::ask;
using test::Fields;

namespace {

const std::string foreign = "Forbidden: a web page of another origin must not write";
const std::string unknown_host =
    "Forbidden: Host is not a name of this server (see http.allowed_hosts)";
const std::string none = "(absent)";

/// A book with one address in it.
struct Book {
  std::shared_ptr<Service> service = std::make_shared<Service>();
  std::string target = "/addresses/" + service->create(nlohmann::json{{"name", "Ada Example"}}).id;
  Rest rest;

  explicit Book(Options options = {}) : rest(test::make_rest(service, std::move(options))) {}

  [[nodiscard]] Answer ask(const std::string& method, const std::string& where,
                           const Fields& headers, const std::string& body = "{}") const {
    Ask request;
    request.method = method;
    request.target = where;
    request.headers = headers;
    if (method == "POST" || method == "PUT") request.body = {body};
    return test::ask(rest, request);
  }
};

Options with_origins(std::vector<std::string> origins) {
  Options options;
  options.allowed_origins = std::move(origins);
  return options;
}

Options with_hosts(std::vector<std::string> hosts) {
  Options options;
  options.allowed_hosts = std::move(hosts);
  return options;
}

std::string refusal(Options options) {
  return test::refusal(
      [&] { const Rest rest = test::make_rest(std::make_shared<Service>(), std::move(options)); });
}

}  // namespace

TEST_CASE("web policy: a page of this host may write, one of another may not") {
  const Book book;
  const struct {
    const char* origin;
    const char* host;
    bool is_ours;
  } rows[] = {
      {"http://127.0.0.1:8080", "127.0.0.1:8080", true},
      {"http://localhost:8080", "localhost:8080", true},
      {"HTTP://LocalHost:8080", "LOCALHOST:8080", true},
      {"http://book.example.com", "book.example.com", true},
      {"https://book.example.com", "book.example.com", true},
      {"http://book.example.com", "book.example.com:80", true},
      {"http://book.example.com:80", "book.example.com", true},
      {"https://book.example.com", "book.example.com:443", true},
      {"https://book.example.com:443", "book.example.com", true},
      {"http://[::1]:8080", "[::1]:8080", true},
      {"http://[::1]", "[::1]", true},
      {"http://evil.example", "127.0.0.1:8080", false},
      {"http://localhost:8080", "127.0.0.1:8080", false},
      {"http://127.0.0.1:8081", "127.0.0.1:8080", false},
      {"http://127.0.0.1", "127.0.0.1:8080", false},
      {"http://127.0.0.1:8080", "127.0.0.1", false},
      {"https://book.example.com", "book.example.com:80", false},
      {"http://book.example.com", "book.example.com:443", false},
      {"http://book.example.com.evil.example", "book.example.com", false},
      {"http://evil.example/book.example.com", "book.example.com", false},
      {"http://book.example.com@evil.example", "book.example.com", false},
      {"http://user@book.example.com", "book.example.com", false},
      {"http://book.example.com/", "book.example.com", false},
      {"book.example.com", "book.example.com", false},
      {"//book.example.com", "book.example.com", false},
      {"http://", "", false},
      {"http://book.example.com:0", "book.example.com", false},
      {"http://book.example.com:", "book.example.com", false},
      {"http://book.example.com:99999", "book.example.com:99999", false},
      {"http://[::1", "[::1", false},
      {"http://book.example.com http://evil.example", "book.example.com", false},
      {"null", "null", false},
      {"", "book.example.com", false},
      {"", "", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.origin);
    CAPTURE(row.host);
    const Fields headers{{"Origin", row.origin}, {"Host", row.host}};
    for (const std::string method : {"POST", "PUT"}) {
      const Answer answer =
          book.ask(method, method == "POST" ? "/addresses" : book.target, headers);
      CHECK(answer.status == (row.is_ours ? (method == "POST" ? 201 : 204) : 403));
      CHECK(answer.was_body_read == row.is_ours);
      if (!row.is_ours) CHECK(answer.message() == foreign);
    }
    // The browser keeps a read from the page, since nothing in the answer allows it.
    const Answer read = book.ask("GET", book.target, headers);
    CHECK(read.status == 200);
    CHECK(read.count("Access-Control-Allow-Origin") == 0);
    CHECK(read.count("Vary") == 0);
  }
}

TEST_CASE(
    "web policy: a page of this host under another scheme may not write, where that is known") {
  Options options;
  options.trusted_proxies = {"192.0.2.7"};
  const Book trusting(options);
  const Book other;
  const auto write = [](const Book& book, const Fields& proxy) {
    Fields headers{{"Origin", "http://book.example.com"}, {"Host", "book.example.com"}};
    headers.insert(headers.end(), proxy.begin(), proxy.end());
    return book.ask("PUT", book.target, headers).status;
  };
  CHECK(write(trusting, {}) == 204);
  CHECK(write(trusting, {{"X-Forwarded-Proto", "http"}}) == 204);
  CHECK(write(trusting, {{"X-Forwarded-Proto", "https"}}) == 403);
  CHECK(write(trusting, {{"X-Forwarded-Proto", "https, http"}}) == 204);  // as if it were not there
  CHECK(write(other, {{"X-Forwarded-Proto", "https"}}) == 204);
}

TEST_CASE("web policy: every write of a foreign page is refused, nothing is done") {
  int asked = 0;
  Options options;
  options.authorize = [&](const AccessRequest&) {
    ++asked;
    return Access::allow();
  };
  const Book book(options);
  const Fields headers{{"Origin", "http://evil.example"}, {"Host", "localhost:8080"}};
  const auto before = book.service->state();
  for (const auto& row :
       std::vector<std::pair<std::string, std::string>>{{"POST", "/addresses"},
                                                        {"POST", "/addresses/"},
                                                        {"PUT", book.target},
                                                        {"DELETE", book.target},
                                                        {"PUT", "/addresses/absent"}}) {
    CAPTURE(row.first);
    const Answer answer = book.ask(row.first, row.second, headers);
    CHECK(answer.status == 403);
    CHECK(answer.message() == foreign);
    CHECK_FALSE(answer.was_body_read);
  }
  CHECK(asked == 0);
  CHECK(book.service->state().revision == before.revision);
  // What a form can send without asking first.
  for (const std::string type :
       {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}) {
    Fields form = headers;
    form.emplace_back("Content-Type", type);
    CHECK(book.ask("POST", "/addresses", form).status == 403);
  }
  // No header field and no parameter makes a write of a read.
  for (const std::string name :
       {"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"}) {
    Fields trick = headers;
    trick.emplace_back(name, "DELETE");
    CHECK(book.ask("GET", book.target, trick).status == 200);
    CHECK(book.ask("GET", book.target + "?_method=DELETE", trick).status == 400);
  }
  CHECK(book.service->state().revision == before.revision);
  // Two lines are no origin, even where each alone is ours.
  CHECK(book.ask("DELETE", book.target,
                 {{"Origin", "http://localhost:8080"},
                  {"Origin", "http://localhost:8080"},
                  {"Host", "localhost:8080"}})
            .status == 403);
  CHECK(book.ask("DELETE", book.target,
                 {{"Origin", "http://localhost"}, {"Host", "localhost"}, {"Host", "localhost"}})
            .status == 403);
  CHECK(book.ask("DELETE", book.target, {{"Origin", "http://localhost"}}).status == 403);
  // Who is no browser sends no Origin.
  CHECK(book.ask("DELETE", book.target, {}).status == 204);
  // Unknown paths and methods come first.
  CHECK(book.ask("POST", "/addresses/a/b", headers).status == 404);
  CHECK(book.ask("PATCH", "/addresses", headers).status == 405);
}

TEST_CASE("web policy: pages of allowed origins may read and write") {
  const Book book(with_origins(
      {"https://app.example.com", "HTTP://Localhost:3000", "http://[::1]:80", "app://desktop"}));
  for (const std::string origin :
       {"https://app.example.com", "http://localhost:3000", "https://app.example.com:443",
        "http://[::1]", "app://desktop"}) {
    CAPTURE(origin);
    const Fields headers{{"Origin", origin}, {"Host", "book.example.com"}};
    for (const Answer& answer :
         {book.ask("GET", book.target, headers), book.ask("HEAD", "/addresses", headers),
          book.ask("POST", "/addresses", headers), book.ask("PUT", book.target, headers),
          book.ask("POST", "/addresses", headers, "[]"),
          book.ask("GET", "/addresses/absent", headers), book.ask("GET", "/addresses/a/b", headers),
          book.ask("PATCH", book.target, headers),
          book.ask("GET", "/addresses", {headers[0], {"If-None-Match", "*"}}),
          book.ask("GET", "/addresses/_health", headers)}) {
      CHECK(answer.status != 403);
      CHECK(answer.count("Access-Control-Allow-Origin") == 1);
      CHECK(answer.header("Access-Control-Allow-Origin") == origin);
      CHECK(answer.header("Access-Control-Expose-Headers") ==
            "Accept-Patch, Allow, Content-Disposition, ETag, Link, Location, "
            "Preference-Applied, Retry-After, WWW-Authenticate, X-Request-Id, X-Total-Count");
      CHECK(answer.header("Vary") == "Origin");
      CHECK(answer.count("Access-Control-Allow-Credentials") == 0);
    }
  }
  for (const std::string origin :
       {"http://app.example.com", "https://app.example.com:8443",
        "https://app.example.com.evil.example", "https://evil.example", "http://localhost",
        "https://xapp.example.com", "null", "*", ""}) {
    CAPTURE(origin);
    const Fields headers{{"Origin", origin}, {"Host", "book.example.com"}};
    const Answer write = book.ask("POST", "/addresses", headers);
    CHECK(write.status == 403);
    for (const Answer& answer : {write, book.ask("GET", book.target, headers),
                                 book.ask("OPTIONS", book.target, headers)}) {
      CHECK(answer.count("Access-Control-Allow-Origin") == 0);
      CHECK(answer.count("Access-Control-Expose-Headers") == 0);
      CHECK(answer.header("Vary") == "Origin");  // a cache must not give it to the allowed
    }
  }
  const Answer without = book.ask("GET", book.target, {});
  CHECK(without.header("Vary") == "Origin");
  CHECK(without.count("Access-Control-Allow-Origin") == 0);
  // A page of this host still needs no entry.
  CHECK(book.ask("POST", "/addresses",
                 {{"Origin", "http://book.example.com"}, {"Host", "book.example.com"}})
            .status == 201);
}

TEST_CASE("web policy: '*' allows every origin") {
  const Book book(with_origins({"*"}));
  for (const std::string origin : {"https://anyone.example", "null"}) {
    const Fields headers{{"Origin", origin}, {"Host", "localhost"}};
    const Answer answer = book.ask("POST", "/addresses", headers);
    CHECK(answer.status == 201);
    CHECK(answer.header("Access-Control-Allow-Origin") == "*");
    CHECK(answer.count("Access-Control-Allow-Credentials") == 0);
  }
  CHECK(book.ask("GET", "/addresses", {}).header("Access-Control-Allow-Origin") == "*");
}

TEST_CASE("web policy: preflights") {
  Options options = with_origins({"https://app.example.com"});
  options.authorize = [](const AccessRequest&) { return Access::unauthenticated(); };
  const Book book(options);
  const Fields asking{{"Origin", "https://app.example.com"},
                      {"Host", "book.example.com"},
                      {"Access-Control-Request-Method", "PUT"},
                      {"Access-Control-Request-Headers", "authorization"}};
  for (const auto& row : std::vector<std::pair<std::string, std::string>>{
           {"/addresses", "GET, HEAD, OPTIONS, POST"},
           {book.target, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"},
           {"/addresses/_health", "GET, HEAD, OPTIONS"}}) {
    CAPTURE(row.first);
    const Answer answer = book.ask("OPTIONS", row.first, asking);
    CHECK(answer.status == 204);
    CHECK(answer.body.empty());
    CHECK(answer.header("Access-Control-Allow-Origin") == "https://app.example.com");
    CHECK(answer.header("Access-Control-Allow-Methods") == row.second);
    CHECK(answer.header("Allow") == row.second);
    CHECK(answer.header("Access-Control-Allow-Headers") == "authorization");
    CHECK(answer.header("Access-Control-Max-Age") == "600");
    CHECK(answer.header("Vary") == "Origin");
    CHECK(answer.count("Access-Control-Allow-Credentials") == 0);
  }
  const auto has_preflight_fields = [](const Answer& answer) {
    return answer.count("Access-Control-Allow-Methods") +
               answer.count("Access-Control-Allow-Headers") +
               answer.count("Access-Control-Max-Age") !=
           0;
  };
  Fields other = asking;
  other[0].second = "https://evil.example";
  const Answer refused = book.ask("OPTIONS", book.target, other);
  CHECK(refused.status == 204);
  CHECK(refused.count("Access-Control-Allow-Origin") == 0);
  CHECK_FALSE(has_preflight_fields(refused));
  // An OPTIONS that is no preflight, an answer to no OPTIONS, a book without CORS.
  CHECK_FALSE(has_preflight_fields(book.ask("OPTIONS", book.target, {asking[0], asking[1]})));
  CHECK_FALSE(has_preflight_fields(book.ask("GET", book.target, asking)));
  CHECK_FALSE(has_preflight_fields(book.ask("OPTIONS", "/addresses/a/b", asking)));
  CHECK_FALSE(has_preflight_fields(Book().ask("OPTIONS", "/addresses", asking)));
}

TEST_CASE("web policy: a preflight may ask for any field names, within bounds") {
  const Book book(with_origins({"https://app.example.com"}));
  const auto allowed = [&](const std::string& asked, const std::string& origin) {
    const Answer answer = book.ask("OPTIONS", "/addresses",
                                   {{"Origin", origin},
                                    {"Access-Control-Request-Method", "POST"},
                                    {"Access-Control-Request-Headers", asked}});
    CHECK(answer.status == 204);
    const bool has_any = answer.count("Access-Control-Allow-Headers") != 0;
    return has_any ? answer.header("Access-Control-Allow-Headers") : none;
  };
  const std::string app = "https://app.example.com";
  std::string many = "a";
  for (int i = 1; i < 64; ++i) many += ",a";
  for (const std::string& asked :
       {std::string("traceparent"), std::string("content-type,traceparent,x-requested-with"),
        std::string("If-Match, X-Own"), many, std::string(2048, 'a')}) {
    CAPTURE(asked);
    CHECK(allowed(asked, app) == asked);
    CHECK(allowed(asked, "https://evil.example") == none);
  }
  for (const std::string& asked :
       {std::string(), std::string("a b"), std::string("a,,b"), std::string("a, "),
        std::string("a:b"), std::string("caf\xC3\xA9"), many + ",a", std::string(2049, 'a')}) {
    CAPTURE(asked);
    CHECK(allowed(asked, app) == (asked.empty() ? "" : none));
  }
}

TEST_CASE("web policy: a page that the browser says is of this host may write under any Host") {
  const Book book;
  const struct {
    const char* site;
    const char* origin;
    bool is_ours;
  } rows[] = {
      {"same-origin", "https://book.example.com", true},  // behind a proxy that changes Host
      {"same-origin", "null", true},                      // with Referrer-Policy: no-referrer
      {"same-site", "https://book.example.com", false},
      {"cross-site", "https://evil.example", false},
      {"none", "https://evil.example", false},
      {"Same-Origin", "https://evil.example", false},
      {"same-origin, cross-site", "https://evil.example", false},
      {"cross-site", "http://127.0.0.1:8080", true},  // as before: Host says so
  };
  for (const auto& row : rows) {
    CAPTURE(row.site);
    CAPTURE(row.origin);
    const Answer answer = book.ask(
        "POST", "/addresses",
        {{"Sec-Fetch-Site", row.site}, {"Origin", row.origin}, {"Host", "127.0.0.1:8080"}});
    CHECK(answer.status == (row.is_ours ? 201 : 403));
  }
}

TEST_CASE("web policy: Vary is one field, of all that the answer depends on") {
  Options options = with_origins({"https://app.example.com"});
  options.coding = addrbook::gzip();
  const Book book(options);
  const Answer answer = book.ask("GET", "/addresses", {});
  CHECK(answer.count("Vary") == 1);
  CHECK(answer.header("Vary") == "Accept-Encoding, Origin");
}

TEST_CASE("web policy: under a host name that is not its own a book does not answer") {
  int asked = 0;
  Options options = with_hosts({"Localhost", "127.0.0.1", "[::1]", "book.example.com"});
  options.authorize = [&](const AccessRequest&) {
    ++asked;
    return Access::allow();
  };
  const Book book(options);
  for (const std::string host : {"localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080",
                                 "[::1]", "book.example.com", "Book.Example.com:443"}) {
    CAPTURE(host);
    CHECK(book.ask("GET", book.target, {{"Host", host}}).status == 200);
    CHECK(book.ask("PUT", book.target, {{"Host", host}}).status == 204);
  }
  asked = 0;
  const auto before = book.service->state();
  std::vector<Fields> calls{{}, {{"Host", "localhost"}, {"Host", "localhost"}}};
  for (const std::string host :
       {"evil.example", "localhost.evil.example", "xlocalhost", "localhost.", "local", "", "::1",
        "[::1", "[::2]", "127.0.0.2", "localhost:x", "localhost:", "localhost:99999",
        "user@localhost", "localhost/x", " localhost"}) {
    calls.push_back({{"Host", host}});
    // That the page has the same name is just what rebinding achieves.
    calls.push_back({{"Host", host}, {"Origin", "http://" + host}});
  }
  for (const Fields& headers : calls) {
    CAPTURE(headers.empty() ? none : headers.front().second);
    for (const auto& row :
         std::vector<std::pair<std::string, std::string>>{{"GET", "/addresses"},
                                                          {"HEAD", book.target},
                                                          {"POST", "/addresses"},
                                                          {"PUT", book.target},
                                                          {"DELETE", book.target},
                                                          {"OPTIONS", "/addresses"}}) {
      const Answer answer = book.ask(row.first, row.second, headers);
      CHECK(answer.status == 403);
      CHECK(answer.message() == unknown_host);
      CHECK_FALSE(answer.was_body_read);
    }
    CHECK(book.ask("GET", "/addresses/_health", headers).status == 200);
    CHECK(book.ask("GET", "/addresses/_ready", headers).status == 200);
    CHECK(book.ask("GET", "/addresses/a/b", headers).status == 404);
  }
  CHECK(asked == 0);
  CHECK(book.service->state().revision == before.revision);
}

TEST_CASE("web policy: with loopback_hosts_only this machine's names count, or those of the list") {
  Options options;
  options.loopback_hosts_only = true;
  const Book book(options);
  for (const std::string host :
       {"localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.255.0.1", "[::1]", "[::1]:8080"}) {
    CAPTURE(host);
    CHECK(book.ask("POST", "/addresses", {{"Host", host}}).status == 201);
  }
  for (const Fields& headers :
       {Fields{}, Fields{{"Host", "evil.example"}}, Fields{{"Host", "localhost.evil.example"}},
        Fields{{"Host", "127.0.0.1.evil.example"}}, Fields{{"Host", "128.0.0.1"}},
        Fields{{"Host", "127.0.0.256"}}, Fields{{"Host", "127.0.0.1."}}, Fields{{"Host", "[::2]"}},
        Fields{{"Host", "::1"}}, Fields{{"Host", ""}}}) {
    CAPTURE(headers.empty() ? none : headers.front().second);
    const Answer answer = book.ask("GET", "/addresses", headers);
    CHECK(answer.status == 403);
    CHECK(answer.message() == unknown_host);
    CHECK(book.ask("GET", "/addresses/_health", headers).status == 200);
    CHECK(book.ask("GET", "/addresses/_ready", headers).status == 200);
  }
  options.allowed_hosts = {"book.example.com"};
  const Book named(options);
  CHECK(named.ask("GET", "/addresses", {{"Host", "book.example.com"}}).status == 200);
  CHECK(named.ask("GET", "/addresses", {{"Host", "localhost"}}).status == 403);
}

TEST_CASE("web policy: an entry that is no origin, or no host name, is refused by name") {
  for (const std::string entry :
       {"https://app.example.com/", "https://app.example.com/path", "app.example.com", "https://",
        "https://a b", "https://user@app.example.com", "https://app.example.com:0",
        "https://app.example.com:65536", "https://app.example.com:x", "://app.example.com",
        "1http://x", "https://*.example.com", "null", "", " https://app.example.com",
        "https://a,https://b", "https://app.example.com?x", "https://[::1", "https://[x]"}) {
    CAPTURE(entry);
    CHECK(refusal(with_origins({"https://good.example.com", entry})) ==
          "'" + entry + "' is no origin (scheme://host[:port]), nor '*'");
  }
  for (const auto& entries : std::vector<std::vector<std::string>>{
           {"*", "https://app.example.com"}, {"https://app.example.com", "*"}, {"*", "*"}}) {
    CHECK(refusal(with_origins(entries)) == "'*' stands for all origins and must stand alone");
  }
  for (const std::string entry :
       {"localhost:8080", "", "http://localhost", "a b", "a/b", "::1", "[::1", "[]", "*", "a,b"}) {
    CAPTURE(entry);
    CHECK(refusal(with_hosts({"localhost", entry})) ==
          "'" + entry + "' is no host name (without a port; an IPv6 address in brackets)");
  }
}
