#include <addrbook/config/key.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace {

using addrbook::detail::BadValue;
using addrbook::detail::ConfigKey;
using addrbook::detail::Emptiness;
using namespace std::string_literals;

/// Why a value is refused; "accepted" if it is not.
std::string refusal(const ConfigKey& key, const std::string& text) {
  try {
    key.set_text(text);
  } catch (const BadValue& bad) {
    return bad.reason;
  }
  return "accepted";
}

}  // namespace

TEST_CASE("config key: the path and the variable come from section and name") {
  const auto keys = addrbook::detail::in_section("http", {{"max_body_bytes", nullptr}});
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].path() == "http.max_body_bytes");
  CHECK(keys[0].variable() == "ADDRBOOK_HTTP_MAX_BODY_BYTES");
}

TEST_CASE("config key: integers keep to their limits and to decimal digits") {
  std::uint16_t value = 5;
  const ConfigKey key{"port", addrbook::detail::integer(value, 2, 65535)};
  CHECK(refusal(key, "2") == "accepted");
  CHECK(value == 2);
  CHECK(refusal(key, "65535") == "accepted");
  CHECK(value == 65535);
  for (const std::string text : {"", "1", "65536", "-1", "+3", " 3", "3 ", "0x3", "3.0", "1e3",
                                 "18446744073709551616", "184467440737095516160"}) {
    CAPTURE(text);
    CHECK(refusal(key, text) == "must be an integer from 2 to 65535, not '" + text + "'");
  }
  // Neither what is too long for a line, nor what could change a terminal's state.
  for (const auto& text : {std::string(33, '1'), "\x1B[31m"s}) {
    CHECK(refusal(key, text) == "must be an integer from 2 to 65535");
  }
  CHECK(value == 65535);
}

TEST_CASE("config key: times are from a millisecond to a day") {
  std::chrono::milliseconds value{5};
  const ConfigKey key{"timeout_ms", addrbook::detail::milliseconds(value)};
  CHECK(refusal(key, "86400000") == "accepted");
  CHECK(value == std::chrono::hours(24));
  CHECK(refusal(key, "0") == "must be an integer from 1 to 86400000, not '0'");
  CHECK(refusal(key, "86400001") == "must be an integer from 1 to 86400000, not '86400001'");
}

TEST_CASE("config key: lines have no control characters") {
  std::string value;
  const ConfigKey key{"name", addrbook::detail::line(value)};
  CHECK(refusal(key, "caf\xC3\xA9") == "accepted");
  CHECK(value == "caf\xC3\xA9");
  CHECK(refusal(key, "") == "must not be empty");
  CHECK(refusal(key, "a\nb") == "must be one line, without control characters");
  CHECK(refusal(key, "a\0b"s) == "must be one line, without control characters");
  CHECK(refusal(key, "a\x7f") == "must be one line, without control characters");
  const ConfigKey optional{"file", addrbook::detail::line(value, Emptiness::allowed)};
  CHECK(refusal(optional, "") == "accepted");
  CHECK(value.empty());
}

TEST_CASE("config key: a choice is one of its names") {
  enum class Color { red, green };
  Color value = Color::red;
  const ConfigKey key{"color", addrbook::detail::choice<Color>(
                                   value, {{"red", Color::red}, {"green", Color::green}})};
  CHECK(refusal(key, "green") == "accepted");
  CHECK(value == Color::green);
  CHECK(refusal(key, "Green") == "must be one of: red, green");
}

TEST_CASE("config key: the text of a list replaces it, with commas between the items") {
  std::vector<std::string> list{"old"};
  const ConfigKey key{"list",
                      [&list](const std::string& text) {
                        if (text.empty()) throw BadValue{"is empty"};
                        list.push_back(text);
                      },
                      [&list] { list.clear(); }};
  CHECK(refusal(key, "a, b\t,c") == "accepted");
  CHECK(list == std::vector<std::string>{"a", "b", "c"});
  CHECK(refusal(key, "a,,c") == "item 2: is empty");
  CHECK(refusal(key, "a,b,") == "item 3: is empty");
  CHECK(refusal(key, "") == "accepted");
  CHECK(list.empty());
}
