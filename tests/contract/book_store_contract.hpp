/// What every BookStore does: test cases, each run for every one of a test program. As in
/// store_contract.hpp, with factories named in ADDRBOOK_TEST_BOOKS:
///
///     struct Factory {
///       std::shared_ptr<addrbook::BookStore> make();    // without a book
///       void finish(addrbook::BookStore& books);        // waits until removed books are swept
///     };
#pragma once

#include <support/parallel.hpp>

#include "writes.hpp"

#include <addrbook/book_store.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#ifndef ADDRBOOK_TEST_BOOKS
#error "define ADDRBOOK_TEST_BOOKS, the factories to test"
#endif

#define BOOKS_CASE(name) TEST_CASE_TEMPLATE("books: " name, Factory, ADDRBOOK_TEST_BOOKS)

namespace test {

using addrbook::BookStore;
using Names = std::vector<std::string>;

inline std::shared_ptr<Store> made(BookStore& books, const std::string& name) {
  auto created = books.create(name);
  REQUIRE(created.store != nullptr);
  REQUIRE(created.is_new);
  return created.store;
}

inline Names names_of(const addrbook::BookList& list) {
  Names names;
  for (const auto& book : list.books) names.push_back(book.name);
  return names;
}

/// Whether each call of a store says that the book is gone.
inline bool is_gone(Store& store) {
  int gone = 0;
  const auto count = [&](auto call) {
    try {
      call();
    } catch (const addrbook::NoSuchBook&) {
      ++gone;
    }
  };
  count([&] { store.commit({{put("a", 1)}}); });
  count([&] { store.commit({{put("a", 1, {Kind::present})}}); });
  count([&] { static_cast<void>(store.find("a")); });
  count([&] { static_cast<void>(store.page(0, {})); });
  count([&] { static_cast<void>(store.state()); });
  return gone == 5 && store.is_gone();
}

}  // namespace test

BOOKS_CASE("there are none at first, and each is made once") {
  Factory factory;
  const auto books = factory.make();
  CHECK(books->open("ada") == nullptr);
  CHECK(test::names_of(books->list("", 10)).empty());
  const auto store = test::made(*books, "ada");
  CHECK(store->state().count == 0);
  CHECK(store->state().revision == 0);
  const auto again = books->create("ada");
  REQUIRE(again.store != nullptr);
  CHECK_FALSE(again.is_new);
  store->commit({{test::put("a", 1)}});
  CHECK(again.store->find("a").has_value());
  CHECK(again.store->state().epoch == store->state().epoch);
  const auto opened = books->open("ada");
  REQUIRE(opened != nullptr);
  CHECK(opened->state().count == 1);
  CHECK_FALSE(opened->is_gone());
}

BOOKS_CASE("names are compared byte by byte") {
  Factory factory;
  const auto books = factory.make();
  const test::Names names{"0",   "A",    "Ada",    "a",  "a+b",   "a-", "a.",
                          "a..", "a@b.", "ada_@~", "ab", "Z~._-", "z",  std::string(128, 'x')};
  for (const auto& name : names) test::made(*books, name);
  for (std::size_t i = 0; i < names.size(); ++i) {
    books->open(names[i])->commit({{test::put("id", i)}});
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    CHECK(books->open(names[i])->find("id")->document == test::numbered(i));
    CHECK(books->open(names[i])->state().count == 1);
  }
  auto sorted = names;
  std::sort(sorted.begin(), sorted.end());
  CHECK(test::names_of(books->list("", 100)) == sorted);
  for (const std::string& absent :
       {std::string("aa"), std::string("ADA"), std::string("ada"), std::string(127, 'x'),
        std::string("a%"), std::string("a' OR '1'='1"), std::string("a ")}) {
    CAPTURE(absent);
    CHECK(books->open(absent) == nullptr);
    CHECK(books->remove(absent) == test::BookStore::Removal::absent);
  }
}

BOOKS_CASE("what all of them have together") {
  Factory factory;
  const auto books = factory.make();
  CHECK(books->totals().books == 0);
  CHECK(books->totals().entries == 0);
  const auto one = test::made(*books, "one");
  const auto two = test::made(*books, "two");
  one->commit({{test::put("a", 1), test::put("b", 2), test::put("c", 3)}});
  one->commit({{test::removal("a")}});
  two->commit({{test::put("a", 1)}});
  const addrbook::BookTotals totals = books->totals();
  CHECK(totals.books == 2);
  CHECK(totals.entries == 3);
  CHECK(totals.revisions == 5);
  books->remove("one");
  CHECK(books->totals().books == 1);
  CHECK(books->totals().entries == 1);
}

BOOKS_CASE("a name that is not valid is no book's") {
  Factory factory;
  const auto books = factory.make();
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("_x"), std::string("-x"),
        std::string("~"), std::string("a b"), std::string("a/b"), std::string("a\0", 2),
        std::string("caf\xC3\xA9"), std::string("a\n"), std::string("a,b"), std::string("a%2Fb"),
        std::string(129, 'x')}) {
    CAPTURE(name);
    CHECK(books->open(name) == nullptr);
    CHECK(books->remove(name) == test::BookStore::Removal::absent);
    bool is_refused = false;
    try {
      static_cast<void>(books->create(name));
    } catch (const addrbook::Error& error) {
      is_refused = error.code() == addrbook::Errc::invalid;
    }
    CHECK(is_refused);
  }
  CHECK(books->list("", 10).books.empty());
}

BOOKS_CASE("nothing of one book shows in another") {
  Factory factory;
  const auto books = factory.make();
  const auto one = test::made(*books, "one");
  const auto two = test::made(*books, "two");
  CHECK(one->state().epoch != two->state().epoch);
  one->commit({{test::put("a", 1), test::put("b", 2)}});
  CHECK_FALSE(two->find("a").has_value());
  CHECK(two->state().revision == 0);
  CHECK(two->page(0, {}).entries.empty());
  // The same ids and numbers.
  const auto result = two->commit({{test::put("a", 3)}});
  CHECK(result.base == 0);
  CHECK(result.epoch == two->state().epoch);
  CHECK(one->find("a")->document == test::numbered(1));
  CHECK(two->find("a")->document == test::numbered(3));
  CHECK(two->find("a")->epoch == two->state().epoch);
  CHECK(test::outcome_of(two->commit({{test::put("b", 4, {test::Kind::present})}})) == "refused 0");
  CHECK(test::outcome_of(two->commit({{test::put("b", 4, {test::Kind::absent})}})) == "done");
  CHECK(test::outcome_of(two->commit({{test::removal("a", {test::Kind::at_revision, 1})}})) ==
        "done");
  CHECK(one->find("a").has_value());
  CHECK(test::ids_of(one->page(0, {})) == test::Names{"a", "b"});
  CHECK(test::ids_of(two->page(0, {})) == test::Names{"b"});
  CHECK(test::ids_of(two->page(0, test::limit_of(1))) == test::Names{"b"});
  CHECK_FALSE(two->page(0, test::limit_of(1)).more);
  CHECK_FALSE(one->page(2, {}).more);
  CHECK(one->page(UINT64_MAX, {}).entries.empty());
  // The capacity is that of one book.
  CHECK(test::outcome_of(two->commit({{test::put("c", 5)}, 2})) == "done");
  CHECK(test::outcome_of(two->commit({{test::put("d", 5)}, 2})) == "full");
}

BOOKS_CASE("a list goes by names, and gives each book's state") {
  Factory factory;
  const auto books = factory.make();
  for (const char* const name : {"c", "a", "e", "b", "d"}) test::made(*books, name);
  books->open("b")->commit({{test::put("x", 1), test::put("y", 2)}});
  books->open("b")->commit({{test::removal("x")}});
  const auto first = books->list("", 2);
  CHECK(test::names_of(first) == test::Names{"a", "b"});
  CHECK(first.more);
  CHECK(first.books[1].state.count == 1);
  CHECK(first.books[1].state.revision == 3);
  CHECK(first.books[1].state.epoch == books->open("b")->state().epoch);
  CHECK(first.books[0].state.epoch == books->open("a")->state().epoch);
  CHECK(test::names_of(books->list("b", 2)) == test::Names{"c", "d"});
  CHECK(test::names_of(books->list("bb", 2)) == test::Names{"c", "d"});  // no book's name
  CHECK_FALSE(books->list("d", 2).more);
  CHECK_FALSE(books->list("c", 2).more);
  CHECK(books->list("e", 2).books.empty());
  CHECK(test::names_of(books->list("", 0)) == test::Names{"a"});
  books->remove("c");
  CHECK(test::names_of(books->list("a", 100)) == test::Names{"b", "d", "e"});
}

BOOKS_CASE("a removed book is gone for all who use it, and its name is free") {
  Factory factory;
  const auto books = factory.make();
  const auto old = test::made(*books, "ada");
  const auto other = test::made(*books, "other");
  old->commit({{test::put("a", 1), test::put("b", 2)}});
  other->commit({{test::put("a", 9)}});
  CHECK(old->find("a").has_value());
  const auto second = books->open("ada");
  const std::uint64_t epoch = old->state().epoch;
  CHECK(books->remove("ada") == test::BookStore::Removal::done);
  CHECK(books->open("ada") == nullptr);
  CHECK(books->remove("ada") == test::BookStore::Removal::absent);
  CHECK(test::is_gone(*old));
  CHECK(test::is_gone(*second));

  const auto made = test::made(*books, "ada");
  CHECK(made->state().epoch != epoch);
  CHECK(made->state().revision == 0);
  CHECK(made->state().count == 0);
  CHECK_FALSE(made->find("a").has_value());
  CHECK(made->page(0, {}).entries.empty());
  CHECK(made->commit({{test::put("a", 3)}}).base == 0);
  CHECK(test::is_gone(*old));
  factory.finish(*books);
  CHECK(test::ids_of(made->page(0, {})) == test::Names{"a"});
  CHECK(made->find("a")->document == test::numbered(3));
  CHECK(test::ids_of(other->page(0, {})) == test::Names{"a"});
  CHECK(test::names_of(books->list("", 10)) == test::Names{"ada", "other"});
}

BOOKS_CASE("a removal can depend on the book's state") {
  Factory factory;
  const auto books = factory.make();
  const auto store = test::made(*books, "ada");
  store->commit({{test::put("a", 1)}});
  const auto state = store->state();
  const auto at = [&](std::uint64_t revision) {
    return [epoch = state.epoch, revision](const addrbook::BookState& now) {
      return now.epoch == epoch && now.revision == revision;
    };
  };
  CHECK(books->remove("ada", at(2)) == test::BookStore::Removal::refused);
  CHECK(store->find("a").has_value());
  CHECK_FALSE(store->is_gone());
  CHECK(books->remove("never", at(1)) == test::BookStore::Removal::absent);
  CHECK(books->remove("ada", at(1)) == test::BookStore::Removal::done);
  CHECK(test::is_gone(*store));
}

BOOKS_CASE("max_books holds for new books only") {
  Factory factory;
  const auto books = factory.make();
  CHECK(books->create("a", 2).is_new);
  CHECK(books->create("b", 2).is_new);
  CHECK(books->create("c", 2).store == nullptr);
  CHECK(books->open("c") == nullptr);
  const auto again = books->create("a", 1);
  CHECK(again.store != nullptr);
  CHECK_FALSE(again.is_new);
  books->remove("a");
  CHECK(books->create("c", 2).is_new);
  CHECK(books->create("d", 0).is_new);
}

BOOKS_CASE("concurrent creators of one name get one book, up to the limit exactly") {
  Factory factory;
  const auto books = factory.make();
  std::atomic<int> made{0};
  std::atomic<int> full{0};
  const auto failures = test::run_parallel(16, [&](std::size_t t) {
    for (std::size_t i = 0; i < 12; ++i) {
      const auto created = books->create("book-" + std::to_string(i), 8);
      if (created.is_new) ++made;
      if (created.store == nullptr) {
        ++full;
      } else {
        created.store->commit({{test::put(std::to_string(t), i)}});
      }
    }
  });
  CHECK(failures == "");
  CHECK(made == 8);
  CHECK(full == 4 * 16);
  const auto list = books->list("", 100);
  CHECK(list.books.size() == 8);
  for (const auto& book : list.books) CHECK(book.state.count == 16);
}

BOOKS_CASE("writers to many books, readers and removals at once") {
  Factory factory;
  const auto books = factory.make();
  constexpr std::size_t names = 4;
  std::atomic<std::uint64_t> gone{0};
  const auto failures = test::run_parallel(8, [&](std::size_t t) {
    for (std::uint64_t i = 0; i < 60; ++i) {
      const std::string name = "book-" + std::to_string((t + i) % names);
      try {
        const auto store = books->create(name).store;
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        const auto result = store->commit({{test::put(id, i, {test::Kind::absent})}});
        if (!result.done()) throw std::runtime_error("refused");
        const auto entry = store->find(id);
        if (!entry || entry->epoch != result.epoch) throw std::runtime_error("lost");
        if (i % 20 == t) books->remove(name);
      } catch (const addrbook::NoSuchBook&) {
        ++gone;
      }
    }
  });
  CHECK(failures == "");
  std::set<std::uint64_t> epochs;
  for (const auto& book : books->list("", 100).books) {
    const auto store = books->open(book.name);
    REQUIRE(store != nullptr);
    CHECK(store->page(0, test::limit_of(SIZE_MAX)).entries.size() == book.state.count);
    epochs.insert(book.state.epoch);
  }
  CHECK(epochs.size() == books->list("", 100).books.size());
}

BOOKS_CASE("a store outlives its books") {
  Factory factory;
  auto books = factory.make();
  const auto store = test::made(*books, "ada");
  books.reset();
  CHECK(store->commit({{test::put("a", 1)}}).done());
  CHECK(store->find("a").has_value());
}
