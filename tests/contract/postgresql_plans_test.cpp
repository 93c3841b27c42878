// How many rows PostgreSQL reads for a search in a large book: not how long it takes, which depends
// on the machine.

#include <addrbook/postgresql.hpp>
#include <addrbook/service.hpp>

#include <support/postgresql_server.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using addrbook::Document;
using addrbook::Query;
using addrbook::Service;

/// A book of 40,002 contacts, of which the first one and the last one are unlike all others. Of the
/// others each fourth has a word that begins with "an". 20 one after the other have the word
/// "quincy", and 20 of the 4000 behind them.
class LargeBook {
 public:
  LargeBook() {
    {
      const auto service = open();
      // The first one of all is the last one in the other direction.
      service->create("first", unlike("Xerxes", 1));
      for (int i = 0; i < 20; ++i) {
        const std::string number = std::to_string(i);
        nlohmann::json json;
        json["name"] = (i % 4 == 0 ? "Anna Number" : "Bert Number") + number;
        json["emails"] = {"other." + number + "@example.com"};
        json["phones"] = {"+1 555 01" + std::to_string(10 + i) + "00"};
        json["labels"] = {"friends"};
        service->create("other-" + number, Document::parse(json.dump()));
      }
    }
    // Copies of the others, 20 at a time.
    server_.sql(
        "INSERT INTO addrbook_entries SELECT key + 20 * i, id || '-' || i, revision + 20 * i, "
        "created_at, updated_at, document FROM addrbook_entries, generate_series(1, 1999) AS i "
        "WHERE id <> 'first';"
        "INSERT INTO addrbook_search SELECT key + 20 * i, name, given, family, words || CASE "
        "WHEN i % 200 = 0 THEN array_to_tsvector(ARRAY['1:quincy']) ELSE '' END, exact "
        "FROM addrbook_search, generate_series(1, 1999) AS i "
        "WHERE key <> (SELECT min(key) FROM addrbook_search);"
        "UPDATE addrbook_books SET revision = revision + 20 * 1999, count = count + 20 * 1999");
    open()->create("last", unlike("Zelda", 2));
    server_.sql("VACUUM ANALYZE");
  }

  static Document unlike(const std::string& name, int number) {
    return Document::parse(R"({"name":")" + name + R"( Unlike","emails":[")" + name +
                           R"(@example.com"],"phones":["+1 212 555 019)" + std::to_string(number) +
                           R"("],"labels":[")" + name + R"("]})");
  }

  [[nodiscard]] std::shared_ptr<Service> open() const {
    return std::make_shared<Service>(addrbook::open_postgresql(server_.conninfo()));
  }

  /// Runs a call often enough for PostgreSQL to plan without the values that it is asked for, which
  /// it does from the sixth time on.
  /// @returns how many rows of addrbook_search it has read each time
  std::uint64_t rows_of(const std::function<void(const Service&)>& call) const {
    constexpr std::uint64_t times = 10;
    const std::uint64_t before = rows();
    {
      const auto service = open();
      for (std::uint64_t i = 0; i < times; ++i) call(*service);
    }
    return (rows() - before) / times;
  }

 private:
  /// @returns how many have been read so far. A connection tells what it has read when it ends.
  [[nodiscard]] std::uint64_t rows() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (server_.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                       "'addrbook'") != "0") {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("still connected");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return std::stoull(
        server_.sql("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables "
                    "WHERE relname = 'addrbook_search'"));
  }

  const test::PostgresqlServer server_;
};

const LargeBook& large_book() {
  static const LargeBook book;
  return book;
}

}  // namespace

TEST_CASE("postgresql: a search in a large book reads the rows that it finds, and not the book") {
  const LargeBook& book = large_book();
  const auto rows_of = [&](const Query& query, std::size_t found) {
    return book.rows_of([&](const Service& service) {
      addrbook::PageLimit limit;
      limit.entries = 100;
      const auto page = service.list(query, limit);
      if (page.entries.size() != found) {
        throw std::runtime_error("finds " + std::to_string(page.entries.size()));
      }
    });
  };
  for (const bool is_descending : {false, true}) {
    CAPTURE(is_descending);
    const std::string name = is_descending ? "xerxes" : "zelda";  // the last one in this order
    Query query;
    query.descending = is_descending;
    // A mail and a phone by their index alone.
    Query by_mail = query;
    by_mail.email = name + "@example.com";
    CHECK(rows_of(by_mail, 1) <= 2);
    by_mail.words = name;
    CHECK(rows_of(by_mail, 1) <= 2);
    Query by_phone = query;
    by_phone.phone = std::string("+1 212 555 019") + (is_descending ? "1" : "2");
    CHECK(rows_of(by_phone, 1) <= 2);
    by_phone.phone = std::string("555 019") + (is_descending ? "1" : "2");
    CHECK(rows_of(by_phone, 1) <= 2);
    // What many may have: some of the book first, 50 for each that is wanted.
    constexpr std::uint64_t few = 5'200;
    Query by_label = query;
    by_label.label = name;
    CHECK(rows_of(by_label, 1) <= few);
    by_label.label = "friends";
    CHECK(rows_of(by_label, 100) <= 200);
    Query by_words = query;
    by_words.words = name;
    CHECK(rows_of(by_words, 1) <= few);
    by_words.words = "zz";
    CHECK(rows_of(by_words, 0) <= few);
    by_words.words = "an";
    CHECK(rows_of(by_words, 100) <= 500);
  }
}

TEST_CASE("postgresql: pages of a search in a large book have what is near and what is far") {
  std::vector<std::string> expected;
  for (int i = 200; i < 2000; i += 200) {
    for (int number = 0; number < 20; ++number) {
      expected.push_back("other-" + std::to_string(number) + "-" + std::to_string(i));
    }
  }
  const auto service = large_book().open();
  for (const bool is_descending : {false, true}) {
    for (const std::size_t size : {1U, 7U, 20U, 1000U}) {
      CAPTURE(is_descending);
      CAPTURE(size);
      Query query;
      query.descending = is_descending;
      query.words = "quincy";
      addrbook::PageLimit limit;
      limit.entries = size;
      std::vector<std::string> ids;
      std::optional<addrbook::Position> after;
      do {
        const auto page = service->list(query, limit, after);
        for (const auto& entry : page.entries) ids.push_back(entry.id);
        after = page.next;
      } while (after);
      if (is_descending) std::reverse(ids.begin(), ids.end());
      CHECK(ids == expected);
    }
  }
}

TEST_CASE("postgresql: contacts that are the same are found by the index in a large book") {
  std::vector<addrbook::Identity> identities;
  identities.reserve(100);
  for (int i = 0; i < 99; ++i) {
    identities.push_back(addrbook::detail::identity_of(LargeBook::unlike("Nobody", 100 + i)));
  }
  identities.push_back(addrbook::detail::identity_of(LargeBook::unlike("Zelda", 2)));
  CHECK(large_book().rows_of([&](const Service& service) {
    const auto found = service.find_same(identities);
    if (found.front() || !found.back()) throw std::runtime_error("finds others");
  }) <= 2);
}
