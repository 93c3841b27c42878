/// Hosts and web origins: how Host and Origin values are read and compared.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// A host and its port in a form that can be compared.
struct Authority {
  std::string host;        ///< lower case; an IPv6 address in brackets
  std::uint64_t port = 0;  ///< 0: not given

  friend bool operator==(const Authority& a, const Authority& b) {
    return a.host == b.host && a.port == b.port;
  }
};

/// Reads `host[:port]` (RFC 9110, 7.2).
/// @returns nothing if `text` is not one
[[nodiscard]] inline std::optional<Authority> parse_authority(std::string_view text) {
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
  if (inner.empty() || !is_valid) return std::nullopt;
  Authority authority{lowercase(host), 0};
  const std::string_view rest = text.substr(host.size());
  if (rest.empty()) return authority;
  constexpr std::uint64_t max_port = 65535;
  const auto port = parse_decimal(rest.substr(1));
  if (rest[0] != ':' || !port || *port == 0 || *port > max_port) return std::nullopt;
  authority.port = *port;
  return authority;
}

/// `scheme://host[:port]`. The default port of http and https counts as not given.
struct Origin {
  std::string scheme;
  Authority authority;

  friend bool operator==(const Origin& a, const Origin& b) {
    return a.scheme == b.scheme && a.authority == b.authority;
  }

  [[nodiscard]] std::uint64_t default_port() const noexcept {
    return scheme == "http" ? 80 : scheme == "https" ? 443 : 0;
  }
  /// @returns `of` without its port, if that is the scheme's default
  [[nodiscard]] Authority without_default_port(Authority of) const {
    if (of.port == default_port()) of.port = 0;
    return of;
  }
};

/// Reads an Origin value (Fetch standard, 3.1).
/// @returns nothing if `text` is not one; `null`, which browsers send, is not one either
[[nodiscard]] inline std::optional<Origin> parse_origin(std::string_view text) {
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

/// @returns `address`, but an IPv4 address that is written as an IPv6 one (RFC 4291, 2.5.5.2), as a
///          socket for both families shows it, without the `::ffff:`
[[nodiscard]] inline std::string_view without_ipv6_prefix(std::string_view address) noexcept {
  constexpr std::string_view prefix = "::ffff:";
  const bool is_mapped =
      address.substr(0, prefix.size()) == prefix && address.find('.') != std::string_view::npos;
  return is_mapped ? address.substr(prefix.size()) : address;
}

/// @returns whether only this machine can reach a server that listens on `host`: an IPv4 address of
///          127.0.0.0/8 in any form that the resolver takes (`127.1`), also as an IPv6 address,
///          `::1` (both also in brackets) or `localhost`
[[nodiscard]] inline bool is_loopback(std::string_view host) {
  if (equals_ignoring_case(host, "localhost")) return true;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const std::string text(host);
  in6_addr ipv6{};
  if (::inet_pton(AF_INET6, text.c_str(), &ipv6) == 1) {
    constexpr std::size_t ipv4_at = 12;
    return IN6_IS_ADDR_LOOPBACK(&ipv6) ||
           (IN6_IS_ADDR_V4MAPPED(&ipv6) && ipv6.s6_addr[ipv4_at] == IN_LOOPBACKNET);
  }
  // What follows white space inet_aton() would pass over.
  in_addr ipv4{};
  return is_alphanumeric_or(".", host) && ::inet_aton(text.c_str(), &ipv4) == 1 &&
         ntohl(ipv4.s_addr) >> 24U == IN_LOOPBACKNET;
}

}  // namespace addrbook::detail
