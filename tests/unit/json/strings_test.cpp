#include <addrbook/json/strings.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

using addrbook::detail::append_json_string;
using addrbook::detail::JsonCharset;
using namespace std::string_literals;

namespace {

std::string written(const std::string& text, JsonCharset charset) {
  std::string to;
  append_json_string(to, text, charset);
  return to;
}

/// What nlohmann's dump() writes; append_json_string() replaces it.
std::string dumped(const std::string& text, JsonCharset charset) {
  return nlohmann::json(text).dump(-1, ' ', charset == JsonCharset::ascii,
                                   nlohmann::json::error_handler_t::replace);
}

/// Compares without a CHECK for each of many thousand texts.
bool agrees(const std::string& text) {
  return written(text, JsonCharset::ascii) == dumped(text, JsonCharset::ascii) &&
         written(text, JsonCharset::utf8) == dumped(text, JsonCharset::utf8);
}

}  // namespace

TEST_CASE("json strings: a literal is appended with its quotes") {
  std::string text = "[";
  append_json_string(text, "", JsonCharset::ascii);
  text += ',';
  append_json_string(text, "a \"b\" \\ \n\x01\x7f", JsonCharset::ascii);
  text += ',';
  append_json_string(text, "\x7f\xC3\xA9\xF0\x9F\x98\x80", JsonCharset::utf8);
  text += ',';
  append_json_string(text, "\xC3\xA9\xF0\x9F\x98\x80", JsonCharset::ascii);
  CHECK(text ==
        "[\"\",\"a \\\"b\\\" \\\\ \\n\\u0001\\u007f\",\"\x7f\xC3\xA9\xF0\x9F\x98\x80\","
        "\"\\u00e9\\ud83d\\ude00\"");
}

TEST_CASE("json strings: an ill-formed sequence becomes one replacement character") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"\xFFx", R"("\ufffdx")"},
      {"x\xC3", R"("x\ufffd")"},
      {"\xE2\x82(", R"("\ufffd(")"},
      {"\xF0\x9F\x98", R"("\ufffd")"},
      {"\xC0\xAF", R"("\ufffd\ufffd")"},
      {"\xED\xA0\x80", R"("\ufffd\ufffd\ufffd")"},
      {"\xF4\x90\x80\x80", R"("\ufffd\ufffd\ufffd\ufffd")"},
      {"\xC3\xC3\xA9", R"("\ufffd\u00e9")"},
  };
  for (const auto& row : table) {
    CAPTURE(row.second);
    CHECK(written(row.first, JsonCharset::ascii) == row.second);
  }
}

TEST_CASE("json strings: each sequence of one or two bytes is written as nlohmann writes it") {
  for (int first = 0; first < 256; ++first) {
    CAPTURE(first);
    REQUIRE(agrees(std::string(1, static_cast<char>(first))));
    for (int second = 0; second < 256; ++second) {
      CAPTURE(second);
      REQUIRE(agrees({static_cast<char>(first), static_cast<char>(second)}));
    }
  }
}

TEST_CASE("json strings: random bytes are written as nlohmann writes them") {
  // Bytes at the limits of the UTF-8 table are frequent, so that long sequences occur.
  const std::string edges =
      "\x80\x8F\x90\x9F\xA0\xBF\xC1\xC2\xDF\xE0\xE1\xED\xEE\xEF\xF0\xF1\xF4\xF5\xFF\"\\\n\x1F\x7F"
      "a"s;
  constexpr unsigned seed = 20240911;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  for (int round = 0; round < 50'000; ++round) {
    CAPTURE(round);
    std::string text(below(12), '\0');
    for (char& c : text) {
      c = below(2) == 0 ? edges[below(edges.size())] : static_cast<char>(below(256));
    }
    REQUIRE(agrees(text));
  }
  // Longer than any buffer of nlohmann's.
  std::string text(100'000, '\0');
  for (char& c : text) c = static_cast<char>(below(256));
  REQUIRE(agrees(text));
}

TEST_CASE("json strings: unescape_json gives the characters") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", ""},
      {"plain \xC3\xA9", "plain \xC3\xA9"},
      {R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
      {R"(\u0041\u007f)", "A\x7F"},
      {R"(\u0080\u07FF)", "\xC2\x80\xDF\xBF"},
      {R"(\u0800\uffff)", "\xE0\xA0\x80\xEF\xBF\xBF"},
      {R"(\uD800\uDC00\uDBFF\uDFFF)", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
      {R"(\ud83d\ude00!)", "\xF0\x9F\x98\x80!"},
      {R"(a\u0000b)", "a\0b"s},
      {R"(\\u0041)", "\\u0041"},
  };
  for (const auto& row : table) {
    const auto& text = row.first;
    const auto& expected = row.second;
    CAPTURE(text);
    CHECK(addrbook::detail::unescape_json(text) == expected);
  }
}
