/// CachedStore: keeps recently read entries in memory, in front of a slower Store.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/error.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Answers find() from memory if it can; everything else goes to the store behind it. Evicts the
/// least recently read entries.
///
/// Only for a store that nothing else writes to: a CachedStore does not see writes that bypass it.
/// @par Thread safety  any thread.
class CachedStore final : public Store {
 public:
  /// @param store      kept
  /// @param max_bytes  approximate memory for entries; an entry over a sixteenth of it is
  ///                   not cached
  /// @throws Error{invalid} if `store` is null
  CachedStore(std::shared_ptr<Store> store, std::size_t max_bytes)
      : store_(std::move(store)), part_capacity_(max_bytes / parts) {
    if (!store_) throw Error(Errc::invalid, "a CachedStore needs a store");
  }

 private:
  static constexpr std::size_t parts = 16;

  inline CommitResult do_commit(Batch batch) override;
  [[nodiscard]] inline std::optional<Entry> do_find(std::string_view id) const override;
  [[nodiscard]] Page do_page(std::uint64_t after, PageLimit limit) const override {
    return store_->page(after, limit);
  }
  [[nodiscard]] BookState do_state() const override { return store_->state(); }

  // A find() that is asking the store.
  struct Load {
    std::string_view id;
    bool may_be_old = false;  // a commit of this id overlapped with the find
  };

  using Ids = std::multiset<std::string_view>;

  // A part of the cache, with its own lock.
  struct Part {
    struct Cached;
    using Entries = std::list<Cached>;  // most recently read first
    // A map rather than a hash table: no choice of ids makes it slow. The keys are the entries' own
    // ids.
    using ById = std::map<std::string_view, Entries::iterator>;
    struct Cached {
      Entry entry;
      ById::iterator by_id;
    };

    std::mutex mutex;
    Entries entries;
    ById by_id;
    std::size_t bytes = 0;
    std::list<Load> loads;
    Ids in_commit;
  };
  class Writing;

  [[nodiscard]] Part& part_of(std::string_view id) const {
    return parts_[std::hash<std::string_view>()(id) % parts];
  }
  static std::size_t cost_of(const Entry& entry) {
    constexpr std::size_t overhead = 300;  // list, map, strings, the shared text's block
    return entry.id.size() + entry.document.text().size() + overhead;
  }
  static void evict(Part& part, Part::Entries::iterator cached);

  const std::shared_ptr<Store> store_;
  const std::size_t part_capacity_;  // in bytes
  mutable std::array<Part, parts> parts_;
};

// ---------------------------------------------------------------------------------------------

/// While a commit is in progress, its entries are not cached, neither old nor new: a find() of one
/// asks the store and does not cache the answer.
class CachedStore::Writing : private detail::Pinned {
 public:
  explicit Writing(const CachedStore& cache) : cache_(cache) {}
  ~Writing() {
    for (const auto& [part, mark] : marks_) {
      const std::lock_guard lock(part->mutex);
      part->in_commit.erase(mark);
    }
  }

  void begin(const std::vector<Write>& writes) {
    ids_.reserve(writes.size());
    marks_.reserve(writes.size());
    for (const Write& write : writes) ids_.push_back(write.id);
    for (const std::string& id : ids_) {
      Part& part = cache_.part_of(id);
      const std::lock_guard lock(part.mutex);
      marks_.emplace_back(&part, part.in_commit.insert(id));
      for (Load& load : part.loads) load.may_be_old = load.may_be_old || load.id == id;
      if (const auto at = part.by_id.find(id); at != part.by_id.end()) evict(part, at->second);
    }
  }

 private:
  const CachedStore& cache_;
  std::vector<std::string> ids_;
  // By iterator, because another commit of the same id has an equal element of its own.
  std::vector<std::pair<Part*, Ids::iterator>> marks_;
};

inline void CachedStore::evict(Part& part, Part::Entries::iterator cached) {
  part.bytes -= cost_of(cached->entry);
  part.by_id.erase(cached->by_id);
  part.entries.erase(cached);
}

inline CommitResult CachedStore::do_commit(Batch batch) {
  Writing writing(*this);
  writing.begin(batch.writes);
  return store_->commit(std::move(batch));
}

inline std::optional<Entry> CachedStore::do_find(std::string_view id) const {
  Part& part = part_of(id);
  std::list<Load>::iterator load;
  {
    const std::lock_guard lock(part.mutex);
    if (const auto at = part.by_id.find(id); at != part.by_id.end()) {
      part.entries.splice(part.entries.begin(), part.entries, at->second);
      return at->second->entry;
    }
    load = part.loads.insert(part.loads.begin(), {id, part.in_commit.count(id) != 0});
  }
  std::optional<Entry> entry;
  Part::Entries made;
  try {
    entry = store_->find(id);
    if (entry && cost_of(*entry) <= part_capacity_) made.push_back({*entry, part.by_id.end()});
  } catch (...) {
    const std::lock_guard lock(part.mutex);
    part.loads.erase(load);
    throw;
  }
  const std::lock_guard lock(part.mutex);
  const bool may_be_old = load->may_be_old;
  part.loads.erase(load);
  if (made.empty() || may_be_old) return entry;
  // Another find() of the same id may have been faster.
  const auto [by_id, is_first] = part.by_id.emplace(made.front().entry.id, made.begin());
  if (!is_first) return entry;
  made.front().by_id = by_id;
  part.bytes += cost_of(made.front().entry);
  part.entries.splice(part.entries.begin(), made);
  while (part.bytes > part_capacity_) evict(part, std::prev(part.entries.end()));
  return entry;
}

}  // namespace addrbook
