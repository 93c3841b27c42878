/// http/head.hpp and http/body_framing.hpp: the input is a head and a body. Its first byte is the
/// size of the pieces in which they arrive. They are compared with a simple parser that reads both
/// at once.
#include "support.hpp"

#include <addrbook/base/ascii.hpp>
#include <addrbook/http/body_framing.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/http/head.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using addrbook::detail::BodyFraming;
using addrbook::detail::equals_ignoring_case;
using addrbook::detail::HeadScanner;
using addrbook::detail::is_token;
using addrbook::detail::read_head;
using addrbook::detail::RequestHead;
using fuzz::check;

namespace {

struct Body {
  std::size_t size;  ///< with the framing
  std::string data;
};

/// @returns a chunked body (RFC 9112, 7.1); nothing if it is malformed or incomplete
std::optional<Body> chunked_body(std::string_view bytes) {
  std::size_t at = 0;
  std::string data;
  const auto line = [&]() -> std::optional<std::string_view> {
    const auto end = bytes.find("\r\n", at);
    if (end == std::string_view::npos) return std::nullopt;
    const auto text = bytes.substr(at, end - at);
    at = end + 2;
    const bool is_clean = std::none_of(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
    return is_clean ? std::optional(text) : std::nullopt;
  };
  while (true) {
    const auto size_line = line();
    if (!size_line) return std::nullopt;
    auto digits = size_line->substr(0, size_line->find(';'));
    if (digits.size() < size_line->size()) {
      digits = digits.substr(0, digits.find_last_not_of(" \t") + 1);
    }
    if (digits.empty() || digits.size() > 16 ||
        digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
      return std::nullopt;
    }
    const auto size = std::stoull(std::string(digits), nullptr, 16);
    if (size == 0) break;
    if (size > bytes.size() - at || bytes.size() - at - size < 2) return std::nullopt;
    data += bytes.substr(at, size);
    at += size;
    if (bytes.substr(at, 2) != "\r\n") return std::nullopt;
    at += 2;
  }
  while (true) {
    const auto trailer = line();
    if (!trailer) return std::nullopt;
    if (trailer->empty()) return Body{at, data};
    const auto colon = trailer->find(':');
    if (colon == std::string_view::npos || !is_token(trailer->substr(0, colon))) {
      return std::nullopt;
    }
  }
}

void check_fields(const RequestHead& head, std::string_view text) {
  std::size_t count = 0;
  for (auto at = text.find("\r\n") + 2; text.substr(at, 2) != "\r\n"; ++count) {
    const auto line = text.substr(at, text.find("\r\n", at) - at);
    const auto name = line.substr(0, line.find(':'));
    auto value = line.substr(name.size() + 1);
    value.remove_prefix((std::min)(value.find_first_not_of(" \t"), value.size()));
    value = value.substr(0, value.find_last_not_of(" \t") + 1);
    // RFC 9112, 3.2.2
    if (!head.authority.empty() && equals_ignoring_case(name, "Host")) value = head.host;
    check(count < head.fields.size() && head.fields.name(text, count) == name &&
              head.fields.value(text, count) == value,
          "a field stands where the table says");
    at += line.size() + 2;
  }
  check(count == head.fields.size(), "the table has no more");
}

void check_head(const RequestHead& head, std::string_view text) {
  if (head.fault) {
    check(head.fault->status >= 400 && !head.fault->reason.empty(), "a refusal has a reason");
    return;
  }
  check(text.find('\0') == std::string_view::npos, "no NUL");
  check(text.find(head.method) == 0, "the method comes first");
  check_fields(head, text);
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  std::size_t codings = 0;
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (auto at = lower.find("\r\n"); at + 2 < lower.size(); at = lower.find("\r\n", at + 2)) {
    hosts += lower.compare(at + 2, 5, "host:") == 0 ? 1U : 0U;
    lengths += lower.compare(at + 2, 15, "content-length:") == 0 ? 1U : 0U;
    codings += lower.compare(at + 2, 18, "transfer-encoding:") == 0 ? 1U : 0U;
    check(lower[at + 2] != ' ' && lower[at + 2] != '\t', "no line folding");
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    check(text[i] != '\r' || text[i + 1] == '\n', "no bare carriage return");
  }
  check(hosts == 1 || (hosts == 0 && head.version == "HTTP/1.0"), "one Host");
  check(lengths + codings <= 1, "one length");
  check((head.body == RequestHead::Body::length) == (lengths == 1), "the length is known");
  check((head.body == RequestHead::Body::chunked) == (codings == 1), "the coding is known");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] == 0 ? size : data[0];
  const std::string_view bytes = fuzz::text(data + 1, size - 1);

  HeadScanner scanner;
  auto found = HeadScanner::Found::nothing_yet;
  for (std::size_t here = 0; found == HeadScanner::Found::nothing_yet && here < bytes.size();) {
    here = (std::min)(here + step, bytes.size());
    found = scanner.scan(bytes.substr(0, here));
  }
  HeadScanner at_once;
  check(bytes.empty() || at_once.scan(bytes) == found, "a head is found in any pieces");
  if (found != HeadScanner::Found::end) return 0;
  check(scanner.size() == bytes.find("\r\n\r\n") + 4 || scanner.size() == 2,
        "the head ends at the first empty line");
  if (scanner.size() < 4) return 0;

  const auto text = bytes.substr(0, scanner.size());
  const auto head = read_head(text);
  check_head(head, text);
  if (head.fault) return 0;
  const auto rest = bytes.substr(scanner.size());
  BodyFraming framing(head);
  std::size_t taken = 0;
  std::string content;
  while (taken < rest.size() && !framing.complete() && !framing.broken()) {
    taken += framing.take(rest.substr(taken, step), [&](std::string_view run) { content += run; });
  }
  const bool is_over = framing.complete() || framing.broken();
  check(framing.take("x") == (is_over ? 0U : 1U), "nothing is taken after the end");
  switch (head.body) {
    case RequestHead::Body::none: check(taken == 0 && BodyFraming(head).complete(), "none"); break;
    case RequestHead::Body::length:
      check(taken == (std::min)(head.length, std::uint64_t{rest.size()}),
            "the body has its Content-Length");
      check(content == rest.substr(0, taken), "all of it is data");
      break;
    case RequestHead::Body::chunked: {
      BodyFraming whole(head);
      const auto expected = chunked_body(rest);
      const auto all = whole.take(rest);
      check(!whole.complete() || (expected && expected->size == all), "chunks as in RFC 9112");
      check(!whole.complete() || expected->data == content, "data without the framing");
      check(whole.complete() || whole.broken() || !expected, "a complete body is recognized");
      check(all == taken || whole.broken(), "a body is read in any pieces");
      break;
    }
  }
  return 0;
}
