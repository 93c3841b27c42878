/// SqlStore: a Store in an SQL database, over SOCI. The differences between databases are in
/// SqlEngine; sqlite.hpp and postgresql.hpp open stores. Needs SOCI.
#pragma once

#include <addrbook/base/waiting.hpp>
#include <addrbook/error.hpp>
#include <addrbook/storage/group_commit.hpp>
#include <addrbook/storage/sql_connection.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_pool.hpp>
#include <addrbook/storage/sql_retry.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// What commit() has returned is as durable as the database makes it. Concurrent writers share a
/// transaction, and readers do not wait for them.
/// @par Thread safety  any thread.
class SqlStore final : public Store {
 public:
  /// @param engine       how to reach the database; kept
  /// @param connections  the maximum, at least 1; opened when they are needed
  /// @param wait         for a call, with all its waits, if the database is remote; otherwise for a
  ///                     connection, if all are in use
  /// @throws Error{storage} if the database can't be reached or holds no address book
  SqlStore(std::unique_ptr<SqlEngine> engine, std::size_t connections,
           std::chrono::milliseconds wait);

 private:
  using Group = GroupCommit::Group;
  using Clock = std::chrono::steady_clock;

  CommitResult do_commit(Batch batch) override {
    return writers_.commit(std::move(batch),
                           engine_->is_remote() ? pool_.deadline() : GroupCommit::never);
  }
  [[nodiscard]] inline std::optional<Entry> do_find(std::string_view id) const override;
  [[nodiscard]] inline Page do_page(std::uint64_t after, PageLimit limit) const override;
  [[nodiscard]] inline BookState do_state() const override;

  // Runs `work` with a connection, and once more with another one if the first turns out to be
  // dead.
  template <class Work>
  auto on_connection(Work work, Clock::time_point deadline) const;
  template <class Work>
  auto on_connection(Work work) const {
    return on_connection(std::move(work), pool_.deadline());
  }
  [[noreturn]] void fail(SqlFault fault, const std::string& reason,
                         SourceLine thrown_at = SourceLine::here()) const;

  void write(const Group& group);
  [[nodiscard]] std::optional<bool> was_committed(const CommitLost& lost) const;
  static CommitResult apply(SqlConnection& connection, BookState& state, const Batch& batch);

  void forget_state() const {
    const std::lock_guard lock(state_mutex_);
    state_.reset();
  }
  void remember_state(const BookState& state) const {
    if (engine_->has_other_writers()) return;
    const std::lock_guard lock(state_mutex_);
    state_ = state;
  }

  const std::unique_ptr<SqlEngine> engine_;
  mutable SqlPool pool_;
  // The state in the database, while it is known: not during a commit, nor after one whose outcome
  // is unknown.
  mutable std::mutex state_mutex_;
  mutable std::optional<BookState> state_;
  SqlRetry retry_;
  GroupCommit writers_;
};

// ---------------------------------------------------------------------------------------------

inline SqlStore::SqlStore(std::unique_ptr<SqlEngine> engine, std::size_t connections,
                          std::chrono::milliseconds wait)
    : engine_(std::move(engine)),
      pool_(*engine_, connections, wait),
      retry_([this](const Group& group) { write(group); },
             [this](const CommitLost& lost) { return was_committed(lost); }),
      writers_([this](const Group& group) { retry_.run(group); }) {
  try {
    remember_state(do_page(0, {1, 1}).state);  // all that is read must be readable
  } catch (const Error& error) {
    // The outer message is made for clients. The program that opens the store needs the cause.
    std::rethrow_if_nested(error);
    throw;
  }
}

// The outer error is for clients, the nested one for the log.
inline void SqlStore::fail(SqlFault fault, const std::string& reason, SourceLine thrown_at) const {
  const std::string name = engine_->name();
  try {
    throw Error(Errc::storage, name.empty() ? reason : name + ": " + reason, thrown_at);
  } catch (const Error&) {
    switch (fault) {
      case SqlFault::full:
        std::throw_with_nested(
            Error(Errc::full, "Insufficient Storage: the disk is full", thrown_at));
      case SqlFault::disconnected:
        std::throw_with_nested(
            Error(Errc::storage, "the connection to the database was lost", thrown_at));
      case SqlFault::other: break;
    }
    std::throw_with_nested(Error(Errc::storage, "the database failed", thrown_at));
  }
}

template <class Work>
auto SqlStore::on_connection(Work work, Clock::time_point deadline) const {
  std::optional<Waiting> waiting;
  if (engine_->is_remote()) waiting.emplace();
  for (bool is_second = false;; is_second = true) {
    auto connection = pool_.take(deadline);
    const auto begin = Clock::now();
    try {
      const auto watch = engine_->watch(connection->session(), deadline);
      return work(*connection);
    } catch (const CommitLost&) {
      connection.discard();
      pool_.discard_all();
      throw;
    } catch (const StateLost&) {
      forget_state();
      connection.discard();
      pool_.discard_all();  // it is not where the others look for it either
      if (is_second) throw;
    } catch (const Error&) {
      forget_state();  // a book in memory is lost with its connection
      connection.discard();
      throw;
    } catch (const std::exception& error) {
      const SqlFault fault = engine_->fault_of(error);
      if (!engine_->reset(connection->session())) {
        forget_state();
        connection.discard();
      }
      if (fault == SqlFault::disconnected) {
        pool_.discard_all();  // a restart of the database has ended all of them
        if (!is_second && Clock::now() - begin < SqlRetry::patience) continue;
      }
      fail(fault,
           (fault == SqlFault::disconnected ? engine_->lateness(deadline) : "") + reason_of(error));
    }
  }
}

inline std::optional<Entry> SqlStore::do_find(std::string_view id) const {
  return on_connection([id](SqlConnection& connection) { return connection.find(id); });
}

inline Page SqlStore::do_page(std::uint64_t after, PageLimit limit) const {
  engine_->check_identity();
  return on_connection([=](SqlConnection& connection) {
    auto transaction = connection.begin_read();
    Page page = connection.page(after, limit);
    transaction.commit();
    return page;
  });
}

inline BookState SqlStore::do_state() const {
  {
    const std::lock_guard lock(state_mutex_);
    if (state_) return *state_;
  }
  return on_connection([](SqlConnection& connection) { return connection.state(); });
}

inline void SqlStore::write(const Group& group) {
  engine_->check_identity();
  const auto deadline = (std::min)(group.front()->deadline, pool_.deadline());
  const auto work = [&](SqlConnection& connection) {
    auto transaction = connection.begin_write();
    BookState state = connection.lock_state();
    const auto revision = state.revision;
    for (GroupCommit::Member* const member : group) {
      member->result = apply(connection, state, member->batch);
    }
    const bool is_changed = state.revision != revision;
    if (is_changed) {
      connection.set_state(state);
      forget_state();  // before readers can see what is written
    }
    try {
      const Waiting for_the_disk;
      transaction.commit();
    } catch (const std::exception& thrown) {
      if (engine_->fault_of(thrown) != SqlFault::disconnected) throw;
      std::throw_with_nested(CommitLost(connection.transaction(), deadline));
    }
    if (is_changed) remember_state(state);
  };
  on_connection(work, deadline);
}

inline CommitResult SqlStore::apply(SqlConnection& connection, BookState& state,
                                    const Batch& batch) {
  CommitResult result;
  result.epoch = state.epoch;
  result.base = state.revision;
  std::vector<std::optional<SqlConnection::Key>> keys;
  keys.reserve(batch.writes.size());
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  for (const Write& write : batch.writes) {
    const auto& key = keys.emplace_back(connection.key(write.id));
    if (!write.condition.holds(key ? std::optional(key->revision) : std::nullopt)) {
      result.outcome = CommitResult::Outcome::refused;
      result.refused = keys.size() - 1;
      return result;
    }
    added += write.document && !key ? 1U : 0U;
    removed += !write.document && key ? 1U : 0U;
  }
  if (batch.overfills(state.count, added, removed)) {
    result.outcome = CommitResult::Outcome::full;
    return result;
  }
  result.created.reserve(batch.writes.size());
  for (std::size_t i = 0; i < batch.writes.size(); ++i) {
    const auto& [id, document, condition] = batch.writes[i];
    const std::uint64_t revision = ++state.revision;
    if (document && keys[i]) {
      connection.update(keys[i]->created, revision, *document);
    } else if (document) {
      connection.insert(id, revision, *document);
    } else if (keys[i]) {
      connection.remove(keys[i]->created);
    }
    result.created.push_back(!document ? 0 : keys[i] ? keys[i]->created : revision);
  }
  state.count = state.count + added - removed;
  return result;
}

inline std::optional<bool> SqlStore::was_committed(const CommitLost& lost) const {
  const auto work = [&](SqlConnection& connection) {
    return engine_->was_committed(connection.session(), lost.transaction);
  };
  return on_connection(work, lost.deadline);
}

}  // namespace addrbook::detail
