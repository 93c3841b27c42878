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
#include <unordered_map>
#include <utility>

namespace addrbook::detail {

/// Keeps names under random tokens, of each user the latest ones. A list of books that ends at one
/// that the client may not read must not show its name, nor take a made-up name to go on from: how
/// much there is after it would tell whether that one is there.
/// @par Thread safety  any thread
class Positions : private Pinned {
 public:
  /// @returns the name's token, 16 hex digits
  [[nodiscard]] std::string keep(std::string_view user, std::string name) {
    std::string token = hex(random_bits());
    const std::lock_guard lock(mutex_);
    // So many users page at once that any of them may have to begin again.
    if (kept_.size() == max_users && kept_.count(std::string(user)) == 0) {
      kept_.erase(kept_.begin());
    }
    auto& of_user = kept_[std::string(user)];
    if (of_user.size() == max_of_user) of_user.pop_front();
    of_user.emplace_back(token, std::move(name));
    return token;
  }

  /// @returns nothing if the token was not given to the user, or too long ago
  [[nodiscard]] std::optional<std::string> find(std::string_view user,
                                                std::string_view token) const {
    const std::lock_guard lock(mutex_);
    const auto of_user = kept_.find(std::string(user));
    if (of_user == kept_.end()) return std::nullopt;
    for (auto at = of_user->second.rbegin(); at != of_user->second.rend(); ++at) {
      if (at->first == token) return at->second;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t max_of_user = 100;
  static constexpr std::size_t max_users = 1000;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::deque<std::pair<std::string, std::string>>> kept_;
};

}  // namespace addrbook::detail
