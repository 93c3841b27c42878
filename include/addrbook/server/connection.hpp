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
  std::unique_ptr<Transport> transport;
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

}  // namespace addrbook::detail
