// GET of one entry against a constant handler on the same cpp-httplib: what the library adds to its
// transport. Server and load generator share one CPU, so that the ratio is one of work done; the
// two are measured in turns, so that a noisy machine troubles both alike.
//
// Usage: get_bench [connections = 8] [rounds = 15] [milliseconds per round = 400]
// Prints requests/s of each (medians) and the median of the rounds' ratios.

#include <addrbook/addrbook.hpp>

#include <support/http_client.hpp>

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

void pin_to_first_cpu() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) std::perror("sched_setaffinity");
}

const std::string document =
    R"({"name":"Ada Lovelace","emails":[{"kind":"work","email":"ada@example.com"}],)"
    R"("phone_numbers":[{"kind":"home","country_code":44,"area_code":20,"local_number":5550100}],)"
    R"("notes":"A line of text."})";

// Never returns. Writes port and target into `pipe`.
[[noreturn]] void serve(bool constant, int pipe, std::size_t connections) {
  pin_to_first_cpu();
  httplib::Server server;
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000'000);
  server.new_task_queue = [connections] { return new httplib::ThreadPool(2 * connections); };
  std::string target = "/constant";
  if (constant) {
    server.Get(target, [](const httplib::Request&, httplib::Response& response) {
      response.set_content(document, "application/json");
    });
  } else {
    const auto book = addrbook::mount(server);
    for (int i = 0; i < 1000; ++i) book->create(addrbook::Document::parse(document));
    target = "/addresses/" + book->create(addrbook::Document::parse(document)).id;
  }
  const std::string line =
      std::to_string(server.bind_to_any_port("127.0.0.1")) + " " + target + "\n";
  if (::write(pipe, line.data(), line.size()) < 0) std::perror("write");
  server.listen_after_bind();
  ::_exit(0);
}

/// A server in a process of its own, ended with its owner.
class Served {
 public:
  Served(bool constant, std::size_t connections) {
    int pipe[2];
    if (::pipe(pipe) != 0) std::exit(1);
    process_ = ::fork();
    if (process_ == 0) serve(constant, pipe[1], connections);
    ::close(pipe[1]);
    char line[128] = {};
    char target[100] = {};
    if (::read(pipe[0], line, sizeof line - 1) <= 0 ||
        std::sscanf(line, "%d %99s", &port, target) != 2) {
      std::exit(1);
    }
    this->target = target;
    ::close(pipe[0]);
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

  int port = 0;
  std::string target;

 private:
  pid_t process_ = -1;
};

/// Connections that ask for one target: a request on each, then the answers of all.
class Load {
 public:
  Load(int port, const std::string& target, std::size_t connections)
      : request_("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n") {
    for (std::size_t i = 0; i < connections; ++i) {
      connections_.emplace_back(port);
      // One by one: httplib 0.41 lets only 5 wait to be accepted.
      connections_.back().request("GET", target);
    }
    const auto first = connections_.front().request("GET", target);
    if (first.status != 200 || first.body != document) {
      std::fprintf(stderr, "%s is not what is to be measured\n", target.c_str());
      std::exit(1);
    }
    // All answers have one size but for the width of what changes, which is fixed.
    connections_.front().send(request_);
    char buffer[4096];
    const auto size = ::recv(connections_.front().socket(), buffer, sizeof buffer, 0);
    answer_size_ = static_cast<std::size_t>(size);
  }

  /// @returns requests per second
  double run(std::chrono::milliseconds duration) {
    std::size_t count = 0;
    const auto start = Clock::now();
    Clock::duration taken{};
    do {
      for (const auto& connection : connections_) connection.send(request_);
      for (const auto& connection : connections_) receive(connection.socket());
      count += connections_.size();
      taken = Clock::now() - start;
    } while (taken < duration);
    return static_cast<double>(count) / std::chrono::duration<double>(taken).count();
  }

 private:
  void receive(int socket) const {
    char buffer[4096];
    std::size_t received = 0;
    while (received < answer_size_) {
      const auto size = ::recv(socket, buffer, sizeof buffer, 0);
      if (size <= 0) {
        std::fprintf(stderr, "the connection was closed\n");
        std::exit(1);
      }
      received += static_cast<std::size_t>(size);
    }
  }

  std::string request_;
  std::vector<test::Connection> connections_;
  std::size_t answer_size_ = 0;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int argument(int argc, char** argv, int index, int fallback) {
  return argc > index ? (std::max)(1, std::atoi(argv[index])) : fallback;
}

}  // namespace

int main(int argc, char** argv) {
  const auto connections = static_cast<std::size_t>(argument(argc, argv, 1, 8));
  const int rounds = argument(argc, argv, 2, 15);
  const std::chrono::milliseconds duration(argument(argc, argv, 3, 400));

  const Served constant_server(true, connections);
  const Served book_server(false, connections);
  pin_to_first_cpu();
  Load constant(constant_server.port, constant_server.target, connections);
  Load entry(book_server.port, book_server.target, connections);
  std::vector<double> constants;
  std::vector<double> entries;
  std::vector<double> ratios;
  constant.run(duration);
  entry.run(duration);
  for (int round = 0; round < rounds; ++round) {
    constants.push_back(constant.run(duration));
    entries.push_back(entry.run(duration));
    ratios.push_back(entries.back() / constants.back());
  }
  std::printf("cpp-httplib %s, %zu connections, one CPU, %d rounds\n", CPPHTTPLIB_VERSION,
              connections, rounds);
  std::printf("constant handler  %9.0f requests/s\n", median(constants));
  std::printf("GET of one entry  %9.0f requests/s\n", median(entries));
  std::printf("ratio             %9.3f\n", median(ratios));
  return 0;
}
