/// ConnectionHandler: the seam between the engine, which keeps connections, and the server, which
/// answers requests.
#pragma once

#include <addrbook/base/memory_budget.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/server/answer_writer.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/transport.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// What the engine offers to a handler while a request is served.
class ServerEngine : private Pinned {
 public:
  virtual ~ServerEngine() = default;

  /// Waits for a claimed connection's socket. Another thread takes over the work meanwhile.
  /// @param events  POLLIN or POLLOUT
  /// @returns  false after the timeout
  virtual bool wait_for(const Connection& connection, short events,
                        std::chrono::milliseconds timeout) = 0;
  /// @returns  a function that has the connection served again. It may be called by any thread and
  ///           at any time, also when the client or the engine is gone.
  virtual std::function<void()> waker(Connection& connection) = 0;
  /// Whether each answer is to be the last of its connection.
  [[nodiscard]] virtual bool is_stopping() const noexcept = 0;
  /// The memory that requests and answers hold while they wait for their clients.
  [[nodiscard]] virtual const MemoryBudget& memory() const noexcept = 0;
};

/// How a handler begins a request.
struct Begun {
  enum class Kind {
    elsewhere,  ///< the engine does not serve such requests: call serve()
    answered,   ///< the answer is made
    pending,    ///< `request` takes the rest of the body
  };

  Kind kind = Kind::elsewhere;
  std::unique_ptr<PendingRequest> request;
  std::chrono::milliseconds body_timeout{0};  ///< for all of the body, see Pace
  std::size_t body_rate = 0;                  ///< the same, in bytes a second
  bool wants_continue = false;                ///< the client waits for `100 Continue`
};

/// @par Thread safety  Called by several threads at once, but by one at a time for a connection.
class ConnectionHandler : private Pinned {
 public:
  virtual ~ConnectionHandler() = default;

  /// @returns  null if there is no memory for one
  virtual std::unique_ptr<Transport> open_transport(int socket) = 0;
  /// Whether a refusal can be written before anything is read. Not so with TLS.
  [[nodiscard]] virtual bool can_refuse_at_once() const noexcept = 0;
  /// Begins the request at the front of the connection's input, and answers it if its body is not
  /// needed or has arrived.
  /// @param body     what has arrived of the body, with its framing
  /// @param is_whole whether that is all of it
  /// @param answer   filled in if it is made. It is the last of the connection if the body is not
  ///                 whole.
  virtual Begun begin(ServerEngine& engine, Connection& connection, const RequestHead& head,
                      std::string_view body, bool is_whole, Answer& answer) = 0;
  /// Whether the request is answered without waiting for anything, so that it can be served even if
  /// no thread is free.
  [[nodiscard]] virtual bool is_instant(const RequestHead& head) const = 0;
  /// Answers the request at the front of the connection's input and consumes it. Waits for the
  /// client.
  /// @returns  whether the connection may carry a further request
  virtual bool serve(ServerEngine& engine, Connection& connection, const RequestHead& head) = 0;
  /// Formats the answer to a request that is not served.
  /// @param head  as far as it was read
  virtual std::string refusal(const Connection& connection, const RequestHead& head,
                              const HeadFault& fault) = 0;
  /// Logs a warning about the server as a whole.
  virtual void warn(std::string_view text) noexcept = 0;
};

/// A condition of the server that is logged once until it has cleared: an attacker must not be able
/// to fill the disk with log lines.
/// @par Thread safety  any thread
class Warning {
 public:
  /// @param text  must outlive the object
  Warning(ConnectionHandler& handler, std::string_view text) : handler_(handler), text_(text) {}

  void raise() {
    if (!is_raised_.exchange(true)) handler_.warn(text_);
  }
  void clear() noexcept {
    if (is_raised_.load(std::memory_order_relaxed)) is_raised_.store(false);
  }

 private:
  ConnectionHandler& handler_;
  std::string_view text_;
  std::atomic<bool> is_raised_{false};
};

constexpr HeadFault too_many_connections{503, "Too many connections"};

}  // namespace addrbook::detail
