// What writers gain by sharing commits: POSTs to addrbook::Server over a SQLite file, the store as
// it is against the same one with every request's commit after the other. At the end each book is
// opened again, after its server was killed, and must hold every address that a 201 was sent for.
//
// Usage: commit_bench [connections = 64] [rounds = 9] [milliseconds per round = 1000]
//                     [microseconds = 0 that each sync of the disk takes longer]

#include <addrbook/addrbook.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>

#include <bench/load.hpp>
#include <support/process.hpp>

#include <poll.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// One commit at a time, of one request.
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

/// The system's files, but that syncing the WAL takes longer: a virtual machine's disk often keeps
/// in memory what a real one has to write.
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

/// A server over a file, in a process of its own that may use every CPU.
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

/// Connections of which each creates one address after the other.
class Creators {
 public:
  Creators(const bench::Served& served, std::size_t count)
      : request_("POST " + served.target +
                 " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                 "Content-Length: " +
                 std::to_string(bench::document.size()) + "\r\n\r\n" + bench::document) {
    for (std::size_t i = 0; i < count; ++i) connections_.emplace_back(served.port);
  }

  /// @returns creates per second
  double run(std::chrono::milliseconds duration) {
    const auto before = ids_.size();
    const auto start = bench::Clock::now();
    std::vector<pollfd> waiting;
    for (const auto& connection : connections_) {
      connection.send(request_);
      waiting.push_back({connection.socket(), POLLIN, 0});
    }
    while (!waiting.empty()) {
      if (::poll(waiting.data(), waiting.size(), 20'000) <= 0) fail("no answer for 20 s");
      for (std::size_t i = waiting.size(); i-- > 0;) {
        if (waiting[i].revents == 0) continue;
        receive(waiting[i].fd);
        if (bench::Clock::now() - start < duration) {
          send(waiting[i].fd);
        } else {
          waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
    }
    const std::chrono::duration<double> taken = bench::Clock::now() - start;
    return static_cast<double>(ids_.size() - before) / taken.count();
  }

  /// Of all that has been created.
  [[nodiscard]] const std::vector<std::string>& ids() const { return ids_; }

 private:
  [[noreturn]] static void fail(const char* reason) {
    std::fprintf(stderr, "%s\n", reason);
    std::exit(1);
  }

  void send(int socket) const {
    if (::send(socket, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size())) {
      fail("a request could not be sent");
    }
  }

  // An answer without a body, and no other follows: it comes at once.
  void receive(int socket) {
    constexpr std::string_view location = "Location: /addresses/";
    constexpr std::size_t id_size = 32;
    char buffer[4096];
    const auto size = ::recv(socket, buffer, sizeof buffer, 0);
    if (size <= 0) fail("the connection was closed");
    const std::string_view answer(buffer, static_cast<std::size_t>(size));
    const auto at = answer.find(location);
    if (answer.substr(0, 12) != "HTTP/1.1 201" || at == std::string_view::npos ||
        answer.substr(answer.size() - 4) != "\r\n\r\n") {
      fail("an answer is not a 201");
    }
    ids_.emplace_back(answer.substr(at + location.size(), id_size));
  }

  std::string request_;
  std::vector<test::Connection> connections_;
  std::vector<std::string> ids_;
};

/// Ends the program if the book is not what it should be.
void check(const char* name, const std::string& path, const std::vector<std::string>& ids) {
  const auto store = addrbook::open_sqlite(path);
  std::size_t found = 0;
  for (const auto& id : ids) {
    const auto entry = store->find(id);
    found += entry && entry->document.text() == bench::document ? 1U : 0U;
  }
  const auto count = store->state().count;
  std::printf("  %-20s %9zu answers of 201, %zu found, %llu in the book\n", name, ids.size(), found,
              static_cast<unsigned long long>(count));
  if (found != ids.size() || count != ids.size()) std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  const auto connections = static_cast<std::size_t>(bench::argument(argc, argv, 1, 64));
  const int rounds = bench::argument(argc, argv, 2, 9);
  const std::chrono::milliseconds duration(bench::argument(argc, argv, 3, 1000));
  const std::chrono::microseconds slower(argc > 4 ? std::atoi(argv[4]) : 0);
  const test::TempFolder folder;
  const std::string shared_path = folder.path() / "shared.db";
  const std::string single_path = folder.path() / "single.db";
  auto shared_server = serve(shared_path, false, slower);
  auto single_server = serve(single_path, true, slower);
  Creators shared(*shared_server, connections);
  Creators single(*single_server, connections);
  shared.run(duration);
  single.run(duration);

  std::printf("cpp-httplib %s, SQLite %s\n", CPPHTTPLIB_VERSION, ::sqlite3_libversion());
  std::printf("%zu connections, creates/s in %d rounds of %d ms, a sync taking %d us longer\n",
              connections, rounds, static_cast<int>(duration.count()),
              static_cast<int>(slower.count()));
  std::printf("  %-20s %9s %9s %9s\n", "round", "shared", "single", "ratio");
  std::vector<double> shared_rates;
  std::vector<double> single_rates;
  std::vector<double> ratios;
  for (int round = 1; round <= rounds; ++round) {
    shared_rates.push_back(shared.run(duration));
    single_rates.push_back(single.run(duration));
    ratios.push_back(shared_rates.back() / single_rates.back());
    std::printf("  %-20d %9.0f %9.0f %9.2f\n", round, shared_rates.back(), single_rates.back(),
                ratios.back());
  }
  std::printf("  %-20s %9.0f %9.0f %9.2f\n", "median", bench::median(shared_rates),
              bench::median(single_rates), bench::median(ratios));

  shared_server.reset();
  single_server.reset();
  check("shared", shared_path, shared.ids());
  check("single", single_path, single.ids());
}
