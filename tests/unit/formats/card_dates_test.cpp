#include <addrbook/formats/card_dates.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace addrbook::detail;

namespace {

std::string date(const char* value) {
  const auto tree = date_from_vcard(value);
  return tree ? tree->dump() : "none";
}

std::string back(const char* json) {
  return date_to_vcard(JsonTree(JsonSpan(json))).value_or("none");
}

}  // namespace

TEST_CASE("card dates: a timestamp is a UTCDateTime, and back") {
  CHECK(utc_from_vcard("20221130T081502Z") == "2022-11-30T08:15:02Z");
  CHECK(utc_from_vcard("2022-11-30T08:15:02Z") == "2022-11-30T08:15:02Z");
  CHECK(utc_from_vcard("20221130T081502-05") == "2022-11-30T13:15:02Z");
  CHECK(utc_from_vcard("20221231T231502-0130") == "2023-01-01T00:45:02Z");
  CHECK(utc_from_vcard("20230101T001502+05:30") == "2022-12-31T18:45:02Z");
  CHECK(utc_from_vcard("00120101T001502Z") == "0012-01-01T00:15:02Z");
  CHECK_FALSE(utc_from_vcard("00000101T001502+0100"));
  CHECK_FALSE(utc_from_vcard("99991231T231502-0100"));
  for (const char* wrong : {"", "20221130", "20221130T081502", "20221330T081502Z",
                            "20220230T081502Z", "20221130T241502Z", "20221130T081502Zx", "T"}) {
    CAPTURE(wrong);
    CHECK_FALSE(utc_from_vcard(wrong));
  }
  CHECK(utc_to_vcard("2022-11-30T08:15:02Z") == "20221130T081502Z");
  CHECK_FALSE(utc_to_vcard("2022-11-30T08:15:02.5Z"));
  CHECK_FALSE(utc_to_vcard("yesterday"));
}

TEST_CASE("card dates: what is a UTCDateTime") {
  CHECK(is_utc_date_time("2022-11-30T08:15:02Z"));
  CHECK(is_utc_date_time("2022-11-30T08:15:02.003Z"));
  for (const char* wrong :
       {"", "2022-11-30T08:15:02", "2022-11-30T08:15:02z", "2022-11-30t08:15:02Z",
        "2022-11-30T08:15:02.000Z", "2022-11-30T08:15:02.Z", "2022-11-30T08:15:02.1x1Z",
        "20221130T081502Z000000", "2022-11-31T08:15:02Z", "2022-11-30T08:15:02+00:00"}) {
    CAPTURE(wrong);
    CHECK_FALSE(is_utc_date_time(wrong));
  }
}

TEST_CASE("card dates: whole and partial ones, and back") {
  CHECK(date("19530415") == R"({"year":1953,"month":4,"day":15})");
  CHECK(date("1953-04-15") == R"({"year":1953,"month":4,"day":15})");
  CHECK(date("1953-04") == R"({"year":1953,"month":4})");
  CHECK(date("1953") == R"({"year":1953})");
  CHECK(date("--0229") == R"({"month":2,"day":29})");
  CHECK(date("--04-15") == R"({"month":4,"day":15})");
  CHECK(date("19531015T231000Z") == R"({"@type":"Timestamp","utc":"1953-10-15T23:10:00Z"})");
  CHECK(date("19531015T2310Z") == R"({"@type":"Timestamp","utc":"1953-10-15T23:10:00Z"})");
  CHECK(date("20090808T1430-0500") == R"({"@type":"Timestamp","utc":"2009-08-08T19:30:00Z"})");
  CHECK(date("2009-08-08T14:30:01+02") == R"({"@type":"Timestamp","utc":"2009-08-08T12:30:01Z"})");
  for (const char* day : {"1985-04-12T00:00:00", "19850412T1000", "19850412T10", "19850412T10Z",
                          "19850412T240000Z"}) {
    CAPTURE(day);
    CHECK(date(day) == R"({"year":1985,"month":4,"day":12})");
  }
  CHECK(date("--0412T1000") == R"({"month":4,"day":12})");
  CHECK(date("0000-04-12") == R"({"month":4,"day":12})");
  CHECK(date("00000229") == R"({"month":2,"day":29})");
  CHECK(date("0000-04") == R"({"year":0,"month":4})");
  for (const char* none :
       {"", "--04", "---15", "195304", "19530230", "19531301", "circa 1800", "T102200",
        "1953-04-15 ", "19531015T", "19531015Today", "19530230T102200", "00000230"}) {
    CAPTURE(none);
    CHECK(date(none) == "none");
  }
  for (const char* value :
       {"19530415", "1953-04", "1953", "0053", "--0415", "--0229", "19531015T231000Z"}) {
    CHECK(back(date(value).c_str()) == value);
  }
  for (const char* none :
       {"{}", R"({"month":4})", R"({"day":4})", R"({"year":10000})", R"({"year":1,"day":2})",
        R"({"month":13,"day":1})", R"({"month":0,"day":1})", R"({"month":1,"day":32})",
        R"({"year":"1953"})", R"({"year":-1})", R"({"utc":"1"})"}) {
    CAPTURE(none);
    CHECK(back(none) == "none");
  }
}
