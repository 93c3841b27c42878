/// Base64 (RFC 4648, 4), as files hold it: with white space, without padding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// @returns 0 to 63, or -1 if `c` is no character of the alphabet
[[nodiscard]] constexpr int base64_value(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

/// A text of base64 as it should be.
struct CleanBase64 {
  std::string text;         ///< whole groups of four, padded
  bool is_damaged = false;  ///< characters that do not belong there, or one too many, are left out
};

/// Takes white space and the padding out, wherever they stand, and pads.
[[nodiscard]] inline CleanBase64 clean_base64(std::string_view text) {
  CleanBase64 clean;
  clean.text.reserve(text.size() + 3);
  for (const char c : text) {
    if (base64_value(c) >= 0) {
      clean.text += c;
    } else if (c != '=' && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      clean.is_damaged = true;
    }
  }
  if (clean.text.size() % 4 == 1) {
    clean.is_damaged = true;
    clean.text.pop_back();
  }
  while (clean.text.size() % 4 != 0) clean.text += '=';
  return clean;
}

/// Whether a text is as clean_base64() gives it.
[[nodiscard]] inline bool is_clean_base64(std::string_view text) noexcept {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && !text.empty() && text.back() == '='; ++padding) {
    text.remove_suffix(1);
  }
  for (const char c : text) {
    if (base64_value(c) < 0) return false;
  }
  return true;
}

/// @param text  as clean_base64() gives it
/// @returns  the bytes
[[nodiscard]] inline std::string decode_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = (bits << 6U | static_cast<std::uint32_t>(base64_value(c))) & 0xFFFFFFU;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFFU);
  }
  return bytes;
}

}  // namespace addrbook::detail
