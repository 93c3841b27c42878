#include <addrbook/server/elastic_threads.hpp>

#include <support/hold_up.hpp>

#include <doctest/doctest.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <set>
#include <thread>
#include <utility>

using addrbook::detail::ElasticThreads;
using addrbook::detail::Waiting;

namespace {

/// Threads that take jobs from a queue.
class Pool {
 public:
  Pool(
      std::size_t ready, std::size_t capacity, std::function<void()> prepare = [] {})
      : threads(
            ready, capacity, [this](bool waits) { run_one(waits); }, std::move(prepare)) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      has_ended_ = true;
    }
    threads.end();
    changed_.notify_all();
    threads.join();
  }

  void add(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    changed_.notify_one();
  }

 private:
  void run_one(bool waits) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return !jobs_.empty() || has_ended_ || !waits; });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    ElasticThreads::round_started();
    job();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool has_ended_ = false;

 public:
  ElasticThreads threads;  // last: they use the others
};

}  // namespace

TEST_CASE("elastic_threads: others take the place of threads that block") {
  constexpr std::size_t blocked = 20;
  test::Gate gate;
  test::Arrivals done;
  Pool pool(2, 100);
  REQUIRE(pool.threads.fill_up());
  CHECK(pool.threads.ready() == 2);
  for (std::size_t i = 0; i < blocked; ++i) {
    pool.add([&] {
      const Waiting waiting;
      gate.pass();
    });
  }
  gate.wait_for(blocked);
  CHECK(pool.threads.ready() == 2);
  pool.add([&] { done.add(); });
  done.wait_for(1);
  gate.open();
}

TEST_CASE("elastic_threads: there are never more than the capacity") {
  test::Gate gate;
  test::Arrivals done;
  Pool pool(2, 4);
  REQUIRE(pool.threads.fill_up());
  for (int i = 0; i < 4; ++i) {
    pool.add([&] {
      const Waiting waiting;
      gate.pass();
      done.add();
    });
  }
  gate.wait_for(4);
  CHECK(pool.threads.ready() == 0);
  CHECK(!pool.threads.fill_up());
  pool.add([&] { done.add(); });
  gate.open();
  done.wait_for(5);
}

TEST_CASE("elastic_threads: a thread that blocks without saying so is detected") {
  test::Gate gate;
  test::Arrivals done;
  Pool pool(1, 2);
  REQUIRE(pool.threads.fill_up());
  pool.add([&] { gate.pass(); });
  gate.wait_for(1);
  CHECK(pool.threads.detect_stuck());  // the round may be a new one
  CHECK(pool.threads.ready() == 1);
  CHECK(pool.threads.detect_stuck());
  CHECK(pool.threads.ready() == 0);
  REQUIRE(pool.threads.fill_up());
  pool.add([&] { done.add(); });
  done.wait_for(1);
  gate.open();
}

TEST_CASE("elastic_threads: a thread that was stuck is ready again for its next round") {
  test::Gate gate;
  test::Arrivals done;
  Pool pool(1, 1);
  REQUIRE(pool.threads.fill_up());
  pool.add([&] { gate.pass(); });
  gate.wait_for(1);
  pool.threads.detect_stuck();
  pool.threads.detect_stuck();
  CHECK(pool.threads.ready() == 0);
  CHECK(!pool.threads.fill_up());
  std::ptrdiff_t ready = 0;
  pool.add([&] {
    ready = pool.threads.ready();
    done.add();
  });
  gate.open();
  done.wait_for(1);
  CHECK(ready == 1);
}

TEST_CASE("elastic_threads: waiting for work is not being stuck") {
  Pool pool(2, 4);
  REQUIRE(pool.threads.fill_up());
  for (int i = 0; i < 3; ++i) CHECK(!pool.threads.detect_stuck());
  CHECK(pool.threads.ready() == 2);
}

TEST_CASE("elastic_threads: threads are used again") {
  std::mutex mutex;
  std::set<std::thread::id> used;
  Pool pool(1, 100);
  REQUIRE(pool.threads.fill_up());
  for (int round = 0; round < 50; ++round) {
    test::Gate gate;
    test::Arrivals done;
    for (int i = 0; i < 2; ++i) {
      pool.add([&] {
        {
          const Waiting waiting;
          gate.pass();
        }
        const std::lock_guard lock(mutex);
        used.insert(std::this_thread::get_id());
        done.add();
      });
    }
    gate.wait_for(2);
    gate.open();
    done.wait_for(2);
  }
  CHECK(used.size() < 50);
}

TEST_CASE("elastic_threads: a thread that has blocked takes what else there is to do, once") {
  test::Gate blocked;
  test::Gate busy;
  test::Arrivals done;
  Pool pool(1, 2);
  REQUIRE(pool.threads.fill_up());
  pool.add([&] {
    const Waiting waiting;
    blocked.pass();
  });
  blocked.wait_for(1);
  pool.add([&] { busy.pass(); });
  busy.wait_for(1);
  pool.add([&] { done.add(); });
  pool.add([&] { done.add(); });
  blocked.open();
  done.wait_for(1);
  // It did not block again, and the other thread is enough for the rest.
  while (pool.threads.ready() != 1) std::this_thread::yield();
  CHECK(done.count() == 1);
  busy.open();
  done.wait_for(2);
}

TEST_CASE("elastic_threads: join() ends spare threads as well") {
  test::Gate gate;
  test::Arrivals done;
  Pool pool(1, 20);
  REQUIRE(pool.threads.fill_up());
  for (int i = 0; i < 10; ++i) {
    pool.add([&] {
      const Waiting waiting;
      gate.pass();
      done.add();
    });
  }
  gate.wait_for(10);
  gate.open();
  done.wait_for(10);
}

TEST_CASE(
    "elastic_threads: a round that throws ends no more than itself; each thread is prepared") {
  test::Arrivals prepared;
  test::Arrivals done;
  Pool pool(2, 2, [&] { prepared.add(); });
  REQUIRE(pool.threads.fill_up());
  prepared.wait_for(2);
  for (int i = 0; i < 4; ++i) pool.add([] { throw std::bad_alloc(); });
  pool.add([&] { done.add(); });
  done.wait_for(1);
}
