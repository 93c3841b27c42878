/// SqlEntryRow: the columns of an entry, for statements to read from and write to. Needs SOCI.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/storage/sql_tables.hpp>

#include <cstdint>
#include <string>

namespace addrbook::detail {

/// A row of addrbook_entries.
struct SqlEntryRow {
  std::string id;
  SqlTables::Integer key = 0;
  SqlTables::Integer revision = 0;
  SqlTables::Integer created_at = 0;
  SqlTables::Integer updated_at = 0;
  std::string document;

  [[nodiscard]] Entry entry(std::uint64_t epoch) const {
    return {id,
            epoch,
            SqlTables::created_of(key),
            SqlTables::from_integer(revision),
            Document::trusted(document),
            SqlTables::to_time(created_at),
            SqlTables::to_time(updated_at)};
  }
};

}  // namespace addrbook::detail
