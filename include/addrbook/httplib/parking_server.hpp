/// ParkingServer: httplib's servers with connections and threads run by our engine. Everything that
/// relies on how httplib::Server works inside is in this folder.
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http/answer_head.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/httplib/book_host.hpp>
#include <addrbook/httplib/connection_stream.hpp>
#include <addrbook/httplib/head_repair.hpp>
#include <addrbook/httplib/httplib.hpp>
#include <addrbook/httplib/refusals.hpp>
#include <addrbook/log.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/metrics/collectors.hpp>
#include <addrbook/metrics/page.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest.hpp>
#include <addrbook/server/answer_writer.hpp>
#include <addrbook/server/book_lane.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_counts.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/dropped_body.hpp>
#include <addrbook/server/listening.hpp>
#include <addrbook/server/parking.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The Parking as httplib's task queue: both exist while the server listens.
class ParkingQueue final : public httplib::TaskQueue {
 public:
  /// @param peer  the other end of the socket that httplib listens on
  explicit ParkingQueue(Descriptor peer) : peer_(std::move(peer)) {}

  /// @param metrics  is told what the connections do; may be null
  void start(std::unique_ptr<Parking> parking, const std::shared_ptr<Metrics>& metrics) {
    parking_ = std::move(parking);
    if (!metrics) return;
    collector_ = metrics->collect(
        [parking = parking_.get()](MetricsPage& page) { tell(page, parking->counts()); });
  }
  bool enqueue(std::function<void()> /*task*/) override { return false; }
  void shutdown() override {
    if (parking_) parking_->stop();
  }

 private:
  Descriptor peer_;
  std::unique_ptr<Parking> parking_;
  Collector collector_;  // ends first
};

/// The base of Server and TlsServer.
///
/// httplib's own loop accepts nothing. When it starts to listen, its listening socket is handed to
/// the engine and replaced by one end of a socket pair, on which it waits until stop() closes that.
/// @tparam Base  httplib::Server or httplib::SSLServer
template <class Base>
class ParkingServer : public Base, public BookHost, private ConnectionHandler {
 public:
  /// Binds to all addresses of a name, e.g. 127.0.0.1 and ::1 of localhost. listen_after_bind()
  /// then serves them.
  /// @param port  0: any free port
  /// @returns  the port
  /// @throws   std::system_error with the reason, e.g. std::errc::address_in_use; for a name that
  /// is
  ///           not known, the resolver's
  int bind(const std::string& host, int port);

  /// As in httplib: whether listen_after_bind() serves.
  [[nodiscard]] bool is_running() const { return is_serving_.load() && Base::is_running(); }

  /// As in httplib: waits until listen_after_bind() serves or has failed.
  void wait_until_ready() const {
    Base::wait_until_ready();
    while (Base::is_running() && !is_serving_.load()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  /// As in httplib, for routes of the program. Without a handler, `100 Continue` is sent when the
  /// body is first read.
  ParkingServer& set_expect_100_continue_handler(
      httplib::Server::Expect100ContinueHandler handler) {
    has_expect_handler_ = static_cast<bool>(handler);
    Base::set_expect_100_continue_handler(std::move(handler));
    return *this;
  }

 protected:
  template <class... Arguments>
  explicit ParkingServer(ServerOptions options, Arguments&&... arguments);

  /// Adds to a request what depends on the transport.
  virtual void describe(const Connection& /*connection*/, httplib::Request& /*request*/) {}

 private:
  inline bool take_book(const std::shared_ptr<const Rest>& book) override;
  bool take_other_paths(OtherPaths other_paths) override {
    other_paths_ = std::move(other_paths);
    return !options_.hooks_see_books;
  }
  inline Begun begin(ServerEngine& engine, Connection& connection, const RequestHead& head,
                     std::string_view body, bool is_whole, Answer& answer) override;
  [[nodiscard]] bool is_instant(const RequestHead& head) const override {
    if (options_.hooks_see_books) return false;
    const BookTarget to = books_.find(head.target, head.authority);
    return to.book == nullptr ? static_cast<bool>(other_paths_) : to.is_instant(head.method);
  }
  inline bool serve(ServerEngine& engine, Connection& connection, const RequestHead& head) override;
  Begun begin_other(ServerEngine& engine, Connection& connection, const RequestHead& head,
                    std::string_view path, bool is_whole, Answer& answer);
  Begun begin_special(ServerEngine& engine, Connection& connection, const RequestHead& head,
                      std::string_view path, bool is_whole, Answer& answer);
  bool is_last_request(const ServerEngine& engine, Connection& connection,
                       const RequestHead& head) const;
  std::string refusal(const Connection& connection, const RequestHead& head,
                      const HeadFault& fault) override {
    const Rest* const book = books_.find(head.target, head.authority).book;
    return refusals_.to_text(connection.remote_address, head, fault, book);
  }
  void warn(std::string_view text) noexcept override {
    try {
      refusals_.log_server(LogRecord::Level::warning, text);
    } catch (...) {  // out of memory
    }
  }

  [[nodiscard]] const Rest* book_of(const httplib::Request& request) const {
    return books_.find(request.target, {}).book;
  }
  httplib::TaskQueue* start_to_listen();
  // The program may change these two.
  [[nodiscard]] std::chrono::milliseconds read_timeout() const {
    return std::chrono::milliseconds(this->read_timeout_sec_ * 1000 +
                                     this->read_timeout_usec_ / 1000);
  }
  [[nodiscard]] std::chrono::milliseconds write_timeout() const {
    return std::chrono::milliseconds(this->write_timeout_sec_ * 1000 +
                                     this->write_timeout_usec_ / 1000);
  }

  ServerOptions options_;
  Refusals refusals_;
  BookLane books_;                 // also those that httplib's routes serve
  std::string keep_alive_;         // the value of Keep-Alive, made when the server starts to listen
  std::string keep_alive_fields_;  // whole lines with it
  bool has_expect_handler_ = false;
  std::vector<Descriptor> further_listeners_;  // of bind(), besides httplib's
  OtherPaths other_paths_;
  std::atomic<bool> is_serving_{false};  // httplib's own flag is set before the engine starts
};

// ---------------------------------------------------------------------------------------------

template <class Base>
template <class... Arguments>
ParkingServer<Base>::ParkingServer(ServerOptions options, Arguments&&... arguments)
    : Base(std::forward<Arguments>(arguments)...),
      options_(std::move(options)),
      refusals_(options_) {
  this->new_task_queue = [this] { return start_to_listen(); };  // httplib deletes the queue
  this->set_tcp_nodelay(true);
  this->set_read_timeout(options_.read_timeout);
  this->set_write_timeout(options_.write_timeout);
  this->set_keep_alive_timeout(
      std::chrono::ceil<std::chrono::seconds>(options_.keep_alive_timeout).count());
  // httplib holds a body in memory unless its route reads it; the default limit is 100 MB.
  this->set_payload_max_length(std::size_t{16} * 1024 * 1024);
  // httplib's default of 100 would make busy clients reconnect for no reason.
  this->set_keep_alive_max_count(10'000);
  // httplib sets SO_REUSEPORT by default: two servers could share a port, each with half of the
  // requests.
  this->set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  this->set_header_writer([](httplib::Stream& stream, httplib::Headers& fields) {
    if (auto* const current = ConnectionStream::current()) {
      current->set_connection_fields(fields, stream);
    }
    if (fields.count("Date") == 0) fields.emplace("Date", current_date());
    return httplib::detail::write_headers(stream, fields);
  });
  this->set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
    // httplib calls this for every status from 400 up. A route that set a body keeps it.
    if (response.body.empty() && !response.content_provider_) {
      refusals_.answer(request, response, nullptr, book_of(request));
    }
  });
  this->set_exception_handler([this](const httplib::Request& request, httplib::Response& response,
                                     const std::exception_ptr& thrown) {
    refusals_.answer(request, response, thrown, book_of(request));
  });
}

template <class Base>
int ParkingServer<Base>::bind(const std::string& host, int port) {
  check_descriptor_limit();
  const auto addresses = resolve(host);
  constexpr int attempts = 20;
  for (int attempt = 1;; ++attempt) {
    std::vector<Descriptor> listeners;
    int bound = port;
    int fault = 0;
    for (const std::string& address : addresses) {
      errno = 0;
      const int found = bound == 0                           ? this->bind_to_any_port(address)
                        : this->bind_to_port(address, bound) ? bound
                                                             : -1;
      if (found >= 0) {
        listeners.emplace_back(this->svr_sock_.exchange(INVALID_SOCKET));
        bound = found;
        continue;
      }
      fault = errno != 0 ? errno : EADDRNOTAVAIL;
      this->stop();  // httplib would otherwise refuse to listen for good
      // Not so with an address of a family that the system does not have.
      if (fault == EADDRINUSE || fault == EACCES) break;
    }
    const bool is_taken = fault == EADDRINUSE || fault == EACCES;
    if (!listeners.empty() && !is_taken) {
      this->svr_sock_.store(listeners.back().release());
      listeners.pop_back();
      further_listeners_ = std::move(listeners);
      return bound;
    }
    // The port that was free at one address is not at another.
    if (fault == EADDRINUSE && port == 0 && attempt < attempts) continue;
    throw std::system_error(fault, std::generic_category(),
                            "can't listen on " + host + ":" + std::to_string(port));
  }
}

// httplib calls this when it starts to listen.
template <class Base>
httplib::TaskQueue* ParkingServer<Base>::start_to_listen() {
  is_serving_.store(false);
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    throw std::system_error(errno, std::generic_category(), "can't serve");
  }
  Descriptor substitute(pair[0]);
  auto queue = std::make_unique<ParkingQueue>(Descriptor(pair[1]));
  socket_t taken = this->svr_sock_.load();
  if (taken == INVALID_SOCKET ||
      !this->svr_sock_.compare_exchange_strong(taken, substitute.get())) {
    return queue.release();  // stop() was called meanwhile
  }
  static_cast<void>(substitute.release());  // httplib closes it
  std::vector<Descriptor> listeners = std::exchange(further_listeners_, {});
  listeners.emplace_back(taken);
  this->set_idle_interval(1);  // httplib then polls its socket, and does not call accept()
  // httplib 0.41 asks for a backlog of 5. In a burst of clients the others would wait for their
  // SYN to be sent again, a second or more. Systems allow 4096 (net.core.somaxconn).
  constexpr int backlog = 4096;
  // Connections inherit this. It limits what the system buffers of a long answer that the client
  // does not read, which is megabytes by default.
  const int max_unsent_bytes = 128 * 1024;
  for (const Descriptor& each : listeners) {
    ::listen(each.get(), backlog);
    ::setsockopt(each.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &max_unsent_bytes,
                 sizeof max_unsent_bytes);
  }
  ParkingLimits limits{};
  const std::chrono::seconds keep_alive(this->keep_alive_timeout_sec_);
  limits.timeouts = {options_.header_timeout, read_timeout(), write_timeout(),
                     options_.answer_timeout, keep_alive};
  limits.stop_grace = options_.stop_grace;
  limits.stop_timeout = options_.stop_timeout;
  limits.max_connections = options_.max_connections;
  limits.max_threads = options_.max_threads;
  limits.max_buffered_bytes = options_.max_buffered_bytes;
  keep_alive_ = "timeout=" + std::to_string(keep_alive.count());
  keep_alive_fields_ = "Connection: keep-alive\r\nKeep-Alive: " + keep_alive_ + "\r\n";
  ConnectionHandler& handler = *this;
  queue->start(std::make_unique<Parking>(std::move(listeners), limits, handler), options_.metrics);
  is_serving_.store(true);
  return queue.release();
}

template <class Base>
bool ParkingServer<Base>::take_book(const std::shared_ptr<const Rest>& book) {
  books_.add(book);
  return !options_.hooks_see_books;
}

template <class Base>
bool ParkingServer<Base>::is_last_request(const ServerEngine& engine, Connection& connection,
                                          const RequestHead& head) const {
  return ++connection.requests >= this->keep_alive_max_count_ || head.wants_close ||
         (head.version == "HTTP/1.0" && !head.wants_keep_alive) || engine.is_stopping();
}

template <class Base>
Begun ParkingServer<Base>::begin(ServerEngine& engine, Connection& connection,
                                 const RequestHead& head, std::string_view body, bool is_whole,
                                 Answer& answer) {
  BookTarget target;
  if (!options_.hooks_see_books) target = books_.find(head.target, head.authority);
  if (target.book == nullptr) {
    // RFC 9110, 4.2.3: in absolute-form, an empty path is "/".
    const bool is_root = !head.authority.empty() && target.path().empty();
    return begin_special(engine, connection, head, is_root ? "/" : target.path(), is_whole, answer);
  }
  const bool is_last = is_last_request(engine, connection, head);
  return BookLane::begin(std::move(target), connection, head, body, is_whole, options_.body_timeout,
                         {keep_alive_fields_, engine, is_last}, answer);
}

// What httplib has no routes for. @returns "elsewhere" for all other requests
// @param path  decoded; "" with hooks_see_books
template <class Base>
Begun ParkingServer<Base>::begin_special(ServerEngine& engine, Connection& connection,
                                         const RequestHead& head, std::string_view path,
                                         bool is_whole, Answer& answer) {
  const bool is_unknown = head.method == "TRACE" || head.method == "CONNECT";
  const bool is_options = head.method == "OPTIONS" && head.target == "*";
  if (!is_unknown && !is_options) {
    if (!other_paths_ || options_.hooks_see_books) return {};
    return begin_other(engine, connection, head, path, is_whole, answer);
  }
  answer.is_last = is_unknown || !is_whole || is_last_request(engine, connection, head);
  answer.text = is_unknown ? refusal(connection, head, {501, "Method Not Implemented"})
                           : refusals_.options_text(
                                 connection.remote_address, head,
                                 answer.is_last ? "Connection: close\r\n" : keep_alive_fields_);
  Begun begun;
  begun.kind = Begun::Kind::answered;
  return begun;
}

// What take_other_paths() answers. A small body is dropped, so that the connection stays.
template <class Base>
Begun ParkingServer<Base>::begin_other(ServerEngine& engine, Connection& connection,
                                       const RequestHead& head, std::string_view path,
                                       bool is_whole, Answer& answer) {
  const bool is_last = is_last_request(engine, connection, head);
  auto make = [this, is_last, head, path = std::string(path), address = connection.remote_address](
                  bool ends, Answer& made) {
    made.is_last = ends || is_last;
    made.text = Refusals::text_of(address, head, path, other_paths_,
                                  made.is_last ? "Connection: close\r\n" : keep_alive_fields_);
  };
  Begun begun;
  if (is_whole || head.expects_continue || head.length > max_dropped_bytes) {
    make(!is_whole, answer);
    begun.kind = Begun::Kind::answered;
    return begun;
  }
  begun.kind = Begun::Kind::pending;
  begun.body_timeout = drop_timeout;
  begun.request = std::make_unique<DroppedBody<decltype(make)>>(std::move(make));
  return begun;
}

template <class Base>
bool ParkingServer<Base>::serve(ServerEngine& engine, Connection& connection,
                                const RequestHead& head) {
  const auto head_text = [&connection] {
    return std::string_view(connection.input).substr(0, connection.scanner.size());
  };
  if (const auto removed = repair_head(connection.input, head); removed > 0) {
    connection.scanner.shorten(removed);
    return serve(engine, connection, read_head(head_text()));
  }
  const bool is_last = is_last_request(engine, connection, head);
  ConnectionStream stream(
      connection, head,
      {options_.body_timeout, options_.answer_timeout, read_timeout(), write_timeout()}, engine,
      is_last, keep_alive_);
  const bool has_readable_body =
      head.method != "GET" && head.method != "HEAD" && head.method != "OPTIONS";
  if (has_expect_handler_) stream.leave_continue_to_httplib();
  if (connection.local_address.empty()) {
    httplib::detail::get_local_ip_and_port(connection.socket.get(), connection.local_address,
                                           connection.local_port);
  }
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
          // Without this, httplib would read the body of a GET into memory, on any path.
          if (!has_readable_body) {
            request.headers.erase("Content-Length");
            request.headers.erase("Transfer-Encoding");
          }
          describe(connection, request);
        },
        &is_upgraded);
  } catch (...) {
    // Thrown by a content provider or a logger of the program. This answer is cut off, nothing else
    // is affected.
    const std::exception_ptr thrown = std::current_exception();
    const auto causes = trace(thrown);
    refusals_.log_server(
        LogRecord::Level::error,
        "A callback of the program threw: " + (causes.empty() ? std::string() : causes.front()));
  }
  return stream.finish(is_done, is_closed) && !is_upgraded;
}

}  // namespace addrbook::detail
