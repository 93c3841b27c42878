#include <addrbook/jscontact.hpp>

#include <addrbook/format.hpp>

#include "unit/formats/kept_records.hpp"
#include "unit/refusal.hpp"

#include <doctest/doctest.h>

#include <string>

using addrbook::jscontact;
using addrbook::ReadLimits;
using addrbook::WriteOptions;
using test::Lines;

namespace {

constexpr const char* ann =
    R"({"@type":"Card","version":"1.0","uid":"u1","name":{"full":"Ann \u00e9"},"x":1e400})";
constexpr const char* bob = R"({"@type":"Card","version":"1.0","uid":"u2"})";

}  // namespace

TEST_CASE("jscontact: what the format is called") {
  const auto format = jscontact();
  CHECK(format->name() == "jscontact");
  CHECK(format->media_types().front() == "application/jscontact+json");
  CHECK(format->suffixes().front() == ".jscontact");
  CHECK(format->versions().empty());
  CHECK(format->content_type({}) == "application/jscontact+json;version=1.0");
}

TEST_CASE("jscontact: a Card, or an array of them, is read as it is, cut anywhere") {
  CHECK(test::records_of_each_cut(*jscontact(), ann) == Lines{std::string("0 @1 ") + ann});
  CHECK(test::records_of_each_cut(*jscontact(), std::string("[\n") + ann + " ,\n\n" + bob + "]") ==
        Lines{std::string("0 @2 ") + ann, std::string("1 @4 ") + bob});
  CHECK(test::records_of(*jscontact(), "[]").empty());
}

TEST_CASE("jscontact: what is no Card fails alone, with its line and pointer") {
  CHECK(
      test::records_of_each_cut(
          *jscontact(), std::string("[1,\n{\"@type\":\"Card\",\"version\":\"1.0\"},\n") + bob +
                            ",\n{\"@type\":\"Card\",\"version\":\"1.0\",\"uid\":\"u\",\n\"emails\":"
                            "{\"e/1\":{}}},\n{\"a\":1,\"a\":2}]") ==
      Lines{"0 @1 failed: an address must be a JSON object",
            "1 @2 failed: not a Card: /uid is missing", std::string("2 @3 ") + bob,
            "3 @4 failed: not a Card: /emails/e~11: the key is not an Id",
            "4 @6 failed: " + test::records_of(*jscontact(), "[{\"a\":1,\"a\":2}]")[0].substr(
                                  std::string("0 @1 failed: ").size())});
  const auto lines = test::records_of(*jscontact(), std::string("[") + bob + ',' + ann + "]",
                                      std::string::npos, ReadLimits{60});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == std::string("0 @1 ") + bob);
  CHECK(lines[1] == "1 @1 failed: a record of more than 60 bytes");
  CHECK(test::refusal([] { test::records_of(*jscontact(), "BEGIN:VCARD"); }) != "accepted");
}

TEST_CASE("jscontact: what formats of a program's own are written with") {
  addrbook::Entry entry;
  entry.id = "0190163d8694739b89ccf0f6b0a1e8d2";
  entry.document = addrbook::Document::parse(R"({"name":"Ann","uid":""})");
  CHECK(addrbook::entry_uid(entry) == "urn:uuid:0190163d-8694-739b-89cc-f0f6b0a1e8d2");
  CHECK(addrbook::entry_card(entry).text() ==
        R"({"@type":"Card","version":"1.0","uid":"urn:uuid:0190163d-8694-739b-89cc-f0f6b0a1e8d2",)"
        R"("name":{"full":"Ann"}})");
  entry.document = addrbook::Document::parse(ann);
  CHECK(addrbook::entry_card(entry) == entry.document);
  CHECK(addrbook::uid_of_content("a") == "urn:uuid:4ead284e-2db3-8256-aca0-e7fb2caa90ac");
}

TEST_CASE("jscontact: an array is written, or one Card alone") {
  CHECK(test::written(*jscontact(), {ann, R"({"name":"Bob"})"}) ==
        std::string("[") + ann +
            R"(,{"@type":"Card","version":"1.0","uid":"id1","name":{"full":"Bob"}}])");
  CHECK(test::written(*jscontact(), {}) == "[]");
  CHECK(test::written(*jscontact(), {ann}, WriteOptions{"", true}) == ann);
}

TEST_CASE("jscontact: what is written is read") {
  const auto all = test::written(
      *jscontact(), {ann, R"({"name":"Ann","email":"a@example.com","birthday":"1953-04"})", "{}"});
  for (const std::string& line : test::records_of(*jscontact(), all)) {
    CHECK(line.find("failed") == std::string::npos);
  }
}

TEST_CASE("jscontact: small parts are bounded too") {
  std::string card = R"({"@type":"Card","version":"1.0","uid":"u","x":[1)";
  for (int i = 0; i < 100'000; ++i) card += ",1";
  card += "]}";
  const auto lines = test::records_of(*jscontact(), card, 65536, ReadLimits{1'000'000});
  CHECK(lines == Lines{"0 @1 failed: too many parts: the contact would take over 2048576 bytes "
                       "of memory"});
}
