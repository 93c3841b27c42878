/// ChangeHub: tells those who follow a book what is written to it.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/query.hpp>
#include <addrbook/storage/change_queue.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Puts the changes of a book in order, which the writers tell in any order, and gives them to the
/// subscribers. Also wakes those who only wait for any change.
/// @par Thread safety  any thread.
class ChangeHub : private Pinned {
 public:
  using Event = ChangeQueue::Event;
  using Wake = std::shared_ptr<const std::function<void()>>;
  using Ticket = std::uint64_t;
  static constexpr Ticket no_ticket = 0;

  /// @name Those who wait
  /// @{
  void add(const Wake& wake) {
    const std::lock_guard lock(mutex_);
    wakes_.insert(wake);
    wakers_.store(wakes_.size());
  }
  void remove(const Wake& wake) noexcept {
    const std::lock_guard lock(mutex_);
    wakes_.erase(wake);
    wakers_.store(wakes_.size());
  }
  void wake_all() noexcept;
  /// @}

  /// @name Subscribers
  /// @{
  /// @param state  gives the book's state, at any moment from now on
  template <class State>
  void add(ChangeQueue& queue, State state);
  void remove(ChangeQueue& queue) noexcept;
  /// @}

  /// @name Writers
  /// @{
  /// A commit begins. @returns no_ticket if nobody wants to know what it changes
  [[nodiscard]] Ticket begin();
  /// A commit has failed or changed nothing.
  void drop(Ticket ticket) noexcept;
  /// A commit is done, of this process or another one.
  /// @param known   what was there before it
  /// @param until   the last revision of the commit
  /// @param events  with a ticket: what was changed
  void tell(Ticket ticket, const ChangeToken& known, std::uint64_t until,
            std::vector<Event> events);
  /// @}

 private:
  // A commit that those before it have to be told first.
  struct Told {
    Ticket next = 0;  // a ticket below it may be of a commit before this one
    std::uint64_t until = 0;
    std::vector<Event> events;
  };

  void publish(std::uint64_t until, const std::vector<Event>& events);
  void drain();

  std::mutex mutex_;
  std::set<Wake> wakes_;
  std::atomic<std::size_t> wakers_{0};
  std::atomic<bool> is_told_{false};  // there are subscribers, or the first one comes
  std::mutex starting_;               // is held while a subscriber is added
  bool is_started_ = false;           // known_ is known
  std::vector<ChangeQueue*> queues_;
  ChangeToken known_;  // what the subscribers have been told
  Ticket last_ticket_ = no_ticket;
  std::set<Ticket> in_flight_;
  std::map<std::uint64_t, Told> pending_;  // by the revision before it
};

// ---------------------------------------------------------------------------------------------

inline void ChangeHub::wake_all() noexcept {
  if (wakers_.load() == 0) return;
  try {
    std::vector<Wake> wakes;
    {
      const std::lock_guard lock(mutex_);
      wakes.assign(wakes_.begin(), wakes_.end());
    }
    for (const Wake& wake : wakes) (*wake)();
  } catch (...) {  // out of memory: they wait until their time is over
  }
}

template <class State>
void ChangeHub::add(ChangeQueue& queue, State state) {
  const std::lock_guard lock_of_starting(starting_);
  {
    const std::lock_guard lock(mutex_);
    queues_.push_back(&queue);
    if (is_started_) return;
    is_told_.store(true);
  }
  try {
    const BookState now = state();
    const std::lock_guard lock(mutex_);
    known_ = {now.epoch, now.revision};
    is_started_ = true;
    drain();
  } catch (...) {
    remove(queue);
    throw;
  }
}

inline void ChangeHub::remove(ChangeQueue& queue) noexcept {
  const std::lock_guard lock(mutex_);
  queues_.erase(std::remove(queues_.begin(), queues_.end(), &queue), queues_.end());
  if (!queues_.empty()) return;
  is_told_.store(false);
  is_started_ = false;
  pending_.clear();
}

inline ChangeHub::Ticket ChangeHub::begin() {
  if (!is_told_.load()) return no_ticket;
  const std::lock_guard lock(mutex_);
  in_flight_.insert(last_ticket_ + 1);
  return ++last_ticket_;
}

inline void ChangeHub::drop(Ticket ticket) noexcept {
  if (ticket == no_ticket) return;
  const std::lock_guard lock(mutex_);
  in_flight_.erase(ticket);
  try {
    drain();
  } catch (const std::exception&) {  // out of memory: it is told with the next commit
  }
}

inline void ChangeHub::tell(Ticket ticket, const ChangeToken& known, std::uint64_t until,
                            std::vector<Event> events) {
  if (ticket != no_ticket || is_told_.load()) {
    const std::lock_guard lock(mutex_);
    in_flight_.erase(ticket);
    if (is_started_ && known.epoch != known_.epoch) {
      pending_.clear();
      known_ = {known.epoch, until};
      for (ChangeQueue* const queue : queues_) queue->push_missed({known.epoch, 0});
    } else if (!queues_.empty() && (!is_started_ || until > known_.revision)) {
      // Of two that begin with the same revision one is not told by its writer.
      Told& told = pending_[known.revision];
      told.next = last_ticket_ + 1;
      if (told.events.empty()) told.events = std::move(events);
      told.until = (std::max)(told.until, until);
      drain();
    }
  }
  wake_all();
}

// Under the lock.
inline void ChangeHub::drain() {
  if (!is_started_) return;
  while (!pending_.empty()) {
    const auto first = pending_.begin();
    const Told& told = first->second;
    if (first->first > known_.revision) {
      // Either a commit that is in progress will tell what was before, or another process did it.
      if (!in_flight_.empty() && *in_flight_.begin() < told.next) return;
      publish(first->first, {});
    }
    if (told.until > known_.revision) {
      // What was told already in part is read.
      publish(told.until, first->first == known_.revision ? told.events : std::vector<Event>());
    }
    pending_.erase(first);
  }
}

inline void ChangeHub::publish(std::uint64_t until, const std::vector<Event>& events) {
  for (ChangeQueue* const queue : queues_) queue->push(known_, until, events);
  known_.revision = until;
}

}  // namespace addrbook::detail
