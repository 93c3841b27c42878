#include <addrbook/contacts/characters.hpp>

#include <doctest/doctest.h>
#include <utf8proc.h>

#include <cstdint>
#include <string_view>

using addrbook::detail::decimal_digit;
using addrbook::detail::is_of_script_without_marks;
using addrbook::detail::is_of_script_without_spaces;

TEST_CASE("characters: the decimal digits are those of Unicode, in tens from a zero on") {
  std::uint32_t before = 0;
  int wrong = 0;
  for (std::uint32_t code = 0; code <= 0x10FFFF; ++code) {
    const bool is_digit =
        utf8proc_category(static_cast<utf8proc_int32_t>(code)) == UTF8PROC_CATEGORY_ND;
    const auto digit = decimal_digit(code);
    // A library of a later Unicode has more.
    if (digit && !is_digit) ++wrong;
    if (digit && *digit > 0 && decimal_digit(before) != *digit - 1) ++wrong;
    if (std::string_view(utf8proc_unicode_version()) == "15.0.0" && is_digit && !digit) ++wrong;
    before = code;
  }
  CHECK(wrong == 0);
  CHECK(decimal_digit('7') == 7);
  CHECK(decimal_digit(0x0665) == 5);   // Arabic-Indic
  CHECK(decimal_digit(0xFF19) == 9);   // full width
  CHECK(decimal_digit(0x1D7FF) == 9);  // mathematical
  CHECK_FALSE(decimal_digit('a'));
  CHECK_FALSE(decimal_digit(0x066A));
  CHECK_FALSE(decimal_digit(0x10FFFF));
}

TEST_CASE("characters: scripts") {
  for (const char32_t code : U"aZéßøλЖёאع") {
    if (code == 0) break;
    CAPTURE(static_cast<std::uint32_t>(code));
    CHECK(is_of_script_without_marks(code));
    CHECK_FALSE(is_of_script_without_spaces(code));
  }
  for (const char32_t code : U"東京々〇タひｶราຣខမ𠀀") {
    if (code == 0) break;
    CAPTURE(static_cast<std::uint32_t>(code));
    CHECK(is_of_script_without_spaces(code));
    CHECK_FALSE(is_of_script_without_marks(code));
  }
  for (const char32_t code : U"7 -한अա・") {
    if (code == 0) break;
    CAPTURE(static_cast<std::uint32_t>(code));
    CHECK_FALSE(is_of_script_without_marks(code));
    CHECK(is_of_script_without_spaces(code) == (code == U'・'));
  }
}
