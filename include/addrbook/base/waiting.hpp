/// Waiting: how a thread says that it waits for something other than a CPU, so that whoever owns it
/// can let another one work meanwhile.
#pragma once

namespace addrbook::detail {

/// Whoever owns threads and wants to know when one of them waits; a server of this library does.
class ThreadPool {
 public:
  ThreadPool() = default;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ThreadPool(ThreadPool&&) = delete;
  ThreadPool& operator=(ThreadPool&&) = delete;
  virtual ~ThreadPool() = default;

  /// The calling thread, one of the pool's, waits from here to unblock().
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

/// Stands where a thread may wait: for a disk, another thread, another machine. Says so to the
/// thread's pool, if it has one. One within another makes no difference.
class Waiting {
 public:
  Waiting() noexcept {
    if (ThreadPool::current() != nullptr && depth()++ == 0) ThreadPool::current()->block();
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  Waiting(Waiting&&) = delete;
  Waiting& operator=(Waiting&&) = delete;
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
