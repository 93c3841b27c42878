#include <addrbook/json_list.hpp>

#include <addrbook/document.hpp>

#include "formats/kept_records.hpp"
#include "formats/random_cards.hpp"
#include "refusal.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using addrbook::Document;
using addrbook::json_list;
using addrbook::ReadLimits;
using test::Lines;
using test::refusal;
using test::written;

namespace {

/// What is found in a text, which is the same for each cut of it.
Lines records(const std::string& text, std::size_t max_bytes = 1000) {
  ReadLimits limits;
  limits.max_record_bytes = max_bytes;
  return test::records_of_each_cut(*json_list(), text, limits);
}

}  // namespace

TEST_CASE("json list: what it is called") {
  const auto format = json_list();
  CHECK(format->name() == "json");
  CHECK(format->media_types() == std::vector<std::string_view>{"application/json"});
  CHECK(format->suffixes() == std::vector<std::string_view>{".json"});
  CHECK(format->versions().empty());
  CHECK(format->content_type({}) == "application/json; charset=UTF-8");
}

TEST_CASE("json list: an array of addresses") {
  CHECK(records("[\n {\"name\": \"Ann\"},\n {}\n]\n") ==
        Lines{R"(0 @2 {"name":"Ann"})", "1 @3 {}"});
  CHECK(records("\xEF\xBB\xBF[]").empty());
}

TEST_CASE("json list: a book's list gives the ids") {
  CHECK(records("{\"a-1\": {\"name\": \"Ann\"},\n\"\\u0062\": {}}") ==
        Lines{R"(0 @1 id=a-1 {"name":"Ann"})", "1 @2 id=b {}"});
  CHECK(records("{}").empty());
  // An address that looks like a query's answer is one all the same.
  CHECK(records(R"({"a":{"id":"b","address":{}}})") ==
        Lines{R"(0 @1 id=a {"id":"b","address":{}})"});
}

TEST_CASE("json list: a query's answer gives the ids") {
  CHECK(records(R"([{"id":"a","revision":7,"created_at":"x","updated_at":"y","address":{"b":[1]}},
                    {"address":{},"id":"c"}])") == Lines{R"(0 @1 id=a {"b":[1]})", "1 @2 id=c {}"});
  // Each of these is an address itself.
  for (const std::string address :
       {R"({"id":"a","address":{},"name":"Ann"})", R"({"id":1,"address":{}})",
        R"({"id":"a","address":"Main Street"})", R"({"id":"a"})", R"({"address":{}})",
        R"({"id":"a","revision":7})", R"({"revision":7})"}) {
    CHECK(records('[' + address + ']') == Lines{"0 @1 " + address});
  }
}

TEST_CASE("json list: what is no address, or has no id, fails alone") {
  CHECK(records("[1,\n{\"a\":},{\"id\":\"a b\",\"address\":{}},\n{}, {\"a\":1,\"a\":2}]") ==
        Lines{"0 @1 failed: an address must be a JSON object",
              "1 @2 failed: unexpected '}' at byte 5",
              "2 @2 failed: no valid id: 1 to 64 letters, digits and '-'", "3 @3 {}",
              "4 @3 failed: a member name given twice at byte 7"});
  CHECK(records(R"({"":{},"a_b":{},"c":[],"d":{},")" + std::string(65, 'e') + "\":{}}") ==
        Lines{"0 @1 failed: no valid id: 1 to 64 letters, digits and '-'",
              "1 @1 failed: no valid id: 1 to 64 letters, digits and '-'",
              "2 @1 failed: an address must be a JSON object", "3 @1 id=d {}",
              "4 @1 failed: no valid id: 1 to 64 letters, digits and '-'"});
  CHECK(records("[{}") == Lines{"0 @1 {}", "1 @1 failed: the text ends within the array"});
  CHECK(records("[{\"a\":123456},{}]", 8) ==
        Lines{"0 @1 failed: a record of more than 8 bytes", "1 @1 {}"});
}

TEST_CASE("json list: what is no list is refused") {
  CHECK(refusal([] { records("name"); }) ==
        "neither a JSON array nor an object: its first byte is 0x6e");
  CHECK(records("").empty());
}

TEST_CASE("json list: the list is written, or an address alone") {
  CHECK(written(*json_list(), {}) == "{}");
  CHECK(written(*json_list(), {R"({"a": 1.0})", "{}"}) == R"({"id0":{"a":1.0},"id1":{}})");
  addrbook::WriteOptions single;
  single.is_single = true;
  CHECK(written(*json_list(), {R"({"a": 1.0})"}, single) == R"({"a":1.0})");
  CHECK(records(written(*json_list(), {"{}", R"({"a":1})"})) ==
        Lines{"0 @1 id=id0 {}", R"(1 @1 id=id1 {"a":1})"});
}

TEST_CASE("json list: random addresses come back as they are") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    test::RandomCards cards(seed, seed % 3 == 0 ? 30 : 3);
    const std::string first = Document::parse(cards.next().dump()).text();
    const std::string second = Document::parse(cards.next().dump()).text();
    CHECK(test::records_of(*json_list(), written(*json_list(), {first, second}), seed % 7 + 1) ==
          Lines{"0 @1 id=id0 " + first, "1 @1 id=id1 " + second});
  }
}
