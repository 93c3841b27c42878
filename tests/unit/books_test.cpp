#include <addrbook/books.hpp>

#include <support/parallel.hpp>

#include "fake_store.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using addrbook::Books;
using addrbook::BooksOptions;
using addrbook::Document;
using addrbook::Errc;
using addrbook::Error;
using addrbook::NoSuchBook;

Document ada() {
  return Document::parse(R"({"name":"Ada"})");
}

template <class Call>
std::optional<Errc> code_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

/// A MemoryBooks that counts how often a book is opened, and can fail.
class CountingBooks final : public addrbook::BookStore {
 public:
  int opened = 0;
  bool is_broken = false;

 private:
  std::shared_ptr<addrbook::Store> do_open(std::string_view name) override {
    check();
    ++opened;
    return books_.open(name);
  }
  Created do_create(std::string_view name, std::uint64_t max_books) override {
    check();
    return books_.create(name, max_books);
  }
  Removal do_remove(std::string_view name, const Condition& condition) override {
    check();
    return books_.remove(name, condition);
  }
  [[nodiscard]] addrbook::BookList do_list(std::string_view after,
                                           std::size_t limit) const override {
    check();
    return books_.list(after, limit);
  }
  void check() const {
    if (is_broken) test::fail_storage();
  }

  addrbook::MemoryBooks books_;
};

}  // namespace

TEST_CASE("Books: a book is made, found, and the same for all") {
  Books books;
  CHECK(books.find("ada") == nullptr);
  CHECK(code_of([&] { static_cast<void>(books.open("ada")); }) == Errc::not_found);
  const auto made = books.create("ada");
  CHECK(made.is_new);
  const auto again = books.create("ada");
  CHECK_FALSE(again.is_new);
  CHECK(again.book == made.book);
  CHECK(books.find("ada") == made.book);
  CHECK(books.open("ada") == made.book);
  const auto entry = made.book->create(ada());
  CHECK(books.open("ada")->get(entry.id).document == ada());
  CHECK(code_of([&] { static_cast<void>(books.create("other").book->get(entry.id)); }) ==
        Errc::not_found);
  const auto list = books.list();
  REQUIRE(list.books.size() == 2);
  CHECK(list.books[0].name == "ada");
  CHECK(list.books[0].state.count == 1);
  CHECK_FALSE(list.more);
  CHECK(books.list("", 1).more);
}

TEST_CASE("Books: names that are not valid") {
  Books books;
  CHECK(books.find("../etc") == nullptr);
  CHECK(code_of([&] { static_cast<void>(books.open("a/b")); }) == Errc::not_found);
  CHECK(code_of([&] { static_cast<void>(books.create("_x")); }) == Errc::invalid);
  CHECK(code_of([&] { books.remove("_x"); }) == Errc::not_found);
}

TEST_CASE("Books: a removed book is gone, and a new one of its name is another") {
  Books books;
  const auto old = books.create("ada").book;
  const auto entry = old->create(ada());
  books.remove("ada");
  CHECK(books.find("ada") == nullptr);
  CHECK_THROWS_WITH_AS(static_cast<void>(old->find(entry.id)), "No such book: 'ada'", NoSuchBook);
  CHECK_THROWS_AS(old->create(ada()), NoSuchBook);
  CHECK_THROWS_AS(old->update(entry.id, ada()), NoSuchBook);
  CHECK_THROWS_AS(old->remove(entry.id), NoSuchBook);
  CHECK_THROWS_AS(static_cast<void>(old->page()), NoSuchBook);
  CHECK_FALSE(old->health().ready);
  CHECK_THROWS_WITH_AS(books.remove("ada"), "No such book: 'ada'", NoSuchBook);
  const auto made = books.create("ada");
  CHECK(made.is_new);
  CHECK(made.book != old);
  CHECK(made.book->state().epoch != 0);
  CHECK(books.find("ada") == made.book);
}

TEST_CASE("Books: one that another program has removed can be made again") {
  const auto store = std::make_shared<addrbook::MemoryBooks>();
  Books here(store);
  Books there(store);
  const auto old = here.create("ada").book;
  there.remove("ada");
  const auto made = here.create("ada");
  CHECK(made.is_new);
  CHECK(made.book != old);
  CHECK(here.find("ada") == made.book);
  CHECK(there.find("ada")->state().epoch == made.book->state().epoch);
  there.remove("ada");
  there.create("ada");
  const auto again = here.create("ada");
  CHECK_FALSE(again.is_new);
  CHECK(again.book->state().epoch == there.find("ada")->state().epoch);
  here.remove("ada");
  CHECK_THROWS_AS(here.remove("ada"), NoSuchBook);
}

TEST_CASE("Books: a removal on a condition") {
  Books books;
  const auto book = books.create("ada").book;
  book->create(ada());
  const auto has_revision = [](std::uint64_t revision) {
    return [revision](const addrbook::BookState& state) { return state.revision == revision; };
  };
  CHECK(code_of([&] { books.remove("ada", has_revision(2)); }) == Errc::precondition);
  CHECK(books.find("ada") == book);
  CHECK(code_of([&] { books.remove("never", has_revision(2)); }) == Errc::not_found);
  books.remove("ada", has_revision(1));
  CHECK(books.find("ada") == nullptr);
}

TEST_CASE("Books: limits and validators are the same for all") {
  const auto named = [](const Document& document) -> std::optional<addrbook::Violation> {
    if (document.text().find("name") != std::string::npos) return std::nullopt;
    return addrbook::Violation{"/name", "is missing"};
  };
  BooksOptions options;
  options.max_entries = 1;
  options.max_books = 2;
  Books books(std::make_shared<addrbook::MemoryBooks>(), {named}, options);
  for (const char* const name : {"a", "b"}) {
    const auto book = books.create(name).book;
    CHECK(code_of([&] { book->create(Document::parse("{}")); }) == Errc::invalid);
    book->create(ada());
    CHECK(code_of([&] { book->create(ada()); }) == Errc::full);
  }
  CHECK(code_of([&] { books.create("c"); }) == Errc::full);
  CHECK_FALSE(books.create("b").is_new);
  CHECK(code_of([&] { books.validate(Document::parse("{}")); }) == Errc::invalid);
  CHECK_FALSE(code_of([&] { books.validate(ada()); }).has_value());
  CHECK(code_of([] { Books(nullptr); }) == Errc::invalid);
  CHECK(code_of([] { Books(std::make_shared<addrbook::MemoryBooks>(), {{}}); }) == Errc::invalid);
}

TEST_CASE("Books: stop refuses writes to all books, and start allows them again") {
  Books books;
  const auto book = books.create("ada").book;
  const auto entry = book->create(ada());
  books.stop();
  CHECK(code_of([&] { book->create(ada()); }) == Errc::stopped);
  CHECK(code_of([&] { books.create("new"); }) == Errc::stopped);
  CHECK(code_of([&] { books.remove("ada"); }) == Errc::stopped);
  CHECK_FALSE(books.create("ada").is_new);
  CHECK(book->get(entry.id).document == ada());
  CHECK_FALSE(books.health().ready);
  CHECK_FALSE(book->health().ready);
  books.start();
  CHECK(books.health().ready);
  book->create(ada());
  // One book alone.
  const auto other = books.create("other").book;
  book->stop();
  CHECK(code_of([&] { book->create(ada()); }) == Errc::stopped);
  other->create(ada());
  book->start();
  book->create(ada());
}

TEST_CASE("Books: a fault of the storage is passed on, and reported by health()") {
  const auto store = std::make_shared<CountingBooks>();
  Books books(store);
  store->is_broken = true;
  CHECK(code_of([&] { static_cast<void>(books.find("ada")); }) == Errc::storage);
  CHECK(code_of([&] { books.create("ada"); }) == Errc::storage);
  CHECK(code_of([&] { books.remove("ada"); }) == Errc::storage);
  const auto health = books.health();
  CHECK_FALSE(health.ready);
  CHECK(health.fault != nullptr);
  store->is_broken = false;
  CHECK(books.health().ready);
  CHECK(books.create("ada").is_new);
}

TEST_CASE("Books: those that nobody uses are closed when there are many") {
  const auto store = std::make_shared<CountingBooks>();
  BooksOptions options;
  options.max_open_books = 10;
  Books books(store, {}, options);
  const auto used = books.create("used").book;
  for (int i = 0; i < 100; ++i) books.create("book-" + std::to_string(i));
  store->opened = 0;
  CHECK(books.find("used") == used);  // it stays open while somebody keeps it
  CHECK(store->opened == 0);
  for (int i = 0; i < 100; ++i) {
    const auto book = books.find("book-" + std::to_string(i));
    REQUIRE(book != nullptr);
    CHECK(books.find("book-" + std::to_string(i)) == book);
  }
  CHECK(store->opened >= 90);
  CHECK(store->opened <= 100);
  // Absent names are not kept.
  store->opened = 0;
  for (int i = 0; i < 3; ++i) CHECK(books.find("never") == nullptr);
  CHECK(store->opened == 3);
}

TEST_CASE("Books: threads that make, use and remove the same books") {
  BooksOptions options;
  options.max_open_books = 2;
  Books books(std::make_shared<addrbook::MemoryBooks>(), {}, options);
  const auto failures = test::run_parallel(8, [&](std::size_t t) {
    for (std::size_t i = 0; i < 200; ++i) {
      const std::string name = "book-" + std::to_string((t + i) % 5);
      try {
        const auto book = books.create(name).book;
        const auto entry = book->create(ada());
        if (books.open(name)->find(entry.id) && i % 10 == 0) books.remove(name);
      } catch (const NoSuchBook&) {
        // Another thread has removed it.
      }
    }
  });
  CHECK(failures == "");
}

TEST_CASE("books: who watches a book is woken when it is removed, and when all are stopped") {
  Books books;
  const auto ada_book = books.create("ada").book;
  const auto bob_book = books.create("bob").book;
  std::atomic<int> ada_woken{0};
  std::atomic<int> bob_woken{0};
  const auto of_ada = ada_book->watch([&] { ++ada_woken; });
  const auto of_bob = bob_book->watch([&] { ++bob_woken; });
  ada_book->create(ada());
  CHECK(ada_woken == 1);
  CHECK(bob_woken == 0);
  books.remove("ada");
  CHECK(ada_woken == 2);
  CHECK_THROWS_AS(static_cast<void>(ada_book->changes()), NoSuchBook);
  books.stop();
  CHECK(bob_woken == 1);
  CHECK(bob_book->is_stopped());
}

TEST_CASE("books: each forgets removals as their options say") {
  BooksOptions options;
  options.tombstone_lifetime = std::chrono::hours(0);
  Books books(std::make_shared<addrbook::MemoryBooks>(), {}, options);
  const auto book = books.create("ada").book;
  const auto known = book->changes().next;
  book->remove(book->create(ada()).id);
  CHECK(book->changes(known).is_expired);
}
