// Writers of addrbook::Server over a SQLite file.
//
// Without `puts`: what writers gain by sharing commits. POSTs of different contacts to the store as
// it is, and to the same store with one commit for each request. At the end each book is opened
// again, after its server was killed, and must hold every address that a 201 was sent for.
//
// With `puts`: what it costs that all connections PUT the same address, against PUTs of an address
// of their own.
//
// Usage: commit_bench [puts] [connections = 64] [rounds = 9] [milliseconds per round = 1000]
//                     [microseconds = 0 that each sync of the disk takes longer]

#include <addrbook/addrbook.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>

#include <bench/contacts.hpp>
#include <bench/load.hpp>
#include <support/process.hpp>

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// Commits one request at a time.
class OneByOne final : public addrbook::Store {
 public:
  explicit OneByOne(std::shared_ptr<Store> store) : store_(std::move(store)) {}

 private:
  addrbook::CommitResult do_commit(addrbook::Batch batch) override {
    std::optional<addrbook::detail::Waiting> waiting(std::in_place);
    const std::lock_guard lock(mutex_);
    waiting.reset();
    return store_->commit(std::move(batch));
  }
  [[nodiscard]] std::optional<addrbook::Entry> do_find(std::string_view id) const override {
    return store_->find(id);
  }
  [[nodiscard]] addrbook::Page do_page(std::uint64_t after,
                                       addrbook::PageLimit limit) const override {
    return store_->page(after, limit);
  }
  [[nodiscard]] addrbook::BookState do_state() const override { return store_->state(); }

  const std::shared_ptr<Store> store_;
  std::mutex mutex_;
};

/// The system's files with slower syncs of the WAL: a virtual machine's disk often keeps in memory
/// what a real one has to write.
class SlowSync {
 public:
  static void install(std::chrono::microseconds longer) {
    longer_ = longer;
    system_ = ::sqlite3_vfs_find(nullptr);
    slow_ = *system_;
    slow_.zName = "slow";
    slow_.xOpen = open;
    constexpr int is_default = 1;
    ::sqlite3_vfs_register(&slow_, is_default);
  }

 private:
  static int open(sqlite3_vfs* /*self*/, const char* name, sqlite3_file* file, int flags,
                  int* out_flags) {
    const int result = system_->xOpen(system_, name, file, flags, out_flags);
    if (result != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0) return result;
    static const sqlite3_io_methods methods = [file] {
      system_sync_ = file->pMethods->xSync;
      sqlite3_io_methods copy = *file->pMethods;
      copy.xSync = [](sqlite3_file* which, int how) {
        std::this_thread::sleep_for(longer_);
        return system_sync_(which, how);
      };
      return copy;
    }();
    file->pMethods = &methods;
    return result;
  }

  static inline std::chrono::microseconds longer_{};
  static inline sqlite3_vfs* system_ = nullptr;
  static inline sqlite3_vfs slow_{};
  static inline int (*system_sync_)(sqlite3_file*, int) = nullptr;
};

/// A server with a file, in its own process, on all CPUs.
std::unique_ptr<bench::Served> serve(const std::string& path, bool one_by_one,
                                     std::chrono::microseconds slower) {
  constexpr bool on_first_cpu = false;
  return std::make_unique<bench::Served>(
      [=](const auto& is_bound) {
        if (slower.count() > 0) SlowSync::install(slower);
        auto store = addrbook::open_sqlite(path);
        if (one_by_one) store = std::make_shared<OneByOne>(std::move(store));
        addrbook::Server server;
        server.set_keep_alive_max_count(1'000'000'000);
        addrbook::mount(server, std::make_shared<addrbook::Service>(std::move(store)));
        is_bound(server.bind("127.0.0.1", 0), "/addresses");
        server.listen_after_bind();
      },
      on_first_cpu);
}

/// Connections that each send the next request when the answer has arrived.
class Clients {
 public:
  /// @param next_request  called with the number of a connection
  /// @param on_answer  called with that and each answer
  Clients(int port, std::size_t count, std::function<std::string(std::size_t)> next_request,
          std::function<void(std::size_t, std::string_view)> on_answer)
      : next_request_(std::move(next_request)), on_answer_(std::move(on_answer)) {
    for (std::size_t i = 0; i < count; ++i) connections_.emplace_back(port);
  }

  /// @returns answers per second
  double run(std::chrono::milliseconds duration) {
    std::size_t answers = 0;
    const auto start = bench::Clock::now();
    std::vector<pollfd> waiting;
    std::vector<bench::Clock::time_point> sent(connections_.size(), start);
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      waiting.push_back({connections_[i].socket(), POLLIN, 0});
      send(i);
    }
    for (std::size_t open = waiting.size(); open != 0;) {
      if (::poll(waiting.data(), waiting.size(), 20'000) <= 0) fail("no answer for 20 s");
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        if (waiting[i].revents == 0) continue;
        receive(i);
        ++answers;
        const auto now = bench::Clock::now();
        slowest_ = (std::max)(slowest_, now - sent[i]);
        if (now - start < duration) {
          sent[i] = now;
          send(i);
        } else {
          waiting[i].fd = -1;  // poll() ignores it
          waiting[i].revents = 0;
          --open;
        }
      }
    }
    const std::chrono::duration<double> taken = bench::Clock::now() - start;
    return static_cast<double>(answers) / taken.count();
  }

  /// The longest that a client has waited for an answer, in milliseconds.
  [[nodiscard]] double slowest() const {
    return std::chrono::duration<double, std::milli>(slowest_).count();
  }

  [[noreturn]] static void fail(const char* reason) {
    std::fprintf(stderr, "%s\n", reason);
    std::exit(1);
  }

 private:
  void send(std::size_t client) const {
    const std::string request = next_request_(client);
    if (::send(connections_[client].socket(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
      fail("a request could not be sent");
    }
  }

  // An answer without a body arrives as a whole.
  void receive(std::size_t client) {
    char buffer[4096];
    const auto size = ::recv(connections_[client].socket(), buffer, sizeof buffer, 0);
    if (size <= 0) fail("the connection was closed");
    const std::string_view answer(buffer, static_cast<std::size_t>(size));
    if (answer.substr(answer.size() - 4) != "\r\n\r\n") fail("an answer is not complete");
    on_answer_(client, answer);
  }

  std::function<std::string(std::size_t)> next_request_;
  std::function<void(std::size_t, std::string_view)> on_answer_;
  std::vector<test::Connection> connections_;
  bench::Clock::duration slowest_{};
};

std::string request_of(const std::string& method, const std::string& target,
                       const std::string& document) {
  return method + " " + target +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(document.size()) + "\r\n\r\n" + document;
}

/// Connections that each create one contact after the other.
class Creators {
 public:
  Creators(const bench::Served& served, std::size_t count)
      : contacts_(std::random_device()()),
        sent_(count),
        clients_(
            served.port, count,
            [this, target = served.target](std::size_t client) {
              sent_[client] = contacts_.contact(created_.size());
              return request_of("POST", target, sent_[client]);
            },
            [this](std::size_t client, std::string_view answer) {
              created_.emplace_back(id_in(answer), std::move(sent_[client]));
            }) {}

  /// @returns creates per second
  double run(std::chrono::milliseconds duration) { return clients_.run(duration); }

  /// The ids and texts of all created addresses.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& created() const {
    return created_;
  }

 private:
  static std::string id_in(std::string_view answer) {
    constexpr std::string_view location = "Location: /addresses/";
    constexpr std::size_t id_size = 32;
    const auto at = answer.find(location);
    if (answer.substr(0, 12) != "HTTP/1.1 201" || at == std::string_view::npos) {
      Clients::fail("an answer is not a 201");
    }
    return std::string(answer.substr(at + location.size(), id_size));
  }

  bench::InventedContacts contacts_;
  std::vector<std::string> sent_;
  std::vector<std::pair<std::string, std::string>> created_;
  Clients clients_;
};

/// Ends the program if an address with a 201 is missing.
void check(const char* name, const std::string& path, const Creators& creators) {
  const auto store = addrbook::open_sqlite(path);
  std::size_t found = 0;
  for (const auto& [id, text] : creators.created()) {
    const auto entry = store->find(id);
    found += entry && entry->document.text() == text ? 1U : 0U;
  }
  const auto sent = creators.created().size();
  const auto count = store->state().count;
  std::printf("  %-20s %9zu answers of 201, %zu found, %llu in the book\n", name, sent, found,
              static_cast<unsigned long long>(count));
  if (found != sent || count != sent) std::exit(1);
}

struct Settings {
  std::size_t connections = 0;
  int rounds = 0;
  std::chrono::milliseconds duration{};
  std::chrono::microseconds slower{};
};

void print_head(const Settings& settings, const char* what, const char* first, const char* second) {
  std::printf("cpp-httplib %s, SQLite %s\n", CPPHTTPLIB_VERSION, ::sqlite3_libversion());
  std::printf("%zu connections, %s in %d rounds of %d ms, a sync taking %d us longer\n",
              settings.connections, what, settings.rounds,
              static_cast<int>(settings.duration.count()),
              static_cast<int>(settings.slower.count()));
  std::printf("  %-20s %9s %9s %9s\n", "round", first, second, "ratio");
}

/// Runs both in turns, so that other load on the machine affects both alike.
template <class First, class Second>
void compare(const Settings& settings, First& first, Second& second) {
  first.run(settings.duration);
  second.run(settings.duration);
  std::vector<double> firsts;
  std::vector<double> seconds;
  std::vector<double> ratios;
  for (int round = 1; round <= settings.rounds; ++round) {
    firsts.push_back(first.run(settings.duration));
    seconds.push_back(second.run(settings.duration));
    ratios.push_back(firsts.back() / seconds.back());
    std::printf("  %-20d %9.0f %9.0f %9.2f\n", round, firsts.back(), seconds.back(), ratios.back());
  }
  std::printf("  %-20s %9.0f %9.0f %9.2f\n", "median", bench::median(firsts),
              bench::median(seconds), bench::median(ratios));
}

void compare_posts(const Settings& settings) {
  const test::TempFolder folder;
  const std::string shared_path = folder.path() / "shared.db";
  const std::string single_path = folder.path() / "single.db";
  auto shared_server = serve(shared_path, false, settings.slower);
  auto single_server = serve(single_path, true, settings.slower);
  Creators shared(*shared_server, settings.connections);
  Creators single(*single_server, settings.connections);
  print_head(settings, "creates/s", "shared", "single");
  compare(settings, shared, single);
  shared_server.reset();
  single_server.reset();
  check("shared", shared_path, shared);
  check("single", single_path, single);
}

void compare_puts(const Settings& settings) {
  const test::TempFolder folder;
  const auto server = serve(folder.path() / "book.db", false, settings.slower);
  std::vector<std::string> own;
  for (std::size_t i = 0; i < settings.connections; ++i) {
    const auto created =
        test::Connection(server->port).request("POST", server->target, {}, bench::document);
    own.push_back(request_of("PUT", created.header("location"), bench::document));
  }
  const auto expect_204 = [](std::size_t /*client*/, std::string_view answer) {
    if (answer.substr(0, 12) != "HTTP/1.1 204") Clients::fail("an answer is not a 204");
  };
  Clients one_id(
      server->port, own.size(), [&](std::size_t /*client*/) { return own.front(); }, expect_204);
  Clients own_ids(
      server->port, own.size(), [&](std::size_t client) { return own[client]; }, expect_204);
  print_head(settings, "PUTs/s", "one id", "own ids");
  compare(settings, one_id, own_ids);
  std::printf("  %-20s %9.0f %9.0f\n", "longest wait, ms", one_id.slowest(), own_ids.slowest());
}

}  // namespace

int main(int argc, char** argv) {
  const bool puts = argc > 1 && std::string_view(argv[1]) == "puts";
  if (puts) {
    --argc;
    ++argv;
  }
  Settings settings;
  settings.connections = static_cast<std::size_t>(bench::argument(argc, argv, 1, 64));
  settings.rounds = bench::argument(argc, argv, 2, 9);
  settings.duration = std::chrono::milliseconds(bench::argument(argc, argv, 3, 1000));
  settings.slower = std::chrono::microseconds(argc > 4 ? std::atoi(argv[4]) : 0);
  puts ? compare_puts(settings) : compare_posts(settings);
}
