#include <addrbook/formats/json_splitter.hpp>

#include "../refusal.hpp"
#include "kept_records.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using addrbook::ReadLimits;
using addrbook::detail::JsonPart;
using addrbook::detail::JsonSplitter;
using test::KeptRecords;
using test::Lines;
using test::refusal;
using Objects = addrbook::detail::JsonSplitter::Objects;

namespace {

Lines split_in(std::size_t size, const std::string& text, Objects objects, std::size_t max_bytes) {
  KeptRecords kept;
  ReadLimits limits;
  limits.max_record_bytes = max_bytes;
  JsonSplitter splitter(
      [&](const JsonPart& part) {
        kept.add(part.place, (part.key ? *part.key + "=" : "") + part.text);
      },
      kept, limits, objects);
  test::read_in_pieces(splitter, text, size);
  return kept.lines;
}

/// The parts of a text, which are the same for each cut of it.
Lines split(const std::string& text, Objects objects = Objects::whole,
            std::size_t max_bytes = 1000) {
  const Lines whole = split_in(text.size() + 1, text, objects, max_bytes);
  for (std::size_t size = 1; size <= text.size(); ++size) {
    CHECK(split_in(size, text, objects, max_bytes) == whole);
  }
  return whole;
}

Lines members(const std::string& text) {
  return split(text, Objects::members);
}

}  // namespace

TEST_CASE("json splitter: an array is its elements, with their lines") {
  CHECK(split(R"([{"a":1},{"b":[2,{}]}])") == Lines{R"(0 @1 {"a":1})", R"(1 @1 {"b":[2,{}]})"});
  CHECK(split("\n [\n {\"a\": 1}\n , \n\n{\"b\":\n2}\n,3 ]\n\n") ==
        Lines{R"(0 @3 {"a": 1})", "1 @6 {\"b\":\n2}", "2 @8 3"});
  CHECK(split("[]").empty());
  CHECK(split(" [ \n ] ").empty());
  CHECK(split("\xEF\xBB\xBF[1,\"2\",null ,tru e]") ==
        Lines{"0 @1 1", "1 @1 \"2\"", "2 @1 null", "3 @1 true"});
}

TEST_CASE("json splitter: brackets, commas and quotes within strings separate nothing") {
  CHECK(split(R"([{"a":"}],{[","b\\":"\"]"},{"c\"}":"\\\\"}])") ==
        Lines{R"(0 @1 {"a":"}],{[","b\\":"\"]"})", R"(1 @1 {"c\"}":"\\\\"})"});
}

TEST_CASE("json splitter: an object is one part, or its members") {
  CHECK(split("\n{\"a\": {\"b\": 1}}\n") == Lines{R"(0 @2 {"a": {"b": 1}})"});
  CHECK(members("{\n\"x\": {\"a\":\"1:2\"},\n\"\\u0079\\\":\" :[1,2] }") ==
        Lines{R"(0 @2 x={"a":"1:2"})", R"(1 @3 y":=[1,2])"});
  CHECK(members("{}").empty());
  CHECK(members("{\"\":{}}") == Lines{"0 @1 ={}"});
  CHECK(members("[{\"a\":1}]") == Lines{R"(0 @1 {"a":1})"});
}

TEST_CASE("json splitter: a part that is broken costs no other") {
  CHECK(split(R"([{"a":1} {"b":2},{"c":3],{"d":4}},[,],,{"e":5},])") ==
        Lines{R"(0 @1 {"a":1}{"b":2})", R"(1 @1 {"c":3])", R"(2 @1 {"d":4}})", "3 @1 [,]",
              "4 @1 failed: no value", R"(5 @1 {"e":5})", "6 @1 failed: no value"});
  CHECK(members(R"({"a" 1,"b":2,c:3,"d":,"\x":5,:6,"e":7:8,{}:9,"f":0})") ==
        Lines{"0 @1 failed: a member without a name", "1 @1 b=2",
              "2 @1 failed: the member's name: unexpected 'c' at byte 0", "3 @1 failed: no value",
              "4 @1 failed: the member's name: unknown escape at byte 1",
              "5 @1 failed: the member's name: unexpected end of text at byte 0", "6 @1 e=7:8",
              "7 @1 failed: a member's name must be a string", "8 @1 f=0"});
}

TEST_CASE("json splitter: what breaks the array itself is one failure, and the last") {
  CHECK(split("[1,\n[2]\n") ==
        Lines{"0 @1 1", "1 @2 [2]", "2 @3 failed: the text ends within the array"});
  CHECK(split("[") == Lines{"0 @1 failed: the text ends within the array"});
  CHECK(split("[1,") == Lines{"0 @1 1", "1 @1 failed: the text ends within the array"});
  CHECK(split("[{\"a\":[1,\n2") == Lines{"0 @1 failed: the text ends within the array"});
  CHECK(split("[1,\"2") == Lines{"0 @1 1", "1 @1 failed: the text ends within the array"});
  CHECK(split("{\"a\":") == Lines{"0 @1 failed: the text ends within the object"});
  CHECK(members("{\"a\":1") == Lines{"0 @1 a=1", "1 @1 failed: the text ends within the object"});
  CHECK(split("[1]\n[2] [3]") == Lines{"0 @1 1", "1 @2 failed: text behind the array"});
  CHECK(split("{}{}{}") == Lines{"0 @1 {}", "1 @1 failed: text behind the object"});
  CHECK(members("{} x") == Lines{"0 @1 failed: text behind the object"});
}

TEST_CASE("json splitter: a part that is too long fails and is passed over") {
  const Lines expected{"0 @1 failed: a record of more than 8 bytes", R"(1 @2 {"a":12})"};
  CHECK(split("[{\"a\":\n\"]23\"},{\"a\":12}]", Objects::whole, 8) == expected);
  CHECK(split("[\"123456789\\\"],\"\n,{\"a\":12}]", Objects::whole, 8) == expected);
  CHECK(split("{\"key\":\n\"45\",\"k\":\"45\"}", Objects::members, 7) ==
        Lines{"0 @1 failed: a record of more than 7 bytes", "1 @2 k=\"45\""});
}

TEST_CASE("json splitter: a part that is too long and has no end fails once") {
  CHECK(split("[[1,2,3,4,5,6", Objects::whole, 8) ==
        Lines{"0 @1 failed: a record of more than 8 bytes"});
}

TEST_CASE("json splitter: it holds no more than a part may have") {
  KeptRecords kept;
  ReadLimits limits;
  limits.max_record_bytes = 10000;
  JsonSplitter splitter([](const JsonPart&) {}, kept, limits, Objects::whole);
  splitter.read("[\"");
  for (int i = 0; i < 1000; ++i) {
    splitter.read(std::string(1000, 'x'));
    CHECK(splitter.memory() < 2 * limits.max_record_bytes);
  }
  splitter.read("\",");
  splitter.read(std::string(1000000, ' '));
  CHECK(splitter.memory() < 2 * limits.max_record_bytes);
  splitter.read("{}]");
  splitter.finish();
  CHECK(kept.lines == Lines{"0 @1 failed: a record of more than 10000 bytes"});
}

TEST_CASE("json splitter: what is no array and no object is refused") {
  for (const std::string text :
       {"x", " \"[]\"", "\xEF\xBB{}", "\xEF\xBB\xBF\xEF{}", "\xFF\xFE[", "]"}) {
    CAPTURE(text);
    CHECK(refusal([&] {
            split(text);
          }).find("neither a JSON array nor an object: its first byte is 0x") == 0);
  }
  CHECK(split("").empty());
  CHECK(refusal([] { split("\xEF\xBB"); }) ==
        "neither a JSON array nor an object: its first byte is 0xef");
  CHECK(split("\xEF\xBB\xBF \n").empty());
  CHECK(refusal([] { split("null"); }) ==
        "neither a JSON array nor an object: its first byte is 0x6e");
}
