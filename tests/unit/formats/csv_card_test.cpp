#include <addrbook/formats/csv_card.hpp>

#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

using addrbook::Document;
using addrbook::detail::card_of;
using addrbook::detail::CsvCells;
using addrbook::detail::CsvField;
using nlohmann::json;

namespace {

using Warnings = std::vector<std::string>;

json card(const CsvCells& cells, const Warnings& expected = {}) {
  Warnings warnings;
  json tree = card_of(cells, warnings).json();
  CHECK(warnings == expected);
  return tree;
}

/// What card_of() makes of one cell, in its member.
json member(CsvField field, std::string_view text, const char* name) {
  CsvCells cells;
  cells.set(field, 0, text);
  const json tree = card(cells);
  CHECK(tree.size() == 4);
  return tree.value(name, json());
}

CsvCells cells_of(const Document& address) {
  addrbook::Entry entry;
  entry.id = "id1";
  entry.document = address;
  return addrbook::detail::cells_of(entry);
}

/// A Card of some members.
Document with(const std::string& members) {
  return Document::parse(R"({"@type":"Card","version":"1.0","uid":"u")" +
                         (members.empty() ? "" : ',' + members) + '}');
}

std::string other_of(const std::string& members) {
  return std::string(cells_of(with(members)).text(CsvField::other));
}

}  // namespace

TEST_CASE("csv card: each cell is a part of a Card") {
  CHECK(member(CsvField::name, "Ann", "name") == R"({"full":"Ann"})"_json);
  CHECK(member(CsvField::given, "Ann", "name") ==
        R"({"components":[{"kind":"given","value":"Ann"}]})"_json);
  CHECK(member(CsvField::nicknames, "A ::: B", "nicknames") ==
        R"({"n1":{"name":"A"},"n2":{"name":"B"}})"_json);
  CHECK(member(CsvField::organization, "X", "organizations") == R"({"o1":{"name":"X"}})"_json);
  CHECK(member(CsvField::department, "Y", "organizations") ==
        R"({"o1":{"units":[{"name":"Y"}]}})"_json);
  CHECK(member(CsvField::title, "Z", "titles") == R"({"t1":{"name":"Z"}})"_json);
  CHECK(member(CsvField::email, "a@example.com", "emails") ==
        R"({"e1":{"address":"a@example.com"}})"_json);
  CHECK(member(CsvField::phone, "+1 555 5550123", "phones") ==
        R"({"p1":{"number":"+1 555 5550123"}})"_json);
  CHECK(member(CsvField::city, "Rome", "addresses") ==
        R"({"a1":{"components":[{"kind":"locality","value":"Rome"}]}})"_json);
  CHECK(member(CsvField::formatted, "Rome", "addresses") == R"({"a1":{"full":"Rome"}})"_json);
  CHECK(member(CsvField::link, "https://example.com", "links") ==
        R"({"l1":{"uri":"https://example.com"}})"_json);
  CHECK(member(CsvField::notes, "\"x\"\n\ny", "notes") == R"({"n1":{"note":"\"x\"\n\ny"}})"_json);
  CHECK(member(CsvField::birthday, "4.12.1980", "anniversaries") ==
        R"({"b1":{"kind":"birth","date":{"year":1980,"month":12,"day":4}}})"_json);
  CHECK(member(CsvField::anniversary, "--12-04", "anniversaries") ==
        R"({"b1":{"kind":"wedding","date":{"month":12,"day":4}}})"_json);
  CHECK(member(CsvField::keywords, "* myContacts ::: a ::: * b ::: a", "keywords") ==
        R"({"a":true,"b":true})"_json);
  CHECK(member(CsvField::keywords, "* My Contacts ::: myContacts ::: a", "keywords") ==
        R"({"a":true})"_json);
  CHECK(member(CsvField::keywords, "My Contacts", "keywords") == R"({"My Contacts":true})"_json);
}

TEST_CASE("csv card: labels belong to their values") {
  CsvCells cells;
  cells.set(CsvField::uid, 0, "u");
  cells.set(CsvField::email_label, 1, "* Work");
  cells.set(CsvField::email, 1, "a@example.com ::: b@example.com");
  cells.set(CsvField::email_label, 2, "Home");
  cells.set(CsvField::phone_label, 0, "Home Fax");
  cells.set(CsvField::phone, 0, "5550123");
  cells.set(CsvField::phone_label, 3, "Car");
  cells.set(CsvField::phone, 3, "5550124");
  cells.set(CsvField::address_label, 0, "Home");
  cells.set(CsvField::country, 0, "Italy");
  cells.set(CsvField::address_label, 1, "Work");
  CHECK(card(cells) == R"({"@type":"Card","version":"1.0","uid":"u",
    "emails":{"e1":{"address":"a@example.com","contexts":{"work":true},"pref":1},
              "e2":{"address":"b@example.com","contexts":{"work":true},"pref":1}},
    "phones":{"p1":{"number":"5550123","contexts":{"private":true},"features":{"fax":true}},
              "p2":{"number":"5550124","label":"Car"}},
    "addresses":{"a1":{"components":[{"kind":"country","value":"Italy"}],
                 "contexts":{"private":true}}}})"_json);
}

TEST_CASE("csv card: a UID of the content, if there is none") {
  CsvCells cells;
  cells.set(CsvField::name, 0, "Ann");
  const std::string uid = card(cells).at("uid");
  CHECK(uid.find("urn:uuid:") == 0);
  CHECK(card(cells).at("uid") == uid);
  cells.set(CsvField::notes, 0, "x");
  CHECK(card(cells).at("uid") != uid);
  cells.set(CsvField::uid, 0, "mine");
  CHECK(card(cells).at("uid") == "mine");
}

TEST_CASE("csv card: a phone that has lost its digits is left out") {
  for (const std::string phone : {"4.41E+11", "4,41E+11", "4E+11", "4.41e+3"}) {
    CAPTURE(phone);
    CsvCells cells;
    cells.set(CsvField::phone, 0, phone);
    const json tree =
        card(cells, {"a spreadsheet has lost the digits of the phone '" + phone + "'"});
    CHECK(tree.count("phones") == 0);
  }
  for (const std::string phone :
       {"4.41", "E+11", ".1E+11", "4.E+11", "4.41E11", "4.41E+", "4.41E+1x", "+4.41E+11",
        "4.4.1E+11", "555 0123", "1-800-FLOWERS", "e", "1e"}) {
    CAPTURE(phone);
    CsvCells cells;
    cells.set(CsvField::phone, 0, phone);
    CHECK(card(cells)["phones"]["p1"]["number"] == phone);
  }
}

TEST_CASE("csv card: a date of two meanings, and columns nobody knows, are kept") {
  CsvCells cells;
  cells.set(CsvField::birthday, 0, "4/12/1980");
  cells.set(CsvField::anniversary, 0, "0/0/00");
  cells.unknown = {{"Shoe size", "38"}};
  const json tree = card(cells, {"the birthday '4/12/1980' is no date, or may be of two, and is "
                                 "kept as it is"});
  CHECK(tree["addrbook:csv"] == R"({"Birthday":"4/12/1980","Shoe size":"38"})"_json);
  CHECK(tree.count("anniversaries") == 0);
}

TEST_CASE("csv card: Other holds what the cells don't") {
  CHECK(other_of("").empty());
  CHECK(other_of(R"("emails":{"e1":{"address":"a","contexts":{"work":true}}})").empty());
  CHECK(other_of(R"("keywords":{"b":true,"a":true},"notes":{"n1":{"note":"x"}})").empty());
  for (
      const std::string member :
      {R"("created":"2020-01-01T00:00:00Z")", R"("kind":"org")", R"("keywords":{})",
       R"("emails":{"x":{"address":"a"}})", R"("emails":{"e1":{"address":"a","pref":2}})",
       R"("emails":{"e1":{"address":" a"}})", R"("emails":[])", R"("emails":null)",
       R"("name":{"full":"a","isOrdered":true})", R"("name":"a")",
       R"("name":{"components":[{"kind":"surname","value":"b"},{"kind":"given","value":"a"}]})",
       R"("anniversaries":{"b1":{"kind":"birth","date":{"utc":"1980-01-01T00:00:00Z"}}})",
       R"("anniversaries":{"b1":{"kind":"birth","date":{"month":1}}})",
       R"("keywords":{"a ::: b":true})", R"("notes":{"n1":{"note":"a"},"n2":{"note":"b"}})",
       R"("phones":{"p1":{"number":"4.41E+11"}})", R"("x":{"y":[null,1e400]})",
       R"("emails":{"e1":{"address":"1"},"e2":{"address":"2"},"e3":{"address":"3"},"e4":{"address":"4"},"e5":{"address":"5"},"e6":{"address":"6"}})"}) {
    CAPTURE(member);
    CHECK(other_of(member) == '{' + member + '}');
    Warnings warnings;
    CHECK(card_of(cells_of(with(member)), warnings).text() == with(member).text());
    if (member.find("E+11") == std::string::npos) CHECK(warnings.empty());
  }
  const Document odd = Document::parse(R"({"@type":"Card","version":"2.0","uid":7})");
  Warnings warnings;
  CHECK(card_of(cells_of(odd), warnings).text() ==
        R"({"@type":"Card","version":"2.0","uid":"id1"})");
  CHECK(warnings.empty());
}

TEST_CASE("csv card: cells that were edited count more than Other") {
  CsvCells cells = cells_of(with(R"("kind":"org","emails":{"x":{"address":"a","pref":1}})"));
  CHECK(cells.text(CsvField::email) == "a");
  cells.set(CsvField::email, 0, "b");
  CHECK(card(cells, {"the column Other has another 'emails' than the row says, which counts"}) ==
        R"({"@type":"Card","version":"1.0","uid":"u","kind":"org",
            "emails":{"e1":{"address":"b"}}})"_json);
}

TEST_CASE("csv card: another column of the name Other is kept") {
  CsvCells cells;
  cells.set(CsvField::other, 0, "x");
  CHECK(card(cells)["addrbook:csv"] == R"({"Other":"x"})"_json);
  cells.set(CsvField::other, 0, R"({"@type":"x","a":1})");
  const json tree = card(cells);
  CHECK(tree["@type"] == "Card");
  CHECK(tree["a"] == 1);
}

TEST_CASE("csv card: addresses that are no Card give what a contact has") {
  const CsvCells cells = cells_of(Document::parse(
      R"({"given_name":"Ann","family_name":"Example","company":"X","birthday":"1980-12-04",
          "emails":["1","2","3","4","5","6","7"],"phone":"555 0123","labels":["a","b"],"z":1})"));
  CHECK(cells.text(CsvField::name) == "Ann Example");
  CHECK(cells.text(CsvField::given) == "Ann");
  CHECK(cells.text(CsvField::family) == "Example");
  CHECK(cells.text(CsvField::organization) == "X");
  CHECK(cells.text(CsvField::birthday) == "1980-12-04");
  CHECK(cells.text(CsvField::email, 3) == "4");
  CHECK(cells.text(CsvField::email, 4) == "5 ::: 6 ::: 7");
  CHECK(cells.text(CsvField::phone) == "555 0123");
  CHECK(cells.text(CsvField::keywords) == "a ::: b");
  CHECK(cells.text(CsvField::other).empty());
  CHECK(card(cells)["emails"].size() == 7);
}

TEST_CASE("csv card: parts of names and addresses that have no column of their own") {
  const CsvCells cells = cells_of(with(
      R"("name":{"components":[{"kind":"given","value":"Ann"},{"kind":"surname","value":"A"},
           {"kind":"surname2","value":"B"},{"kind":"generation","value":"Jr."},7]},
         "addresses":{"a":{"components":[{"kind":"number","value":"1"},{"kind":"separator",
           "value":","},{"kind":"name","value":"Main Street"},{"kind":"locality","value":"C"}],
           "contexts":{"work":true,"billing":true}}},
         "organizations":{"o":{"name":"X","units":[{"name":"1"},{"name":"2"}]}})"));
  CHECK(cells.text(CsvField::family) == "A B");
  CHECK(cells.text(CsvField::suffix) == "Jr.");
  CHECK(cells.text(CsvField::street) == "1 Main Street");
  CHECK(cells.text(CsvField::city) == "C");
  CHECK(cells.text(CsvField::address_label) == "Work");
  CHECK(cells.text(CsvField::department) == "1, 2");
}
