#include <addrbook/contacts/scan.hpp>

#include <addrbook/addrbook.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

using addrbook::Document;
using addrbook::Position;
using addrbook::Query;
using addrbook::Service;
using Names = std::vector<std::string>;

namespace {

/// The names of all entries that a query asks for, page by page.
std::vector<std::string> names(const Service& book, const Query& query, std::size_t limit) {
  std::vector<std::string> found;
  std::optional<Position> after;
  do {
    const auto page = book.list(query, {limit, 1'000'000}, after);
    CHECK(page.entries.size() <= limit);
    for (const auto& entry : page.entries) {
      const auto name = entry.document.json()["name"];
      found.push_back(name.is_string() ? name.get<std::string>() : "-");
    }
    after = page.next;
  } while (after);
  return found;
}

}  // namespace

TEST_CASE("scan: pages of any size are the whole list, absent texts last in both directions") {
  Service book;
  for (const char* const text :
       {R"({"name":"A"})", "{}", R"({"name":"b"})", R"({"name":7})", R"({"name":"a"})"}) {
    book.create(Document::parse(text));
  }
  for (const std::size_t limit : {1U, 2U, 3U, 9U}) {
    Query query;
    CHECK(names(book, query, limit) == Names{"A", "-", "b", "-", "a"});
    query.descending = true;
    CHECK(names(book, query, limit) == Names{"a", "-", "b", "-", "A"});
    query.sort = Query::Sort::name;
    CHECK(names(book, query, limit) == Names{"b", "a", "A", "-", "-"});
    query.descending = false;
    CHECK(names(book, query, limit) == Names{"A", "a", "b", "-", "-"});
    CHECK(book.count(query) == 5);
  }
}

TEST_CASE("scan: what is asked for combines with and") {
  Service book;
  book.create(Document::parse(R"({"name":"Ann Lee","emails":["Ann@Example.com"],"labels":["x"]})"));
  book.create(Document::parse(R"({"name":"Anna","phones":["+1 555 555 0123"]})"));
  Query query;
  query.words = "an";
  CHECK(names(book, query, 9) == Names{"Ann Lee", "Anna"});
  CHECK(book.count(query) == 2);
  query.email = "ann@example.COM";
  CHECK(names(book, query, 9) == Names{"Ann Lee"});
  query.label = "y";
  CHECK(names(book, query, 9).empty());
  Query phone;
  phone.phone = "(555) 555-0123";
  CHECK(names(book, phone, 9) == Names{"Anna"});
  phone.phone = "0123";
  CHECK(names(book, phone, 9).empty());
  Query punctuation;
  punctuation.words = "...";
  CHECK(names(book, punctuation, 9).empty());
  CHECK(book.count(punctuation) == 0);
}
