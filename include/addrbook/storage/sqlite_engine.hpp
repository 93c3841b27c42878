/// SqliteEngine: SQLite as an SqlEngine. Needs SOCI with its SQLite backend, and SQLite >= 3.35
/// (target addrbook::sqlite).
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/options.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/storage/sql_writer.hpp>
#include <addrbook/storage/sqlite_file.hpp>
#include <addrbook/storage/sqlite_index.hpp>
#include <addrbook/storage/sqlite_lock.hpp>
#include <addrbook/storage/sqlite_open_books.hpp>
#include <addrbook/text.hpp>
#include <addrbook/unicode_text.hpp>

#include <sqlite3.h>

// SOCI's header includes sqlite3.h within this namespace, which has no effect if it is included
// already. SOCI first would hide SQLite from the host instead.
namespace sqlite_api {
using ::sqlite3;
using ::sqlite3_destructor_type;
using ::sqlite3_int64;
using ::sqlite3_stmt;
}  // namespace sqlite_api
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Runs `work`. What another library throws becomes an Error that names the file, and what is wrong
/// with its place.
template <class Work>
auto naming(const std::string& path, Work work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    const std::string hindrance = SqliteFile::hindrance(path);
    const std::string reason = reason_of(error);
    throw Error(Errc::storage, "'" + path + "': " +
                                   (hindrance.empty() ? reason : hindrance + " (" + reason + ")"));
  }
}

class SqliteEngine final : public SqlEngine {
 public:
  SqliteEngine(const std::string& path, SqliteOptions options);

  [[nodiscard]] inline const SqlTexts& texts() const override;
  [[nodiscard]] inline std::unique_ptr<soci::session> connect(Clock::time_point) override;
  [[nodiscard]] std::unique_ptr<SqlWriter> writer(soci::session& session) const override {
    return std::make_unique<SqlStepWriter>(session, texts().begin_write,
                                           std::make_unique<SqliteIndex>(session), folding());
  }
  [[nodiscard]] const Folding& folding() const noexcept override { return *folding_; }
  [[nodiscard]] const MigrationProgress& progress() const noexcept override {
    return options_.migration;
  }
  [[nodiscard]] inline SqlFault fault_of(const std::exception& thrown) const override;
  inline bool reset(soci::session& session, const std::exception& thrown) const noexcept override;
  inline void abandon(soci::statement& query) const override;
  [[nodiscard]] inline std::optional<bool> was_committed(
      soci::session& session, const std::string& transaction) const override;
  [[nodiscard]] bool has_other_writers() const noexcept override { return false; }
  inline void check_identity() const override;
  [[nodiscard]] bool is_remote() const noexcept override { return false; }
  [[nodiscard]] std::string name() const override { return file_ ? "'" + file_->path() + "'" : ""; }

  [[nodiscard]] static const SqlTables& tables();
  /// @returns a connection without the settings of connect(), except that it waits for locks of
  ///          other processes
  [[nodiscard]] static std::unique_ptr<soci::session> open(const std::string& path);
  [[nodiscard]] static long long pragma(soci::session& session, const std::string& name);
  /// Makes the tables in an empty database.
  static void make_tables(soci::session& session);
  /// Migrates the tables of an older version.
  static void update_tables(soci::session& session, const MigrationProgress& progress);
  /// @throws Error{storage} if this library does not know the version
  static void check_version(const SqliteFile& file, long long version);
  /// @throws Error{storage} if the database is corrupt
  static void check_integrity(const SqliteFile& file, soci::session& session);

  /// @throws Error{invalid} for a book in memory
  static void check_is_file(const std::string& path) {
    if (is_in_memory(path)) throw Error(Errc::invalid, "a book in memory has no file");
  }
  static bool is_in_memory(const std::string& path) { return path.empty() || path == ":memory:"; }

 private:
  static sqlite3* handle(soci::session& session) {
    return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
  }

  static void use_log(const std::string& path, soci::session& session);
  inline void save_log() const;

  /// A file that belongs to the book.
  struct Part {
    std::string path;
    FileId id;
  };

  const SqliteOptions options_;
  const std::shared_ptr<const Folding> folding_;
  std::optional<SqliteFile> file_;
  std::optional<SqliteLock> lock_;
  // While a connection is open, SQLite neither removes the log nor begins another one. Used only
  // with the mutex.
  std::unique_ptr<soci::session> keeper_;
  mutable std::mutex keeper_mutex_;
  std::vector<Part> parts_;  // the book first
};

// ---------------------------------------------------------------------------------------------

inline const SqlTables& SqliteEngine::tables() {
  static const SqlTables tables([] {
    SqlTables::Dialect dialect;
    dialect.integer = "INTEGER";
    dialect.text = "TEXT";
    dialect.random_epoch = "lower(hex(randomblob(8)))";
    dialect.is_uuid_7 = "length(id) = 32 AND id NOT GLOB '*[^0-9a-f]*' AND substr(id, 13, 1) = '7'";
    constexpr int digits = 12;
    for (int digit = 1; digit <= digits; ++digit) {
      dialect.time_of_uuid += (digit == 1 ? "((instr('123456789abcdef', substr(id, "
                                          : " | (instr('123456789abcdef', substr(id, ") +
                              std::to_string(digit) + ", 1)) << " +
                              std::to_string(4 * (digits - digit)) + ")";
    }
    dialect.time_of_uuid += ")";
    dialect.search_tables = SqliteIndex::table();
    dialect.from_version_4 = SqliteIndex::from_version_4();
    return dialect;
  }());
  return tables;
}

inline SqliteEngine::SqliteEngine(const std::string& path, SqliteOptions options)
    : options_(std::move(options)),
      folding_(options_.folding ? options_.folding : unicode_folding()) {
  if (is_in_memory(path)) return;
  file_.emplace(path);
  lock_.emplace(*file_);
  if (file_->exists()) {
    file_->remove_leftovers();
  } else {
    file_->make([](const std::string& name) { make_tables(*open(name)); });
    lock_->keep();
  }
  lock_->lock_book(*file_);
  keeper_ = open(file_->path());
  check_version(*file_, pragma(*keeper_, "user_version"));
  lock_->keep();
  update_tables(*keeper_, options_.migration);
  use_log(file_->path(), *keeper_);
  for (const char* const suffix : {"", "-wal", "-shm"}) {
    const std::string part = file_->path() + suffix;
    const auto id = FileId::of(part);
    if (!id) file_->fail_by_errno("there is no '" + part + "'");
    parts_.push_back({part, *id});
  }
}

inline std::unique_ptr<soci::session> SqliteEngine::open(const std::string& path) {
  auto session = std::make_unique<soci::session>(soci::sqlite3, SqliteFile::connect_string(path));
  ::sqlite3_extended_result_codes(handle(*session), 1);
  constexpr int milliseconds = 5000;
  ::sqlite3_busy_timeout(handle(*session), milliseconds);
  return session;
}

inline long long SqliteEngine::pragma(soci::session& session, const std::string& name) {
  long long value = 0;
  session << "PRAGMA " + name, soci::into(value);
  return value;
}

inline void SqliteEngine::make_tables(soci::session& session) {
  SqlTransaction transaction(session);
  tables().migrate(session, 0);
  session << "PRAGMA application_id = " + std::to_string(SqliteFile::application_id);
  session << "PRAGMA user_version = " + std::to_string(SqlTables::version);
  transaction.commit();
}

inline void SqliteEngine::update_tables(soci::session& session, const MigrationProgress& progress) {
  const auto version = pragma(session, "user_version");
  if (version == SqlTables::version) return;
  SqlTransaction transaction(session, "BEGIN IMMEDIATE");
  tables().migrate(session, static_cast<int>(version), progress);
  session << "PRAGMA user_version = " + std::to_string(SqlTables::version);
  transaction.commit();
}

inline void SqliteEngine::check_version(const SqliteFile& file, long long version) {
  if (version < 1 || version > SqlTables::version) {
    SqlTables::refuse("'" + file.path() + "':", version);
  }
}

inline void SqliteEngine::check_integrity(const SqliteFile& file, soci::session& session) {
  std::string finding;
  session << "PRAGMA integrity_check(1)", soci::into(finding);
  if (finding != "ok") file.fail("is corrupt: " + finding);
}

inline std::unique_ptr<soci::session> SqliteEngine::connect(Clock::time_point) {
  check_identity();  // before opening, which would make a missing file
  auto session = open(file_ ? file_->path() : ":memory:");
  if (file_) use_log(file_->path(), *session);
  check_identity();
  *session << "PRAGMA synchronous = FULL";
  constexpr std::size_t kibibyte = 1024;
  *session << "PRAGMA cache_size = -" + std::to_string(options_.page_cache_bytes / kibibyte);
  // In pages: 16 MiB of log. Writers to many books have a page each in it, and before it goes into
  // the file, most of these are written again. With SQLite's 1000, such writers have a quarter
  // less.
  *session << "PRAGMA wal_autocheckpoint = 4000";
  // A burst of writes leaves a large WAL file. SQLite truncates it to this size.
  *session << "PRAGMA journal_size_limit = 67108864";
  *session << "PRAGMA trusted_schema = OFF";
  if (!file_) make_tables(*session);
  return session;
}

inline void SqliteEngine::use_log(const std::string& path, soci::session& session) {
  std::string mode;
  session << "PRAGMA journal_mode = WAL", soci::into(mode);
  if (mode != "wal") throw Error(Errc::storage, "'" + path + "': can't be put into WAL mode");
  static_cast<void>(pragma(session, "user_version"));  // a read opens the log
}

// Otherwise writes would go to a file that nothing can find any more.
inline void SqliteEngine::check_identity() const {
  for (const Part& part : parts_) {
    if (FileId::of(part.path) == part.id) continue;
    const std::string what = " has been moved, deleted or replaced while it was open";
    if (&part == &parts_.front()) file_->fail(what.substr(1));
    save_log();
    file_->fail("'" + part.path + "'" + what +
                "; stop the server: it writes all that it knows into the book");
  }
}

// What is in a log that nothing can find any more goes into the book, so that a kill loses nothing.
inline void SqliteEngine::save_log() const {
  const std::lock_guard lock(keeper_mutex_);
  ::sqlite3_wal_checkpoint_v2(handle(*keeper_), nullptr, SQLITE_CHECKPOINT_FULL, nullptr, nullptr);
}

inline const SqlTexts& SqliteEngine::texts() const {
  static const SqlTexts texts{
      "BEGIN",
      "BEGIN IMMEDIATE",
      "",  // the transaction has the file's only lock
      "",
      "''",  // a commit is not lost
      // Rows are fetched one by one, so there is no need to limit their bytes.
      "SELECT id, key, revision, created_at, updated_at, document FROM addrbook_entries "
      "WHERE key > :after AND key < :before AND :bytes >= 0 ORDER BY key LIMIT :entries",
      "SELECT id, key, revision, created_at, updated_at, document FROM addrbook_entries "
      "WHERE key = :keys AND :bytes >= 0",
      "",
      "length(CAST(document AS BLOB))",
      {"\"", "\"", " *", " AND ", " OR ", " NOT "},
      "addrbook_terms",
      "addrbook_terms.rowid",
      "addrbook_terms MATCH :words",
      "addrbook_terms MATCH :exact",
      "addrbook_terms MATCH '(' || :words || ') AND (' || :exact || ')'",
      false,
      "addrbook_order",
      {},
      "",
      {"INSERT INTO addrbook_terms (addrbook_terms) VALUES ('delete-all')",
       "DELETE FROM addrbook_search"},
      {},
      "1 = 1",
      "1 = 1"};
  return texts;
}

inline SqlFault SqliteEngine::fault_of(const std::exception& thrown) const {
  const auto* const error = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown);
  if (error == nullptr) return SqlFault::other;
  constexpr int primary = 0xff;
  return (error->result() & primary) == SQLITE_FULL ? SqlFault::full : SqlFault::other;
}

// After a fault of the disk FTS5 may hold on to pages that have been rolled back, and then takes
// the index for malformed. A connection to memory is all that there is of a book.
inline bool SqliteEngine::reset(soci::session& session,
                                const std::exception& thrown) const noexcept {
  const auto* const error = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown);
  constexpr int primary = 0xff;
  const int code = error == nullptr ? SQLITE_OK : error->result() & primary;
  const bool is_of_disk =
      code == SQLITE_IOERR || code == SQLITE_FULL || code == SQLITE_NOMEM || code == SQLITE_CORRUPT;
  if (file_ && is_of_disk) return false;
  ::sqlite3* const database = handle(session);
  for (auto* each = ::sqlite3_next_stmt(database, nullptr); each != nullptr;
       each = ::sqlite3_next_stmt(database, each)) {
    ::sqlite3_reset(each);
  }
  return ::sqlite3_get_autocommit(database) != 0 ||
         ::sqlite3_exec(database, "ROLLBACK", nullptr, nullptr, nullptr) == SQLITE_OK;
}

inline void SqliteEngine::abandon(soci::statement& query) const {
  ::sqlite3_reset(static_cast<soci::sqlite3_statement_backend*>(query.get_backend())->stmt_);
}

inline std::optional<bool> SqliteEngine::was_committed(soci::session&, const std::string&) const {
  return std::nullopt;  // a connection to a file is not lost
}

}  // namespace addrbook::detail
