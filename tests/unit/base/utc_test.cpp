#include <addrbook/base/utc.hpp>

#include <doctest/doctest.h>

#include <chrono>

using addrbook::detail::to_utc;
using std::chrono::milliseconds;
using Time = std::chrono::system_clock::time_point;

TEST_CASE("utc: a time is written with milliseconds, also before 1970") {
  CHECK(to_utc(Time(milliseconds(0))) == "1970-01-01T00:00:00.000Z");
  CHECK(to_utc(Time(milliseconds(1'769'850'300'123))) == "2026-01-31T09:05:00.123Z");
  CHECK(to_utc(Time(milliseconds(-1))) == "1969-12-31T23:59:59.999Z");
}
