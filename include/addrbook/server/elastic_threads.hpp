/// ElasticThreads: keeps as many threads working as there are CPUs, however many others are
/// blocked.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/base/waiting.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Threads that run rounds of work: wait for something to do, then do it. A thread that blocks in
/// the middle of a round declares it with a Waiting, and another thread takes its place.
///
/// A thread is either ready (working, or waiting for work) or blocked.
/// @par Thread safety  any thread, except where stated otherwise
class ElasticThreads final : public ThreadPool {
 public:
  /// @param ready     how many threads to keep ready; at least 1
  /// @param capacity  the most threads, blocked ones included
  /// @param work      one round, which waits for something to do if it is told so; calls
  ///                  round_started() when it has something. What it throws, out of memory, ends
  ///                  the round.
  /// @param prepare   called by each thread at its start, with memory at hand: takes what the
  ///                  thread can't do without later
  ElasticThreads(
      std::size_t ready, std::size_t capacity, std::function<void(bool waits)> work,
      std::function<void()> prepare = [] {})
      : wanted_(static_cast<std::ptrdiff_t>(ready)),
        capacity_((std::max)(ready, capacity)),
        work_(std::move(work)),
        prepare_(std::move(prepare)) {}
  ~ElasticThreads() override { join(); }

  /// Starts threads until enough are ready.
  /// @returns  false if the capacity or the system does not allow that
  bool fill_up();

  /// Marks the calling thread as working on something, until its round ends.
  static void round_started() noexcept {
    if (current_thread == nullptr) return;
    current_thread->rounds.fetch_add(1, std::memory_order_relaxed);
    current_thread->is_working.store(true, std::memory_order_relaxed);
  }

  [[nodiscard]] std::ptrdiff_t ready() const noexcept { return ready_.load(); }

  inline void block() noexcept override;
  inline void unblock() noexcept override;

  /// Counts threads as blocked that have worked on the same round since the last call: they block
  /// without a Waiting. Called at intervals by one thread.
  /// @returns  whether any thread has worked since the last call
  bool detect_stuck();

  /// Starts no further round. The owner must end the waiting for work.
  void end() noexcept { is_ending_.store(true); }
  /// Calls end() and waits until all threads have ended.
  void join();

 private:
  struct Thread {
    std::thread thread;
    std::atomic<std::uint64_t> rounds{0};
    std::atomic<bool> is_working{false};
    std::atomic<bool> is_blocked{false};
    bool has_blocked = false;       // in its last round; used by the thread itself
    std::uint64_t seen_rounds = 0;  // by detect_stuck()
    // Until the start: the C library ends the process if a thread has no memory for its variables.
    std::vector<char> reserve = std::vector<char>(std::size_t{64} * 1024);
  };
  using Threads = std::list<Thread>;

  void run(Threads::iterator self);
  bool wait_as_spare();
  void set_unblocked(Thread& thread);
  bool leave_ready() noexcept;
  void join_finished();

  static inline thread_local Thread* current_thread = nullptr;

  const std::ptrdiff_t wanted_;
  const std::size_t capacity_;
  const std::function<void(bool waits)> work_;
  const std::function<void()> prepare_;
  std::atomic<std::ptrdiff_t> ready_{0};
  std::atomic<bool> is_ending_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_;
  Threads threads_;
  Threads finished_;           // have nothing left to do but return
  std::size_t spare_ = 0;      // threads in wait_as_spare()
  std::size_t activated_ = 0;  // how many of the spare ones are to return
};

// ---------------------------------------------------------------------------------------------

inline bool ElasticThreads::fill_up() {
  if (ready_.load() >= wanted_) return true;
  const std::lock_guard lock(mutex_);
  join_finished();
  while (ready_.load() < wanted_) {
    if (spare_ > activated_) {
      ++activated_;
      wake_.notify_one();
    } else {
      if (threads_.size() >= capacity_) return false;
      auto self = threads_.end();
      try {
        self = threads_.emplace(threads_.end());
        self->thread = std::thread([this, self] { run(self); });
      } catch (const std::exception&) {  // out of memory, or the system allows no more threads
        if (self != threads_.end()) threads_.erase(self);
        return false;
      }
    }
    ready_.fetch_add(1);
  }
  return true;
}

inline void ElasticThreads::block() noexcept {
  if (current_thread == nullptr || current_thread->is_blocked.exchange(true)) return;
  ready_.fetch_sub(1);
  try {
    fill_up();
  } catch (...) {  // out of memory: the threads that exist carry on
  }
}

inline void ElasticThreads::unblock() noexcept {
  if (current_thread != nullptr) set_unblocked(*current_thread);
}

inline void ElasticThreads::set_unblocked(Thread& thread) {
  if (thread.is_blocked.load(std::memory_order_relaxed) && thread.is_blocked.exchange(false)) {
    ready_.fetch_add(1);
    thread.has_blocked = true;
  }
}

inline bool ElasticThreads::detect_stuck() {
  bool has_worked = false;
  const std::lock_guard lock(mutex_);
  for (Thread& thread : threads_) {
    const auto rounds = thread.rounds.load(std::memory_order_relaxed);
    const bool is_working = thread.is_working.load(std::memory_order_relaxed);
    has_worked = has_worked || is_working || rounds != thread.seen_rounds;
    if (is_working && rounds == thread.seen_rounds && !thread.is_blocked.exchange(true)) {
      ready_.fetch_sub(1);
    }
    thread.seen_rounds = rounds;
  }
  return has_worked;
}

inline void ElasticThreads::run(Threads::iterator self) {
  current_thread = &*self;
  own_this_thread(this);
  std::vector<char>().swap(self->reserve);
  prepare_();
  bool waits = true;
  while (!is_ending_.load()) {
    self->has_blocked = false;
    try {
      work_(waits);
    } catch (...) {  // out of memory
    }
    self->is_working.store(false, std::memory_order_relaxed);
    set_unblocked(*self);
    // After a round that blocked, the next one probably blocks too. While there is more to do, the
    // thread goes on with that. Otherwise each round would put one thread to sleep and wake
    // another.
    waits = !self->has_blocked || ready_.load() <= wanted_;
    if (waits && leave_ready() && !wait_as_spare()) break;
  }
  const std::lock_guard lock(mutex_);
  finished_.splice(finished_.end(), threads_, self);
  ended_.notify_all();
}

// @returns whether the calling thread was one too many
inline bool ElasticThreads::leave_ready() noexcept {
  auto ready = ready_.load();
  while (ready > wanted_ && !ready_.compare_exchange_weak(ready, ready - 1)) {
  }
  return ready > wanted_;
}

// A load that needed many threads is likely to need them again, so they stay for a while.
inline bool ElasticThreads::wait_as_spare() {
  constexpr auto kept = std::chrono::seconds(10);
  std::unique_lock lock(mutex_);
  ++spare_;
  const bool is_notified =
      wake_.wait_for(lock, kept, [this] { return activated_ > 0 || is_ending_.load(); });
  --spare_;
  if (!is_notified || activated_ == 0) return false;
  --activated_;
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
