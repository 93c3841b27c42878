/// A UID for a contact that has none, made of what the contact holds.
#pragma once

#include <addrbook/base/hex.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// A sum of 128 bits.
struct WideSum {
  std::uint64_t high;
  std::uint64_t low;
};

/// @returns the sum that FNV-1a with 128 bits gives: it finds mistakes, but not forgeries
[[nodiscard]] constexpr WideSum wide_checksum(std::string_view bytes) noexcept {
  WideSum sum{0x6c62272e07bb0142, 0x62b821756295c58d};
  for (const char c : bytes) {
    sum.low ^= static_cast<unsigned char>(c);
    // Times the prime, 2^88 + factor.
    constexpr std::uint64_t factor = 0x13b;
    const std::uint64_t first = (sum.low & 0xFFFFFFFFU) * factor;
    const std::uint64_t second = (sum.low >> 32U) * factor + (first >> 32U);
    sum.high = sum.high * factor + (second >> 32U) + (sum.low << 24U);
    sum.low = (second << 32U) | (first & 0xFFFFFFFFU);
  }
  return sum;
}

/// @returns the same for the same bytes: `urn:uuid:` and a UUID of version 8 (RFC 9562, 5.8)
[[nodiscard]] inline std::string content_uid(std::string_view bytes) {
  constexpr std::uint64_t version_8 = 0x8000;
  constexpr std::uint64_t variant = std::uint64_t{2} << 62U;
  const WideSum sum = wide_checksum(bytes);
  std::string uid =
      hex((sum.high & ~std::uint64_t{0xF000}) | version_8) + hex(variant | (sum.low >> 2U));
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) uid.insert(dash, 1, '-');
  return "urn:uuid:" + uid;
}

}  // namespace addrbook::detail
