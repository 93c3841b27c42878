// addrbook::Server: what it adds to httplib::Server.

#include <addrbook/server.hpp>

#include <support/http_client.hpp>
#include <support/life_cycle.hpp>
#include <support/running.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
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

/// Something that a handler waits for and the test opens.
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
  addrbook::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  test::check_life_cycle(running.port(), "/addresses");
}

TEST_CASE("server: unknown paths get a JSON 404, wherever they are") {
  addrbook::Server server;
  addrbook::mount(server);
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

TEST_CASE("server: what httplib refuses is said in JSON") {
  addrbook::Server server;
  addrbook::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  const struct {
    std::string request;
    int status;
  } cases[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET /addresses HTTP/9\r\n\r\n", 400},
      {"TRACE /addresses HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"get /addresses HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
      {"GET /addresses HTTP/1.1\r\nHost: x\r\nRange: nonsense\r\n\r\n", 416},
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

TEST_CASE("server: an exception from a route of the program is a JSON 500 that tells nothing") {
  addrbook::ServerOptions options;
  std::vector<addrbook::LogRecord> records;
  options.log = [&](const addrbook::LogRecord& record) { records.push_back(record); };
  SUBCASE("quiet") {}
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
  CHECK(records[0].message == "FAULT");
  REQUIRE(records[0].trace.size() == 1);
  CHECK(records[0].trace[0] == "std::runtime_error: a secret");
  CHECK(records[1].message == "RESPONSE");
  CHECK(records[1].status == 500);
}

TEST_CASE("server: idle connections, more than any pool's, keep nobody waiting") {
  addrbook::Server server;
  addrbook::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  std::vector<Connection> idle;
  for (int i = 0; i < 200; ++i) {
    idle.emplace_back(running.port());
    // Half of them have been used and are kept alive, half never said anything.
    if (i % 2 == 0) REQUIRE(idle.back().request("GET", "/addresses").status == 200);
  }
  // A pool would answer only when the first idle connection times out, 15 s later, or never.
  const auto start = std::chrono::steady_clock::now();
  CHECK(Connection(running.port()).request("GET", "/addresses").status == 200);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("server: past max_threads, connections wait for their turn") {
  addrbook::ServerOptions options;
  options.max_threads = 3;
  addrbook::Server server(options);
  Gate gate;
  server.Get("/wait", [&](const httplib::Request&, httplib::Response& response) {
    gate.wait();
    response.set_content("done", "text/plain");
  });
  Running running(server, server.bind("127.0.0.1", 0));
  std::vector<Connection> connections;
  for (int i = 0; i < 4; ++i) {
    connections.emplace_back(running.port());
    connections.back().send_request("GET", "/wait", {{"connection", "close"}});
  }
  gate.wait_until_waited_for(2);
  gate.open();
  for (auto& connection : connections) CHECK(connection.read_response().body == "done");
}

TEST_CASE("server: stop() waits for requests in flight, idle connections don't count") {
  addrbook::Server server;
  addrbook::mount(server);
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
  CHECK(idle.is_closed());  // so the stop has begun
  CHECK(stopped.wait_for(0s) == std::future_status::timeout);
  gate.open();
  CHECK(waiting.read_response().body == "done");
  CHECK(stopped.get() < 5s);
}

TEST_CASE("server: stop() is not held up by half a request, nor by who reads nothing") {
  addrbook::ServerOptions options;
  options.read_timeout = 60s;
  options.write_timeout = 60s;
  options.stop_grace = 100ms;
  options.stop_timeout = 300ms;
  addrbook::Server server(options);
  const auto book = addrbook::mount(server);
  for (int i = 0; i < 300; ++i) book->create(nlohmann::json{{"x", std::string(100'000, 'x')}});
  Running running(server, server.bind("127.0.0.1", 0));
  Connection half_header(running.port());
  half_header.send("GET /addresses HT");
  Connection half_body(running.port());
  half_body.send("POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
  Connection no_reader(running.port());
  no_reader.send_request("GET", "/addresses");
  // In order behind the others on the accepting side, so those are being served by now.
  REQUIRE(Connection(running.port()).request("GET", "/addresses/_health").status == 200);
  CHECK(running.stop() < 20s);  // and not 60
  CHECK(book->head().count == 300);
}

TEST_CASE("server: a port in use is refused, by a second server too") {
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
  CHECK_THROWS_AS(addrbook::Server().bind("256.256.256.256", 0), std::system_error);
}
