/// Timer: calls functions when their time has come, by one thread for the whole process. POSIX.
#pragma once

#include <addrbook/base/blocked_signals.hpp>
#include <addrbook/base/pinned.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace addrbook::detail {

/// Has a thread from its first use on.
/// @par Thread safety  any thread. The last owner must not be one of the functions that it calls.
class Timer : private Pinned {
 public:
  using Clock = std::chrono::steady_clock;
  using Alarm = std::pair<Clock::time_point, std::uint64_t>;

  /// @returns the one of this process, which exists as long as somebody keeps it
  [[nodiscard]] static std::shared_ptr<Timer> shared() {
    static std::mutex mutex;
    static std::weak_ptr<Timer> only;
    const std::lock_guard lock(mutex);
    auto timer = only.lock();
    if (!timer) only = timer = std::make_shared<Timer>();
    return timer;
  }

  ~Timer() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

  /// @param call  must return at once and throw nothing
  /// @throws std::system_error there can be no further thread
  Alarm add(Clock::time_point time, std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) {
      const BlockedSignals inherited_by_the_thread;
      thread_ = std::thread([this] { run(); });
    }
    const auto at = alarms_.emplace(Alarm(time, ++last_), std::move(call)).first;
    if (at == alarms_.begin()) changed_.notify_all();
    return at->first;
  }
  /// Its call may be running, or be over.
  void remove(const Alarm& alarm) noexcept {
    const std::lock_guard lock(mutex_);
    alarms_.erase(alarm);
  }

 private:
  void run() noexcept {
    std::unique_lock lock(mutex_);
    while (!is_ending_) {
      if (alarms_.empty()) {
        changed_.wait(lock);
        continue;
      }
      const auto time = alarms_.begin()->first.first;
      if (Clock::now() < time) {
        changed_.wait_until(lock, time);
        continue;
      }
      const auto call = alarms_.extract(alarms_.begin());
      lock.unlock();
      call.mapped()();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Alarm, std::function<void()>> alarms_;
  std::uint64_t last_ = 0;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace addrbook::detail
