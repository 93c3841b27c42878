#include <addrbook/base/memory_budget.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <thread>
#include <vector>

using addrbook::detail::MemoryBudget;

TEST_CASE("memory_budget: counts what its holders have, against the limit") {
  MemoryBudget budget(80);
  CHECK(budget.used() == 0);
  budget.change(0, 40);
  CHECK(!budget.is_scarce());
  budget.change(40, 41);
  CHECK(budget.is_scarce());
  CHECK(!budget.is_exceeded());
  budget.change(0, 40);
  CHECK(budget.used() == 81);
  CHECK(budget.is_exceeded());
  CHECK(!budget.is_relieved());
  CHECK(budget.is_relieved(11));
  CHECK(!budget.is_relieved(10));
  budget.change(41, 30);
  CHECK(budget.used() == 70);
  CHECK(budget.is_relieved());
  CHECK(!budget.is_exceeded());
  budget.change(70, 0);
  CHECK(budget.used() == 0);
}

TEST_CASE("memory_budget: reports once that the use has fallen far") {
  MemoryBudget budget(100);
  CHECK(!budget.has_fallen_by(50));
  budget.change(0, 60);
  budget.change(60, 20);
  CHECK(!budget.has_fallen_by(50));
  budget.change(20, 10);
  CHECK(budget.has_fallen_by(50));
  CHECK(!budget.has_fallen_by(50));
  budget.change(10, 70);
  budget.change(70, 0);
  CHECK(budget.has_fallen_by(50));
}

TEST_CASE("memory_budget: loses nothing between threads") {
  MemoryBudget budget(100);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (std::size_t bytes = 0; bytes < 10'000; ++bytes) budget.change(bytes, bytes + 1);
      budget.change(10'000, 1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(budget.used() == 4);
}
