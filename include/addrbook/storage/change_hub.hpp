/// ChangeHub: tells those who follow a book what is written to it. POSIX.
#pragma once

#include <addrbook/base/blocked_signals.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/query.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// What one subscriber has still to be told. Its thread calls the callback; whoever adds to the
/// queue waits for nothing.
/// @par Thread safety  any thread.
class ChangeQueue : private Pinned {
 public:
  using Event = std::shared_ptr<const ChangeEvent>;
  /// See Store::changes(). May throw.
  using Read = std::function<ChangePage(std::uint64_t after)>;

  static constexpr std::size_t max_events = 1000;
  static constexpr std::size_t max_bytes = std::size_t{8} * 1024 * 1024;  ///< of texts

  /// @param read  gives changes that nobody has told this process
  ChangeQueue(ChangeCallback callback, Read read)
      : callback_(std::move(callback)), read_(std::move(read)) {}

  /// @throws std::system_error there can be no further thread
  static void start(const std::shared_ptr<ChangeQueue>& queue) {
    const BlockedSignals inherited_by_the_thread;
    queue->thread_ = std::thread([queue] { queue->run(); });
  }

  /// Adds changes of the revisions after `known` up to `until`. No events: they must be read.
  void push(const ChangeToken& known, std::uint64_t until, const std::vector<Event>& events);
  /// The revisions begin anew.
  void push_missed(const ChangeToken& known);

  /// No call follows, and none is running, unless this is called by the callback.
  void end() noexcept;

 private:
  struct Item {
    Event event;        // null: what is to be read
    ChangeToken known;  // what was told before it
    std::uint64_t until = 0;
    std::size_t bytes = 0;
  };

  void add(Item item);
  void run() noexcept;
  [[nodiscard]] bool is_ended() const {
    const std::lock_guard lock(mutex_);
    return is_ended_;
  }
  void call(const ChangeEvent& event) const noexcept;
  void call_missed(const ChangeToken& known) const noexcept;
  void read_and_call(const Item& item) const noexcept;

  const ChangeCallback callback_;
  const Read read_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  std::size_t bytes_ = 0;              // of the items
  std::optional<ChangeToken> missed_;  // since when there was no room; nothing is added until told
  bool is_ended_ = false;
  std::thread thread_;
};

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

inline void ChangeQueue::push(const ChangeToken& known, std::uint64_t until,
                              const std::vector<Event>& events) {
  const std::lock_guard lock(mutex_);
  if (events.empty()) return add({nullptr, known, until, 0});
  ChangeToken before = known;
  for (const Event& event : events) {
    std::size_t bytes = event->id.size();
    for (const auto* entry : {&event->before, &event->after}) {
      if (*entry) bytes += (*entry)->document.text().size();
    }
    add({event, before, event->revision, bytes});
    before.revision = event->revision;
  }
}

inline void ChangeQueue::push_missed(const ChangeToken& known) {
  const std::lock_guard lock(mutex_);
  items_.clear();
  bytes_ = 0;
  missed_ = known;
  changed_.notify_all();
}

// Under the lock.
inline void ChangeQueue::add(Item item) {
  if (missed_ || is_ended_) return;
  if (items_.size() >= max_events || (bytes_ != 0 && bytes_ + item.bytes > max_bytes)) {
    missed_ = item.known;
  } else {
    bytes_ += item.bytes;
    items_.push_back(std::move(item));
  }
  changed_.notify_all();
}

inline void ChangeQueue::end() noexcept {
  {
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
    changed_.notify_all();
  }
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else if (thread_.joinable()) {
    thread_.join();
  }
}

inline void ChangeQueue::run() noexcept {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_ended_ || missed_ || !items_.empty(); });
    if (is_ended_) return;
    if (items_.empty()) {
      // From here on there is room again: what is written now is told, or read by the callback.
      const ChangeToken known = *std::exchange(missed_, std::nullopt);
      lock.unlock();
      call_missed(known);
    } else {
      const Item item = std::move(items_.front());
      items_.pop_front();
      bytes_ -= item.bytes;
      lock.unlock();
      item.event ? call(*item.event) : read_and_call(item);
    }
    lock.lock();
  }
}

inline void ChangeQueue::call(const ChangeEvent& event) const noexcept {
  try {
    callback_(event);
  } catch (...) {  // the callback's own; there is nobody to tell
  }
}

inline void ChangeQueue::call_missed(const ChangeToken& known) const noexcept {
  ChangeEvent event;
  event.missed_since = known;
  call(event);
}

inline void ChangeQueue::read_and_call(const Item& item) const noexcept {
  ChangeToken known = item.known;
  try {
    while (known.revision < item.until) {
      ChangePage page = read_(known.revision);
      if (page.state.epoch != known.epoch || page.forgotten > known.revision) break;
      for (Change& change : page.changes) {
        if (change.revision > item.until) return;
        ChangeEvent event;
        event.id = std::move(change.id);
        event.revision = change.revision;
        event.after = std::move(change.entry);
        event.is_before_known = false;
        call(event);
        if (is_ended()) return;
      }
      if (page.next() <= known.revision) break;  // the storage is behind what it has told
      known.revision = page.next();
    }
    if (known.revision >= item.until) return;
  } catch (const std::exception&) {  // the callback may be able to read later
  }
  call_missed(known);
}

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
