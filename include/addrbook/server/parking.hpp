/// Parking: where connections wait. One that has nothing to say holds no thread: a thread takes it
/// when something has come, and from a whole head on until the request is answered.
///
/// Linux: epoll(7). Threads wait on one epoll instance, each for one event; a connection is
/// registered once, by edges, so that a request costs three system calls: wait, receive, send.
#pragma once

#include <addrbook/base/waiting.hpp>
#include <addrbook/server/acceptor.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/connection_table.hpp>
#include <addrbook/server/elastic_threads.hpp>
#include <addrbook/server/request_loop.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>

namespace addrbook::detail {

struct ParkingLimits {
  std::chrono::milliseconds header_timeout;
  std::chrono::milliseconds keep_alive_timeout;
  std::chrono::milliseconds stop_grace;
  std::chrono::milliseconds stop_timeout;
  std::size_t max_connections;
  std::size_t max_threads;
};

class Parking {
 public:
  /// @param listener  a listening socket, which it takes over
  /// @throws std::system_error
  Parking(int listener, const ParkingLimits& limits, ConnectionHandler& handler);
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;
  Parking(Parking&&) = delete;
  Parking& operator=(Parking&&) = delete;
  ~Parking();

  /// Accepts no more, lets requests end as the limits say, and closes all.
  void stop();
  [[nodiscard]] bool is_stopping() const noexcept { return is_stopping_.load(); }

  /// Waits for the socket in the middle of a request; another thread does the work meanwhile.
  /// @param events  POLLIN or POLLOUT
  /// @returns false after the timeout
  bool wait_for(const Connection& connection, short events, std::chrono::milliseconds timeout);

 private:
  using Clock = Connection::Clock;
  using Phase = Connection::Phase;
  using Step = RequestLoop::Step;

  static void check(bool is_done, int error);
  [[nodiscard]] bool watch_events(int descriptor, std::uint64_t name, std::uint32_t events) const;
  bool work(int timeout_ms, bool is_overloaded);
  void begin(Connection& connection);
  void go_on(Connection& connection, Step step, bool is_overloaded = false);
  void close(Connection& connection);
  [[nodiscard]] bool is_at_its_end(const Connection& connection) const;
  void rearm(const Connection& connection);
  void look_again(Connection& connection);
  void watch();
  void sweep();

  static constexpr std::uint64_t listener_name = ~std::uint64_t{0};
  static constexpr std::uint64_t end_name = listener_name - 1;

  const ParkingLimits limits_;
  const std::size_t max_connections_;  // as far as descriptors go
  ConnectionTable table_;
  Acceptor acceptor_;
  RequestLoop loop_;
  int epoll_;
  int end_;  // readable when all is over
  std::atomic<bool> is_stopping_{false};

  std::mutex mutex_;
  std::condition_variable all_closed_;
  std::condition_variable watch_wake_;
  std::atomic<bool> watch_dozes_{false};
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

inline void Parking::check(bool is_done, int error) {
  if (!is_done) throw std::system_error(error, std::generic_category(), "can't serve");
}

inline bool Parking::watch_events(int descriptor, std::uint64_t name, std::uint32_t events) const {
  epoll_event event{events, {}};
  event.data.u64 = name;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

inline Parking::Parking(int listener, const ParkingLimits& limits, ConnectionHandler& handler)
    : limits_(limits),
      max_connections_(most_connections(limits.max_connections)),
      table_(max_connections_ + refusals_beside(max_connections_)),
      acceptor_(listener, max_connections_, table_, handler),
      loop_(*this, handler, limits.header_timeout, limits.keep_alive_timeout),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      end_(::eventfd(0, EFD_CLOEXEC)),
      threads_(usable_cpus(), limits.max_threads, [this] { static_cast<void>(work(-1, false)); }) {
  try {
    check(epoll_ >= 0 && end_ >= 0, errno);
    check(watch_events(end_, end_name, EPOLLIN), errno);
    check(threads_.fill_up(), EAGAIN);
    watch_thread_ = std::thread([this] { watch(); });
    // Last: the clients that wait already may take all threads at once.
    ::fcntl(listener, F_SETFL, ::fcntl(listener, F_GETFL) | O_NONBLOCK);
    check(watch_events(listener, listener_name, EPOLLIN | EPOLLET), errno);
  } catch (...) {
    stop();
    ::close(epoll_);
    ::close(end_);
    throw;
  }
}

inline Parking::~Parking() {
  stop();
  ::close(epoll_);
  ::close(end_);
}

inline void Parking::stop() {
  if (is_stopping_.exchange(true)) return;
  acceptor_.close();
  // What has come is still read and answered; who has sent nothing is at its end.
  table_.for_each_slot([this](Connection& connection) {
    if (!connection.claim_parked()) return;
    if (connection.phase != Phase::handshake && connection.input.empty()) {
      ::shutdown(connection.socket, SHUT_RD);
    }
    look_again(connection);
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
  threads_.end();
  const std::uint64_t one = 1;
  if (::write(end_, &one, sizeof one) < 0) {  // can't fail: the counter is far from full
  }
  threads_.join();
  if (watch_thread_.joinable()) watch_thread_.join();
}

// One round of a thread's work. @returns whether there was something to do
inline bool Parking::work(int timeout_ms, bool is_overloaded) {
  epoll_event event{};
  if (::epoll_wait(epoll_, &event, 1, timeout_ms) != 1 || event.data.u64 == end_name) {
    return false;
  }
  ElasticThreads::started();
  if (watch_dozes_.load(std::memory_order_relaxed) && watch_dozes_.exchange(false)) {
    watch_wake_.notify_one();
  }
  if (event.data.u64 == listener_name) {
    acceptor_.accept_all([this](Connection& connection) { begin(connection); });
    return true;
  }
  Connection& connection = table_.slot(event.data.u64);
  if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) connection.hung_up.store(true);
  if (connection.claim(ConnectionTable::generation(event.data.u64)) == Connection::Claim::mine) {
    go_on(connection, loop_.advance(connection, is_overloaded), is_overloaded);
  }
  return true;
}

inline void Parking::begin(Connection& connection) {
  loop_.begin(connection);
  if (!watch_events(connection.socket, table_.name(connection), EPOLLIN | EPOLLRDHUP | EPOLLET)) {
    return close(connection);
  }
  if (connection.is_refused) {
    go_on(connection, loop_.advance(connection, false));  // needs no event
  } else if (!connection.park()) {
    look_again(connection);  // by another thread: to serve it here would hold up accepting
  }
}

// Does with a claimed connection what the loop says, as often as something has come meanwhile.
inline void Parking::go_on(Connection& connection, Step step, bool is_overloaded) {
  while (true) {
    if (step == Step::close || (step == Step::park && is_at_its_end(connection))) {
      return close(connection);
    }
    if (step == Step::again) rearm(connection);
    if (connection.park()) {
      // stop() may have looked before it was parked.
      if (!is_stopping_.load() || !connection.claim_parked()) return;
      if (!is_at_its_end(connection)) return look_again(connection);
    }
    step = loop_.advance(connection, is_overloaded);
  }
}

// Whether a stopping server has nothing more to do for it.
inline bool Parking::is_at_its_end(const Connection& connection) const {
  return is_stopping_.load() && connection.phase != Phase::handshake &&
         connection.phase != Phase::lingering && connection.input.empty();
}

inline void Parking::close(Connection& connection) {
  table_.close(connection);
  if (!is_stopping_.load()) return;
  const std::lock_guard lock(mutex_);
  all_closed_.notify_all();
}

// Has the state of a claimed connection reported as if it were new; writable as well, so that there
// is an event in any case. Not of a parked one: its socket may be another connection's by then.
inline void Parking::rearm(const Connection& connection) {
  epoll_event event{EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {}};
  event.data.u64 = table_.name(connection);
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket, &event);
}

// Parks it with an event to come. The event may come before it is parked, and is then remembered.
inline void Parking::look_again(Connection& connection) {
  do rearm(connection);
  while (!connection.park());
}

inline bool Parking::wait_for(const Connection& connection, short events,
                              std::chrono::milliseconds timeout) {
  pollfd poll{connection.socket, events, 0};
  const Waiting waiting;
  const int ready = ::poll(&poll, 1, static_cast<int>((std::max)(timeout.count(), 0L)));
  return ready != 0;  // a signal is no reason to give up
}

// Looks after what no event tells of: deadlines, and threads that are stuck in a program's handler.
inline void Parking::watch() {
  constexpr auto tick = std::chrono::milliseconds(10);
  constexpr auto sweep_interval = std::chrono::milliseconds(250);
  auto next_sweep = Clock::now() + sweep_interval;
  bool was_short = false;
  std::unique_lock lock(mutex_);
  while (!watch_ends_) {
    watch_wake_.wait_for(lock, watch_dozes_.load() ? sweep_interval : tick);
    lock.unlock();
    watch_dozes_.store(!threads_.count_out_stuck());
    // Refusing begins where it lasts: a thread that has just answered is a moment from ready.
    const bool is_short = !threads_.fill_up() && threads_.ready() == 0;
    if (is_short && was_short) {
      constexpr int most_at_once = 256;
      for (int i = 0; i < most_at_once && threads_.ready() == 0 && work(0, true); ++i) {
      }
    }
    was_short = is_short;
    if (Clock::now() >= next_sweep) {
      sweep();
      next_sweep = Clock::now() + sweep_interval;
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
    if (connection.deadline.load(std::memory_order_relaxed) > now) {  // another one by now
      look_again(connection);
    } else {
      go_on(connection, loop_.give_up(connection));
    }
  });
  acceptor_.look_after([this](Connection& connection) { begin(connection); });
  if (threads_.ready() > 0) loop_.overload_ends();
}

}  // namespace addrbook::detail
