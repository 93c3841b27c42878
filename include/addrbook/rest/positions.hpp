/// Positions: places in a list that a client may come back to, but not see.
#pragma once

#include <addrbook/base/hex.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/base/random.hpp>

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// Keeps names under random tokens, the latest ones. A list of books that ends at one that the
/// client may not read must not show its name, nor take a made-up name to go on from: how much
/// there is after it would tell whether that one is there.
/// @par Thread safety  any thread
class Positions : private Pinned {
 public:
  /// @returns the name's token, 16 hex digits
  [[nodiscard]] std::string keep(std::string name) {
    std::string token = hex(random_bits());
    const std::lock_guard lock(mutex_);
    if (kept_.size() == max_kept) kept_.pop_front();
    kept_.emplace_back(token, std::move(name));
    return token;
  }

  /// @returns nothing if the token was not given out, or too long ago
  [[nodiscard]] std::optional<std::string> find(std::string_view token) const {
    const std::lock_guard lock(mutex_);
    for (auto at = kept_.rbegin(); at != kept_.rend(); ++at) {
      if (at->first == token) return at->second;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t max_kept = 1000;

  mutable std::mutex mutex_;
  std::deque<std::pair<std::string, std::string>> kept_;
};

}  // namespace addrbook::detail
