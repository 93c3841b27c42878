/// LogRecord: what there is to say of a request, and its forms as a line.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace addrbook {

/// One log line. Strings are as they came: any byte may be in them, format with to_logfmt() or
/// to_json_line(), which make them harmless. Never holds a body or a credential.
struct LogRecord {
  enum class Level { info, warning, error };

  Level level = Level::info;
  /// "RESPONSE": a request was answered. "FAULT": why it was a 5xx. "SERVER": of the server as a
  /// whole, with a reason and nothing of a request.
  std::string_view message;
  std::string request_id;
  std::string method;
  std::string uri;  ///< request target without the query
  std::string ip;
  int status = 0;
  std::chrono::microseconds time{};  ///< from the headers' end to the answer's
  std::uint64_t bytes = 0;           ///< of the answer's body
  std::string reason;                ///< the error's message
  std::string user;                  ///< as authorisation named it

  std::vector<std::string> trace;  ///< what was thrown; with FAULT, and for any error in debug mode
  std::string user_agent;          ///< in debug mode
  std::uint64_t request_bytes = 0;  ///< of the request's body; in debug mode
};

/// Is called once or twice a request, by any thread, several at once. What it throws is dropped.
using LogSink = std::function<void(const LogRecord&)>;

namespace detail {

/// Calls `field(name, value)` for what is known of a record, in the order of the line; values are
/// string_views, integers or microseconds. Both forms of a line come from here.
template <class Field>
void for_each_field(const LogRecord& record, Field field) {
  const auto if_known = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) field(name, value);
  };
  if_known("req_id", record.request_id);
  if_known("method", record.method);
  if_known("uri", record.uri);
  if_known("ip", record.ip);
  if (record.status != 0) {
    field("status", record.status);
    field("time_ms", record.time);
    field("bytes", record.bytes);
  }
  field("message", record.message);
  if_known("reason", record.reason);
  if_known("user", record.user);
  if_known("user_agent", record.user_agent);
  if (record.request_bytes != 0) field("request_bytes", record.request_bytes);
  std::string causes;
  for (const std::string& line : record.trace) {
    if (!causes.empty()) causes += " < ";
    causes += line;
  }
  if_known("trace", causes);
}

/// @returns `text` as a JSON string in ASCII: no line break, no control character, no half
///          character of a stranger's gets through.
inline std::string quoted(std::string_view text) {
  using Json = nlohmann::json;
  return Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
}

template <class Integer>
std::string number_text(Integer number) {
  return std::to_string(number);
}

/// In milliseconds, and not by printf(): whether that writes a comma is for the locale to say.
inline std::string number_text(std::chrono::microseconds time) {
  const auto microseconds = (std::max)(time.count(), decltype(time.count()){0});
  std::string fraction = std::to_string(microseconds % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return std::to_string(microseconds / 1000) + "." + fraction;
}

}  // namespace detail

/// @returns e.g. `req_id=1 method=GET uri=/addresses status=200 ... message=RESPONSE`, without a
///          line end. Values with anything but harmless ASCII in them are quoted as JSON strings.
[[nodiscard]] inline std::string to_logfmt(const LogRecord& record) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'()*+,-./:;<>?@[]^_`{|}~";
  std::string line;
  detail::for_each_field(record, [&](std::string_view name, const auto& value) {
    if (!line.empty()) line += ' ';
    line.append(name) += '=';
    if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, std::string_view>) {
      line += detail::number_text(value);
    } else if (value.find_first_not_of(plain) == std::string_view::npos) {
      line.append(value);
    } else {
      line += detail::quoted(value);
    }
  });
  return line;
}

/// @returns the fields of to_logfmt() as members of a JSON object, on one line
[[nodiscard]] inline std::string to_json_line(const LogRecord& record) {
  std::string line = "{";
  detail::for_each_field(record, [&](std::string_view name, const auto& value) {
    if (line.size() > 1) line += ',';
    line.append("\"").append(name).append("\":");
    if constexpr (!std::is_same_v<std::decay_t<decltype(value)>, std::string_view>) {
      line += detail::number_text(value);
    } else {
      line += detail::quoted(value);
    }
  });
  return line += '}';
}

}  // namespace addrbook
