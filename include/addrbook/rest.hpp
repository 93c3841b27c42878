/// Rest: a Service over HTTP (RFC 9110) without an HTTP library, Request -> Reply. Which endpoints
/// there are is in rest/routes.hpp; what holds for all of them is here.
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/http/prefix.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/http/request_id.hpp>
#include <addrbook/log.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/body.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/exchange.hpp>
#include <addrbook/rest/routes.hpp>
#include <addrbook/rest/web_policy.hpp>
#include <addrbook/service.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook {

/// A book's HTTP interface. An HTTP library's adapter passes every request below the prefix to
/// handle(); mount.hpp has the one for cpp-httplib.
/// @par Thread safety  any thread.
class Rest {
 public:
  /// @throws Error{invalid} if `service` is null, or the prefix, an origin or a host is not as
  ///         Options says
  Rest(std::shared_ptr<Service> service, Options options);

  [[nodiscard]] const Options& options() const noexcept { return options_; }

  /// Answers a request. Errors are replies too.
  /// @throws std::bad_alloc and nothing else
  [[nodiscard]] Reply handle(const Request& request) const;

 private:
  [[nodiscard]] Reply respond(detail::Exchange& exchange, std::string& preflight_methods) const;
  void check_web(const Request& request, bool is_write) const;
  void authorize(detail::Exchange& exchange, Action action, std::string_view id) const;
  [[nodiscard]] static detail::QueryParameters read_query(const Request& request,
                                                          const detail::Route& route);

  std::shared_ptr<Service> service_;
  Options options_;
  detail::WebPolicy web_;
  detail::RequestIds request_ids_;
};

// ---------------------------------------------------------------------------------------------

inline Rest::Rest(std::shared_ptr<Service> service, Options options)
    : service_(std::move(service)),
      options_(std::move(options)),
      web_(options_.allowed_origins, options_.allowed_hosts) {
  if (!service_) throw Error(Errc::invalid, "mount needs a service");
  if (!detail::is_valid_prefix(options_.prefix)) {
    throw Error(Errc::invalid,
                "the prefix '" + options_.prefix +
                    "' is not one or more segments of [A-Za-z0-9._~-], each after a '/'");
  }
}

inline Reply Rest::handle(const Request& request) const {
  detail::Exchange exchange(request, request_ids_);
  std::string preflight_methods;
  Reply reply;
  try {
    reply = respond(exchange, preflight_methods);
  } catch (...) {
    reply = exchange.fail(std::current_exception(), options_.debug);
  }
  exchange.finish(reply, options_.coding.get());
  web_.add_headers(request, preflight_methods, reply);
  exchange.log(reply, options_.log, options_.debug, options_.answer_timeout);
  return reply;
}

// The order of these steps decides which of several errors a client sees.
inline Reply Rest::respond(detail::Exchange& exchange, std::string& preflight_methods) const {
  const Request& request = exchange.request();
  const auto endpoints = detail::Endpoints::find(request.path);
  if (!endpoints) throw detail::HttpError(404, "Unknown Endpoint");
  const detail::Route* const route = endpoints->route(request.method);
  const bool is_options = request.method == "OPTIONS";
  if (route == nullptr && !is_options) {
    throw detail::HttpError(405, "Method Not Allowed", {{"Allow", endpoints->methods()}});
  }
  // Not for _health and _ready: monitors use the server's address as Host.
  if (!endpoints->is_open()) check_web(request, !is_options && route->action != Action::read);
  if (is_options) {
    Reply reply = detail::empty_reply(204);
    preflight_methods = endpoints->methods();
    reply.headers.emplace_back("Allow", preflight_methods);
    return reply;
  }
  if (route->action) authorize(exchange, *route->action, endpoints->id());
  detail::Context context{service_, options_, exchange, {}, endpoints->id(), {}};
  if (route->body == detail::Route::Body::json) {
    context.body = detail::read_json_body(exchange, options_);
  }
  context.query = read_query(request, *route);
  return route->handle(context);
}

inline void Rest::check_web(const Request& request, bool is_write) const {
  if (!web_.is_known_host(request)) {
    throw detail::HttpError(403, "Forbidden: Host is not a name of this server");
  }
  if (is_write && !web_.may_write(request)) {
    throw detail::HttpError(403, "Forbidden: a web page of another origin must not write");
  }
}

inline void Rest::authorize(detail::Exchange& exchange, Action action, std::string_view id) const {
  if (!options_.authorize) return;
  Access access;
  try {
    access = options_.authorize({action, id, exchange.request()});
  } catch (...) {
    std::throw_with_nested(Error(Errc::internal, "the authorisation failed"));
  }
  exchange.set_user(std::move(access.user));
  switch (access.verdict) {
    case Access::Verdict::allowed: return;
    case Access::Verdict::unauthenticated:
      // RFC 9110, 15.5.2: a 401 must have a challenge.
      if (access.challenge.empty() || !detail::is_field_value(access.challenge)) {
        throw Error(Errc::internal, "the authorisation's challenge can't stand in a header field");
      }
      throw detail::HttpError(401, "Unauthorized",
                              {{"WWW-Authenticate", std::move(access.challenge)}});
    case Access::Verdict::forbidden: throw detail::HttpError(403, "Forbidden");
  }
}

inline detail::QueryParameters Rest::read_query(const Request& request,
                                                const detail::Route& route) {
  auto parameters = detail::parse_query(request.query);
  if (!parameters) throw detail::HttpError(400, "Invalid query: '%' needs two hexadecimal digits");
  for (const auto& [name, value] : *parameters) {
    const auto& known = route.parameters;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw detail::HttpError::of_query("Unknown parameter", ": '" + name + "'");
    }
  }
  return *std::move(parameters);
}

}  // namespace addrbook
