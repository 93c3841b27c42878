#include <addrbook/rest/positions.hpp>

#include <doctest/doctest.h>

#include <string>

using addrbook::detail::Positions;

TEST_CASE("positions: a token leads back to its name, as long as it is kept") {
  Positions positions;
  const std::string first = positions.keep("ada");
  const std::string second = positions.keep("ada");
  CHECK(first.size() == 16);
  CHECK(first != second);
  CHECK(positions.find(first) == "ada");
  CHECK(positions.find(second) == "ada");
  CHECK_FALSE(positions.find(""));
  CHECK_FALSE(positions.find("ada"));
  CHECK_FALSE(positions.find("0000000000000000"));
  std::string last;
  for (int i = 0; i < 999; ++i) last = positions.keep("b");
  CHECK_FALSE(positions.find(first));
  CHECK(positions.find(second) == "ada");
  CHECK(positions.find(last) == "b");
}
