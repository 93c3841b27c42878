/// PostgresqlEngine: PostgreSQL as an SqlEngine. Needs SOCI with its PostgreSQL backend, and libpq
/// (target addrbook::postgresql).
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/options.hpp>
#include <addrbook/storage/postgresql_connection.hpp>
#include <addrbook/storage/postgresql_session.hpp>
#include <addrbook/storage/socket_deadlines.hpp>
#include <addrbook/storage/sql_connection.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_tables.hpp>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include <libpq-fe.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace addrbook::detail {

class PostgresqlEngine final : public SqlEngine {
 public:
  /// @throws Error{invalid}
  PostgresqlEngine(const std::string& conninfo, const PostgresqlOptions& options);

  [[nodiscard]] inline const SqlTexts& texts() const override;
  [[nodiscard]] inline std::unique_ptr<soci::session> connect(Clock::time_point deadline) override;
  [[nodiscard]] inline SqlFault fault_of(const std::exception& thrown) const override;
  // A connection is not used again after a failure: SOCI leaks the memory of the failed statement's
  // values.
  bool reset(soci::session&) const noexcept override { return false; }
  inline void abandon(soci::statement&) const override {}  // all rows arrive with the first
  [[nodiscard]] std::optional<bool> was_committed(soci::session& session,
                                                  const std::string& transaction) const override;
  [[nodiscard]] bool has_other_writers() const noexcept override { return true; }
  [[nodiscard]] bool is_remote() const noexcept override { return true; }
  [[nodiscard]] inline std::shared_ptr<void> watch(soci::session& session,
                                                   Clock::time_point deadline) override;
  void hang_up(soci::session& session) const noexcept override {
    // Otherwise SOCI deallocates each statement on the server, and waits for each answer.
    ::shutdown(::PQsocket(handle(session)), SHUT_RDWR);
  }
  [[nodiscard]] std::string name() const override { return "PostgreSQL"; }

 private:
  using Parameters = PostgresqlConnection::Parameters;
  static Parameters parse(const std::string& conninfo, const PostgresqlOptions& options);

  void set_up(soci::session& session);
  static void check_server(soci::session& session);
  void migrate(soci::session& session) const;
  static void check_source(soci::session& session);

  static PGconn* handle(soci::session& session) {
    return static_cast<soci::postgresql_session_backend*>(session.get_backend())->conn_;
  }
  template <class Value>
  static Value ask(soci::session& session, const std::string& query);

  const PostgresqlOptions options_;
  const PostgresqlConnection connections_;
  std::atomic<bool> has_book_{false};  // the tables have been there once
  SocketDeadlines deadlines_;
};

// ---------------------------------------------------------------------------------------------

inline PostgresqlEngine::PostgresqlEngine(const std::string& conninfo,
                                          const PostgresqlOptions& options)
    : options_(options), connections_(parse(conninfo, options), options.connect_timeout) {}

inline PostgresqlEngine::Parameters PostgresqlEngine::parse(const std::string& conninfo,
                                                            const PostgresqlOptions& options) {
  const auto refuse = [](const std::string& reason) {
    throw Error(Errc::invalid, "the connection string " + reason);
  };
  if (conninfo.find('\0') != std::string::npos) refuse("holds NUL");
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(
      ::PQconninfoParse(conninfo.c_str(), &message), ::PQconninfoFree);
  ::PQfreemem(message);  // not shown, because it may hold a part of the string
  if (!parsed) refuse("is not one that PostgreSQL's library understands");
  Parameters parameters;
  for (const PQconninfoOption* each = parsed.get(); each->keyword != nullptr; ++each) {
    if (each->val != nullptr && *each->val != '\0') parameters[each->keyword] = each->val;
  }
  // insert(): the connection string takes precedence.
  parameters.insert({{"tcp_user_timeout", std::to_string(options.timeout.count())},
                     {"keepalives_idle", "10"},
                     {"keepalives_interval", "2"},
                     {"keepalives_count", "3"},
                     {"fallback_application_name", "addrbook"},
                     {"target_session_attrs", "read-write"}});
  parameters["client_encoding"] = "UTF8";
  return parameters;
}

template <class Value>
Value PostgresqlEngine::ask(soci::session& session, const std::string& query) {
  Value value{};
  session << query, soci::into(value);
  return value;
}

inline std::unique_ptr<soci::session> PostgresqlEngine::connect(Clock::time_point deadline) {
  auto session = session_of(connections_.open(deadline));
  // An error's details hold the values of the statement.
  ::PQsetErrorVerbosity(handle(*session), PQERRORS_TERSE);
  const auto watched = watch(*session, deadline);
  set_up(*session);
  return session;
}

inline void PostgresqlEngine::set_up(soci::session& session) {
  check_server(session);
  // A writer holds the lock of the book's state, and must not hold it forever if it stalls.
  const std::string timeout = std::to_string(options_.timeout.count());
  for (const char* const name :
       {"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"}) {
    session << std::string("SET ").append(name).append(" = ").append(timeout);
  }
  if (ask<std::string>(session, "SHOW synchronous_commit") == "off") {
    session << "SET synchronous_commit = on";
  }
  migrate(session);
  check_source(session);
  has_book_ = true;
}

inline void PostgresqlEngine::check_server(soci::session& session) {
  constexpr int oldest = 150000;
  if (::PQserverVersion(handle(session)) < oldest) {
    throw Error(Errc::storage, "PostgreSQL 15 or newer is needed, and this server is of version " +
                                   ask<std::string>(session, "SHOW server_version"));
  }
  const auto encoding = ask<std::string>(session, "SHOW server_encoding");
  if (encoding != "UTF8") {
    throw Error(Errc::storage, "the database must be in UTF8, and it is in " + encoding);
  }
}

inline void PostgresqlEngine::migrate(soci::session& session) const {
  const auto find_version = [&session] {
    // Not to_regclass(): it uses a cache, which within a transaction may not know tables that
    // another one has just made.
    const auto is_there =
        ask<int>(session,
                 "SELECT CAST(COUNT(*) AS integer) FROM pg_tables WHERE tablename = "
                 "'addrbook_schema' AND schemaname = ANY (current_schemas(false))");
    return is_there != 0 ? ask<int>(session, "SELECT version FROM addrbook_schema") : 0;
  };
  int version = find_version();
  // Tables that disappear while the book is used are probably being restored from a dump.
  if (version == 0 && has_book_.load()) {
    throw Error(Errc::storage, "the book's tables are gone; a start makes new ones");
  }
  if (version < SqlTables::version) {
    SqlTransaction transaction(session);
    // Servers that start at the same time take turns. The number is arbitrary.
    session << "SELECT pg_advisory_xact_lock(4711042152)";
    version = find_version();
    if (version < SqlTables::version) {
      SqlTables("BIGINT", "TEXT COLLATE \"C\"").migrate(session, version);
      if (version == 0) session << "CREATE TABLE addrbook_schema (version INTEGER NOT NULL)";
      if (version == 0) session << "INSERT INTO addrbook_schema (version) VALUES (0)";
      version = SqlTables::version;
      session << "UPDATE addrbook_schema SET version = :version", soci::use(version);
    }
    transaction.commit();
  }
  if (version > SqlTables::version) SqlTables::refuse("the book", version);
}

// The source of a book is the cluster, its timeline, which changes by a promotion or a recovery to
// a point in time, the database, and the table, which is another one after a restore from a dump. A
// book that comes from another source may lack writes that clients have seen, so it gets a new
// epoch. The connection remembers the table, so that it is not used for another one.
inline void PostgresqlEngine::check_source(soci::session& session) {
  const auto source =
      ask<std::string>(session,
                       "SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()), "
                       "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), "
                       "(SELECT oid FROM pg_database WHERE datname = current_database()), "
                       "CAST(CAST('addrbook_head' AS regclass) AS oid))");
  const std::string table = source.substr(source.rfind('/') + 1);
  ask<std::string>(session, "SELECT set_config('addrbook.head', '" + table + "', false)");
  const std::string query =
      "SELECT origin FROM addrbook_head WHERE tableoid = CAST('" + table + "' AS oid)";
  const auto origin = [&](const std::string& how) {
    auto found = ask<std::string>(session, query + how);
    if (!session.got_data()) throw StateLost();  // it is being restored
    return found;
  };
  if (origin("") == source) return;
  SqlTransaction transaction(session);
  const auto known = origin(" FOR UPDATE");
  if (known != source) {
    if (!known.empty()) SqlTables::renew_epoch(session);
    session << "UPDATE addrbook_head SET origin = :source", soci::use(source);
  }
  transaction.commit();
}

inline const SqlTexts& PostgresqlEngine::texts() const {
  static const std::string is_same_head =
      "addrbook_head.tableoid = CAST(current_setting('addrbook.head') AS oid)";  // by
                                                                                 // check_source()
  static const SqlTexts texts{
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
      "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
      // The row stays locked until the commit, so revisions are in the order of commits.
      "SELECT epoch, revision, count, CAST(pg_current_xact_id() AS text) FROM addrbook_head "
      "WHERE " +
          is_same_head + " FOR UPDATE",
      // All rows arrive at once, so the query itself limits their bytes: it leaves out what follows
      // the row by which `bytes` is exceeded. That row shows that there are more.
      "SELECT id, created, revision, document FROM (SELECT *, "
      "COALESCE(SUM(octet_length(document)) OVER (ORDER BY created "
      "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before, "
      "FIRST_VALUE(octet_length(document)) OVER (ORDER BY created) AS first "
      "FROM (SELECT * FROM addrbook_entries WHERE created > :after ORDER BY created LIMIT "
      ":entries) "
      "AS candidates) AS measured "
      "WHERE before <= GREATEST(CAST(:bytes AS BIGINT), first) ORDER BY created",
      is_same_head};
  return texts;
}

inline SqlFault PostgresqlEngine::fault_of(const std::exception& thrown) const {
  const auto* const error = dynamic_cast<const soci::postgresql_soci_error*>(&thrown);
  if (error == nullptr) return SqlFault::other;
  // PostgreSQL docs, appendix A. 57P0x: the server shuts down; 25006: it has become a standby.
  const std::string state = error->sqlstate();
  if (state.compare(0, 2, "08") == 0 || state.compare(0, 4, "57P0") == 0 || state == "25006") {
    return SqlFault::disconnected;
  }
  return state == "53100" ? SqlFault::full : SqlFault::other;
}

inline std::optional<bool> PostgresqlEngine::was_committed(soci::session& session,
                                                           const std::string& transaction) const {
  // The server may not have noticed yet that the connection is lost, and still be committing.
  constexpr auto interval = std::chrono::milliseconds(20);
  for (const auto end = SocketDeadlines::Clock::now() + options_.timeout / 2;;) {
    std::string status;
    session << "SELECT COALESCE(pg_xact_status(CAST(:id AS xid8)), '')", soci::use(transaction),
        soci::into(status);
    if (status == "committed") return true;
    if (status == "aborted") return false;
    if (status != "in progress" || SocketDeadlines::Clock::now() > end) return std::nullopt;
    std::this_thread::sleep_for(interval);
  }
}

inline std::shared_ptr<void> PostgresqlEngine::watch(soci::session& session,
                                                     Clock::time_point deadline) {
  // The server itself ends a statement after `timeout`, with a better message.
  constexpr auto grace = std::chrono::milliseconds(500);
  return std::make_shared<SocketDeadlines::Deadline>(deadlines_, ::PQsocket(handle(session)),
                                                     deadline + grace);
}

}  // namespace addrbook::detail
