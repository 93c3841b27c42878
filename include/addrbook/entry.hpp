/// Entry: a document in the book, and the ids of entries.
#pragma once

#include <addrbook/document.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#if __has_include(<sys/random.h>)
#include <sys/random.h>
#include <unistd.h>
#endif

namespace addrbook {

/// A document in the book.
struct Entry {
  std::string id;              ///< see is_valid_id()
  std::uint64_t created = 0;   ///< the revision that created it: unique, the order of lists
  std::uint64_t revision = 0;  ///< the revision that wrote it last
  Document document;
};

/// @returns whether `id` matches [A-Za-z0-9-]{1,64}
[[nodiscard]] inline bool is_valid_id(std::string_view id) noexcept {
  constexpr std::size_t max_size = 64;
  const auto is_id_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !id.empty() && id.size() <= max_size && std::all_of(id.begin(), id.end(), is_id_character);
}

namespace detail {

/// @returns `value` in lowercase hex digits, all 16
inline std::string hex(std::uint64_t value) {
  std::string digits(16, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, value >>= 4U) {
    *digit = "0123456789abcdef"[value & 0xFU];
  }
  return digits;
}

/// @returns 64 bits that nobody can guess
/// @throws std::runtime_error if the system has none
inline std::uint64_t random_bits() {
#if __has_include(<sys/random.h>)
  // The instruction that std::random_device often is takes ten times as long in a virtual machine.
  std::uint64_t bits = 0;
  if (::getentropy(&bits, sizeof bits) == 0) return bits;
#endif
  thread_local std::random_device device;
  static_assert(std::random_device::max() == 0xFFFFFFFFU);
  return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace detail

/// @returns a fresh id: a UUID of version 7 (RFC 9562, 5.7) as 32 lowercase hex digits. Ids made
///          later sort later, to the millisecond, which keeps B-trees of them compact.
[[nodiscard]] inline std::string make_id() {
  using std::chrono::milliseconds;
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  const auto time =
      static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(since_epoch).count());
  constexpr std::uint64_t version_7 = 0x7000;
  constexpr std::uint64_t variant = std::uint64_t{2} << 62U;
  const std::uint64_t random = detail::random_bits();
  const std::uint64_t high = (time << 16U) | version_7 | (detail::random_bits() & 0xFFFU);
  return detail::hex(high) + detail::hex(variant | (random >> 2U));
}

}  // namespace addrbook
