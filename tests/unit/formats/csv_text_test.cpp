#include <addrbook/formats/csv_text.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

using addrbook::detail::append_cell;
using addrbook::detail::without_guard;
using namespace std::string_literals;

namespace {

std::string cell(const std::string& text) {
  std::string to;
  append_cell(to, text);
  return to;
}

/// What stands between the quotes that append_cell() has put around a text.
std::string unquoted(std::string text) {
  if (text.empty() || text[0] != '"') return text;
  text = text.substr(1, text.size() - 2);
  for (std::size_t at = 0; (at = text.find("\"\"", at)) != std::string::npos; ++at) {
    text.erase(at, 1);
  }
  return text;
}

}  // namespace

TEST_CASE("csv text: a cell has quotes if it needs them") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", ""},           {"a b", "a b"},       {"a,b", "\"a,b\""},          {"a;b", "\"a;b\""},
      {"\"", "\"\"\"\""}, {"a\nb", "\"a\nb\""}, {"a\r\nb", "\"a\r\nb\""},    {" a", "\" a\""},
      {"a ", "\"a \""},   {"it's", "it's"},     {"x\"y\"", "\"x\"\"y\"\"\""}};
  for (const auto& row : table) CHECK(cell(row.first) == row.second);
}

TEST_CASE("csv text: what a spreadsheet may take for a formula gets a ' in front") {
  for (const std::string text :
       {"=1+1", "@SUM(A1)", "+1 555 555 0123 ext. 45", "+A1", "-A1", "-1+2", "+1*2", "'=x", "''@x",
        "=", "@", "+=", "-@", "＝1", "＠A", "＋A1", "－A1", "'＝", "+１"}) {
    CAPTURE(text);
    CHECK(cell(text) == '\'' + text);
    CHECK(without_guard('\'' + text) == text);
  }
  CHECK(cell("\t1") == "\"'\t1\"");
  CHECK(cell("\r=1") == "\"'\r=1\"");
  CHECK(cell("=\"a\",1") == "\"'=\"\"a\"\",1\"");
  for (const std::string text :
       {"", "'", "''", "'a", "+1 555 555-0123", "+1 (555) 555.01/23", "-5", "+", "-", "a=1",
        "'+1 555", "1+1", "(+1)", "＋1 555", "－", "a＝", "。"}) {
    CAPTURE(text);
    CHECK(cell(text) == text);
    CHECK(without_guard(text) == text);
  }
}

TEST_CASE("csv text: without_guard() takes off exactly what append_cell() puts in front") {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same texts each time
  const std::vector<std::string> alphabet{"'", "'", "=", "@", "+",  "-",  "\t", "\r",
                                          "1", "a", " ", ",", "\"", "\n", "＝", "＋"};
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (auto size = random() % 6; size > 0; --size) text += alphabet[random() % alphabet.size()];
    if (without_guard(unquoted(cell(text))) != text) FAIL_CHECK(text);
  }
}
