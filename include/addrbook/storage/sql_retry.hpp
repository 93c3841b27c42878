/// SqlRetry: what becomes of a group of batches whose transaction fails.
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/storage/group_commit.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace addrbook::detail {

/// The connection was lost during a commit.
struct CommitLost : Error {
  using Clock = std::chrono::steady_clock;

  /// @param name  the engine's name for the transaction
  /// @param until  the deadline of its group, for whatever is done about it
  explicit CommitLost(std::string name, Clock::time_point until = GroupCommit::never,
                      SourceLine thrown_at = SourceLine::here())
      : Error(Errc::storage,
              "the connection to the database was lost in a commit: whether it was done is not "
              "known",
              thrown_at),
        transaction(std::move(name)),
        deadline(until) {}
  std::string transaction;
  Clock::time_point deadline;
};

/// Commits a group in one transaction. If that fails, commits each batch on its own, so that one
/// batch's fault does not fail the others. If the connection was lost during the commit, asks the
/// database whether the transaction was committed: if it was undone, it is tried once more; if
/// nobody knows, nothing is tried again, because a batch must not be applied twice.
/// @par Thread safety  any thread.
class SqlRetry {
 public:
  using Group = GroupCommit::Group;
  /// Writes a group in one transaction and sets the members' results and errors. Throws CommitLost,
  /// or whatever made it fail before anything was committed.
  using Write = std::function<void(const Group&)>;
  /// Tells whether the transaction of a CommitLost was committed; nothing if that is not known.
  using WasCommitted = std::function<std::optional<bool>(const CommitLost&)>;

  /// A database that has been restarted says so at once, and so does one that refuses a batch.
  /// After this time a failed group is not tried again: clients are waiting for its answers.
  static constexpr std::chrono::steady_clock::duration patience = std::chrono::seconds(1);

  SqlRetry(Write write, WasCommitted was_committed)
      : write_(std::move(write)), was_committed_(std::move(was_committed)) {}

  /// Sets the result or the error of each member.
  void run(const Group& group) const noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  struct Attempt {
    std::exception_ptr error;
    bool is_lost = false;   // the connection was lost during the commit
    bool is_undone = true;  // nothing was committed, if there is an error
  };

  [[nodiscard]] Attempt attempt(const Group& group) const noexcept;
  static std::exception_ptr copy_of(const std::exception_ptr& error) noexcept;
  void run_alone(GroupCommit::Member& member) const noexcept;

  const Write write_;
  const WasCommitted was_committed_;
};

// ---------------------------------------------------------------------------------------------

inline void SqlRetry::run(const Group& group) const noexcept {
  const auto soon = [&group] {
    return (std::min)(Clock::now() + patience, group.front()->deadline);
  };
  auto deadline = soon();
  Attempt last = attempt(group);
  if (last.error && last.is_lost && last.is_undone) {
    deadline = soon();
    last = attempt(group);
  }
  if (!last.error) return;
  for (GroupCommit::Member* const member : group) {
    member->error = member == group.front() ? last.error : copy_of(last.error);
    if (last.is_undone && group.size() > 1 && Clock::now() <= deadline) run_alone(*member);
  }
}

// Each writer gets an exception of its own. Sharing one is correct, but the thread sanitizer
// reports its destruction as a race: the reference count is in libstdc++, which is not
// instrumented. The destruction ends in free(), called from whatever function has caught the
// exception, so no suppression is narrower than all of free().
inline std::exception_ptr SqlRetry::copy_of(const std::exception_ptr& error) noexcept {
  try {
    try {
      std::rethrow_exception(error);
    } catch (const Error& outer) {
      const Error copy(outer.code(), std::string(outer.what()), outer.thrown_at());
      try {
        std::rethrow_if_nested(outer);
      } catch (const std::exception& inner) {
        try {
          throw std::runtime_error(std::string(inner.what()));
        } catch (const std::runtime_error&) {
          std::throw_with_nested(copy);
        }
      }
      throw Error(copy);
    }
  } catch (...) {
    return std::current_exception();
  }
}

inline void SqlRetry::run_alone(GroupCommit::Member& member) const noexcept {
  try {
    const Group group{&member};
    member.error = nullptr;
    if (auto error = attempt(group).error) member.error = std::move(error);
  } catch (...) {  // no memory
    member.error = std::current_exception();
  }
}

inline SqlRetry::Attempt SqlRetry::attempt(const Group& group) const noexcept {
  Attempt attempt;
  try {
    write_(group);
  } catch (const CommitLost& lost) {
    attempt = {std::current_exception(), true, false};
    try {
      const std::optional<bool> was_committed = was_committed_(lost);
      if (was_committed == true) attempt.error = nullptr;
      if (was_committed == false) {
        attempt.error = std::make_exception_ptr(Error(
            Errc::storage, "the connection to the database was lost, and the commit is undone"));
        attempt.is_undone = true;
      }
    } catch (...) {
      // It stays unknown whether the transaction was committed.
    }
  } catch (...) {
    attempt.error = std::current_exception();
  }
  return attempt;
}

}  // namespace addrbook::detail
