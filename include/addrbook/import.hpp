/// Import: brings contacts from a file into a book.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/contacts/identity.hpp>
#include <addrbook/contacts/words.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/service.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace addrbook {

/// What is done with a record whose contact is in the book already.
enum class OnConflict {
  skip,       ///< nothing: the book's stays
  replace,    ///< it becomes the entry's document, unless that is equal
  duplicate,  ///< it is created all the same
};

struct ImportOptions {
  OnConflict on_conflict = OnConflict::skip;
  bool dry_run = false;  ///< only reports what would be done
  /// Stores records in batches while the input arrives, so that there may be any number of them. A
  /// batch is stored whole or not at all; earlier batches stay stored when a later one fails.
  /// Without it all records are stored at the end, in one batch.
  bool partial = false;
  /// The maximum number of records that are stored together, at least 1.
  std::size_t max_atomic_records = 10'000;
  /// The maximum size of the texts of records that are stored together. One record always fits.
  std::size_t max_atomic_bytes = std::size_t{32} * 1024 * 1024;
  /// The maximum number of records that can't be read or are refused. With more, it is hardly a
  /// file of this format: each takes time, and may be two bytes long.
  std::uint64_t max_failed = 10'000;
  ReadLimits limits;  ///< for the format's reader
};

/// What an import has done.
struct ImportReport {
  static constexpr std::size_t max_listed = 100;  ///< of errors, of warnings, of failed batches
  /// Of a message of these. A longer one is cut, and ends with "...".
  static constexpr std::size_t max_message_bytes = 200;

  /// A batch that the storage failed to store.
  struct FailedBatch {
    RecordPlace first;
    RecordPlace last;
    std::size_t records = 0;
    Errc code = Errc::storage;  ///< why
    std::string message;        ///< with Errc::storage for whoever runs the program, see Error
  };

  std::uint64_t created = 0;
  std::uint64_t updated = 0;
  std::uint64_t skipped = 0;          ///< what is in the book, or came before in the same input
  std::uint64_t failed = 0;           ///< could not be read, were refused, or are of a failed batch
  std::vector<RecordProblem> errors;  ///< the first ones; those of failed batches are not here
  std::vector<RecordProblem> warnings;  ///< the first ones
  std::uint64_t failed_batch_count = 0;
  std::vector<FailedBatch> failed_batches;  ///< the first ones; only with ImportOptions::partial
};

/// An input has more than may be stored together: it needs ImportOptions::partial.
struct ImportTooLarge : Error {
  explicit ImportTooLarge(const std::string& limit, SourceLine thrown_at = SourceLine::here())
      : Error(Errc::invalid, "The import has over " + limit + ": it can only be stored in parts",
              thrown_at) {}
};

/// Where an import goes.
struct ImportTarget {
  std::shared_ptr<Service> book;  ///< null: there is none yet
  /// Without a book: makes it, before the first record is stored.
  /// @param entries  see Books::create()
  std::function<std::shared_ptr<Service>(std::uint64_t entries)> make = {};
  /// Without a book: checks a document as Service::validate() does.
  std::function<void(const Document&)> validate = {};
  std::uint64_t max_entries = 0;  ///< without a book: how many it may have; 0: no limit
};

/// Brings the records of an input into a book. One that can't be read, or that a validator refuses,
/// costs no other.
///
/// A contact is in the book already if the record says an entry's id, else if an entry has its UID,
/// else, for one without a UID, if an entry has the same text: see detail::identity_of(). A UID
/// that was made of an entry's id, as formats do for addresses without one, leads to that entry.
/// What is twice in an input is skipped the second time, unless the input gives it two ids, as that
/// of a book does which has it twice. So the same input a second time changes nothing.
///
/// No write of others is lost: an entry is replaced only as it was when it was compared. Two
/// imports at the same time, or an import and a create(), may each create the same contact; the
/// next import finds the older one.
/// @par Thread safety  one call at a time. After an exception only the destructor may be called.
/// @par Memory  the records that are stored together, and 50 to 80 bytes for each record stored
class Import : private RecordSink {
 public:
  /// @param format   outlives this
  /// @param options  see ImportOptions
  /// @throws Error{invalid} there is no book, or max_atomic_records is 0 | Error{storage}
  Import(std::shared_ptr<Service> book, const Format& format, const ImportOptions& options = {})
      : Import(ImportTarget{std::move(book)}, format, options) {}

  /// As above, also into a book that is made by the first record.
  Import(ImportTarget target, const Format& format, const ImportOptions& options = {});

  /// Takes the next bytes of the input; they may end anywhere. With ImportOptions::partial it
  /// stores batches.
  /// @throws Error{invalid} the input is not of the format at all, or over max_failed records
  ///         failed | ImportTooLarge | Error{internal} a validator threw | NoSuchBook; nothing is
  ///         stored then but earlier batches
  void write(std::string_view bytes) { reader_->read(bytes); }

  /// Takes the end of the input, once, and stores what there is.
  /// @throws as write(); without ImportOptions::partial also Error{storage}, Error{full},
  ///         Error{stopped}, Error{busy}: others write the same contacts all the time; nothing is
  ///         stored then
  [[nodiscard]] ImportReport finish();

  /// @returns what has been done so far; its lists may have been moved away by finish()
  [[nodiscard]] const ImportReport& so_far() const noexcept { return report_; }

  /// Whether anything may have been stored.
  [[nodiscard]] bool has_stored() const noexcept { return report_.created + report_.updated != 0; }

  /// @returns the bytes that are held now
  [[nodiscard]] std::size_t memory() const noexcept;

 private:
  struct Held {
    RecordPlace place;
    Document document;
    std::string id;  // valid, or ""
    Identity identity;
  };
  // What becomes of the records that are held.
  struct Plan {
    Batch batch;
    std::vector<const Held*> records;  // of the batch's writes
    // Of the batch, as far as they come from outside. Two records may lead to one entry, one by its
    // id and one by its UID: the first one counts.
    std::set<std::string> ids;
    std::uint64_t created = 0;
    std::uint64_t updated = 0;
    std::uint64_t skipped = 0;
  };

  void record(Record record) override;
  void failed(RecordProblem problem) override;
  void warning(RecordProblem problem) override;
  void list(std::vector<RecordProblem>& problems, RecordProblem problem);

  [[nodiscard]] bool is_repeated(const Held& held);
  void hold(Held held);
  void store_held();
  void store_batch();
  [[nodiscard]] CommitResult commit_plan(Plan& plan);
  [[nodiscard]] CommitResult commit(Batch batch);
  [[nodiscard]] bool look_again(Plan& plan, std::size_t refused) const;
  void check_room(const Plan& plan) const;
  [[nodiscard]] Plan make_plan();
  [[nodiscard]] std::optional<Entry> written_down_from(const Document& document) const;
  void plan_one(Plan& plan, const Held& held, const std::optional<Entry>& entry) const;
  [[nodiscard]] bool is_alone();
  void drop_held() noexcept;

  ImportTarget target_;
  const ImportOptions options_;
  ImportReport report_;
  std::size_t listed_bytes_ = 0;  // of errors and warnings
  std::vector<Held> held_;
  std::size_t held_bytes_ = 0;
  // What was met in this input, and whether with an id of its own.
  std::unordered_map<Identity, bool, Identity::Hash> seen_;
  // The book's state, as long as all that is in it came from this import.
  std::optional<BookState> own_state_;
  std::unique_ptr<RecordReader> reader_;
};

// ---------------------------------------------------------------------------------------------

inline Import::Import(ImportTarget target, const Format& format, const ImportOptions& options)
    : target_(std::move(target)), options_(options) {
  if (!target_.book && !(target_.make && target_.validate)) {
    throw Error(Errc::invalid, "an Import needs a book");
  }
  if (options_.max_atomic_records == 0) {
    throw Error(Errc::invalid, "max_atomic_records must be at least 1");
  }
  if (target_.book) {
    const BookState state = target_.book->state();
    if (state.count == 0) own_state_ = state;
  }
  reader_ = format.reader(*this, options_.limits);
}

inline ImportReport Import::finish() {
  reader_->finish();
  store_held();
  return std::move(report_);
}

inline std::size_t Import::memory() const noexcept {
  constexpr std::size_t seen_bytes = 64;
  return reader_->memory() + held_bytes_ + held_.capacity() * sizeof(Held) +
         seen_.size() * seen_bytes + listed_bytes_;
}

inline void Import::failed(RecordProblem problem) {
  ++report_.failed;
  list(report_.errors, std::move(problem));
  if (report_.failed <= options_.max_failed) return;
  std::string message = "Over " + std::to_string(options_.max_failed) + " records failed";
  if (!report_.errors.empty()) {
    const RecordProblem& first = report_.errors.front();
    message += ", the first in line " + std::to_string(first.place.line) + ": " + first.message;
  }
  throw Error(Errc::invalid, message);
}

inline void Import::warning(RecordProblem problem) {
  list(report_.warnings, std::move(problem));
}

/// Cuts the message: it may hold a name or a value of megabytes.
inline void Import::list(std::vector<RecordProblem>& problems, RecordProblem problem) {
  if (problems.size() >= ImportReport::max_listed) return;
  std::string& message = problem.message;
  if (message.size() > ImportReport::max_message_bytes) {
    constexpr std::string_view end = "...";
    message = detail::cut_utf8(message, ImportReport::max_message_bytes - end.size());
    message += end;
  }
  message.shrink_to_fit();
  listed_bytes_ += sizeof(RecordProblem) + message.size();
  problems.push_back(std::move(problem));
}

inline void Import::record(Record record) {
  try {
    if (target_.book) {
      target_.book->validate(record.document);
    } else {
      target_.validate(record.document);
    }
  } catch (const Error& error) {
    if (error.code() != Errc::invalid) throw;
    return failed({record.place, error.what()});
  }
  if (!record.id.empty() && !is_valid_id(record.id)) {
    warning({record.place, "The id is not 1 to 64 of [A-Za-z0-9-], and gets lost"});
    record.id.clear();
  }
  Held held{record.place, std::move(record.document), std::move(record.id), {}};
  held.identity = detail::identity_of(held.document);
  if (options_.on_conflict != OnConflict::duplicate && is_repeated(held)) {
    ++report_.skipped;
    return;
  }
  hold(std::move(held));
}

/// Remembers what is new.
inline bool Import::is_repeated(const Held& held) {
  if (held.id.empty()) return !seen_.emplace(held.identity, false).second;
  if (!seen_.emplace(detail::identity_of_text('i', held.id), true).second) return true;
  const auto [at, is_new] = seen_.emplace(held.identity, true);
  return !is_new && !at->second;
}

inline void Import::hold(Held held) {
  constexpr std::size_t max_batch_bytes = std::size_t{16} * 1024 * 1024;
  const std::size_t max_bytes = options_.partial
                                    ? (std::min)(max_batch_bytes, options_.max_atomic_bytes)
                                    : options_.max_atomic_bytes;
  const std::size_t bytes = held.document.text().size() + held.id.size();
  const bool is_full = held_.size() >= options_.max_atomic_records;
  if (is_full || (!held_.empty() && bytes > max_bytes - (std::min)(max_bytes, held_bytes_))) {
    if (!options_.partial) {
      throw ImportTooLarge(is_full ? std::to_string(options_.max_atomic_records) + " records"
                                   : std::to_string(max_bytes) + " bytes");
    }
    store_held();
  }
  held_bytes_ += bytes;
  held_.push_back(std::move(held));
}

/// Stores the records that are held. With ImportOptions::partial it counts them if that fails.
inline void Import::store_held() {
  if (held_.empty()) return;
  try {
    store_batch();
  } catch (const Error& error) {
    const Errc code = error.code();
    const bool is_of_batch =
        code == Errc::storage || code == Errc::full || code == Errc::stopped || code == Errc::busy;
    if (!options_.partial || !is_of_batch) throw;
    report_.failed += held_.size();
    ++report_.failed_batch_count;
    if (report_.failed_batches.size() < ImportReport::max_listed) {
      report_.failed_batches.push_back(
          {held_.front().place, held_.back().place, held_.size(), code, error.what()});
    }
    own_state_.reset();  // it may not be known what was written
    // A later record of the same contact is not one that was stored before.
    for (const Held& held : held_) {
      seen_.erase(held.identity);
      if (!held.id.empty()) seen_.erase(detail::identity_of_text('i', held.id));
    }
  }
  drop_held();
}

inline void Import::drop_held() noexcept {
  held_.clear();
  held_bytes_ = 0;
}

inline void Import::store_batch() {
  constexpr int max_plans = 10;
  for (int i = 0; i < max_plans; ++i) {
    Plan plan = make_plan();
    if (options_.dry_run) {
      check_room(plan);
    } else if (!plan.batch.writes.empty()) {
      const CommitResult result = commit_plan(plan);
      if (result.outcome == CommitResult::Outcome::full) target_.book->fail_full();
      if (!result.done()) continue;
    }
    report_.created += plan.created;
    report_.updated += plan.updated;
    report_.skipped += plan.skipped;
    return;
  }
  throw Error(Errc::busy, "Too many writes of the same contacts at once");
}

/// Commits a plan. Where another writer was faster, it is only that entry which is looked at again.
/// @returns a result that is not done if the plan has to be made anew
inline CommitResult Import::commit_plan(Plan& plan) {
  constexpr int max_attempts = 10;
  CommitResult result;
  for (int i = 0; i < max_attempts; ++i) {
    result = commit(plan.batch);
    if (result.outcome != CommitResult::Outcome::refused) break;
    if (!look_again(plan, result.refused)) break;
  }
  return result;
}

/// @returns whether the entry that a write replaces is still the record's
inline bool Import::look_again(Plan& plan, std::size_t refused) const {
  Write& write = plan.batch.writes[refused];
  const Held& held = *plan.records[refused];
  if (write.condition.kind != Condition::Kind::at_revision) return false;
  const std::optional<Entry> entry = target_.book->find(write.id);
  if (!entry) return false;
  if (held.id != write.id && detail::identity_of(entry->document) != held.identity) return false;
  write.condition.revision = entry->revision;
  return true;
}

inline CommitResult Import::commit(Batch batch) {
  if (!target_.book) {
    target_.book = target_.make(batch.writes.size());
    const BookState state = target_.book->state();
    if (state.count == 0) own_state_ = state;
    if (state.revision != 0) {  // somebody else was faster
      CommitResult again;
      again.outcome = CommitResult::Outcome::refused;
      return again;
    }
  }
  const std::size_t writes = batch.writes.size();
  CommitResult result = target_.book->commit(std::move(batch));
  if (!result.done() || !own_state_) return result;
  if (result.epoch == own_state_->epoch && result.base == own_state_->revision) {
    own_state_->revision += writes;
  } else {
    own_state_.reset();
  }
  return result;
}

/// What a commit would check.
inline void Import::check_room(const Plan& plan) const {
  const std::uint64_t max_entries =
      target_.book ? target_.book->options().max_entries : target_.max_entries;
  if (max_entries == 0 || plan.created == 0) return;
  const std::uint64_t count = target_.book ? target_.book->state().count : 0;
  if (count + report_.created + plan.created > max_entries) detail::fail_full(max_entries);
}

/// Whether all that is in the book was met in this input, so that there is nothing to look for.
inline bool Import::is_alone() {
  if (!target_.book) return true;
  if (!own_state_) return false;
  const BookState state = target_.book->state();
  if (state.epoch == own_state_->epoch && state.revision == own_state_->revision) return true;
  own_state_.reset();
  return false;
}

inline Import::Plan Import::make_plan() {
  Plan plan;
  std::vector<std::optional<SameEntry>> same(held_.size());
  const bool is_alone_there = is_alone();
  const bool is_duplicating = options_.on_conflict == OnConflict::duplicate;
  if (!is_alone_there && !is_duplicating) {
    std::vector<Identity> identities;
    identities.reserve(held_.size());
    for (const Held& held : held_) identities.push_back(held.identity);
    same = target_.book->find_same(identities);
  }
  for (std::size_t i = 0; i < held_.size(); ++i) {
    const Held& held = held_[i];
    std::optional<Entry> entry;
    if (!held.id.empty() && target_.book && (!is_alone_there || is_duplicating)) {
      entry = target_.book->find(held.id);
    }
    if (!entry && same[i]) {
      if (options_.on_conflict == OnConflict::skip) {
        ++plan.skipped;
        continue;
      }
      entry = target_.book->find(same[i]->id);
      // It may have become another contact meanwhile.
      if (entry && detail::identity_of(entry->document) != held.identity) entry.reset();
    }
    if (!entry && !same[i] && held.id.empty() && !is_alone_there && !is_duplicating) {
      entry = written_down_from(held.document);
    }
    plan_one(plan, held, entry);
  }
  return plan;
}

/// @returns the entry without a UID that a contact was written down from
inline std::optional<Entry> Import::written_down_from(const Document& document) const {
  const std::string id = detail::entry_id_of(document);
  std::optional<Entry> entry = id.empty() ? std::nullopt : target_.book->find(id);
  if (entry && !detail::own_uid(entry->document).empty()) entry.reset();
  return entry;
}

/// @param entry  the one that has the contact, if there is one
inline void Import::plan_one(Plan& plan, const Held& held,
                             const std::optional<Entry>& entry) const {
  auto& writes = plan.batch.writes;
  if (!entry || options_.on_conflict == OnConflict::duplicate) {
    const bool has_id = !held.id.empty() && !entry && plan.ids.insert(held.id).second;
    writes.push_back({has_id ? held.id : make_id(), held.document, {Condition::Kind::absent}});
    plan.records.push_back(&held);
    ++plan.created;
  } else if (options_.on_conflict == OnConflict::skip || entry->document == held.document ||
             !plan.ids.insert(entry->id).second) {
    ++plan.skipped;
  } else {
    writes.push_back({entry->id, held.document, {Condition::Kind::at_revision, entry->revision}});
    plan.records.push_back(&held);
    ++plan.updated;
  }
}

}  // namespace addrbook
