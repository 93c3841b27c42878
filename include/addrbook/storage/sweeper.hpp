/// Sweeper: does what is left to do in the background, a slice at a time. POSIX.
#pragma once

#include <addrbook/base/blocked_signals.hpp>
#include <addrbook/base/pinned.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace addrbook::detail {

/// Has a thread while there is something to do. Rests after each slice for as long as that has
/// taken, so that it takes no more than half of what others need too. After a failure it tries
/// again, later and later.
/// @par Thread safety  any thread.
class Sweeper : private Pinned {
 public:
  /// Does a slice. @returns whether there may be more to do
  using Slice = std::function<bool()>;

  explicit Sweeper(Slice slice) : slice_(std::move(slice)) {}
  /// Ends after the slice in progress, however much there is left.
  ~Sweeper() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  /// There is something to do. If there can be no thread for it, the next call tries again.
  void wake() noexcept;

  /// Waits until there is nothing to do.
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !is_working_; });
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::duration first_pause = std::chrono::seconds(1);
  static constexpr Clock::duration longest_pause = std::chrono::minutes(1);

  void work() noexcept;

  const Slice slice_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_working_ = false;  // the thread is, or is about to begin
  bool is_woken_ = false;    // since it last began a slice
  bool is_ending_ = false;
  std::thread thread_;
};

// ---------------------------------------------------------------------------------------------

inline void Sweeper::wake() noexcept {
  const std::lock_guard lock(mutex_);
  is_woken_ = true;
  if (is_working_ || is_ending_) return;
  if (thread_.joinable()) thread_.join();  // it needs the lock no more
  try {
    const BlockedSignals inherited_by_the_thread;
    thread_ = std::thread([this] { work(); });
    is_working_ = true;
  } catch (const std::system_error&) {
    is_woken_ = false;
  }
}

inline void Sweeper::work() noexcept {
  auto pause = first_pause;
  std::unique_lock lock(mutex_);
  for (bool is_more = true; (is_more || is_woken_) && !is_ending_;) {
    is_woken_ = false;
    lock.unlock();
    const auto begin = Clock::now();
    bool has_failed = false;
    try {
      is_more = slice_();
    } catch (const std::exception&) {
      // Whoever needs the storage sees by himself that it fails.
      has_failed = true;
      is_more = true;
    }
    const auto rest = has_failed ? pause : Clock::now() - begin;
    pause = has_failed ? (std::min)(2 * pause, longest_pause) : first_pause;
    lock.lock();
    if (is_more) changed_.wait_for(lock, rest, [this] { return is_ending_; });
  }
  is_working_ = false;
  changed_.notify_all();
}

}  // namespace addrbook::detail
