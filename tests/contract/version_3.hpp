/// What is in tests/data/book-v3.* and book-v4.sql.
#pragma once

#include <addrbook/book_store.hpp>
#include <addrbook/query.hpp>
#include <addrbook/store.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "writes.hpp"

namespace test {

inline void check_version_3(addrbook::BookStore& books) {
  const auto list = books.list({}, 10);
  REQUIRE(list.books.size() == 2);
  CHECK(list.books[0].name == "default");
  CHECK(list.books[1].name == "team");
  const auto book = books.open("default");
  const auto team = books.open("team");
  CHECK(book->state().revision == 7);
  CHECK(book->state().count == 4);
  CHECK(team->state().revision == 2);
  const auto entry = book->find("018bcfe5687b7000800000000000b0b0");
  REQUIRE(entry);
  CHECK(entry->revision == 5);
  CHECK(entry->created_at.time_since_epoch().count() == 1'700'000'000'124);
  const auto found = [](const Store& store, const addrbook::Query& query) {
    std::string ids;
    for (const Entry& each : store.select(query, std::nullopt, {}).entries) {
      ids += each.id.substr(0, 1) + std::to_string(each.created) + " ";
    }
    return ids;
  };
  addrbook::Query query;
  query.sort = addrbook::Query::Sort::name;
  CHECK(found(*book, query) == "01 e4 02 m7 ");
  query.sort = addrbook::Query::Sort::updated;
  CHECK(found(*book, query) == "01 e4 02 m7 ");
  query.words = "gra";
  CHECK(found(*book, query) == "02 ");
  query.words = "ad";
  CHECK(found(*book, query) == "01 ");
  CHECK(found(*team, query) == "a1 ");
  query.words = "";
  query.email = "ADA@example.com";
  CHECK(found(*book, query) == "01 ");
  CHECK(found(*team, query) == "a1 ");
  query.email.reset();
  query.phone = "5550100100";
  CHECK(found(*book, query) == "02 ");
}

/// What was removed by an older version is not known; what is removed from now on is.
inline void check_followed(addrbook::BookStore& books) {
  const auto book = books.open("default");
  const auto before = book->changes(0, {}, UINT64_MAX);
  CHECK(before.changes.size() == 4);
  CHECK(before.forgotten == 7);
  CHECK(before.next() == 7);
  book->commit({{removal("018bcfe5687b7000800000000000b0b0")}});
  const auto since = book->changes(before.next(), {});
  REQUIRE(since.changes.size() == 1);
  CHECK_FALSE(since.changes[0].entry.has_value());
  CHECK(since.changes[0].id == "018bcfe5687b7000800000000000b0b0");
  CHECK(since.changes[0].revision == 8);
  CHECK(since.forgotten == 7);
}

}  // namespace test
