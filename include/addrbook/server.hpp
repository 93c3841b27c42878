/// Server: an httplib::Server for a program that has none yet. Its errors are JSON, many clients
/// don't wait for each other, and it stops without cutting off a request.
#pragma once

#include <addrbook/mount.hpp>

#include <httplib.h>

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace addrbook {

/// How a Server treats its connections. Every field has a default that is safe to use.
struct ServerOptions {
  /// How long a client may be silent in the middle of a request.
  std::chrono::milliseconds read_timeout{5'000};
  /// How long a client may take nothing of an answer.
  std::chrono::milliseconds write_timeout{5'000};
  /// How long a connection may be idle between requests; rounded up to whole seconds.
  std::chrono::milliseconds keep_alive_timeout{15'000};
  /// After stop(): how long what has begun to arrive may go on arriving.
  std::chrono::milliseconds stop_grace{1'000};
  /// After stop(): how long answers may take; then the connections are cut.
  std::chrono::milliseconds stop_timeout{10'000};
  /// The most connections that are served at once; more wait.
  std::size_t max_threads = 1'000;
  /// As in Options; for the requests that the server answers itself.
  bool debug = false;
  /// As in Options; for the requests that the server answers itself.
  LogSink log;
};

/// An httplib::Server: everything of that class works, mount() included.
///
/// It uses the server's error handler, exception handler and task queue; a program that sets one of
/// these itself takes that part over. Unknown paths get a 404 `Unknown Endpoint`, what httplib
/// refuses (bad request lines, header fields, lengths) its status, both in JSON.
/// @par Stop  stop() from any thread ends listen_after_bind(), which returns when all requests have
///      been answered, at the latest stop_timeout after.
class Server : public httplib::Server {
 public:
  explicit Server(ServerOptions options = {});

  /// Binds to an address; then call listen_after_bind().
  /// @param port  0: any free one
  /// @returns  the port
  /// @throws   std::system_error with the reason, e.g. std::errc::address_in_use
  int bind(const std::string& host, int port);

 private:
  class ThreadQueue;

  bool process_and_close_socket(socket_t socket) override;
  void shut_down_sockets(int how);
  void answer_error(const httplib::Request& request, httplib::Response& response,
                    const std::exception_ptr& thrown) const;

  ServerOptions options_;
  detail::RequestIds request_ids_;
  std::mutex sockets_mutex_;
  std::set<socket_t> sockets_;
};

// ---------------------------------------------------------------------------------------------

/// A thread for every connection, kept for the next one: httplib's own pool does not grow in a
/// burst, so that a few idle connections can keep everybody waiting.
class Server::ThreadQueue final : public httplib::TaskQueue {
 public:
  explicit ThreadQueue(Server& server) : server_(server) {}

  bool enqueue(std::function<void()> task) override {
    const std::unique_lock lock(mutex_);
    join_finished();
    tasks_.push_back(std::move(task));
    if (tasks_.size() > idle_ && threads_.size() < server_.options_.max_threads) {
      try {
        const auto self = threads_.emplace(threads_.end());
        *self = std::thread([this, self] { work(self); });
      } catch (const std::system_error&) {  // the system has no more threads
        threads_.pop_back();
        if (threads_.empty()) {
          tasks_.pop_back();
          return false;
        }
      }
    }
    wake_.notify_one();
    return true;
  }

  // Is called when the server accepts no more. Tasks that still wait are done like the others.
  void shutdown() override {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    const auto all_ended = [this] { return threads_.empty(); };
    if (!ended_.wait_for(lock, server_.options_.stop_grace, all_ended)) {
      server_.shut_down_sockets(SHUT_RD);
      const auto rest = server_.options_.stop_timeout - server_.options_.stop_grace;
      if (!ended_.wait_for(lock, rest, all_ended)) {
        server_.shut_down_sockets(SHUT_RDWR);
        ended_.wait(lock, all_ended);
      }
    }
    join_finished();
  }

 private:
  using Threads = std::list<std::thread>;

  void work(Threads::iterator self) {
    constexpr auto kept_idle = std::chrono::seconds(10);
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      const bool woken =
          wake_.wait_for(lock, kept_idle, [this] { return stopping_ || !tasks_.empty(); });
      --idle_;
      if (!woken || tasks_.empty()) break;
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
    }
    finished_.splice(finished_.end(), threads_, self);
    ended_.notify_all();
  }

  void join_finished() {
    for (std::thread& thread : finished_) thread.join();
    finished_.clear();
  }

  Server& server_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::deque<std::function<void()>> tasks_;
  Threads threads_;
  Threads finished_;  // have left work() but for its last line
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

inline Server::Server(ServerOptions options) : options_(std::move(options)) {
  new_task_queue = [this] { return new ThreadQueue(*this); };  // httplib deletes it
  set_tcp_nodelay(true);
  set_read_timeout(options_.read_timeout);
  set_write_timeout(options_.write_timeout);
  set_keep_alive_timeout(
      std::chrono::ceil<std::chrono::seconds>(options_.keep_alive_timeout).count());
  set_keep_alive_max_count(10'000);  // no reason to make a busy client reconnect; 100 by default
  // httplib's default lets two servers share a port, and each gets half of the requests.
  set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
    // Only what has no answer yet: routes, ours and the program's, word their own.
    if (response.body.empty() && !response.content_provider_) {
      answer_error(request, response, nullptr);
    }
  });
  set_exception_handler(
      [this](const httplib::Request& request, httplib::Response& response,
             const std::exception_ptr& thrown) { answer_error(request, response, thrown); });
}

inline int Server::bind(const std::string& host, int port) {
  errno = 0;
  const int bound = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
  if (bound < 0) {
    throw std::system_error(errno != 0 ? errno : EADDRNOTAVAIL, std::generic_category(),
                            "can't listen on " + host + ":" + std::to_string(port));
  }
  // httplib 0.41 asks for a queue of 5: a burst of clients would wait for their retries, a second
  // and more each.
  constexpr int backlog = 1024;
  ::listen(svr_sock_, backlog);
  return bound;
}

// As in httplib, but for the list of open sockets, which a stop needs.
inline bool Server::process_and_close_socket(socket_t socket) {
  {
    const std::lock_guard lock(sockets_mutex_);
    sockets_.insert(socket);
  }
  std::string remote_address;
  std::string local_address;
  int remote_port = 0;
  int local_port = 0;
  httplib::detail::get_remote_ip_and_port(socket, remote_address, remote_port);
  httplib::detail::get_local_ip_and_port(socket, local_address, local_port);
  bool upgraded = false;
  const bool result = httplib::detail::process_server_socket(
      svr_sock_, socket, keep_alive_max_count_, keep_alive_timeout_sec_, read_timeout_sec_,
      read_timeout_usec_, write_timeout_sec_, write_timeout_usec_,
      [&](httplib::Stream& stream, bool close_connection, bool& connection_closed) {
        return process_request(stream, remote_address, remote_port, local_address, local_port,
                               close_connection, connection_closed, nullptr, &upgraded);
      });
  {
    // Before it is closed: its number may be another connection's right after.
    const std::lock_guard lock(sockets_mutex_);
    sockets_.erase(socket);
  }
  httplib::detail::shutdown_socket(socket);
  httplib::detail::close_socket(socket);
  return result;
}

inline void Server::shut_down_sockets(int how) {
  const std::lock_guard lock(sockets_mutex_);
  for (const socket_t socket : sockets_) ::shutdown(socket, how);
}

inline void Server::answer_error(const httplib::Request& request, httplib::Response& response,
                                 const std::exception_ptr& thrown) const {
  try {
    const Request ours = detail::to_request(request, 0);
    detail::Exchange exchange(ours, request_ids_);
    std::exception_ptr error = thrown;
    if (!error) {
      const std::string message = response.status == httplib::StatusCode::NotFound_404
                                      ? "Unknown Endpoint"
                                      : httplib::status_message(response.status);
      error = std::make_exception_ptr(detail::HttpError(response.status, message));
    }
    Reply reply = exchange.error(error, options_.debug);
    exchange.finish(reply, nullptr, {});
    exchange.log(reply, options_.log, options_.debug);
    detail::write_reply(std::move(reply), request, response);
  } catch (...) {  // out of memory
    response.status = httplib::StatusCode::InternalServerError_500;
  }
}

}  // namespace addrbook
