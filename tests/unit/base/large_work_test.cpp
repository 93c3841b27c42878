#include <addrbook/base/large_work.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using addrbook::detail::LargeWork;

TEST_CASE("large_work: one at a time, and again for the same thread") {
  CHECK_FALSE(LargeWork::is_large(128 * 1024));
  CHECK(LargeWork::is_large(128 * 1024 + 1));
  std::atomic<int> working{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 100; ++j) {
        const LargeWork outer;
        const LargeWork inner;
        const int now = ++working;
        if (now > most) most = now;
        --working;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(most == 1);
}
