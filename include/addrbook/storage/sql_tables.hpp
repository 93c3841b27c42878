/// SqlTables: the tables of a book in an SQL database, and their versions. Needs SOCI.
#pragma once

#include <addrbook/base/hex.hpp>
#include <addrbook/base/random.hpp>
#include <addrbook/error.hpp>

#include <soci/soci.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace addrbook::detail {

/// The tables addrbook_head, which holds the book's state in its only row, and addrbook_entries. A
/// database with tables of an older version is migrated when it is opened; one of a newer version
/// is refused.
class SqlTables {
 public:
  /// The version that this library reads and writes.
  static constexpr int version = 2;

  /// @param integer  the type of 64-bit integers that can be a primary key
  /// @param id       the type of ids, compared byte by byte
  SqlTables(std::string integer, std::string id)
      : integer_(std::move(integer)), id_(std::move(id)) {}

  /// Makes tables of the current version, in the caller's transaction.
  /// @param from  the version of the tables that exist; 0: none
  void migrate(soci::session& session, int from) const;

  /// Begins a new line of revisions, for example after a restore: the tags that clients have of the
  /// old one become invalid.
  static void renew_epoch(soci::session& session) {
    const std::string epoch = hex(random_bits());
    session << "UPDATE addrbook_head SET epoch = :epoch", soci::use(epoch);
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
  std::string integer_;
  std::string id_;
};

// ---------------------------------------------------------------------------------------------

inline void SqlTables::migrate(soci::session& session, int from) const {
  if (from < 1) {
    session << "CREATE TABLE addrbook_head (epoch TEXT NOT NULL, revision " + integer_ +
                   " NOT NULL)";
    session << "CREATE TABLE addrbook_entries (created " + integer_ + " PRIMARY KEY, id " + id_ +
                   " NOT NULL UNIQUE, revision " + integer_ + " NOT NULL, document TEXT NOT NULL)";
    const std::string epoch = hex(random_bits());
    session << "INSERT INTO addrbook_head (epoch, revision) VALUES (:epoch, 0)", soci::use(epoch);
  }
  if (from < 2) {
    // `count` is stored because counting a million rows takes seconds. `origin` identifies the
    // database, so that a restored copy is recognized.
    session << "ALTER TABLE addrbook_head ADD COLUMN count " + integer_ + " NOT NULL DEFAULT 0";
    session << "ALTER TABLE addrbook_head ADD COLUMN origin TEXT NOT NULL DEFAULT ''";
    session << "UPDATE addrbook_head SET count = (SELECT COUNT(*) FROM addrbook_entries)";
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
