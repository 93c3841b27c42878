#include <addrbook/rest/positions.hpp>

#include <doctest/doctest.h>

#include <string>

using addrbook::detail::Positions;

TEST_CASE("positions: a token leads back to its name, as long as it is kept") {
  Positions positions;
  const std::string first = positions.keep("eve", "ada");
  const std::string second = positions.keep("eve", "ada");
  CHECK(first.size() == 16);
  CHECK(first != second);
  CHECK(positions.find("eve", first) == "ada");
  CHECK(positions.find("eve", second) == "ada");
  CHECK_FALSE(positions.find("eve", ""));
  CHECK_FALSE(positions.find("eve", "ada"));
  CHECK_FALSE(positions.find("eve", "0000000000000000"));
  std::string last;
  for (int i = 0; i < 99; ++i) last = positions.keep("eve", "b");
  CHECK_FALSE(positions.find("eve", first));
  CHECK(positions.find("eve", second) == "ada");
  CHECK(positions.find("eve", last) == "b");
}

TEST_CASE("positions: users don't disturb each other") {
  Positions positions;
  const std::string of_ada = positions.keep("ada", "a");
  for (int i = 0; i < 1000; ++i) CHECK(!positions.keep("eve", "b").empty());
  CHECK(positions.find("ada", of_ada) == "a");
  CHECK_FALSE(positions.find("eve", of_ada));
  std::string last;
  for (int i = 0; i < 2000; ++i) last = positions.keep("user-" + std::to_string(i), "c");
  CHECK(positions.find("user-1999", last) == "c");
}
