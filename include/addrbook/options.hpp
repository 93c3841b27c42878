/// Every option struct of the library. Each default is written here and nowhere else, and is safe
/// to use. One is different for a server program: Config limits max_entries.
#pragma once

#include <addrbook/format.hpp>
#include <addrbook/log.hpp>
#include <addrbook/text.hpp>

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
class Metrics;         // metrics.hpp
struct Request;        // http.hpp

namespace detail {

// Options and ServerOptions share these.
constexpr std::chrono::milliseconds default_body_timeout{30'000};
constexpr std::chrono::milliseconds default_answer_timeout{120'000};

}  // namespace detail

/// What a book may hold.
struct ServiceOptions {
  /// No write makes the book larger; 0: no limit. Config of config.hpp sets 1,000,000.
  std::uint64_t max_entries = 0;
  /// The maximum size of an address's text, also of one that a patch makes, in bytes.
  std::size_t max_document_bytes = std::size_t{16} * 1024 * 1024;
  /// How long a book remembers at least that an address was removed, for those that follow its
  /// changes. Who was away for longer reads the book anew.
  std::chrono::hours tombstone_lifetime{720};
};

/// What a Books may hold.
struct BooksOptions {
  std::uint64_t max_entries = 0;  ///< of each book, see ServiceOptions
  std::uint64_t max_books = 0;    ///< create() refuses to exceed it; 0: no limit
  /// How many books stay open when nobody uses them; each takes less than 1 KiB. To open one again
  /// takes a query.
  std::size_t max_open_books = 100'000;
  /// Of each address, see ServiceOptions.
  std::size_t max_document_bytes = ServiceOptions{}.max_document_bytes;
  /// Of each book, see ServiceOptions.
  std::chrono::hours tombstone_lifetime = ServiceOptions{}.tombstone_lifetime;

  /// @returns the options of each book
  [[nodiscard]] ServiceOptions book() const {
    return {max_entries, max_document_bytes, tombstone_lifetime};
  }
};

/// How a book is served.
struct Options {
  /// The path of the book: one or more segments of [A-Za-z0-9._~-], each after a '/'. For many
  /// books (Books) one of them, but not the first or the last, may be `{book}`, e.g.
  /// `/books/{book}/addresses`: the path then names the book, and `/books` lists, makes and removes
  /// books.
  std::string prefix = "/addresses";
  /// For many books and a prefix without `{book}`: names the book of a request. It gets what
  /// `authorize` returned, so that each user can have their own book. A name that is empty or not
  /// valid, and an absent book, are a 404. If it throws, the answer is a 500.
  std::function<std::string(const Access&, const Request&)> book;
  /// For many books: the first address that is created in an absent book makes the book.
  bool create_on_write = false;
  /// Serves the contacts page as `_page`, for people with a browser: at the prefix, or of many
  /// books at what is before `/{book}`. It is open to all who may reach the server, and holds no
  /// data.
  bool page = false;
  /// Serves a description of the mount: `_openapi.json`, OpenAPI 3.1, and `_openapi`, the same as a
  /// page for people. Both are open to all who may reach the server, and hold no data.
  bool openapi = false;
  /// Error answers say what was thrown and where (`trace`), and the log says more about each
  /// request. Do not show this to strangers. Changes nothing else.
  bool debug = false;
  /// The maximum size of a request's body, after decompression.
  std::size_t max_body_bytes = std::size_t{1024} * 1024;
  /// The formats in which contacts are brought in and taken out. The first one that fits counts.
  /// Without any, all that is asked for by a format is refused.
  Formats formats;
  /// The maximum size of an import's body, after decompression; 0: no limit.
  std::size_t max_import_bytes = std::size_t{256} * 1024 * 1024;
  /// The maximum number of records that an import stores together, at least 1; one of more has to
  /// ask for parts.
  std::size_t max_atomic_records = 10'000;
  /// How fast a client must send an import and take an export, in bytes a second, above 0. It may
  /// lag behind by body_timeout and answer_timeout, which are not for the whole body then.
  std::size_t min_transfer_rate = 1024;
  /// The maximum number of writes that the storage works on at once, at least 1; each holds a
  /// thread. Further ones get a 503 with Retry-After at once.
  std::size_t max_concurrent_writes = 256;
  /// The time for a whole body to arrive, above 0.
  std::chrono::milliseconds body_timeout = detail::default_body_timeout;
  /// The time for a client to receive a whole body; of a body without an end, each piece.
  std::chrono::milliseconds answer_timeout = detail::default_answer_timeout;
  /// The maximum number of clients that wait for changes, in long polls and in streams. A further
  /// poll that has to wait gets a 503, a further stream ends at once and is tried again by
  /// browsers.
  std::size_t max_streams = 1'000;
  /// In place of max_streams where each of them holds a thread: on a server of cpp-httplib's that
  /// is not one of ours, and with ServerOptions::hooks_see_books.
  std::size_t max_blocking_streams = 2;
  /// After which silence a stream of changes sends a comment, so that no proxy ends it; above 0.
  std::chrono::milliseconds ping_interval{15'000};
  /// After which time a stream of changes ends, when it has nothing to send. Browsers connect
  /// again, with the token that is good then.
  std::chrono::milliseconds stream_lifetime{3'600'000};
  /// Memory for the texts of lists, of all books together. A book's list is kept when it is asked
  /// for twice without a write between, until the next write, or until there is no room. A longer
  /// list is not kept; 0: none is.
  std::size_t list_cache_bytes = std::size_t{32} * 1024 * 1024;
  /// Receives a record of every request. Without it, nothing is logged.
  LogSink log;
  /// Counts requests, and serves the numbers as `_metrics` to those who may Action::observe.
  /// Several mounts and servers can share one. Without it, there is no such route.
  std::shared_ptr<Metrics> metrics;
  /// Decides who may do what. Without it, everybody may do everything.
  std::function<Access(const AccessRequest&)> authorize;
  /// Origins, e.g. "https://app.example.com", whose web pages may read and write the book (CORS).
  /// "*" alone allows all origins; then only `authorize` limits them. Writes by pages of any other
  /// origin are refused, except for the server's own. Behind a proxy that changes Host, browsers
  /// tell those over https only (Sec-Fetch-Site): over http add the origin of your own pages.
  /// Credentials that a browser adds by itself are never allowed.
  std::vector<std::string> allowed_origins;
  /// The host names that requests may use (Host without the port; an IPv6 address in brackets).
  /// Requests to other names are refused, except for _health and _ready. This stops web pages that
  /// reach the server under a name of their own (DNS rebinding). Empty: any name.
  std::vector<std::string> allowed_hosts;
  /// While allowed_hosts is empty: localhost, 127.0.0.0/8 and [::1] are the only names. For servers
  /// that only their own machine can reach; guard_loopback() of serve.hpp sets it where it helps.
  bool loopback_hosts_only = false;
  /// Addresses and ranges of addresses (CIDR), e.g. "127.0.0.1", "10.0.0.0/8", "fd00::/8", of the
  /// proxies before the server. What they say counts: in X-Forwarded-For the last address that is
  /// not one of theirs is the client's, for the log and for `authorize`; X-Forwarded-Proto is the
  /// scheme that the Origin of a write must have; X-Forwarded-Prefix is what they removed from the
  /// path, and stands before that of Location and Link. A proxy must set or remove each of the
  /// three, as what clients send passes through it otherwise. Empty: nothing of that counts.
  std::vector<std::string> trusted_proxies;
  /// Decompresses bodies and compresses answers, e.g. gzip() of gzip.hpp. Without it, compressed
  /// bodies are refused.
  std::shared_ptr<const Coding> coding;
};

/// Lets its bearer use the book, or some of many; for bearer_tokens() of tokens.hpp.
struct Token {
  enum class Role {
    read,   ///< may read addresses
    write,  ///< may also create, change and remove them
    admin,  ///< may also make and remove books, and see how the server is doing
  };

  std::string name;  ///< of the bearer, for the log: 1 to 64 of [A-Za-z0-9._@-]
  Role role = Role::read;
  /// The SHA-256 of the token, in 64 hexadecimal digits. Set either this or `text`.
  std::string sha256;
  /// The token: at least 16 of [A-Za-z0-9-._~+/], then any number of '=' (RFC 6750, 2.1).
  std::string text;
  /// The books that it is for, where the path names the book. Empty: all.
  std::vector<std::string> books = {};
};

/// How a Server treats its connections.
struct ServerOptions {
  /// The time for a request's head to arrive, from its first byte. On a new connection, from the
  /// start, including the TLS handshake.
  std::chrono::milliseconds header_timeout{10'000};
  /// The time for a whole body to arrive. The shorter of this and Options::body_timeout applies.
  std::chrono::milliseconds body_timeout = detail::default_body_timeout;
  /// The time for a client to receive a whole answer, from when it first falls behind.
  std::chrono::milliseconds answer_timeout = detail::default_answer_timeout;
  /// How long a client may send nothing in the middle of a body.
  std::chrono::milliseconds read_timeout{5'000};
  /// How long a client may receive nothing of an answer.
  std::chrono::milliseconds write_timeout{5'000};
  /// How long a connection may be idle between requests; rounded up to whole seconds.
  std::chrono::milliseconds keep_alive_timeout{15'000};
  /// After stop(): how long requests that have begun to arrive may continue to arrive.
  std::chrono::milliseconds stop_grace{1'000};
  /// After stop(): how long answers may take until the connections are closed.
  std::chrono::milliseconds stop_timeout{10'000};
  /// The maximum number of connections; further ones get a 503. Lower if the process may not open
  /// as many files (RLIMIT_NOFILE, some of which are left to the program).
  std::size_t max_connections = 10'000;
  /// The maximum number of threads. A request for a book holds one while the storage works on it; a
  /// request for a route of the program also while it waits for its client. If all are in use,
  /// further requests get a 503.
  std::size_t max_threads = 1'000;
  /// The maximum memory for requests and answers on their way: heads and bodies that arrive slowly,
  /// answers that are taken slowly. When it is half used, long answers are no longer compressed;
  /// beyond it they get a 503, and the largest and slowest requests end.
  std::size_t max_buffered_bytes = std::size_t{64} * 1024 * 1024;
  /// Whether the server's hooks (pre-routing handler, logger, error handler and so on) see the
  /// requests for books, and routes of the program below a book's prefix come first. Each of these
  /// requests then holds a thread while it waits for its client, as in httplib::Server: slow
  /// clients can use up max_threads.
  bool hooks_see_books = false;
  /// As in Options, for the requests that the server answers itself.
  bool debug = false;
  /// As in Options, for the requests that the server answers itself.
  LogSink log;
  /// As in Options, for the requests that the server answers itself.
  std::vector<std::string> trusted_proxies;
  /// As in Options, for the requests that the server answers itself, and for its connections.
  std::shared_ptr<Metrics> metrics;
};

/// The files of a TlsServer.
struct TlsFiles {
  std::string certificate;  ///< PEM file: the certificate, then the intermediate ones
  std::string key;          ///< PEM file: the private key, without a password
};

/// Which storage a server program uses.
struct StorageOptions {
  enum class Kind { memory, sqlite, postgresql };

  Kind kind = Kind::sqlite;
  std::string sqlite = "addressbook.db";  ///< the file's path
  std::string postgresql;                 ///< a connection string or URI of libpq
};

/// Is told how far the migration of a storage from an older version of the library is: how many
/// entries are done, of how many. Called by the thread that opens the storage, in the end with all
/// of them; first from 0 while they are moved, if they must be, then while they are indexed, from 0
/// or from where an earlier start was interrupted. What it throws ends the migration: the entries
/// are not changed then, and their index is continued at the next start.
using MigrationProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// For open_sqlite() and open_sqlite_books().
struct SqliteOptions {
  /// The number of connections, at least 1. One is for writing. Readers wait if all are in use.
  std::size_t connections = 8;
  /// Memory for entries that were read lately, so that reading one again needs no query; 0: none.
  std::size_t entry_cache_bytes = std::size_t{64} * 1024 * 1024;
  /// Memory of each connection for the file's pages.
  std::size_t page_cache_bytes = std::size_t{8} * 1024 * 1024;
  /// Without it, a migration tells nothing.
  MigrationProgress migration;
  /// How texts are compared in searches and sorted lists; null: unicode_folding(). If the file has
  /// been used with another one, it is indexed again at the start, which `migration` is told too.
  std::shared_ptr<const Folding> folding;
};

/// For open_postgresql() and open_postgresql_books().
struct PostgresqlOptions {
  /// The maximum number of connections of this process, at least 1; opened on demand. Requests wait
  /// if all are in use.
  std::size_t connections = 16;
  /// The time to open a connection to one address, as a part of `timeout`, which all addresses of
  /// the connection string share. A `connect_timeout` there overrides it.
  std::chrono::milliseconds connect_timeout{3000};
  /// The time for a call of the store, with all its waits: for other writes, for a connection to
  /// come free or to be opened, for a query or a commit, and for a second try. Half a second more
  /// if the server does not cancel the statement itself.
  std::chrono::milliseconds timeout{5000};
  /// Without it, a migration tells nothing.
  MigrationProgress migration;
  /// How texts are compared in searches and sorted lists; null: unicode_folding(). If the database
  /// has been used with another one, it is indexed again at the start, which `migration` is told
  /// too; while a server with the other one is running, the start is refused.
  std::shared_ptr<const Folding> folding;
};

/// Where and how a server program logs.
struct LoggingOptions {
  LogRecord::Level level = LogRecord::Level::info;  ///< records below it are left out
  LogFormat format = LogFormat::logfmt;
  std::string file;  ///< "": standard error
};

}  // namespace addrbook
