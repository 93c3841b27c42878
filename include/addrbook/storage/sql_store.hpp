/// SqlStore: a Store in an SQL database, over SOCI. What engines differ in is behind SqlEngine:
/// see sqlite.hpp and postgresql.hpp, which open one. Needs SOCI (targets addrbook::sqlite,
/// addrbook::postgresql).
#pragma once

#include <addrbook/base/waiting.hpp>
#include <addrbook/storage/group_commit.hpp>
#include <addrbook/storage/sql_connection.hpp>
#include <addrbook/storage/sql_pool.hpp>
#include <addrbook/store.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Keeps entries in two tables, addrbook_head and addrbook_entries. What commit() has returned is
/// as durable as the database makes it; writers that come at the same time share a transaction, and
/// readers don't wait for them.
/// @par Thread safety  any thread.
class SqlStore final : public Store {
 public:
  /// @param engine       how to reach the database; kept
  /// @param connections  how many there may be, at least 1; opened as they are needed
  /// @param wait         for a connection, when all are in use
  /// @throws Error{storage} if the database can't be reached or is no address book
  SqlStore(std::unique_ptr<detail::SqlEngine> engine, std::size_t connections,
           std::chrono::milliseconds wait);

 private:
  CommitResult do_commit(Batch batch) override { return writers_.commit(std::move(batch)); }
  [[nodiscard]] std::optional<Entry> do_find(std::string_view id) const override;
  [[nodiscard]] Page do_page(std::uint64_t after, PageLimit limit) const override;
  [[nodiscard]] BookState do_state() const override;

  using Member = detail::GroupCommit::Member;
  using Group = detail::GroupCommit::Group;
  using Fault = detail::SqlFault;
  using Clock = std::chrono::steady_clock;

  // A database that has been restarted says so at once, and so does one that refuses a single
  // batch. What took longer has been tried enough: somebody waits for an answer.
  static constexpr auto at_once = std::chrono::seconds(1);

  /// The connection was lost in a commit.
  struct Unsure : Error {
    explicit Unsure(std::string name, SourceLine thrown_at = SourceLine::here())
        : Error(Errc::storage,
                "the connection to the database was lost in a commit: whether it was done is not "
                "known",
                thrown_at),
          transaction(std::move(name)) {}
    std::string transaction;
  };

  /// Runs `work` with a connection, and once more with another one if its own turns out to be dead.
  template <class Work>
  auto on_connection(Work work) const;
  [[noreturn]] void fail(Fault fault, const std::string& reason,
                         SourceLine thrown_at = SourceLine::here()) const;

  struct Attempt {
    std::exception_ptr error;
    bool is_lost = false;   // the connection, in the commit
    bool is_undone = true;  // if there is an error
  };

  void run(const Group& group, bool is_second = false) noexcept;
  Attempt try_write(const Group& group) noexcept;
  static std::exception_ptr renewed(const std::exception_ptr& error) noexcept;
  void retry(Member& member, Clock::time_point deadline) noexcept;
  void write(const Group& group);
  std::optional<bool> was_committed(const std::string& transaction) const noexcept;
  static CommitResult apply(detail::SqlConnection& connection, BookState& state,
                            const Batch& batch);

  void forget_state() const {
    const std::lock_guard lock(state_mutex_);
    state_.reset();
  }
  void remember_state(const BookState& state) const {
    if (engine_->has_other_writers()) return;
    const std::lock_guard lock(state_mutex_);
    state_ = state;
  }

  const std::unique_ptr<detail::SqlEngine> engine_;
  mutable detail::SqlPool pool_;
  // As the database has it, where it is known to be: not while it is being changed, nor after a
  // change of which nobody knows whether it was done.
  mutable std::mutex state_mutex_;
  mutable std::optional<BookState> state_;
  detail::GroupCommit writers_;
};

// ---------------------------------------------------------------------------------------------

inline SqlStore::SqlStore(std::unique_ptr<detail::SqlEngine> engine, std::size_t connections,
                          std::chrono::milliseconds wait)
    : engine_(std::move(engine)),
      pool_(*engine_, connections, wait),
      writers_([this](const Group& group) { run(group); }) {
  try {
    remember_state(state());
  } catch (const Error& error) {
    std::rethrow_if_nested(error);  // who opens it is no client, and wants to know
    throw;
  }
}

// What clients may see, and below it for the log what they may not.
inline void SqlStore::fail(Fault fault, const std::string& reason, SourceLine thrown_at) const {
  const std::string name = engine_->name();
  try {
    throw Error(Errc::storage, name.empty() ? reason : name + ": " + reason, thrown_at);
  } catch (const Error&) {
    switch (fault) {
      case Fault::full:
        std::throw_with_nested(
            Error(Errc::full, "Insufficient Storage: the disk is full", thrown_at));
      case Fault::disconnected:
        std::throw_with_nested(
            Error(Errc::storage, "the connection to the database was lost", thrown_at));
      case Fault::other: break;
    }
    std::throw_with_nested(Error(Errc::storage, "the database failed", thrown_at));
  }
}

template <class Work>
auto SqlStore::on_connection(Work work) const {
  std::optional<detail::Waiting> waiting;
  if (engine_->is_remote()) waiting.emplace();
  for (bool is_second = false;; is_second = true) {
    auto connection = pool_.take();
    const auto begin = Clock::now();
    try {
      const auto watch = engine_->watch(connection->session());
      return work(*connection);
    } catch (const Unsure&) {
      connection.discard();
      pool_.discard_all();
      throw;
    } catch (const Error&) {
      forget_state();  // a book in memory goes with its connection
      connection.discard();
      throw;
    } catch (const std::exception& error) {
      const Fault fault = engine_->fault_of(error);
      if (!engine_->mend(connection->session())) {
        forget_state();
        connection.discard();
      }
      if (fault == Fault::disconnected) {
        pool_.discard_all();  // a database that has been restarted has ended them all
        if (!is_second && Clock::now() - begin < at_once) continue;
      }
      fail(fault, detail::reason_of(error));
    }
  }
}

inline std::optional<Entry> SqlStore::do_find(std::string_view id) const {
  return on_connection([id](detail::SqlConnection& connection) { return connection.find(id); });
}

inline Page SqlStore::do_page(std::uint64_t after, PageLimit limit) const {
  engine_->check_place();
  return on_connection([=](detail::SqlConnection& connection) {
    connection.begin_read();
    Page page = connection.page(after, limit);
    connection.commit();
    return page;
  });
}

inline BookState SqlStore::do_state() const {
  {
    const std::lock_guard lock(state_mutex_);
    if (state_) return *state_;
  }
  return on_connection([](detail::SqlConnection& connection) { return connection.state(); });
}

// Commits a group in one transaction. If that fails, each batch on its own: not all have to suffer
// for what may be the fault of one. What a lost connection has undone is done again, once.
inline void SqlStore::run(const Group& group, bool is_second) noexcept {
  const auto deadline = Clock::now() + at_once;
  const Attempt attempt = try_write(group);
  if (!attempt.error) return;
  if (attempt.is_lost && attempt.is_undone && !is_second) return run(group, true);
  const bool may_retry = attempt.is_undone && group.size() > 1;
  for (Member* const member : group) {
    member->error = member == group.front() ? attempt.error : renewed(attempt.error);
    if (may_retry) retry(*member, deadline);
  }
}

inline SqlStore::Attempt SqlStore::try_write(const Group& group) noexcept {
  Attempt attempt;
  try {
    write(group);
  } catch (const Unsure& unsure) {
    attempt.is_lost = true;
    const auto was_done = was_committed(unsure.transaction);
    if (was_done == true) return attempt;
    attempt.is_undone = was_done == false;
    attempt.error = attempt.is_undone
                        ? std::make_exception_ptr(Error(
                              Errc::storage,
                              "the connection to the database was lost, and the commit is undone"))
                        : std::current_exception();
  } catch (...) {
    attempt.error = std::current_exception();
  }
  return attempt;
}

// Writers get errors of their own. To share one is allowed, but whose thread ends it last is
// counted within the standard library, where a thread sanitizer doesn't look.
inline std::exception_ptr SqlStore::renewed(const std::exception_ptr& error) noexcept {
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

inline void SqlStore::retry(Member& member, Clock::time_point deadline) noexcept {
  if (Clock::now() > deadline) return;
  try {
    const Group group{&member};
    member.error = nullptr;
    run(group, true);
  } catch (...) {  // no memory for that
    member.error = std::current_exception();
  }
}

inline void SqlStore::write(const Group& group) {
  engine_->check_place();
  on_connection([&](detail::SqlConnection& connection) {
    connection.begin_write();
    BookState state = connection.lock_state();
    const auto revision = state.revision;
    for (Member* const member : group) member->result = apply(connection, state, member->batch);
    const bool is_changed = state.revision != revision;
    if (is_changed) {
      connection.set_state(state);
      forget_state();  // before readers can see what has been written
    }
    try {
      const detail::Waiting for_the_disk;
      connection.commit();
    } catch (const std::exception& thrown) {
      if (engine_->fault_of(thrown) != Fault::disconnected) throw;
      std::throw_with_nested(Unsure(connection.transaction()));
    }
    if (is_changed) remember_state(state);
  });
}

inline CommitResult SqlStore::apply(detail::SqlConnection& connection, BookState& state,
                                    const Batch& batch) {
  CommitResult result;
  result.epoch = state.epoch;
  result.base = state.revision;
  std::vector<std::optional<detail::SqlConnection::Key>> keys;
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
    added += write.document && !key ? 1 : 0;
    removed += !write.document && key ? 1 : 0;
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

inline std::optional<bool> SqlStore::was_committed(const std::string& transaction) const noexcept {
  try {
    return on_connection([&](detail::SqlConnection& connection) {
      return engine_->was_committed(connection.session(), transaction);
    });
  } catch (...) {
    return std::nullopt;
  }
}

}  // namespace addrbook
