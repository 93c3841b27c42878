// Many clients that do next to nothing do not delay others, take no CPU and little memory, and are
// disconnected at their deadlines, even if they send a byte now and then.

#include <support/abuse.hpp>
#include <support/crowd.hpp>
#include <support/proc.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using test::Connection;
using test::Crowd;
using test::LoggedServer;

constexpr int tiny_buffer = 4096;

test::Settings patient(std::size_t max_connections) {
  test::Settings settings = test::patient();
  settings.emplace_back("http.max_connections", std::to_string(max_connections));
  return settings;
}

/// Measures how long a new client waits for an answer. @returns the median of 20, in milliseconds
double fresh_request_ms(int port) {
  std::vector<double> times;
  for (int i = 0; i < 20; ++i) {
    const auto start = Clock::now();
    const auto response = Connection(port).request("GET", "/addresses/_health");
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    REQUIRE(response.status == 200);
  }
  std::sort(times.begin(), times.end());
  MESSAGE("a fresh request takes " << times[10] << " ms, at most " << times.back() << " ms");
  return times[10];
}

constexpr double most_ms = test::is_sanitized ? 2'000 : 50;

}  // namespace

TEST_CASE("abuse: idle connections take little CPU and memory") {
  const std::size_t count = test::scaled(10'000);
  LoggedServer server(patient(count + 100));
  for (int i = 0; i < 100; ++i) Connection(server.port()).request("GET", "/addresses");
  const auto rss_before = test::status_kib(server.id(), "VmRSS");

  std::vector<Connection> used_once;
  for (std::size_t i = 0; i < count / 2; ++i) {
    used_once.emplace_back(server.port());
    REQUIRE(used_once.back().request("GET", "/addresses/_health").status == 200);
  }
  const Crowd silent(server.port(), count - used_once.size());
  CHECK(fresh_request_ms(server.port()) < most_ms);

  const auto rss = test::status_kib(server.id(), "VmRSS");
  const double each_kib =
      (static_cast<double>(rss) - static_cast<double>(rss_before)) / static_cast<double>(count);
  const double cpu_before = test::cpu_seconds(server.id());
  std::this_thread::sleep_for(3s);
  const double cpu = (test::cpu_seconds(server.id()) - cpu_before) / 3;
  MESSAGE(count << " idle connections: " << each_kib << " KiB each, " << cpu * 100 << " % CPU");
  if (!test::is_sanitized) {
    CHECK(each_kib < 4);
    CHECK(cpu < 0.01);
  }
  // They are still connected, and are served.
  for (std::size_t i = 0; i < used_once.size(); i += 100) {
    CHECK(used_once[i].request("GET", "/addresses/_health").status == 200);
  }
}

TEST_CASE("abuse: idle and slow clients do not delay others") {
  const std::size_t idle_count = test::scaled(10'000);
  const std::size_t slow_count = test::is_sanitized ? 100 : 250;
  LoggedServer server(patient(idle_count + 3 * slow_count + 100));
  const int port = server.port();
  test::fill_with_megabytes(port, 8);

  std::vector<Connection> used_once;
  for (std::size_t i = 0; i < idle_count / 2; ++i) {
    used_once.emplace_back(port);
    REQUIRE(used_once.back().request("GET", "/addresses/_health").status == 200);
  }
  const Crowd silent(port, idle_count - used_once.size());
  CHECK(fresh_request_ms(port) < most_ms);
  const Crowd half_heads(port, slow_count, {test::opening::half_head, 0});
  CHECK(fresh_request_ms(port) < most_ms);
  Crowd dripping(port, slow_count, {test::opening::half_body, 0});
  const test::Repeating drip(100ms, [&] { dripping.send("x"); });
  CHECK(fresh_request_ms(port) < most_ms);
  const Crowd greedy(port, slow_count, {test::opening::list, tiny_buffer});
  CHECK(fresh_request_ms(port) < most_ms);

  // All of them are still connected; the server's own files are counted as well.
  CHECK(test::open_files(server.id()) >= idle_count + 3 * slow_count);
  const auto created = Connection(port).request("POST", "/addresses", {}, "{\"good\":1}");
  CHECK(created.status == 201);
  CHECK(Connection(port).request("GET", created.header("location")).body == "{\"good\":1}");
}

TEST_CASE("abuse: a request that waits for its body does not block accepting") {
  LoggedServer server(patient(10'000));
  std::vector<Connection> half;
  // A request that arrives with its connection may be served by the accepting thread.
  for (int i = 0; i < 300; ++i) {
    CAPTURE(i);
    half.emplace_back(server.port());
    half.back().send(test::opening::half_body);
    Connection fresh(server.port());
    fresh.send_request("GET", "/addresses/_health");
    pollfd poll{fresh.socket(), POLLIN, 0};
    REQUIRE(::poll(&poll, 1, 5'000) == 1);
    CHECK(fresh.read_response().status == 200);
  }
}

TEST_CASE("abuse: deadlines apply to slow clients, even if they send a byte now and then") {
  // A sanitized server takes seconds to begin 50 long lists at once.
  const std::size_t count = test::is_sanitized ? 20 : 50;
  constexpr auto deadline = 2s;  // the longest of the timeouts below
  // The limits on silence are out of reach: only the total deadlines can end these connections.
  LoggedServer server(test::Settings{{"http.header_timeout_ms", "1000"},
                                     {"http.body_timeout_ms", "1500"},
                                     {"http.answer_timeout_ms", "2000"},
                                     {"http.keep_alive_timeout_ms", "1000"},
                                     {"http.read_timeout_ms", "600000"},
                                     {"http.write_timeout_ms", "600000"}});
  const int port = server.port();
  test::fill_with_megabytes(port, 8);
  const auto files_before = test::files_of_idle_server(server.id(), port);

  using Slowly = std::function<void(Crowd&)>;
  const Slowly nothing = [](Crowd&) {};
  const Slowly drip = [](Crowd& crowd) { crowd.send("x"); };
  struct Kind {
    std::string name;
    Crowd::Setting setting;
    Slowly slowly;
    std::string answer;  // how the answer begins; empty: there may be none
  };
  const std::vector<Kind> kinds{
      {"silent", {}, nothing, ""},
      {"idle after one request",
       {"GET /addresses/_health HTTP/1.1\r\nHost: localhost\r\n\r\n", 0},
       nothing,
       "HTTP/1.1 200 "},
      {"half a request line", {"GE", 0}, nothing, ""},
      {"half a head", {test::opening::half_head, 0}, nothing, ""},
      {"dripping head", {test::opening::half_head, 0}, drip, ""},
      {"half a body", {test::opening::half_body, 0}, nothing, "HTTP/1.1 408 "},
      {"dripping body", {test::opening::half_body, 0}, drip, "HTTP/1.1 408 "},
      {"dripping chunk", {test::opening::half_chunks, 0}, drip, "HTTP/1.1 408 "},
      {"dripping unwanted body",
       {"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n", 0},
       drip,
       "HTTP/1.1 404 "},
      {"empty lines", {"", 0}, [](Crowd& crowd) { crowd.send("\r\n"); }, ""},
      {"reads nothing", {test::opening::list, tiny_buffer}, nothing, "HTTP/1.1 200 "},
      {"reads a little",
       {test::opening::list, tiny_buffer},
       [](Crowd& crowd) { crowd.look(10); },
       "HTTP/1.1 200 "},
  };
  for (const Kind& kind : kinds) {
    CAPTURE(kind.name);
    const auto start = Clock::now();
    Crowd crowd(port, count, kind.setting);
    REQUIRE(test::eventually(
        5s, [&] { return test::open_files(server.id()) >= files_before + count; }));
    {
      const test::Repeating slowly(100ms, [&] { kind.slowly(crowd); });
      // Counted in the server, as a client that does not read cannot see the end.
      CHECK(test::eventually(start + deadline + 3s - Clock::now(),
                             [&] { return test::open_files(server.id()) <= files_before; }));
    }
    const std::chrono::duration<double> took = Clock::now() - start;
    MESSAGE(kind.name << ": all dropped after " << took.count() << " s");
    CHECK(test::eventually(5s, [&] {
      crowd.look(1'000'000);
      return crowd.open_count() == 0;
    }));
    for (const std::string& beginning : crowd.beginnings()) {
      CHECK(beginning.substr(0, kind.answer.size()) == kind.answer);
    }
  }
  CHECK(Connection(port).request("GET", "/addresses").body.find("attacker") == std::string::npos);
}

TEST_CASE("abuse: a flood of empty lines has a deadline and does not delay others") {
  LoggedServer server(test::Settings{{"http.header_timeout_ms", "1000"}});
  const int port = server.port();
  std::string lines;
  for (int i = 0; i < 16 * 1024; ++i) lines += "\r\n";
  std::vector<Connection> floods;
  for (int i = 0; i < 8; ++i) floods.emplace_back(port);
  std::vector<std::thread> threads;
  threads.reserve(floods.size());
  const auto start = Clock::now();
  for (Connection& flood : floods) {
    threads.emplace_back([&flood, &lines, start] {
      while (Clock::now() - start < 10s &&
             ::send(flood.socket(), lines.data(), lines.size(), MSG_NOSIGNAL) > 0 &&
             !flood.is_closed(0ms)) {
      }
    });
  }
  CHECK(fresh_request_ms(port) < (test::is_sanitized ? 2'000 : 500));
  for (std::thread& thread : threads) thread.join();
  // No request has begun, so the connection ends without an answer. The server reads on for a
  // while; the flood stops when it sees the end.
  for (Connection& flood : floods) CHECK(flood.is_closed(0ms));
  CHECK(Clock::now() - start < (test::is_sanitized ? 8s : 4s));
}

TEST_CASE("abuse: a client that is slow but meets the deadlines is served") {
  LoggedServer server(test::Settings{{"http.header_timeout_ms", "20000"},
                                     {"http.body_timeout_ms", "20000"},
                                     {"http.answer_timeout_ms", "20000"}});
  const int port = server.port();
  Connection writer(port);
  const std::string request =
      "POST /addresses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n"
      "{\"slowly\":123456789}";
  for (const char& c : request) {
    writer.send({&c, 1});
    std::this_thread::sleep_for(10ms);
  }
  const auto created = writer.read_response();
  CHECK(created.status == 201);
  CHECK(writer.request("GET", created.header("location")).body == "{\"slowly\":123456789}");

  test::fill_with_megabytes(port, 8);
  Connection reader(port);
  reader.send_request("GET", "/addresses");
  std::this_thread::sleep_for(1s);
  const auto list = reader.read_response();
  CHECK(list.complete);
  CHECK(list.body.size() > 8'000'000);
}
