/// Pace: a deadline for a peer that may take any time, as long as it goes on.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace addrbook::detail {

/// A peer must send or take a number of bytes a second, and may lag behind by some time. It can't
/// save up more than that: who has been fast is no slower later. Without a rate the time is that of
/// the whole.
class Pace {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Pace() = default;
  /// @param lag   how far the peer may be behind
  /// @param rate  in bytes a second; 0: none
  Pace(Time now, std::chrono::milliseconds lag, std::size_t rate) noexcept
      : deadline_(now + lag), lag_(lag), rate_(rate) {}

  /// @returns when the peer has to have sent or taken more
  [[nodiscard]] Time deadline() const noexcept { return deadline_; }

  /// The peer is asked for nothing, until restart().
  void pause() noexcept { deadline_ = Time::max(); }
  [[nodiscard]] bool is_paused() const noexcept { return deadline_ == Time::max(); }
  void restart(Time now) noexcept { deadline_ = now + lag_; }

  /// @param bytes    that the peer has sent or taken
  /// @param waiting  for how long it had to wait meanwhile
  void go_on(Time now, std::size_t bytes, Time::duration waiting = {}) noexcept {
    if (rate_ == 0 || is_paused()) return;
    // In whole seconds apart: any number of bytes and any rate fit.
    const auto earned = std::chrono::seconds(bytes / rate_) +
                        std::chrono::milliseconds((bytes % rate_) * 1000 / rate_);
    deadline_ = earned >= lag_ ? now + lag_ : (std::min)(deadline_ + earned + waiting, now + lag_);
  }

 private:
  Time deadline_{};
  std::chrono::milliseconds lag_{0};
  std::size_t rate_ = 0;
};

}  // namespace addrbook::detail
