// Instructions and heap allocations per request: GET, conditional GET (GET-304), PUT and POST of
// one entry of 200 bytes. Run by counts.sh under callgrind, which counts the instructions.
//
// Usage: counts rest|server|logged|counted memory|sqlite
//        counts versions                   of what the numbers depend on
//
// `rest` calls Rest::handle(), `logged` does so with a log that nobody keeps, `counted` with
// metrics too. `server` answers over one loopback connection that is kept alive; the client is
// another process and is not counted. For each kind of request there is one line, "rest memory GET
// 2000 20000": so many requests, and so many allocations by them. callgrind dumps their
// instructions under the same name, here "rest memory GET".

#include <addrbook/addrbook.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>

#include <bench/load.hpp>
#include <support/http_client.hpp>
#include <support/process.hpp>

#include <gnu/libc-version.h>
#include <sched.h>
#include <valgrind/callgrind.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

std::atomic<std::uint64_t> allocations{0};

}  // namespace

// These replace the C library's for the whole process, the libraries' calls included. Memory is
// freed by the C library's own free().
extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}

}  // extern "C"

namespace {

constexpr int counted_requests = 2000;
constexpr int warm_up_requests = 500;
constexpr int stored_entries = 1000;

constexpr std::string_view document =
    R"({"name":"Ada Lovelace","emails":[{"kind":"work","email":"ada@example.com"}],)"
    R"("phone_numbers":[{"kind":"home","country_code":44,"area_code":20,"local_number":5550100}],)"
    R"("notes":"One short line of text."})";
static_assert(document.size() == 200);

[[noreturn]] void fail(const std::string& reason) {
  std::fprintf(stderr, "counts: %s\n", reason.c_str());
  std::exit(1);
}

/// The id of the n-th stored entry. Fixed ids keep the path through a tree of them the same.
std::string id_of(int number) {
  const std::string digits = std::to_string(number);
  return "018bcfe568007000800000000000" + std::string(4 - digits.size(), '0') + digits;
}

std::shared_ptr<addrbook::Service> make_book(const std::string& store, const std::string& path) {
  std::shared_ptr<addrbook::Store> entries;
  if (store == "memory") {
    entries = std::make_shared<addrbook::MemoryStore>();
  } else {
    entries = addrbook::open_sqlite(path);
  }
  const auto parsed = addrbook::Document::parse(std::string(document));
  for (int i = 0; i < stored_entries; ++i) entries->commit({{{id_of(i), parsed, {}}}, 0});
  return std::make_shared<addrbook::Service>(std::move(entries));
}

/// One kind of request, and the status that answers it.
struct Kind {
  std::string name;
  std::string method;
  std::string target;
  test::Headers fields;
  std::string body;
  int status = 0;
};

/// POST is the last one: it makes the book grow.
std::vector<Kind> make_kinds(const std::string& entity_tag) {
  const std::string target = "/addresses/" + id_of(stored_entries / 2);
  const test::Headers of_body = {{"Host", "localhost"},
                                 {"Content-Type", "application/json"},
                                 {"Content-Length", std::to_string(document.size())}};
  return {
      {"GET", "GET", target, {{"Host", "localhost"}}, "", 200},
      {"GET-304", "GET", target, {{"Host", "localhost"}, {"If-None-Match", entity_tag}}, "", 304},
      {"PUT", "PUT", target, of_body, std::string(document), 204},
      {"POST", "POST", "/addresses", of_body, std::string(document), 201}};
}

/// @param asker  has ask(Kind) -> an answer with a status, tag_of(answer), and begin() and
///               end(name), which enclose the requests that are counted
template <class Asker>
void run(Asker& asker) {
  const auto ask = [&asker](const Kind& kind) {
    auto answer = asker.ask(kind);
    if (answer.status != kind.status) {
      fail(kind.name + " was answered by a " + std::to_string(answer.status));
    }
    return answer;
  };
  const Kind get = make_kinds("").front();
  const auto answer = ask(get);
  if (answer.body != document) fail("GET was answered by another body");
  for (const Kind& kind : make_kinds(asker.tag_of(answer))) {
    for (int i = 0; i < warm_up_requests; ++i) ask(kind);
    asker.begin();
    for (int i = 0; i < counted_requests; ++i) ask(kind);
    asker.end(kind.name);
  }
}

/// Counts in this process.
class Counter {
 public:
  explicit Counter(std::string prefix) : prefix_(std::move(prefix)) {
    CALLGRIND_START_INSTRUMENTATION;
  }

  void begin() {
    before_ = allocations.load();
    CALLGRIND_ZERO_STATS;
  }
  void end(const std::string& name) {
    const auto made = allocations.load() - before_;
    const std::string label = prefix_ + " " + name;
    CALLGRIND_DUMP_STATS_AT(label.c_str());
    std::printf("%s %d %llu\n", label.c_str(), counted_requests,
                static_cast<unsigned long long>(made));
    std::fflush(stdout);
  }

 private:
  std::string prefix_;
  std::uint64_t before_ = 0;
};

class RestAsker {
 public:
  RestAsker(const addrbook::Rest& rest, Counter& counter) : rest_(rest), counter_(counter) {}

  addrbook::Reply ask(const Kind& kind) {
    addrbook::Request request;
    request.method = kind.method;
    request.target = kind.target;
    request.path = request.target.substr(rest_.options().prefix.size());
    request.remote_address = "127.0.0.1";
    request.header = [&kind](std::string_view name) -> std::optional<std::string_view> {
      for (const auto& [each, value] : kind.fields) {
        if (each == name) return value;
      }
      return std::nullopt;
    };
    request.read_body = [&kind](const addrbook::ByteSink& sink) {
      return sink(kind.body) ? addrbook::BodyStatus::complete : addrbook::BodyStatus::malformed;
    };
    return rest_.handle(request);
  }
  static std::string tag_of(const addrbook::Reply& reply) {
    return std::string(reply.headers.find("ETag").value_or(""));
  }
  void begin() { counter_.begin(); }
  void end(const std::string& name) { counter_.end(name); }

 private:
  const addrbook::Rest& rest_;
  Counter& counter_;
};

/// Asks a server that another process runs, and tells it by requests when to count. The halves of
/// these that are counted too make less than one part in a thousand.
class ClientAsker {
 public:
  explicit ClientAsker(int port) : connection_(port) {}

  test::Response ask(const Kind& kind) {
    std::string text = kind.method + " " + kind.target + " HTTP/1.1\r\n";
    for (const auto& [name, value] : kind.fields) text += name + ": " + value + "\r\n";
    connection_.send(text + "\r\n" + kind.body);
    return connection_.read_response();
  }
  static std::string tag_of(const test::Response& response) { return response.header("etag"); }
  void begin() { connection_.request("GET", "/begin"); }
  void end(const std::string& name) { connection_.request("GET", "/end/" + name); }

 private:
  test::Connection connection_;
};

void count_rest(std::shared_ptr<addrbook::Service> book, const addrbook::Options& options,
                Counter& counter) {
  const addrbook::Rest rest(std::move(book), options);
  RestAsker asker(rest, counter);
  run(asker);
}

void count_server(std::shared_ptr<addrbook::Service> book, Counter& counter) {
  addrbook::Server server;
  server.set_keep_alive_max_count(1'000'000);
  addrbook::mount(server, std::move(book));
  server.Get("/begin", [&](const httplib::Request&, httplib::Response&) { counter.begin(); });
  server.Get("/end/:name", [&](const httplib::Request& request, httplib::Response&) {
    counter.end(request.path_params.at("name"));
  });
  const int port = server.bind("127.0.0.1", 0);
  std::thread serving([&] { server.listen_after_bind(); });
  server.wait_until_ready();
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  test::Process client({program, "client", std::to_string(port)});
  const int status = client.wait();
  server.stop();
  serving.join();
  if (status != 0) fail("the client failed: " + client.read_errors());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const std::string store = argc > 2 ? argv[2] : "";
  try {
    if (mode == "versions") {
      std::printf("compiler %s, glibc %s, cpp-httplib %s, SQLite %s\n", __VERSION__,
                  ::gnu_get_libc_version(), CPPHTTPLIB_VERSION, ::sqlite3_libversion());
      return 0;
    }
    if (mode == "client") {
      ClientAsker asker(std::stoi(store));
      run(asker);
      return 0;
    }
    const bool is_known =
        mode == "rest" || mode == "server" || mode == "logged" || mode == "counted";
    if (!is_known || (store != "memory" && store != "sqlite")) {
      std::fprintf(stderr,
                   "Usage: counts rest|server|logged|counted memory|sqlite, or counts versions\n");
      return 2;
    }
    // A server has a thread for each CPU. With one thread, every request takes the same path.
    bench::pin_to_cpu(::sched_getcpu());
    const test::TempFolder folder;
    auto book = make_book(store, folder.path() / "book.db");
    addrbook::Options options;
    if (mode == "logged" || mode == "counted") options.log = [](const addrbook::LogRecord&) {};
    if (mode == "counted") options.metrics = std::make_shared<addrbook::Metrics>();
    Counter counter(mode + " " + store);
    if (mode == "server") {
      count_server(std::move(book), counter);
    } else {
      count_rest(std::move(book), options, counter);
    }
  } catch (const std::exception& error) {
    fail(error.what());
  }
}
