// A list that nobody changes, read by one client: addrbook::Server against a handler on
// httplib::Server that sends the same bytes.
//
// Usage: list_bench [entries = 100000] [rounds = 15] [storage = memory or sqlite]

#include <addrbook/addrbook.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>

#include <bench/load.hpp>
#include <support/http_client.hpp>
#include <support/process.hpp>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

void serve_list(int entries, const std::shared_ptr<addrbook::Store>& store,
                const std::function<void(int, std::string)>& is_bound) {
  addrbook::Server server;
  const auto book = std::make_shared<addrbook::Service>(store);
  addrbook::mount(server, book);
  const auto document = addrbook::Document::parse(bench::document);
  constexpr int at_once = 1000;
  for (int done = 0; done < entries; done += at_once) {
    addrbook::Batch batch;
    for (int i = 0; i < at_once; ++i) batch.writes.push_back({addrbook::make_id(), document, {}});
    store->commit(std::move(batch));
  }
  is_bound(server.bind("127.0.0.1", 0), "/addresses");
  server.listen_after_bind();
}

/// @returns  seconds until the last byte
double time_list(test::Connection& connection, const bench::Served& served, std::size_t size) {
  std::vector<char> buffer(1 << 20);
  const auto start = bench::Clock::now();
  connection.send_request("GET", served.target);
  // Not parsed, as that would take longer than the answer: the end is told by the size.
  std::size_t received = 0;
  while (received < size) {
    const auto got = ::recv(connection.socket(), buffer.data(), buffer.size(), 0);
    if (got <= 0) std::exit(1);
    received += static_cast<std::size_t>(got);
  }
  return std::chrono::duration<double>(bench::Clock::now() - start).count();
}

std::size_t answer_size(const bench::Served& served) {
  test::Connection connection(served.port);
  connection.send_request("GET", served.target);
  std::vector<char> buffer(1 << 20);
  std::string end;
  std::size_t size = 0;
  while (end.size() < 7 || end.compare(end.size() - 7, 7, "\r\n0\r\n\r\n") != 0) {
    const auto got = ::recv(connection.socket(), buffer.data(), buffer.size(), 0);
    if (got <= 0) std::exit(1);
    size += static_cast<std::size_t>(got);
    end.append(buffer.data(), static_cast<std::size_t>(got));
    if (end.size() > 7) end.erase(0, end.size() - 7);
  }
  return size;
}

}  // namespace

int main(int argc, char** argv) {
  const int entries = bench::argument(argc, argv, 1, 100'000);
  const int rounds = bench::argument(argc, argv, 2, 15);
  const std::string storage = argc > 3 ? argv[3] : "memory";
  const test::TempFolder folder;
  const bench::Served list([&](const auto& is_bound) {
    std::shared_ptr<addrbook::Store> store = std::make_shared<addrbook::MemoryStore>();
    if (storage == "sqlite") store = addrbook::open_sqlite(folder.path() / "book.db");
    serve_list(entries, store, is_bound);
  });
  test::Connection reader(list.port);
  const std::string body = reader.request("GET", list.target).body;
  const bench::Served constant([&](const auto& is_bound) {
    httplib::Server server;
    server.set_tcp_nodelay(true);
    server.set_keep_alive_max_count(1'000'000'000);
    server.Get("/constant", [&](const httplib::Request&, httplib::Response& response) {
      response.set_content(body, "application/json");
    });
    is_bound(server.bind_to_any_port("127.0.0.1"), "/constant");
    server.listen_after_bind();
  });
  test::Connection constant_reader(constant.port);
  constant_reader.send_request("GET", constant.target);
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) {
    char c = 0;
    if (::recv(constant_reader.socket(), &c, 1, 0) != 1) return 1;
    head += c;
  }
  const std::size_t constant_size = head.size() + body.size();
  std::vector<char> rest(body.size());
  ::recv(constant_reader.socket(), rest.data(), rest.size(), MSG_WAITALL);

  answer_size(list);  // the list is kept from its second reader on, and framed otherwise then
  const std::size_t list_size = answer_size(list);
  std::vector<double> lists;
  std::vector<double> constants;
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    constants.push_back(time_list(constant_reader, constant, constant_size));
    lists.push_back(time_list(reader, list, list_size));
    ratios.push_back(lists.back() / constants.back());
  }
  std::printf("%d entries, %zu bytes, storage: %s, medians of %d rounds\n", entries, body.size(),
              storage.c_str(), rounds);
  std::printf("  %-28s %8.1f ms\n", "constant handler, httplib", 1000 * bench::median(constants));
  std::printf("  %-28s %8.1f ms\n", "list", 1000 * bench::median(lists));
  std::printf("  %-28s %8.3f\n", "ratio", bench::median(ratios));
}
