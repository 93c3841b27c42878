/// Followers: those who wait for changes of a mount's books.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/base/timer.hpp>
#include <addrbook/base/turns.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/service.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace addrbook::detail {

/// Counts those who wait, and has the timer and the turns that they share.
/// @par Thread safety  any thread
class Followers : private Pinned {
 public:
  /// A place among them. It may outlive the object.
  using Place = std::shared_ptr<void>;

  enum class Kind { poll, events };

  /// @returns null if there are `max` already
  [[nodiscard]] Place enter(std::size_t max, Kind kind) {
    if (counts_->all.fetch_add(1) >= max) {
      --counts_->all;
      ++refused_;
      return nullptr;
    }
    ++counts_->of(kind);
    return {counts_.get(), [counts = counts_, kind](void*) {
              --counts->of(kind);
              --counts->all;
            }};
  }
  /// @returns how many there are now
  [[nodiscard]] std::size_t count(Kind kind) const noexcept { return counts_->of(kind); }
  /// @returns how many got no place so far
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
  [[nodiscard]] const std::shared_ptr<Timer>& timer() const noexcept { return timer_; }
  /// To read what has changed. After a write all of them want to, and the storage has others to
  /// serve.
  [[nodiscard]] const std::shared_ptr<Turns>& turns() const noexcept { return turns_; }

 private:
  static constexpr std::size_t readers = 4;

  struct Counts {
    std::atomic<std::size_t> all{0};
    std::atomic<std::size_t> polls{0};
    std::atomic<std::size_t> events{0};

    std::atomic<std::size_t>& of(Kind kind) noexcept { return kind == Kind::poll ? polls : events; }
  };

  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
  std::atomic<std::uint64_t> refused_{0};
  std::shared_ptr<Timer> timer_ = Timer::shared();
  std::shared_ptr<Turns> turns_ = std::make_shared<Turns>(readers);
};

/// Says when there may be changes of a book, or a time is over.
/// @par Thread safety  one thread at a time, any thread
class ChangeWait : private Pinned {
 public:
  ChangeWait(const Service& book, std::shared_ptr<Timer> timer)
      : timer_(std::move(timer)), watch_(book.watch([bell = bell_] { bell->ring(true); })) {}
  ~ChangeWait() { unset(); }

  /// @returns whether there may be changes since the last call; true the first time
  [[nodiscard]] bool has_changed() {
    unset();
    return bell_->take();
  }

  /// Calls `ready` once, when there may be changes or at `time`.
  void wait(std::function<void()> ready, Timer::Clock::time_point time) {
    bell_->set(std::move(ready));
    alarm_ = timer_->add(time, [bell = bell_] { bell->ring(false); });
  }

 private:
  // Outlives the wait: who rings may be late.
  class Bell {
   public:
    void ring(bool is_changed) {
      std::function<void()> ready;
      {
        const std::lock_guard lock(mutex_);
        is_changed_ = is_changed_ || is_changed;
        ready = std::exchange(ready_, nullptr);
      }
      if (ready) ready();
    }
    bool take() {
      const std::lock_guard lock(mutex_);
      return std::exchange(is_changed_, false);
    }
    void set(std::function<void()> ready) {
      {
        const std::lock_guard lock(mutex_);
        if (!is_changed_) {
          ready_ = std::move(ready);
          return;
        }
      }
      ready();
    }
    void forget() {
      const std::lock_guard lock(mutex_);
      ready_ = nullptr;
    }

   private:
    std::mutex mutex_;
    std::function<void()> ready_;
    bool is_changed_ = true;
  };

  void unset() {
    bell_->forget();
    if (alarm_) timer_->remove(*std::exchange(alarm_, std::nullopt));
  }

  const std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  const std::shared_ptr<Timer> timer_;
  std::optional<Timer::Alarm> alarm_;
  const Subscription watch_;
};

}  // namespace addrbook::detail
