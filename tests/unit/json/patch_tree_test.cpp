#include <addrbook/json/patch_tree.hpp>

#include <unit/refusal.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

using addrbook::detail::Effort;
using addrbook::detail::PatchTree;
using addrbook::detail::PatchValue;

namespace {

constexpr std::size_t max_depth = 64;

struct Tree {
  explicit Tree(std::string_view text) : tree(text, max_depth, effort) {}

  bool add(std::string_view pointer, std::string_view text) {
    return tree.add(pointer, PatchValue{text, nullptr});
  }
  /// The text, whose size is known before it is made.
  std::string text() {
    std::string made = tree.text();
    CHECK(made.size() == tree.bytes());
    return made;
  }

  Effort effort{(std::numeric_limits<std::size_t>::max)()};
  PatchTree tree;
};

std::string numbers(std::size_t count) {
  std::string text = "[";
  for (std::size_t i = 0; i < count; ++i) {
    text.append(i == 0 ? "" : ",").append(std::to_string(i));
  }
  return text + "]";
}

}  // namespace

TEST_CASE("patch tree: what is not touched stays as it stands") {
  const std::string text = R"({"z":1e400,"\u0061":[-0,{"x":"\/"}],"e":{},"f":[]})";
  Tree tree(text);
  CHECK(tree.text() == text);
  CHECK(tree.tree.find("/a/1/x")->text == R"("\/")");
  CHECK_FALSE(tree.tree.find("/a/1/x/y"));
  CHECK_FALSE(tree.tree.find("/a/2"));
  CHECK_FALSE(tree.tree.find("/e/"));
  CHECK(tree.text() == text);  // also where it was opened
  CHECK(tree.add("/a/1/y", "1"));
  CHECK(tree.text() == R"({"z":1e400,"\u0061":[-0,{"x":"\/","y":1}],"e":{},"f":[]})");
}

TEST_CASE("patch tree: members keep their place when they are replaced, and new ones follow") {
  Tree tree(R"({"a":1,"b":2,"c":3})");
  CHECK(tree.add("/b", "[]"));
  CHECK(tree.add("/d\"\xC3\xA9\n", "4"));
  CHECK(tree.text() == "{\"a\":1,\"b\":[],\"c\":3,\"d\\\"\xC3\xA9\\n\":4}");
  CHECK(tree.tree.remove("/a")->text == "1");
  CHECK(tree.add("/a", "5"));
  CHECK(tree.tree.replace("/a", {"6", nullptr}));
  CHECK_FALSE(tree.tree.replace("/x", {"6", nullptr}));
  CHECK_FALSE(tree.tree.remove("/x"));
  CHECK(tree.text() == "{\"b\":[],\"c\":3,\"d\\\"\xC3\xA9\\n\":4,\"a\":6}");
  for (const char* const name : {"/b", "/c", "/d\"\xC3\xA9\n", "/a"}) CHECK(tree.tree.remove(name));
  CHECK(tree.text() == "{}");
}

TEST_CASE("patch tree: elements are found, inserted and removed in arrays of any length") {
  for (const std::size_t count : {0U, 1U, 128U, 129U, 1000U}) {
    CAPTURE(count);
    const std::string text = numbers(count);
    Tree tree(text);
    CHECK(tree.text() == text);
    CHECK_FALSE(tree.tree.find("/" + std::to_string(count)));
    CHECK_FALSE(tree.tree.find("/-"));
    CHECK_FALSE(tree.add("/" + std::to_string(count + 1), "0"));
    CHECK(tree.add("/-", "\"last\""));
    CHECK(tree.add("/" + std::to_string(count + 1), "\"very last\""));
    // Runs grow in the middle until they are cut.
    const std::string middle = "/" + std::to_string(count / 2);
    for (int i = 0; i < 600; ++i) CHECK(tree.add(middle, "0"));
    CHECK(tree.tree.find("/" + std::to_string(count + 601))->text == "\"very last\"");
    for (int i = 0; i < 600; ++i) CHECK(tree.tree.remove(middle)->text == "0");
    CHECK(tree.tree.remove("/" + std::to_string(count + 1))->text == "\"very last\"");
    CHECK(tree.tree.remove("/" + std::to_string(count))->text == "\"last\"");
    CHECK(tree.text() == text);
    for (std::size_t i = 0; i < count; ++i) CHECK(tree.tree.remove("/0"));
    CHECK(tree.text() == "[]");
    CHECK(tree.add("/0", "1"));
    CHECK(tree.text() == "[1]");
  }
}

TEST_CASE("patch tree: a copy shares nothing that is changed later") {
  Tree tree(R"({"a":{"x":[1,{"y":2}]}})");
  CHECK(tree.add("/a/x/0", "0"));
  CHECK(tree.tree.add("/b", *tree.tree.find("/a")));
  CHECK(tree.tree.add("/b/x/-", *tree.tree.find("/a")));
  CHECK(tree.add("/a/x/2/y", "3"));
  CHECK(tree.add("/b/x/3/x/2/z", "4"));
  CHECK(tree.text() ==
        R"({"a":{"x":[0,1,{"y":3}]},"b":{"x":[0,1,{"y":2},{"x":[0,1,{"y":2,"z":4}]}]}})");
}

TEST_CASE("patch tree: the whole can be replaced, and taken away") {
  Tree tree("{}");
  CHECK(tree.add("", "[1]"));
  CHECK(tree.text() == "[1]");
  CHECK(tree.tree.replace("", {"7", nullptr}));
  CHECK_FALSE(tree.add("/a", "1"));
  CHECK(tree.tree.remove("")->text == "7");
  CHECK(tree.text() == "");
  CHECK_FALSE(tree.tree.find(""));
  CHECK_FALSE(tree.tree.remove(""));
  CHECK_FALSE(tree.tree.replace("", {"1", nullptr}));
  CHECK_FALSE(tree.add("/a", "1"));
  CHECK(tree.add("", "{}"));
  CHECK(tree.text() == "{}");
}

TEST_CASE("patch tree: it does not nest without end") {
  Tree tree(R"({"a":{}})");
  const auto nest = [&] {
    for (int i = 0; i < 2000; ++i) static_cast<void>(tree.tree.add("/a", *tree.tree.find("")));
  };
  CHECK(test::refusal(nest) == "Invalid JSON Patch: nesting over 1000 levels");
}
