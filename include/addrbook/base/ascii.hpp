/// ASCII text: character classes, case, splitting, and decimal numbers. Unlike <cctype>, nothing
/// here depends on the locale.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace addrbook::detail {

[[nodiscard]] constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

[[nodiscard]] constexpr bool is_alphanumeric(char c) noexcept {
  return is_digit(c) || is_letter(c);
}

/// Whether `c` is one of the control characters 0x00 to 0x1f and 0x7f.
[[nodiscard]] constexpr bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// @returns whether each character is a letter, a digit or one of `more`
[[nodiscard]] inline bool is_alphanumeric_or(std::string_view more,
                                             std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [more](char c) {
    return is_alphanumeric(c) || more.find(c) != std::string_view::npos;
  });
}

[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

[[nodiscard]] inline std::string lowercase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return lower;
}

[[nodiscard]] inline bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return to_lower(x) == to_lower(y);
         });
}

/// Removes spaces and tabs from both ends (OWS; RFC 9110, 5.6.3).
[[nodiscard]] inline std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Splits `text` at the first `separator`.
/// @param text  becomes what follows the separator; empty where there is none
/// @returns what precedes the separator; all of the text where there is none
inline std::string_view cut(std::string_view& text, char separator) noexcept {
  const auto at = text.find(separator);
  const auto front = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return front;
}

/// Reads a number that consists of decimal digits only: no sign, no white space.
/// @returns nothing if `text` is not one, or is beyond 64 bits
[[nodiscard]] inline std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

}  // namespace addrbook::detail
