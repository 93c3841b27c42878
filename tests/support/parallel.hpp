/// Work in several threads at once.
#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <thread>
#include <vector>

namespace test {

/// Runs `work(0)` ... `work(threads - 1)` concurrently.
/// @returns the messages of what they threw
template <class Work>
std::string run_parallel(std::size_t threads, Work work) {
  std::vector<std::string> failures(threads);
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.emplace_back([&failures, &work, t] {
      try {
        work(t);
      } catch (const std::exception& error) {
        failures[t] = error.what();
      }
    });
  }
  for (auto& worker : workers) worker.join();
  std::string all;
  for (const std::string& failure : failures) {
    if (!failure.empty()) all += failure + "\n";
  }
  return all;
}

}  // namespace test
