// GET of one entry against a constant handler on the same cpp-httplib: what the library adds to its
// transport.
//
// Usage: get_bench [connections = 8] [rounds = 15] [milliseconds per round = 400]

#include <addrbook/addrbook.hpp>

#include <bench/load.hpp>

#include <chrono>
#include <cstdio>

namespace {

bench::Served serve(bool constant, std::size_t connections) {
  return bench::Served([=](const auto& is_bound) {
    httplib::Server server;
    server.set_tcp_nodelay(true);
    server.set_keep_alive_max_count(1'000'000'000);
    server.new_task_queue = [connections] { return new httplib::ThreadPool(2 * connections); };
    std::string target = "/constant";
    if (constant) {
      server.Get(target, [](const httplib::Request&, httplib::Response& response) {
        response.set_content(bench::document, "application/json");
      });
    } else {
      const auto book = addrbook::mount(server);
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
  const bench::Served constant = serve(true, connections);
  const bench::Served book = serve(false, connections);
  std::printf("cpp-httplib %s\n", CPPHTTPLIB_VERSION);
  bench::compare("constant handler", constant, "GET of one entry", book, connections,
                 bench::argument(argc, argv, 2, 15),
                 std::chrono::milliseconds(bench::argument(argc, argv, 3, 400)));
}
