#include <addrbook/metrics/request_counts.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using addrbook::detail::index_of_status;
using addrbook::detail::known_statuses;
using addrbook::detail::RequestCounts;
using addrbook::detail::RequestSeries;
using addrbook::detail::RequestSlot;

TEST_CASE("request counts: a slot has the row and the method") {
  std::set<std::size_t> numbers;
  for (std::size_t row = 0; row < RequestSlot::max_rows; ++row) {
    for (const std::string_view method : {"GET", "HEAD"}) {
      const RequestSlot slot(row, method);
      CHECK(slot.has_row());
      CHECK(slot.is_known());
      CHECK(slot.row() == row);
      CHECK(slot.is_head() == (method == "HEAD"));
      CHECK(slot.method("GET") == method);
      CHECK(numbers.insert(slot.number()).second);
    }
  }
  for (const std::string_view method :
       {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}) {
    const RequestSlot slot(method);
    CHECK_FALSE(slot.has_row());
    CHECK(slot.method() == method);
    CHECK(numbers.insert(slot.number()).second);
    CHECK(slot.number() < RequestSlot::count);
    CHECK(RequestSlot(RequestSlot::max_rows, method).number() == slot.number());
  }
  CHECK_FALSE(RequestSlot().is_known());
}

TEST_CASE("request counts: methods that nobody knows are one") {
  for (const std::string method : {"", "get", "GETX", "PROPFIND", "G\0T", "\xFF"}) {
    CHECK(RequestSlot(method).method() == "other");
  }
  CHECK(RequestSlot(std::string(100'000, 'x')).method() == "other");
}

TEST_CASE("request counts: statuses that are not known are one") {
  std::set<std::size_t> indexes;
  for (const int status : known_statuses) {
    CHECK(indexes.insert(index_of_status(status)).second);
    CHECK(known_statuses[index_of_status(status)] == status);
  }
  for (const int status : {-1, 0, 100, 199, 299, 418, 599, 600, 2'000'000'000}) {
    CHECK(index_of_status(status) == 0);
  }
}

TEST_CASE("request counts: what several threads count is added up") {
  RequestCounts counts;
  const RequestSlot slot(3, "GET");
  CHECK(counts.series(slot, 200) == counts.series(slot, 200));
  CHECK(counts.series(slot, 200) != counts.series(slot, 404));
  CHECK(counts.series(slot, 418) == counts.series(slot, 419));
  constexpr std::size_t each = 1000;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counts, slot] {
      for (std::size_t n = 0; n < each; ++n) {
        counts.series(slot, 200)->add(1000, 2, 3);
        counts.series(RequestSlot("GET"), 500)->add_response_bytes(1);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::size_t seen = 0;
  counts.for_each([&](RequestSlot at, int status, const RequestSeries& series) {
    ++seen;
    const auto now = series.read();
    if (at.number() == slot.number() && status == 200) {
      CHECK(now.durations.count() == 4 * each);
      CHECK(now.durations.sum == 4 * each * 1000);
      CHECK(now.request_bytes == 4 * each * 2);
      CHECK(now.response_bytes == 4 * each * 3);
    }
    if (status == 500) {
      CHECK(now.durations.count() == 0);
      CHECK(now.response_bytes == 4 * each);
    }
  });
  CHECK(seen == 4);
}
