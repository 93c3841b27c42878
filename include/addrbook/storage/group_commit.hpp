/// GroupCommit: writers that come at the same time share one commit.
#pragma once

#include <addrbook/base/waiting.hpp>
#include <addrbook/store.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Makes groups of batches: while one group is being committed, the next one gathers. The first
/// writer of a group commits it for all.
/// @par Thread safety  any thread.
class GroupCommit {
 public:
  /// One writer's batch, and what has become of it.
  struct Member {
    Batch batch;
    CommitResult result;
    std::exception_ptr error;  ///< why it was not written, or nobody knows whether it was
  };
  using Group = std::vector<Member*>;
  /// Commits a group: sets result or error of each. Must not throw. One call at a time.
  using Run = std::function<void(const Group&)>;

  /// @param most_writes  a group ends where it would hold more, unless it is of one batch
  explicit GroupCommit(Run run, std::size_t most_writes = 1000)
      : run_(std::move(run)), most_writes_(most_writes) {}

  /// @throws what `run` has set as the error
  CommitResult commit(Batch batch);

 private:
  struct Writer : Member {
    enum class State { waits, leads, done };

    State wait() {
      const Waiting waiting;
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return state != State::waits; });
      return state;
    }
    void set(State now) {
      const std::lock_guard lock(mutex);
      state = now;
      wake.notify_one();  // under the lock: it ends as soon as it sees that
    }

    // Its own, or all who are woken would queue for one.
    std::mutex mutex;
    std::condition_variable wake;
    State state = State::waits;
  };

  Group take_group(Writer& leader) noexcept;

  const Run run_;
  const std::size_t most_writes_;
  std::mutex mutex_;
  std::deque<Writer*> queue_;
  bool is_led_ = false;
};

// ---------------------------------------------------------------------------------------------

inline CommitResult GroupCommit::commit(Batch batch) {
  using State = Writer::State;
  Writer own;
  own.batch = std::move(batch);
  bool leads = false;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(&own);
    leads = !std::exchange(is_led_, true);
  }
  if (leads || own.wait() == State::leads) {
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

// Who leads is the first in the queue, so that its own batch is in the group.
inline GroupCommit::Group GroupCommit::take_group(Writer& leader) noexcept {
  Group group;
  const std::lock_guard lock(mutex_);
  try {
    group.reserve(queue_.size());
  } catch (...) {  // no memory: the others must not wait for ever
    queue_.pop_front();
    leader.error = std::current_exception();
    return group;
  }
  std::size_t writes = 0;
  while (!queue_.empty()) {
    writes += queue_.front()->batch.writes.size();
    if (!group.empty() && writes > most_writes_) break;
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  return group;
}

}  // namespace addrbook::detail
