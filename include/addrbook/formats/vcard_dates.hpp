/// Dates of vCards: RFC 6350's basic format, and the extended one of the versions before it.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// Reads a date, a time or both as any version of vCard has them: 1996-04-15, 19960415, 1996-04,
/// 1996, --04-15, --0415, --04, ---15; behind it after a T or a space 10:22:00, 1022, -2200 and so
/// on, with a zone; or T and a time alone.
/// @returns it in the form of RFC 6350, 4.3, without fractions of a second; nothing if it is none
[[nodiscard]] inline std::optional<std::string> vcard_date(std::string_view text);

/// @param date  in the form of RFC 6350
/// @returns 1996-04-15 or 1996-04-15T10:22:00Z, as the versions before have it, if the date is
/// full;
///          else the date as it is. vcard_date() gives the date again
[[nodiscard]] inline std::string extended_vcard_date(std::string_view date);

// ---------------------------------------------------------------------------------------------

/// Reads a date from the front of a text.
class VCardDateScanner {
 public:
  explicit VCardDateScanner(std::string_view text) noexcept : left_(text) {}

  [[nodiscard]] std::optional<std::string> scan() {
    const bool has_date = !take('T') && !take('t');
    if (has_date && !date()) return std::nullopt;
    if (has_date && !left_.empty()) {
      if (!is_whole_day_ || !(take('T') || take('t') || take(' '))) return std::nullopt;
    } else if (has_date) {
      return basic_;
    }
    basic_ += 'T';
    if (!time() || !zone() || !left_.empty()) return std::nullopt;
    return basic_;
  }

 private:
  bool take(char c) noexcept {
    if (left_.empty() || left_.front() != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view text) noexcept {
    if (left_.substr(0, text.size()) != text) return false;
    left_.remove_prefix(text.size());
    return true;
  }

  /// Whether a number of `size` digits is next.
  [[nodiscard]] bool has_digits(std::size_t size) const noexcept {
    return left_.size() >= size && std::all_of(left_.begin(), left_.begin() + size, is_digit);
  }

  /// Takes a number of two digits over, if it is within the range.
  bool two_digits(int least, int most) {
    if (!has_digits(2)) return false;
    const int number = (left_[0] - '0') * 10 + (left_[1] - '0');
    if (number < least || number > most) return false;
    basic_ += left_.substr(0, 2);
    left_.remove_prefix(2);
    return true;
  }
  bool month() { return two_digits(1, 12); }
  bool day() {
    is_whole_day_ = true;
    return two_digits(1, 31);
  }

  bool date() {
    if (take("---")) {
      basic_ += "---";
      return day();
    }
    if (take("--")) {
      basic_ += "--";
      if (!month()) return false;
      return take('-') || has_digits(2) ? day() : true;
    }
    if (!has_digits(4)) return false;
    basic_ += left_.substr(0, 4);
    left_.remove_prefix(4);
    if (has_digits(2)) return month() && day();
    if (!take('-')) return true;
    const std::string year = basic_;
    if (!month()) return false;
    if (take('-')) return day();
    basic_.insert(year.size(), 1, '-');
    return true;
  }

  bool time() {
    if (take("--")) {
      basic_ += "--";
      return two_digits(0, 60);
    }
    if (take('-')) {
      basic_ += '-';
      if (!two_digits(0, 59)) return false;
    } else {
      if (!two_digits(0, 24)) return false;
      if (!take(':') && !has_digits(2)) return true;
      if (!two_digits(0, 59)) return false;
    }
    if (!take(':') && !has_digits(2)) return true;
    if (!two_digits(0, 60)) return false;
    if (!take('.') && !take(',')) return true;
    if (!has_digits(1)) return false;
    while (has_digits(1)) left_.remove_prefix(1);
    return true;
  }

  bool zone() {
    if (left_.empty()) return true;
    if (take('Z') || take('z')) {
      basic_ += 'Z';
      return true;
    }
    if (left_.front() != '+' && left_.front() != '-') return false;
    basic_ += left_.front();
    left_.remove_prefix(1);
    if (!two_digits(0, 23)) return false;
    return left_.empty() || ((take(':') || has_digits(2)) && two_digits(0, 59));
  }

  std::string_view left_;
  std::string basic_;
  bool is_whole_day_ = false;  // a time may follow
};

inline std::optional<std::string> vcard_date(std::string_view text) {
  return VCardDateScanner(trim(text)).scan();
}

inline std::string extended_vcard_date(std::string_view date) {
  const auto digits_of = [](std::string_view text) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) -
                                    text.begin());
  };
  std::string extended(date);
  if (digits_of(date) != 8 || (date.size() > 8 && date[8] != 'T')) return extended;
  extended.insert(6, 1, '-').insert(4, 1, '-');
  if (date.size() == 8) return extended;
  date.remove_prefix(9);
  constexpr std::size_t date_size = 11;  // with the T
  const std::size_t digits = digits_of(date);
  for (std::size_t at = 2, colons = 0; at < digits; at += 2, ++colons) {
    extended.insert(date_size + at + colons, 1, ':');
  }
  const std::string_view zone = date.substr(digits);
  const bool has_minutes = zone.size() == 5 && digits_of(zone.substr(1)) == 4;
  if (has_minutes) extended.insert(extended.size() - 2, 1, ':');
  return extended;
}

}  // namespace addrbook::detail
