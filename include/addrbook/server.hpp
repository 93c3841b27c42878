/// Server: an httplib::Server for a program that has none yet. Its books are served by an engine of
/// ours: idle and slow clients hold no thread. Each phase of a request has a total deadline,
/// framing is strict, errors are JSON, and stop() lets requests complete. Linux (epoll).
#pragma once

#include <addrbook/httplib/httplib.hpp>
#include <addrbook/httplib/parking_server.hpp>
#include <addrbook/mount.hpp>
#include <addrbook/options.hpp>
#include <addrbook/serve.hpp>
#include <addrbook/server/transport.hpp>

#include <memory>
#include <utility>

namespace addrbook {

/// An httplib::Server. All functions of that class work, and so does mount().
///
/// Requests for books do not pass through httplib: a request holds a thread only while the storage
/// works on it, and the server's hooks don't see it. A request for a route of the program, and with
/// ServerOptions::hooks_see_books each request, holds one from when its head is there to the end of
/// its answer, also while it waits for its client.
///
/// It sets the server's error handler, exception handler, header writer, task queue and idle
/// interval; a program that sets one of the handlers replaces that part. Unknown paths get a 404
/// `Unknown Endpoint`. Requests that are refused before routing (invalid request lines, header
/// fields, lengths) get the status for it. Both are JSON. Routes of the program see no body of a
/// GET, HEAD or OPTIONS.
/// @par Thread safety  Limits, handlers, routes and books are set by one thread, before the server
///      listens; mount() refuses a book afterwards. is_running() and wait_until_ready() are for any
///      thread. The destructor must wait until listen_after_bind() has returned.
/// @par Stop  stop() may be called once by any thread, also from a route, when wait_until_ready()
///      has returned; earlier it does nothing. listen_after_bind() then returns when all
///      requests have been answered, at the latest after stop_timeout.
class Server : public detail::ParkingServer<httplib::Server> {
 public:
  explicit Server(ServerOptions options = {}) : ParkingServer(std::move(options)) {}

 private:
  std::unique_ptr<detail::Transport> open_transport(int socket) override {
    return std::make_unique<detail::PlainTransport>(socket);
  }
  [[nodiscard]] bool can_refuse_at_once() const noexcept override { return true; }
};

}  // namespace addrbook
