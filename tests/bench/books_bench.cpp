// Many books in one SQLite file or PostgreSQL database.
//
// Usage: books_bench writers [writers = 64] [rounds = 9] [milliseconds per round = 1000]
//          commits/s of writers to a book each : to one book, in SQLite files
//        books_bench http [writers = 64] [rounds = 9] [milliseconds per round = 1000]
//          the same over HTTP: POSTs/s, each writer on a connection of its own
//        books_bench many [books = 100000] [entries of each = 100] [GETs = 20000] [file]
//          start-up, GETs over HTTP of random entries of random books : of one book with 1,000
//          entries, and memory; a file that exists is used as it is
//        books_bench idle [books = 100000]
//          memory of a book that is open and idle
//        books_bench delayed [milliseconds of a round trip = 5] [writers = 64]
//          creates/s of writers to one book in PostgreSQL, and to a book each

#include <addrbook/addrbook.hpp>
#include <addrbook/postgresql.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>

#include <bench/contacts.hpp>
#include <bench/load.hpp>
#include <support/postgresql_server.hpp>
#include <support/proc.hpp>
#include <support/process.hpp>
#include <support/silent_proxy.hpp>

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using addrbook::BookStore;
using addrbook::Store;
using bench::Clock;
using Stores = std::vector<std::shared_ptr<Store>>;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

addrbook::Document document() {
  return addrbook::Document::trusted(bench::document);
}

std::string name_of(std::size_t book) {
  return "user-" + std::to_string(book);
}

/// Each thread creates entries, one after the other. @returns commits per second
double commits(const Stores& stores, std::chrono::milliseconds duration) {
  static unsigned seed = 0;
  std::atomic<std::uint64_t> done{0};
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  for (const auto& store : stores) {
    threads.emplace_back([&done, &store, end = start + duration,
                          contacts = bench::InventedContacts(++seed)]() mutable {
      while (Clock::now() < end) {
        auto document = addrbook::Document::trusted(contacts.contact(contacts.below(10'000'000)));
        if (store->commit({{{addrbook::make_id(), std::move(document), {}}}}).done()) ++done;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return static_cast<double>(done.load()) / seconds_since(start);
}

/// @returns a store for each of `count` writers, of the same book or of one for each
Stores stores_of(BookStore& books, std::size_t count, bool is_one) {
  Stores stores;
  for (std::size_t i = 0; i < count; ++i) {
    stores.push_back(books.create(name_of(is_one ? 0 : i)).store);
  }
  return stores;
}

/// Measures writers to one book and to a book each in turns.
/// @param rate_of  (whether all write to one book) -> commits per second
template <class RateOf>
void compare_books(const char* what, int rounds, RateOf rate_of) {
  std::vector<double> of_one;
  std::vector<double> of_many;
  std::vector<double> ratios;
  std::printf("%s\n  %-8s %9s %9s %9s\n", what, "round", "one book", "own books", "ratio");
  for (int round = 0; round <= rounds; ++round) {
    const double first = rate_of(true);
    const double second = rate_of(false);
    if (round == 0) continue;  // to warm up
    of_one.push_back(first);
    of_many.push_back(second);
    ratios.push_back(second / first);
    std::printf("  %-8d %9.0f %9.0f %9.2f\n", round, first, second, ratios.back());
  }
  std::printf("  %-8s %9.0f %9.0f %9.2f\n", "median", bench::median(of_one), bench::median(of_many),
              bench::median(ratios));
}

void writers(std::size_t count, int rounds, std::chrono::milliseconds duration) {
  const test::TempFolder folder;
  const auto one_file = addrbook::detail::sqlite_books(folder.path() / "one.db", {});
  const auto many_file = addrbook::detail::sqlite_books(folder.path() / "many.db", {});
  const Stores one = stores_of(*one_file, count, true);
  const Stores many = stores_of(*many_file, count, false);
  compare_books("writers, commits/s", rounds,
                [&](bool is_one) { return commits(is_one ? one : many, duration); });
}

/// A server of many books in a file of its own, and clients that write to them.
class BooksOverHttp {
 public:
  /// @param is_one  all clients write to one book
  BooksOverHttp(const std::string& path, std::size_t clients, bool is_one)
      : served_(
            [&](const auto& is_bound) {
              addrbook::Server server;
              server.set_keep_alive_max_count(1'000'000'000);
              addrbook::Options options;
              options.prefix = "/books/{book}/addresses";
              options.create_on_write = true;
              addrbook::mount(server, addrbook::open_sqlite_books(path), options);
              is_bound(server.bind("127.0.0.1", 0), "/books/");
              server.listen_after_bind();
            },
            false) {
    for (std::size_t i = 0; i < clients; ++i) {
      connections_.emplace_back(served_.port);
      targets_.push_back("/books/" + name_of(is_one ? 0 : i) + "/addresses");
    }
  }

  /// @returns POSTs per second
  double run(std::chrono::milliseconds duration) {
    const auto start = Clock::now();
    std::size_t count = 0;
    do {
      for (std::size_t i = 0; i < connections_.size(); ++i) {
        connections_[i].send_request("POST", targets_[i], {{"Content-Type", "application/json"}},
                                     contacts_.contact(++sent_));
      }
      for (test::Connection& connection : connections_) {
        if (connection.read_response().status == 201) continue;
        std::fprintf(stderr, "a POST was refused\n");
        std::exit(1);
      }
      count += connections_.size();
    } while (Clock::now() - start < duration);
    return static_cast<double>(count) / seconds_since(start);
  }

 private:
  bench::Served served_;
  std::vector<test::Connection> connections_;
  std::vector<std::string> targets_;
  bench::InventedContacts contacts_{1};
  std::uint64_t sent_ = 0;
};

void http(std::size_t count, int rounds, std::chrono::milliseconds duration) {
  const test::TempFolder folder;
  BooksOverHttp one(folder.path() / "one.db", count, true);
  BooksOverHttp many(folder.path() / "many.db", count, false);
  compare_books("writers over HTTP, POSTs/s", rounds,
                [&](bool is_one) { return (is_one ? one : many).run(duration); });
}

/// The id of a book's entry. As those of make_id(), they are in the order of creation in all books.
std::string entry_of(std::size_t book, std::size_t entry) {
  constexpr std::size_t most_entries = 1'000'000;
  constexpr std::size_t begin = 0x0190'a5b0'c0de'7000;
  return addrbook::detail::hex(begin + book) +
         addrbook::detail::hex((std::uint64_t{2} << 62U) + most_entries * book + entry);
}

void fill(BookStore& books, std::size_t count, std::size_t entries) {
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  constexpr std::size_t at_once = 32;  // share their commits
  for (std::size_t t = 0; t < at_once; ++t) {
    threads.emplace_back([&] {
      for (std::size_t book = next++; book < count; book = next++) {
        const auto store = books.create(name_of(book)).store;
        std::vector<addrbook::Write> writes;
        for (std::size_t i = 0; i < entries; ++i) {
          writes.push_back({entry_of(book, i), document(), {}});
        }
        store->commit({std::move(writes)});
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

/// Finds "17-ID" as ID in the book of user 17, as a server of many books does.
class Spread final : public Store {
 public:
  explicit Spread(std::shared_ptr<addrbook::Books> books) : books_(std::move(books)) {}

 private:
  addrbook::CommitResult do_commit(addrbook::Batch /*batch*/) override { return {}; }
  [[nodiscard]] std::optional<addrbook::Entry> do_find(std::string_view id) const override {
    const auto dash = id.find('-');
    return books_->open("user-" + std::string(id.substr(0, dash)))->find(id.substr(dash + 1));
  }
  [[nodiscard]] addrbook::Page do_page(std::uint64_t, addrbook::PageLimit) const override {
    return {};
  }
  [[nodiscard]] addrbook::BookState do_state() const override { return {}; }

  const std::shared_ptr<addrbook::Books> books_;
};

std::unique_ptr<bench::Served> serve(const std::string& path) {
  constexpr bool on_first_cpu = true;
  return std::make_unique<bench::Served>(
      [=](const auto& is_bound) {
        addrbook::Server server;
        server.set_keep_alive_max_count(1'000'000'000);
        addrbook::mount(server, std::make_shared<addrbook::Service>(
                                    std::make_shared<Spread>(addrbook::open_sqlite_books(path))));
        is_bound(server.bind("127.0.0.1", 0), "/addresses");
        server.listen_after_bind();
      },
      on_first_cpu);
}

void many(std::size_t count, std::size_t entries, std::size_t gets, const std::string& file) {
  const test::TempFolder folder;
  const std::string many_path = file.empty() ? (folder.path() / "many.db").string() : file;
  const std::string one_path = folder.path() / "one.db";
  constexpr std::size_t entries_of_one = 1000;
  fill(*addrbook::detail::sqlite_books(one_path, {}), 1, entries_of_one);
  if (!std::filesystem::exists(many_path)) {
    const auto start = Clock::now();
    fill(*addrbook::detail::sqlite_books(many_path, {}), count, entries);
    std::printf("filled in %.0f s\n", seconds_since(start));
  }
  std::printf("%zu books of %zu entries, %.0f MiB\n", count, entries,
              static_cast<double>(std::filesystem::file_size(many_path)) / 1048576);
  {
    const auto start = Clock::now();
    const auto books = addrbook::open_sqlite_books(many_path);
    const auto found = books->open(name_of(count / 2))->find(entry_of(count / 2, 0));
    std::printf("start-up to the first entry: %.1f ms%s\n", 1000 * seconds_since(start),
                found ? "" : ", NOT FOUND");
  }
  const auto one = serve(one_path);
  const auto spread = serve(many_path);
  test::Connection to_one(one->port);
  test::Connection to_many(spread->port);
  std::mt19937_64 random(1);
  const auto get = [&](test::Connection& connection, std::size_t books, std::size_t each) {
    const std::size_t book = random() % books;
    const std::string target =
        "/addresses/" + std::to_string(book) + "-" + entry_of(book, random() % each);
    const auto start = Clock::now();
    if (connection.request("GET", target).status != 200) {
      std::fprintf(stderr, "not found: %s\n", target.c_str());
      std::exit(1);
    }
    return 1e6 * seconds_since(start);
  };
  for (std::size_t i = 0; i < gets; ++i) {
    get(to_one, 1, entries_of_one);
    get(to_many, count, entries);
  }
  std::vector<double> of_one;
  std::vector<double> of_many;
  for (std::size_t i = 0; i < gets; ++i) {
    of_one.push_back(get(to_one, 1, entries_of_one));
    of_many.push_back(get(to_many, count, entries));
  }
  const double first = bench::median(of_one);
  const double second = bench::median(of_many);
  std::printf("GET, median: one book %.1f us, many %.1f us, ratio %.2f\n", first, second,
              second / first);
  std::printf("memory after %zu GETs: one book %.0f MiB, many %.0f MiB\n", 2 * gets,
              static_cast<double>(test::status_kib(one->process(), "VmRSS")) / 1024,
              static_cast<double>(test::status_kib(spread->process(), "VmRSS")) / 1024);
}

void idle(std::size_t count) {
  const test::TempFolder folder;
  const std::string path = folder.path() / "idle.db";
  fill(*addrbook::detail::sqlite_books(path, {}), count, 1);
  addrbook::BooksOptions options;
  options.max_open_books = count;
  const auto books = addrbook::open_sqlite_books(path, options);
  for (std::size_t i = 0; i < 100; ++i) static_cast<void>(books->open(name_of(i)));
  const auto before = ::mallinfo2().uordblks;
  for (std::size_t i = 100; i < count; ++i) static_cast<void>(books->open(name_of(i)));
  std::printf(
      "%.0f bytes for each open book\n",
      static_cast<double>(::mallinfo2().uordblks - before) / static_cast<double>(count - 100));
}

void delayed(std::chrono::milliseconds round_trip, std::size_t count) {
  const test::PostgresqlServer server;
  test::SilentProxy proxy(server.port());
  const auto books = addrbook::detail::postgresql_books(proxy.conninfo(), {});
  for (const bool is_one : {true, false}) {
    const Stores stores = stores_of(*books, count, is_one);
    for (const auto delay : {std::chrono::milliseconds(0), round_trip}) {
      proxy.delay(delay);
      commits(stores, std::chrono::seconds(1));
      std::vector<double> rates;
      for (int round = 0; round < 5; ++round) {
        rates.push_back(commits(stores, std::chrono::seconds(1)));
      }
      std::printf("%zu writers to %s, a round trip %d ms longer: %.0f creates/s\n", count,
                  is_one ? "one book" : "a book each", static_cast<int>(delay.count()),
                  bench::median(rates));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const auto number = [&](int index, int fallback) {
    return bench::argument(argc, argv, index, fallback);
  };
  const auto size = [&](int index, int fallback) {
    return static_cast<std::size_t>(number(index, fallback));
  };
  if (what == "writers") {
    writers(size(2, 64), number(3, 9), std::chrono::milliseconds(number(4, 1000)));
  } else if (what == "http") {
    http(size(2, 64), number(3, 9), std::chrono::milliseconds(number(4, 1000)));
  } else if (what == "many") {
    many(size(2, 100'000), size(3, 100), size(4, 20'000), argc > 5 ? argv[5] : "");
  } else if (what == "idle") {
    idle(size(2, 100'000));
  } else if (what == "delayed") {
    delayed(std::chrono::milliseconds(number(2, 5)), size(3, 64));
  } else {
    std::fprintf(stderr, "Usage: see the first lines of books_bench.cpp\n");
    return 2;
  }
}
