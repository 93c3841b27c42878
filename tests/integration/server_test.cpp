// What addrbook::Server adds to httplib::Server.

#include <addrbook/http/head.hpp>
#include <addrbook/httplib/head_repair.hpp>
#include <addrbook/server.hpp>

#include <support/crowd.hpp>
#include <support/http_client.hpp>
#include <support/life_cycle.hpp>
#include <support/live_source.hpp>
#include <support/mount.hpp>
#include <support/running.hpp>

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using test::Connection;
using test::Running;
using namespace std::chrono_literals;

/// Blocks handlers until the test opens it.
class Gate {
 public:
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_until_waited_for(int count = 1) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

}  // namespace

TEST_CASE("server: serves a book") {
  addrbook::Server server;
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  test::check_life_cycle(running.port(), "/addresses");
}

TEST_CASE("server: unknown paths get a JSON 404 at any depth") {
  addrbook::Server server;
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  std::string deep = "/addresses";
  for (int i = 0; i < 50; ++i) deep += "/a";
  for (const std::string& path : {std::string("/"), std::string("/nope"),
                                  std::string("/favicon.ico"), std::string("/addressesx"), deep}) {
    CAPTURE(path);
    const auto response = Connection(running.port()).request("GET", path + "?x=1");
    test::check_error(response, "GET", path, 404, "Unknown Endpoint");
    CHECK(response.header("x-request-id").size() == 16);
    CHECK(response.header("cache-control") == "private, no-cache");
    const auto head = Connection(running.port()).request("HEAD", path);
    CHECK(head.status == 404);
    CHECK(head.header("content-length") != "0");
  }
  const auto given =
      Connection(running.port()).request("POST", "/nope", {{"x-request-id", "mine"}}, "{}");
  test::check_error(given, "POST", "/nope", 404, "Unknown Endpoint");
  CHECK(given.header("x-request-id") == "mine");
}

TEST_CASE("server: requests that httplib refuses get a JSON error") {
  addrbook::Server server;
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  const struct {
    std::string request;
    int status;
  } cases[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET /addresses HTTP/9\r\n\r\n", 400},
      {"TRACE /addresses HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
      {"CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n", 501},
      {"get /addresses HTTP/1.1\r\nHost: x\r\n\r\n", 501},
      {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
  };
  for (const auto& each : cases) {
    CAPTURE(each.request.substr(0, 60));
    Connection connection(running.port());
    connection.send(each.request);
    const auto response = connection.read_response();
    CHECK(response.status == each.status);
    CHECK(response.header("content-type") == "application/json; charset=UTF-8");
    const auto body = nlohmann::json::parse(response.body, nullptr, false);
    REQUIRE(body.is_object());
    CHECK(body["code"] == each.status);
    CHECK(body["message"].get<std::string>() != "");
  }
}

TEST_CASE("server: OPTIONS of the server as a whole, and of a book") {
  addrbook::Server server;
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  Connection connection(running.port());
  for (const char* target : {"*", "/addresses"}) {
    CAPTURE(target);
    const auto response = connection.request("OPTIONS", target);
    CHECK(response.status == 204);
    CHECK(response.header("allow").find("OPTIONS") != std::string::npos);
    CHECK(!response.has("content-length"));
    CHECK(response.has("date"));
    CHECK(response.has("x-request-id"));
    CHECK(response.header("connection") == "keep-alive");
    CHECK(response.header("keep-alive") == "timeout=15");
  }
}

TEST_CASE("server: an exception from the program's route becomes a JSON 500 without details") {
  addrbook::ServerOptions options;
  std::vector<addrbook::LogRecord> records;
  options.log = [&](const addrbook::LogRecord& record) { records.push_back(record); };
  SUBCASE("default") {}
  SUBCASE("debug") {
    options.debug = true;
  }
  addrbook::Server server(options);
  server.Get("/throws", [](const httplib::Request&, httplib::Response&) {
    throw std::runtime_error("a secret");
  });
  server.Get("/own", [](const httplib::Request&, httplib::Response& response) {
    response.status = 409;
    response.set_content("worded by the route", "text/plain");
  });
  {
    Running running(server, server.bind("127.0.0.1", 0));
    const auto response = Connection(running.port()).request("GET", "/throws");
    CHECK(response.status == 500);
    const auto body = nlohmann::json::parse(response.body, nullptr, false);
    REQUIRE(body.is_object());
    CHECK(body["message"] == "Internal Server Error");
    CHECK((response.body.find("secret") != std::string::npos) == options.debug);
    CHECK(body.contains("trace") == options.debug);
    const auto own = Connection(running.port()).request("GET", "/own");
    CHECK(own.status == 409);
    CHECK(own.body == "worded by the route");
  }
  REQUIRE(records.size() == 2);
  CHECK(records[0].kind == addrbook::LogRecord::Kind::fault);
  REQUIRE(records[0].trace.size() == 1);
  CHECK(records[0].trace[0] == "std::runtime_error: a secret");
  CHECK(records[1].kind == addrbook::LogRecord::Kind::response);
  CHECK(records[1].status == 500);
}

TEST_CASE("server: idle connections do not delay others, however many there are") {
  addrbook::Server server;
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  std::vector<Connection> idle;
  for (int i = 0; i < 200; ++i) {
    idle.emplace_back(running.port());
    // Half of them are kept alive after a request, half have sent nothing.
    if (i % 2 == 0) REQUIRE(idle.back().request("GET", "/addresses").status == 200);
  }
  // With a thread for each connection the answer would come when an idle one times out, after 15 s.
  const auto start = std::chrono::steady_clock::now();
  CHECK(Connection(running.port()).request("GET", "/addresses").status == 200);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("server: blocked handlers do not delay others, up to max_threads") {
  addrbook::ServerOptions options;
  options.max_threads = 20;
  std::vector<std::string> warnings;
  options.log = [&](const addrbook::LogRecord& record) {
    if (record.kind == addrbook::LogRecord::Kind::server) warnings.push_back(record.reason);
  };
  addrbook::Server server(options);
  test::mount(server);
  Gate gate;
  server.Get("/wait", [&](const httplib::Request&, httplib::Response& response) {
    gate.wait();
    response.set_content("done", "text/plain");
  });
  Running running(server, server.bind("127.0.0.1", 0));
  std::vector<Connection> waiting;
  for (int i = 0; i < 19; ++i) {
    waiting.emplace_back(running.port());
    waiting.back().send_request("GET", "/wait");
  }
  gate.wait_until_waited_for(19);
  CHECK(Connection(running.port()).request("GET", "/addresses").status == 200);
  waiting.emplace_back(running.port());
  waiting.back().send_request("GET", "/wait");
  gate.wait_until_waited_for(20);
  const auto refused = Connection(running.port()).request("GET", "/addresses");
  CHECK(refused.status == 503);
  CHECK(refused.header("retry-after") == "1");
  CHECK(refused.header("connection") == "close");
  gate.open();
  for (auto& connection : waiting) CHECK(connection.read_response().body == "done");
  CHECK(test::eventually(5s, [&] {  // a thread is ready again shortly after its answer was sent
    return Connection(running.port()).request("GET", "/addresses").status == 200;
  }));
  running.stop();
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("max_threads") != std::string::npos);
}

TEST_CASE("server: past max_connections clients get a 503, until others leave") {
  addrbook::ServerOptions options;
  options.max_connections = 8;
  std::atomic<int> warnings{0};
  options.log = [&](const addrbook::LogRecord& record) {
    if (record.kind == addrbook::LogRecord::Kind::server) ++warnings;
  };
  addrbook::Server server(options);
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  std::vector<Connection> idle;
  for (int i = 0; i < 8; ++i) {
    idle.emplace_back(running.port());
    REQUIRE(idle.back().request("GET", "/addresses").status == 200);
  }
  for (int i = 0; i < 4; ++i) {
    Connection refused(running.port());
    const auto response = refused.read_response();
    CHECK(response.status == 503);
    CHECK(response.header("retry-after") == "1");
    CHECK(nlohmann::json::parse(response.body)["code"] == 503);
    CHECK(refused.is_closed());
  }
  CHECK(warnings == 1);
  CHECK(idle.front().request("GET", "/addresses").status == 200);
  idle.clear();
  int status = 503;
  for (int i = 0; i < 1000 && status == 503; ++i) {  // the server may not have seen all ends yet
    Connection connection(running.port());
    connection.send_request("GET", "/addresses");
    status = connection.read_response().status;
  }
  CHECK(status == 200);
}

TEST_CASE("server: a limit that is reached is logged as a warning") {
  addrbook::ServerOptions options;
  options.max_connections = 1;
  std::mutex mutex;
  std::vector<addrbook::LogRecord> records;
  options.log = [&](const addrbook::LogRecord& record) {
    const std::lock_guard lock(mutex);
    records.push_back(record);
  };
  addrbook::Server server(options);
  Running running(server, server.bind("127.0.0.1", 0));
  const Connection first(running.port());
  CHECK(Connection(running.port()).read_response().status == 503);
  running.stop();
  REQUIRE(records.size() == 1);
  CHECK(records[0].level == addrbook::LogRecord::Level::warning);
  CHECK(records[0].reason.find("max_connections") != std::string::npos);
}

TEST_CASE("server: requests on one connection are answered in order, pipelined or not") {
  addrbook::Server server;
  const auto book = test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  Connection connection(running.port());
  std::string all;
  constexpr int count = 200;
  for (int i = 0; i < count; ++i) {
    const std::string body = "{\"n\":" + std::to_string(i) + "}";
    all += "\r\nPOST /addresses HTTP/1.1\r\nHost: x\r\nX-Request-Id: r" + std::to_string(i) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  connection.send(all);
  for (int i = 0; i < count; ++i) {
    const auto response = connection.read_response();
    REQUIRE(response.status == 201);
    CHECK(response.header("x-request-id") == "r" + std::to_string(i));
  }
  const auto entries = book->list();
  REQUIRE(entries.size() == count);
  for (int i = 0; i < count; ++i) {
    CHECK(entries[static_cast<std::size_t>(i)].document.json()["n"] == i);
  }
  // One byte at a time.
  for (const char c : std::string("GET /addresses/_health HTTP/1.1\r\nHost: x\r\n\r\n")) {
    connection.send({&c, 1});
  }
  CHECK(connection.read_response().status == 200);
}

TEST_CASE("server: a list that is taken slowly is whole, also if its addresses change meanwhile") {
  addrbook::Server server;
  const auto book = test::mount(server);
  const auto document = [](char letter) {
    return addrbook::Document::parse("{\"notes\":\"" + std::string(1'000'000, letter) + "\"}");
  };
  for (int i = 0; i < 4; ++i) static_cast<void>(book->create(document('a')));
  Running running(server, server.bind("127.0.0.1", 0));
  Connection slow(running.port());
  slow.send_request("GET", "/addresses");
  CHECK(slow.has_more());
  // The system takes less than half of the first address for a client that does not read.
  Connection(running.port()).request("GET", "/addresses/_health");
  for (const addrbook::Entry& entry : book->list()) {
    static_cast<void>(book->update(entry.id, document('b')));
  }
  const auto list = slow.read_response();
  REQUIRE(list.complete);
  CHECK(nlohmann::json::parse(list.body).size() == 4);
}

TEST_CASE("server: addresses are changed on conditions, and in batches") {
  addrbook::Server server;
  const auto book = test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  Connection connection(running.port());
  const auto made = connection.request("PUT", "/addresses/ada", {{"If-None-Match", "*"}},
                                       R"({"n":1e400,"name":"Ada"})");
  REQUIRE(made.status == 201);
  CHECK(made.header("location") == "/addresses/ada");
  const test::Headers merge{{"Content-Type", "application/merge-patch+json"},
                            {"If-Match", made.header("etag")},
                            {"Prefer", "return=representation"}};
  const auto patched = connection.request("PATCH", "/addresses/ada", merge, R"({"name":"Eve"})");
  CHECK(patched.status == 200);
  CHECK(patched.body == R"({"n":1e400,"name":"Eve"})");
  CHECK(patched.header("preference-applied") == "return=representation");
  CHECK(connection.request("PATCH", "/addresses/ada", merge, R"({"name":"Bob"})").status == 412);
  const auto batch = connection.request(
      "POST", "/addresses/_batch", {},
      R"([{"op":"create","id":"bob","address":{}},{"op":"delete","id":"ada","if_revision":2}])");
  CHECK(batch.body == R"([{"id":"bob","revision":3},{"id":"ada","revision":4}])");
  CHECK(connection.request("OPTIONS", "/addresses/ada").header("accept-patch") ==
        "application/merge-patch+json, application/json-patch+json");
  CHECK(book->state().count == 1);
}

TEST_CASE("server: an error ends the connection only if a part of the request is unread") {
  addrbook::Server server;
  test::mount(server);
  server.Get("/bye", [](const httplib::Request&, httplib::Response& response) {
    response.set_header("Connection", "close");
    response.status = 404;
  });
  Running running(server, server.bind("127.0.0.1", 0));
  Connection connection(running.port());
  const struct {
    std::string method, target, body;
    int status;
  } cases[] = {
      {"GET", "/addresses/missing", "", 404},
      {"POST", "/addresses", "{", 400},
      {"DELETE", "/addresses", "", 405},
      {"PUT", "/addresses/missing", "{}", 404},
      {"GET", "/nope", "", 404},
      {"POST", "/nope", "{}", 404},
      {"PATCH", "/addresses/x", "small", 415},
      {"GET", "/addresses", "", 200},
  };
  for (const auto& each : cases) {
    CAPTURE(each.target);
    const auto response = connection.request(each.method, each.target, {}, each.body);
    CHECK(response.status == each.status);
    CHECK(response.header("connection") == "keep-alive");
  }
  const auto last = connection.request("GET", "/bye");
  CHECK(last.headers.count("connection") == 1);
  CHECK(connection.is_closed());

  Connection unread(running.port());
  unread.send("PATCH /addresses/x HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{");
  const auto response = unread.read_response();
  CHECK(response.status == 415);
  CHECK(response.header("connection") == "close");
  CHECK(unread.is_closed());
}

TEST_CASE("server: what the program's routes answer says what happens to the connection") {
  addrbook::Server server;
  test::mount(server);
  server.Get("/text", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("text", "text/plain");
  });
  server.Get("/unframed", [](const httplib::Request&, httplib::Response& response) {
    response.set_content_provider("text/plain", [](std::size_t, httplib::DataSink& sink) {
      sink.write("text", 4);
      sink.done();
      return true;
    });
  });
  server.Put("/unread", [](const httplib::Request&, httplib::Response& response,
                           const httplib::ContentReader&) { response.status = 204; });
  server.Post("/read", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(request.body, "text/plain");
  });
  Running running(server, server.bind("127.0.0.1", 0));
  const std::string host = " HTTP/1.1\r\nHost: x\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
  const auto length = [](std::size_t size) {
    return "Content-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  const std::string small(60'000, 'x');
  const struct {
    std::string head;
    std::string rest;  ///< sent later
    int status;
    std::string connection;
  } cases[] = {
      {"GET /text" + host + "\r\n", "", 200, "keep-alive"},
      {"GET /text" + host + length(5), "later", 200, "keep-alive"},
      {"GET /text" + host + length(small.size()), small, 200, "keep-alive"},
      {"GET /text" + host + chunked, "5\r\nlater\r\n0\r\nA: b\r\n\r\n", 200, "keep-alive"},
      {"GET /text" + host + chunked, "5\r\nlater\r\n0\r\nno trailer\r\n\r\n", 200, "close"},
      {"GET /text" + host + length(5), "", 200, "close"},
      {"GET /text" + host + length(100'000), "", 200, "close"},
      {"GET /text" + host + "Expect: 100-continue\r\n" + length(5), "", 200, "close"},
      {"GET /text" + host + "Connection: Close\r\n\r\n", "", 200, "close"},
      {"GET /text HTTP/1.0\r\n\r\n", "", 200, "close"},
      {"GET /text HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "", 200, "keep-alive"},
      {"GET /text HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "", 200, "keep-alive"},
      {"GET /unframed" + host + "\r\n", "", 200, "close"},
      {"GET /unframed HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "", 200, "close"},
      {"GET /nope" + host + length(5), "later", 404, "keep-alive"},
      {"GET /nope HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "", 404, "keep-alive"},
      {"PUT /unread" + host + length(5), "later", 204, "keep-alive"},
      {"PUT /unread" + host + "\r\n", "", 204, "keep-alive"},
      {"PUT /nope" + host + "\r\n", "", 404, "keep-alive"},
      {"POST /read" + host + length(5), "later", 200, "keep-alive"},
      {"POST /read" + host + "\r\n", "", 200, "keep-alive"},
      {"POST /read" + host + chunked, "5\r\nlater\r\n0\r\nno trailer\r\n\r\n", 400, "close"},
      {"POST /read" + host + chunked, "5\r\nlater\r\n0\r\n: b\r\n\r\n", 400, "close"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.head);
    CAPTURE(each.rest.substr(0, 50));
    Connection connection(running.port());
    connection.send(each.head);
    if (!each.rest.empty()) CHECK(!connection.is_closed(5ms));
    connection.send(each.rest);
    const auto response = connection.read_response();
    CHECK(response.status == each.status);
    CHECK(response.complete);
    CHECK(response.headers.count("connection") == 1);
    CHECK(response.header("connection") == each.connection);
    CHECK(response.header("keep-alive") == (each.connection == "close" ? "" : "timeout=15"));
    CHECK((response.status != 204 || !response.has("content-length")));
    if (each.connection == "close") CHECK(connection.is_closed());
    if (each.connection == "close") CHECK(!connection.was_reset());
    if (each.connection != "close") CHECK(connection.request("GET", "/text").body == "text");
  }
}

TEST_CASE("server: a program's answer that is cut ends with a reset") {
  addrbook::Server server;
  const auto half = [](std::size_t, httplib::DataSink& sink) {
    sink.write("half", 4);
    return false;
  };
  server.Get("/unframed", [half](const httplib::Request&, httplib::Response& response) {
    response.set_content_provider("text/plain", half);
  });
  server.Get("/chunked", [half](const httplib::Request&, httplib::Response& response) {
    response.set_chunked_content_provider("text/plain", half);
  });
  server.Get("/length", [half](const httplib::Request&, httplib::Response& response) {
    response.set_content_provider(
        100, "text/plain",
        [half](std::size_t at, std::size_t, httplib::DataSink& sink) { return half(at, sink); });
  });
  server.Get("/throws", [](const httplib::Request&, httplib::Response& response) {
    response.set_content_provider("text/plain", [](std::size_t, httplib::DataSink& sink) -> bool {
      sink.write("half", 4);
      throw std::runtime_error("x");
    });
  });
  Running running(server, server.bind("127.0.0.1", 0));
  for (const std::string target : {"/unframed", "/chunked", "/length", "/throws"}) {
    for (const std::string version : {"1.0", "1.1"}) {
      CAPTURE(target);
      CAPTURE(version);
      Connection connection(running.port());
      connection.send("GET " + target + " HTTP/" + version + "\r\nHost: x\r\n\r\n");
      CHECK(connection.is_closed());
      CHECK(connection.was_reset());
      CHECK(connection.unread().find("half") != std::string::npos);
    }
  }
}

TEST_CASE("server: an answer that is made while the server stops says that the connection ends") {
  addrbook::Server server;
  test::mount(server);
  Gate gate;
  server.Post("/wait", [&](const httplib::Request& request, httplib::Response& response) {
    gate.wait();
    response.set_content(request.body, "text/plain");
  });
  Running running(server, server.bind("127.0.0.1", 0));
  Connection idle(running.port());
  REQUIRE(idle.request("GET", "/addresses").status == 200);
  Connection waiting(running.port());
  waiting.send_request("POST", "/wait", {}, "text");
  gate.wait_until_waited_for();
  auto stopped = std::async(std::launch::async, [&] { return running.stop(); });
  CHECK(idle.is_closed());  // stop() has started
  gate.open();
  const auto response = waiting.read_response();
  CHECK(response.body == "text");
  CHECK(response.header("connection") == "close");
  CHECK(!response.has("keep-alive"));
  CHECK(waiting.is_closed());
}

TEST_CASE("server: each phase of a request has a total deadline") {
  addrbook::ServerOptions options;
  options.header_timeout = 300ms;
  options.body_timeout = 300ms;
  options.keep_alive_timeout = 1s;
  options.answer_timeout = 300ms;
  addrbook::Server server(options);
  addrbook::Options book_options;
  book_options.body_timeout = 300ms;
  const auto book = test::mount(server, book_options);
  const auto large = addrbook::Document::parse("{\"x\":\"" + std::string(100'000, 'x') + "\"}");
  for (int i = 0; i < 300; ++i) book->create(large);
  Running running(server, server.bind("127.0.0.1", 0));

  SUBCASE("nothing is sent") {
    CHECK(Connection(running.port()).is_closed());
  }
  SUBCASE("half a head") {
    Connection connection(running.port());
    connection.send("GET /addresses HTTP/1.1\r\nHost: x\r\n");
    const auto response = connection.read_response();
    CHECK(response.status == 408);
    CHECK(connection.is_closed());
  }
  SUBCASE("a head byte by byte") {
    Connection connection(running.port());
    connection.send("GET /addresses HTTP/1.1\r\nHost: x\r\nX: ");
    while (!connection.is_closed(10ms)) connection.send("x");
    CHECK(connection.unread().rfind("HTTP/1.1 408 ", 0) == 0);
  }
  SUBCASE("half a body") {
    Connection connection(running.port());
    connection.send("POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
    CHECK(connection.read_response().status == 408);
    CHECK(connection.is_closed());
  }
  SUBCASE("a body byte by byte") {
    Connection connection(running.port());
    connection.send("POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{");
    while (!connection.is_closed(10ms)) connection.send(" ");
    CHECK(connection.unread().rfind("HTTP/1.1 408 ", 0) == 0);
  }
  SUBCASE("an answer that is read one byte at a time") {
    Connection connection(running.port());
    connection.send_request("GET", "/addresses");
    char byte = 0;
    pollfd poll{connection.socket(), POLLRDHUP, 0};
    while (::poll(&poll, 1, 10) == 0) {
      static_cast<void>(::recv(connection.socket(), &byte, 1, 0));
    }
  }
  SUBCASE("no further request") {
    Connection connection(running.port());
    CHECK(connection.request("GET", "/addresses/_health").status == 200);
    CHECK(connection.is_closed());
    CHECK(connection.unread().empty());
  }
  CHECK(book->state().count == 300);
  CHECK(Connection(running.port()).request("GET", "/addresses/_health").status == 200);
}

TEST_CASE("server: a client that does not take its last answer is disconnected as an idle one") {
  addrbook::ServerOptions options;
  options.keep_alive_timeout = 2s;
  options.max_connections = 1;
  addrbook::Server server(options);
  // The system takes an answer of this size at once, and then has no room to send.
  server.Get("/long", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(std::string(100'000, 'x'), "text/plain");
  });
  Running running(server, server.bind("127.0.0.1", 0));
  constexpr int small_buffer = 4096;
  const test::Crowd reader(running.port(), 1,
                           {"GET /long HTTP/1.1\r\nHost: x\r\n\r\n", small_buffer});
  const auto status = [&running] {
    return Connection(running.port()).request("GET", "/nope").status;
  };
  CHECK(status() == 503);  // the reader has the only place
  CHECK(test::eventually(10s, [&status] { return status() == 404; }));
}

TEST_CASE("server: no 100 Continue for a body that will not be read") {
  addrbook::Server server;
  test::mount(server);
  server.Post("/plain", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(request.body, "text/plain");
  });
  const auto expecting = [](const std::string& line, const std::string& fields, std::size_t size) {
    return line + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " +
           std::to_string(size) + "\r\n" + fields + "\r\n";
  };
  SUBCASE("by default") {
    Running running(server, server.bind("127.0.0.1", 0));
    const struct {
      std::string request;
      const char* status;
    } cases[] = {
        {expecting("POST /addresses", "Content-Type: image/png\r\n", 5), "HTTP/1.1 415 "},
        {expecting("POST /addresses", "", 3'000'000), "HTTP/1.1 413 "},
        {expecting("PATCH /addresses", "", 5), "HTTP/1.1 405 "},
        {expecting("POST /addresses/a/b", "", 5), "HTTP/1.1 404 "},
        {expecting("GET /addresses", "", 5), "HTTP/1.1 200 "},
    };
    for (const auto& each : cases) {
      CAPTURE(each.request);
      Connection connection(running.port());
      connection.send(each.request);
      CHECK(connection.is_closed());  // the body could be taken for a further request
      CHECK(connection.unread().rfind(each.status, 0) == 0);
    }
    for (const char* target : {"/addresses", "/plain"}) {
      Connection connection(running.port());
      connection.send(expecting(std::string("POST ") + target, "", 2));
      while (connection.unread().find("100 Continue\r\n\r\n") == std::string::npos) {
        REQUIRE(!connection.is_closed(10ms));
      }
      connection.send("{}");
      CHECK(connection.read_response().status / 100 == 2);
      CHECK(connection.request("GET", "/addresses/_health").status == 200);
    }
  }
  SUBCASE("unless the program decides, for its own routes") {
    server.set_expect_100_continue_handler(
        [](const httplib::Request&, httplib::Response&) { return 417; });
    Running running(server, server.bind("127.0.0.1", 0));
    Connection connection(running.port());
    connection.send(expecting("POST /plain", "", 2));
    CHECK(connection.is_closed());
    CHECK(connection.unread().rfind("HTTP/1.1 417 ", 0) == 0);
    Connection to_book(running.port());  // which it does not see
    to_book.send(expecting("POST /addresses", "", 2) + "{}");
    CHECK(to_book.read_response().status == 201);
  }
}

TEST_CASE("server: the body of a GET is neither read nor run as a request") {
  addrbook::Server server;
  const auto book = test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  const std::string smuggled = "POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
  for (const char* method : {"GET", "HEAD", "OPTIONS"}) {
    for (const bool arrives_at_once : {true, false}) {
      CAPTURE(method);
      Connection connection(running.port());
      const std::string head = std::string(method) + " /addresses HTTP/1.1\r\nHost: x\r\n" +
                               "Content-Length: " + std::to_string(smuggled.size()) + "\r\n\r\n";
      connection.send(arrives_at_once ? head + smuggled : head);
      CHECK(connection.read_response(std::string(method) == "HEAD").status / 100 == 2);
      if (!arrives_at_once) connection.send(smuggled);
      if (!arrives_at_once) CHECK(connection.is_closed());
      if (arrives_at_once) CHECK(connection.request("GET", "/addresses").body == "{}");
      CHECK(connection.unread().empty());
    }
  }
  CHECK(book->state().count == 0);
}

TEST_CASE("server: an exception from a program's callback ends one connection only") {
  addrbook::ServerOptions options;
  std::atomic<int> errors{0};
  options.log = [&](const addrbook::LogRecord& record) {
    if (record.level == addrbook::LogRecord::Level::error) ++errors;
  };
  addrbook::Server server(options);
  test::mount(server);
  server.Get("/provider", [](const httplib::Request&, httplib::Response& response) {
    response.set_chunked_content_provider(
        "text/plain",
        [](std::size_t, httplib::DataSink&) -> bool { throw std::runtime_error("x"); });
  });
  server.set_logger([](const httplib::Request& request, const httplib::Response&) {
    if (request.path == "/logger") throw std::runtime_error("x");
  });
  Running running(server, server.bind("127.0.0.1", 0));
  Connection provider(running.port());
  provider.send_request("GET", "/provider");
  CHECK(!provider.read_response().complete);
  Connection logger(running.port());
  logger.send_request("GET", "/logger");
  CHECK(logger.is_closed());
  CHECK(errors == 2);
  CHECK(Connection(running.port()).request("GET", "/addresses").status == 200);
}

TEST_CASE("server: WebSockets work as on any httplib::Server") {
  addrbook::Server server;
  server.WebSocket("/echo", [](const httplib::Request&, httplib::ws::WebSocket& socket) {
    std::string message;
    while (socket.read(message)) socket.send(message);
  });
  Running running(server, server.bind("127.0.0.1", 0));
  Connection connection(running.port());
  connection.send(
      "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  while (connection.unread().find("\r\n\r\n") == std::string::npos) {
    REQUIRE(!connection.is_closed(10ms));
  }
  CHECK(connection.unread().rfind("HTTP/1.1 101 ", 0) == 0);
  // RFC 6455, 5.2: a text frame "hi", masked with zeros. The echo is not masked.
  connection.send(std::string("\x81\x82\0\0\0\0hi", 8));
  while (connection.unread().find("\x81\x02hi") == std::string::npos) {
    REQUIRE(!connection.is_closed(10ms));
  }
}

TEST_CASE("server: can listen again after a stop, and with httplib's listen()") {
  addrbook::Server server;
  test::mount(server);
  for (int run = 0; run < 2; ++run) {
    Running running(server, server.bind("127.0.0.1", 0));
    CHECK(Connection(running.port()).request("GET", "/addresses").status == 200);
  }
  for (int run = 0; run < 50; ++run) {
    std::thread listening([&] { server.listen("127.0.0.1", 0); });
    server.wait_until_ready();
    CHECK(server.is_running());
    server.stop();
    listening.join();
  }
}

TEST_CASE("server: starts while more slow clients wait than it has threads") {
  for (int run = 0; run < 20; ++run) {
    addrbook::ServerOptions options;
    options.max_threads = 1;
    addrbook::Server server(options);
    test::mount(server);
    const int port = server.bind("127.0.0.1", 0);
    Connection slow[4] = {Connection(port), Connection(port), Connection(port), Connection(port)};
    for (Connection& each : slow) {
      each.send("POST /addresses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{");
    }
    const Running running(server, port);
    const auto response = Connection(port).request("GET", "/addresses");
    CHECK((response.status == 200 || response.status == 503));
  }
}

TEST_CASE("server: stop() waits for requests in progress, not for idle connections") {
  addrbook::Server server;
  test::mount(server);
  Gate gate;
  server.Get("/wait", [&](const httplib::Request&, httplib::Response& response) {
    gate.wait();
    response.set_content("done", "text/plain");
  });
  Running running(server, server.bind("127.0.0.1", 0));
  Connection idle(running.port());
  REQUIRE(idle.request("GET", "/addresses").status == 200);
  Connection fresh(running.port());
  Connection waiting(running.port());
  waiting.send_request("GET", "/wait");
  gate.wait_until_waited_for();
  auto stopped = std::async(std::launch::async, [&] { return running.stop(); });
  CHECK(idle.is_closed());  // stop() has started
  CHECK(stopped.wait_for(0s) == std::future_status::timeout);
  gate.open();
  CHECK(waiting.read_response().body == "done");
  CHECK(stopped.get() < 5s);
}

TEST_CASE("server: stop() is not delayed by half a request or by a client that does not read") {
  addrbook::ServerOptions options;
  options.read_timeout = 60s;
  options.write_timeout = 60s;
  options.stop_grace = 100ms;
  options.stop_timeout = 300ms;
  addrbook::Server server(options);
  const auto book = test::mount(server);
  const auto large = addrbook::Document::parse("{\"x\":\"" + std::string(100'000, 'x') + "\"}");
  for (int i = 0; i < 300; ++i) book->create(large);
  Running running(server, server.bind("127.0.0.1", 0));
  Connection half_header(running.port());
  half_header.send("GET /addresses HT");
  Connection half_body(running.port());
  half_body.send("POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
  Connection no_reader(running.port());
  no_reader.send_request("GET", "/addresses");
  // Connections are accepted in order, so the others are being served by now.
  REQUIRE(Connection(running.port()).request("GET", "/addresses/_health").status == 200);
  CHECK(running.stop() < 20s);  // and not 60
  CHECK(book->state().count == 300);
}

TEST_CASE("server: a head is repaired also where it has no room to grow") {
  std::string input = "GET HTTP://LOCALHOST:80/x HTTP/1.1\r\nHost: a\r\nAccept: ,\r\n\r\nnext";
  input.shrink_to_fit();
  const std::size_t before = input.size();
  const auto head = addrbook::detail::read_head(std::string_view(input).substr(0, before - 4));
  REQUIRE(!head.fault);
  const std::size_t removed = addrbook::detail::repair_head(input, head);
  CHECK(input == "GET /x HTTP/1.1\r\nHost: LOCALHOST:80\r\n\r\nnext");
  CHECK(removed == before - input.size());
}

TEST_CASE("server: while it stops and waits for a slow client, it does nothing") {
  addrbook::ServerOptions options;
  options.stop_grace = 200ms;
  options.stop_timeout = 2s;
  addrbook::Server server(options);
  const auto book = test::mount(server);
  const auto large = addrbook::Document::parse("{\"x\":\"" + std::string(100'000, 'x') + "\"}");
  for (int i = 0; i < 100; ++i) book->create(large);
  Running running(server, server.bind("127.0.0.1", 0));
  Connection no_reader(running.port());
  no_reader.send_request("GET", "/addresses");
  CHECK(no_reader.has_more());
  Connection half_body(running.port());
  half_body.send("POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
  REQUIRE(Connection(running.port()).request("GET", "/addresses/_health").status == 200);
  const auto cpu_ms = [] { return std::clock() * 1000 / CLOCKS_PER_SEC; };
  const auto before = cpu_ms();
  const auto took = running.stop();
  CHECK(took >= 1s);  // the slow client has its time
  CHECK(cpu_ms() - before < took.count() / 4);
}

TEST_CASE("server: a port that is in use is refused, even by another addrbook::Server") {
  addrbook::Server first;
  const int port = first.bind("127.0.0.1", 0);
  CHECK(port > 0);
  addrbook::Server second;
  try {
    second.bind("127.0.0.1", port);
    FAIL("both have the port");
  } catch (const std::system_error& error) {
    CHECK(error.code() == std::errc::address_in_use);
    CHECK(std::string(error.what()).find("127.0.0.1:" + std::to_string(port)) != std::string::npos);
  }
  try {
    addrbook::Server().bind("256.256.256.256", 0);
    FAIL("it is bound");
  } catch (const std::system_error& error) {
    CHECK(std::string(error.what()).find("Name or service not known") != std::string::npos);
  }
}

TEST_CASE("server: localhost is both 127.0.0.1 and ::1, and both must be free") {
  addrbook::Server server;
  test::mount(server);
  const int port = server.bind("localhost", 0);
  Running running(server, port);
  CHECK(Connection(port).request("GET", "/addresses").status == 200);
  CHECK(Connection(port, AF_INET6).request("GET", "/addresses").status == 200);
  running.stop();
  CHECK_THROWS(Connection(port, AF_INET6));
  addrbook::Server ipv6;
  const int taken = ipv6.bind("::1", 0);
  CHECK_THROWS_AS(addrbook::Server().bind("localhost", taken), std::system_error);
}

TEST_CASE("server: a body without an end is sent piece by piece, and ends with the server") {
  addrbook::Server server;
  test::check_live_source(server);
}
