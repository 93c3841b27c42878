/// ElasticThreads: as many threads at work as there are CPUs, however many of them are waiting for
/// a client.
#pragma once

#include <addrbook/base/waiting.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace addrbook::detail {

/// Threads that take turns in rounds of work: wait for something to do, do it. A thread that must
/// wait in the middle of a round says so by Waiting, and another one takes its place.
/// @par Thread safety  any thread, except where said otherwise.
class ElasticThreads final : public ThreadPool {
 public:
  /// @param ready  how many are to be at work or waiting for it; at least 1
  /// @param most   how many there may be in all
  /// @param work   one round; calls started() when it has something to do
  ElasticThreads(std::size_t ready, std::size_t most, std::function<void()> work)
      : wanted_(static_cast<std::ptrdiff_t>(ready)),
        most_((std::max)(ready, most)),
        work_(std::move(work)) {}
  ElasticThreads(const ElasticThreads&) = delete;
  ElasticThreads& operator=(const ElasticThreads&) = delete;
  ElasticThreads(ElasticThreads&&) = delete;
  ElasticThreads& operator=(ElasticThreads&&) = delete;
  ~ElasticThreads() override { join(); }

  /// Starts what is missing. @returns false if that is one too many for `most` or for the system
  bool fill_up();

  /// A round has begun in earnest. In its own thread.
  static void started() noexcept {
    if (current_thread == nullptr) return;
    current_thread->rounds.fetch_add(1, std::memory_order_relaxed);
    current_thread->is_busy.store(true, std::memory_order_relaxed);
  }

  /// How many are at work or waiting for it.
  [[nodiscard]] std::ptrdiff_t ready() const noexcept { return ready_.load(); }

  void block() noexcept override;
  void unblock() noexcept override;

  /// Counts out the threads that have been in the same round since the last call: they wait without
  /// having said so. Called at intervals by one thread.
  /// @returns  whether any thread is at work
  bool count_out_stuck();

  /// No further rounds. The owner must end the waiting in `work`.
  void end() noexcept { ending_.store(true); }
  /// Waits for the threads after end().
  void join();

 private:
  struct Thread {
    std::thread thread;
    std::atomic<std::uint64_t> rounds{0};
    std::atomic<bool> is_busy{false};
    std::atomic<bool> is_counted_out{false};
    std::uint64_t seen_rounds = 0;
  };
  using Threads = std::list<Thread>;

  void run(Threads::iterator self);
  bool rest();
  void count_in(Thread& thread);
  void join_finished();

  static inline thread_local Thread* current_thread = nullptr;

  const std::ptrdiff_t wanted_;
  const std::size_t most_;
  const std::function<void()> work_;
  std::atomic<std::ptrdiff_t> ready_{0};
  std::atomic<bool> ending_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  Threads threads_;
  Threads finished_;         // have left run() but for its last line
  std::size_t resting_ = 0;  // threads in rest()
  std::size_t called_ = 0;   // how many of these are to come back
};

// ---------------------------------------------------------------------------------------------

inline bool ElasticThreads::fill_up() {
  if (ready_.load() >= wanted_) return true;
  const std::lock_guard lock(mutex_);
  join_finished();
  while (ready_.load() < wanted_) {
    if (resting_ > called_) {
      ++called_;
      wake_.notify_one();
    } else {
      if (threads_.size() >= most_) return false;
      const auto self = threads_.emplace(threads_.end());
      try {
        self->thread = std::thread([this, self] { run(self); });
      } catch (const std::system_error&) {  // the system has no more threads
        threads_.erase(self);
        return false;
      }
    }
    ready_.fetch_add(1);
  }
  return true;
}

inline void ElasticThreads::block() noexcept {
  if (current_thread == nullptr || current_thread->is_counted_out.exchange(true)) return;
  ready_.fetch_sub(1);
  try {
    fill_up();
  } catch (...) {  // no memory for one more: the others go on
  }
}

inline void ElasticThreads::unblock() noexcept {
  if (current_thread != nullptr) count_in(*current_thread);
}

inline void ElasticThreads::count_in(Thread& thread) {
  if (thread.is_counted_out.load(std::memory_order_relaxed) &&
      thread.is_counted_out.exchange(false)) {
    ready_.fetch_add(1);
  }
}

inline bool ElasticThreads::count_out_stuck() {
  bool any_busy = false;
  const std::lock_guard lock(mutex_);
  for (Thread& thread : threads_) {
    const auto rounds = thread.rounds.load(std::memory_order_relaxed);
    const bool is_busy = thread.is_busy.load(std::memory_order_relaxed);
    any_busy = any_busy || is_busy || rounds != thread.seen_rounds;
    if (is_busy && rounds == thread.seen_rounds && !thread.is_counted_out.exchange(true)) {
      ready_.fetch_sub(1);
    }
    thread.seen_rounds = rounds;
  }
  return any_busy;
}

inline void ElasticThreads::run(Threads::iterator self) {
  current_thread = &*self;
  own_this_thread(this);
  while (!ending_.load()) {
    work_();
    self->is_busy.store(false, std::memory_order_relaxed);
    count_in(*self);
    auto ready = ready_.load();
    while (ready > wanted_ && !ready_.compare_exchange_weak(ready, ready - 1)) {
    }
    if (ready > wanted_ && !rest()) break;
  }
  const std::lock_guard lock(mutex_);
  finished_.splice(finished_.end(), threads_, self);
  ended_.notify_all();
}

// Kept for a while: what needed many threads will need them again.
inline bool ElasticThreads::rest() {
  constexpr auto kept = std::chrono::seconds(10);
  std::unique_lock lock(mutex_);
  ++resting_;
  const bool is_called =
      wake_.wait_for(lock, kept, [this] { return called_ > 0 || ending_.load(); });
  --resting_;
  if (!is_called || called_ == 0) return false;
  --called_;
  return true;
}

inline void ElasticThreads::join_finished() {
  for (Thread& each : finished_) each.thread.join();
  finished_.clear();
}

inline void ElasticThreads::join() {
  end();
  std::unique_lock lock(mutex_);
  wake_.notify_all();
  ended_.wait(lock, [this] { return threads_.empty(); });
  join_finished();
}

}  // namespace addrbook::detail
