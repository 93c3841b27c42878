#include <addrbook/base/hex.hpp>

#include <doctest/doctest.h>

#include <string_view>

using addrbook::detail::hex;
using addrbook::detail::hex_value;

TEST_CASE("hex: a number has all of its 16 digits") {
  CHECK(hex(std::uint64_t{0}) == "0000000000000000");
  CHECK(hex(0x0123456789abcdefU) == "0123456789abcdef");
}

TEST_CASE("hex: bytes have two digits each") {
  CHECK(hex(std::string_view("\x00\x7f\xff", 3)) == "007fff");
  CHECK(hex(std::string_view()).empty());
}

TEST_CASE("hex: only hexadecimal digits have a value") {
  int values = 0;
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool is_digit =
        std::string_view("0123456789abcdefABCDEF").find(c) != std::string_view::npos;
    CAPTURE(code);
    CHECK((hex_value(c) >= 0) == is_digit);
    if (is_digit) ++values;
  }
  CHECK(values == 22);
  CHECK(hex_value('0') == 0);
  CHECK(hex_value('9') == 9);
  CHECK(hex_value('a') == 10);
  CHECK(hex_value('F') == 15);
}
