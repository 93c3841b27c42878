// What it takes to find contacts in SQLite: in a book of many, and in one of 1,000 among 1,000 such
// books; and in PostgreSQL. The contacts are invented. Each kind of query is asked for different
// values, which are drawn before.
//
// Usage: find_bench [contacts = 1000000] [repetitions = 300] [books of 1000 = 1000]
//        find_bench postgresql [contacts = 200000] [repetitions = 300]
//        find_bench fill [contacts = 100000] [batch = 1000] [threads = 1]
//
// The first one also prints how long it takes to make the file, in batches of 1000. The second one
// starts a server of its own, and measures a book of many after ANALYZE. `fill` only makes a file,
// in a book without HTTP; with threads, each commits batches of its own.

#include <addrbook/postgresql.hpp>
#include <addrbook/sqlite.hpp>

#include <bench/contacts.hpp>
#include <support/postgresql_server.hpp>
#include <support/process.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using addrbook::Query;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string id_of(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return "01a20adca0da7a588" + std::string(15 - digits.size(), '0') + digits;
}

void fill(addrbook::Store& store, bench::InventedContacts& invented, std::uint64_t first,
          std::uint64_t count, std::uint64_t batch) {
  for (std::uint64_t done = 0; done < count;) {
    std::vector<addrbook::Write> writes;
    for (std::uint64_t i = 0; i < batch && done < count; ++i, ++done) {
      writes.push_back(
          {id_of(first + done), addrbook::Document::parse(invented.contact(first + done)), {}});
    }
    if (!store.commit({std::move(writes)}).done()) std::exit(1);
  }
}

class Table {
 public:
  explicit Table(int repetitions) : repetitions_(repetitions) {
    std::printf("%-58s %9s %9s %9s %9s\n", "first page of 100, ms", "p50", "p99", "slowest",
                "rows");
  }

  /// @param query  makes one, of the values of this repetition
  void row(const std::string& name, const addrbook::Store& store,
           const std::function<Query()>& query) {
    measure(name, [&] {
      const Query asked = query();
      const auto start = Clock::now();
      const auto page = store.select(asked, std::nullopt, limit);
      return std::pair(Clock::now() - start, page.entries.size());
    });
  }
  void measure(const std::string& name,
               const std::function<std::pair<Clock::duration, std::size_t>()>& once) {
    std::vector<double> times;
    std::size_t rows = 0;
    const auto begin = Clock::now();
    for (int i = 0; i < repetitions_ && (i < 5 || seconds_since(begin) < 20); ++i) {
      const auto [time, found] = once();
      times.push_back(std::chrono::duration<double, std::milli>(time).count());
      rows += found;
    }
    std::sort(times.begin(), times.end());
    std::printf("%-58s %9.2f %9.2f %9.2f %9.1f\n", name.c_str(), times[times.size() / 2],
                times[times.size() * 99 / 100], times.back(),
                static_cast<double>(rows) / static_cast<double>(times.size()));
    std::fflush(stdout);
  }

  static inline const addrbook::PageLimit limit{100, std::size_t{1024} * 1024};

 private:
  const int repetitions_;
};

Query words(std::string text) {
  Query query;
  query.words = std::move(text);
  return query;
}

void measure(Table& table, const addrbook::Store& store, bench::InventedContacts& invented,
             std::uint64_t count, const std::string& of) {
  const auto row = [&](const std::string& name, const std::function<Query()>& query) {
    table.row(of + name, store, query);
  };
  row("a beginning of one letter", [&] { return words(invented.word(2'000).substr(0, 1)); });
  row("of two letters", [&] { return words(invented.word(2'000).substr(0, 2)); });
  row("of three", [&] { return words(invented.word(2'000).substr(0, 3)); });
  row("of four", [&] { return words(invented.word(2'000).substr(0, 4)); });
  row("a whole word", [&] { return words(invented.word(20'000)); });
  row("two beginnings of two", [&] {
    return words(invented.word(2'000).substr(0, 2) + " " + invented.word(20'000).substr(0, 2));
  });
  row("two of three", [&] {
    return words(invented.word(2'000).substr(0, 3) + " " + invented.word(20'000).substr(0, 3));
  });
  row("two letters, the latest first", [&] {
    Query query = words(invented.word(2'000).substr(0, 2));
    query.descending = true;
    return query;
  });
  row("two letters, the latest write first", [&] {
    Query query = words(invented.word(2'000).substr(0, 2));
    query.sort = Query::Sort::updated;
    query.descending = true;
    return query;
  });
  row("three letters, the latest write first", [&] {
    Query query = words(invented.word(2'000).substr(0, 3));
    query.sort = Query::Sort::updated;
    query.descending = true;
    return query;
  });
  row("three letters, by name", [&] {
    Query query = words(invented.word(2'000).substr(0, 3));
    query.sort = Query::Sort::name;
    return query;
  });
  row("a whole word, by name", [&] {
    Query query = words(invented.word(20'000));
    query.sort = Query::Sort::name;
    return query;
  });
  row("nothing", [&] { return words("qqqqqq" + std::to_string(invented.below(1000))); });
  row("a mail", [&] {
    Query query;
    query.email = bench::InventedContacts::email(invented.below(count));
    return query;
  });
  row("a phone", [&] {
    Query query;
    query.phone = bench::InventedContacts::phone(invented.below(count));
    return query;
  });
  row("the last seven digits of a phone", [&] {
    Query query;
    const std::string phone = bench::InventedContacts::phone(invented.below(count));
    query.phone = phone.substr(phone.size() - 7);
    return query;
  });
  row("a label", [&] {
    Query query;
    query.label = invented.word(50);
    return query;
  });
  for (const auto& [name, sort] :
       std::vector<std::pair<std::string, Query::Sort>>{{"created", Query::Sort::created},
                                                        {"updated", Query::Sort::updated},
                                                        {"name", Query::Sort::name},
                                                        {"given", Query::Sort::given},
                                                        {"family", Query::Sort::family}}) {
    for (const bool is_descending : {false, true}) {
      const auto by = sort;
      row("all, by " + name + (is_descending ? ", descending" : ""), [by, is_descending] {
        Query query;
        query.sort = by;
        query.descending = is_descending;
        return query;
      });
    }
  }
  std::optional<addrbook::Position> after;
  table.measure(of + "all, by given, the next page", [&] {
    Query query;
    query.sort = Query::Sort::given;
    const auto start = Clock::now();
    auto page = store.select(query, after, Table::limit);
    const auto time = Clock::now() - start;
    after = page.next;
    return std::pair(time, page.entries.size());
  });
  table.measure(of + "how many begin with two letters", [&] {
    const Query query = words(invented.word(2'000).substr(0, 2));
    const auto start = Clock::now();
    const auto found = store.count(query);
    return std::pair(Clock::now() - start, static_cast<std::size_t>(found));
  });
}

double megabytes_of(const std::string& path) {
  return static_cast<double>(std::filesystem::file_size(path)) / 1'000'000;
}

void fill_only(std::uint64_t count, std::uint64_t batch, std::size_t threads) {
  const test::TempFolder folder;
  const std::string path = (folder.path() / "book").string();
  const auto store = addrbook::open_sqlite(path);
  const auto start = Clock::now();
  std::vector<std::thread> fillers;
  for (std::size_t i = 0; i < threads; ++i) {
    fillers.emplace_back([&, i] {
      bench::InventedContacts invented(static_cast<unsigned>(i));
      fill(*store, invented, i * count / threads, count / threads, batch);
    });
  }
  for (auto& filler : fillers) filler.join();
  const double seconds = seconds_since(start);
  std::printf("%llu contacts in batches of %llu by %zu threads: %.1f s, %.0f/s, %.0f MB\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(batch),
              threads, seconds, static_cast<double>(count) / seconds, megabytes_of(path));
}

void measure_postgresql(std::uint64_t count, int repetitions) {
  const test::PostgresqlServer server;
  std::printf("PostgreSQL %s\n", test::PostgresqlServer::version().c_str());
  const auto store = addrbook::open_postgresql(server.conninfo());
  bench::InventedContacts invented(2);
  const auto start = Clock::now();
  fill(*store, invented, 0, count, 1000);
  std::printf("%llu contacts: %.1f s to fill\n", static_cast<unsigned long long>(count),
              seconds_since(start));
  server.sql("VACUUM ANALYZE");
  Table table(repetitions);
  measure(table, *store, invented, count, "");
}

std::uint64_t number_at(int argc, char** argv, int at, std::uint64_t otherwise) {
  return argc > at ? std::strtoull(argv[at], nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "postgresql") {
    measure_postgresql(number_at(argc, argv, 2, 200'000),
                       static_cast<int>(number_at(argc, argv, 3, 300)));
    return 0;
  }
  std::printf("SQLite %s\n", ::sqlite3_libversion());
  if (argc > 1 && std::string_view(argv[1]) == "fill") {
    fill_only(number_at(argc, argv, 2, 100'000), number_at(argc, argv, 3, 1000),
              number_at(argc, argv, 4, 1));
    return 0;
  }
  const std::uint64_t count = number_at(argc, argv, 1, 1'000'000);
  const int repetitions = static_cast<int>(number_at(argc, argv, 2, 300));
  const std::uint64_t books = number_at(argc, argv, 3, 1000);
  constexpr std::uint64_t batch = 1000;
  const test::TempFolder folder;
  const std::string path = (folder.path() / "book").string();
  bench::InventedContacts invented(2);
  {
    auto store = addrbook::open_sqlite(path);
    const auto start = Clock::now();
    fill(*store, invented, 0, count, batch);
    std::printf("%llu contacts: %.1f s to fill, %.0f MB\n", static_cast<unsigned long long>(count),
                seconds_since(start), megabytes_of(path));
    store.reset();
    store = addrbook::open_sqlite(path);
    Table table(repetitions);
    measure(table, *store, invented, count, "");
  }
  if (books == 0) return 0;
  const std::string many = (folder.path() / "books").string();
  const auto catalog = addrbook::detail::sqlite_books(many, {});
  std::vector<std::shared_ptr<addrbook::Store>> stores;
  const auto start = Clock::now();
  for (std::uint64_t i = 0; i < books; ++i) {
    stores.push_back(catalog->create("book-" + std::to_string(i)).store);
    fill(*stores.back(), invented, 0, 1000, batch);
  }
  std::printf("\n%llu books of 1000: %.1f s to fill, %.0f MB\n",
              static_cast<unsigned long long>(books), seconds_since(start), megabytes_of(many));
  Table table(repetitions);
  measure(table, *stores[stores.size() / 2], invented, 1000, "one of many: ");
  const auto alone = addrbook::open_sqlite((folder.path() / "alone").string());
  fill(*alone, invented, 0, 1000, batch);
  std::printf("\n");
  Table table_of_alone(repetitions);
  measure(table_of_alone, *alone, invented, 1000, "alone: ");
}
