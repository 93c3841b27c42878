/// Dates between vCard (RFC 6350, 4.3) and JSContact (RFC 9553, 1.4.5 and 2.8.1).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/vcard_dates.hpp>
#include <addrbook/json/tree.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// @param value          a TIMESTAMP, also with the signs of ISO 8601's extended form, and with an
///                       offset
/// @param needs_seconds  else they may be missing, which are 0 then
/// @returns the UTCDateTime; nothing for what is none
[[nodiscard]] inline std::optional<std::string> utc_from_vcard(std::string_view value,
                                                               bool needs_seconds = true);

/// @param utc  a UTCDateTime
/// @returns the TIMESTAMP; nothing for what it can't express: fractions of a second
[[nodiscard]] inline std::optional<std::string> utc_to_vcard(std::string_view utc);

/// @param value  as vcard_date() reads it
/// @returns a Timestamp (RFC 9555, 2.5.1) for a time with a zone; else a PartialDate, without the
///          time, and for a day of the year 0, which programs have where it is unknown, without the
///          year; nothing for what JSContact can't express, e.g. a month alone (RFC 9555, 2.2.2)
[[nodiscard]] inline std::optional<JsonTree> date_from_vcard(std::string_view value);

/// @param date  a PartialDate or a Timestamp
/// @returns the value of a BDAY; nothing for what vCard can't express
[[nodiscard]] inline std::optional<std::string> date_to_vcard(const JsonTree& date);

/// Of an Anniversary: the value that it had in a vCard, where its date does not say all of that. It
/// counts as long as the date is what date_from_vcard() makes of it.
inline constexpr std::string_view vcard_date_member = "addrbook:vcard";

/// @returns whether a text is a UTCDateTime
[[nodiscard]] inline bool is_utc_date_time(std::string_view text);

// ---------------------------------------------------------------------------------------------

[[nodiscard]] constexpr unsigned days_in_month(unsigned year, unsigned month) noexcept {
  constexpr std::array<unsigned, 12> days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && is_leap ? 29 : days[month - 1];
}

/// Reads the digits of dates and times one after the other.
class DateScanner {
 public:
  explicit DateScanner(std::string_view text) noexcept : rest_(text) {}

  /// Takes `n` digits, whose number must be in a range. @returns 0 if they are not such
  unsigned number(std::size_t n, unsigned least, unsigned most) noexcept {
    const auto digits = parse_decimal(rest_.substr(0, n));
    if (rest_.size() < n || !digits || *digits < least || *digits > most) {
      has_failed_ = true;
      return 0;
    }
    rest_.remove_prefix(n);
    return static_cast<unsigned>(*digits);
  }
  /// @returns whether it was there, and is taken
  bool take(std::string_view text) noexcept {
    if (rest_.substr(0, text.size()) != text) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  [[nodiscard]] bool has_digit() const noexcept { return !rest_.empty() && is_digit(rest_[0]); }
  [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }
  /// @returns whether all was as it must be, and nothing is left
  [[nodiscard]] bool is_done() const noexcept { return !has_failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool has_failed_ = false;
};

/// A whole date and a time of day.
[[nodiscard]] inline std::optional<std::tm> scan_date_time(DateScanner& scanner,
                                                           bool needs_seconds = true) {
  constexpr int first_year = 1900;
  std::tm time{};
  const unsigned year = scanner.number(4, 0, 9999);
  scanner.take("-");
  const unsigned month = scanner.number(2, 1, 12);
  scanner.take("-");
  const unsigned day = scanner.number(2, 1, 31);
  if (scanner.has_failed() || day > days_in_month(year, month)) return std::nullopt;
  if (!scanner.take("T") && !scanner.take("t")) return std::nullopt;
  time.tm_year = static_cast<int>(year) - first_year;
  time.tm_mon = static_cast<int>(month) - 1;
  time.tm_mday = static_cast<int>(day);
  time.tm_hour = static_cast<int>(scanner.number(2, 0, 23));
  scanner.take(":");
  time.tm_min = static_cast<int>(scanner.number(2, 0, 59));
  const bool has_colon = scanner.take(":");
  if (needs_seconds || has_colon || scanner.has_digit()) {
    // A leap second would become the next minute.
    time.tm_sec = static_cast<int>(scanner.number(2, 0, 59));
  }
  if (scanner.has_failed()) return std::nullopt;
  return time;
}

[[nodiscard]] inline std::string format_time(const std::tm& time, const char* format) {
  std::array<char, 40> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &time)};
}

/// strftime() does not fill up years before 1000.
[[nodiscard]] inline std::string four_digits(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return digits.size() < 4 ? std::string(4 - digits.size(), '0') + digits : digits;
}

[[nodiscard]] inline std::string two_digits(std::uint64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

[[nodiscard]] inline std::string year_of(const std::tm& time) {
  constexpr int first_year = 1900;
  return four_digits(static_cast<std::uint64_t>(std::int64_t{time.tm_year} + first_year));
}

inline std::optional<std::string> utc_from_vcard(std::string_view value, bool needs_seconds) {
  DateScanner scanner(value);
  const auto time = scan_date_time(scanner, needs_seconds);
  if (!time) return std::nullopt;
  int offset = 0;  // minutes
  if (!scanner.take("Z") && !scanner.take("z")) {
    const bool is_west = scanner.take("-");
    if (!is_west && !scanner.take("+")) return std::nullopt;
    offset = static_cast<int>(scanner.number(2, 0, 23)) * 60;
    if (scanner.take(":") || !scanner.rest().empty()) {
      offset += static_cast<int>(scanner.number(2, 0, 59));
    }
    if (is_west) offset = -offset;
  }
  if (!scanner.is_done()) return std::nullopt;
  if (offset == 0) return year_of(*time) + format_time(*time, "-%m-%dT%H:%M:%SZ");
  std::tm shifted = *time;
  shifted.tm_min -= offset;
  const std::time_t seconds = ::timegm(&shifted);
  std::tm utc{};
  if (::gmtime_r(&seconds, &utc) == nullptr || utc.tm_year < -1900 || utc.tm_year > 8099) {
    return std::nullopt;
  }
  return year_of(utc) + format_time(utc, "-%m-%dT%H:%M:%SZ");
}

inline std::optional<std::string> utc_to_vcard(std::string_view utc) {
  DateScanner scanner(utc);
  const auto time = scan_date_time(scanner);
  if (!time || scanner.rest() != "Z") return std::nullopt;
  return year_of(*time) + format_time(*time, "%m%dT%H%M%SZ");
}

inline bool is_utc_date_time(std::string_view text) {
  constexpr std::string_view form = "0000-00-00T00:00:00";
  if (text.size() <= form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == '0' ? !is_digit(text[i]) : text[i] != form[i]) return false;
  }
  DateScanner scanner(text);
  if (!scan_date_time(scanner)) return false;
  std::string_view fraction = scanner.rest();
  fraction.remove_suffix(1);
  if (text.back() != 'Z') return false;
  if (fraction.empty()) return true;
  const bool has_digits = fraction.front() == '.' && fraction.size() > 1 && fraction.back() != '0';
  return has_digits && fraction.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

inline std::optional<JsonTree> date_from_vcard(std::string_view value) {
  const auto time = value.find_first_of("Tt");
  if (time != std::string_view::npos) {
    auto utc = utc_from_vcard(value, false);
    if (!utc) return vcard_date(value) ? date_from_vcard(value.substr(0, time)) : std::nullopt;
    JsonTree timestamp;
    timestamp["@type"] = JsonTree("Timestamp");
    timestamp["utc"] = JsonTree(*std::move(utc));
    return timestamp;
  }
  DateScanner scanner(value);
  JsonTree date;
  unsigned year = 2000;  // one that has a 29th of February
  const bool has_year = !scanner.take("--");
  if (has_year) {
    year = scanner.number(4, 0, 9999);
    date["year"] = JsonTree(std::uint64_t{year});
  }
  if (!has_year || !scanner.rest().empty()) {
    const bool has_dash = scanner.take("-");
    const unsigned month = scanner.number(2, 1, 12);
    if (scanner.has_failed()) return std::nullopt;
    date["month"] = JsonTree(std::uint64_t{month});
    if (scanner.rest().empty()) {
      // 195304 is no date of RFC 6350, and --04 none of JSContact.
      if (!has_year || !has_dash) return std::nullopt;
      return date;
    }
    scanner.take("-");
    const unsigned day = scanner.number(2, 1, days_in_month(year, month));
    date["day"] = JsonTree(std::uint64_t{day});
    if (has_year && year == 0) date.erase("year");
  }
  if (!scanner.is_done()) return std::nullopt;
  return date;
}

inline std::optional<std::string> date_to_vcard(const JsonTree& date) {
  if (const std::string* const utc = date.string("utc")) return utc_to_vcard(*utc);
  const auto number = [&date](std::string_view name) -> std::optional<std::uint64_t> {
    const JsonTree* const member = date.find(name);
    if (member == nullptr || !member->is(JsonTree::Kind::number)) return std::nullopt;
    return parse_decimal(member->text());
  };
  const auto year = number("year");
  const auto month = number("month");
  const auto day = number("day");
  if (year.value_or(0) > 9999 || month.value_or(1) - 1 > 11 || day.value_or(1) - 1 > 30) {
    return std::nullopt;
  }
  if (day && month) {
    return (year ? four_digits(*year) : "--") + two_digits(*month) + two_digits(*day);
  }
  if (day || !year) return std::nullopt;
  return four_digits(*year) + (month ? '-' + two_digits(*month) : "");
}

}  // namespace addrbook::detail
