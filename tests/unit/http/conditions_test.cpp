#include <addrbook/http/conditions.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace detail = addrbook::detail;

TEST_CASE("conditions: an entity tag is epoch and revision") {
  CHECK(detail::EntityTag(0x123U, 7).text() == "\"0000000000000123-7\"");
  CHECK(detail::EntityTag(~std::uint64_t{0}, ~std::uint64_t{0}).text() ==
        "\"ffffffffffffffff-18446744073709551615\"");
}

TEST_CASE("conditions: If-None-Match values that list a tag") {
  const std::vector<std::pair<std::string, bool>> table{
      {R"("e-7")", true},
      {R"(W/"e-7")", true},
      {R"( "e-7" )", true},
      {R"("x", "e-7")", true},
      {R"("x","y",W/"e-7")", true},
      {R"("e-7", "x")", true},
      {R"("x",, ,"e-7")", true},
      {R"("a,b", "e-7")", true},
      {R"("W/", "e-7")", true},
      {"*", true},
      {" * ", true},
      {R"("e-7", garbage)", true},
      {"", false},
      {" ", false},
      {",", false},
      {R"("e-70")", false},
      {R"("e-")", false},
      {R"("E-7")", false},
      {"e-7", false},
      {R"('e-7')", false},
      {R"("e-7)", false},
      {R"(e-7")", false},
      {R"(w/"e-7")", false},
      {R"(W/ "e-7")", false},
      {R"(W/W/"e-7")", false},
      {R"(W/)", false},
      {R"("x,"e-7")", false},
      {R"("x" "e-7")", false},
      {R"("x"; "e-7")", false},
      {R"("x,"e-7","y")", false},
      {R"(garbage, "e-7")", false},
      {R"("*")", false},
      {R"("")", false},
  };
  for (const auto& row : table) {
    const auto& value = row.first;
    const auto& matches = row.second;
    CAPTURE(value);
    CHECK(detail::matches_any_tag(value, "\"e-7\"") == matches);
  }
  // What looks like two tags may be one with a comma in it.
  CHECK(detail::matches_any_tag(R"("a", "b,c")", R"("b,c")"));
  CHECK_FALSE(detail::matches_any_tag(R"("a,b")", R"("b")"));
}

// RFC 9110, 5.6.1.2. An empty field line before another one makes such a value when the lines are
// joined.
TEST_CASE("conditions: an empty first element of If-None-Match is skipped") {
  CHECK(detail::matches_any_tag(R"(, "e-7")", "\"e-7\""));
}
