#include <addrbook/formats/vcard_from_card.hpp>

#include "unit/formats/random_cards.hpp"
#include "unit/formats/vcard_lines.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

using namespace addrbook::detail;

namespace {

JsonTree tree(const std::string& text) {
  return JsonTree(JsonSpan(text));
}

/// What is left to change in a Card that came back, but for what a vCard can't say.
std::string lost(const JsonTree& back, const JsonTree& card) {
  std::string text;
  for (const CardChange& change : card_difference(back, card)) {
    const bool is_null_member = change.path.size() == 1 && change.value.is(JsonTree::Kind::null);
    if (!is_null_member) text += card_pointer(change.path) + ": " + change.value.dump() + '\n';
  }
  return text;
}

/// The lines of a Card of these members, behind UID; the Card is checked to come back.
std::string lines(const std::string& members) {
  const JsonTree card =
      tree(R"({"@type":"Card","version":"1.0","uid":"urn:uuid:1",)" + members + "}");
  const VCard vcard = vcard_from_card(card);
  CHECK(lost(card_tree_from_vcard(vcard), card) == "");
  std::string all = test::lines_of(vcard);
  const std::string uid = "UID:urn:uuid:1\n";
  const auto at = all.find(uid);
  REQUIRE(at != std::string::npos);
  return all.erase(at, uid.size());
}

constexpr const char* no_name = "FN;DERIVED=true:\n";

/// As lines(), of a Card without a name.
std::string nameless(const std::string& members) {
  std::string all = lines(members);
  const auto at = all.find(no_name);
  REQUIRE(at != std::string::npos);
  return all.erase(at, std::string_view(no_name).size());
}

}  // namespace

TEST_CASE("vcard from card: names") {
  CHECK(lines(R"("name":{"full":"Ann, Lee"})") == "FN:Ann\\, Lee\n");
  CHECK(lines(R"("name":{"components":[{"kind":"given","value":"Ann"},)"
              R"({"kind":"surname","value":"Lee"}],"isOrdered":true})") ==
        "FN;DERIVED=true:Ann Lee\nN;JSCOMPS=\";1;0\":Lee;Ann;;;;;\n");
  CHECK(lines(R"("name":{"components":[{"kind":"given","value":"Jon"},)"
              R"({"kind":"given2","value":"Paul"},{"kind":"given2","value":"Max"},)"
              R"({"kind":"surname","value":"Stone"},{"kind":"separator","value":", "},)"
              R"({"kind":"generation","value":"Jr."},{"kind":"credential","value":"M.D."}],)"
              R"("isOrdered":true,"defaultSeparator":"_"})") ==
        "FN;DERIVED=true:Jon_Paul_Max_Stone\\, Jr._M.D.\n"
        "N;JSCOMPS=\"s,_;1;2;2,1;0;s,\\, ;6;4\":Stone;Jon;Paul,Max;;M.D.,Jr.;;Jr.\n");
  CHECK(lines(R"("name":{"components":[{"kind":"surname","value":"Diaz"},)"
              R"({"kind":"given","value":"Eva"},{"kind":"surname2","value":"Diaz"}]})") ==
        "FN;DERIVED=true:Eva Diaz Diaz\nN:Diaz,Diaz;Eva;;;;Diaz;\n");
  CHECK(lines(R"("name":{"components":[{"kind":"given","value":"Ann","phonetic":"\u00e6n"},)"
              R"({"kind":"surname","value":"Lee"}],"phoneticSystem":"ipa"})") ==
        "FN;DERIVED=true:Ann Lee\nN;ALTID=1:Lee;Ann;;;;;\n"
        "N;PHONETIC=ipa;ALTID=1:;\xC3\xA6n;;;;;\n");
  CHECK(lines(R"("organizations":{"o":{"name":"X Inc."}})") ==
        "FN;DERIVED=true:X Inc.\nORG;PROP-ID=o:X Inc.\n");
  CHECK(lines(R"("name":{"full":"Ann"},"localizations":{"de":{"name/full":"Anna"}})") ==
        "FN;ALTID=1:Ann\nFN;LANGUAGE=de;ALTID=1:Anna\n");
}

TEST_CASE("vcard from card: objects with their keys") {
  CHECK(nameless(R"("emails":{"e1":{"address":"a@example.com","contexts":{"work":true}}})") ==
        "EMAIL;TYPE=work;PROP-ID=e1:a@example.com\n");
  CHECK(nameless(R"("phones":{"p":{"number":"tel:+1-555-555-0123","features":{"mobile":true},)"
                 R"("pref":1}})") ==
        "TEL;TYPE=cell;PREF=1;VALUE=uri;PROP-ID=p:tel:+1-555-555-0123\n");
  CHECK(nameless(R"("onlineServices":{"a":{"service":"Site","user":"ann","label":"Play"}})") ==
        "item1.X-ABLABEL:Play\n"
        "item1.SOCIALPROFILE;SERVICE-TYPE=Site;VALUE=text;PROP-ID=a:ann\n");
  CHECK(lines(R"("organizations":{"o":{"name":"X"}},)"
              R"("titles":{"t":{"kind":"role","name":"Lead","organizationId":"o"}})") ==
        "FN;DERIVED=true:X\nitem1.ORG;PROP-ID=o:X\nitem1.ROLE;PROP-ID=t:Lead\n");
  CHECK(
      nameless(R"("titles":{"t":{"name":"Boss"}},"localizations":{"fr":{"titles/t/name":"P"}})") ==
      "TITLE;PROP-ID=t;ALTID=1:Boss\nTITLE;LANGUAGE=fr;ALTID=1:P\n");
  CHECK(nameless(R"("addresses":{"a":{"components":[{"kind":"number","value":"54"},)"
                 R"({"kind":"separator","value":" "},{"kind":"name","value":"Oak St"},)"
                 R"({"kind":"locality","value":"Reston"}],"defaultSeparator":", ",)"
                 R"("isOrdered":true,"countryCode":"US"}})") ==
        "ADR;JSCOMPS=\"s,\\, ;10;s, ;11;3\";CC=US;PROP-ID=a:"
        ";;54 Oak St;Reston;;;;;;;54;Oak St;;;;;;\n");
  CHECK(nameless(R"("addresses":{"g":{"coordinates":"geo:1,2"},"z":{"timeZone":"A/B"}})") ==
        "GEO;PROP-ID=g:geo:1,2\nTZ;PROP-ID=z:A/B\n");
  CHECK(nameless(R"("anniversaries":{"b":{"kind":"birth","date":{"month":4,"day":15},)"
                 R"("place":{"full":"Wien"}}})") == "BDAY;PROP-ID=b:--0415\nBIRTHPLACE:Wien\n");
}

TEST_CASE("vcard from card: members of the card") {
  CHECK(nameless(R"("kind":"group","members":{"urn:uuid:2":true},"language":"de",)"
                 R"("updated":"2022-11-30T08:15:02Z","keywords":{"a":true,"b,c":true})") ==
        "KIND:group\nLANGUAGE:de\nREV:20221130T081502Z\nMEMBER:urn:uuid:2\nCATEGORIES:a,b\\,c\n");
  CHECK(nameless(R"("relatedTo":{"urn:uuid:3":{"relation":{"friend":true}},"Bob":{}})") ==
        "RELATED;TYPE=friend:urn:uuid:3\nRELATED;VALUE=text:Bob\n");
  const JsonTree text_uid = tree(R"({"@type":"Card","version":"1.0","uid":"a;b"})");
  CHECK(test::lines_of(vcard_from_card(text_uid)) == "UID;VALUE=text:a;b\nFN;DERIVED=true:\n");
}

TEST_CASE("vcard from card: what no property has is in JSPROPs") {
  CHECK(nameless(R"("example.com:foo":{"bar":1.50})") ==
        "JSPROP;JSPTR=\"example.com:foo\":{\"bar\":1.50}\n");
  CHECK(nameless(R"("emails":{"e":{"address":"a@example.com","x/y~":["a\u0001",1e400]}})") ==
        "EMAIL;PROP-ID=e:a@example.com\n"
        "JSPROP;JSPTR=emails/e/x~1y~0:[\"a\\\\u0001\"\\,1e400]\n");
  CHECK(nameless(R"("emails":{"e":{"address":"a@example.com","@type":"EmailAddress"}})") ==
        "EMAIL;PROP-ID=e:a@example.com\n");
  CHECK(nameless(R"("media":{"a":{"kind":"photo","uri":"no uri"}})") ==
        "JSPROP;JSPTR=media:{\"a\":{\"kind\":\"photo\"\\,\"uri\":\"no uri\"}}\n");
  CHECK(nameless(R"("notes":{"n":{"note":"a\rb","x":null}})") ==
        "JSPROP;JSPTR=notes:{\"n\":{\"note\":\"a\\\\rb\"\\,\"x\":null}}\n");
  CHECK(nameless(R"("":{"":{"a":1}})") == "JSPROP;JSPTR=:{\"\":{\"a\":1}}\n");
  CHECK(nameless(R"("created":"2022-11-30T08:15:02.5Z")") ==
        "JSPROP;JSPTR=created:\"2022-11-30T08:15:02.5Z\"\n");
}

TEST_CASE("vcard from card: vCardProps come out, but for what is the card's own") {
  CHECK(nameless(R"("vCardProps":[["x-foo",{"group":"g","x-b":["1","2"]},"text","a,b"]])") ==
        "g.X-FOO;X-B=1,2;VALUE=text:a\\,b\n");
  for (const char* name : {"begin", "end", "version", "jsprop", "END"}) {
    const std::string all =
        nameless(R"("vCardProps":[[")" + std::string(name) + R"(",{},"text","VCARD"]])");
    CHECK(all.substr(0, 24) == "JSPROP;JSPTR=vCardProps:");
    CHECK(all.find('\n') == all.size() - 1);
  }
  // One that was taken out of the group stays out.
  CHECK(nameless(R"("kind":"group","vCardProps":[["member",{"x-a":"b"},"uri","urn:uuid:2"]])")
            .find("MEMBER") == std::string::npos);
}

TEST_CASE("vcard from card: what does not survive the way is in JSPROPs") {
  const JsonTree card =
      tree(R"({"@type":"Card","version":"1.0","uid":"urn:uuid:1","phones":{"a":{"number":"1"}}})");
  const VCardWay without_phones = [](const VCard& vcard) {
    VCard left = vcard;
    auto& all = left.properties;
    all.erase(std::remove_if(all.begin(), all.end(),
                             [](const VCardProperty& one) { return one.name == "TEL"; }),
              all.end());
    return left;
  };
  const VCard vcard = vcard_from_card(card, without_phones);
  CHECK(vcard.properties.back().name == "JSPROP");
  CHECK(vcard.properties.back().value == R"({"a":{"number":"1"}})");
  CHECK(card_tree_from_vcard(without_phones(vcard)) == card);
}

TEST_CASE("vcard from card: random Cards come back, and no line breaks out") {
  for (const unsigned wildness : {0U, 5U, 40U}) {
    for (unsigned seed = 0; seed < 300; ++seed) {
      CAPTURE(seed);
      CAPTURE(wildness);
      const JsonTree card = test::RandomCards(seed, wildness).next();
      const VCard vcard = vcard_from_card(card);
      const JsonTree back = card_tree_from_vcard(vcard);
      CHECK(lost(back, card) == "");
      CHECK(card_tree_from_vcard(vcard_from_card(back)) == back);
      for (const VCardProperty& property : vcard.properties) {
        CHECK(is_vcard_text(property.value));
        CHECK(property.value.find('\n') == std::string::npos);
        CHECK(is_vcard_name(property.name));
      }
    }
  }
}

TEST_CASE("vcard from card: what a long text becomes is bounded") {
  const auto size_of = [](const JsonTree& card) {
    std::size_t size = 0;
    for (const auto& property : vcard_from_card(card).properties) {
      size += property.value.size();
      for (const auto& parameter : property.parameters) {
        for (const std::string& value : parameter.values) size += value.size();
      }
    }
    return size;
  };
  const auto card_with = [](const std::string& members) {
    return JsonTree(JsonSpan(R"({"@type":"Card","version":"1.0","uid":"u",)" + members + '}'));
  };
  const std::string text(100'000, 'l');
  std::string emails;
  std::string labels;
  std::string names;
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i);
    const std::string comma = i == 0 ? "" : ",";
    emails += comma + "\"e" + n + R"(":{"address":"a"})";
    labels += comma + "\"emails/e" + n + R"(/label":"x")";
    names += comma + "\"l" + n + R"(":{"name/full":"x"})";
  }
  // A language that each e-mail has, an ALTID that each name has: 100 MB otherwise.
  CHECK(size_of(card_with("\"emails\":{" + emails + R"(},"localizations":{")" + text + "\":{" +
                          labels + "}}")) < 20'000'000);
  CHECK(size_of(card_with(R"("name":{"full":"n","vCardParams":{"altid":")" + text +
                          R"("}},"localizations":{)" + names + '}')) < 20'000'000);
}

TEST_CASE("vcard from card: parameters beyond what a reader takes are no parameters") {
  std::string parameters;
  for (int i = 0; i < 2000; ++i) {
    parameters += (i == 0 ? "\"x" : ",\"x") + std::to_string(i) + R"(":"1")";
  }
  const std::string text = R"({"@type":"Card","version":"1.0","uid":"u","emails":{"e":{)"
                           R"("address":"a","vCardParams":{)" +
                           parameters + "}}}}";
  const JsonTree card{JsonSpan(text)};
  const auto vcard = vcard_from_card(card);
  REQUIRE(vcard.properties.size() > 2);
  for (const auto& property : vcard.properties) CHECK(property.parameters.size() < 1000);
  CHECK(card_tree_from_vcard(vcard).find("emails")->dump() == card.find("emails")->dump());
}

TEST_CASE("vcard from card: CR LF in a text is a line break") {
  const JsonTree card = tree(R"({"@type":"Card","version":"1.0","uid":"urn:uuid:1",)"
                             R"("notes":{"n":{"note":"one\r\ntwo\r\n"}},"x":["a\r\nb"]})");
  const std::string lines = test::lines_of(vcard_from_card(card));
  CHECK(lines.find("NOTE;PROP-ID=n:one\\ntwo\\n\n") != std::string::npos);
  CHECK(lines.find("JSPTR=notes") == std::string::npos);
  CHECK(with_line_feeds("\r\na\r\n\r\nb\r\r\n") == "\na\n\nb\n");
  CHECK(with_line_feeds("\r") == "\r");
  CHECK(with_line_feeds("") == "");
}
