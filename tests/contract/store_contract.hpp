/// What every Store does: test cases, each run for every store of a test program. A file that runs
/// them defines factories of stores, names them in ADDRBOOK_TEST_STORES, and includes this:
///
///     struct Factory {
///       std::shared_ptr<addrbook::Store> make();  // a new, empty book
///     };
///     #define ADDRBOOK_TEST_STORES Factory
///     #include "store_contract.hpp"
///
/// Each case makes its own factory, which may own what its stores need, for example a folder.
#pragma once

#include <support/parallel.hpp>

#include "error_of.hpp"
#include "writes.hpp"

#include <addrbook/store.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifndef ADDRBOOK_TEST_STORES
#error "define ADDRBOOK_TEST_STORES, the factories of stores to test"
#endif

#define STORE_CASE(name) TEST_CASE_TEMPLATE("store: " name, Factory, ADDRBOOK_TEST_STORES)

namespace test {

inline bool is_invalid(Store& store, std::vector<Write> writes) {
  try {
    store.commit({std::move(writes)});
  } catch (const addrbook::Error& error) {
    return error.code() == addrbook::Errc::invalid;
  }
  return false;
}

/// The simplest possible store, to compare others with.
class ModelStore {
 public:
  explicit ModelStore(std::uint64_t epoch) : epoch_(epoch) {}

  CommitResult commit(const Batch& batch) {
    CommitResult result;
    result.epoch = epoch_;
    result.base = revision_;
    for (std::size_t i = 0; i < batch.writes.size(); ++i) {
      if (!holds(batch.writes[i])) {
        result.outcome = CommitResult::Outcome::refused;
        result.refused = i;
        return result;
      }
    }
    auto entries = entries_;
    bool adds = false;
    for (const Write& write : batch.writes) {
      ++revision_;
      if (!write.document) {
        entries.erase(write.id);
        result.created.push_back(0);
        continue;
      }
      Entry& entry = entries[write.id];
      adds = adds || entry.created == 0;
      if (entry.created == 0) entry.created = revision_;
      entry.id = write.id;
      entry.epoch = epoch_;
      entry.revision = revision_;
      entry.document = *write.document;
      result.created.push_back(entry.created);
    }
    if (batch.max_entries != 0 && adds && entries.size() > batch.max_entries) {
      revision_ = result.base;
      result.created.clear();
      result.outcome = CommitResult::Outcome::full;
      return result;
    }
    entries_ = std::move(entries);
    return result;
  }

  [[nodiscard]] const std::map<std::string, Entry>& entries() const { return entries_; }
  [[nodiscard]] std::uint64_t revision() const { return revision_; }

  [[nodiscard]] Page page(std::uint64_t after, PageLimit limit) const {
    Page page;
    page.state = {epoch_, revision_, entries_.size()};
    std::map<std::uint64_t, Entry> by_created;
    for (const auto& [id, entry] : entries_) {
      if (entry.created > after) by_created[entry.created] = entry;
    }
    std::size_t bytes = 0;
    for (const auto& [created, entry] : by_created) {
      const std::size_t size = entry.document.text().size();
      const bool fits = page.entries.size() < limit.entries && bytes + size <= limit.bytes;
      if (!page.entries.empty() && !fits) {
        page.more = true;
        break;
      }
      bytes += size;
      page.entries.push_back(entry);
    }
    return page;
  }

 private:
  [[nodiscard]] bool holds(const Write& write) const {
    const auto at = entries_.find(write.id);
    const bool present = at != entries_.end();
    switch (write.condition.kind) {
      case Kind::any: return true;
      case Kind::absent: return !present;
      case Kind::present: return present;
      case Kind::at_revision: return present && at->second.revision == write.condition.revision;
    }
    return false;
  }

  std::map<std::string, Entry> entries_;
  const std::uint64_t epoch_;
  std::uint64_t revision_ = 0;
};

inline void check_same(const Entry& entry, const Entry& expected) {
  REQUIRE(entry.id == expected.id);
  REQUIRE(entry.epoch == expected.epoch);
  REQUIRE(entry.created == expected.created);
  REQUIRE(entry.revision == expected.revision);
  REQUIRE(entry.document.text() == expected.document.text());
}

inline void check_same(const Page& page, const Page& expected) {
  REQUIRE(ids_of(page) == ids_of(expected));
  for (std::size_t i = 0; i < page.entries.size(); ++i) {
    check_same(page.entries[i], expected.entries[i]);
  }
  REQUIRE(page.more == expected.more);
  REQUIRE(page.state.epoch == expected.state.epoch);
  REQUIRE(page.state.revision == expected.state.revision);
  REQUIRE(page.state.count == expected.state.count);
}

}  // namespace test

STORE_CASE("a new one is empty") {
  Factory factory;
  const auto store = factory.make();
  const auto state = store->state();
  CHECK(state.revision == 0);
  CHECK(state.count == 0);
  CHECK_FALSE(store->find("a").has_value());
  const test::Page page = store->page(0, {});
  CHECK(page.entries.empty());
  CHECK_FALSE(page.more);
  CHECK(page.state.epoch == state.epoch);
  CHECK(page.state.revision == 0);
  CHECK(page.state.count == 0);
}

STORE_CASE("an epoch stays, and is no other book's") {
  Factory factory;
  const auto store = factory.make();
  const auto other = factory.make();
  const std::uint64_t epoch = store->state().epoch;
  CHECK(epoch != 0);
  CHECK(other->state().epoch != epoch);
  store->commit({{test::put("a", 1)}});
  CHECK(store->state().epoch == epoch);
  CHECK(other->state().count == 0);
}

STORE_CASE("commit, find and page give the epoch with the revisions") {
  Factory factory;
  const auto store = factory.make();
  const std::uint64_t epoch = store->state().epoch;
  CHECK(store->commit({{test::put("a", 1), test::put("b", 1)}}).epoch == epoch);
  CHECK(store->commit({{test::removal("never")}}).epoch == epoch);
  CHECK(store->commit({{test::put("a", 2, {test::Kind::absent})}}).epoch == epoch);
  CHECK(store->commit({{test::put("c", 3)}, 1}).epoch == epoch);
  REQUIRE(store->find("a").has_value());
  CHECK(store->find("a")->epoch == epoch);
  const test::Page page = store->page(0, {});
  CHECK(page.state.epoch == epoch);
  REQUIRE(page.entries.size() == 2);
  for (const auto& entry : page.entries) CHECK(entry.epoch == epoch);
}

STORE_CASE("many entries are found at once, each as by itself") {
  Factory factory;
  const auto store = factory.make();
  const auto other = factory.make();
  std::vector<test::Write> writes{test::put("NULL", 1), test::put("null", 2), test::put("A", 3)};
  for (std::uint64_t i = 0; i < 300; ++i) writes.push_back(test::put("n-" + std::to_string(i), i));
  store->commit({std::move(writes)});
  store->commit({{test::put("a", 4), test::put("gone", 5)}});
  store->commit({{test::put("A", 6), test::removal("gone")}});
  other->commit({{test::put("a", 7), test::put("theirs", 8)}});
  using Ids = std::vector<std::string>;
  const auto check = [&](const test::Store& of, const Ids& ids) {
    const auto found = of.find_many({ids.begin(), ids.end()});
    REQUIRE(found.size() == ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      CAPTURE(ids[i]);
      const auto expected = of.find(ids[i]);
      REQUIRE(found[i].has_value() == expected.has_value());
      if (expected) test::check_same(*found[i], *expected);
    }
    return std::count_if(found.begin(), found.end(), [](const auto& each) { return each; });
  };
  for (int round = 0; round < 2; ++round) {  // the second time perhaps from memory
    CHECK(check(*store, {}) == 0);
    CHECK(check(*store, {"absent"}) == 0);
    CHECK(check(*store, {"", "a b", "A/", std::string("a\0b", 3), std::string(65, 'a')}) == 0);
    CHECK(check(*store, {"null", "A", "", "gone", "a", "theirs", "NULL", "A", "a", "absent"}) == 6);
    CHECK(check(*other, {"theirs", "A", "a"}) == 2);
    Ids all;
    for (std::size_t i = 500; i-- > 0;) all.push_back("n-" + std::to_string(i));
    CHECK(check(*store, all) == 300);
  }
  store->commit({{test::put("A", 9), test::removal("null")}});
  CHECK(check(*store, {"A", "null", "NULL"}) == 2);
}

STORE_CASE("of many entries that are large only the first are found at once") {
  Factory factory;
  const auto store = factory.make();
  constexpr std::size_t size = 100'000;
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < 10; ++i) {
    const std::string name = "large-" + std::to_string(i);
    const auto document = test::Document::parse("{\"" + std::string(size, 'x') + "\":1}");
    store->commit({{test::Write{name, document, {}}, test::put("small-" + name, i)}});
    for (const char* const before : {"", "small-", "absent-", "not valid "}) {
      names.push_back(before + name);
    }
  }
  CHECK(store->find_many({names.begin(), names.end()}).size() == names.size());
  for (const std::size_t max_bytes : {std::size_t{0}, size / 2, 3 * size + size / 2}) {
    CAPTURE(max_bytes);
    for (std::size_t i = 0; i < names.size();) {
      const auto at = names.begin() + static_cast<std::ptrdiff_t>(i);
      const auto found = store->find_many({at, names.end()}, max_bytes);
      REQUIRE(!found.empty());
      REQUIRE(found.size() <= names.size() - i);
      std::size_t bytes = 0;
      for (const auto& entry : found) {
        CHECK(entry.has_value() == store->find(names[i]).has_value());
        if (entry) CHECK(entry->id == names[i]);
        if (entry) bytes += entry->document.text().size();
        ++i;
      }
      constexpr std::size_t too_much = 2 * (size + 100);
      CHECK(bytes <= max_bytes + too_much);
      CHECK((bytes > max_bytes || i == names.size()));
    }
  }
}

STORE_CASE("commit gives the `created` of each write") {
  using Created = std::vector<std::uint64_t>;
  Factory factory;
  const auto store = factory.make();
  CHECK(store->commit({{test::put("a", 1)}}).created == Created{1});
  CHECK(store->commit({{test::put("a", 2)}}).created == Created{1});
  CHECK(store->commit({{test::put("b", 3), test::put("a", 4), test::put("c", 5)}}).created ==
        Created{3, 1, 5});
  CHECK(store->commit({{test::removal("a"), test::removal("never"), test::put("b", 6)}}).created ==
        Created{0, 0, 3});
  CHECK(store->commit({{test::put("a", 7), test::removal("c"), test::put("d", 8)}}).created ==
        Created{9, 0, 11});
  CHECK(store->commit({}).created.empty());
  for (const char* const id : {"a", "b", "d"}) {
    CAPTURE(id);
    REQUIRE(store->find(id).has_value());
    CHECK(store->commit({{test::put(id, 9)}}).created == Created{store->find(id)->created});
  }
}

STORE_CASE("an entry keeps the times of its creation and of its last write") {
  using addrbook::Timestamp;
  using std::chrono::milliseconds;
  using Times = std::vector<Timestamp>;
  Factory factory;
  const auto store = factory.make();
  const auto at = [](std::int64_t ms) { return Timestamp(milliseconds(ms)); };
  const auto commit = [&](std::vector<test::Write> writes, std::int64_t ms) {
    return store->commit({std::move(writes), 0, at(ms)}).created_at;
  };
  constexpr std::int64_t start = 1'795'000'000'123;
  CHECK(commit({test::put("a", 1), test::put("b", 1)}, start) == Times{at(start), at(start)});
  CHECK(commit({test::put("a", 2), test::removal("b"), test::put("c", 1)}, start + 1) ==
        Times{at(start), Timestamp(), at(start + 1)});
  const auto entry = store->find("a");
  REQUIRE(entry.has_value());
  CHECK(entry->created_at == at(start));
  CHECK(entry->updated_at == at(start + 1));
  const test::Page page = store->page(0, {});
  REQUIRE(page.entries.size() == 2);
  CHECK(page.entries[0].created_at == at(start));
  CHECK(page.entries[0].updated_at == at(start + 1));
  CHECK(page.entries[1].created_at == at(start + 1));
  CHECK(page.entries[1].updated_at == at(start + 1));
  // A refused write changes nothing; an entry that is made again begins anew.
  CHECK(commit({test::put("a", 3, {test::Kind::absent})}, start + 2).empty());
  CHECK(store->find("a")->updated_at == at(start + 1));
  commit({test::put("b", 2)}, start + 3);
  CHECK(store->find("b")->created_at == at(start + 3));
  CHECK(store->find("b")->updated_at == at(start + 3));
}

STORE_CASE("a batch that would overfill the book is `full` and writes nothing") {
  Factory factory;
  const auto store = factory.make();
  struct Row {
    std::vector<test::Write> writes;
    std::uint64_t max_entries;
    std::string outcome;
  };
  const auto run = [&](const std::vector<Row>& table) {
    for (std::size_t row = 0; row < table.size(); ++row) {
      CAPTURE(row);
      const auto before = store->state();
      const auto result = store->commit({table[row].writes, table[row].max_entries});
      CHECK(test::outcome_of(result) == table[row].outcome);
      const auto written = result.done() ? table[row].writes.size() : 0;
      CHECK(store->state().revision == before.revision + written);
      CHECK(store->page(0, {}).entries.size() == store->state().count);
      CHECK(result.created.size() == written);
    }
  };
  using test::Kind;
  using test::put;
  using test::removal;
  run({
      {{put("a", 1)}, 1, "done"},
      {{put("b", 1)}, 1, "full"},
      {{put("b", 1), put("c", 1)}, 2, "full"},  // all or none
      {{put("b", 1)}, 2, "done"},
      {{put("b", 2)}, 2, "done"},  // adds nothing
      {{put("a", 2), put("b", 3)}, 1, "done"},
      {{removal("never")}, 1, "done"},
      {{put("c", 1), removal("a")}, 2, "done"},
      {{removal("c"), put("a", 1)}, 2, "done"},
      {{put("c", 1), removal("never")}, 2, "full"},
      {{put("c", 1), put("d", 1), removal("a")}, 2, "full"},
      {{put("c", 1), removal("a")}, 1, "full"},  // adds, and leaves two
      {{put("c", 1, {Kind::present})}, 1, "refused 0"},
      {{put("c", 1), put("a", 1, {Kind::absent})}, 1, "refused 1"},  // conditions come first
      {{put("c", 1)}, 0, "done"},
      {{removal("c")}, 1, "done"},
      {{put("c", 1)}, UINT64_MAX, "done"},
  });
  CHECK(test::ids_of(store->page(0, {})) == std::vector<std::string>{"b", "a", "c"});
  CHECK_FALSE(store->find("d").has_value());
}

STORE_CASE("64 concurrent creators fill a book to its capacity exactly") {
  Factory factory;
  const auto store = factory.make();
  constexpr std::size_t threads = 64;
  constexpr std::uint64_t capacity = 200;
  std::atomic<std::uint64_t> created{0};
  std::atomic<std::uint64_t> full{0};
  std::atomic<bool> is_exceeded{false};
  const auto failures = test::run_parallel(threads, [&](std::size_t t) {
    for (std::uint64_t i = 0; i < 5; ++i) {
      const std::string id = std::to_string(t) + "-" + std::to_string(i);
      const auto result = store->commit({{test::put(id, i, {test::Kind::absent})}, capacity});
      if (result.outcome == test::CommitResult::Outcome::full) {
        ++full;
      } else if (result.done() && i == 0) {
        // Some make room again, so that the limit is met many times.
        store->commit({{test::removal(id)}});
      } else if (result.done()) {
        ++created;
      }
      if (store->state().count > capacity) is_exceeded = true;
    }
  });
  CHECK(failures == "");
  CHECK_FALSE(is_exceeded.load());
  CHECK(created.load() <= capacity);
  CHECK(full.load() > 0);
  while (store->commit({{test::put("x" + std::to_string(created), 0)}, capacity}).done()) ++created;
  CHECK(created.load() == capacity);
  CHECK(store->state().count == capacity);
  CHECK(store->page(0, test::limit_of(SIZE_MAX)).entries.size() == capacity);
}

STORE_CASE("a document is found as it was put") {
  Factory factory;
  const auto store = factory.make();
  const std::string text =
      "{\"z\":1.0,\"a\":1e400,\"n\":12345678901234567890,\"m\":-0,"
      "\"s\":\"\\u0041\\u0000\\/ \xF0\x9F\x98\x80 '\\\\\"}";
  const auto result = store->commit({{test::Write{"ada", test::Document::parse(text), {}}}});
  CHECK(result.done());
  CHECK(result.base == 0);
  const auto entry = store->find("ada");
  REQUIRE(entry.has_value());
  CHECK(entry->id == "ada");
  CHECK(entry->created == 1);
  CHECK(entry->revision == 1);
  CHECK(entry->document.text() == text);
  CHECK(store->state().revision == 1);
  CHECK(store->state().count == 1);
}

STORE_CASE("ids are compared byte by byte") {
  Factory factory;
  const auto store = factory.make();
  const std::string longest(64, 'x');
  store->commit({{test::put("a", 1), test::put("A", 2), test::put("-", 3), test::put("0", 4),
                  test::put("00", 5), test::put(longest, 6)}});
  CHECK(store->state().count == 6);
  CHECK(store->find("a")->document == test::numbered(1));
  CHECK(store->find("A")->document == test::numbered(2));
  CHECK(store->find("0")->document == test::numbered(4));
  CHECK(store->find("00")->document == test::numbered(5));
  CHECK(store->find(longest)->document == test::numbered(6));
  for (const std::string& absent :
       {std::string("aa"), std::string(""), std::string("a "), std::string("000"),
        std::string(63, 'x'), std::string(65, 'x'), std::string("%"), std::string("a' OR '1'='1"),
        std::string("a\0", 2)}) {
    CAPTURE(absent);
    CHECK_FALSE(store->find(absent).has_value());
  }
}

STORE_CASE("a replaced entry keeps its place and takes a new revision") {
  Factory factory;
  const auto store = factory.make();
  store->commit({{test::put("b", 1), test::put("a", 2)}});
  const auto result = store->commit({{test::put("b", 3)}});
  CHECK(result.done());
  CHECK(result.base == 2);
  const auto entry = store->find("b");
  REQUIRE(entry.has_value());
  CHECK(entry->created == 1);
  CHECK(entry->revision == 3);
  CHECK(entry->document == test::numbered(3));
  CHECK(store->find("a")->revision == 2);
  CHECK(test::ids_of(store->page(0, {})) == std::vector<std::string>{"b", "a"});
  CHECK(store->state().count == 2);
}

STORE_CASE("replace of an absent id changes nothing") {
  Factory factory;
  const auto store = factory.make();
  const auto result = store->commit({{test::put("a", 1, {test::Kind::present, 0})}});
  CHECK(test::outcome_of(result) == "refused 0");
  CHECK_FALSE(store->find("a").has_value());
  CHECK(store->state().revision == 0);
}

STORE_CASE("a removal takes a revision, of an absent id too") {
  Factory factory;
  const auto store = factory.make();
  store->commit({{test::put("a", 1)}});
  auto result = store->commit({{test::removal("a")}});
  CHECK(result.done());
  CHECK(result.base == 1);
  CHECK_FALSE(store->find("a").has_value());
  CHECK(store->page(0, {}).entries.empty());
  CHECK(store->state().revision == 2);
  CHECK(store->state().count == 0);
  result = store->commit({{test::removal("a"), test::removal("never")}});
  CHECK(result.done());
  CHECK(result.base == 2);
  CHECK(store->state().revision == 4);
  CHECK(store->state().count == 0);
}

STORE_CASE("created is never used again") {
  Factory factory;
  const auto store = factory.make();
  std::uint64_t last = 0;
  for (int round = 0; round < 5; ++round) {
    store->commit({{test::put("a", 1)}});
    const auto entry = store->find("a");
    REQUIRE(entry.has_value());
    CHECK(entry->created > last);
    CHECK(entry->created == entry->revision);
    last = store->state().revision;
    store->commit({{test::removal("a")}});
  }
  store->commit({{test::put("old", 1), test::put("a", 1)}});
  store->commit({{test::removal("old")}});
  store->commit({{test::put("old", 1)}});
  CHECK(test::ids_of(store->page(0, {})) == std::vector<std::string>{"a", "old"});
}

STORE_CASE("every condition against every state") {
  Factory factory;
  using test::Kind;
  struct Row {
    Kind kind;
    std::uint64_t revision;
    bool is_done_absent;
    bool is_done_present;  // with the entry at revision 3
  };
  const std::vector<Row> table{
      {Kind::any, 0, true, true},
      {Kind::absent, 0, true, false},
      {Kind::present, 0, false, true},
      {Kind::at_revision, 0, false, false},
      {Kind::at_revision, 1, false, false},
      {Kind::at_revision, 2, false, false},
      {Kind::at_revision, 3, false, true},
      {Kind::at_revision, 4, false, false},
      {Kind::at_revision, UINT64_MAX, false, false},
  };
  for (const Row& row : table) {
    for (const bool is_present : {false, true}) {
      for (const bool is_removal : {false, true}) {
        CAPTURE(static_cast<int>(row.kind));
        CAPTURE(row.revision);
        CAPTURE(is_present);
        CAPTURE(is_removal);
        const auto store = factory.make();
        store->commit({{test::put("a", 1)}});
        store->commit({{test::put("other", 2)}});
        store->commit({{is_present ? test::put("a", 3) : test::removal("a")}});
        const test::Condition condition{row.kind, row.revision};
        const auto result = store->commit(
            {{is_removal ? test::removal("a", condition) : test::put("a", 4, condition)}});
        const bool is_done = is_present ? row.is_done_present : row.is_done_absent;
        CHECK(result.done() == is_done);
        CHECK(store->state().revision == (is_done ? 4 : 3));
        const auto entry = store->find("a");
        if (is_done) {
          CHECK(result.base == 3);
          CHECK(entry.has_value() == !is_removal);
          if (entry) CHECK(entry->document == test::numbered(4));
        } else {
          CHECK(test::outcome_of(result) == "refused 0");
          CHECK(entry.has_value() == is_present);
          if (entry) CHECK(entry->document == test::numbered(3));
        }
        CHECK(store->find("other")->revision == 2);
      }
    }
  }
}

STORE_CASE("a batch is written whole, with numbers in its order") {
  Factory factory;
  const auto store = factory.make();
  store->commit({{test::put("gone", 1), test::put("kept", 2)}});
  const auto result =
      store->commit({{test::put("new", 3), test::removal("gone"), test::put("kept", 4),
                      test::removal("never"), test::put("newer", 5)}});
  CHECK(result.done());
  CHECK(result.base == 2);
  CHECK(store->state().revision == 7);
  CHECK(store->state().count == 3);
  CHECK(store->find("new")->created == 3);
  CHECK(store->find("kept")->created == 2);
  CHECK(store->find("kept")->revision == 5);
  CHECK(store->find("newer")->created == 7);
  CHECK(test::ids_of(store->page(0, {})) == std::vector<std::string>{"kept", "new", "newer"});
}

STORE_CASE("a refused batch writes nothing and names its first refusal") {
  Factory factory;
  using test::Kind;
  const auto store = factory.make();
  store->commit({{test::put("a", 1), test::put("b", 2)}});
  const auto result = store->commit({{
      test::put("new", 3, {Kind::absent, 0}), test::put("a", 4, {Kind::at_revision, 1}),
      test::removal("b", {Kind::at_revision, 1}),  // it is at 2
      test::put("c", 5, {Kind::present, 0}),       // it is absent
  }});
  CHECK(test::outcome_of(result) == "refused 2");
  CHECK(store->state().revision == 2);
  CHECK(store->state().count == 2);
  CHECK_FALSE(store->find("new").has_value());
  CHECK(store->find("a")->document == test::numbered(1));
  CHECK(store->find("b")->document == test::numbered(2));
  CHECK(test::ids_of(store->page(0, {})) == std::vector<std::string>{"a", "b"});
  // The refusal took no revision.
  CHECK(store->commit({{test::put("new", 3)}}).base == 2);
}

STORE_CASE("an empty batch is done and writes nothing") {
  Factory factory;
  const auto store = factory.make();
  store->commit({{test::put("a", 1)}});
  const auto result = store->commit({});
  CHECK(result.done());
  CHECK(result.base == 1);
  CHECK(store->state().revision == 1);
}

STORE_CASE("a batch with an id twice, or an invalid one, is refused") {
  Factory factory;
  const auto store = factory.make();
  store->commit({{test::put("a", 1)}});
  CHECK(test::is_invalid(*store, {test::put("b", 1), test::put("b", 2)}));
  CHECK(test::is_invalid(*store, {test::put("b", 1), test::put("c", 1), test::removal("b")}));
  CHECK(test::is_invalid(*store, {test::removal("a"), test::removal("a")}));
  for (const std::string& id : {std::string(), std::string("_x"), std::string("a b"),
                                std::string("a/b"), std::string("caf\xC3\xA9"),
                                std::string("a\0", 2), std::string("\n"), std::string(65, 'x')}) {
    CAPTURE(id);
    CHECK(test::is_invalid(*store, {test::put(id, 1)}));
    CHECK(test::is_invalid(*store, {test::removal(id)}));
    CHECK(test::is_invalid(*store, {test::put("fine", 1), test::put(id, 1)}));
  }
  CHECK(store->state().revision == 1);
  CHECK(store->state().count == 1);
  CHECK(store->find("a").has_value());
}

STORE_CASE("pages go by entries, in order of creation") {
  Factory factory;
  const auto store = factory.make();
  std::vector<std::string> ids;
  for (std::uint64_t i = 0; i < 10; ++i) {
    // Ids run against the order of creation.
    ids.push_back("id-" + std::to_string(9 - i));
    store->commit({{test::put(ids.back(), i)}});
  }
  for (const std::size_t size : {1U, 2U, 3U, 5U, 9U, 10U, 11U, 1000U}) {
    CAPTURE(size);
    std::vector<std::string> seen;
    std::uint64_t after = 0;
    std::size_t pages = 0;
    while (true) {
      const test::Page page = store->page(after, test::limit_of(size));
      ++pages;
      CHECK(page.state.count == 10);
      CHECK(page.state.revision == 10);
      REQUIRE(!page.entries.empty());
      CHECK(page.entries.size() <= size);
      for (const auto& id : test::ids_of(page)) seen.push_back(id);
      CHECK(page.more == (seen.size() < ids.size()));
      if (!page.more) break;
      after = page.entries.back().created;
    }
    CHECK(seen == ids);
    CHECK(pages == (10 + size - 1) / size);
  }
  CHECK(test::ids_of(store->page(0, test::limit_of(0))) == std::vector<std::string>{ids[0]});
  CHECK(store->page(0, test::limit_of(0)).more);
  CHECK(test::ids_of(store->page(9, test::limit_of(0))) == std::vector<std::string>{ids[9]});
  CHECK_FALSE(store->page(9, test::limit_of(0)).more);
  for (const std::uint64_t beyond : {std::uint64_t{10}, std::uint64_t{11}, UINT64_MAX / 2}) {
    const test::Page page = store->page(beyond, {});
    CHECK(page.entries.empty());
    CHECK_FALSE(page.more);
    CHECK(page.state.count == 10);
  }
}

STORE_CASE("pages go by bytes, and one entry always fits") {
  Factory factory;
  const auto store = factory.make();
  const auto of_size = [](std::size_t size) {
    return test::Document::parse("{\"t\":\"" + std::string(size - 8, 'x') + "\"}");
  };
  REQUIRE(of_size(100).text().size() == 100);
  store->commit({{test::Write{"a", of_size(100), {}}, test::Write{"b", of_size(100), {}},
                  test::Write{"big", of_size(5000), {}}, test::Write{"c", of_size(100), {}}}});
  struct Row {
    std::uint64_t after;
    std::size_t bytes;
    std::vector<std::string> ids;
    bool more;
  };
  const std::vector<Row> table{
      {0, 0, {"a"}, true},         {0, 1, {"a"}, true},
      {0, 99, {"a"}, true},        {0, 100, {"a"}, true},
      {0, 199, {"a"}, true},       {0, 200, {"a", "b"}, true},
      {0, 5199, {"a", "b"}, true}, {0, 5200, {"a", "b", "big"}, true},
      {2, 100, {"big"}, true},     {2, 5100, {"big", "c"}, false},
      {3, 1, {"c"}, false},        {0, 5300, {"a", "b", "big", "c"}, false},
  };
  for (const Row& row : table) {
    CAPTURE(row.after);
    CAPTURE(row.bytes);
    const test::Page page = store->page(row.after, test::limit_of(1000, row.bytes));
    CHECK(test::ids_of(page) == row.ids);
    CHECK(page.more == row.more);
  }
  CHECK(test::ids_of(store->page(0, test::limit_of(1, 5300))) == std::vector<std::string>{"a"});
}

STORE_CASE("a page continues after an entry that has been removed") {
  Factory factory;
  const auto store = factory.make();
  store->commit({{test::put("a", 1), test::put("b", 2), test::put("c", 3), test::put("d", 4)}});
  const test::Page page = store->page(0, test::limit_of(2));
  REQUIRE(test::ids_of(page) == std::vector<std::string>{"a", "b"});
  store->commit({{test::removal("b"), test::removal("c"), test::put("a", 5), test::put("e", 6)}});
  CHECK(test::ids_of(store->page(page.entries.back().created, {})) ==
        std::vector<std::string>{"d", "e"});
  CHECK_FALSE(store->page(page.entries.back().created, {}).more);
}

STORE_CASE("a random run gives the same results as a plain map") {
  Factory factory;
  using test::Kind;
  for (const unsigned seed : {1U, 20240607U, 4242U}) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) {
      return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    const auto store = factory.make();
    test::ModelStore model(store->state().epoch);
    const auto any_id = [&] { return "id-" + std::to_string(below(14)); };
    int done = 0;
    int refused = 0;
    int full = 0;
    int invalid = 0;
    for (int step = 0; step < 1500; ++step) {
      CAPTURE(step);
      std::vector<test::Write> batch;
      for (std::size_t size = below(6); size != 0; --size) {
        test::Write write{any_id(), std::nullopt, {}};
        if (below(3) != 0) {
          write.document = test::Document::parse("{\"s\":" + std::to_string(step) + ",\"t\":\"" +
                                                 std::string(below(60), 'x') + "\"}");
        }
        const auto at = model.entries().find(write.id);
        const bool present = at != model.entries().end();
        switch (below(8)) {
          case 0: write.condition.kind = Kind::absent; break;
          case 1: write.condition.kind = Kind::present; break;
          case 2: write.condition = {Kind::at_revision, below(model.revision() + 2)}; break;
          case 3: write.condition.kind = present ? Kind::present : Kind::absent; break;
          case 4:
          case 5:
            if (present) write.condition = {Kind::at_revision, at->second.revision};
            break;
          default: break;
        }
        batch.push_back(std::move(write));
      }
      bool has_id_twice = false;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) has_id_twice |= batch[i].id == batch[j].id;
      }
      if (has_id_twice) {
        ++invalid;
        REQUIRE(test::is_invalid(*store, batch));
      } else {
        const std::uint64_t max_entries = below(3) == 0 ? 0 : 2 + below(5);
        const auto expected = model.commit({batch, max_entries});
        const auto result = store->commit({batch, max_entries});
        REQUIRE(test::outcome_of(result) == test::outcome_of(expected));
        REQUIRE(result.epoch == expected.epoch);
        REQUIRE(result.created == expected.created);
        if (result.done()) REQUIRE(result.base == expected.base);
        using Outcome = test::CommitResult::Outcome;
        ++(result.done() ? done : result.outcome == Outcome::full ? full : refused);
      }

      const auto state = store->state();
      REQUIRE(state.epoch == model.page(0, {}).state.epoch);
      REQUIRE(state.revision == model.revision());
      REQUIRE(state.count == model.entries().size());
      for (int i = 0; i < 3; ++i) {
        const std::string id = any_id();
        const auto entry = store->find(id);
        const auto at = model.entries().find(id);
        REQUIRE(entry.has_value() == (at != model.entries().end()));
        if (entry) test::check_same(*entry, at->second);
      }
      const std::uint64_t after = below(3) == 0 ? 0 : below(model.revision() + 2);
      const auto limit = test::limit_of(below(17), below(2) == 0 ? SIZE_MAX : below(500));
      test::check_same(store->page(after, limit), model.page(after, limit));
    }
    // A run that does not meet each outcome often compares little.
    CHECK(done > 100);
    CHECK(refused > 100);
    CHECK(full > 100);
    CHECK(invalid > 100);
    test::check_same(store->page(0, test::limit_of(SIZE_MAX)),
                     model.page(0, test::limit_of(SIZE_MAX)));
  }
}

STORE_CASE("parallel writers take each revision once, without a gap") {
  Factory factory;
  const auto store = factory.make();
  constexpr std::size_t threads = 4;
  constexpr std::uint64_t rounds = 150;
  std::vector<std::vector<std::uint64_t>> taken(threads);
  const auto failures = test::run_parallel(threads, [&](std::size_t t) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const std::string own = "t" + std::to_string(t) + "-" + std::to_string(i);
      const auto result = store->commit({{test::put(own, i), test::put("shared", i)}});
      if (!result.done()) throw std::runtime_error("refused without a condition");
      taken[t].push_back(result.base + 1);
      taken[t].push_back(result.base + 2);
      const auto entry = store->find(own);
      if (!entry || entry->created != result.base + 1) throw std::runtime_error("not as written");
      // A refused batch takes no revision.
      if (store->commit({{test::put(own, i, {test::Kind::absent, 0})}}).done()) {
        throw std::runtime_error("created twice");
      }
    }
  });
  CHECK(failures == "");
  std::vector<std::uint64_t> all;
  for (const auto& each : taken) {
    CHECK(std::is_sorted(each.begin(), each.end()));
    all.insert(all.end(), each.begin(), each.end());
  }
  std::sort(all.begin(), all.end());
  REQUIRE(all.size() == threads * rounds * 2);
  bool is_gapless = true;
  for (std::size_t i = 0; i < all.size(); ++i) is_gapless = is_gapless && all[i] == i + 1;
  CHECK(is_gapless);
  CHECK(store->state().revision == all.size());
  CHECK(store->state().count == threads * rounds + 1);
}

STORE_CASE("at_revision loses no increment") {
  Factory factory;
  const auto store = factory.make();
  store->commit({{test::put("counter", 0)}});
  constexpr std::size_t threads = 4;
  constexpr std::uint64_t rounds = 100;
  const auto failures = test::run_parallel(threads, [&](std::size_t) {
    for (std::uint64_t i = 0; i < rounds;) {
      const auto entry = store->find("counter");
      if (!entry) throw std::runtime_error("the counter is gone");
      const auto count = entry->document.json()["n"].template get<std::uint64_t>();
      const test::Condition condition{test::Kind::at_revision, entry->revision};
      if (store->commit({{test::put("counter", count + 1, condition)}}).done()) ++i;
    }
  });
  CHECK(failures == "");
  CHECK(store->find("counter")->document == test::numbered(threads * rounds));
  CHECK(store->state().revision == 1 + threads * rounds);
}

STORE_CASE("one of several parallel creations of an id succeeds") {
  Factory factory;
  const auto store = factory.make();
  constexpr std::size_t ids = 100;
  std::atomic<std::size_t> created{0};
  const auto failures = test::run_parallel(4, [&](std::size_t t) {
    for (std::size_t i = 0; i < ids; ++i) {
      const auto result =
          store->commit({{test::put("id-" + std::to_string(i), t, {test::Kind::absent, 0})}});
      if (result.done()) ++created;
    }
  });
  CHECK(failures == "");
  CHECK(created.load() == ids);
  CHECK(store->state().count == ids);
  CHECK(store->state().revision == ids);
}

STORE_CASE("a page and its state are of one moment, during writes") {
  Factory factory;
  const auto store = factory.make();
  // Every batch writes both entries of a pair, and adds or removes a third one.
  store->commit({{test::put("left", 0), test::put("right", 0), test::removal("third-0")}});
  constexpr std::uint64_t rounds = 400;
  std::atomic<std::size_t> writing{2};
  std::atomic<std::size_t> pages{0};
  const auto failures = test::run_parallel(4, [&](std::size_t t) {
    if (t < 2) {
      for (std::uint64_t i = 1; i <= rounds; ++i) {
        const std::string third = "third-" + std::to_string(t);
        store->commit({{test::put("left", i), test::put("right", i),
                        i % 2 == 0 ? test::put(third, i) : test::removal(third)}});
      }
      --writing;
      return;
    }
    do {
      const test::Page page = store->page(0, test::limit_of(1000));
      ++pages;
      if (page.more) throw std::runtime_error("more, with all in one page");
      if (page.entries.size() != page.state.count)
        throw std::runtime_error("count of another time");
      if (page.entries[0].document != page.entries[1].document) {
        throw std::runtime_error("half a batch");
      }
      if (page.entries[0].revision + 1 != page.entries[1].revision) {
        throw std::runtime_error("revisions of two batches");
      }
      // The last batch wrote left, right and one more.
      if (page.entries[1].revision + 1 != page.state.revision) {
        throw std::runtime_error("revision of another time");
      }
    } while (writing.load() != 0);
  });
  CHECK(failures == "");
  CHECK(pages.load() >= 2);
  CHECK(store->state().revision == 3 + 2 * rounds * 3);
}

namespace test {

inline Batch noted(const std::string& id, std::uint64_t number, const std::string& key,
                   const std::string& value, addrbook::Timestamp at = addrbook::now()) {
  Batch batch;
  batch.writes.push_back(put(id, number));
  batch.at = at;
  batch.note = addrbook::Note{key, value};
  return batch;
}

using addrbook::Position;
using addrbook::Query;
using addrbook::QueryPage;

/// Invented contacts and what may be asked of them: few different values, so that many are equal.
class Invented {
 public:
  explicit Invented(unsigned seed) : random_(seed) {}

  [[nodiscard]] std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }

  [[nodiscard]] std::string name() {
    static const std::vector<std::string> names{"Ada",
                                                "ada",
                                                "ADA",
                                                "Ana",
                                                "An",
                                                "a",
                                                "Anabel",
                                                "O'Brien",
                                                "\xC3\x89"
                                                "douard",
                                                "\xC3\x89",
                                                "\xE5\xB1\xB1\xE7\x94\xB0",
                                                "\xE5\xB1\xB1\xE7\x94\xB0\xE5\xA4\xAA\xE9\x83\x8E",
                                                "Zo\xC3\xAB",
                                                "x-y_z.w",
                                                "7",
                                                "12:an",
                                                "7=an",
                                                "%41",
                                                "Annabella-Maria"};
    return names[below(names.size())];
  }
  [[nodiscard]] std::string email() {
    static const std::vector<std::string> hosts{"example.com", "EXAMPLE.com", "example.org"};
    return name() + "@" + hosts[below(hosts.size())];
  }
  [[nodiscard]] std::string label() {
    static const std::vector<std::string> labels{
        "a b",      "a_b", "a%20b", "\"quoted\"", "x\" OR \"y",
        "fri'ends", "A B", "*",     "NOT",        "\xF0\x9F\x8E\xB8 band",
        "\\",       "(",   ")",     "\t",         "a:b & c | !d:*"};
    return labels[below(labels.size())];
  }
  [[nodiscard]] std::string phone() {
    static const std::vector<std::string> phones{
        "+1 555 010 0100", "15550100100", "555 010 0100",   "0100100", "0 010 0100",
        "010010",          "5550100199",  "99 15550100100", "7",       "100100"};
    return phones[below(phones.size())];
  }

  [[nodiscard]] Document document() {
    nlohmann::json json = nlohmann::json::object();
    const auto some = [&](const char* member, auto value) {
      if (below(3) != 0) json[member] = value();
    };
    const auto list = [&](const char* member, auto value) {
      for (std::size_t i = below(3); i != 0; --i) json[member].push_back(value());
    };
    some("name", [&] { return below(2) == 0 ? name() : name() + " " + name() + " " + name(); });
    some("given", [&] { return name(); });
    some("family", [&] { return below(9) == 0 ? std::string(300, 'n') + name() : name(); });
    list("emails", [&] { return email(); });
    list("phones", [&] { return phone(); });
    list("labels", [&] { return label(); });
    return Document::parse(json.dump());
  }

  [[nodiscard]] Query query() {
    Query query;
    query.sort = static_cast<Query::Sort>(below(5));
    query.descending = below(2) == 0;
    if (below(4) == 0) return query;
    if (below(2) == 0) {
      const std::string text = below(3) == 0 ? name() + " " + name() : name();
      query.words = text.substr(0, 1 + below(text.size() + 3));
      if (below(20) == 0) query.words = label();
    }
    if (below(4) == 0) query.email = email();
    if (below(4) == 0) query.label = label();
    if (below(3) == 0) query.phone = phone();
    return query;
  }

 private:
  std::mt19937 random_;
};

inline std::string text_of(const Query& query) {
  return "sort " + std::to_string(static_cast<int>(query.sort)) +
         (query.descending ? " descending" : "") + " words [" + query.words + "] email [" +
         query.email.value_or("-") + "] label [" + query.label.value_or("-") + "] phone [" +
         query.phone.value_or("-") + "]";
}

/// @returns all that a query asks for, by reading the whole book
inline std::vector<std::string> scanned(const Store& store, const Query& query) {
  const auto pages = [&](std::uint64_t after) { return store.page(after, limit_of(SIZE_MAX)); };
  const auto page = addrbook::detail::Scan(query, store.folding())
                        .select(pages, std::nullopt, limit_of(1'000'000));
  std::vector<std::string> ids;
  for (const Entry& entry : page.entries) ids.push_back(entry.id);
  return ids;
}

/// @returns all that a query asks for, page by page
inline std::vector<std::string> selected(const Store& store, const Query& query, PageLimit limit) {
  std::vector<std::string> ids;
  std::optional<Position> after;
  while (true) {
    const QueryPage page = store.select(query, after, limit);
    for (const Entry& entry : page.entries) {
      ids.push_back(entry.id);
      REQUIRE(store.find(entry.id).has_value());
      check_same(entry, *store.find(entry.id));
    }
    REQUIRE(page.entries.size() <= (std::max)(limit.entries, std::size_t{1}));
    if (!page.next) return ids;
    REQUIRE(!page.entries.empty());
    after = page.next;
  }
}

}  // namespace test

STORE_CASE("of batches with the same note one is committed, and the others learn of it") {
  using Outcome = test::CommitResult::Outcome;
  Factory factory;
  const auto store = factory.make();
  store->commit({{test::put("other", 0)}});
  const auto first = store->commit(test::noted("a", 1, "key", "first"));
  CHECK(first.outcome == Outcome::done);
  const auto second = store->commit(test::noted("b", 2, "key", "second"));
  CHECK(second.outcome == Outcome::repeated);
  CHECK(second.note == "first");
  CHECK(second.base == first.base);
  CHECK(second.epoch == first.epoch);
  CHECK_FALSE(store->find("b"));
  CHECK(store->commit(test::noted("c", 3, "KEY", "third")).outcome == Outcome::done);
  CHECK(store->commit(test::noted("d", 4, "key ", "fourth")).outcome == Outcome::done);
  CHECK(store->state().count == 4);
}

STORE_CASE(
    "a note counts before conditions and capacity, and is not written with a refused batch") {
  using Outcome = test::CommitResult::Outcome;
  Factory factory;
  const auto store = factory.make();
  auto refused = test::noted("a", 1, "key", "x");
  refused.writes[0].condition = {test::Kind::present};
  CHECK(store->commit(refused).outcome == Outcome::refused);
  CHECK(store->commit(test::noted("a", 1, "key", "y")).outcome == Outcome::done);
  auto full = test::noted("b", 2, "other", "z");
  full.max_entries = 1;
  CHECK(store->commit(full).outcome == Outcome::full);
  full.note->key = "key";
  full.writes[0].condition = {test::Kind::present};
  const auto repeated = store->commit(full);
  CHECK(repeated.outcome == Outcome::repeated);
  CHECK(repeated.note == "y");
}

STORE_CASE("a note expires") {
  using Outcome = test::CommitResult::Outcome;
  Factory factory;
  const auto store = factory.make();
  const addrbook::Timestamp begin = addrbook::now();
  const auto lifetime = addrbook::Note{}.lifetime;
  CHECK(lifetime == std::chrono::hours(24));
  const auto just_before = std::chrono::milliseconds(1);
  CHECK(store->commit(test::noted("a", 1, "key", "first", begin)).done());
  CHECK(store->commit(test::noted("a", 2, "key", "x", begin + lifetime - just_before)).outcome ==
        Outcome::repeated);
  CHECK(store->commit(test::noted("a", 3, "key", "second", begin + lifetime)).done());
  const auto later = store->commit(test::noted("a", 4, "key", "y", begin + lifetime));
  CHECK(later.outcome == Outcome::repeated);
  CHECK(later.note == "second");
  CHECK(store->find("a")->document == test::numbered(3));
}

STORE_CASE("a note that is not one is refused") {
  Factory factory;
  const auto store = factory.make();
  for (const std::string& key :
       std::vector<std::string>{"", "a\n", "\xC3\xBC", std::string(1025, 'k')}) {
    CAPTURE(key);
    CHECK_THROWS_AS(store->commit(test::noted("a", 1, key, "x")), addrbook::Error);
  }
  CHECK_THROWS_AS(store->commit(test::noted("a", 1, "k", "\x7f")), addrbook::Error);
  CHECK(store->commit(test::noted("a", 1, std::string(1024, '\''), std::string(1024, '"'))).done());
  const auto again = store->commit(test::noted("a", 1, std::string(1024, '\''), ""));
  CHECK(again.note == std::string(1024, '"'));
}

STORE_CASE("of many at once with the same note one is committed") {
  Factory factory;
  const auto store = factory.make();
  std::atomic<int> done{0};
  std::vector<std::string> notes(20);
  const auto failures = test::run_parallel(notes.size(), [&](std::size_t t) {
    const auto result =
        store->commit(test::noted("id" + std::to_string(t), t, "key", std::to_string(t)));
    if (result.done()) ++done;
    notes[t] = result.done() ? std::to_string(t) : result.note;
  });
  CHECK(failures == "");
  CHECK(done.load() == 1);
  CHECK(std::count(notes.begin(), notes.end(), notes[0]) == 20);
  CHECK(store->state().count == 1);
}

STORE_CASE("entries are found by what makes them the same contact") {
  using addrbook::Document;
  using addrbook::Write;
  Factory factory;
  const auto store = factory.make();
  const auto uid = [](const std::string& of, int n) {
    return Document::parse(R"({"uid":")" + of + R"(","n":)" + std::to_string(n) + "}");
  };
  const auto text = Document::parse(R"({"name":"Ada Example"})");
  const auto same = [&](const Document& document) {
    const auto found = store->find_same({addrbook::detail::identity_of(document)});
    REQUIRE(found.size() == 1);
    return found[0] ? found[0]->id + "@" + std::to_string(found[0]->revision) : "none";
  };
  CHECK(same(text) == "none");
  store->commit(
      {{Write{"one", uid("u", 1), {}}, Write{"two", text, {}}, Write{"three", uid("u", 2), {}}}});
  CHECK(same(uid("u", 9)) == "one@1");
  CHECK(same(text) == "two@2");
  CHECK(same(uid("v", 1)) == "none");
  store->commit({{Write{"one", uid("v", 1), {}}, test::removal("two")}});
  CHECK(same(uid("u", 9)) == "three@3");
  CHECK(same(uid("v", 2)) == "one@4");
  CHECK(same(text) == "none");
  store->commit({{Write{"two", text, {}}}});
  CHECK(same(text) == "two@6");
  CHECK(store->find_same({}).empty());

  std::vector<addrbook::Identity> many;
  for (int i = 0; i < 2000; ++i) {
    many.push_back(addrbook::detail::identity_of(uid(std::to_string(i), 0)));
  }
  many.push_back(addrbook::detail::identity_of(text));
  many.push_back(addrbook::detail::identity_of(text));
  const auto found = store->find_same(many);
  REQUIRE(found.size() == many.size());
  CHECK_FALSE(found[0].has_value());
  REQUIRE(found[2000].has_value());
  CHECK(found[2000]->id == "two");
  CHECK(found[2001].has_value());
}

STORE_CASE("a random query gives what a scan gives, in pages of any size") {
  Factory factory;
  for (const unsigned seed : {7U, 1815U}) {
    CAPTURE(seed);
    test::Invented invented(seed);
    const auto store = factory.make();
    for (int round = 0; round < 4; ++round) {
      for (int batch = 0; batch < 4; ++batch) {
        std::map<std::string, test::Write> writes;
        for (std::size_t i = 1 + invented.below(20); i != 0; --i) {
          const std::string id = "id-" + std::to_string(invented.below(150));
          writes[id] = {id, std::nullopt, {}};
          if (invented.below(5) != 0) writes[id].document = invented.document();
        }
        std::vector<test::Write> list;
        for (auto& [id, write] : writes) list.push_back(std::move(write));
        REQUIRE(store->commit({std::move(list)}).done());
      }
      const auto state = store->state();
      std::size_t found = 0;
      for (int i = 0; i < 25; ++i) {
        const test::Query query = invented.query();
        CAPTURE(test::text_of(query));
        const auto expected = test::scanned(*store, query);
        found += expected.size();
        const auto limit = test::limit_of(1 + invented.below(12) * invented.below(12),
                                          invented.below(3) == 0 ? invented.below(2000) : SIZE_MAX);
        CAPTURE(limit.entries);
        CAPTURE(limit.bytes);
        REQUIRE(test::selected(*store, query, limit) == expected);
        REQUIRE(store->count(query) == expected.size());
        const auto page = store->select(query, std::nullopt, limit);
        REQUIRE(page.state.revision == state.revision);
        REQUIRE(page.state.count == state.count);
        REQUIRE(page.state.epoch == state.epoch);
      }
      CHECK(found > 25);
    }
  }
}

STORE_CASE("nothing that is asked for is syntax") {
  Factory factory;
  const auto store = factory.make();
  const auto named = [](const std::string& id, const std::string& name) {
    return test::Write{id, test::Document::parse(nlohmann::json{{"name", name}}.dump()), {}};
  };
  store->commit(
      {{named("a", "and or not near"), named("b", "star* quote\" paren("), named("c", "")}});
  test::Query query;
  const auto found = [&](const std::string& words) {
    query.words = words;
    return test::selected(*store, query, {});
  };
  using Ids = std::vector<std::string>;
  CHECK(found("not") == Ids{"a"});
  CHECK(found("NEAR OR") == Ids{"a"});
  CHECK(found("a*").size() ==
        (store->folding().words("a*", addrbook::Folding::Purpose::search).size()));
  CHECK(found("\"star\" AND (quote").size() == 0);
  CHECK(found("\"star\" (quote)") == Ids{"b"});
  CHECK(found("' OR ''='") == Ids{"a"});
  CHECK(found("words:and") == Ids{});
  CHECK(found("and^ {not} -or :*") == Ids{"a"});
  CHECK(found("*") == Ids{});
  CHECK(found(std::string(200, '(')) == Ids{});
  // A thousand words, and what is not UTF-8.
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "w" + std::to_string(i) + " ";
  CHECK(test::error_of([&] { static_cast<void>(found(many)); }) ==
        "invalid: A search may have at most 32 words");
  for (const char* const bad : {"\xC3", "\xFF", "an\xC3", "\xED\xA0\x80"}) {
    CAPTURE(bad);
    query.words = bad;
    CHECK(found(bad) == test::scanned(*store, query));
    query.email = query.label = bad;
    CHECK(store->select(query, std::nullopt, {}).entries.empty());
    CHECK(store->count(query) == 0);
    query.email = query.label = std::nullopt;
  }
  query.words = "an";
  for (const auto& text : {std::string("\0", 1), std::string("\xFF"), std::string("a\xC3"),
                           std::string(100'000, 'x')}) {
    for (const bool is_absent : {false, true}) {
      for (int sort = 0; sort < 5; ++sort) {
        query.sort = static_cast<test::Query::Sort>(sort);
        const test::Position forged{sort % 2 == 0, is_absent, text, UINT64_MAX};
        CHECK(store->select(query, forged, {}).entries.size() <= 3);
        test::Query all;
        all.sort = query.sort;
        CHECK(store->select(all, forged, {}).entries.size() <= 3);
      }
    }
  }
}

STORE_CASE("a document may have any number of words, mails, phones and labels") {
  Factory factory;
  const auto store = factory.make();
  nlohmann::json json = nlohmann::json::object();
  std::string name;
  for (int i = 0; i < 6000; ++i) name += std::to_string(10'000 + i) + std::string(70, 'w') + " ";
  json["name"] = name;
  for (int i = 0; i < 1200; ++i) {
    const std::string number = std::to_string(10'000 + i);
    json["emails"].push_back(number + std::string(240, ' ') + "@x");
    json["labels"].push_back(number + std::string(240, '"'));
    json["phones"].push_back("+1 " + number + " 555 " + number);
  }
  json["emails"].push_back(std::string(3000, 'e'));
  json["labels"].push_back(std::string(3000, 'l'));
  json["phones"].push_back(std::string(3000, '5'));
  const auto document = test::Document::parse(json.dump());
  CHECK(store->commit({{{"big", document, {}}}}).done());
  CHECK(store->commit({{{"big", document, {}}, {"other", document, {}}}}).done());
  CHECK(store->commit({{test::removal("other")}}).done());
  test::Query query;
  query.words = "10001w";
  CHECK(store->count(query) == 1);
  query.email = json["emails"][2].template get<std::string>();
  query.label = json["labels"][2].template get<std::string>();
  query.phone = json["phones"][2].template get<std::string>();
  CHECK(store->count(query) == 1);
  for (const char* const member : {"emails", "labels", "phones"}) {
    CAPTURE(member);
    test::Query of_long;
    const std::string text = json[member].back().template get<std::string>();
    (member == std::string("emails")   ? of_long.email
     : member == std::string("labels") ? of_long.label
                                       : of_long.phone) = text;
    CHECK(store->count(of_long) == 0);
  }
  CHECK(store->commit({{test::put("big", 1)}}).done());
  CHECK(store->count(query) == 0);
}

STORE_CASE("pages of a query are of each untouched entry once, during writes") {
  Factory factory;
  const auto store = factory.make();
  constexpr std::uint64_t kept = 100;
  std::vector<test::Write> writes;
  const auto contact = [](const std::string& id, std::uint64_t n) {
    return test::Write{id,
                       test::Document::parse("{\"name\":\"Ann" + std::to_string(n % 7) +
                                             "\",\"labels\":[\"friends\"]}"),
                       {}};
  };
  for (std::uint64_t i = 0; i < kept; ++i)
    writes.push_back(contact("kept-" + std::to_string(i), i));
  store->commit({std::move(writes)});
  std::atomic<bool> is_done{false};
  const auto failures = test::run_parallel(4, [&](std::size_t t) {
    if (t < 2) {
      // Readers in the order of the last write go after those who write for as long as these do.
      constexpr std::uint64_t most = 2000;
      for (std::uint64_t i = 0; i < most && !is_done; ++i) {
        const std::string id = "other-" + std::to_string(t) + "-" + std::to_string(i % 50);
        if (i % 3 == 0)
          store->commit({{test::removal(id)}});
        else
          store->commit({{contact(id, i)}});
      }
      return;
    }
    try {
      for (std::size_t round = 0; round < 10; ++round) {
        test::Query query;
        query.sort = static_cast<test::Query::Sort>((round + t) % 5);
        query.descending = round % 2 == 0;
        if (round % 3 != 0) query.words = "ann";
        if (round % 4 == 0) query.label = "friends";
        std::map<std::string, int> seen;
        std::optional<test::Position> after;
        do {
          const auto page = store->select(query, after, test::limit_of(17));
          for (const auto& entry : page.entries) ++seen[entry.id];
          after = page.next;
        } while (after);
        for (std::uint64_t i = 0; i < kept; ++i) {
          if (seen["kept-" + std::to_string(i)] != 1) throw std::runtime_error("not once");
        }
      }
    } catch (...) {
      is_done = true;
      throw;
    }
    is_done = true;
  });
  CHECK(failures == "");
}
