/// A well-behaved client, which checks that the book contains what it wrote.
#pragma once

#include <support/http_client.hpp>

#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace soak {

class GoodClient {
 public:
  /// @param number  distinguishes this client's entries from those of others
  GoodClient(int port, unsigned number)
      : port_(port), number_(number), random_(number), connection_(port) {
    while (entries_.size() < usual_entries) create();
  }

  /// Works until `ended`, or until an error, after which its model of the book may be wrong.
  void run(const std::atomic<bool>& ended) {
    try {
      while (!ended) step();
    } catch (const std::exception& thrown) {
      error_ = "client " + std::to_string(number_) + ": " + thrown.what();
    }
  }

  /// Reads every entry back, unless there was an error before.
  void check_all() {
    if (!error_.empty()) return;
    try {
      for (const auto& [location, text] : entries_) {
        expect(request("GET", location).body == text, "GET " + location + ": another text");
      }
    } catch (const std::exception& thrown) {
      error_ = "client " + std::to_string(number_) + ", at the end: " + thrown.what();
    }
  }

  /// What must be in the book: text by location.
  [[nodiscard]] const std::map<std::string, std::string>& entries() const { return entries_; }
  /// The duration of each request, in microseconds.
  [[nodiscard]] const std::vector<std::uint32_t>& latencies() const { return latencies_; }
  /// What went wrong; empty if nothing did.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t usual_entries = 30;

  static void expect(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error(what);
  }

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }

  std::map<std::string, std::string>::iterator any_entry() {
    return std::next(entries_.begin(), static_cast<std::ptrdiff_t>(below(entries_.size())));
  }

  std::string new_text() {
    const std::size_t size = below(50) == 0 ? 20'000 : 20 + below(1'500);
    return "{\"client\":" + std::to_string(number_) + ",\"n\":" + std::to_string(++count_) +
           ",\"notes\":\"" + std::string(size, static_cast<char>('a' + below(26))) + "\"}";
  }

  test::Response request(const std::string& method, const std::string& target,
                         const std::string& body = {}) {
    const auto start = Clock::now();
    auto response = connection_.request(method, target, {}, body);
    latencies_.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count()));
    expect(response.complete, method + " " + target + ": half an answer");
    if (response.header("connection") == "close") connection_ = test::Connection(port_);
    return response;
  }

  void step() {
    const auto dice = below(1'000);
    // As many entries are removed as created, so that the size of the book does not change.
    const bool has_too_many = entries_.size() > usual_entries;
    if (dice < 200) {
      has_too_many ? remove() : create();
    } else if (dice < 400) {
      update();
    } else if (dice < 405) {
      list();
    } else {
      const auto entry = any_entry();
      const auto response = request("GET", entry->first);
      expect(response.status == 200 && response.body == entry->second,
             "GET " + entry->first + ": " + std::to_string(response.status));
    }
  }

  void create() {
    auto text = new_text();
    const auto response = request("POST", "/addresses", text);
    expect(response.status == 201, "POST: " + std::to_string(response.status));
    const bool is_new = entries_.emplace(response.header("location"), std::move(text)).second;
    expect(is_new, "POST: a location that was there before");
  }

  void update() {
    const auto entry = any_entry();
    auto text = new_text();
    const auto response = request("PUT", entry->first, text);
    expect(response.status == 204, "PUT: " + std::to_string(response.status));
    entry->second = std::move(text);
  }

  void remove() {
    const auto entry = any_entry();
    const std::string location = entry->first;
    expect(request("DELETE", location).status == 204, "DELETE " + location);
    entries_.erase(entry);
    if (below(20) == 0) expect(request("GET", location).status == 404, "GET of what is gone");
  }

  // Other clients write at the same time: only this client's own entries are known.
  void list() {
    const auto response = request("GET", "/addresses");
    expect(response.status == 200, "GET of the list: " + std::to_string(response.status));
    for (const auto& [location, text] : entries_) {
      const auto member = "\"" + location.substr(location.rfind('/') + 1) + "\":" + text;
      expect(response.body.find(member) != std::string::npos, "the list lacks " + location);
    }
  }

  int port_;
  unsigned number_;
  std::mt19937 random_;
  std::size_t count_ = 0;
  test::Connection connection_;
  std::map<std::string, std::string> entries_;
  std::vector<std::uint32_t> latencies_;
  std::string error_;
};

}  // namespace soak
