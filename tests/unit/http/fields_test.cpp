#include <addrbook/http/fields.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace detail = addrbook::detail;
using detail::FieldTable;
using detail::FieldView;

namespace {

/// A text of `name: value` lines, and its table.
struct Fields {
  explicit Fields(const std::vector<std::pair<std::string, std::string>>& lines) {
    for (const auto& [name, value] : lines) text += name + ":  " + value + "\r\n";
    std::string_view rest = text;
    for (const auto& [name, value] : lines) {
      table.add(text, rest.substr(0, name.size()), rest.substr(name.size() + 3, value.size()));
      rest.remove_prefix(name.size() + value.size() + 5);
    }
  }

  std::string text;
  FieldTable table;
};

}  // namespace

TEST_CASE("fields: a value that would end its line is not one") {
  const std::vector<std::pair<std::string, bool>> table{
      {"", true},        {"Basic realm=\"a b\"", true},
      {"a\tb", true},    {"caf\xC3\xA9", true},
      {"a\r\nb", false}, {"a\nb", false},
      {"\r", false},     {"a\0b"s, false},
      {"\x1B", false},   {"\x7F", false}};
  for (const auto& row : table) {
    const auto& value = row.first;
    const auto& is_one = row.second;
    CAPTURE(value);
    CHECK(detail::is_field_value(value) == is_one);
  }
}

TEST_CASE("fields: a bad character in a value is found wherever it stands") {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool is_good = c == '\t' || !detail::is_control(c);
    for (std::size_t size = 1; size < 20; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        // Beside a tab and high bytes: what a word holds more than one of must not hide another.
        std::string value = std::string("\t\xC3\xA9 \x80\xFF~ ab\t cdefghijk").substr(0, size);
        value[at] = c;
        if (detail::is_field_value(value) == is_good) continue;
        CAPTURE(code);
        CAPTURE(size);
        CAPTURE(at);
        FAIL_CHECK("is_field_value");
      }
    }
  }
}

TEST_CASE("fields: tokens") {
  for (const char* text : {"a", "X-Request-Id", "!#$%&'*+-.^_`|~09AZaz"}) {
    CAPTURE(text);
    CHECK(detail::is_token(text));
  }
  for (const std::string& text : {""s, "a b"s, "a:"s, "(a)"s, "a\0"s, "\xC3\xA9"s, "a\t"s, "\"a\""s,
                                  "a,b"s, "a/b"s, "<a>"s, "a;b"s, "a=b"s, "{a}"s, "a@b"s}) {
    CAPTURE(text);
    CHECK_FALSE(detail::is_token(text));
  }
  CHECK_FALSE(detail::is_token_character('\0'));
}

TEST_CASE("fields: a member of a list is found in any case") {
  CHECK(detail::has_member("Close", "close"));
  CHECK(detail::has_member("keep-alive,\tCLOSE ,x", "close"));
  CHECK_FALSE(detail::has_member("", "close"));
  CHECK_FALSE(detail::has_member("closed, x close", "close"));
}

TEST_CASE("fields: a field is found by its name in any case, and nothing else is") {
  const Fields fields({{"Host", "a"}, {"X-Empty", ""}, {"hOSt2", "b"}});
  const FieldView view(fields.text, fields.table);
  CHECK(view.find("host") == "a");
  CHECK(view.find("HOST2") == "b");
  CHECK(view.find("x-empty") == "");
  for (const char* name : {"", "Hos", "Hosts", "X-Empt\xD9", "a", "Host:"}) {
    CAPTURE(name);
    CHECK(view.find(name) == std::nullopt);
  }
  CHECK(FieldView("", FieldTable()).find("Host") == std::nullopt);
}

TEST_CASE("fields: a value is a part of the text, unless its lines are joined") {
  const Fields fields({{"A", "1"}, {"B", "2"}, {"a", ""}, {"A", "3"}});
  const FieldView view(fields.text, fields.table);
  const auto single = view.find("b");
  REQUIRE(single);
  CHECK(single->data() == fields.text.data() + fields.text.find('2'));
  const auto joined = view.find("a");
  REQUIRE(joined);
  CHECK(*joined == "1, , 3");
  CHECK(view.find("A") == "1, , 3");
  CHECK(*joined == "1, , 3");  // what was returned first stays valid
}

TEST_CASE("fields: a table holds up to its capacity, and a copy is the same") {
  std::vector<std::pair<std::string, std::string>> lines(FieldTable::capacity, {"X", "1"});
  lines.front() = {"First", std::string(8000, 'a')};
  lines.back() = {"Last", std::string(8000, 'b')};
  const Fields fields(lines);
  const FieldTable copy(fields.table);
  CHECK(copy.size() == FieldTable::capacity);
  for (const FieldTable* table : {&fields.table, &copy}) {
    const FieldView view(fields.text, *table);
    CHECK(view.find("first") == std::string(8000, 'a'));
    CHECK(view.find("last") == std::string(8000, 'b'));
    const auto joined = view.find("x");
    REQUIRE(joined);
    CHECK(joined->size() == 98 + 97 * std::strlen(", "));
  }
  FieldTable assigned = copy;
  assigned = FieldTable();
  CHECK(assigned.size() == 0);
}
