/// ConnectionTable: slots for the clients that are connected.
#pragma once

#include <addrbook/server/connection.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

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
  connection.transport.reset();
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
