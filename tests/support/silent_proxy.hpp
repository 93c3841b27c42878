/// A TCP proxy in front of PostgreSQL that is slow, or falls silent while all its connections stay
/// open.
#pragma once

#include <addrbook/base/descriptor.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <deque>
#include <list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace test {

class SilentProxy {
 public:
  enum class Mode {
    talks,
    full,    ///< as a pooler whose pool is full: new connections hear nothing after the login
    silent,  ///< no connection hears anything; new ones are accepted
  };

  /// @param port  of a server on 127.0.0.1
  explicit SilentProxy(int port) : server_(address_of(port)), listener_(open_socket()) {
    sockaddr_in own = address_of(0);
    socklen_t size = sizeof own;
    constexpr int backlog = 128;
    if (::bind(listener_.get(), generic(own), size) != 0 ||
        ::listen(listener_.get(), backlog) != 0 ||
        ::getsockname(listener_.get(), generic(own), &size) != 0) {
      throw std::system_error(errno, std::generic_category(), "listen");
    }
    port_ = ntohs(own.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  SilentProxy(const SilentProxy&) = delete;
  SilentProxy& operator=(const SilentProxy&) = delete;
  ~SilentProxy() {
    is_ending_ = true;
    thread_.join();
  }

  void set(Mode mode) { mode_ = mode; }
  /// Each round trip takes so much longer.
  void delay(std::chrono::microseconds round_trip) { delay_ = round_trip / 2; }
  /// How often a client has sent something after it had received something: the round trips of
  /// clients that wait for their answers.
  [[nodiscard]] int round_trips() const { return round_trips_; }
  /// The number of connections so far.
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] int port() const { return port_; }
  /// A connection string without encryption, so that the proxy sees when the login is done.
  [[nodiscard]] std::string conninfo() const {
    return "host=127.0.0.1 port=" + std::to_string(port_) +
           " user=postgres dbname=postgres sslmode=disable gssencmode=disable";
  }

 private:
  using Descriptor = addrbook::detail::Descriptor;
  using Clock = std::chrono::steady_clock;

  /// Bytes on their way.
  struct Late {
    Clock::time_point due;
    bool is_answer;
    std::string bytes;
  };

  struct Pair {
    Descriptor client;
    Descriptor server;
    bool is_late;      // it came when the pool was full
    bool is_ready;     // the login is done
    std::size_t rest;  // of the server's current message
    std::string head;  // of its next one
    bool has_answered = false;
    std::deque<Late> late{};
  };

  static sockaddr_in address_of(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<in_port_t>(port));
    return address;
  }
  static sockaddr* generic(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }
  static Descriptor open_socket() {
    return Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  }

  [[nodiscard]] bool is_silent(const Pair& pair) const {
    return mode_ == Mode::silent || (mode_ == Mode::full && pair.is_late && pair.is_ready);
  }

  void run() {
    while (!is_ending_) {
      std::vector<pollfd> polled{{listener_.get(), POLLIN, 0}};
      std::vector<Pair*> talking;
      for (Pair& pair : pairs_) {
        if (is_silent(pair)) continue;
        talking.push_back(&pair);
        polled.push_back({pair.client.get(), POLLIN, 0});
        polled.push_back({pair.server.get(), POLLIN, 0});
      }
      const int ready = poll(polled);
      deliver();
      if (ready <= 0) continue;
      for (std::size_t i = 0; i < talking.size(); ++i) {
        Pair& pair = *talking[i];
        const bool goes_on = (polled[2 * i + 1].revents == 0 || pass(pair)) &&
                             (polled[2 * i + 2].revents == 0 || pass_answer(pair));
        if (!goes_on) pairs_.remove_if([&](const Pair& each) { return &each == &pair; });
      }
      if (polled[0].revents != 0) accept();
    }
  }

  void accept() {
    Pair pair{Descriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)),
              open_socket(),
              mode_ == Mode::full,
              false,
              0,
              ""};
    if (!pair.client || ::connect(pair.server.get(), generic(server_), sizeof server_) != 0) return;
    // As PostgreSQL does at both ends: otherwise pieces wait for the receipt of those before.
    const int on = 1;
    for (const Descriptor* const end : {&pair.client, &pair.server}) {
      ::setsockopt(end->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ++connections_;
    pairs_.push_back(std::move(pair));
  }

  static bool send_all(const Descriptor& to, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(to.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Until something happens, the next bytes are due, or the mode may have changed.
  int poll(std::vector<pollfd>& polled) {
    std::chrono::nanoseconds wait = std::chrono::milliseconds(10);
    for (const Pair& pair : pairs_) {
      if (!pair.late.empty()) {
        wait = (std::min)(wait, std::chrono::nanoseconds(pair.late.front().due - Clock::now()));
      }
    }
    timespec time{};
    time.tv_nsec = static_cast<long>((std::max)(wait, std::chrono::nanoseconds(0)).count());
    return ::ppoll(polled.data(), polled.size(), &time, nullptr);
  }
  void deliver() {
    const auto now = Clock::now();
    for (Pair& pair : pairs_) {
      while (!pair.late.empty() && pair.late.front().due <= now) {
        const Late& late = pair.late.front();
        send_all(late.is_answer ? pair.client : pair.server, late.bytes);  // a lost one shows below
        pair.late.pop_front();
      }
    }
  }
  bool send(Pair& pair, bool is_answer, std::string_view bytes) {
    const auto delay = delay_.load();
    if (delay.count() > 0 || !pair.late.empty()) {
      pair.late.push_back({Clock::now() + delay, is_answer, std::string(bytes)});
      return true;
    }
    return send_all(is_answer ? pair.client : pair.server, bytes);
  }

  bool pass(Pair& pair) {
    std::array<char, 65536> bytes;
    const auto size = ::recv(pair.client.get(), bytes.data(), bytes.size(), 0);
    if (size <= 0) return false;
    if (pair.has_answered) ++round_trips_;
    pair.has_answered = false;
    return send(pair, false, {bytes.data(), static_cast<std::size_t>(size)});
  }

  /// Passes the server's messages on: a byte that tells their kind, then their length.
  bool pass_answer(Pair& pair) {
    std::array<char, 65536> bytes;
    const auto size = ::recv(pair.server.get(), bytes.data(), bytes.size(), 0);
    if (size <= 0) return false;
    const std::string_view answer(bytes.data(), static_cast<std::size_t>(size));
    pair.has_answered = true;
    for (const char byte : answer) {
      if (pair.rest > 0) {
        --pair.rest;
      } else if (pair.head += byte; pair.head.size() == 5) {
        for (int i = 1; i < 5; ++i) {
          pair.rest = (pair.rest << 8U) |
                      static_cast<unsigned char>(pair.head[static_cast<std::size_t>(i)]);
        }
        pair.rest -= 4;
        if (pair.head[0] == 'Z') pair.is_ready = true;
        pair.head.clear();
      }
    }
    return send(pair, true, answer);
  }

  sockaddr_in server_;
  Descriptor listener_;
  int port_ = 0;
  std::list<Pair> pairs_;
  std::atomic<Mode> mode_{Mode::talks};
  std::atomic<int> connections_{0};
  std::atomic<int> round_trips_{0};
  std::atomic<std::chrono::microseconds> delay_{std::chrono::microseconds(0)};
  std::atomic<bool> is_ending_{false};
  std::thread thread_;
};

}  // namespace test
