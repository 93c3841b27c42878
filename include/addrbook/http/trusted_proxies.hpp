/// TrustedProxies: whom a proxy says that a request is from, and which proxies are believed.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/http/prefix.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// The bytes of an IPv6 address; of an IPv4 one, as an IPv6 address (RFC 4291, 2.5.5.2).
using AddressBytes = std::array<std::uint8_t, 16>;

/// @param text  an address of either family, as inet_pton() takes it
[[nodiscard]] inline std::optional<AddressBytes> parse_address_bytes(std::string_view text);

/// Reads what trusted proxies add to a request: X-Forwarded-For, -Proto and -Prefix. They are no
/// standard, but what proxies send by default. Forwarded (RFC 7239) does not count beside them: a
/// proxy that sets the one passes the other on as it comes, and a client could choose.
/// @par Thread safety  any thread.
class TrustedProxies {
 public:
  TrustedProxies() = default;
  /// @param ranges  addresses, or ranges of them (CIDR; RFC 4632, 3.1), of both families
  /// @throws Error{invalid} naming the entry that is neither, that has bits beyond its prefix, or
  ///         that is everybody
  explicit TrustedProxies(const std::vector<std::string>& ranges) {
    for (const std::string& range : ranges) ranges_.push_back(read(range));
  }

  /// @returns  the request as it was sent to the proxies; nothing if it is not from a trusted one
  [[nodiscard]] std::optional<Request> see_through(const Request& request) const {
    if (ranges_.empty()) return std::nullopt;
    const auto sender = parse_address_bytes(request.remote_address);
    return sender && has(*sender) ? std::make_optional(behind(request)) : std::nullopt;
  }

 private:
  struct Range {
    AddressBytes first{};
    std::size_t bits = 0;

    [[nodiscard]] bool has(const AddressBytes& address) const noexcept;
  };

  [[nodiscard]] static Range read(const std::string& text);
  [[nodiscard]] bool has(const AddressBytes& address) const noexcept {
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [&address](const Range& range) { return range.has(address); });
  }
  [[nodiscard]] Request behind(const Request& request) const;
  [[nodiscard]] std::string_view client_of(std::string_view list, std::string_view sender) const;

  std::vector<Range> ranges_;
};

// ---------------------------------------------------------------------------------------------

inline std::optional<AddressBytes> parse_address_bytes(std::string_view text) {
  char ended[INET6_ADDRSTRLEN] = "";
  if (text.size() >= sizeof ended) return std::nullopt;
  // What follows a NUL inet_pton() would not see.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), ended);
  AddressBytes bytes{};
  if (text.find(':') != std::string_view::npos) {
    if (::inet_pton(AF_INET6, ended, bytes.data()) != 1) return std::nullopt;
    return bytes;
  }
  constexpr std::size_t ipv4_at = 12;
  if (::inet_pton(AF_INET, ended, bytes.data() + ipv4_at) != 1) return std::nullopt;
  bytes[ipv4_at - 1] = bytes[ipv4_at - 2] = 0xff;
  return bytes;
}

inline bool TrustedProxies::Range::has(const AddressBytes& address) const noexcept {
  const std::size_t whole = bits / 8;
  if (!std::equal(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.begin())) {
    return false;
  }
  if (bits % 8 == 0) return true;
  return (first[whole] ^ address[whole]) >> (8 - bits % 8) == 0;
}

inline TrustedProxies::Range TrustedProxies::read(const std::string& text) {
  std::string_view length = text;
  const std::string_view address = cut(length, '/');
  const auto bytes = parse_address_bytes(address);
  const std::uint64_t most = address.find(':') == std::string_view::npos ? 32 : 128;
  const bool has_length = text.find('/') != std::string::npos;
  const auto bits = has_length ? parse_decimal(length) : most;
  if (!bytes || !bits || *bits > most) {
    throw Error(Errc::invalid, "'" + text + "' is no IP address, nor a range like 10.0.0.0/8");
  }
  const Range range{*bytes, static_cast<std::size_t>(*bits + 128 - most)};
  // All of IPv4 is a range of IPv6: ::ffff:0:0/96.
  constexpr std::size_t all_of_ipv4 = 96;
  if (*bits == 0 || (range.bits <= all_of_ipv4 && range.has(*parse_address_bytes("0.0.0.0")))) {
    throw Error(Errc::invalid, "'" + text + "' would trust everybody");
  }
  for (std::size_t bit = range.bits; bit < 128; ++bit) {
    if (((range.first[bit / 8] >> (7 - bit % 8)) & 1) == 0) continue;
    throw Error(Errc::invalid,
                "'" + text + "' has bits beyond the " + std::to_string(*bits) + " of its range");
  }
  return range;
}

// Of X-Forwarded-For the last address that no trusted proxy has counts. Of the other fields one
// value counts, several don't: who wrote which of them is not known.
inline Request TrustedProxies::behind(const Request& request) const {
  Request seen = request;
  if (const auto list = request.header("X-Forwarded-For")) {
    seen.remote_address = client_of(*list, request.remote_address);
  }
  if (const auto scheme = request.header("X-Forwarded-Proto")) {
    if (equals_ignoring_case(*scheme, "https")) seen.scheme = "https";
    if (equals_ignoring_case(*scheme, "http")) seen.scheme = "http";
  }
  if (auto prefix = request.header("X-Forwarded-Prefix")) {
    if (!prefix->empty() && prefix->back() == '/') prefix->remove_suffix(1);
    if (is_plain_path(*prefix)) seen.proxy_prefix = *prefix;
  }
  return seen;
}

// Each proxy adds the address of its client at the end. What stands before the first one that is
// not a proxy's has been sent by that client, and may be anything.
inline std::string_view TrustedProxies::client_of(std::string_view list,
                                                  std::string_view sender) const {
  std::string_view client = sender;
  while (!list.empty()) {
    const auto comma = list.rfind(',');
    const bool is_first = comma == std::string_view::npos;
    std::string_view address = trim(is_first ? list : list.substr(comma + 1));
    list = is_first ? std::string_view() : list.substr(0, comma);
    // Some proxies add the port: 192.0.2.1:80, [2001:db8::1]:80
    const auto bracket = address.find(']');
    if (bracket != std::string_view::npos && address.front() == '[') {
      address = address.substr(1, bracket - 1);
    } else if (std::count(address.begin(), address.end(), ':') == 1) {
      address = address.substr(0, address.find(':'));
    }
    const auto bytes = parse_address_bytes(address);
    if (!bytes) break;
    client = without_ipv6_prefix(address);
    if (!has(*bytes)) break;
  }
  return client;
}

}  // namespace addrbook::detail
