#include <addrbook/schema/pattern.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <initializer_list>
#include <regex>
#include <string>
#include <string_view>

using addrbook::detail::count_characters;
using addrbook::detail::Pattern;
using addrbook::detail::wide_characters;

TEST_CASE("schema pattern: is looked for anywhere in the text") {
  CHECK(Pattern("b").is_in("abc"));
  CHECK(Pattern("").is_in(""));
  CHECK_FALSE(Pattern("^b").is_in("abc"));
  CHECK_FALSE(Pattern("b$").is_in("abc"));
  CHECK(Pattern("^a|x$").is_in("abc"));
  CHECK_FALSE(Pattern("^a$").is_in("a\nb"));
  CHECK(Pattern("b").is_in("a\nb\n"));
  CHECK(Pattern("^\\+?[0-9 -]{3,}$").is_in("+1 555-0100"));
  CHECK_FALSE(Pattern("^\\+?[0-9 -]{3,}$").is_in("+1 555-O100"));
  CHECK(Pattern("^(?=.*[0-9])[a-z0-9]+$").is_in("abc1"));
  CHECK_FALSE(Pattern("^(?=.*[0-9])[a-z0-9]+$").is_in("abc"));
}

TEST_CASE("schema pattern: a character is a code point") {
  CHECK(Pattern("^.{3}$").is_in("\u00E4\u20AC\U0001F38F"));
  CHECK(Pattern("^[\u00E0-\u00FC]+$").is_in("\u00E4\u00F6"));
  CHECK_FALSE(Pattern("^[\u00E0-\u00FC]+$").is_in("\u0104"));
  CHECK(count_characters("a\u00E4\u20AC\U0001F38F") == 4);
  CHECK(count_characters("") == 0);
  CHECK(wide_characters("a\u00E4\u20AC\U0001F38F") == L"a\u00E4\u20AC\U0001F38F");
}

TEST_CASE("schema pattern: a malformed one is refused") {
  for (const std::string_view text : {"(", ")", "a)(b", "[", "a{2", "*", "\\"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(Pattern{text}, std::regex_error);
  }
}

#ifdef __GLIBCXX__
TEST_CASE("schema pattern: no text makes it take long or overflows a stack") {
  constexpr std::size_t far_more = 30'000;
  for (const std::string_view text :
       {"^(a+)+$", "^(a|a)*$", "^(.*)*x$", "(a*)*b", "^(a?){20}a{20}b"}) {
    CAPTURE(text);
    CHECK_FALSE(Pattern(text).is_in(std::string(far_more, 'a') + "!"));
  }
  CHECK(Pattern("^(a|b)*$").is_in(std::string(far_more, 'a')));
  CHECK_THROWS_AS(Pattern("(a)\\1"), std::regex_error);
}
#endif
