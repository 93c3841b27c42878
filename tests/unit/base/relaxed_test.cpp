#include <addrbook/base/relaxed.hpp>

#include <doctest/doctest.h>

TEST_CASE("relaxed: it is like the variable that it holds") {
  enum class Color { red, blue };
  addrbook::detail::Relaxed<Color> color = Color::blue;
  CHECK(color == Color::blue);
  color = Color::red;
  CHECK(color == Color::red);
  const addrbook::detail::Relaxed<int> number;
  CHECK(number == 0);
}
