/// Makes threads meet at a certain point, without sleeping.
#pragma once

#include <addrbook/base/waiting.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <future>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace test {

/// A count that a test waits for. Throws after a minute, so that a test fails rather than hangs.
class Arrivals {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::minutes(1), [&] { return count_ >= count; })) {
      throw std::runtime_error("nothing arrived for a minute");
    }
  }
  [[nodiscard]] std::size_t count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
};

/// Holds up the threads that pass it, until it is opened.
class Gate {
 public:
  void pass() {
    arrivals_.add();
    opened_.wait_for(1);
  }
  /// Returns when `count` threads have come to the gate.
  void wait_for(std::size_t count = 1) { arrivals_.wait_for(count); }
  void open() { opened_.add(); }

 private:
  Arrivals arrivals_;
  Arrivals opened_;
};

/// Counts the waits of the threads that it owns.
class WatchingPool final : public addrbook::detail::ThreadPool {
 public:
  void block() noexcept override {
    {
      const std::lock_guard lock(mutex_);
      ++waiting_;
    }
    blocks_.add();
  }
  void unblock() noexcept override {
    const std::lock_guard lock(mutex_);
    --waiting_;
  }

  /// Returns when a thread has begun to wait for the `count`th time.
  void wait_for_blocks(std::size_t count) { blocks_.wait_for(count); }
  /// The number of threads that wait now.
  [[nodiscard]] int waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

  /// Runs `work` in a thread that belongs to this pool.
  template <class Work>
  [[nodiscard]] auto start(Work work) {
    return std::async(std::launch::async, [this, work = std::move(work)]() mutable {
      own_this_thread(this);  // the thread ends with the work
      return work();
    });
  }

 private:
  mutable std::mutex mutex_;
  int waiting_ = 0;
  Arrivals blocks_;
};

}  // namespace test
