// tests/contract tests a CachedStore, which is an EntryCache with one book. Here: several books.
#include <addrbook/storage/entry_cache.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <contract/writes.hpp>

using addrbook::Entry;
using addrbook::detail::EntryCache;

namespace {

/// A cache in front of a storage that has every entry.
struct Cache {
  /// @returns the number in what is found; negative if the storage was asked for it
  int find(
      std::uint64_t book, const std::string& id, const std::function<void()>& during = [] {}) {
    bool was_asked = false;
    const auto entry = cache.find(book, id, [&]() -> std::optional<Entry> {
      was_asked = true;
      during();
      return Entry{id, book, 1, 1, test::numbered(book * 100 + version), {}, {}};
    });
    CHECK(entry->id == id);
    CHECK(entry->epoch == book);
    const int number = entry->document.json()["n"].get<int>();
    return was_asked ? -number : number;
  }

  std::uint64_t version = 1;
  EntryCache cache{std::size_t{1} << 20U};
};

}  // namespace

TEST_CASE("entry_cache: it counts what it had and what it had not") {
  Cache cache;
  CHECK(cache.cache.counts().bytes == 0);
  cache.find(1, "a");
  cache.find(1, "a");
  cache.find(1, "b");
  cache.find(1, "a");
  const auto counts = cache.cache.counts();
  CHECK(counts.hits == 2);
  CHECK(counts.misses == 2);
  CHECK(counts.bytes > 0);
}

TEST_CASE("entry_cache: entries are kept by book and id") {
  Cache cache;
  CHECK(cache.find(1, "a") == -101);
  CHECK(cache.find(2, "a") == -201);
  CHECK(cache.find(1, "a") == 101);
  CHECK(cache.find(2, "a") == 201);
  cache.version = 2;
  {
    EntryCache::Writing writing(cache.cache, 1);
    writing.begin({test::put("a", 1)});
    CHECK(cache.find(1, "a") == -102);
    CHECK(cache.find(1, "a") == -102);
    CHECK(cache.find(2, "a") == 201);
  }
  CHECK(cache.find(1, "a") == -102);
  CHECK(cache.find(1, "a") == 102);
}

TEST_CASE("entry_cache: a removed book is forgotten at once, and no other") {
  Cache cache;
  constexpr int entries = 100;
  const auto count_kept = [&](std::uint64_t book) {
    int kept = 0;
    for (int i = 0; i < entries; ++i) kept += cache.find(book, std::to_string(i)) > 0 ? 1 : 0;
    return kept;
  };
  for (const std::uint64_t book : {1U, 2U, 3U}) count_kept(book);
  {
    EntryCache::Removing removing(cache.cache);
    CHECK(count_kept(2) == entries);
    removing.begin(2);
    CHECK(count_kept(2) == 0);
    CHECK(count_kept(2) == 0);  // nothing is kept meanwhile
    CHECK(count_kept(1) == entries);
    CHECK(count_kept(3) == entries);
  }
  CHECK(count_kept(2) == 0);
}

TEST_CASE("entry_cache: a find that overlaps with a removal keeps nothing") {
  Cache cache;
  std::optional<EntryCache::Removing> removing(std::in_place, cache.cache);
  SUBCASE("and began before it") {
    CHECK(cache.find(1, "a", [&] {
      removing->begin(1);
      removing.reset();
    }) == -101);
  }
  SUBCASE("and ends after it") {
    removing->begin(1);
    CHECK(cache.find(1, "a", [&] { removing.reset(); }) == -101);
  }
  SUBCASE("and is of another book") {
    CHECK(cache.find(2, "a", [&] {
      removing->begin(1);
      removing.reset();
    }) == -201);
    CHECK(cache.find(2, "a") == 201);
  }
  CHECK(cache.find(1, "a") == -101);
}
