/// SQLite as the book's storage: one file, one process that writes to it. Needs SOCI with its
/// SQLite backend, and SQLite >= 3.35 (target addrbook::sqlite).
///
/// Linux, and other systems that have flock(2).
#pragma once

#include <addrbook/cached_store.hpp>
#include <addrbook/error.hpp>
#include <addrbook/sql_engine.hpp>
#include <addrbook/sql_store.hpp>
#include <addrbook/storage_options.hpp>
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

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
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

/// A file descriptor that is closed with its owner.
class FileHandle {
 public:
  explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  FileHandle(FileHandle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileHandle& operator=(FileHandle&&) = delete;
  ~FileHandle() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

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

/// The files of a book in SQLite: what is done to them as files.
class SqliteFile {
 public:
  /// Names the format in the file's header, so that no other program's file is taken for a book.
  static constexpr std::uint32_t application_id = 0x41445242;  // "ADRB"

  /// @throws Error{invalid} | Error{storage}
  explicit SqliteFile(const std::string& path);

  /// Absolute, and without symbolic links: one book has one name, and so one lock.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// @throws Error{storage}
  [[noreturn]] void fail(const std::string& reason,
                         SourceLine thrown_at = SourceLine::here()) const {
    throw Error(Errc::storage, "'" + path_ + "': " + reason, thrown_at);
  }
  [[noreturn]] void fail_by_errno(const std::string& what,
                                  SourceLine thrown_at = SourceLine::here()) const {
    fail(what + ": " + std::generic_category().message(errno), thrown_at);
  }

  /// @returns whether there is one; looks at its header before SQLite does, which would change what
  ///          belongs to another program
  /// @throws Error{storage} if it is no address book
  [[nodiscard]] bool exists() const;

  /// Makes it of what `fill` does to an empty file of another name. It gets its own name when it is
  /// whole and on the disk.
  /// @throws Error{storage} if there is one already
  template <class Fill>
  void make(Fill fill) const;

  /// What SOCI calls it by.
  [[nodiscard]] static std::string connect_string(const std::string& path);

 private:
  std::string path_;
};

/// Keeps other processes, and other stores of this one, from writing to a file. Where there was no
/// lock file there is none again afterwards, if the file turns out to be no book.
class SqliteLock {
 public:
  /// @throws Error{storage} if somebody else has it
  explicit SqliteLock(const SqliteFile& file);
  SqliteLock(const SqliteLock&) = delete;
  SqliteLock& operator=(const SqliteLock&) = delete;
  SqliteLock(SqliteLock&&) = delete;
  SqliteLock& operator=(SqliteLock&&) = delete;
  ~SqliteLock() {
    if (is_new_) ::unlink(name_.c_str());
  }
  /// It is a book.
  void keep() noexcept { is_new_ = false; }

 private:
  const std::string name_;
  std::optional<FileHandle> handle_;
  bool is_new_ = false;
};

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

inline SqliteFile::SqliteFile(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    throw Error(Errc::invalid, "a file's name must not be empty or hold NUL");
  }
  std::error_code error;
  path_ = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error).string();
  if (error) throw Error(Errc::storage, "'" + path + "': " + error.message());
  static_cast<void>(connect_string(path_));
}

// SOCI splits what it is given at '=' and ' ', if there is a '=' in it.
inline std::string SqliteFile::connect_string(const std::string& path) {
  if (path.find('=') == std::string::npos) return path;
  if (path.find('"') != std::string::npos) {
    throw Error(Errc::invalid, "'" + path + "': a path can't have both '=' and '\"'");
  }
  return "db=\"" + path + "\"";
}

inline SqliteLock::SqliteLock(const SqliteFile& file) : name_(file.path() + "-lock") {
  constexpr mode_t owner_only = 0600;
  struct stat status {};
  do {
    handle_.emplace(::open(name_.c_str(), O_RDWR | O_CLOEXEC));
    is_new_ = handle_->get() < 0 && errno == ENOENT;
    if (is_new_) {
      handle_.emplace(::open(name_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, owner_only));
    }
    if (handle_->get() < 0) {
      if (errno == ENOENT) file.fail("its folder doesn't exist");
      file.fail_by_errno("can't make its lock file");
    }
    if (::flock(handle_->get(), LOCK_EX | LOCK_NB) != 0) {
      is_new_ = false;
      if (errno == EWOULDBLOCK) file.fail("another server has it open");
      file.fail_by_errno("can't lock it");
    }
    if (::fstat(handle_->get(), &status) != 0) file.fail_by_errno("can't look at its lock file");
  } while (status.st_nlink == 0);  // removed by who had it
}

inline bool SqliteFile::exists() const {
  // Not to wait for a writer, should it be a FIFO.
  const FileHandle file(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno != ENOENT) fail_by_errno("can't be opened");
    for (const char* const suffix : {"-wal", "-journal"}) {
      if (std::filesystem::exists(path_ + suffix)) {
        fail(std::string("is missing, but there is a '").append(suffix).append("' file of it"));
      }
    }
    return false;
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail_by_errno("can't be looked at");
  if (!S_ISREG(status.st_mode)) fail("is no file");
  // The header, of which these parts are at the beginning and at byte 68.
  constexpr std::string_view magic("SQLite format 3\0", 16);
  constexpr std::size_t id_at = 68;
  std::array<unsigned char, 100> header{};
  const auto size = ::pread(file.get(), header.data(), header.size(), 0);
  if (size < 0) fail_by_errno("can't be read");
  const std::string_view beginning(reinterpret_cast<const char*>(header.data()), magic.size());
  std::uint32_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) id = (id << 8U) | header[id_at + i];
  if (static_cast<std::size_t>(size) < header.size() || beginning != magic ||
      id != application_id) {
    fail("is no address book");
  }
  return true;
}

template <class Fill>
void SqliteFile::make(Fill fill) const {
  if (::access(path_.c_str(), F_OK) == 0) fail("is there already");
  std::string name = path_ + ".XXXXXX";
  {
    const FileHandle made(::mkostemp(name.data(), O_CLOEXEC));  // mode 0600
    if (made.get() < 0) fail_by_errno("can't be made");
  }
  struct Remover {
    const std::string& name;
    ~Remover() {
      ::unlink(name.c_str());
      ::unlink((name + "-journal").c_str());
    }
  };
  const Remover remover{name};
  fill(name);
  const FileHandle made(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (made.get() < 0 || ::fsync(made.get()) != 0) fail_by_errno("can't be written");
  if (::link(name.c_str(), path_.c_str()) != 0) {
    if (errno == EEXIST) fail("is there already");
    fail_by_errno("can't be made");
  }
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const FileHandle directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) fail_by_errno("can't be written");
}

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
