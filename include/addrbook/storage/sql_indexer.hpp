/// SqlIndexer: makes the search index of an SQL database. Needs SOCI.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/contacts/terms.hpp>
#include <addrbook/error.hpp>
#include <addrbook/options.hpp>
#include <addrbook/storage/index_terms.hpp>
#include <addrbook/storage/sql_connection.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/text.hpp>

#include <soci/soci.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Makes the index of a database whose tables are of the current version, if it is not complete or
/// was made by other rules. In slices, each in a transaction of its own: one that was killed is
/// continued. Throws what SOCI throws.
/// @par Thread safety  one thread at a time.
class SqlIndexer {
 public:
  /// @param folding   outlives this object
  /// @param progress  may be empty
  SqlIndexer(const Folding& folding, MigrationProgress progress)
      : folding_(folding), rules_(index_version(folding)), progress_(std::move(progress)) {}

  /// Whether there is nothing to do.
  [[nodiscard]] bool is_complete(SqlConnection& connection) const {
    return read(connection, "").is_complete;
  }

  /// Does a part, in the caller's transaction.
  /// @returns whether there is more to do
  bool work(SqlConnection& connection);

 private:
  using Integer = SqlTables::Integer;
  struct State {
    std::string rules;
    Integer indexed = 0;
    bool is_complete = false;
  };

  [[nodiscard]] State read(SqlConnection& connection, const std::string& lock) const;
  static void claim(SqlConnection& connection, const std::string& rules);
  void tell(soci::session& session);

  const Folding& folding_;
  const std::string rules_;
  const MigrationProgress progress_;
  Integer done_ = -1;  // entries in the index; not counted yet
  Integer total_ = 0;
};

// ---------------------------------------------------------------------------------------------

inline SqlIndexer::State SqlIndexer::read(SqlConnection& connection,
                                          const std::string& lock) const {
  State state;
  soci::session& session = connection.session();
  session << "SELECT terms, indexed FROM addrbook_store WHERE " + connection.texts().is_same_store +
                 lock,
      soci::into(state.rules), soci::into(state.indexed);
  if (!session.got_data()) throw StateLost();
  state.is_complete = state.rules == rules_ && state.indexed == SqlTables::all_indexed;
  return state;
}

inline bool SqlIndexer::work(SqlConnection& connection) {
  // A slice is a transaction, which is the quicker the larger it is, and holds so much in memory.
  constexpr PageLimit slice{5000, std::size_t{8} * 1024 * 1024};
  soci::session& session = connection.session();
  const SqlTexts& texts = connection.texts();
  for (const std::string& sql : texts.begin_index) session << sql;
  State state = read(connection, texts.lock);
  if (state.is_complete) return false;
  if (state.rules != rules_) {
    claim(connection, state.rules);
    session << "UPDATE addrbook_store SET terms = :rules, indexed = 0", soci::use(rules_);
    for (const std::string& sql : texts.clear_index) session << sql;
    state.indexed = 0;
  }
  if (progress_) tell(session);
  std::vector<SqlWriter::Indexed> rows;
  for (const auto& [key, document] : connection.documents(state.indexed, slice)) {
    rows.push_back({key, IndexTerms(SqlTables::number_of(key), document, folding_)});
  }
  if (rows.empty()) {
    for (const std::string& sql : texts.end_index) session << sql;
  } else {
    connection.writer().index(rows);
    done_ += static_cast<Integer>(rows.size());
  }
  const Integer last = rows.empty() ? SqlTables::all_indexed : rows.back().key;
  session << "UPDATE addrbook_store SET indexed = :last", soci::use(last);
  return !rows.empty();
}

inline void SqlIndexer::claim(SqlConnection& connection, const std::string& rules) {
  const std::string& sql = connection.texts().claim_index;
  if (sql.empty() || rules.empty()) return;
  int is_free = 0;
  connection.session() << sql, soci::use(rules, "rules"), soci::into(is_free);
  if (is_free == 0) {
    throw Error(Errc::storage, "the search index was made by other rules (" + rules +
                                   "), and a server that is running uses it; stop that one first");
  }
}

inline void SqlIndexer::tell(soci::session& session) {
  if (done_ < 0) {
    session << "SELECT (SELECT COUNT(*) FROM addrbook_search), "
               "(SELECT COUNT(*) FROM addrbook_entries)",
        soci::into(done_), soci::into(total_);
  }
  if (total_ != 0) progress_(SqlTables::from_integer(done_), SqlTables::from_integer(total_));
}

}  // namespace addrbook::detail
