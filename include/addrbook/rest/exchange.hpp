/// Exchange: one request and its reply, from the id to the log line.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/http/request_id.hpp>
#include <addrbook/http/trusted_proxies.hpp>
#include <addrbook/log.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/metrics/request_counts.hpp>
#include <addrbook/metrics/transfer_counts.hpp>
#include <addrbook/rest/access_log.hpp>
#include <addrbook/rest/answer_source.hpp>
#include <addrbook/rest/compression.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/reply.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// What every request has in common, whatever it asks for: an id, errors as JSON, compression,
/// header fields, a log line.
class Exchange : private Pinned {
 public:
  /// @param request  must outlive the exchange
  /// @param proxies  through which the request is seen
  Exchange(const Request& request, const RequestIds& ids, const TrustedProxies& proxies = {});

  [[nodiscard]] const Request& request() const noexcept { return request_; }
  /// The request target without its query, as it was sent.
  [[nodiscard]] std::string_view uri() const noexcept {
    return request_.target.substr(0, request_.target.find('?'));
  }

  void set_user(std::string user) { user_ = std::move(user); }
  [[nodiscard]] const std::string& user() const noexcept { return user_; }
  /// The book, where there are many.
  void set_book(std::string_view name) { book_ = name; }
  /// The row of the table of routes that the request is for, counted from 0.
  void set_row(std::size_t row) noexcept { slot_ = RequestSlot(row, request_.method); }
  void set_request_bytes(std::uint64_t bytes) noexcept { request_bytes_ = bytes; }
  /// The body was not read to its end, so the start of the next request is unknown.
  void close_connection() noexcept { close_connection_ = true; }

  /// For a read: evaluates its conditions (RFC 9110, 13).
  /// @returns whether the client has the representation already, so that the answer is a 304
  /// @throws Error{precondition} the client wants another one
  [[nodiscard]] bool client_has(const Validators& current) const {
    return client_has([&current] { return current; });
  }
  /// @param validators  returns them; called if there is a condition
  template <class Make>
  [[nodiscard]] bool client_has(const Make& validators) const;
  /// Whether the answer to a read depends on an entity tag.
  [[nodiscard]] bool asks_for_tags() const {
    return request_.header("If-None-Match") || request_.header("If-Match");
  }

  /// @returns the reply to a request that ended with an exception
  [[nodiscard]] Reply fail(std::exception_ptr thrown, bool debug);

  /// Adds the fields that every reply has, and compresses the body if that is worth it.
  /// @param coding  may be null
  void finish(Reply& reply, const Coding* coding) const;

  /// Writes the log line and counts the request; for a source, when that ends.
  /// @param metrics         may be null
  /// @param answer_timeout  for a client to take a source's body
  void tell(Reply& reply, const LogSink& sink, const std::shared_ptr<Metrics>& metrics, bool debug,
            std::chrono::milliseconds answer_timeout) const;

 private:
  using Clock = std::chrono::steady_clock;

  RequestSeries* count(Metrics& metrics, const Reply& reply, Clock::duration time) const noexcept;
  void log(Reply& reply, const LogSink& sink, const std::shared_ptr<Metrics>& metrics,
           RequestSeries* series, bool debug, std::chrono::milliseconds answer_timeout,
           Clock::duration time) const;

  const std::optional<Request> behind_proxies_;  // as a trusted one says
  const Request& request_;
  const std::array<char, 16> made_id_;
  std::string_view id_;  // the made one, or that of the request
  Clock::time_point start_ = Clock::now();
  std::string user_;
  std::string book_;
  std::optional<Failure> failure_;
  RequestSlot slot_;
  std::uint64_t request_bytes_ = 0;
  bool close_connection_ = false;
};

// ---------------------------------------------------------------------------------------------

inline Exchange::Exchange(const Request& request, const RequestIds& ids,
                          const TrustedProxies& proxies)
    : behind_proxies_(proxies.see_through(request)),
      request_(behind_proxies_ ? *behind_proxies_ : request),
      made_id_(ids.next()),
      id_(made_id_.data(), made_id_.size()) {
  const auto given = request.header("X-Request-Id");
  if (given && is_request_id(*given)) id_ = *given;
}

template <class Make>
bool Exchange::client_has(const Make& validators) const {
  const Preconditions conditions(request_);
  if (!conditions.any()) return false;
  const Validators current = validators();
  const auto verdict = conditions.evaluate(&current);
  if (verdict == Preconditions::Verdict::failed) {
    throw Error(Errc::precondition, "Not the expected revision");
  }
  return verdict == Preconditions::Verdict::not_modified;
}

inline Reply Exchange::fail(std::exception_ptr thrown, bool debug) {
  failure_ = to_failure(std::move(thrown), debug);
  return error_reply(*failure_, request_.method, uri(), debug);
}

inline void Exchange::finish(Reply& reply, const Coding* coding) const {
  reply.close_connection = close_connection_;
  const bool has_content = !reply.body.empty() || reply.source;
  if (coding != nullptr && (has_content || reply.status == 304)) {
    add_vary(reply, "Accept-Encoding");
  }
  if (coding != nullptr && has_content) compress(reply, request_, *coding);
  reply.headers.emplace_back("Cache-Control", "private, no-cache");
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  reply.headers.emplace_back("X-Request-Id", id_);
}

/// @returns where the request is counted; if it has a source, it is not yet
inline RequestSeries* Exchange::count(Metrics& metrics, const Reply& reply,
                                      Clock::duration time) const noexcept {
  if (failure_) metrics.transfers().refuse(failure_->body_fault);
  const RequestSlot slot = slot_.is_known() ? slot_ : RequestSlot(request_.method);
  RequestSeries* const series = metrics.requests().series(slot, reply.status);
  if (series != nullptr && !reply.source) {
    series->add(static_cast<std::uint64_t>(time.count()), request_bytes_,
                slot.is_head() ? 0 : reply.body.size());
  }
  return series;
}

inline void Exchange::tell(Reply& reply, const LogSink& sink,
                           const std::shared_ptr<Metrics>& metrics, bool debug,
                           std::chrono::milliseconds answer_timeout) const {
  const bool is_counted = metrics != nullptr;
  if (!sink && !reply.source) {
    if (is_counted) static_cast<void>(count(*metrics, reply, Clock::now() - start_));
    return;
  }
  const auto time = Clock::now() - start_;
  RequestSeries* const series = is_counted ? count(*metrics, reply, time) : nullptr;
  log(reply, sink, metrics, series, debug, answer_timeout, time);
}

inline void Exchange::log(Reply& reply, const LogSink& sink,
                          const std::shared_ptr<Metrics>& metrics, RequestSeries* series,
                          bool debug, std::chrono::milliseconds answer_timeout,
                          Clock::duration time) const {
  const bool is_head = request_.method == "HEAD";
  LogRecord record;
  record.request_id = id_;
  record.method = request_.method;
  record.uri = uri();
  record.ip = request_.remote_address;
  record.status = reply.status;
  record.user = user_;
  record.book = book_;
  record.time = std::chrono::duration_cast<std::chrono::microseconds>(time);
  if (failure_) record.reason = failure_->message;
  if (failure_ && failure_->is_fault) log_fault(sink, record, failure_->trace);
  if (debug) {
    if (failure_) record.trace = failure_->trace;
    record.user_agent = request_.header("User-Agent").value_or("");
    record.request_bytes = request_bytes_;
  }
  if (reply.source) {
    reply.source = std::make_shared<AnswerSource>(std::move(reply.source), sink, std::move(record),
                                                  start_, answer_timeout, !is_head,
                                                  CountedRequest{metrics, series, request_bytes_});
    return;
  }
  record.bytes = is_head ? 0 : reply.body.size();
  call_log(sink, record);
}

}  // namespace addrbook::detail
