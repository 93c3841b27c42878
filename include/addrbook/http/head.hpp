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

  std::string_view text;  ///< the head itself, with the empty line
  std::string_view method;
  std::string_view target;
  std::string_view version;
  std::string_view authority;   ///< the `http://host:port` of a target in absolute-form
  std::string_view host;        ///< the value of Host; with an authority, the host and port of that
  std::string_view sent_host;   ///< the value of Host as it was sent
  std::string_view request_id;  ///< the value of X-Request-Id
  std::string_view accept_line;  ///< the last Accept field, with its CRLF
  std::string_view range_line;   ///< the last Range field, with its CRLF
  bool has_percent = false;      ///< in the value of any field
  Body body = Body::none;
  std::uint64_t length = 0;  ///< of the body, with Body::length
  bool expects_continue = false;
  bool wants_close = false;       ///< `Connection: close`
  bool wants_keep_alive = false;  ///< `Connection: keep-alive`, without which HTTP/1.0 closes
  FieldTable fields;  ///< all of them, as they stand in `text`, except that Host is `host`
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
/// @returns  with `fault` if the request must be refused; of the other members those before the
///           fault are there, and the fields also after a fault of the request line
inline RequestHead read_head(std::string_view head);

// ---------------------------------------------------------------------------------------------

/// Whether the method is one of RFC 9110, 9.3 or RFC 5789. No route can have CONNECT or TRACE; the
/// server behind the engine answers them.
inline bool is_known_method(std::string_view method) noexcept {
  constexpr std::string_view methods[] = {"GET",   "POST",    "PUT",     "DELETE", "HEAD",
                                          "PATCH", "OPTIONS", "CONNECT", "TRACE"};
  return std::find(std::begin(methods), std::end(methods), method) != std::end(methods);
}

/// The characters of a Host value (RFC 9110, 7.2): a name or an address, and a port.
inline constexpr CharacterSet host_characters = CharacterSet::alphanumeric_or("-._~%!$&'()*+;=:[]");

/// Reads a head line by line into a RequestHead, up to the first fault.
class HeadReader {
 public:
  /// @param head  its `text` is set
  explicit HeadReader(RequestHead& head) noexcept : head_(head), rest_(head.text) {}

  [[nodiscard]] std::optional<HeadFault> read() noexcept;

 private:
  std::string_view next_line() noexcept;
  std::optional<HeadFault> read_request_line() noexcept;
  std::optional<HeadFault> read_fields() noexcept;
  std::optional<HeadFault> read_field(std::string_view line) noexcept;
  std::optional<HeadFault> read_known_field(std::string_view line, std::string_view name,
                                            std::string_view value) noexcept;
  std::optional<HeadFault> read_length(std::string_view value) noexcept;
  std::optional<HeadFault> read_coding(std::string_view value) noexcept;
  bool remove_user() noexcept;
  [[nodiscard]] std::optional<HeadFault> check_host() noexcept;

  static constexpr std::size_t max_bytes = 8192;  // of a target, and a field, as httplib's limits

  RequestHead& head_;
  std::string_view rest_;
  int hosts_ = 0;
  std::size_t host_at_ = 0;  // in the table of fields
  bool has_length_ = false;
  bool has_coding_ = false;
};

inline std::string_view HeadReader::next_line() noexcept {
  const auto end = rest_.find("\r\n");
  const auto line = rest_.substr(0, end);
  rest_.remove_prefix((std::min)(end, rest_.size() - 2) + 2);
  return line;
}

inline std::optional<HeadFault> HeadReader::read() noexcept {
  const auto line_fault = read_request_line();
  const auto field_fault = read_fields();
  if (line_fault || field_fault) return line_fault ? line_fault : field_fault;
  if (const auto fault = check_host()) return fault;
  const bool is_1_1 = head_.version == "HTTP/1.1";
  if (has_coding_) {
    // RFC 9112, 6.1 and 6.3: beside a length, and in HTTP/1.0, the framing is ambiguous.
    if (has_length_) return HeadFault{400, "Content-Length beside Transfer-Encoding"};
    if (!is_1_1) return HeadFault{400, "Transfer-Encoding in HTTP/1.0"};
    head_.body = RequestHead::Body::chunked;
  }
  if (!is_1_1) head_.expects_continue = false;  // RFC 9110, 10.1.1
  return std::nullopt;
}

inline std::optional<HeadFault> HeadReader::read_fields() noexcept {
  for (auto line = next_line(); !line.empty(); line = next_line()) {
    if (head_.fields.size() == FieldTable::capacity) {
      return HeadFault{431, "Too many header fields"};
    }
    if (line.size() > max_bytes) return HeadFault{431, "Header field too long"};
    if (const auto fault = read_field(line)) return fault;
  }
  return std::nullopt;
}

inline std::optional<HeadFault> HeadReader::read_request_line() noexcept {
  std::string_view line = next_line();
  if (!is_field_value(line) || line.find('\t') != std::string_view::npos) {
    return HeadFault{400, "Invalid request line"};
  }
  head_.method = cut(line, ' ');
  head_.target = cut(line, ' ');
  head_.version = line;
  if (remove_user()) return HeadFault{400, "Invalid request target: a user is named in it"};
  constexpr std::size_t max_method_bytes = 64;
  if (!is_token(head_.method) || head_.method.size() > max_method_bytes || head_.target.empty()) {
    head_.method = {};
    return HeadFault{400, "Invalid request line"};
  }
  const bool is_too_long = head_.target.size() > max_bytes;
  head_.target = head_.target.substr(0, max_bytes);
  if (head_.target[0] != '/') {
    const auto scheme_end = head_.target.find("://");
    const auto scheme = head_.target.substr(0, scheme_end);
    if (scheme_end != std::string_view::npos &&
        (equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "https"))) {
      head_.authority = head_.target.substr(0, head_.target.find_first_of("/?#", scheme_end + 3));
    }
  }
  if (is_too_long) return HeadFault{414, "URI Too Long"};
  if (head_.version != "HTTP/1.1" && head_.version != "HTTP/1.0") {
    const bool is_other = head_.version.size() == 8 && head_.version.substr(0, 5) == "HTTP/";
    return is_other ? HeadFault{505, "HTTP Version Not Supported"}
                    : HeadFault{400, "Invalid request line"};
  }
  if (!is_known_method(head_.method)) return HeadFault{501, "Method Not Implemented"};
  return std::nullopt;
}

// A user's name and password in a target: RFC 9110, 4.2.4 has them treated as an error. Neither the
// answer nor a log is to show them.
inline bool HeadReader::remove_user() noexcept {
  std::string_view& target = head_.target;
  if (target.empty() || target[0] == '/') return false;
  const auto scheme_end = target.find("://");
  const auto begin = scheme_end == std::string_view::npos ? 0 : scheme_end + 3;
  const auto at = target.substr(0, target.find_first_of("/?#", begin)).rfind('@');
  if (at == std::string_view::npos) return false;
  target.remove_prefix(at + 1);
  return true;
}

inline std::optional<HeadFault> HeadReader::read_field(std::string_view line) noexcept {
  const auto* const end = std::find_if_not(line.begin(), line.end(), is_token_character);
  const auto colon = static_cast<std::size_t>(end - line.begin());
  // RFC 9112, 5.1 and 5.2: no space before the colon, and no line folding.
  if (colon == 0 || colon == line.size() || line[colon] != ':') {
    return HeadFault{400, "Invalid header field"};
  }
  const auto name = line.substr(0, colon);
  const auto value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) return HeadFault{400, "Invalid header field"};
  head_.fields.add(head_.text, name, value);
  head_.has_percent = head_.has_percent || value.find('%') != std::string_view::npos;
  return read_known_field(line, name, value);
}

inline std::optional<HeadFault> HeadReader::read_known_field(std::string_view line,
                                                             std::string_view name,
                                                             std::string_view value) noexcept {
  const auto is = [name](std::string_view known) { return equals_ignoring_case(name, known); };
  switch (name.size()) {  // first, as most fields are none of these
    case 4:
      if (!is("host")) break;
      if (++hosts_ > 1 || !host_characters.has_all(value)) return HeadFault{400, "Invalid Host"};
      head_.host = head_.sent_host = value;
      host_at_ = head_.fields.size() - 1;
      break;
    case 5:
      if (is("range")) head_.range_line = {line.data(), line.size() + 2};
      break;
    case 6:
      if (is("accept")) head_.accept_line = {line.data(), line.size() + 2};
      if (is("expect") && has_member(value, "100-continue")) head_.expects_continue = true;
      break;
    case 10:
      if (!is("connection")) break;
      if (has_member(value, "close")) head_.wants_close = true;
      if (has_member(value, "keep-alive")) head_.wants_keep_alive = true;
      break;
    case 12:
      if (is("x-request-id")) head_.request_id = value;
      break;
    case 14:
      if (is("content-length")) return read_length(value);
      break;
    case 17:
      if (is("transfer-encoding")) return read_coding(value);
      break;
    default: break;
  }
  return std::nullopt;
}

inline std::optional<HeadFault> HeadReader::read_length(std::string_view value) noexcept {
  const auto length = parse_decimal(value);
  constexpr std::uint64_t max_length = std::uint64_t{1} << 62U;
  if (!length || *length > max_length || has_length_) {
    return HeadFault{400, "Invalid Content-Length"};
  }
  has_length_ = true;
  head_.body = RequestHead::Body::length;
  head_.length = *length;
  return std::nullopt;
}

inline std::optional<HeadFault> HeadReader::read_coding(std::string_view value) noexcept {
  if (has_coding_) return HeadFault{400, "Invalid Transfer-Encoding"};
  // RFC 9112, 6.1: 501 for a transfer coding that the server does not support.
  if (!equals_ignoring_case(value, "chunked")) {
    return HeadFault{501, "Unsupported Transfer-Encoding"};
  }
  has_coding_ = true;
  return std::nullopt;
}

inline std::optional<HeadFault> HeadReader::check_host() noexcept {
  // RFC 9112, 3.2
  if (hosts_ == 0 && head_.version == "HTTP/1.1") return HeadFault{400, "Missing Host"};
  if (head_.authority.empty()) return std::nullopt;
  // RFC 9112, 3.2.2: what Host says makes no difference beside the target's authority.
  std::string_view authority = head_.authority;
  authority.remove_prefix(authority.find(':') + 3);  // and the slashes
  if (authority.empty() || authority[0] == ':' || !host_characters.has_all(authority)) {
    return HeadFault{400, "Invalid request target"};
  }
  head_.host = authority;
  if (hosts_ > 0) head_.fields.set_value(host_at_, head_.text, authority);
  return std::nullopt;
}

inline RequestHead read_head(std::string_view head) {
  RequestHead result;
  result.text = head;
  result.fault = HeadReader(result).read();
  return result;
}

}  // namespace addrbook::detail
