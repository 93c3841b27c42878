/// SQLite as the book's storage: one file, one process that writes to it. Needs SOCI with its
/// SQLite backend, and SQLite >= 3.35 (target addrbook::sqlite).
///
/// Linux, and other systems that have flock(2).
#pragma once

#include <addrbook/cached_store.hpp>
#include <addrbook/error.hpp>
#include <addrbook/options.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_store.hpp>
#include <addrbook/storage/sqlite_file.hpp>
#include <addrbook/store.hpp>

#include <sqlite3.h>

// SOCI's header includes sqlite3.h in this namespace, and is disappointed if it has been included
// before.
namespace sqlite_api {
using ::sqlite3;
using ::sqlite3_destructor_type;
using ::sqlite3_int64;
using ::sqlite3_stmt;
}  // namespace sqlite_api
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <sys/stat.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace addrbook {

/// Opens the book in a file, or makes it: with mode 0600, in a folder that exists. Beside it there
/// are `<path>-wal` and `<path>-shm`, which belong to it, and `<path>-lock`.
///
/// What commit() has returned is on the disk (WAL, synchronous=FULL), and survives a crash of the
/// process, the system or the power. A book of an older version of the library is brought forward.
/// @param path  "" and ":memory:" are books that go with the store
/// @throws Error{storage} naming the file: another process has it open for writing; it is no
///         address book, or a newer version's; it can't be read or made. It is left as it is then.
/// @throws Error{invalid} a path that SOCI has no way to say: with NUL, or with '=' and '"'
[[nodiscard]] inline std::shared_ptr<Store> open_sqlite(const std::string& path,
                                                        SqliteOptions options = {});

/// Copies a book to a new file, mode 0600, as it is at one moment; whoever uses it, this process or
/// another, goes on meanwhile. The copy is checked and on the disk before it gets its name; until
/// then it is `<copy>.` and six characters, which is left behind if the process is killed.
/// @throws Error{storage} naming the file, e.g. that there is something at `copy` already
/// @par Cost  reads and writes the book once, and reads the copy; its writers don't wait
inline void backup_sqlite(const std::string& path, const std::string& copy);

/// Makes a book of a backup's entries, with a new epoch: revisions that clients know from after the
/// backup mean something else now.
/// @param path  where nothing is yet: what is to be replaced must be moved away first
/// @throws Error{storage} naming the file
inline void restore_sqlite(const std::string& copy, const std::string& path);

// ---------------------------------------------------------------------------------------------

namespace detail {

/// Does `work`; what another library throws is an Error that names the file.
template <class Work>
auto naming(const std::string& path, Work work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(Errc::storage, "'" + path + "': " + reason_of(error));
  }
}

class SqliteEngine final : public SqlEngine {
 public:
  SqliteEngine(const std::string& path, const SqliteOptions& options);

  [[nodiscard]] const SqlTexts& texts() const override;
  [[nodiscard]] std::unique_ptr<soci::session> connect() override;
  [[nodiscard]] SqlFault fault_of(const std::exception& thrown) const override;
  bool mend(soci::session& session) const noexcept override;
  void abandon(soci::statement& query) const override;
  [[nodiscard]] std::optional<bool> was_committed(soci::session& session,
                                                  const std::string& transaction) const override;
  [[nodiscard]] bool has_other_writers() const noexcept override { return false; }
  void check_place() const override;
  [[nodiscard]] bool is_remote() const noexcept override { return false; }
  [[nodiscard]] std::string name() const override { return file_ ? "'" + file_->path() + "'" : ""; }

  [[nodiscard]] static const SqlSchema& schema();
  /// A connection with nothing set but that it waits where another process is in the way.
  [[nodiscard]] static std::unique_ptr<soci::session> open(const std::string& path);
  [[nodiscard]] static long long pragma(soci::session& session, const std::string& name);
  /// Makes the tables in an empty database.
  static void make_tables(soci::session& session);
  /// @throws Error{storage} for a version that this library doesn't know
  static void check_version(const SqliteFile& file, long long version);
  /// @throws Error{storage} for one that is not sound
  static void check_integrity(const SqliteFile& file, soci::session& session);

  /// @throws Error{invalid} for what has none
  static void check_is_file(const std::string& path) {
    if (is_in_memory(path)) throw Error(Errc::invalid, "a book in memory has no file");
  }
  static bool is_in_memory(const std::string& path) { return path.empty() || path == ":memory:"; }

 private:
  static sqlite3* handle(soci::session& session) {
    return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
  }

  /// Which file it is, whatever its name.
  struct Identity {
    dev_t device;
    ino_t number;
  };
  [[nodiscard]] static std::optional<Identity> identity_of(const std::string& path) noexcept {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return Identity{status.st_dev, status.st_ino};
  }

  const SqliteOptions options_;
  std::optional<SqliteFile> file_;
  std::optional<Identity> identity_;
  std::optional<SqliteLock> lock_;
};

inline const SqlSchema& SqliteEngine::schema() {
  static const SqlSchema schema("INTEGER", "TEXT");
  return schema;
}

inline SqliteEngine::SqliteEngine(const std::string& path, const SqliteOptions& options)
    : options_(options) {
  if (is_in_memory(path)) return;
  file_.emplace(path);
  lock_.emplace(*file_);
  if (!file_->exists()) {
    file_->make([](const std::string& name) { make_tables(*open(name)); });
    lock_->keep();
    identity_ = identity_of(file_->path());
    return;
  }
  identity_ = identity_of(file_->path());
  const auto session = open(file_->path());
  const auto version = pragma(*session, "user_version");
  check_version(*file_, version);
  lock_->keep();
  if (version == SqlSchema::version) return;
  *session << "BEGIN IMMEDIATE";
  schema().bring_forward(*session, static_cast<int>(version));
  *session << "PRAGMA user_version = " + std::to_string(SqlSchema::version);
  session->commit();
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
  session.begin();
  schema().bring_forward(session, 0);
  session << "PRAGMA application_id = " + std::to_string(SqliteFile::application_id);
  session << "PRAGMA user_version = " + std::to_string(SqlSchema::version);
  session.commit();
}

inline void SqliteEngine::check_version(const SqliteFile& file, long long version) {
  if (version < 1 || version > SqlSchema::version) {
    file.fail("is of version " + std::to_string(version) + ", and this program knows only up to " +
              std::to_string(SqlSchema::version));
  }
}

inline void SqliteEngine::check_integrity(const SqliteFile& file, soci::session& session) {
  std::string finding;
  session << "PRAGMA integrity_check(1)", soci::into(finding);
  if (finding != "ok") file.fail("is corrupt: " + finding);
}

inline std::unique_ptr<soci::session> SqliteEngine::connect() {
  check_place();  // before, or another file would be made
  auto session = open(file_ ? file_->path() : ":memory:");
  check_place();
  std::string mode;
  *session << "PRAGMA journal_mode = WAL", soci::into(mode);
  if (file_ && mode != "wal") file_->fail("can't be put into WAL mode");
  *session << "PRAGMA synchronous = FULL";
  constexpr std::size_t kibibyte = 1024;
  *session << "PRAGMA cache_size = -" + std::to_string(options_.page_cache_bytes / kibibyte);
  // A burst leaves a large WAL file behind; this is what stays of it.
  *session << "PRAGMA journal_size_limit = 67108864";
  *session << "PRAGMA trusted_schema = OFF";
  if (!file_) make_tables(*session);
  return session;
}

// Or what is written would go into a file that nobody finds again.
inline void SqliteEngine::check_place() const {
  if (!file_) return;
  const auto now = identity_of(file_->path());
  if (!now || !identity_ || now->device != identity_->device || now->number != identity_->number) {
    file_->fail("has been moved, deleted or replaced while it was open");
  }
}

inline const SqlTexts& SqliteEngine::texts() const {
  static const SqlTexts texts{
      "BEGIN", "BEGIN IMMEDIATE", "SELECT epoch, revision, count, '' FROM addrbook_head",
      // Rows come one by one, so that there is no need to count bytes beforehand.
      "SELECT id, created, revision, document FROM addrbook_entries "
      "WHERE created > :after AND :bytes >= 0 ORDER BY created LIMIT :most"};
  return texts;
}

inline SqlFault SqliteEngine::fault_of(const std::exception& thrown) const {
  const auto* const error = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown);
  if (error == nullptr) return SqlFault::other;
  constexpr int primary = 0xff;
  return (error->result() & primary) == SQLITE_FULL ? SqlFault::full : SqlFault::other;
}

inline bool SqliteEngine::mend(soci::session& session) const noexcept {
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
  return std::nullopt;  // nothing comes between a process and its file
}

}  // namespace detail

inline std::shared_ptr<Store> open_sqlite(const std::string& path, SqliteOptions options) {
  using detail::SqliteEngine;
  if (SqliteEngine::is_in_memory(path)) options.connections = 1;  // each would have its own book
  constexpr auto wait = std::chrono::seconds(5);
  auto store = detail::naming(path, [&]() -> std::shared_ptr<Store> {
    return std::make_shared<SqlStore>(std::make_unique<SqliteEngine>(path, options),
                                      options.connections, wait);
  });
  if (options.entry_cache_bytes == 0) return store;
  return std::make_shared<CachedStore>(std::move(store), options.entry_cache_bytes);
}

inline void backup_sqlite(const std::string& path, const std::string& copy) {
  using detail::SqliteEngine;
  SqliteEngine::check_is_file(path);
  const detail::SqliteFile book(path);
  const detail::SqliteFile made(copy);
  // Not book.exists(): to close a file that SQLite has open in the same process drops its locks.
  if (!std::filesystem::exists(book.path())) book.fail("is missing");
  made.make([&](const std::string& name) {
    const auto session = detail::naming(book.path(), [&] {
      auto opened = SqliteEngine::open(book.path());
      if (SqliteEngine::pragma(*opened, "application_id") != detail::SqliteFile::application_id) {
        book.fail("is no address book");
      }
      SqliteEngine::check_version(book, SqliteEngine::pragma(*opened, "user_version"));
      return opened;
    });
    detail::naming(book.path() + "' to '" + made.path(), [&] {
      *session << "VACUUM INTO :name", soci::use(name);
      SqliteEngine::check_integrity(book, *SqliteEngine::open(name));
    });
  });
}

inline void restore_sqlite(const std::string& copy, const std::string& path) {
  using detail::SqliteEngine;
  SqliteEngine::check_is_file(path);
  const detail::SqliteFile from(copy);
  const detail::SqliteFile book(path);
  detail::SqliteLock lock(book);
  if (book.exists()) book.fail("is there already, and a restore overwrites nothing");
  if (!from.exists()) from.fail("is missing");
  detail::naming(from.path(), [&] {
    book.make([&](const std::string& name) {
      {
        const auto session = SqliteEngine::open(from.path());
        SqliteEngine::check_version(from, SqliteEngine::pragma(*session, "user_version"));
        *session << "VACUUM INTO :name", soci::use(name);
      }
      const auto session = SqliteEngine::open(name);
      SqliteEngine::check_integrity(from, *session);
      detail::SqlSchema::renew_epoch(*session);
    });
    lock.keep();
  });
}

}  // namespace addrbook
