#include <addrbook/json/spans.hpp>

#include <addrbook/document.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using addrbook::Document;
using addrbook::detail::json_value_size;
using addrbook::detail::JsonSpan;
using Kind = addrbook::detail::JsonSpan::Kind;

namespace {

std::vector<std::string> children_of(std::string_view text) {
  std::vector<std::string> found;
  auto children = JsonSpan(text).children();
  while (const auto child = children.next()) {
    found.push_back(std::string(child->raw_name) + "=" + std::string(child->value_text));
  }
  return found;
}

/// Puts a text together again from its smallest spans.
std::string copied(JsonSpan span) {
  if (!span.is(Kind::object) && !span.is(Kind::array)) return std::string(span.text());
  std::string text(1, span.text().front());
  auto children = span.children();
  while (const auto child = children.next()) {
    if (text.size() > 1) text += ',';
    if (span.is(Kind::object)) text += '"' + std::string(child->raw_name) + "\":";
    text += copied(child->value());
  }
  return text + span.text().back();
}

}  // namespace

TEST_CASE("json spans: the kind of a value") {
  CHECK(JsonSpan("{}").is(Kind::object));
  CHECK(JsonSpan("[]").is(Kind::array));
  CHECK(JsonSpan(R"("")").is(Kind::string));
  CHECK(JsonSpan("-0").is(Kind::number));
  CHECK(JsonSpan("12345678901234567890").is(Kind::number));
  CHECK(JsonSpan("true").is(Kind::boolean));
  CHECK(JsonSpan("false").is(Kind::boolean));
  CHECK(JsonSpan("null").is(Kind::null));
}

TEST_CASE("json spans: integers") {
  CHECK(JsonSpan("-0").is_integer());
  CHECK(JsonSpan("12345678901234567890").is_integer());
  for (const char* const other : {"1.0", "1e2", "1E2", "true", R"("1")", "[1]", "null"}) {
    CHECK_FALSE(JsonSpan(other).is_integer());
  }
}

TEST_CASE("json spans: children of objects and arrays, in their order") {
  using Found = std::vector<std::string>;
  CHECK(children_of(R"({"b":[1,{"x":"]"}],"a":null})") == Found{R"(b=[1,{"x":"]"}])", "a=null"});
  CHECK(children_of(R"(["a,b","\"]",[],{}])") == Found{R"(="a,b")", R"(="\"]")", "=[]", "={}"});
  CHECK(children_of(R"({"a\"b":"\\"})") == Found{R"(a\"b="\\")"});
  CHECK(children_of("{}").empty());
  CHECK(children_of("[]").empty());
  CHECK(children_of("7").empty());
  CHECK(children_of(R"("{}")").empty());
}

TEST_CASE("json spans: a member is found by the characters of its name") {
  const JsonSpan object(R"({"name":"Ann","n\u0061me2":[1],"":0})");
  REQUIRE(object.member("name"));
  CHECK(object.member("name")->string() == "Ann");
  REQUIRE(object.member("name2"));
  CHECK(object.member("name2")->text() == "[1]");
  REQUIRE(object.member(""));
  CHECK_FALSE(object.member("nam"));
  CHECK_FALSE(object.member(R"(n\u0061me2)"));
  CHECK_FALSE(JsonSpan("[1]").member("0"));
}

TEST_CASE("json spans: a string is unescaped, and other values have none") {
  CHECK(JsonSpan(R"("J\u00fcrgen \"x\"")").string() == "J\xC3\xBCrgen \"x\"");
  CHECK(JsonSpan("5").string().empty());
}

TEST_CASE("json spans: all values of a document are covered") {
  const std::string text =
      R"({"a":{"b":[[],[{}],"}",{"c":{"d":1e400}}],"e\\":-0},"f":[true,false,null],"g":"\\\""})";
  CHECK(copied(JsonSpan(Document::parse(text).text())) == text);
  CHECK(json_value_size(text + ",x") == text.size());
  CHECK(json_value_size("12,3") == 2);
}
