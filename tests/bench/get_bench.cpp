// GET of one entry against a constant handler on the same cpp-httplib: what the library adds to its
// transport.
//
// Usage: get_bench [connections = 8] [rounds = 15] [milliseconds per round = 400]
//                  [storage = memory]
//
// Storage: memory; sqlite, a file as open_sqlite() opens it; uncached, the same without a cache of
// entries.

#include <addrbook/addrbook.hpp>
#include <addrbook/sqlite.hpp>

#include <bench/load.hpp>
#include <support/process.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

namespace {

std::shared_ptr<addrbook::Store> open_store(const std::string& storage, const std::string& path) {
  if (storage == "memory") return std::make_shared<addrbook::MemoryStore>();
  addrbook::SqliteOptions options;
  if (storage == "uncached") options.entry_cache_bytes = 0;
  return addrbook::open_sqlite(path, options);
}

/// @param storage  empty: the constant handler
bench::Served serve(const std::string& storage, const std::string& path, std::size_t connections) {
  return bench::Served([=](const auto& is_bound) {
    httplib::Server server;
    server.set_tcp_nodelay(true);
    server.set_keep_alive_max_count(1'000'000'000);
    server.new_task_queue = [connections] { return new httplib::ThreadPool(2 * connections); };
    std::string target = "/constant";
    if (storage.empty()) {
      server.Get(target, [](const httplib::Request&, httplib::Response& response) {
        response.set_content(bench::document, "application/json");
      });
    } else {
      const auto book = std::make_shared<addrbook::Service>(open_store(storage, path));
      addrbook::mount(server, book);
      const auto document = addrbook::Document::parse(bench::document);
      for (int i = 0; i < 1000; ++i) book->create(document);
      target = "/addresses/" + book->create(document).id;
    }
    is_bound(server.bind_to_any_port("127.0.0.1"), target);
    server.listen_after_bind();
  });
}

}  // namespace

int main(int argc, char** argv) {
  const auto connections = static_cast<std::size_t>(bench::argument(argc, argv, 1, 8));
  const std::string storage = argc > 4 ? argv[4] : "memory";
  if (storage != "memory" && storage != "sqlite" && storage != "uncached") {
    std::fprintf(stderr, "storage is memory, sqlite or uncached, not '%s'\n", storage.c_str());
    return 2;
  }
  const test::TempFolder folder;
  const bench::Served constant = serve("", "", connections);
  const bench::Served book = serve(storage, folder.path() / "book.db", connections);
  std::printf("cpp-httplib %s, storage: %s\n", CPPHTTPLIB_VERSION, storage.c_str());
  bench::compare("constant handler", constant, "GET of one entry", book, connections,
                 bench::argument(argc, argv, 2, 15),
                 std::chrono::milliseconds(bench::argument(argc, argv, 3, 400)));
}
