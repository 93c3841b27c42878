/// ConnectionStream: one request of a Connection, as the stream that httplib reads and answers.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/http/body_framing.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/httplib/httplib.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/dropped_body.hpp>
#include <addrbook/server/transport.hpp>

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

struct StreamLimits {
  std::chrono::milliseconds body_timeout;    ///< for the whole body
  std::chrono::milliseconds answer_timeout;  ///< for the whole answer
  std::chrono::milliseconds read_timeout;    ///< without any data while the body is read
  std::chrono::milliseconds write_timeout;   ///< without any progress while the answer is written
};

/// Gives httplib the head and the body, and not a byte beyond them, under total deadlines. Sends
/// `100 Continue` when the body is first read, so that a client is not invited to send a body that
/// is refused. A small rest of the body that nobody has read is dropped before the answer; once
/// that has begun, no more of the body is waited for.
class ConnectionStream final : public httplib::Stream, private Pinned {
 public:
  /// @param is_last     the client or the server wants no further request on the connection
  /// @param keep_alive  the value of Keep-Alive where there may be one
  ConnectionStream(Connection& connection, const RequestHead& head, const StreamLimits& limits,
                   ServerEngine& engine, bool is_last, std::string_view keep_alive)
      : connection_(connection),
        engine_(engine),
        limits_(limits),
        head_left_(connection.scanner.size()),
        framing_(head),
        has_long_body_(head.length > max_dropped_bytes),
        is_head_(head.method == "HEAD"),
        keep_alive_(keep_alive),
        awaits_continue_(head.expects_continue),
        is_last_(is_last) {
    current_stream = this;
  }
  ~ConnectionStream() override { current_stream = nullptr; }

  /// The stream of the request that the calling thread serves.
  [[nodiscard]] static ConnectionStream* current() noexcept { return current_stream; }

  /// Decides whether the connection stays open, and says so in the answer's fields. It ends if the
  /// program has set `Connection`, if a part of the body is left, and if nothing else shows where
  /// the answer ends.
  /// @param answer  to which httplib has written the status line
  void set_connection_fields(httplib::Headers& fields, const httplib::Stream& answer);

  /// Ends the request. An answer that is not complete ends the connection with a reset: to an
  /// HTTP/1.0 client it would otherwise look complete.
  /// @param is_complete  httplib has sent all of the answer
  /// @param is_closed    httplib would end the connection
  /// @returns  whether the connection may carry a further request
  bool finish(bool is_complete, bool is_closed);

  /// Lets httplib send `100 Continue`, or a refusal in its place.
  void leave_continue_to_httplib() noexcept { awaits_continue_ = false; }

  [[nodiscard]] bool is_readable() const override {
    return head_left_ > 0 || (!framing_.complete() && input_at_ < connection_.input.size());
  }
  [[nodiscard]] bool wait_readable() const override { return !is_unreadable_; }
  [[nodiscard]] bool wait_writable() const override { return !connection_.answer_failed; }
  /// A peer that has closed its sending side may still receive: only a connection that is closed in
  /// both directions is dead, and stop() closes it like that.
  [[nodiscard]] bool is_peer_alive() const override {
    pollfd poll{connection_.socket.get(), 0, 0};
    return !connection_.answer_failed &&
           (::poll(&poll, 1, 0) == 0 || (poll.revents & (POLLERR | POLLHUP)) == 0);
  }
  inline ssize_t read(char* to, std::size_t size) override;
  inline ssize_t write(const char* from, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = connection_.remote_address;
    port = connection_.remote_port;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip = connection_.local_address;
    port = connection_.local_port;
  }
  [[nodiscard]] socket_t socket() const override { return connection_.socket.get(); }
  [[nodiscard]] time_t duration() const override { return 0; }
  // httplib calls this for a WebSocket only, whose bytes have no HTTP framing.
  void set_read_timeout(time_t seconds, time_t microseconds) override {
    limits_.read_timeout = std::chrono::milliseconds(seconds * 1000 + microseconds / 1000);
    is_raw_ = true;
  }

  // Since httplib 0.5x, lines are read through these two; older versions do not declare them.
  const char* buffered_data(std::size_t& size) const {
    size = head_left_;
    return connection_.input.data() + input_at_;
  }
  void consume_buffered(std::size_t size) {
    input_at_ += size;
    head_left_ -= size;
  }

 private:
  using Clock = Connection::Clock;

  bool receive();
  void drop_rest();
  bool send(std::string_view bytes);
  bool wait(Transfer::State wanted, std::chrono::milliseconds silence, Clock::time_point deadline);

  Connection& connection_;
  ServerEngine& engine_;
  StreamLimits limits_;
  std::size_t input_at_ = 0;  // how much of the connection's input httplib has read
  std::size_t head_left_;     // how much of the head is left to read
  BodyFraming framing_;
  const bool has_long_body_;
  const bool is_head_;
  const std::string_view keep_alive_;
  Clock::time_point body_deadline_{};  // from the first wait on, as the next
  Clock::time_point answer_deadline_{};
  bool awaits_continue_;
  bool is_answered_ = false;
  bool is_announced_ = false;  // the answer says whether the connection stays
  bool is_last_;
  bool is_raw_ = false;
  bool is_unreadable_ = false;

  static inline thread_local ConnectionStream* current_stream = nullptr;
};

// ---------------------------------------------------------------------------------------------

inline ssize_t ConnectionStream::read(char* to, std::size_t size) {
  const std::string& input = connection_.input;
  if (head_left_ > 0) {  // first, as httplib reads heads byte by byte
    const std::size_t taken = (std::min)(size, head_left_);
    std::memcpy(to, input.data() + input_at_, taken);
    input_at_ += taken;
    head_left_ -= taken;
    return static_cast<ssize_t>(taken);
  }
  if (is_unreadable_) return -1;
  if (framing_.complete() && !is_raw_) return 0;
  if (input_at_ == input.size() && !receive()) {
    is_unreadable_ = true;
    return connection_.input_ended && is_raw_ ? 0 : -1;
  }
  const std::string_view here = std::string_view(input).substr(input_at_, size);
  const std::size_t taken = is_raw_ ? here.size() : framing_.take(here);
  if (framing_.broken()) {
    is_unreadable_ = true;
    return -1;
  }
  std::memcpy(to, here.data(), taken);
  input_at_ += taken;
  return static_cast<ssize_t>(taken);
}

// Waits for more of the body. @returns false if none comes
inline bool ConnectionStream::receive() {
  if (is_answered_ && !is_raw_) return false;
  if (std::exchange(awaits_continue_, false) && !send("HTTP/1.1 100 Continue\r\n\r\n")) {
    return false;
  }
  if (body_deadline_ == Clock::time_point()) body_deadline_ = Clock::now() + limits_.body_timeout;
  if (!is_raw_ && Clock::now() >= body_deadline_) return false;
  connection_.input.erase(0, input_at_);
  input_at_ = 0;
  std::array<char, std::size_t{16} * 1024> buffer;  // NOLINT: written before it is read
  while (!connection_.input_ended) {
    const auto received = connection_.transport->read(buffer.data(), buffer.size());
    switch (received.state) {
      case Transfer::State::done:
        connection_.input.append(buffer.data(), received.size);
        return true;
      case Transfer::State::wants_read:
      case Transfer::State::wants_write:
        if (!wait(received.state, limits_.read_timeout,
                  is_raw_ ? Clock::time_point::max() : body_deadline_)) {
          return false;
        }
        break;
      case Transfer::State::ended: connection_.input_ended = true; break;
      case Transfer::State::failed: return false;
    }
  }
  return false;
}

inline ssize_t ConnectionStream::write(const char* from, std::size_t size) {
  is_answered_ = true;
  if (!send({from, size})) {
    connection_.answer_failed = true;
    return -1;
  }
  return static_cast<ssize_t>(size);
}

inline bool ConnectionStream::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (connection_.answer_failed) return false;
    const auto sent = connection_.transport->write(bytes.data(), bytes.size());
    switch (sent.state) {
      case Transfer::State::done: bytes.remove_prefix(sent.size); break;
      case Transfer::State::wants_read:
      case Transfer::State::wants_write:
        if (!is_raw_ && answer_deadline_ == Clock::time_point()) {
          answer_deadline_ = Clock::now() + limits_.answer_timeout;
        }
        if (!wait(sent.state, limits_.write_timeout,
                  is_raw_ ? Clock::time_point::max() : answer_deadline_)) {
          return false;
        }
        break;
      default: return false;
    }
  }
  return true;
}

inline bool ConnectionStream::wait(Transfer::State wanted, std::chrono::milliseconds silence,
                                   Clock::time_point deadline) {
  const auto left = deadline == Clock::time_point::max()
                        ? silence
                        : std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  const short events = wanted == Transfer::State::wants_read ? POLLIN : POLLOUT;
  return left.count() > 0 && engine_.wait_for(connection_, events, (std::min)(silence, left));
}

// Reads what is left of a body that nobody wants, if it is little and comes at once, so that the
// connection can carry a further request.
inline void ConnectionStream::drop_rest() {
  if (head_left_ > 0 || is_raw_ || is_unreadable_) return;
  std::size_t dropped = 0;
  const auto take = [&] {
    const auto size = framing_.take(std::string_view(connection_.input).substr(input_at_));
    input_at_ += size;
    dropped += size;
  };
  take();
  // Whoever waits for `100 Continue` may never send the body.
  if (has_long_body_ || (awaits_continue_ && dropped == 0)) return;
  awaits_continue_ = false;
  const auto soon = Clock::now() + drop_timeout;
  if (body_deadline_ == Clock::time_point() || body_deadline_ > soon) body_deadline_ = soon;
  const auto has_end = [this] { return framing_.complete() || framing_.broken(); };
  while (!has_end() && dropped <= max_dropped_bytes && receive()) take();
}

inline void ConnectionStream::set_connection_fields(httplib::Headers& fields,
                                                    const httplib::Stream& answer) {
  drop_rest();
  std::string_view status;
  if (const auto* const text = dynamic_cast<const httplib::detail::BufferStream*>(&answer)) {
    status = std::string_view(text->get_buffer()).substr(0, 12);  // "HTTP/1.1 204"
    status.remove_prefix((std::min)(status.size(), std::size_t{9}));
  }
  const bool has_no_body = status == "204" || status == "304";
  // RFC 9110, 8.6: not in a 204, and in a 304 it would have to be that of the 200.
  if (has_no_body) fields.erase("Content-Length");
  const bool has_end = has_no_body || is_head_ || fields.count("Content-Length") != 0 ||
                       fields.count("Transfer-Encoding") != 0;
  // httplib itself sets either of the two, once.
  const bool is_set_by_program = fields.count("Connection") > (fields.count("Keep-Alive") == 0);
  is_last_ = is_last_ || engine_.is_stopping() || is_set_by_program || !has_end || head_left_ > 0 ||
             !framing_.complete();
  is_announced_ = true;
  for (const char* const name : {"Connection", "Keep-Alive"}) fields.erase(name);
  fields.emplace("Connection", is_last_ ? "close" : "keep-alive");
  if (!is_last_) fields.emplace("Keep-Alive", keep_alive_);
}

inline bool ConnectionStream::finish(bool is_complete, bool is_closed) {
  if (is_answered_ && !is_complete) connection_.answer_failed = true;
  if (!is_announced_) {  // the program has replaced the header writer: what httplib said holds
    is_last_ = is_last_ || is_closed;
    if (head_left_ == 0) {
      input_at_ += framing_.take(std::string_view(connection_.input).substr(input_at_));
    }
  }
  connection_.consume(input_at_);
  return is_answered_ && !is_last_ && !connection_.answer_failed && framing_.complete() && !is_raw_;
}

}  // namespace addrbook::detail
