#include <addrbook/document.hpp>

#include <unit/refusal.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <exception>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using addrbook::Document;
using addrbook::Errc;
using addrbook::Error;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

using test::refusal;

template <class Json>
Json nested(std::size_t levels) {
  Json tree = 1;
  for (std::size_t i = 0; i < levels; ++i) {
    Json outer = Json::object();
    outer["a"] = std::move(tree);
    tree = std::move(outer);
  }
  return tree;
}

}  // namespace

TEST_CASE("document: is the empty object once it is moved from") {
  Document from = Document::parse(R"({"a":1})");
  const Document to = std::move(from);
  CHECK(to.text() == R"({"a":1})");
  CHECK(from == Document());  // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  from = to;
  CHECK(from == to);
}

TEST_CASE("document: keeps what was written, without white space") {
  const std::string text =
      "{\"z\":1.0,\"a\":1e400,\"n\":12345678901234567890,\"m\":-0,"
      "\"s\":\"\\u0041\\/ \xF0\x9F\x98\x80\"}";
  CHECK(Document::parse(text).text() == text);
  CHECK(Document::parse("\n{ \"b\" : [ 1 , 2 ] ,\t\"a\":\" x \" }\r\n").text() ==
        "{\"b\":[1,2],\"a\":\" x \"}");
}

TEST_CASE("document: the default is the empty object") {
  CHECK(Document().text() == "{}");
  CHECK(Document() == Document::parse(" { } "));
  CHECK(Document().json() == json::object());
}

TEST_CASE("document: any other JSON value is no address") {
  for (const std::string text : {"[]", "[{}]", "1", "\"Ada\"", "null", "true", "false", " [ ] "}) {
    CAPTURE(text);
    CHECK(refusal([&] { static_cast<void>(Document::parse(text)); }) ==
          "an address must be a JSON object");
  }
}

TEST_CASE("document: a refusal names reason and byte") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "unexpected end of text at byte 0"},
      {"{", "unexpected end of text at byte 1"},
      {"{}x", "text after the JSON value at byte 2"},
      {"{\"a\":\"\xFF\"}", "invalid UTF-8 at byte 6"},
      {"{\"a\":\"\\uD800\"}", "lone surrogate escape at byte 6"},
      {"{\"a\":1,\"a\":1}", "a member name given twice at byte 7"},
      {"\xEF\xBB\xBF{}", "byte order mark at byte 0"},
      {"{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}",
       "nesting over 64 levels at byte 68"},
  };
  for (const auto& row : table) {
    const auto& text = row.first;
    const auto& expected = row.second;
    CAPTURE(text);
    CHECK(refusal([&] { static_cast<void>(Document::parse(text)); }) == expected);
  }
  CHECK(Document::parse("{\"a\":" + std::string(63, '[') + std::string(63, ']') + "}")
            .text()
            .size() == 132);
}

TEST_CASE("document: from a tree and back") {
  const json tree{{"name", "Ada Example"}, {"phones", {5550100, 5550101}}, {"vip", true}};
  const Document document = tree;
  CHECK(document.text() == R"({"name":"Ada Example","phones":[5550100,5550101],"vip":true})");
  CHECK(document.json() == tree);
  CHECK(Document(json{{"s", "a\n\"\xC3\xA9"}}).text() == "{\"s\":\"a\\n\\\"\xC3\xA9\"}");
  CHECK(Document(json::object()).text() == "{}");
}

TEST_CASE("document: an ordered tree keeps its order, both ways") {
  ordered_json tree;
  tree["z"] = 1;
  tree["a"] = ordered_json::object();
  tree["a"]["y"] = 2;
  tree["a"]["b"] = nullptr;
  const Document document = tree;
  CHECK(document.text() == R"({"z":1,"a":{"y":2,"b":null}})");
  CHECK(document.json<ordered_json>() == tree);
  CHECK(document.json<ordered_json>().begin().key() == "z");
}

TEST_CASE("document: a tree that JSON can't say is refused") {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto from = [](const json& tree) { return refusal([&] { Document{tree}; }); };
  CHECK(from(json{{"a", std::nan("")}}) == "the tree holds NaN or infinity");
  CHECK(from(json{{"a", {1, {{"b", infinity}}}}}) == "the tree holds NaN or infinity");
  CHECK(from(json{{"a", -infinity}}) == "the tree holds NaN or infinity");
  CHECK(from(json{{"a", json::binary({1, 2})}}) ==
        "the tree holds a value that JSON has no form for");
  CHECK(from(json(json::value_t::discarded)) == "the tree holds a value that JSON has no form for");
  CHECK(from(json{{"a", json(json::value_t::discarded)}}) ==
        "the tree holds a value that JSON has no form for");
  CHECK(from(json{{"a", "\xFF"}}) == "the tree holds a string that is not UTF-8");
  CHECK(from(json{{"\xC3", 1}}) == "the tree holds a string that is not UTF-8");
  CHECK(from(json{{"a", "\xED\xA0\x80"}}) == "the tree holds a string that is not UTF-8");
  const std::string no_object = "an address must be a JSON object";
  CHECK(from(json()) == no_object);
  CHECK(from(json(1.5)) == no_object);
  CHECK(from(json("Ada")) == no_object);
  CHECK(from(json::array({json::object()})) == no_object);
}

TEST_CASE("document: a refused string of a tree has nlohmann's reason as its cause") {
  try {
    Document{json{{"a", "\xFF"}}};
    FAIL("not refused");
  } catch (const Error& error) {
    const auto* nested = dynamic_cast<const std::nested_exception*>(&error);
    REQUIRE(nested != nullptr);
    CHECK_THROWS_AS(nested->rethrow_nested(), json::exception);
  }
}

TEST_CASE("document: a tree nests as deep as a text may") {
  CHECK(Document(nested<json>(64)).json() == nested<json>(64));
  CHECK(refusal([] { Document{nested<json>(65)}; }) == "nesting over 64 levels");
  CHECK(refusal([] { Document{nested<ordered_json>(65)}; }) == "nesting over 64 levels");
  json arrays = json::array();
  for (int i = 0; i < 62; ++i) {
    json outer = json::array();
    outer.push_back(std::move(arrays));
    arrays = std::move(outer);
  }
  json tree = json::object();
  tree["a"] = std::move(arrays);
  CHECK_NOTHROW(Document{tree});
}

// nlohmann's dump() recurses: on a tree like this it overflows the stack.
TEST_CASE("document: a tree of 100,000 levels is refused, not followed") {
  json tree = json::array();
  for (int i = 0; i < 100'000; ++i) {
    json outer = json::array();
    outer.push_back(std::move(tree));
    tree = std::move(outer);
  }
  json object = json::object();
  object["a"] = std::move(tree);
  CHECK(refusal([&] { Document{object}; }) == "nesting over 64 levels");
}

TEST_CASE("document: a number beyond double is kept, but has no tree") {
  const Document document = Document::parse(R"({"a":1e400})");
  CHECK(document.text() == R"({"a":1e400})");
  try {
    static_cast<void>(document.json());
    FAIL("1e400 became a double");
  } catch (const Error& error) {
    CHECK(error.code() == Errc::invalid);
    CHECK(std::string(error.what()) == "the address holds a number beyond double");
    CHECK(dynamic_cast<const std::nested_exception*>(&error) != nullptr);
  }
  CHECK_THROWS_AS(static_cast<void>(document.json<ordered_json>()), Error);
  CHECK(Document::parse(R"({"a":12345678901234567890})").json()["a"] == 12345678901234567890U);
}

TEST_CASE("document: equality is of texts") {
  CHECK(Document::parse(R"({"a":1})") == Document::parse(R"({ "a" : 1 })"));
  CHECK(Document::parse(R"({"a":1})") != Document::parse(R"({"a":1.0})"));
  CHECK(Document::parse(R"({"a":"A"})") != Document::parse(R"({"a":"\u0041"})"));
  CHECK(Document::parse(R"({"a":1,"b":2})") != Document::parse(R"({"b":2,"a":1})"));
  CHECK_FALSE(Document::parse(R"({"a":1})") != Document::parse(R"({"a":1})"));
}

TEST_CASE("document: a copy shares the text") {
  const Document document = Document::parse(R"({"name":"Ada"})");
  const Document copy = document;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(&copy.text() == &document.text());
  Document other;
  other = copy;
  CHECK(&other.text() == &document.text());
  CHECK(&Document().text() == &Document().text());
  static_assert(std::is_nothrow_move_constructible_v<Document>);
  static_assert(std::is_nothrow_move_assignable_v<Document>);
  static_assert(!std::is_convertible_v<std::string, Document>, "a text is to be checked by name");
}
