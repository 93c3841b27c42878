#include <addrbook/http/prefix.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace detail = addrbook::detail;

TEST_CASE("prefix: paths that mean the same to every router") {
  const std::vector<std::pair<std::string, bool>> table{
      {"/addresses", true},
      {"/a", true},
      {"/api/v1.0/people", true},
      {"/~ada/my_book-2", true},
      {"/...", true},
      {"/.hidden", true},
      {"", false},
      {"/", false},
      {"//", false},
      {"addresses", false},
      {"/addresses/", false},
      {"/a//b", false},
      {"//a", false},
      {"/.", false},
      {"/a/..", false},
      {"/a/./b", false},
      {"/../a", false},
      {"/a b", false},
      {"/a?x", false},
      {"/a#x", false},
      {"/a%20", false},
      {"/:id", false},
      {"/(.*)", false},
      {"/a+", false},
      {"/a*", false},
      {"/[a]", false},
      {"/a\\d", false},
      {"/caf\xC3\xA9", false},
      {"/a\n", false},
      {"/a\0"s, false},
  };
  for (const auto& row : table) {
    const auto& prefix = row.first;
    const auto& is_valid = row.second;
    CAPTURE(prefix);
    CHECK(detail::is_valid_prefix(prefix) == is_valid);
  }
}
