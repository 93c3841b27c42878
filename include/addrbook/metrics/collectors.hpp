/// Collectors: who is asked for numbers when somebody wants to see them.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/metrics/page.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Adds numbers to a page. If it throws, what it has added so far stays. One call at a time.
using Collect = std::function<void(MetricsPage&)>;

/// Ends a collector: after the destructor it is not running, and is not called again.
class Collector {
 public:
  /// A callback, while its owner is there.
  struct Slot {
    std::mutex mutex;
    Collect collect;
  };

  Collector() = default;
  explicit Collector(std::shared_ptr<Slot> slot) noexcept : slot_(std::move(slot)) {}
  Collector(Collector&&) noexcept = default;
  Collector& operator=(Collector&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~Collector() {
    if (!slot_) return;
    const std::lock_guard lock(slot_->mutex);
    slot_->collect = nullptr;
  }

 private:
  std::shared_ptr<Slot> slot_;
};

/// @par Thread safety  any thread. While a collector waits, others can be added and ended.
class Collectors : private Pinned {
 public:
  [[nodiscard]] Collector add(Collect collect) {
    auto slot = std::make_shared<Collector::Slot>();
    slot->collect = std::move(collect);
    const std::lock_guard lock(mutex_);
    slots_.erase(std::remove_if(slots_.begin(), slots_.end(),
                                [](const auto& each) { return each.expired(); }),
                 slots_.end());
    slots_.emplace_back(slot);
    return Collector(std::move(slot));
  }

  /// Asks all of them.
  void collect(MetricsPage& page) const {
    std::vector<std::weak_ptr<Collector::Slot>> slots;
    {
      const std::lock_guard lock(mutex_);
      slots = slots_;
    }
    for (const auto& each : slots) {
      const auto slot = each.lock();
      if (!slot) continue;
      const std::lock_guard lock(slot->mutex);
      try {
        if (slot->collect) slot->collect(page);
      } catch (...) {  // the others have theirs
      }
    }
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<Collector::Slot>> slots_;
};

}  // namespace addrbook::detail
