/// Request ids: what the X-Request-Id field and the log lines carry.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/base/random.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace addrbook::detail {

/// @returns whether a client's X-Request-Id matches [A-Za-z0-9._-]{1,128}, which logs and header
///          fields can carry as it is
[[nodiscard]] inline bool is_request_id(std::string_view id) noexcept {
  constexpr std::size_t max_size = 128;
  return !id.empty() && id.size() <= max_size && is_alphanumeric_or("._-", id);
}

/// Makes ids for requests that bring none.
/// @par Thread safety  any thread.
class RequestIds {
 public:
  /// @returns 16 hex digits: unique in this process, and unlikely to be repeated elsewhere
  [[nodiscard]] std::array<char, 16> next() const noexcept {
    return hex_digits(first_ + count_.fetch_add(1, std::memory_order_relaxed));
  }

 private:
  std::uint64_t first_ = random_bits();
  mutable std::atomic<std::uint64_t> count_{0};
};

}  // namespace addrbook::detail
