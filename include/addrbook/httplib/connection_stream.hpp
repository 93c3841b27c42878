/// ConnectionStream: one request of a Connection as httplib reads and answers it.
#pragma once

#include <addrbook/http/body_framing.hpp>
#include <addrbook/server/parking.hpp>

#include <httplib.h>

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
  std::chrono::milliseconds body_timeout;    ///< for all of the body
  std::chrono::milliseconds answer_timeout;  ///< for all of the answer
  std::chrono::milliseconds read_timeout;    ///< of silence in the body
  std::chrono::milliseconds write_timeout;   ///< of a peer that takes nothing
};

/// Gives httplib the head and the body and not a byte more, each in its time. A 100 Continue goes
/// out when the body is first asked for, so that nobody is invited to send what is refused; once an
/// answer has begun the body is not waited for.
class ConnectionStream final : public httplib::Stream {
 public:
  ConnectionStream(Connection& connection, const RequestHead& head, const StreamLimits& limits,
                   Parking& parking)
      : connection_(connection),
        parking_(parking),
        limits_(limits),
        head_left_(connection.scanner.size()),
        framing_(head),
        awaits_continue_(head.expects_continue) {
    current_stream = this;
  }
  ConnectionStream(const ConnectionStream&) = delete;
  ConnectionStream& operator=(const ConnectionStream&) = delete;
  ConnectionStream(ConnectionStream&&) = delete;
  ConnectionStream& operator=(ConnectionStream&&) = delete;
  ~ConnectionStream() override { current_stream = nullptr; }

  /// The request that the calling thread answers.
  [[nodiscard]] static ConnectionStream* current() noexcept { return current_stream; }

  /// The request is whole and asks for no close: an error as its answer need not be the last.
  void allow_next() noexcept { is_next_allowed_ = true; }

  /// Decides whether the connection goes on, as the head of the answer is written. httplib says
  /// `Connection: close` with every error, though only what is left of a body makes it necessary.
  void settle(httplib::Headers& fields);

  /// Takes what httplib left of the body, as far as it is there, off the input.
  /// @returns whether the connection can go on with a next request
  bool finish();

  /// Leaves the 100 Continue to httplib.
  void continue_is_sent_elsewhere() noexcept { awaits_continue_ = false; }

  [[nodiscard]] bool is_readable() const override {
    return head_left_ > 0 || (!framing_.complete() && input_at_ < connection_.input.size());
  }
  [[nodiscard]] bool wait_readable() const override { return !is_unreadable_; }
  [[nodiscard]] bool wait_writable() const override { return !connection_.is_cut; }
  // A peer that has said all it has to say still listens.
  [[nodiscard]] bool is_peer_alive() const override { return !connection_.is_cut; }
  ssize_t read(char* to, std::size_t size) override;
  ssize_t write(const char* from, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = connection_.remote_address;
    port = connection_.remote_port;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip = connection_.local_address;
    port = connection_.local_port;
  }
  [[nodiscard]] socket_t socket() const override { return connection_.socket; }
  [[nodiscard]] time_t duration() const override { return 0; }
  /// A WebSocket has taken over: bytes without a frame of HTTP's from here on.
  void set_read_timeout(time_t seconds, time_t microseconds) override {
    limits_.read_timeout = std::chrono::milliseconds(seconds * 1000 + microseconds / 1000);
    is_raw_ = true;
  }

  // Since httplib 0.5x lines are read from here at once; older ones don't have these functions.
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
  bool send(std::string_view bytes);
  bool wait(short events, std::chrono::milliseconds silence, Clock::time_point deadline);

  Connection& connection_;
  Parking& parking_;
  StreamLimits limits_;
  std::size_t input_at_ = 0;  // of the connection's input has been given to httplib
  std::size_t head_left_;
  BodyFraming framing_;
  Clock::time_point body_deadline_{};
  Clock::time_point answer_deadline_{};
  bool awaits_continue_;
  bool is_answered_ = false;
  bool is_next_allowed_ = false;
  bool is_last_ = false;
  bool is_raw_ = false;
  bool is_unreadable_ = false;

  static inline thread_local ConnectionStream* current_stream = nullptr;
};

// ---------------------------------------------------------------------------------------------

inline ssize_t ConnectionStream::read(char* to, std::size_t size) {
  const std::string& input = connection_.input;
  if (head_left_ > 0) {  // the usual case by far: httplib reads heads byte by byte
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
    return connection_.has_ended && is_raw_ ? 0 : -1;
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

// Waits for more of the body.
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
  while (!connection_.has_ended) {
    const auto received = connection_.transport->read(buffer.data(), buffer.size());
    switch (received.state) {
      case Transfer::State::done:
        connection_.input.append(buffer.data(), received.size);
        return true;
      case Transfer::State::wants_read:
      case Transfer::State::wants_write:
        if (!wait(received.state == Transfer::State::wants_read ? POLLIN : POLLOUT,
                  limits_.read_timeout, is_raw_ ? Clock::time_point::max() : body_deadline_)) {
          return false;
        }
        break;
      case Transfer::State::ended: connection_.has_ended = true; break;
      case Transfer::State::failed: return false;
    }
  }
  return false;
}

inline ssize_t ConnectionStream::write(const char* from, std::size_t size) {
  is_answered_ = true;
  if (!send({from, size})) {
    connection_.is_cut = true;
    return -1;
  }
  return static_cast<ssize_t>(size);
}

inline bool ConnectionStream::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (connection_.is_cut) return false;
    const auto sent = connection_.transport->write(bytes.data(), bytes.size());
    switch (sent.state) {
      case Transfer::State::done: bytes.remove_prefix(sent.size); break;
      case Transfer::State::wants_read:
      case Transfer::State::wants_write:
        if (!is_raw_ && answer_deadline_ == Clock::time_point()) {
          answer_deadline_ = Clock::now() + limits_.answer_timeout;
        }
        if (!wait(sent.state == Transfer::State::wants_read ? POLLIN : POLLOUT,
                  limits_.write_timeout, is_raw_ ? Clock::time_point::max() : answer_deadline_)) {
          return false;
        }
        break;
      default: return false;
    }
  }
  return true;
}

inline bool ConnectionStream::wait(short events, std::chrono::milliseconds silence,
                                   Clock::time_point deadline) {
  const auto left = deadline == Clock::time_point::max()
                        ? silence
                        : std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return left.count() > 0 && parking_.wait_for(connection_, events, (std::min)(silence, left));
}

inline void ConnectionStream::settle(httplib::Headers& fields) {
  BodyFraming framing = framing_;
  framing.take(std::string_view(connection_.input).substr(input_at_));
  const bool is_said_by_others = fields.count("Connection") != 1 || fields.count("Keep-Alive") != 0;
  if (is_next_allowed_ && framing.complete() && !is_said_by_others) fields.erase("Connection");
  is_last_ = fields.erase("Connection") != 0;
  if (is_last_) fields.emplace("Connection", "close");
}

inline bool ConnectionStream::finish() {
  if (!framing_.complete() && !framing_.broken() && head_left_ == 0) {
    input_at_ += framing_.take(std::string_view(connection_.input).substr(input_at_));
  }
  connection_.consume(input_at_);
  return is_answered_ && !is_last_ && !connection_.is_cut && framing_.complete() && !is_raw_;
}

}  // namespace addrbook::detail
