// More clients than the limits allow: they get a 503, and are served again when there is capacity.

#include <support/abuse.hpp>
#include <support/crowd.hpp>
#include <support/proc.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::Connection;
using test::Crowd;
using test::LoggedServer;

constexpr std::size_t max_connections = 50;

std::vector<Connection> connect_and_use(int port, std::size_t count) {
  std::vector<Connection> connections;
  for (std::size_t i = 0; i < count; ++i) {
    connections.emplace_back(port);
    REQUIRE(connections.back().request("GET", "/addresses/_health").status == 200);
  }
  return connections;
}

void check_is_served(std::vector<Connection>& connections) {
  for (Connection& connection : connections) {
    CHECK(connection.request("GET", "/addresses").status == 200);
  }
}

void check_is_503(const test::Response& response) {
  CHECK(response.status == 503);
  CHECK(!response.header("retry-after").empty());
  test::check_is_json_error(response);
}

bool is_served(int port) {
  try {
    return Connection(port).request("GET", "/addresses/_health").status == 200;
  } catch (const std::exception&) {  // closed without an answer
    return false;
  }
}

/// Counts the lines of the log that are neither about a request nor of the start.
std::size_t other_lines(const std::string& log) {
  std::istringstream stream(log);
  std::size_t count = 0;
  for (std::string line; std::getline(stream, line);) {
    const bool is_known = line.find("message=RESPONSE") != std::string::npos ||
                          line.find("http.allowed_hosts") != std::string::npos;
    count += is_known ? 0 : 1;
  }
  return count;
}

}  // namespace

TEST_CASE("abuse: connections past the limit get a 503 at once, and the others are served") {
  LoggedServer server(test::Settings{{"http.max_connections", std::to_string(max_connections)},
                                     {"http.keep_alive_timeout_ms", "600000"}});
  const int port = server.port();
  auto old = connect_and_use(port, max_connections);
  for (int i = 0; i < 20; ++i) {
    const auto start = Clock::now();
    Connection one_too_many(port);
    one_too_many.send_request("POST", "/addresses", {}, "{}");
    check_is_503(one_too_many.read_response());
    CHECK(one_too_many.is_closed());
    CHECK(Clock::now() - start < (test::is_sanitized ? 5s : 1s));
  }
  check_is_served(old);
  CHECK(old[0].request("GET", "/addresses").body == "{}");

  old.erase(old.begin(), old.begin() + 10);
  CHECK(test::eventually(5s, [&] { return is_served(port); }));
  auto new_ones = connect_and_use(port, 10);
  check_is_served(new_ones);
  check_is_served(old);
  CHECK(server.stop() == 0);
  CHECK(other_lines(server.log()) <= 5);
}

TEST_CASE("abuse: each of many connections past the limit gets a 503") {
  LoggedServer server(test::Settings{{"http.max_connections", std::to_string(max_connections)},
                                     {"http.keep_alive_timeout_ms", "600000"}});
  const int port = server.port();
  auto old = connect_and_use(port, max_connections);
  Crowd crowd(port, 500, {"GET /addresses HTTP/1.1\r\nHost: localhost\r\n\r\n", 0});
  CHECK(test::eventually(test::is_sanitized ? 30s : 10s, [&] {
    crowd.look();
    return crowd.open_count() == 0;
  }));
  std::size_t refused = 0;
  for (const std::string& answer : crowd.beginnings()) {
    refused += answer.rfind("HTTP/1.1 503 ", 0) == 0 ? 1 : 0;
  }
  CHECK(refused == crowd.size());
  check_is_served(old);
}

TEST_CASE("abuse: silent connections past the limit do not block other clients") {
  LoggedServer server(test::Settings{{"http.max_connections", std::to_string(max_connections)},
                                     {"http.header_timeout_ms", "1000"},
                                     {"http.keep_alive_timeout_ms", "600000"}});
  const int port = server.port();
  auto old = connect_and_use(port, max_connections);
  Crowd silent(port, 300);
  check_is_served(old);
  CHECK(test::eventually(test::is_sanitized ? 30s : 15s, [&] {
    silent.look();
    return silent.open_count() == 0;
  }));
  old.clear();
  CHECK(test::eventually(5s, [&] { return is_served(port); }));
}

TEST_CASE("abuse: a burst of clients is not told to try again a second later") {
  std::size_t most = 0;  // that the system lets wait for a server
  std::ifstream("/proc/sys/net/core/somaxconn") >> most;
  LoggedServer server;
  const int port = server.port();
  test::raise_open_files_limit();
  // They come faster than the server accepts them.
  server.process().signal(SIGSTOP);
  auto burst = std::async(std::launch::async, [&] {
    return std::make_unique<Crowd>(port, (std::min)(most, std::size_t{2'000}));
  });
  CHECK(burst.wait_for(test::is_sanitized ? 10s : 900ms) == std::future_status::ready);
  server.process().signal(SIGCONT);
  burst.get();
  CHECK(is_served(port));
}

TEST_CASE("abuse: more concurrent requests than threads") {
  // Each of these bodies holds a thread, and there are more bodies than threads.
  LoggedServer server(test::Settings{{"http.max_threads", "8"}, {"http.body_timeout_ms", "2000"}});
  const int port = server.port();
  {
    Crowd bodies(port, 100, {test::opening::half_body, 0});
    const test::Repeating drip(100ms, [&] { bodies.send("x"); });
    // A new client gets an answer soon, whether it is refused or served.
    for (int i = 0; i < 10; ++i) {
      const auto start = Clock::now();
      const auto response = Connection(port).request("GET", "/addresses/_health");
      CHECK(Clock::now() - start < 5s);
      if (response.status != 200) check_is_503(response);
    }
  }
  CHECK(test::eventually(10s, [&] { return is_served(port); }));
  CHECK(Connection(port).request("GET", "/addresses").body == "{}");
}

TEST_CASE(
    "abuse: without descriptors, open connections are served and new ones wait, without busy "
    "looping") {
  LoggedServer server(test::Settings{{"http.header_timeout_ms", "600000"},
                                     {"http.keep_alive_timeout_ms", "600000"}},
                      {}, 64);
  const int port = server.port();
  auto old = connect_and_use(port, 10);
  for (int episode = 0; episode < 2; ++episode) {
    CAPTURE(episode);
    {
      const Crowd flood(port, 200);
      check_is_served(old);
      const double cpu_before = test::cpu_seconds(server.id());
      std::this_thread::sleep_for(2s);
      const double cpu = (test::cpu_seconds(server.id()) - cpu_before) / 2;
      MESSAGE("out of descriptors: " << cpu * 100 << " % CPU");
      CHECK(cpu < 0.2);
      check_is_served(old);
    }
    CHECK(test::eventually(10s, [&] { return is_served(port); }));
    const auto created = Connection(port).request("POST", "/addresses", {}, "{}");
    CHECK(created.status == 201);
  }
  check_is_served(old);
  CHECK(server.stop() == 0);
  CHECK(other_lines(server.log()) <= 6);
}

TEST_CASE("abuse: clients that disconnect at any stage leave nothing behind") {
  LoggedServer server;
  const int port = server.port();
  test::fill_with_megabytes(port, 2);
  const auto files_before = test::files_of_idle_server(server.id(), port);
  const auto rounds = test::is_sanitized ? 20 : 100;
  const std::string openings[] = {"",
                                  test::opening::half_head,
                                  test::opening::half_body,
                                  test::opening::half_chunks,
                                  test::opening::list,
                                  test::opening::list + test::opening::list};
  for (int i = 0; i < rounds; ++i) {
    for (const std::string& opening : openings) {
      for (const bool reset : {false, true}) {
        Connection connection(port);
        const linger no_wait{1, 0};
        if (reset) {
          ::setsockopt(connection.socket(), SOL_SOCKET, SO_LINGER, &no_wait, sizeof no_wait);
        }
        connection.send(opening);
      }
    }
  }
  CHECK(test::eventually(10s, [&] { return test::open_files(server.id()) <= files_before; }));
  CHECK(Connection(port).request("GET", "/addresses").body.find("attacker") == std::string::npos);
}
