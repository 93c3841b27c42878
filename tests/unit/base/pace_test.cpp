#include <addrbook/base/pace.hpp>

#include <doctest/doctest.h>

#include <chrono>

using addrbook::detail::Pace;
using namespace std::chrono_literals;

namespace {

const Pace::Time start = Pace::Time(1h);

}  // namespace

TEST_CASE("pace: without a rate the time is that of the whole") {
  Pace pace(start, 30s, 0);
  CHECK(pace.deadline() == start + 30s);
  pace.go_on(start + 1s, 1'000'000, 5s);
  CHECK(pace.deadline() == start + 30s);
}

TEST_CASE("pace: who is slower than the rate falls behind, and may so by the lag") {
  Pace pace(start, 30s, 1000);
  // Half as fast: a second is lost in two.
  Pace::Time now = start;
  for (int i = 0; i < 60 && now < pace.deadline(); ++i) {
    now += 2s;
    pace.go_on(now, 1000);
  }
  CHECK(now == start + 60s);
  CHECK(pace.deadline() <= now);
}

TEST_CASE(
    "pace: who is as fast as the rate may go on for ever, and who is faster saves nothing up") {
  Pace pace(start, 30s, 1000);
  Pace::Time now = start;
  for (int i = 0; i < 10'000; ++i) {
    now += 1s;
    pace.go_on(now, 1000);
  }
  CHECK(pace.deadline() == start + 30s + 10'000s);
  pace.go_on(now, 1'000'000'000);
  CHECK(pace.deadline() == now + 30s);
  pace.go_on(now + 10s, 500);
  CHECK(pace.deadline() == now + 30s + 500ms);
}

TEST_CASE("pace: waiting for us costs a peer nothing") {
  Pace pace(start, 30s, 1000);
  pace.go_on(start + 100s, 0, 100s);
  CHECK(pace.deadline() == start + 130s);
}

TEST_CASE("pace: a pause has no deadline") {
  Pace pace(start, 30s, 1000);
  pace.pause();
  CHECK(pace.is_paused());
  pace.go_on(start + 1s, 7);
  CHECK(pace.deadline() == Pace::Time::max());
  pace.restart(start + 2h);
  CHECK_FALSE(pace.is_paused());
  CHECK(pace.deadline() == start + 2h + 30s);
}
