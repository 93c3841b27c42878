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
#include <deque>
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

  /// As find(), of many entries at once, see Store::find_many().
  /// @param load  finds those that are not in memory: `std::vector<std::optional<Entry>>
  ///              load(const std::vector<std::string_view>& ids, std::size_t max_bytes)`
  template <class Load>
  [[nodiscard]] std::vector<std::optional<Entry>> find_many(
      Book book, const std::vector<std::string_view>& ids, std::size_t max_bytes, Load load);

  /// @returns how often an entry was found in memory, and how often not
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

  // An entry for which a find() is asking the storage.
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

  // Looks for an entry in memory. If it is not there, the storage may be asked as long as this
  // lives.
  class Asking;

  const std::size_t part_capacity_;  // in bytes
  std::array<Part, parts> parts_;
};

class EntryCache::Asking : private Pinned {
 public:
  Asking(EntryCache& cache, const Key& key);
  ~Asking() {
    if (known_) return;
    const std::lock_guard lock(part_.mutex);
    part_.loads.erase(loading_);
  }

  /// The entry, if it is in memory.
  [[nodiscard]] std::optional<Entry>& known() noexcept { return known_; }

  /// Keeps what the storage has, unless that may be old.
  void keep(const Entry& entry);

 private:
  Part& part_;
  const std::size_t capacity_;  // of the part
  std::optional<Entry> known_;
  std::list<Loading>::iterator loading_;  // if it is not known
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

inline EntryCache::Asking::Asking(EntryCache& cache, const Key& key)
    : part_(cache.part_of(key)), capacity_(cache.part_capacity_) {
  const std::lock_guard lock(part_.mutex);
  if (const auto at = part_.by_key.find(key); at != part_.by_key.end()) {
    part_.entries.splice(part_.entries.begin(), part_.entries, at->second);
    ++part_.hits;
    known_ = at->second->entry;
    return;
  }
  ++part_.misses;
  const bool is_written = part_.in_commit.count(key) != 0 || part_.in_removal.count(key.first) != 0;
  loading_ = part_.loads.insert(part_.loads.begin(), {key, is_written});
}

inline void EntryCache::Asking::keep(const Entry& entry) {
  if (cost_of(entry) > capacity_) return;
  Part::Entries made;
  made.push_back({entry, part_.by_key.end()});
  const std::lock_guard lock(part_.mutex);
  if (loading_->may_be_old) return;
  // Another find() of the same id may have been faster.
  const auto [by_key, is_first] =
      part_.by_key.emplace(Key(loading_->key.first, made.front().entry.id), made.begin());
  if (!is_first) return;
  made.front().by_key = by_key;
  part_.bytes += cost_of(made.front().entry);
  part_.entries.splice(part_.entries.begin(), made);
  while (part_.bytes > capacity_) evict(part_, std::prev(part_.entries.end()));
}

template <class Load>
std::optional<Entry> EntryCache::find(Book book, std::string_view id, Load load) {
  Asking asking(*this, {book, id});
  if (asking.known()) return std::move(asking.known());
  std::optional<Entry> entry = load();
  if (entry) asking.keep(*entry);
  return entry;
}

template <class Load>
std::vector<std::optional<Entry>> EntryCache::find_many(Book book,
                                                        const std::vector<std::string_view>& ids,
                                                        std::size_t max_bytes, Load load) {
  std::deque<Asking> asked;
  std::vector<std::string_view> missing;
  std::size_t bytes = 0;  // of those that are known
  for (const std::string_view id : ids) {
    const auto& known = asked.emplace_back(*this, Key(book, id)).known();
    if (!known) missing.push_back(id);
    if (known) bytes += known->document.text().size();
    if (bytes > max_bytes) break;
  }
  std::vector<std::optional<Entry>> loaded;
  if (!missing.empty()) loaded = load(missing, max_bytes - (std::min)(bytes, max_bytes));
  std::vector<std::optional<Entry>> found;
  auto next = loaded.begin();
  for (Asking& each : asked) {
    if (each.known()) {
      found.push_back(std::move(each.known()));
      continue;
    }
    if (next == loaded.end()) break;
    if (*next) each.keep(**next);
    found.push_back(std::move(*next++));
  }
  return found;
}

}  // namespace addrbook::detail
