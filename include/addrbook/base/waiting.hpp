/// Waiting: how a thread tells its pool that it waits for something other than a CPU, so that the
/// pool can let another thread work meanwhile.
#pragma once

#include <addrbook/base/pinned.hpp>

namespace addrbook::detail {

/// An owner of threads that is told when one of them waits, such as a server of this library.
class ThreadPool : private Pinned {
 public:
  virtual ~ThreadPool() = default;

  /// The calling thread, which belongs to the pool, waits until unblock().
  virtual void block() noexcept = 0;
  virtual void unblock() noexcept = 0;

  /// The calling thread belongs to `pool` from now on; null: to none.
  static void own_this_thread(ThreadPool* pool) noexcept { current() = pool; }

 private:
  friend class Waiting;

  static ThreadPool*& current() noexcept {
    thread_local ThreadPool* pool = nullptr;
    return pool;
  }
};

/// Exists while a thread waits: for a disk, another thread, another machine. Tells the thread's
/// pool, if it has one. Nested ones make no difference.
class Waiting : private Pinned {
 public:
  Waiting() noexcept {
    if (ThreadPool::current() != nullptr && depth()++ == 0) ThreadPool::current()->block();
  }
  ~Waiting() {
    if (ThreadPool::current() != nullptr && --depth() == 0) ThreadPool::current()->unblock();
  }

 private:
  static int& depth() noexcept {
    thread_local int depth = 0;
    return depth;
  }
};

}  // namespace addrbook::detail
