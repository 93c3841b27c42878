/// SqliteOptions, PostgresqlOptions: how a book's storage is used. Every field has a default.
#pragma once

#include <chrono>
#include <cstddef>

namespace addrbook {

/// For open_sqlite().
struct SqliteOptions {
  /// At a time, at least 1; one is for writing. A reader waits when all are in use.
  std::size_t connections = 8;
  /// Of memory for entries read lately, so that reading one again needs no query; 0: none.
  std::size_t entry_cache_bytes = std::size_t{64} * 1024 * 1024;
  /// Of memory for the file's pages, a connection.
  std::size_t page_cache_bytes = std::size_t{8} * 1024 * 1024;
};

/// For open_postgresql().
struct PostgresqlOptions {
  /// At a time, at least 1, of this process; opened as they are needed. A request waits for one
  /// when all are in use.
  std::size_t connections = 16;
  /// For a connection to be made, rounded up to seconds, at least 2; a `connect_timeout` in the
  /// connection string counts for more.
  std::chrono::milliseconds connect_timeout{3000};
  /// For a connection to come free, and then for a query or a commit as a whole; half a second more
  /// if the server doesn't end it itself.
  std::chrono::milliseconds timeout{5000};
};

}  // namespace addrbook
