// What run.sh compares with: the least that a server can do, and the contacts that all have.
//
// Usage: yardsticks loop FILE            a bare epoll loop that answers with the bytes of FILE
//        yardsticks constant FILE        httplib::Server, whose handler answers with FILE as JSON
//        yardsticks contacts FIRST COUNT prints invented contacts, a line of JSON each
//        yardsticks version              of cpp-httplib
//
// A server binds any free port, and says where in a line on standard output.

#include <addrbook/httplib/httplib.hpp>

#include <bench/bare_loop.hpp>
#include <bench/contacts.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace {

std::string content_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::perror(path);
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

void announce(int port) {
  std::printf("Serving on http://127.0.0.1:%d ...\n", port);
  std::fflush(stdout);
}

void serve_constant(const std::string& answer) {
  httplib::Server server;
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000'000);
  // A connection holds a thread for as long as it lasts.
  constexpr std::size_t threads = 256;
  server.new_task_queue = [] { return new httplib::ThreadPool(threads); };
  server.Get("/addresses/:id", [&](const httplib::Request&, httplib::Response& response) {
    response.set_content(answer, "application/json");
  });
  announce(server.bind_to_any_port("127.0.0.1"));
  server.listen_after_bind();
}

void print_contacts(std::uint64_t first, std::uint64_t count) {
  bench::InventedContacts contacts(static_cast<unsigned>(first));
  for (std::uint64_t i = first; i != first + count; ++i) std::puts(contacts.contact(i).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "loop" && argc == 3) {
    bench::serve_bare_loop(content_of(argv[2]), announce);
  } else if (what == "constant" && argc == 3) {
    serve_constant(content_of(argv[2]));
  } else if (what == "contacts" && argc == 4) {
    print_contacts(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
  } else if (what == "version") {
    std::puts(CPPHTTPLIB_VERSION);
  } else {
    std::fputs("usage: yardsticks loop FILE | constant FILE | contacts FIRST COUNT | version\n",
               stderr);
    return 2;
  }
  return 0;
}
