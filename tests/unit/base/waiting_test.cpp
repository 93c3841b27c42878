#include <addrbook/base/waiting.hpp>

#include <doctest/doctest.h>

#include <string>
#include <thread>

using addrbook::detail::ThreadPool;
using addrbook::detail::Waiting;

namespace {

/// Writes down what it is told: "(" for block(), ")" for unblock().
class Diary final : public ThreadPool {
 public:
  void block() noexcept override { text += '('; }
  void unblock() noexcept override { text += ')'; }
  std::string text;
};

/// Gives the thread back to nobody, whatever the test does: the cases share it.
struct Owned {
  explicit Owned(ThreadPool& pool) { ThreadPool::own_this_thread(&pool); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { ThreadPool::own_this_thread(nullptr); }
};

}  // namespace

TEST_CASE("waiting: the pool is told when one of its threads begins to wait, and when it ends") {
  Diary pool;
  const Owned owned(pool);
  CHECK(pool.text.empty());
  {
    const Waiting waiting;
    CHECK(pool.text == "(");
  }
  CHECK(pool.text == "()");
  { const Waiting again; }
  CHECK(pool.text == "()()");
}

TEST_CASE("waiting: one within another makes no difference") {
  Diary pool;
  const Owned owned(pool);
  {
    const Waiting outer;
    {
      const Waiting inner;
      const Waiting innermost;
      CHECK(pool.text == "(");
    }
    { const Waiting inner; }
    CHECK(pool.text == "(");
  }
  CHECK(pool.text == "()");
}

TEST_CASE("waiting: ends with an exception, too") {
  Diary pool;
  const Owned owned(pool);
  const auto fail = [] {
    const Waiting outer;
    const Waiting inner;
    throw 1;
  };
  CHECK_THROWS_AS(fail(), int);
  CHECK(pool.text == "()");
}

TEST_CASE("waiting: a thread of no pool tells nobody") {
  Diary pool;
  { const Waiting before; }
  { const Owned owned(pool); }
  {
    const Waiting outer;
    const Waiting inner;
  }
  CHECK(pool.text.empty());
  // What went unsaid is not counted: the next one is an outermost one again.
  const Owned owned(pool);
  { const Waiting waiting; }
  CHECK(pool.text == "()");
}

TEST_CASE("waiting: each thread has a pool and a depth of its own") {
  Diary mine;
  Diary theirs;
  const Owned owned(mine);
  const Waiting waiting;
  std::thread other([&] {
    { const Waiting of_nobody; }
    ThreadPool::own_this_thread(&theirs);
    const Waiting outermost_here;
    theirs.text += '.';
  });
  other.join();
  CHECK(theirs.text == "(.)");
  CHECK(mine.text == "(");
}

TEST_CASE("waiting: a thread may change pools while it doesn't wait") {
  Diary first;
  Diary second;
  {
    const Owned owned(first);
    const Waiting waiting;
  }
  {
    const Owned owned(second);
    const Waiting waiting;
  }
  CHECK(first.text == "()");
  CHECK(second.text == "()");
}
