// How start-up, the time of a GET, and memory grow with a book in a SQLite file. Prints a table in
// Markdown. The addresses have about 200 bytes.
//
// Usage: growth_bench [entries...]                         default: 1000 10000 100000 1000000
// Environment: ROUNDS = 15, GETS = 1000 a round and book, WARM_UP = 300000 GETs before,
//              ENTRY_CACHE = bytes, PAGE_CACHE = bytes, CLIENT_CPU = 1; the servers are on CPU 0

#include <addrbook/addrbook.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>

#include <bench/load.hpp>
#include <support/proc.hpp>
#include <support/process.hpp>

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using bench::Clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

[[noreturn]] void fail(const std::string& reason) {
  std::fprintf(stderr, "%s\n", reason.c_str());
  std::exit(1);
}

std::uint64_t environment(const char* name, std::uint64_t fallback) {
  const char* const text = std::getenv(name);
  return text == nullptr ? fallback : std::stoull(text);
}

/// The id of a book's n-th address: like those of make_id(), but reproducible. A thousand addresses
/// a second.
std::string id_of(std::uint64_t number) {
  constexpr std::uint64_t begin = 1'700'000'000'000;
  std::mt19937_64 random(number);
  return addrbook::detail::hex(((begin + number) << 16U) | 0x7000U | (random() & 0xFFFU)) +
         addrbook::detail::hex((std::uint64_t{2} << 62U) | (random() >> 2U));
}

addrbook::Document document_of(std::uint64_t number) {
  const std::string text = std::to_string(number);
  return addrbook::Document::trusted(
      R"({"name":"Ada Lovelace )" + text + R"(","emails":[{"kind":"work","email":"ada)" + text +
      R"(@example.com"}],"phone_numbers":[{"kind":"home","country_code":44,"area_code":20,)"
      R"("local_number":5550100}],"notes":"A line of text."})");
}

/// Runs `work` in its own process.
/// @returns its result
double apart(const std::function<double()>& work) {
  int pipe[2];
  if (::pipe(pipe) != 0) fail("no pipe");
  const pid_t process = ::fork();
  if (process == 0) {
    double result = -1;
    try {
      result = work();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    if (::write(pipe[1], &result, sizeof result) < 0) std::perror("write");
    ::_exit(0);
  }
  ::close(pipe[1]);
  double result = -1;
  if (::read(pipe[0], &result, sizeof result) != sizeof result || result < 0) fail("it failed");
  ::close(pipe[0]);
  ::waitpid(process, nullptr, 0);
  return result;
}

/// Makes a book, which is not closed before the process ends: the files are as after a crash.
double fill(const std::string& path, std::uint64_t entries) {
  const auto start = Clock::now();
  static const auto store = addrbook::open_sqlite(path);
  constexpr std::size_t at_once = 10'000;
  std::vector<addrbook::Write> batch;
  for (std::uint64_t i = 0; i < entries; ++i) {
    batch.push_back({id_of(i), document_of(i), {}});
    if (batch.size() == at_once || i + 1 == entries) store->commit({std::exchange(batch, {})});
  }
  return milliseconds_since(start);
}

/// @returns milliseconds from opening a file to knowing the book's state
double start_up(const std::string& path, std::uint64_t entries) {
  const auto start = Clock::now();
  const auto store = addrbook::open_sqlite(path);
  const auto count = store->state().count;
  const double taken = milliseconds_since(start);
  if (count != entries) fail("the book has lost some");
  return taken;
}

/// Drops the file from the system's cache.
void drop_from_memory(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 || ::fsync(file) != 0 || ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0) {
    fail("can't drop " + path);
  }
  ::close(file);
}

std::unique_ptr<bench::Served> serve(const std::string& path) {
  constexpr bool on_first_cpu = true;
  return std::make_unique<bench::Served>(
      [=](const auto& is_bound) {
        addrbook::SqliteOptions sqlite;
        sqlite.entry_cache_bytes = environment("ENTRY_CACHE", sqlite.entry_cache_bytes);
        sqlite.page_cache_bytes = environment("PAGE_CACHE", sqlite.page_cache_bytes);
        addrbook::Server server;
        server.set_keep_alive_max_count(1'000'000'000);
        server.set_keep_alive_timeout(3600);
        addrbook::mount(server,
                        std::make_shared<addrbook::Service>(addrbook::open_sqlite(path, sqlite)));
        is_bound(server.bind("127.0.0.1", 0), "/addresses");
        server.listen_after_bind();
      },
      on_first_cpu);
}

/// A book, its server and the measurements.
class Book {
 public:
  Book(const std::string& folder, std::uint64_t entries)
      : entries_(entries), path_(folder + "/" + std::to_string(entries) + ".db") {
    fill_ms_ = apart([this] { return fill(path_, entries_); });
    crashed_ms_ = apart([this] { return start_up(path_, entries_); });
    file_bytes_ = std::filesystem::file_size(path_);
  }

  void start() {
    server_ = serve(path_);
    start_kib_ = test::status_kib(server_->process(), "VmRSS");
  }

  void measure_start_up() {
    warm_ms_.push_back(apart([this] { return start_up(path_, entries_); }));
    drop_from_memory(path_);
    cold_ms_.push_back(apart([this] { return start_up(path_, entries_); }));
  }

  /// Fills the caches by GETs of random addresses, many of them in progress at once.
  void warm_up(std::uint64_t gets) {
    constexpr std::uint64_t at_once = 32;
    // Not earlier: the server closes connections that send nothing.
    connection_ = std::make_unique<test::Connection>(server_->port);
    for (std::uint64_t done = 0; done < gets; done += at_once) {
      std::string requests;
      for (std::uint64_t i = 0; i < at_once; ++i) requests += request(random_number());
      connection_->send(requests);
      for (std::uint64_t i = 0; i < at_once; ++i) {
        if (connection_->read_response().status != 200) fail("not a 200");
      }
    }
  }

  void measure_gets(std::uint64_t gets) {
    std::vector<double> round;
    for (std::uint64_t i = 0; i < gets; ++i) {
      const auto number = random_number();
      const std::string text = request(number);
      const auto start = Clock::now();
      connection_->send(text);
      const auto answer = connection_->read_response();
      round.push_back(milliseconds_since(start) * 1000);
      if (answer.body != document_of(number).text()) fail("not what was stored");
    }
    medians_.push_back(bench::median(round));
    std::sort(round.begin(), round.end());
    p99s_.push_back(round[round.size() * 99 / 100]);
  }
  [[nodiscard]] double last_median() const { return medians_.back(); }

  void measure_memory_after_gets() {
    rss_kib_ = test::status_kib(server_->process(), "VmRSS");
    peak_kib_ = test::status_kib(server_->process(), "VmHWM");
  }

  void measure_list() {
    std::ofstream("/proc/" + std::to_string(server_->process()) + "/clear_refs") << "5";  // VmHWM
    const auto before = test::status_kib(server_->process(), "VmRSS");
    const auto start = Clock::now();
    connection_->send("GET /addresses HTTP/1.0\r\nHost: localhost\r\n\r\n");
    std::vector<char> buffer(std::size_t{256} * 1024);
    std::uint64_t names = 0;
    std::uint64_t bytes = 0;
    while (true) {
      const auto size = ::recv(connection_->socket(), buffer.data(), buffer.size(), 0);
      if (size < 0) fail("no list");
      if (size == 0) break;
      bytes += static_cast<std::uint64_t>(size);
      // A '@' is in every address once.
      names += static_cast<std::uint64_t>(std::count(buffer.data(), buffer.data() + size, '@'));
    }
    list_ms_ = milliseconds_since(start);
    list_bytes_ = bytes;
    if (names != entries_) fail("the list has lost some");
    const auto peak = test::status_kib(server_->process(), "VmHWM");
    list_growth_kib_ = peak > before ? peak - before : 0;
    connection_ = std::make_unique<test::Connection>(server_->port);
  }

  static void print_head() {
    std::printf(
        "| entries | file MiB | fill s | start-up ms: warm | cold | after a crash | GET us: median "
        "| p99 | RSS MiB: at start | after GETs | peak | list s | list MiB | growth by it MiB |\n"
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
  }
  void print() const {
    constexpr double kib = 1024;
    std::printf(
        "| %llu | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.2f | "
        "%.1f | %.1f |\n",
        static_cast<unsigned long long>(entries_), static_cast<double>(file_bytes_) / kib / kib,
        fill_ms_ / 1000, bench::median(warm_ms_), bench::median(cold_ms_), crashed_ms_,
        bench::median(medians_), bench::median(p99s_), static_cast<double>(start_kib_) / kib,
        static_cast<double>(rss_kib_) / kib, static_cast<double>(peak_kib_) / kib, list_ms_ / 1000,
        static_cast<double>(list_bytes_) / kib / kib, static_cast<double>(list_growth_kib_) / kib);
  }

 private:
  std::uint64_t random_number() { return random_() % entries_; }
  [[nodiscard]] static std::string request(std::uint64_t number) {
    return "GET /addresses/" + id_of(number) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  }

  const std::uint64_t entries_;
  const std::string path_;
  std::mt19937_64 random_{1};
  std::unique_ptr<bench::Served> server_;
  std::unique_ptr<test::Connection> connection_;

  double fill_ms_ = 0;
  double crashed_ms_ = 0;
  std::vector<double> warm_ms_;
  std::vector<double> cold_ms_;
  std::vector<double> medians_;  // microseconds
  std::vector<double> p99s_;
  std::uintmax_t file_bytes_ = 0;
  std::size_t start_kib_ = 0;
  std::size_t rss_kib_ = 0;
  std::size_t peak_kib_ = 0;
  double list_ms_ = 0;
  std::uint64_t list_bytes_ = 0;
  std::size_t list_growth_kib_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const auto rounds = environment("ROUNDS", 15);
  const auto gets = environment("GETS", 1000);
  const auto warm_up = environment("WARM_UP", 300'000);
  std::vector<std::uint64_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::stoull(argv[i]));
  if (sizes.empty()) sizes = {1'000, 10'000, 100'000, 1'000'000};

  const test::TempFolder folder;
  std::vector<std::unique_ptr<Book>> books;
  for (const auto size : sizes) {
    books.push_back(std::make_unique<Book>(folder.path().string(), size));
  }
  constexpr int starts = 5;
  for (int i = 0; i < starts; ++i) {
    for (auto& book : books) book->measure_start_up();
  }
  for (auto& book : books) book->start();
  // On a fixed CPU: whether a CPU has to be woken makes more difference than the size of a book.
  bench::pin_to_cpu(static_cast<int>(environment("CLIENT_CPU", 1)));
  for (auto& book : books) book->warm_up(warm_up);
  std::vector<double> ratios;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    for (auto& book : books) book->measure_gets(gets);
    ratios.push_back(books.back()->last_median() / books.front()->last_median());
  }
  for (auto& book : books) book->measure_memory_after_gets();
  for (auto& book : books) book->measure_list();
  std::printf("SQLite %s; GETs: %llu to warm up, then medians of %llu rounds of %llu\n\n",
              ::sqlite3_libversion(), static_cast<unsigned long long>(warm_up),
              static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(gets));
  Book::print_head();
  for (const auto& book : books) book->print();
  std::printf("\nMedian GET of the last book by that of the first: %.2f\n", bench::median(ratios));
}
