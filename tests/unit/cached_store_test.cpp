// tests/contract tests a CachedStore as a Store. Here: what it asks the store behind it, and that
// reads are right when they overlap with commits.
#include <addrbook/cached_store.hpp>

#include <support/hold_up.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <contract/writes.hpp>
#include <unit/fake_store.hpp>
#include <unit/refusal.hpp>

using addrbook::CachedStore;
using addrbook::Condition;
using addrbook::Document;
using addrbook::Errc;
using addrbook::Error;
using addrbook::Write;
using test::FakeStore;

namespace {

constexpr std::size_t enough = std::size_t{1} << 20U;

// As long as the library's own ids: a std::string holds shorter ones without allocation.
const std::string ada = "0190a5b0c0de7000800000000000ada0";
const std::string bob = "0190a5b0c0de7000800000000000b0b0";

Document numbered(int number) {
  return Document::parse("{\"n\":" + std::to_string(number) + "}");
}
Write put(const std::string& id, int number, Condition condition = {}) {
  return {id, numbered(number), condition};
}
/// A document whose text has `bytes` bytes.
Document sized(std::size_t bytes) {
  constexpr std::size_t frame = 8;
  return Document::parse("{\"t\":\"" + std::string(bytes - frame, 'x') + "\"}");
}

/// A cache in front of a store that counts its finds.
struct Cache {
  explicit Cache(std::size_t max_bytes = enough) : store(behind, max_bytes) {
    behind->before_find = [this] { ++asked; };
  }

  /// @returns what is found, and whether the store was asked for it: "1" or "1, asked"
  std::string find(const std::string& id) {
    const int before = asked;
    const auto entry = store.find(id);
    std::string found = entry ? entry->document.json().value("n", nlohmann::json()).dump() : "none";
    if (entry) CHECK(entry->id == id);
    return asked == before ? found : found + ", asked";
  }

  std::shared_ptr<FakeStore> behind = std::make_shared<FakeStore>();
  CachedStore store;
  std::atomic<int> asked = 0;
};

/// @returns a function that runs `work` at its first call only
std::function<void()> once(std::function<void()> work) {
  return [work = std::move(work), is_done = false]() mutable {
    if (!std::exchange(is_done, true)) work();
  };
}

}  // namespace

TEST_CASE("cached_store: needs a store") {
  CHECK(test::refusal([] { const CachedStore store(nullptr, enough); }) ==
        "a CachedStore needs a store");
}

TEST_CASE("cached_store: an entry that was read is not asked for again") {
  Cache cache;
  cache.store.commit({{put(ada, 1), put(bob, 2)}});
  CHECK(cache.find(ada) == "1, asked");
  CHECK(cache.find(ada) == "1");
  CHECK(cache.find(ada) == "1");
  CHECK(cache.find(bob) == "2, asked");
  CHECK(cache.find(bob) == "2");
  CHECK(cache.find(ada) == "1");
  const auto entry = cache.store.find(ada);
  REQUIRE(entry.has_value());
  CHECK(entry->created == 1);
  CHECK(entry->revision == 1);
}

TEST_CASE("cached_store: the absence of an entry is not cached") {
  Cache cache;
  CHECK(cache.find(ada) == "none, asked");
  CHECK(cache.find(ada) == "none, asked");
  CHECK(cache.find("no id") == "none");  // not an id: no store is asked
  CHECK(cache.find("") == "none");
}

TEST_CASE("cached_store: a commit evicts the entries it writes, and no others") {
  Cache cache;
  cache.store.commit({{put(ada, 1), put(bob, 2)}});
  cache.find(ada);
  cache.find(bob);
  cache.store.commit({{put(ada, 3)}});
  CHECK(cache.find(ada) == "3, asked");
  CHECK(cache.find(ada) == "3");
  CHECK(cache.find(bob) == "2");
  cache.store.commit({{Write{ada, std::nullopt, {}}}});
  CHECK(cache.find(ada) == "none, asked");
  cache.store.commit({{put(bob, 4), put(ada, 5)}});
  CHECK(cache.find(ada) == "5, asked");
  CHECK(cache.find(bob) == "4, asked");
  cache.store.commit({});
  CHECK(cache.find(ada) == "5");
}

TEST_CASE("cached_store: pages and states come from the store") {
  Cache cache;
  cache.store.commit({{put(ada, 1)}});
  cache.find(ada);
  cache.behind->commit({{put(bob, 2)}});  // bypasses the cache, so that a cached answer would show
  const auto page = cache.store.page(0, {});
  CHECK(page.entries.size() == 2);
  CHECK(cache.store.page(1, {}).entries.size() == 1);
  CHECK(page.state.epoch == cache.behind->true_state().epoch);
  CHECK(cache.store.state().epoch == page.state.epoch);
  CHECK(cache.store.state().revision == 2);
  CHECK(cache.store.state().count == 2);
}

TEST_CASE("cached_store: a find that began before a commit caches nothing") {
  Cache cache;
  cache.store.commit({{put(ada, 1), put(bob, 1)}});
  // The commit comes after the store has returned the old entry, before find() returns.
  cache.behind->after_find = once([&] { cache.store.commit({{put(ada, 2)}}); });
  CHECK(cache.find(ada) == "1, asked");
  CHECK(cache.find(ada) == "2, asked");
  CHECK(cache.find(ada) == "2");
  // A commit of another entry makes no difference.
  cache.behind->after_find = once([&] { cache.store.commit({{put(ada, 3)}}); });
  CHECK(cache.find(bob) == "1, asked");
  CHECK(cache.find(bob) == "1");
}

TEST_CASE("cached_store: a find during a commit caches nothing, before the write or after it") {
  Cache cache;
  cache.store.commit({{put(ada, 1), put(bob, 1)}});
  cache.behind->before_commit = once([&] {
    CHECK(cache.find(ada) == "1, asked");
    CHECK(cache.find(ada) == "1, asked");
    CHECK(cache.find(bob) == "1, asked");  // this commit does not write it
    CHECK(cache.find(bob) == "1");
  });
  // The write is visible, but may still be undone until the commit returns.
  cache.behind->after_commit = once([&] {
    CHECK(cache.find(ada) == "2, asked");
    CHECK(cache.find(ada) == "2, asked");
  });
  cache.store.commit({{put(ada, 2)}});
  CHECK(cache.find(ada) == "2, asked");
  CHECK(cache.find(ada) == "2");
}

TEST_CASE("cached_store: a find that began during a commit and ends after it caches nothing") {
  Cache cache;
  cache.store.commit({{put(ada, 1)}});
  test::Gate commit_gate;
  test::Gate find_gate;
  cache.behind->before_commit = [&] { commit_gate.pass(); };
  cache.behind->after_find = once([&] { find_gate.pass(); });
  auto commit = std::async(std::launch::async, [&] { cache.store.commit({{put(ada, 2)}}); });
  commit_gate.wait_for();
  auto find = std::async(std::launch::async, [&] { return cache.store.find(ada); });
  find_gate.wait_for();  // it has read the old entry
  commit_gate.open();
  commit.get();
  find_gate.open();
  CHECK(find.get()->document == numbered(1));
  CHECK(cache.find(ada) == "2, asked");
  CHECK(cache.find(ada) == "2");
}

TEST_CASE("cached_store: a find that outlasts a commit and the next find caches nothing") {
  Cache cache;
  cache.store.commit({{put(ada, 1)}});
  // The old entry must not replace the new one, which is cached by then.
  cache.behind->after_find = once([&] {
    cache.store.commit({{put(ada, 2)}});
    CHECK(cache.find(ada) == "2, asked");
    CHECK(cache.find(ada) == "2");
  });
  CHECK(cache.find(ada) == "1, asked");
  CHECK(cache.find(ada) == "2");
}

TEST_CASE("cached_store: two concurrent finds of an entry cache it once") {
  // If its bytes were counted twice, half of the cache would be lost.
  constexpr std::size_t of_a_part = 16 * 1024;
  Cache cache(16 * of_a_part);
  cache.store.commit({{Write{ada, sized(of_a_part / 2), {}}}});
  cache.behind->after_find = once([&] { CHECK(cache.find(ada) == "null, asked"); });
  CHECK(cache.find(ada) == "null, asked");
  CHECK(cache.find(ada) == "null");
  cache.behind->after_find = [] {};
  cache.store.commit({{put(ada, 1)}});
  CHECK(cache.find(ada) == "1, asked");
  CHECK(cache.find(ada) == "1");
}

TEST_CASE("cached_store: an entry with two commits in progress is cached after both have ended") {
  Cache cache;
  cache.store.commit({{put(ada, 1)}});
  SUBCASE("if the later one ends first") {
    cache.behind->before_commit = once([&] {
      cache.store.commit({{put(ada, 2)}});
      CHECK(cache.find(ada) == "2, asked");
      CHECK(cache.find(ada) == "2, asked");
    });
    cache.store.commit({{put(ada, 3)}});
  }
  SUBCASE("if the earlier one ends first") {
    test::Gate first;
    test::Gate second;
    std::atomic<int> commits = 0;
    cache.behind->before_commit = [&] { (commits++ == 0 ? first : second).pass(); };
    auto began_first = std::async(std::launch::async, [&] { cache.store.commit({{put(ada, 2)}}); });
    first.wait_for();
    auto began_last = std::async(std::launch::async, [&] { cache.store.commit({{put(ada, 3)}}); });
    second.wait_for();
    first.open();
    began_first.get();
    CHECK(cache.find(ada) == "2, asked");
    CHECK(cache.find(ada) == "2, asked");
    second.open();
    began_last.get();
  }
  CHECK(cache.find(ada) == "3, asked");
  CHECK(cache.find(ada) == "3");
}

TEST_CASE("cached_store: reads are right after a commit that fails, before the write or after it") {
  Cache cache;
  cache.store.commit({{put(ada, 1)}});
  cache.find(ada);
  cache.behind->before_commit = once(test::fail_storage);
  CHECK_THROWS_AS(cache.store.commit({{put(ada, 2)}}), Error);
  CHECK(cache.find(ada) == "1, asked");
  CHECK(cache.find(ada) == "1");
  // The commit's caller does not know that it was done, but a read must see it.
  cache.behind->after_commit = once(test::fail_storage);
  CHECK_THROWS_AS(cache.store.commit({{put(ada, 3)}}), Error);
  CHECK(cache.find(ada) == "3, asked");
  CHECK(cache.find(ada) == "3");
  // A batch that is not valid reaches neither the cache nor the store.
  CHECK(test::refusal([&] {
          cache.store.commit({{put(ada, 4), put(ada, 5)}});
        }) == "a batch names an id twice: '" + std::string(ada) + "'");
  CHECK(cache.find(ada) == "3");
}

TEST_CASE("cached_store: a refused commit is passed on, and reads are right after it") {
  Cache cache;
  cache.store.commit({{put(ada, 1), put(bob, 1)}});
  cache.find(ada);
  const Condition absent{Condition::Kind::absent, 0};
  const auto result = cache.store.commit({{put(ada, 2), put(bob, 2, absent)}});
  CHECK(test::outcome_of(result) == "refused 1");
  CHECK(cache.find(ada) == "1, asked");
  CHECK(cache.find(ada) == "1");
  CHECK(cache.store.commit({{put(ada, 2)}}).base == 2);
}

TEST_CASE("cached_store: an error of a find is passed on, and the next find asks again") {
  Cache cache;
  cache.store.commit({{put(ada, 1), put(bob, 2)}});
  cache.find(bob);
  const auto count = cache.behind->before_find;
  cache.behind->before_find = test::fail_storage;
  for (int i = 0; i < 3; ++i) {
    try {
      static_cast<void>(cache.store.find(ada));
      FAIL("found");
    } catch (const Error& error) {
      CHECK(error.code() == Errc::storage);
    }
  }
  CHECK(cache.find(bob) == "2");  // a cached entry needs no store
  cache.behind->before_find = count;
  CHECK(cache.find(ada) == "1, asked");
  CHECK(cache.find(ada) == "1");
  cache.store.commit({{put(ada, 3)}});
  CHECK(cache.find(ada) == "3, asked");
}

TEST_CASE(
    "cached_store: an entry over a sixteenth of the capacity is not cached and evicts nothing") {
  constexpr std::size_t part_capacity = 64 * 1024;
  Cache cache(16 * part_capacity);
  cache.store.commit({{put(ada, 1)}});
  cache.find(ada);
  constexpr std::size_t overhead = 1000;  // more than an entry's
  for (int i = 0; i < 100; ++i) {         // some of them in ada's part of the cache
    const std::string id = "large-" + std::to_string(i);
    cache.store.commit({{Write{id, sized(part_capacity), {}}}});
    CHECK(cache.find(id) == "null, asked");
    CHECK(cache.find(id) == "null, asked");
  }
  CHECK(cache.find(ada) == "1");
  cache.store.commit({{Write{bob, sized(part_capacity - overhead), {}}}});
  CHECK(cache.find(bob) == "null, asked");
  CHECK(cache.find(bob) == "null");
}

TEST_CASE("cached_store: with a capacity of 0 it works and caches nothing") {
  Cache cache(0);
  cache.store.commit({{put(ada, 1)}});
  CHECK(cache.find(ada) == "1, asked");
  CHECK(cache.find(ada) == "1, asked");
}

TEST_CASE("cached_store: uses its capacity, and not more") {
  constexpr std::size_t max_bytes = 512 * 1024;
  for (const std::size_t size : {std::size_t{100}, std::size_t{1000}, std::size_t{10'000}}) {
    CAPTURE(size);
    Cache cache(max_bytes);
    const std::size_t entries = 4 * max_bytes / size;
    const auto id_of = [](std::size_t i) { return "id-" + std::to_string(i); };
    const Document document = sized(size);
    for (std::size_t i = 0; i < entries; ++i) cache.store.commit({{Write{id_of(i), document, {}}}});
    for (std::size_t i = 0; i < entries; ++i) cache.find(id_of(i));
    // In reverse order, so that cached entries are found before a miss evicts one.
    std::size_t kept = 0;
    for (std::size_t i = entries; i-- > 0;) kept += cache.find(id_of(i)) == "null" ? 1 : 0;
    constexpr std::size_t overhead = 400;  // approximately, and each part has some unused room
    CHECK(kept * size <= max_bytes);
    CHECK(kept * (size + overhead) >= max_bytes / 2);
  }
}

TEST_CASE("cached_store: evicts the least recently read entry") {
  Cache cache(64 * 1024);
  cache.store.commit({{put(ada, 1), put(bob, 1)}});
  cache.find(ada);
  cache.find(bob);
  // Many times its capacity, so that each part overflows repeatedly.
  for (int i = 0; i < 2000; ++i) {
    const std::string id = "id-" + std::to_string(i);
    cache.store.commit({{put(id, i)}});
    cache.find(id);
    REQUIRE(cache.find(ada) == "1");  // stays, because it is read repeatedly
  }
  CHECK(cache.find(bob) == "1, asked");
  CHECK(cache.find("id-1999") == "1999");
  CHECK(cache.find("id-0") == "0, asked");
}

TEST_CASE("cached_store: a read on any thread is not older than the last commit that returned") {
  constexpr std::size_t ids = 20;
  constexpr int rounds = 3000;
  // A small capacity, so that entries are evicted during reads and writes.
  Cache cache(16 * 1000);
  std::array<std::atomic<std::uint64_t>, ids> committed{};
  const auto id_of = [](std::size_t i) { return "0190a5b0c0de70008000-id-" + std::to_string(i); };
  std::atomic<int> stale = 0;
  std::vector<std::thread> workers;
  for (unsigned t = 0; t < 6; ++t) {
    workers.emplace_back([&, t] {
      std::minstd_rand random(t + 1);
      for (int round = 0; round < rounds; ++round) {
        const std::size_t i = random() % ids;
        if (t % 3 == 0) {
          const auto revision = cache.store.commit({{put(id_of(i), round)}}).base + 1;
          auto last = committed[i].load();
          while (last < revision && !committed[i].compare_exchange_weak(last, revision)) {
          }
        } else {
          const auto least = committed[i].load();
          const auto entry = t % 3 == 1 ? cache.store.find(id_of(i))
                                        : cache.store.find_many({id_of(i ^ 1U), id_of(i)})[1];
          if ((entry ? entry->revision : 0) < least) ++stale;
        }
      }
    });
  }
  for (auto& worker : workers) worker.join();
  CHECK(stale == 0);
  for (std::size_t i = 0; i < ids; ++i) {
    const auto entry = cache.store.find(id_of(i));
    CHECK((entry ? entry->revision : 0) == committed[i]);
  }
}

TEST_CASE("cached store: its statistics have the cache's counts, and the store's own") {
  const auto store = std::make_shared<FakeStore>();
  CachedStore cached(store, enough);
  cached.commit({{test::put("a", 1)}});
  static_cast<void>(cached.find("a"));
  static_cast<void>(cached.find("a"));
  const auto statistics = cached.statistics();
  CHECK(statistics.source == &cached);
  REQUIRE(statistics.entry_cache);
  CHECK(statistics.entry_cache->hits == 1);
  CHECK(statistics.entry_cache->misses == 1);
  CHECK_FALSE(statistics.commits);
}
