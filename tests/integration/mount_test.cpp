// A book on a program's server, over real sockets: on httplib's own server, on ours, and on ours
// where the program's hooks see the book's requests. The answers are the same on all three.

#include <addrbook/addrbook.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/server.hpp>

#include <support/http_client.hpp>
#include <support/life_cycle.hpp>
#include <support/live_source.hpp>
#include <support/mount.hpp>
#include <support/running.hpp>
#include <support/server_with_hooks.hpp>
#include <unit/fake_store.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::string_literals;
using test::Connection;
using test::Running;

using test::ServerWithHooks;

template <class Server>
constexpr bool is_plain = std::is_same_v<Server, httplib::Server>;
template <class Server>
constexpr bool is_lane = std::is_same_v<Server, addrbook::Server>;

const std::string address = R"({"name":"Ada Lovelace"})";

/// The text with each character as %XX.
std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    result += {'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return result;
}

/// Whether it is a date as in Date (RFC 9110, 5.6.7), of the last minute.
bool is_recent_date(const std::string& text) {
  std::tm utc{};
  const char* const end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  const auto age = std::time(nullptr) - ::timegm(&utc);
  return text.size() == 29 && end != nullptr && *end == '\0' && age >= -1 && age < 60;
}

/// Checks that what an answer of our Server says of its connection happens: a further request is
/// answered, or the connection ends with nothing more sent.
template <class Server>
void check_promise(Connection& connection, const test::Response& response) {
  static_assert(!is_plain<Server>, "httplib announces a close with each error and reads on");
  CHECK(response.complete);
  const std::string said = response.header("connection");
  CHECK(response.headers.count("date") == 1);
  CHECK(is_recent_date(response.header("date")));
  CHECK(response.headers.count("connection") == 1);
  CHECK(response.has("keep-alive") == (said == "keep-alive"));
  if (response.status == 204 || response.status == 304) {
    CHECK(!response.has("content-length"));
    CHECK(!response.has("transfer-encoding"));
  }
  CHECK(response.headers.count("content-length") + response.headers.count("transfer-encoding") <=
        1);
  if (said == "close") {
    CHECK(!response.has("keep-alive"));
    CHECK(connection.is_closed());
    CHECK(connection.unread().empty());
    return;
  }
  CHECK(said == "keep-alive");
  CHECK(connection.unread().empty());
  const auto next = connection.request("GET", "/addresses/_health");
  CHECK(next.status == 200);
  CHECK(next.body == R"({"status":"pass"})");
}

/// Checks that a path leads to no book: httplib's own 404 has no body, our Server's is JSON.
template <class Server>
void check_not_ours(int port, const std::string& path) {
  const auto response = Connection(port).request("GET", path);
  if (is_plain<Server>) {
    CHECK(response.status == 404);
    CHECK(response.body.empty());
  } else {
    test::check_error(response, "GET", path, 404, "Unknown Endpoint");
  }
}

std::string packed(const std::string& text) {
  std::string result;
  const addrbook::ByteSink sink = [&](std::string_view bytes) {
    result.append(bytes);
    return true;
  };
  const auto encoder = addrbook::gzip()->encoder();
  REQUIRE(encoder->write(text, sink));
  REQUIRE(encoder->finish(sink));
  return result;
}

std::string unpacked(const std::string& bytes) {
  std::string result;
  const addrbook::ByteSink sink = [&](std::string_view text) {
    result.append(text);
    return true;
  };
  const auto decoder = addrbook::gzip()->decoder("gzip");
  REQUIRE(decoder->write(bytes, sink));
  REQUIRE(decoder->finish(sink));
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("mount: the life of an entry, with nothing but the default options", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  Running running(server);
  test::check_life_cycle(running.port(), "/addresses");
  CHECK(book->state().count == 0);
}

TEST_CASE_TEMPLATE("mount: the life of an entry under a prefix with a dot and several segments",
                   Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  addrbook::Options options;
  options.prefix = "/api/v1.2/people";
  test::mount(server, options);
  Running running(server);
  test::check_life_cycle(running.port(), "/api/v1.2/people");
  // The dot is a dot.
  check_not_ours<Server>(running.port(), "/api/v1x2/people");
}

TEST_CASE_TEMPLATE("mount: a document comes back byte for byte", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  test::mount(server);
  Running running(server);
  const std::string sent =
      "{\"z\" : 1.0, \"a\":1e400,\n\t\"n\":12345678901234567890, \"m\":-0, "
      "\"s\":\"\\u00e9\\/\\n \xF0\x9F\x8E\x8F  \", \"k\":[ { }, [ ] , -0.10E+2 ]}";
  Connection connection(running.port());
  const auto location = connection.request("POST", "/addresses", {}, sent).header("location");
  CHECK(connection.request("GET", location).body ==
        "{\"z\":1.0,\"a\":1e400,\"n\":12345678901234567890,\"m\":-0,"
        "\"s\":\"\\u00e9\\/\\n \xF0\x9F\x8E\x8F  \",\"k\":[{},[],-0.10E+2]}");
}

TEST_CASE_TEMPLATE("mount: what has no route is ours below the prefix, the host's elsewhere",
                   Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  test::mount(server);
  Running running(server);
  for (const std::string path :
       {"/addresses/_nothing", "/addresses/a/b", "/addresses/a/b/c/d/e/f/g/h", "/addresses/a.b",
        "/addresses/%C3%A9", "/addresses/a%00b", "/addresses/a%2Fb", "/addresses//",
        "/addresses/..%2Fx"}) {
    CAPTURE(path);
    test::check_error(Connection(running.port()).request("GET", path), "GET", path, 404,
                      "Unknown Endpoint");
  }
  check_not_ours<Server>(running.port(), "/addressesx");
}

TEST_CASE_TEMPLATE("mount: a path of 8 kB is answered, whatever its depth", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  test::mount(server);
  Running running(server);
  CHECK(Connection(running.port()).request("GET", "/addresses/" + std::string(8000, 'a')).status ==
        404);
  std::string deep = "/addresses";
  while (deep.size() < 8000) deep += "/a";
  CHECK(Connection(running.port()).request("GET", deep).status == 404);
}

TEST_CASE_TEMPLATE("mount: a trailing slash makes no difference", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  const auto entry = book->create(addrbook::Document::parse(address));
  Running running(server);
  Connection connection(running.port());
  CHECK(connection.request("GET", "/addresses/" + entry.id + "/").body == address);
  CHECK(connection.request("GET", "/addresses/").body == "{\"" + entry.id + "\":" + address + "}");
  CHECK(connection.request("GET", "/addresses/_health/").body == R"({"status":"pass"})");
  CHECK(connection.request("POST", "/addresses/", {}, address).status == 201);
  CHECK(connection.request("DELETE", "/addresses/" + entry.id + "/").status == 204);
}

TEST_CASE_TEMPLATE("mount: other methods get 405 and Allow", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  test::mount(server);
  Running running(server);
  const struct {
    const char* target;
    const char* method;
    const char* allow;
  } cases[] = {
      {"/addresses", "PUT", "GET, HEAD, OPTIONS, POST"},
      {"/addresses", "DELETE", "GET, HEAD, OPTIONS, POST"},
      {"/addresses", "PATCH", "GET, HEAD, OPTIONS, POST"},
      {"/addresses/abc", "POST", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"},
      {"/addresses/_batch", "PATCH", "OPTIONS, POST"},
      {"/addresses/_health", "POST", "GET, HEAD, OPTIONS"},
      {"/addresses/_ready", "DELETE", "GET, HEAD, OPTIONS"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.target);
    CAPTURE(each.method);
    const auto response = Connection(running.port()).request(each.method, each.target);
    test::check_error(response, each.method, each.target, 405, "Method Not Allowed");
    CHECK(response.header("allow") == each.allow);
    const auto options = Connection(running.port()).request("OPTIONS", each.target);
    CHECK(options.status == 204);
    CHECK(options.header("allow") == each.allow);
    CHECK(options.body.empty());
  }
}

TEST_CASE_TEMPLATE("mount: HEAD is GET without the body", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  const auto entry = book->create(addrbook::Document::parse(address));
  Running running(server);
  Connection connection(running.port());
  for (const std::string& target :
       {"/addresses/" + entry.id, std::string("/addresses"), std::string("/addresses/_health")}) {
    CAPTURE(target);
    const auto got = connection.request("GET", target);
    const auto head = connection.request("HEAD", target);
    CHECK(head.status == 200);
    CHECK(head.header("etag") == got.header("etag"));
    CHECK(head.header("content-type") == got.header("content-type"));
    CHECK(head.header("content-length") == std::to_string(got.body.size()));
  }
  for (int i = 0; i < 300; ++i) book->create(addrbook::Document::parse(address));
  const auto streamed = connection.request("HEAD", "/addresses");
  CHECK(streamed.status == 200);
  CHECK(!streamed.has("content-length"));
  CHECK(streamed.headers.count("content-type") == 1);
  CHECK(connection.request("GET", "/addresses/_health").status == 200);  // still in step
}

TEST_CASE_TEMPLATE("mount: an entity tag that still holds gives 304", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  const auto entry = book->create(addrbook::Document::parse(address));
  Running running(server);
  Connection connection(running.port());
  for (const std::string& target : {"/addresses/" + entry.id, std::string("/addresses")}) {
    CAPTURE(target);
    const auto tag = connection.request("GET", target).header("etag");
    REQUIRE(!tag.empty());
    const auto fresh = connection.request("GET", target, {{"if-none-match", "\"x\", " + tag}});
    CHECK(fresh.status == 304);
    CHECK(fresh.header("etag") == tag);
    CHECK(connection.request("HEAD", target, {{"if-none-match", tag}}).status == 304);
    CHECK(connection.request("GET", target, {{"if-none-match", "*"}}).status == 304);
    book->update(entry.id, addrbook::Document::parse(R"({"name":"Ada King"})"));
    CHECK(connection.request("GET", target, {{"if-none-match", tag}}).status == 200);
    book->update(entry.id, addrbook::Document::parse(address));
  }
}

TEST_CASE_TEMPLATE("mount: a range is ignored", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  const auto entry = book->create(addrbook::Document::parse(address));
  Running running(server);
  for (const std::string range : {"bytes=0-3", "bytes=5000-", "bytes=0-1,3-4"}) {
    CAPTURE(range);
    const auto response =
        Connection(running.port()).request("GET", "/addresses/" + entry.id, {{"range", range}});
    CHECK(response.status == 200);
    CHECK(response.body == address);
  }
}

TEST_CASE_TEMPLATE("mount: gzip both ways", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  addrbook::Options options;
  options.coding = addrbook::gzip();
  options.max_body_bytes = 100'000;
  const auto book = test::mount(server, options);
  Running running(server);
  Connection connection(running.port());

  const std::string large = R"({"notes":")" + std::string(5000, 'x') + "\"}";
  auto response =
      connection.request("POST", "/addresses", {{"content-encoding", "gzip"}}, packed(large));
  REQUIRE(response.status == 201);
  const auto location = response.header("location");

  response = connection.request("GET", location, {{"accept-encoding", "br, gzip;q=0.5"}});
  CHECK(response.header("content-encoding") == "gzip");
  CHECK(response.header("vary") == "Accept-Encoding");
  CHECK(response.body.size() < 200);
  CHECK(unpacked(response.body) == large);
  CHECK(response.header("etag").rfind("W/\"", 0) == 0);
  CHECK(connection.request("GET", location).body == large);
  CHECK(connection.request("GET", location, {{"accept-encoding", "gzip;q=0"}}).body == large);

  // A list of several pages is packed as it is made.
  for (int i = 0; i < 1000; ++i) book->create(nlohmann::json{{"number", i}});
  const auto plain = connection.request("GET", "/addresses");
  response = connection.request("GET", "/addresses", {{"accept-encoding", "gzip"}});
  CHECK(response.complete);
  CHECK(response.header("content-encoding") == "gzip");
  CHECK(response.body.size() < plain.body.size());
  CHECK(unpacked(response.body) == plain.body);

  // A small file that unpacks to much.
  const std::string bomb = packed("{" + std::string(50'000'000, ' ') + "}");
  response = Connection(running.port())
                 .request("POST", "/addresses", {{"content-encoding", "gzip"}}, bomb);
  test::check_error(response, "POST", "/addresses", 413, "Body over 100000 bytes");
  response = Connection(running.port())
                 .request("POST", "/addresses", {{"content-encoding", "gzip"}}, "not gzip");
  CHECK(response.status == 400);
  response =
      Connection(running.port()).request("POST", "/addresses", {{"content-encoding", "br"}}, "x");
  CHECK(response.status == 415);
}

TEST_CASE_TEMPLATE("mount: without a coding, answers are plain and coded bodies refused", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  const auto entry = book->create(nlohmann::json{{"notes", std::string(5000, 'x')}});
  Running running(server);
  const auto response =
      Connection(running.port())
          .request("GET", "/addresses/" + entry.id, {{"accept-encoding", "gzip, deflate, br"}});
  CHECK(!response.has("content-encoding"));
  CHECK(response.body == entry.document.text());
  CHECK(Connection(running.port())
            .request("POST", "/addresses", {{"content-encoding", "gzip"}}, packed(address))
            .status == 415);
}

TEST_CASE_TEMPLATE("mount: what curl -d sends is read, of any size up to the limit", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  addrbook::Options options;
  options.max_body_bytes = 50'000;
  const auto book = test::mount(server, options);
  Running running(server);
  const test::Headers form{{"content-type", "application/x-www-form-urlencoded"}};
  const auto body_of = [](std::size_t size) {
    return R"({"a":")" + std::string(size - 8, 'x') + "\"}";
  };
  CHECK(Connection(running.port()).request("POST", "/addresses", form, body_of(50'000)).status ==
        201);
  test::check_error(Connection(running.port()).request("POST", "/addresses", form, body_of(50'001)),
                    "POST", "/addresses", 413, "Body over 50000 bytes");
  CHECK(book->state().count == 1);
}

TEST_CASE_TEMPLATE(
    "mount: a chunked body is read up to the limit, and what follows is the next request", Server,
    ADDRBOOK_TEST_SERVERS) {
  Server server;
  addrbook::Options options;
  options.max_body_bytes = 10'000;
  const auto book = test::mount(server, options);
  Running running(server);
  const test::Headers chunked{{"transfer-encoding", "chunked"}};

  Connection connection(running.port());
  auto response = connection.request("POST", "/addresses", chunked,
                                     "8\r\n{\"name\":\r\n5;x=y\r\n\"Ada\"\r\n1\r\n}\r\n0\r\n\r\n");
  CHECK(response.status == 201);
  CHECK(connection.request("GET", response.header("location")).body == R"({"name":"Ada"})");

  std::string body;
  for (int i = 0; i < 20; ++i) body += "400\r\n" + std::string(1024, ' ') + "\r\n";
  response = Connection(running.port()).request("POST", "/addresses", chunked, body + "0\r\n\r\n");
  test::check_error(response, "POST", "/addresses", 413, "Body over 10000 bytes");

  response = Connection(running.port()).request("POST", "/addresses", chunked, "zz\r\n{}\r\n");
  CHECK(response.status == 400);
  CHECK(book->state().count == 1);
}

TEST_CASE_TEMPLATE("mount: a request without a length is refused", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  test::mount(server);
  Running running(server);
  Connection connection(running.port());
  connection.send("POST /addresses HTTP/1.1\r\nHost: x\r\n\r\n");
  test::check_error(connection.read_response(), "POST", "/addresses", 411, "Length Required");
}

TEST_CASE_TEMPLATE(
    "mount: a body that drips is given up at its deadline, and the connection closed", Server,
    ADDRBOOK_TEST_SERVERS) {
  Server server;
  addrbook::Options options;
  options.body_timeout = std::chrono::milliseconds(200);
  const auto book = test::mount(server, options);
  Running running(server);
  Connection connection(running.port());
  connection.send("POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
  // Each byte comes well within httplib's own timeout; only a deadline for the whole ends this.
  const auto start = std::chrono::steady_clock::now();
  while (connection.send(" ") && connection.unread().empty() &&
         std::chrono::steady_clock::now() - start < std::chrono::seconds(20)) {
    if (connection.is_closed(std::chrono::milliseconds(5))) break;
  }
  test::check_error(connection.read_response(), "POST", "/addresses", 408, "Body not complete");
  CHECK(connection.is_closed());
  CHECK(book->state().count == 0);
}

TEST_CASE_TEMPLATE("mount: a body cut short stores nothing", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  Running running(server);
  Connection connection(running.port());
  connection.send("POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{}");
  connection.finish_sending();
  CHECK(connection.read_response().status == 400);
  CHECK(book->state().count == 0);
}

TEST_CASE_TEMPLATE("mount: the body of a refused request is never run as the next one", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  Running running(server);
  const std::string inner = "POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
  const std::string length = "Content-Length: " + std::to_string(inner.size()) + "\r\n\r\n";
  for (const std::string& head : {
           "PATCH /addresses HTTP/1.1\r\nHost: x\r\n" + length,
           "POST /addresses/a/b HTTP/1.1\r\nHost: x\r\n" + length,
           "DELETE /addresses/abc HTTP/1.1\r\nHost: x\r\n" + length,
           "POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Type: text/html\r\n" + length,
           "POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\n" + length,
           "POST /addresses HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"s,
           "POST /addresses HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"s,
           "POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"s,
           "POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n"s,
       }) {
    CAPTURE(head);
    Connection connection(running.port());
    connection.send(head + inner);
    connection.finish_sending();
    CHECK(connection.read_response().status >= 400);
    CHECK(connection.is_closed());
    CHECK(connection.unread().find("201") == std::string::npos);
    CHECK(book->state().count == 0);
  }
}

TEST_CASE_TEMPLATE("mount: a DELETE without a length leaves the connection in step", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  const auto entry = book->create(addrbook::Document::parse(address));
  Running running(server);
  Connection connection(running.port());
  CHECK(connection.request("DELETE", "/addresses/" + entry.id).status == 204);
  CHECK(connection.request("GET", "/addresses").body == "{}");
  CHECK(connection.request("DELETE", "/addresses/" + entry.id).status == 404);
  CHECK(connection.request("GET", "/addresses").body == "{}");
}

TEST_CASE_TEMPLATE("mount: two prefixes are two books, one service can have two", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  addrbook::Service friends;
  const auto suppliers = std::make_shared<addrbook::Service>();
  addrbook::Options options;
  options.prefix = "/friends";
  test::mount(server, friends, options);
  options.prefix = "/suppliers";
  test::mount(server, suppliers, options);
  options.prefix = "/vendors";
  test::mount(server, suppliers, options);
  Running running(server);
  Connection connection(running.port());
  const auto location = connection.request("POST", "/suppliers", {}, address).header("location");
  CHECK(location.rfind("/suppliers/", 0) == 0);
  const auto id = location.substr(11);
  CHECK(connection.request("GET", "/vendors/" + id).body == address);
  CHECK(Connection(running.port()).request("GET", "/friends/" + id).status == 404);
  CHECK(friends.state().count == 0);
  CHECK(suppliers->get(id).document.text() == address);
}

TEST_CASE_TEMPLATE(
    "mount: a prefix that could mean something else is refused, and nothing registered", Server,
    ADDRBOOK_TEST_SERVERS) {
  for (const std::string prefix : {"", "/", "addresses", "/a/", "/a//b", "/:id", "/a/:b", "/(.*)",
                                   "/a b", "/a?b", "/a/../b", "/\xC3\xA9", "/a%20b"}) {
    CAPTURE(prefix);
    Server server;
    addrbook::Options options;
    options.prefix = prefix;
    CHECK_THROWS_AS(test::mount(server, options), addrbook::Error);
    addrbook::Service service;
    CHECK_THROWS_AS(test::mount(server, service, options), addrbook::Error);
  }
  Server server;
  CHECK_THROWS_AS(test::mount(server, std::shared_ptr<addrbook::Service>()), addrbook::Error);
}

TEST_CASE("mount: every slot of the host's server stays the host's") {
  httplib::Server server;
  std::mutex mutex;
  std::set<std::string> called;
  const auto call = [&](const std::string& name) {
    const std::lock_guard lock(mutex);
    called.insert(name);
  };
  server.set_logger([&](const httplib::Request&, const httplib::Response&) { call("logger"); });
  server.set_error_logger(
      [&](const httplib::Error&, const httplib::Request*) { call("error logger"); });
  server.set_error_handler([&](const httplib::Request&, httplib::Response& response) {
    call("error handler");
    if (response.body.empty()) response.set_content("the host's", "text/plain");
  });
  server.set_exception_handler(
      [&](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
        call("exception handler");
        response.status = 500;
      });
  server.set_pre_routing_handler([&](const httplib::Request&, httplib::Response&) {
    call("pre-routing handler");
    return httplib::Server::HandlerResponse::Unhandled;
  });
  server.set_post_routing_handler(
      [&](const httplib::Request&, httplib::Response&) { call("post-routing handler"); });
  server.set_expect_100_continue_handler([&](const httplib::Request&, httplib::Response&) {
    call("expect handler");
    return 100;
  });
  server.set_default_headers({{"X-Host", "yes"}});
  server.set_payload_max_length(2000);
  server.Get("/throws", [](const httplib::Request&, httplib::Response&) {
    throw std::runtime_error("the host's own");
  });
  server.set_pre_request_handler([&](const httplib::Request&, httplib::Response&) {
    call("pre-request handler");
    return httplib::Server::HandlerResponse::Unhandled;
  });
  test::mount(server);
  const auto calls_of = [&](const auto& action) {
    {
      const std::lock_guard lock(mutex);
      called.clear();
    }
    action();
    const std::lock_guard lock(mutex);
    return called;
  };
  {
    Running running(server);
    const auto on_success = calls_of([&] {
      const auto response =
          Connection(running.port())
              .request("POST", "/addresses", {{"expect", "100-continue"}}, address);
      CHECK(response.status == 201);
      CHECK(response.header("x-host") == "yes");
    });
    for (const std::string name : {"logger", "pre-routing handler", "post-routing handler",
                                   "pre-request handler", "expect handler"}) {
      CAPTURE(name);
      CHECK(on_success.count(name) == 1);
    }
    const auto on_error = calls_of([&] {
      test::check_error(Connection(running.port()).request("GET", "/addresses/x"), "GET",
                        "/addresses/x", 404, "No such address: 'x'");
    });
    CHECK(on_error.count("error handler") == 1);
    CHECK(Connection(running.port()).request("GET", "/elsewhere").body == "the host's");
    CHECK(calls_of([&] {
            Connection(running.port()).request("GET", "/throws");
          }).count("exception handler") == 1);
    // The host's limit is below ours: it holds, and its answer is its own.
    const auto too_large =
        Connection(running.port()).request("POST", "/addresses", {}, std::string(3000, ' '));
    CHECK(too_large.status == 413);
    CHECK(too_large.body == "the host's");
    CHECK(calls_of([&] {
            Connection(running.port()).request("NONSENSE", "/addresses");
          }).count("error logger") == 1);
  }
}

TEST_CASE("mount: the host's task queue serves ours, too") {
  httplib::Server server;
  std::atomic<int> queues{0};
  server.new_task_queue = [&] {
    ++queues;
    return new httplib::ThreadPool(2);
  };
  test::mount(server);
  Running running(server);
  CHECK(Connection(running.port()).request("GET", "/addresses").status == 200);
  CHECK(queues == 1);
}

TEST_CASE_TEMPLATE("mount: routes of the host below the prefix come first, but not on the lane",
                   Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  server.Get("/addresses/special", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("the host's", "text/plain");
  });
  test::mount(server);
  server.Get("/later", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("later", "text/plain");
  });
  Running running(server);
  const auto special = Connection(running.port()).request("GET", "/addresses/special");
  if (is_lane<Server>) {
    test::check_error(special, "GET", "/addresses/special", 404, "No such address: 'special'");
  } else {
    CHECK(special.body == "the host's");
  }
  CHECK(Connection(running.port()).request("GET", "/later").body == "later");
  CHECK(Connection(running.port()).request("GET", "/addresses").body == "{}");
}

TEST_CASE_TEMPLATE("mount: no callback of the host's ends the process", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  addrbook::Options options;
  options.log = [](const addrbook::LogRecord&) { throw std::runtime_error("log"); };
  options.authorize = [](const addrbook::AccessRequest& access) -> addrbook::Access {
    if (access.request.header("X-Throw")) throw 42;
    return addrbook::Access::allow();
  };
  const auto service = std::make_shared<addrbook::Service>(
      std::make_shared<addrbook::MemoryStore>(),
      std::vector<addrbook::Validator>{
          [](const addrbook::Document&) -> std::optional<addrbook::Violation> {
            throw std::runtime_error("a secret of the validator's");
          }});
  test::mount(server, service, options);
  Running running(server);
  const auto validator = Connection(running.port()).request("POST", "/addresses", {}, address);
  test::check_error(validator, "POST", "/addresses", 500, "Internal Server Error");
  CHECK(validator.body.find("secret") == std::string::npos);
  test::check_error(Connection(running.port()).request("GET", "/addresses", {{"x-throw", "1"}}),
                    "GET", "/addresses", 500, "Internal Server Error");
  CHECK(Connection(running.port()).request("GET", "/addresses").body == "{}");
  CHECK(service->state().count == 0);
}

TEST_CASE_TEMPLATE("mount: authorisation comes before the body", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  addrbook::Options options;
  options.authorize = [](const addrbook::AccessRequest& access) {
    const auto token = access.request.header("Authorization");
    if (!token) return addrbook::Access::unauthenticated(R"(Bearer realm="addresses")");
    return *token == "Bearer reader" && access.action != addrbook::Action::read
               ? addrbook::Access::forbid("reader")
               : addrbook::Access::allow("reader");
  };
  const auto book = test::mount(server, options);
  Running running(server);
  // The body never comes: an answer shows that it was not waited for.
  Connection connection(running.port());
  connection.send("POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
  auto response = connection.read_response();
  test::check_error(response, "POST", "/addresses", 401, "Unauthorized");
  CHECK(response.header("www-authenticate") == "Bearer realm=\"addresses\"");
  response = Connection(running.port())
                 .request("POST", "/addresses", {{"authorization", "Bearer reader"}}, address);
  test::check_error(response, "POST", "/addresses", 403, "Forbidden");
  CHECK(Connection(running.port())
            .request("GET", "/addresses", {{"authorization", "Bearer reader"}})
            .status == 200);
  CHECK(Connection(running.port()).request("GET", "/addresses/_health").status == 200);
  CHECK(book->state().count == 0);
}

TEST_CASE_TEMPLATE("mount: health, readiness and a stopped service", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  const auto entry = book->create(addrbook::Document::parse(address));
  Running running(server);
  CHECK(Connection(running.port()).request("GET", "/addresses/_ready").status == 200);
  book->stop();
  test::check_error(Connection(running.port()).request("GET", "/addresses/_ready"), "GET",
                    "/addresses/_ready", 503, "Not ready");
  CHECK(Connection(running.port()).request("GET", "/addresses/_health").status == 200);
  const auto refused = Connection(running.port()).request("POST", "/addresses", {}, address);
  test::check_error(refused, "POST", "/addresses", 503, "The service is stopped");
  CHECK(refused.has("retry-after"));
  CHECK(Connection(running.port()).request("DELETE", "/addresses/" + entry.id).status == 503);
  CHECK(Connection(running.port()).request("GET", "/addresses/" + entry.id).body == address);
  book->start();
  CHECK(Connection(running.port()).request("POST", "/addresses", {}, address).status == 201);
}

TEST_CASE_TEMPLATE("mount: a request id is kept or made", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  test::mount(server);
  Running running(server);
  const auto id_for = [&](const std::string& given) {
    return Connection(running.port())
        .request("GET", "/addresses", {{"x-request-id", given}})
        .header("x-request-id");
  };
  CHECK(id_for("job-7.A_b") == "job-7.A_b");
  for (const std::string bad : {"a b", "a;b", "\xC3\xA9", ""}) CHECK(id_for(bad) != bad);
  CHECK(id_for("a b").size() == 16);
  CHECK(id_for("a b") != id_for("a b"));
}

TEST_CASE_TEMPLATE("mount: a long list is whole under writers, and each answer is one moment's",
                   Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  for (int i = 0; i < 2000; ++i) book->create(nlohmann::json{{"number", i}});
  Running running(server);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; !done; ++i) book->create(nlohmann::json{{"later", i}});
  });
  std::vector<test::Response> responses;
  for (int i = 0; i < 5; ++i) {
    responses.push_back(Connection(running.port()).request("GET", "/addresses"));
  }
  done = true;
  writer.join();
  std::size_t before = 2000;
  for (const auto& response : responses) {
    CHECK(response.complete);
    const auto list = nlohmann::json::parse(response.body, nullptr, false);
    REQUIRE(list.is_object());
    // Only creations: the tag's revision is the number of entries at its moment.
    const auto tag = response.header("etag");
    CHECK(tag.substr(tag.find('-') + 1) == std::to_string(list.size()) + "\"");
    CHECK(list.size() >= before);
    before = list.size();
  }
}

TEST_CASE_TEMPLATE("mount: HTTP/1.0 gets a long list up to the connection's end", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  for (int i = 0; i < 1000; ++i) book->create(nlohmann::json{{"number", i}});
  Running running(server);
  const auto list = Connection(running.port()).request("GET", "/addresses").body;
  for (const std::string connection_field : {"", "Connection: Keep-Alive\r\n"}) {
    Connection connection(running.port());
    connection.send("GET /addresses HTTP/1.0\r\n" + connection_field + "\r\n");
    const auto response = connection.read_response();
    CHECK(response.status == 200);
    CHECK(!response.has("transfer-encoding"));
    CHECK(response.body == list);
  }
}

TEST_CASE_TEMPLATE(
    "mount: on plain httplib, HTTP/1.0 is not told that a connection stays that ends", Server,
    httplib::Server) {
  Server server;
  const auto book = test::mount(server);
  for (int i = 0; i < 1000; ++i) book->create(nlohmann::json{{"number", i}});
  Running running(server);
  const struct {
    const char* field;
    const char* target;
    bool stays;
  } cases[] = {
      {"", "/addresses/_health", false},
      {"Connection: keep-alive\r\n", "/addresses/_health", false},  // httplib's spelling counts
      {"Connection: Keep-Alive\r\n", "/addresses/_health", true},
      {"Connection: Keep-Alive\r\n", "/addresses", false},
  };
  for (const auto& each : cases) {
    CAPTURE(each.field);
    CAPTURE(each.target);
    Connection connection(running.port());
    const std::string request = std::string(" HTTP/1.0\r\n") + each.field + "\r\n";
    connection.send(std::string("GET ") + each.target + request);
    const auto response = connection.read_response();
    CHECK(response.status == 200);
    CHECK(response.has("keep-alive") == each.stays);
    CHECK(response.headers.count("connection") == (each.stays ? 0 : 1));
    if (!each.stays) CHECK(response.header("connection") == "close");
    if (!each.stays) CHECK(connection.is_closed());
    if (each.stays) CHECK(connection.request("GET", "/addresses/_health").status == 200);
  }
  const auto refused =
      Connection(running.port()).request("POST", "/addresses", {{"transfer-encoding", "none"}});
  CHECK(refused.headers.count("connection") == 1);
}

TEST_CASE_TEMPLATE("mount: on our Server a list that the storage cuts ends with a reset", Server,
                   ADDRBOOK_OUR_SERVERS) {
  const auto store = std::make_shared<test::FakeStore>();
  const auto service = std::make_shared<addrbook::Service>(store);
  for (int i = 0; i < 2000; ++i) service->create(nlohmann::json{{"number", i}});
  std::atomic<int> pages{0};
  store->before_page = [&pages] {
    if (pages++ > 1) test::fail_storage();
  };
  Server server;
  test::mount(server, service);
  Running running(server);
  for (const char* version : {"1.0", "1.1"}) {
    CAPTURE(version);
    pages = 0;
    Connection connection(running.port());
    connection.send(std::string("GET /addresses HTTP/") + version + "\r\nHost: localhost\r\n\r\n");
    CHECK(connection.is_closed());
    CHECK(connection.was_reset());
    CHECK(connection.unread().rfind("HTTP/1.1 200 ", 0) == 0);
  }
}

TEST_CASE_TEMPLATE("mount: parallel writers over sockets lose nothing", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  Running running(server);
  constexpr int writers = 4;
  constexpr int each = 50;
  std::vector<std::vector<std::string>> failures(writers);
  std::vector<std::vector<std::string>> kept(writers);
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < writers; ++w) {
    threads.emplace_back([&, w] {
      try {
        Connection connection(running.port());
        for (int i = 0; i < each; ++i) {
          auto response = connection.request("POST", "/addresses", {}, address);
          const auto location = response.header("location");
          if (response.status != 201) failures[w].push_back("create");
          const auto text = "{\"writer\":" + std::to_string(w) + "}";
          response = connection.request("PUT", location, {}, text);
          if (response.status != 204) failures[w].push_back("update");
          if (connection.request("GET", location).body != text) failures[w].push_back("read");
          if (i % 2 == 0) {
            kept[w].push_back(location);
            // httplib closes after 100 requests.
            connection = Connection(running.port());
          } else if (connection.request("DELETE", location).status != 204) {
            failures[w].push_back("delete");
          }
        }
      } catch (const std::exception& error) {
        failures[w].push_back(error.what());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t w = 0; w < writers; ++w) {
    const std::string first_failure = failures[w].empty() ? "" : failures[w].front();
    CHECK(first_failure == "");
    CHECK(kept[w].size() == each / 2);
    for (const auto& location : kept[w]) {
      CHECK(book->get(location.substr(11)).document.text() ==
            "{\"writer\":" + std::to_string(w) + "}");
    }
  }
  CHECK(book->state().count == writers * each / 2);
}

TEST_CASE_TEMPLATE("mount: a reader that is slow holds up no writer", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  for (int i = 0; i < 300; ++i) {
    book->create(nlohmann::json{{"notes", std::string(100'000, 'x')}});
  }
  Running running(server);
  Connection slow(running.port());
  slow.send_request("GET", "/addresses");  // 30 MB, more than the sockets' buffers hold; not read
  CHECK(Connection(running.port()).request("POST", "/addresses", {}, address).status == 201);
  CHECK(Connection(running.port()).request("GET", "/addresses/_ready").status == 200);
  const auto response = slow.read_response();
  CHECK(response.complete);
  CHECK(response.body.size() > 30'000'000);
}

TEST_CASE_TEMPLATE("mount: the log has a line for each request, with the stream's bytes", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  std::mutex mutex;
  std::vector<addrbook::LogRecord> records;
  addrbook::Options options;
  options.log = [&](const addrbook::LogRecord& record) {
    const std::lock_guard lock(mutex);
    records.push_back(record);
  };
  const auto book = test::mount(server, options);
  for (int i = 0; i < 600; ++i) book->create(nlohmann::json{{"number", i}});
  std::size_t size = 0;
  {
    Running running(server);
    // One after the other, which only one connection can promise: a stream's line comes after it.
    Connection connection(running.port());
    size = connection.request("GET", "/addresses?&").body.size();
    connection.request("HEAD", "/addresses");
    connection.request("GET", "/addresses/x");
  }
  REQUIRE(records.size() == 3);  // all are written before the server has stopped
  CHECK(records[0].bytes == size);
  CHECK(records[0].uri == "/addresses");
  CHECK(records[0].ip == "127.0.0.1");
  CHECK(records[0].status == 200);
  CHECK(records[1].method == "HEAD");
  CHECK(records[1].bytes == 0);
  CHECK(records[2].status == 404);
  CHECK(records[2].reason == "No such address: 'x'");
}

TEST_CASE_TEMPLATE("mount: a body without an end is sent piece by piece, and ends with the server",
                   Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  test::check_live_source(server);
}

TEST_CASE("mount: the answers are the same on all servers") {
  addrbook::Options options;
  options.coding = addrbook::gzip();
  options.max_body_bytes = 1000;
  options.allowed_origins = {"https://app.example.com"};
  options.authorize = [](const addrbook::AccessRequest& access) {
    return access.request.header("X-Stranger")
               ? addrbook::Access::unauthenticated(R"(Bearer realm="addresses")")
               : addrbook::Access::allow();
  };
  const auto book = std::make_shared<addrbook::Service>();  // the same behind all of them
  const std::string id = book->create(addrbook::Document::parse(address)).id;
  httplib::Server plain;
  addrbook::Server lane;
  ServerWithHooks hooks;
  for (httplib::Server* const server :
       std::initializer_list<httplib::Server*>{&plain, &lane, &hooks}) {
    test::mount(*server, book, options);
  }
  Running running_plain(plain);
  Running<httplib::Server> running_lane(lane);
  Running<httplib::Server> running_hooks(hooks);

  const std::string host = " HTTP/1.1\r\nHost: localhost\r\n";
  const std::string one = "/addresses/" + id;
  const auto post = [&](const std::string& fields, const std::string& body) {
    return "POST /addresses" + host + fields + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  };
  const struct {
    std::string request;
    int status;
    bool is_for_plain = true;  ///< plain httplib understands it
  } cases[] = {
      {"GET /addresses" + host + "\r\n", 200},
      {"GET /addresses?" + host + "\r\n", 200},
      {"GET /addresses?&" + host + "\r\n", 200},
      {"GET /addresses?x=1" + host + "\r\n", 400},
      {"GET /addresses?%zz" + host + "\r\n", 400},
      {"GET /addresses/?a?b" + host + "\r\n", 400},
      {"GET /addresses#part" + host + "\r\n", 200},
      {"GET /addresses?#x=1" + host + "\r\n", 200},
      {"GET /addresses#?x=1" + host + "\r\n", 200},
      {"GET " + one + "#part" + host + "\r\n", 200},
      {"GET /%61ddresses" + host + "\r\n", 200},
      {"GET /addresse%73/" + id + host + "\r\n", 200},
      {"GET %2Faddresses" + host + "\r\n", 200},
      {"GET /addresses%2F" + id + host + "\r\n", 200},
      {"GET /addresses/" + escaped(id) + host + "\r\n", 200},
      {"GET /addresses/%zz" + host + "\r\n", 404},
      {"GET /addresses/%" + host + "\r\n", 404},
      {"GET /addresses/a%00b" + host + "\r\n", 404},
      {"GET /addresses/%3Fx=1" + host + "\r\n", 404},
      {"GET /addresses%3Fx=1" + host + "\r\n", 404},
      {"GET /addresses/+" + host + "\r\n", 404},
      {"GET /addresses//" + host + "\r\n", 404},
      {"GET //addresses" + host + "\r\n", 404},
      {"GET /addresses/../addresses" + host + "\r\n", 404},
      {"GET /Addresses" + host + "\r\n", 404},
      {"GET http://localhost/addresses" + host + "\r\n", 200, false},
      {"GET HTTP://LOCALHOST:80" + one + "?x=1" + host + "\r\n", 400, false},
      {"GET http://localhost/%61ddresses#x" + host + "\r\n", 200, false},
      {"GET http://localhost" + host + "\r\n", 404, false},
      {"GET http://localhost?/addresses" + host + "\r\n", 404, false},
      {"GET http://other.example.com/addresses" + host + "\r\n", 200, false},
      {"GET " + one + host + "\r\n", 200},
      {"GET " + one + "/" + host + "\r\n", 200},
      {"GET " + one + host + "Accept-Encoding: gzip\r\nOrigin: https://app.example.com\r\n\r\n",
       200},
      {"GET " + one + host + "Range: bytes=0-3\r\n\r\n", 200},
      {"GET " + one + host + "If-None-Match: *\r\n\r\n", 304},
      {"GET " + one + host + "If-None-Match: \"x\"\r\nIf-None-Match: *\r\n\r\n", 200},
      {"GET " + one + host + "X-Stranger: 1\r\n\r\n", 401},
      {"GET " + one + " HTTP/1.0\r\n\r\n", 200},
      {"GET /addresses/_nothing HTTP/1.0\r\n\r\n", 404},
      {"HEAD " + one + host + "\r\n", 200},
      {"HEAD " + one + host + "If-None-Match: *\r\n\r\n", 304},
      {"HEAD /addresses/nobody" + host + "\r\n", 404},
      {"OPTIONS /addresses" + host + "\r\n", 204},
      {"OPTIONS " + one + host +
           "Origin: https://app.example.com\r\nAccess-Control-Request-Method: PUT\r\n\r\n",
       204},
      {"PATCH " + one + host + "Content-Length: 2\r\n\r\n{}", 415},
      {"PATCH " + one + host + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]",
       400},
      {"PATCH " + one + host + "Content-Type: application/json\r\nIf-Match: \"x\"\r\n" +
           "Content-Length: 2\r\n\r\n{}",
       412},
      {"POST /addresses/_batch" + host + "Content-Length: 3\r\n\r\n[1]", 400},
      {"DELETE /addresses/nobody" + host + "\r\n", 404},
      {"DELETE /addresses/nobody" + host + "Content-Length: 2\r\n\r\n{}", 404},
      {"GET /addresses/_health" + host + "Content-Length: 2\r\n\r\n{}", 200, false},
      {"PUT /addresses/" + std::string(32, '0') + host + "Content-Length: 2\r\n\r\n{}", 404},
      {"POST /addresses" + host + "\r\n", 411},
      {post("Content-Type: text/html\r\n", "{}"), 415},
      {post("Content-Encoding: br\r\n", "{}"), 415},
      {post("Content-Encoding: gzip\r\n", "{}"), 400},
      {post("Origin: https://evil.example.com\r\n", "{}"), 403},
      {post("X-Stranger: 1\r\n", "{}"), 401},
      {post("", "nonsense"), 400},
      {post("", std::string(1001, ' ')), 413},
  };
  const auto answer_of = [](int port, const std::string& request) {
    Connection connection(port);
    connection.send(request);
    return connection.read_response(request.rfind("HEAD", 0) == 0);
  };
  // Date, Connection and Keep-Alive are the server's, and how the end of the body is said: httplib
  // also sends Content-Length: 0 with 204 and 304, and Accept-Ranges with HEAD.
  const std::set<std::string> not_of_rest{"date",          "connection",     "keep-alive",
                                          "accept-ranges", "content-length", "x-request-id"};
  const auto fields_of = [&](const test::Response& response) {
    std::string text;
    for (const auto& [name, value] : response.headers) {
      if (not_of_rest.count(name) == 0) text.append(name).append(": ").append(value).append("\n");
    }
    return text;
  };
  for (const auto& each : cases) {
    CAPTURE(each.request);
    const auto expected = answer_of(running_lane.port(), each.request);
    CHECK(expected.status == each.status);
    for (const int port : {running_plain.port(), running_hooks.port()}) {
      if (port == running_plain.port() && !each.is_for_plain) continue;
      CAPTURE((port == running_plain.port()));
      const auto response = answer_of(port, each.request);
      CHECK(response.status == expected.status);
      // The host's own 404 is not Rest's.
      const bool is_ours = expected.has("cache-control") && response.has("cache-control");
      CHECK((is_ours || port == running_plain.port()));
      if (!is_ours) continue;
      CHECK(response.body == expected.body);
      CHECK(fields_of(response) == fields_of(expected));
      CHECK(response.header("x-request-id").size() == expected.header("x-request-id").size());
      if (response.status != 204 && response.status != 304) {
        CHECK(response.header("content-length") == expected.header("content-length"));
      }
    }
  }
  CHECK(book->state().count == 1);
}

TEST_CASE_TEMPLATE("mount: on our Server a connection does what its answers say", Server,
                   ADDRBOOK_OUR_SERVERS) {
  Server server;
  addrbook::Options options;
  options.max_body_bytes = 1000;
  const auto book = test::mount(server, options);
  for (int i = 0; i < 300; ++i) book->create(addrbook::Document::parse(address));
  const std::string one = "/addresses/" + book->create(addrbook::Document::parse(address)).id;
  Running running(server);
  const std::string host = "Host: localhost\r\n";
  const struct {
    std::string request;
    int status;
    std::string connection;
  } cases[] = {
      {"GET " + one + " HTTP/1.1\r\n" + host + "\r\n", 200, "keep-alive"},
      {"GET " + one + " HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", 200, "close"},
      {"GET " + one + " HTTP/1.1\r\n" + host + "Connection: x, Close\r\n\r\n", 200, "close"},
      {"GET " + one + " HTTP/1.1\r\n" + host + "If-None-Match: *\r\n\r\n", 304, "keep-alive"},
      {"GET " + one + " HTTP/1.1\r\n" + host + "If-None-Match: *\r\nConnection: close\r\n\r\n", 304,
       "close"},
      {"GET /addresses HTTP/1.1\r\n" + host + "\r\n", 200, "keep-alive"},
      {"GET /addresses HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", 200, "close"},
      {"GET /addresses/nobody HTTP/1.1\r\n" + host + "\r\n", 404, "keep-alive"},
      {"HEAD " + one + " HTTP/1.1\r\n" + host + "\r\n", 200, "keep-alive"},
      {"HEAD " + one + " HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", 200, "close"},
      {"HEAD /addresses HTTP/1.1\r\n" + host + "\r\n", 200, "keep-alive"},
      {"HEAD /addresses/nobody HTTP/1.1\r\n" + host + "\r\n", 404, "keep-alive"},
      {"OPTIONS /addresses HTTP/1.1\r\n" + host + "\r\n", 204, "keep-alive"},
      {"PUT " + one + " HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n{}", 204, "keep-alive"},
      {"POST /addresses HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n{}", 201, "keep-alive"},
      {"POST /addresses HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n{x", 400, "keep-alive"},
      {"POST /addresses HTTP/1.1\r\n" + host + "\r\n", 411, "close"},
      {"POST /addresses HTTP/1.1\r\n" + host + "Content-Length: 900000\r\n\r\n{", 413, "close"},
      {"PATCH /addresses HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n{}", 405, "keep-alive"},
      {"POST /addresses HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nTrailer: x\r\nAnother: y\r\n\r\n",
       201, "keep-alive"},
      {"POST /addresses HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}x", 400,
       "close"},
      {"POST /addresses HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nno trailer\r\n\r\n",
       400, "close"},
      {"GET " + one + " HTTP/1.0\r\n\r\n", 200, "close"},
      {"GET " + one + " HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200, "keep-alive"},
      {"GET " + one + " HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 200, "close"},
      {"GET /addresses HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200, "close"},
      {"HEAD /addresses HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 200, "keep-alive"},
      {"GET /addresses/nobody HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 404, "keep-alive"},
      {"GET " + one + " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, "keep-alive"},
      {"POST /addresses HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", 201, "close"},
      {"POST /addresses HTTP/1.0\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\n{}", 201,
       "keep-alive"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.request);
    Connection connection(running.port());
    connection.send(each.request);
    const auto response = connection.read_response(each.request.rfind("HEAD", 0) == 0);
    CHECK(response.status == each.status);
    CHECK(response.header("connection") == each.connection);
    CHECK((response.header("transfer-encoding").empty() ||
           each.request.find("HTTP/1.1") != std::string::npos));
    check_promise<Server>(connection, response);
  }
}

TEST_CASE_TEMPLATE("mount: our Server's own refusals of a book's requests can be read by its pages",
                   Server, ADDRBOOK_OUR_SERVERS) {
  Server server;
  addrbook::Options options;
  options.allowed_origins = {"https://app.example.com"};
  test::mount(server, options);
  options.prefix = "/other";
  options.allowed_origins = {"https://other.example.com"};
  test::mount(server, options);
  Running running(server);
  std::string long_fields;
  while (long_fields.size() <= 64 * 1024) long_fields += "X: " + std::string(5000, 'x') + "\r\n";
  const struct {
    std::string start;
    std::string end;
    int status;
    std::string origin;  ///< that may read the answer
  } cases[] = {
      {"GET /addresses HTTP/1.1\r\nHost: localhost\r\n", "No Field\r\n\r\n", 400,
       "https://app.example.com"},
      {"GET /addresses/x?y HTTP/1.1\r\nHost: localhost\r\n",
       "X: " + std::string(9000, 'x') + "\r\n\r\n", 431, "https://app.example.com"},
      {"GET http://localhost/addresses HTTP/1.1\r\nHost: localhost\r\n",
       "Transfer-Encoding: gzip\r\n\r\n", 501, "https://app.example.com"},
      {"POST /other HTTP/1.1\r\nHost: localhost\r\n", "Content-Length: x\r\n\r\n", 400,
       "https://other.example.com"},
      {"GET /addresses/" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n", "\r\n", 414,
       "https://app.example.com"},
      {"BREW http://localhost/other HTTP/1.1\r\nHost: localhost\r\n", "\r\n", 501,
       "https://other.example.com"},
      {"GET /addresses HTTP/1.2\r\nHost: localhost\r\n", "\r\n", 505, "https://app.example.com"},
      {"GET /addresses HTTP/1.1\r\nHost: localhost\r\n", long_fields, 431,
       "https://app.example.com"},
      {"GET /addresses/1/2/3/4/5/6/7/8/9/10 HTTP/1.1\r\nHost: localhost\r\n", "\r\n", 404,
       "https://app.example.com"},
      {"GET /addressesx HTTP/1.1\r\nHost: localhost\r\n", "\r\n", 404, ""},
      {"GET /nope HTTP/1.1\r\nHost: localhost\r\n", "Content-Length: x\r\n\r\n", 400, ""},
  };
  for (const auto& each : cases) {
    for (const std::string origin : {"https://app.example.com", "https://other.example.com"}) {
      CAPTURE(each.start);
      CAPTURE(origin);
      Connection connection(running.port());
      connection.send(each.start + "Origin: " + origin + "\r\n" + each.end);
      const auto response = connection.read_response();
      CHECK(response.status == each.status);
      const bool may_read = origin == each.origin;
      CHECK(response.header("access-control-allow-origin") == (may_read ? origin : ""));
      CHECK(response.has("access-control-expose-headers") == may_read);
      CHECK(response.header("vary") == (each.origin.empty() ? "" : "Origin"));
      check_promise<Server>(connection, response);
    }
  }
}

TEST_CASE_TEMPLATE("mount: pipelined requests to a book and to the program are answered in order",
                   Server, ADDRBOOK_OUR_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  const std::string one = "/addresses/" + book->create(addrbook::Document::parse(address)).id;
  for (int i = 0; i < 300; ++i) book->create(addrbook::Document::parse(address));
  server.Post("/echo", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(request.body, "text/plain");
  });
  server.Get("/local", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(
        request.local_addr + " " + std::to_string(request.local_port) + " " + request.remote_addr,
        "text/plain");
  });
  Running running(server);
  const std::string local = "127.0.0.1 " + std::to_string(running.port()) + " 127.0.0.1";
  const std::string end = " HTTP/1.1\r\nHost: localhost\r\n";
  const std::string bytes =
      "GET " + one + end + "\r\nPOST /echo" + end +
      "Content-Length: 5\r\n\r\nfirst\r\nPOST /addresses" + end +
      "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nA: b\r\n\r\n"
      "GET /local" +
      end + "\r\nHEAD /addresses" + end + "\r\nGET /addresses" + end + "\r\nPOST /echo" + end +
      "Transfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\nDELETE " + one + end +
      "\r\nGET /nowhere" + end + "\r\nGET " + one + end + "Connection: close\r\n\r\nGET /never" +
      end + "\r\n";
  const auto check_answers = [&](Connection& connection) {
    CHECK(connection.read_response().body == address);
    CHECK(connection.read_response().body == "first");
    CHECK(connection.read_response().status == 201);
    CHECK(connection.read_response().body == local);
    CHECK(connection.read_response(true).status == 200);
    CHECK(connection.read_response().body.size() > 10'000);
    CHECK(connection.read_response().body == "second");
    CHECK(connection.read_response().status == 204);
    CHECK(connection.read_response().status == 404);
    const auto last = connection.read_response();
    CHECK(last.status == 404);
    check_promise<Server>(connection, last);
  };
  SUBCASE("in one packet") {
    Connection connection(running.port());
    connection.send(bytes);
    check_answers(connection);
  }
  SUBCASE("in many") {
    Connection connection(running.port());
    for (const char c : bytes) connection.send({&c, 1});
    check_answers(connection);
  }
}

TEST_CASE_TEMPLATE("mount: 100 Continue comes before a body that is wanted, and no other", Server,
                   ADDRBOOK_OUR_SERVERS) {
  Server server;
  addrbook::Options options;
  options.max_body_bytes = 1000;
  options.authorize = [](const addrbook::AccessRequest& access) {
    return access.request.header("X-Stranger")
               ? addrbook::Access::unauthenticated(R"(Bearer realm="addresses")")
               : addrbook::Access::allow();
  };
  const auto book = test::mount(server, options);
  Running running(server);
  const std::string head = " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n";

  Connection invited(running.port());
  invited.send("POST /addresses" + head + "Content-Length: 2\r\n\r\n");
  REQUIRE(invited.has_more());
  while (invited.unread().find("\r\n\r\n") == std::string::npos) {
    REQUIRE(!invited.is_closed(std::chrono::milliseconds(1)));
  }
  CHECK(invited.unread() == "HTTP/1.1 100 Continue\r\n\r\n");
  invited.send("{}");
  auto response = invited.read_response();
  CHECK(response.invited);
  CHECK(response.status == 201);
  check_promise<Server>(invited, response);

  const struct {
    std::string request;
    int status;
  } refused[] = {
      {"POST /addresses" + head + "X-Stranger: 1\r\nContent-Length: 2\r\n\r\n", 401},
      {"POST /addresses" + head + "Content-Type: text/html\r\nContent-Length: 2\r\n\r\n", 415},
      {"POST /addresses" + head + "Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
       415},
      {"POST /addresses" + head + "Content-Length: 2000\r\n\r\n", 413},
      {"POST /addresses/_nothing" + head + "Content-Length: 2\r\n\r\n", 404},
      {"PATCH /addresses" + head + "Content-Length: 2\r\n\r\n", 405},
      {"DELETE /addresses/nobody" + head + "Content-Length: 2\r\n\r\n", 404},
  };
  for (const auto& each : refused) {
    CAPTURE(each.request);
    Connection connection(running.port());
    connection.send(each.request);
    response = connection.read_response();
    CHECK(response.status == each.status);
    CHECK(!response.invited);
    CHECK(response.header("connection") == "close");
    check_promise<Server>(connection, response);
  }

  // What has arrived, or is empty, needs no invitation. HTTP/1.0 has none (RFC 9110, 10.1.1).
  for (
      const std::string& request :
      {"POST /addresses" + head + "Content-Length: 2\r\n\r\n{}", "GET /addresses" + head + "\r\n",
       "GET /addresses" + head + "Content-Length: 0\r\n\r\n",
       "POST /addresses HTTP/1.0\r\nConnection: Keep-Alive\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"s}) {
    CAPTURE(request);
    Connection connection(running.port());
    connection.send(request);
    response = connection.read_response();
    CHECK(response.status < 300);
    CHECK(!response.invited);
    check_promise<Server>(connection, response);
  }
  CHECK(book->state().count == 3);
}

TEST_CASE_TEMPLATE(
    "mount: on our Server a body that nobody needs is dropped, and the connection kept if it is "
    "small",
    Server, ADDRBOOK_OUR_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  Running running(server);
  const std::string end = " HTTP/1.1\r\nHost: localhost\r\n";
  const std::string small(60'000, 'x');
  const auto length = [](std::size_t size) {
    return "Content-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  SUBCASE("small: read first, in any pieces") {
    const struct {
      std::string head;
      std::string body;
      int status;
    } cases[] = {
        {"GET /addresses" + end + length(5), "later", 200},
        {"GET /addresses" + end + length(small.size()), small, 200},
        {"HEAD /addresses" + end + length(5), "later", 200},
        {"OPTIONS /addresses" + end + length(5), "later", 204},
        {"DELETE /addresses/nobody" + end + length(5), "later", 404},
        {"DELETE /addresses/nobody" + end + "Transfer-Encoding: chunked\r\n\r\n",
         "5\r\nlater\r\n0\r\nTrailer: x\r\n\r\n", 404},
        {"POST /addresses" + end + "Content-Type: text/html\r\n" + length(small.size()), small,
         415},
    };
    for (const auto& each : cases) {
      CAPTURE(each.head);
      Connection connection(running.port());
      connection.send(each.head);
      CHECK(!connection.is_closed(std::chrono::milliseconds(5)));
      CHECK(connection.unread().empty());
      connection.send(each.body.substr(0, 3));
      connection.send(each.body.substr(3));
      const auto response = connection.read_response(each.head.rfind("HEAD", 0) == 0);
      CHECK(response.status == each.status);
      CHECK(response.header("connection") == "keep-alive");
      check_promise<Server>(connection, response);
    }
  }
  SUBCASE("large: answered at once, and the end is said") {
    for (const std::string method : {"GET", "DELETE", "PATCH"}) {
      CAPTURE(method);
      Connection connection(running.port());
      connection.send(method + " /addresses" + end + length(100'000));
      const auto response = connection.read_response();
      CHECK(response.status == (method == "GET" ? 200 : 405));
      CHECK(response.header("connection") == "close");
      connection.send(std::string(100'000, 'x'));  // it is drained: the answer is not lost
      check_promise<Server>(connection, response);
    }
  }
  SUBCASE("large, which only its chunks show") {
    Connection connection(running.port());
    connection.send("GET /addresses" + end + "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 100; ++i) connection.send("400\r\n" + std::string(1024, 'x') + "\r\n");
    const auto response = connection.read_response();
    CHECK(response.status == 200);
    CHECK(response.header("connection") == "close");
    check_promise<Server>(connection, response);
  }
  SUBCASE("never sent: waited for a moment") {
    Connection connection(running.port());
    connection.send("GET /addresses" + end + length(5));
    const auto response = connection.read_response();
    CHECK(response.status == 200);
    CHECK(response.header("connection") == "close");
    check_promise<Server>(connection, response);
  }
  SUBCASE("cut short") {
    Connection connection(running.port());
    connection.send("GET /addresses" + end + length(5));
    connection.finish_sending();
    const auto response = connection.read_response();
    CHECK(response.status == 200);
    CHECK(response.header("connection") == "close");
    check_promise<Server>(connection, response);
  }
}

TEST_CASE_TEMPLATE("mount: a wanted body arrives in any pieces", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  Running running(server);
  const std::string end = " HTTP/1.1\r\nHost: localhost\r\n";
  const struct {
    std::string first;
    std::string second;
  } cases[] = {
      {"POST /addresses" + end + "Content-Length: 23\r\n\r\n", address},
      {"POST /addresses" + end + "Content-Length: 23\r\n\r\n" + address.substr(0, 7),
       address.substr(7)},
      {"POST /addresses" + end + "Content-Length: 23\r\n", "\r\n" + address},
      {"POST /addresses" + end + "Transfer-Encoding: chunked\r\n\r\n1",
       "7\r\n" + address + "\r\n0\r\n\r\n"},
      {"POST /addresses" + end + "Transfer-Encoding: chunked\r\n\r\n17\r\n" + address +
           "\r\n0\r\nTrai",
       "ler: x\r\n\r\n"},
  };
  std::uint64_t count = 0;
  for (const auto& each : cases) {
    CAPTURE(each.first);
    Connection connection(running.port());
    connection.send(each.first);
    CHECK(!connection.is_closed(std::chrono::milliseconds(5)));
    CHECK(connection.unread().empty());
    connection.send(each.second);
    const auto response = connection.read_response();
    CHECK(response.status == 201);
    if constexpr (!is_plain<Server>) check_promise<Server>(connection, response);
    CHECK(book->state().count == ++count);
  }
}

TEST_CASE_TEMPLATE("mount: on our Server hooks see a book's requests only if that is set", Server,
                   ADDRBOOK_OUR_SERVERS) {
  Server server;
  std::mutex mutex;
  std::set<std::string> called;
  const auto call = [&](const std::string& name) {
    const std::lock_guard lock(mutex);
    called.insert(name);
  };
  server.set_logger([&](const httplib::Request&, const httplib::Response&) { call("logger"); });
  server.set_error_handler(
      [&](const httplib::Request&, httplib::Response&) { call("error handler"); });
  server.set_pre_routing_handler([&](const httplib::Request& request, httplib::Response& response) {
    call("pre-routing handler");
    if (!request.has_header("X-Stop")) return httplib::Server::HandlerResponse::Unhandled;
    response.status = 418;
    return httplib::Server::HandlerResponse::Handled;
  });
  server.set_post_routing_handler(
      [&](const httplib::Request&, httplib::Response&) { call("post-routing handler"); });
  server.set_pre_request_handler([&](const httplib::Request&, httplib::Response&) {
    call("pre-request handler");
    return httplib::Server::HandlerResponse::Unhandled;
  });
  server.set_default_headers({{"X-Host", "yes"}});
  const auto book = test::mount(server);
  server.Get("/own", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("own", "text/plain");
  });
  Running running(server);
  const auto ask = [&](const std::string& method, const std::string& target,
                       const test::Headers& fields = {}, const std::string& body = {}) {
    {
      const std::lock_guard lock(mutex);
      called.clear();
    }
    return Connection(running.port()).request(method, target, fields, body);
  };
  const std::set<std::string> of_all{"logger", "pre-routing handler", "post-routing handler",
                                     "pre-request handler"};
  const std::set<std::string> of_error{"logger", "pre-routing handler", "post-routing handler",
                                       "pre-request handler", "error handler"};
  const auto calls = [&] {
    const std::lock_guard lock(mutex);
    return called;
  };
  CHECK(ask("POST", "/addresses", {}, address).has("x-host") == !is_lane<Server>);
  CHECK(calls() == (is_lane<Server> ? std::set<std::string>() : of_all));
  CHECK(ask("GET", "/addresses/nobody").status == 404);
  CHECK(calls() == (is_lane<Server> ? std::set<std::string>() : of_error));
  CHECK(ask("GET", "/addresses", {{"x-stop", "1"}}).status == (is_lane<Server> ? 200 : 418));
  // The program's own requests are always seen.
  CHECK(ask("GET", "/own").header("x-host") == "yes");
  CHECK(calls() == of_all);
  CHECK(ask("GET", "/addressesx").status == 404);
  CHECK(calls().count("error handler") == 1);
  CHECK(ask("GET", "/own", {{"x-stop", "1"}}).status == 418);
}

TEST_CASE("mount: on the lane of several books the one with the longest prefix answers") {
  for (const bool is_longer_first : {false, true}) {
    CAPTURE(is_longer_first);
    addrbook::Server server;
    std::vector<std::string> prefixes{"/a", "/a/b", "/a/bc"};
    if (is_longer_first) prefixes = {"/a/bc", "/a/b", "/a"};
    for (const std::string& prefix : prefixes) {
      addrbook::Options options;
      options.prefix = prefix;
      test::mount(server, options)->create(nlohmann::json{{"book", prefix}});
    }
    addrbook::Options again;
    again.prefix = "/a";
    CHECK_THROWS_WITH(test::mount(server, again), "'/a' has a book already");
    Running running(server);
    Connection connection(running.port());
    const auto book_at = [&](const std::string& target) {
      const auto body =
          nlohmann::json::parse(connection.request("GET", target).body, nullptr, false);
      if (!body.is_object() || body.empty()) return std::string("none");
      const auto& first = *body.begin();
      return first.is_object() ? first.value("book", "none") : "error";
    };
    CHECK(book_at("/a") == "/a");
    CHECK(book_at("/a/") == "/a");
    CHECK(book_at("/a/b") == "/a/b");
    CHECK(book_at("/a/b/") == "/a/b");
    CHECK(book_at("/a/%62") == "/a/b");
    CHECK(book_at("/a/bc") == "/a/bc");
    CHECK(book_at("/a/bcd") == "error");  // an id in /a
    CHECK(connection.request("GET", "/a/bcd").body.find("No such address: 'bcd'") !=
          std::string::npos);
    CHECK(connection.request("GET", "/a/b/bcd").body.find("No such address: 'bcd'") !=
          std::string::npos);
    CHECK(connection.request("GET", "/ab").body.find("Unknown Endpoint") != std::string::npos);
  }
}

TEST_CASE_TEMPLATE("mount: a server that is listening takes no further book", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server);
  const auto service = std::make_shared<addrbook::Service>();
  addrbook::Service own;
  addrbook::Options options;
  options.prefix = "/late";
  const auto code_of = [](const auto& call) {
    try {
      call();
    } catch (const addrbook::Error& error) {
      return std::optional(error.code());
    }
    return std::optional<addrbook::Errc>();
  };
  Running first(server);
  CHECK(code_of([&] { test::mount(server); }) == addrbook::Errc::invalid);
  CHECK(code_of([&] { test::mount(server, service, options); }) == addrbook::Errc::invalid);
  CHECK(code_of([&] { test::mount(server, own, options); }) == addrbook::Errc::invalid);
  CHECK(service.use_count() == 1);
  check_not_ours<Server>(first.port(), "/late");
  CHECK(Connection(first.port()).request("GET", "/addresses").status == 200);
  first.stop();

  test::mount(server, service, options);
  Running second(server);
  CHECK(Connection(second.port()).request("GET", "/late").status == 200);
  CHECK(Connection(second.port()).request("GET", "/addresses").status == 200);
}

TEST_CASE_TEMPLATE("mount: where httplib routes, the longer of two prefixes is mounted first",
                   Server, httplib::Server, ServerWithHooks) {
  Server server;
  for (const std::string prefix : {"/a/b", "/a"}) {
    addrbook::Options options;
    options.prefix = prefix;
    test::mount(server, options)->create(nlohmann::json{{"book", prefix}});
  }
  Running running(server);
  const auto list = [&](const std::string& target) {
    return Connection(running.port()).request("GET", target).body;
  };
  CHECK(list("/a").find(R"({"book":"/a"})") != std::string::npos);
  CHECK(list("/a/b").find(R"({"book":"/a/b"})") != std::string::npos);
}
