#include <addrbook/export.hpp>

#include <addrbook/import.hpp>

#include <support/line_format.hpp>
#include <unit/fake_store.hpp>
#include <unit/refusal.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

using addrbook::Document;
using addrbook::Export;
using addrbook::Import;
using addrbook::Query;
using addrbook::Service;

namespace {

std::string all(Export& pieces) {
  std::string text;
  while (pieces.read(text)) {
  }
  return text;
}

std::string all(const std::shared_ptr<Service>& book, const Query& query = {},
                const addrbook::WriteOptions& options = {"1", false}) {
  const auto format = test::line_format();
  Export pieces(book, *format, query, options);
  return all(pieces);
}

std::shared_ptr<Service> small_book() {
  auto book = std::make_shared<Service>();
  book->create("b", Document::parse(R"({"name":"Bob"})"));
  book->create("a", Document::parse(R"({"name":"Ada"})"));
  return book;
}

}  // namespace

TEST_CASE("export: all entries in the order of a query, in the format's first version or another") {
  const auto book = small_book();
  CHECK(all(book, {}, {}) == "id=b {\"name\":\"Bob\"}\nid=a {\"name\":\"Ada\"}\n");
  Query query;
  query.sort = Query::Sort::name;
  CHECK(all(book, query) == "{\"name\":\"Ada\"}\n{\"name\":\"Bob\"}\n");
  query.words = "bo";
  CHECK(all(book, query) == "{\"name\":\"Bob\"}\n");
  query.words = "nobody";
  CHECK(all(book, query).empty());
}

TEST_CASE("export: goes on behind a position") {
  const auto book = small_book();
  const auto format = test::line_format();
  const auto page = book->list({}, {1, 1000});
  REQUIRE(page.next.has_value());
  Export rest(book, *format, {}, {"1", false}, page.next);
  CHECK(all(rest) == "{\"name\":\"Ada\"}\n");
  CHECK(rest.count() == 1);
}

TEST_CASE("export: what is needed") {
  const auto format = test::line_format();
  CHECK(test::refusal([&] { const Export pieces(nullptr, *format); }) == "an Export needs a book");
  CHECK(test::refusal([&] {
          const Export pieces(small_book(), *format, {}, {"3", false});
        }) == "The format lines has no version '3'");
  CHECK(test::refusal([&] { static_cast<void>(export_one({}, *format, "3")); }) ==
        "The format lines has no version '3'");
}

TEST_CASE("export: one entry alone") {
  const auto format = test::line_format();
  CHECK(export_one(small_book()->get("a"), *format) == "id=a {\"name\":\"Ada\"}");
  CHECK(export_one(small_book()->get("a"), *format, "1") == "{\"name\":\"Ada\"}");
}

TEST_CASE("export: a long book comes in pieces, of which few are held") {
  const auto book = std::make_shared<Service>();
  const std::string text = R"({"name":")" + std::string(10'000, 'x') + "\"}";
  for (int i = 0; i < 300; ++i) book->create(Document::parse(text));
  const auto format = test::line_format();
  Export pieces(book, *format, {}, {"1", false});
  CHECK(pieces.state().count == 300);
  CHECK_FALSE(pieces.is_at_last_page());
  std::size_t bytes = 0;
  std::string piece;
  while (pieces.read(piece)) {
    CHECK(piece.size() < Export::piece_bytes + 11'000);
    CHECK(pieces.memory() < 200'000);
    bytes += piece.size();
    piece.clear();
  }
  CHECK(bytes == 300 * (text.size() + 1));
  CHECK(pieces.count() == 300);
  CHECK(pieces.is_at_last_page());
  CHECK_FALSE(pieces.read(piece));
}

TEST_CASE("export: a large entry is held only while it is written") {
  const auto book = small_book();
  const std::string text = R"({"name":")" + std::string(300'000, 'x') + "\"}";
  book->create(Document::parse(text));
  book->create(Document());
  const auto format = test::line_format();
  for (const bool is_sorted : {false, true}) {
    Query query;
    if (is_sorted) query.sort = Query::Sort::updated;
    CHECK(all(book, query, {"1", false}) == all(small_book(), {}, {"1", false}) + text + "\n{}\n");
  }
  Query only;
  only.sort = Query::Sort::updated;
  only.descending = true;
  book->remove(book->list().back().id);
  Export pieces(book, *format, only, {"1", false});
  CHECK(pieces.memory() < 1000);
  CHECK_FALSE(pieces.is_at_last_page());
  std::string first;
  CHECK(pieces.read(first));
  CHECK(first.substr(0, text.size()) == text);
  CHECK(pieces.memory() < 1000);
}

TEST_CASE("export: what is given back is read again") {
  const auto book = std::make_shared<Service>();
  for (int i = 0; i < 3000; ++i) {
    book->create(Document::parse(R"({"n":)" + std::to_string(i) + R"(,"text":")" +
                                 std::string(200, 'x') + "\"}"));
  }
  const auto format = test::line_format();
  for (const bool is_sorted : {false, true}) {
    Query query;
    if (is_sorted) query.sort = Query::Sort::updated;
    Export pieces(book, *format, query);
    const std::size_t before = pieces.memory();
    std::string text;
    do {
      pieces.give_back();
    } while (pieces.read(text));
    CHECK(text == all(book, {}, {}));
    Export paused(book, *format, query);
    CHECK(paused.read(text));
    paused.give_back();
    CHECK((paused.memory() == 0) == !is_sorted);
    CHECK(before > 50'000);
  }
}

TEST_CASE("export: what is created meanwhile is left out, what is removed is not missed") {
  const auto book = std::make_shared<Service>();
  for (int i = 0; i < 2500; ++i) book->create(Document());
  const auto format = test::line_format();
  for (const Query::Sort sort : {Query::Sort::created, Query::Sort::updated}) {
    Query query;
    query.sort = sort;
    Export pieces(book, *format, query, {"1", false});
    const auto count = pieces.state().count;
    const auto last = book->create(Document::parse(R"({"name":"Late"})")).id;
    book->remove(book->page(0, {1, 1}).entries[0].id);
    CHECK(all(pieces).find("Late") == std::string::npos);
    CHECK(pieces.count() == count);  // the removed one was on the first page
    book->remove(last);
  }
}

TEST_CASE("export: a storage fault is thrown") {
  const auto store = std::make_shared<test::FakeStore>();
  const auto book = std::make_shared<Service>(store);
  for (int i = 0; i < 2500; ++i) book->create(Document());
  const auto format = test::line_format();
  Export pieces(book, *format);
  store->before_page = [] { test::fail_storage(); };
  std::string text;
  const auto read_all = [&] {
    while (pieces.read(text)) {
    }
  };
  CHECK_THROWS_AS(read_all(), addrbook::Error);
  CHECK_THROWS_AS(Export(book, *format), addrbook::Error);
}

TEST_CASE("export: what went out comes in again as it was, with its ids and all that is twice") {
  const auto book = small_book();
  book->create("c", Document::parse(R"({"name":"Bob"})"));
  const std::string text = all(book, {}, {});
  const auto other = std::make_shared<Service>();
  const auto format = test::line_format();
  Import import(other, *format);
  import.write(text);
  CHECK(import.finish().created == 3);
  CHECK(all(other, {}, {}) == text);
}
