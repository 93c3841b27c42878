#include <addrbook/json/patch.hpp>

#include <addrbook/error.hpp>

#include <unit/json/random_json.hpp>
#include <unit/refusal.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

using addrbook::Errc;
using addrbook::Error;
using addrbook::detail::JsonPatch;
using nlohmann::json;

namespace {

constexpr std::size_t max_depth = 64;
constexpr JsonPatch::Limits ample{std::size_t{1} << 20U, max_depth};

std::string compact(std::string text) {
  addrbook::detail::compact_json(text, max_depth);
  return text;
}

/// The patched text, or how it is refused: "conflict: ..." or "invalid: ...".
std::string patched(const std::string& target, const std::string& patch,
                    const JsonPatch::Limits& limits = ample) {
  try {
    return JsonPatch(compact(patch)).apply(compact(target), limits);
  } catch (const Error& error) {
    return std::string(to_string(error.code())) + ": " + error.what();
  }
}

struct Case {
  std::string target;
  std::string patch;
  std::string result;
};

void check(const std::vector<Case>& cases) {
  for (const auto& each : cases) {
    CAPTURE(each.target);
    CAPTURE(each.patch);
    CHECK(patched(each.target, each.patch) == each.result);
  }
}

std::string repeated(std::size_t count, const std::string& operation) {
  std::string patch = "[";
  for (std::size_t i = 0; i < count; ++i) patch.append(i == 0 ? "" : ",").append(operation);
  return patch + "]";
}

}  // namespace

TEST_CASE("json patch: the examples of RFC 6902, appendix A") {
  check({
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])",
       R"({"foo":"bar","baz":"qux"})"},
      {R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])",
       R"({"foo":["bar","qux","baz"]})"},
      {R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])", R"({"foo":"bar"})"},
      {R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])",
       R"({"foo":["bar","baz"]})"},
      {R"({"baz":"qux","foo":"bar"})", R"([{"op":"replace","path":"/baz","value":"boo"}])",
       R"({"baz":"boo","foo":"bar"})"},
      {R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
       R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])",
       R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})"},
      {R"({"foo":["all","grass","cows","eat"]})",
       R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])",
       R"({"foo":["all","cows","eat","grass"]})"},
      {R"({"baz":"qux","foo":["a",2,"c"]})",
       R"([{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}])",
       R"({"baz":"qux","foo":["a",2,"c"]})"},
      {R"({"baz":"qux"})", R"([{"op":"test","path":"/baz","value":"bar"}])",
       "conflict: Operation 0: the test fails at '/baz'"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/child","value":{"grandchild":{}}}])",
       R"({"foo":"bar","child":{"grandchild":{}}})"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux","xyz":123}])",
       R"({"foo":"bar","baz":"qux"})"},
      {R"({"foo":"bar"})", R"([{"op":"add","path":"/baz/bat","value":"qux"}])",
       "conflict: Operation 0: there is no place for '/baz/bat'"},
      {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])", R"({"/":9,"~1":10})"},
      {R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":"10"}])",
       "conflict: Operation 0: the test fails at '/~01'"},
      {R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["abc","def"]}])",
       R"({"foo":["bar",["abc","def"]]})"},
  });
}

TEST_CASE("json patch: what each operation does") {
  check({
      {"{}", "[]", "{}"},
      // add
      {R"({"a":1})", R"([{"op":"add","path":"/a","value":null}])", R"({"a":null})"},
      {R"({"a":1})", R"([{"op":"add","path":"","value":{"b":2}}])", R"({"b":2})"},
      {"{}", R"([{"op":"add","path":"/","value":1}])", R"({"":1})"},
      {R"({"":{"":1}})", R"([{"op":"add","path":"//","value":2}])", R"({"":{"":2}})"},
      {"{}", R"([{"op":"add","path":"/0","value":1}])", R"({"0":1})"},
      {"{}", R"([{"op":"add","path":"/-","value":1}])", R"({"-":1})"},
      {"[1]", R"([{"op":"add","path":"/0","value":0}])", "[0,1]"},
      {"[1]", R"([{"op":"add","path":"/1","value":2}])", "[1,2]"},
      {"[]", R"([{"op":"add","path":"/0","value":[]}])", "[[]]"},
      {R"({"a~b":[{"c/d":1}]})", R"([{"op":"add","path":"/a~0b/0/c~1d","value":2}])",
       R"({"a~b":[{"c/d":2}]})"},
      {R"({"\u0061":1})", R"([{"op":"add","path":"/a","value":2}])", R"({"\u0061":2})"},
      {R"({"a":1})", R"([{"op":"add","path":"\/\u0061","value":2}])", R"({"a":2})"},
      // remove
      {R"({"a":[1,{"b":2}]})", R"([{"op":"remove","path":"/a/1/b"}])", R"({"a":[1,{}]})"},
      {R"({"a":[1]})", R"([{"op":"remove","path":"/a/0"}])", R"({"a":[]})"},
      {R"({"a":1})", R"([{"op":"remove","path":""}])", ""},
      {R"({"a":1})", R"([{"op":"remove","path":""},{"op":"add","path":"","value":{}}])", "{}"},
      // replace
      {R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":1}}])", R"({"b":1})"},
      {R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/0","value":1e400}])", R"({"a":[1e400,2]})"},
      {R"({"a":1})", R"([{"op":"replace","path":"/a","value":{"x":-0}}])", R"({"a":{"x":-0}})"},
      // move
      {R"({"a":1,"b":2})", R"([{"op":"move","from":"/a","path":"/a"}])", R"({"a":1,"b":2})"},
      {R"({"a":1,"b":2})", R"([{"op":"move","from":"/a","path":"/b"}])", R"({"b":1})"},
      {R"({"a":1,"ab":{}})", R"([{"op":"move","from":"/a","path":"/ab/c"}])", R"({"ab":{"c":1}})"},
      {R"({"a":{"b":{"c":1}}})", R"([{"op":"move","from":"/a/b","path":"/a"}])",
       R"({"a":{"c":1}})"},
      {"[1,2,3]", R"([{"op":"move","from":"/0","path":"/-"}])", "[2,3,1]"},
      {"[1,2,3]", R"([{"op":"move","from":"/0","path":"/2"}])", "[2,3,1]"},
      {R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":""}])", R"({"b":1})"},
      // copy
      {R"({"a":{"b":1}})", R"([{"op":"copy","from":"/a","path":"/a/c"}])",
       R"({"a":{"b":1,"c":{"b":1}}})"},
      {R"({"a":1})", R"([{"op":"copy","from":"","path":"/a"}])", R"({"a":{"a":1}})"},
      {"[1,2]", R"([{"op":"copy","from":"/1","path":"/0"}])", "[2,1,2]"},
      // test
      {R"({"a":1})", R"([{"op":"test","path":"","value":{"a":1.0}}])", R"({"a":1})"},
      {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/0","value":0},
        {"op":"test","path":"/a","value":[0e9,1e0,20e-1]}])",
       R"({"a":[0,1,2]})"},
      {R"({"a":1})", R"([{"op":"test","path":"/a","value":true}])",
       "conflict: Operation 0: the test fails at '/a'"},
  });
}

TEST_CASE("json patch: what the text lacks is a conflict, which names the operation") {
  const std::string target = R"({"a":[1,2],"b":{"c":null},"d":"text"})";
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"op":"add","path":"/a/3","value":1})", "there is no place for '/a/3'"},
      {R"({"op":"add","path":"/a/01","value":1})", "there is no place for '/a/01'"},
      {R"({"op":"add","path":"/a/-1","value":1})", "there is no place for '/a/-1'"},
      {R"({"op":"add","path":"/a/1e0","value":1})", "there is no place for '/a/1e0'"},
      {R"({"op":"add","path":"/a/","value":1})", "there is no place for '/a/'"},
      {R"({"op":"add","path":"/a/-/x","value":1})", "there is no place for '/a/-/x'"},
      {R"({"op":"add","path":"/d/0","value":1})", "there is no place for '/d/0'"},
      {R"({"op":"add","path":"/a/18446744073709551616","value":1})",
       "there is no place for '/a/18446744073709551616'"},
      {R"({"op":"add","path":"/b/c/d","value":1})", "there is no place for '/b/c/d'"},
      {R"({"op":"remove","path":"/a/-"})", "there is no value at '/a/-'"},
      {R"({"op":"remove","path":"/a/2"})", "there is no value at '/a/2'"},
      {R"({"op":"remove","path":"/x"})", "there is no value at '/x'"},
      {R"({"op":"replace","path":"/x","value":1})", "there is no value at '/x'"},
      {R"({"op":"replace","path":"/a/-","value":1})", "there is no value at '/a/-'"},
      {R"({"op":"move","from":"/x","path":"/x"})", "there is no value at '/x'"},
      {R"({"op":"move","from":"/x","path":"/y"})", "there is no value at '/x'"},
      {R"({"op":"move","from":"/a/0","path":"/a/2"})", "there is no place for '/a/2'"},
      {R"({"op":"copy","from":"/a/-","path":"/y"})", "there is no value at '/a/-'"},
      {R"({"op":"test","path":"/x","value":null})", "there is no value at '/x'"},
      {R"({"op":"test","path":"/b/c","value":false})", "the test fails at '/b/c'"},
      {R"({"op":"remove","path":"/)" + std::string(300, 'x') + "\"}",
       "there is no value at '/" + std::string(199, 'x') + "...'"},
  };
  for (const auto& row : cases) {
    const std::string& operation = row.first;
    const std::string& reason = row.second;
    CAPTURE(operation);
    const std::string patch = R"([{"op":"test","path":"/a/0","value":1},)" + operation + "]";
    CHECK(patched(target, patch) == "conflict: Operation 1: " + reason);
  }
}

TEST_CASE("json patch: what is no patch is invalid, whatever the text is") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"1", "must be an object"},
      {R"([{"op":"remove","path":"/a"}])", "must be an object"},
      {"{}", "'op' must be a string"},
      {R"({"op":1,"path":""})", "'op' must be a string"},
      {R"({"op":"spam","path":""})", "'op' must be add, remove, replace, move, copy or test"},
      {R"({"op":"Add","path":"","value":1})",
       "'op' must be add, remove, replace, move, copy or test"},
      {R"({"op":"remove"})", "'path' must be a string"},
      {R"({"op":"remove","path":null})", "'path' must be a string"},
      {R"({"op":"remove","path":"a"})", "'path' must be a JSON Pointer, e.g. '/name'"},
      {R"({"op":"remove","path":"/~2"})", "'path' must be a JSON Pointer, e.g. '/name'"},
      {R"({"op":"add","path":"/a"})", "'value' is missing"},
      {R"({"op":"replace","path":"/a"})", "'value' is missing"},
      {R"({"op":"test","path":"/a"})", "'value' is missing"},
      {R"({"op":"move","path":"/a"})", "'from' must be a string"},
      {R"({"op":"copy","path":"/a","from":1})", "'from' must be a string"},
      {R"({"op":"copy","path":"/a","from":"a"})", "'from' must be a JSON Pointer, e.g. '/name'"},
      {R"({"op":"move","from":"/a","path":"/a/b"})", "a value can't move into itself"},
      {R"({"op":"move","from":"","path":"/a"})", "a value can't move into itself"},
  };
  for (const auto& row : cases) {
    const std::string& operation = row.first;
    const std::string& reason = row.second;
    CAPTURE(operation);
    // It is found before the first operation, which would fail, is done.
    const std::string patch = R"([{"op":"remove","path":"/none"},)" + operation + "]";
    CHECK(patched("{}", patch) == "invalid: Invalid JSON Patch: operation 1: " + reason);
  }
  for (const char* const text : {"{}", "1", "null", "\"\""}) {
    CHECK(patched("{}", text) == "invalid: Invalid JSON Patch: it must be an array of operations");
  }
}

TEST_CASE("json patch: the size is checked after every operation") {
  // Each copy makes it twice as large, and one member larger.
  std::string bomb = "[";
  for (int i = 0; i < 64; ++i) {
    bomb.append(i == 0 ? "" : ",") +=
        R"({"op":"copy","from":"","path":"/)" + std::to_string(i) + "\"}";
  }
  CHECK(patched(R"({"a":"0123456789"})", bomb + "]") ==
        "invalid: Invalid JSON Patch: operation 15: the result is over 1048576 bytes");
  // Also where a later one would make it smaller again.
  CHECK(patched("{}", R"([{"op":"add","path":"/a","value":"0123456789"},
                         {"op":"remove","path":"/a"}])",
                {10, max_depth}) ==
        "invalid: Invalid JSON Patch: operation 0: the result is over 10 bytes");
  CHECK(patched("{}", R"([{"op":"add","path":"/a","value":"0123"}])", {12, max_depth}) ==
        R"({"a":"0123"})");
}

TEST_CASE("json patch: nests deeper on the way, but not without end") {
  std::string deep = "1";
  for (std::size_t i = 0; i + 1 < max_depth; ++i) deep = R"({"a":)" + deep + "}";
  CHECK(patched(deep, R"([{"op":"copy","from":"","path":"/b"},{"op":"remove","path":"/b"}])") ==
        deep);
  CHECK(patched("{}", repeated(2000, R"({"op":"copy","from":"","path":"/a"})")) ==
        "invalid: Invalid JSON Patch: nesting over 1000 levels");
}

// Counted, as a time would depend on the machine: the effort is what its limit makes it.
TEST_CASE("json patch: the cost is linear in the text and the patch, whatever is asked") {
  std::string members = "{\"x\":0";
  std::string elements = "[0";
  for (int i = 0; i < 100'000; ++i) {
    members += ",\"" + std::to_string(i) + "\":0";
    elements += ",0";
  }
  const std::string target = R"({"m":)" + members + R"(},"e":)" + elements + "]}";
  REQUIRE(target.size() > std::size_t{1} << 20U);
  const JsonPatch::Limits limits{std::size_t{16} << 20U, max_depth};
  constexpr std::size_t many = 20'000;
  SUBCASE("many operations on long arrays and objects are done") {
    for (const char* const operation :
         {R"({"op":"add","path":"/e/0","value":1})", R"({"op":"add","path":"/e/-","value":1})",
          R"({"op":"remove","path":"/e/0"})", R"({"op":"replace","path":"/m/99999","value":1})",
          R"({"op":"test","path":"/e/50000","value":0})",
          R"({"op":"add","path":"/m/y","value":1},{"op":"remove","path":"/m/x"},)"
          R"({"op":"move","from":"/m/y","path":"/m/x"})",
          R"({"op":"copy","from":"/m/x","path":"/e/1000"})"}) {
      CAPTURE(operation);
      const std::string result = patched(target, repeated(many, operation), limits);
      CHECK(result.substr(0, 5) == R"({"m":)");
    }
  }
  SUBCASE("what would read the whole again and again is refused") {
    for (const char* const operation :
         {R"({"op":"copy","from":"/e","path":"/c"},{"op":"add","path":"/c/0","value":1})",
          R"({"op":"add","path":"/m/y","value":1},{"op":"copy","from":"/m","path":"/c"},)"
          R"({"op":"add","path":"/c/y","value":1})"}) {
      CAPTURE(operation);
      CHECK(patched(target, repeated(many, operation), limits) ==
            "invalid: Invalid JSON Patch: it takes too much work");
    }
    const std::string one = R"({"n":1.)" + std::string(1'000'000, '0') + "}";
    CHECK(patched(one, repeated(many, R"({"op":"test","path":"/n","value":1})"), limits) ==
          "invalid: Invalid JSON Patch: it takes too much work");
  }
}

TEST_CASE("json patch: the patch that nlohmann makes of two values turns one into the other") {
  std::mt19937 random(6902);
  for (int i = 0; i < 2000; ++i) {
    const json from = test::random_json(random, 4);
    const json to = test::random_json(random, 4);
    const json patch = json::diff(from, to);
    CAPTURE(from.dump());
    CAPTURE(patch.dump());
    CHECK(json::parse(patched(from.dump(), patch.dump())) == to);
  }
}

TEST_CASE("json patch: does what nlohmann does, and all at once what it does one by one") {
  std::mt19937 random(6901);
  const auto below = [&](std::size_t n) { return random() % n; };
  int done = 0;
  for (int i = 0; i < 1000; ++i) {
    json value = {{"a", test::random_json(random, 3)}, {"b", test::random_json(random, 3)}};
    const std::string target = value.dump();
    std::string one_by_one = target;
    json patch = json::array();
    for (int k = 0; k < 8; ++k) {
      // Of all places there are, so that nlohmann, which asserts that a parent has children, can.
      std::vector<json::json_pointer> places;
      std::vector<json::json_pointer> open{json::json_pointer()};
      while (!open.empty()) {
        const auto at = open.back();
        open.pop_back();
        const json& parent = value.at(at);
        if (parent.is_object()) {
          for (const auto& member : parent.items()) open.push_back(at / member.key());
        } else if (parent.is_array()) {
          for (std::size_t e = 0; e < parent.size(); ++e) open.push_back(at / e);
        }
        if (!at.empty()) places.push_back(at);
      }
      const auto place = [&] { return places[below(places.size())].to_string(); };
      const std::string path = place();
      const std::string from = place();
      const char* const kinds[] = {"add", "remove", "replace", "move", "copy", "test"};
      json operation{{"op", kinds[below(6)]},
                     {"path", path},
                     {"from", from},
                     {"value", below(2) == 0 ? test::random_json(random, 2)
                                             : value.at(json::json_pointer(from))}};
      if (operation["op"] == "move" && addrbook::detail::is_below(path, from)) continue;
      if (operation["op"] == "move") {
        // nlohmann asserts here, too.
        const json rest = value.patch({{{"op", "remove"}, {"path", from}}});
        const auto parent = json::json_pointer(path).parent_pointer();
        if (!rest.contains(parent) || !rest.at(parent).is_structured()) continue;
      }
      json expected;
      try {
        expected = value.patch(json::array({operation}));
      } catch (const json::exception&) {
        CHECK(patched(one_by_one, json::array({operation}).dump()).substr(0, 9) == "conflict:");
        continue;
      }
      if (!expected.is_object() || expected.empty()) continue;
      value = expected;
      patch.push_back(operation);
      one_by_one = patched(one_by_one, json::array({operation}).dump());
      CAPTURE(operation.dump());
      REQUIRE(json::parse(one_by_one) == value);
      ++done;
    }
    CAPTURE(patch.dump());
    CHECK(patched(target, patch.dump()) == one_by_one);
  }
  CHECK(done > 3000);
}
