/// Dates and times as texts (RFC 3339, 5.6).
#pragma once

#include <cstddef>
#include <string_view>

namespace addrbook::detail {

/// Reads two or four digits from the front of a text.
/// @returns  their number, and takes them away; -1 if they are none
[[nodiscard]] inline int take_digits(std::string_view& text, std::size_t count) noexcept {
  if (text.size() < count) return -1;
  int number = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return number;
}

/// @returns  whether the text begins with the character, which it takes away
[[nodiscard]] inline bool take(std::string_view& text, char c) noexcept {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

[[nodiscard]] inline bool take_date(std::string_view& text) noexcept {
  const int year = take_digits(text, 4);
  if (year < 0 || !take(text, '-')) return false;
  const int month = take_digits(text, 2);
  if (month < 1 || month > 12 || !take(text, '-')) return false;
  const int day = take_digits(text, 2);
  const bool is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  const bool is_short = month == 4 || month == 6 || month == 9 || month == 11;
  const int last = month == 2 ? (is_leap_year ? 29 : 28) : (is_short ? 30 : 31);
  return day >= 1 && day <= last;
}

/// With its offset from UTC.
[[nodiscard]] inline bool take_time(std::string_view& text) noexcept {
  const auto take_clock = [&] {
    const int hour = take_digits(text, 2);
    if (hour < 0 || hour > 23 || !take(text, ':')) return false;
    const int minute = take_digits(text, 2);
    return minute >= 0 && minute <= 59;
  };
  if (!take_clock() || !take(text, ':')) return false;
  const int second = take_digits(text, 2);
  if (second < 0 || second > 60) return false;  // 60: a leap second
  if (take(text, '.')) {
    if (take_digits(text, 1) < 0) return false;
    while (take_digits(text, 1) >= 0) {
    }
  }
  if (take(text, 'Z') || take(text, 'z')) return true;
  return (take(text, '+') || take(text, '-')) && take_clock();
}

/// @returns  whether it is e.g. 2026-11-28, a day that there is
[[nodiscard]] inline bool is_date(std::string_view text) noexcept {
  return take_date(text) && text.empty();
}

/// @returns  whether it is e.g. 16:52:45Z or 16:52:45.5+02:00
[[nodiscard]] inline bool is_time(std::string_view text) noexcept {
  return take_time(text) && text.empty();
}

/// @returns  whether it is e.g. 2026-11-28T16:52:45Z
[[nodiscard]] inline bool is_date_time(std::string_view text) noexcept {
  return take_date(text) && (take(text, 'T') || take(text, 't')) && take_time(text) && text.empty();
}

}  // namespace addrbook::detail
