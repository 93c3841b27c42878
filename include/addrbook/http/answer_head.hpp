/// The head of an answer (RFC 9112, 4 and 6).
#pragma once

#include <addrbook/http.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <tuple>

namespace addrbook::detail {

/// How the end of an answer is found (RFC 9112, 6.3).
enum class AnswerFraming { length, chunked, until_close };

/// @returns the phrase of a status code (RFC 9110, 15 and IANA's registry); one that is valid for
///          any other code too
[[nodiscard]] inline std::string_view reason_phrase(int status) noexcept;

/// A date of RFC 9110, 5.6.7, which is always of this length.
using DateText = std::array<char, 29>;

/// @param time  seconds since 1970
/// @returns it as in Date, e.g. "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate; RFC 9110, 5.6.7).
///          The locale does not matter.
[[nodiscard]] inline DateText date_text(std::time_t time) noexcept;

/// @returns the time of day as in Date, made anew each second. The view is valid in this thread
///          until the next call.
[[nodiscard]] inline std::string_view current_date() noexcept;

/// Appends a whole answer head, from the status line to the empty line.
/// @param reply              its status and fields; Date and the framing are not among them
/// @param length             of the body in bytes, with AnswerFraming::length. Not sent with 1xx,
///                           204 (RFC 9110, 8.6), nor with 304, which would need that of the 200
/// @param connection_fields  whole lines with their CRLF, or ""
inline void append_answer_head(std::string& to, const Reply& reply, AnswerFraming framing,
                               std::uint64_t length, std::string_view connection_fields);

// ---------------------------------------------------------------------------------------------

inline std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 102: return "Processing";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 207: return "Multi-Status";
    case 208: return "Already Reported";
    case 226: return "IM Used";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 305: return "Use Proxy";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 506: return "Variant Also Negotiates";
    case 507: return "Insufficient Storage";
    case 508: return "Loop Detected";
    case 510: return "Not Extended";
    case 511: return "Network Authentication Required";
    default: return "Unknown Status Code";
  }
}

/// Writes the last two digits of a number.
template <class Number>
void put_two_digits(DateText& text, std::size_t at, Number number) noexcept {
  text[at] = static_cast<char>('0' + number / 10 % 10);
  text[at + 1] = static_cast<char>('0' + number % 10);
}

/// @param days  since 1 January of the year 1
/// @returns the first moment of the day
inline DateText day_text(std::int64_t days) noexcept {
  constexpr std::string_view day_names = "MonTueWedThuFriSatSun";  // the year 1 began on a Monday
  constexpr std::string_view month_names = "MarAprMayJunJulAugSepOctNovDecJanFeb";
  // Years that begin in March have the leap day at their end. 306 days are from March to December.
  const std::int64_t since_march = days + 306;     // since 1 March of the year 0
  const std::int64_t era = since_march / 146'097;  // 400 years
  const std::int64_t day_of_era = since_march % 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;  // from March, 0
  const std::int64_t year = 400 * era + year_of_era + (month >= 10 ? 1 : 0);
  DateText text{};
  constexpr std::string_view pattern = "Day, 00 Mon 0000 00:00:00 GMT";
  static_assert(pattern.size() == std::tuple_size_v<DateText>);
  pattern.copy(text.data(), text.size());
  day_names.copy(text.data(), 3, 3 * static_cast<std::size_t>(days % 7));
  put_two_digits(text, 5, day_of_year - (153 * month + 2) / 5 + 1);
  month_names.copy(text.data() + 8, 3, 3 * static_cast<std::size_t>(month));
  put_two_digits(text, 12, year / 100);
  put_two_digits(text, 14, year % 100);
  return text;
}

inline DateText date_text(std::time_t time) noexcept {
  // Not by gmtime_r(), which takes ten times as long: it locks, and looks up the time zone.
  constexpr std::int64_t day = 86'400;
  constexpr std::int64_t first = -62'135'596'800;  // of the year 1
  constexpr std::int64_t last = 253'402'300'799;   // of 9999
  const std::int64_t at = (std::min)((std::max)(std::int64_t{time}, first), last) - first;
  thread_local std::int64_t made_day = -1;  // most dates are of one day
  thread_local DateText made_text{};
  if (at / day != made_day) {
    made_day = at / day;
    made_text = day_text(made_day);
  }
  const auto second = static_cast<std::int32_t>(at % day);
  DateText text = made_text;
  put_two_digits(text, 17, second / 3600);
  put_two_digits(text, 20, second / 60 % 60);
  put_two_digits(text, 23, second % 60);
  return text;
}

inline std::string_view current_date() noexcept {
#ifdef CLOCK_REALTIME_COARSE  // some milliseconds late, at a tenth of the cost
  constexpr auto clock = CLOCK_REALTIME_COARSE;
#else
  constexpr auto clock = CLOCK_REALTIME;
#endif
  thread_local std::time_t made_at = -1;
  thread_local DateText text{};
  timespec now{};
  ::clock_gettime(clock, &now);
  if (now.tv_sec != made_at) {
    text = date_text(now.tv_sec);
    made_at = now.tv_sec;
  }
  return {text.data(), text.size()};
}

inline void append_answer_head(std::string& to, const Reply& reply, AnswerFraming framing,
                               std::uint64_t length, std::string_view connection_fields) {
  const std::string_view phrase = reason_phrase(reply.status);
  constexpr std::size_t rest = 128;  // the status line, Date, the framing and the empty line
  const std::string_view fields = reply.headers.lines();
  const std::size_t size = rest + phrase.size() + connection_fields.size() + fields.size();
  const std::size_t before = to.size();
  // Written to its place: forty appends would take half as long as all the rest of a short answer.
  to.resize(before + size);
  char* at = to.data() + before;
  const auto put = [&at](std::string_view text) { at = std::copy(text.begin(), text.end(), at); };
  const auto put_number = [&at](std::uint64_t number) {
    constexpr std::size_t max_digits = 20;
    at = std::to_chars(at, at + max_digits, number).ptr;
  };

  put("HTTP/1.1 ");
  put_number(static_cast<std::uint64_t>(reply.status));
  put(" ");
  put(phrase);
  put("\r\nDate: ");
  put(current_date());
  put("\r\n");
  put(fields);
  if (reply.status >= 200 && reply.status != 204 && reply.status != 304) {
    if (framing == AnswerFraming::length) {
      put("Content-Length: ");
      put_number(length);
      put("\r\n");
    } else if (framing == AnswerFraming::chunked) {
      put("Transfer-Encoding: chunked\r\n");
    }
  }
  put(connection_fields);
  put("\r\n");
  to.resize(static_cast<std::size_t>(at - to.data()));
}

}  // namespace addrbook::detail
