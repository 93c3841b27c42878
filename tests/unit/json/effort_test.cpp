#include <addrbook/json/effort.hpp>

#include <unit/refusal.hpp>

#include <doctest/doctest.h>

using addrbook::detail::Effort;

TEST_CASE("effort: ends beyond its limit") {
  Effort effort(10);
  effort.spend(4);
  effort.spend(6);
  CHECK(effort.spent() == 10);
  CHECK(test::refusal([&] { effort.spend(1); }) == "Invalid JSON Patch: it takes too much work");
}
