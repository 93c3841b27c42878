#include <addrbook/base/random.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <set>

TEST_CASE("random: bits differ, and each of the 64 is used") {
  std::set<std::uint64_t> seen;
  std::uint64_t ever_set = 0;
  std::uint64_t ever_clear = 0;
  constexpr int draws = 200;
  for (int i = 0; i < draws; ++i) {
    const std::uint64_t bits = addrbook::detail::random_bits();
    seen.insert(bits);
    ever_set |= bits;
    ever_clear |= ~bits;
  }
  CHECK(seen.size() == draws);
  CHECK(ever_set == ~std::uint64_t{0});
  CHECK(ever_clear == ~std::uint64_t{0});
}
