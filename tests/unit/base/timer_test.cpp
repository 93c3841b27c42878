#include <addrbook/base/timer.hpp>

#include <support/hold_up.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <mutex>
#include <string>

using addrbook::detail::Timer;

TEST_CASE("timer: calls come in the order of their times, and none that was taken back") {
  std::string order;  // is written by the timer's thread alone until it has arrived
  test::Arrivals arrivals;
  const auto timer = Timer::shared();
  const auto now = Timer::Clock::now();
  const auto add = [&](int ms, const std::string& name) {
    return timer->add(now + std::chrono::milliseconds(ms), [&, name] {
      order += name;
      arrivals.add();
    });
  };
  add(30, "c");
  const auto never = add(20, "x");
  add(10, "a");
  add(20, "b");
  timer->remove(never);
  timer->remove(never);
  arrivals.wait_for(3);
  CHECK(order == "abc");
  CHECK(Timer::Clock::now() >= now + std::chrono::milliseconds(30));
  add(-5, "d");
  arrivals.wait_for(4);
  CHECK(order == "abcd");
}

TEST_CASE("timer: all share one while there is any, and what is left ends with it") {
  auto first = Timer::shared();
  const auto second = Timer::shared();
  CHECK(first.get() == second.get());
  bool is_called = false;
  {
    Timer own;
    own.add(Timer::Clock::now() + std::chrono::hours(1), [&] { is_called = true; });
  }
  CHECK_FALSE(is_called);
}
