/// For programs whose purpose is their server: running it until a signal, the limits of the
/// process, and refusing requests that are not for the book. Linux.
#pragma once

#include <addrbook/http/origin.hpp>
#include <addrbook/log.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/access_log.hpp>
#include <addrbook/rest/routes.hpp>
#include <addrbook/server/stop_signals.hpp>

#include <httplib.h>

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <string_view>

namespace addrbook {

/// Blocks SIGINT and SIGTERM in the calling thread and in those that it starts. Call it before the
/// program starts a thread, e.g. by opening a storage: a signal ends the program if it reaches a
/// thread that does not block it.
inline void block_stop_signals() noexcept;

/// Serves until SIGINT or SIGTERM arrives or the server is stopped otherwise. A signal that arrives
/// earlier is not lost if it is blocked. Both signals stay blocked afterwards.
/// @param server        addrbook::Server or any httplib::Server, bound to an address
/// @param on_listening  is called by this thread as soon as the server serves; may be empty
/// @throws  what listening or on_listening throws; std::runtime_error if accepting connections
///          fails. The server is stopped then.
template <class Server>
void serve_until_signal(Server& server, const std::function<void()>& on_listening = {});

/// Answers all requests outside of a book with 404 before their bodies are read, which httplib
/// would otherwise keep in memory as a whole. For a server that has nothing but the book. Uses the
/// server's pre-routing handler and its payload limit.
/// @param options  those of the book: prefix and max_body_bytes
inline void refuse_other_paths(httplib::Server& server, const Options& options);

/// Closes a book that everybody on this machine may use to the web pages in its browsers: a page
/// can reach any server under a name of its own (DNS rebinding). If `host` is a loopback address
/// and neither `authorize` nor `allowed_hosts` is set, sets `loopback_hosts_only`, and logs that. A
/// proxy on this machine that passes another Host on then needs `allowed_hosts`.
/// @param host  where the server listens
/// @returns whether that is set now
inline bool guard_loopback(Options& options, std::string_view host);

/// Raises the limit of open files to what the system allows. The usual limit, 1024, is meant for
/// programs that use select(); a server needs a file for each connection.
inline void raise_descriptor_limit() noexcept;

/// Limits the number of memory pools of glibc's malloc. By default each of up to 8 threads per
/// processor has its own and keeps it, so that a server that once had many threads stays large.
inline void limit_malloc_arenas(int count = 2) noexcept;

/// @returns  whether a server at this address or name can be reached from this machine only:
///           127.0.0.0/8, ::1, localhost
[[nodiscard]] inline bool is_loopback(std::string_view host) {
  return detail::is_loopback(host);
}

// ---------------------------------------------------------------------------------------------

inline void block_stop_signals() noexcept {
  const sigset_t signals = detail::stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

template <class Server>
void serve_until_signal(Server& server, const std::function<void()>& on_listening) {
  const detail::StopSignals signals;
  std::future<bool> listening = std::async(std::launch::async, [&] {
    try {
      const bool is_good = server.listen_after_bind();
      signals.wake();
      return is_good;
    } catch (...) {
      signals.wake();
      throw;
    }
  });
  try {
    // stop() does nothing to a server that does not listen yet.
    constexpr std::chrono::milliseconds interval(1);
    while (!server.is_running() && listening.wait_for(interval) != std::future_status::ready) {
    }
    if (server.is_running() && on_listening) on_listening();
  } catch (...) {
    server.stop();
    throw;
  }
  signals.wait();
  server.stop();
  if (!listening.get()) throw std::runtime_error("listening failed");
}

inline void refuse_other_paths(httplib::Server& server, const Options& options) {
  // The book applies max_body_bytes itself, and reads on for a while beyond it so that the client
  // gets the answer. httplib's limit must not cut that off.
  server.set_payload_max_length(2 * options.max_body_bytes + std::size_t{16} * 1024 * 1024);
  std::ptrdiff_t max_segments = 0;
  for (const detail::Route& route : detail::routes()) {
    const auto segments = std::count(route.path.begin(), route.path.end(), '/');
    max_segments = (std::max)(max_segments, segments + 1);  // with a '/' at the end
  }
  server.set_pre_routing_handler([max_segments, prefix = options.prefix](
                                     const httplib::Request& request, httplib::Response& response) {
    const std::string_view path = request.path;
    const std::string_view rest = path.substr((std::min)(prefix.size(), path.size()));
    const bool is_below = path.substr(0, prefix.size()) == prefix &&
                          (rest.empty() || rest.front() == '/') &&
                          std::count(rest.begin(), rest.end(), '/') <= max_segments;
    if (is_below) return httplib::Server::HandlerResponse::Unhandled;
    response.status = httplib::StatusCode::NotFound_404;
    return httplib::Server::HandlerResponse::Handled;
  });
}

inline bool guard_loopback(Options& options, std::string_view host) {
  if (options.authorize || !options.allowed_hosts.empty() || !is_loopback(host)) return false;
  options.loopback_hosts_only = true;
  LogRecord record;
  record.kind = LogRecord::Kind::server;
  record.reason =
      "no tokens and no http.allowed_hosts: requests to localhost, 127.0.0.0/8 and [::1] only are "
      "answered";
  detail::call_log(options.log, record);
  return true;
}

inline void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

inline void limit_malloc_arenas(int count) noexcept {
#ifdef M_ARENA_MAX
  ::mallopt(M_ARENA_MAX, count);
#else
  static_cast<void>(count);
#endif
}

}  // namespace addrbook
