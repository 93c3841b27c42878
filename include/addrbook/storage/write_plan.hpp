/// WritePlan: what a group of batches changes, worked out in memory. Knows no database.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/storage/group_commit.hpp>
#include <addrbook/storage/index_terms.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The storage has no such book, or no longer.
struct BookGone : Error {
  explicit BookGone(SourceLine thrown_at = SourceLine::here())
      : Error(Errc::not_found, "the book has been removed", thrown_at) {}
};

/// First asks for what must be read from the storage: the books' states, and what it has under the
/// ids. Then applies the batches to that, one after the other. What is left is what must be
/// written: at most one insert, update or removal for each id, however many batches wrote to it.
class WritePlan : private Pinned {
 public:
  using Group = GroupCommit::Group;

  /// The highest revision of a book.
  static constexpr std::uint64_t max_revision = (std::uint64_t{1} << 40U) - 1;

  /// A book of the group.
  struct Book {
    /// Before make(): in the storage; nothing if there is no such book. After it: what must be
    /// written, if `is_changed`.
    std::optional<BookState> state;
    bool is_changed = false;
    std::size_t removed = 0;  ///< entries
    Timestamp forget_until;   ///< if any: removals up to then need not be remembered
  };
  using Books = std::map<BookId, Book>;

  /// An entry without what isn't needed to replace it.
  struct Place {
    std::uint64_t created = 0;
    std::uint64_t revision = 0;
    Timestamp created_at;
  };
  /// What becomes of an id.
  struct Slot {
    std::optional<Place> stored;  ///< in the storage
    /// Set by WritePlan: Batch::wants_before needs the rest of the entry.
    bool wants_entry = false;
    std::optional<Document> stored_document;  ///< then, with `updated_at`
    std::optional<Place> now;                 ///< what must be there
    Timestamp updated_at;
    const Document* document = nullptr;  ///< the last one that was written, if any
    const IndexTerms* terms = nullptr;   ///< of the document, if the storage needs them

    [[nodiscard]] bool is_same_entry() const {
      return stored && now && stored->created == now->created;
    }
    /// @name Which of them must be done, removals first
    /// @{
    [[nodiscard]] bool is_removed() const { return stored && !is_same_entry(); }
    [[nodiscard]] bool is_inserted() const { return now && !is_same_entry(); }
    [[nodiscard]] bool is_updated() const {
      return is_same_entry() && stored->revision != now->revision;
    }
    /// @}
  };
  /// By the book's number and the id.
  using Slots = std::map<std::pair<std::uint64_t, std::string_view>, Slot>;

  /// A Note as it is kept.
  struct KeptNote {
    std::string_view value;  ///< of the group's, or of `stored_value`
    std::uint64_t base = 0;
    Timestamp expires;
  };
  /// What becomes of a note.
  struct NoteSlot {
    std::string stored_value;
    std::optional<KeptNote> now;  ///< in the storage; after make(): what must be there
    bool is_changed = false;
    Timestamp written_at;  ///< if it is changed
  };
  /// By the book's number and the key.
  using Notes = std::map<std::pair<std::uint64_t, std::string_view>, NoteSlot>;

  /// An entry that is removed, by the revision at which it is.
  struct Removal {
    std::uint64_t book = 0;
    std::uint64_t revision = 0;
    std::string_view id;
    Timestamp at;
  };

  /// @param group  outlives the plan
  explicit WritePlan(const Group& group);

  /// What must be read: set each book's `state`, and `stored` of each slot that has an entry; also
  /// `updated_at` and `stored_document` of those that want them.
  /// @{
  [[nodiscard]] Books& books() noexcept { return books_; }
  [[nodiscard]] Slots& slots() noexcept { return slots_; }
  /// Set `now` of those that the storage has, expired or not.
  [[nodiscard]] Notes& notes() noexcept { return notes_; }
  /// @}

  /// Sets the members' results and errors.
  void make();

  /// What must be remembered of removals, in order of revision for each book.
  [[nodiscard]] const std::vector<Removal>& removals() const noexcept { return removals_; }

  /// Whether anything must be written.
  [[nodiscard]] bool is_changed() const noexcept { return is_changed_; }

 private:
  void apply(GroupCommit::Member& member, Book& book);
  [[nodiscard]] static std::optional<Entry> entry_of(const Slot& slot, const std::string& id,
                                                     std::uint64_t epoch);

  const Group& group_;
  Books books_;
  Slots slots_;
  Notes notes_;
  std::vector<Removal> removals_;
  bool is_changed_ = false;
};

// ---------------------------------------------------------------------------------------------

inline WritePlan::WritePlan(const Group& group) : group_(group) {
  for (const GroupCommit::Member* const member : group) {
    books_.try_emplace(member->book);
    if (const auto& note = member->batch.note) {
      notes_.try_emplace({member->book.number, note->key});
    }
    for (const Write& write : member->batch.writes) {
      Slot& slot = slots_.try_emplace({member->book.number, write.id}).first->second;
      slot.wants_entry = slot.wants_entry || member->batch.wants_before;
    }
  }
}

inline void WritePlan::make() {
  for (auto& [key, slot] : slots_) slot.now = slot.stored;
  for (auto& [id, book] : books_) book.removed = 0;
  removals_.clear();
  for (GroupCommit::Member* const member : group_) {
    member->error = nullptr;
    member->result = {};
    Book& book = books_.find(member->book)->second;
    if (!book.state) {
      member->error = std::make_exception_ptr(BookGone());
    } else if (book.state->revision + member->batch.writes.size() > max_revision) {
      member->error = std::make_exception_ptr(
          Error(Errc::full, "Insufficient Storage: the book's revisions are used up"));
    } else {
      apply(*member, book);
    }
  }
}

/// What an id has now, of which all is known.
inline std::optional<Entry> WritePlan::entry_of(const Slot& slot, const std::string& id,
                                                std::uint64_t epoch) {
  if (!slot.now) return std::nullopt;
  return Entry{id,
               epoch,
               slot.now->created,
               slot.now->revision,
               slot.document != nullptr ? *slot.document : *slot.stored_document,
               slot.now->created_at,
               slot.updated_at};
}

inline void WritePlan::apply(GroupCommit::Member& member, Book& book) {
  const Batch& batch = member.batch;
  BookState& state = *book.state;
  CommitResult& result = member.result;
  result.epoch = state.epoch;
  result.base = state.revision;
  NoteSlot* note = nullptr;
  if (batch.note) {
    note = &notes_.find({member.book.number, batch.note->key})->second;
    if (note->now && note->now->expires > batch.at) {
      result.outcome = CommitResult::Outcome::repeated;
      result.base = note->now->base;
      result.note = note->now->value;
      return;
    }
  }
  std::vector<Slot*> slots;
  slots.reserve(batch.writes.size());
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  for (const Write& write : batch.writes) {
    Slot& slot = slots_.find({member.book.number, write.id})->second;
    slots.push_back(&slot);
    if (!write.condition.holds(slot.now ? std::optional(slot.now->revision) : std::nullopt)) {
      result.outcome = CommitResult::Outcome::refused;
      result.refused = slots.size() - 1;
      return;
    }
    added += write.document && !slot.now ? 1U : 0U;
    removed += !write.document && slot.now ? 1U : 0U;
  }
  if (batch.overfills(state.count, added, removed)) {
    result.outcome = CommitResult::Outcome::full;
    return;
  }
  result.created.reserve(batch.writes.size());
  result.created_at.reserve(batch.writes.size());
  for (std::size_t i = 0; i < batch.writes.size(); ++i) {
    Slot& slot = *slots[i];
    const std::uint64_t revision = ++state.revision;
    if (batch.wants_before) {
      result.before.push_back(entry_of(slot, batch.writes[i].id, state.epoch));
    }
    if (const auto& document = batch.writes[i].document) {
      if (!slot.now) slot.now = Place{revision, revision, batch.at};
      slot.now->revision = revision;
      slot.updated_at = batch.at;
      slot.document = &*document;
      slot.terms = member.terms.empty() ? nullptr : &*member.terms[i];
      result.created.push_back(slot.now->created);
      result.created_at.push_back(slot.now->created_at);
    } else {
      if (slot.now) {
        removals_.push_back({member.book.number, revision, batch.writes[i].id, batch.at});
        book.forget_until =
            (std::max)(Timestamp(), batch.at - Timestamp::duration(batch.tombstone_lifetime));
        ++book.removed;
      }
      slot.now.reset();
      result.created.push_back(0);
      result.created_at.emplace_back();
    }
    book.is_changed = is_changed_ = true;
  }
  state.count = state.count + added - removed;
  if (note != nullptr) {
    note->now = KeptNote{batch.note->value, result.base, batch.at + batch.note->lifetime};
    note->is_changed = book.is_changed = is_changed_ = true;
    note->written_at = batch.at;
  }
}

}  // namespace addrbook::detail
