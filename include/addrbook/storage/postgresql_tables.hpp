/// PostgresqlTables: the tables of books in PostgreSQL, and where they come from. Needs SOCI with
/// its PostgreSQL backend (target addrbook::postgresql).
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/options.hpp>
#include <addrbook/storage/sql_connection.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_tables.hpp>

#include <soci/soci.h>

#include <string>

namespace addrbook::detail {

/// The tables that a session finds. Throws what SOCI throws.
class PostgresqlTables {
 public:
  explicit PostgresqlTables(soci::session& session) : session_(session) {}

  /// @returns the version of the tables; 0: there are none
  [[nodiscard]] int found() const;

  /// Brings the tables to the current version, or makes them.
  /// @throws Error{storage} if they are of a newer one
  void migrate(const MigrationProgress& progress) const;

  /// Begins new epochs if the tables come from somewhere else, and tells the session which tables
  /// it is for: SqlTexts::are_same_books, is_same_store.
  /// @throws StateLost if they are being restored
  void check_source() const;

  /// Tells other servers that the session uses an index that is made by these rules. Comes after
  /// check_source().
  /// @throws Error{storage} if it `must_be_complete`, and is not
  void use_index(const std::string& rules, bool must_be_complete) const;

  /// @returns an expression: the two numbers of the advisory lock of those who use an index that is
  ///          made by `:rules`
  [[nodiscard]] static std::string lock_of_rules() {
    return "CAST(CAST(CAST(current_setting('addrbook.store') AS bigint) AS bit(32)) AS integer), "
           "hashtext(:rules)";
  }

  /// @returns the only value of a query
  template <class Value>
  [[nodiscard]] static Value ask(soci::session& session, const std::string& query) {
    Value value{};
    session << query, soci::into(value);
    return value;
  }

 private:
  [[nodiscard]] static const SqlTables& tables();
  [[nodiscard]] std::string source_of(const std::string& table) const;
  void replace_books() const;
  void set_origin(const std::string& source) const {
    session_ << "UPDATE addrbook_store SET origin = :source", soci::use(source);
  }

  soci::session& session_;
};

// ---------------------------------------------------------------------------------------------

inline const SqlTables& PostgresqlTables::tables() {
  static const SqlTables tables(SqlTables::Dialect{
      "BIGINT",
      "TEXT COLLATE \"C\"",
      "left(CAST(gen_random_uuid() AS text), 8) || right(CAST(gen_random_uuid() AS text), 8)",
      "id ~ '^[0-9a-f]{12}7[0-9a-f]{19}$'",
      "CAST(CAST('x0000' || left(id, 12) AS bit(64)) AS bigint)",
      // A text search vector holds up to 1 MiB, so there are two.
      ", words tsvector NOT NULL, exact tsvector NOT NULL",
      {},
      {}});
  return tables;
}

inline int PostgresqlTables::found() const {
  // Not to_regclass(): it uses a cache, which within a transaction may not know tables that
  // another one has just made.
  const auto is_there =
      ask<int>(session_,
               "SELECT CAST(COUNT(*) AS integer) FROM pg_tables WHERE tablename = "
               "'addrbook_schema' AND schemaname = ANY (current_schemas(false))");
  return is_there != 0 ? ask<int>(session_, "SELECT version FROM addrbook_schema") : 0;
}

inline void PostgresqlTables::migrate(const MigrationProgress& progress) const {
  int version = found();
  if (version < SqlTables::version) {
    SqlTransaction transaction(session_);
    // Servers that start at the same time take turns. The number is arbitrary.
    session_ << "SELECT pg_advisory_xact_lock(4711042152)";
    version = found();
    if (version < SqlTables::version) {
      // A database that stays the same keeps its epoch.
      const bool stays =
          version == 2 && ask<std::string>(session_, "SELECT origin FROM addrbook_head") ==
                              source_of("addrbook_head");
      if (version == 3 || version == 4) replace_books();
      tables().migrate(session_, version, progress);
      if (stays) set_origin(source_of("addrbook_store"));
      if (version == 0) session_ << "CREATE TABLE addrbook_schema (version INTEGER NOT NULL)";
      if (version == 0) session_ << "INSERT INTO addrbook_schema (version) VALUES (0)";
      version = SqlTables::version;
      session_ << "UPDATE addrbook_schema SET version = :version", soci::use(version);
    }
    transaction.commit();
  }
  if (version > SqlTables::version) SqlTables::refuse("the book", version);
}

// Servers of an older version that are running must not write what is not indexed, or remove what
// is not remembered: that they find another
// table of books makes them connect anew, and see the version.
inline void PostgresqlTables::replace_books() const {
  session_ << "ALTER TABLE addrbook_books RENAME TO addrbook_old_books";
  session_ << "CREATE TABLE addrbook_books (LIKE addrbook_old_books INCLUDING ALL)";
  session_ << "INSERT INTO addrbook_books SELECT * FROM addrbook_old_books";
  session_ << "DROP TABLE addrbook_old_books";
}

// The lock is the session's, and ends with it. It comes first: who makes another index takes the
// lock that others then wait for.
inline void PostgresqlTables::use_index(const std::string& rules, bool must_be_complete) const {
  std::string locked;
  session_ << "SELECT CAST(pg_advisory_lock_shared(" + lock_of_rules() + ") AS text)",
      soci::use(rules, "rules"), soci::into(locked);
  if (!must_be_complete) return;
  const auto all = SqlTables::all_indexed;
  int is_complete = 0;
  session_ << "SELECT CASE WHEN terms = :rules AND indexed = :all THEN 1 ELSE 0 END "
              "FROM addrbook_store",
      soci::use(rules, "rules"), soci::use(all, "all"), soci::into(is_complete);
  if (session_.got_data() && is_complete == 0) {
    throw Error(Errc::storage,
                "the search index is not complete, or was made by other rules; a start makes it");
  }
}

// The source of a book is the cluster, its timeline, which changes by a promotion or a recovery to
// a point in time, the database, and the table, which is another one after a restore from a dump. A
// book that comes from another source may lack writes that clients have seen, so it gets a new
// epoch. The connection remembers the table, so that it is not used for another one.
inline std::string PostgresqlTables::source_of(const std::string& table) const {
  return ask<std::string>(
      session_,
      "SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()), "
      "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), "
      "(SELECT oid FROM pg_database WHERE datname = current_database()), "
      "CAST(CAST('" +
          table + "' AS regclass) AS oid))");
}

inline void PostgresqlTables::check_source() const {
  const auto source = source_of("addrbook_store");
  const std::string table = source.substr(source.rfind('/') + 1);
  static_cast<void>(ask<std::string>(
      session_, "SELECT set_config('addrbook.store', '" + table +
                    "', false) || set_config('addrbook.books', "
                    "CAST(CAST(CAST('addrbook_books' AS regclass) AS oid) AS text), false)"));
  const std::string query =
      "SELECT origin FROM addrbook_store WHERE tableoid = CAST('" + table + "' AS oid)";
  const auto origin = [&](const std::string& how) {
    auto found = ask<std::string>(session_, query + how);
    if (!session_.got_data()) throw StateLost();  // it is being restored
    return found;
  };
  if (origin("") == source) return;
  SqlTransaction transaction(session_);
  const auto known = origin(" FOR UPDATE");
  if (known != source) {
    if (!known.empty()) tables().renew_epochs(session_);
    set_origin(source);
  }
  transaction.commit();
}

}  // namespace addrbook::detail
