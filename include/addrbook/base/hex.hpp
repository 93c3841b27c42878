/// Hexadecimal digits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// @returns 0 to 15, or -1 if `c` is not a hexadecimal digit
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// @param value  0 to 15
/// @returns the digit, in lower case
[[nodiscard]] constexpr char hex_digit(unsigned value) noexcept {
  return "0123456789abcdef"[value & 0xFU];
}

/// @returns all 16 digits of `value`, in lower case
[[nodiscard]] inline std::array<char, 16> hex_digits(std::uint64_t value) noexcept {
  std::array<char, 16> digits{};
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, value >>= 4U) {
    *digit = hex_digit(static_cast<unsigned>(value & 0xFU));
  }
  return digits;
}

/// As hex_digits().
[[nodiscard]] inline std::string hex(std::uint64_t value) {
  const auto digits = hex_digits(value);
  return {digits.data(), digits.size()};
}

/// @returns two digits for each byte, in lower case
[[nodiscard]] inline std::string hex(std::string_view bytes) {
  std::string digits;
  digits.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    digits += hex_digit(byte >> 4U);
    digits += hex_digit(byte & 0xFU);
  }
  return digits;
}

/// @returns the bytes that pairs of hexadecimal digits stand for; nothing if they are not such
[[nodiscard]] inline std::optional<std::string> unhex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_value(digits[i]);
    const int low = hex_value(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace addrbook::detail
