#include <addrbook/formats/vcard_writer.hpp>

#include <support/vcard_text.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::detail::VCard;
using addrbook::detail::VCardParameter;
using addrbook::detail::VCardProperty;
using addrbook::detail::VCardReader;
using addrbook::detail::VCardWriter;
using test::KeptCards;

namespace {

constexpr auto v3 = VCardWriter::Version::v3;
constexpr auto v4 = VCardWriter::Version::v4;

VCard parse(const std::string& text) {
  KeptCards kept;
  VCardReader reader(kept, {});
  reader.read(text);
  reader.finish();
  REQUIRE(kept.cards.size() == 1);
  CHECK(kept.failures.empty());
  CHECK(kept.warnings.empty());
  return kept.cards.front();
}

VCard card_of(const std::string& lines) {
  return parse("BEGIN:VCARD\r\nVERSION:4.0\r\n" + lines + "END:VCARD\r\n");
}

std::string write(const VCard& card, VCardWriter::Version version) {
  std::string text;
  VCardWriter(version).write(card, text);
  return text;
}

/// What stands between VERSION and END, with LF, of lines that are not folded.
std::string lines_of(const VCard& card, VCardWriter::Version version) {
  std::string text = write(card, version);
  const std::string begin =
      std::string("BEGIN:VCARD\r\nVERSION:") + (version == v4 ? "4.0\r\n" : "3.0\r\n");
  const std::string end = "END:VCARD\r\n";
  REQUIRE(text.substr(0, begin.size()) == begin);
  REQUIRE(text.substr(text.size() - end.size()) == end);
  text = text.substr(begin.size(), text.size() - begin.size() - end.size());
  text.erase(std::remove(text.begin(), text.end(), '\r'), text.end());
  return text;
}

/// The lines that a card with FN and N, and these lines of 4.0, has in 3.0; they must give the same
/// card again, and so must those of 4.0.
std::string in_v3(const std::string& lines) {
  const std::string names = "N:Doe;Ann;;;\nFN:Ann Doe\n";
  const VCard card = card_of(names + lines);
  for (const auto version : {v3, v4}) {
    CHECK(test::text_of(parse(write(card, version))) == test::text_of(card));
  }
  const std::string text = lines_of(card, v3);
  REQUIRE(text.substr(0, names.size()) == names);
  return text.substr(names.size());
}

/// The lines in 4.0, which must give the same card again.
std::string in_v4(const std::string& lines) {
  const VCard card = card_of(lines);
  CHECK(test::text_of(parse(write(card, v4))) == test::text_of(card));
  return lines_of(card, v4);
}

VCard with(const std::string& name, std::vector<VCardParameter> parameters,
           const std::string& value) {
  VCard card;
  VCardProperty property;
  property.name = name;
  property.parameters = std::move(parameters);
  property.value = value;
  card.properties.push_back(property);
  return card;
}

}  // namespace

TEST_CASE("vcard writer: a card in 4.0") {
  CHECK(write(card_of("FN:Ann\nitem1.TEL;TYPE=cell;PREF=1:555-0123\n"), v4) ==
        "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ann\r\nitem1.TEL;PREF=1;TYPE=cell:555-0123\r\n"
        "END:VCARD\r\n");
  CHECK(write(VCard(), v4) == "BEGIN:VCARD\r\nVERSION:4.0\r\nEND:VCARD\r\n");
}

TEST_CASE("vcard writer: lines are folded at 75 bytes, never inside a character") {
  for (const std::string character : {"x", "ü", "€", "😀"}) {
    for (std::size_t shift = 0; shift < 5; ++shift) {
      std::string note(shift, 'a');
      for (int i = 0; i < 200; ++i) note += character;
      const VCard card = with("NOTE", {}, note);
      const std::string text = write(card, v4);
      std::size_t start = 0;
      std::size_t longest = 0;
      while (start < text.size()) {
        const std::size_t end = text.find("\r\n", start);
        longest = (std::max)(longest, end - start);
        const auto first = static_cast<unsigned char>(text[start] == ' ' ? text[start + 1] : 'x');
        CHECK((first & 0xC0U) != 0x80U);
        start = end + 2;
      }
      CHECK(longest <= 75);
      CHECK(longest > 75 - character.size());
      CHECK(parse(text).properties.at(0).value == note);
    }
  }
  CHECK(write(with("NOTE", {}, std::string(70, 'x')), v4).find("\r\n ") == std::string::npos);
  CHECK(write(with("NOTE", {}, std::string(71, 'x')), v4).find("\r\n x\r\n") != std::string::npos);
}

TEST_CASE("vcard writer: values of parameters") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"a", "a"},           {"a,b", "\"a,b\""},   {"a;b:c", "\"a;b:c\""},
      {"a\"b\"", "a^'b^'"}, {"a^nb^", "a^^nb^^"}, {"a\nb,", "\"a^nb,\""},
      {"ü", "ü"},           {"a=b", "a=b"},       {"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    const VCard card = with("X-A", {{"X-P", {row.first, "z"}}}, "v");
    CHECK(lines_of(card, v4) == "X-A;X-P=" + row.second + ",z:v\n");
    CHECK(test::text_of(parse(write(card, v4))) == test::text_of(card));
    CHECK(lines_of(card, v3).find("X-A;X-P=" + row.second + ",z:v\n") != std::string::npos);
  }
}

TEST_CASE("vcard writer: what can't be written is left out") {
  CHECK(lines_of(with("a b", {}, "c"), v4).empty());
  CHECK(lines_of(with("BEGIN", {}, "VCARD"), v4).empty());
  CHECK(lines_of(with("END", {}, "VCARD"), v4).empty());
  CHECK(lines_of(with("VERSION", {}, "2.1"), v4).empty());
  CHECK(lines_of(with("X", {{"é", {"a"}}, {"CHARSET", {"x"}}, {"ENCODING", {"b"}}}, "c"), v4) ==
        "X:c\n");
  CHECK(lines_of(with("NOTE", {{"X", {"a\x01\rb"}}}, "a\r\nb\x01\tc\x7F"), v4) ==
        "NOTE;X=ab:a\\nb\tc\n");
  VCard card = with("X", {{"ENCODING", {"b"}}}, "c");
  card.properties.front().group = "a b";
  CHECK(lines_of(card, v3) == "N:;;;;\nFN:\nX:c\n");
}

TEST_CASE("vcard writer: 4.0 gives what was read") {
  CHECK(in_v4("ADR;LABEL=\"1 Main St^nTown\":;;1 Main St,Apt 2;Town;;;\n") ==
        "ADR;LABEL=1 Main St^nTown:;;1 Main St,Apt 2;Town;;;\n");
  CHECK(in_v4("NOTE;ENCODING=QUOTED-PRINTABLE:a=0D=0Ab\n") == "NOTE:a\\nb\n");
  CHECK(in_v4("zz.TEL:5550123\nzz.X-ABLabel:_$!<Mobile>!$_\n") ==
        "zz.TEL:5550123\nzz.X-ABLabel:Mobile\n");
  CHECK(in_v4("TEL;CELL;PREF:5550123\n") == "TEL;PREF=1;TYPE=cell:5550123\n");
  CHECK(in_v4("URL:https\\://example.com\nN:Doe;Ann\\; B.\n") ==
        "URL:https://example.com\nN:Doe;Ann\\; B.\n");
  CHECK(in_v4("SOUND;X-IRMC-N:;;;;\nN:;;;;\nORG:Example Inc\n") ==
        "SOUND;TYPE=x-irmc-n:;;;;\nN:;;;;\nORG:Example Inc\n");
  CHECK(in_v4("AGENT:\nBEGIN:VCARD\nFN:Bob; x\\y\nEND:VCARD\n") ==
        "AGENT:BEGIN:VCARD\\nFN:Bob\\; x\\\\y\\nEND:VCARD\n");
}

TEST_CASE("vcard writer: an AGENT begins no card") {
  CHECK(in_v3("AGENT:BEGIN\\:VCARD\n") == "AGENT:BEGIN\\:VCARD\n");
  CHECK(in_v3("AGENT;VALUE=uri:begin\\:vcard\n") == "AGENT;VALUE=uri:begin\\:vcard\n");
}

TEST_CASE("vcard writer: 3.0 has N and FN") {
  CHECK(lines_of(card_of("N:Doe;Ann,Bea;B.\\, C.;Dr.;\n"), v3) ==
        "FN:Ann Bea B.\\, C. Doe\nN:Doe;Ann,Bea;B.\\, C.;Dr.;\n");
  CHECK(lines_of(card_of("FN:Ann\n"), v3) == "N:;;;;\nFN:Ann\n");
  CHECK(lines_of(card_of("N:;;;;\nORG:Example\\, Inc;Sales\n"), v3) ==
        "FN:Example\\, Inc\nN:;;;;\nORG:Example\\, Inc;Sales\n");
  CHECK(lines_of(card_of("NICKNAME:A,B\nTEL:5\n"), v3) == "N:;;;;\nFN:A\nNICKNAME:A,B\nTEL:5\n");
  CHECK(lines_of(card_of("N:;;;;\nTEL:5\nEMAIL:ann@example.com\n"), v3) ==
        "FN:ann@example.com\nN:;;;;\nTEL:5\nEMAIL:ann@example.com\n");
  CHECK(lines_of(VCard(), v3) == "N:;;;;\nFN:\n");
}

TEST_CASE("vcard writer: 3.0 has preferences and types in its way") {
  CHECK(in_v3("TEL;PREF=1;TYPE=cell,voice:1\nTEL;PREF=1:2\nTEL;PREF=2;TYPE=home:3\n") ==
        "TEL;TYPE=CELL,VOICE,PREF:1\nTEL;TYPE=PREF:2\nTEL;PREF=2;TYPE=HOME:3\n");
  CHECK(in_v3("TEL;VALUE=uri:tel:+1-555-555-0123\n") == "TEL;VALUE=uri:tel:+1-555-555-0123\n");
}

TEST_CASE("vcard writer: 3.0 has binary values with an encoding") {
  CHECK(in_v3("PHOTO:data:image/jpeg;base64,/9j/QQ==\n") ==
        "PHOTO;TYPE=JPEG;ENCODING=b:/9j/QQ==\n");
  CHECK(in_v3("PHOTO;PREF=1;TYPE=home:data:image/png;base64,QUJD\n") ==
        "PHOTO;TYPE=HOME,PREF,PNG;ENCODING=b:QUJD\n");
  CHECK(in_v3("LOGO:data:image/x-foo;base64,QUJD\n") == "LOGO;TYPE=IMAGE/X-FOO;ENCODING=b:QUJD\n");
  CHECK(in_v3("KEY:data:application/pgp-keys;base64,QUJD\n") == "KEY;TYPE=PGP;ENCODING=b:QUJD\n");
  CHECK(in_v3("SOUND;MEDIATYPE=audio/ogg:http://example.com/a\n") ==
        "SOUND;TYPE=OGG;VALUE=uri:http://example.com/a\n");
  CHECK(in_v3("PHOTO;MEDIATYPE=Image/PNG:http://example.com/a\n") ==
        "PHOTO;MEDIATYPE=Image/PNG;VALUE=uri:http://example.com/a\n");
  // What would not come back stays a URI.
  for (const std::string uri :
       {"data:image/jpeg;base64,QUJ", "data:image/jpeg;base64,", "data:;base64,QUJD",
        "data:image/jpeg,QUJD", "data:image/jpeg;charset=x;base64,QUJD",
        "data:IMAGE/PNG;base64,QUJD", "http://example.com/a.jpg", "DATA:image/png;base64,QUJD"}) {
    CAPTURE(uri);
    CHECK(in_v3("PHOTO:" + uri + "\n") == "PHOTO;VALUE=uri:" + uri + "\n");
  }
  CHECK(in_v3("SOUND;TYPE=x-irmc-n:;;;;\n") == "SOUND;TYPE=X-IRMC-N:;;;;\n");
  CHECK(in_v3("KEY;VALUE=text;MEDIATYPE=application/pgp-keys:a\\nb\n") ==
        "KEY;MEDIATYPE=application/pgp-keys;VALUE=text:a\\nb\n");
}

TEST_CASE("vcard writer: 3.0 has dates in the extended format") {
  CHECK(in_v3("BDAY:19900412\nANNIVERSARY:20100607\nREV:20200102T030405Z\n") ==
        "BDAY:1990-04-12\nitem1.X-ABDATE:2010-06-07\nitem1.X-ABLabel:_$!<Anniversary>!$_\nREV:2020-"
        "01-02T03:04:05Z\n");
  CHECK(in_v3("BDAY:--0412\n") == "BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12\n");
  CHECK(in_v3("BDAY:--0412T1000\n") ==
        "BDAY;X-APPLE-OMIT-YEAR=1604;VALUE=date-time:1604-04-12T10:00\n");
  CHECK(in_v3("BDAY:19531015T231000-0500\n") == "BDAY;VALUE=date-time:1953-10-15T23:10:00-05:00\n");
  CHECK(in_v3("BDAY:1990\nDEATHDATE:1990-04\nBDAY:--04\nBDAY:---12\nBDAY:T10\n") ==
        "BDAY:1990\nDEATHDATE:1990-04\nBDAY:--04\nBDAY:---12\nBDAY;VALUE=date-time:T10\n");
  CHECK(in_v3("BDAY;VALUE=text:circa 1800\n") == "BDAY;VALUE=text:circa 1800\n");
}

TEST_CASE("vcard writer: 3.0 has other names") {
  CHECK(in_v3("KIND:group\nMEMBER:urn:uuid:1\nGENDER:F;it\\, she\n") ==
        "X-ADDRESSBOOKSERVER-KIND:group\nX-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1\n"
        "X-GENDER:F;it\\, she\n");
  CHECK(in_v3("LANG;PREF=1:de\nRELATED;TYPE=friend:urn:uuid:2\nXML:<a/>\n") ==
        "LANG;TYPE=PREF:de\nRELATED;TYPE=FRIEND:urn:uuid:2\nXML:<a/>\n");
  CHECK(in_v3("item1.TEL:1\nitem1.X-ABLabel:Mobile\nitem2.X-ABLabel:Boat\n") ==
        "item1.TEL:1\nitem1.X-ABLabel:_$!<Mobile>!$_\nitem2.X-ABLabel:Boat\n");
  CHECK(in_v3("GEO:geo:37.386,-122.08\nGEO:geo:1,2;u=3\nGEO:x\n") ==
        "GEO:37.386;-122.08\nGEO;VALUE=uri:geo:1,2;u=3\nGEO:x\n");
  CHECK(in_v3("TZ;VALUE=utc-offset:-0500\nTZ:Europe/Berlin\nTZ;VALUE=utc-offset:a\n") ==
        "TZ:-05:00\nTZ;VALUE=text:Europe/Berlin\nTZ;VALUE=utc-offset:a\n");
}

TEST_CASE("vcard writer: 3.0 has anniversaries as Apple has them") {
  CHECK(in_v3("ANNIVERSARY;PREF=1:--0607\nItem1.TEL:1\nANNIVERSARY:2010\n") ==
        "item2.X-ABDATE;TYPE=PREF;X-APPLE-OMIT-YEAR=1604:1604-06-07\n"
        "item2.X-ABLabel:_$!<Anniversary>!$_\nItem1.TEL:1\nitem3.X-ABDATE:2010\n"
        "item3.X-ABLabel:_$!<Anniversary>!$_\n");
  CHECK(in_v3("item1.ANNIVERSARY:20100607\nitem1.X-ABLabel:Boat\nANNIVERSARY;VALUE=text:x\n") ==
        "item1.X-ANNIVERSARY:2010-06-07\nitem1.X-ABLabel:Boat\nX-ANNIVERSARY;VALUE=text:x\n");
  // Others have nothing that says which it is.
  CHECK(in_v3("item1.X-ABDATE:20100607\nitem1.X-ABLabel:Boat\nX-ABDATE:20100607\n") ==
        "item1.X-ABDATE:2010-06-07\nitem1.X-ABLabel:Boat\nX-ABDATE:2010-06-07\n");
}

TEST_CASE("vcard writer: 3.0 has SORT-STRING") {
  const auto names = [](const std::string& lines) {
    const VCard card = card_of("FN:Ann\n" + lines);
    CHECK(test::text_of(parse(write(card, v3))) == test::text_of(card));
    return lines_of(card, v3);
  };
  CHECK(names("N;SORT-AS=\"Doe, Ann\":van Doe;Ann\n") ==
        "SORT-STRING:Doe\\, Ann\nFN:Ann\nN:van Doe;Ann\n");
  CHECK(names("N;SORT-AS=Doe,Ann:van Doe;Ann\n") == "FN:Ann\nN;SORT-AS=Doe,Ann:van Doe;Ann\n");
  CHECK(names("N;SORT-AS=x:;;\n") == "FN:Ann\nN;SORT-AS=x:;;\n");
  CHECK(names("N:;;\nSORT-STRING:x\n") == "FN:Ann\nN:;;\nSORT-STRING:x\n");
  CHECK(names("SORT-STRING:x\nN;SORT-AS=y:z\n") == "FN:Ann\nSORT-STRING:x\nN;SORT-AS=y:z\n");
}
