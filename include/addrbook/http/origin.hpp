/// Web pages: which origins (RFC 6454) may use a book, and under which host names. A browser sends
/// what a page asks it to wherever the page says, to services on this machine as well.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/fields.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @returns  whether a server that listens on `host` can be reached from this machine only: an IPv4
///           address of 127.0.0.0/8, `::1` or `localhost`
[[nodiscard]] inline bool is_loopback(std::string_view host);

/// A host and its port in a form that can be compared.
struct Authority {
  std::string host;        ///< lower case; an IPv6 address in brackets
  std::uint64_t port = 0;  ///< 0: not given

  friend bool operator==(const Authority& a, const Authority& b) {
    return a.host == b.host && a.port == b.port;
  }
};

/// Reads `host[:port]` (RFC 9110, 7.2); nothing if it is none.
inline std::optional<Authority> parse_authority(std::string_view text) {
  const bool is_bracketed = !text.empty() && text[0] == '[';
  const auto end = is_bracketed ? text.find(']') : text.find(':');
  if (is_bracketed && end == std::string_view::npos) return std::nullopt;
  const std::string_view host = is_bracketed ? text.substr(0, end + 1) : text.substr(0, end);
  const std::string_view inner = is_bracketed ? host.substr(1, host.size() - 2) : host;
  const auto is_address_character = [](char c) {
    return hex_value(c) >= 0 || c == ':' || c == '.';
  };
  const bool is_valid = is_bracketed ? std::all_of(inner.begin(), inner.end(), is_address_character)
                                     : is_alphanumeric_or("._-", inner);
  if (inner.empty() || !is_valid) {
    return std::nullopt;
  }
  Authority authority{lowercase(host), 0};
  std::string_view rest = text.substr(host.size());
  if (rest.empty()) return authority;
  constexpr std::uint64_t max_port = 65535;
  const auto port = parse_decimal(rest.substr(1));
  if (rest[0] != ':' || !port || *port == 0 || *port > max_port) return std::nullopt;
  authority.port = *port;
  return authority;
}

/// `scheme://host[:port]`, taken apart; the default ports of http and https are those not given.
struct Origin {
  std::string scheme;
  Authority authority;

  friend bool operator==(const Origin& a, const Origin& b) {
    return a.scheme == b.scheme && a.authority == b.authority;
  }

  [[nodiscard]] std::uint64_t default_port() const noexcept {
    return scheme == "http" ? 80 : scheme == "https" ? 443 : 0;
  }
  /// The same without the port, if it is the scheme's own.
  [[nodiscard]] Authority without_default_port(Authority of) const {
    if (of.port == default_port()) of.port = 0;
    return of;
  }
};

/// Reads an Origin value (Fetch standard, 3.1): nothing if it is none, as the browsers' `null`.
inline std::optional<Origin> parse_origin(std::string_view text) {
  const auto end = text.find("://");
  if (end == std::string_view::npos) return std::nullopt;
  Origin origin{lowercase(text.substr(0, end)), {}};
  if (origin.scheme.empty() || !is_letter(origin.scheme[0]) ||
      !is_alphanumeric_or("+-.", origin.scheme)) {
    return std::nullopt;
  }
  auto authority = parse_authority(text.substr(end + 3));
  if (!authority) return std::nullopt;
  origin.authority = origin.without_default_port(*std::move(authority));
  return origin;
}

/// Options::allowed_origins and allowed_hosts at work: refuses what a page must not do, and tells
/// browsers what a page may (CORS; Fetch standard, 3.2).
class WebPolicy {
 public:
  /// @throws Error{invalid} naming the entry that is no origin, or no host name
  WebPolicy(const std::vector<std::string>& origins, const std::vector<std::string>& hosts);

  /// Whether the request calls this host by one of its names.
  [[nodiscard]] bool is_known_host(const Request& request) const;

  /// Whether a write comes from no page, a page of this host, or one of an allowed origin.
  [[nodiscard]] bool may_write(const Request& request) const;

  /// Adds what a browser has to know of an answer.
  void add_headers(const Request& request, Reply& reply) const;

 private:
  [[nodiscard]] bool is_allowed(std::string_view origin) const;

  bool any_origin_ = false;
  std::vector<Origin> origins_;
  std::vector<std::string> hosts_;
};

inline WebPolicy::WebPolicy(const std::vector<std::string>& origins,
                            const std::vector<std::string>& hosts) {
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
  if (hosts_.empty()) return true;
  const auto value = request.header("Host");
  const auto called = value ? parse_authority(*value) : std::nullopt;
  return called && std::find(hosts_.begin(), hosts_.end(), called->host) != hosts_.end();
}

inline bool WebPolicy::may_write(const Request& request) const {
  if (any_origin_) return true;
  const auto value = request.header("Origin");  // which a browser sends with every write
  if (!value) return true;
  const auto origin = parse_origin(*value);
  if (!origin) return false;
  const auto host = request.header("Host");
  const auto called = host ? parse_authority(*host) : std::nullopt;
  // Whether we are called by http or https is not known here, a proxy may be in between.
  if (called && origin->without_default_port(*called) == origin->authority) return true;
  return is_allowed(*value);
}

inline void WebPolicy::add_headers(const Request& request, Reply& reply) const {
  if (!any_origin_ && origins_.empty()) return;
  const auto vary = std::find_if(reply.headers.begin(), reply.headers.end(),
                                 [](const auto& field) { return field.first == "Vary"; });
  if (vary != reply.headers.end()) {
    vary->second.append(", Origin");
  } else {
    reply.headers.emplace_back("Vary", "Origin");
  }
  auto origin = request.header("Origin");
  if (!any_origin_ && !(origin && is_allowed(*origin))) return;
  reply.headers.emplace_back("Access-Control-Allow-Origin",
                             any_origin_ ? std::string("*") : *std::move(origin));
  if (request.method != "OPTIONS") {
    reply.headers.emplace_back("Access-Control-Expose-Headers",
                               "Location, ETag, Link, X-Total-Count, X-Request-Id");
    return;
  }
  const auto allow = std::find_if(reply.headers.begin(), reply.headers.end(),
                                  [](const auto& field) { return field.first == "Allow"; });
  if (allow == reply.headers.end() || !request.header("Access-Control-Request-Method")) return;
  reply.headers.emplace_back("Access-Control-Allow-Methods", std::string(allow->second));
  // No Access-Control-Allow-Credentials: authorisation is a header field that the page itself has
  // to know, never a cookie that a browser adds for whatever page.
  reply.headers.emplace_back("Access-Control-Allow-Headers",
                             "Authorization, Content-Type, Content-Encoding, If-Match, "
                             "If-None-Match, Idempotency-Key, Prefer, X-Request-Id");
  reply.headers.emplace_back("Access-Control-Max-Age", "600");
}

inline bool WebPolicy::is_allowed(std::string_view origin) const {
  const auto parsed = parse_origin(origin);
  return parsed && std::find(origins_.begin(), origins_.end(), *parsed) != origins_.end();
}

inline bool is_loopback(std::string_view host) {
  if (host == "::1" || lowercase(host) == "localhost") return true;
  int parts = 0;
  for (std::string_view rest = host; !rest.empty(); ++parts) {
    const auto part = cut(rest, '.');
    const auto number = parse_decimal(part);
    constexpr std::uint64_t max_part = 255;
    if (!number || *number > max_part || part.size() > 3) return false;
    if (parts == 0 && part != "127") return false;
  }
  return parts == 4 && host.back() != '.';
}

}  // namespace addrbook::detail
