/// AnswerSource: what surrounds the source of every answer.
#pragma once

#include <addrbook/base/pace.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/log.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/metrics/request_counts.hpp>
#include <addrbook/rest/access_log.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// Where a request is counted when its answer has ended.
struct CountedRequest {
  std::shared_ptr<Metrics> metrics;  ///< has the series
  RequestSeries* series = nullptr;   ///< null: nobody counts it
  std::uint64_t request_bytes = 0;
};

/// Ends a body that takes too long, turns exceptions into a failure, and writes the request's log
/// line when it is destroyed: so the line is also written for a body that is never read, as for
/// HEAD or a client that has left.
class AnswerSource final : public BodySource {
 public:
  using Clock = std::chrono::steady_clock;

  /// @param record   the log line, but for its time and bytes
  /// @param start    of the request
  /// @param timeout  of the whole body, or of each piece of a live one, or how far the client may
  ///                 lag behind BodySource::min_rate()
  /// @param is_read  false for HEAD
  /// @param counted  where it is counted
  AnswerSource(std::shared_ptr<BodySource> source, LogSink sink, LogRecord record,
               Clock::time_point start, std::chrono::milliseconds timeout, bool is_read,
               CountedRequest counted = {})
      : source_(std::move(source)),
        sink_(std::move(sink)),
        record_(std::move(record)),
        counted_(std::move(counted)),
        start_(start),
        pace_(Clock::now(), timeout, source_->min_rate()),
        has_piece_(!source_->is_live()) {
    if (is_read) record_.reason = "The answer was cut short";  // until it has been read to its end
  }
  ~AnswerSource() override {
    const auto time = Clock::now() - start_;
    record_.time = std::chrono::duration_cast<std::chrono::microseconds>(time);
    if (counted_.series != nullptr) {
      counted_.series->add(static_cast<std::uint64_t>(time.count()), counted_.request_bytes, 0);
    }
    call_log(sink_, record_);
  }

  Status read(std::string& to) override {
    const auto asked_at = Clock::now();
    confirm(asked_at);
    if (is_over(asked_at)) return Status::failed;
    try {
      const std::size_t before = to.size();
      const Status status = source_->read(to);
      has_piece_ = status == Status::piece || !source_->is_live();
      if (status == Status::piece) {
        unconfirmed_bytes_ = to.size() - before;
        if (source_->is_live()) {
          pace_.restart(Clock::now());
        } else if (source_->min_rate() != 0) {
          const auto now = Clock::now();
          pace_.go_on(now, 0, now - asked_at);
        }
      } else if (status == Status::end) {
        record_.reason.clear();
      }
      return status;
    } catch (const Error& error) {
      if (error.code() == Errc::not_found) {  // the book has been removed: no fault of anybody's
        has_failed_ = true;
        record_.reason = error.what();
      } else {
        fail();
      }
      return Status::failed;
    } catch (...) {
      fail();
      return Status::failed;
    }
  }
  [[nodiscard]] std::string_view held() override {
    return is_over(Clock::now()) ? std::string_view() : source_->held();
  }
  void skip(std::size_t size) override {
    unconfirmed_bytes_ += size;
    confirm(Clock::now());
    source_->skip(size);
  }
  [[nodiscard]] bool is_live() const noexcept override { return source_->is_live(); }
  [[nodiscard]] std::size_t min_rate() const noexcept override { return source_->min_rate(); }
  void on_ready(std::function<void()> ready) override { source_->on_ready(std::move(ready)); }
  bool stop() override { return source_->stop(); }
  void pause() override {
    try {
      source_->pause();
    } catch (...) {
      fail();
    }
  }
  [[nodiscard]] std::size_t memory() const noexcept override { return source_->memory(); }

 private:
  /// The client has taken what it was given.
  void confirm(Clock::time_point now) {
    const std::size_t taken = std::exchange(unconfirmed_bytes_, 0);
    record_.bytes += taken;
    if (counted_.series != nullptr && taken != 0) counted_.series->add_response_bytes(taken);
    if (!has_failed_) pace_.go_on(now, taken);
  }
  [[nodiscard]] bool is_over(Clock::time_point now) const noexcept {
    return has_failed_ || (has_piece_ && now >= pace_.deadline());
  }

  /// Logs the exception that is being handled.
  void fail() noexcept {
    has_failed_ = true;
    try {
      log_fault(sink_, record_, trace(std::current_exception()));
    } catch (...) {  // out of memory
    }
  }

  std::shared_ptr<BodySource> source_;
  LogSink sink_;
  LogRecord record_;
  CountedRequest counted_;
  Clock::time_point start_;
  Pace pace_;
  bool has_piece_;  // the deadline counts: there is something for the client to take
  bool has_failed_ = false;
  std::size_t unconfirmed_bytes_ = 0;
};

}  // namespace addrbook::detail
