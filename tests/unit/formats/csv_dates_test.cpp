#include <addrbook/formats/csv_dates.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using addrbook::detail::partial_date;
using addrbook::detail::read_csv_date;

namespace {

std::string read(const std::string& text) {
  const auto date = read_csv_date(text);
  if (!date) return "none";
  return std::to_string(date->year) + ' ' + std::to_string(date->month) + ' ' +
         std::to_string(date->day);
}

}  // namespace

TEST_CASE("csv dates: what has one meaning") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"1980-12-04", "1980 12 4"},
      {"1980-12-04T10:00:00Z", "1980 12 4"},
      {"1980-12-04 00:00:00", "1980 12 4"},
      {"12/25/1980 0:00", "1980 12 25"},
      {"1980-12", "1980 12 0"},
      {"1980", "1980 0 0"},
      {"19801204", "1980 12 4"},
      {"1980/12/4", "1980 12 4"},
      {"1980.12.4", "1980 12 4"},
      {"--12-04", "0 12 4"},
      {"--2-29", "0 2 29"},
      {"4.12.1980", "1980 12 4"},
      {"12/25/1980", "1980 12 25"},
      {"25/12/1980", "1980 12 25"},
      {"25-12-1980", "1980 12 25"},
      {"4/4/1980", "1980 4 4"},
      {"0/0/00", "0 0 0"},
      {"00/00/0000", "0 0 0"},
  };
  for (const auto& row : table) {
    CAPTURE(row.first);
    CHECK(read(row.first) == row.second);
  }
}

TEST_CASE("csv dates: what has none, or two") {
  for (const std::string text : {"",
                                 "x",
                                 "4/12/1980",
                                 "4-12-1980",
                                 "12/25/80",
                                 "4.12.80",
                                 "12/4",
                                 "31.2.1980",
                                 "29.2.1981",
                                 "1980-13-01",
                                 "1980-02-30",
                                 "25/25/1980",
                                 "1980-00-01",
                                 "1980-01-00",
                                 "0000",
                                 "--12",
                                 "--13-01",
                                 "--0-1",
                                 "1980-12/04",
                                 "1980-12-04-",
                                 "-1980",
                                 "1980-",
                                 "123456789",
                                 "12345",
                                 "4 December 1980",
                                 "1980-1-1-1",
                                 "0/5/1980",
                                 "99999999999999999999",
                                 "T",
                                 "12:00",
                                 "1980-12-04T"}) {
    CAPTURE(text);
    CHECK(read(text) == "none");
  }
}

TEST_CASE("csv dates: a PartialDate") {
  CHECK(partial_date({1980, 12, 4}) == R"({"year":1980,"month":12,"day":4})");
  CHECK(partial_date({0, 2, 29}) == R"({"month":2,"day":29})");
  CHECK(partial_date({1980, 0, 0}) == R"({"year":1980})");
}
