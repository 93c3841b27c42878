/// WebPolicy: what web pages may do. A web page can make the browser send requests to any server,
/// also to one on the user's own machine.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/rest/reply.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// To who calls a server by another name, e.g. behind a proxy of their own: it names the setting.
inline constexpr const char* foreign_host_reason =
    "Forbidden: Host is not a name of this server (see http.allowed_hosts)";

/// Enforces Options::allowed_origins and allowed_hosts, and tells browsers about them (CORS; Fetch
/// standard, 3.2).
class WebPolicy {
 public:
  /// @throws Error{invalid} naming the entry that is not an origin, or not a host name
  /// @param only_loopback  as Options::loopback_hosts_only
  WebPolicy(const std::vector<std::string>& origins, const std::vector<std::string>& hosts,
            bool only_loopback = false);

  /// @returns whether the request's Host is an allowed one
  [[nodiscard]] bool is_known_host(const Request& request) const;

  /// @returns whether a write comes from no page, a page of this host, or one of an allowed origin.
  ///          Of which host the page is, the browser says too (Sec-Fetch-Site; Fetch
  ///          Metadata, 2.4): behind a proxy Host may be another name. A page can't set that field.
  [[nodiscard]] bool may_write(const Request& request) const;

  /// Adds the fields that a browser needs. A preflight of an allowed origin may ask for any fields
  /// (Fetch standard, 4.8): which of them count is decided when they come.
  /// @param methods  of the path, as in Allow, for an OPTIONS that is allowed; else ""
  void add_headers(const Request& request, std::string_view methods, Reply& reply) const;

 private:
  [[nodiscard]] bool is_allowed(std::string_view origin) const;

  bool any_origin_ = false;
  bool only_loopback_;
  std::vector<Origin> origins_;
  std::vector<std::string> hosts_;
};

// ---------------------------------------------------------------------------------------------

/// @returns whether it is a list of field names that is worth repeating
inline bool is_list_of_names(std::string_view list) noexcept {
  constexpr std::size_t max_bytes = 2048;
  constexpr int max_names = 64;
  if (list.size() > max_bytes) return false;
  for (int names = 0; !list.empty(); ++names) {
    if (names == max_names || !is_token(trim(cut(list, ',')))) return false;
  }
  return true;
}

inline WebPolicy::WebPolicy(const std::vector<std::string>& origins,
                            const std::vector<std::string>& hosts, bool only_loopback)
    : only_loopback_(only_loopback) {
  for (const std::string& entry : origins) {
    if (entry == "*") {
      if (origins.size() != 1) {
        throw Error(Errc::invalid, "'*' stands for all origins and must stand alone");
      }
      any_origin_ = true;
      continue;
    }
    auto origin = parse_origin(entry);
    if (!origin) {
      throw Error(Errc::invalid, "'" + entry + "' is no origin (scheme://host[:port]), nor '*'");
    }
    origins_.push_back(*std::move(origin));
  }
  for (const std::string& entry : hosts) {
    auto authority = parse_authority(entry);
    if (!authority || authority->port != 0) {
      throw Error(Errc::invalid, "'" + entry +
                                     "' is no host name (without a port; an IPv6 address in "
                                     "brackets)");
    }
    hosts_.push_back(std::move(authority->host));
  }
}

inline bool WebPolicy::is_known_host(const Request& request) const {
  if (hosts_.empty() && !only_loopback_) return true;
  const auto value = request.header("Host");
  const auto called = value ? parse_authority(*value) : std::nullopt;
  if (!called) return false;
  if (hosts_.empty()) return called->host == "[::1]" || is_loopback(called->host);
  return std::find(hosts_.begin(), hosts_.end(), called->host) != hosts_.end();
}

inline bool WebPolicy::may_write(const Request& request) const {
  if (any_origin_) return true;
  const auto value = request.header("Origin");  // a browser sends it with every write
  if (!value) return true;
  if (request.header("Sec-Fetch-Site") == "same-origin") return true;
  const auto origin = parse_origin(*value);
  if (!origin) return false;
  const auto host = request.header("Host");
  const auto called = host ? parse_authority(*host) : std::nullopt;
  // The page's own scheme is known only where a trusted proxy says it.
  const bool has_scheme = request.scheme.empty() || origin->scheme == request.scheme;
  if (has_scheme && called && origin->without_default_port(*called) == origin->authority) {
    return true;
  }
  return is_allowed(*value);
}

inline void WebPolicy::add_headers(const Request& request, std::string_view methods,
                                   Reply& reply) const {
  if (!any_origin_ && origins_.empty()) return;
  add_vary(reply, "Origin");
  const auto origin = request.header("Origin");
  if (!any_origin_ && !(origin && is_allowed(*origin))) return;
  reply.headers.emplace_back("Access-Control-Allow-Origin", any_origin_ ? "*" : *origin);
  if (request.method != "OPTIONS") {
    reply.headers.emplace_back("Access-Control-Expose-Headers",
                               "Accept-Patch, Allow, Content-Disposition, ETag, Link, Location, "
                               "Preference-Applied, Retry-After, WWW-Authenticate, X-Request-Id, "
                               "X-Total-Count");
    return;
  }
  if (methods.empty() || !request.header("Access-Control-Request-Method")) return;
  reply.headers.emplace_back("Access-Control-Allow-Methods", methods);
  // Without Access-Control-Allow-Credentials: a page must know its credentials and send them in a
  // header field. A cookie would be added by the browser for whatever page asks.
  const auto asked = request.header("Access-Control-Request-Headers");
  if (asked && is_list_of_names(*asked)) {
    reply.headers.emplace_back("Access-Control-Allow-Headers", *asked);
  }
  reply.headers.emplace_back("Access-Control-Max-Age", "600");
}

inline bool WebPolicy::is_allowed(std::string_view origin) const {
  const auto parsed = parse_origin(origin);
  return parsed && std::find(origins_.begin(), origins_.end(), *parsed) != origins_.end();
}

}  // namespace addrbook::detail
