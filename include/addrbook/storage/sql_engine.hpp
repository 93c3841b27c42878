/// SqlEngine: all that differs between database engines, and the tables that they all have. Needs
/// SOCI (targets addrbook::sqlite, addrbook::postgresql).
#pragma once

#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>

#include <soci/soci.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace addrbook::detail {

/// What a database's failure means to who has asked.
enum class SqlFault {
  disconnected,  ///< the connection is lost; what it had not committed is undone
  full,          ///< no room on the disk
  other,
};

/// What a database's failure says, in one line, and without what a statement was given: that would
/// be addresses, which no log is to hold.
[[nodiscard]] inline std::string reason_of(const std::exception& thrown) {
  const auto* const error = dynamic_cast<const soci::soci_error*>(&thrown);
  std::string reason = error != nullptr ? error->get_error_message() : thrown.what();
  // "sqlite3_statement_backend::loadOne: ..." names a function of SOCI's.
  const auto colon = reason.find(": ");
  if (colon != std::string::npos && reason.find("::") < colon) reason.erase(0, colon + 2);
  while (!reason.empty() && reason.back() == '\n') reason.pop_back();
  std::replace(reason.begin(), reason.end(), '\n', ' ');
  return reason;
}

/// The texts that engines have in words of their own. All else is portable SQL.
struct SqlTexts {
  std::string begin_read;   ///< a transaction whose statements all see one moment
  std::string begin_write;  ///< one that waits for no other reader, and for no writer of this store
  /// epoch, revision, count, and the transaction's name for was_committed(); no other transaction
  /// reads these with this text, or changes them, before this one ends
  std::string lock_state;
  /// id, created, revision, document of entries in order of creation; binds `after`, the `created`
  /// to go on after, `most` entries, and how many `bytes` of documents may come before the last
  std::string page;
};

class SqlEngine {
 public:
  SqlEngine() = default;
  SqlEngine(const SqlEngine&) = delete;
  SqlEngine& operator=(const SqlEngine&) = delete;
  SqlEngine(SqlEngine&&) = delete;
  SqlEngine& operator=(SqlEngine&&) = delete;
  virtual ~SqlEngine() = default;

  [[nodiscard]] virtual const SqlTexts& texts() const = 0;

  /// @returns a connection with all its settings, to a database that has the current tables
  /// @throws Error{storage}, or what SOCI throws
  [[nodiscard]] virtual std::unique_ptr<soci::session> connect() = 0;

  [[nodiscard]] virtual SqlFault fault_of(const std::exception& thrown) const = 0;

  /// Ends whatever a connection was in the middle of when something failed.
  /// @returns whether it can be used further
  virtual bool mend(soci::session& session) const noexcept = 0;

  /// Ends a query some of whose rows have not been fetched.
  virtual void abandon(soci::statement& query) const = 0;

  /// Of a commit during which the connection was lost.
  /// @returns nothing if that can't be told
  [[nodiscard]] virtual std::optional<bool> was_committed(soci::session& session,
                                                          const std::string& transaction) const = 0;

  /// Whether the database is still where it was when the first connection was made. Asked before
  /// writes and lists; to a single entry it makes no difference.
  /// @throws Error{storage} if it is not
  virtual void check_place() const {}

  /// Ends what is done with the connection, should it take too long.
  /// @returns something to keep as long as that goes on
  [[nodiscard]] virtual std::shared_ptr<void> watch(soci::session&) { return nullptr; }

  /// The connection is about to be closed, and nobody cares any more for its statements.
  virtual void hang_up(soci::session&) const noexcept {}

  /// What it is called in messages.
  [[nodiscard]] virtual std::string name() const = 0;

  /// Whether anybody but this store may write to the database.
  [[nodiscard]] virtual bool has_other_writers() const noexcept = 0;

  /// Whether the database is another process, so that every statement waits.
  [[nodiscard]] virtual bool is_remote() const noexcept = 0;
};

/// The tables' versions. A database of an older one is brought forward when it is opened; one of a
/// newer one is refused.
class SqlSchema {
 public:
  /// What this library reads and writes.
  static constexpr int version = 2;

  /// @param integer  the type of 64-bit integers, which a primary key may have
  /// @param id       the type of ids, compared byte by byte
  SqlSchema(std::string integer, std::string id)
      : integer_(std::move(integer)), id_(std::move(id)) {}

  /// Brings tables of version `from` to the current one; 0: makes them. In the caller's
  /// transaction.
  void bring_forward(soci::session& session, int from) const;

  /// Names a new line of revisions, e.g. after a restore: what clients know of the old is void.
  static void renew_epoch(soci::session& session) {
    const std::string epoch = hex(random_bits());
    session << "UPDATE addrbook_head SET epoch = :epoch", soci::use(epoch);
  }

 private:
  std::string integer_;
  std::string id_;
};

// ---------------------------------------------------------------------------------------------

inline void SqlSchema::bring_forward(soci::session& session, int from) const {
  if (from < 1) {
    session << "CREATE TABLE addrbook_head (epoch TEXT NOT NULL, revision " + integer_ +
                   " NOT NULL)";
    session << "CREATE TABLE addrbook_entries (created " + integer_ + " PRIMARY KEY, id " + id_ +
                   " NOT NULL UNIQUE, revision " + integer_ + " NOT NULL, document TEXT NOT NULL)";
    const std::string epoch = hex(random_bits());
    session << "INSERT INTO addrbook_head (epoch, revision) VALUES (:epoch, 0)", soci::use(epoch);
  }
  if (from < 2) {
    // Kept, for to count a million entries takes a while; and which database this is, for one that
    // can tell a copy.
    session << "ALTER TABLE addrbook_head ADD COLUMN count " + integer_ + " NOT NULL DEFAULT 0";
    session << "ALTER TABLE addrbook_head ADD COLUMN origin TEXT NOT NULL DEFAULT ''";
    session << "UPDATE addrbook_head SET count = (SELECT COUNT(*) FROM addrbook_entries)";
  }
}

}  // namespace addrbook::detail
