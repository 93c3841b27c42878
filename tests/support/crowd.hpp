/// Crowds of connections that do as little as possible, all in one thread.
#pragma once

#include <support/http_client.hpp>
#include <support/proc.hpp>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace test {

/// Connections that have sent the same opening. Answers are read by look() only.
class Crowd {
 public:
  struct Setting {
    std::string opening;     ///< what each connection sends first
    int receive_buffer = 0;  ///< in bytes; 0: the system's
  };

  Crowd(int port, std::size_t count) : Crowd(port, count, Setting()) {}
  Crowd(int port, std::size_t count, const Setting& setting) : port_(port), setting_(setting) {
    sockets_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) sockets_.push_back(open(port, setting));
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  Crowd(Crowd&&) = delete;
  Crowd& operator=(Crowd&&) = delete;
  ~Crowd() {
    for (const int socket : sockets_) ::close(socket);
  }

  [[nodiscard]] std::size_t size() const { return sockets_.size(); }
  /// How many connections the server had not closed at the last look().
  [[nodiscard]] std::size_t open_count() const { return sockets_.size() - closed_; }
  /// The first bytes that were received on each of the closed connections.
  [[nodiscard]] const std::vector<std::string>& beginnings() const { return beginnings_; }

  /// Sends the same bytes on all connections, without blocking.
  void send(std::string_view bytes) {
    for (const int socket : sockets_) {
      if (socket >= 0) ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  }

  /// Reads what has arrived, a limited amount of each connection, and detects closed ones.
  void look(std::size_t most = std::size_t{64} * 1024) { look_at_some(sockets_.size(), most); }

  /// The same for the next `count` connections, in turns.
  void look_at_some(std::size_t count, std::size_t most) {
    std::vector<char> buffer(most);
    received_.resize(sockets_.size());
    for (; count > 0; --count) {
      look_at(next_, buffer);
      next_ = (next_ + 1) % sockets_.size();
    }
  }

  /// Connects anew in place of up to `most` closed connections.
  void reopen(std::size_t most) {
    for (std::size_t i = 0; i < sockets_.size() && most > 0; ++i) {
      if (sockets_[i] >= 0) continue;
      sockets_[i] = open(port_, setting_);
      received_[i].clear();
      --closed_;
      --most;
    }
  }

 private:
  static int open(int port, const Setting& setting) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) throw std::runtime_error("socket: " + std::string(std::strerror(errno)));
    if (setting.receive_buffer > 0) {
      ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &setting.receive_buffer,
                   sizeof setting.receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      const std::string reason = std::strerror(errno);
      ::close(socket);
      throw std::runtime_error("connect: " + reason);
    }
    const std::string& opening = setting.opening;
    if (!opening.empty()) ::send(socket, opening.data(), opening.size(), MSG_NOSIGNAL);
    return socket;
  }

  void look_at(std::size_t index, std::vector<char>& buffer) {
    int& socket = sockets_[index];
    if (socket < 0) return;
    const auto size = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size > 0) {
      constexpr std::size_t kept = 512;
      const auto fits = kept - (std::min)(kept, received_[index].size());
      received_[index].append(buffer.data(), (std::min)(static_cast<std::size_t>(size), fits));
    } else if (size == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
      ::close(std::exchange(socket, -1));
      ++closed_;
      beginnings_.push_back(std::move(received_[index]));
    }
  }

  const int port_;
  const Setting setting_;
  std::vector<int> sockets_;  // -1: closed
  std::vector<std::string> received_;
  std::vector<std::string> beginnings_;
  std::size_t closed_ = 0;
  std::size_t next_ = 0;  // of those to look at
};

/// Calls `action` repeatedly in a thread of its own, until it is destroyed.
class Repeating {
 public:
  template <class Action>
  Repeating(std::chrono::milliseconds pause, Action action)
      : thread_([this, pause, action = std::move(action)] {
          while (!ended_) {
            action();
            std::this_thread::sleep_for(pause);
          }
        }) {}
  Repeating(const Repeating&) = delete;
  Repeating& operator=(const Repeating&) = delete;
  Repeating(Repeating&&) = delete;
  Repeating& operator=(Repeating&&) = delete;
  ~Repeating() {
    ended_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

/// Polls until `condition` holds. @returns false after the timeout
template <class Condition>
bool eventually(std::chrono::nanoseconds timeout, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

/// How many files a server has open when it has no connection.
inline std::size_t files_of_idle_server(pid_t id, int port) {
  // Counted while this connection is open, so that the server has none left to close.
  Connection one(port);
  if (one.request("GET", "/addresses/_health").status != 200) {
    throw std::runtime_error("the server does not serve");
  }
  // Other clients may have disconnected so recently that the server has not closed them yet.
  std::size_t least = open_files(id);
  for (int i = 0; i < 10; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    least = (std::min)(least, open_files(id));
  }
  return least - 1;
}

/// What attackers send first.
namespace opening {

inline const std::string half_head = "GET /addresses HTTP/1.1\r\nHost: localhost\r\nX-Half: ";
inline const std::string half_body =
    "POST /addresses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n{\"attacker\":\"";
inline const std::string half_chunks =
    "POST /addresses HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    "70000\r\n{\"attacker\":\"";
inline const std::string list = "GET /addresses HTTP/1.1\r\nHost: localhost\r\n\r\n";

}  // namespace opening

/// Fills a book so that its list has that many megabytes.
inline void fill_with_megabytes(int port, int megabytes) {
  Connection connection(port);
  const std::string document = "{\"notes\":\"" + std::string(1'000'000, 'x') + "\"}";
  for (int i = 0; i < megabytes; ++i) {
    if (connection.request("POST", "/addresses", {}, document).status != 201) {
      throw std::runtime_error("the book can't be filled");
    }
  }
}

}  // namespace test
