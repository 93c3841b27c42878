/// ChangeQueue: the changes that a subscriber has still to be told. POSIX.
#pragma once

#include <addrbook/base/blocked_signals.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/changes.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
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

}  // namespace addrbook::detail
