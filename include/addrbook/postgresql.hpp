/// PostgreSQL as the book's storage: any number of servers on one database. Needs SOCI with its
/// PostgreSQL backend, and libpq (target addrbook::postgresql).
#pragma once

#include <addrbook/options.hpp>
#include <addrbook/storage/postgresql_engine.hpp>
#include <addrbook/storage/sql_store.hpp>
#include <addrbook/store.hpp>

#include <memory>
#include <string>

namespace addrbook {

/// Opens the book in a database of PostgreSQL 15 or newer. Makes its tables if there are none:
/// addrbook_schema, addrbook_head and addrbook_entries, in the first schema of the search path. Any
/// number of processes can use the book at the same time: each sees the others' writes at once,
/// revisions and conditions hold across them, and the order of revisions is the order of commits.
///
/// What commit() has returned is as durable as the database; `synchronous_commit = off` is
/// overridden. A database that has been restored from a dump or to a point in time, or promoted,
/// gets a new epoch at the next connection.
///
/// While the database can't be reached, or its tables are missing, every call throws Error{storage}
/// within the timeouts. Calls succeed again when it is back.
/// @param conninfo  a connection string or URI of libpq (PostgreSQL docs, 34.1.1). Of
///                  several hosts, the one that takes writes is used.
/// @throws Error{invalid} not a connection string; the message does not show it, because it
///         may hold a password
/// @throws Error{storage} the database can't be reached or used. The reason is libpq's, or: older
///         than 15, not in UTF-8, tables of a newer version of this library
[[nodiscard]] inline std::shared_ptr<Store> open_postgresql(const std::string& conninfo,
                                                            PostgresqlOptions options = {});

// ---------------------------------------------------------------------------------------------

inline std::shared_ptr<Store> open_postgresql(const std::string& conninfo,
                                              PostgresqlOptions options) {
  return std::make_shared<detail::SqlStore>(
      std::make_unique<detail::PostgresqlEngine>(conninfo, options), options.connections,
      options.timeout);
}

}  // namespace addrbook
