/// Parking: where connections wait. One that has nothing to say holds no thread: a thread takes it
/// when something has come, and from a whole head on until the request is answered.
///
/// Linux: epoll(7). Threads wait on one epoll instance, each for one event; a connection is
/// registered once, by edges, so that a request costs three system calls: wait, receive, send.
#pragma once

#include <addrbook/connection.hpp>
#include <addrbook/elastic_threads.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace addrbook::detail {

class Parking;

/// What the parking needs to know of those who speak HTTP. Called by several threads at once, for
/// each connection by one at a time.
class ConnectionHandler {
 public:
  ConnectionHandler() = default;
  ConnectionHandler(const ConnectionHandler&) = delete;
  ConnectionHandler& operator=(const ConnectionHandler&) = delete;
  ConnectionHandler(ConnectionHandler&&) = delete;
  ConnectionHandler& operator=(ConnectionHandler&&) = delete;
  virtual ~ConnectionHandler() = default;

  /// @returns null if there can be none for this socket
  virtual std::unique_ptr<Wire> open_wire(int socket) = 0;
  /// Answers the request at the front of the connection's input and consumes it.
  /// @returns whether a next one may follow on the connection
  virtual bool serve(Parking& parking, Connection& connection, const RequestHead& head) = 0;
  /// Words an answer for who gets no further; `head` is what is known of the request.
  virtual std::string refusal(const Connection& connection, const RequestHead& head,
                              const HeadFault& fault) = 0;
  /// Says something of the server as a whole in the log.
  virtual void warn(std::string_view text) = 0;
};

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
  enum class Step { park, again, close };

  static void check(bool is_done, int error);
  bool work(int timeout_ms, bool is_overloaded);
  void accept_all();
  void turn_away(int socket);
  void admit(int socket, const sockaddr_storage& address);
  void go_on(Connection& connection, Step step, bool is_overloaded = false);
  Step advance(Connection& connection, bool is_overloaded);
  Step refuse(Connection& connection, const RequestHead& head, const HeadFault& fault);
  Step say_goodbye(Connection& connection);
  static Step linger(Connection& connection);
  static void enter(Connection& connection, Phase phase, std::chrono::milliseconds timeout);
  void close(Connection& connection);
  void rearm(const Connection& connection);
  void look_again(Connection& connection);
  void watch();
  void sweep();
  void warn(std::atomic<bool>& is_known, std::string_view text);

  static constexpr HeadFault too_many_connections{503, "Too many connections"};
  static constexpr std::size_t max_head_bytes = std::size_t{64} * 1024;
  static constexpr std::chrono::milliseconds linger_timeout{2'000};
  static constexpr std::uint64_t listener_name = ~std::uint64_t{0};
  static constexpr std::uint64_t end_name = listener_name - 1;

  const ParkingLimits limits_;
  ConnectionHandler& handler_;
  const std::size_t max_connections_;  // as far as descriptors go
  ConnectionTable table_;
  std::mutex accepting_;
  int listener_;
  int epoll_;
  int end_;  // readable when all is over
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> accept_stalled_{false};
  std::atomic<bool> knows_descriptors_{false};
  std::atomic<bool> knows_connections_{false};
  std::atomic<bool> knows_threads_{false};

  std::mutex mutex_;
  std::condition_variable all_closed_;
  std::condition_variable watch_wake_;
  std::atomic<bool> watch_dozes_{false};
  bool watch_ends_ = false;

  ElasticThreads threads_;
  std::thread watch_thread_;
};

// ---------------------------------------------------------------------------------------------

/// How many are kept for connections that are only told that they are too many.
inline std::size_t refusals_beside(std::size_t connections) {
  return connections / 8 + 8;
}

/// How many connections there can be, with those for refusals, beside everything else for which a
/// process has descriptors.
inline std::size_t most_connections(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const auto descriptors = static_cast<std::size_t>(limit.rlim_cur);
  std::size_t most = descriptors - (std::min)(descriptors / 2, std::size_t{64});
  most = (most - (std::min)(most, refusals_beside(0))) / 9 * 8 + 1;
  return (std::max)((std::min)(wanted, most), std::size_t{1});
}

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

inline Parking::Parking(int listener, const ParkingLimits& limits, ConnectionHandler& handler)
    : limits_(limits),
      handler_(handler),
      max_connections_(most_connections(limits.max_connections)),
      table_(max_connections_ + refusals_beside(max_connections_)),
      listener_(listener),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      end_(::eventfd(0, EFD_CLOEXEC)),
      threads_(usable_cpus(), limits.max_threads, [this] { static_cast<void>(work(-1, false)); }) {
  const auto add = [this](int descriptor, std::uint64_t name, std::uint32_t events) {
    epoll_event event{events, {}};
    event.data.u64 = name;
    check(::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0, errno);
  };
  try {
    check(epoll_ >= 0 && end_ >= 0, errno);
    add(end_, end_name, EPOLLIN);
    check(threads_.fill_up(), EAGAIN);
    watch_thread_ = std::thread([this] { watch(); });
    // Last: the clients that wait already may take all threads at once.
    ::fcntl(listener_, F_SETFL, ::fcntl(listener_, F_GETFL) | O_NONBLOCK);
    add(listener_, listener_name, EPOLLIN | EPOLLET);
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
  {
    const std::lock_guard lock(accepting_);
    ::close(listener_);
  }
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
    accept_all();
    return true;
  }
  Connection& connection = table_.slot(event.data.u64);
  if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) connection.hung_up.store(true);
  if (connection.claim(ConnectionTable::generation(event.data.u64)) == Connection::Claim::mine) {
    go_on(connection, advance(connection, is_overloaded), is_overloaded);
  }
  return true;
}

inline void Parking::accept_all() {
  const std::lock_guard lock(accepting_);
  accept_stalled_.store(false);
  while (!is_stopping_.load()) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int socket = ::accept4(listener_, reinterpret_cast<sockaddr*>(&address), &size,
                                 SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket >= 0) {
      admit(socket, address);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // There is no event for when it gets better: the watch looks now and then.
      accept_stalled_.store(true);
      warn(knows_descriptors_, "Out of file descriptors or memory: new connections must wait");
      return;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINVAL || errno == EBADF) {
      return;
    }
  }
}

inline void Parking::admit(int socket, const sockaddr_storage& address) {
  const auto [opened, name] = table_.open(socket);
  if (opened == nullptr) return turn_away(socket);
  Connection& connection = *opened;
  connection.is_refused = table_.count() > max_connections_;
  if (connection.is_refused) {
    warn(knows_connections_, "max_connections is reached: new connections get a 503");
  }
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &ipv4.sin_addr, text, sizeof text);
    connection.remote_port = ntohs(ipv4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &ipv6.sin6_addr, text, sizeof text);
    connection.remote_port = ntohs(ipv6.sin6_port);
  }
  connection.remote_address = text;
  connection.wire = handler_.open_wire(socket);
  epoll_event event{EPOLLIN | EPOLLRDHUP | EPOLLET, {}};
  event.data.u64 = name;
  enter(connection, Phase::handshake, limits_.header_timeout);
  if (!connection.wire) return close(connection);
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) return close(connection);
  if (connection.is_refused) {
    go_on(connection, advance(connection, false));  // a refusal needs no event
  } else if (!connection.park()) {
    look_again(connection);  // by another thread: to serve it here would hold up accepting
  }
}

// Says in passing that there is no room, even for those who wait for a refusal to arrive.
inline void Parking::turn_away(int socket) {
  Connection connection;
  connection.socket = socket;
  connection.wire = handler_.open_wire(socket);
  if (connection.wire && connection.wire->handshake().state == Transfer::State::done) {
    const std::string text = handler_.refusal(connection, {}, too_many_connections);
    connection.wire->write(text.data(), text.size());
    connection.wire->finish();
  }
  connection.wire.reset();
  ::close(socket);
}

// Does with a claimed connection what advance() says, as often as something has come meanwhile.
inline void Parking::go_on(Connection& connection, Step step, bool is_overloaded) {
  while (true) {
    if (step == Step::park && is_stopping_.load() && connection.input.empty() &&
        connection.phase != Phase::handshake && connection.phase != Phase::lingering) {
      step = Step::close;
    }
    if (step == Step::close) return close(connection);
    if (step == Step::again) rearm(connection);
    if (connection.park()) {
      // stop() may have looked before it was parked.
      if (!is_stopping_.load() || !connection.claim_parked()) return;
      if (connection.phase == Phase::handshake || connection.phase == Phase::lingering ||
          !connection.input.empty()) {
        return look_again(connection);
      }
    }
    step = advance(connection, is_overloaded);
  }
}

// Reads what has come and has every whole request answered.
inline Parking::Step Parking::advance(Connection& connection, bool is_overloaded) {
  constexpr std::size_t buffer_bytes = std::size_t{16} * 1024;
  constexpr int fair_share = 32;  // requests in a row, then others get their turn
  thread_local std::array<char, buffer_bytes> buffer;

  if (connection.phase == Phase::handshake) {
    const auto shaken = connection.wire->handshake().state;
    if (shaken == Transfer::State::wants_read) return Step::park;
    if (shaken == Transfer::State::wants_write) return Step::again;
    if (shaken != Transfer::State::done) return Step::close;
    connection.phase = Phase::head;  // with what is left of its time
  }
  if (connection.phase == Phase::lingering) return linger(connection);
  if (connection.is_refused) {
    return refuse(connection, {}, too_many_connections);
  }
  bool is_drained = false;
  for (int served = 0;;) {
    std::string& input = connection.input;
    // RFC 9112, 2.2: an empty line before a request is passed over.
    if (input.size() >= 2 && input[0] == '\r' && input[1] == '\n') {
      connection.consume(2);
      continue;
    }
    if (!input.empty()) {
      if (served == fair_share) return Step::again;
      if (connection.phase == Phase::idle) enter(connection, Phase::head, limits_.header_timeout);
      const auto found = connection.scanner.scan(input);
      if (found == HeadScanner::Found::bare_line_feed ||
          (input[0] != '\r' && !is_token_character(input[0]))) {
        return refuse(connection, {}, {400, "Invalid request line"});
      }
      if (found == HeadScanner::Found::end) {
        const auto head = read_head(std::string_view(input).substr(0, connection.scanner.size()));
        if (head.fault) return refuse(connection, head, *head.fault);
        if (is_overloaded) {
          warn(knows_threads_, "max_threads is reached: further requests get a 503");
          return refuse(connection, head, {503, "Too many requests at once"});
        }
        ++served;
        if (!handler_.serve(*this, connection, head)) return say_goodbye(connection);
        enter(connection, Phase::idle, limits_.keep_alive_timeout);
        continue;
      }
      if (input.size() > max_head_bytes) {
        return refuse(connection, {}, {431, "Request Header Fields Too Large"});
      }
    }
    if (connection.has_ended) return Step::close;
    if (is_drained && !connection.hung_up.load()) return Step::park;
    const auto received = connection.wire->read(buffer.data(), buffer.size());
    switch (received.state) {
      case Transfer::State::done:
        input.append(buffer.data(), received.size);
        is_drained = received.size < buffer.size() && connection.wire->short_read_means_empty();
        break;
      case Transfer::State::wants_read: return Step::park;
      case Transfer::State::wants_write: return Step::again;
      case Transfer::State::ended: connection.has_ended = true; break;
      case Transfer::State::failed: return Step::close;
    }
  }
}

inline Parking::Step Parking::refuse(Connection& connection, const RequestHead& head,
                                     const HeadFault& fault) {
  const std::string text = handler_.refusal(connection, head, fault);
  // Fits into an empty send buffer; who has let it fill up doesn't read.
  connection.wire->write(text.data(), text.size());
  return say_goodbye(connection);
}

// A socket that is closed with something unread is reset, and the answer may be lost with it.
inline Parking::Step Parking::say_goodbye(Connection& connection) {
  if (connection.is_cut) {
    // What the peer has not taken is dropped with the connection: it would stay in the system's
    // buffers until the peer, who takes nothing, has taken it.
    const struct linger at_once { 1, 0 };
    ::setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return Step::close;
  }
  connection.wire->finish();
  connection.consume(connection.input.size());
  if (connection.has_ended) return Step::close;
  enter(connection, Phase::lingering, linger_timeout);
  return linger(connection);
}

inline Parking::Step Parking::linger(Connection& connection) {
  constexpr std::size_t most_bytes = std::size_t{8} * 1024 * 1024;
  std::array<char, std::size_t{16} * 1024> buffer;  // NOLINT: written before it is read
  while (connection.dropped_bytes < most_bytes) {
    const auto received = connection.wire->read(buffer.data(), buffer.size());
    if (received.state == Transfer::State::wants_read) return Step::park;
    if (received.state != Transfer::State::done) return Step::close;
    connection.dropped_bytes += received.size;
  }
  return Step::close;
}

inline void Parking::enter(Connection& connection, Phase phase, std::chrono::milliseconds timeout) {
  connection.phase = phase;
  connection.deadline.store((Clock::now() + timeout).time_since_epoch().count(),
                            std::memory_order_relaxed);
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
  threads_.block();
  const int ready = ::poll(&poll, 1, static_cast<int>((std::max)(timeout.count(), 0L)));
  threads_.unblock();
  return ready != 0;  // a signal is no reason to give up
}

// Looks after what no event tells of: deadlines, and threads that are stuck in a program's handler.
inline void Parking::watch() {
  constexpr auto tick = std::chrono::milliseconds(10);
  constexpr auto sweep_interval = std::chrono::milliseconds(250);
  auto next_sweep = Clock::now() + sweep_interval;
  std::unique_lock lock(mutex_);
  while (!watch_ends_) {
    watch_wake_.wait_for(lock, watch_dozes_.load() ? sweep_interval : tick);
    lock.unlock();
    watch_dozes_.store(!threads_.count_out_stuck());
    if (!threads_.fill_up() && threads_.ready() == 0) {
      constexpr int most_at_once = 256;
      for (int i = 0; i < most_at_once && work(0, true); ++i) {
      }
    }
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
    } else if (connection.phase == Phase::head && !connection.input.empty()) {
      go_on(connection, refuse(connection, {}, {408, "Request header not complete in time"}));
    } else {
      close(connection);
    }
  });
  if (accept_stalled_.load()) {
    accept_all();
  } else {
    knows_descriptors_.store(false);
  }
  if (table_.count() < max_connections_ - max_connections_ / 8) knows_connections_.store(false);
  if (threads_.ready() > 0) knows_threads_.store(false);
}

// Once for each time that it happens: under attack the log must not fill the disk.
inline void Parking::warn(std::atomic<bool>& is_known, std::string_view text) {
  if (!is_known.exchange(true)) handler_.warn(text);
}

}  // namespace addrbook::detail
