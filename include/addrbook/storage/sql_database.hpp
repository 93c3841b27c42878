/// SqlDatabase: what all books in an SQL database share: connections, group commit, memory. Needs
/// SOCI.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/base/waiting.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/contacts/terms.hpp>
#include <addrbook/error.hpp>
#include <addrbook/query.hpp>
#include <addrbook/storage/book_states.hpp>
#include <addrbook/storage/entry_cache.hpp>
#include <addrbook/storage/group_commit.hpp>
#include <addrbook/storage/index_terms.hpp>
#include <addrbook/storage/revision_poll.hpp>
#include <addrbook/storage/sql_catalog.hpp>
#include <addrbook/storage/sql_connection.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_indexer.hpp>
#include <addrbook/storage/sql_pool.hpp>
#include <addrbook/storage/sql_retry.hpp>
#include <addrbook/storage/sql_writer.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/storage/sweeper.hpp>
#include <addrbook/storage/write_plan.hpp>
#include <addrbook/store.hpp>
#include <addrbook/text.hpp>

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

/// How a database is used.
struct SqlUse {
  std::size_t connections = 1;  ///< the maximum, at least 1; opened when they are needed
  /// For a call, with all its waits, if the database is remote; otherwise for a connection, if all
  /// are in use.
  std::chrono::milliseconds wait{};
  std::size_t cache_bytes = 0;  ///< for entries; 0: none are kept
};

/// What a commit has returned is as durable as the database makes it. Concurrent writers share a
/// transaction, and readers do not wait for them. Where a book is named and there is no such book,
/// throws BookGone.
/// @par Thread safety  any thread.
class SqlDatabase : private Pinned {
 public:
  /// @param engine  how to reach the database; kept
  /// @throws Error{storage} if the database can't be reached or holds no books
  SqlDatabase(std::unique_ptr<SqlEngine> engine, const SqlUse& use);

  CommitResult commit(BookId book, Batch batch);
  [[nodiscard]] std::optional<Entry> find(BookId book, std::string_view id);
  [[nodiscard]] std::vector<std::optional<Entry>> find_many(
      BookId book, const std::vector<std::string_view>& ids, std::size_t max_bytes);
  [[nodiscard]] Page page(BookId book, std::uint64_t after, PageLimit limit);
  [[nodiscard]] BookState state(BookId book);
  /// See Store
  /// @{
  [[nodiscard]] QueryPage select(BookId book, const Query& query,
                                 const std::optional<Position>& after, PageLimit limit);
  [[nodiscard]] std::uint64_t count(BookId book, const Query& query);
  [[nodiscard]] std::vector<std::optional<SameEntry>> find_same(
      BookId book, const std::vector<Identity>& identities);
  [[nodiscard]] ChangePage changes(BookId book, std::uint64_t after, PageLimit limit,
                                   std::uint64_t removals_after);
  /// @}
  [[nodiscard]] const Folding& folding() const noexcept { return engine_->folding(); }

  /// Deletes what removed books have left.
  [[nodiscard]] Sweeper& sweeper() noexcept { return sweeper_; }

  /// Finds out what others write; null: nobody else does.
  [[nodiscard]] RevisionPoll* poll() noexcept { return poll_ ? &*poll_ : nullptr; }

  /// The books that are in use.
  [[nodiscard]] BookStates& states() noexcept { return states_; }
  /// Null: there is none.
  [[nodiscard]] EntryCache* cache() noexcept { return cache_ ? &*cache_ : nullptr; }

  /// Counts what is thrown to those who use the database.
  [[nodiscard]] StorageFaults& faults() noexcept { return faults_; }
  [[nodiscard]] StorageStatistics statistics() const {
    StorageStatistics now{this, writers_.counts(), std::nullopt, faults_.read()};
    if (cache_) now.entry_cache = cache_->counts();
    now.connections_in_use = pool_.in_use();
    now.max_connections = pool_.capacity();
    return now;
  }

  /// Runs `work(catalog)`. @returns its result
  template <class Work>
  auto read_catalog(Work work) {
    return on_connection([&](SqlConnection& connection) {
      SqlCatalog catalog(connection);
      return work(catalog);
    });
  }
  /// Runs `work(catalog)` in a transaction that writes, again if it has failed and that may help.
  /// @returns its result, if the transaction was committed
  template <class Work>
  auto write_catalog(Work work);

 private:
  using Group = GroupCommit::Group;
  using Clock = std::chrono::steady_clock;
  using WriteLock = std::unique_lock<std::mutex>;

  // Runs `work` with a connection, and once more with another one if the first turns out to be
  // dead.
  template <class Work>
  auto on_connection(Work work, Clock::time_point deadline);
  template <class Work>
  auto on_connection(Work work) {
    return on_connection(std::move(work), pool_.deadline());
  }
  [[noreturn]] void fail(SqlFault fault, const std::string& reason,
                         SourceLine thrown_at = SourceLine::here()) const;

  template <class Work>
  auto read(Work work);
  void make_index();
  void write(const Group& group);
  void write(SqlConnection& connection, const Group& group, Clock::time_point deadline);
  template <class Commit>
  void commit(Commit commit, const std::string& name, Clock::time_point deadline);
  [[nodiscard]] std::optional<bool> was_committed(const CommitLost& lost);
  [[nodiscard]] WriteLock take_turn();

  const std::unique_ptr<SqlEngine> engine_;
  SqlPool pool_;
  // Known unless anything else may write to the database, and until a commit or a fault.
  BookStates states_;
  std::optional<EntryCache> cache_;
  // Where nothing else writes to the database, those that write take turns: what is remembered
  // after a commit must be what the next one finds.
  std::mutex turn_;
  SqlRetry retry_;
  GroupCommit writers_;
  StorageFaults faults_;
  // Their threads end first.
  Sweeper sweeper_;
  std::optional<RevisionPoll> poll_;
};

// ---------------------------------------------------------------------------------------------

// The outer error is for clients, the nested one for the log.
inline void SqlDatabase::fail(SqlFault fault, const std::string& reason,
                              SourceLine thrown_at) const {
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
auto SqlDatabase::on_connection(Work work, Clock::time_point deadline) {
  std::optional<Waiting> waiting;
  if (engine_->is_remote()) waiting.emplace();
  for (bool is_second = false;; is_second = true) {
    auto connection = pool_.take(deadline);
    const auto begin = Clock::now();
    try {
      const auto watch = engine_->watch(connection->session(), deadline);
      return work(*connection);
    } catch (const BookGone&) {
      throw;
    } catch (const CommitLost&) {
      connection.discard();
      pool_.discard_all();
      throw;
    } catch (const StateLost&) {
      states_.forget_all();
      connection.discard();
      pool_.discard_all();  // it is not where the others look for it either
      if (is_second) throw;
    } catch (const Error&) {
      states_.forget_all();
      connection.discard();
      throw;
    } catch (const std::exception& error) {
      const SqlFault fault = engine_->fault_of(error);
      if (!engine_->reset(connection->session(), error)) {
        states_.forget_all();
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

inline CommitResult SqlDatabase::commit(BookId book, Batch batch) {
  std::optional<EntryCache::Writing> writing;
  if (cache_) writing.emplace(*cache_, book.number).begin(batch.writes);
  // Here, and not where others wait for the writer.
  std::vector<std::optional<IndexTerms>> terms(batch.writes.size());
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const auto& document = batch.writes[i].document;
    if (document) terms[i].emplace(book.number, *document, folding());
  }
  return writers_.commit(std::move(batch),
                         engine_->is_remote() ? pool_.deadline() : GroupCommit::never, book,
                         std::move(terms));
}

inline std::optional<Entry> SqlDatabase::find(BookId book, std::string_view id) {
  const auto load = [&] {
    return on_connection([&](SqlConnection& connection) { return connection.find(book, id); });
  };
  return cache_ ? cache_->find(book.number, id, load) : load();
}

inline std::vector<std::optional<Entry>> SqlDatabase::find_many(
    BookId book, const std::vector<std::string_view>& ids, std::size_t max_bytes) {
  const auto load = [&](const std::vector<std::string_view>& missing, std::size_t room) {
    return on_connection(
        [&](SqlConnection& connection) { return connection.find_many(book, missing, room); });
  };
  return cache_ ? cache_->find_many(book.number, ids, max_bytes, load) : load(ids, max_bytes);
}

/// Runs `work(connection)`, which sees one moment. @returns its result
template <class Work>
auto SqlDatabase::read(Work work) {
  engine_->check_identity();
  return on_connection([&](SqlConnection& connection) {
    auto transaction = connection.begin_read();
    auto result = work(connection);
    transaction.commit();
    return result;
  });
}

inline Page SqlDatabase::page(BookId book, std::uint64_t after, PageLimit limit) {
  return read([&](SqlConnection& connection) { return connection.page(book, after, limit); });
}

inline QueryPage SqlDatabase::select(BookId book, const Query& query,
                                     const std::optional<Position>& after, PageLimit limit) {
  const Search search(query, folding());
  const SqlPool::Search place(pool_, pool_.deadline());
  return read([&](SqlConnection& connection) {
    return connection.select(book, query, search, after, limit);
  });
}

inline std::vector<std::optional<SameEntry>> SqlDatabase::find_same(
    BookId book, const std::vector<Identity>& identities) {
  return read([&](SqlConnection& connection) { return connection.find_same(book, identities); });
}

inline std::uint64_t SqlDatabase::count(BookId book, const Query& query) {
  const Search search(query, folding());
  const SqlPool::Search place(pool_, pool_.deadline());
  return read([&](SqlConnection& connection) { return connection.count(book, search); });
}

inline ChangePage SqlDatabase::changes(BookId book, std::uint64_t after, PageLimit limit,
                                       std::uint64_t removals_after) {
  const SqlPool::Search place(pool_, pool_.deadline());
  return read([&](SqlConnection& connection) {
    return connection.changes(book, after, limit, removals_after, folding());
  });
}

// Each slice is committed, so that a start that is killed loses no more than one.
inline void SqlDatabase::make_index() {
  constexpr auto long_enough = std::chrono::hours(24);
  SqlIndexer indexer(folding(), engine_->progress());
  // With the time of a call: this makes the connection.
  bool is_more =
      on_connection([&](SqlConnection& connection) { return !indexer.is_complete(connection); });
  while (is_more) {
    const auto turn = take_turn();
    on_connection(
        [&](SqlConnection& connection) {
          auto transaction = connection.begin_write();
          is_more = indexer.work(connection);
          transaction.commit();
        },
        Clock::now() + long_enough);
  }
}

inline BookState SqlDatabase::state(BookId book) {
  if (const auto known = states_.get(book.number)) return *known;
  return on_connection([=](SqlConnection& connection) { return connection.state(book); });
}

inline SqlDatabase::WriteLock SqlDatabase::take_turn() {
  if (engine_->has_other_writers()) return {};
  WriteLock turn(turn_, std::try_to_lock);
  if (!turn) {
    const Waiting waiting;
    turn.lock();
  }
  return turn;
}

inline void SqlDatabase::write(const Group& group) {
  const auto turn = take_turn();
  engine_->check_identity();
  const auto deadline = (std::min)(group.front()->deadline, pool_.deadline());
  on_connection([&](SqlConnection& connection) { write(connection, group, deadline); }, deadline);
}

inline void SqlDatabase::write(SqlConnection& connection, const Group& group,
                               Clock::time_point deadline) {
  WritePlan plan(group);
  if (!engine_->has_other_writers()) {
    for (auto& [id, book] : plan.books()) book.state = states_.get(id.number);
  }
  SqlWriter& writer = connection.writer();
  writer.read(plan);
  for (const auto& [id, book] : plan.books()) {
    if (!book.state) connection.check_store();  // or the book would seem to be gone
  }
  plan.make();
  writer.write(plan);
  for (const auto& [id, book] : plan.books()) {  // before readers can see what is written
    if (book.is_changed) states_.set(id.number, std::nullopt);
  }
  commit([&] { writer.commit(); }, writer.transaction(), deadline);
  if (engine_->has_other_writers()) return;
  for (const auto& [id, book] : plan.books()) states_.set(id.number, book.state);
}

template <class Commit>
void SqlDatabase::commit(Commit commit, const std::string& name, Clock::time_point deadline) {
  try {
    const Waiting for_the_disk;
    commit();
  } catch (const std::exception& thrown) {
    if (engine_->fault_of(thrown) != SqlFault::disconnected) throw;
    std::throw_with_nested(CommitLost(name, deadline));
  }
}

template <class Work>
auto SqlDatabase::write_catalog(Work work) {
  const auto deadline = pool_.deadline();
  for (bool is_second = false;; is_second = true) {
    const auto turn = take_turn();
    engine_->check_identity();
    std::optional<decltype(work(std::declval<SqlCatalog&>()))> result;
    try {
      on_connection(
          [&](SqlConnection& connection) {
            auto transaction = connection.begin_write();
            SqlCatalog catalog(connection);
            result = work(catalog);
            commit([&] { transaction.commit(); }, catalog.transaction(), deadline);
          },
          deadline);
      return *std::move(result);
    } catch (const CommitLost& lost) {
      std::optional<bool> is_done;
      try {
        is_done = was_committed(lost);
      } catch (const Error&) {
        // It stays unknown.
      }
      if (is_done == true) return *std::move(result);
      if (is_done != false || is_second) throw;
    }
  }
}

inline std::optional<bool> SqlDatabase::was_committed(const CommitLost& lost) {
  const auto work = [&](SqlConnection& connection) {
    return engine_->was_committed(connection.session(), lost.transaction);
  };
  return on_connection(work, lost.deadline);
}

inline SqlDatabase::SqlDatabase(std::unique_ptr<SqlEngine> engine, const SqlUse& use)
    : engine_(std::move(engine)),
      pool_(*engine_, use.connections, use.wait),
      retry_([this](const Group& group) { write(group); },
             [this](const CommitLost& lost) { return was_committed(lost); }),
      writers_([this](const Group& group) { retry_.run(group); }, GroupCommit::default_max_writes,
               engine_->has_other_writers() ? GroupCommit::Groups::of_each_book
                                            : GroupCommit::Groups::of_all_books),
      sweeper_([this] { return write_catalog([](SqlCatalog& books) { return books.sweep(); }); }) {
  if (use.cache_bytes != 0) cache_.emplace(use.cache_bytes);
  if (engine_->has_other_writers()) {
    poll_.emplace([this](const std::vector<std::uint64_t>& books) {
      return read_catalog([&](SqlCatalog& catalog) { return catalog.states(books); });
    });
  }
  try {
    engine_->prepare();
    make_index();
    on_connection([this](SqlConnection& connection) {  // all that is read must be readable
      connection.check_store();
      static_cast<void>(SqlCatalog(connection).list({}, 1));
      static_cast<void>(connection.entries({}, 0, {1, 1}));
      if (SqlCatalog(connection).has_leftovers()) sweeper_.wake();
    });
  } catch (const Error& error) {
    // The outer message is made for clients. The program that opens the database needs the cause.
    std::rethrow_if_nested(error);
    throw;
  }
}

}  // namespace addrbook::detail
