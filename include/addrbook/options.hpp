/// Every option struct of the library. Each default stands here and nowhere else, and is safe to
/// use.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace addrbook {

struct Access;         // authorization.hpp
struct AccessRequest;  // authorization.hpp
class Coding;          // http.hpp
struct LogRecord;      // log.hpp

/// The rules of a book, for Service.
struct ServiceOptions {
  /// The book's capacity: create() is refused in a book that holds as many entries; 0: no limit.
  std::uint64_t max_entries = 0;
};

/// How a book is served. Every field has a default that is safe to use.
struct Options {
  /// The path of the book: one or more segments of [A-Za-z0-9._~-], each after a '/'.
  std::string prefix = "/addresses";
  /// Errors tell what was thrown and where (`trace`), the log more of each request. Not for
  /// strangers' eyes; changes nothing else.
  bool debug = false;
  /// The most that a body may hold, unpacked.
  std::size_t max_body_bytes = std::size_t{1024} * 1024;
  /// How long a body may take to arrive, as a whole.
  std::chrono::milliseconds body_timeout{30'000};
  /// How long a client may take to receive a list, as a whole.
  std::chrono::milliseconds answer_timeout{120'000};
  /// Is told of every request; nothing is logged without it.
  std::function<void(const LogRecord&)> log;
  /// Decides who may do what; everybody may do everything without it.
  std::function<Access(const AccessRequest&)> authorize;
  /// Origins, e.g. "https://app.example.com", whose web pages may read and write the book (CORS);
  /// "*" alone: those of everybody, to whom nothing but `authorize` is a limit then. A write by any
  /// other page is refused, but for one of the same host: behind a proxy that changes Host the
  /// pages' own origin belongs here. Never with credentials that a browser adds by itself.
  std::vector<std::string> allowed_origins;
  /// The names by which this host may be called (Host without the port, an IPv6 address in
  /// brackets); by others only _health and _ready answer. Keeps a page from reaching the book under
  /// a name of its own that leads here (DNS rebinding). Empty: any name.
  std::vector<std::string> allowed_hosts;
  /// Unpacks bodies and packs answers, e.g. gzip() of gzip.hpp; coded bodies are refused without
  /// it.
  std::shared_ptr<const Coding> coding;
};

/// Who bears it may use the book: for bearer_tokens() of tokens.hpp.
struct Token {
  enum class Role {
    read,   ///< may read
    write,  ///< may do everything
  };

  std::string name;  ///< of its bearer, for the log: 1 to 64 of [A-Za-z0-9._@-]
  Role role = Role::read;
  /// One of the two: the token's SHA-256 in 64 hex digits, or the token itself, a secret of at
  /// least 16 of [A-Za-z0-9-._~+/] (then = at its end; RFC 6750, 2.1).
  std::string sha256;
  std::string text;
};

/// How a Server treats its connections. Every field has a default that is safe to use.
struct ServerOptions {
  /// For a request's head to arrive, as a whole: from its first byte, on a fresh connection from
  /// the start, with TLS including the handshake.
  std::chrono::milliseconds header_timeout{10'000};
  /// For a request's body to arrive, as a whole. Of this and Options::body_timeout the shorter
  /// counts.
  std::chrono::milliseconds body_timeout{30'000};
  /// For a client to receive an answer, as a whole, from when it first falls behind.
  std::chrono::milliseconds answer_timeout{120'000};
  /// How long a client may be silent in the middle of a body.
  std::chrono::milliseconds read_timeout{5'000};
  /// How long a client may take nothing of an answer.
  std::chrono::milliseconds write_timeout{5'000};
  /// How long a connection may be idle between requests; rounded up to whole seconds.
  std::chrono::milliseconds keep_alive_timeout{15'000};
  /// After stop(): how long what has begun to arrive may go on arriving.
  std::chrono::milliseconds stop_grace{1'000};
  /// After stop(): how long answers may take; then the connections are cut.
  std::chrono::milliseconds stop_timeout{10'000};
  /// The most connections; further ones get a 503. Fewer where the process may not open as many
  /// files (RLIMIT_NOFILE, of which some are left for the program).
  std::size_t max_connections = 10'000;
  /// The most threads: requests that wait for their client, or for the program, hold one each.
  /// When all do, further requests get a 503.
  std::size_t max_threads = 1'000;
  /// As in Options; for the requests that the server answers itself.
  bool debug = false;
  /// As in Options; for the requests that the server answers itself.
  std::function<void(const LogRecord&)> log;
};

/// For open_sqlite().
struct SqliteOptions {
  /// The maximum number of connections, at least 1; one at a time writes. A reader waits if all are
  /// in use.
  std::size_t connections = 8;
  /// Memory for recently read entries, which are read again without a query; 0: none.
  std::size_t entry_cache_bytes = std::size_t{64} * 1024 * 1024;
  /// Memory for pages of the file, for each connection.
  std::size_t page_cache_bytes = std::size_t{8} * 1024 * 1024;
};

/// For open_postgresql().
struct PostgresqlOptions {
  /// The maximum number of connections of this process, at least 1; opened when they are needed. A
  /// request waits if all are in use.
  std::size_t connections = 16;
  /// The time to make a connection, rounded up to whole seconds, at least 2. A `connect_timeout` in
  /// the connection string takes precedence.
  std::chrono::milliseconds connect_timeout{3000};
  /// The time that a request waits for a connection, and then the time that its query or commit may
  /// take as a whole; half a second more if the server does not end it.
  std::chrono::milliseconds timeout{5000};
};

}  // namespace addrbook
