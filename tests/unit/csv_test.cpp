#include <addrbook/csv.hpp>

#include <addrbook/document.hpp>
#include <addrbook/formats/card_check.hpp>
#include <addrbook/vcard.hpp>

#include "formats/kept_records.hpp"
#include "refusal.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using addrbook::csv;
using addrbook::Document;
using addrbook::ReadLimits;
using addrbook::Record;
using addrbook::RecordProblem;
using nlohmann::json;
using test::Lines;
using test::refusal;
using test::written;

namespace {

/// What is found in a text, which is the same for each cut of it.
Lines records(const std::string& text) {
  return test::records_of_each_cut(*csv(), text);
}

/// The Card that the only row of a text becomes, without @type, version and uid.
json card(const std::string& text) {
  const Lines lines = records(text);
  REQUIRE(lines.size() == 1);
  json tree = json::parse(lines[0].substr(lines[0].find('{')));
  for (const char* const member : {"@type", "version", "uid"}) CHECK(tree.erase(member) == 1);
  return tree;
}

/// The addresses that are read again of what is written of some.
std::vector<json> round_trip(const std::vector<std::string>& addresses) {
  std::vector<json> trees;
  for (const std::string& line : test::records_of(*csv(), written(*csv(), addresses))) {
    CHECK(line.find("{\"@type\"") != std::string::npos);
    trees.push_back(json::parse(line.substr(line.find('{'))));
  }
  return trees;
}

/// As address books have them, and plain ones.
const std::vector<std::string> known_headers{
    "First Name,Middle Name,Last Name,Phonetic First Name,Name Prefix,Name Suffix,Nickname,File "
    "As,Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,Labels,"
    "E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Address 1 - Label,"
    "Address 1 - Formatted,Address 1 - Street,Address 1 - City,Address 1 - PO Box,"
    "Address 1 - Region,Address 1 - Postal Code,Address 1 - Country,Address 1 - Extended Address,"
    "Website 1 - Label,Website 1 - Value,Event 1 - Label,Event 1 - Value,Relation 1 - Label,"
    "Relation 1 - Value",
    "Name,Given Name,Additional Name,Family Name,Yomi Name,Group Membership,E-mail 1 - Type,"
    "E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Address 1 - Type,Address 1 - Street,"
    "Organization 1 - Type,Organization 1 - Name,Organization 1 - Title,Organization 2 - Name,"
    "Website 1 - Type,Website 1 - Value,Event 1 - Type,Event 1 - Value",
    "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Street,"
    "Business Street 2,Business City,Business Country/Region,Home Street,Home City,Business Fax,"
    "Business Phone,Car Phone,Company Main Phone,Mobile Phone,Pager,Anniversary,Birthday,"
    "Categories,E-mail Address,E-mail Type,E-mail 2 Address,Notes,Web Page",
    "First Name,Last Name,Display Name,Nickname,Primary Email,Secondary Email,Work Phone,Home "
    "Phone,Fax Number,Home Address,Home Address 2,Home City,Home ZipCode,Work Address,Web Page 1",
    "First Name,Last Name,Phonetic First Name,Company,Job Title,Phone : mobile,iPhone,Home Fax,"
    "Email : home,Email (work),Home Street,Home ZIP,URL : home page,Birthday,Anniversary,Note",
    "Name,Email,Phone,Birthday,Tags,Address,x",
};

class RandomCards {
 public:
  explicit RandomCards(unsigned seed) : random_(seed) {}

  /// Holds only what the columns hold.
  json next() {
    json card{{"@type", "Card"}, {"version", "1.0"}, {"uid", text()}};
    if (chance()) card["name"]["full"] = text();
    for (const char* const kind : {"title", "given", "given2", "surname", "credential"}) {
      if (chance()) card["name"]["components"].push_back({{"kind", kind}, {"value", text()}});
    }
    if (chance()) card["nicknames"] = map("n", "name", 3);
    if (chance()) card["organizations"]["o1"]["name"] = text();
    if (chance()) card["organizations"]["o1"]["units"] = json::array({{{"name", text()}}});
    if (chance()) card["titles"]["t1"]["name"] = text();
    if (chance()) card["emails"] = labelled("e", "address", 5, false);
    if (chance()) card["phones"] = labelled("p", "number", 5, true);
    if (chance()) card["links"] = labelled("l", "uri", 3, false);
    if (chance()) card["notes"]["n1"]["note"] = text();
    if (chance()) card["anniversaries"]["b1"] = {{"kind", "birth"}, {"date", {{"year", 1980}}}};
    if (chance()) card["addresses"] = addresses();
    if (chance()) {
      for (auto n = below(3) + 1; n > 0; --n) card["keywords"][text()] = true;
    }
    return card;
  }

  bool chance() { return below(3) == 0; }
  std::size_t below(std::size_t end) { return random_() % end; }
  /// What spreadsheets, separators, quotes and charsets may come to harm of.
  std::string text() {
    static const std::vector<std::string> pieces{
        "a",   "B",  "7",  "=",    "+",    "-",  "@", "'",        "\"",
        ",",   ";",  "\t", "\r\n", "\n",   "\r", " ", "\xC3\xB6", "\xF0\x9F\x98\x80",
        "::a", "\\", "{}", "\x01", "sep=;"};
    std::string text(1, "=x'\"+-@"[below(7)]);
    for (auto n = below(6); n > 0; --n) text += pieces[below(pieces.size())];
    return text + "xy'\""[below(4)];
  }

 private:
  json map(const std::string& id, const char* name, std::size_t most) {
    json map;
    const std::size_t count = below(most) + 1;
    for (std::size_t i = 1; i <= count; ++i) map[id + std::to_string(i)][name] = text();
    return map;
  }
  json labelled(const std::string& id, const char* name, std::size_t most, bool is_of_phone) {
    json values = map(id, name, most);
    for (json& value : values) label(value, is_of_phone);
    return values;
  }
  void label(json& value, bool is_of_phone) {
    if (chance()) {
      value["label"] = text();
      return;
    }
    if (chance()) value["contexts"][chance() ? "work" : "private"] = true;
    if (chance() && is_of_phone) value["features"][chance() ? "mobile" : "fax"] = true;
  }
  json addresses() {
    json all;
    const std::size_t count = below(3) + 1;
    for (std::size_t i = 1; i <= count; ++i) {
      json& address = all["a" + std::to_string(i)];
      for (const char* const kind :
           {"name", "apartment", "postOfficeBox", "locality", "region", "postcode", "country"}) {
        if (chance()) address["components"].push_back({{"kind", kind}, {"value", text()}});
      }
      if (chance() || address.is_null()) address["full"] = text();
      label(address, false);
    }
    return all;
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("csv: what it is called") {
  const auto format = csv();
  CHECK(format->name() == "csv");
  CHECK(format->media_types().front() == "text/csv");
  CHECK(format->suffixes() == std::vector<std::string_view>{".csv", ".tsv"});
  CHECK(format->versions().empty());
  CHECK(format->content_type({}) == "text/csv; charset=UTF-8");
}

TEST_CASE("csv: rows become Cards, with their indexes and lines") {
  const Lines lines = records("Name,Email,x\r\n\r\n\"Ann\nExample\",a@example.com\r\nBob,,1\r\n");
  REQUIRE(lines.size() == 2);
  CHECK(
      lines[0] ==
      R"(0 @3 {"@type":"Card","version":"1.0","uid":"urn:uuid:7df20c65-d469-8b0a-9335-0ec966fc11d5")"
      R"(,"name":{"full":"Ann\nExample"},"emails":{"e1":{"address":"a@example.com"}}})");
  CHECK(lines[1].find("1 @5 {") == 0);
  CHECK(lines[1].find(R"("addrbook:csv":{"x":"1"})") != std::string::npos);
}

TEST_CASE("csv: what Excel saves in Germany") {  // in Windows-1252
  CHECK(card("sep=;\r\nVorname;Nachname\r\n\xD6sterle;X\r\n") ==
        R"({"name":{"components":[{"kind":"given","value":"Österle"},
                                  {"kind":"surname","value":"X"}]}})"_json);
  CHECK(card("\xEF\xBB\xBFVorname;Nachname;Stra\xC3\x9F"
             "e privat;Ort privat;Fax gesch\xC3\xA4"
             "ftlich\n"
             "Ann;;\"Hauptstr. 1;\nHinterhaus\";Graz;0316 5550123\n") ==
        R"({"name":{"components":[{"kind":"given","value":"Ann"}]},
            "addresses":{"a1":{"components":[{"kind":"name","value":"Hauptstr. 1;\nHinterhaus"},
              {"kind":"locality","value":"Graz"}],"contexts":{"private":true}}},
            "phones":{"p1":{"number":"0316 5550123","contexts":{"work":true},
                            "features":{"fax":true}}}})"_json);
}

TEST_CASE("csv: a phone that a spreadsheet took for a number is reported, not taken") {
  const Lines lines = records("Name\tPhone\nAnn\t4.41E+11\nBob\t4,41E+11\nCy\t+441555550123\n");
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "0 @2 warning: a spreadsheet has lost the digits of the phone '4.41E+11'");
  CHECK(lines[1].find("phones") == std::string::npos);
  CHECK(lines[2] == "1 @3 warning: a spreadsheet has lost the digits of the phone '4,41E+11'");
  CHECK(lines[4].find(R"("phones":{"p1":{"number":"+441555550123"}})") != std::string::npos);
}

TEST_CASE("csv: Google's export, old and new") {
  CHECK(card("Name,Given Name,Family Name,Birthday,Group Membership,E-mail 1 - Type,"
             "E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Organization 1 - Name\n"
             "Ann Example,Ann,Example,1980-12-04,* myContacts ::: Friends,* Home,"
             "a@example.com ::: b@example.com,Mobile,+1 555 555 0123,X\n") ==
        R"({"name":{"full":"Ann Example","components":[{"kind":"given","value":"Ann"},
              {"kind":"surname","value":"Example"}]},"organizations":{"o1":{"name":"X"}},
            "emails":{"e1":{"address":"a@example.com","contexts":{"private":true},"pref":1},
                      "e2":{"address":"b@example.com","contexts":{"private":true},"pref":1}},
            "phones":{"p1":{"number":"+1 555 555 0123","features":{"mobile":true}}},
            "anniversaries":{"b1":{"kind":"birth","date":{"year":1980,"month":12,"day":4}}},
            "keywords":{"Friends":true}})"_json);
  CHECK(card("First Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Website 1 - Label,"
             "Website 1 - Value\nAnn,,a ::: b,Grandma's,a@example.com,,https://example.com\n") ==
        R"({"name":{"components":[{"kind":"given","value":"Ann"}]},
            "emails":{"e1":{"address":"a@example.com","label":"Grandma's"}},
            "links":{"l1":{"uri":"https://example.com"}},"keywords":{"a":true,"b":true}})"_json);
}

TEST_CASE("csv: a row that is broken fails alone") {
  const Lines lines = records("Name,Email\nA,1,2\nB,1,,\n\"C\n");
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "0 @2 failed: more cells than the 2 columns of the first row");
  CHECK(lines[1].find("1 @3 {") == 0);
  CHECK(lines[2] == "2 @4 failed: a quote in line 4 is not closed");
  CHECK(records("Name,Other\nA,{\"x\":" + std::string(63, '[') + std::string(63, ']') + "}\n")
            .front()
            .find("{\"@type\"") != std::string::npos);
}

TEST_CASE("csv: what is no table of contacts is refused") {
  CHECK(refusal([] { records("a,b;c,d\n1,2\n"); }) == "no column is known: 'a', 'b;c', 'd'");
  CHECK(refusal([] { records("1,2,3,4,5,6\n"); }) ==
        "no column is known: '1', '2', '3', '4', '5', ...");
  CHECK(refusal([] { records(std::string(39, 'x') + "\xC3\xA9\n"); }) ==
        "no column is known: '" + std::string(39, 'x') + "'");
  CHECK(refusal([] { records("\"Name"); }) == "a quote in line 1 is not closed");
}

TEST_CASE("csv: hostile tables") {
  const auto format = csv();
  const auto read = [&](const std::string& text) { return test::records_of(*format, text, 16384); };
  CHECK(refusal([&] { read("Name" + std::string(1000000, ',') + "x\n"); }) ==
        "more than 1000 columns");
  CHECK(read("Name\nA" + std::string(1000000, ',') + "\n" + std::string(1000000, ',') + "x\n")
            .back() == "1 @3 failed: more cells than the 1 columns of the first row");
  test::KeptRecords kept;
  ReadLimits limits;
  limits.max_record_bytes = 100000;
  const auto reader = format->reader(kept, limits);
  reader->read("Name\n\"");
  for (int i = 0; i < 1000; ++i) {
    reader->read(std::string(10000, 'x'));
    CHECK(reader->memory() <= limits.max_record_bytes);
  }
  reader->finish();
  CHECK(kept.lines == Lines{"0 @2 failed: a row of more than 100000 bytes, in a quote that begins "
                            "in line 2"});
  std::string many = "Email,Tags\n\"";
  for (int i = 0; i < 100000; ++i) many += "a@example.com:::";
  CHECK(read(many + "\",x\n").size() == 1);
}

TEST_CASE("csv: what the sink throws comes out") {
  class Full final : public addrbook::RecordSink {
   public:
    void record(Record /*record*/) override { throw addrbook::Error(addrbook::Errc::full, "full"); }
    void failed(RecordProblem /*problem*/) override {}
    void warning(RecordProblem /*problem*/) override {}
  };
  Full full;
  const auto reader = csv()->reader(full, {});
  CHECK_THROWS_WITH(reader->read("Name\nAnn\n"), "full");
}

TEST_CASE("csv: what is written has a byte order mark, one row of names, and CR LF") {
  const std::string empty = written(*csv(), {});
  CHECK(empty.find("\xEF\xBB\xBFUID,Name,Name Prefix,First Name,") == 0);
  CHECK(empty.find("\r\n") == empty.size() - 2);
  addrbook::WriteOptions single;
  single.is_single = true;
  const std::string one = written(*csv(), {R"({"name":"=1","email":"a@example.com"})"}, single);
  CHECK(one.find(empty) == 0);
  const auto name = one.find(",'=1,,,");
  REQUIRE(name != std::string::npos);
  CHECK(name > empty.size());  // behind a UID that stands for the entry's id
  CHECK(one.find(",a@example.com,") != std::string::npos);
  CHECK(one.substr(one.size() - 2) == "\r\n");
}

TEST_CASE("csv: nothing of a Card is lost on the way out and in") {
  RandomCards cards(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> texts;
    std::vector<json> expected;
    for (int i = 0; i < 5; ++i) {
      json card = cards.next();
      if (cards.chance()) card["x"] = json::array({nullptr, cards.text(), {{"y", 1.5}}});
      if (cards.chance()) card["emails"]["x"] = {{"address", cards.text()}, {"pref", 2}};
      texts.push_back(card.dump());
      expected.push_back(std::move(card));
    }
    if (round_trip(texts) != expected) FAIL_CHECK(json(expected).dump());
  }
}

TEST_CASE("csv: what the columns hold needs no Other") {
  RandomCards cards(2);
  for (int i = 0; i < 1000; ++i) {
    const std::string text = cards.next().dump();
    if (text.find("\\r\\n") != std::string::npos) continue;  // the columns have LF
    addrbook::Entry entry;
    entry.document = Document::parse(text);
    const auto cells = addrbook::detail::cells_of(entry);
    if (!cells.text(addrbook::detail::CsvField::other).empty()) FAIL_CHECK(text);
  }
}

TEST_CASE("csv: what was imported goes out and in again as it is") {
  const std::string table =
      "Name,Birthday,Shoe size,Email\r\n'=Ann,4/12/1980,38,a@example.com ::: b@example.com\r\n";
  std::vector<std::string> once;
  for (const std::string& line : test::records_of(*csv(), table)) {
    if (line.find("warning") == std::string::npos) once.push_back(line.substr(line.find('{')));
  }
  REQUIRE(once.size() == 1);
  CHECK(round_trip(once) == std::vector<json>{json::parse(once[0])});
}

TEST_CASE("csv: each Card that a table gives is one of RFC 9553") {
  using addrbook::detail::JsonSpan;
  using addrbook::detail::JsonTree;
  RandomCards cards(3);
  const auto cell = [&cards]() -> std::string {
    static const std::vector<std::string> known{
        "* Work",    "Home Fax",   "Anniversary", "Spouse",  "1980-12-04", "29.2.1981",
        "31.4.2000", "--02-29",    "--02-30",     "1980",    "0000-01-01", "1980-13",
        "0/0/00",    "12/25/1980", "4.41E+11",    "a ::: b", "a, b;c",     "",
        "1604-02-29"};
    return cards.chance() ? cards.text() : known[cards.below(known.size())];
  };
  for (const std::string& header : known_headers) {
    CAPTURE(header);
    std::string table = header + "\r\n";
    for (int i = 0; i < 200; ++i) {
      for (std::size_t j = 0; j < header.size(); j = header.find(',', j + 1)) {
        if (j != 0) table += ',';
        addrbook::detail::append_cell(table, cell());
      }
      table += "\r\n";
    }
    int count = 0;
    for (const std::string& line : test::records_of(*csv(), table)) {
      if (line.find("warning: ") != std::string::npos) continue;
      ++count;
      CHECK(line.find("failed: ") == std::string::npos);
      const std::string text = line.substr(line.find('{'));
      const auto problem = addrbook::detail::card_problem(JsonTree(JsonSpan(text)));
      if (problem) FAIL_CHECK(*problem << ' ' << text);
    }
    CHECK(count > 150);  // empty rows are none
  }
}

TEST_CASE("csv: a nickname goes from a vCard to a table and back") {
  const auto vcards = addrbook::vcard();
  const auto cards_of = [](const Lines& lines) {
    std::vector<std::string> texts;
    for (const std::string& line : lines) texts.push_back(line.substr(line.find('{')));
    return texts;
  };
  const std::string name = "NICKNAME:Annie,Nan\\, the great\r\n";
  const std::string text = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ann\r\n" + name + "END:VCARD\r\n";
  const std::string table = written(*csv(), cards_of(test::records_of(*vcards, text)));
  CHECK(table.find("\"Annie ::: Nan, the great\"") != std::string::npos);
  const std::string back = written(*vcards, cards_of(test::records_of(*csv(), table)));
  std::size_t found = 0;
  for (const std::string nickname : {"Annie", "Nan\\, the great"}) {
    if (back.find(nickname) != std::string::npos) ++found;
  }
  CHECK(found == 2);
  CHECK(back.find("\r\nNICKNAME") != std::string::npos);
  CHECK(back.find("JSPROP") == std::string::npos);
}

TEST_CASE("csv: what few bytes become is bounded") {
  const auto found = [](const std::string& text) {
    const Lines lines = test::records_of(*csv(), text, 65536, ReadLimits{1'000'000});
    REQUIRE(lines.size() == 1);
    return lines[0];
  };
  const std::string label(100'000, 'l');
  std::string phones = "1";
  for (int i = 1; i < 100; ++i) phones += ":::1";
  CHECK(found("Phone 1 - Label,Phone 1 - Value\n" + label + ',' + phones + '\n') ==
        "0 @2 failed: number: the contact would take over 2048576 bytes of memory");
  CHECK(found("Phone 1 - Label,Phone 1 - Value\n" + label + ",1:::2\n").find("\"p2\"") !=
        std::string::npos);
  CHECK(found("Phone 1 - Label,Phone 1 - Value\nx," + phones + '\n').find("\"p100\"") !=
        std::string::npos);
}

TEST_CASE("csv: lines in a cell end as vCards and JSContact have it") {
  const json read = card(
      "Name,Notes,Address 1 - Street,x\n"
      "A,\"one\r\ntwo\r\n\",\"1 Main St\r\nFloor 2\",\"a\r\nb\"\n");
  CHECK(read["notes"]["n1"]["note"] == "one\ntwo");
  CHECK(read["addresses"]["a1"]["components"][0]["value"] == "1 Main St\nFloor 2");
  CHECK(read["addrbook:csv"]["x"] == "a\nb");
  const auto lines = test::records_of(
      *csv(), "UID,Notes,Address 1 - Street\nu,\"one\r\ntwo\",\"1 Main St\r\nFloor 2\"\n");
  REQUIRE(lines.size() == 1);
  const std::string vcard = written(*addrbook::vcard(), {lines[0].substr(lines[0].find('{'))});
  CHECK(vcard.find("NOTE;PROP-ID=n1:one\\ntwo\r\n") != std::string::npos);
  CHECK(vcard.find(":;;1 Main St\\nFloor 2;") != std::string::npos);
  CHECK(vcard.find("JSPROP") == std::string::npos);
  // What an address has already stays as it is.
  const std::string own = R"({"@type":"Card","version":"1.0","uid":"u",)"
                          R"("notes":{"n1":{"note":"one\r\ntwo"}}})";
  CHECK(round_trip({own}) == std::vector<json>{json::parse(own)});
}
