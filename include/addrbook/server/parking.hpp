/// Parking: where connections wait. A waiting connection holds no thread. A thread claims it when
/// data arrives or there is room to write, and parks it again as soon as it would have to wait for
/// the client.
///
/// Linux: epoll(7). All threads take events of one EventQueue. A connection is registered once,
/// edge-triggered, so that a request costs three system calls: wait, receive, send; and only two
/// if there is much to do.
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/memory_budget.hpp>
#include <addrbook/base/waiting.hpp>
#include <addrbook/server/acceptor.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_counts.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/connection_table.hpp>
#include <addrbook/server/elastic_threads.hpp>
#include <addrbook/server/event_queue.hpp>
#include <addrbook/server/request_loop.hpp>

#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// As in ServerOptions.
struct ParkingLimits {
  ClientTimeouts timeouts;
  std::chrono::milliseconds stop_grace;
  std::chrono::milliseconds stop_timeout;
  std::size_t max_connections;
  std::size_t max_threads;
  std::size_t max_buffered_bytes;
};

/// The engine: accepts connections off listening sockets and serves them in threads of its own.
class Parking final : private ServerEngine {
 public:
  /// Starts to serve.
  /// @param listeners  listening sockets
  /// @throws std::system_error if the system has no descriptor or no thread left
  Parking(std::vector<Descriptor> listeners, const ParkingLimits& limits,
          ConnectionHandler& handler);
  ~Parking() override { stop(); }

  /// Accepts no further connections, lets requests complete within the limits, and closes all
  /// connections.
  void stop();

  /// @returns what connections do now
  [[nodiscard]] ConnectionCounts counts();

 private:
  using Clock = Connection::Clock;
  using Phase = Connection::Phase;
  using Step = RequestLoop::Step;

  inline bool wait_for(const Connection& connection, short events,
                       std::chrono::milliseconds timeout) override;
  inline std::function<void()> waker(Connection& connection) override;
  [[nodiscard]] bool is_stopping() const noexcept override { return is_stopping_.load(); }
  [[nodiscard]] const MemoryBudget& memory() const noexcept override { return memory_; }

  bool work(int timeout_ms, bool is_overloaded);
  void admit(Connection& connection);
  void proceed(Connection& connection, Step step, bool is_overloaded = false);
  void close(Connection& connection);
  void count_memory(Connection& connection);
  void relieve_memory();
  [[nodiscard]] bool is_stopped(const Connection& connection) const;
  void rearm(Connection& connection);
  void requeue(Connection& connection);
  void wake(std::uint64_t handle);
  void watch();
  void sweep();

  // Not the handles of any connection.
  static constexpr std::uint64_t listener_handle = EventQueue::own_handle - 1;
  static constexpr std::uint64_t end_handle = listener_handle - 1;

  // What a request that has just begun may hold and never be ended for.
  static constexpr std::size_t small_bytes = std::size_t{8} * 1024;

  // Lets wakers find out whether the Parking still exists.
  struct Wakers {
    std::mutex mutex;
    Parking* parking;
  };

  const ParkingLimits limits_;
  const std::size_t max_connections_;  // as many as there can be descriptors
  MemoryBudget memory_;
  ConnectionTable table_;
  EventQueue events_;
  Descriptor end_;  // an eventfd: readable when the threads are to end
  Acceptor acceptor_;
  RequestLoop loop_;
  Warning memory_short_;
  std::shared_ptr<Wakers> wakers_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> is_relieving_{false};  // a thread is in relieve_memory()

  std::mutex mutex_;
  std::condition_variable all_closed_;
  std::condition_variable watch_wake_;
  std::atomic<bool> is_watch_slow_{false};  // nothing happens: the watch thread need not look often
  bool watch_ends_ = false;

  ElasticThreads threads_;
  std::thread watch_thread_;
};

// ---------------------------------------------------------------------------------------------

/// How many CPUs this process may use.
inline std::size_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::size_t>((std::max)(CPU_COUNT(&set), 1));
}

/// Gives memory that is free back to the system. malloc keeps what lies below a block in use.
inline void return_memory() noexcept {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

inline Parking::Parking(std::vector<Descriptor> listeners, const ParkingLimits& limits,
                        ConnectionHandler& handler)
    : limits_(limits),
      max_connections_(connection_capacity(limits.max_connections)),
      memory_(limits.max_buffered_bytes),
      table_(max_connections_ + refusal_slots(max_connections_)),
      end_(::eventfd(0, EFD_CLOEXEC)),
      acceptor_(std::move(listeners), max_connections_, table_, handler),
      loop_(*this, handler, limits.timeouts),
      memory_short_(handler, "max_buffered_bytes is reached: the largest and slowest requests end"),
      wakers_(std::make_shared<Wakers>()),
      threads_(
          usable_cpus(), limits.max_threads, [this](bool waits) { work(waits ? -1 : 0, false); },
          RequestLoop::prepare_thread) {
  wakers_->parking = this;
  const auto check = [](bool is_done) {
    if (!is_done) throw std::system_error(errno, std::generic_category(), "can't serve");
  };
  if (max_connections_ < limits.max_connections) {
    handler.warn("max_connections is " + std::to_string(limits.max_connections) +
                 ", but the limit of open files (ulimit -n) leaves room for " +
                 std::to_string(max_connections_));
  }
  try {
    check(events_ && end_);
    check(events_.add(end_.get(), end_handle, EPOLLIN));
    errno = EAGAIN;  // fill_up() sets none
    check(threads_.fill_up());
    watch_thread_ = std::thread([this] { watch(); });
    // Last: clients in the backlog may occupy all threads at once.
    for (const Descriptor& each : acceptor_.listeners()) {
      check(events_.add(each.get(), listener_handle, EPOLLIN | EPOLLET));
    }
  } catch (...) {
    stop();
    throw;
  }
}

inline void Parking::stop() {
  if (is_stopping_.exchange(true)) return;
  acceptor_.close();
  // Requests that have arrived are still read and answered. Connections that have sent nothing are
  // closed.
  table_.for_each_slot([this](Connection& connection) {
    if (!connection.claim_parked()) return;
    if (connection.phase != Phase::handshake && connection.input.empty()) {
      ::shutdown(connection.socket.get(), SHUT_RD);
    }
    connection.has_seen_stop.store(true);
    requeue(connection);
  });
  std::unique_lock lock(mutex_);
  const auto are_all_closed = [this] { return table_.count() == 0; };
  if (!all_closed_.wait_for(lock, limits_.stop_grace, are_all_closed)) {
    table_.shut_down_all(SHUT_RD);
    const auto rest = limits_.stop_timeout - limits_.stop_grace;
    if (!all_closed_.wait_for(lock, rest, are_all_closed)) {
      table_.shut_down_all(SHUT_RDWR);
      all_closed_.wait(lock, are_all_closed);
    }
  }
  watch_ends_ = true;
  watch_wake_.notify_all();
  lock.unlock();
  {
    const std::lock_guard wakers_lock(wakers_->mutex);
    wakers_->parking = nullptr;
  }
  threads_.end();
  ::eventfd_write(end_.get(), 1);
  threads_.join();
  if (watch_thread_.joinable()) watch_thread_.join();
}

inline ConnectionCounts Parking::counts() {
  ConnectionCounts now;
  table_.for_each_slot([&](const Connection& connection) { now.add(connection); });
  now.accepted = acceptor_.accepted();
  now.refused = acceptor_.refused();
  now.max_connections = max_connections_;
  now.buffered_bytes = memory_.used();
  now.max_buffered_bytes = memory_.limit();
  return now;
}

// One round of a thread. @returns whether there was something to do
inline bool Parking::work(int timeout_ms, bool is_overloaded) {
  epoll_event event{};
  if (!events_.next(event, timeout_ms) || event.data.u64 == end_handle) return false;
  ElasticThreads::round_started();
  if (is_watch_slow_.load(std::memory_order_relaxed) && is_watch_slow_.exchange(false)) {
    watch_wake_.notify_one();
  }
  if (event.data.u64 == listener_handle) {
    acceptor_.accept_all([this](Connection& connection) { admit(connection); });
    return true;
  }
  Connection& connection = table_.slot(event.data.u64);
  if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) connection.peer_closed.store(true);
  if (connection.claim(ConnectionTable::generation(event.data.u64)) == Connection::Claim::claimed) {
    proceed(connection, loop_.advance(connection, is_overloaded), is_overloaded);
  }
  return true;
}

inline void Parking::admit(Connection& connection) {
  loop_.start(connection);
  if (!events_.add(connection.socket.get(), ConnectionTable::handle(connection),
                   EPOLLIN | EPOLLRDHUP | EPOLLET)) {
    return close(connection);
  }
  if (connection.exceeds_limit) {
    proceed(connection, loop_.advance(connection, false));  // a refusal needs no event
  } else if (!connection.park()) {
    requeue(connection);  // to serve it in this thread would delay accepting
  }
}

// Carries out a step, and those that follow from events recorded meanwhile, until the connection is
// parked or closed.
inline void Parking::proceed(Connection& connection, Step step, bool is_overloaded) {
  while (true) {
    if (step == Step::close || (step == Step::park && is_stopped(connection))) {
      return close(connection);
    }
    count_memory(connection);
    if (step == Step::requeue || (step == Step::await_write && !connection.watches_room)) {
      rearm(connection);
    }
    if (connection.park()) {
      if (memory_.is_exceeded()) relieve_memory();
      // stop() or relieve_memory() may have passed over the connection before it was parked.
      const bool is_stop_new = is_stopping_.load() && !connection.has_seen_stop.load();
      if ((!is_stop_new && !connection.is_condemned()) || !connection.claim_parked()) return;
      connection.has_seen_stop.store(is_stopping_.load());
      if (connection.take_condemned() && connection.counted_bytes.load() > small_bytes) {
        step = loop_.evict(connection);
      } else if (is_stopped(connection)) {
        step = Step::close;
      } else {
        return requeue(connection);
      }
      continue;
    }
    step = loop_.advance(connection, is_overloaded);
  }
}

// Whether a stopping server has nothing left to do for the connection.
inline bool Parking::is_stopped(const Connection& connection) const {
  if (!is_stopping_.load() || !connection.input.empty()) return false;
  return connection.phase == Phase::reading_head || connection.phase == Phase::idle;
}

inline void Parking::close(Connection& connection) {
  memory_.change(connection.counted_bytes.exchange(0), 0);
  table_.close(connection);
  if (!is_stopping_.load()) return;
  const std::lock_guard lock(mutex_);
  all_closed_.notify_all();
}

// Tells the budget what the connection holds while it waits.
inline void Parking::count_memory(Connection& connection) {
  const std::size_t bytes = connection.memory();
  memory_.change(connection.counted_bytes.load(std::memory_order_relaxed), bytes);
  connection.counted_bytes.store(bytes, std::memory_order_relaxed);
}

// Ends those requests that hold much for long until there is room again. One that is small or has
// just begun stays.
inline void Parking::relieve_memory() {
  constexpr auto fresh = std::chrono::seconds(1);
  if (is_relieving_.exchange(true)) return;
  memory_short_.raise();
  struct Candidate {
    double weight;  // bytes and seconds
    std::size_t bytes;
    std::uint64_t handle;
  };
  std::vector<Candidate> candidates;
  const auto now = Clock::now().time_since_epoch();
  try {
    table_.for_each_slot([&](Connection& connection) {
      const std::size_t bytes = connection.counted_bytes.load(std::memory_order_relaxed);
      const auto age = now - Clock::duration(connection.since.load(std::memory_order_relaxed));
      if (bytes <= small_bytes && age < fresh) return;
      const double seconds = std::chrono::duration<double>(age + fresh).count();
      candidates.push_back(
          {static_cast<double>(bytes) * seconds, bytes, ConnectionTable::handle(connection)});
    });
  } catch (const std::bad_alloc&) {  // those that were found must do
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.weight > b.weight; });
  std::size_t condemned_bytes = 0;  // of connections that a thread works on at the moment
  for (const Candidate& each : candidates) {
    if (memory_.is_relieved(condemned_bytes)) break;
    Connection& connection = table_.slot(each.handle);
    connection.condemn(ConnectionTable::generation(each.handle));
    if (!connection.claim_parked()) {
      condemned_bytes += each.bytes;
    } else if (connection.take_condemned()) {
      proceed(connection, loop_.evict(connection));
    } else if (!connection.park()) {
      requeue(connection);  // a new client's
    }
  }
  is_relieving_.store(false);
}

// Makes epoll report the state of a claimed connection again. EPOLLOUT is included because there is
// always room to write, hence always an event. Never called for a parked connection, whose socket
// may be closed and reused meanwhile.
inline void Parking::rearm(Connection& connection) {
  connection.watches_room = true;
  events_.modify(connection.socket.get(), ConnectionTable::handle(connection),
                 EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

// Parks the connection and triggers an event for it. If that event is recorded before the
// connection is parked, another one is triggered.
inline void Parking::requeue(Connection& connection) {
  do rearm(connection);
  while (!connection.park());
}

inline std::function<void()> Parking::waker(Connection& connection) {
  return [wakers = wakers_, handle = ConnectionTable::handle(connection)] {
    const std::lock_guard lock(wakers->mutex);
    if (wakers->parking != nullptr) wakers->parking->wake(handle);
  };
}

inline void Parking::wake(std::uint64_t handle) {
  Connection& connection = table_.slot(handle);
  connection.awaits_source.store(false);
  if (connection.claim(ConnectionTable::generation(handle)) == Connection::Claim::claimed) {
    requeue(connection);
  }
}

inline bool Parking::wait_for(const Connection& connection, short events,
                              std::chrono::milliseconds timeout) {
  pollfd poll{connection.socket.get(), events, 0};
  const Waiting waiting;
  const int ready = ::poll(
      &poll, 1, static_cast<int>((std::max)(timeout, std::chrono::milliseconds::zero()).count()));
  return ready != 0;  // after a signal the caller tries again
}

// Handles what no event reports: deadlines, and threads that block inside the program's handlers.
inline void Parking::watch() {
  RequestLoop::prepare_thread();  // it refuses requests
  constexpr auto tick = std::chrono::milliseconds(10);
  constexpr auto sweep_interval = std::chrono::milliseconds(250);
  auto next_sweep = Clock::now() + sweep_interval;
  bool was_overloaded = false;
  std::unique_lock lock(mutex_);
  while (!watch_ends_) {
    watch_wake_.wait_for(lock, is_watch_slow_.load() ? sweep_interval : tick);
    lock.unlock();
    try {
      is_watch_slow_.store(!threads_.detect_stuck());
      // Requests are refused only if no thread was ready at two ticks in a row: a thread that has
      // just sent an answer is ready a moment later.
      const bool is_overloaded = !threads_.fill_up() && threads_.ready() == 0;
      if (is_overloaded && was_overloaded) {
        constexpr int max_refusals = 256;
        for (int i = 0; i < max_refusals && threads_.ready() == 0 && work(0, true); ++i) {
        }
      }
      was_overloaded = is_overloaded;
      if (Clock::now() >= next_sweep) {
        sweep();
        next_sweep = Clock::now() + sweep_interval;
      }
    } catch (...) {  // out of memory: the next tick does it
    }
    lock.lock();
  }
}

inline void Parking::sweep() {
  const auto now = Clock::now().time_since_epoch().count();
  table_.for_each_slot([&](Connection& connection) {
    if (connection.deadline.load(std::memory_order_relaxed) > now || !connection.claim_parked()) {
      return;
    }
    // A thread reads what has arrived and checks the deadline again. If there is nothing to read
    // and no room to send, because the client does not take its last answer, no event would come.
    pollfd poll{connection.socket.get(), POLLIN | POLLOUT, 0};
    if (::poll(&poll, 1, 0) == 0 && connection.is_past_deadline()) {
      proceed(connection, loop_.expire(connection));
    } else {
      requeue(connection);
    }
  });
  acceptor_.retry([this](Connection& connection) { admit(connection); });
  if (memory_.is_exceeded()) {
    relieve_memory();
  } else {
    memory_short_.clear();
  }
  constexpr std::size_t worth_returning = std::size_t{8} * 1024 * 1024;
  if (memory_.has_fallen_by(worth_returning)) return_memory();
  if (threads_.ready() > 0) loop_.clear_overload();
}

}  // namespace addrbook::detail
