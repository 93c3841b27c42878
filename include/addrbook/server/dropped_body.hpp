/// DroppedBody: a request whose body makes no difference. A small one is read, so that the
/// connection stays.
#pragma once

#include <addrbook/http.hpp>
#include <addrbook/server/answer_writer.hpp>
#include <addrbook/server/connection.hpp>

#include <chrono>
#include <cstddef>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// The most of a body that is read although it is not needed, and for how long.
constexpr std::size_t max_dropped_bytes = std::size_t{64} * 1024;
constexpr std::chrono::milliseconds drop_timeout{1'000};

/// @tparam Make  makes the answer: void(bool is_last, Answer&)
template <class Make>
class DroppedBody final : public PendingRequest {
 public:
  explicit DroppedBody(Make make) : make_(std::move(make)) {}

  bool take(std::string_view data) override {
    bytes_ += data.size();
    return bytes_ <= max_dropped_bytes;
  }
  [[nodiscard]] std::size_t memory() const noexcept override { return sizeof *this; }
  void answer(BodyStatus /*status*/, bool is_last, Answer& answer) override {
    make_(is_last, answer);
  }

 private:
  Make make_;
  std::size_t bytes_ = 0;
};

}  // namespace addrbook::detail
