#include <addrbook/http/request_id.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace detail = addrbook::detail;

TEST_CASE("request id: made ids are 16 hex digits and differ, also between makers") {
  const detail::RequestIds one;
  const detail::RequestIds two;
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    for (const auto& made : {one.next(), two.next()}) ids.emplace(made.data(), made.size());
  }
  CHECK(ids.size() == 2000);
  for (const auto& id : ids) {
    REQUIRE(id.size() == 16);
    REQUIRE(detail::is_request_id(id));
  }
}

TEST_CASE("request id: ids that a client may choose") {
  const std::vector<std::pair<std::string, bool>> table{
      {"a", true},
      {"0af7651916cd43dd8448eb211c80319c", true},
      {"A.b_c-9", true},
      {std::string(128, 'x'), true},
      {std::string(129, 'x'), false},
      {"", false},
      {"a b", false},
      {"a\nb", false},
      {"a\r\nSet-Cookie: x", false},
      {"a\"b", false},
      {"a=b", false},
      {"a/b", false},
      {"a:b", false},
      {"a, b", false},
      {"\xC3\xA9", false},
      {"\0"s, false},
  };
  for (const auto& row : table) {
    const auto& id = row.first;
    const auto& is_one = row.second;
    CAPTURE(id);
    CHECK(detail::is_request_id(id) == is_one);
  }
}
