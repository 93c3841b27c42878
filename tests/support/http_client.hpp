/// A small HTTP/1.1 client over a plain socket: a test sees every byte, and can send any.
#pragma once

#include <support/exchanges.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// Header fields; names in lower case.
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Response {
  int status = 0;
  std::multimap<std::string, std::string> headers;
  std::string body;
  bool complete = false;  ///< the body ended as its framing says
  bool invited = false;   ///< a 100 Continue came first

  [[nodiscard]] std::string header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string() : at->second;
  }
  [[nodiscard]] bool has(const std::string& name) const { return headers.count(name) != 0; }
};

/// One connection to 127.0.0.1. Throws std::runtime_error when nothing comes for 20 s; a peer that
/// takes nothing for as long takes no more.
class Connection {
 public:
  /// @param family  AF_INET6: to ::1 instead
  explicit Connection(int port, int family = AF_INET)
      : port_(port), socket_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(static_cast<std::uint16_t>(port));
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = ipv4.sin_port;
    ipv6.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    const int connected =
        family == AF_INET6
            ? ::connect(socket_, reinterpret_cast<const sockaddr*>(&ipv6), sizeof ipv6)
            : ::connect(socket_, reinterpret_cast<const sockaddr*>(&ipv4), sizeof ipv4);
    if (socket_ < 0 || connected != 0) {
      const std::string reason = std::strerror(errno);
      if (socket_ >= 0) ::close(socket_);
      throw std::runtime_error("connect: " + reason);
    }
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&& other) noexcept
      : port_(other.port_),
        socket_(std::exchange(other.socket_, -1)),
        received_(std::move(other.received_)),
        asked_(std::move(other.asked_)),
        is_recorded_(other.is_recorded_),
        was_reset_(other.was_reset_) {}
  Connection& operator=(Connection&& other) noexcept {
    std::swap(port_, other.port_);
    std::swap(socket_, other.socket_);
    std::swap(received_, other.received_);
    std::swap(asked_, other.asked_);
    std::swap(is_recorded_, other.is_recorded_);
    std::swap(was_reset_, other.was_reset_);
    return *this;
  }
  ~Connection() {
    if (socket_ >= 0) ::close(socket_);
  }

  /// @returns false if the peer takes no more
  bool send(std::string_view bytes) const {
    is_recorded_ = false;  // whatever it is, which answer is to what is not known from here on
    return write(bytes);
  }

 private:
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

 public:
  /// Says that no more will be sent.
  void finish_sending() const { ::shutdown(socket_, SHUT_WR); }

  /// Sends a request with Host, and with Content-Length if there is a body or the method has one.
  bool send_request(const std::string& method, const std::string& target,
                    const Headers& headers = {}, const std::string& body = {}) const {
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n";
    bool framed = false;
    for (const auto& [name, value] : headers) {
      text.append(name).append(": ").append(value).append("\r\n");
      framed = framed || name == "content-length" || name == "transfer-encoding";
    }
    if (!framed && (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH")) {
      text += "content-length: " + std::to_string(body.size()) + "\r\n";
    }
    if (is_recorded_) asked_.push_back({method, target, text.substr(text.find('\n') + 1)});
    return write(text + "\r\n" + body);
  }

  /// Reads the next answer, passing over 100 Continue.
  /// @param head  whether it answers a HEAD: no body follows
  Response read_response(bool head = false) {
    Response response = read_head();
    while (response.status == 100) {
      response = read_head();
      response.invited = true;
    }
    if (head || response.status == 204 || response.status == 304) {
      response.complete = true;
    } else if (response.header("transfer-encoding") == "chunked") {
      read_chunks(response);
    } else if (response.has("content-length")) {
      const auto length = std::stoul(response.header("content-length"));
      response.complete = fill(length);
      response.body = take((std::min)(length, received_.size()));
    } else {
      while (receive()) {
      }
      response.body = take(received_.size());
      response.complete = true;
    }
    record(response, head);
    return response;
  }

  Response request(const std::string& method, const std::string& target,
                   const Headers& headers = {}, const std::string& body = {}) {
    send_request(method, target, headers, body);
    return read_response(method == "HEAD");
  }

  /// Waits for more. @returns false if the peer has closed instead
  bool has_more() { return !received_.empty() || receive(); }

  /// Whether the peer has closed, or closes within `timeout`; bytes that come first are kept.
  bool is_closed(std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left.count() < 0 || !is_readable(left)) return false;
      if (!receive()) return true;
    }
  }

  /// What has been received and not been read as a response.
  [[nodiscard]] const std::string& unread() const { return received_; }
  /// Whether the peer has ended the connection with a reset.
  [[nodiscard]] bool was_reset() const { return was_reset_; }
  [[nodiscard]] int socket() const { return socket_; }

 private:
  struct Asked {
    std::string method;
    std::string target;
    std::string fields;
  };

  void record(const Response& response, bool head) {
    if (!is_recorded_ || asked_.empty()) return;
    const Asked asked = std::move(asked_.front());
    asked_.pop_front();
    std::string fields;
    for (const auto& [name, value] : response.headers) fields.append(name + ": " + value + "\n");
    const bool is_whole = response.complete && head == (asked.method == "HEAD");
    Exchanges::write_exchange(std::to_string(port_), asked.method, asked.target, asked.fields,
                              response.status, fields, response.body, is_whole);
  }

  bool is_readable(std::chrono::milliseconds timeout) const {
    pollfd poll{socket_, POLLIN, 0};
    return ::poll(&poll, 1, static_cast<int>(timeout.count())) > 0;
  }

  // @returns false at the end
  bool receive() {
    if (!is_readable(std::chrono::seconds(20))) throw std::runtime_error("no answer for 20 s");
    char buffer[16384];
    const auto size = ::recv(socket_, buffer, sizeof buffer, 0);
    was_reset_ = size < 0 && errno == ECONNRESET;
    if (size <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }

  bool fill(std::size_t size) {
    while (received_.size() < size) {
      if (!receive()) return false;
    }
    return true;
  }

  std::string take(std::size_t size) {
    std::string taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
  }

  std::optional<std::string> take_line() {
    std::size_t end = 0;
    while ((end = received_.find("\r\n")) == std::string::npos) {
      if (!receive()) return std::nullopt;
    }
    std::string line = take(end + 2);
    line.resize(end);
    return line;
  }

  Response read_head() {
    Response response;
    const auto status_line = take_line();
    if (!status_line) throw std::runtime_error("closed without an answer");
    response.status = std::stoi(status_line->substr(9, 3));
    while (true) {
      const auto line = take_line();
      if (!line) throw std::runtime_error("closed within the header");
      if (line->empty()) return response;
      const auto colon = line->find(':');
      std::string name = line->substr(0, colon);
      for (char& c : name) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
      }
      response.headers.emplace(name, line->substr(line->find_first_not_of(' ', colon + 1)));
    }
  }

  void read_chunks(Response& response) {
    while (true) {
      const auto size_line = take_line();
      if (!size_line) return;
      const std::size_t size = std::stoul(*size_line, nullptr, 16);
      if (!fill(size + 2)) return;
      response.body += take(size);
      take(2);
      if (size == 0) {
        response.complete = true;
        return;
      }
    }
  }

  int port_;
  int socket_;
  std::string received_;
  mutable std::deque<Asked> asked_;  // requests without an answer
  mutable bool is_recorded_ = Exchanges::are_kept();
  bool was_reset_ = false;
};

}  // namespace test
