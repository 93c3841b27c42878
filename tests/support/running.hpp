/// Runs a server of httplib's on a free port, and stops it with the test.
#pragma once

#include <httplib.h>

#include <thread>

namespace test {

class Running {
 public:
  explicit Running(httplib::Server& server)
      : server_(server),
        port_(server.bind_to_any_port("127.0.0.1")),
        thread_([this] { server_.listen_after_bind(); }) {
    server_.wait_until_ready();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { stop(); }

  [[nodiscard]] int port() const { return port_; }
  void stop() {
    if (!thread_.joinable()) return;
    server_.stop();
    thread_.join();
  }

 private:
  httplib::Server& server_;
  int port_;
  std::thread thread_;
};

}  // namespace test
