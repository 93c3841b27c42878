/// PostgresqlEngine: PostgreSQL as an SqlEngine. Needs SOCI with its PostgreSQL backend, and libpq
/// (target addrbook::postgresql).
#pragma once

#include <addrbook/contacts/terms.hpp>
#include <addrbook/error.hpp>
#include <addrbook/options.hpp>
#include <addrbook/storage/postgresql_connection.hpp>
#include <addrbook/storage/postgresql_session.hpp>
#include <addrbook/storage/postgresql_tables.hpp>
#include <addrbook/storage/postgresql_writer.hpp>
#include <addrbook/storage/socket_deadlines.hpp>
#include <addrbook/storage/sql_connection.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/text.hpp>
#include <addrbook/unicode_text.hpp>

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
  void prepare() override;
  [[nodiscard]] inline std::unique_ptr<soci::session> connect(Clock::time_point deadline) override;
  [[nodiscard]] std::unique_ptr<SqlWriter> writer(soci::session& session) const override {
    return std::make_unique<PostgresqlWriter>(handle(session), texts());
  }
  [[nodiscard]] const Folding& folding() const noexcept override { return *folding_; }
  [[nodiscard]] const MigrationProgress& progress() const noexcept override {
    return options_.migration;
  }
  [[nodiscard]] inline SqlFault fault_of(const std::exception& thrown) const override;
  // A connection is not used again after a failure: SOCI leaks the memory of the failed statement's
  // values.
  bool reset(soci::session&, const std::exception&) const noexcept override { return false; }
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
  [[nodiscard]] std::unique_ptr<soci::session> open(Clock::time_point deadline) const;

  static PGconn* handle(soci::session& session) {
    return static_cast<soci::postgresql_session_backend*>(session.get_backend())->conn_;
  }
  const PostgresqlOptions options_;
  const std::shared_ptr<const Folding> folding_;
  const PostgresqlConnection connections_;
  std::atomic<bool> has_tables_{false};  // they have been there once
  SocketDeadlines deadlines_;
};

// ---------------------------------------------------------------------------------------------

inline PostgresqlEngine::PostgresqlEngine(const std::string& conninfo,
                                          const PostgresqlOptions& options)
    : options_(options),
      folding_(options.folding ? options.folding : unicode_folding()),
      connections_(parse(conninfo, options), options.connect_timeout) {}

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

inline std::unique_ptr<soci::session> PostgresqlEngine::open(Clock::time_point deadline) const {
  auto session = session_of(connections_.open(deadline));
  // An error's details hold the values of the statement.
  ::PQsetErrorVerbosity(handle(*session), PQERRORS_TERSE);
  return session;
}

// A migration may take longer than the time of a call.
inline void PostgresqlEngine::prepare() {
  const auto deadline = Clock::now() + options_.timeout;
  const auto session = open(deadline);
  try {
    {
      const auto watched = watch(*session, deadline);
      check_server(*session);
      const int found = PostgresqlTables(*session).found();
      if (found == 0 || found >= SqlTables::version) return;
    }
    PostgresqlTables(*session).migrate(options_.migration);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(Errc::storage,
                name() + ": can't be opened: " + lateness(deadline) + reason_of(error));
  }
}

inline std::unique_ptr<soci::session> PostgresqlEngine::connect(Clock::time_point deadline) {
  auto session = open(deadline);
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
  if (PostgresqlTables::ask<std::string>(session, "SHOW synchronous_commit") == "off") {
    session << "SET synchronous_commit = on";
  }
  const PostgresqlTables tables(session);
  // Tables that disappear while the books are used are probably being restored from a dump.
  if (has_tables_.load() && tables.found() == 0) {
    throw Error(Errc::storage, "the book's tables are gone; a start makes new ones");
  }
  tables.migrate(options_.migration);
  tables.check_source();
  // The first connection is that which makes the index.
  tables.use_index(index_version(*folding_), has_tables_.load());
  has_tables_ = true;
}

inline void PostgresqlEngine::check_server(soci::session& session) {
  constexpr int oldest = 150000;
  if (::PQserverVersion(handle(session)) < oldest) {
    throw Error(Errc::storage,
                "PostgreSQL 15 or newer is needed, and this server is of version " +
                    PostgresqlTables::ask<std::string>(session, "SHOW server_version"));
  }
  const auto encoding = PostgresqlTables::ask<std::string>(session, "SHOW server_encoding");
  if (encoding != "UTF8") {
    throw Error(Errc::storage, "the database must be in UTF8, and it is in " + encoding);
  }
}

inline const SqlTexts& PostgresqlEngine::texts() const {
  static const SqlTexts texts{
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
      "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
      // A book's row stays locked until the commit, so revisions are in the order of commits.
      " FOR UPDATE",
      " FOR UPDATE SKIP LOCKED",
      "CAST(pg_current_xact_id() AS text)",
      // All rows arrive at once, so the query itself limits their bytes: it leaves out what follows
      // the row by which `bytes` is exceeded. That row shows that there are more.
      "SELECT id, key, revision, created_at, updated_at, document FROM (SELECT *, "
      "COALESCE(SUM(octet_length(document)) OVER (ORDER BY key "
      "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS earlier, "
      "FIRST_VALUE(octet_length(document)) OVER (ORDER BY key) AS first "
      "FROM (SELECT * FROM addrbook_entries WHERE key > :after AND key < :before "
      "ORDER BY key LIMIT :entries) AS candidates) AS measured "
      "WHERE earlier <= GREATEST(CAST(:bytes AS BIGINT), first) ORDER BY key",
      "SELECT id, key, revision, created_at, updated_at, document FROM (SELECT *, "
      "COALESCE(SUM(octet_length(document)) OVER (ORDER BY place "
      "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS earlier, "
      "FIRST_VALUE(octet_length(document)) OVER (ORDER BY place) AS first "
      "FROM (SELECT addrbook_entries.*, place FROM unnest(CAST(:keys AS bigint[])) "
      "WITH ORDINALITY AS asked (asked_key, place) "
      "JOIN addrbook_entries ON addrbook_entries.key = asked_key) AS candidates) AS measured "
      "WHERE earlier <= GREATEST(CAST(:bytes AS BIGINT), first) ORDER BY place",
      "SELECT COALESCE(id, ''), COALESCE(key, 0), COALESCE(revision, 0), COALESCE(created_at, 0), "
      "COALESCE(updated_at, 0), COALESCE(document, ''), epoch FROM "
      "(SELECT entry.*, epoch, place, COALESCE(SUM(octet_length(document)) OVER (ORDER BY place "
      "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS earlier FROM addrbook_books "
      "CROSS JOIN unnest(CAST(:ids AS text[])) WITH ORDINALITY AS asked (asked_id, place) "
      // LIMIT: however few entries the planner takes the book for, it is not read as a whole.
      "LEFT JOIN LATERAL (SELECT * FROM addrbook_entries "
      "WHERE key >> 40 = number AND id = asked_id LIMIT 1) AS entry ON TRUE "
      "WHERE number = :number AND name = :name AND "
      "addrbook_books.tableoid = CAST(current_setting('addrbook.books') AS oid)) AS measured "
      "WHERE earlier <= CAST(:bytes AS BIGINT) ORDER BY place",
      "octet_length(document)",
      {"'", "'", ":*", " & ", " | ", " & !"},
      "addrbook_search",
      "addrbook_search.key",
      // Subqueries, so that it does not know what is asked for when it makes a plan. Otherwise it
      // takes a token that it has not seen often to be in 0.5 % of the entries, and to look for a
      // hundred of them reads the whole table.
      "words @@ (SELECT CAST(:words AS tsquery))",
      "exact @@ (SELECT CAST(:exact AS tsquery))",
      "words @@ (SELECT CAST(:words AS tsquery)) AND exact @@ (SELECT CAST(:exact AS tsquery))",
      true,
      "",
      // Whoever waits for the index, waits for it as a whole.
      {"SET LOCAL statement_timeout = 0", "SET LOCAL lock_timeout = 0"},
      "SELECT CASE WHEN pg_try_advisory_xact_lock(" + PostgresqlTables::lock_of_rules() +
          ") THEN 1 ELSE 0 END",
      {"TRUNCATE addrbook_search", "DROP INDEX IF EXISTS addrbook_names",
       "DROP INDEX IF EXISTS addrbook_given", "DROP INDEX IF EXISTS addrbook_family",
       "DROP INDEX IF EXISTS addrbook_terms"},
      // Quicker than to keep them up to date.
      {"CREATE INDEX addrbook_names ON addrbook_search ((key >> 40), name, key)",
       "CREATE INDEX addrbook_given ON addrbook_search ((key >> 40), given, key)",
       "CREATE INDEX addrbook_family ON addrbook_search ((key >> 40), family, key)",
       "CREATE INDEX addrbook_terms ON addrbook_search USING gin (words, exact)"},
      // The settings are made by PostgresqlTables::check_source().
      "addrbook_books.tableoid = CAST(current_setting('addrbook.books') AS oid)",
      "addrbook_store.tableoid = CAST(current_setting('addrbook.store') AS oid) AND "
      "CAST(to_regclass('addrbook_books') AS oid) = "
      "CAST(current_setting('addrbook.books') AS oid)"};
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
