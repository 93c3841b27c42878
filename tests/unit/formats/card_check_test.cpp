#include <addrbook/formats/card_check.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>

using addrbook::detail::card_problem;
using addrbook::detail::JsonSpan;
using addrbook::detail::JsonTree;

namespace {

std::string problem_of(const std::string& card) {
  return card_problem(JsonTree(JsonSpan(card))).value_or("none");
}

/// What is wrong with a Card of these members.
std::string problem(const std::string& members) {
  return problem_of(R"({"@type":"Card","version":"1.0","uid":"u",)" + members + "}");
}

}  // namespace

TEST_CASE("card check: what a Card must have") {
  CHECK(problem_of(R"({"@type":"Card","version":"1.0","uid":"u"})") == "none");
  CHECK(problem_of(R"({"version":"1.0","uid":"u"})") == "/@type is not \"Card\"");
  CHECK(problem_of(R"({"@type":"Group","version":"1.0","uid":"u"})") == "/@type is not \"Card\"");
  CHECK(problem_of(R"({"@type":"Card","version":"1.0"})") == "/uid is missing");
  CHECK(problem_of(R"({"@type":"Card","version":"1.0","uid":""})") == "/uid is empty");
  CHECK(problem_of(R"({"@type":"Card","version":"1.0","uid":1})") == "/uid is not a string");
  CHECK(problem_of(R"({"@type":"Card","uid":"u"})") == "/version is missing");
  CHECK(problem_of(R"({"@type":"Card","version":"2.0","uid":"u"})") == "/version is not \"1.0\"");
}

TEST_CASE("card check: a Card with one of each is right") {
  CHECK(
      problem(R"("kind":"group","language":"de","prodId":"p","created":"2022-11-30T08:15:02Z",)"
              R"("updated":"2022-11-30T08:15:02.5Z","members":{"a b":true},)"
              R"("relatedTo":{"a b":{"relation":{"friend":true}},"c":{}},)"
              R"("name":{"@type":"Name","components":[{"kind":"given","value":"A","phonetic":"a"},)"
              R"({"kind":"separator","value":"-"},{"kind":"surname","value":"B"}],)"
              R"("isOrdered":true,"defaultSeparator":" ","full":"A B","sortAs":{"given":"A"},)"
              R"("phoneticSystem":"ipa"},"nicknames":{"a":{"name":"n","pref":100}},)"
              R"("organizations":{"a":{"units":[{"name":"u","sortAs":"u"}]}},)"
              R"("speakToAs":{"pronouns":{"a":{"pronouns":"they"}}},)"
              R"("titles":{"a":{"name":"t","organizationId":"a"}},)"
              R"("emails":{"a":{"address":"a@example.com","contexts":{"work":true},"label":"l"}},)"
              R"("onlineServices":{"a":{"user":"u","vCardName":"impp"}},)"
              R"("phones":{"a":{"number":"1","features":{"fax":true}}},)"
              R"("preferredLanguages":{"a":{"language":"de"}},)"
              R"("calendars":{"a":{"@type":"Calendar","kind":"calendar","uri":"a:b"}},)"
              R"("schedulingAddresses":{"a":{"uri":"a:b"}},)"
              R"("addresses":{"a":{"countryCode":"AT"}},"cryptoKeys":{"a":{"uri":"a:b"}},)"
              R"("directories":{"a":{"kind":"entry","uri":"a:b","listAs":1}},)"
              R"("links":{"a":{"uri":"a:b","mediaType":"text/html"}},)"
              R"("media":{"a":{"kind":"photo","uri":"a:b"}},)"
              R"("localizations":{"fr":{"titles/a/name":"t","name/components/0/value":"C"}},)"
              R"("anniversaries":{"a":{"kind":"birth","date":{"year":0,"month":2,"day":29},)"
              R"("place":{"full":"p"}},)"
              R"("b":{"kind":"death","date":{"@type":"Timestamp","utc":"2022-11-30T08:15:02Z"}}},)"
              R"("keywords":{"a b":true},"notes":{"a":{"note":"n","author":{"name":"a"}}},)"
              R"("personalInfo":{"a":{"kind":"hobby","value":"v","level":"low","listAs":2}},)"
              R"("vCardProps":[["x",{},"text","y"]],"vCardParams":{"a":"b","c":["d"]},)"
              R"("example.com:x":null,"unknown":[{}])") == "none");
}

TEST_CASE("card check: what is wrong is said with its pointer") {
  const std::pair<const char*, const char*> cases[] = {
      {R"("kind":1)", "/kind is not a string"},
      {R"("Kind":"org")", "/Kind is not written \"kind\""},
      {R"("extra":1)", "/extra is reserved"},
      {R"("a\u0001":1)", ": a name has control characters"},
      {R"("prodId":"")", "/prodId is empty"},
      {R"("created":"2022-11-30")", "/created is not a UTCDateTime"},
      {R"("members":{"a":true})", "/members: only a Card of the kind \"group\" has them"},
      {R"("keywords":{"a/b":false})", "/keywords/a~1b is not true"},
      {R"("keywords":["a"])", "/keywords is not an object"},
      {R"("emails":[])", "/emails is not an object"},
      {R"("emails":{"a b":{"address":"a"}})", "/emails/a b: the key is not an Id"},
      {R"("emails":{"a":"b"})", "/emails/a is not an object"},
      {R"("emails":{"a":{}})", "/emails/a/address is missing"},
      {R"("emails":{"a":{"address":"a","pref":0}})",
       "/emails/a/pref is not an integer from 1 to 100"},
      {R"("emails":{"a":{"address":"a","pref":1.0}})",
       "/emails/a/pref is not an integer from 1 to 100"},
      {R"("emails":{"a":{"address":"a","@type":"Email"}})",
       "/emails/a/@type is not \"EmailAddress\""},
      {R"("emails":{"a":{"address":"a","Label":"b"}})", "/emails/a/Label is not written \"label\""},
      {R"("name":{})", "/name has none of components, full"},
      {R"("name":{"components":{}})", "/name/components is not an array"},
      {R"("name":{"components":[]})", "/name/components has none that is no separator"},
      {R"("name":{"components":[{"kind":"given"}]})", "/name/components/0/value is missing"},
      {R"("name":{"full":"a","isOrdered":"yes"})", "/name/isOrdered is neither true nor false"},
      {R"("name":{"full":"a","defaultSeparator":"-"})",
       "/name/defaultSeparator: the components are not ordered"},
      {R"("name":{"full":"a","sortAs":{}})", "/name/sortAs: there are no components"},
      {R"("name":{"components":[{"kind":"given","value":"a"}],"sortAs":{"surname":"b"}})",
       "/name/sortAs: no component is a surname"},
      {R"("name":{"components":[{"kind":"given","value":"a"},{"kind":"separator","value":"b"}]})",
       "/name/components: a separator without an order"},
      {R"("name":{"isOrdered":true,"components":[{"kind":"given","value":"a"},)"
       R"({"kind":"separator","value":"b"},{"kind":"separator","value":"b"}]})",
       "/name/components: a separator after another"},
      {R"("name":{"components":[{"kind":"given","value":"a","phonetic":"b"}]})",
       "/name has neither phoneticSystem nor phoneticScript"},
      {R"("organizations":{"a":{}})", "/organizations/a has none of name, units"},
      {R"("organizations":{"a":{"units":[]}})", "/organizations/a/units is empty"},
      {R"("addresses":{"a":{"pref":1}})",
       "/addresses/a has none of components, coordinates, countryCode, full, timeZone"},
      {R"("titles":{"a":{"name":"t","organizationId":"a b"}})",
       "/titles/a/organizationId is not an Id"},
      {R"("media":{"a":{"uri":"a:b"}})", "/media/a/kind is missing"},
      {R"("directories":{"a":{"kind":"entry","uri":"a:b","listAs":0}})",
       "/directories/a/listAs is not such an integer"},
      {R"("anniversaries":{"a":{"kind":"birth","date":{"month":4}}})",
       "/anniversaries/a/date: a month without a year or a day"},
      {R"("anniversaries":{"a":{"kind":"birth","date":{"year":1,"day":4}}})",
       "/anniversaries/a/date: a day without a month"},
      {R"("anniversaries":{"a":{"kind":"birth","date":{"year":2023,"month":2,"day":29}}})",
       "/anniversaries/a/date/day is beyond the month"},
      {R"("anniversaries":{"a":{"kind":"birth","date":{"month":13,"day":1}}})",
       "/anniversaries/a/date/month is above 12"},
      {R"("anniversaries":{"a":{"kind":"birth","date":{"@type":"Timestamp"}}})",
       "/anniversaries/a/date/utc is missing"},
      {R"("localizations":{"fr":{"titles/a/name":"t"}})",
       "/localizations/fr/titles~1a~1name leads to nothing that can be localized"},
      {R"("localizations":{"fr":{"/kind":"t"}})", "/localizations/fr/~1kind is not a path"},
      {R"("localizations":{"fr":{"localizations":{}}})",
       "/localizations/fr/localizations leads to nothing that can be localized"},
      {R"("name":{"full":"a"},"localizations":{"fr":{"name":{"full":"b"},"name/full":"c"}})",
       "/localizations/fr has a path into another one's"},
      {R"("localizations":{"fr":1})", "/localizations/fr is not an object"},
      {R"("vCardProps":{})", "/vCardProps is not an array"},
      {R"("vCardProps":[1])", "/vCardProps/0 is not an array"},
      {R"("vCardParams":{"a":1})", "/vCardParams/a is not a string"},
  };
  for (const auto& [members, expected] : cases) CHECK(problem(members) == expected);
}

TEST_CASE("card check: many kinds and their sort keys") {
  std::string components;
  std::string keys;
  for (int i = 0; i < 20'000; ++i) {
    const std::string kind = "\"k" + std::to_string(i) + '"';
    components += (i == 0 ? "" : ",") + (R"({"kind":)" + kind) + R"(,"value":"v"})";
    keys += (i == 0 ? "" : ",") + kind + R"(:"s")";
  }
  const std::string front = R"("name":{"components":[)" + components + R"(],"sortAs":{)" + keys;
  CHECK(problem(front + "}}") == "none");
  CHECK(problem(front + R"(,"x":"s"}})") == "/name/sortAs: no component is a x");
}
