#include <addrbook/formats/contact_card.hpp>

#include <addrbook/formats/card_check.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace addrbook::detail;
using addrbook::Document;
using addrbook::Entry;

namespace {

std::string card_of(const std::string& address, const std::string& id = "id1") {
  Entry entry;
  entry.id = id;
  entry.document = Document::parse(address);
  std::string text;
  append_contact_card(entry, text);
  std::vector<RawMember> raw;
  const JsonTree card = contact_card(entry, raw);
  CHECK(raw.empty());
  CHECK(JsonTree(JsonSpan(text)) == card);
  return text;
}

}  // namespace

TEST_CASE("contact card: an address of any shape") {
  const std::string card = card_of(
      R"({"first_name":"Ann","last_name":"Lee","company":"X Inc.","emails":["a@example.com"],)"
      R"("phones":[{"number":"5550123"},5550124],"labels":["vip"],"birthday":"1953-04-15"})");
  CHECK(card ==
        R"({"@type":"Card","version":"1.0","uid":"id1","name":{"full":"Ann Lee",)"
        R"("components":[{"kind":"given","value":"Ann"},{"kind":"surname","value":"Lee"}]},)"
        R"("organizations":{"1":{"name":"X Inc."}},"emails":{"1":{"address":"a@example.com"}},)"
        R"("phones":{"1":{"number":"5550123"},"2":{"number":"5550124"}},)"
        R"("keywords":{"vip":true},"anniversaries":{"1":{"kind":"birth",)"
        R"("date":{"year":1953,"month":4,"day":15}}}})");
  CHECK_FALSE(card_problem(JsonTree(JsonSpan(card))));
  CHECK(card_of("{}") == R"({"@type":"Card","version":"1.0","uid":"id1"})");
  CHECK(card_of(R"({"birthday":"in April"})") == R"({"@type":"Card","version":"1.0","uid":"id1"})");
}

TEST_CASE("contact card: the uid is the address's own, or the entry's") {
  const auto uid_of = [](const std::string& address, const std::string& id) {
    return *JsonTree(JsonSpan(card_of(address, id))).string("uid");
  };
  const std::string id = "0190163d8694739b89ccf0f6b0a1e8d2";
  CHECK(uid_of("{}", id) == "urn:uuid:0190163d-8694-739b-89cc-f0f6b0a1e8d2");
  CHECK(uid_of("{}", "0190163D8694739B89CCF0F6B0A1E8D2") == "0190163D8694739B89CCF0F6B0A1E8D2");
  CHECK(uid_of("{}", "ann") == "ann");
  CHECK(uid_of(R"({"uid":"x"})", id) == "x");
  CHECK(uid_of(R"({"uid":""})", "ann") == "ann");
  CHECK(uid_of(R"({"uid":7})", "ann") == "ann");
}

TEST_CASE("contact card: a Card is taken as it is") {
  const std::string whole =
      R"({"@type":"Card","uid":"u","version":"1.0","name":{"full":"\u00e9"}})";
  CHECK(card_of(whole) == whole);
  CHECK(card_of(R"({"@type":"Card","x":1e400})") ==
        R"({"@type":"Card","x":1e400,"uid":"id1","version":"1.0"})");
  CHECK(card_of(R"({"@type":"Other","name":"Ann"})") ==
        R"({"@type":"Card","version":"1.0","uid":"id1","name":{"full":"Ann"}})");
}

TEST_CASE("contact card: a member of very many parts is in no tree") {
  std::string list = "[1";
  for (int i = 0; i < 200'000; ++i) list += ",1";
  Entry entry;
  entry.id = "id1";
  entry.document = Document::parse(R"({"@type":"Card","x":)" + list + R"(],"uid":[1],"y":"z"})");
  std::vector<RawMember> raw;
  const JsonTree card = contact_card(entry, raw);
  CHECK(card.dump() == R"({"@type":"Card","y":"z","uid":"id1","version":"1.0"})");
  REQUIRE(raw.size() == 1);
  CHECK(raw[0].name == "x");
  std::string text;
  append_contact_card(entry, text);
  CHECK(text == R"({"@type":"Card","y":"z","uid":"id1","version":"1.0","x":)" + list + "]}");
}
