/// MemoryStore: a Store in the process's memory.
#pragma once

#include <addrbook/base/random.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/contacts/identity.hpp>
#include <addrbook/error.hpp>
#include <addrbook/store.hpp>
#include <addrbook/text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Keeps entries in ordered maps rather than hash tables: no choice of ids makes them slow, and no
/// write waits for a table to grow. It has no index of contacts: select() and count() read the
/// whole book, as Scan says. Of notes it keeps the last 100,000.
/// @par Cost  find and commit: O(log n) for each id. About 430 bytes for each entry plus its text,
/// 80
///            more from the first look for a same entry on, as imports have, and 150 for each
///            removal that is remembered.
class MemoryStore final : public Store {
 public:
  /// @param folding  how texts are compared; kept
  explicit MemoryStore(std::shared_ptr<const Folding> folding = ascii_folding())
      : folding_(std::move(folding)) {
    if (!folding_) throw Error(Errc::invalid, "a MemoryStore needs a folding");
  }

 private:
  using ById = std::map<std::string, Entry, std::less<>>;
  // With `created`: several entries may have one identity.
  using ByIdentity = std::set<std::pair<Identity, std::uint64_t>>;
  using ByNumber = std::map<std::uint64_t, const Entry*>;
  struct Removal {
    std::string id;
    Timestamp at;
  };
  using Removals = std::map<std::uint64_t, Removal>;  // by revision

  // What a write needs of the maps.
  struct Step {
    ById::iterator at;
    ById::node_type entry;                // the new entry, if the write creates one
    ByNumber::node_type created;          // likewise
    ByNumber::node_type revision;         // likewise
    Removals::node_type removal{};        // if the write removes an entry
    ByIdentity::node_type identity{};     // of the new document, if there is an index of them
    ByIdentity::iterator old_identity{};  // end() if there is none
  };

  struct KeptNote {
    std::string value;
    std::uint64_t base = 0;
  };
  using Notes = std::map<std::string, KeptNote, std::less<>>;

  inline CommitResult do_commit(Batch batch) override;
  [[nodiscard]] inline std::optional<Entry> do_find(std::string_view id) const override;
  [[nodiscard]] inline Page do_page(std::uint64_t after, PageLimit limit) const override;
  [[nodiscard]] inline BookState do_state() const override;
  [[nodiscard]] inline std::vector<std::optional<SameEntry>> do_find_same(
      const std::vector<Identity>& identities) const override;
  [[nodiscard]] inline ChangePage do_changes(std::uint64_t after, PageLimit limit,
                                             std::uint64_t removals_after) const override;
  [[nodiscard]] const Folding& do_folding() const noexcept override { return *folding_; }

  void forget_notes(Timestamp at);
  void forget_removals(Timestamp until);
  [[nodiscard]] Step prepare(Write& write, ById::iterator at, std::uint64_t revision,
                             Timestamp time) const;
  [[nodiscard]] BookState locked_state() const { return {epoch_, revision_, by_id_.size()}; }

  const std::shared_ptr<const Folding> folding_;
  const std::uint64_t epoch_ = detail::random_bits();
  mutable std::shared_mutex mutex_;
  std::uint64_t revision_ = 0;
  ById by_id_;
  ByNumber by_created_;
  ByNumber by_revision_;
  Removals removals_;
  std::uint64_t forgotten_ = 0;  // the revision up to which removals may be missing
  // Made when it is first asked for, and complete from then on.
  mutable std::optional<ByIdentity> by_identity_;
  Notes notes_;
  std::multimap<Timestamp, std::string> notes_by_expiry_;
};

// ---------------------------------------------------------------------------------------------

inline CommitResult MemoryStore::do_commit(Batch batch) {
  auto& writes = batch.writes;
  const std::unique_lock lock(mutex_);
  CommitResult result;
  result.epoch = epoch_;
  result.base = revision_;
  result.created.reserve(writes.size());
  result.created_at.reserve(writes.size());
  if (batch.note) {
    forget_notes(batch.at);
    if (const auto kept = notes_.find(batch.note->key); kept != notes_.end()) {
      result.outcome = CommitResult::Outcome::repeated;
      result.base = kept->second.base;
      result.note = kept->second.value;
      return result;
    }
  }

  // Whatever can fail for lack of memory happens in this loop, before the first change.
  std::vector<Step> steps;
  steps.reserve(writes.size());
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const auto at = by_id_.find(writes[i].id);
    const bool present = at != by_id_.end();
    if (!writes[i].condition.holds(present ? std::optional(at->second.revision) : std::nullopt)) {
      result.outcome = CommitResult::Outcome::refused;
      result.refused = i;
      return result;
    }
    added += writes[i].document && !present ? 1U : 0U;
    removed += !writes[i].document && present ? 1U : 0U;
    if (batch.wants_before) {
      result.before.push_back(present ? std::optional(at->second) : std::nullopt);
    }
    steps.push_back(prepare(writes[i], at, result.base + 1 + i, batch.at));
  }
  if (batch.overfills(by_id_.size(), added, removed)) {
    result.outcome = CommitResult::Outcome::full;
    return result;
  }
  if (batch.note) {
    const auto& [key, value, lifetime] = *batch.note;
    const auto by_expiry = notes_by_expiry_.emplace(batch.at + lifetime, key);
    try {
      notes_.emplace(key, KeptNote{value, revision_});
    } catch (...) {
      notes_by_expiry_.erase(by_expiry);
      throw;
    }
  }
  for (std::size_t i = 0; i < writes.size(); ++i) {
    Step& step = steps[i];
    ++revision_;
    if (by_identity_) {
      if (step.old_identity != by_identity_->end()) by_identity_->erase(step.old_identity);
      if (step.identity) by_identity_->insert(std::move(step.identity));
    }
    if (step.entry) {
      by_id_.insert(std::move(step.entry));
      by_created_.insert(by_created_.end(), std::move(step.created));
      by_revision_.insert(by_revision_.end(), std::move(step.revision));
      result.created.push_back(revision_);
      result.created_at.push_back(batch.at);
    } else if (step.at != by_id_.end() && writes[i].document) {
      auto moved = by_revision_.extract(step.at->second.revision);
      moved.key() = revision_;
      by_revision_.insert(by_revision_.end(), std::move(moved));
      step.at->second.document = std::move(*writes[i].document);
      step.at->second.revision = revision_;
      step.at->second.updated_at = batch.at;
      result.created.push_back(step.at->second.created);
      result.created_at.push_back(step.at->second.created_at);
    } else {
      if (step.at != by_id_.end()) {
        by_created_.erase(step.at->second.created);
        by_revision_.erase(step.at->second.revision);
        removals_.insert(removals_.end(), std::move(step.removal));
        by_id_.erase(step.at);
      }
      result.created.push_back(0);
      result.created_at.emplace_back();
    }
  }
  forget_removals(batch.at - batch.tombstone_lifetime);
  return result;
}

inline void MemoryStore::forget_notes(Timestamp at) {
  constexpr std::size_t max_notes = 100'000;  // with long keys 80 MB
  while (!notes_by_expiry_.empty() &&
         (notes_by_expiry_.begin()->first <= at || notes_.size() >= max_notes)) {
    notes_.erase(notes_by_expiry_.begin()->second);
    notes_by_expiry_.erase(notes_by_expiry_.begin());
  }
}

inline void MemoryStore::forget_removals(Timestamp until) {
  while (!removals_.empty() && removals_.begin()->second.at <= until) {
    forgotten_ = removals_.begin()->first;
    removals_.erase(removals_.begin());
  }
}

inline MemoryStore::Step MemoryStore::prepare(Write& write, ById::iterator at,
                                              std::uint64_t revision, Timestamp time) const {
  Step step;
  step.at = at;
  if (by_identity_) {
    const bool present = at != by_id_.end();
    step.old_identity = by_identity_->end();
    if (present) {
      step.old_identity =
          by_identity_->find({detail::identity_of(at->second.document), at->second.created});
    }
    if (write.document) {
      ByIdentity made{
          {detail::identity_of(*write.document), present ? at->second.created : revision}};
      step.identity = made.extract(made.begin());
    }
  }
  if (!write.document && at != by_id_.end()) {
    Removals made{{revision, {write.id, time}}};
    step.removal = made.extract(made.begin());
  }
  if (!write.document || at != by_id_.end()) return step;
  ById made;
  const auto entry = made.emplace(write.id, Entry{write.id, epoch_, revision, revision,
                                                  std::move(*write.document), time, time})
                         .first;
  ByNumber made_created{{revision, &entry->second}};
  ByNumber made_revision{{revision, &entry->second}};
  step.entry = made.extract(entry);
  step.created = made_created.extract(made_created.begin());
  step.revision = made_revision.extract(made_revision.begin());
  return step;
}

inline std::optional<Entry> MemoryStore::do_find(std::string_view id) const {
  const std::shared_lock lock(mutex_);
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return std::nullopt;
  return at->second;
}

inline Page MemoryStore::do_page(std::uint64_t after, PageLimit limit) const {
  Page page;
  page.entries.reserve((std::min)(limit.entries, PageLimit{}.entries));
  std::size_t bytes = 0;
  const std::shared_lock lock(mutex_);
  page.state = locked_state();
  for (auto at = by_created_.upper_bound(after); at != by_created_.end(); ++at) {
    const Entry& entry = *at->second;
    bytes += entry.document.text().size();
    if (!page.entries.empty() && (page.entries.size() >= limit.entries || bytes > limit.bytes)) {
      page.more = true;
      break;
    }
    page.entries.push_back(entry);
  }
  return page;
}

inline std::vector<std::optional<SameEntry>> MemoryStore::do_find_same(
    const std::vector<Identity>& identities) const {
  std::vector<std::optional<SameEntry>> found(identities.size());
  const auto look_up = [&] {
    for (std::size_t i = 0; i < identities.size(); ++i) {
      const auto at = by_identity_->lower_bound({identities[i], 0});
      if (at == by_identity_->end() || at->first != identities[i]) continue;
      const Entry& entry = *by_created_.find(at->second)->second;
      found[i] = SameEntry{entry.id, entry.revision};
    }
  };
  {
    const std::shared_lock lock(mutex_);
    if (by_identity_) {
      look_up();
      return found;
    }
  }
  const std::unique_lock lock(mutex_);
  if (!by_identity_) {
    ByIdentity all;
    for (const auto& [created, entry] : by_created_) {
      all.emplace(detail::identity_of(entry->document), created);
    }
    by_identity_ = std::move(all);
  }
  look_up();
  return found;
}

inline ChangePage MemoryStore::do_changes(std::uint64_t after, PageLimit limit,
                                          std::uint64_t removals_after) const {
  ChangePage page;
  std::size_t bytes = 0;
  const std::shared_lock lock(mutex_);
  page.state = locked_state();
  page.forgotten = forgotten_;
  auto written = by_revision_.upper_bound(after);
  auto removed = removals_.upper_bound(removals_after);
  while (written != by_revision_.end() || removed != removals_.end()) {
    const bool is_removal = written == by_revision_.end() ||
                            (removed != removals_.end() && removed->first < written->first);
    if (!is_removal) bytes += written->second->document.text().size();
    if (!page.changes.empty() && (page.changes.size() >= limit.entries || bytes > limit.bytes)) {
      page.more = true;
      break;
    }
    if (is_removal) {
      page.changes.push_back({removed->second.id, removed->first, std::nullopt});
      ++removed;
    } else {
      page.changes.push_back({written->second->id, written->first, *written->second});
      ++written;
    }
  }
  return page;
}

inline BookState MemoryStore::do_state() const {
  const std::shared_lock lock(mutex_);
  return locked_state();
}

}  // namespace addrbook
