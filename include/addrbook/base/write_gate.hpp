/// WriteGate: lets writes pass until it is closed.
#pragma once

#include <addrbook/base/pinned.hpp>

#include <atomic>
#include <mutex>
#include <shared_mutex>

namespace addrbook::detail {

/// Lets writes pass until it is closed, and then waits for those that have passed.
/// @par Thread safety  any thread
class WriteGate : private Pinned {
 public:
  void open() noexcept { is_open_.store(true, std::memory_order_release); }
  void close() {
    is_open_.store(false, std::memory_order_release);
    const std::unique_lock wait_for_writes(writing_);
  }
  [[nodiscard]] bool is_open() const noexcept { return is_open_.load(std::memory_order_acquire); }
  /// Keeps close() waiting. Ask is_open() after it.
  [[nodiscard]] std::shared_lock<std::shared_mutex> pass() { return std::shared_lock(writing_); }

 private:
  std::atomic<bool> is_open_{true};
  std::shared_mutex writing_;
};

}  // namespace addrbook::detail
