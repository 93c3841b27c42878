#include <addrbook/json/equality.hpp>

#include <addrbook/error.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using addrbook::Error;
using addrbook::detail::are_equal;
using addrbook::detail::Effort;
using addrbook::detail::JsonSpan;

namespace {

bool equal(const std::string& a, const std::string& b) {
  Effort effort((std::numeric_limits<std::size_t>::max)());
  const bool result = are_equal(JsonSpan(a), JsonSpan(b), effort);
  CHECK(are_equal(JsonSpan(b), JsonSpan(a), effort) == result);
  CHECK(effort.spent() >= a.size() + b.size());
  return result;
}

}  // namespace

TEST_CASE("json equality: what is equal") {
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"1", "1.0"},
      {"1", "1e0"},
      {"-0", "0"},
      {R"("a/\u00e9")", "\"\\u0061\\/\xC3\xA9\""},
      {R"("\ud83d\ude00")", "\"\xF0\x9F\x98\x80\""},
      {"[]", "[]"},
      {"[1,[2]]", "[1.0,[2e0]]"},
      {"{}", "{}"},
      {R"({"a":1,"b":[true,null]})", R"({"b":[true,null],"\u0061":1.0})"},
      {"null", "null"},
  };
  for (const auto& pair : pairs) {
    CAPTURE(pair.first);
    CHECK(equal(pair.first, pair.second));
  }
}

TEST_CASE("json equality: what is not") {
  const std::vector<std::pair<std::string, std::string>> pairs{
      {"1", "\"1\""},
      {"1", "true"},
      {"0", "false"},
      {"0", "null"},
      {"false", "null"},
      {"true", "false"},
      {"\"\"", "null"},
      {"[]", "{}"},
      {"[1,2]", "[2,1]"},
      {"[1]", "[1,1]"},
      {"[[]]", "[]"},
      {R"({"a":1})", R"({"a":2})"},
      {R"({"a":1})", R"({"b":1})"},
      {R"({"a":1})", R"({"a":1,"b":1})"},
      {R"({"a":null})", "{}"},
      {R"("A")", R"("a")"},
      {"1", "-1"},
  };
  for (const auto& pair : pairs) {
    CAPTURE(pair.first);
    CHECK_FALSE(equal(pair.first, pair.second));
  }
}

TEST_CASE("json equality: is ended by its effort") {
  const std::string ones = "[" + std::string(500, '1') + "]";
  Effort effort(900);
  CHECK_THROWS_AS(static_cast<void>(are_equal(JsonSpan(ones), JsonSpan(ones), effort)), Error);
}
