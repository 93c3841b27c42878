/// SQLite as the book's storage: one file, one process that writes to it. Needs SOCI with its
/// SQLite backend, and SQLite >= 3.35 with FTS5 (target addrbook::sqlite).
///
/// Linux, and other systems that have flock(2).
#pragma once

#include <addrbook/books.hpp>
#include <addrbook/options.hpp>
#include <addrbook/storage/sql_books.hpp>
#include <addrbook/storage/sql_database.hpp>
#include <addrbook/storage/sqlite_engine.hpp>
#include <addrbook/storage/sqlite_file.hpp>
#include <addrbook/storage/sqlite_lock.hpp>
#include <addrbook/store.hpp>
#include <addrbook/validator.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace addrbook {

/// Opens the only book of a program, which has the name "default" in its file. Makes it if there is
/// none, with mode 0600, in a folder that exists. Beside it there are `<path>-wal` and
/// `<path>-shm`, which are part of the book, and `<path>-lock`.
///
/// What commit() has returned is on the disk (WAL, synchronous=FULL): it survives a crash of the
/// process and of the system, and a power failure. A file of an older version of the library is
/// migrated, and indexed for searches, before this returns; if that is interrupted, the next call
/// goes on. If one of the book's files is moved, deleted or replaced while it is open, commit()
/// and page() throw until it is back. If that is the log, what is in it is saved into the book
/// then.
/// @param path  "" and ":memory:" are books that are lost with the store
/// @throws Error{storage} naming the file: another process has it open for writing, by whatever
///         name; it is not an address book, or one of a newer version; it has a second name (a hard
///         link); it can't be read or made. The file is unchanged then.
/// @throws Error{invalid} a path that can't be given to SOCI: with NUL, or with both '=' and '"'
[[nodiscard]] inline std::shared_ptr<Store> open_sqlite(const std::string& path,
                                                        SqliteOptions options = {});

/// Opens all books of a file. They share its connections, its caches, and the transactions of those
/// that write at the same time. See open_sqlite() for all else.
/// @param books       limits, see Books
/// @param validators  for the documents of all books, see Service
/// @throws as open_sqlite() | Error{invalid} a validator is empty
[[nodiscard]] inline std::shared_ptr<Books> open_sqlite_books(
    const std::string& path, const BooksOptions& books = {}, std::vector<Validator> validators = {},
    SqliteOptions options = {});

/// Copies a book, as it is at one moment, to a new file with mode 0600. The book can be in use, by
/// this process or another. The copy is checked and on the disk before it gets its name; until then
/// its name is `<copy>.addrbook-` and six characters. If the process is killed, that file is left
/// behind; the next backup to the same name removes it.
/// @throws Error{storage} naming the file, for example because `copy` exists
/// @par Cost  reads and writes the book once, and reads the copy; the book's writers do not wait
inline void backup_sqlite(const std::string& path, const std::string& copy);

/// Makes a book from a backup, with a new epoch: clients may know revisions from after the backup,
/// and these numbers will be used for other writes.
/// @param path  must not exist: move the book that is to be replaced away first
/// @throws Error{storage} naming the file
inline void restore_sqlite(const std::string& copy, const std::string& path);

// ---------------------------------------------------------------------------------------------

namespace detail {

[[nodiscard]] inline std::shared_ptr<SqlBooks> sqlite_books(const std::string& path,
                                                            SqliteOptions options) {
  if (SqliteEngine::is_in_memory(path)) options.connections = 1;  // each one has its own books
  constexpr auto wait = std::chrono::seconds(5);
  return naming(path, [&] {
    return std::make_shared<SqlBooks>(std::make_unique<SqliteEngine>(path, options),
                                      SqlUse{options.connections, wait, options.entry_cache_bytes});
  });
}

}  // namespace detail

inline std::shared_ptr<Store> open_sqlite(const std::string& path, SqliteOptions options) {
  const auto books = detail::sqlite_books(path, std::move(options));
  return detail::naming(path, [&] { return books->only_book(); });
}

inline std::shared_ptr<Books> open_sqlite_books(const std::string& path, const BooksOptions& books,
                                                std::vector<Validator> validators,
                                                SqliteOptions options) {
  return std::make_shared<Books>(detail::sqlite_books(path, std::move(options)),
                                 std::move(validators), books);
}

inline void backup_sqlite(const std::string& path, const std::string& copy) {
  using detail::SqliteEngine;
  SqliteEngine::check_is_file(path);
  const detail::SqliteFile book(path);
  const detail::SqliteFile made(copy);
  // Not book.exists(): to close a file that SQLite has open in this process drops SQLite's locks.
  if (!std::filesystem::exists(book.path())) book.fail("is missing");
  book.check_only_name();
  made.make([&](const std::string& name) {
    const auto session = detail::naming(book.path(), [&] {
      auto opened = SqliteEngine::open(book.path());
      if (SqliteEngine::pragma(*opened, "application_id") != detail::SqliteFile::application_id) {
        book.fail("not an address book");
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
  if (book.exists()) book.fail("already exists; a restore overwrites nothing");
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
      SqliteEngine::update_tables(*session, {});
      SqliteEngine::tables().renew_epochs(*session);
    });
    lock.keep();
  });
}

}  // namespace addrbook
