#include <addrbook/http/prefix.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace detail = addrbook::detail;

TEST_CASE("prefix: paths that mean the same to every router") {
  const std::vector<std::pair<std::string, bool>> table{
      {"/addresses", true},
      {"/a", true},
      {"/api/v1.0/people", true},
      {"/~ada/my_book-2", true},
      {"/...", true},
      {"/.hidden", true},
      {"", false},
      {"/", false},
      {"//", false},
      {"addresses", false},
      {"/addresses/", false},
      {"/a//b", false},
      {"//a", false},
      {"/.", false},
      {"/a/..", false},
      {"/a/./b", false},
      {"/../a", false},
      {"/a b", false},
      {"/a?x", false},
      {"/a#x", false},
      {"/a%20", false},
      {"/:id", false},
      {"/(.*)", false},
      {"/a+", false},
      {"/a*", false},
      {"/[a]", false},
      {"/a\\d", false},
      {"/caf\xC3\xA9", false},
      {"/a\n", false},
      {"/a\0"s, false},
      {"/books/{book}/addresses", true},
      {"/a/b/{book}/c/d", true},
      {"/{book}/addresses", false},
      {"/books/{book}", false},
      {"/books/{book}/", false},
      {"/books/{book}addresses", false},
      {"/books/x{book}/addresses", false},
      {"/{book}", false},
      {"/a/{book}/{book}/b", false},
      {"/a/{book}/b/{book}/c", false},
      {"/a/{id}/b", false},
      {"/a/{book}/../b", false},
      {"/../{book}/a", false},
  };
  for (const auto& row : table) {
    const auto& prefix = row.first;
    const auto& is_valid = row.second;
    CAPTURE(prefix);
    CHECK(detail::is_valid_prefix(prefix) == is_valid);
  }
}

TEST_CASE("prefix: its parts, without and with the name of a book") {
  const detail::Prefix one("/addresses");
  CHECK_FALSE(one.names_books());
  CHECK(one.root() == "/addresses");
  CHECK(one.tail().empty());
  CHECK(one.of_book("") == "/addresses");
  CHECK(one.of_book("ada") == "/addresses");
  const detail::Prefix many("/api/books/{book}/v1/addresses");
  CHECK(many.names_books());
  CHECK(many.root() == "/api/books");
  CHECK(many.tail() == "/v1/addresses");
  CHECK(many.of_book("a+b") == "/api/books/a+b/v1/addresses");
}
