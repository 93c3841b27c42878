/// Histogram: how often a value was how large.
#pragma once

#include <addrbook/base/pinned.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace addrbook::detail {

/// Times in nanoseconds: 100 microseconds to 10 seconds.
inline constexpr std::array<std::uint64_t, 15> duration_bounds{
    100'000,     500'000,       1'000'000,     2'500'000,     5'000'000,
    10'000'000,  25'000'000,    50'000'000,    100'000'000,   250'000'000,
    500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};

/// Numbers of things that are done together.
inline constexpr std::array<std::uint64_t, 9> group_bounds{1, 2, 4, 8, 16, 32, 64, 128, 256};

/// What a Histogram has counted so far.
struct HistogramCounts {
  std::vector<std::uint64_t> bounds;  ///< each the largest value of its bucket
  std::vector<std::uint64_t> counts;  ///< of each bucket alone; the last one has no bound
  std::uint64_t sum = 0;              ///< of all values

  /// @returns how many values there were
  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t all = 0;
    for (const std::uint64_t each : counts) all += each;
    return all;
  }
  /// Adds those of a histogram with the same bounds.
  void add(const HistogramCounts& other) {
    if (bounds.empty()) bounds = other.bounds;
    counts.resize(other.counts.size());
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    sum += other.sum;
  }
};

/// @tparam bounds  an std::array of static storage, in ascending order
/// @par Thread safety  any thread. Who reads while others count may see a value's bucket without
///      its part of the sum.
template <const auto& bounds>
class Histogram : private Pinned {
 public:
  void add(std::uint64_t value) noexcept {
    std::size_t bucket = 0;
    while (bucket != bounds.size() && value > bounds[bucket]) ++bucket;
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  [[nodiscard]] HistogramCounts read() const {
    HistogramCounts now;
    now.bounds.assign(bounds.begin(), bounds.end());
    now.counts.reserve(counts_.size());
    for (const auto& each : counts_) now.counts.push_back(each.load(std::memory_order_relaxed));
    now.sum = sum_.load(std::memory_order_relaxed);
    return now;
  }

 private:
  std::array<std::atomic<std::uint64_t>, bounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_{0};
};

}  // namespace addrbook::detail
