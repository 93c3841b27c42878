/// Connection: one client of the server.
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/pace.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/base/relaxed.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/body_framing.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/server/answer_writer.hpp>
#include <addrbook/server/transport.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// std::chrono::steady_clock, at most some milliseconds late, at a quarter of the cost.
struct CoarseClock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr bool is_steady = true;

  static time_point now() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
  }
};

/// A request that the engine serves and whose body is on its way.
/// @par Thread safety  one call at a time
class PendingRequest : private Pinned {
 public:
  virtual ~PendingRequest() = default;

  /// Takes the next bytes of the body, without the chunked coding.
  /// @returns  false to refuse the rest
  virtual bool take(std::string_view data) = 0;
  /// Whether take() may wait for the storage.
  [[nodiscard]] virtual bool may_wait() const noexcept { return false; }
  /// Bytes that are held for the body.
  [[nodiscard]] virtual std::size_t memory() const noexcept = 0;
  /// Does what is asked for. Called once.
  /// @param status   how the body ended
  /// @param is_last  the connection ends after the answer
  virtual void answer(BodyStatus status, bool is_last, Answer& answer) = 0;
};

/// A request and its answer while they wait for their client.
struct PendingExchange : private Pinned {
  using Clock = CoarseClock;

  std::unique_ptr<PendingRequest> request;  ///< until its body is complete
  BodyFraming framing;
  AnswerWriter writer;          ///< after that
  Pace pace;                    ///< of the body; of the answer
  bool is_source_told = false;  ///< that the server stops

  explicit PendingExchange(const BodyFraming& of) : framing(of) {}

  [[nodiscard]] std::size_t memory() const noexcept {
    return sizeof *this + (request ? request->memory() : 0) + writer.memory();
  }
};

/// A slot of the ConnectionTable and the client in it. Members that are not atomic belong to the
/// thread that has claimed the connection.
///
/// A connection in use is either parked or claimed by one thread. epoll reports each event once. An
/// event for a claimed connection is recorded; park() then fails, and the claiming thread must read
/// again.
class Connection : private Pinned {
 public:
  using Clock = CoarseClock;

  enum class Phase {
    handshake,     ///< TLS is being set up
    reading_head,  ///< the head of a request must arrive before the deadline
    reading_body,  ///< and its body
    answering,     ///< the client must take the answer
    idle,          ///< between requests
    draining,      ///< the last answer was sent; further input is discarded
  };
  enum class Claim {
    claimed,         ///< the connection belongs to the calling thread
    event_recorded,  ///< another thread has it and will find the event
    stale,           ///< that client is gone
  };

  /// Claims the connection for an event.
  /// @param wanted  the generation for which the event was registered
  Claim claim(std::uint32_t wanted) noexcept;
  /// Claims the connection, whichever client's it is, if it is parked.
  bool claim_parked() noexcept;
  /// Gives up the claim.
  /// @returns  false if an event was recorded; the connection stays claimed
  bool park() noexcept;

  /// What others than the thread that has claimed the connection may see of it.
  enum class View { free, parked, claimed };
  [[nodiscard]] View view() const noexcept {
    const State now = state(word_.load(std::memory_order_relaxed));
    return now == State::free ? View::free : now == State::parked ? View::parked : View::claimed;
  }

  /// Counts the clients that have used this slot.
  [[nodiscard]] std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(word_.load() >> 2U);
  }

  void enter(Phase next, std::chrono::milliseconds timeout) {
    const auto now = Clock::now();
    phase = next;
    since.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    set_deadline(now + timeout);
  }

  void set_deadline(Clock::time_point at) noexcept {
    deadline.store(at.time_since_epoch().count(), std::memory_order_relaxed);
  }

  [[nodiscard]] bool is_past_deadline() const noexcept {
    return Clock::now().time_since_epoch().count() > deadline.load(std::memory_order_relaxed);
  }

  /// How many bytes the client's input and the exchange with it take now.
  [[nodiscard]] std::size_t memory() const noexcept {
    const std::size_t input_bytes = input.empty() ? 0 : input.capacity();
    return input_bytes + (exchange ? exchange->memory() : 0);
  }

  /// Marks the connection of this generation to be ended for its memory.
  void condemn(std::uint32_t wanted) noexcept { condemned_.store(std::uint64_t{wanted} + 1); }
  [[nodiscard]] bool is_condemned() const noexcept { return condemned_.load() != 0; }
  /// @returns  whether condemn() was called for this client; the mark is removed
  bool take_condemned() noexcept {
    return condemned_.exchange(0) == std::uint64_t{generation()} + 1;
  }

  /// Discards the first `size` bytes of the input. Gives the memory back when no input is left.
  void consume(std::size_t size) {
    scanner = {};
    if (size < input.size()) {
      input.erase(0, size);
    } else {
      constexpr std::size_t kept_bytes = 4096;
      input.clear();
      if (input.capacity() <= kept_bytes && input.capacity() > spare().capacity()) {
        input.swap(spare());
      }
      if (input.capacity() > std::string().capacity()) std::string().swap(input);
    }
  }

  /// Makes the calling thread's variables, which takes memory.
  static void prepare_thread() noexcept { static_cast<void>(spare()); }

  /// Appends to the input.
  void receive(std::string_view bytes) {
    if (input.empty()) input.swap(spare());
    input.append(bytes);
  }

  /// For ConnectionTable: fills a free slot. The connection is claimed by the calling thread.
  void occupy(Descriptor new_socket) noexcept {
    socket = std::move(new_socket);
    word_.store(word(generation(), State::claimed));
  }
  /// For ConnectionTable: releases what belongs to the client, except the socket.
  void clear();
  /// For ConnectionTable: frees the slot under the next generation and closes the socket.
  void vacate() noexcept {
    word_.store(word(generation() + 1, State::free));
    socket.reset();
  }

  std::atomic<bool> awaits_source{false};  ///< the answer's source has nothing yet and will call
  std::atomic<bool> peer_closed{false};  ///< all that the peer sent has been received by the system
  std::atomic<bool> has_seen_stop{false};  ///< was looked at since the server began to stop
  std::atomic<Clock::rep> deadline{0};
  std::atomic<Clock::rep> since{0};           ///< when the phase began
  std::atomic<std::size_t> counted_bytes{0};  ///< what the server's budget knows of memory()

  std::uint32_t index = 0;  ///< of the slot
  Descriptor socket;        ///< changed by the ConnectionTable only, under its mutex
  std::unique_ptr<Transport> transport;
  Relaxed<Phase> phase = Phase::reading_head;
  bool exceeds_limit = false;  ///< past max_connections; answered with 503
  bool input_ended = false;    ///< the end of the peer's data was read
  bool answer_failed = false;  ///< an answer could not be completed
  bool watches_room = false;   ///< epoll also reports that there is room to write
  std::size_t requests = 0;
  std::size_t drained_bytes = 0;
  std::string input;  ///< received and not yet consumed
  HeadScanner scanner;
  std::unique_ptr<PendingExchange> exchange;  ///< in the phases reading_body and answering
  std::string remote_address;
  std::string local_address;
  int remote_port = 0;
  int local_port = 0;

 private:
  enum class State : std::uint64_t { free, parked, claimed, claimed_with_event };

  // A thread keeps the memory of one short input for the next connection.
  static std::string& spare() noexcept {
    thread_local std::string spare;
    return spare;
  }

  static std::uint64_t word(std::uint32_t generation, State state) noexcept {
    return std::uint64_t{generation} << 2U | static_cast<std::uint64_t>(state);
  }
  static State state(std::uint64_t word) noexcept { return static_cast<State>(word & 3U); }

  std::atomic<std::uint64_t> word_{0};       // generation and state, changed as one
  std::atomic<std::uint64_t> condemned_{0};  // a generation and 1, or 0
};

// ---------------------------------------------------------------------------------------------

inline Connection::Claim Connection::claim(std::uint32_t wanted) noexcept {
  auto seen = word_.load();
  while (true) {
    if (static_cast<std::uint32_t>(seen >> 2U) != wanted) return Claim::stale;
    if (state(seen) == State::free) return Claim::stale;
    if (state(seen) == State::claimed_with_event) return Claim::event_recorded;
    const bool is_parked = state(seen) == State::parked;
    const auto next = word(wanted, is_parked ? State::claimed : State::claimed_with_event);
    if (word_.compare_exchange_weak(seen, next)) {
      return is_parked ? Claim::claimed : Claim::event_recorded;
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

inline void Connection::clear() {
  transport.reset();
  phase = Phase::reading_head;
  exceeds_limit = false;
  input_ended = false;
  answer_failed = false;
  watches_room = false;
  exchange.reset();
  requests = 0;
  drained_bytes = 0;
  consume(input.size());
  std::string().swap(remote_address);
  std::string().swap(local_address);
  awaits_source.store(false);
  peer_closed.store(false);
}

}  // namespace addrbook::detail
