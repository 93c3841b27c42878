/// What every Store that remembers removals does: the changes since a revision, and what there was
/// before a write. Include it behind store_contract.hpp.
#pragma once

#include "store_contract.hpp"

#include <addrbook/changes.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace test {

/// @returns e.g. "a:1 -b:2+" for an entry at revision 1, a removal at 2, and more to come
inline std::string text_of(const addrbook::ChangePage& page) {
  std::string text;
  for (const addrbook::Change& change : page.changes) {
    if (!text.empty()) text += ' ';
    text += (change.entry ? "" : "-") + change.id + ":" + std::to_string(change.revision);
    if (change.entry) {
      CHECK(change.entry->id == change.id);
      CHECK(change.entry->revision == change.revision);
      CHECK(change.entry->epoch == page.state.epoch);
    }
  }
  return page.more ? text + '+' : text;
}

}  // namespace test

STORE_CASE("changes are in order of revision, each entry once, each removal of an entry") {
  using test::text_of;
  Factory factory;
  const auto store = factory.make();
  CHECK(text_of(store->changes(0, {})).empty());
  store->commit({{test::put("a", 1), test::put("b", 1), test::put("c", 1)}});
  CHECK(text_of(store->changes(0, {})) == "a:1 b:2 c:3");
  store->commit({{test::put("a", 2), test::removal("b"), test::removal("never")}});
  const auto page = store->changes(0, {});
  CHECK(text_of(page) == "c:3 a:4 -b:5");
  CHECK(page.state.revision == 6);
  CHECK(page.state.count == 2);
  CHECK(page.next() == 6);
  CHECK(page.forgotten == 0);
  REQUIRE(page.changes[1].entry.has_value());
  CHECK(page.changes[1].entry->document.text() == R"({"n":2})");
  CHECK(page.changes[1].entry->created == 1);
  CHECK(text_of(store->changes(3, {})) == "a:4 -b:5");
  CHECK(text_of(store->changes(4, {})) == "-b:5");
  CHECK(text_of(store->changes(5, {})).empty());
  CHECK(text_of(store->changes(6, {})).empty());
  CHECK(text_of(store->changes(7, {})).empty());
  CHECK(text_of(store->changes(UINT64_MAX, {}, UINT64_MAX)).empty());

  // Made and removed again under its id: all of it shows, and what became of it.
  store->commit({{test::put("b", 7)}});
  CHECK(text_of(store->changes(0, {})) == "c:3 a:4 -b:5 b:7");
  store->commit({{test::removal("b")}});
  CHECK(text_of(store->changes(0, {})) == "c:3 a:4 -b:5 -b:8");
  // Created and removed since a revision: the removal shows.
  CHECK(text_of(store->changes(6, {})) == "-b:8");
  CHECK(text_of(store->changes(0, {}, 5)) == "c:3 a:4 -b:8");
  CHECK(text_of(store->changes(0, {}, UINT64_MAX)) == "c:3 a:4");
  CHECK(text_of(store->changes(4, {}, 2)) == "-b:5 -b:8");
}

STORE_CASE("a refused batch changes nothing that changes() gives") {
  Factory factory;
  const auto store = factory.make();
  store->commit({{test::put("a", 1)}});
  store->commit({{test::removal("a"), test::put("b", 1, {test::Kind::present})}});
  store->commit({{test::put("b", 1)}, 1});
  CHECK(test::text_of(store->changes(0, {})) == "a:1");
}

STORE_CASE("changes come in pages of any size") {
  Factory factory;
  const auto store = factory.make();
  store->commit({{test::put("a", 1), test::put("b", 2), test::put("c", 3), test::put("d", 4)}});
  store->commit({{test::removal("b"), test::put("a", 5), test::removal("d")}});
  for (const std::size_t size : {0U, 1U, 2U, 3U, 4U, 5U}) {
    CAPTURE(size);
    std::string all;
    std::uint64_t after = 0;
    for (bool more = true; more;) {
      const auto page = store->changes(after, test::limit_of(size));
      CHECK(page.changes.size() <= (std::max)(size, std::size_t{1}));
      all += test::text_of(page) + " ";
      more = page.more;
      after = page.next();
    }
    all.erase(std::remove(all.begin(), all.end(), '+'), all.end());
    CHECK(all == "c:3 -b:5 a:6 -d:7 ");
    CHECK(after == 7);
  }
  // Seven bytes each: two fit, and one always does.
  CHECK(test::text_of(store->changes(0, test::limit_of(9, 14))) == "c:3 -b:5 a:6 -d:7");
  const auto first = test::text_of(store->changes(0, test::limit_of(9, 13)));
  CHECK((first == "c:3+" || first == "c:3 -b:5+"));
  CHECK(test::text_of(store->changes(0, test::limit_of(9, 0))) == "c:3+");
}

STORE_CASE("removals are remembered for their time, and what was forgotten is known") {
  using std::chrono::hours;
  Factory factory;
  const auto store = factory.make();
  const auto commit = [&](std::vector<test::Write> writes, int hour) {
    test::Batch batch{std::move(writes), 0, addrbook::Timestamp(hours(500'000 + hour))};
    batch.tombstone_lifetime = hours(10);
    return store->commit(std::move(batch));
  };
  commit({test::put("a", 1), test::put("b", 2), test::put("c", 3)}, 0);
  commit({test::removal("a")}, 1);
  commit({test::removal("b")}, 5);
  CHECK(test::text_of(store->changes(0, {})) == "c:3 -a:4 -b:5");
  commit({test::put("d", 6)}, 10);
  commit({test::removal("d")}, 10);
  CHECK(store->changes(0, {}).forgotten == 0);
  commit({test::put("e", 8), test::removal("c")}, 11);
  const auto page = store->changes(0, {});
  CHECK(page.forgotten == 4);
  CHECK(test::text_of(page) == "-b:5 -d:7 e:8 -c:9");
  commit({test::removal("e")}, 100);
  CHECK(store->changes(0, {}).forgotten == 9);
  CHECK(test::text_of(store->changes(0, {})) == "-e:10");
}

STORE_CASE("a commit gives what there was before, if it is asked to") {
  Factory factory;
  const auto store = factory.make();
  const auto commit = [&](std::vector<test::Write> writes) {
    test::Batch batch{std::move(writes)};
    batch.wants_before = true;
    return store->commit(std::move(batch)).before;
  };
  CHECK(store->commit({{test::put("a", 1)}}).before.empty());
  CHECK(commit({}).empty());
  const auto before =
      commit({test::put("b", 2), test::put("a", 3), test::removal("never"), test::removal("x")});
  REQUIRE(before.size() == 4);
  CHECK_FALSE(before[0].has_value());
  REQUIRE(before[1].has_value());
  test::check_same(*before[1], {"a", store->state().epoch, 1, 1, test::numbered(1), {}, {}});
  CHECK_FALSE(before[2].has_value());
  CHECK_FALSE(before[3].has_value());
  const auto removed = commit({test::removal("a"), test::put("b", 4)});
  REQUIRE(removed.size() == 2);
  REQUIRE(removed[0].has_value());
  test::check_same(*removed[0], {"a", store->state().epoch, 1, 3, test::numbered(3), {}, {}});
  CHECK(removed[0]->updated_at >= removed[0]->created_at);
  REQUIRE(removed[1].has_value());
  CHECK(removed[1]->revision == 2);
}

STORE_CASE("what there was before is right when many write the same at once") {
  constexpr std::size_t writers = 4;
  constexpr std::size_t rounds = 40;
  Factory factory;
  const auto store = factory.make();
  std::vector<test::CommitResult> results(writers * rounds);
  const auto failures = test::run_parallel(writers, [&](std::size_t writer) {
    for (std::size_t i = 0; i < rounds; ++i) {
      const auto number = writer * rounds + i;
      test::Batch batch{{i % 3 == 2 ? test::removal("a") : test::put("a", number)}};
      batch.wants_before = true;
      results[number] = store->commit(std::move(batch));
    }
  });
  CHECK(failures == "");
  std::map<std::uint64_t, std::size_t> by_revision;
  for (std::size_t i = 0; i < results.size(); ++i) by_revision[results[i].base + 1] = i;
  REQUIRE(by_revision.size() == results.size());
  std::optional<std::size_t> now;  // the number of the write that is stored
  std::uint64_t last = 0;
  for (const auto& [revision, number] : by_revision) {
    CAPTURE(revision);
    const auto& before = results[number].before;
    REQUIRE(before.size() == 1);
    REQUIRE(before[0].has_value() == now.has_value());
    if (now) {
      CHECK(before[0]->revision == last);
      CHECK(before[0]->document.text() == test::numbered(*now).text());
      CHECK(before[0]->created <= last);
    }
    now = number % rounds % 3 == 2 ? std::nullopt : std::optional(number);
    last = revision;
  }
  // And who follows the changes sees each removal of an entry.
  std::size_t removals = 0;
  for (const auto& change : store->changes(0, test::limit_of(10'000)).changes) {
    if (change.entry) continue;
    ++removals;
    CHECK(results[by_revision.at(change.revision)].before[0].has_value());
  }
  CHECK(removals > 0);
}
