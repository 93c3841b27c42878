/// RequestLoop: what a connection does next, as far as that is possible without waiting for its
/// client.
#pragma once

#include <addrbook/base/pace.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/body_framing.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/server/answer_writer.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/transport.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// As in ServerOptions.
struct ClientTimeouts {
  std::chrono::milliseconds header;
  std::chrono::milliseconds read;
  std::chrono::milliseconds write;
  std::chrono::milliseconds answer;
  std::chrono::milliseconds keep_alive;
};

/// A state machine over Connection::Phase: a request's head is read, then its body, then it is
/// handled, then its answer is written. Only handling may block the calling thread.
/// @par Thread safety  Several threads may call at once, each with a connection that it has
/// claimed.
class RequestLoop : private Pinned {
 public:
  /// What the caller must do with the connection.
  enum class Step {
    park,         ///< wait for the next event
    await_write,  ///< wait for an event, room to write included
    requeue,      ///< let others take their turn, then call advance() again
    close,
  };

  /// @param engine  handed to the handler with each request
  RequestLoop(ServerEngine& engine, ConnectionHandler& handler, const ClientTimeouts& timeouts)
      : engine_(engine), handler_(handler), timeouts_(timeouts) {}

  /// Sets the deadline for the first request of a new connection.
  void start(Connection& connection) const { connection.enter(Phase::handshake, timeouts_.header); }

  /// Reads what has arrived, has each whole request answered, and sends what the client takes. Then
  /// ends the connection if its deadline has passed, with a 408 if part of a request has arrived.
  /// @param is_overloaded  no thread is free to serve requests: they are refused with 503
  Step advance(Connection& connection, bool is_overloaded) noexcept;

  /// Ends the wait of a connection whose deadline has passed, without a further look at its socket.
  Step expire(Connection& connection) noexcept;

  /// Ends a connection because the server is short of memory, with a 503 unless the answer has
  /// begun.
  Step evict(Connection& connection) noexcept;

  /// Makes the calling thread's variables, which takes memory.
  static void prepare_thread() {
    static_cast<void>(scratch_writer());
    Connection::prepare_thread();
  }

  /// Threads are free again: the next overload is logged.
  void clear_overload() noexcept { overload_.clear(); }

 private:
  using Clock = Connection::Clock;
  using Phase = Connection::Phase;
  using Next = std::optional<Step>;  // nothing: go on with the connection's phase

  // One call of advance().
  struct Turn {
    bool is_overloaded;
    bool is_socket_empty = false;
    int served = 0;
    int reads = 0;
  };

  Step run(Connection& connection, bool is_overloaded);
  Step time_out(Connection& connection);
  static Next shake_hands(Connection& connection);
  Next receive(Connection& connection, Turn& turn, std::string_view& bytes) const;
  Next read_head_of(Connection& connection, Turn& turn);
  Next begin(Connection& connection, const RequestHead& head);
  Next wait_for_body(Connection& connection, BodyFraming framing, Begun begun);
  Next read_body(Connection& connection, Turn& turn);
  Next answer_pending(Connection& connection, BodyStatus status, std::string_view surplus);
  Next send(Connection& connection, AnswerWriter& writer);
  static bool can_complete(PendingExchange& exchange);
  Next continue_answer(Connection& connection, const Turn& turn);
  Next wait_for_client(Connection& connection, AnswerWriter::Progress progress, bool has_progress);
  Next finish_answer(Connection& connection, bool is_last);
  static void skip_empty_lines(Connection& connection);
  Step refuse(Connection& connection, const RequestHead& head, const HeadFault& fault);
  Step refuse_overload(Connection& connection);
  static RequestHead head_so_far(const Connection& connection);
  static Step end(Connection& connection);
  static Step drain(Connection& connection);

  /// Clear, and to be left clear.
  static AnswerWriter& scratch_writer() noexcept {
    thread_local AnswerWriter writer;
    return writer;
  }
  inline static Step give_up(Connection& connection) noexcept;

  static constexpr int fair_share = 32;  // requests, and reads, before others get their turn
  static constexpr std::size_t buffer_bytes = std::size_t{16} * 1024;
  static constexpr std::size_t max_head_bytes = std::size_t{64} * 1024;
  // How long a client that has its last answer may go on sending: whatever it sends; in all, if it
  // sends fast enough; and without sending.
  static constexpr std::chrono::milliseconds linger_start{2'000};
  static constexpr std::chrono::milliseconds linger_time{30'000};
  static constexpr std::chrono::milliseconds linger_silence{5'000};
  static constexpr std::size_t linger_bytes_per_ms = 16;

  ServerEngine& engine_;
  ConnectionHandler& handler_;
  const ClientTimeouts timeouts_;
  Warning overload_{handler_, "max_threads is reached: further requests get a 503"};
};

// ---------------------------------------------------------------------------------------------

inline RequestLoop::Step RequestLoop::advance(Connection& connection, bool is_overloaded) noexcept {
  try {
    const Step step = run(connection, is_overloaded);
    // Only now: a deadline measures the client, and the server may have been too busy to read.
    return step != Step::close && connection.is_past_deadline() ? time_out(connection) : step;
  } catch (...) {
    return give_up(connection);
  }
}

inline RequestLoop::Step RequestLoop::expire(Connection& connection) noexcept {
  try {
    return time_out(connection);
  } catch (...) {
    return give_up(connection);
  }
}

inline RequestLoop::Step RequestLoop::evict(Connection& connection) noexcept {
  try {
    if (connection.phase == Phase::reading_head || connection.phase == Phase::reading_body) {
      return refuse(connection, head_so_far(connection), {503, "The server is short of memory"});
    }
    connection.answer_failed = connection.phase == Phase::answering;
    return end(connection);
  } catch (...) {
    return give_up(connection);
  }
}

// Out of memory: only this connection ends, with an answer that needs none if none has begun.
inline RequestLoop::Step RequestLoop::give_up(Connection& connection) noexcept {
  scratch_writer().clear();
  if (connection.phase != Phase::reading_head && connection.phase != Phase::reading_body) {
    return Step::close;
  }
  constexpr std::string_view refusal =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
      "Connection: close\r\n\r\n";
  try {
    connection.transport->write(refusal.data(), refusal.size());
    return end(connection);
  } catch (...) {
    return Step::close;
  }
}

inline RequestLoop::Step RequestLoop::time_out(Connection& connection) {
  switch (connection.phase) {
    case Phase::reading_head:
      if (connection.input.empty()) return Step::close;
      return refuse(connection, head_so_far(connection),
                    {408, "Request header not complete in time"});
    case Phase::reading_body:
      return answer_pending(connection, BodyStatus::timed_out, {}).value_or(Step::close);
    case Phase::answering: connection.answer_failed = true; return end(connection);
    default: return Step::close;
  }
}

inline RequestLoop::Step RequestLoop::run(Connection& connection, bool is_overloaded) {
  Turn turn{is_overloaded};
  while (true) {
    Next next;
    switch (connection.phase) {
      case Phase::handshake: next = shake_hands(connection); break;
      case Phase::idle:
      case Phase::reading_head: next = read_head_of(connection, turn); break;
      case Phase::reading_body: next = read_body(connection, turn); break;
      case Phase::answering: next = continue_answer(connection, turn); break;
      case Phase::draining: return drain(connection);
    }
    if (next) return *next;
    if (connection.exceeds_limit) return refuse(connection, {}, too_many_connections);
  }
}

inline RequestLoop::Next RequestLoop::shake_hands(Connection& connection) {
  switch (connection.transport->handshake().state) {
    case Transfer::State::done: break;
    case Transfer::State::wants_read: return Step::park;
    case Transfer::State::wants_write: return Step::await_write;
    default: return Step::close;
  }
  connection.phase = Phase::reading_head;  // the deadline stays
  return std::nullopt;
}

// @param bytes  what was received, valid until the thread's next call; "" at the end of the peer's
//               data
inline RequestLoop::Next RequestLoop::receive(Connection& connection, Turn& turn,
                                              std::string_view& bytes) const {
  thread_local std::array<char, buffer_bytes> buffer;
  bytes = {};
  if (connection.input_ended) return std::nullopt;
  if (turn.is_socket_empty && !connection.peer_closed.load()) return Step::park;
  if (++turn.reads > fair_share) return Step::requeue;
  const auto received = connection.transport->read(buffer.data(), buffer.size());
  switch (received.state) {
    case Transfer::State::done:
      bytes = {buffer.data(), received.size};
      turn.is_socket_empty =
          received.size < buffer.size() && connection.transport->short_read_means_empty();
      return std::nullopt;
    case Transfer::State::wants_read: return Step::park;
    case Transfer::State::wants_write: return Step::await_write;
    case Transfer::State::ended: connection.input_ended = true; return std::nullopt;
    default: return Step::close;
  }
}

inline RequestLoop::Next RequestLoop::read_head_of(Connection& connection, Turn& turn) {
  std::string& input = connection.input;
  while (true) {
    if (!input.empty() && connection.phase == Phase::idle) {
      connection.enter(Phase::reading_head, timeouts_.header);
    }
    skip_empty_lines(connection);
    if (!input.empty()) {
      if (turn.served == fair_share) return Step::requeue;
      const auto found = connection.scanner.scan(input);
      if (found == HeadScanner::Found::bare_line_feed ||
          (input[0] != '\r' && !is_token_character(input[0]))) {
        return refuse(connection, {}, {400, "Invalid request line"});
      }
      const bool is_found = found == HeadScanner::Found::end;
      if ((is_found ? connection.scanner.size() : input.size()) > max_head_bytes) {
        return refuse(connection, head_so_far(connection),
                      {431, "Request Header Fields Too Large"});
      }
      if (is_found) {
        const auto head = read_head(std::string_view(input).substr(0, connection.scanner.size()));
        if (head.fault) return refuse(connection, head, *head.fault);
        if (turn.is_overloaded && !handler_.is_instant(head)) return refuse_overload(connection);
        ++turn.served;
        return begin(connection, head);
      }
    }
    std::string_view received;
    if (const Next next = receive(connection, turn, received)) return next;
    if (received.empty()) return Step::close;
    connection.receive(received);
  }
}

inline RequestLoop::Next RequestLoop::begin(Connection& connection, const RequestHead& head) {
  const std::size_t head_size = connection.scanner.size();
  const auto early = std::string_view(connection.input).substr(head_size);
  BodyFraming framing(head);
  const std::size_t body_size = framing.take(early);
  AnswerWriter& writer = scratch_writer();
  Begun begun = handler_.begin(engine_, connection, head, early.substr(0, body_size),
                               framing.complete(), writer.answer);
  switch (begun.kind) {
    case Begun::Kind::answered:
      connection.consume(head_size + body_size);
      return send(connection, writer);
    case Begun::Kind::pending: return wait_for_body(connection, framing, std::move(begun));
    case Begun::Kind::elsewhere: break;
  }
  connection.phase = Phase::answering;  // no other answer from here on
  if (!handler_.serve(engine_, connection, head)) return end(connection);
  connection.enter(Phase::idle, timeouts_.keep_alive);
  return std::nullopt;
}

// The head stays at the front of the input, where the request's views point to. What arrives from
// now on goes to the request.
inline RequestLoop::Next RequestLoop::wait_for_body(Connection& connection, BodyFraming framing,
                                                    Begun begun) {
  connection.exchange = std::make_unique<PendingExchange>(framing);
  connection.exchange->request = std::move(begun.request);
  connection.exchange->pace = Pace(Clock::now(), begun.body_timeout, begun.body_rate);
  connection.enter(Phase::reading_body, (std::min)(begun.body_timeout, timeouts_.read));
  if (begun.wants_continue) {
    constexpr std::string_view interim = "HTTP/1.1 100 Continue\r\n\r\n";
    const auto sent = connection.transport->write(interim.data(), interim.size());
    // It fits into an empty send buffer. If the buffer is full, the peer is not reading.
    if (sent.state != Transfer::State::done || sent.size != interim.size()) return Step::close;
  }
  return std::nullopt;
}

inline RequestLoop::Next RequestLoop::read_body(Connection& connection, Turn& turn) {
  PendingExchange& exchange = *connection.exchange;
  while (true) {
    if (turn.is_overloaded && exchange.request->may_wait()) return Step::requeue;
    std::string_view received;
    if (const Next next = receive(connection, turn, received)) return next;
    if (received.empty()) {
      // The end of the data is the client's own, or that of stop_grace.
      return answer_pending(
          connection, engine_.is_stopping() ? BodyStatus::stopped : BodyStatus::malformed, {});
    }
    const auto received_at = Clock::now();
    bool is_wanted = true;
    const std::size_t taken = exchange.framing.take(received, [&](std::string_view data) {
      is_wanted = is_wanted && exchange.request->take(data);
    });
    const auto taken_at = Clock::now();
    exchange.pace.go_on(taken_at, taken, taken_at - received_at);
    received.remove_prefix(taken);
    if (exchange.framing.broken() || !is_wanted) {
      return answer_pending(connection, BodyStatus::malformed, {});
    }
    if (exchange.framing.complete() && turn.is_overloaded) return refuse_overload(connection);
    if (exchange.framing.complete()) {
      return answer_pending(connection, BodyStatus::complete, received);
    }
    connection.set_deadline((std::min)(exchange.pace.deadline(), taken_at + timeouts_.read));
  }
}

// @param surplus  what has arrived of the next request
inline RequestLoop::Next RequestLoop::answer_pending(Connection& connection, BodyStatus status,
                                                     std::string_view surplus) {
  // Handling the request may use the buffer that `surplus` points to.
  std::string next(surplus);
  AnswerWriter& writer = scratch_writer();
  const bool is_last = status != BodyStatus::complete || engine_.is_stopping();
  connection.exchange->request->answer(status, is_last, writer.answer);
  connection.exchange.reset();
  connection.consume(connection.input.size());
  connection.input = std::move(next);
  return send(connection, writer);
}

inline RequestLoop::Next RequestLoop::send(Connection& connection, AnswerWriter& writer) {
  bool has_progress = false;
  connection.phase = Phase::answering;  // no other answer from here on
  const auto progress = writer.pump(*connection.transport, has_progress);
  if (progress == AnswerWriter::Progress::complete) {
    const bool is_last = writer.answer.is_last;
    writer.clear();
    return finish_answer(connection, is_last);
  }
  connection.exchange = std::make_unique<PendingExchange>(BodyFraming(RequestHead()));
  std::swap(connection.exchange->writer, writer);
  const auto& source = connection.exchange->writer.answer.source;
  connection.exchange->pace = Pace(Clock::now(), timeouts_.answer, source ? source->min_rate() : 0);
  connection.enter(Phase::answering, timeouts_.write);
  return wait_for_client(connection, progress, true);
}

// Tells a source that has nothing that the server stops. @returns whether it goes on
inline bool RequestLoop::can_complete(PendingExchange& exchange) {
  return !std::exchange(exchange.is_source_told, true) && exchange.writer.answer.source->stop();
}

inline RequestLoop::Next RequestLoop::continue_answer(Connection& connection, const Turn& turn) {
  PendingExchange& exchange = *connection.exchange;
  if (connection.awaits_source.load() && !engine_.is_stopping()) {
    // The event may be the client's end. Only if it is closed in both directions is it gone.
    pollfd poll{connection.socket.get(), 0, 0};
    const bool is_gone = ::poll(&poll, 1, 0) > 0 && (poll.revents & (POLLERR | POLLHUP)) != 0;
    return is_gone ? Step::close : Step::park;
  }
  if (connection.awaits_source.exchange(false) && !can_complete(exchange)) return Step::close;
  // The source may have to wait for the storage.
  if (turn.is_overloaded && exchange.writer.answer.source) return Step::requeue;
  bool has_progress = false;
  const auto began_at = Clock::now();
  const std::uint64_t before = exchange.writer.taken();
  const auto progress = exchange.writer.pump(*connection.transport, has_progress);
  const auto ended_at = Clock::now();
  exchange.pace.go_on(ended_at, static_cast<std::size_t>(exchange.writer.taken() - before),
                      ended_at - began_at);
  if (progress != AnswerWriter::Progress::complete) {
    return wait_for_client(connection, progress, has_progress);
  }
  const bool is_last = exchange.writer.answer.is_last;
  connection.exchange.reset();
  return finish_answer(connection, is_last);
}

inline RequestLoop::Next RequestLoop::wait_for_client(Connection& connection,
                                                      AnswerWriter::Progress progress,
                                                      bool has_progress) {
  PendingExchange& exchange = *connection.exchange;
  const auto now = Clock::now();
  const bool is_resumed = exchange.pace.is_paused();
  if (is_resumed) exchange.pace.restart(now);
  switch (progress) {
    case AnswerWriter::Progress::failed: connection.answer_failed = true; return end(connection);
    case AnswerWriter::Progress::later:
      if (engine_.is_stopping()) return can_complete(exchange) ? Step::requeue : Step::close;
      // The client has taken all that there was. Its time begins anew when there is more.
      exchange.pace.pause();
      connection.set_deadline(exchange.pace.deadline());
      connection.awaits_source.store(true);
      exchange.writer.answer.source->on_ready(engine_.waker(connection));
      return Step::park;
    case AnswerWriter::Progress::turn_over: break;
    default:
      if (engine_.memory().is_scarce()) exchange.writer.give_back();
      if (has_progress || is_resumed) {
        connection.set_deadline((std::min)(exchange.pace.deadline(), now + timeouts_.write));
      }
      return progress == AnswerWriter::Progress::wants_read ? Step::park : Step::await_write;
  }
  connection.set_deadline((std::min)(exchange.pace.deadline(), now + timeouts_.write));
  return Step::requeue;
}

inline RequestLoop::Next RequestLoop::finish_answer(Connection& connection, bool is_last) {
  if (is_last) return end(connection);
  connection.enter(Phase::idle, timeouts_.keep_alive);
  return std::nullopt;
}

// RFC 9112, 2.2: a server should ignore empty lines before a request.
inline void RequestLoop::skip_empty_lines(Connection& connection) {
  constexpr std::string_view empty_line = "\r\n";
  std::string_view rest = connection.input;
  while (rest.substr(0, empty_line.size()) == empty_line) rest.remove_prefix(empty_line.size());
  if (rest.size() < connection.input.size())
    connection.consume(connection.input.size() - rest.size());
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

// The head of the request is at the front of the input.
inline RequestLoop::Step RequestLoop::refuse_overload(Connection& connection) {
  overload_.raise();
  return refuse(connection, head_so_far(connection), {503, "Too many requests at once"});
}

// The whole lines that have arrived of the head at the front of the input.
inline RequestHead RequestLoop::head_so_far(const Connection& connection) {
  const auto bytes = std::string_view(connection.input).substr(0, connection.scanner.size());
  const auto end = bytes.rfind("\r\n");
  return end == std::string_view::npos ? RequestHead() : read_head(bytes.substr(0, end + 2));
}

// Closing a socket with unread input resets the connection, and the peer may then lose the answer.
// So the input is drained first. That takes a slot and no thread.
inline RequestLoop::Step RequestLoop::end(Connection& connection) {
  connection.exchange.reset();
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
  connection.enter(Phase::draining, linger_start);
  return drain(connection);
}

inline RequestLoop::Step RequestLoop::drain(Connection& connection) {
  std::array<char, buffer_bytes> buffer;  // NOLINT: written before it is read
  const auto start = Clock::time_point(Clock::duration(connection.since.load()));
  for (int reads = 0; reads < fair_share; ++reads) {
    const auto received = connection.transport->read(buffer.data(), buffer.size());
    if (received.state == Transfer::State::wants_read) return Step::park;
    if (received.state != Transfer::State::done) return Step::close;
    connection.drained_bytes += received.size;
    if (connection.exceeds_limit) continue;  // such connections have few slots
    const std::chrono::milliseconds earned(connection.drained_bytes / linger_bytes_per_ms);
    connection.set_deadline((std::min)(
        {start + linger_time, start + linger_start + earned, Clock::now() + linger_silence}));
  }
  return Step::requeue;
}

}  // namespace addrbook::detail
