/// What is in tests/data/book-v2.*.
#pragma once

#include <addrbook/entry.hpp>
#include <addrbook/service.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <string>

namespace test {

/// @param before  a time before the migration
inline void check_version_2(const addrbook::Service& book, addrbook::Timestamp before) {
  const auto page = book.page();
  CHECK(page.state.epoch == 0x0123456789abcdefU);
  CHECK(page.state.revision == 7);
  CHECK(page.state.count == 5);
  REQUIRE(page.entries.size() == 5);
  const auto& first = page.entries[0];
  CHECK(first.id == "018bcfe5687b7000800000000000ada0");
  CHECK(first.created_at == addrbook::Timestamp(std::chrono::milliseconds(1'700'000'000'123)));
  CHECK(first.updated_at == first.created_at);
  const auto& second = page.entries[1];
  CHECK(second.created == 2);
  CHECK(second.revision == 5);
  CHECK(second.document.text() == R"({"name":"Grace Hopper","phone":"555-0100"})");
  CHECK(book.get(second.id).document == second.document);
  // Of all others the time is not known.
  for (std::size_t i = 1; i < page.entries.size(); ++i) {
    CAPTURE(page.entries[i].id);
    CHECK(page.entries[i].created_at >= before);
    CHECK(page.entries[i].created_at <= addrbook::now());
    CHECK(page.entries[i].updated_at == page.entries[i].created_at);
  }
}

}  // namespace test
