/// ParkingServer: either of httplib's servers over our own engine.
#pragma once

#include <addrbook/httplib/connection_stream.hpp>
#include <addrbook/httplib/head_repair.hpp>
#include <addrbook/httplib/refusals.hpp>
#include <addrbook/options.hpp>
#include <addrbook/server/parking.hpp>

#include <httplib.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace addrbook::detail {

/// The Parking as httplib's task queue: it lives while the server listens.
class ParkingQueue final : public httplib::TaskQueue {
 public:
  /// @param peer  the other end of what httplib waits on
  explicit ParkingQueue(int peer) : peer_(peer) {}
  ParkingQueue(const ParkingQueue&) = delete;
  ParkingQueue& operator=(const ParkingQueue&) = delete;
  ParkingQueue(ParkingQueue&&) = delete;
  ParkingQueue& operator=(ParkingQueue&&) = delete;
  ~ParkingQueue() override { ::close(peer_); }

  void begin(std::unique_ptr<Parking> parking) { parking_ = std::move(parking); }
  bool enqueue(std::function<void()> /*task*/) override { return false; }
  void shutdown() override {
    if (parking_) parking_->stop();
  }

 private:
  std::unique_ptr<Parking> parking_;
  int peer_;
};

/// A Server over either of httplib's servers.
///
/// httplib's own loop accepts nothing: its listening socket is taken over when it begins to listen,
/// and it waits on one that never has a connection, until stop() ends it like any other.
template <class Base>
class ParkingServer : public Base, private ConnectionHandler {
 public:
  /// Binds to an address; then call listen_after_bind().
  /// @param port  0: any free one
  /// @returns  the port
  /// @throws   std::system_error with the reason, e.g. std::errc::address_in_use
  int bind(const std::string& host, int port);

  /// As httplib's. Without one, a client that asks is told to go on when its body is wanted.
  ParkingServer& set_expect_100_continue_handler(
      httplib::Server::Expect100ContinueHandler handler) {
    has_expect_handler_ = static_cast<bool>(handler);
    Base::set_expect_100_continue_handler(std::move(handler));
    return *this;
  }

 protected:
  template <class... Arguments>
  explicit ParkingServer(ServerOptions options, Arguments&&... arguments);

  /// Adds to a request what only the kind of connection knows.
  virtual void describe(const Connection& /*connection*/, httplib::Request& /*request*/) {}

 private:
  bool process_and_close_socket(socket_t socket) override;  // not called: see above
  bool serve(Parking& parking, Connection& connection, const RequestHead& head) override;
  std::string refusal(const Connection& connection, const RequestHead& head,
                      const HeadFault& fault) override {
    return refusals_.to_text(connection.remote_address, head, fault);
  }
  void warn(std::string_view text) override { refusals_.warn(text); }

  httplib::TaskQueue* begin_to_listen();

  ServerOptions options_;
  Refusals refusals_;
  bool has_expect_handler_ = false;
};

// ---------------------------------------------------------------------------------------------

template <class Base>
template <class... Arguments>
ParkingServer<Base>::ParkingServer(ServerOptions options, Arguments&&... arguments)
    : Base(std::forward<Arguments>(arguments)...),
      options_(std::move(options)),
      refusals_(options_.log, options_.debug) {
  this->new_task_queue = [this] { return begin_to_listen(); };  // httplib deletes it
  this->set_tcp_nodelay(true);
  this->set_read_timeout(options_.read_timeout);
  this->set_write_timeout(options_.write_timeout);
  this->set_keep_alive_timeout(
      std::chrono::ceil<std::chrono::seconds>(options_.keep_alive_timeout).count());
  // httplib keeps a body whole where the route doesn't read it itself; 100 MB by default.
  this->set_payload_max_length(std::size_t{16} * 1024 * 1024);
  this->set_keep_alive_max_count(10'000);  // no reason to make a busy client reconnect; else 100
  // httplib's default lets two servers share a port, and each gets half of the requests.
  this->set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  this->set_header_writer([](httplib::Stream& stream, httplib::Headers& fields) {
    if (auto* const current = ConnectionStream::current()) current->settle(fields);
    return httplib::detail::write_headers(stream, fields);
  });
  this->set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
    // Only what has no answer yet: routes, ours and the program's, word their own.
    if (response.body.empty() && !response.content_provider_) {
      refusals_.answer(request, response, nullptr);
    }
  });
  this->set_exception_handler(
      [this](const httplib::Request& request, httplib::Response& response,
             const std::exception_ptr& thrown) { refusals_.answer(request, response, thrown); });
}

template <class Base>
int ParkingServer<Base>::bind(const std::string& host, int port) {
  errno = 0;
  const int bound = port == 0                        ? this->bind_to_any_port(host)
                    : this->bind_to_port(host, port) ? port
                                                     : -1;
  if (bound < 0) {
    throw std::system_error(errno != 0 ? errno : EADDRNOTAVAIL, std::generic_category(),
                            "can't listen on " + host + ":" + std::to_string(port));
  }
  return bound;
}

// Called by httplib when it begins to listen; it then waits until its socket is shut down.
template <class Base>
httplib::TaskQueue* ParkingServer<Base>::begin_to_listen() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    throw std::system_error(errno, std::generic_category(), "can't serve");
  }
  auto queue = std::make_unique<ParkingQueue>(pair[1]);
  socket_t listener = this->svr_sock_.load();
  if (listener == INVALID_SOCKET || !this->svr_sock_.compare_exchange_strong(listener, pair[0])) {
    ::close(pair[0]);  // stop() was faster
    return queue.release();
  }
  this->set_idle_interval(1);  // so that httplib polls the socket and accepts nothing
  // httplib 0.41 asks for a queue of 5: a burst of clients would wait for their retries, a second
  // and more each.
  constexpr int backlog = 1024;
  ::listen(listener, backlog);
  // Inherited by every connection: a client that takes nothing of a long answer holds no more than
  // this, where the system would buffer megabytes.
  const int most_unsent_bytes = 128 * 1024;
  ::setsockopt(listener, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most_unsent_bytes,
               sizeof most_unsent_bytes);
  ConnectionHandler& handler = *this;
  ParkingLimits limits{};
  limits.header_timeout = options_.header_timeout;
  limits.keep_alive_timeout = std::chrono::seconds(this->keep_alive_timeout_sec_);
  limits.stop_grace = options_.stop_grace;
  limits.stop_timeout = options_.stop_timeout;
  limits.max_connections = options_.max_connections;
  limits.max_threads = options_.max_threads;
  queue->begin(std::make_unique<Parking>(listener, limits, handler));
  return queue.release();
}

template <class Base>
bool ParkingServer<Base>::process_and_close_socket(socket_t socket) {
  ::close(socket);
  return false;
}

template <class Base>
bool ParkingServer<Base>::serve(Parking& parking, Connection& connection, const RequestHead& head) {
  const auto head_text = [&connection] {
    return std::string_view(connection.input).substr(0, connection.scanner.size());
  };
  if (const auto shorter = repair_head(connection.input, head); shorter > 0) {
    connection.scanner.shorten(shorter);
    return serve(parking, connection, read_head(head_text()));
  }
  const auto milliseconds = [](time_t seconds, time_t microseconds) {
    return std::chrono::milliseconds(seconds * 1000 + microseconds / 1000);
  };
  ConnectionStream stream(connection, head,
                          {options_.body_timeout, options_.answer_timeout,
                           milliseconds(this->read_timeout_sec_, this->read_timeout_usec_),
                           milliseconds(this->write_timeout_sec_, this->write_timeout_usec_)},
                          parking);
  const bool has_readable_body =
      head.method != "GET" && head.method != "HEAD" && head.method != "OPTIONS";
  if (has_expect_handler_) stream.continue_is_sent_elsewhere();
  if (connection.requests == 0) {
    httplib::detail::get_local_ip_and_port(connection.socket, connection.local_address,
                                           connection.local_port);
  }
  const bool is_last = head.wants_close || parking.is_stopping() ||
                       ++connection.requests >= this->keep_alive_max_count_;
  bool is_closed = false;
  bool is_upgraded = false;
  bool is_done = false;
  try {
    is_done = this->process_request(
        stream, connection.remote_address, connection.remote_port, connection.local_address,
        connection.local_port, is_last, is_closed,
        [&](httplib::Request& request) {
          if (head.has_percent) restore_fields(request.headers, head_text());
          if (!has_expect_handler_) request.headers.erase("Expect");
          // httplib would read it whole, whoever sends it and wherever to.
          if (!has_readable_body) {
            request.headers.erase("Content-Length");
            request.headers.erase("Transfer-Encoding");
          }
          describe(connection, request);
          if (!is_last && head.version == "HTTP/1.1") stream.allow_next();
        },
        &is_upgraded);
  } catch (...) {
    // Of a provider, a logger or a handler of the program's: the answer is cut, nothing else ends.
    const std::exception_ptr thrown = std::current_exception();
    const auto causes = trace(thrown);
    warn("A callback of the program threw: " + (causes.empty() ? std::string() : causes.front()));
  }
  return stream.finish() && is_done && !is_last && !is_closed && !is_upgraded;
}

}  // namespace addrbook::detail
