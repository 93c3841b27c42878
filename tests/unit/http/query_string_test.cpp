#include <addrbook/http/query_string.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::detail::decode_path;
using addrbook::detail::parse_query;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs pairs(std::string_view query) {
  Pairs found;
  const auto parameters = parse_query(query);
  REQUIRE(parameters);
  for (const auto& [name, value] : *parameters) found.emplace_back(name, value);
  return found;
}

}  // namespace

TEST_CASE("query string: names and values, in their order") {
  CHECK(pairs("").empty());
  CHECK((pairs("a=1&b=2&a=3") == Pairs{{"a", "1"}, {"b", "2"}, {"a", "3"}}));
  CHECK((pairs("a") == Pairs{{"a", ""}}));
  CHECK((pairs("a=") == Pairs{{"a", ""}}));
  CHECK((pairs("=1") == Pairs{{"", "1"}}));
  CHECK((pairs("a=b=c") == Pairs{{"a", "b=c"}}));
  CHECK(pairs("&&a&&").size() == 1);
}

TEST_CASE("query string: %XX and '+' are decoded, in names too") {
  CHECK((pairs("n%61me=%C3%A9+b%2B%26%3D") == Pairs{{"name", "\xC3\xA9 b+&="}}));
  CHECK((pairs("a=%00") == Pairs{{"a", std::string(1, '\0')}}));
}

TEST_CASE("query string: a '%' without two hexadecimal digits is refused") {
  for (const std::string query : {"%", "a=%", "a=%4", "a=%4&b", "a=%zz", "%4z=1", "a=1&b=%u0041"}) {
    CAPTURE(query);
    CHECK_FALSE(parse_query(query));
  }
}

TEST_CASE("query string: a path is decoded, and what is not %XX stays") {
  const std::vector<std::pair<std::string, std::string>> table{{"", ""},
                                                               {"/caf%C3%a9", "/caf\xC3\xA9"},
                                                               {"%41%42", "AB"},
                                                               {"/a%2Fb%25", "/a/b%"},
                                                               {"/%00/", std::string("/\0/", 3)},
                                                               {"/a+b", "/a+b"},
                                                               {"/%u0041", "/%u0041"},
                                                               {"%", "%"},
                                                               {"/%4", "/%4"},
                                                               {"/%zz%4z%z4", "/%zz%4z%z4"},
                                                               {"%%41%", "%A%"},
                                                               {"%2541", "%41"}};  // once
  for (const auto& row : table) {
    CAPTURE(row.first);
    CHECK(decode_path(row.first) == row.second);
  }
}
