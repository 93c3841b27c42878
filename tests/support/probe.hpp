/// Clients that ask all the time, to see what others notice of an attack.
#pragma once

#include <support/crowd.hpp>
#include <support/http_client.hpp>
#include <support/proc.hpp>

#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace test {

/// Reads a positive number of the environment. @returns `usual` if the variable is not set
inline std::size_t environment_or(const char* variable, std::size_t usual) {
  const char* const text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return usual;
  const auto number = std::stoul(text);
  if (number == 0) throw std::invalid_argument(std::string(variable) + " must be at least 1");
  return number;
}

/// How many slow clients attack: ADDRBOOK_SLOW_CLIENTS, or fewer if this build or this machine
/// can't run as many.
inline std::size_t slow_clients() {
  return scaled(environment_or("ADDRBOOK_SLOW_CLIENTS", is_sanitized ? 100 : 300));
}

/// How long they do: ADDRBOOK_SLOW_SECONDS.
inline std::chrono::seconds slow_time() {
  return std::chrono::seconds(environment_or("ADDRBOOK_SLOW_SECONDS", 2));
}

/// Asks a server in a thread for each client, and meanwhile watches the server's process.
class Probe {
 public:
  /// Sends one request and reads the answer. Throws if that is not as it must be.
  using Ask = std::function<void()>;

  struct Report {
    std::size_t requests = 0;
    std::size_t failures = 0;
    std::string first_failure;
    double median_ms = 0;
    double p99_ms = 0;
    double most_ms = 0;
    std::size_t most_threads = 0;  ///< of the server
    std::size_t peak_kib = 0;      ///< of its memory: VmHWM
    std::size_t rss_kib = 0;       ///< at the end: VmRSS
  };

  Probe(pid_t server, const std::vector<Ask>& clients) : server_(server) {
    for (const Ask& ask : clients) {
      threads_.emplace_back([this, ask] { run(ask); });
    }
    threads_.emplace_back([this] { watch(); });
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() { end(); }

  /// Ends the requests. @returns what was seen
  Report report() {
    end();
    std::sort(times_.begin(), times_.end());
    report_.requests = times_.size() + report_.failures;
    if (!times_.empty()) {
      report_.median_ms = times_[times_.size() / 2];
      report_.p99_ms = times_[times_.size() * 99 / 100];
      report_.most_ms = times_.back();
    }
    report_.peak_kib = status_kib(server_, "VmHWM");
    report_.rss_kib = status_kib(server_, "VmRSS");
    return report_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void run(const Ask& ask) {
    while (!is_ended_) {
      const auto start = Clock::now();
      try {
        ask();
        const std::chrono::duration<double, std::milli> took = Clock::now() - start;
        const std::lock_guard lock(mutex_);
        times_.push_back(took.count());
      } catch (const std::exception& failure) {
        const std::lock_guard lock(mutex_);
        if (++report_.failures == 1) report_.first_failure = failure.what();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // leaves CPUs to the attack
    }
  }

  void watch() {
    while (!is_ended_) {
      const std::size_t threads = status_kib(server_, "Threads");
      report_.most_threads = (std::max)(report_.most_threads, threads);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  void end() {
    is_ended_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  const pid_t server_;
  std::atomic<bool> is_ended_{false};
  std::mutex mutex_;
  std::vector<double> times_;
  Report report_;
  std::vector<std::thread> threads_;
};

inline std::string to_text(const Probe::Report& report) {
  std::ostringstream text;
  text << report.requests << " requests, " << report.failures << " failures, p50 "
       << report.median_ms << " ms, p99 " << report.p99_ms << " ms, max " << report.most_ms
       << " ms; " << report.most_threads << " threads, " << report.peak_kib / 1024
       << " MiB at most, " << report.rss_kib / 1024 << " MiB at the end";
  return text.str();
}

/// Asks for `_health` and for an entry in turn, on a connection for each request or on one that is
/// kept.
/// @param send  is given method and target, and returns the answer
template <class Send>
Probe::Ask asking(Send send, std::string location, std::string document) {
  return [send, location = std::move(location), document = std::move(document),
          turn = 0]() mutable {
    const bool is_health = turn++ % 2 == 0;
    const Response response = send(is_health ? "/addresses/_health" : location);
    const std::string& wanted = is_health ? "{\"status\":\"pass\"}" : document;
    if (response.status != 200 || !response.complete || response.body != wanted) {
      throw std::runtime_error(std::to_string(response.status) + " " + response.body.substr(0, 80));
    }
  };
}

/// Creates an entry. @returns clients that ask for it, on fresh connections and on a kept one
inline std::vector<Probe::Ask> fresh_and_kept(int port) {
  const std::string document = "{\"name\":\"Ada Lovelace\"}";
  const auto created = Connection(port).request("POST", "/addresses", {}, document);
  if (created.status != 201) throw std::runtime_error("the probe's entry can't be created");
  const auto fresh = [port](const std::string& target) {
    return Connection(port).request("GET", target);
  };
  // std::function copies what it holds.
  const auto connection = std::make_shared<Connection>(port);
  const auto kept = [port, connection](const std::string& target) {
    auto response = connection->request("GET", target);
    if (response.header("connection") == "close") *connection = Connection(port);
    return response;
  };
  const std::string location = created.header("location");
  return {asking(fresh, location, document), asking(kept, location, document)};
}

}  // namespace test
