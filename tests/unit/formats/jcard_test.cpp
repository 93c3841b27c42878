#include <addrbook/formats/jcard.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace addrbook::detail;

namespace {

JsonTree tree(const std::string& text) {
  return JsonTree(JsonSpan(text));
}

/// As a line, without folding: for comparing.
std::string line(const VCardProperty& property) {
  std::string text = property.group.empty() ? "" : property.group + '.';
  text += property.name;
  for (const VCardParameter& parameter : property.parameters) {
    text += ';' + parameter.name;
    for (const std::string& value : parameter.values) {
      text += (&value == &parameter.values.front() ? "=" : ",") + value;
    }
  }
  return text + ':' + property.value;
}

std::string line_of(const std::string& jcard) {
  const auto property = vcard_property(tree(jcard));
  return property ? line(*property) : "none";
}

void check(const VCardProperty& property, const std::string& jcard) {
  CHECK(jcard_property(property).dump() == jcard);
  CHECK(line_of(jcard) == line(property));
}

}  // namespace

TEST_CASE("jcard: a property there and back") {
  check({"", "X-FOO", {}, "a\\,b;c", 0}, R"(["x-foo",{},"unknown","a\\,b;c"])");
  check({"item2", "X-FOO", {{"X-BAR", {"Hello"}}}, "World!", 0},
        R"(["x-foo",{"x-bar":"Hello","group":"item2"},"unknown","World!"])");
  check({"", "X-FOO", {{"TYPE", {"a", "b"}}, {"VALUE", {"text"}}}, "a\\, b\\n", 0},
        R"(["x-foo",{"type":["a","b"]},"text","a, b\n"])");
  check({"", "GENDER", {}, "F;she", 0}, R"(["gender",{},"text",["F","she"]])");
  check({"", "GENDER", {}, "M", 0}, R"(["gender",{},"text","M"])");
  check({"", "N", {}, "a,b;\\;;", 0}, R"(["n",{},"text",[["a","b"],";",""]])");
  check({"", "XML", {}, "a,b", 0}, R"(["xml",{},"unknown","a,b"])");
  check({"", "BDAY", {{"VALUE", {"text"}}}, "circa 1800", 0}, R"(["bday",{},"text","circa 1800"])");
  check({"", "BDAY", {}, "nonsense", 0}, R"(["bday",{},"unknown","nonsense"])");
  check({"", "X-DAY", {{"VALUE", {"date"}}}, "20100505", 0}, R"(["x-day",{},"date","2010-05-05"])");
  check({"", "X-DAY", {{"VALUE", {"date"}}}, "--0505", 0},
        R"(["x-day",{"value":"date"},"unknown","--0505"])");
  check({"", "REV", {}, "20221130T081502-0530", 0},
        R"(["rev",{},"timestamp","2022-11-30T08:15:02-05:30"])");
  check({"", "X-N", {{"VALUE", {"integer"}}}, "1,2", 0},
        R"(["x-n",{"value":"integer"},"unknown","1,2"])");
  check({"", "CLIENTPIDMAP", {}, "1;urn:uuid:x", 0},
        R"(["clientpidmap",{},"text",["1","urn:uuid:x"]])");
}

TEST_CASE("jcard: forms that others write") {
  CHECK(line_of(R"(["gender",{},"text",["F","she,"]])") == "GENDER:F;she\\,");
  CHECK(line_of(R"(["x-a",{},"text",["a",["b","c;"]]])") == "X-A;VALUE=text:a;b,c\\;");
  CHECK(line_of(R"(["categories",{},"text","a,","b"])") == "CATEGORIES:a\\,,b");
  CHECK(line_of(R"(["x-n",{},"integer",1,2])") == "X-N;VALUE=integer:1,2");
  CHECK(line_of(R"(["x-n",{},"boolean",true])") == "X-N;VALUE=boolean:true");
  CHECK(line_of(R"(["bday",{},"date-and-or-time","--04-15"])") == "BDAY:--04-15");
}

TEST_CASE("jcard: what can't be a property is none") {
  for (const char* none :
       {"1", "[]", R"(["a",{},"text"])", R"(["a b",{},"text","x"])", R"(["",{},"text","x"])",
        R"(["a",[],"text","x"])", R"(["a",{},"t:x","x"])", R"(["a",{},1,"x"])",
        R"(["a",{},"text",null])", R"(["a",{},"text",{}])", R"(["a",{},"text",[[["x"]]]])",
        R"(["a",{"b":null},"text","x"])", R"(["a",{"b c":"d"},"text","x"])",
        R"(["a",{"b":"\r"},"text","x"])", R"(["a",{},"unknown","x\nEND:VCARD"])",
        R"(["a",{},"text","x\r"])", R"(["a",{"b":[]},"text","x"])"}) {
    CAPTURE(none);
    CHECK(line_of(none) == "none");
  }
}

TEST_CASE("jcard: parameters of an object; what can't be one is left out, and said") {
  VCardProperty property;
  CHECK(take_jcard_parameters(tree(R"({"type":["a","b"],"group":"g1"})"), property));
  CHECK(line(property) == "g1.;TYPE=a,b:");
  property = {};
  CHECK_FALSE(
      take_jcard_parameters(tree(R"({"x-a":"1","x-b":1,"x-c":{},"group":"a b"})"), property));
  CHECK(line(property) == ";X-A=1;X-B=1:");
  CHECK_FALSE(take_jcard_parameters(tree("null"), property));
  CHECK(jcard_parameters({}, "").dump() == "null");
  CHECK(jcard_parameters({{"TYPE", {"a"}}, {"TYPE", {"b"}}}, "g").dump() ==
        R"({"type":["a","b"],"group":"g"})");
}

TEST_CASE("jcard: default types of values") {
  CHECK(default_value_type("URL") == "uri");
  CHECK(default_value_type("N") == "text");
  CHECK(default_value_type("CONTACT") == "unknown");
  CHECK(default_value_type("X-FOO") == "unknown");
  CHECK(default_value_type("REV") == "timestamp");
}
