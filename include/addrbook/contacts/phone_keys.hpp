/// Phone numbers as they are compared.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// Two numbers that differ in length are compared if the shorter one has this many digits.
constexpr std::size_t min_phone_suffix = 7;

/// @param text  a phone in any notation, UTF-8
/// @returns the numbers that it stands for, each as its digits without leading zeros; empty if it
///          holds none
[[nodiscard]] inline std::vector<std::string> phone_keys(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (is_digit(c) && (c != '0' || !digits.empty())) digits += c;
  }
  if (digits.empty()) return {};
  return {digits};
}

}  // namespace addrbook::detail
