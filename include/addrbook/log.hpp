/// LogRecord: what is logged of a request, and its form as a line of a log.
#pragma once

#include <addrbook/base/utc.hpp>
#include <addrbook/json/strings.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// One entry of the log. Strings may hold any byte that a client sent: write them with log_line(),
/// to_logfmt() or to_json_line(), which escape them. Never holds a body or a credential.
struct LogRecord {
  enum class Kind {
    response,  ///< a request was answered; "RESPONSE" in a line
    fault,     ///< why a request failed, before its `response`; "FAULT"
    server,    ///< about the server as a whole: a reason, nothing of a request; "SERVER"
  };
  enum class Level {
    info,     ///< normal operation, including requests that are refused
    warning,  ///< a limit is reached, or something is set up badly
    error,    ///< a fault of the program or of its storage
  };

  Kind kind = Kind::response;
  Level level = Level::info;
  std::string request_id;
  std::string method;
  std::string uri;  ///< the request target without the query
  std::string ip;
  int status = 0;
  std::chrono::microseconds time{};  ///< from the end of the request's head to that of the answer
  std::uint64_t bytes = 0;           ///< of the answer's body
  std::string reason;                ///< the error's message
  std::string user;                  ///< as the authorization named the client
  std::string book;                  ///< the book's name, where there are many

  /// What was thrown, the outermost exception first. Of a fault; in debug mode of every error.
  std::vector<std::string> trace;
  std::string user_agent;           ///< in debug mode
  std::uint64_t request_bytes = 0;  ///< of the request's body; in debug mode

  /// @returns a record of the kind `server`
  [[nodiscard]] static LogRecord of_server(Level level, std::string_view reason) {
    LogRecord record;
    record.kind = Kind::server;
    record.level = level;
    record.reason = reason;
    return record;
  }
};

/// Receives each record: one for a request, two if it failed. What it throws is dropped.
/// @par Thread safety  Must allow concurrent calls from any thread.
using LogSink = std::function<void(const LogRecord&)>;

/// The form of a line.
enum class LogFormat { logfmt, json };

/// Formats a record as a whole line of a log, e.g.
/// `time=2026-01-31T09:05:00.123Z level=info req_id=1 method=GET ... message=RESPONSE`.
/// @param time  is written in UTC (ISO 8601, milliseconds)
/// @returns  printable ASCII, without a line end
[[nodiscard]] inline std::string log_line(
    const LogRecord& record, LogFormat format,
    std::chrono::system_clock::time_point time = std::chrono::system_clock::now());

/// Formats a record for a logger that adds time and level itself, e.g.
/// `req_id=1 method=GET uri=/addresses status=200 ... message=RESPONSE`. Fields without a value are
/// left out; values with spaces, quotes or anything but printable ASCII are JSON strings.
/// @returns  printable ASCII, without a line end
[[nodiscard]] inline std::string to_logfmt(const LogRecord& record);

/// Formats the fields of to_logfmt() as a JSON object.
/// @returns  printable ASCII, without a line end
[[nodiscard]] inline std::string to_json_line(const LogRecord& record);

// ---------------------------------------------------------------------------------------------

namespace detail {

/// Builds a line of a log, field by field.
class LogLine {
 public:
  explicit LogLine(LogFormat format) : is_json_(format == LogFormat::json) {
    if (is_json_) line_ = '{';
  }

  LogLine& text(std::string_view name, std::string_view value) {
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'()*+,-./"
        ":;<>?@[]^_`{|}~";
    begin_field(name);
    if (!is_json_ && value.find_first_not_of(plain) == std::string_view::npos) {
      line_.append(value);
    } else {
      append_json_string(line_, value, JsonCharset::ascii);
    }
    return *this;
  }
  /// @param number  in decimal digits
  LogLine& number(std::string_view name, std::string_view number) {
    begin_field(name);
    line_.append(number);
    return *this;
  }
  LogLine& fields(const LogRecord& record);

  [[nodiscard]] std::string take() {
    if (is_json_) line_ += '}';
    return std::move(line_);
  }

 private:
  void begin_field(std::string_view name) {
    if (is_json_) {
      line_.append(line_.size() > 1 ? ",\"" : "\"").append(name).append("\":");
    } else {
      line_.append(line_.empty() ? "" : " ").append(name).append("=");
    }
  }

  bool is_json_;
  std::string line_;
};

/// @returns  milliseconds with three decimals. Not printf(), whose decimal point depends on the
///           locale.
inline std::string to_milliseconds(std::chrono::microseconds time) {
  const auto microseconds = (std::max)(time.count(), decltype(time.count()){0});
  return std::to_string(microseconds / 1000) + "." +
         std::to_string(1000 + microseconds % 1000).substr(1);
}

inline std::string_view to_text(LogRecord::Kind kind) noexcept {
  switch (kind) {
    case LogRecord::Kind::response: break;
    case LogRecord::Kind::fault: return "FAULT";
    case LogRecord::Kind::server: return "SERVER";
  }
  return "RESPONSE";
}

inline std::string_view to_text(LogRecord::Level level) noexcept {
  switch (level) {
    case LogRecord::Level::info: break;
    case LogRecord::Level::warning: return "warning";
    case LogRecord::Level::error: return "error";
  }
  return "info";
}

inline LogLine& LogLine::fields(const LogRecord& record) {
  const auto known = [this](std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  };
  known("req_id", record.request_id);
  known("method", record.method);
  known("uri", record.uri);
  known("ip", record.ip);
  if (record.status != 0) {
    number("status", std::to_string(record.status));
    number("time_ms", to_milliseconds(record.time));
    number("bytes", std::to_string(record.bytes));
  }
  text("message", to_text(record.kind));
  known("reason", record.reason);
  known("user", record.user);
  known("book", record.book);
  known("user_agent", record.user_agent);
  if (record.request_bytes != 0) number("request_bytes", std::to_string(record.request_bytes));
  std::string causes;
  for (const std::string& cause : record.trace) {
    if (!causes.empty()) causes += " < ";
    causes += cause;
  }
  known("trace", causes);
  return *this;
}

}  // namespace detail

inline std::string log_line(const LogRecord& record, LogFormat format,
                            std::chrono::system_clock::time_point time) {
  return detail::LogLine(format)
      .text("time", detail::to_utc(time))
      .text("level", detail::to_text(record.level))
      .fields(record)
      .take();
}

inline std::string to_logfmt(const LogRecord& record) {
  return detail::LogLine(LogFormat::logfmt).fields(record).take();
}

inline std::string to_json_line(const LogRecord& record) {
  return detail::LogLine(LogFormat::json).fields(record).take();
}

}  // namespace addrbook
