#include <addrbook/json/pointer.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using addrbook::detail::array_index;
using addrbook::detail::is_below;
using addrbook::detail::is_json_pointer;
using addrbook::detail::take_token;

namespace {

std::vector<std::string> tokens(std::string_view pointer) {
  std::vector<std::string> found;
  while (!pointer.empty()) found.push_back(take_token(pointer));
  return found;
}

}  // namespace

TEST_CASE("json pointer: which texts are one") {
  for (const std::string_view good : {"", "/", "/a", "//", "/a/0/-", "/~0~1", "/\xC3\xA9 \"\\"}) {
    CAPTURE(good);
    CHECK(is_json_pointer(good));
  }
  for (const std::string_view bad : {"a", "#/a", "/~", "/~2", "/a~", "/~0~", "~0"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_json_pointer(bad));
  }
}

TEST_CASE("json pointer: tokens are unescaped, once") {
  using Tokens = std::vector<std::string>;
  CHECK(tokens("").empty());
  CHECK(tokens("/") == Tokens{""});
  CHECK(tokens("//a/") == Tokens{"", "a", ""});
  CHECK(tokens("/a~1b/m~0n/~01/c%d") == Tokens{"a/b", "m~n", "~1", "c%d"});
}

TEST_CASE("json pointer: array indexes") {
  CHECK(array_index("0") == 0);
  CHECK(array_index("10") == 10);
  for (const std::string_view bad :
       {"", "00", "01", "-", "-1", "+1", "1e0", "1.0", " 1", "1 ", "a", "18446744073709551616"}) {
    CAPTURE(bad);
    CHECK_FALSE(array_index(bad).has_value());
  }
}

TEST_CASE("json pointer: what is below what") {
  CHECK(is_below("/a/b", "/a"));
  CHECK(is_below("/a", ""));
  CHECK_FALSE(is_below("/a", "/a"));
  CHECK_FALSE(is_below("/ab", "/a"));
  CHECK_FALSE(is_below("/a", "/a/b"));
}

TEST_CASE("pointer: what is appended is what is taken off") {
  std::string pointer;
  for (const std::string token : {"", "a/b", "~", "~1", "\xC3\xA9"}) {
    addrbook::detail::append_token(pointer, token);
  }
  CHECK(pointer == "//a~1b/~0/~01/\xC3\xA9");
  std::string_view rest = pointer;
  for (const std::string token : {"", "a/b", "~", "~1", "\xC3\xA9"}) {
    CHECK(addrbook::detail::take_token(rest) == token);
  }
  CHECK(rest.empty());
}
