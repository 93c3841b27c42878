/// Reading the dates of header fields (RFC 9110, 5.6.7). answer_head.hpp writes them.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

namespace addrbook::detail {

/// Reads a date in any of its three forms: "Sun, 06 Nov 1994 08:49:37 GMT",
/// "Sunday, 06-Nov-94 08:49:37 GMT" and "Sun Nov  6 08:49:37 1994".
/// @param now  seconds since 1970: a year of two digits is the latest one that is at most 50 years
///             from then
/// @returns seconds since 1970; nothing if it is no such date
[[nodiscard]] inline std::optional<std::time_t> parse_http_date(std::string_view text,
                                                                std::time_t now) noexcept;

// ---------------------------------------------------------------------------------------------

/// Reads a text from its start.
class DateReader {
 public:
  explicit DateReader(std::string_view text) noexcept : rest_(text) {}

  bool skip(std::string_view expected) noexcept {
    if (rest_.substr(0, expected.size()) != expected) return fail();
    rest_.remove_prefix(expected.size());
    return true;
  }
  /// @returns the index of the one of `names` that the text goes on with
  template <std::size_t N>
  std::size_t one_of(const std::array<std::string_view, N>& names) noexcept {
    for (std::size_t i = 0; i < N; ++i) {
      if (rest_.substr(0, names[i].size()) != names[i]) continue;
      rest_.remove_prefix(names[i].size());
      return i;
    }
    fail();
    return 0;
  }
  std::int64_t number(std::size_t digits) noexcept {
    std::int64_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (i >= rest_.size() || !is_digit(rest_[i])) return fail() ? 1 : 0;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  [[nodiscard]] bool is_good() const noexcept { return is_good_ && rest_.empty(); }

 private:
  bool fail() noexcept {
    is_good_ = false;
    return false;
  }

  std::string_view rest_;
  bool is_good_ = true;
};

struct DateFields {
  std::int64_t year = 0;
  std::int64_t month = 0;  // from January, 0
  std::int64_t day = 0;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;

  void read_time(DateReader& reader) noexcept {
    hour = reader.number(2);
    reader.skip(":");
    minute = reader.number(2);
    reader.skip(":");
    second = reader.number(2);
  }
  [[nodiscard]] bool is_valid() const noexcept {
    constexpr std::array<std::int64_t, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    const auto last = days[static_cast<std::size_t>(month)] + (month == 1 && is_leap ? 1 : 0);
    return day >= 1 && day <= last && hour <= 23 && minute <= 59 && second <= 60;
  }
  [[nodiscard]] std::time_t seconds() const noexcept {
    // Years that begin in March have the leap day at their end.
    const std::int64_t y = month < 2 ? year - 1 : year;
    const std::int64_t months = (month + 10) % 12;  // since March
    constexpr std::int64_t until_1970 = 719'468;    // days from 1 March of the year 0
    const std::int64_t days =
        365 * y + y / 4 - y / 100 + y / 400 + (153 * months + 2) / 5 + day - 1 - until_1970;
    return static_cast<std::time_t>(((days * 24 + hour) * 60 + minute) * 60 + second);
  }
};

inline std::optional<std::time_t> parse_http_date(std::string_view text, std::time_t now) noexcept {
  static constexpr std::array<std::string_view, 12> months{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  static constexpr std::array<std::string_view, 7> days{"Mon", "Tue", "Wed", "Thu",
                                                        "Fri", "Sat", "Sun"};
  static constexpr std::array<std::string_view, 7> long_days{
      "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
  text = trim(text);
  DateReader reader(text);
  DateFields date;
  const auto read_month = [&] { date.month = static_cast<std::int64_t>(reader.one_of(months)); };
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) {  // asctime
    reader.one_of(days);
    reader.skip(" ");
    read_month();
    reader.skip(" ");
    const bool is_padded = text.size() > 8 && text[8] == ' ';
    if (is_padded) reader.skip(" ");
    date.day = reader.number(is_padded ? 1 : 2);
    reader.skip(" ");
    date.read_time(reader);
    reader.skip(" ");
    date.year = reader.number(4);
  } else if (comma == 3) {
    reader.one_of(days);
    reader.skip(", ");
    date.day = reader.number(2);
    reader.skip(" ");
    read_month();
    reader.skip(" ");
    date.year = reader.number(4);
    reader.skip(" ");
    date.read_time(reader);
    reader.skip(" GMT");
  } else {
    reader.one_of(long_days);
    reader.skip(", ");
    date.day = reader.number(2);
    reader.skip("-");
    read_month();
    reader.skip("-");
    const std::int64_t last_digits = reader.number(2);
    reader.skip(" ");
    date.read_time(reader);
    reader.skip(" GMT");
    // 50 years of 365.2425 days.
    constexpr std::int64_t half_a_century = 1'577'847'600;
    constexpr std::int64_t last_century = 9900;
    date.year = last_century + last_digits;
    while (date.year >= 100 && date.seconds() > now + half_a_century) date.year -= 100;
  }
  if (!reader.is_good() || !date.is_valid()) return std::nullopt;
  return date.seconds();
}

}  // namespace addrbook::detail
