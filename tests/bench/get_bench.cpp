// GET of one entry on addrbook::Server, against a constant handler on httplib::Server and against a
// bare epoll loop that answers with the same bytes.
//
// Usage: get_bench [connections = 8] [rounds = 15] [milliseconds per round = 400]
//                  [storage = memory] [cpus = all]
//
// Storage: memory; sqlite, a file as open_sqlite() opens it; uncached, the same without a cache of
// entries. Everything runs on one CPU; with `one`, the servers also start with no other in sight.

#include <addrbook/addrbook.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>

#include <bench/bare_loop.hpp>
#include <bench/load.hpp>
#include <support/http_client.hpp>
#include <support/process.hpp>

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace {

using IsBound = std::function<void(int, std::string)>;

std::shared_ptr<addrbook::Store> open_store(const std::string& storage, const std::string& path) {
  if (storage == "memory") return std::make_shared<addrbook::MemoryStore>();
  addrbook::SqliteOptions options;
  if (storage == "uncached") options.entry_cache_bytes = 0;
  return addrbook::open_sqlite(path, options);
}

void serve_constant(std::size_t connections, const IsBound& is_bound) {
  httplib::Server server;
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000'000);
  server.new_task_queue = [connections] { return new httplib::ThreadPool(2 * connections); };
  server.Get("/constant", [](const httplib::Request&, httplib::Response& response) {
    response.set_content(bench::document, "application/json");
  });
  is_bound(server.bind_to_any_port("127.0.0.1"), "/constant");
  server.listen_after_bind();
}

void serve_book(const std::string& storage, const std::string& path, const IsBound& is_bound) {
  addrbook::Server server;
  server.set_keep_alive_max_count(1'000'000'000);
  const auto book = std::make_shared<addrbook::Service>(open_store(storage, path));
  addrbook::mount(server, book);
  const auto document = addrbook::Document::parse(bench::document);
  for (int i = 0; i < 1000; ++i) book->create(document);
  is_bound(server.bind("127.0.0.1", 0), "/addresses/" + book->create(document).id);
  server.listen_after_bind();
}

/// @returns  the bytes of an answer
std::string answer_of(const bench::Served& served) {
  test::Connection connection(served.port);
  connection.send_request("GET", served.target);
  while (connection.has_more() && connection.unread().find(bench::document) == std::string::npos) {
    connection.is_closed(std::chrono::milliseconds(1));
  }
  return connection.unread();
}

}  // namespace

int main(int argc, char** argv) {
  const auto connections = static_cast<std::size_t>(bench::argument(argc, argv, 1, 8));
  const std::string storage = argc > 4 ? argv[4] : "memory";
  const bool sees_one_cpu = argc > 5 && std::string_view(argv[5]) == "one";
  if (storage != "memory" && storage != "sqlite" && storage != "uncached") {
    std::fprintf(stderr, "storage is memory, sqlite or uncached, not '%s'\n", storage.c_str());
    return 2;
  }
  const test::TempFolder folder;
  const bench::Served constant([=](const auto& is_bound) { serve_constant(connections, is_bound); },
                               sees_one_cpu);
  const bench::Served book(
      [&](const auto& is_bound) { serve_book(storage, folder.path() / "book.db", is_bound); },
      sees_one_cpu);
  const std::string answer = answer_of(book);
  const bench::Served loop(
      [&](const auto& is_bound) {
        bench::serve_bare_loop(answer, [&](int port) { is_bound(port, "/"); });
      },
      sees_one_cpu);
  std::printf("cpp-httplib %s, storage: %s\n", CPPHTTPLIB_VERSION, storage.c_str());
  bench::compare({{"constant handler, httplib", constant},
                  {"bare epoll loop", loop},
                  {"GET of one entry", book}},
                 connections, bench::argument(argc, argv, 2, 15),
                 std::chrono::milliseconds(bench::argument(argc, argv, 3, 400)));
}
