/// SqlWriter: the transaction of a group of writers, and how it is done statement by statement.
/// Needs SOCI.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/storage/group_commit.hpp>
#include <addrbook/storage/index_terms.hpp>
#include <addrbook/storage/sql_entry_row.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/storage/write_plan.hpp>
#include <addrbook/store.hpp>
#include <addrbook/text.hpp>

#include <soci/soci.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The statements about notes that are the same in all databases.
struct NoteTexts {
  /// What a write of notes takes away: some of those of the book that have expired, more than are
  /// written by most.
  [[nodiscard]] static std::string forget(const std::string& number, const std::string& at) {
    return "DELETE FROM addrbook_notes WHERE number = " + number +
           " AND key IN (SELECT key FROM addrbook_notes WHERE number = " + number +
           " AND expires <= " + at + " ORDER BY expires LIMIT 100)";
  }
  [[nodiscard]] static std::string put(const std::string& values) {
    return "INSERT INTO addrbook_notes (number, key, value, base, expires) VALUES (" + values +
           ") ON CONFLICT (number, key) DO UPDATE SET value = excluded.value, "
           "base = excluded.base, expires = excluded.expires";
  }
};

/// The statements about removals.
struct TombstoneTexts {
  /// How many of a book's oldest removals a write looks at: more than it adds.
  [[nodiscard]] static std::uint64_t seen_by(const WritePlan::Book& book) {
    constexpr std::uint64_t spare = 100;
    return 2 * book.removed + spare;
  }
  /// Notes what the next statement forgets: those of the `seen` oldest that are older than `until`.
  [[nodiscard]] static std::string note(const std::string& number, const std::string& until,
                                        const std::string& seen) {
    return "UPDATE addrbook_books SET forgotten = COALESCE((SELECT MAX(key) FROM "
           "(SELECT key, removed_at FROM addrbook_tombstones WHERE key > " +
           first(number) + " AND key < " + first("(" + number + " + 1)") + " ORDER BY key LIMIT " +
           seen + ") AS oldest WHERE removed_at <= " + until + ") - " + first(number) +
           ", forgotten) WHERE number = " + number;
  }
  [[nodiscard]] static std::string forget(const std::string& number) {
    return "DELETE FROM addrbook_tombstones WHERE key > " + first(number) + " AND key <= (SELECT " +
           first(number) + " + forgotten FROM addrbook_books WHERE number = " + number + ")";
  }

 private:
  static std::string first(const std::string& number) { return "(" + number + " << 40)"; }
};

/// Does on one connection what a WritePlan asks for. Throws what SOCI throws; the connection must
/// then be reset or closed, which ends the transaction.
/// @par Thread safety  one thread at a time.
class SqlWriter : private Pinned {
 public:
  using Integer = SqlTables::Integer;

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

  /// @name In a transaction of the caller
  /// @{
  struct Indexed {
    Integer key = 0;
    IndexTerms terms;
  };
  /// Puts entries into the index, which does not have them yet.
  virtual void index(const std::vector<Indexed>& entries) = 0;
  /// Deletes the entries from `first` to `last`, and what the index has of them.
  virtual void remove(Integer first, Integer last) = 0;
  /// @}
};

/// What a database has of an index beside addrbook_search.
/// @par Thread safety  one thread at a time.
class SqlIndex : private Pinned {
 public:
  using Integer = SqlTables::Integer;

  virtual ~SqlIndex() = default;

  /// Is quickest in the order of keys, and with what is removed of a key before what is added.
  /// @{
  virtual void add(Integer key, const IndexTerms& terms) = 0;
  /// @param terms  what was added under this key
  virtual void remove(Integer key, const IndexTerms& terms) = 0;
  /// @}
};

/// A statement for each row. For databases that answer at once.
class SqlStepWriter final : public SqlWriter {
 public:
  /// @param begin    the statement that begins a transaction that writes
  /// @param folding  outlives this object
  SqlStepWriter(soci::session& session, std::string begin, std::unique_ptr<SqlIndex> index,
                const Folding& folding);

  inline void read(WritePlan& plan) override;
  inline void write(WritePlan& plan) override;
  void commit() override { session_.commit(); }
  [[nodiscard]] std::string transaction() const override { return {}; }
  inline void index(const std::vector<Indexed>& entries) override;
  inline void remove(Integer first, Integer last) override;

 private:
  /// What becomes of an entry in the index.
  struct Change {
    Integer key = 0;
    std::optional<IndexTerms> old;
    const IndexTerms* now = nullptr;
  };

  static bool run(soci::statement& statement) {
    constexpr bool with_bindings = true;
    return statement.execute(with_bindings);
  }
  void read_notes(WritePlan& plan);
  void write_notes(WritePlan& plan);
  void write_removals(WritePlan& plan);
  [[nodiscard]] std::optional<IndexTerms> stored_terms(Integer key);
  void apply(std::vector<Change>& changes);
  void set_search(soci::statement& statement, Integer key, const IndexTerms& terms);

  soci::session& session_;
  const std::string begin_;
  const std::unique_ptr<SqlIndex> index_;
  const Folding& folding_;

  // What the statements read from and write to.
  Integer number_ = 0;
  std::string name_;
  SqlEntryRow row_;
  std::string epoch_;
  Integer count_ = 0;
  struct Text {
    std::string value;
    soci::indicator is_there = soci::i_null;
    Text& operator=(const std::optional<std::string>& text) {
      value = text.value_or(std::string());
      is_there = text ? soci::i_ok : soci::i_null;
      return *this;
    }
  };
  std::string note_;
  Integer base_ = 0;
  Integer expires_ = 0;
  Integer seen_ = 0;
  Text sort_name_;
  Text sort_given_;
  Text sort_family_;

  soci::statement state_query_;
  soci::statement key_query_;
  soci::statement document_query_;
  soci::statement insert_;
  soci::statement update_;
  soci::statement remove_;
  soci::statement insert_search_;
  soci::statement update_search_;
  soci::statement remove_search_;
  soci::statement set_state_;
  soci::statement note_query_;
  soci::statement put_note_;
  soci::statement forget_notes_;
  soci::statement put_tombstone_;
  soci::statement note_forgotten_;
  soci::statement forget_tombstones_;
};

// ---------------------------------------------------------------------------------------------

inline SqlStepWriter::SqlStepWriter(soci::session& session, std::string begin,
                                    std::unique_ptr<SqlIndex> index, const Folding& folding)
    : session_(session),
      begin_(std::move(begin)),
      index_(std::move(index)),
      folding_(folding),
      state_query_((session_.prepare << "SELECT epoch, revision, count FROM addrbook_books "
                                        "WHERE number = :number AND name = :name",
                    soci::into(epoch_), soci::into(row_.revision), soci::into(count_),
                    soci::use(number_), soci::use(name_))),
      key_query_((session_.prepare << "SELECT key, revision, created_at FROM addrbook_entries "
                                      "WHERE key >> 40 = :number AND id = :id",
                  soci::into(row_.key), soci::into(row_.revision), soci::into(row_.created_at),
                  soci::use(number_), soci::use(row_.id))),
      document_query_((session_.prepare << "SELECT document, updated_at FROM addrbook_entries "
                                           "WHERE key = :key",
                       soci::into(row_.document), soci::into(row_.updated_at),
                       soci::use(row_.key))),
      insert_(
          (session_.prepare << "INSERT INTO addrbook_entries "
                               "(key, id, revision, created_at, updated_at, document) "
                               "VALUES (:key, :id, :revision, :created_at, :updated_at, :document)",
           soci::use(row_.key), soci::use(row_.id), soci::use(row_.revision),
           soci::use(row_.created_at), soci::use(row_.updated_at), soci::use(row_.document))),
      update_((session_.prepare << "UPDATE addrbook_entries SET revision = :revision, "
                                   "updated_at = :updated_at, document = :document "
                                   "WHERE key = :key",
               soci::use(row_.revision), soci::use(row_.updated_at), soci::use(row_.document),
               soci::use(row_.key))),
      remove_((session_.prepare << "DELETE FROM addrbook_entries WHERE key = :key",
               soci::use(row_.key))),
      insert_search_((session_.prepare << "INSERT INTO addrbook_search (key, name, given, family) "
                                          "VALUES (:key, :name, :given, :family)",
                      soci::use(row_.key), soci::use(sort_name_.value, sort_name_.is_there),
                      soci::use(sort_given_.value, sort_given_.is_there),
                      soci::use(sort_family_.value, sort_family_.is_there))),
      update_search_((session_.prepare << "UPDATE addrbook_search SET name = :name, "
                                          "given = :given, family = :family WHERE key = :key",
                      soci::use(sort_name_.value, sort_name_.is_there),
                      soci::use(sort_given_.value, sort_given_.is_there),
                      soci::use(sort_family_.value, sort_family_.is_there), soci::use(row_.key))),
      remove_search_((session_.prepare << "DELETE FROM addrbook_search WHERE key = :key",
                      soci::use(row_.key))),
      set_state_((session_.prepare
                      << "UPDATE addrbook_books SET revision = :revision, count = :count "
                         "WHERE number = :number",
                  soci::use(row_.revision), soci::use(count_), soci::use(number_))),
      note_query_((session_.prepare << "SELECT value, base, expires FROM addrbook_notes "
                                       "WHERE number = :number AND key = :key",
                   soci::into(note_), soci::into(base_), soci::into(expires_), soci::use(number_),
                   soci::use(row_.id))),
      put_note_((session_.prepare << NoteTexts::put(":number, :key, :value, :base, :expires"),
                 soci::use(number_), soci::use(row_.id), soci::use(note_), soci::use(base_),
                 soci::use(expires_))),
      forget_notes_((session_.prepare << NoteTexts::forget(":number", ":at"),
                     soci::use(number_, "number"), soci::use(expires_, "at"))),
      put_tombstone_((session_.prepare << "INSERT INTO addrbook_tombstones (key, id, removed_at) "
                                          "VALUES (:key, :id, :removed_at)",
                      soci::use(row_.key), soci::use(row_.id), soci::use(row_.updated_at))),
      note_forgotten_((session_.prepare << TombstoneTexts::note(":number", ":until", ":seen"),
                       soci::use(number_, "number"), soci::use(expires_, "until"),
                       soci::use(seen_, "seen"))),
      forget_tombstones_(
          (session_.prepare << TombstoneTexts::forget(":number"), soci::use(number_, "number"))) {
  static_assert(SqlTables::created_bits == 40, "the statements say so");
}

inline void SqlStepWriter::read(WritePlan& plan) {
  session_ << begin_;
  for (auto& [id, book] : plan.books()) {
    if (book.state) continue;
    number_ = SqlTables::to_integer(id.number);
    name_ = id.name;
    if (!run(state_query_)) continue;
    book.state = BookState{SqlTables::parse_epoch(epoch_), SqlTables::from_integer(row_.revision),
                           SqlTables::from_integer(count_)};
    while (state_query_.fetch()) {
    }
  }
  for (auto& [place, slot] : plan.slots()) {
    number_ = SqlTables::to_integer(place.first);
    row_.id = place.second;
    if (!run(key_query_)) continue;
    slot.stored = {SqlTables::created_of(row_.key), SqlTables::from_integer(row_.revision),
                   SqlTables::to_time(row_.created_at)};
    const Integer key = row_.key;
    while (key_query_.fetch()) {
    }
    row_.key = key;
    if (!slot.wants_entry || !run(document_query_)) continue;
    slot.stored_document = Document::trusted(row_.document);
    slot.updated_at = SqlTables::to_time(row_.updated_at);
    while (document_query_.fetch()) {
    }
  }
  read_notes(plan);
}

inline void SqlStepWriter::read_notes(WritePlan& plan) {
  for (auto& [place, note] : plan.notes()) {
    number_ = SqlTables::to_integer(place.first);
    row_.id = place.second;
    if (!run(note_query_)) continue;
    note.stored_value = note_;
    note.now = {note.stored_value, SqlTables::from_integer(base_), SqlTables::to_time(expires_)};
    while (note_query_.fetch()) {
    }
  }
}

inline void SqlStepWriter::write_notes(WritePlan& plan) {
  for (const auto& [place, note] : plan.notes()) {
    if (!note.is_changed) continue;
    number_ = SqlTables::to_integer(place.first);
    row_.id = place.second;
    note_ = note.now->value;
    base_ = SqlTables::to_integer(note.now->base);
    expires_ = SqlTables::to_integer(note.now->expires);
    run(put_note_);
    expires_ = SqlTables::to_integer(note.written_at);
    run(forget_notes_);
  }
}

inline void SqlStepWriter::write_removals(WritePlan& plan) {
  for (const auto& removal : plan.removals()) {
    row_.key = SqlTables::key_of(removal.book, removal.revision);
    row_.id = removal.id;
    row_.updated_at = SqlTables::to_integer(removal.at);
    run(put_tombstone_);
  }
  for (const auto& [id, book] : plan.books()) {
    if (book.removed == 0) continue;
    number_ = SqlTables::to_integer(id.number);
    expires_ = SqlTables::to_integer(book.forget_until);
    seen_ = SqlTables::to_integer(TombstoneTexts::seen_by(book));
    run(note_forgotten_);
    run(forget_tombstones_);
  }
}

inline void SqlStepWriter::write(WritePlan& plan) {
  std::vector<Change> changes;
  changes.reserve(plan.slots().size());
  for (const auto& [place, slot] : plan.slots()) {
    if (slot.is_removed()) {
      row_.key = SqlTables::key_of(place.first, slot.stored->created);
      changes.push_back({row_.key, stored_terms(row_.key), nullptr});
      run(remove_);
    }
    if (!slot.is_inserted() && !slot.is_updated()) continue;
    row_.key = SqlTables::key_of(place.first, slot.now->created);
    changes.push_back({row_.key, std::nullopt, slot.terms});
    if (slot.is_updated()) changes.back().old = stored_terms(row_.key);
    row_.revision = SqlTables::to_integer(slot.now->revision);
    row_.updated_at = SqlTables::to_integer(slot.updated_at);
    row_.document = slot.document->text();
    if (slot.is_updated()) {
      run(update_);
    } else {
      row_.id = place.second;
      row_.created_at = SqlTables::to_integer(slot.now->created_at);
      run(insert_);
    }
  }
  apply(changes);
  write_notes(plan);
  write_removals(plan);
  for (const auto& [id, book] : plan.books()) {
    if (!book.is_changed) continue;
    number_ = SqlTables::to_integer(id.number);
    row_.revision = SqlTables::to_integer(book.state->revision);
    count_ = SqlTables::to_integer(book.state->count);
    run(set_state_);
  }
}

// The index keeps no terms that could be read again: they are made from the document, as they once
// were.
inline std::optional<IndexTerms> SqlStepWriter::stored_terms(Integer key) {
  row_.key = key;
  if (!run(document_query_)) return std::nullopt;
  const Document document = Document::trusted(row_.document);
  while (document_query_.fetch()) {
  }
  return IndexTerms(SqlTables::number_of(key), document, folding_);
}

inline void SqlStepWriter::set_search(soci::statement& statement, Integer key,
                                      const IndexTerms& terms) {
  row_.key = key;
  sort_name_ = terms.name;
  sort_given_ = terms.given;
  sort_family_ = terms.family;
  run(statement);
}

inline void SqlStepWriter::apply(std::vector<Change>& changes) {
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.key < b.key; });
  for (const auto& [key, old, now] : changes) {
    if (now == nullptr) {
      row_.key = key;
      run(remove_search_);
    } else if (!old) {
      set_search(insert_search_, key, *now);
    } else if (!now->sorts_as(*old)) {
      set_search(update_search_, key, *now);
    }
    if (old && now != nullptr && now->has_tokens_of(*old) && now->sorts_as(*old)) continue;
    if (old) index_->remove(key, *old);
    if (now != nullptr) index_->add(key, *now);
  }
}

inline void SqlStepWriter::index(const std::vector<Indexed>& entries) {
  for (const Indexed& entry : entries) {
    set_search(insert_search_, entry.key, entry.terms);
    index_->add(entry.key, entry.terms);
  }
}

inline void SqlStepWriter::remove(Integer first, Integer last) {
  std::vector<Change> changes;
  {
    Integer key = 0;
    std::string document;
    soci::statement query((session_.prepare << "SELECT key, document FROM addrbook_entries "
                                               "WHERE key >= :first AND key <= :last ORDER BY key",
                           soci::use(first), soci::use(last), soci::into(key),
                           soci::into(document)));
    for (bool is_row = run(query); is_row; is_row = query.fetch()) {
      changes.push_back(
          {key, IndexTerms(SqlTables::number_of(key), Document::trusted(document), folding_),
           nullptr});
    }
  }
  apply(changes);
  session_ << "DELETE FROM addrbook_entries WHERE key >= :first AND key <= :last", soci::use(first),
      soci::use(last);
}

}  // namespace addrbook::detail
