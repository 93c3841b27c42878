/// A checksum that finds mistakes, but not forgeries.
#pragma once

#include <cstdint>
#include <string_view>

namespace addrbook::detail {

/// FNV-1a with 64 bits, a byte at a time.
class Checksum {
 public:
  explicit constexpr Checksum(std::uint64_t start = 0xcbf29ce484222325) noexcept : sum_(start) {}

  constexpr void add(std::string_view bytes) noexcept {
    constexpr std::uint64_t prime = 0x100000001b3;
    for (const char c : bytes) sum_ = (sum_ ^ static_cast<unsigned char>(c)) * prime;
  }
  constexpr void add(std::uint64_t value) noexcept {
    for (unsigned shift = 0; shift < 64; shift += 8) {
      const char byte = static_cast<char>((value >> shift) & 0xFFU);
      add(std::string_view(&byte, 1));
    }
  }

  [[nodiscard]] constexpr std::uint64_t sum() const noexcept { return sum_; }

 private:
  std::uint64_t sum_;
};

[[nodiscard]] constexpr std::uint64_t checksum(std::string_view bytes) noexcept {
  Checksum checksum;
  checksum.add(bytes);
  return checksum.sum();
}

}  // namespace addrbook::detail
