/// EntryCache: recently read entries of many books, in memory.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Keeps entries by book and id, and evicts the least recently read ones. Every write and removal
/// must be announced by a Writing or a Removing.
/// @par Thread safety  any thread.
class EntryCache : private Pinned {
 public:
  /// Whatever identifies a book, and is never used for another one.
  using Book = std::uint64_t;

  /// @param max_bytes  approximate memory for entries; an entry over a sixteenth of it is not kept
  explicit EntryCache(std::size_t max_bytes) : part_capacity_(max_bytes / parts) {}

  /// @param load  finds the entry where it is stored: `std::optional<Entry> load()`; what it throws
  ///              passes unchanged
  template <class Load>
  [[nodiscard]] std::optional<Entry> find(Book book, std::string_view id, Load load);

  /// @returns how often find() was answered from memory, and how often not
  [[nodiscard]] CacheCounts counts() const {
    CacheCounts all;
    for (const Part& part : parts_) {
      const std::lock_guard lock(part.mutex);
      all.hits += part.hits;
      all.misses += part.misses;
      all.bytes += part.bytes;
    }
    return all;
  }

  class Writing;
  class Removing;

 private:
  static constexpr std::size_t parts = 16;

  using Key = std::pair<Book, std::string_view>;
  using Keys = std::multiset<Key>;
  using BookNumbers = std::multiset<Book>;

  // A find() that is asking the storage.
  struct Loading {
    Key key;
    bool may_be_old = false;  // a write of this entry, or a removal of its book, overlapped with it
  };

  // A part of the cache, with its own lock.
  struct Part {
    struct Cached;
    using Entries = std::list<Cached>;  // most recently read first
    // A map rather than a hash table: no choice of ids makes it slow, and the entries of a book
    // stand together. The keys refer to the entries' own ids.
    using ByKey = std::map<Key, Entries::iterator>;
    struct Cached {
      Entry entry;
      ByKey::iterator by_key;
    };

    mutable std::mutex mutex;
    Entries entries;
    ByKey by_key;
    std::size_t bytes = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::list<Loading> loads;
    Keys in_commit;
    BookNumbers in_removal;
  };

  [[nodiscard]] Part& part_of(const Key& key) {
    constexpr std::uint64_t mixer = 0x9E3779B97F4A7C15U;
    return parts_[(std::hash<std::string_view>()(key.second) ^ (key.first * mixer >> 32U)) % parts];
  }
  static std::size_t cost_of(const Entry& entry) {
    constexpr std::size_t overhead = 320;  // list, map, strings, the shared text's block
    return entry.id.size() + entry.document.text().size() + overhead;
  }
  static void evict(Part& part, Part::Entries::iterator cached) {
    part.bytes -= cost_of(cached->entry);
    part.by_key.erase(cached->by_key);
    part.entries.erase(cached);
  }

  const std::size_t part_capacity_;  // in bytes
  std::array<Part, parts> parts_;
};

/// While a commit is in progress, its entries are not kept, neither old nor new: a find() of one
/// asks the storage and does not keep the answer.
class EntryCache::Writing : private Pinned {
 public:
  Writing(EntryCache& cache, Book book) : cache_(cache), book_(book) {}
  ~Writing() {
    for (const auto& [part, mark] : marks_) {
      const std::lock_guard lock(part->mutex);
      part->in_commit.erase(mark);
    }
  }
  void begin(const std::vector<Write>& writes);

 private:
  EntryCache& cache_;
  const Book book_;
  std::vector<std::string> ids_;
  // By iterator, because another commit of the same id has an equal element of its own.
  std::vector<std::pair<Part*, Keys::iterator>> marks_;
};

/// While a book is being removed, none of its entries are kept. No later find() of one is answered
/// from memory.
class EntryCache::Removing : private Pinned {
 public:
  explicit Removing(EntryCache& cache) : cache_(cache) {}
  ~Removing() {
    for (const auto& [part, mark] : marks_) {
      const std::lock_guard lock(part->mutex);
      part->in_removal.erase(mark);
    }
  }
  void begin(Book book);

 private:
  EntryCache& cache_;
  std::vector<std::pair<Part*, BookNumbers::iterator>> marks_;
};

// ---------------------------------------------------------------------------------------------

inline void EntryCache::Writing::begin(const std::vector<Write>& writes) {
  ids_.reserve(writes.size());
  marks_.reserve(writes.size());
  for (const Write& write : writes) ids_.push_back(write.id);
  for (const std::string& id : ids_) {
    const Key key(book_, id);
    Part& part = cache_.part_of(key);
    const std::lock_guard lock(part.mutex);
    marks_.emplace_back(&part, part.in_commit.insert(key));
    for (Loading& load : part.loads) load.may_be_old = load.may_be_old || load.key == key;
    if (const auto at = part.by_key.find(key); at != part.by_key.end()) evict(part, at->second);
  }
}

inline void EntryCache::Removing::begin(Book book) {
  marks_.reserve(parts);
  for (Part& part : cache_.parts_) {
    const std::lock_guard lock(part.mutex);
    marks_.emplace_back(&part, part.in_removal.insert(book));
    for (Loading& load : part.loads) load.may_be_old = load.may_be_old || load.key.first == book;
    auto at = part.by_key.lower_bound({book, {}});
    while (at != part.by_key.end() && at->first.first == book) evict(part, (at++)->second);
  }
}

template <class Load>
std::optional<Entry> EntryCache::find(Book book, std::string_view id, Load load) {
  const Key key(book, id);
  Part& part = part_of(key);
  std::list<Loading>::iterator loading;
  {
    const std::lock_guard lock(part.mutex);
    if (const auto at = part.by_key.find(key); at != part.by_key.end()) {
      part.entries.splice(part.entries.begin(), part.entries, at->second);
      ++part.hits;
      return at->second->entry;
    }
    ++part.misses;
    const bool is_written = part.in_commit.count(key) != 0 || part.in_removal.count(book) != 0;
    loading = part.loads.insert(part.loads.begin(), {key, is_written});
  }
  std::optional<Entry> entry;
  Part::Entries made;
  try {
    entry = load();
    if (entry && cost_of(*entry) <= part_capacity_) made.push_back({*entry, part.by_key.end()});
  } catch (...) {
    const std::lock_guard lock(part.mutex);
    part.loads.erase(loading);
    throw;
  }
  const std::lock_guard lock(part.mutex);
  const bool may_be_old = loading->may_be_old;
  part.loads.erase(loading);
  if (made.empty() || may_be_old) return entry;
  // Another find() of the same id may have been faster.
  const auto [by_key, is_first] =
      part.by_key.emplace(Key(book, made.front().entry.id), made.begin());
  if (!is_first) return entry;
  made.front().by_key = by_key;
  part.bytes += cost_of(made.front().entry);
  part.entries.splice(part.entries.begin(), made);
  while (part.bytes > part_capacity_) evict(part, std::prev(part.entries.end()));
  return entry;
}

}  // namespace addrbook::detail
