/// Dates as people and spreadsheets write them.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_dates.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// A date, a month of a year, a year, or a day of any year; what it does not say is 0.
struct CsvDate {
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
};

/// Reads 1980-12-04, 1980-12, 1980, 19801204, --12-04, 4.12.1980, and with `/` for `-` or `.` what
/// can be of one order only: 12/25/1980 and 4/4/1980, but not 4/12/1980. A time behind the date is
/// passed over.
/// @returns nothing for what is no date, or may be of two; only zeros for what says that there is
///          none, as Outlook's 0/0/00
[[nodiscard]] inline std::optional<CsvDate> read_csv_date(std::string_view text) noexcept;

/// @returns a PartialDate (RFC 9553, 2.8.1)
[[nodiscard]] inline std::string partial_date(const CsvDate& date);

// ---------------------------------------------------------------------------------------------

[[nodiscard]] inline std::optional<CsvDate> checked_date(const CsvDate& date) noexcept {
  constexpr unsigned leap_year = 2000;  // for a day of any year
  const bool is_one =
      date.month <= 12 && (date.year != 0 || date.day != 0) &&
      (date.month == 0
           ? date.day == 0
           : date.day <= days_in_month(date.year == 0 ? leap_year : date.year, date.month));
  return is_one ? std::optional(date) : std::nullopt;
}

inline std::optional<CsvDate> read_csv_date(std::string_view text) noexcept {
  if (const auto time = text.find_first_of("T "); time != text.npos && text.find(':') > time) {
    text = text.substr(0, text.find(':') == text.npos ? text.npos : time);
  }
  const bool has_no_year = text.substr(0, 2) == "--";
  if (has_no_year) text.remove_prefix(2);
  std::array<unsigned, 3> numbers{};
  std::array<std::size_t, 3> sizes{};
  char separator = '\0';
  std::size_t count = 0;
  while (true) {
    if (count == numbers.size()) return std::nullopt;
    std::size_t size = 0;
    while (size < text.size() && is_digit(text[size])) ++size;
    const auto number = parse_decimal(text.substr(0, size));
    constexpr std::size_t longest = 8;
    if (!number || size > longest) return std::nullopt;
    numbers[count] = static_cast<unsigned>(*number);
    sizes[count++] = size;
    text.remove_prefix(size);
    if (text.empty()) break;
    if (text[0] != '-' && text[0] != '/' && text[0] != '.') return std::nullopt;
    if (separator != '\0' && separator != text[0]) return std::nullopt;
    separator = text[0];
    text.remove_prefix(1);
  }
  const auto [first, second, third] = numbers;
  constexpr std::size_t year = 4;
  if (has_no_year) {
    if (count != 2 || first == 0 || second == 0) return std::nullopt;
    return checked_date({0, first, second});
  }
  if (count == numbers.size() && first == 0 && second == 0 && third == 0) return CsvDate{};
  if (count == 1) {
    if (sizes[0] == year) return checked_date({first, 0, 0});
    if (sizes[0] != 8) return std::nullopt;
    return checked_date({first / 10000, first / 100 % 100, first % 100});
  }
  if (sizes[0] == year) {
    if (first == 0 || second == 0 || (count == 3 && third == 0)) return std::nullopt;
    return checked_date({first, second, third});
  }
  if (count != 3 || sizes[2] != year || third == 0 || first == 0 || second == 0) {
    return std::nullopt;
  }
  if (separator == '.' || first > 12 || first == second)
    return checked_date({third, second, first});
  if (second > 12) return checked_date({third, first, second});
  return std::nullopt;
}

inline std::string partial_date(const CsvDate& date) {
  std::string text;
  const auto add = [&](std::string_view name, unsigned value) {
    if (value == 0) return;
    text += text.empty() ? "{\"" : ",\"";
    text.append(name).append("\":").append(std::to_string(value));
  };
  add("year", date.year);
  add("month", date.month);
  add("day", date.day);
  return text + '}';
}

}  // namespace addrbook::detail
