/// PostgresqlWriter: the transaction of a group of writers in two round trips. Needs libpq, and
/// SOCI with its PostgreSQL backend for its exceptions.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/storage/group_commit.hpp>
#include <addrbook/storage/index_terms.hpp>
#include <addrbook/storage/postgresql_array.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/storage/sql_writer.hpp>
#include <addrbook/storage/write_plan.hpp>
#include <addrbook/store.hpp>

#include <soci/postgresql/soci-postgresql.h>

#include <libpq-fe.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Sends statements without waiting for the answers of those before (libpq's pipeline mode): first
/// all that read, then all that write with the commit. Rows go in arrays, so that their number
/// makes no difference. Large ones can't block both sides: while libpq can't send, it receives.
class PostgresqlWriter final : public SqlWriter {
 public:
  /// @param connection  outlives this object
  /// @param texts       of the engine
  PostgresqlWriter(PGconn* connection, const SqlTexts& texts);

  inline void read(WritePlan& plan) override;
  inline void write(WritePlan& plan) override;
  inline void commit() override;
  inline void index(const std::vector<Indexed>& entries) override;
  inline void remove(Integer first, Integer last) override;
  [[nodiscard]] std::string transaction() const override { return transaction_; }

 private:
  using Result = std::unique_ptr<PGresult, void (*)(PGresult*)>;

  /// A parameter of a statement, in text or in binary.
  struct Parameter {
    std::string bytes;
    bool is_binary = false;

    Parameter(std::uint64_t value) : bytes(std::to_string(value)) {}
    Parameter(std::string_view text) : bytes(text) {}
    Parameter(const PostgresqlArray& array) : bytes(array.bytes()), is_binary(true) {}
  };

  /// Columns of addrbook_search.
  struct SearchColumns {
    PostgresqlArray keys = PostgresqlArray::of_integers();
    PostgresqlArray names = PostgresqlArray::of_texts();
    PostgresqlArray given = PostgresqlArray::of_texts();
    PostgresqlArray family = PostgresqlArray::of_texts();
    PostgresqlArray words = PostgresqlArray::of_texts();
    PostgresqlArray exact = PostgresqlArray::of_texts();

    void add(Integer key, const IndexTerms& terms) {
      keys.add(key);
      // None is empty, so that this can stand for an absent one.
      names.add(terms.name ? std::string_view(*terms.name) : std::string_view());
      given.add(terms.given ? std::string_view(*terms.given) : std::string_view());
      family.add(terms.family ? std::string_view(*terms.family) : std::string_view());
      words.add(terms.words);
      exact.add(terms.exact);
    }
  };

  void enter();
  void send(const char* statement, const std::vector<Parameter>& parameters);
  void send_text(const char* sql);
  [[nodiscard]] std::vector<Result> receive();
  void leave();
  [[noreturn]] void fail(const PGresult* result) const;
  void check_sent(int is_sent) const {
    if (is_sent != 1) fail(nullptr);
  }

  static std::string_view text_at(const Result& result, int row, int column) {
    return {::PQgetvalue(result.get(), row, column),
            static_cast<std::size_t>(::PQgetlength(result.get(), row, column))};
  }
  static SqlTables::Integer integer_at(const Result& result, int row, int column);

  PGconn* const connection_;
  std::string transaction_;
  std::size_t sent_ = 0;  // statements whose answers have not been received
};

// ---------------------------------------------------------------------------------------------

inline PostgresqlWriter::PostgresqlWriter(PGconn* connection, const SqlTexts& texts)
    : connection_(connection) {
  const std::string read_state = "SELECT epoch, revision, count, " + texts.transaction +
                                 " FROM addrbook_books WHERE number = $1 AND name = $2 AND " +
                                 texts.are_same_books + texts.lock;
  // Rows of addrbook_search: $1 to $6.
  const std::string search_rows =
      "(SELECT key, NULLIF(name, ''), NULLIF(given, ''), NULLIF(family, ''), "
      "array_to_tsvector(string_to_array(rtrim(words, ' '), ' ')), "
      "array_to_tsvector(string_to_array(rtrim(exact, ' '), ' ')) FROM "
      "unnest(CAST($1 AS bigint[]), CAST($2 AS text[]), CAST($3 AS text[]), CAST($4 AS text[]), "
      "CAST($5 AS text[]), CAST($6 AS text[])) AS row (key, name, given, family, words, exact)) "
      "AS new (key, name, given, family, words, exact)";
  enter();
  const auto prepare = [&](const char* name, const std::string& sql) {
    check_sent(::PQsendPrepare(connection_, name, sql.c_str(), 0, nullptr));
    ++sent_;
  };
  prepare("addrbook_begin", texts.begin_write);
  prepare("addrbook_lock", read_state);
  prepare("addrbook_keys",
          "SELECT id, key, revision, created_at FROM addrbook_entries "
          "WHERE key >> 40 = $1 AND id = ANY (CAST($2 AS text[]))");
  prepare("addrbook_entries",
          "SELECT id, key, revision, created_at, updated_at, document FROM addrbook_entries "
          "WHERE key >> 40 = $1 AND id = ANY (CAST($2 AS text[]))");
  prepare("addrbook_remove",
          "WITH terms AS (DELETE FROM addrbook_search WHERE key = ANY (CAST($1 AS bigint[]))) "
          "DELETE FROM addrbook_entries WHERE key = ANY (CAST($1 AS bigint[]))");
  prepare("addrbook_remove_range",
          "WITH terms AS (DELETE FROM addrbook_search WHERE key >= $1 AND key <= $2) "
          "DELETE FROM addrbook_entries WHERE key >= $1 AND key <= $2");
  const std::string insert_search =
      "INSERT INTO addrbook_search (key, name, given, family, words, exact) SELECT * FROM ";
  prepare("addrbook_index", insert_search + search_rows);
  prepare("addrbook_insert",
          "WITH terms AS (" + insert_search + search_rows +
              ") "
              "INSERT INTO addrbook_entries (key, id, revision, created_at, updated_at, document) "
              "SELECT * FROM unnest(CAST($1 AS bigint[]), CAST($7 AS text[]), "
              "CAST($8 AS bigint[]), CAST($9 AS bigint[]), CAST($10 AS bigint[]), "
              "CAST($11 AS text[]))");
  // What has not changed is not written.
  prepare("addrbook_update",
          "WITH terms AS (UPDATE addrbook_search SET name = new.name, given = new.given, "
          "family = new.family, words = new.words, exact = new.exact FROM " +
              search_rows +
              " WHERE addrbook_search.key = new.key AND "
              "(addrbook_search.name, addrbook_search.given, addrbook_search.family, "
              "addrbook_search.words, addrbook_search.exact) IS DISTINCT FROM "
              "(new.name, new.given, new.family, new.words, new.exact)) "
              "UPDATE addrbook_entries SET revision = new.revision, updated_at = new.updated_at, "
              "document = new.document FROM unnest(CAST($1 AS bigint[]), CAST($7 AS bigint[]), "
              "CAST($8 AS bigint[]), CAST($9 AS text[])) "
              "AS new (key, revision, updated_at, document) "
              "WHERE addrbook_entries.key = new.key");
  prepare("addrbook_set_state",
          "UPDATE addrbook_books SET revision = $2, count = $3 WHERE number = $1");
  prepare("addrbook_note",
          "SELECT value, base, expires FROM addrbook_notes WHERE number = $1 AND key = $2");
  prepare("addrbook_put_note", NoteTexts::put("$1, $2, $3, $4, $5"));
  prepare("addrbook_forget_notes", NoteTexts::forget("$1", "$2"));
  prepare("addrbook_put_tombstones",
          "INSERT INTO addrbook_tombstones (key, id, removed_at) SELECT * FROM "
          "unnest(CAST($1 AS bigint[]), CAST($2 AS text[]), CAST($3 AS bigint[]))");
  const std::string number = "CAST($1 AS bigint)";
  prepare("addrbook_note_forgotten", TombstoneTexts::note(number, "$2", "$3"));
  prepare("addrbook_forget_tombstones", TombstoneTexts::forget(number));
  prepare("addrbook_commit", "COMMIT");
  static_cast<void>(receive());
  leave();
}

inline void PostgresqlWriter::enter() {
  check_sent(::PQenterPipelineMode(connection_));
  sent_ = 0;
}

inline void PostgresqlWriter::leave() {
  check_sent(::PQexitPipelineMode(connection_));
}

inline void PostgresqlWriter::send(const char* statement,
                                   const std::vector<Parameter>& parameters) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
  for (const Parameter& parameter : parameters) {
    values.push_back(parameter.bytes.c_str());
    lengths.push_back(static_cast<int>(parameter.bytes.size()));
    formats.push_back(parameter.is_binary ? 1 : 0);
  }
  constexpr int in_text = 0;
  check_sent(::PQsendQueryPrepared(connection_, statement, static_cast<int>(values.size()),
                                   values.data(), lengths.data(), formats.data(), in_text));
  ++sent_;
}

// The answers to all that was sent, in its order.
inline std::vector<PostgresqlWriter::Result> PostgresqlWriter::receive() {
  check_sent(::PQpipelineSync(connection_));
  std::vector<Result> results;
  std::optional<Result> failed;
  for (std::size_t i = 0; i < sent_; ++i) {
    Result result(::PQgetResult(connection_), ::PQclear);
    const auto status = ::PQresultStatus(result.get());
    const bool is_fine = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    if (!is_fine && !failed) {
      if (::PQstatus(connection_) != CONNECTION_OK || !result) fail(result.get());
      failed = std::move(result);
    } else {
      results.push_back(std::move(result));
    }
    // A null result ends each statement's answer.
    while (Result(::PQgetResult(connection_), ::PQclear)) {
    }
  }
  if (failed) fail(failed->get());
  const Result end(::PQgetResult(connection_), ::PQclear);
  if (::PQresultStatus(end.get()) != PGRES_PIPELINE_SYNC) fail(end.get());
  sent_ = 0;
  return results;
}

// As SOCI does, so that its exceptions and these are told apart nowhere.
inline void PostgresqlWriter::fail(const PGresult* result) const {
  const char* state = result == nullptr ? nullptr : ::PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state == nullptr) state = ::PQstatus(connection_) == CONNECTION_OK ? "XX000" : "08006";
  const char* const message =
      result == nullptr ? ::PQerrorMessage(connection_) : ::PQresultErrorMessage(result);
  throw soci::postgresql_soci_error(message, state);
}

inline SqlTables::Integer PostgresqlWriter::integer_at(const Result& result, int row, int column) {
  const std::string_view text = text_at(result, row, column);
  SqlTables::Integer value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

inline void PostgresqlWriter::read(WritePlan& plan) {
  enter();
  send("addrbook_begin", {});
  for (const auto& [id, book] : plan.books()) send("addrbook_lock", {id.number, id.name});
  // By the book, and by whether the whole entries are wanted.
  std::map<std::pair<std::uint64_t, bool>, PostgresqlArray> ids;
  for (const auto& [place, slot] : plan.slots()) {
    ids.try_emplace({place.first, slot.wants_entry}, PostgresqlArray::of_texts())
        .first->second.add(place.second);
  }
  for (const auto& [which, array] : ids) {
    send(which.second ? "addrbook_entries" : "addrbook_keys", {which.first, array});
  }
  for (const auto& [place, note] : plan.notes()) send("addrbook_note", {place.first, place.second});
  const auto results = receive();
  leave();

  std::size_t next = 1;
  for (auto& [id, book] : plan.books()) {
    const Result& result = results.at(next++);
    if (::PQntuples(result.get()) == 0) continue;
    book.state = BookState{SqlTables::parse_epoch(text_at(result, 0, 0)),
                           SqlTables::from_integer(integer_at(result, 0, 1)),
                           SqlTables::from_integer(integer_at(result, 0, 2))};
    transaction_ = text_at(result, 0, 3);
  }
  for (const auto& [which, array] : ids) {
    const Result& result = results.at(next++);
    for (int row = 0; row < ::PQntuples(result.get()); ++row) {
      WritePlan::Slot& slot = plan.slots().find({which.first, text_at(result, row, 0)})->second;
      slot.stored = {SqlTables::created_of(integer_at(result, row, 1)),
                     SqlTables::from_integer(integer_at(result, row, 2)),
                     SqlTables::to_time(integer_at(result, row, 3))};
      if (!which.second) continue;
      slot.updated_at = SqlTables::to_time(integer_at(result, row, 4));
      slot.stored_document = Document::trusted(std::string(text_at(result, row, 5)));
    }
  }
  for (auto& [place, note] : plan.notes()) {
    const Result& result = results.at(next++);
    if (::PQntuples(result.get()) == 0) continue;
    note.stored_value = text_at(result, 0, 0);
    note.now = {note.stored_value, SqlTables::from_integer(integer_at(result, 0, 1)),
                SqlTables::to_time(integer_at(result, 0, 2))};
  }
}

inline void PostgresqlWriter::write(WritePlan& plan) {
  enter();
  struct Columns : SearchColumns {
    PostgresqlArray ids = PostgresqlArray::of_texts();
    PostgresqlArray revisions = PostgresqlArray::of_integers();
    PostgresqlArray created_at = PostgresqlArray::of_integers();
    PostgresqlArray updated_at = PostgresqlArray::of_integers();
    PostgresqlArray documents = PostgresqlArray::of_texts();
  };
  PostgresqlArray removed = PostgresqlArray::of_integers();
  Columns inserted;
  Columns updated;
  for (const auto& [place, slot] : plan.slots()) {
    if (slot.is_removed()) removed.add(SqlTables::key_of(place.first, slot.stored->created));
    if (!slot.is_inserted() && !slot.is_updated()) continue;
    Columns& columns = slot.is_inserted() ? inserted : updated;
    columns.add(SqlTables::key_of(place.first, slot.now->created), *slot.terms);
    columns.revisions.add(SqlTables::to_integer(slot.now->revision));
    columns.updated_at.add(SqlTables::to_integer(slot.updated_at));
    columns.documents.add(slot.document->text());
    if (!slot.is_inserted()) continue;
    columns.ids.add(place.second);
    columns.created_at.add(SqlTables::to_integer(slot.now->created_at));
  }
  if (!removed.is_empty()) send("addrbook_remove", {removed});
  if (!inserted.keys.is_empty()) {
    send("addrbook_insert", {inserted.keys, inserted.names, inserted.given, inserted.family,
                             inserted.words, inserted.exact, inserted.ids, inserted.revisions,
                             inserted.created_at, inserted.updated_at, inserted.documents});
  }
  if (!updated.keys.is_empty()) {
    send("addrbook_update",
         {updated.keys, updated.names, updated.given, updated.family, updated.words, updated.exact,
          updated.revisions, updated.updated_at, updated.documents});
  }
  const auto time = [](Timestamp at) { return SqlTables::from_integer(SqlTables::to_integer(at)); };
  if (!plan.removals().empty()) {
    PostgresqlArray keys = PostgresqlArray::of_integers();
    PostgresqlArray removed_ids = PostgresqlArray::of_texts();
    PostgresqlArray times = PostgresqlArray::of_integers();
    for (const auto& removal : plan.removals()) {
      keys.add(SqlTables::key_of(removal.book, removal.revision));
      removed_ids.add(removal.id);
      times.add(SqlTables::to_integer(removal.at));
    }
    send("addrbook_put_tombstones", {keys, removed_ids, times});
  }
  for (const auto& [id, book] : plan.books()) {
    if (book.removed == 0) continue;
    send("addrbook_note_forgotten",
         {id.number, time(book.forget_until), TombstoneTexts::seen_by(book)});
    send("addrbook_forget_tombstones", {id.number});
  }
  for (const auto& [place, note] : plan.notes()) {
    if (!note.is_changed) continue;
    send("addrbook_put_note",
         {place.first, place.second, note.now->value, note.now->base, time(note.now->expires)});
    send("addrbook_forget_notes", {place.first, time(note.written_at)});
  }
  for (const auto& [id, book] : plan.books()) {
    if (!book.is_changed) continue;
    send("addrbook_set_state", {id.number, book.state->revision, book.state->count});
  }
}

inline void PostgresqlWriter::index(const std::vector<Indexed>& entries) {
  SearchColumns columns;
  for (const Indexed& entry : entries) columns.add(entry.key, entry.terms);
  enter();
  send("addrbook_index",
       {columns.keys, columns.names, columns.given, columns.family, columns.words, columns.exact});
  static_cast<void>(receive());
  leave();
}

inline void PostgresqlWriter::remove(Integer first, Integer last) {
  enter();
  send("addrbook_remove_range", {SqlTables::from_integer(first), SqlTables::from_integer(last)});
  static_cast<void>(receive());
  leave();
}

inline void PostgresqlWriter::commit() {
  send("addrbook_commit", {});
  const auto results = receive();
  leave();
  // A transaction that has failed can only be rolled back.
  if (std::string_view(::PQcmdStatus(results.back().get())) != "COMMIT") fail(nullptr);
}

}  // namespace addrbook::detail
