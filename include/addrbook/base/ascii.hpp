/// ASCII text: character classes, case, splitting, and decimal numbers. Unlike <cctype>, nothing
/// here depends on the locale.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
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

[[nodiscard]] constexpr char to_upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

[[nodiscard]] inline std::string lowercase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
  return lower;
}

[[nodiscard]] inline std::string uppercase(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), to_upper);
  return upper;
}

[[nodiscard]] inline bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return to_lower(x) == to_lower(y);
         });
}

/// A set of characters as a table: to ask it costs one look-up.
class CharacterSet {
 public:
  /// Letters, digits and the characters of `more`.
  [[nodiscard]] static constexpr CharacterSet alphanumeric_or(std::string_view more) noexcept {
    CharacterSet set;
    for (int c = 0; c < 128; ++c)
      set.members_[index(static_cast<char>(c))] = is_alphanumeric(static_cast<char>(c));
    for (const char c : more) set.members_[index(c)] = true;
    return set;
  }

  [[nodiscard]] constexpr bool has(char c) const noexcept { return members_[index(c)]; }
  [[nodiscard]] bool has_all(std::string_view text) const noexcept {
    bool all = true;  // no end before that of the text: most texts are valid, and short
    for (const char c : text) all = all & has(c);
    return all;
  }

 private:
  constexpr CharacterSet() noexcept = default;
  static constexpr std::size_t index(char c) noexcept { return static_cast<unsigned char>(c); }

  std::array<bool, 256> members_{};
};

/// Removes spaces and tabs from both ends (OWS; RFC 9110, 5.6.3).
/// @returns a part of `text`; an empty one too
[[nodiscard]] inline std::string_view trim(std::string_view text) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
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
