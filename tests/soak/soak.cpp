// Usage: soak SECONDS
//
// Runs well-behaved clients and attackers against the bundled server at the same time. Exits with 1
// unless the book contains exactly what the good clients wrote, their requests were answered
// promptly, and the server's memory did not grow.

#include "attackers.hpp"
#include "good_client.hpp"

#include <support/proc.hpp>
#include <support/server_process.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iomanip>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr unsigned good_clients = 32;
constexpr double max_growth = 1.1;  // of memory, from the first half of the run to the second
constexpr std::size_t tolerance_kib = 2048;  // what an allocator may retain

struct Campaign {
  soak::Kind kind;
  soak::Attack attack;
};

void wage(Campaign& campaign) {
  while (!campaign.attack.ended) {
    try {
      campaign.kind.round(campaign.attack);
    } catch (const std::exception&) {  // refused or disconnected, as expected
    }
  }
}

std::vector<std::string> problems;

void expect(bool holds, const std::string& what) {
  if (!holds) problems.push_back(what);
}

void row(const std::string& name, const std::string& value) {
  std::cout << std::left << std::setw(32) << name << std::right << std::setw(14) << value << '\n';
}

std::string milliseconds(std::uint32_t microseconds) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(2) << microseconds / 1000.0 << " ms";
  return text.str();
}

/// The server's average memory in each quarter of the run, in KiB.
std::array<std::size_t, 4> watch_memory(pid_t id, std::chrono::seconds time) {
  using Clock = std::chrono::steady_clock;
  std::array<std::vector<std::size_t>, 4> samples;
  const auto start = Clock::now();
  while (true) {
    const auto quarter = static_cast<std::size_t>(4 * (Clock::now() - start) / time);
    if (quarter >= samples.size()) break;
    samples[quarter].push_back(test::status_kib(id, "VmRSS"));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  std::array<std::size_t, 4> means{};
  for (std::size_t i = 0; i < means.size(); ++i) {
    // The second half of each quarter, as the first one begins with an empty server.
    const auto from = samples[i].begin() + static_cast<std::ptrdiff_t>(samples[i].size() / 2);
    const auto count = static_cast<std::size_t>(samples[i].end() - from);
    means[i] =
        std::accumulate(from, samples[i].end(), std::size_t{0}) / (std::max)(count, std::size_t{1});
  }
  return means;
}

/// Checks that the list contains exactly what the clients wrote.
void check_list(int port, const std::vector<std::unique_ptr<soak::GoodClient>>& clients) {
  const auto response = test::Connection(port).request("GET", "/addresses");
  const auto list = nlohmann::json::parse(response.body, nullptr, false);
  expect(list.is_object(), "the list is no JSON object");
  if (!list.is_object()) return;
  std::size_t known = 0;
  for (const auto& client : clients) {
    for (const auto& [location, text] : client->entries()) {
      ++known;
      const auto at = list.find(location.substr(location.rfind('/') + 1));
      expect(at != list.end() && *at == nlohmann::json::parse(text),
             "the list lacks " + location + ", or has it otherwise");
    }
  }
  expect(list.size() == known,
         "the list has " + std::to_string(list.size()) + " entries, not " + std::to_string(known));
  row("entries at the end", std::to_string(list.size()));
}

void report_latencies(const std::vector<std::unique_ptr<soak::GoodClient>>& clients,
                      std::chrono::seconds time) {
  std::vector<std::uint32_t> all;
  for (const auto& client : clients) {
    all.insert(all.end(), client->latencies().begin(), client->latencies().end());
  }
  std::sort(all.begin(), all.end());
  const auto percentile = [&](std::size_t percent) {
    return milliseconds(all[(std::min)(all.size() - 1, all.size() * percent / 100)]);
  };
  row("good clients", std::to_string(clients.size()));
  row("their requests", std::to_string(all.size()));
  row("requests/s", std::to_string(all.size() / static_cast<std::size_t>(time.count())));
  row("latency p50", percentile(50));
  row("latency p99", percentile(99));
  row("latency max", milliseconds(all.back()));
}

int run(std::chrono::seconds time) {
  test::raise_open_files_limit();
  test::Process::Setting setting;
  // glibc's allocator retains some freed memory for each thread. With hundreds of threads that
  // grows for many minutes, which would look like a leak, or hide one.
  setting.environment = {{"GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1"},
                         {"ADDRBOOK_LOGGING_FILE", "/dev/null"},
                         {"ADDRBOOK_HTTP_HEADER_TIMEOUT_MS", "2000"},
                         {"ADDRBOOK_HTTP_BODY_TIMEOUT_MS", "3000"},
                         {"ADDRBOOK_HTTP_ANSWER_TIMEOUT_MS", "3000"},
                         {"ADDRBOOK_HTTP_KEEP_ALIVE_TIMEOUT_MS", "5000"}};
  test::ServerProcess server({}, setting);
  const int port = server.port();

  std::atomic<bool> ended{false};
  std::vector<std::unique_ptr<soak::GoodClient>> clients;
  for (unsigned i = 0; i < good_clients; ++i) {
    clients.push_back(std::make_unique<soak::GoodClient>(port, i));
  }
  std::vector<std::unique_ptr<Campaign>> campaigns;
  for (soak::Kind& kind : soak::kinds()) {
    campaigns.push_back(
        std::make_unique<Campaign>(Campaign{std::move(kind), soak::Attack{port, ended}}));
  }
  std::vector<std::thread> threads;
  for (auto& client : clients) {
    threads.emplace_back([&client, &ended] { client->run(ended); });
  }
  for (auto& campaign : campaigns) threads.emplace_back([&campaign] { wage(*campaign); });
  const auto memory = watch_memory(server.id(), time);
  ended = true;
  for (auto& thread : threads) thread.join();

  report_latencies(clients, time);
  std::size_t errors = 0;
  for (auto& client : clients) {
    client->check_all();
    errors += client->error().empty() ? 0 : 1;
    expect(client->error().empty(), client->error());
  }
  row("errors of good clients", std::to_string(errors));
  check_list(port, clients);
  for (const auto& campaign : campaigns) {
    row("attack: " + campaign->kind.name, std::to_string(campaign->attack.connections) + " conn.");
    expect(campaign->attack.connections > 0, campaign->kind.name + ": did not attack");
    expect(campaign->attack.success.empty(), campaign->kind.name + ": " + campaign->attack.success);
  }
  for (std::size_t i = 0; i < memory.size(); ++i) {
    row("memory towards " + std::to_string(25 * (i + 1)) + " %",
        std::to_string(memory[i]) + " KiB");
  }
  expect(static_cast<double>(memory[3]) <=
             max_growth * static_cast<double>(memory[1]) + static_cast<double>(tolerance_kib),
         "memory grows, from " + std::to_string(memory[1]) + " to " + std::to_string(memory[3]) +
             " KiB");
  server.signal(SIGTERM);
  expect(server.wait() == 0, "the server did not end well");
  for (const std::string& problem : problems) std::cout << "FAILED: " << problem << '\n';
  return problems.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::invalid_argument("soak SECONDS");
    return run(std::chrono::seconds(std::stoi(argv[1])));
  } catch (const std::exception& error) {
    std::cerr << "soak: " << error.what() << '\n';
    return 2;
  }
}
