#include <addrbook/rest/cursor.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>

using addrbook::Position;
using addrbook::Query;
using addrbook::detail::CursorScope;
using addrbook::detail::hex;
using namespace std::string_literals;

TEST_CASE("cursor: what is written is read again") {
  const CursorScope scope(7, {});
  Position position;
  position.is_suffix = true;
  position.text = "zoe\x01Zo\xC3\xAB";
  position.number = (std::numeric_limits<std::uint64_t>::max)();
  const auto read = scope.read(scope.write(position));
  REQUIRE(read);
  CHECK(read->is_suffix);
  CHECK_FALSE(read->is_absent);
  CHECK(read->text == position.text);
  CHECK(read->number == position.number);
  position = {};
  position.is_absent = true;
  REQUIRE(scope.read(scope.write(position)));
  CHECK(scope.read(scope.write(position))->is_absent);
}

TEST_CASE("cursor: it is good for its book and query only") {
  Query query;
  query.words = "an";
  const std::string cursor = CursorScope(7, query).write({});
  CHECK(CursorScope(7, query).read(cursor));
  CHECK_FALSE(CursorScope(8, query).read(cursor));
  const auto is_read = [&](auto change) {
    Query other = query;
    change(other);
    return CursorScope(7, other).read(cursor).has_value();
  };
  CHECK_FALSE(is_read([](Query& other) { other.words = "a"; }));
  CHECK_FALSE(is_read([](Query& other) { other.sort = Query::Sort::name; }));
  CHECK_FALSE(is_read([](Query& other) { other.descending = true; }));
  CHECK_FALSE(is_read([](Query& other) { other.email = ""; }));
  CHECK_FALSE(is_read([](Query& other) { other.phone = ""; }));
  CHECK_FALSE(is_read([](Query& other) { other.label = ""; }));
  CHECK_FALSE(is_read([](Query& other) { other.ids.emplace(); }));
}

TEST_CASE("cursor: anything else is refused") {
  const CursorScope scope(7, {});
  Position position;
  position.number = 12;
  position.text = "ab";
  const std::string whole = scope.write(position);
  REQUIRE(scope.read(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(scope.read(whole.substr(0, size)));
    std::string other = whole;
    other[size] = other[size] == '1' ? '2' : '1';
    CHECK_FALSE(scope.read(other));
  }
  CHECK_FALSE(scope.read(whole + "61"));
  // What a database may not take is refused also with the right mark.
  for (const std::string& text : {"\xC3"s, "a\0"s}) {
    position.text = text;
    CHECK_FALSE(scope.read(scope.write(position)));
  }
}
