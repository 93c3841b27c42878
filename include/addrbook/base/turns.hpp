/// Turns: lets a few work at the same time; the others are told when it is their turn, and hold no
/// thread until then.
#pragma once

#include <addrbook/base/pinned.hpp>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

namespace addrbook::detail {

/// @par Thread safety  any thread
class Turns : private Pinned {
 public:
  /// @param places  how many work at the same time; at least 1
  explicit Turns(std::size_t places) : free_(places) {}

  /// One of those who take turns.
  /// @par Thread safety  one call at a time, any thread
  class User : private Pinned {
   public:
    explicit User(std::shared_ptr<Turns> turns) : turns_(std::move(turns)) {}
    ~User() { leave(); }

    /// @returns whether it is this one's turn, until leave(). If not, it waits in the queue.
    [[nodiscard]] bool enter() {
      const std::lock_guard lock(turns_->mutex_);
      if (has_turn_ || is_waiting_) return has_turn_;
      if (turns_->free_ == 0) {
        at_ = turns_->queue_.insert(turns_->queue_.end(), this);
        is_waiting_ = true;
        return false;
      }
      --turns_->free_;
      return has_turn_ = true;
    }

    /// Whether it has asked for a turn, and not left since.
    [[nodiscard]] bool has_entered() const {
      const std::lock_guard lock(turns_->mutex_);
      return has_turn_ || is_waiting_;
    }

    /// Calls `ready` once, when it is this one's turn.
    void on_turn(std::function<void()> ready) {
      {
        const std::lock_guard lock(turns_->mutex_);
        if (!has_turn_) {
          ready_ = std::move(ready);
          return;
        }
      }
      ready();
    }

    /// Ends the turn, or the waiting for it.
    void leave() {
      std::function<void()> ready;
      {
        const std::lock_guard lock(turns_->mutex_);
        if (std::exchange(is_waiting_, false)) turns_->queue_.erase(at_);
        if (std::exchange(has_turn_, false)) ready = turns_->pass_on();
        ready_ = nullptr;
      }
      if (ready) ready();
    }

   private:
    friend class Turns;

    const std::shared_ptr<Turns> turns_;
    bool has_turn_ = false;
    bool is_waiting_ = false;
    std::list<User*>::iterator at_;  // if it is waiting
    std::function<void()> ready_;
  };

 private:
  // The next one gets the turn before it knows of it, so that none is lost if it never comes.
  std::function<void()> pass_on() {
    if (queue_.empty()) {
      ++free_;
      return {};
    }
    User& next = *queue_.front();
    queue_.pop_front();
    next.is_waiting_ = false;
    next.has_turn_ = true;
    return std::exchange(next.ready_, nullptr);
  }

  std::mutex mutex_;
  std::size_t free_;
  std::list<User*> queue_;
};

}  // namespace addrbook::detail
