#include <addrbook/metrics/collectors.hpp>

#include <addrbook/metrics/page.hpp>

#include <support/hold_up.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

using addrbook::detail::Collector;
using addrbook::detail::Collectors;
using addrbook::detail::MetricsPage;

namespace {

int calls_of(const Collectors& collectors, const int& calls) {
  const int before = calls;
  MetricsPage page;
  collectors.collect(page);
  return calls - before;
}

}  // namespace

TEST_CASE("collectors: each is asked until it ends") {
  Collectors collectors;
  int calls = 0;
  const auto count = [&](MetricsPage&) { ++calls; };
  Collector first = collectors.add(count);
  {
    const Collector second = collectors.add(count);
    CHECK(calls_of(collectors, calls) == 2);
  }
  CHECK(calls_of(collectors, calls) == 1);
  Collector moved = std::move(first);
  CHECK(calls_of(collectors, calls) == 1);
  first = std::move(moved);
  moved = Collector();
  CHECK(calls_of(collectors, calls) == 1);
}

TEST_CASE("collectors: one that throws takes nothing from the others") {
  Collectors collectors;
  int calls = 0;
  const Collector bad = collectors.add([](MetricsPage&) { throw std::runtime_error("no"); });
  const Collector worse = collectors.add([](MetricsPage&) { throw 7; });
  const Collector good = collectors.add([&](MetricsPage&) { ++calls; });
  CHECK(calls_of(collectors, calls) == 1);
}

TEST_CASE("collectors: an end waits for the call that is running, and for no other") {
  Collectors collectors;
  test::Gate gate;
  std::atomic<bool> is_done{false};
  std::optional<Collector> slow(collectors.add([&](MetricsPage&) {
    gate.pass();
    is_done = true;
  }));
  std::optional<Collector> other(collectors.add([](MetricsPage&) {}));
  auto collecting = std::async(std::launch::async, [&] {
    MetricsPage page;
    collectors.collect(page);
  });
  gate.wait_for();
  other.reset();
  const Collector added = collectors.add([](MetricsPage&) {});
  auto ending = std::async(std::launch::async, [&] {
    slow.reset();
    return is_done.load();
  });
  gate.open();
  CHECK(ending.get());
  collecting.get();
}

TEST_CASE("collectors: they may go before those that they asked") {
  auto collectors = std::make_unique<Collectors>();
  const Collector left = collectors->add([](MetricsPage&) {});
  CHECK_NOTHROW(collectors.reset());
}
