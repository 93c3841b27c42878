#include <addrbook/formats/parameter_bag.hpp>

#include <doctest/doctest.h>

#include <string>

using addrbook::detail::ParameterBag;

TEST_CASE("parameter bag: what is understood is taken, the rest stays") {
  ParameterBag bag({{"TYPE", {"home", "x"}}, {"PREF", {"1"}}, {"TYPE", {"cell"}}});
  CHECK(bag.one("TYPE") == nullptr);
  REQUIRE(bag.find("TYPE") != nullptr);
  CHECK(bag.find("TYPE")->size() == 3);
  CHECK_FALSE(bag.take("TYPE"));
  CHECK_FALSE(bag.take("LANGUAGE"));
  CHECK(bag.take("PREF") == "1");
  CHECK(bag.find("PREF") == nullptr);
  bag.take_values("TYPE", [](const std::string& value) { return value != "x"; });
  REQUIRE(bag.one("TYPE") != nullptr);
  CHECK(*bag.one("TYPE") == "x");
  bag.put("VALUE", "text");
  bag.take_values("TYPE", [](const std::string&) { return true; });
  REQUIRE(bag.rest().size() == 1);
  CHECK(bag.rest().front().name == "VALUE");
  bag.drop("VALUE");
  bag.drop("VALUE");
  CHECK(bag.rest().empty());
}
