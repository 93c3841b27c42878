#include <addrbook/base/checksum.hpp>

#include <doctest/doctest.h>

#include <cstdint>

using addrbook::detail::Checksum;
using addrbook::detail::checksum;

TEST_CASE("checksum: FNV-1a of known texts") {
  CHECK(checksum("") == 0xcbf29ce484222325);
  CHECK(checksum("a") == 0xaf63dc4c8601ec8c);
  CHECK(checksum("foobar") == 0x85944171f73967e8);
}

TEST_CASE("checksum: it depends on where it starts, and on every byte of a number") {
  Checksum sum(1);
  sum.add("a");
  CHECK(sum.sum() != checksum("a"));
  Checksum low;
  low.add(std::uint64_t{1});
  Checksum high;
  high.add(std::uint64_t{1} << 56U);
  CHECK(low.sum() != high.sum());
}
