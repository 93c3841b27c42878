#include <addrbook/base/ascii.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace ascii = addrbook::detail;

TEST_CASE("ascii: classes hold for exactly their characters") {
  for (int code = 0; code < 256; ++code) {
    CAPTURE(code);
    const char c = static_cast<char>(code);
    const bool is_digit = code >= 48 && code <= 57;
    const bool is_letter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
    CHECK(ascii::is_digit(c) == is_digit);
    CHECK(ascii::is_letter(c) == is_letter);
    CHECK(ascii::is_alphanumeric(c) == (is_digit || is_letter));
    CHECK(ascii::is_control(c) == (code < 32 || code == 127));
  }
}

TEST_CASE("ascii: a set is letters, digits and what is named") {
  CHECK(ascii::is_alphanumeric_or("-", "a-Z9"));
  CHECK(ascii::is_alphanumeric_or("", ""));
  CHECK_FALSE(ascii::is_alphanumeric_or("-", "a_b"));
  CHECK_FALSE(ascii::is_alphanumeric_or("-", std::string_view("a\0", 2)));
  CHECK_FALSE(ascii::is_alphanumeric_or("-", "\xC3\xA9"));
}

TEST_CASE("ascii: a table holds exactly its characters") {
  constexpr auto set = ascii::CharacterSet::alphanumeric_or("-\xC3");
  for (int code = 0; code < 256; ++code) {
    CAPTURE(code);
    const char c = static_cast<char>(code);
    CHECK(set.has(c) == ascii::is_alphanumeric_or("-\xC3", {&c, 1}));
  }
  CHECK(set.has_all("a-Z9"));
  CHECK(set.has_all(""));
  CHECK_FALSE(set.has_all("a_b"));
}

TEST_CASE("ascii: case changes letters of ASCII only") {
  CHECK(ascii::uppercase("aBz{\xC3\xA9`") == "ABZ{\xC3\xA9`");
  CHECK(ascii::lowercase("AbZ[\xC3\x89@") == "abz[\xC3\x89@");
  CHECK(ascii::equals_ignoring_case("ChUnKed", "chunked"));
  CHECK_FALSE(ascii::equals_ignoring_case("chunke", "chunked"));
  CHECK_FALSE(ascii::equals_ignoring_case("[", "{"));
}

TEST_CASE("ascii: trim removes spaces and tabs from the ends") {
  CHECK(ascii::trim(" \t a b\t ") == "a b");
  CHECK(ascii::trim(" \t").empty());
  const std::string_view spaces = " \t";
  CHECK(ascii::trim(spaces).data() == spaces.data() + spaces.size());
  CHECK(ascii::trim("\na") == "\na");
}

TEST_CASE("ascii: cut splits at the first separator") {
  std::string_view text = "a,b,c";
  CHECK(ascii::cut(text, ',') == "a");
  CHECK(text == "b,c");
  CHECK(ascii::cut(text, ';') == "b,c");
  CHECK(text.empty());
}

TEST_CASE("ascii: decimal numbers") {
  const std::vector<std::pair<std::string, std::optional<std::uint64_t>>> table{
      {"0", 0U},
      {"00", 0U},
      {"42", 42U},
      {"0042", 42U},
      {"18446744073709551615", 18446744073709551615U},
      {"18446744073709551616", {}},
      {"18446744073709551620", {}},
      {"99999999999999999999", {}},
      {"184467440737095516150", {}},
      {std::string(1000, '9'), {}},
      {std::string(1000, '0') + "7", 7U},
      {"", {}},
      {"-1", {}},
      {"+1", {}},
      {" 1", {}},
      {"1 ", {}},
      {"1, 1", {}},
      {"1,1", {}},
      {"1.0", {}},
      {"1e3", {}},
      {"0x10", {}},
      {"1\0"s, {}},
      {"\xD9\xA1", {}},
      {"ten", {}},
  };
  for (const auto& row : table) {
    const auto& text = row.first;
    const auto& expected = row.second;
    CAPTURE(text);
    CHECK(ascii::parse_decimal(text) == expected);
  }
}
