/// What the benchmarks share: servers in processes of their own, and a load on the same CPU, so
/// that a ratio is one of work done.
#pragma once

#include <support/http_client.hpp>

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

inline void pin_to_cpu(int number) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(number), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) std::perror("sched_setaffinity");
}
inline void pin_to_first_cpu() {
  pin_to_cpu(0);
}

inline const std::string document =
    R"({"name":"Ada Lovelace","emails":[{"kind":"work","email":"ada@example.com"}],)"
    R"("phone_numbers":[{"kind":"home","country_code":44,"area_code":20,"local_number":5550100}],)"
    R"("notes":"A line of text."})";

/// A server in a process of its own, killed with its owner.
class Served {
 public:
  /// @param serve  runs in the new process: calls its argument with port and target once it is
  ///               bound, then serves for ever
  /// @param on_first_cpu  only there
  explicit Served(const std::function<void(std::function<void(int, std::string)>)>& serve,
                  bool on_first_cpu = true) {
    int pipe[2];
    if (::pipe(pipe) != 0) std::exit(1);
    process_ = ::fork();
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // whatever ends the benchmark
      if (on_first_cpu) pin_to_first_cpu();
      serve([&](int bound, const std::string& at) {
        const std::string line = std::to_string(bound) + " " + at + "\n";
        if (::write(pipe[1], line.data(), line.size()) < 0) std::perror("write");
      });
      ::_exit(0);
    }
    ::close(pipe[1]);
    char line[128] = {};
    char at[100] = {};
    if (::read(pipe[0], line, sizeof line - 1) <= 0 ||
        std::sscanf(line, "%d %99s", &port, at) != 2) {
      std::exit(1);
    }
    target = at;
    ::close(pipe[0]);
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

  [[nodiscard]] pid_t process() const { return process_; }

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

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

inline int argument(int argc, char** argv, int index, int fallback) {
  return argc > index ? (std::max)(1, std::atoi(argv[index])) : fallback;
}

/// Pins all threads of a process, and those that they start.
inline void pin_process_to_first_cpu(pid_t process) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  const std::filesystem::path tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    ::sched_setaffinity(std::stoi(task.path().filename()), sizeof set, &set);
  }
}

/// One of the servers that are compared.
struct Contender {
  const char* name;
  const Served& served;
};

/// Measures servers in turns, so that a noisy machine troubles all alike. Prints medians, and the
/// medians of the rounds' ratios of the last one to each of the others.
inline void compare(const std::vector<Contender>& contenders, std::size_t connections, int rounds,
                    std::chrono::milliseconds duration) {
  std::vector<Load> loads;
  for (const Contender& each : contenders) {
    loads.emplace_back(each.served.port, each.served.target, connections);
    pin_process_to_first_cpu(each.served.process());
  }
  pin_to_first_cpu();
  for (Load& load : loads) load.run(duration);
  std::vector<std::vector<double>> rates(loads.size());
  std::vector<std::vector<double>> ratios(loads.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < loads.size(); ++i) rates[i].push_back(loads[i].run(duration));
    for (std::size_t i = 0; i < loads.size(); ++i) {
      ratios[i].push_back(rates.back().back() / rates[i].back());
    }
  }
  std::printf("%zu connections, one CPU, medians of %d rounds of %d ms\n", connections, rounds,
              static_cast<int>(duration.count()));
  for (std::size_t i = 0; i < loads.size(); ++i) {
    std::printf("  %-28s %9.0f requests/s", contenders[i].name, median(rates[i]));
    if (i + 1 < loads.size()) std::printf("  %.3f", median(ratios[i]));
    std::printf("\n");
  }
  std::printf("(the last column: %s by that one)\n", contenders.back().name);
}

}  // namespace bench
