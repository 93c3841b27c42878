/// Attackers, each of which repeats one kind of attack.
#pragma once

#include <support/crowd.hpp>
#include <support/smuggling.hpp>

#include <zlib.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace soak {

/// The surroundings and the results of an attack.
struct Attack {
  int port;
  const std::atomic<bool>& ended;
  std::size_t connections = 0;
  std::string success{};  ///< of the attack: what must not have happened

  /// Waits, unless the soak is over. @returns false if it is
  [[nodiscard]] bool pause(std::chrono::milliseconds time) const {
    const auto until = std::chrono::steady_clock::now() + time;
    while (!ended && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return !ended;
  }
};

struct Kind {
  std::string name;
  std::function<void(Attack&)> round;
};

/// A crowd that sends a byte now and then until the server closes its connections.
inline void drip(Attack& attack, std::size_t count, const std::string& opening) {
  test::Crowd crowd(attack.port, count, {opening, 0});
  attack.connections += crowd.size();
  while (crowd.open_count() > 0 && attack.pause(std::chrono::milliseconds(100))) {
    crowd.send("x");
    crowd.look();
  }
}

/// A crowd that reads a few bytes now and then.
inline void read_a_little(Attack& attack, std::size_t count, const std::string& opening) {
  test::Crowd crowd(attack.port, count, {opening, 4096});
  attack.connections += crowd.size();
  for (int i = 0; i < 50 && attack.pause(std::chrono::milliseconds(100)); ++i) crowd.look(10);
}

/// 64 MiB of zeros, compressed to 64 kB.
inline std::string small_bomb() {
  std::string zeros(std::size_t{64} * 1024 * 1024, '\0');
  std::string packed(::compressBound(zeros.size()), '\0');
  uLongf size = packed.size();
  if (::compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                 reinterpret_cast<const Bytef*>(zeros.data()), zeros.size()) != Z_OK) {
    throw std::runtime_error("compress failed");
  }
  packed.resize(size);
  return packed;
}

inline void smuggle(Attack& attack) {
  const std::string inner = test::smuggled_post();
  for (const std::string method : {"GET", "POST", "PUT", "DELETE", "PATCH", "BREW"}) {
    for (const std::string target : {"/addresses", "/addresses/0", "/addresses/_x", "/nothing"}) {
      for (const std::string& framing :
           {"Content-Length: " + std::to_string(inner.size()) + "\r\n\r\n",
            std::string("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            std::string("Transfer-Encoding: xchunked\r\n\r\n")}) {
        const auto conversation =
            test::converse(attack.port, method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" +
                                            framing + inner + test::last_request());
        ++attack.connections;
        for (const auto& answer : conversation.answers) {
          if (answer.header("x-request-id") == "smuggled") {
            attack.success = "smuggled through " + method + " " + target;
          }
        }
      }
    }
  }
}

inline void expect_413(Attack& attack, test::Connection& connection) {
  ++attack.connections;
  const int status = connection.read_response().status;
  if (status != 413) attack.success = "answered " + std::to_string(status) + ", not 413";
}

inline std::vector<Kind> kinds() {
  using namespace std::chrono_literals;
  std::vector<Kind> kinds;
  kinds.push_back({"silent", [](Attack& attack) {
                     test::Crowd crowd(attack.port, 500);
                     attack.connections += crowd.size();
                     while (crowd.open_count() > 0 && attack.pause(200ms)) crowd.look();
                   }});
  kinds.push_back({"idle", [](Attack& attack) {
                     test::Crowd crowd(attack.port, 500,
                                       {"GET /addresses/_health HTTP/1.1\r\n"
                                        "Host: localhost\r\n\r\n",
                                        0});
                     attack.connections += crowd.size();
                     while (crowd.open_count() > 0 && attack.pause(200ms)) crowd.look();
                   }});
  kinds.push_back(
      {"dripping heads", [](Attack& attack) { drip(attack, 200, test::opening::half_head); }});
  kinds.push_back(
      {"dripping bodies", [](Attack& attack) { drip(attack, 100, test::opening::half_body); }});
  kinds.push_back(
      {"dripping chunks", [](Attack& attack) { drip(attack, 100, test::opening::half_chunks); }});
  // All that these hold at once is less than half of the server's max_buffered_bytes. Beyond that a
  // long list may be cut short, or get a 503, also a good client's.
  kinds.push_back({"long half heads", [](Attack& attack) {
                     drip(attack, 75, test::opening::half_head + std::string(60'000, 'x'));
                   }});
  kinds.push_back({"bodies almost complete", [](Attack& attack) {
                     drip(attack, 15, test::opening::half_body + std::string(499'000, 'x'));
                   }});
  kinds.push_back(
      {"reading a little", [](Attack& attack) { read_a_little(attack, 50, test::opening::list); }});
  kinds.push_back({"reading a little, compressed", [](Attack& attack) {
                     read_a_little(attack, 20,
                                   "GET /addresses HTTP/1.1\r\nHost: localhost\r\n"
                                   "Accept-Encoding: gzip\r\n\r\n");
                   }});
  kinds.push_back({"smuggling", [](Attack& attack) {
                     smuggle(attack);
                     static_cast<void>(attack.pause(200ms));
                   }});
  kinds.push_back(
      {"bombs", [bomb = small_bomb()](Attack& attack) {
         test::Connection connection(attack.port);
         connection.send_request("POST", "/addresses", {{"content-encoding", "deflate"}}, bomb);
         expect_413(attack, connection);
         static_cast<void>(attack.pause(50ms));
       }});
  kinds.push_back({"too large", [slice = std::string(65'536, ' ')](Attack& attack) {
                     test::Connection connection(attack.port);
                     connection.send(
                         "POST /addresses HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Length: 67108864\r\n\r\n");
                     for (int i = 0; i < 16; ++i) connection.send(slice);
                     expect_413(attack, connection);
                     static_cast<void>(attack.pause(50ms));
                   }});
  kinds.push_back(
      {"leaving", [](Attack& attack) {
         for (const std::string& opening :
              {test::opening::half_head, test::opening::half_body, test::opening::list}) {
           test::Connection connection(attack.port);
           ++attack.connections;
           connection.send(opening);
           const linger at_once{1, 0};
           ::setsockopt(connection.socket(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
         }
         static_cast<void>(attack.pause(5ms));
       }});
  kinds.push_back({"noise", [random = std::mt19937(1)](Attack& attack) mutable {
                     std::string bytes(1 + random() % 2'000, '\0');
                     for (char& byte : bytes) byte = static_cast<char>(random());
                     test::Connection connection(attack.port);
                     ++attack.connections;
                     connection.send(bytes);
                     static_cast<void>(attack.pause(5ms));
                   }});
  kinds.push_back({"flood", [](Attack& attack) {
                     attack.connections += test::Crowd(attack.port, 500).size();
                     static_cast<void>(attack.pause(1s));
                   }});
  return kinds;
}

}  // namespace soak
