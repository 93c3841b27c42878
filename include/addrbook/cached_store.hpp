/// CachedStore: entries that were read lately, kept in memory in front of a slower Store.
#pragma once

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

/// Answers find() from memory where it can; all else goes to the store behind it. What has been
/// read longest ago makes room.
///
/// For a store that nobody else writes to: it sees the writes that go through it, and no others.
/// @par Thread safety  any thread.
class CachedStore final : public Store {
 public:
  /// @param store      kept
  /// @param max_bytes  of memory for entries, about; those over a sixteenth of it are not kept
  /// @throws Error{invalid} if `store` is null
  CachedStore(std::shared_ptr<Store> store, std::size_t max_bytes)
      : store_(std::move(store)), most_(max_bytes / parts) {
    if (!store_) throw Error(Errc::invalid, "a CachedStore needs a store");
  }

  CommitResult commit(std::vector<Write> batch) override;
  [[nodiscard]] std::optional<Entry> find(std::string_view id) const override;
  [[nodiscard]] Page page(std::uint64_t after, PageLimit limit) const override {
    return store_->page(after, limit);
  }
  [[nodiscard]] Head head() const override { return store_->head(); }

 private:
  static constexpr std::size_t parts = 16;

  // A find() that is asking the store.
  struct Load {
    std::string_view id;
    bool may_be_old = false;  // a commit of this id was under way at some time meanwhile
  };

  using Ids = std::multiset<std::string_view>;

  // A part of the cache with a lock of its own.
  struct Part {
    struct Kept;
    using Entries = std::list<Kept>;  // read last first
    // Ordered: no choice of ids makes it slow. The keys are the entries' own ids.
    using ById = std::map<std::string_view, Entries::iterator>;
    struct Kept {
      Entry entry;
      ById::iterator place;
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
    constexpr std::size_t beside_texts = 300;  // list, map, strings, the shared text's block
    return entry.id.size() + entry.document.text().size() + beside_texts;
  }
  static void forget(Part& part, Part::Entries::iterator kept);

  const std::shared_ptr<Store> store_;
  const std::size_t most_;  // bytes a part
  mutable std::array<Part, parts> parts_;
};

// ---------------------------------------------------------------------------------------------

/// While a commit is under way its entries are in the cache neither as they were nor as they will
/// be: whoever reads them asks the store, and does not keep the answer.
class CachedStore::Writing {
 public:
  explicit Writing(const CachedStore& cache) : cache_(cache) {}
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
  Writing(Writing&&) = delete;
  Writing& operator=(Writing&&) = delete;
  ~Writing() {
    for (const auto& [part, mark] : marks_) {
      const std::lock_guard lock(part->mutex);
      part->in_commit.erase(mark);
    }
  }

  void begin(const std::vector<Write>& batch) {
    ids_.reserve(batch.size());
    marks_.reserve(batch.size());
    for (const Write& write : batch) ids_.push_back(write.id);
    for (const std::string& id : ids_) {
      Part& part = cache_.part_of(id);
      const std::lock_guard lock(part.mutex);
      marks_.emplace_back(&part, part.in_commit.insert(id));
      for (Load& load : part.loads) load.may_be_old = load.may_be_old || load.id == id;
      if (const auto at = part.by_id.find(id); at != part.by_id.end()) forget(part, at->second);
    }
  }

 private:
  const CachedStore& cache_;
  std::vector<std::string> ids_;
  // Each its own: another commit of the same id has an equal one, of its own string.
  std::vector<std::pair<Part*, Ids::iterator>> marks_;
};

inline void CachedStore::forget(Part& part, Part::Entries::iterator kept) {
  part.bytes -= cost_of(kept->entry);
  part.by_id.erase(kept->place);
  part.entries.erase(kept);
}

inline CommitResult CachedStore::commit(std::vector<Write> batch) {
  Writing writing(*this);
  writing.begin(batch);
  return store_->commit(std::move(batch));
}

inline std::optional<Entry> CachedStore::find(std::string_view id) const {
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
    if (entry && cost_of(*entry) <= most_) made.push_back({*entry, part.by_id.end()});
  } catch (...) {
    const std::lock_guard lock(part.mutex);
    part.loads.erase(load);
    throw;
  }
  const std::lock_guard lock(part.mutex);
  const bool may_be_old = load->may_be_old;
  part.loads.erase(load);
  if (made.empty() || may_be_old) return entry;
  // Two may have asked for it at once.
  const auto [place, is_first] = part.by_id.emplace(made.front().entry.id, made.begin());
  if (!is_first) return entry;
  made.front().place = place;
  part.bytes += cost_of(made.front().entry);
  part.entries.splice(part.entries.begin(), made);
  while (part.bytes > most_) forget(part, std::prev(part.entries.end()));
  return entry;
}

}  // namespace addrbook
