// Compares addrbook::Server with httplib::Server, both with a handler that answers a constant.
//
// Usage: server_bench [connections = 8] [rounds = 15] [milliseconds per round = 400]

#include <addrbook/server.hpp>

#include <bench/load.hpp>

#include <chrono>
#include <cstdio>

namespace {

template <class Server>
bench::Served serve(void (*prepare)(Server&, std::size_t), std::size_t connections) {
  return bench::Served([=](const auto& is_bound) {
    Server server;
    server.set_tcp_nodelay(true);
    server.set_keep_alive_max_count(1'000'000'000);
    prepare(server, connections);
    server.Get("/constant", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(bench::document, "application/json");
    });
    is_bound(server.bind_to_any_port("127.0.0.1"), "/constant");
    server.listen_after_bind();
  });
}

}  // namespace

int main(int argc, char** argv) {
  const auto connections = static_cast<std::size_t>(bench::argument(argc, argv, 1, 8));
  const bench::Served plain = serve<httplib::Server>(
      [](httplib::Server& server, std::size_t count) {
        server.new_task_queue = [count] { return new httplib::ThreadPool(2 * count); };
      },
      connections);
  const bench::Served ours =
      serve<addrbook::Server>([](addrbook::Server&, std::size_t) {}, connections);
  std::printf("cpp-httplib %s\n", CPPHTTPLIB_VERSION);
  bench::compare({{"httplib::Server", plain}, {"addrbook::Server", ours}}, connections,
                 bench::argument(argc, argv, 2, 15),
                 std::chrono::milliseconds(bench::argument(argc, argv, 3, 400)));
}
