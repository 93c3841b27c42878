#include <addrbook/server/connection_handler.hpp>

#include <support/fake_engine.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using addrbook::detail::Warning;

TEST_CASE("connection_handler: a warning is logged once until it is cleared") {
  test::FakeHandler handler;
  Warning first(handler, "first");
  Warning second(handler, "second");
  for (int i = 0; i < 3; ++i) first.raise();
  second.raise();
  CHECK(handler.warnings() == std::vector<std::string>{"first", "second"});
  first.clear();
  first.clear();
  CHECK(handler.warnings().size() == 2);
  for (int i = 0; i < 3; ++i) first.raise();
  CHECK(handler.warnings() == std::vector<std::string>{"first", "second", "first"});
}
