/// Server: an httplib::Server for a program that has none yet. Idle and slow clients hold no
/// thread, each phase of a request has a total deadline, framing is strict, errors are JSON, and a
/// stop cuts off no request. Linux (epoll).
#pragma once

#include <addrbook/httplib/parking_server.hpp>
#include <addrbook/mount.hpp>
#include <addrbook/options.hpp>
#include <addrbook/server/transport.hpp>

#include <httplib.h>

#include <memory>
#include <utility>

namespace addrbook {

/// An httplib::Server: everything of that class works, mount() included.
///
/// It uses the server's error handler, exception handler, header writer, task queue and idle
/// interval; a program that sets one of the handlers takes that part over. Unknown paths get a 404
/// `Unknown Endpoint`, what is refused before routing (bad request lines, header fields, lengths)
/// its status, both in JSON. The body of a GET, HEAD or OPTIONS is not read.
/// @par Stop  stop() from any thread ends listen_after_bind(), which returns when all requests have
///      been answered, at the latest stop_timeout after.
class Server : public detail::ParkingServer<httplib::Server> {
 public:
  explicit Server(ServerOptions options = {}) : ParkingServer(std::move(options)) {}

 private:
  std::unique_ptr<detail::Transport> open_transport(int socket) override {
    return std::make_unique<detail::PlainTransport>(socket);
  }
  [[nodiscard]] bool may_speak_first() const noexcept override { return true; }
};

}  // namespace addrbook
