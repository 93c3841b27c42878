/// Phone numbers as they are compared.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/contacts/characters.hpp>
#include <addrbook/json/strings.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Two numbers that differ in length are compared if the shorter one has this many digits.
constexpr std::size_t min_phone_suffix = 7;

/// Names the rules of phone_keys() and their version.
constexpr std::string_view phone_rules = "phones-1";

/// Reads the numbers that a text stands for, each as its digits without leading zeros:
/// - digits may be of any script; a leading `tel:` (RFC 3966), punctuation, spaces and format
///   characters are left out; a `;phone-context=+1` stands in front
/// - a bracket that holds letters is left out, and so is the extension: what follows `x`, `ext`,
///   `extn`, `extension`, `#`, `,,` or a parameter like `;ext=`, or a `p` or `w` between digits
/// - `/`, `,`, `;`, a line's end, a `+` and words separate numbers. A short number before `/` may
/// be
///   an area code: that and the next one joined are a number, too
/// - `(0)` behind a country code may be dialled or not: there is a number with it and one without
///
/// A number that goes on with letters, like 1-800-FLOWERS, is not known.
/// @param text  a phone in any notation, UTF-8; its first 1,024 bytes count
/// @returns at most 32 numbers of at most 32 digits; empty if it holds none
[[nodiscard]] inline std::vector<std::string> phone_keys(std::string_view text);

// ---------------------------------------------------------------------------------------------

class PhoneReader {
 public:
  [[nodiscard]] inline std::vector<std::string> read(std::string_view text);

 private:
  static constexpr std::size_t max_text_bytes = 1024;
  static constexpr std::size_t max_numbers = 32;
  static constexpr std::size_t max_digits = 32;
  static constexpr std::size_t max_area_digits = 6;  // with the country code
  static constexpr std::size_t max_country_digits = 3;

  // A number with and without the zero that may be dialled.
  struct Number {
    std::string whole;
    std::string without_zero;

    void add(char digit) {
      whole += digit;
      without_zero += digit;
    }
    [[nodiscard]] static inline std::string key(const std::string& digits);
  };

  [[nodiscard]] static inline std::string plain(std::string_view text);
  [[nodiscard]] static inline char plain(std::uint32_t code) noexcept;
  inline void read_scheme();
  inline void read_bracket();
  inline void read_word();
  inline void read_separator();
  inline void skip_to_separator();
  inline void end_number();
  inline void add_key(std::string key);

  [[nodiscard]] bool is_digit_at(std::size_t at) const noexcept {
    return at < text_.size() && is_digit(text_[at]);
  }

  std::string text_;  // plain()
  std::size_t at_ = 0;
  Number number_;
  Number area_;  // the short number before the last `/`
  std::vector<std::string> keys_;
};

inline std::string PhoneReader::Number::key(const std::string& digits) {
  const auto first = digits.find_first_not_of('0');
  return first == std::string::npos ? std::string() : digits.substr(first, max_digits);
}

// Digits, lower-case letters and punctuation, all of ASCII. Other letters become `z`; what has no
// meaning here, a space; NUL: what is to be left out.
inline char PhoneReader::plain(std::uint32_t code) noexcept {
  static constexpr CharacterRange format_characters[] = {
      {0x00AD, 0x00AD}, {0x061C, 0x061C}, {0x180E, 0x180E}, {0x200B, 0x200F}, {0x202A, 0x202E},
      {0x2060, 0x206F}, {0x20E3, 0x20E3}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}};
  static constexpr CharacterRange symbols[] = {
      {0x0080, 0x00A9}, {0x00AB, 0x00B4}, {0x00B6, 0x00B9}, {0x00BB, 0x00BF}, {0x2000, 0x206F},
      {0x2100, 0x2BFF}, {0x3000, 0x3004}, {0x3008, 0x3020}, {0xFFFD, 0xFFFD}, {0x1F000, 0x1FAFF}};
  if (code < 0x80) return to_lower(static_cast<char>(code));
  if (const auto digit = decimal_digit(code)) return static_cast<char>('0' + *digit);
  if (code >= 0xFF01 && code <= 0xFF5E) return to_lower(static_cast<char>(code - 0xFF01 + '!'));
  if (is_within(format_characters, code)) return '\0';
  switch (code) {
    case 0x060C:  // Arabic comma
    case 0x3001: return ',';
    case 0x2044:  // fraction slash
    case 0x2215: return '/';
    case 0x2028: return '\n';
    default: return is_within(symbols, code) ? ' ' : 'z';
  }
}

inline std::string PhoneReader::plain(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::uint32_t code = take_character(text);
    if (const char c = plain(code); c != '\0') result += c;
  }
  return result;
}

inline std::vector<std::string> PhoneReader::read(std::string_view text) {
  text_ = plain(text.substr(0, max_text_bytes));
  read_scheme();
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (is_digit(c)) {
      number_.add(c);
      ++at_;
    } else if (is_letter(c)) {
      read_word();
    } else if (c == '(' || c == '[') {
      read_bracket();
    } else if (c == '/' || c == ',' || c == ';' || c == '\n') {
      read_separator();
    } else if (c == '#' && !number_.whole.empty()) {
      skip_to_separator();
    } else {
      if (c == '+') end_number();
      ++at_;
    }
  }
  end_number();
  return std::move(keys_);
}

// `tel:`, and the context of the number behind it.
inline void PhoneReader::read_scheme() {
  constexpr std::string_view scheme = "tel:";
  const auto first = (std::min)(text_.find_first_not_of(' '), text_.size());
  if (text_.compare(first, scheme.size(), scheme) == 0) {
    at_ = first + scheme.size();
    for (auto i = text_.find('%'); i != std::string::npos; i = text_.find('%', i + 1)) {
      if (i + 2 >= text_.size()) break;
      const int high = hex_value(text_[i + 1]);
      const int low = hex_value(text_[i + 2]);
      if (high < 0 || high > 7 || low < 0) continue;
      text_.replace(i, 3, 1, to_lower(static_cast<char>(high * 16 + low)));
    }
  }
  constexpr std::string_view parameter = ";phone-context=+";
  const auto context = text_.find(parameter);
  const auto start = text_.find_first_not_of(' ', at_);
  if (context == std::string::npos || text_[start] == '+' || start == context) return;
  for (std::size_t i = context + parameter.size(); i < text_.size() && text_[i] != ';'; ++i) {
    if (is_digit(text_[i])) number_.add(text_[i]);
  }
  // The zero that is dialled within the country.
  if (text_[start] == '0') {
    number_.whole += '0';
    at_ = start + 1;
  }
}

inline void PhoneReader::read_bracket() {
  const auto end = text_.find(text_[at_] == '(' ? ')' : ']', at_);
  const std::string_view all = text_;
  const auto inside =
      end == std::string::npos ? std::string_view() : trim(all.substr(at_ + 1, end - at_ - 1));
  const auto digits = Number::key(number_.whole).size();
  if (std::any_of(inside.begin(), inside.end(), is_letter)) {
    at_ = end + 1;
  } else if (inside == "0" && digits > 0 && digits <= max_country_digits) {
    number_.whole += '0';
    at_ = end + 1;
  } else {
    ++at_;
  }
}

inline void PhoneReader::read_word() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && is_letter(text_[at_])) ++at_;
  const auto word = std::string_view(text_).substr(begin, at_ - begin);
  if (word == "x" || word == "ext" || word == "extn" || word == "extension") {
    return skip_to_separator();
  }
  const bool is_behind_digit = begin > 0 && is_digit(text_[begin - 1]);
  if ((word == "p" || word == "w") && is_behind_digit && is_digit_at(at_)) {
    return skip_to_separator();
  }
  const bool is_behind_hyphen = begin > 1 && (text_[begin - 1] == '-' || text_[begin - 1] == '.') &&
                                is_digit(text_[begin - 2]);
  if (word.size() > 1 && (is_behind_digit || is_behind_hyphen)) {
    number_ = {};  // letters that stand for digits
    return skip_to_separator();
  }
  end_number();
}

inline void PhoneReader::read_separator() {
  const char separator = text_[at_++];
  if (separator == ',' && at_ < text_.size() && text_[at_] == ',' && !number_.whole.empty()) {
    while (at_ < text_.size() && text_[at_] == ',') ++at_;
    return skip_to_separator();
  }
  if (separator == ';') {
    auto name_end = at_;
    while (name_end < text_.size() && (is_letter(text_[name_end]) || text_[name_end] == '-')) {
      ++name_end;
    }
    if (name_end > at_ && name_end < text_.size() && text_[name_end] == '=') {
      at_ = (std::min)(text_.find(';', at_), text_.size());
      return;
    }
  }
  Number before = number_;
  end_number();
  const auto digits = Number::key(before.whole).size();
  if (separator == '/' && digits > 0 && digits <= max_area_digits) area_ = std::move(before);
}

inline void PhoneReader::skip_to_separator() {
  at_ = (std::min)(text_.find_first_of("/,;\n", at_), text_.size());
}

inline void PhoneReader::end_number() {
  if (number_.whole.empty()) return;
  add_key(Number::key(number_.whole));
  add_key(Number::key(number_.without_zero));
  if (!area_.whole.empty()) {
    add_key(Number::key(area_.whole + number_.whole));
    add_key(Number::key(area_.without_zero + number_.whole));
  }
  number_ = {};
  area_ = {};
}

inline void PhoneReader::add_key(std::string key) {
  if (key.empty() || keys_.size() == max_numbers) return;
  if (std::find(keys_.begin(), keys_.end(), key) == keys_.end()) keys_.push_back(std::move(key));
}

inline std::vector<std::string> phone_keys(std::string_view text) {
  return PhoneReader().read(text);
}

}  // namespace addrbook::detail
