#include <addrbook/vcard.hpp>

#include <addrbook/format.hpp>
#include <addrbook/formats/card_patch.hpp>
#include <addrbook/formats/contact_card.hpp>
#include <addrbook/json/tree.hpp>

#include "unit/formats/kept_records.hpp"
#include "unit/formats/random_cards.hpp"
#include "unit/formats/random_vcards.hpp"
#include "unit/refusal.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using addrbook::vcard;
using addrbook::WriteOptions;
using addrbook::detail::JsonSpan;
using addrbook::detail::JsonTree;

namespace {

constexpr const char* two_cards =
    "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:1\r\nFN:Ann\r\nTEL;TYPE=cell:5550123\r\n"
    "END:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:2\r\nN:Lee;Bob;;;\r\nFN:Bob Lee\r\n"
    "item1.EMAIL;TYPE=INTERNET:b@example.com\r\nitem1.X-ABLabel:_$!<Work>!$_\r\nEND:VCARD\r\n";

/// Without the place, of a record that was read.
std::string document_of(const std::string& line) {
  return line.substr(line.find('{'));
}

}  // namespace

TEST_CASE("vcard: what the format is called") {
  const auto format = vcard();
  CHECK(format->name() == "vcf");
  CHECK(format->media_types().front() == "text/vcard");
  CHECK(format->suffixes().front() == ".vcf");
  CHECK(format->versions().front() == "4.0");
  CHECK(format->content_type({}) == "text/vcard; charset=utf-8; version=4.0");
  CHECK(format->content_type({"4.0", false}) == "text/vcard; charset=utf-8; version=4.0");
  CHECK(format->content_type({"3.0", false}) == "text/vcard; charset=utf-8; version=3.0");
}

TEST_CASE("vcard: cards are read as Cards, cut anywhere") {
  const auto lines = test::records_of_each_cut(*vcard(), two_cards);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == R"(0 @1 {"@type":"Card","version":"1.0","uid":"urn:uuid:1",)"
                    R"("phones":{"TEL-1":{"number":"5550123","features":{"mobile":true}}},)"
                    R"("name":{"full":"Ann"}})");
  CHECK(lines[1].substr(0, 5) == "1 @7 ");
  const JsonTree second{JsonSpan(lines[1].substr(5))};
  CHECK(*second.string("uid") == "2");
  CHECK(second.find("emails")->dump().find(R"("label":"Work")") != std::string::npos);
}

TEST_CASE("vcard: what is no vCard is refused, and a broken card costs no other") {
  CHECK(test::refusal([] { test::records_of(*vcard(), "{}"); }) != "accepted");
  const auto lines = test::records_of(
      *vcard(), std::string("BEGIN:VCARD\nFN:Ann\n") + two_cards + "BEGIN:VCARD\n");
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].find("failed") != std::string::npos);
  CHECK(lines[1].find("\"uid\":\"urn:uuid:1\"") != std::string::npos);
  CHECK(lines[2].find("\"uid\":\"2\"") != std::string::npos);
  CHECK(lines[3].find("failed") != std::string::npos);
}

TEST_CASE("vcard: any address is written, in both versions") {
  const std::string address = R"({"name":"Ann Lee","phone":"5550123"})";
  CHECK(test::written(*vcard(), {address}) ==
        "BEGIN:VCARD\r\nVERSION:4.0\r\nUID;VALUE=text:id0\r\nFN:Ann Lee\r\n"
        "TEL;PROP-ID=1:5550123\r\nEND:VCARD\r\n");
  const std::string old = test::written(*vcard(), {address}, WriteOptions{"3.0", false});
  CHECK(old.find("VERSION:3.0\r\n") != std::string::npos);
  CHECK(old.find("\r\nN:") != std::string::npos);
  CHECK(old.find("FN:Ann Lee\r\n") != std::string::npos);
  CHECK(test::written(*vcard(), {}) == "");
}

TEST_CASE("vcard: what is exported and imported again is the same") {
  for (const std::string_view version : {"4.0", "3.0"}) {
    CAPTURE(version);
    const auto once = test::records_of(*vcard(), two_cards);
    std::vector<std::string> documents;
    for (const std::string& line : once) documents.push_back(document_of(line));
    const std::string exported = test::written(*vcard(), documents, WriteOptions{version, false});
    const auto again = test::records_of(*vcard(), exported);
    REQUIRE(again.size() == once.size());
    for (std::size_t i = 0; i < again.size(); ++i) {
      const std::string document = document_of(again[i]);
      CHECK(JsonTree(JsonSpan(document)) == JsonTree(JsonSpan(documents[i])));
    }
    // An address of another shape has its entry's uid, and so is known again.
    const auto other = test::records_of(*vcard(), test::written(*vcard(), {R"({"name":"Ann"})"}));
    REQUIRE(other.size() == 1);
    CHECK(other[0].find(R"("uid":"id0")") != std::string::npos);
  }
}

TEST_CASE("vcard: random Cards survive both versions as text") {
  for (const std::string_view version : {"4.0", "3.0"}) {
    for (unsigned seed = 0; seed < 150; ++seed) {
      CAPTURE(version);
      CAPTURE(seed);
      const JsonTree card = test::RandomCards(seed, seed % 3 == 0 ? 30 : 3).next();
      const auto lines = test::records_of(
          *vcard(), test::written(*vcard(), {card.dump()}, WriteOptions{version, false}));
      REQUIRE(!lines.empty());
      const std::string& record = lines.back();  // behind warnings
      REQUIRE(record.find("failed") > record.find('{'));
      const std::string document = document_of(record);
      const JsonTree back{JsonSpan(document)};
      for (const auto& change : addrbook::detail::card_difference(back, card)) {
        // That is all that a vCard can't say.
        CHECK(change.path.size() == 1);
        CHECK(change.value.is(JsonTree::Kind::null));
      }
    }
  }
}

TEST_CASE("vcard: what few bytes become is bounded") {
  const auto found = [](const std::string& properties) {
    const auto lines =
        test::records_of(*vcard(), "BEGIN:VCARD\nVERSION:4.0\n" + properties + "\nEND:VCARD\n",
                         65536, addrbook::ReadLimits{1'000'000});
    REQUIRE(lines.size() == 1);
    return lines[0];
  };
  const auto repeat = [](const std::string& text, std::size_t count) {
    std::string all;
    while (count-- > 0) all += text;
    return all;
  };
  const std::string too_much = ": the contact would take over 2048576 bytes of memory";
  const std::string text(100'000, 'x');
  // What each of many has, at once.
  CHECK(found("NICKNAME;X-P=" + text + ":n" + repeat(",n", 99)) ==
        "0 @1 failed: NICKNAME" + too_much);
  CHECK(found("NICKNAME;PROP-ID=" + text + ":n" + repeat(",n", 99)) ==
        "0 @1 failed: NICKNAME" + too_much);
  CHECK(found("a.X-ABLabel:" + text + repeat("\na.TEL:1", 99)) == "0 @1 failed: TEL" + too_much);
  // Small parts, which a tree of JSON has many of.
  CHECK(found("ORG:" + repeat("a;", 100'000)) == "0 @1 failed: ORG" + too_much);
  CHECK(found("N:" + repeat("a,", 100'000)) == "0 @1 failed: N" + too_much);
  CHECK(found("CATEGORIES:" + repeat("a,", 100'000)) == "0 @1 failed: CATEGORIES" + too_much);
  CHECK(found("JSPROP;JSPTR=x:[1" + repeat("\\,1", 100'000) + "]") ==
        "0 @1 failed: JSPROP" + too_much);
  // No Document is so deep.
  CHECK(found("JSPROP;JSPTR=" + repeat("/", 100'000) + ":1").find("vCardProps") !=
        std::string::npos);
  // The same text once is no matter, nor are hundreds of values.
  CHECK(found("NOTE:" + repeat("\\, ", 100'000)).find("notes") != std::string::npos);
  CHECK(found("NICKNAME;X-P=" + text + ":n,n").find("nicknames") != std::string::npos);
  CHECK(found("a.X-ABLabel:" + text.substr(99'000) + repeat("\na.TEL:1", 99)).find("TEL-99") !=
        std::string::npos);
}

TEST_CASE("vcard: a member of very many parts goes out as it stands") {
  std::string address = R"({"@type":"Card","version":"1.0","uid":"u","name":{"full":"A"},"x":[1)";
  for (int i = 0; i < 200'000; ++i) address += ",1";
  address += "]}";
  const std::string text = test::written(*vcard(), {address});
  CHECK(text.find("FN:A\r\n") != std::string::npos);
  CHECK(text.find("JSPROP;JSPTR=x:[1\\,1") != std::string::npos);
  const auto lines = test::records_of(*vcard(), text, 65536, addrbook::ReadLimits{50'000'000});
  REQUIRE(lines.size() == 1);
  CHECK(JsonTree(JsonSpan(document_of(lines[0]))) == JsonTree(JsonSpan(address)));
}

TEST_CASE("vcard: many names beside a long one") {
  // What must not take a square of its time; with the watch of a test run as the only judge.
  const std::string full(1'000'000, 'z');
  std::string input = "BEGIN:VCARD\nVERSION:4.0\nUID:u\nFN:" + full + '\n';
  for (int i = 0; i < 8000; ++i) input += "FN;X=1:a" + std::to_string(i) + '\n';
  const auto lines = test::records_of(*vcard(), input + "END:VCARD\n", 65536);
  REQUIRE(lines.size() == 1);
  const std::string text = test::written(*vcard(), {document_of(lines[0])});
  CHECK(test::records_of(*vcard(), text, 65536) == lines);
}

TEST_CASE("vcard: what programs write is understood, and goes out as it came in") {
  const auto card_of = [](const std::string& line) {
    const auto lines = test::records_of(
        *vcard(), "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:1\r\n" + line + "\r\nEND:VCARD\r\n");
    REQUIRE(lines.size() == 1);
    return document_of(lines[0]);
  };
  const auto member = [](const std::string& card, const char* map, const char* name) {
    const JsonTree tree{JsonSpan(card)};
    const JsonTree* const objects = tree.find(map);
    if (objects == nullptr) return std::string("none");
    const JsonTree* const found = objects->children().front().value.find(name);
    return found == nullptr ? "none" : found->dump();
  };
  // Without folds and the keys of objects.
  const auto lines_of = [](std::string text) {
    for (auto at = text.find("\r\n "); at != text.npos; at = text.find("\r\n ")) text.erase(at, 3);
    for (auto at = text.find(";PROP-ID="); at != text.npos; at = text.find(";PROP-ID=")) {
      text.erase(at, text.find_first_of(";:", at + 1) - at);
    }
    return text;
  };
  struct Row {
    std::string line;
    const char* map;
    const char* name;
    std::string value;
    std::string old;  // in 3.0
  };
  const Row rows[] = {
      {"BDAY:19850412T000000", "anniversaries", "date", R"({"year":1985,"month":4,"day":12})",
       "BDAY;VALUE=date-time:1985-04-12T00:00:00"},
      {"ANNIVERSARY:20090808T1430-0500", "anniversaries", "date",
       R"({"@type":"Timestamp","utc":"2009-08-08T19:30:00Z"})",
       "item1.X-ABDATE;VALUE=date-time:2009-08-08T14:30-05:00"},
      {"BDAY:00000412", "anniversaries", "date", R"({"month":4,"day":12})", "BDAY:0000-04-12"},
      {"X-SOCIALPROFILE;TYPE=twitter:https://example.com/ann", "onlineServices", "service",
       R"("twitter")", "X-SOCIALPROFILE;TYPE=TWITTER:https://example.com/ann"},
      {"X-SOCIALPROFILE;TYPE=home:https://example.com/ann", "onlineServices", "service", "none",
       "X-SOCIALPROFILE;TYPE=HOME:https://example.com/ann"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    const std::string card = card_of(row.line);
    CHECK(member(card, row.map, row.name) == row.value);
    CHECK(card.find("vCardProps") == std::string::npos);
    const std::string now = lines_of(test::written(*vcard(), {card}));
    CHECK(now.find("\r\n" + row.line + "\r\n") != std::string::npos);
    CHECK(now.find("JSPROP") == std::string::npos);
    const std::string old = test::written(*vcard(), {card}, WriteOptions{"3.0", false});
    CHECK(lines_of(old).find("\r\n" + row.old + "\r\n") != std::string::npos);
    const auto again = test::records_of(*vcard(), old);
    REQUIRE(again.size() == 1);
    const std::string back = document_of(again[0]);
    CHECK(JsonTree(JsonSpan(back)) == JsonTree(JsonSpan(card)));
  }
  // A date that was changed counts.
  CHECK(
      test::written(*vcard(), {R"({"@type":"Card","version":"1.0","uid":"1","anniversaries":{"a":)"
                               R"({"kind":"birth","date":{"year":1990},)"
                               R"("addrbook:vcard":"19850412T000000"}}})"})
          .find("BDAY;PROP-ID=a:1990\r\n") != std::string::npos);
}
