/// Relaxed: a variable of one thread at a time that others may look at.
#pragma once

#include <atomic>

namespace addrbook::detail {

/// Costs what a plain variable costs. It orders nothing: who else looks learns only what it was a
/// moment ago.
template <class Value>
class Relaxed {
 public:
  Relaxed(Value value = Value()) noexcept : value_(value) {}  // NOLINT: like a plain variable
  Relaxed& operator=(Value value) noexcept {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  operator Value() const noexcept {  // NOLINT: like a plain variable
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<Value> value_;
};

}  // namespace addrbook::detail
