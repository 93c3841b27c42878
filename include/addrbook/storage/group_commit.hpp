/// GroupCommit: concurrent writers share one commit.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/base/waiting.hpp>
#include <addrbook/error.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Forms groups of batches: while one group is being committed, the next one gathers. The first
/// writer of a group commits it for all of its writers.
/// @par Thread safety  any thread.
class GroupCommit : private Pinned {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr auto never = Clock::time_point::max();

  /// One writer's batch and its outcome.
  struct Member {
    Batch batch;
    Clock::time_point deadline = never;
    CommitResult result;
    std::exception_ptr error;  ///< why it was not written, or why that is unknown
  };
  using Group = std::vector<Member*>;
  /// Commits a group: sets the result or the error of each member. Must not throw. Called by one
  /// thread at a time.
  using Run = std::function<void(const Group&)>;

  /// @param max_writes  of a group; a batch with more is a group of its own
  explicit GroupCommit(Run run, std::size_t max_writes = 1000)
      : run_(std::move(run)), max_writes_(max_writes) {}

  /// @param deadline  for the batch's turn to come. All members of a group get the deadline of its
  ///                  first one, which is the earliest: they get their results together.
  /// @throws the error that `run` has set | Error{storage} if the groups before took too long
  CommitResult commit(Batch batch, Clock::time_point deadline = never);

 private:
  struct Writer : Member {
    enum class State { waits, leads, done };

    /// @returns `waits` if the time is over
    State wait(Clock::time_point until) {
      const Waiting waiting;
      std::unique_lock lock(mutex);
      const auto is_called = [this] { return state != State::waits; };
      if (until == never) {
        wake.wait(lock, is_called);
      } else {
        wake.wait_until(lock, until, is_called);
      }
      return state;
    }
    void set(State now) {
      const std::lock_guard lock(mutex);
      state = now;
      wake.notify_one();  // under the lock: the writer may be destroyed once it sees the state
    }

    // A mutex for each writer, so that those that are woken do not queue for one.
    std::mutex mutex;
    std::condition_variable wake;
    State state = State::waits;
  };

  bool leave(Writer& writer);
  Group take_group(Writer& leader) noexcept;

  const Run run_;
  const std::size_t max_writes_;
  std::mutex mutex_;
  std::deque<Writer*> queue_;
  bool is_led_ = false;
};

// ---------------------------------------------------------------------------------------------

inline CommitResult GroupCommit::commit(Batch batch, Clock::time_point deadline) {
  using State = Writer::State;
  Writer own;
  own.batch = std::move(batch);
  own.deadline = deadline;
  bool leads = false;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(&own);
    leads = !std::exchange(is_led_, true);
  }
  if (!leads) {
    State state = own.wait(deadline);
    if (state == State::waits) {
      if (leave(own)) {
        throw Error(Errc::storage, "the writes before this one took too long; it was not done");
      }
      state = own.wait(never);  // its group is being committed, until the deadline of an older one
    }
    leads = state == State::leads;
  }
  if (leads) {
    const auto group = take_group(own);
    if (!group.empty()) run_(group);
    {
      const std::lock_guard lock(mutex_);
      if (queue_.empty()) {
        is_led_ = false;
      } else {
        queue_.front()->set(State::leads);
      }
    }
    for (Member* const each : group) {
      if (each != &own) static_cast<Writer*>(each)->set(State::done);
    }
  }
  if (own.error) std::rethrow_exception(own.error);
  return own.result;
}

// Gives up a writer's place in the queue. @returns false if its turn has come
inline bool GroupCommit::leave(Writer& writer) {
  const std::lock_guard lock(mutex_);
  const auto at = std::find(queue_.begin(), queue_.end(), &writer);
  if (at == queue_.end()) return false;
  const std::lock_guard lock_of_state(writer.mutex);
  if (writer.state != Writer::State::waits) return false;
  queue_.erase(at);
  return true;
}

// The leader is the first in the queue, so its own batch is in the group.
inline GroupCommit::Group GroupCommit::take_group(Writer& leader) noexcept {
  Group group;
  const std::lock_guard lock(mutex_);
  try {
    group.reserve(queue_.size());
  } catch (...) {  // no memory; the others must not wait forever
    queue_.pop_front();
    leader.error = std::current_exception();
    return group;
  }
  // One that has hardly any time left must not take others with it.
  constexpr auto hardly_any = std::chrono::milliseconds(100);
  const bool is_late = leader.deadline - Clock::now() < hardly_any;
  std::size_t writes = 0;
  while (!queue_.empty()) {
    writes += queue_.front()->batch.writes.size();
    if (!group.empty() && (writes > max_writes_ || is_late)) break;
    group.push_back(queue_.front());
    group.back()->deadline = leader.deadline;
    queue_.pop_front();
  }
  return group;
}

}  // namespace addrbook::detail
