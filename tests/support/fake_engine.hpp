/// Stand-ins for what the engine's parts work with: a transport whose peer is a script, with faults
/// at any call, and a handler that answers each request with its target, or with what a test wants.
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/memory_budget.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/body_framing.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/server/answer_writer.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/transport.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace test {

using addrbook::detail::Descriptor;
using addrbook::detail::Transfer;
using addrbook::detail::Transport;

/// The other end of a FakeTransport. Not thread-safe.
struct Peer {
  static constexpr std::size_t never = ~std::size_t{0};

  std::deque<std::string> arrivals;  ///< one for each read
  bool has_ended = false;            ///< after the arrivals
  bool is_endless = false;           ///< sends 'x' forever after the arrivals
  std::size_t handshakes = 0;        ///< attempts that want to read before the handshake is done
  bool short_read_means_empty = true;

  /// The call that returns `fault`, counted from 0 over handshake(), read() and write().
  std::size_t fault_at = never;
  Transfer::State fault = Transfer::State::failed;

  /// How many bytes the transport takes before it wants to write later.
  std::size_t room = never;

  std::string written;
  std::size_t calls = 0;
  bool is_finished = false;
  int open_transports = 0;
};

class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(Peer& peer) : peer_(peer) { ++peer_.open_transports; }
  ~FakeTransport() override { --peer_.open_transports; }

  Transfer handshake() override {
    if (is_faulty()) return fault();
    if (peer_.handshakes == 0) return {Transfer::State::done};
    --peer_.handshakes;
    return {Transfer::State::wants_read};
  }

  Transfer read(char* to, std::size_t size) override {
    if (is_faulty()) return fault();
    if (peer_.arrivals.empty()) {
      if (peer_.has_ended) return {Transfer::State::ended};
      if (!peer_.is_endless) return {Transfer::State::wants_read};
      std::fill_n(to, size, 'x');
      return {Transfer::State::done, size};
    }
    std::string& next = peer_.arrivals.front();
    const std::size_t taken = (std::min)(size, next.size());
    next.copy(to, taken);
    next.erase(0, taken);
    if (next.empty()) peer_.arrivals.pop_front();
    return {Transfer::State::done, taken};
  }

  Transfer write(const char* from, std::size_t size) override {
    if (is_faulty()) return fault();
    const std::size_t taken = (std::min)(size, peer_.room);
    if (taken == 0) return {Transfer::State::wants_write};
    if (peer_.room != Peer::never) peer_.room -= taken;
    peer_.written.append(from, taken);
    return {Transfer::State::done, taken};
  }

  void finish() override { peer_.is_finished = true; }

  [[nodiscard]] bool short_read_means_empty() const noexcept override {
    return peer_.short_read_means_empty;
  }

 private:
  bool is_faulty() { return peer_.calls++ == peer_.fault_at; }
  // A broken connection stays broken.
  Transfer fault() {
    if (peer_.fault == Transfer::State::failed) peer_.fault_at = peer_.calls;
    if (peer_.fault == Transfer::State::ended) {
      peer_.arrivals.clear();
      peer_.has_ended = true;
    }
    return {peer_.fault};
  }

  Peer& peer_;
};

/// An engine in which a wait for a client ends at once, without success.
class FakeEngine final : public addrbook::detail::ServerEngine {
 public:
  explicit FakeEngine(std::size_t max_buffered_bytes = Peer::never) : budget(max_buffered_bytes) {}

  addrbook::detail::MemoryBudget budget;
  bool stopping = false;

  /// Wakes up as an engine does, but for the event.
  std::function<void()> waker(addrbook::detail::Connection& connection) override {
    return [&connection] { connection.awaits_source.store(false); };
  }
  [[nodiscard]] const addrbook::detail::MemoryBudget& memory() const noexcept override {
    return budget;
  }
  bool wait_for(const addrbook::detail::Connection& /*connection*/, short /*events*/,
                std::chrono::milliseconds /*timeout*/) override {
    return false;
  }
  [[nodiscard]] bool is_stopping() const noexcept override { return stopping; }
};

/// A request whose body is echoed; the test may look into it.
class EchoRequest final : public addrbook::detail::PendingRequest {
 public:
  explicit EchoRequest(bool is_last = false, bool waits = false)
      : is_last_(is_last), waits_(waits) {}

  bool take(std::string_view data) override {
    body_.append(data);
    return body_.find("no more") == std::string::npos;
  }
  [[nodiscard]] bool may_wait() const noexcept override { return waits_; }
  [[nodiscard]] std::size_t memory() const noexcept override { return body_.capacity(); }
  void answer(addrbook::BodyStatus status, bool is_last,
              addrbook::detail::Answer& answer) override {
    using addrbook::BodyStatus;
    const char* const name = status == BodyStatus::complete    ? "complete "
                             : status == BodyStatus::timed_out ? "timed out "
                             : status == BodyStatus::stopped   ? "stopped "
                                                               : "malformed ";
    answer.text += name + body_ + "\n";
    answer.is_last = is_last || is_last_;
  }

 private:
  std::string body_;
  bool is_last_;
  bool waits_;
};

/// Answers each request with 200 and its target as the body; those under /own by the engine: /own
/// with the body that was sent, /own/source with what `source` makes. Thread-safe, except for the
/// std::functions.
class FakeHandler final : public addrbook::detail::ConnectionHandler {
 public:
  using Connection = addrbook::detail::Connection;

  /// Makes the transports; plain ones by default.
  std::function<std::unique_ptr<Transport>(int)> transport = [](int socket) {
    return std::make_unique<addrbook::detail::PlainTransport>(socket);
  };
  /// Called within serve(). @returns whether the answer can be sent
  std::function<bool(addrbook::detail::ServerEngine&, Connection&, const std::string& target)>
      during = [](auto&, auto&, const auto&) { return true; };
  std::atomic<bool> can_refuse{true};
  /// Makes the body of /own/source.
  std::function<std::shared_ptr<addrbook::BodySource>()> source;
  std::chrono::milliseconds body_timeout = std::chrono::hours(1);
  std::size_t body_rate = 0;
  /// Called when a request under /own is answered.
  std::function<void(const std::string& target)> while_answering = [](const auto&) {};

  std::unique_ptr<Transport> open_transport(int socket) override { return transport(socket); }
  [[nodiscard]] bool can_refuse_at_once() const noexcept override { return can_refuse; }

  addrbook::detail::Begun begin(addrbook::detail::ServerEngine& /*engine*/,
                                Connection& /*connection*/,
                                const addrbook::detail::RequestHead& head, std::string_view body,
                                bool is_whole, addrbook::detail::Answer& answer) override {
    using addrbook::detail::Begun;
    Begun begun;
    const std::string target(head.target);
    if (target.rfind("/own", 0) != 0) return begun;
    auto request = std::make_unique<EchoRequest>(head.wants_close, body_rate != 0);
    addrbook::detail::BodyFraming framing(head);
    framing.take(body, [&](std::string_view data) { request->take(data); });
    if (framing.broken() || is_whole) {
      while_answering(target);
      const std::lock_guard lock(mutex_);
      served_.push_back(target);
      if (target == "/own/source") {
        answer.source = source();
        answer.text = "head\n";
        answer.framing = addrbook::detail::AnswerFraming::chunked;
        answer.is_last = head.wants_close;
      } else {
        request->answer(
            framing.broken() ? addrbook::BodyStatus::malformed : addrbook::BodyStatus::complete,
            framing.broken(), answer);
      }
      begun.kind = Begun::Kind::answered;
      return begun;
    }
    begun.kind = Begun::Kind::pending;
    begun.request = std::move(request);
    begun.body_timeout = body_timeout;
    begun.body_rate = body_rate;
    begun.wants_continue = head.expects_continue;
    return begun;
  }
  [[nodiscard]] bool is_instant(const addrbook::detail::RequestHead& head) const override {
    return head.target == "/own/instant";
  }

  bool serve(addrbook::detail::ServerEngine& engine, Connection& connection,
             const addrbook::detail::RequestHead& head) override {
    const std::string target(head.target);
    const bool is_last = head.wants_close;
    const std::size_t head_size = connection.scanner.size();
    addrbook::detail::BodyFraming framing(head);
    const std::size_t body_size =
        framing.take(std::string_view(connection.input).substr(head_size));
    connection.consume(head_size + body_size);
    {
      const std::lock_guard lock(mutex_);
      served_.push_back(target);
    }
    if (!during(engine, connection, target)) {
      connection.answer_failed = true;
      return false;
    }
    const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(target.size()) + "\r\n\r\n" + target;
    if (connection.transport->write(answer.data(), answer.size()).state != Transfer::State::done) {
      connection.answer_failed = true;
      return false;
    }
    return framing.complete() && !is_last && !engine.is_stopping();
  }

  std::string refusal(const Connection& /*connection*/, const addrbook::detail::RequestHead& head,
                      const addrbook::detail::HeadFault& fault) override {
    refused_.emplace_back(std::string(head.target), head.fields.size());
    return "HTTP/1.1 " + std::to_string(fault.status) + " Refused\r\nContent-Length: 0\r\n\r\n";
  }

  void warn(std::string_view text) noexcept override {
    const std::lock_guard lock(mutex_);
    warnings_.emplace_back(text);
  }

  /// The targets, in order.
  [[nodiscard]] std::vector<std::string> served() const {
    const std::lock_guard lock(mutex_);
    return served_;
  }
  [[nodiscard]] std::vector<std::string> warnings() const {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }

  /// Of the requests that were refused: the targets, and how many fields were known.
  [[nodiscard]] const std::vector<std::pair<std::string, std::size_t>>& refused() const {
    return refused_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, std::size_t>> refused_;
  std::vector<std::string> served_;
  std::vector<std::string> warnings_;
};

struct SocketPair {
  SocketPair() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
      throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    ours = Descriptor(pair[0]);
    theirs = Descriptor(pair[1]);
  }

  Descriptor ours;
  Descriptor theirs;
};

/// A socket that listens on a free port of 127.0.0.1.
struct Listener {
  /// @param family  AF_INET6: any address of both families
  explicit Listener(sa_family_t family = AF_INET)
      : socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int off = 0;
    if (family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_in6 address{};
    address.sin6_family = family;
    auto& ipv4 = reinterpret_cast<sockaddr_in&>(address);
    if (family == AF_INET) ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    constexpr int backlog = 128;
    if (::bind(socket.get(), generic, size) != 0 || ::listen(socket.get(), backlog) != 0 ||
        ::getsockname(socket.get(), generic, &size) != 0) {
      throw std::system_error(errno, std::generic_category(), "listen");
    }
    port = ntohs(address.sin6_port);  // it is at the same place for both
  }

  /// Gives the socket away.
  [[nodiscard]] std::vector<Descriptor> take() {
    std::vector<Descriptor> sockets;
    sockets.push_back(std::move(socket));
    return sockets;
  }

  Descriptor socket;
  int port = 0;
};

}  // namespace test
