/// MemoryBudget: counts memory that many parts of a program hold, against one limit.
#pragma once

#include <addrbook/base/pinned.hpp>

#include <atomic>
#include <cstddef>

namespace addrbook::detail {

/// Only counts: whoever holds the memory says so, and acts where the limit is passed.
/// @par Thread safety  any thread
class MemoryBudget : private Pinned {
 public:
  /// @param limit  in bytes
  explicit MemoryBudget(std::size_t limit) noexcept : limit_(limit) {}

  /// A holder had `before` bytes and now has `after`.
  void change(std::size_t before, std::size_t after) noexcept {
    if (after == before) return;
    // Unsigned arithmetic wraps, so one addition serves both directions.
    const std::size_t used = used_.fetch_add(after - before) + (after - before);
    if (after > before && used > peak_.load(std::memory_order_relaxed)) peak_.store(used);
  }

  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  [[nodiscard]] std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  /// More than half is in use: what can be done without should not be begun.
  [[nodiscard]] bool is_scarce() const noexcept { return used() > limit_ / 2; }
  [[nodiscard]] bool is_exceeded() const noexcept { return used() > limit_; }
  /// Whether an eighth of the limit is free, or will be once `expected` bytes have been given back.
  [[nodiscard]] bool is_relieved(std::size_t expected = 0) const noexcept {
    return used() <= limit_ - limit_ / 8 + expected;
  }

  /// @returns  whether the use has fallen by `bytes` since it was at its highest; then the present
  ///           use counts as the highest. Called by one thread.
  bool has_fallen_by(std::size_t bytes) noexcept {
    const std::size_t now = used();
    const std::size_t peak = peak_.load(std::memory_order_relaxed);
    if (peak < now || peak - now < bytes) return false;
    peak_.store(now);
    return true;
  }

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> peak_{0};
};

}  // namespace addrbook::detail
