/// ConnectionTable: the slots for the server's connections.
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/server/connection.hpp>

#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Slots stay where they are and are reused, each time under a new generation.
/// @par Thread safety  any thread
class ConnectionTable : private Pinned {
 public:
  explicit ConnectionTable(std::size_t capacity) : capacity_(capacity) {
    blocks_.resize(capacity / block_size + 1);
  }

  /// @returns  a connection that the calling thread has claimed; null if the table is full
  Connection* open(Descriptor socket);
  /// Closes a connection that the calling thread has claimed. Its handle is stale from then on.
  void close(Connection& connection);

  /// A number for a connection in epoll's events: its slot and its generation.
  static std::uint64_t handle(const Connection& connection) noexcept {
    return std::uint64_t{connection.index} << 32U | connection.generation();
  }
  /// @returns  the slot, which may hold another client by now: claim() it with generation(handle)
  [[nodiscard]] Connection& slot(std::uint64_t handle) noexcept {
    return at(static_cast<std::size_t>(handle >> 32U));
  }
  static std::uint32_t generation(std::uint64_t handle) noexcept {
    return static_cast<std::uint32_t>(handle);
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_.load(); }
  [[nodiscard]] bool is_full() const noexcept { return count() == capacity_; }

  /// Calls visit(Connection&) for all slots, free ones too. The visitor must claim a connection
  /// before it reads more than the deadline.
  template <class Visit>
  void for_each_slot(Visit visit) {
    const std::size_t used = used_.load(std::memory_order_acquire);
    for (std::size_t index = 0; index < used; ++index) visit(at(index));
  }

  /// Calls shutdown(2) on every socket, claimed or not, which wakes threads that poll one.
  void shut_down_all(int how);

 private:
  static constexpr std::size_t block_size = 256;

  Connection& at(std::size_t index) noexcept {
    return blocks_[index / block_size][index % block_size];
  }

  const std::size_t capacity_;
  std::vector<std::unique_ptr<Connection[]>> blocks_;  // NOLINT(modernize-avoid-c-arrays)
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;  // guards free_ and the sockets of all connections
  std::vector<std::uint32_t> free_;
};

// ---------------------------------------------------------------------------------------------

inline Connection* ConnectionTable::open(Descriptor socket) {
  const std::lock_guard lock(mutex_);
  std::size_t index = 0;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    index = used_.load();
    if (index == capacity_) return nullptr;
    free_.reserve(index + 1);  // so that close() does not allocate
    auto& block = blocks_[index / block_size];
    if (!block) block = std::make_unique<Connection[]>(block_size);  // NOLINT(modernize-*)
    at(index).index = static_cast<std::uint32_t>(index);
    used_.store(index + 1, std::memory_order_release);
  }
  Connection& connection = at(index);
  connection.occupy(std::move(socket));
  count_.fetch_add(1);
  return &connection;
}

inline void ConnectionTable::close(Connection& connection) {
  connection.clear();
  const std::lock_guard lock(mutex_);
  connection.vacate();
  free_.push_back(connection.index);
  count_.fetch_sub(1);
}

inline void ConnectionTable::shut_down_all(int how) {
  const std::lock_guard lock(mutex_);
  for_each_slot([how](Connection& connection) {
    if (connection.socket) ::shutdown(connection.socket.get(), how);
  });
}

}  // namespace addrbook::detail
