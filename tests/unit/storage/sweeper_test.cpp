#include <addrbook/storage/sweeper.hpp>

#include <support/hold_up.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <utility>

using addrbook::detail::Sweeper;

TEST_CASE("sweeper: works until there is no more to do, and again when it is woken") {
  std::atomic<int> slices = 0;
  Sweeper sweeper([&] { return ++slices % 3 != 0; });
  sweeper.wait();
  CHECK(slices == 0);
  sweeper.wake();
  sweeper.wait();
  CHECK(slices == 3);
  sweeper.wake();
  sweeper.wait();
  CHECK(slices == 6);
}

TEST_CASE("sweeper: what comes during the last slice is done too") {
  test::Gate gate;
  std::atomic<int> slices = 0;
  Sweeper sweeper([&] {
    if (++slices == 1) gate.pass();
    return false;
  });
  sweeper.wake();
  gate.wait_for();
  sweeper.wake();
  gate.open();
  sweeper.wait();
  CHECK(slices == 2);
}

TEST_CASE("sweeper: a slice that fails is tried again") {
  std::atomic<int> slices = 0;
  Sweeper sweeper([&] {
    if (++slices == 1) throw std::runtime_error("not now");
    return false;
  });
  sweeper.wake();
  sweeper.wait();
  CHECK(slices == 2);
}

TEST_CASE("sweeper: ends with much left to do, also while it rests") {
  test::Gate gate;
  std::atomic<int> slices = 0;
  std::optional<Sweeper> sweeper(std::in_place, [&]() -> bool {
    if (++slices == 1) gate.pass();
    throw std::runtime_error("not now");
  });
  sweeper->wake();
  gate.wait_for();
  gate.open();
  sweeper.reset();
  CHECK(slices >= 1);
}
