/// TransferCounts: imports, exports, and bodies that were refused.
#pragma once

#include <addrbook/base/pinned.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace addrbook::detail {

/// Why a request's body was not taken.
enum class BodyFault {
  none,
  too_large,   ///< 413
  media_type,  ///< 415
  coding,      ///< 415, or 400: not in its Content-Encoding
  framing,     ///< 400, 411, 501: no length, or one that can't be
  late,        ///< 408
  incomplete,  ///< 400, and 503 while the server stops
  malformed,   ///< 400: not JSON, not a patch
  invalid,     ///< 400: a validator or a limit refused the address
};

/// @par Thread safety  any thread
class TransferCounts : private Pinned {
 public:
  using Count = std::atomic<std::uint64_t>;

  /// The names of BodyFault but for `none`, in its order.
  static constexpr std::array<std::string_view, 8> fault_names{
      "too_large", "media_type", "coding", "framing", "late", "incomplete", "malformed", "invalid"};

  void refuse(BodyFault why) noexcept {
    const auto at = static_cast<std::size_t>(why);
    if (at != 0) refused[at - 1].fetch_add(1, std::memory_order_relaxed);
  }

  std::array<Count, fault_names.size()> refused{};
  Count imports{0};  ///< under way
  Count exports{0};  ///< under way
  Count created{0};  ///< records of imports
  Count updated{0};
  Count skipped{0};
  Count failed{0};
  Count exported{0};  ///< records
};

/// Exists while something is under way.
class UnderWay : private Pinned {
 public:
  /// @param count  must outlive this; null: nobody counts
  explicit UnderWay(TransferCounts::Count* count) noexcept : count_(count) {
    if (count_ != nullptr) count_->fetch_add(1, std::memory_order_relaxed);
  }
  ~UnderWay() {
    if (count_ != nullptr) count_->fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  TransferCounts::Count* const count_;
};

}  // namespace addrbook::detail
