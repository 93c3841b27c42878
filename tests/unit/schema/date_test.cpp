#include <addrbook/schema/date.hpp>

#include <doctest/doctest.h>

#include <initializer_list>
#include <string_view>

using addrbook::detail::is_date;
using addrbook::detail::is_date_time;
using addrbook::detail::is_time;

TEST_CASE("schema date: days that there are") {
  for (const std::string_view text :
       {"2026-11-28", "0000-01-01", "9999-12-31", "2024-02-29", "2000-02-29", "2026-04-30"}) {
    CAPTURE(text);
    CHECK(is_date(text));
  }
  for (const std::string_view text : {"",
                                      "2026",
                                      "2026-11",
                                      "2026-11-2",
                                      "2026-1-28",
                                      "26-11-28",
                                      "2026-11-28 ",
                                      " 2026-11-28",
                                      "2026-11-28T00:00:00Z",
                                      "2026-00-01",
                                      "2026-13-01",
                                      "2026-11-00",
                                      "2026-11-31",
                                      "2026-01-32",
                                      "2023-02-29",
                                      "1900-02-29",
                                      "2026/11/28",
                                      "-026-11-28",
                                      "+026-11-28",
                                      "20261-1-28",
                                      "2026-11-2x"}) {
    CAPTURE(text);
    CHECK_FALSE(is_date(text));
  }
}

TEST_CASE("schema date: times with an offset") {
  for (const std::string_view text :
       {"00:00:00Z", "23:59:60z", "16:52:45.123456789Z", "16:52:45+02:00", "16:52:45.5-23:59"}) {
    CAPTURE(text);
    CHECK(is_time(text));
    CHECK_FALSE(is_date(text));
  }
  for (const std::string_view text : {"", "16:52Z", "16:52:45", "24:00:00Z", "16:60:00Z",
                                      "16:52:61Z", "16:52:45.Z", "16:52:45+2:00", "16:52:45+24:00",
                                      "16:52:45+02", "16:52:45+0200", "16:52:45Z ", "6:52:45Z"}) {
    CAPTURE(text);
    CHECK_FALSE(is_time(text));
  }
}

TEST_CASE("schema date: dates with a time") {
  CHECK(is_date_time("2026-11-28T16:52:45Z"));
  CHECK(is_date_time("2026-11-28t16:52:45.1+02:00"));
  for (const std::string_view text :
       {"2026-11-28", "2026-11-28 16:52:45Z", "2026-11-28T", "2023-02-29T16:52:45Z",
        "2026-11-28T16:52:45", "T16:52:45Z"}) {
    CAPTURE(text);
    CHECK_FALSE(is_date_time(text));
  }
}
