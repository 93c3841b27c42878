/// PostgreSQL as the book's storage: any number of servers on one database. Needs SOCI with its
/// PostgreSQL backend, and libpq (target addrbook::postgresql).
#pragma once

#include <addrbook/books.hpp>
#include <addrbook/options.hpp>
#include <addrbook/storage/postgresql_engine.hpp>
#include <addrbook/storage/sql_books.hpp>
#include <addrbook/storage/sql_database.hpp>
#include <addrbook/store.hpp>
#include <addrbook/validator.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace addrbook {

/// Opens the only book of a program, which has the name "default", in a database of PostgreSQL 15
/// or newer. Makes its tables if there are none, in the first schema of the search path:
/// addrbook_schema, addrbook_store, addrbook_books, addrbook_entries, addrbook_search,
/// addrbook_notes, addrbook_tombstones and addrbook_removed. Any number of processes can use the
/// book at the same time: each sees the others' writes at once, revisions and conditions hold
/// across them, and the order of revisions is the order of commits.
///
/// What commit() has returned is as durable as the database; `synchronous_commit = off` is
/// overridden. In a database that has been restored from a dump or to a point in time, or promoted,
/// every book gets a new epoch at the next connection. Tables of an older version of the library
/// are migrated.
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
                                                            const PostgresqlOptions& options = {});

/// Opens all books of a database. They share connections; writers to different books don't wait for
/// each other. See open_postgresql() for all else.
/// @param books       limits, see Books
/// @param validators  for the documents of all books, see Service
/// @throws as open_postgresql() | Error{invalid} a validator is empty
[[nodiscard]] inline std::shared_ptr<Books> open_postgresql_books(
    const std::string& conninfo, const BooksOptions& books = {},
    std::vector<Validator> validators = {}, const PostgresqlOptions& options = {});

// ---------------------------------------------------------------------------------------------

namespace detail {

[[nodiscard]] inline std::shared_ptr<SqlBooks> postgresql_books(const std::string& conninfo,
                                                                const PostgresqlOptions& options) {
  return std::make_shared<SqlBooks>(std::make_unique<PostgresqlEngine>(conninfo, options),
                                    SqlUse{options.connections, options.timeout});
}

}  // namespace detail

inline std::shared_ptr<Store> open_postgresql(const std::string& conninfo,
                                              const PostgresqlOptions& options) {
  return detail::postgresql_books(conninfo, options)->only_book();
}

inline std::shared_ptr<Books> open_postgresql_books(const std::string& conninfo,
                                                    const BooksOptions& books,
                                                    std::vector<Validator> validators,
                                                    const PostgresqlOptions& options) {
  return std::make_shared<Books>(detail::postgresql_books(conninfo, options), std::move(validators),
                                 books);
}

}  // namespace addrbook
