#include <addrbook/base/pinned.hpp>

#include <doctest/doctest.h>

#include <type_traits>

namespace {

class Example : private addrbook::detail::Pinned {};

}  // namespace

TEST_CASE("pinned: a derived class is neither copied nor moved") {
  CHECK(std::is_default_constructible_v<Example>);
  CHECK_FALSE(std::is_copy_constructible_v<Example>);
  CHECK_FALSE(std::is_move_constructible_v<Example>);
  CHECK_FALSE(std::is_copy_assignable_v<Example>);
  CHECK_FALSE(std::is_move_assignable_v<Example>);
}
