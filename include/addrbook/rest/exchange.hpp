/// Exchange: what every request of ours has in common, whatever it asks for: an id, errors in JSON,
/// compression, header fields, a log line.
#pragma once

#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/log.hpp>

#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

using HeaderFields = std::vector<std::pair<std::string_view, std::string>>;

constexpr std::string_view json_content_type = "application/json; charset=UTF-8";

/// A refusal that only HTTP knows.
class HttpError : public Error {
 public:
  HttpError(int status, const std::string& message, HeaderFields headers = {},
            SourceLine thrown_at = SourceLine::here())
      : Error(Errc::invalid, message, thrown_at), status_(status), headers_(std::move(headers)) {}

  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] const HeaderFields& headers() const noexcept { return headers_; }

 private:
  int status_;
  HeaderFields headers_;
};

inline Reply empty_reply(int status, HeaderFields headers = {}) {
  Reply reply;
  reply.status = status;
  reply.headers = std::move(headers);
  return reply;
}

inline Reply json_reply(std::string body) {
  Reply reply;
  reply.headers.reserve(8);  // as many as there will be, mostly
  reply.headers.emplace_back("Content-Type", json_content_type);
  reply.body = std::move(body);
  return reply;
}

/// Makes ids for the requests that bring none: unique here, and all but surely elsewhere.
class RequestIds {
 public:
  [[nodiscard]] std::string next() const {
    return hex(first_ + count_.fetch_add(1, std::memory_order_relaxed));
  }

 private:
  std::uint64_t first_ = random_bits();
  mutable std::atomic<std::uint64_t> count_{0};
};

/// One request and what is learnt on the way to its reply.
class Exchange {
 public:
  Exchange(const Request& request, const RequestIds& ids);

  [[nodiscard]] const Request& request() const noexcept { return request_; }
  [[nodiscard]] std::string_view uri() const noexcept {
    return request_.target.substr(0, request_.target.find('?'));
  }

  void set_user(std::string user) { user_ = std::move(user); }
  void set_request_bytes(std::uint64_t bytes) noexcept { request_bytes_ = bytes; }
  void close_connection() noexcept { close_connection_ = true; }

  /// Whether the client holds the representation already (If-None-Match; RFC 9110, 13.1.2).
  [[nodiscard]] bool client_has(std::string_view tag) const;

  /// The one switch from what was thrown to a status and a message.
  [[nodiscard]] Reply error(std::exception_ptr thrown, bool debug);

  /// Adds what every reply carries, and compresses what is worth it.
  /// @param coding  may be null
  void finish(Reply& reply, const Coding* coding, std::chrono::milliseconds answer_timeout) const;

  /// Writes the log line, or has a stream do so when it ends.
  void log(Reply& reply, const LogSink& sink, bool debug) const;

 private:
  using Clock = std::chrono::steady_clock;

  void compress(Reply& reply, const Coding& coding) const;

  const Request& request_;
  std::string id_;
  Clock::time_point start_ = Clock::now();
  std::string user_;
  std::string reason_;
  std::vector<std::string> trace_;
  std::uint64_t request_bytes_ = 0;
  bool is_fault_ = false;
  bool close_connection_ = false;
};

// ---------------------------------------------------------------------------------------------

inline void call_log(const LogSink& sink, const LogRecord& record) noexcept {
  if (!sink) return;
  try {
    sink(record);
  } catch (
      ...) {  // a log that fails must not take the request with it, and there is no one to tell
  }
}

inline void log_fault(const LogSink& sink, LogRecord record, std::vector<std::string> causes) {
  record.level = LogRecord::Level::error;
  record.kind = LogRecord::Kind::fault;
  record.trace = std::move(causes);
  call_log(sink, record);
}

inline std::chrono::microseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

/// A stream's log line. The destructor writes it, so it is also written when the stream is never
/// run: for HEAD, or a client that is gone.
struct LineAtEnd {
  LogSink sink;
  LogRecord record;
  std::chrono::steady_clock::time_point start;

  LineAtEnd(LogSink to, LogRecord line, std::chrono::steady_clock::time_point started)
      : sink(std::move(to)), record(std::move(line)), start(started) {}
  LineAtEnd(const LineAtEnd&) = delete;
  LineAtEnd& operator=(const LineAtEnd&) = delete;
  LineAtEnd(LineAtEnd&&) = delete;
  LineAtEnd& operator=(LineAtEnd&&) = delete;
  ~LineAtEnd() {
    record.time = since(start);
    call_log(sink, record);
  }
};

inline Exchange::Exchange(const Request& request, const RequestIds& ids) : request_(request) {
  if (auto given = request.header("X-Request-Id"); given && is_request_id(*given)) {
    id_ = *std::move(given);
  } else {
    id_ = ids.next();
  }
}

inline bool Exchange::client_has(std::string_view tag) const {
  const auto value = request_.header("If-None-Match");
  return value && matches_any_tag(*value, tag);
}

inline Reply Exchange::error(std::exception_ptr thrown, bool debug) {
  Reply reply = json_reply({});
  reply.status = 500;
  reason_ = "Internal Server Error";
  is_fault_ = true;
  try {
    std::rethrow_exception(thrown);
  } catch (const HttpError& error) {
    reply.status = error.status();
    reason_ = error.what();
    is_fault_ = false;
    for (const auto& field : error.headers()) reply.headers.push_back(field);
  } catch (const Error& error) {
    switch (error.code()) {
      case Errc::invalid:
      case Errc::not_found:
        reply.status = error.code() == Errc::invalid ? 400 : 404;
        reason_ = error.what();
        is_fault_ = false;
        break;
      case Errc::conflict:
        reply.status = 412;
        reason_ = error.what();
        is_fault_ = false;
        break;
      case Errc::full:
        reply.status = 507;  // RFC 4918, 11.5
        reason_ = error.what();
        // A full disk has a cause, which the log is to show; a full book has none.
        is_fault_ = dynamic_cast<const std::nested_exception*>(&error) != nullptr;
        break;
      case Errc::stopped:
        reply.status = 503;
        reason_ = error.what();
        is_fault_ = false;
        break;
      case Errc::storage:  // a store's message is for the log: it may name files or hosts
        reply.status = 503;
        reason_ = "The storage can't be reached";
        break;
      case Errc::internal: break;
    }
  } catch (...) {  // a stranger's exception: 500, its message for the log only
  }
  if (reply.status == 503) reply.headers.emplace_back("Retry-After", "1");
  if (is_fault_ || debug) trace_ = trace(std::move(thrown));

  // Put together by hand: to destroy a json that holds others takes memory, and without any left
  // that ends the process. Strings hold none.
  const auto quoted = [](std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  reply.body = R"({"method":)" + quoted(request_.method) + R"(,"uri":)" + quoted(uri()) +
               R"(,"code":)" + std::to_string(reply.status) + R"(,"message":)" + quoted(reason_);
  if (debug) {
    reply.body += R"(,"trace":[)";
    for (const std::string& each : trace_) {
      if (reply.body.back() != '[') reply.body += ',';
      reply.body += quoted(each);
    }
    reply.body += ']';
  }
  reply.body += '}';
  return reply;
}

inline void Exchange::finish(Reply& reply, const Coding* coding,
                             std::chrono::milliseconds answer_timeout) const {
  reply.close_connection = close_connection_;
  if (reply.stream) {
    reply.stream = [stream = std::move(reply.stream),
                    deadline = Clock::now() + answer_timeout](const ByteSink& sink) {
      return stream([&](std::string_view bytes) { return Clock::now() < deadline && sink(bytes); });
    };
  }
  const bool has_content = !reply.body.empty() || reply.stream;
  if (coding != nullptr && (has_content || reply.status == 304)) {
    reply.headers.emplace_back("Vary", "Accept-Encoding");
  }
  if (coding != nullptr && has_content) compress(reply, *coding);
  reply.headers.emplace_back("Cache-Control", "private, no-cache");
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  reply.headers.emplace_back("X-Request-Id", id_);
}

inline void Exchange::compress(Reply& reply, const Coding& coding) const {
  constexpr std::size_t worth_it_bytes = 1024;
  if (!reply.stream && reply.body.size() < worth_it_bytes) return;
  const auto accepted = request_.header("Accept-Encoding");
  if (!accepted || !accepts_coding(*accepted, coding.name())) return;

  try {
    std::shared_ptr<Codec> encoder = coding.encoder();
    if (reply.stream) {
      reply.stream = [stream = std::move(reply.stream), encoder](const ByteSink& sink) {
        return stream([&](std::string_view bytes) { return encoder->write(bytes, sink); }) &&
               encoder->finish(sink);
      };
    } else {
      std::string packed;
      const ByteSink append = [&](std::string_view bytes) {
        packed.append(bytes);
        return true;
      };
      if (!encoder->write(reply.body, append) || !encoder->finish(append)) return;
      reply.body = std::move(packed);
    }
  } catch (...) {
    return;  // an answer that is not packed is better than none
  }
  reply.headers.emplace_back("Content-Encoding", coding.name());
  // RFC 9110, 8.8.3.3: a strong tag names one sequence of bytes, and these are others.
  for (auto& [name, value] : reply.headers) {
    if (name == "ETag" && value.front() == '"') value.insert(0, "W/");
  }
}

constexpr std::string_view cut_short = "The answer was cut short";

inline void Exchange::log(Reply& reply, const LogSink& sink, bool debug) const {
  if (!sink && !reply.stream) return;
  LogRecord record;
  record.request_id = id_;
  record.method = request_.method;
  record.uri = uri();
  record.ip = request_.remote_address;
  record.status = reply.status;
  record.reason = reason_;
  record.user = user_;
  record.time = since(start_);
  if (is_fault_) log_fault(sink, record, trace_);
  if (debug) {
    record.trace = trace_;
    record.user_agent = request_.header("User-Agent").value_or("");
    record.request_bytes = request_bytes_;
  }
  if (!reply.stream) {
    record.bytes = request_.method == "HEAD" ? 0 : reply.body.size();
    call_log(sink, record);
    return;
  }
  // Until it has run to its end; a HEAD's never runs.
  if (request_.method != "HEAD") record.reason = cut_short;
  auto line = std::make_shared<LineAtEnd>(sink, std::move(record), start_);
  // Also where nothing is logged: no exception leaves a stream.
  reply.stream = [stream = std::move(reply.stream), line](const ByteSink& to) noexcept {
    bool complete = false;
    try {
      complete = stream([&](std::string_view bytes) {
        if (!to(bytes)) return false;
        line->record.bytes += bytes.size();
        return true;
      });
    } catch (...) {
      log_fault(line->sink, line->record, trace(std::current_exception()));
    }
    if (complete) line->record.reason = {};
    return complete;
  };
}

}  // namespace addrbook::detail
