/// ConnectionHandler: what those who keep connections need to know of those who speak HTTP.
#pragma once

#include <addrbook/server/connection.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

namespace addrbook::detail {

class Parking;

/// Called by several threads at once, for each connection by one at a time.
class ConnectionHandler {
 public:
  ConnectionHandler() = default;
  ConnectionHandler(const ConnectionHandler&) = delete;
  ConnectionHandler& operator=(const ConnectionHandler&) = delete;
  ConnectionHandler(ConnectionHandler&&) = delete;
  ConnectionHandler& operator=(ConnectionHandler&&) = delete;
  virtual ~ConnectionHandler() = default;

  /// @returns null if there can be none for this socket
  virtual std::unique_ptr<Transport> open_transport(int socket) = 0;
  /// Whether a client can be told something before it has said anything: not with TLS.
  [[nodiscard]] virtual bool may_speak_first() const noexcept = 0;
  /// Answers the request at the front of the connection's input and consumes it.
  /// @returns whether a next one may follow on the connection
  virtual bool serve(Parking& parking, Connection& connection, const RequestHead& head) = 0;
  /// Words an answer for who gets no further; `head` is what is known of the request.
  virtual std::string refusal(const Connection& connection, const RequestHead& head,
                              const HeadFault& fault) = 0;
  /// Says something of the server as a whole in the log.
  virtual void warn(std::string_view text) = 0;
};

/// A state of the server that is said once, however often it shows before it ends: under attack the
/// log must not fill the disk.
class Warning {
 public:
  Warning(ConnectionHandler& handler, std::string_view text) : handler_(handler), text_(text) {}

  void raise() {
    if (!is_known_.exchange(true)) handler_.warn(text_);
  }
  void end() noexcept { is_known_.store(false); }

 private:
  ConnectionHandler& handler_;
  std::string_view text_;
  std::atomic<bool> is_known_{false};
};

constexpr HeadFault too_many_connections{503, "Too many connections"};

}  // namespace addrbook::detail
