/// SqlEngine: what differs between database engines. Needs SOCI (targets addrbook::sqlite,
/// addrbook::postgresql).
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/options.hpp>
#include <addrbook/storage/index_terms.hpp>
#include <addrbook/storage/sql_writer.hpp>
#include <addrbook/text.hpp>

#include <soci/soci.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace addrbook::detail {

/// What the failure of a database means for the caller.
enum class SqlFault {
  disconnected,  ///< the connection is lost; what it had not committed is undone
  full,          ///< no room on the disk
  other,
};

/// @returns the message of a database's failure in one line, without the values that a statement
///          was given: those are addresses, which must not get into a log
[[nodiscard]] inline std::string reason_of(const std::exception& thrown) {
  const auto* const error = dynamic_cast<const soci::soci_error*>(&thrown);
  std::string reason = error != nullptr ? error->get_error_message() : thrown.what();
  // "sqlite3_statement_backend::loadOne: ..." names a function of SOCI.
  const auto colon = reason.find(": ");
  if (colon != std::string::npos && reason.find("::") < colon) reason.erase(0, colon + 2);
  while (!reason.empty() && reason.back() == '\n') reason.pop_back();
  std::replace(reason.begin(), reason.end(), '\n', ' ');
  return reason;
}

/// A transaction that is rolled back unless it is committed.
class SqlTransaction : private Pinned {
 public:
  /// @param begin  the statement that begins it
  explicit SqlTransaction(soci::session& session, const std::string& begin = "BEGIN")
      : session_(session) {
    session_ << begin;
  }
  ~SqlTransaction() {
    if (is_committed_) return;
    try {
      session_.rollback();
    } catch (const std::exception&) {
      // The connection is lost, which ends the transaction too.
    }
  }
  void commit() {
    session_.commit();
    is_committed_ = true;
  }

 private:
  soci::session& session_;
  bool is_committed_ = false;
};

/// The statements that are not the same for all engines.
struct SqlTexts {
  std::string begin_read;  ///< begins a transaction whose statements all see the same moment
  /// Begins a transaction that waits for no reader, and for no other writer of this store.
  std::string begin_write;
  std::string lock;  ///< at the end of a SELECT of one row: no other transaction may change it
  std::string lock_if_free;  ///< likewise; passes over rows that others have locked
  /// An expression: the name of the transaction for was_committed().
  std::string transaction;
  /// Reads id, key, revision, created_at, updated_at and document of entries in order of their
  /// keys. Binds the keys `after` and `before`, which are left out; `entries`, the maximum number
  /// of rows; and `bytes`, how much text the documents before the last one may hold.
  std::string page;
  /// Reads the same columns of entries by their keys, in that order. Binds `keys`: one key as text,
  /// or an array of them if the database is remote; and `bytes`, as above.
  std::string entries;
  /// Reads the same columns of a book's entries by their ids, and the book's epoch: a row for each
  /// id, in their order, with a key of 0 where there is no entry. No row means that there is no
  /// book. Binds the book's `number` and `name`; `ids`, an array of them; and `bytes`, as above.
  /// "": to read one by one takes no longer.
  std::string find_many;
  std::string document_bytes;  ///< an expression: the size of `document`
  /// @name The search index: a table of tokens, see TermToken; see also SqlTables
  /// @{
  TermSyntax syntax;
  std::string found;      ///< the table
  std::string found_key;  ///< its column with the entry's key
  /// Conditions of the table, which bind `words`, `exact`, or both.
  std::string has_words;
  std::string has_exact;
  std::string has_both;
  /// Whether the database chooses a plan by guesses, so that a statement with a condition of tokens
  /// must leave it no choice; otherwise the index of tokens is used.
  bool guesses_plans = false;
  /// A table of the tokens in the order of their bytes, see SortToken, with the entry's key in
  /// `doc`; "": addrbook_search has an index for each order by text.
  std::string order;
  std::vector<std::string> begin_index;  ///< for a transaction that may take long
  /// Selects 1 if nobody uses the index that was made by other `rules`, and keeps others from it
  /// until the transaction ends; "": nobody else can.
  std::string claim_index;
  std::vector<std::string> clear_index;  ///< empties the index, whatever state it is in
  std::vector<std::string> end_index;    ///< once all is in it
  /// @}
  /// @name Conditions
  /// The tables are still those that the connection was made for, and have not been replaced by
  /// those of a dump. The first one is for statements about addrbook_books, the second one for
  /// those about addrbook_store.
  /// @{
  std::string are_same_books;
  std::string is_same_store;
  /// @}
};

/// @par Thread safety  any thread; a session is used by one thread at a time.
class SqlEngine : private Pinned {
 public:
  using Clock = std::chrono::steady_clock;

  virtual ~SqlEngine() = default;

  [[nodiscard]] virtual const SqlTexts& texts() const = 0;

  /// How texts are compared, in the index too.
  [[nodiscard]] virtual const Folding& folding() const noexcept = 0;

  /// Is told how far the making of the index is; may be empty.
  [[nodiscard]] virtual const MigrationProgress& progress() const noexcept = 0;

  /// Brings the database to the current version, however long that takes. Called before the first
  /// connect().
  /// @throws Error{storage}, or what SOCI throws
  virtual void prepare() {}

  /// @param deadline  for an engine that is remote
  /// @returns a connection with all its settings, to a database that has the current tables
  /// @throws Error{storage}, or what SOCI throws
  [[nodiscard]] virtual std::unique_ptr<soci::session> connect(Clock::time_point deadline) = 0;

  /// @param session  from connect(); outlives the result
  [[nodiscard]] virtual std::unique_ptr<SqlWriter> writer(soci::session& session) const = 0;

  [[nodiscard]] virtual SqlFault fault_of(const std::exception& thrown) const = 0;

  /// Ends whatever a connection was doing when something failed.
  /// @param thrown  the failure
  /// @returns whether the connection can be used further
  virtual bool reset(soci::session& session, const std::exception& thrown) const noexcept = 0;

  /// Ends a query before all of its rows are fetched.
  virtual void abandon(soci::statement& query) const = 0;

  /// Tells whether a transaction was committed whose connection was lost during the commit.
  /// @returns nothing if the database can't tell
  [[nodiscard]] virtual std::optional<bool> was_committed(soci::session& session,
                                                          const std::string& transaction) const = 0;

  /// Checks that the database is still the one that the first connection was made to. Called before
  /// writes and lists; to read a single entry it makes no difference.
  /// @throws Error{storage} if it is not
  virtual void check_identity() const {}

  /// Ends all waits for the database soon after `deadline`, if the engine needs that.
  /// @returns an object to keep for as long as the connection is used
  [[nodiscard]] virtual std::shared_ptr<void> watch(soci::session&, Clock::time_point) {
    return nullptr;
  }

  /// @returns the beginning of the reason of a failure that watch() has caused
  [[nodiscard]] std::string lateness(Clock::time_point deadline) const {
    return is_remote() && Clock::now() > deadline ? "no answer in time: " : "";
  }

  /// Prepares a connection for being closed, with all its statements.
  virtual void hang_up(soci::session&) const noexcept {}

  /// @returns what messages call the database
  [[nodiscard]] virtual std::string name() const = 0;

  /// Whether anything but this store may write to the database.
  [[nodiscard]] virtual bool has_other_writers() const noexcept = 0;

  /// Whether the database is another process, so that every statement waits.
  [[nodiscard]] virtual bool is_remote() const noexcept = 0;
};

}  // namespace addrbook::detail
