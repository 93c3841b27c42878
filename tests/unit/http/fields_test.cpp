#include <addrbook/http/fields.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace detail = addrbook::detail;

TEST_CASE("fields: a value that would end its line is not one") {
  const std::vector<std::pair<std::string, bool>> table{
      {"", true},        {"Basic realm=\"a b\"", true},
      {"a\tb", true},    {"caf\xC3\xA9", true},
      {"a\r\nb", false}, {"a\nb", false},
      {"\r", false},     {"a\0b"s, false},
      {"\x1B", false},   {"\x7F", false}};
  for (const auto& row : table) {
    const auto& value = row.first;
    const auto& is_one = row.second;
    CAPTURE(value);
    CHECK(detail::is_field_value(value) == is_one);
  }
}
