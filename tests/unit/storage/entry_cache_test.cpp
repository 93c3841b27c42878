// tests/contract tests a CachedStore, which is an EntryCache with one book. Here: several books.
#include <addrbook/storage/entry_cache.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
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

TEST_CASE("entry_cache: of many entries the storage is asked for those that are not in memory") {
  Cache cache;
  using Ids = std::vector<std::string_view>;
  std::vector<std::string> asked;
  std::size_t room = 0;
  std::function<void()> during = [] {};
  const auto load = [&](const Ids& ids, std::size_t max_bytes) {
    asked.assign(ids.begin(), ids.end());
    room = max_bytes;
    during();
    return addrbook::detail::find_each(ids, max_bytes, [](std::string_view id) {
      return id == "absent"
                 ? std::nullopt
                 : std::optional(Entry{std::string(id), 1, 1, 1, test::numbered(101), {}, {}});
    });
  };
  const auto find = [&](const Ids& ids, std::size_t max_bytes = 1000) {
    asked = {};
    const auto found = cache.cache.find_many(1, ids, max_bytes, load);
    std::string text;
    for (const auto& entry : found) text += entry ? entry->id + " " : "- ";
    return text;
  };
  using Asked = std::vector<std::string>;
  cache.find(1, "b");
  cache.find(2, "a");
  SUBCASE("and keeps what there is") {
    CHECK(find({"a", "b", "absent", "c", "a"}) == "a b - c a ");
    CHECK(asked == Asked{"a", "absent", "c", "a"});
    CHECK(find({"a", "b", "absent", "c", "a"}) == "a b - c a ");
    CHECK(asked == Asked{"absent"});
    CHECK(find({"b", "c"}) == "b c ");
    CHECK(asked.empty());
    CHECK(cache.cache.counts().hits == 7);
    CHECK(cache.cache.counts().misses == 7);
  }
  SUBCASE("but not what is written meanwhile") {
    during = [&] {
      EntryCache::Writing writing(cache.cache, 1);
      writing.begin({test::put("a", 1), test::put("b", 1)});
    };
    CHECK(find({"a", "b", "c"}) == "a b c ");
    during = [] {};
    CHECK(find({"a", "b", "c"}) == "a b c ");
    CHECK(asked == Asked{"a", "b"});
  }
  SUBCASE("and has room for less where others are in memory") {
    const std::size_t size = test::numbered(101).text().size();
    CHECK(find({"a", "b", "c", "d"}, 2 * size) == "a b c ");
    CHECK(room == size);
    // What would be too much is not asked for.
    CHECK(find({"b", "a", "c", "d"}, size) == "b a ");
    CHECK(asked.empty());
    CHECK(find({"d", "b", "a", "e"}, size) == "d b a ");
    CHECK(asked == Asked{"d"});
    CHECK(room == 0);
  }
  SUBCASE("and what that throws passes") {
    during = [] { throw std::runtime_error("no storage"); };
    CHECK_THROWS_AS(static_cast<void>(find({"a", "b"})), std::runtime_error);
    during = [] {};
    CHECK(find({"a", "b"}) == "a b ");
    CHECK(find({"a", "b"}) == "a b ");
    CHECK(asked.empty());
  }
}
