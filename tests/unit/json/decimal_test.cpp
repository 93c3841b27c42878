#include <addrbook/json/decimal.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

using addrbook::detail::Decimal;

namespace {

bool are_same(const std::string& a, const std::string& b) {
  return Decimal::of(a) == Decimal::of(b);
}

}  // namespace

TEST_CASE("decimal: each group has one value, and no two groups have the same") {
  const std::string nines(30, '9');
  const std::string zeros(30, '0');
  const std::vector<std::vector<std::string>> groups{
      {"0", "-0", "0.0", "0e5", "-0.00E-7", "0e" + nines},
      {"1", "1.0", "1e0", "1E+0", "10e-1", "0.1e1", "0.01e2", "1.000e-0", "1e" + zeros},
      {"-1", "-1.0", "-10e-1"},
      {"12.5", "125e-1", "0.125e2", "1.25E1", "12.50"},
      {"125"},
      {"12345678901234567890", "1.234567890123456789e19"},
      {"12345678901234567891"},
      {"1e400", "10e399", "0.1e401"},
      {"1e-400", "0.1e-399"},
      {"1e" + nines, "10e" + nines.substr(1) + "8", "0.1e1" + zeros},
      {"1e1" + zeros, "10e" + nines},
      {"1e-" + nines, "0.1e-" + nines.substr(1) + "8", "10e-1" + zeros},
      {"1e-1" + zeros},
      {"1e1000000000000000000", "10e999999999999999999", "100e999999999999999998"},
      {"1e999999999999999999", "0.1e1000000000000000000"},
      {"1e-1000000000000000000", "0.1e-999999999999999999"},
      {"1e9223372036854775807", "0.01e9223372036854775809"},
      {"1e-9223372036854775808"},
      {"1e18446744073709551616"},
  };
  // The third one of the group above is wrong unless the exponent carries: no rounding anywhere.
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const std::string& a : groups[g]) {
      for (std::size_t h = 0; h < groups.size(); ++h) {
        for (const std::string& b : groups[h]) {
          CAPTURE(a);
          CAPTURE(b);
          CHECK(are_same(a, b) == (g == h));
        }
      }
    }
  }
}

TEST_CASE("decimal: the normal form") {
  const Decimal number = Decimal::of("-0012.500e3");
  CHECK(number.is_negative);
  CHECK(number.digits == "125");
  CHECK(number.exponent == "5");
  CHECK(Decimal::of("0.001").exponent == "-2");
  CHECK(Decimal::of("1e-1").exponent == "0");
}
