/// EventQueue: hands the events of one epoll instance to several threads.
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/pinned.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace addrbook::detail {

/// A thread takes one event and then works on it, perhaps for long. One thread at a time fetches
/// several, so that a system call serves several requests when there is much to do. What it does
/// not take itself, the next thread takes that is free; one that sleeps is woken for it.
/// @par Thread safety  any thread.
class EventQueue : private Pinned {
 public:
  /// The `data.u64` of no event that is to be returned.
  static constexpr std::uint64_t own_handle = ~std::uint64_t{0};
  /// How many events one system call fetches.
  static constexpr int batch = 8;

  EventQueue()
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)), nudge_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    is_valid_ = epoll_ && nudge_ && add(nudge_.get(), own_handle, EPOLLIN | EPOLLET);
  }

  /// Whether the system had descriptors for it; errno says why not.
  explicit operator bool() const noexcept { return is_valid_; }

  /// epoll_ctl(2) with EPOLL_CTL_ADD and EPOLL_CTL_MOD
  /// @{
  [[nodiscard]] bool add(int descriptor, std::uint64_t handle, std::uint32_t events) const {
    return control(EPOLL_CTL_ADD, descriptor, handle, events);
  }
  // NOLINTNEXTLINE(modernize-use-nodiscard): for what was added it can't fail
  bool modify(int descriptor, std::uint64_t handle, std::uint32_t events) const {
    return control(EPOLL_CTL_MOD, descriptor, handle, events);
  }
  /// @}

  /// Takes an event.
  /// @param timeout_ms  how long to wait for one; -1: as long as it takes
  /// @returns false if there is none, or a signal has come
  [[nodiscard]] inline bool next(epoll_event& event, int timeout_ms);

  /// How many threads sleep in next().
  [[nodiscard]] int waiting() const noexcept { return waiting_.load(); }

 private:
  [[nodiscard]] bool control(int what, int descriptor, std::uint64_t handle,
                             std::uint32_t events) const {
    epoll_event event{events, {}};
    event.data.u64 = handle;
    return ::epoll_ctl(epoll_.get(), what, descriptor, &event) == 0;
  }
  bool take(epoll_event& event);
  void nudge() const noexcept { ::eventfd_write(nudge_.get(), 1); }
  int wait(epoll_event* events, int count, int timeout_ms);

  const Descriptor epoll_;
  const Descriptor nudge_;
  bool is_valid_ = false;
  std::atomic<int> waiting_{0};
  std::atomic<bool> is_fetching_{false};  // a thread fetches several, or has just done so
  std::atomic<int> left_{0};              // of those that were fetched
  std::mutex mutex_;
  std::array<epoll_event, batch> fetched_{};  // filled only while none is left
};

// ---------------------------------------------------------------------------------------------

inline bool EventQueue::take(epoll_event& event) {
  if (left_.load() == 0) return false;
  const std::lock_guard lock(mutex_);
  const int left = left_.load();
  if (left == 0) return false;
  event = fetched_[static_cast<std::size_t>(left - 1)];
  left_.store(left - 1);
  return true;
}

// A thread announces that it sleeps and then looks once more whether events are left; another one
// leaves events and then looks whether a thread sleeps. So one of them sees the other.
inline int EventQueue::wait(epoll_event* events, int count, int timeout_ms) {
  waiting_.fetch_add(1);
  const int found = left_.load() != 0 ? 0 : ::epoll_wait(epoll_.get(), events, count, timeout_ms);
  waiting_.fetch_sub(1);
  return found;
}

inline bool EventQueue::next(epoll_event& event, int timeout_ms) {
  bool was_woken = false;
  while (true) {
    if (take(event)) {
      // Whoever wakes one thread leaves it to that one to wake the next.
      if (was_woken && left_.load() != 0 && waiting_.load() != 0) nudge();
      return true;
    }
    std::array<epoll_event, batch> events;  // NOLINT(*-member-init): epoll fills it
    const bool is_fetching = !is_fetching_.exchange(true);
    int found = wait(events.data(), is_fetching ? batch : 1, timeout_ms);
    const bool is_interrupted = found < 0 || (found == 0 && left_.load() == 0);
    int kept = 0;
    for (int i = 0; i < found; ++i) {
      const epoll_event each = events[static_cast<std::size_t>(i)];
      if (each.data.u64 != own_handle) events[static_cast<std::size_t>(kept++)] = each;
    }
    if (is_fetching) {
      if (kept > 1) {
        const std::lock_guard lock(mutex_);
        // The last one first.
        for (int i = 1; i < kept; ++i) {
          fetched_[static_cast<std::size_t>(kept - 1 - i)] = events[static_cast<std::size_t>(i)];
        }
        left_.store(kept - 1);
      }
      is_fetching_.store(false);
      if (kept > 1 && waiting_.load() != 0) nudge();
    }
    if (kept != 0) {
      event = events[0];
      return true;
    }
    if (is_interrupted) return false;
    was_woken = true;
  }
}

}  // namespace addrbook::detail
