// SIGTERM during an attack: requests in progress are answered, and the server ends in time.

#include <support/abuse.hpp>
#include <support/crowd.hpp>
#include <support/proc.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::Connection;
using test::Crowd;
using test::LoggedServer;

const std::string document = "{\"good\":true}";

/// Sends a head with Expect. The 100 Continue shows that the request is being served.
Connection begin_request(int port) {
  Connection connection(port);
  connection.send(
      "POST /addresses HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: " +
      std::to_string(document.size()) + "\r\n\r\n");
  REQUIRE(connection.has_more());
  REQUIRE(connection.unread().rfind("HTTP/1.1 100 ", 0) == 0);
  return connection;
}

}  // namespace

TEST_CASE("abuse: a stop under attack answers requests in progress and ends in time") {
  const std::size_t count = test::is_sanitized ? 50 : 250;
  LoggedServer server(test::patient());
  const int port = server.port();
  test::fill_with_megabytes(port, 8);

  const Crowd silent(port, 4 * count);
  Crowd half_heads(port, count, {test::opening::half_head, 0});
  Crowd dripping(port, count, {test::opening::half_body, 0});
  Crowd chunks(port, count, {test::opening::half_chunks, 0});
  const Crowd greedy(port, count, {test::opening::list, 4096});
  const test::Repeating drip(50ms, [&] {
    half_heads.send("x");
    dripping.send("x");
    chunks.send("x");
  });
  Connection idle(port);
  REQUIRE(idle.request("GET", "/addresses/_health").status == 200);
  std::vector<Connection> good;
  for (int i = 0; i < 5; ++i) good.push_back(begin_request(port));

  const auto start = Clock::now();
  server.process().signal(SIGTERM);
  CHECK(idle.is_closed());  // the server is stopping
  for (Connection& connection : good) connection.send(document);
  for (Connection& connection : good) {
    const auto response = connection.read_response();
    CHECK(response.status == 201);
    CHECK(response.complete);
  }
  CHECK(server.process().wait() == 0);
  const std::chrono::duration<double> took = Clock::now() - start;
  MESSAGE("stopped after " << took.count() << " s");
  // stop_grace is 1 s, stop_timeout 10 s.
  CHECK(took.count() < (test::is_sanitized ? 30 : 13));
  CHECK_THROWS(Connection(port));
}

TEST_CASE("abuse: a stop is prompt if there are only idle connections and half heads") {
  LoggedServer server(test::patient());
  const Crowd silent(server.port(), 300);
  Crowd half_heads(server.port(), 100, {test::opening::half_head, 0});
  const test::Repeating drip(50ms, [&] { half_heads.send("x"); });
  REQUIRE(Connection(server.port()).request("GET", "/addresses/_health").status == 200);
  const auto start = Clock::now();
  CHECK(server.stop() == 0);
  const std::chrono::duration<double> took = Clock::now() - start;
  MESSAGE("stopped after " << took.count() << " s");
  CHECK(took.count() < (test::is_sanitized ? 10 : 3));
}

TEST_CASE("abuse: a stop while many clients connect") {
  LoggedServer server;
  const int port = server.port();
  const auto storm = [port] {
    try {
      Connection(port).request("GET", "/addresses/_health");
    } catch (const std::exception&) {  // the server has stopped
    }
  };
  const test::Repeating first(0ms, storm);
  const test::Repeating second(0ms, storm);
  REQUIRE(Connection(port).request("GET", "/addresses/_health").status == 200);
  const auto start = Clock::now();
  CHECK(server.stop() == 0);
  CHECK(Clock::now() - start < (test::is_sanitized ? 10s : 3s));
}
