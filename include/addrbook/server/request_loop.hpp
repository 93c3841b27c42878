/// RequestLoop: reads requests off a connection and has them answered, as far as it gets without
/// waiting.
#pragma once

#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_handler.hpp>

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// Called by several threads at once, each with a connection that it has claimed.
class RequestLoop {
 public:
  /// What to do with the connection: park it until something comes; give others a turn and then
  /// look again; close it.
  enum class Step { park, again, close };

  /// @param parking  where the handler waits for a client in the middle of a request
  RequestLoop(Parking& parking, ConnectionHandler& handler,
              std::chrono::milliseconds header_timeout,
              std::chrono::milliseconds keep_alive_timeout)
      : parking_(parking),
        handler_(handler),
        header_timeout_(header_timeout),
        keep_alive_timeout_(keep_alive_timeout) {}

  /// The time for the first request begins.
  void begin(Connection& connection) const { connection.enter(Phase::handshake, header_timeout_); }

  /// Reads what has come and has every whole request answered.
  /// @param is_overloaded  no thread is left for that: requests are refused
  Step advance(Connection& connection, bool is_overloaded) noexcept;

  /// Says goodbye to who took too long.
  Step give_up(Connection& connection) noexcept;

  /// There are threads again.
  void overload_ends() noexcept { overload_.end(); }

 private:
  using Phase = Connection::Phase;

  Step run(Connection& connection, bool is_overloaded);
  static void skip_empty_lines(Connection& connection);
  Step refuse(Connection& connection, const RequestHead& head, const HeadFault& fault);
  static Step say_goodbye(Connection& connection);
  static Step linger(Connection& connection);

  static constexpr std::size_t max_head_bytes = std::size_t{64} * 1024;
  static constexpr std::chrono::milliseconds linger_timeout{2'000};

  Parking& parking_;
  ConnectionHandler& handler_;
  const std::chrono::milliseconds header_timeout_;
  const std::chrono::milliseconds keep_alive_timeout_;
  Warning overload_{handler_, "max_threads is reached: further requests get a 503"};
};

// ---------------------------------------------------------------------------------------------

inline RequestLoop::Step RequestLoop::advance(Connection& connection, bool is_overloaded) noexcept {
  try {
    return run(connection, is_overloaded);
  } catch (...) {  // out of memory: one connection ends, the server doesn't
    return Step::close;
  }
}

inline RequestLoop::Step RequestLoop::give_up(Connection& connection) noexcept {
  if (connection.phase != Phase::head || connection.input.empty()) return Step::close;
  try {
    return refuse(connection, {}, {408, "Request header not complete in time"});
  } catch (...) {  // as above
    return Step::close;
  }
}

inline RequestLoop::Step RequestLoop::run(Connection& connection, bool is_overloaded) {
  constexpr std::size_t buffer_bytes = std::size_t{16} * 1024;
  constexpr int fair_share = 32;  // requests or reads in a row, then others get their turn
  thread_local std::array<char, buffer_bytes> buffer;

  if (connection.phase == Phase::handshake) {
    const auto shaken = connection.transport->handshake().state;
    if (shaken == Transfer::State::wants_read) return Step::park;
    if (shaken == Transfer::State::wants_write) return Step::again;
    if (shaken != Transfer::State::done) return Step::close;
    connection.phase = Phase::head;  // with what is left of its time
  }
  if (connection.phase == Phase::lingering) return linger(connection);
  // Who never stops sending is never found parked by those who look after deadlines.
  if (connection.phase != Phase::idle && connection.is_late()) return give_up(connection);
  if (connection.is_refused) return refuse(connection, {}, too_many_connections);
  bool is_drained = false;
  int served = 0;
  int reads = 0;
  while (true) {
    std::string& input = connection.input;
    if (!input.empty() && connection.phase == Phase::idle) {
      connection.enter(Phase::head, header_timeout_);
    }
    skip_empty_lines(connection);
    if (!input.empty()) {
      if (served == fair_share) return Step::again;
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
        if (!handler_.serve(parking_, connection, head)) return say_goodbye(connection);
        connection.enter(Phase::idle, keep_alive_timeout_);
        continue;
      }
      if (input.size() > max_head_bytes) {
        return refuse(connection, {}, {431, "Request Header Fields Too Large"});
      }
    }
    if (connection.has_ended) return Step::close;
    if (is_drained && !connection.hung_up.load()) return Step::park;
    if (++reads > fair_share) return Step::again;
    const auto received = connection.transport->read(buffer.data(), buffer.size());
    switch (received.state) {
      case Transfer::State::done:
        input.append(buffer.data(), received.size);
        is_drained =
            received.size < buffer.size() && connection.transport->short_read_means_empty();
        break;
      case Transfer::State::wants_read: return Step::park;
      case Transfer::State::wants_write: return Step::again;
      case Transfer::State::ended: connection.has_ended = true; break;
      case Transfer::State::failed: return Step::close;
    }
  }
}

// RFC 9112, 2.2: an empty line before a request is passed over.
inline void RequestLoop::skip_empty_lines(Connection& connection) {
  std::size_t size = 0;
  while (connection.input.compare(size, 2, "\r\n") == 0) size += 2;
  if (size > 0) connection.consume(size);
}

inline RequestLoop::Step RequestLoop::refuse(Connection& connection, const RequestHead& head,
                                             const HeadFault& fault) {
  const std::string text = handler_.refusal(connection, head, fault);
  for (std::string_view left = text; !left.empty();) {
    const auto sent = connection.transport->write(left.data(), left.size());
    // It fits into an empty send buffer; who has let it fill up doesn't read.
    if (sent.state != Transfer::State::done) break;
    left.remove_prefix(sent.size);
  }
  return say_goodbye(connection);
}

// A socket that is closed with something unread is reset, and the answer may be lost with it.
inline RequestLoop::Step RequestLoop::say_goodbye(Connection& connection) {
  if (connection.is_cut) {
    // What the peer has not taken is dropped with the connection: it would stay in the system's
    // buffers until the peer, who takes nothing, has taken it.
    const struct linger at_once { 1, 0 };
    ::setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return Step::close;
  }
  connection.transport->finish();
  connection.consume(connection.input.size());
  if (connection.has_ended) return Step::close;
  connection.enter(Phase::lingering, linger_timeout);
  return linger(connection);
}

inline RequestLoop::Step RequestLoop::linger(Connection& connection) {
  constexpr std::size_t most_bytes = std::size_t{8} * 1024 * 1024;
  std::array<char, std::size_t{16} * 1024> buffer;  // NOLINT: written before it is read
  while (connection.dropped_bytes < most_bytes && !connection.is_late()) {
    const auto received = connection.transport->read(buffer.data(), buffer.size());
    if (received.state == Transfer::State::wants_read) return Step::park;
    if (received.state != Transfer::State::done) return Step::close;
    connection.dropped_bytes += received.size;
  }
  return Step::close;
}

}  // namespace addrbook::detail
