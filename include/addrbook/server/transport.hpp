/// Transport: a connection's bytes, read and written without blocking.
#pragma once

#include <addrbook/base/pinned.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <cstddef>

namespace addrbook::detail {

/// The outcome of one attempt to read or write.
struct Transfer {
  enum class State {
    done,         ///< `size` bytes, at least one, were transferred
    wants_read,   ///< would block; retry when the socket is readable
    wants_write,  ///< would block; retry when the socket is writable
    ended,        ///< the peer sends no more
    failed,       ///< the connection is broken
  };

  State state;
  std::size_t size = 0;
};

/// One end of a connection. Does not own the socket. No call blocks.
class Transport : private Pinned {
 public:
  virtual ~Transport() = default;

  /// Continues the exchange that precedes the first byte of data. Returns `done` when it is
  /// complete, or if there is none.
  virtual Transfer handshake() = 0;
  virtual Transfer read(char* to, std::size_t size) = 0;
  virtual Transfer write(const char* from, std::size_t size) = 0;
  /// Tells the peer that no more data follows.
  virtual void finish() = 0;
  /// Whether a read that returned fewer bytes than asked for has emptied the socket.
  [[nodiscard]] virtual bool short_read_means_empty() const noexcept = 0;
};

/// Unencrypted TCP.
class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(int socket) noexcept : socket_(socket) {}

  Transfer handshake() override { return {Transfer::State::done}; }

  Transfer read(char* to, std::size_t size) override {
    const auto received = ::recv(socket_, to, size, 0);
    if (received > 0) return {Transfer::State::done, static_cast<std::size_t>(received)};
    if (received == 0) return {Transfer::State::ended};
    return {is_transient(errno) ? Transfer::State::wants_read : Transfer::State::failed};
  }

  Transfer write(const char* from, std::size_t size) override {
    const auto sent = ::send(socket_, from, size, MSG_NOSIGNAL);
    if (sent >= 0) return {Transfer::State::done, static_cast<std::size_t>(sent)};
    return {is_transient(errno) ? Transfer::State::wants_write : Transfer::State::failed};
  }

  void finish() override { ::shutdown(socket_, SHUT_WR); }

  [[nodiscard]] bool short_read_means_empty() const noexcept override { return true; }

 private:
  static bool is_transient(int error) noexcept {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
  }

  int socket_;
};

}  // namespace addrbook::detail
