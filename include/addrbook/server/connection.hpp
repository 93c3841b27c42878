/// Connection and ConnectionTable: the clients that are connected, and whose turn each is.
#pragma once

#include <addrbook/http/head.hpp>
#include <addrbook/server/transport.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// One client. What is not atomic belongs to the thread that has claimed the connection.
///
/// A connection is parked, or claimed by one thread. Events arrive by edges, once; one that arrives
/// while it is claimed is remembered, and whoever then wants to park it must look again.
class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  enum class Phase {
    handshake,
    head,       ///< a request is awaited and its time is running
    idle,       ///< a next request may come
    lingering,  ///< answered for the last time; what still comes is dropped
  };
  enum class Claim { mine, remembered, gone };

  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&&) = delete;
  Connection& operator=(Connection&&) = delete;
  ~Connection() = default;

  /// Takes it for the calling thread. @param generation  which of the slot's connections is meant
  Claim claim(std::uint32_t generation) noexcept;
  /// claim() of whichever is parked there. @returns false if none is
  bool claim_parked() noexcept;
  /// Gives it back. @returns false if an event has come: the caller keeps it and must look again
  bool park() noexcept;
  [[nodiscard]] std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(word_.load() >> 2U);
  }

  /// A new phase, and how long it may take.
  void enter(Phase next, std::chrono::milliseconds timeout) {
    phase = next;
    deadline.store((Clock::now() + timeout).time_since_epoch().count(), std::memory_order_relaxed);
  }

  [[nodiscard]] bool is_late() const noexcept {
    return Clock::now().time_since_epoch().count() > deadline.load(std::memory_order_relaxed);
  }

  std::atomic<bool> hung_up{false};  ///< the peer sends no more than what has come
  std::atomic<Clock::rep> deadline{0};

  int socket = -1;
  std::unique_ptr<Wire> wire;
  Phase phase = Phase::head;
  bool is_refused = false;  ///< one too many: gets a 503
  bool has_ended = false;   ///< the peer's end has been read
  bool is_cut = false;      ///< an answer could not be completed
  std::size_t requests = 0;
  std::size_t dropped_bytes = 0;
  std::string input;  ///< what has come and has not been used yet
  HeadScanner scanner;
  std::string remote_address;
  std::string local_address;
  int remote_port = 0;
  int local_port = 0;

  /// Drops what has been used of the input; an empty one keeps no memory.
  void consume(std::size_t size) {
    scanner = {};
    if (size < input.size()) {
      input.erase(0, size);
    } else {
      std::string().swap(input);
    }
  }

 private:
  friend class ConnectionTable;
  enum class State : std::uint64_t { free, parked, claimed, claimed_with_event };

  static std::uint64_t word(std::uint32_t generation, State state) noexcept {
    return std::uint64_t{generation} << 2U | static_cast<std::uint64_t>(state);
  }
  static State state(std::uint64_t word) noexcept { return static_cast<State>(word & 3U); }

  std::atomic<std::uint64_t> word_{0};
  std::uint32_t index_ = 0;
};

/// Slots for connections. A slot is used again, under a new generation.
class ConnectionTable {
 public:
  explicit ConnectionTable(std::size_t capacity) : capacity_(capacity) {
    blocks_.resize(capacity / block_size + 1);
  }

  /// @returns a connection that the calling thread has claimed; null if there are as many as the
  ///          capacity
  Connection* open(int socket);
  /// Closes the socket; names of the connection find nothing from then on.
  void close(Connection& connection);

  /// @param name  of name(). @returns  the slot, which may be another connection's by now
  [[nodiscard]] Connection& slot(std::uint64_t name) noexcept {
    const auto index = static_cast<std::size_t>(name >> 32U);
    return blocks_[index / block_size][index % block_size];
  }
  static std::uint32_t generation(std::uint64_t name) noexcept {
    return static_cast<std::uint32_t>(name);
  }
  [[nodiscard]] std::uint64_t name(const Connection& connection) const noexcept {
    return std::uint64_t{connection.index_} << 32U | connection.generation();
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_.load(); }
  [[nodiscard]] bool is_full() const noexcept { return count() == capacity_; }

  /// Calls visit(Connection&) for all slots; in those the visitor must claim before it looks.
  template <class Visit>
  void for_each_slot(Visit visit) {
    const std::size_t used = used_.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < used; ++i) visit(blocks_[i / block_size][i % block_size]);
  }

  /// shutdown(2) of every socket, claimed or not: whoever waits for one finds that it has ended.
  void shut_down_all(int how);

 private:
  static constexpr std::size_t block_size = 256;

  const std::size_t capacity_;
  std::vector<std::unique_ptr<Connection[]>> blocks_;  // NOLINT(modernize-avoid-c-arrays)
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;  // of what follows, and of closing sockets
  std::vector<std::uint32_t> free_;
};

// ---------------------------------------------------------------------------------------------

inline Connection::Claim Connection::claim(std::uint32_t wanted) noexcept {
  auto seen = word_.load();
  while (true) {
    if (static_cast<std::uint32_t>(seen >> 2U) != wanted) return Claim::gone;
    if (state(seen) == State::free) return Claim::gone;
    if (state(seen) == State::claimed_with_event) return Claim::remembered;
    const bool is_parked = state(seen) == State::parked;
    const auto next = word(wanted, is_parked ? State::claimed : State::claimed_with_event);
    if (word_.compare_exchange_weak(seen, next)) {
      return is_parked ? Claim::mine : Claim::remembered;
    }
  }
}

inline bool Connection::claim_parked() noexcept {
  auto seen = word_.load();
  return state(seen) == State::parked &&
         word_.compare_exchange_strong(
             seen, (seen & ~std::uint64_t{3}) | static_cast<std::uint64_t>(State::claimed));
}

inline bool Connection::park() noexcept {
  auto claimed = word(generation(), State::claimed);
  if (word_.compare_exchange_strong(claimed, word(generation(), State::parked))) return true;
  word_.store(word(generation(), State::claimed));
  return false;
}

inline Connection* ConnectionTable::open(int socket) {
  const std::lock_guard lock(mutex_);
  std::uint32_t index = 0;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    const std::size_t used = used_.load();
    if (used == capacity_) return nullptr;
    index = static_cast<std::uint32_t>(used);
    auto& block = blocks_[used / block_size];
    if (!block) block = std::make_unique<Connection[]>(block_size);  // NOLINT(modernize-*)
    block[used % block_size].index_ = index;
    free_.reserve(used + 1);  // close() must not fail
    used_.store(used + 1, std::memory_order_release);
  }
  Connection& connection = blocks_[index / block_size][index % block_size];
  connection.socket = socket;
  connection.word_.store(Connection::word(connection.generation(), Connection::State::claimed));
  count_.fetch_add(1);
  return &connection;
}

inline void ConnectionTable::close(Connection& connection) {
  connection.wire.reset();
  connection.phase = Connection::Phase::head;
  connection.is_refused = false;
  connection.has_ended = false;
  connection.is_cut = false;
  connection.requests = 0;
  connection.dropped_bytes = 0;
  connection.consume(connection.input.size());
  std::string().swap(connection.remote_address);
  std::string().swap(connection.local_address);
  connection.hung_up.store(false);
  const std::lock_guard lock(mutex_);
  connection.word_.store(Connection::word(connection.generation() + 1, Connection::State::free));
  ::close(std::exchange(connection.socket, -1));
  free_.push_back(connection.index_);
  count_.fetch_sub(1);
}

inline void ConnectionTable::shut_down_all(int how) {
  const std::lock_guard lock(mutex_);
  for_each_slot([how](Connection& connection) {
    if (connection.socket >= 0) ::shutdown(connection.socket, how);
  });
}

}  // namespace addrbook::detail
