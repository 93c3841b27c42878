/// RequestLoop: reads requests from a connection and has them answered, as far as that is possible
/// without waiting.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/transport.hpp>

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// @par Thread safety  Several threads may call at once, each with a connection that it has
/// claimed.
class RequestLoop : private Pinned {
 public:
  /// What the caller must do with the connection.
  enum class Step {
    park,     ///< wait for the next event
    requeue,  ///< let others take their turn, then call advance() again
    close,
  };

  /// @param engine  handed to the handler with each request
  RequestLoop(ServerEngine& engine, ConnectionHandler& handler,
              std::chrono::milliseconds header_timeout,
              std::chrono::milliseconds keep_alive_timeout)
      : engine_(engine),
        handler_(handler),
        header_timeout_(header_timeout),
        keep_alive_timeout_(keep_alive_timeout) {}

  /// Sets the deadline for the first request of a new connection.
  void start(Connection& connection) const { connection.enter(Phase::handshake, header_timeout_); }

  /// Reads what has arrived and has each whole request answered. Then ends the connection if its
  /// deadline has passed, with a 408 if part of a head has arrived.
  /// @param is_overloaded  no thread is free to serve requests: they are refused with 503
  Step advance(Connection& connection, bool is_overloaded) noexcept;

  /// Ends the wait of a connection whose deadline has passed, without a further look at its socket.
  Step expire(Connection& connection) noexcept;

  /// Threads are free again: the next overload is logged.
  void clear_overload() noexcept { overload_.clear(); }

 private:
  using Phase = Connection::Phase;

  Step run(Connection& connection, bool is_overloaded);
  Step time_out(Connection& connection);
  static void skip_empty_lines(Connection& connection);
  Step refuse(Connection& connection, const RequestHead& head, const HeadFault& fault);
  static Step end(Connection& connection);
  static Step drain(Connection& connection);

  static constexpr std::size_t max_head_bytes = std::size_t{64} * 1024;
  static constexpr std::size_t max_drained_bytes = std::size_t{8} * 1024 * 1024;
  static constexpr std::chrono::milliseconds drain_timeout{2'000};

  ServerEngine& engine_;
  ConnectionHandler& handler_;
  const std::chrono::milliseconds header_timeout_;
  const std::chrono::milliseconds keep_alive_timeout_;
  Warning overload_{handler_, "max_threads is reached: further requests get a 503"};
};

// ---------------------------------------------------------------------------------------------

inline RequestLoop::Step RequestLoop::advance(Connection& connection, bool is_overloaded) noexcept {
  try {
    const Step step = run(connection, is_overloaded);
    // Only now: a deadline measures the client, and the server may have been too busy to read.
    return step != Step::close && connection.is_past_deadline() ? time_out(connection) : step;
  } catch (...) {  // out of memory: only this connection ends
    return Step::close;
  }
}

inline RequestLoop::Step RequestLoop::expire(Connection& connection) noexcept {
  try {
    return time_out(connection);
  } catch (...) {  // as above
    return Step::close;
  }
}

inline RequestLoop::Step RequestLoop::time_out(Connection& connection) {
  if (connection.phase != Phase::reading_head || connection.input.empty()) return Step::close;
  return refuse(connection, {}, {408, "Request header not complete in time"});
}

inline RequestLoop::Step RequestLoop::run(Connection& connection, bool is_overloaded) {
  constexpr std::size_t buffer_bytes = std::size_t{16} * 1024;
  constexpr int fair_share = 32;  // requests, and reads, before other connections get their turn
  thread_local std::array<char, buffer_bytes> buffer;

  if (connection.phase == Phase::handshake) {
    const auto state = connection.transport->handshake().state;
    if (state == Transfer::State::wants_read) return Step::park;
    if (state == Transfer::State::wants_write) return Step::requeue;
    if (state != Transfer::State::done) return Step::close;
    connection.phase = Phase::reading_head;  // the deadline stays
  }
  if (connection.phase == Phase::draining) return drain(connection);
  if (connection.exceeds_limit) return refuse(connection, {}, too_many_connections);
  bool is_socket_empty = false;
  int served = 0;
  int reads = 0;
  while (true) {
    std::string& input = connection.input;
    if (!input.empty() && connection.phase == Phase::idle) {
      connection.enter(Phase::reading_head, header_timeout_);
    }
    skip_empty_lines(connection);
    if (!input.empty()) {
      if (served == fair_share) return Step::requeue;
      const auto found = connection.scanner.scan(input);
      if (found == HeadScanner::Found::bare_line_feed ||
          (input[0] != '\r' && !is_token_character(input[0]))) {
        return refuse(connection, {}, {400, "Invalid request line"});
      }
      if (found == HeadScanner::Found::end) {
        const auto size = connection.scanner.size();
        if (size > max_head_bytes) {
          return refuse(connection, {}, {431, "Request Header Fields Too Large"});
        }
        const auto head = read_head(std::string_view(input).substr(0, size));
        if (head.fault) return refuse(connection, head, *head.fault);
        if (is_overloaded) {
          overload_.raise();
          return refuse(connection, head, {503, "Too many requests at once"});
        }
        ++served;
        if (!handler_.serve(engine_, connection, head)) return end(connection);
        connection.enter(Phase::idle, keep_alive_timeout_);
        continue;
      }
      if (input.size() > max_head_bytes) {
        return refuse(connection, {}, {431, "Request Header Fields Too Large"});
      }
    }
    if (connection.input_ended) return Step::close;
    if (is_socket_empty && !connection.peer_closed.load()) return Step::park;
    if (++reads > fair_share) return Step::requeue;
    const auto received = connection.transport->read(buffer.data(), buffer.size());
    switch (received.state) {
      case Transfer::State::done:
        input.append(buffer.data(), received.size);
        is_socket_empty =
            received.size < buffer.size() && connection.transport->short_read_means_empty();
        break;
      case Transfer::State::wants_read: return Step::park;
      case Transfer::State::wants_write: return Step::requeue;
      case Transfer::State::ended: connection.input_ended = true; break;
      case Transfer::State::failed: return Step::close;
    }
  }
}

// RFC 9112, 2.2: a server should ignore empty lines before a request.
inline void RequestLoop::skip_empty_lines(Connection& connection) {
  std::size_t size = 0;
  while (connection.input.compare(size, 2, "\r\n") == 0) size += 2;
  if (size > 0) connection.consume(size);
}

inline RequestLoop::Step RequestLoop::refuse(Connection& connection, const RequestHead& head,
                                             const HeadFault& fault) {
  const std::string text = handler_.refusal(connection, head, fault);
  for (std::string_view rest = text; !rest.empty();) {
    const auto sent = connection.transport->write(rest.data(), rest.size());
    // A refusal fits into an empty send buffer. If the buffer is full, the peer is not reading.
    if (sent.state != Transfer::State::done) break;
    rest.remove_prefix(sent.size);
  }
  return end(connection);
}

// Closing a socket with unread input resets the connection, and the peer may then lose the answer.
// So the input is drained first.
inline RequestLoop::Step RequestLoop::end(Connection& connection) {
  if (connection.answer_failed) {
    // The peer is not reading. Without the reset, the system would keep what is left in the send
    // buffer until the peer takes it.
    const struct linger reset { 1, 0 };
    ::setsockopt(connection.socket.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return Step::close;
  }
  connection.transport->finish();
  connection.consume(connection.input.size());
  if (connection.input_ended) return Step::close;
  connection.enter(Phase::draining, drain_timeout);
  return drain(connection);
}

inline RequestLoop::Step RequestLoop::drain(Connection& connection) {
  std::array<char, std::size_t{16} * 1024> buffer;  // NOLINT: written before it is read
  while (connection.drained_bytes < max_drained_bytes && !connection.is_past_deadline()) {
    const auto received = connection.transport->read(buffer.data(), buffer.size());
    if (received.state == Transfer::State::wants_read) return Step::park;
    if (received.state != Transfer::State::done) return Step::close;
    connection.drained_bytes += received.size;
  }
  return Step::close;
}

}  // namespace addrbook::detail
