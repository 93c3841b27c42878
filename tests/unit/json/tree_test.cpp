#include <addrbook/json/tree.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>

using addrbook::detail::JsonSpan;
using addrbook::detail::JsonTree;
using Kind = JsonTree::Kind;

namespace {

JsonTree tree(const char* text) {
  return JsonTree(JsonSpan(text));
}

}  // namespace

TEST_CASE("json tree: a text comes out as it went in") {
  for (const char* text : {"null", "true", "false", "0", "-0", "1.0", "1e400",
                           "12345678901234567890", "\"\"", "\"a\\\"b\\\\\\n\"", "[]", "{}",
                           "[1,[2,{}],\"x\"]", R"({"b":1,"a":[null],"":{"c":true}})"}) {
    CHECK(tree(text).dump() == text);
  }
  CHECK(tree(R"("\u00e9\u0001")").dump() == "\"\xC3\xA9\\u0001\"");
}

TEST_CASE("json tree: members are found, added, changed and erased, in their order") {
  for (const std::size_t size : {0U, 3U, 16U, 17U, 100U}) {
    CAPTURE(size);
    JsonTree object;
    for (std::size_t i = 0; i < size; ++i) object["m" + std::to_string(i)] = JsonTree(i);
    CHECK(object.children().size() == size);
    CHECK(object.find("x") == nullptr);
    object["x"] = JsonTree("1");
    object["x"] = JsonTree("2");
    CHECK(object.children().size() == size + 1);
    CHECK(object.children().back().name == "x");
    REQUIRE(object.string("x") != nullptr);
    CHECK(*object.string("x") == "2");
    const JsonTree copy = object;
    CHECK(object.erase("x"));
    CHECK_FALSE(object.erase("x"));
    CHECK(object.find("x") == nullptr);
    CHECK(copy.find("x") != nullptr);
    if (size > 0) CHECK(object.find("m0") == &object.children()[0].value);
    if (size > 0) CHECK(object.string("m0") == nullptr);
  }
}

TEST_CASE("json tree: what is no object has no members, and a null becomes what is added to") {
  CHECK(tree("[1]").find("") == nullptr);
  CHECK(tree("1").find("1") == nullptr);
  JsonTree array;
  array.push_back(JsonTree(true));
  array.push_back(JsonTree());
  CHECK(array.dump() == "[true,null]");
  CHECK(array.children()[0].value.is_true());
  CHECK(JsonTree().is(Kind::null));
}

TEST_CASE("json tree: equal whatever the order of members, but not of elements") {
  CHECK(tree(R"({"a":1,"b":[1,2]})") == tree(R"({"b":[1,2],"a":1})"));
  CHECK(tree("[1,2]") != tree("[2,1]"));
  CHECK(tree("1") != tree("1.0"));
  CHECK(tree("1") != tree("\"1\""));
  CHECK(tree(R"({"a":1})") != tree(R"({"b":1})"));
  CHECK(tree(R"({"a":1})") != tree(R"({"a":1,"b":1})"));
  CHECK(tree("{}") != tree("[]"));
}
