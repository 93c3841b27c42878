/// Decimal: a JSON number as the value that it stands for, of any size and precision.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// The number 0.digits * 10^exponent, in its one normal form: 1, 1.0, 10e-1 and 0.1e1 are the same.
/// Nothing is rounded, and nothing overflows.
struct Decimal {
  bool is_negative = false;
  std::string digits;    ///< no zero at either end; "" for 0, which has no sign
  std::string exponent;  ///< an integer: no leading zeros, no "-0"; "0" for the number 0

  /// @param text  a number of RFC 8259, 6
  [[nodiscard]] static inline Decimal of(std::string_view text);

  friend bool operator==(const Decimal& a, const Decimal& b) noexcept {
    return a.is_negative == b.is_negative && a.digits == b.digits && a.exponent == b.exponent;
  }
};

// ---------------------------------------------------------------------------------------------

/// @param integer  an optional sign and digits
/// @param shift    below 10^18 in size
/// @returns their sum, without leading zeros
[[nodiscard]] inline std::string add_to_integer(std::string_view integer, std::int64_t shift) {
  const bool is_negative = integer[0] == '-';
  if (is_negative || integer[0] == '+') integer.remove_prefix(1);
  integer.remove_prefix((std::min)(integer.find_first_not_of('0'), integer.size()));
  constexpr std::size_t small = 18;  // digits, so that a sum of two stays within 64 bits
  if (integer.size() <= small) {
    const auto size = static_cast<std::int64_t>(parse_decimal(integer).value_or(0));
    return std::to_string((is_negative ? -size : size) + shift);
  }
  // The integer is greater than any shift: its sign stays. Add the last digits, and carry.
  std::string sum(integer);
  constexpr std::int64_t base = 1'000'000'000'000'000'000;
  std::string_view low = integer.substr(integer.size() - small);
  std::int64_t part =
      static_cast<std::int64_t>(parse_decimal(low).value_or(0)) + (is_negative ? -shift : shift);
  const int carry = part < 0 ? -1 : part >= base ? 1 : 0;
  part -= carry * base;
  for (std::size_t i = 0; i < small; ++i, part /= 10) {
    sum[sum.size() - 1 - i] = static_cast<char>('0' + part % 10);
  }
  std::size_t at = sum.size() - small;
  for (int rest = carry; rest != 0 && at-- > 0;) {
    const int digit = sum[at] - '0' + rest;
    rest = digit < 0 ? -1 : digit > 9 ? 1 : 0;
    sum[at] = static_cast<char>('0' + (digit + 10) % 10);
    if (rest > 0 && at == 0) sum.insert(0, "1");
  }
  sum.erase(0, sum.find_first_not_of('0'));
  return is_negative ? "-" + sum : sum;
}

inline Decimal Decimal::of(std::string_view text) {
  Decimal number;
  number.is_negative = text[0] == '-';
  if (number.is_negative) text.remove_prefix(1);
  const auto e = text.find_first_of("eE");
  const std::string_view exponent =
      e == std::string_view::npos ? std::string_view("0") : text.substr(e + 1);
  std::string_view fraction = text.substr(0, e);
  const std::string_view whole = cut(fraction, '.');
  std::string digits = std::string(whole).append(fraction);
  const auto first = digits.find_first_not_of('0');
  if (first == std::string::npos) return {false, "", "0"};
  digits.erase(digits.find_last_not_of('0') + 1);
  number.digits = digits.substr(first);
  number.exponent = add_to_integer(
      exponent, static_cast<std::int64_t>(whole.size()) - static_cast<std::int64_t>(first));
  return number;
}

}  // namespace addrbook::detail
