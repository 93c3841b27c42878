/// For programs whose purpose is their server: running it until a signal, the limits of the
/// process, and refusing requests that are not for the book. Linux.
#pragma once

#include <addrbook/http.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/http/prefix.hpp>
#include <addrbook/http/request_id.hpp>
#include <addrbook/http/trusted_proxies.hpp>
#include <addrbook/httplib/adapter.hpp>
#include <addrbook/httplib/book_host.hpp>
#include <addrbook/httplib/httplib.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/log.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/access_log.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/exchange.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/rest/routes.hpp>
#include <addrbook/rest/web_policy.hpp>
#include <addrbook/server/service_manager.hpp>
#include <addrbook/server/signals.hpp>

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace addrbook {

/// What a program does while serve_until_signal() runs, in the thread that called it.
struct ServeHooks {
  std::function<void()> on_listening = {};  ///< the server serves
  /// SIGHUP or SIGUSR1 has arrived: read what may have changed. Without it, they end the program.
  std::function<void()> on_reload = {};
};

/// Serves until SIGINT or SIGTERM arrives or the server is stopped otherwise. A second one ends the
/// program at once. A program has one call of this at a time. Under systemd (`Type=notify`) the
/// manager is told when the server serves, reads again, and stops.
/// @param server  addrbook::Server or any httplib::Server, bound to an address
/// @param hooks   each may be empty
/// @throws  what listening or a hook throws; std::runtime_error if accepting connections fails. The
///          server is stopped then.
template <class Server>
void serve_until_signal(Server& server, const ServeHooks& hooks = {});

/// As above. @param on_listening  as in ServeHooks
template <class Server>
void serve_until_signal(Server& server, const std::function<void()>& on_listening) {
  serve_until_signal(server, ServeHooks{on_listening, {}});
}

/// Sets the signals up before serve_until_signal() does. Until then SIGINT and SIGTERM end the
/// program at once, as process 1 of a container, too; SIGHUP and SIGUSR1 wait. Call it before the
/// program starts a thread, e.g. by opening a storage.
inline void take_signals() noexcept {
  detail::Signals::prepare();
}

/// Opens /dev/null in the place of standard input, output and error where these are closed. What is
/// opened next would otherwise get their numbers, and receive what is printed. Call it first.
/// @throws  std::system_error
inline void open_standard_streams();

/// Answers all requests outside of a book with 404 before their bodies are read, which httplib
/// would otherwise keep in memory as a whole. For a server that has nothing but the book. Uses the
/// server's pre-routing handler and its payload limit.
/// @param options  those of the book: prefix, max_body_bytes and log
/// @param name     of the service; then `GET /` leads to the page, or says it and where the book is
inline void refuse_other_paths(httplib::Server& server, const Options& options,
                               const std::string& name = {});

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

template <class Server>
void serve_until_signal(Server& server, const ServeHooks& hooks) {
  const detail::Signals signals(static_cast<bool>(hooks.on_reload));
  std::future<bool> listening = std::async(std::launch::async, [&] {
    try {
      const bool is_good = server.listen_after_bind();
      signals.stop();
      return is_good;
    } catch (...) {
      signals.stop();
      throw;
    }
  });
  try {
    // stop() does nothing to a server that does not listen yet.
    constexpr std::chrono::milliseconds interval(1);
    while (!server.is_running() && listening.wait_for(interval) != std::future_status::ready) {
    }
    if (server.is_running()) {
      if (hooks.on_listening) hooks.on_listening();
      detail::notify_service_manager("READY=1");
    }
    while (signals.wait() == detail::Signals::Event::reload) {
      detail::notify_service_manager(detail::reloading_state());
      hooks.on_reload();
      detail::notify_service_manager("READY=1");
    }
    detail::notify_service_manager("STOPPING=1");
  } catch (...) {
    server.stop();
    throw;
  }
  server.stop();
  if (!listening.get()) throw std::runtime_error("listening failed");
}

inline void open_standard_streams() {
  for (int stream = 0; stream <= 2; ++stream) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest free number is this one.
    if (::open("/dev/null", O_RDWR) < 0) {
      throw std::system_error(errno, std::generic_category(), "can't open /dev/null");
    }
  }
}

namespace detail {

/// Answers what is not for a book: GET / with what the server is, if it has a name, the rest with
/// 404.
class Entrance {
 public:
  Entrance(std::string name, const Options& options)
      : log_(options.log),
        metrics_(options.metrics),
        is_debug_(options.debug),
        web_({}, options.allowed_hosts, options.loopback_hosts_only),
        proxies_(options.trusted_proxies),
        name_(std::move(name)),
        prefix_(options.prefix),
        addresses_(options.prefix),
        has_page_(options.page) {}

  [[nodiscard]] Reply answer(const Request& request) const {
    Exchange exchange(request, ids_, proxies_);
    Reply reply;
    try {
      reply = reply_to(exchange.request());
    } catch (const HttpError&) {
      reply = exchange.fail(std::current_exception(), is_debug_);
    }
    exchange.finish(reply, nullptr);
    exchange.tell(reply, log_, metrics_, is_debug_, {});
    return reply;
  }

 private:
  [[nodiscard]] Reply reply_to(const Request& request) const {
    if (request.path != "/" || name_.empty()) throw HttpError(404, "Unknown Endpoint");
    if (request.method != "GET" && request.method != "HEAD") {
      throw HttpError(405, "Method Not Allowed", {{"Allow", "GET, HEAD"}});
    }
    if (!web_.is_known_host(request)) throw HttpError(403, foreign_host_reason);
    if (!has_page_) return json_reply(describe(request.proxy_prefix));
    Reply reply = empty_reply(303);  // relative: a proxy may have cut the path in front
    reply.headers.emplace_back("Location", std::string(prefix_.root().substr(1)) + "/_page");
    return reply;
  }

  [[nodiscard]] std::string describe(std::string_view proxy_prefix) const {
    std::string text = R"({"name":)";
    append_json_string(text, name_, JsonCharset::utf8);
    const auto append = [&](std::string_view member, std::string_view path, std::string_view end) {
      text.append(",\"").append(member).append("\":\"");
      text.append(proxy_prefix).append(path).append(end).append("\"");
    };
    append("addresses", addresses_, "");
    if (prefix_.names_books()) append("books", prefix_.root(), "");
    append("health", prefix_.root(), "/_health");
    append("ready", prefix_.root(), "/_ready");
    return text + "}";
  }

  LogSink log_;
  std::shared_ptr<Metrics> metrics_;
  bool is_debug_;
  WebPolicy web_;
  TrustedProxies proxies_;
  std::string name_;
  Prefix prefix_;
  std::string addresses_;  // as the prefix was given
  bool has_page_;
  RequestIds ids_;
};

}  // namespace detail

inline void refuse_other_paths(httplib::Server& server, const Options& options,
                               const std::string& name) {
  // The book applies its limits itself, and reads on for a while beyond them so that the client
  // gets the answer. httplib's limit must not cut that off.
  constexpr std::size_t excess = std::size_t{16} * 1024 * 1024;
  constexpr std::size_t most = (std::numeric_limits<std::size_t>::max)() / 2 - excess;
  std::size_t largest = options.max_body_bytes;
  if (!options.formats.empty()) {
    largest = (std::max)(largest, options.max_import_bytes == 0 ? most : options.max_import_bytes);
  }
  server.set_payload_max_length(2 * (std::min)(largest, most) + excess);
  const std::string root(detail::Prefix(options.prefix).root());
  std::ptrdiff_t max_segments = 0;
  for (const detail::Route& route : detail::routes()) {
    if (route.is_on != nullptr && !route.is_on(options)) continue;
    const auto segments = std::count(route.path.begin(), route.path.end(), '/');
    max_segments = (std::max)(max_segments, segments + 1);  // with a '/' at the end
  }
  max_segments += std::count(options.prefix.begin() + static_cast<std::ptrdiff_t>(root.size()),
                             options.prefix.end(), '/');
  const auto entrance = std::make_shared<const detail::Entrance>(name, options);
  auto* const host = dynamic_cast<detail::BookHost*>(&server);
  if (host != nullptr && host->take_other_paths([entrance](const Request& request) {
        return entrance->answer(request);
      })) {
    return;
  }
  const auto keeper =
      host != nullptr ? detail::ConnectionKeeper::engine : detail::ConnectionKeeper::httplib;
  server.set_pre_routing_handler([max_segments, entrance, keeper, root](
                                     const httplib::Request& request, httplib::Response& response) {
    const std::string_view path = request.path;
    const std::string_view rest = path.substr((std::min)(root.size(), path.size()));
    const bool is_below = path.substr(0, root.size()) == root &&
                          (rest.empty() || rest.front() == '/') &&
                          std::count(rest.begin(), rest.end(), '/') <= max_segments;
    if (is_below) return httplib::Server::HandlerResponse::Unhandled;
    const detail::HttplibFields fields(request.headers);
    detail::write_reply(entrance->answer(detail::to_request(request, fields, 0)), request, response,
                        keeper);
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
