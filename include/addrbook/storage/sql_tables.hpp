/// SqlTables: the tables of books in an SQL database, and their versions. Needs SOCI.
#pragma once

#include <addrbook/base/hex.hpp>
#include <addrbook/base/random.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/options.hpp>

#include <soci/soci.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The tables, which are the same in all databases:
/// - addrbook_store, one row: `origin` identifies the database, so that a restored copy is
///   recognized; `last_number` of a book, which is not used again; the number of `books`. A dump
///   has it last, so that nothing is used before it is restored as a whole.
/// - addrbook_books: a row for each book with its state. The count is stored because counting a
///   million rows takes seconds.
/// - addrbook_entries: `key` is the book's number and the entry's `created`, so that the entries of
///   a book stand together, in the order of its list. addrbook_revisions is an index of it.
/// - addrbook_search: of each entry what it is sorted by, see Terms, and in PostgreSQL its tokens.
///   SQLite has those in addrbook_terms, with one for each order. Both are beside the entries, so
///   that a write that changes none of that does not touch them. In addrbook_store, `terms` names
///   the rules by which they are made, and `indexed` is the key up to which they are.
/// - addrbook_notes: the notes of batches, see Note, until some time after they have expired.
/// - addrbook_tombstones: the entries that were removed lately, by their books' numbers and the
///   revisions of the removals. `forgotten` of addrbook_books is the revision up to which there are
///   none any more. After a restore, to which new epochs belong, nobody asks for older ones.
/// - addrbook_removed: the numbers of books whose entries are still to be deleted.
///
/// A database with tables of an older version is migrated when it is opened; one of a newer version
/// is refused.
class SqlTables {
 public:
  /// The version that this library reads and writes.
  static constexpr int version = 5;

  /// The lower bits of an entry's key are its `created`, the upper ones its book's number.
  static constexpr unsigned created_bits = 40;
  static constexpr std::uint64_t max_created = (std::uint64_t{1} << created_bits) - 1;
  static constexpr std::uint64_t max_number = (std::uint64_t{1} << (63 - created_bits)) - 1;
  /// The book of tables before version 3.
  static constexpr const char* old_book = "default";

  /// What differs between databases.
  struct Dialect {
    std::string integer;         ///< the type of 64-bit integers that can be a primary key
    std::string text;            ///< the type of ids and names, compared byte by byte
    std::string random_epoch;    ///< an expression: 16 random hex digits, others for each row
    std::string is_uuid_7;       ///< a condition: `id` is one of make_id()
    std::string time_of_uuid;    ///< an expression: the time in such an `id`, in milliseconds
    std::string search_columns;  ///< of addrbook_search, behind those that sort
    std::vector<std::string> search_tables;   ///< statements that make what else there is
    std::vector<std::string> from_version_4;  ///< statements that bring it to the current version
  };

  /// @name Values as the databases keep them. Their integers are signed, and 63 bits are enough.
  /// @{
  using Integer = long long;
  [[nodiscard]] static Integer to_integer(std::uint64_t value) noexcept {
    constexpr auto max = std::numeric_limits<Integer>::max();
    return static_cast<Integer>((std::min)(value, static_cast<std::uint64_t>(max)));
  }
  [[nodiscard]] static Integer to_integer(Timestamp time) noexcept {
    return time.time_since_epoch().count();
  }
  [[nodiscard]] static std::uint64_t from_integer(Integer value) noexcept {
    return static_cast<std::uint64_t>(value);
  }
  [[nodiscard]] static Timestamp to_time(Integer value) noexcept {
    return Timestamp(std::chrono::milliseconds(value));
  }
  [[nodiscard]] static Integer key_of(std::uint64_t number, std::uint64_t created) noexcept {
    return to_integer((number << created_bits) | created);
  }
  [[nodiscard]] static std::uint64_t created_of(Integer key) noexcept {
    return from_integer(key) & max_created;
  }
  [[nodiscard]] static std::uint64_t number_of(Integer key) noexcept {
    return from_integer(key) >> created_bits;
  }
  /// addrbook_store.indexed, once all entries are in the index.
  static constexpr Integer all_indexed = (std::numeric_limits<Integer>::max)();
  /// @}

  explicit SqlTables(Dialect dialect) : dialect_(std::move(dialect)) {}

  /// Makes tables of the current version, in the caller's transaction. The index is left to
  /// SqlIndexer.
  /// @param from      the version of the tables that exist; 0: none
  /// @param progress  see SqliteOptions::migration; may be empty
  void migrate(soci::session& session, int from, const MigrationProgress& progress = {}) const;

  /// Begins a new line of revisions in each book, for example after a restore: the tags that
  /// clients have of the old ones become invalid.
  void renew_epochs(soci::session& session) const {
    session << "UPDATE addrbook_books SET epoch = " + dialect_.random_epoch;
  }

  /// @param text  of the column `epoch`
  /// @throws Error{storage} if it is not 16 hex digits
  [[nodiscard]] static std::uint64_t parse_epoch(std::string_view text);

  /// @throws Error{storage}: this library does not know tables of that version
  [[noreturn]] static void refuse(const std::string& book, long long found,
                                  SourceLine thrown_at = SourceLine::here()) {
    throw Error(Errc::storage,
                book + " is of version " + std::to_string(found) +
                    ", and this program knows only up to " + std::to_string(version),
                thrown_at);
  }

 private:
  void make(soci::session& session) const;
  void move_old_book(soci::session& session, const MigrationProgress& progress) const;
  void move_old_entries(soci::session& session, const MigrationProgress& progress) const;
  // Ids of make_id() begin with the time, so that those that are new in all books stand together:
  // with the book in front, each book's writer would write a page of its own.
  static void make_index(soci::session& session) {
    session << "CREATE UNIQUE INDEX addrbook_ids ON addrbook_entries (id, (key >> " +
                   std::to_string(created_bits) + "))";
  }
  void make_search(soci::session& session) const;
  void make_notes(soci::session& session) const;
  void make_tombstones(soci::session& session) const;

  Dialect dialect_;
};

// ---------------------------------------------------------------------------------------------

inline void SqlTables::migrate(soci::session& session, int from,
                               const MigrationProgress& progress) const {
  const std::string& integer = dialect_.integer;
  if (from == 1) {
    session << "ALTER TABLE addrbook_head ADD COLUMN count " + integer + " NOT NULL DEFAULT 0";
    session << "UPDATE addrbook_head SET count = (SELECT COUNT(*) FROM addrbook_entries)";
    session << "ALTER TABLE addrbook_head ADD COLUMN origin TEXT NOT NULL DEFAULT ''";
  }
  if (from == 1 || from == 2) {
    session << "ALTER TABLE addrbook_entries RENAME TO addrbook_old_entries";
  }
  if (from < 3) make(session);
  if (from == 1 || from == 2) move_old_book(session, progress);
  if (from < 3) make_index(session);  // quicker than to keep it up to date
  if (from < 4) {
    make_search(session);
    make_notes(session);
  } else {
    for (const std::string& sql : dialect_.from_version_4) session << sql;
  }
  make_tombstones(session);
}

inline void SqlTables::make_search(soci::session& session) const {
  session << "ALTER TABLE addrbook_store ADD COLUMN terms TEXT NOT NULL DEFAULT ''";
  session << "ALTER TABLE addrbook_store ADD COLUMN indexed " + dialect_.integer +
                 " NOT NULL DEFAULT 0";
  session << "CREATE TABLE addrbook_search (key " + dialect_.integer + " PRIMARY KEY, name " +
                 dialect_.text + ", given " + dialect_.text + ", family " + dialect_.text +
                 dialect_.search_columns + ")";
  for (const std::string& sql : dialect_.search_tables) session << sql;
  session << "CREATE INDEX addrbook_revisions ON addrbook_entries ((key >> " +
                 std::to_string(created_bits) + "), revision)";
}

inline void SqlTables::make_tombstones(soci::session& session) const {
  const std::string integer = dialect_.integer + " NOT NULL";
  session << "CREATE TABLE addrbook_tombstones (key " + dialect_.integer + " PRIMARY KEY, id " +
                 dialect_.text + " NOT NULL, removed_at " + integer + ")";
  session << "ALTER TABLE addrbook_books ADD COLUMN forgotten " + integer + " DEFAULT 0";
  session << "UPDATE addrbook_books SET forgotten = revision";  // by an older version
}

inline void SqlTables::make_notes(soci::session& session) const {
  const std::string integer = dialect_.integer + " NOT NULL";
  const std::string text = dialect_.text + " NOT NULL";
  session << "CREATE TABLE addrbook_notes (number " + integer + ", key " + text + ", value " +
                 text + ", base " + integer + ", expires " + integer +
                 ", PRIMARY KEY (number, key))";
  session << "CREATE INDEX addrbook_expiry ON addrbook_notes (number, expires)";
}

inline void SqlTables::make(soci::session& session) const {
  const std::string integer = dialect_.integer + " NOT NULL";
  const std::string text = dialect_.text + " NOT NULL";
  session << "CREATE TABLE addrbook_books (number " + dialect_.integer + " PRIMARY KEY, name " +
                 text + " UNIQUE, epoch TEXT NOT NULL, revision " + integer + ", count " + integer +
                 ")";
  session << "CREATE TABLE addrbook_entries (key " + dialect_.integer + " PRIMARY KEY, id " + text +
                 ", revision " + integer + ", created_at " + integer + ", updated_at " + integer +
                 ", document TEXT NOT NULL)";
  session << "CREATE TABLE addrbook_removed (number " + dialect_.integer + " PRIMARY KEY)";
  session << "CREATE TABLE addrbook_store (origin TEXT NOT NULL, last_number " + integer +
                 ", books " + integer + ")";
  session << "INSERT INTO addrbook_store (origin, last_number, books) VALUES ('', 0, 0)";
}

inline void SqlTables::move_old_book(soci::session& session,
                                     const MigrationProgress& progress) const {
  session << std::string("INSERT INTO addrbook_books (number, name, epoch, revision, count) ") +
                 "SELECT 1, '" + old_book + "', epoch, revision, count FROM addrbook_head";
  session << "UPDATE addrbook_store SET last_number = 1, books = 1, "
             "origin = (SELECT origin FROM addrbook_head)";
  move_old_entries(session, progress);
  session << "DROP TABLE addrbook_old_entries";
  session << "DROP TABLE addrbook_head";
}

// In slices, so that there is progress to tell.
inline void SqlTables::move_old_entries(soci::session& session,
                                        const MigrationProgress& progress) const {
  long long total = 0;
  session << "SELECT count FROM addrbook_head", soci::into(total);
  const std::string now = std::to_string(addrbook::now().time_since_epoch().count());
  // Nested, because of AND some databases may evaluate the second operand first.
  const std::string time = "CASE WHEN " + dialect_.is_uuid_7 + " THEN CASE WHEN " +
                           dialect_.time_of_uuid + " <= " + now + " THEN " + dialect_.time_of_uuid +
                           " ELSE " + now + " END ELSE " + now + " END";
  const std::string first_key = std::to_string(std::uint64_t{1} << created_bits);
  constexpr long long slice = 10'000;
  long long after = 0;
  for (long long done = 0;; done += slice) {
    if (progress) {
      progress(from_integer((std::min)(done, total)), from_integer(total));
    }
    long long last = 0;
    session << "SELECT COALESCE(MAX(created), 0) FROM (SELECT created FROM addrbook_old_entries "
               "WHERE created > :after ORDER BY created LIMIT " +
                   std::to_string(slice) + ") AS slice",
        soci::use(after), soci::into(last);
    if (last == 0) return;
    session << std::string(
                   "INSERT INTO addrbook_entries "
                   "(key, id, revision, created_at, updated_at, document) SELECT ")
                   .append(first_key)
                   .append(" + created, id, revision, at, at, document FROM (SELECT *, ")
                   .append(time)
                   .append(
                       " AS at FROM addrbook_old_entries WHERE created > :after AND "
                       "created <= :last) AS slice ORDER BY created"),
        soci::use(after), soci::use(last);
    after = last;
  }
}

inline std::uint64_t SqlTables::parse_epoch(std::string_view text) {
  constexpr std::size_t digits = 16;
  constexpr int base = 16;
  std::uint64_t epoch = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, epoch, base);
  if (error != std::errc() || stopped != end || text.size() != digits) {
    throw Error(Errc::storage, "the book's epoch in the database is not 16 hex digits");
  }
  return epoch;
}

}  // namespace addrbook::detail
