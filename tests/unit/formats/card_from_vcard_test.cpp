#include <addrbook/formats/card_from_vcard.hpp>

#include <addrbook/formats/card_check.hpp>
#include <addrbook/formats/vcard_from_card.hpp>

#include "unit/formats/random_vcards.hpp"
#include "unit/formats/vcard_lines.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using namespace addrbook::detail;
using addrbook::Document;

namespace {

/// The Card of a vCard with a UID and an FN.
JsonTree card_of(const std::string& lines) {
  return card_tree_from_vcard(test::vcard_of("UID:urn:uuid:1\nFN:Ann Lee\n" + lines));
}

/// A member of that Card, which is checked to be valid, and to give the same vCard again.
std::string member(const std::string& lines, std::string_view name) {
  const JsonTree card = card_of(lines);
  const auto problem = card_problem(card);
  CHECK_MESSAGE(!problem, lines, problem.value_or(""));
  const VCard back = vcard_from_card(card);
  const auto meaning = test::meaning_of(back);
  for (const std::string& one : test::meaning_of(test::vcard_of(lines))) {
    CHECK_MESSAGE(meaning.count(one) == 1, one, " is lost in\n", test::lines_of(back));
  }
  CHECK(card_tree_from_vcard(back) == card);
  const JsonTree* const found = card.find(name);
  return found != nullptr ? found->dump() : "none";
}

std::string kept(const std::string& lines) {
  return member(lines, "vCardProps");
}

}  // namespace

TEST_CASE("card from vcard: the smallest card") {
  CHECK(card_from_vcard(test::vcard_of("UID:urn:uuid:1\nFN:Ann Lee\n")).text() ==
        R"({"@type":"Card","version":"1.0","uid":"urn:uuid:1","name":{"full":"Ann Lee"}})");
}

TEST_CASE("card from vcard: a uid of the content, where there is none") {
  const auto uid_of = [](const char* lines) {
    return *card_tree_from_vcard(test::vcard_of(lines)).string("uid");
  };
  const std::string uid = uid_of("FN:Ann\nTEL:1\n");
  CHECK(uid.substr(0, 9) == "urn:uuid:");
  CHECK(uid[23] == '8');
  CHECK(uid_of("FN:Ann\nTEL:1\n") == uid);
  CHECK(uid_of("FN:Ann\nTEL:1\nREV:20221130T081502Z\nPRODID:x\n") == uid);
  CHECK(uid_of("FN:Ann\nTEL:2\n") != uid);
  CHECK(uid_of("FN:Ann\nTEL;TYPE=home:1\n") != uid);
  CHECK(uid_of("UID:\nFN:Ann\nTEL:1\n").substr(0, 9) == "urn:uuid:");
  CHECK(uid_of("UID;VALUE=text:a\\,b\n") == "a,b");
}

TEST_CASE("card from vcard: names") {
  CHECK(member("N:Stone;Jon;Paul,Max;Dr.;Jr.,M.D.;;Jr.\n", "name") ==
        R"({"components":[{"kind":"surname","value":"Stone"},{"kind":"given","value":"Jon"},)"
        R"({"kind":"given2","value":"Paul"},{"kind":"given2","value":"Max"},)"
        R"({"kind":"title","value":"Dr."},{"kind":"credential","value":"M.D."},)"
        R"({"kind":"generation","value":"Jr."}],"full":"Ann Lee"})");
  CHECK(member("N;SORT-AS=\"Stone,Jon Paul\":Stone;Jon;;;\n", "name") ==
        R"({"components":[{"kind":"surname","value":"Stone"},{"kind":"given","value":"Jon"}],)"
        R"("sortAs":{"surname":"Stone","given":"Jon Paul"},"full":"Ann Lee"})");
  CHECK(member("N;JSCOMPS=\"s,-;1;s,\\, ;0\":Lee;Ann;;;\n", "name") ==
        R"({"defaultSeparator":"-","components":[{"kind":"given","value":"Ann"},)"
        R"({"kind":"separator","value":", "},{"kind":"surname","value":"Lee"}],)"
        R"("isOrdered":true,"full":"Ann Lee"})");
  // One that is not valid is kept.
  CHECK(member("N;JSCOMPS=\";1;7\":Lee;Ann;;;\n", "name") ==
        R"({"components":[{"kind":"surname","value":"Lee"},{"kind":"given","value":"Ann"}],)"
        R"("vCardParams":{"jscomps":";1;7"},"full":"Ann Lee"})");
  CHECK(member("N;ALTID=1:Lee;Ann;;;\nN;ALTID=1;PHONETIC=ipa:li;\xC3\xA6n;;;\n", "name") ==
        R"({"components":[{"kind":"surname","value":"Lee","phonetic":"li"},)"
        R"({"kind":"given","value":"Ann","phonetic":"æn"}],"phoneticSystem":"ipa",)"
        R"("full":"Ann Lee"})");
  CHECK(member("N;ALTID=1:Lee;Ann;;;\n"
               "N;ALTID=1;PHONETIC=jyut;SCRIPT=Latn;LANGUAGE=yue:li;an;;;\n",
               "localizations") ==
        R"({"yue":{"name/phoneticSystem":"jyut","name/phoneticScript":"Latn",)"
        R"("name/components/0/phonetic":"li","name/components/1/phonetic":"an"}})");
  CHECK(kept("N:Lee;;;;\nN:Other;;;;\n") == R"([["n",{},"text",["Other","","","",""]]])");
  CHECK(kept("N:Lee;;;;\nN;PHONETIC=ipa:;x;;;\n") ==
        R"([["n",{"phonetic":"ipa"},"text",["","x","","",""]]])");
}

TEST_CASE("card from vcard: the full name") {
  const auto name_of = [](const char* lines) {
    const JsonTree card = card_tree_from_vcard(test::vcard_of(lines));
    const JsonTree* const name = card.find("name");
    return name != nullptr ? name->dump() : "none";
  };
  CHECK(name_of("FN:A\\, B\n") == R"({"full":"A, B"})");
  // CASES: an organization alone is the name; a name that is derived is made anew.
  CHECK(name_of("ORG:X Inc.;Y\n") == R"({"full":"X Inc."})");
  CHECK(name_of("ORG:;Y\nN:;;;;\nFN:\n") == R"({"full":"Y"})");
  CHECK(name_of("FN;DERIVED=true:X Inc.\nORG:X Inc.\n") == "none");
  CHECK(name_of("FN;DERIVED=TRUE:Lee\\, Ann\nN:Lee;Ann;;;\n").find("full") == std::string::npos);
  CHECK(name_of("FN;DERIVED=true:Ann\n") == R"({"full":"Ann","vCardParams":{"derived":"true"}})");
  CHECK(name_of("TEL:1\n") == "none");
  CHECK(kept("FN:Other\n") == R"([["fn",{},"text","Other"]])");
  CHECK(member("FN;LANGUAGE=de:Anna Lee\n", "localizations") ==
        R"({"de":{"name/full":"Anna Lee"}})");
}

TEST_CASE("card from vcard: the same in other languages") {
  CHECK(member("TITLE;ALTID=1:Boss\nTITLE;ALTID=1;LANGUAGE=fr:Patronne\n", "localizations") ==
        R"({"fr":{"titles/TITLE-1/name":"Patronne"}})");
  CHECK(member("TITLE;ALTID=1;LANGUAGE=en:Boss\nTITLE;ALTID=1;LANGUAGE=fr:Patronne\n", "titles") ==
        R"({"TITLE-1":{"kind":"title","name":"Boss","vCardParams":{"language":"en"}}})");
  CHECK(member("ADR;ALTID=a:;;;Vienna;;;\nADR;ALTID=a;LANGUAGE=de:;;;Wien;;;\n", "localizations") ==
        R"({"de":{"addresses/ADR-1":{"components":[{"kind":"locality","value":"Wien"}]}}})");
  CHECK(member("GRAMGENDER:neuter\nGRAMGENDER;LANGUAGE=de:FEMININE\n", "localizations") ==
        R"({"de":{"speakToAs/grammaticalGender":"feminine"}})");
  // What has another meaning too stands alone.
  CHECK(member("TITLE;ALTID=1:Boss\nTITLE;ALTID=1:Chief\n", "titles") ==
        R"({"TITLE-1":{"kind":"title","name":"Boss","vCardParams":{"altid":"1"}},)"
        R"("TITLE-2":{"kind":"title","name":"Chief","vCardParams":{"altid":"1"}}})");
}

TEST_CASE("card from vcard: how to reach someone") {
  CHECK(member("TEL;PROP-ID=p1;VALUE=uri;PREF=1;TYPE=voice,home:tel:+1-555-555-0123\n", "phones") ==
        R"({"p1":{"number":"tel:+1-555-555-0123","features":{"voice":true},)"
        R"("contexts":{"private":true},"pref":1}})");
  CHECK(member("TEL;TYPE=cell,x-a,pref:5550123\n", "phones") ==
        R"({"TEL-1":{"number":"5550123","features":{"mobile":true},)"
        R"("vCardParams":{"type":["x-a","pref"]}}})");
  CHECK(member("EMAIL;TYPE=work:a@example.com\nEMAIL;PREF=2:b@example.com\n", "emails") ==
        R"({"EMAIL-1":{"address":"a@example.com","contexts":{"work":true}},)"
        R"("EMAIL-2":{"address":"b@example.com","pref":2}})");
  CHECK(member("IMPP:xmpp:a@example.com\n"
               "SOCIALPROFILE;SERVICE-TYPE=Site;USERNAME=\"ann\":https://example.com/@ann\n"
               "SOCIALPROFILE;SERVICE-TYPE=Site;VALUE=text:ann\n",
               "onlineServices") ==
        R"({"IMPP-1":{"uri":"xmpp:a@example.com","vCardName":"impp"},)"
        R"("SOCIALPROFILE-1":{"service":"Site","uri":"https://example.com/@ann","user":"ann"},)"
        R"("SOCIALPROFILE-2":{"service":"Site","user":"ann"}})");
  CHECK(member("LANG;TYPE=work;PREF=1:en\n", "preferredLanguages") ==
        R"({"LANG-1":{"language":"en","contexts":{"work":true},"pref":1}})");
  CHECK(
      member("CALURI;MEDIATYPE=text/calendar:https://example.com/c\nFBURL:https://example.com/b\n",
             "calendars") == R"({"CALURI-1":{"kind":"calendar","uri":"https://example.com/c",)"
                             R"("mediaType":"text/calendar"},)"
                             R"("FBURL-1":{"kind":"freeBusy","uri":"https://example.com/b"}})");
  CHECK(member("CALADRURI:mailto:a@example.com\n", "schedulingAddresses") ==
        R"({"CALADRURI-1":{"uri":"mailto:a@example.com"}})");
  CHECK(member("URL:www.example.com\nCONTACT-URI;PREF=1:mailto:a@example.com\n", "links") ==
        R"({"URL-1":{"uri":"www.example.com"},)"
        R"("CONTACT-URI-1":{"kind":"contact","uri":"mailto:a@example.com","pref":1}})");
  CHECK(kept("EMAIL:\nURL:no site\nIMPP;VALUE=x:a\n") ==
        R"([["email",{},"text",""],["url",{},"uri","no site"],)"
        R"(["impp",{"value":"x"},"unknown","a"]])");
}

TEST_CASE("card from vcard: labels and groups") {
  CHECK(member("item1.TEL:1\nitem1.X-ABLABEL:Garage\n", "phones") ==
        R"({"TEL-1":{"number":"1","label":"Garage"}})");
  CHECK(member("g.TEL:1\ng.EMAIL:a@example.com\nG.X-ABLABEL:Garage\n", "emails") ==
        R"({"EMAIL-1":{"address":"a@example.com","label":"Garage","vCardParams":{"group":"g"}}})");
  CHECK(member("item1.ADR:;;;Wien;;;\nitem1.X-ABLABEL:Garage\n", "vCardProps") ==
        R"([["x-ablabel",{"group":"item1"},"unknown","Garage"]])");
  CHECK(kept("g.EMAIL:\ng.X-ABLABEL:Garage\n") ==
        R"([["email",{"group":"g"},"text",""],["x-ablabel",{"group":"g"},"unknown","Garage"]])");
  CHECK(member("g.ROLE:Lead\ng.ORG:X Inc.\nTITLE:Boss\n", "titles") ==
        R"({"ROLE-1":{"kind":"role","name":"Lead","organizationId":"ORG-1"},)"
        R"("TITLE-1":{"kind":"title","name":"Boss"}})");
  CHECK(kept("item2.X-FOO;X-BAR=Hello:World!\n") ==
        R"([["x-foo",{"x-bar":"Hello","group":"item2"},"unknown","World!"]])");
}

TEST_CASE("card from vcard: organizations and addresses") {
  CHECK(member("ORG;SORT-AS=\"XI,North\":X\\, Inc.;North;Sales\n", "organizations") ==
        R"({"ORG-1":{"name":"X, Inc.","sortAs":"XI","units":[{"name":"North","sortAs":"North"},)"
        R"({"name":"Sales"}]}})");
  CHECK(member("ADR;TYPE=work,billing;CC=AT;GEO=\"geo:1,2\";TZ=Europe/Wien;LABEL=\"a\\nb\":"
               ";;Gasse 1;Wien;;1010;Austria\n",
               "addresses") ==
        R"({"ADR-1":{"components":[{"kind":"name","value":"Gasse 1"},)"
        R"({"kind":"locality","value":"Wien"},{"kind":"postcode","value":"1010"},)"
        R"({"kind":"country","value":"Austria"}],"full":"a\nb","coordinates":"geo:1,2",)"
        R"("countryCode":"AT","timeZone":"Europe/Wien","contexts":{"work":true,"billing":true}}})");
  CHECK(member("ADR:;;54 Oak St;Reston;VA;20190;USA;;;;54;Oak St;;;;;;\n", "addresses") ==
        R"({"ADR-1":{"components":[{"kind":"number","value":"54"},)"
        R"({"kind":"name","value":"Oak St"},{"kind":"locality","value":"Reston"},)"
        R"({"kind":"region","value":"VA"},{"kind":"postcode","value":"20190"},)"
        R"({"kind":"country","value":"USA"}]}})");
  CHECK(member("GEO:geo:1,2\nTZ;VALUE=utc-offset:-0500\nTZ:Europe/Wien\n", "addresses") ==
        R"({"GEO-1":{"coordinates":"geo:1,2"},)"
        R"("TZ-1":{"timeZone":"Etc/GMT+5","vCardParams":{"value":"utc-offset"}},)"
        R"("TZ-2":{"timeZone":"Europe/Wien"}})");
  // Of a group they are one address, and so are those without one, if others have one.
  const JsonTree merged = card_of("g.ADR:;;;Wien;;;\ng.GEO:geo:1,2\nADR:;;;Graz;;;\nTZ:A/B\n");
  CHECK(merged.find("addresses")->dump() ==
        R"({"ADR-1":{"components":[{"kind":"locality","value":"Wien"}],"coordinates":"geo:1,2"},)"
        R"("ADR-2":{"components":[{"kind":"locality","value":"Graz"}],"timeZone":"A/B"}})");
  CHECK(kept("TZ;VALUE=utc-offset:+0530\nADR:;;;;;;\n") ==
        R"([["tz",{"value":"utc-offset"},"unknown","+0530"],["adr",{},"text",)"
        R"(["","","","","","",""]]])");
}

TEST_CASE("card from vcard: media, keys, directories") {
  CHECK(member("PHOTO:data:image/gif;base64,AA==\nLOGO;MEDIATYPE=image/png:https://example.com/l\n"
               "SOUND:CID:x@example.com\n",
               "media") ==
        R"({"PHOTO-1":{"kind":"photo","uri":"data:image/gif;base64,AA=="},)"
        R"("LOGO-1":{"kind":"logo","uri":"https://example.com/l","mediaType":"image/png"},)"
        R"("SOUND-1":{"kind":"sound","uri":"CID:x@example.com"}})");
  CHECK(member("KEY;TYPE=work:https://example.com/k\n", "cryptoKeys") ==
        R"({"KEY-1":{"uri":"https://example.com/k","contexts":{"work":true}}})");
  CHECK(member("SOURCE:https://example.com/a.vcf\nORG-DIRECTORY;INDEX=1:ldap://example.com\n",
               "directories") ==
        R"({"SOURCE-1":{"kind":"entry","uri":"https://example.com/a.vcf"},)"
        R"("ORG-DIRECTORY-1":{"kind":"directory","uri":"ldap://example.com","listAs":1}})");
  CHECK(kept("SOUND;X-IRMC-N=:;;;;\n") == R"([["sound",{"x-irmc-n":""},"uri",";;;;"]])");
  CHECK(kept("KEY;VALUE=text:secret\n") == R"([["key",{},"text","secret"]])");
}

TEST_CASE("card from vcard: dates and places") {
  CHECK(member("BDAY:19530415\nBIRTHPLACE:Wien\\nAustria\nDEATHDATE:20191015T231000Z\n"
               "DEATHPLACE;VALUE=uri:geo:1,2\nANNIVERSARY;CALSCALE=gregorian:--0201\n",
               "anniversaries") ==
        R"({"BDAY-1":{"kind":"birth","date":{"year":1953,"month":4,"day":15},)"
        R"("place":{"full":"Wien\nAustria"}},)"
        R"("DEATHDATE-1":{"kind":"death","date":{"@type":"Timestamp",)"
        R"("utc":"2019-10-15T23:10:00Z"},"place":{"coordinates":"geo:1,2"}},)"
        R"("ANNIVERSARY-1":{"kind":"wedding","date":{"month":2,"day":1,)"
        R"("calendarScale":"gregorian"}}})");
  CHECK(card_of("BDAY;X-APPLE-OMIT-YEAR=1604:16040415\n").find("anniversaries")->dump() ==
        R"({"BDAY-1":{"kind":"birth","date":{"month":4,"day":15}}})");
  CHECK(kept("BDAY:19530230\nBIRTHPLACE:Wien\nDEATHDATE;VALUE=text:about 2020\n") ==
        R"([["bday",{},"date-and-or-time","1953-02-30"],["deathdate",{},"text","about 2020"],)"
        R"(["birthplace",{},"text","Wien"]])");
}

TEST_CASE("card from vcard: all the rest") {
  CHECK(member("KIND:GROUP\nMEMBER:urn:uuid:2\n", "members") == R"({"urn:uuid:2":true})");
  CHECK(kept("MEMBER:urn:uuid:2\n") == R"([["member",{},"uri","urn:uuid:2"]])");
  CHECK(kept("KIND:x-thing\n") == R"([["kind",{},"text","x-thing"]])");
  CHECK(member("RELATED;TYPE=friend,kin:urn:uuid:3\nRELATED;VALUE=text:Ask Bob.\n", "relatedTo") ==
        R"({"urn:uuid:3":{"relation":{"friend":true,"kin":true}},"Ask Bob.":{"relation":{}}})");
  CHECK(member("CATEGORIES:a,b\\,c\nCATEGORIES:d\n", "keywords") ==
        R"({"a":true,"b,c":true,"d":true})");
  CHECK(member("NOTE;CREATED=20221123T150132Z;AUTHOR-NAME=Bob;AUTHOR=\"mailto:b@example.com\":"
               "Hi\\, all\n",
               "notes") == R"({"NOTE-1":{"note":"Hi, all","created":"2022-11-23T15:01:32Z",)"
                           R"("author":{"name":"Bob","uri":"mailto:b@example.com"}}})");
  CHECK(member("EXPERTISE;LEVEL=expert;INDEX=2:Chemistry\nHOBBY;LEVEL=high:Reading\n"
               "INTEREST;LEVEL=odd:Music\n",
               "personalInfo") ==
        R"({"EXPERTISE-1":{"kind":"expertise","value":"Chemistry","listAs":2,"level":"high"},)"
        R"("HOBBY-1":{"kind":"hobby","value":"Reading","level":"high"},)"
        R"("INTEREST-1":{"kind":"interest","value":"Music","vCardParams":{"level":"odd"}}})");
  CHECK(member("GRAMGENDER:NEUTER\nPRONOUNS;PREF=1:they/them\n", "speakToAs") ==
        R"({"pronouns":{"PRONOUNS-1":{"pronouns":"they/them","pref":1}},)"
        R"("grammaticalGender":"neuter"})");
  CHECK(member("NICKNAME;TYPE=work:Annie,A\n", "nicknames") ==
        R"({"NICKNAME-1":{"name":"Annie","contexts":{"work":true}},)"
        R"("NICKNAME-2":{"name":"A","contexts":{"work":true}}})");
  CHECK(member("LANGUAGE:de-AT\n", "language") == R"("de-AT")");
  CHECK(member("PRODID:App 1\n", "prodId") == R"("App 1")");
  CHECK(member("REV:20221130T081502Z\n", "updated") == R"("2022-11-30T08:15:02Z")");
  CHECK(member("CREATED;VALUE=timestamp:20221130T081502Z\n", "created") ==
        R"("2022-11-30T08:15:02Z")");
  CHECK(member("REV;X-A=b:20221130T081502Z\n", "updated") == R"("2022-11-30T08:15:02Z")");
  CHECK(kept("GENDER:F;she\nXML:<a/>\nCLIENTPIDMAP:1;urn:uuid:4\nREV:never\n") ==
        R"([["gender",{},"text",["F","she"]],["xml",{},"text","<a/>"],)"
        R"(["clientpidmap",{},"text",["1","urn:uuid:4"]],["rev",{},"unknown","never"]])");
  CHECK(member("EMAIL;X-FOO=Bar:a@example.com\n", "emails") ==
        R"({"EMAIL-1":{"address":"a@example.com","vCardParams":{"x-foo":"Bar"}}})");
}

TEST_CASE("card from vcard: keys are PROP-IDs, or made and apart from these") {
  CHECK(card_of("TEL:1\nTEL;PROP-ID=TEL-1:2\nTEL;PROP-ID=TEL-1:3\nTEL;PROP-ID=a b:4\n")
            .find("phones")
            ->dump() == R"({"TEL-2":{"number":"1"},"TEL-1":{"number":"2"},)"
                        R"("TEL-3":{"number":"3","vCardParams":{"prop-id":"TEL-1"}},)"
                        R"("TEL-4":{"number":"4","vCardParams":{"prop-id":"a b"}}})");
}

TEST_CASE("card from vcard: JSPROPs are one patch") {
  const auto with = [](const std::string& lines) { return card_of("TEL;PROP-ID=p:1\n" + lines); };
  const JsonTree card = with(
      "JSPROP;JSPTR=\"example.com:a\":{\"b\":[1\\,2]}\n"
      "JSPROP;JSPTR=/phones/p/example.com~1x:\"y\"\nJSPROP;JSPTR=name/full:null\n");
  CHECK(card.find("example.com:a")->dump() == R"({"b":[1,2]})");
  CHECK(card.find("phones")->dump() == R"({"p":{"number":"1","example.com/x":"y"}})");
  CHECK(card.find("name")->dump() == "{}");
  // All of it or nothing.
  for (const char* wrong :
       {"JSPROP;JSPTR=b/c:1\n", "JSPROP;JSPTR=a:1\nJSPROP;JSPTR=a:2\n", "JSPROP;JSPTR=uid:null\n",
        "JSPROP;JSPTR=phones:1\nJSPROP;JSPTR=phones/p/x:1\n", "JSPROP;JSPTR=b:{\n", "JSPROP:1\n",
        "JSPROP;JSPTR=\"b~\":1\n", "JSPROP;JSPTR=@type:\"x\"\n"}) {
    CAPTURE(wrong);
    const JsonTree refused = with(std::string("JSPROP;JSPTR=ok:1\n") + wrong);
    CHECK(refused.find("ok") == nullptr);
    REQUIRE(refused.find("vCardProps") != nullptr);
    CHECK(refused.find("vCardProps")->dump().find(R"(["jsprop",{"jsptr":"ok"},"text","1"])") !=
          std::string::npos);
  }
  const std::string deep(100, '[');
  CHECK(with("JSPROP;JSPTR=b:" + deep + "\n").find("b") == nullptr);
  std::string nested = std::string(64, '[') + std::string(64, ']');
  CHECK(with("JSPROP;JSPTR=b:" + nested + "\n").find("b") == nullptr);
}

TEST_CASE("card from vcard: random vCards lose nothing") {
  for (unsigned seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    const VCard vcard = test::RandomVCards(seed).next();
    const JsonTree card = card_tree_from_vcard(vcard);
    const VCard back = vcard_from_card(card);
    const auto meaning = test::meaning_of(back);
    const auto before = test::meaning_of(vcard);
    for (const std::string& one : before) {
      CHECK_MESSAGE(meaning.count(one) >= before.count(one), one);
    }
    CHECK(card_tree_from_vcard(back) == card);
    CHECK(std::none_of(back.properties.begin(), back.properties.end(),
                       [](const VCardProperty& one) { return one.name == "JSPROP"; }));
  }
}

TEST_CASE("card from vcard: a large name is not copied for each way to pronounce it") {
  const auto folded = [](int components, int phonetics) {
    std::string text = "N;ALTID=1:;a";
    for (int i = 1; i < components; ++i) text += ",a";
    for (int i = 0; i < phonetics; ++i) {
      text += "\nN;ALTID=1;PHONETIC=ipa;LANGUAGE=l" + std::to_string(i) + ":;b";
    }
    const JsonTree card = card_tree_from_vcard(test::vcard_of(text + '\n'));
    const JsonTree* const localizations = card.find("localizations");
    const JsonTree* const kept = card.find("vCardProps");
    const std::size_t count = localizations != nullptr ? localizations->children().size() : 0;
    CHECK(count + (kept != nullptr ? kept->children().size() : 0) ==
          static_cast<std::size_t>(phonetics));
    return count;
  };
  CHECK(folded(5, 90) == 90);
  CHECK(folded(900, 90) > 0);
  CHECK(folded(900, 90) < 10);
}
