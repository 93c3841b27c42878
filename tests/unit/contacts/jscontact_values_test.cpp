#include <addrbook/contacts/jscontact_values.hpp>
#include <addrbook/document.hpp>

#include <doctest/doctest.h>

#include <string>

using addrbook::Document;
using addrbook::detail::date_text;
using addrbook::detail::JsonSpan;
using addrbook::detail::name_parts;
using addrbook::detail::trimmed;

namespace {

std::string date(const std::string& json) {
  const Document document = Document::parse(R"({"date":)" + json + "}");
  return date_text(JsonSpan(document.text()).member("date").value());
}

std::string name(const std::string& json) {
  const Document document = Document::parse(R"({"name":)" + json + "}");
  const auto parts = name_parts(JsonSpan(document.text()).member("name").value());
  return parts.full + '|' + parts.given + '|' + parts.family;
}

}  // namespace

TEST_CASE("jscontact: a name's own text comes before its components") {
  CHECK(name(R"({"full":" Ann Lee ","components":[{"kind":"given","value":"A."}]})") ==
        "Ann Lee|A.|");
  CHECK(name(R"({"full":" ","components":[{"kind":"given","value":"Ann"}]})") == "Ann|Ann|");
  CHECK(name(R"({"full":7})") == "||");
  CHECK(name("{}") == "||");
  CHECK(name("[]") == "||");
}

TEST_CASE("jscontact: components without an order: given names, then surnames") {
  CHECK(name(R"({"components":[{"kind":"surname","value":"Lee"},{"kind":"title","value":"Dr"},
                {"kind":"given2","value":"May"},{"kind":"given","value":"Ann"},
                {"kind":"surname2","value":"Roe"}]})") == "Ann May Lee Roe|Ann|Lee Roe");
  CHECK(name(R"({"components":[{"kind":"given","value":"Ann"},{"kind":"given","value":"May"}]})") ==
        "Ann May|Ann May|");
  CHECK(name(R"({"components":[{"kind":"given"},{"value":"x"},7,{"kind":1,"value":2}]})") == "||");
  CHECK(name(R"({"components":"Ann"})") == "||");
}

TEST_CASE("jscontact: components with an order, and their separators") {
  CHECK(name(R"({"isOrdered":true,"components":[{"kind":"surname","value":"Lee"},
                {"kind":"given","value":"Ann"}]})") == "Lee Ann|Ann|Lee");
  CHECK(name(R"({"isOrdered":true,"defaultSeparator":"","components":[
                {"kind":"surname","value":"山田"},{"kind":"given","value":"太郎"}]})") ==
        "山田太郎|太郎|山田");
  CHECK(name(R"({"isOrdered":true,"defaultSeparator":" ","components":[
                {"kind":"given","value":"Ann"},{"kind":"surname","value":"Lee"},
                {"kind":"separator","value":"-"},{"kind":"surname2","value":"Roe"},
                {"kind":"credential","value":"MD"}]})") == "Ann Lee-Roe MD|Ann|Lee Roe");
  const std::string separator(17, '-');
  CHECK(
      name(
          R"({"isOrdered":true,"defaultSeparator":")" + separator +
          R"(","components":[{"kind":"given","value":"Ann"},{"kind":"surname","value":"Lee"}]})") ==
      "Ann Lee|Ann|Lee");
}

TEST_CASE("jscontact: dates") {
  CHECK(date(R"({"@type":"PartialDate","year":1953,"month":4,"day":15})") == "1953-04-15");
  CHECK(date(R"({"year":1953,"month":10})") == "1953-10");
  CHECK(date(R"({"year":53})") == "0053");
  CHECK(date(R"({"month":4,"day":5})") == "--04-05");
  CHECK(date(R"({"month":12})") == "--12");
  CHECK(date(R"({"@type":"Timestamp","utc":"1953-10-15T23:10:00Z"})") == "1953-10-15");
  CHECK(date(R"({"year":1953,"calendarScale":"gregorian"})") == "1953");
}

TEST_CASE("jscontact: what is no date of the Gregorian calendar") {
  for (const char* const wrong :
       {"{}", "7", R"("1953-04-15")", R"({"day":5})", R"({"year":1953,"day":5})",
        R"({"year":1953,"month":13})", R"({"month":0,"day":1})", R"({"month":4,"day":32})",
        R"({"year":10000})", R"({"year":-1})", R"({"year":1e3})", R"({"utc":"1953-4-15T"})",
        R"({"utc":"x"})", R"({"year":5713,"calendarScale":"hebrew"})",
        R"({"year":"x","month":1})"}) {
    CAPTURE(wrong);
    CHECK(date(wrong).empty());
  }
}

TEST_CASE("jscontact: white space around a text") {
  CHECK(trimmed(" \t\r\n").empty());
  CHECK(trimmed("").empty());
  CHECK(trimmed("\na b ") == "a b");
}
