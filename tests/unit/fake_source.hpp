/// A BodySource of given pieces that a test can interrupt.
#pragma once

#include <addrbook/http.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

class FakeSource final : public addrbook::BodySource {
 public:
  explicit FakeSource(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}

  bool live = false;
  std::size_t rate = 0;             ///< what min_rate() says
  std::optional<Status> next = {};  ///< what the next read() says instead, once
  std::function<void(std::function<void()>)> when_asked = [](const auto& ready) { ready(); };
  std::function<void()> before_read = [] {};
  std::size_t reads = 0;   ///< how often read() was called, the present call included
  std::size_t pauses = 0;  ///< how often pause() was called
  std::function<void()> when_paused = [] {};
  std::function<bool()> when_stopped = [] { return false; };
  std::size_t memory_held = 0;  ///< what memory() says
  std::string rest = {};        ///< what held() has, once all pieces have been read

  Status read(std::string& to) override {
    ++reads;
    before_read();
    if (next) return *std::exchange(next, std::nullopt);
    if (read_ == pieces_.size()) {
      if (rest.empty()) return Status::end;
      to += std::exchange(rest, {});
      return Status::piece;
    }
    to += pieces_[read_++];
    return Status::piece;
  }
  [[nodiscard]] std::string_view held() override {
    return read_ == pieces_.size() ? std::string_view(rest) : std::string_view();
  }
  void skip(std::size_t size) override { rest.erase(0, size); }
  [[nodiscard]] bool is_live() const noexcept override { return live; }
  [[nodiscard]] std::size_t min_rate() const noexcept override { return rate; }
  void on_ready(std::function<void()> ready) override { when_asked(std::move(ready)); }
  bool stop() override { return when_stopped(); }
  void pause() override {
    ++pauses;
    when_paused();
  }
  [[nodiscard]] std::size_t memory() const noexcept override { return memory_held; }

 private:
  std::vector<std::string> pieces_;
  std::size_t read_ = 0;
};

}  // namespace test
