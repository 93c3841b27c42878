/// SqlWriter: the transaction of a group of writers, and how it is done statement by statement.
/// Needs SOCI.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/storage/group_commit.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/storage/write_plan.hpp>
#include <addrbook/store.hpp>

#include <soci/soci.h>

#include <optional>
#include <string>
#include <utility>

namespace addrbook::detail {

/// Does on one connection what a WritePlan asks for. Throws what SOCI throws; the connection must
/// then be reset or closed, which ends the transaction.
/// @par Thread safety  one thread at a time.
class SqlWriter : private Pinned {
 public:
  virtual ~SqlWriter() = default;

  /// Begins the transaction and reads what the plan asks for, except for the states that it has. A
  /// book that is not found has no state afterwards. Until the transaction ends, no other one
  /// changes the books.
  virtual void read(WritePlan& plan) = 0;
  /// Writes what the plan has made. Does not have to wait for the outcome.
  virtual void write(WritePlan& plan) = 0;
  virtual void commit() = 0;

  /// @returns the transaction's name for SqlEngine::was_committed()
  [[nodiscard]] virtual std::string transaction() const = 0;
};

/// A statement for each row. For databases that answer at once.
class SqlStepWriter final : public SqlWriter {
 public:
  /// @param begin  the statement that begins a transaction that writes
  SqlStepWriter(soci::session& session, std::string begin);

  inline void read(WritePlan& plan) override;
  inline void write(WritePlan& plan) override;
  void commit() override { session_.commit(); }
  [[nodiscard]] std::string transaction() const override { return {}; }

 private:
  using Integer = SqlTables::Integer;

  static bool run(soci::statement& statement) {
    constexpr bool with_bindings = true;
    return statement.execute(with_bindings);
  }

  soci::session& session_;
  const std::string begin_;

  // What the statements read from and write to.
  Integer number_ = 0;
  std::string name_;
  std::string id_;
  Integer key_ = 0;
  Integer revision_ = 0;
  Integer created_at_ = 0;
  Integer updated_at_ = 0;
  std::string document_;
  std::string epoch_;
  Integer count_ = 0;

  soci::statement state_query_;
  soci::statement key_query_;
  soci::statement insert_;
  soci::statement update_;
  soci::statement remove_;
  soci::statement set_state_;
};

// ---------------------------------------------------------------------------------------------

inline SqlStepWriter::SqlStepWriter(soci::session& session, std::string begin)
    : session_(session),
      begin_(std::move(begin)),
      state_query_((session_.prepare << "SELECT epoch, revision, count FROM addrbook_books "
                                        "WHERE number = :number AND name = :name",
                    soci::into(epoch_), soci::into(revision_), soci::into(count_),
                    soci::use(number_), soci::use(name_))),
      key_query_((session_.prepare << "SELECT key, revision, created_at FROM addrbook_entries "
                                      "WHERE key >> 40 = :number AND id = :id",
                  soci::into(key_), soci::into(revision_), soci::into(created_at_),
                  soci::use(number_), soci::use(id_))),
      insert_(
          (session_.prepare << "INSERT INTO addrbook_entries "
                               "(key, id, revision, created_at, updated_at, document) "
                               "VALUES (:key, :id, :revision, :created_at, :updated_at, :document)",
           soci::use(key_), soci::use(id_), soci::use(revision_), soci::use(created_at_),
           soci::use(updated_at_), soci::use(document_))),
      update_((session_.prepare << "UPDATE addrbook_entries SET revision = :revision, "
                                   "updated_at = :updated_at, document = :document "
                                   "WHERE key = :key",
               soci::use(revision_), soci::use(updated_at_), soci::use(document_),
               soci::use(key_))),
      remove_(
          (session_.prepare << "DELETE FROM addrbook_entries WHERE key = :key", soci::use(key_))),
      set_state_((session_.prepare
                      << "UPDATE addrbook_books SET revision = :revision, count = :count "
                         "WHERE number = :number",
                  soci::use(revision_), soci::use(count_), soci::use(number_))) {
  static_assert(SqlTables::created_bits == 40, "the statements say so");
}

inline void SqlStepWriter::read(WritePlan& plan) {
  session_ << begin_;
  for (auto& [id, book] : plan.books()) {
    if (book.state) continue;
    number_ = SqlTables::to_integer(id.number);
    name_ = id.name;
    if (!run(state_query_)) continue;
    book.state = BookState{SqlTables::parse_epoch(epoch_), SqlTables::from_integer(revision_),
                           SqlTables::from_integer(count_)};
    while (state_query_.fetch()) {
    }
  }
  for (auto& [place, slot] : plan.slots()) {
    number_ = SqlTables::to_integer(place.first);
    id_ = place.second;
    if (!run(key_query_)) continue;
    slot.stored = {SqlTables::created_of(key_), SqlTables::from_integer(revision_),
                   SqlTables::to_time(created_at_)};
    while (key_query_.fetch()) {
    }
  }
}

inline void SqlStepWriter::write(WritePlan& plan) {
  for (const auto& [place, slot] : plan.slots()) {
    if (slot.is_removed()) {
      key_ = SqlTables::key_of(place.first, slot.stored->created);
      run(remove_);
    }
    if (!slot.is_inserted() && !slot.is_updated()) continue;
    key_ = SqlTables::key_of(place.first, slot.now->created);
    revision_ = SqlTables::to_integer(slot.now->revision);
    updated_at_ = SqlTables::to_integer(slot.updated_at);
    document_ = slot.document->text();
    if (slot.is_updated()) {
      run(update_);
    } else {
      id_ = place.second;
      created_at_ = SqlTables::to_integer(slot.now->created_at);
      run(insert_);
    }
  }
  for (const auto& [id, book] : plan.books()) {
    if (!book.is_changed) continue;
    number_ = SqlTables::to_integer(id.number);
    revision_ = SqlTables::to_integer(book.state->revision);
    count_ = SqlTables::to_integer(book.state->count);
    run(set_state_);
  }
}

}  // namespace addrbook::detail
