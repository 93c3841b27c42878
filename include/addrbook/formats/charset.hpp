/// Charsets: text of other encodings than UTF-8, made UTF-8.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/json/strings.hpp>

#include <iconv.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// Appends a text in Windows-1252, which is also what most of those mean who say ISO-8859-1. Any
/// bytes are such a text: the five that it leaves open become the control characters of their codes
/// (Encoding Standard, 9).
inline void append_windows_1252(std::string& to, std::string_view bytes);

/// Makes UTF-8 of UTF-16 that arrives in pieces. What is no character becomes U+FFFD.
class Utf16Decoder {
 public:
  explicit Utf16Decoder(bool is_big_endian) noexcept : is_big_endian_(is_big_endian) {}

  /// @param bytes  may end inside a character
  void decode(std::string_view bytes, std::string& to);
  void finish(std::string& to);

 private:
  void take_unit(std::uint32_t unit, std::string& to);

  bool is_big_endian_;
  std::optional<unsigned> first_byte_;  // of a unit whose second one is still to come
  std::uint32_t high_ = 0;              // a surrogate that waits for its other half
};

/// The bytes of a text file as they arrive: takes a byte order mark off, and makes UTF-8 of UTF-16,
/// which is known by its mark, or by a first character that has a zero byte. All other bytes pass
/// as they are.
class TextInput {
 public:
  /// @param take  called with the next bytes of the text; they may end anywhere
  template <class Take>
  void read(std::string_view bytes, const Take& take);
  template <class Take>
  void finish(const Take& take);

  /// Whether the text was UTF-16, and so is UTF-8 now.
  [[nodiscard]] bool is_utf16() const noexcept { return utf16_.has_value(); }

 private:
  template <class Take>
  void pass(std::string_view bytes, const Take& take);
  void look_at_start();

  bool has_begun_ = false;
  std::string start_;  // the first bytes, until there are enough of them to tell
  std::optional<Utf16Decoder> utf16_;
  std::string decoded_;
};

/// Makes UTF-8 of the charsets that phones and mail programs have used. Keeps the converters, one
/// of each charset, since they are parameters of each line.
///
/// Others are unknown, though iconv(3) has hundreds: each is code of its own, loaded while the
/// program runs, that would have to stand whatever a stranger sends.
class CharsetConverter : private Pinned {
 public:
  CharsetConverter() noexcept = default;
  ~CharsetConverter() {
    for (const auto& [name, converter] : converters_) {
      if (converter != none()) static_cast<void>(::iconv_close(converter));
    }
  }

  /// @param charset  its name as in MIME, in any case, e.g. "iso-8859-1"
  /// @returns UTF-8; nothing if the charset is unknown, or the bytes are no text in it
  [[nodiscard]] std::optional<std::string> to_utf8(std::string_view bytes,
                                                   std::string_view charset);

 private:
  [[nodiscard]] iconv_t open(const std::string& name);
  [[nodiscard]] static std::optional<std::string> convert(iconv_t converter,
                                                          std::string_view bytes);

  static iconv_t none() noexcept {
    return reinterpret_cast<iconv_t>(-1);  // NOLINT(performance-no-int-to-ptr): POSIX says so
  }

  // By iconv's names, of which iconv_name() has some fifty. none(): the system lacks it.
  std::map<std::string, iconv_t> converters_;
};

// ---------------------------------------------------------------------------------------------

inline void append_windows_1252(std::string& to, std::string_view bytes) {
  static constexpr std::array<std::uint16_t, 32> from_0x80 = {
      0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    append_utf8(to, byte >= 0x80 && byte < 0xA0 ? from_0x80[byte - 0x80U] : byte);
  }
}

inline void Utf16Decoder::decode(std::string_view bytes, std::string& to) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!first_byte_) {
      first_byte_ = byte;
      continue;
    }
    take_unit(is_big_endian_ ? *first_byte_ << 8U | byte : byte * 256U + *first_byte_, to);
    first_byte_.reset();
  }
}

inline void Utf16Decoder::finish(std::string& to) {
  if (high_ != 0 || first_byte_) append_utf8(to, 0xFFFD);
  high_ = 0;
  first_byte_.reset();
}

inline void Utf16Decoder::take_unit(std::uint32_t unit, std::string& to) {
  const bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
  if (high_ != 0) {
    if (is_low) {
      append_utf8(to, 0x10000U + ((high_ - 0xD800U) << 10U) + (unit - 0xDC00U));
      high_ = 0;
      return;
    }
    append_utf8(to, 0xFFFD);
    high_ = 0;
  }
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    high_ = unit;
  } else {
    append_utf8(to, is_low ? 0xFFFD : unit);
  }
}

template <class Take>
void TextInput::read(std::string_view bytes, const Take& take) {
  if (!has_begun_) {
    constexpr std::size_t enough = 3;  // of UTF-8, the longest mark
    const std::size_t lacking = enough - start_.size();
    start_ += bytes.substr(0, lacking);
    if (start_.size() < enough) return;
    bytes.remove_prefix(lacking);
    look_at_start();
    pass(start_, take);
  }
  pass(bytes, take);
}

template <class Take>
void TextInput::finish(const Take& take) {
  if (!has_begun_) {
    look_at_start();
    pass(start_, take);
  }
  if (!utf16_) return;
  decoded_.clear();
  utf16_->finish(decoded_);
  take(std::string_view(decoded_));
}

inline void TextInput::look_at_start() {
  has_begun_ = true;
  const auto begins_with = [this](std::string_view mark) {
    return start_.compare(0, mark.size(), mark) == 0;
  };
  const bool is_pair = start_.size() >= 2;
  const bool has_mark = begins_with("\xFF\xFE") || begins_with("\xFE\xFF");
  if (has_mark || (is_pair && (start_[0] == '\0') != (start_[1] == '\0'))) {
    utf16_.emplace(start_[0] == '\xFE' || start_[0] == '\0');
    if (has_mark) start_.erase(0, 2);
  } else if (begins_with("\xEF\xBB\xBF")) {
    start_.clear();
  }
}

template <class Take>
void TextInput::pass(std::string_view bytes, const Take& take) {
  if (!utf16_) {
    if (!bytes.empty()) take(bytes);
    return;
  }
  constexpr std::size_t most_at_once = 16384;
  while (!bytes.empty()) {
    decoded_.clear();
    utf16_->decode(bytes.substr(0, most_at_once), decoded_);
    bytes.remove_prefix(bytes.size() < most_at_once ? bytes.size() : most_at_once);
    if (!decoded_.empty()) take(std::string_view(decoded_));
  }
}

/// @returns what iconv(3) calls a charset; "" if it is unknown
[[nodiscard]] inline std::string iconv_name(std::string_view charset) {
  std::string key;
  constexpr std::size_t longest = 20;
  for (const char c : charset.substr(0, longest)) {
    if (is_alphanumeric(c)) key += to_lower(c);
  }
  struct Row {
    std::string_view key;
    std::string_view name;
  };
  static constexpr Row rows[] = {
      {"utf8", "UTF-8"},          {"usascii", "UTF-8"},       {"ascii", "UTF-8"},
      {"latin1", "CP1252"},       {"iso88591", "CP1252"},     {"windows1252", "CP1252"},
      {"cp1252", "CP1252"},       {"latin2", "ISO-8859-2"},   {"latin9", "ISO-8859-15"},
      {"koi8r", "KOI8-R"},        {"koi8u", "KOI8-U"},        {"shiftjis", "CP932"},
      {"xsjis", "CP932"},         {"sjis", "CP932"},          {"windows31j", "CP932"},
      {"cp932", "CP932"},         {"eucjp", "EUC-JP"},        {"iso2022jp", "ISO-2022-JP"},
      {"gb2312", "GB18030"},      {"gbk", "GB18030"},         {"gb18030", "GB18030"},
      {"cp936", "GB18030"},       {"big5", "BIG5"},           {"cp950", "CP950"},
      {"euckr", "CP949"},         {"ksc56011987", "CP949"},   {"cp949", "CP949"},
      {"tis620", "TIS-620"},      {"windows874", "CP874"},    {"cp437", "CP437"},
      {"cp850", "CP850"},         {"cp852", "CP852"},         {"cp866", "CP866"},
      {"macintosh", "MACINTOSH"}, {"xmacroman", "MACINTOSH"},
  };
  for (const Row& row : rows) {
    if (row.key == key) return std::string(row.name);
  }
  const auto number_after = [&key](std::string_view front) -> std::uint64_t {
    if (key.compare(0, front.size(), front) != 0) return 0;
    return parse_decimal(std::string_view(key).substr(front.size())).value_or(0);
  };
  if (const auto part = number_after("iso8859"); part >= 2 && part <= 16 && part != 12) {
    return "ISO-8859-" + std::to_string(part);
  }
  for (const std::string_view front : {"windows", "cp"}) {
    const auto page = number_after(front);
    if (page >= 1250 && page <= 1258) return "CP" + std::to_string(page);
  }
  return "";
}

inline std::optional<std::string> CharsetConverter::to_utf8(std::string_view bytes,
                                                            std::string_view charset) {
  const std::string name = iconv_name(charset);
  if (name == "UTF-8") {
    return is_utf8(bytes) ? std::optional<std::string>(bytes) : std::nullopt;
  }
  if (name == "CP1252") {
    std::string text;
    append_windows_1252(text, bytes);
    return text;
  }
  iconv_t converter = name.empty() ? none() : open(name);
  if (converter == none()) return std::nullopt;
  return convert(converter, bytes);
}

inline iconv_t CharsetConverter::open(const std::string& name) {
  const auto found = converters_.find(name);
  if (found != converters_.end()) return found->second;
  // First the place, so that nothing is left open.
  iconv_t& converter = converters_.emplace(name, none()).first->second;
  converter = ::iconv_open("UTF-8", name.c_str());
  return converter;
}

inline std::optional<std::string> CharsetConverter::convert(iconv_t converter,
                                                            std::string_view bytes) {
  // Back to the first state: a text that was refused may have ended in another.
  static_cast<void>(::iconv(converter, nullptr, nullptr, nullptr, nullptr));
  std::string text;
  std::array<char, 4096> piece{};
  // The interface is older than const; what it reads stays as it is.
  char* input = const_cast<char*>(bytes.data());
  std::size_t left = bytes.size();
  for (bool is_flushed = false; !is_flushed;) {
    char* output = piece.data();
    std::size_t room = piece.size();
    is_flushed = left == 0;
    const std::size_t result = is_flushed ? ::iconv(converter, nullptr, nullptr, &output, &room)
                                          : ::iconv(converter, &input, &left, &output, &room);
    if (result == static_cast<std::size_t>(-1)) {
      if (errno != E2BIG) return std::nullopt;
      is_flushed = false;
    }
    text.append(piece.data(), piece.size() - room);
  }
  return is_utf8(text) ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace addrbook::detail
