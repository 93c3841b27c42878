/// The head of a request (RFC 9112), checked strictly before anything else reads it. Requests are
/// smuggled where two parsers disagree on where a request ends, so anything ambiguous is refused.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/http/fields.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// Why a request is refused.
struct HeadFault {
  int status;
  std::string_view reason;
};

/// What the engine needs of a request's head. The views point into the head.
struct RequestHead {
  enum class Body { none, length, chunked };

  std::string_view method;
  std::string_view target;
  std::string_view version;
  std::string_view authority;    ///< the `http://host:port` of a target in absolute-form
  std::string_view host;         ///< the value of Host
  std::string_view request_id;   ///< the value of X-Request-Id
  std::string_view accept_line;  ///< the last Accept field, with its CRLF
  std::string_view range_line;   ///< the last Range field, with its CRLF
  bool has_percent = false;      ///< in the value of any field
  Body body = Body::none;
  std::uint64_t length = 0;  ///< of the body, with Body::length
  bool expects_continue = false;
  bool wants_close = false;  ///< `Connection: close`
  std::optional<HeadFault> fault;
};

/// Finds the end of a head that arrives in pieces.
class HeadScanner {
 public:
  enum class Found { nothing_yet, end, bare_line_feed };

  /// @param bytes  all that has arrived; what an earlier call has scanned is skipped
  Found scan(std::string_view bytes) noexcept {
    while (const void* at = std::memchr(bytes.data() + seen_, '\n', bytes.size() - seen_)) {
      const auto end = static_cast<std::size_t>(static_cast<const char*>(at) - bytes.data());
      if (end == 0 || bytes[end - 1] != '\r') return Found::bare_line_feed;
      seen_ = end + 1;
      if (end >= 3 && bytes[end - 2] == '\n') return Found::end;
    }
    seen_ = bytes.size();
    return Found::nothing_yet;
  }

  /// The size of the head in bytes, with the empty line, once its end is found.
  [[nodiscard]] std::size_t size() const noexcept { return seen_; }
  /// Adjusts the size after bytes were removed from the head.
  void shorten(std::size_t bytes) noexcept { seen_ -= bytes; }

 private:
  std::size_t seen_ = 0;
};

/// Parses and checks a head.
/// @param head  with the empty line that ends it; the result points into it
/// @returns  with `fault` if the request must be refused; the other members are then incomplete
inline RequestHead read_head(std::string_view head);

// ---------------------------------------------------------------------------------------------

/// Whether a character may be part of a method or a field name (RFC 9110, 5.6.2).
inline bool is_token_character(char c) noexcept {
  return is_alphanumeric(c) || (c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
}

inline bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

/// Whether a comma-separated list (RFC 9110, 5.6.1) contains `lower`, ignoring case.
inline bool has_member(std::string_view list, std::string_view lower) noexcept {
  while (!list.empty()) {
    if (equals_ignoring_case(trim(cut(list, ',')), lower)) return true;
  }
  return false;
}

/// Whether the method is one of RFC 9110, 9.3 or RFC 5789. No route can have CONNECT or TRACE; the
/// server behind the engine answers them.
inline bool is_known_method(std::string_view method) noexcept {
  constexpr std::string_view methods[] = {"GET",   "POST",    "PUT",     "DELETE", "HEAD",
                                          "PATCH", "OPTIONS", "CONNECT", "TRACE"};
  return std::find(std::begin(methods), std::end(methods), method) != std::end(methods);
}

/// Whether a Host value (RFC 9110, 7.2) has only characters of a name or address and a port.
inline bool is_host(std::string_view value) noexcept {
  return is_alphanumeric_or("-._~%!$&'()*+;=:[]", value);
}

/// Parses one field line into `head`. @returns the fault, if it has one
inline std::optional<HeadFault> read_field(std::string_view line, RequestHead& head, int& hosts,
                                           bool& has_length, bool& has_coding) {
  const auto colon = line.find(':');
  // RFC 9112, 5.1 and 5.2: no space before the colon, and no line folding.
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return HeadFault{400, "Invalid header field"};
  }
  const auto name = line.substr(0, colon);
  const auto value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) return HeadFault{400, "Invalid header field"};

  if (equals_ignoring_case(name, "host")) {
    if (++hosts > 1 || !is_host(value)) return HeadFault{400, "Invalid Host"};
    head.host = value;
  } else if (equals_ignoring_case(name, "content-length")) {
    const auto length = parse_decimal(value);
    constexpr std::uint64_t max_length = std::uint64_t{1} << 62U;
    if (!length || *length > max_length || has_length)
      return HeadFault{400, "Invalid Content-Length"};
    has_length = true;
    head.body = RequestHead::Body::length;
    head.length = *length;
  } else if (equals_ignoring_case(name, "transfer-encoding")) {
    if (has_coding) return HeadFault{400, "Invalid Transfer-Encoding"};
    // RFC 9112, 6.1: 501 for a transfer coding that the server does not support.
    if (!equals_ignoring_case(value, "chunked")) {
      return HeadFault{501, "Unsupported Transfer-Encoding"};
    }
    has_coding = true;
  } else if (equals_ignoring_case(name, "expect")) {
    head.expects_continue = head.expects_continue || has_member(value, "100-continue");
  } else if (equals_ignoring_case(name, "connection")) {
    head.wants_close = head.wants_close || has_member(value, "close");
  } else if (equals_ignoring_case(name, "x-request-id")) {
    head.request_id = value;
  } else if (equals_ignoring_case(name, "accept")) {
    head.accept_line = {line.data(), line.size() + 2};
  } else if (equals_ignoring_case(name, "range")) {
    head.range_line = {line.data(), line.size() + 2};
  }
  head.has_percent = head.has_percent || value.find('%') != std::string_view::npos;
  return std::nullopt;
}

inline RequestHead read_head(std::string_view head) {
  RequestHead result;
  const auto line_of = [&head] {
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head.remove_prefix((std::min)(end, head.size() - 2) + 2);
    return line;
  };
  const auto refuse = [&result](HeadFault fault) {
    result.fault = fault;
    return result;
  };

  std::string_view line = line_of();
  if (std::any_of(line.begin(), line.end(), is_control)) {
    return refuse({400, "Invalid request line"});
  }
  result.method = cut(line, ' ');
  result.target = cut(line, ' ');
  result.version = line;
  constexpr std::size_t max_method_bytes = 64;
  if (!is_token(result.method) || result.method.size() > max_method_bytes ||
      result.target.empty()) {
    result.method = {};
    return refuse({400, "Invalid request line"});
  }
  constexpr std::size_t max_target_bytes = 8192;  // httplib's limit; see RFC 9112, 3
  if (result.target.size() > max_target_bytes) {
    result.target = result.target.substr(0, max_target_bytes);
    return refuse({414, "URI Too Long"});
  }
  if (result.version != "HTTP/1.1" && result.version != "HTTP/1.0") {
    const bool is_other = result.version.size() == 8 && result.version.substr(0, 5) == "HTTP/";
    return refuse(is_other ? HeadFault{505, "HTTP Version Not Supported"}
                           : HeadFault{400, "Invalid request line"});
  }

  if (!is_known_method(result.method)) return refuse({501, "Method Not Implemented"});
  const auto scheme_end = result.target.find("://");
  if (const auto scheme = result.target.substr(0, scheme_end);
      equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "https")) {
    result.authority = result.target.substr(0, result.target.find_first_of("/?#", scheme_end + 3));
  }

  int hosts = 0;
  bool has_length = false;
  bool has_coding = false;
  constexpr int max_fields = 100;  // httplib's limits
  constexpr std::size_t max_field_bytes = 8192;
  for (int fields = 0; !(line = line_of()).empty(); ++fields) {
    if (fields == max_fields) return refuse({431, "Too many header fields"});
    if (line.size() > max_field_bytes) return refuse({431, "Header field too long"});
    if (const auto fault = read_field(line, result, hosts, has_length, has_coding)) {
      return refuse(*fault);
    }
  }
  const bool is_1_1 = result.version == "HTTP/1.1";
  if (is_1_1 && hosts == 0) return refuse({400, "Missing Host"});  // RFC 9112, 3.2
  // By RFC 9112, 3.2.2 the target's authority takes precedence over Host. No honest client sends
  // two different ones.
  if (!result.authority.empty() && hosts > 0 &&
      lowercase(result.authority.substr(scheme_end + 3)) != lowercase(result.host)) {
    return refuse({400, "Invalid Host"});
  }
  if (has_coding) {
    // RFC 9112, 6.1 and 6.3: beside a length, and in HTTP/1.0, the framing is ambiguous.
    if (has_length) return refuse({400, "Content-Length beside Transfer-Encoding"});
    if (!is_1_1) return refuse({400, "Transfer-Encoding in HTTP/1.0"});
    result.body = RequestHead::Body::chunked;
  }
  if (!is_1_1) result.expects_continue = false;  // RFC 9110, 10.1.1
  return result;
}

}  // namespace addrbook::detail
