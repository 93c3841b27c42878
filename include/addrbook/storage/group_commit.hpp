/// GroupCommit: concurrent writers share one commit.
#pragma once

#include <addrbook/base/histogram.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/base/waiting.hpp>
#include <addrbook/error.hpp>
#include <addrbook/storage/index_terms.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
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
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A book of a storage of many. The number is never used for another one, unless an older state of
/// the storage is restored.
struct BookId {
  std::uint64_t number = 0;
  std::string_view name;  // kept by whoever uses the book

  friend bool operator<(const BookId& a, const BookId& b) noexcept {
    return std::tie(a.number, a.name) < std::tie(b.number, b.name);
  }
};

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
    BookId book;
    /// Of each write of the batch that stores a document; or empty, if the storage needs none.
    std::vector<std::optional<IndexTerms>> terms;
    Clock::time_point deadline = never;
    CommitResult result;
    std::exception_ptr error;  ///< why it was not written, or why that is unknown
  };
  using Group = std::vector<Member*>;
  /// Commits a group: sets the result or the error of each member. Must not throw. Called by one
  /// thread at a time; with Groups::of_each_book, by one for each book.
  using Run = std::function<void(const Group&)>;

  enum class Groups {
    of_all_books,  ///< a group may hold batches for any books
    of_each_book,  ///< the writers to a book wait for no others
  };

  static constexpr std::size_t default_max_writes = 1000;

  /// @param max_writes  of a group; a batch with more is a group of its own
  explicit GroupCommit(Run run, std::size_t max_writes = default_max_writes,
                       Groups groups = Groups::of_all_books)
      : run_(std::move(run)), max_writes_(max_writes), groups_(groups) {}

  /// @param deadline  for the batch's turn to come. All members of a group get the deadline of its
  ///                  first one, which is the earliest: they get their results together.
  /// @param book      which the batch is for
  /// @param terms     see Member
  /// @throws the error that `run` has set | Error{storage} if the groups before took too long
  CommitResult commit(Batch batch, Clock::time_point deadline = never, BookId book = {},
                      std::vector<std::optional<IndexTerms>> terms = {});

  /// @returns what was committed so far, failed commits included
  [[nodiscard]] CommitCounts counts() const {
    return {writes_.load(), batches_.read(), durations_.read(), waits_.read()};
  }

 private:
  enum class State { waits, leads, done };

  /// What a writer waits for. Shared by whoever wakes it: the writer may be gone as soon as it sees
  /// the new state. It is woken after the lock is released, or it would have to wait for that too.
  class Turn : private Pinned {
   public:
    /// @returns `waits` if the time is over
    State wait(Clock::time_point until) {
      const Waiting waiting;
      std::unique_lock lock(mutex_);
      const auto is_called = [this] { return state_ != State::waits; };
      if (until == never) {
        wake_.wait(lock, is_called);
      } else {
        wake_.wait_until(lock, until, is_called);
      }
      return state_;
    }
    void set(State now) {
      const std::lock_guard lock(mutex_);
      state_ = now;
    }
    void wake() { wake_.notify_one(); }
    bool is_waiting() {
      const std::lock_guard lock(mutex_);
      return state_ == State::waits;
    }

   private:
    std::mutex mutex_;  // of each writer, so that those that are woken do not queue for one
    std::condition_variable wake_;
    State state_ = State::waits;
  };

  struct Writer : Member {
    const std::shared_ptr<Turn> turn = std::make_shared<Turn>();
    const Clock::time_point since = Clock::now();
  };

  // Those that wait for the same groups. It exists while one of them leads.
  using Queue = std::deque<Writer*>;
  using Queues = std::map<std::uint64_t, Queue>;

  [[nodiscard]] std::uint64_t queue_of(const Writer& writer) const noexcept {
    return groups_ == Groups::of_each_book ? writer.book.number : 0;
  }
  bool leave(Writer& writer);
  Group take_group(Writer& leader) noexcept;
  void run(const Group& group);
  void pass_the_lead(const Writer& leader);

  const Run run_;
  const std::size_t max_writes_;
  const Groups groups_;
  std::mutex mutex_;
  Queues queues_;
  std::atomic<std::uint64_t> writes_{0};
  Histogram<group_bounds> batches_;
  Histogram<duration_bounds> durations_;
  Histogram<duration_bounds> waits_;
};

// ---------------------------------------------------------------------------------------------

inline CommitResult GroupCommit::commit(Batch batch, Clock::time_point deadline, BookId book,
                                        std::vector<std::optional<IndexTerms>> terms) {
  Writer own;
  own.batch = std::move(batch);
  own.book = book;
  own.terms = std::move(terms);
  own.deadline = deadline;
  bool leads = false;
  {
    Queues made;  // so that nothing is left of it if there is no memory
    const auto queue = made.emplace(queue_of(own), Queue{&own}).first;
    const std::lock_guard lock(mutex_);
    if (const auto at = queues_.find(queue->first); at != queues_.end()) {
      at->second.push_back(&own);
    } else {
      queues_.insert(made.extract(queue));
      leads = true;
    }
  }
  if (!leads) {
    State state = own.turn->wait(deadline);
    if (state == State::waits) {
      if (leave(own)) {
        throw Error(Errc::storage, "the writes before this one took too long; it was not done");
      }
      state = own.turn->wait(
          never);  // its group is being committed, until the deadline of an older one
    }
    leads = state == State::leads;
  }
  if (leads) {
    const auto group = take_group(own);
    if (!group.empty()) run(group);
    pass_the_lead(own);
    for (Member* const each : group) {
      if (each == &own) continue;
      const auto turn = static_cast<Writer*>(each)->turn;
      turn->set(State::done);
      turn->wake();
    }
  }
  if (own.error) std::rethrow_exception(own.error);
  return std::move(own.result);
}

inline void GroupCommit::run(const Group& group) {
  const auto begin = Clock::now();
  std::uint64_t writes = 0;
  for (const Member* const each : group) {
    const auto wait = begin - static_cast<const Writer*>(each)->since;
    waits_.add(static_cast<std::uint64_t>(wait.count()));
    writes += each->batch.writes.size();
  }
  run_(group);
  const auto time = Clock::now() - begin;
  durations_.add(static_cast<std::uint64_t>(time.count()));
  batches_.add(group.size());
  writes_.fetch_add(writes, std::memory_order_relaxed);
}

inline void GroupCommit::pass_the_lead(const Writer& leader) {
  std::shared_ptr<Turn> next;
  {
    const std::lock_guard lock(mutex_);
    const auto at = queues_.find(queue_of(leader));
    if (at->second.empty()) {
      queues_.erase(at);
      return;
    }
    next = at->second.front()->turn;
    next->set(State::leads);
  }
  next->wake();
}

// Gives up a writer's place in the queue. @returns false if its turn has come
inline bool GroupCommit::leave(Writer& writer) {
  const std::lock_guard lock(mutex_);
  const auto queue = queues_.find(queue_of(writer));
  if (queue == queues_.end()) return false;
  const auto at = std::find(queue->second.begin(), queue->second.end(), &writer);
  if (at == queue->second.end()) return false;
  if (!writer.turn->is_waiting()) return false;
  queue->second.erase(at);
  return true;
}

// The leader is the first in the queue, so its own batch is in the group.
inline GroupCommit::Group GroupCommit::take_group(Writer& leader) noexcept {
  Group group;
  const std::lock_guard lock(mutex_);
  Queue& queue = queues_.find(queue_of(leader))->second;
  try {
    group.reserve(queue.size());
  } catch (...) {  // no memory; the others must not wait forever
    queue.pop_front();
    leader.error = std::current_exception();
    return group;
  }
  // One that has hardly any time left must not take others with it.
  constexpr auto hardly_any = std::chrono::milliseconds(100);
  const bool is_late = leader.deadline - Clock::now() < hardly_any;
  std::size_t writes = 0;
  while (!queue.empty()) {
    writes += queue.front()->batch.writes.size();
    if (!group.empty() && (writes > max_writes_ || is_late)) break;
    group.push_back(queue.front());
    group.back()->deadline = leader.deadline;
    queue.pop_front();
  }
  return group;
}

}  // namespace addrbook::detail
