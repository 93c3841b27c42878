#include <addrbook/formats/vcard_dates.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using addrbook::detail::extended_vcard_date;
using addrbook::detail::vcard_date;

TEST_CASE("vcard dates: all forms become that of RFC 6350") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"1996-04-15", "19960415"},
      {"19960415", "19960415"},
      {" 1996-04-15 ", "19960415"},
      {"1996-04", "1996-04"},
      {"1996", "1996"},
      {"--04-15", "--0415"},
      {"--0415", "--0415"},
      {"--04", "--04"},
      {"---15", "---15"},
      {"1953-10-15T23:10:00Z", "19531015T231000Z"},
      {"1953-10-15 23:10:00", "19531015T231000"},
      {"1995-10-31t22:27:10.123z", "19951031T222710Z"},
      {"19951031T222710-0500", "19951031T222710-0500"},
      {"1995-10-31T22:27:10-05:00", "19951031T222710-0500"},
      {"1995-10-31T22:27:10+05", "19951031T222710+05"},
      {"19961022T140000", "19961022T140000"},
      {"--1022T1400", "--1022T1400"},
      {"---22T14", "---22T14"},
      {"T102200", "T102200"},
      {"T10:22", "T1022"},
      {"T10", "T10"},
      {"T-2200", "T-2200"},
      {"T--00", "T--00"},
      {"T102200-0800", "T102200-0800"},
      {"1985-12-31T23:59:60Z", "19851231T235960Z"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    CHECK(vcard_date(row.first) == row.second);
    CHECK(vcard_date(row.second) == row.second);
    CHECK(vcard_date(extended_vcard_date(row.second)) == row.second);
  }
}

TEST_CASE("vcard dates: what is no date") {
  for (const char* const text : {"",
                                 "x",
                                 "1.4.1980",
                                 "199604",
                                 "1996-13-01",
                                 "1996-00-01",
                                 "1996-04-32",
                                 "1996-4-5",
                                 "96",
                                 "1996-04-",
                                 "19960415x",
                                 "1996-04T10",
                                 "1996T10",
                                 "--",
                                 "---",
                                 "--13",
                                 "-04",
                                 "T",
                                 "T1",
                                 "T25",
                                 "T10:61",
                                 "T10:22:",
                                 "19960415T",
                                 "19960415T10+5",
                                 "19960415T10Zx",
                                 "---32",
                                 "19960415T102200.",
                                 "19960415T10+05:"}) {
    CAPTURE(text);
    CHECK(vcard_date(text) == std::nullopt);
  }
}

TEST_CASE("vcard dates: full ones can be extended") {
  CHECK(extended_vcard_date("19960415") == "1996-04-15");
  CHECK(extended_vcard_date("19531015T231000Z") == "1953-10-15T23:10:00Z");
  CHECK(extended_vcard_date("19531015T2310-0500") == "1953-10-15T23:10-05:00");
  CHECK(extended_vcard_date("19531015T23") == "1953-10-15T23");
  for (const char* const date :
       {"--0415", "1996-04", "1996", "---15", "T102200", "", "199604151"}) {
    CAPTURE(date);
    CHECK(extended_vcard_date(date) == date);
  }
}
