/// SqlTombstones: the removals of a book in an SQL database. Needs SOCI.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/query.hpp>
#include <addrbook/storage/sql_tables.hpp>

#include <soci/soci.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Throws what SOCI throws.
/// @par Thread safety  one thread at a time.
class SqlTombstones : private Pinned {
 public:
  explicit SqlTombstones(soci::session& session)
      : forgotten_query_(
            (session.prepare << "SELECT forgotten FROM addrbook_books WHERE number = :number",
             soci::into(forgotten_), soci::use(number_))),
        query_((session.prepare << "SELECT key, id FROM addrbook_tombstones WHERE key > :after "
                                   "AND key < :before ORDER BY key LIMIT :rows",
                soci::into(key_), soci::into(id_), soci::use(after_), soci::use(before_),
                soci::use(rows_))) {}

  /// Within a transaction that sees one moment.
  /// @param after    removals with a greater revision
  /// @param written  the first entries of the page, in order of revision
  /// @returns the page with both
  [[nodiscard]] ChangePage merge(std::uint64_t book, std::uint64_t after, PageLimit limit,
                                 QueryPage written);

 private:
  using Integer = SqlTables::Integer;

  [[nodiscard]] std::vector<Change> removals(std::uint64_t book, std::uint64_t after,
                                             std::size_t rows);

  // What the statements read from and write to.
  Integer number_ = 0;
  Integer forgotten_ = 0;
  Integer after_ = 0;
  Integer before_ = 0;
  Integer rows_ = 0;
  Integer key_ = 0;
  std::string id_;

  soci::statement forgotten_query_;
  soci::statement query_;
};

// ---------------------------------------------------------------------------------------------

inline std::vector<Change> SqlTombstones::removals(std::uint64_t book, std::uint64_t after,
                                                   std::size_t rows) {
  constexpr bool with_bindings = true;
  std::vector<Change> found;
  after_ = SqlTables::key_of(book, (std::min)(after, SqlTables::max_created));
  before_ = SqlTables::key_of(book + 1, 0);
  rows_ = SqlTables::to_integer(rows);
  for (bool is_row = query_.execute(with_bindings); is_row; is_row = query_.fetch()) {
    found.push_back({id_, SqlTables::created_of(key_), std::nullopt});
  }
  return found;
}

inline ChangePage SqlTombstones::merge(std::uint64_t book, std::uint64_t after, PageLimit limit,
                                       QueryPage written) {
  constexpr bool with_bindings = true;
  constexpr std::size_t most = 1'000'000;
  ChangePage page;
  page.state = written.state;
  number_ = SqlTables::to_integer(book);
  if (forgotten_query_.execute(with_bindings)) {
    page.forgotten = SqlTables::from_integer(forgotten_);
    while (forgotten_query_.fetch()) {
    }
  }
  std::vector<Change>& changes = page.changes;
  const std::size_t entries = (std::min)(limit.entries, most);
  changes = removals(book, after, entries + 1);  // one more, to see whether there are more
  if (written.next) {
    // There may be entries between what follows the last one.
    const std::uint64_t known = written.entries.back().revision;
    changes.erase(std::find_if(changes.begin(), changes.end(),
                               [&](const Change& each) { return each.revision > known; }),
                  changes.end());
  }
  for (Entry& entry : written.entries) {
    changes.push_back({entry.id, entry.revision, std::move(entry)});
  }
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.revision < b.revision; });
  page.more = written.next || changes.size() > entries;
  if (changes.size() > entries) {
    changes.erase(changes.begin() + static_cast<std::ptrdiff_t>(entries), changes.end());
  }
  return page;
}

}  // namespace addrbook::detail
