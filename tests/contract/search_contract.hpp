/// What every Store finds, compared with an Oracle that shares nothing with it. Include it after
/// defining ADDRBOOK_TEST_STORES, as store_contract.hpp.
#pragma once

#include "search_oracle.hpp"
#include "writes.hpp"

#include <addrbook/store.hpp>
#include <addrbook/text.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#ifndef ADDRBOOK_TEST_STORES
#error "define ADDRBOOK_TEST_STORES, the factories of stores to test"
#endif

namespace test {

inline Alphabet alphabet_of(const Store& store) {
  return store.folding().name() == addrbook::ascii_folding()->name() ? Alphabet::ascii
                                                                     : Alphabet::unicode;
}

inline addrbook::Query query_of(const Wanted& wanted) {
  using Sort = addrbook::Query::Sort;
  static const std::map<std::string, Sort> sorts{{"created", Sort::created},
                                                 {"updated", Sort::updated},
                                                 {"name", Sort::name},
                                                 {"given", Sort::given},
                                                 {"family", Sort::family}};
  addrbook::Query query;
  query.sort = sorts.at(wanted.sort);
  query.descending = wanted.descending;
  query.words = wanted.words;
  query.email = wanted.email;
  query.phone = wanted.phone;
  query.label = wanted.label;
  query.ids = wanted.ids;
  return query;
}

inline std::string text_of(const Wanted& wanted) {
  return (wanted.descending ? "-" : "") + wanted.sort + " q[" + wanted.words + "] email[" +
         wanted.email.value_or("-") + "] phone[" + wanted.phone.value_or("-") + "] label[" +
         wanted.label.value_or("-") + "] ids " + (wanted.ids ? "some" : "all");
}

/// Writes at random to a store and to an oracle.
inline void write_some(Store& store, Oracle& oracle, Directory& directory) {
  std::map<std::string, std::optional<std::string>> changes;
  for (std::size_t i = 1 + directory.below(40); i != 0; --i) {
    auto& text = changes[directory.id()];
    text = directory.is_one_of(5) ? std::nullopt : std::optional(directory.document());
  }
  Batch batch;
  for (const auto& [id, text] : changes) {
    Write write{id, std::nullopt, {}};
    if (text) write.document = Document::parse(*text);
    batch.writes.push_back(std::move(write));
  }
  const CommitResult result = store.commit(batch);
  REQUIRE(result.done());
  std::size_t i = 0;
  for (const auto& [id, text] : changes) {
    if (text) {
      oracle.put(id, result.created[i], result.base + i + 1, *text);
    } else {
      oracle.remove(id);
    }
    ++i;
  }
}

/// @returns the ids on all pages
inline std::vector<std::string> found(const Store& store, const addrbook::Query& query,
                                      PageLimit limit) {
  std::vector<std::string> ids;
  std::optional<addrbook::Position> after;
  do {
    const addrbook::QueryPage page = store.select(query, after, limit);
    for (const Entry& entry : page.entries) ids.push_back(entry.id);
    after = page.next;
  } while (after);
  return ids;
}

}  // namespace test

TEST_CASE_TEMPLATE("search: a random query finds what an oracle of its own finds, in its order",
                   Factory, ADDRBOOK_TEST_STORES) {
  Factory factory;
  std::map<std::string, int> answered;  // how many searches of a kind have found something
  for (const unsigned seed : {15U, 1815U}) {
    CAPTURE(seed);
    test::Directory directory(seed);
    const auto store = factory.make();
    test::Oracle oracle(test::alphabet_of(*store));
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) test::write_some(*store, oracle, directory);
      for (int i = 0; i < 50; ++i) {
        const test::Wanted wanted = directory.wanted();
        CAPTURE(test::text_of(wanted));
        const auto expected = oracle.search(wanted);
        const addrbook::Query query = test::query_of(wanted);
        const auto limit = test::limit_of(1 + directory.below(60));
        REQUIRE(test::found(*store, query, limit) == expected);
        REQUIRE(store->count(query) == expected.size());
        if (expected.empty()) continue;
        ++answered["any"];
        if (!wanted.words.empty()) ++answered["words"];
        if (wanted.email) ++answered["email"];
        if (wanted.phone) ++answered["phone"];
        if (wanted.label) ++answered["label"];
        if (wanted.ids) ++answered["ids"];
      }
    }
  }
  // Not by finding nothing.
  for (const char* const kind : {"any", "words", "email", "phone", "label", "ids"}) {
    CAPTURE(kind);
    CHECK(answered[kind] >= 10);
  }
}
