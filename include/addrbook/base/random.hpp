/// Random bits from the operating system.
#pragma once

#include <cstdint>
#include <random>

#if __has_include(<sys/random.h>)
#include <sys/random.h>
#include <unistd.h>
#endif

namespace addrbook::detail {

/// @returns 64 bits that an attacker can't predict
/// @throws std::runtime_error if the system has no source of randomness
[[nodiscard]] inline std::uint64_t random_bits() {
#if __has_include(<sys/random.h>)
  // std::random_device often uses RDRAND, which is ten times as slow in a virtual machine.
  std::uint64_t bits = 0;
  if (::getentropy(&bits, sizeof bits) == 0) return bits;
#endif
  thread_local std::random_device device;
  static_assert(std::random_device::max() == 0xFFFFFFFFU);
  return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace addrbook::detail
