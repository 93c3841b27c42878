/// Effort: what an operation on JSON texts has cost, and where it ends.
#pragma once

#include <addrbook/error.hpp>

#include <cstddef>

namespace addrbook::detail {

/// Counts what a client lets us do, so that its cost has a bound whatever the client sends. One
/// unit is about a byte that is read or moved.
class Effort {
 public:
  explicit Effort(std::size_t limit) noexcept : limit_(limit) {}

  /// @throws Error{invalid} the limit is passed
  void spend(std::size_t units) {
    spent_ += units;
    if (spent_ > limit_) throw Error(Errc::invalid, "Invalid JSON Patch: it takes too much work");
  }

  [[nodiscard]] std::size_t spent() const noexcept { return spent_; }

 private:
  std::size_t limit_;
  std::size_t spent_ = 0;
};

}  // namespace addrbook::detail
