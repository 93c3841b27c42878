/// JSON Pointer (RFC 6901): where in a JSON value something is.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// @param text  the characters, not as in a JSON string literal
/// @returns whether it is a pointer: "", or tokens each after a '/', with '~' only in ~0 and ~1
[[nodiscard]] inline bool is_json_pointer(std::string_view text) noexcept {
  if (!text.empty() && text[0] != '/') return false;
  for (auto at = text.find('~'); at != std::string_view::npos; at = text.find('~', at + 1)) {
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return false;
  }
  return true;
}

/// Takes the first token off.
/// @param pointer  not empty; becomes the rest, which is a pointer too
/// @returns the token: a member's name, or an array's index
[[nodiscard]] inline std::string take_token(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const std::string_view raw = pointer.substr(0, pointer.find('/'));
  pointer.remove_prefix(raw.size());
  std::string token;
  token.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    token += raw[i] != '~' ? raw[i] : raw[++i] == '0' ? '~' : '/';
  }
  return token;
}

/// Appends '/' and a token: what take_token() takes off.
inline void append_token(std::string& pointer, std::string_view token) {
  pointer += '/';
  for (const char c : token) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

/// @returns the array index that a token is (RFC 6901, 4): digits without leading zeros
[[nodiscard]] inline std::optional<std::size_t> array_index(std::string_view token) noexcept {
  if (token.size() > 1 && token[0] == '0') return std::nullopt;
  const std::optional<std::uint64_t> index = parse_decimal(token);
  if (!index || *index > (std::numeric_limits<std::size_t>::max)()) return std::nullopt;
  return static_cast<std::size_t>(*index);
}

/// @returns whether `pointer` is below what `ancestor` points to, and not the same
[[nodiscard]] inline bool is_below(std::string_view pointer, std::string_view ancestor) noexcept {
  // Escapes are canonical, so the texts can be compared.
  return pointer.size() > ancestor.size() && pointer.substr(0, ancestor.size()) == ancestor &&
         pointer[ancestor.size()] == '/';
}

}  // namespace addrbook::detail
