#include <addrbook/json/merge_patch.hpp>

#include <addrbook/json/compact.hpp>

#include <unit/json/random_json.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <random>
#include <string>
#include <vector>

using addrbook::detail::merge_patch;
using nlohmann::json;

namespace {

std::string merged(std::string target, std::string patch) {
  constexpr std::size_t max_depth = 64;
  addrbook::detail::compact_json(target, max_depth);
  addrbook::detail::compact_json(patch, max_depth);
  return merge_patch(target, patch);
}

struct Case {
  std::string target;
  std::string patch;
  std::string result;
};

}  // namespace

TEST_CASE("merge patch: the table of RFC 7396, appendix A") {
  const std::vector<Case> cases{
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", "{}"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"a":"foo"})", R"("bar")", R"("bar")"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {"[1,2]", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {"{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.target);
    CAPTURE(each.patch);
    CHECK(merged(each.target, each.patch) == each.result);
  }
}

TEST_CASE("merge patch: what it does not name is copied byte for byte, in its place") {
  const std::vector<Case> cases{
      {R"({"z":12345678901234567890,"a":1e400,"m":-0,"e":"\u0041\/","b":1.0})", R"({"m":1})",
       R"({"z":12345678901234567890,"a":1e400,"m":1,"e":"\u0041\/","b":1.0})"},
      {R"({"b":1,"a":{"y":1e400,"x":2}})", R"({"d":1,"a":{"x":null,"w":-0},"c":2,"b":3.0})",
       R"({"b":3.0,"a":{"y":1e400,"w":-0},"d":1,"c":2})"},
      // Nulls stay in arrays, which are replaced as a whole, also within their objects.
      {"{}", R"({"a":[1,null],"b":{"c":null}})", R"({"a":[1,null],"b":{}})"},
      {"{}", R"({"a":[{"b":null}]})", R"({"a":[{"b":null}]})"},
      // Names are compared by their characters; the target's spelling stays.
      {R"({"\u0061":1,"/":2})", R"({"a":2,"\/":null})", R"({"\u0061":2})"},
      {R"({"a\"b":1})", R"({"a\u0022b":{"c":1}})", R"({"a\"b":{"c":1}})"},
      {R"({"":1})", R"({"":null})", "{}"},
      {R"({"a":1})", "{}", R"({"a":1})"},
      {"{}", R"({"a":null})", "{}"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.target);
    CAPTURE(each.patch);
    CHECK(merged(each.target, each.patch) == each.result);
  }
}

TEST_CASE("merge patch: does what nlohmann does with random values") {
  std::mt19937 random(7396);
  for (int i = 0; i < 3000; ++i) {
    const json target = test::random_json(random, 4);
    const json patch = test::random_json(random, 4);
    json expected = target;
    expected.merge_patch(patch);
    CAPTURE(target.dump());
    CAPTURE(patch.dump());
    const std::string result = merge_patch(target.dump(), patch.dump());
    CHECK(json::parse(result) == expected);
    CHECK(result.size() <= target.dump().size() + patch.dump().size());
    if (patch.is_object()) CHECK(merge_patch(result, patch.dump()) == result);
  }
}

TEST_CASE("merge patch: of many members and as deep as a patch may be") {
  std::string target = "{";
  std::string patch = "{";
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = (i == 0 ? "\"" : ",\"") + std::to_string(i * 7919 % 20'000);
    target += name + "\":1";
    patch += name + (i % 2 == 0 ? "\":2" : "\":null");
  }
  const json result = json::parse(merge_patch(target + "}", patch + "}"));
  CHECK(result.size() == 10'000);

  std::string open;
  std::string close;
  for (int i = 0; i < 63; ++i) {
    open += R"({"a":)";
    close += '}';
  }
  CHECK(merged(open + "1" + close, open + "2" + close) == open + "2" + close);
  CHECK(merged("{}", open + "2" + close) == open + "2" + close);
  CHECK(merged("{}", open + "null" + close) ==
        open.substr(0, open.size() - 5) + "{}" + close.substr(1));
}
