#include <addrbook/base/histogram.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <vector>

using addrbook::detail::Histogram;
using addrbook::detail::HistogramCounts;

namespace {

constexpr std::array<std::uint64_t, 3> bounds{1, 10, 100};
using Counts = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("histogram: a value counts in the first bucket whose bound it does not exceed") {
  Histogram<bounds> histogram;
  for (const std::uint64_t value : {0, 1, 2, 10, 11, 100, 101, 5000}) histogram.add(value);
  const HistogramCounts now = histogram.read();
  CHECK(now.bounds == Counts{1, 10, 100});
  CHECK(now.counts == Counts{2, 2, 2, 2});
  CHECK(now.sum == 5225);
  CHECK(now.count() == 8);
}

TEST_CASE("histogram: counts of two are added up") {
  Histogram<bounds> first;
  Histogram<bounds> second;
  first.add(1);
  second.add(1);
  second.add(1000);
  HistogramCounts all;
  all.add(first.read());
  all.add(second.read());
  CHECK(all.counts == Counts{2, 0, 0, 1});
  CHECK(all.sum == 1002);
}

TEST_CASE("histogram: the bounds ascend") {
  for (std::size_t i = 1; i < addrbook::detail::duration_bounds.size(); ++i) {
    CHECK(addrbook::detail::duration_bounds[i - 1] < addrbook::detail::duration_bounds[i]);
  }
  for (std::size_t i = 1; i < addrbook::detail::group_bounds.size(); ++i) {
    CHECK(addrbook::detail::group_bounds[i - 1] < addrbook::detail::group_bounds[i]);
  }
}
