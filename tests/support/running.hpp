/// Runs an httplib server during a test.
#pragma once

#include <support/exchanges.hpp>

#include <httplib.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

namespace test {

/// @tparam Server  httplib::Server or a class derived from it
template <class Server>
class Running {
 public:
  explicit Running(Server& server) : Running(server, server.bind_to_any_port("127.0.0.1")) {}
  /// @param port  to which the server is bound
  Running(Server& server, int port)
      : server_(server), port_(port), thread_([this] { server_.listen_after_bind(); }) {
    server_.wait_until_ready();
    const httplib::Server& as_httplib = server;
    Exchanges::write("port", {std::to_string(reinterpret_cast<std::uintptr_t>(&as_httplib)),
                              std::to_string(port)});
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { stop(); }

  [[nodiscard]] int port() const { return port_; }
  /// @returns how long it took
  std::chrono::milliseconds stop() {
    const auto start = std::chrono::steady_clock::now();
    if (thread_.joinable()) {
      server_.stop();
      thread_.join();
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start);
  }

 private:
  Server& server_;
  int port_;
  std::thread thread_;
};

}  // namespace test
