#include <addrbook/http/dates.hpp>

#include <addrbook/http/answer_head.hpp>

#include <doctest/doctest.h>

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

using addrbook::detail::date_text;
using addrbook::detail::parse_http_date;

namespace {

constexpr std::time_t example = 784'111'777;  // RFC 9110, 5.6.7
constexpr std::time_t today = 1'795'000'000;  // in 2026

std::optional<std::time_t> parsed(std::string_view text) {
  return parse_http_date(text, today);
}

}  // namespace

TEST_CASE("dates: all three forms of RFC 9110, 5.6.7") {
  CHECK(parsed("Sun, 06 Nov 1994 08:49:37 GMT") == example);
  CHECK(parsed("Sunday, 06-Nov-94 08:49:37 GMT") == example);
  CHECK(parsed("Sun Nov  6 08:49:37 1994") == example);
  CHECK(parsed(" Sun, 06 Nov 1994 08:49:37 GMT ") == example);
  CHECK(parsed("Wed Nov 16 08:49:37 1994") == example + 10 * 86'400);
}

TEST_CASE("dates: what date_text() writes is read") {
  for (std::time_t time = -62'135'596'800; time < 253'402'300'799; time += 86'400L * 97 + 12'345) {
    const auto text = date_text(time);
    if (parsed({text.data(), text.size()}) != time) {
      CAPTURE(time);
      CHECK(parsed({text.data(), text.size()}) == time);
    }
  }
}

TEST_CASE("dates: a year of two digits is at most 50 years ahead") {
  CHECK(parsed("Thursday, 01-Jan-26 00:00:00 GMT") == parsed("Thu, 01 Jan 2026 00:00:00 GMT"));
  CHECK(parsed("Wednesday, 01-Jan-76 00:00:00 GMT") == parsed("Wed, 01 Jan 2076 00:00:00 GMT"));
  CHECK(parsed("Thursday, 31-Dec-76 00:00:00 GMT") == parsed("Fri, 31 Dec 1976 00:00:00 GMT"));
  CHECK(parsed("Friday, 31-Dec-99 23:59:59 GMT") == parsed("Fri, 31 Dec 1999 23:59:59 GMT"));
  CHECK(parsed("Saturday, 01-Jan-00 00:00:00 GMT") == parsed("Sat, 01 Jan 2000 00:00:00 GMT"));
}

TEST_CASE("dates: what is none") {
  for (const char* const text : {"",
                                 "0",
                                 "784111777",
                                 "Sun, 06 Nov 1994 08:49:37",
                                 "Sun, 06 Nov 1994 08:49:37 UTC",
                                 "Sun, 06 Nov 1994 08:49:37 gmt",
                                 "sun, 06 Nov 1994 08:49:37 GMT",
                                 "Sun, 6 Nov 1994 08:49:37 GMT",
                                 "Sun, 06 Nov 94 08:49:37 GMT",
                                 "Sun,06 Nov 1994 08:49:37 GMT",
                                 "Sun, 06 nov 1994 08:49:37 GMT",
                                 "Sun, 00 Nov 1994 08:49:37 GMT",
                                 "Sun, 31 Nov 1994 08:49:37 GMT",
                                 "Sun, 29 Feb 2023 08:49:37 GMT",
                                 "Sun, 29 Feb 1900 08:49:37 GMT",
                                 "Sun, 06 Nov 1994 24:00:00 GMT",
                                 "Sun, 06 Nov 1994 08:60:37 GMT",
                                 "Sun, 06 Nov 1994 08:49:61 GMT",
                                 "Sun, 06 Nov 1994 8:49:37 GMT",
                                 "Sun, 06 Nov 1994 08:49:37 +0000",
                                 "Sun, 06 Nov 1994 08:49:37 GMT, x",
                                 "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
                                 "Sunday, 06-Nov-1994 08:49:37 GMT",
                                 "Sunday, 06-Nov-94 08:49:37",
                                 "Sun Nov 6 08:49:37 1994",
                                 "Sun Nov  6 08:49:37 1994 GMT",
                                 "Nov  6 08:49:37 1994",
                                 "1994-11-06T08:49:37Z"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parsed(text).has_value());
  }
  CHECK(parsed("Tue, 29 Feb 2000 08:49:37 GMT").has_value());
  CHECK(parsed("Sat, 31 Dec 2016 23:59:60 GMT") == parsed("Sun, 01 Jan 2017 00:00:00 GMT"));
}
