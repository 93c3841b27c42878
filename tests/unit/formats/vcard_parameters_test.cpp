#include <addrbook/formats/vcard_parameters.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

using addrbook::detail::max_vcard_parameters;
using addrbook::detail::parse_vcard_parameters;
using addrbook::detail::vcard_encoding;
using addrbook::detail::VCardEncoding;
using addrbook::detail::VCardParameter;

namespace {

/// `NAME=a|b`, a line each.
std::string parsed(std::string_view header, bool has_quotes = true) {
  const auto parameters = parse_vcard_parameters(header, has_quotes);
  if (!parameters) return "too many";
  std::string text;
  for (const VCardParameter& parameter : *parameters) {
    text += parameter.name;
    char before = '=';
    for (const std::string& value : parameter.values) {
      text += before + value;
      before = '|';
    }
    text += '\n';
  }
  return text;
}

VCardEncoding encoding(std::string_view header) {
  return vcard_encoding(*parse_vcard_parameters(header, true));
}

}  // namespace

TEST_CASE("vcard parameters: names, values and lists of them") {
  CHECK(parsed("").empty());
  CHECK(parsed(";").empty());
  CHECK(parsed(";a=b;C=d,e") == "A=b\nC=d|e\n");
  CHECK(parsed(";CELL; a = b ") == "=CELL\nA= b \n");
  CHECK(parsed(";a=;b=,") == "A=\nB=|\n");
  CHECK(parsed(";a=b=c") == "A=b=c\n");
  CHECK(parsed(";=x") == "==x\n");
}

TEST_CASE("vcard parameters: quotes") {
  CHECK(parsed(R"(;a="b;c,d:e",f;g="")") == "A=b;c,d:e|f\nG=\n");
  CHECK(parsed(R"(;type="CELL,VOICE";sort-as="a,b")") == "TYPE=CELL|VOICE\nSORT-AS=a,b\n");
  CHECK(parsed(R"(;a="b;c)", false) == "A=\"b\n=c\n");
}

TEST_CASE("vcard parameters: at most so many") {
  std::string header;
  for (std::size_t i = 0; i < max_vcard_parameters; ++i) header += ";a";
  CHECK(parsed(header) != "too many");
  CHECK(parsed(header + ";a") == "too many");
  CHECK(parsed(header + ",a") == "too many");
}

TEST_CASE("vcard parameters: the encoding, with or without its name") {
  for (const char* const header : {";ENCODING=b", ";encoding=Base64", ";BASE64", ";TYPE=x;B"}) {
    CHECK(encoding(header) == VCardEncoding::base64);
  }
  for (const char* const header : {";ENCODING=QUOTED-PRINTABLE", ";a;quoted-printable"}) {
    CHECK(encoding(header) == VCardEncoding::quoted_printable);
  }
  for (const char* const header : {"", ";ENCODING=8BIT", ";TYPE=b", ";X=BASE64"}) {
    CHECK(encoding(header) == VCardEncoding::none);
  }
}

TEST_CASE("vcard parameters: one of each name") {
  using addrbook::detail::merged_parameters;
  const auto merged = merged_parameters({{"B", {"1"}}, {"A", {"2"}}, {"B", {"3", "4"}}});
  REQUIRE(merged.size() == 2);
  CHECK(merged[0].name == "B");
  CHECK(merged[0].values == std::vector<std::string>{"1", "3", "4"});
  CHECK(merged[1].name == "A");
  CHECK(merged_parameters({{"A", {"1"}}, {"A", {"2"}}}).size() == 1);
  CHECK(merged_parameters({{"A", {"1"}}, {"B", {"2"}}}).size() == 2);
  CHECK(merged_parameters({}).empty());
}
