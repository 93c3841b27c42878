/// JSON as text: checks a text against RFC 8259 and removes insignificant white space, in one pass,
/// without recursion and without building a tree.
///
/// A parser that converts numbers would not preserve 1e400, -0 or 20 digits.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/error.hpp>
#include <addrbook/json/strings.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace addrbook::detail {

/// Scans a JSON text and compacts it in place; the write position never passes the read position.
class JsonCompactor {
 public:
  /// @param text       becomes the same value without insignificant white space
  /// @param max_depth  how many arrays and objects may be open at once
  JsonCompactor(std::string& text, std::size_t max_depth)
      : text_(text),
        max_depth_(max_depth),
        begin_(text.data()),
        end_(begin_ + text.size()),
        read_(begin_),
        write_(text.data()) {}

  /// @throws Error{invalid} with reason and byte offset; the text is unspecified then
  void run();

 private:
  struct Name {
    std::size_t source;  // offset in the original text, for the message
    std::size_t begin;   // offset of its characters in the compact text, after the quote
    std::size_t size;
    bool escaped;
  };
  struct Level {
    bool is_object;
    std::size_t first_name;
  };

  [[noreturn]] void fail(const std::string& reason, const char* at,
                         SourceLine thrown_at = SourceLine::here()) const;
  [[noreturn]] void fail_unexpected(SourceLine thrown_at = SourceLine::here()) const;
  void skip_white_space() noexcept;
  void copy(const char* first) noexcept;
  void open(bool is_object);
  void close();
  void value();
  void name();
  void literal(std::string_view word);
  void number();
  bool string();
  unsigned escape_unit();
  void check_names(std::size_t first) const;

  std::string& text_;
  std::size_t max_depth_;
  const char* begin_;
  const char* end_;
  const char* read_;
  char* write_;
  std::vector<Level> levels_;
  std::vector<Name> names_;
};

inline void compact_json(std::string& text, std::size_t max_depth) {
  JsonCompactor(text, max_depth).run();
}

// ---------------------------------------------------------------------------------------------

inline void JsonCompactor::fail(const std::string& reason, const char* at,
                                SourceLine thrown_at) const {
  throw Error(Errc::invalid, reason + " at byte " + std::to_string(at - begin_), thrown_at);
}

inline void JsonCompactor::fail_unexpected(SourceLine thrown_at) const {
  if (read_ == end_) fail("unexpected end of text", read_, thrown_at);
  const auto c = static_cast<unsigned char>(*read_);
  if (c > 0x20 && c < 0x7f) {
    fail(std::string("unexpected '") + *read_ + "'", read_, thrown_at);
  }
  fail("unexpected byte 0x" + hex(std::string_view(read_, 1)), read_, thrown_at);
}

inline void JsonCompactor::skip_white_space() noexcept {
  while (read_ != end_ && (*read_ == ' ' || *read_ == '\n' || *read_ == '\r' || *read_ == '\t')) {
    ++read_;
  }
}

inline void JsonCompactor::copy(const char* first) noexcept {
  const auto size = static_cast<std::size_t>(read_ - first);
  if (write_ != first) std::memmove(write_, first, size);
  write_ += size;
}

inline void JsonCompactor::run() {
  if (text_.compare(0, 3, "\xEF\xBB\xBF") == 0) fail("byte order mark", read_);
  skip_white_space();
  value();
  while (!levels_.empty()) {
    skip_white_space();
    if (read_ == end_) fail_unexpected();
    const bool is_object = levels_.back().is_object;
    if (*read_ == (is_object ? '}' : ']')) {
      close();
      continue;
    }
    if (*read_ != ',') fail_unexpected();
    *write_++ = *read_++;
    skip_white_space();
    if (is_object) name();
    value();
  }
  skip_white_space();
  if (read_ != end_) fail("text after the JSON value", read_);
  text_.resize(static_cast<std::size_t>(write_ - begin_));
}

// Reads the start of a value. If it opens a container whose first value opens another, and so on,
// this loops. run() reads further members and the ends of containers.
inline void JsonCompactor::value() {
  while (true) {
    if (read_ == end_) fail_unexpected();
    switch (*read_) {
      case '{':
        open(true);
        skip_white_space();
        if (read_ != end_ && *read_ == '}') return;
        name();
        continue;
      case '[':
        open(false);
        skip_white_space();
        if (read_ != end_ && *read_ == ']') return;
        continue;
      case '"': string(); return;
      case 't': literal("true"); return;
      case 'f': literal("false"); return;
      case 'n': literal("null"); return;
      default: number(); return;
    }
  }
}

inline void JsonCompactor::open(bool is_object) {
  if (levels_.size() == max_depth_) {
    fail("nesting over " + std::to_string(max_depth_) + " levels", read_);
  }
  levels_.push_back({is_object, names_.size()});
  *write_++ = *read_++;
}

inline void JsonCompactor::close() {
  if (levels_.back().is_object) {
    check_names(levels_.back().first_name);
    names_.resize(levels_.back().first_name);
  }
  levels_.pop_back();
  *write_++ = *read_++;
}

inline void JsonCompactor::name() {
  if (read_ == end_ || *read_ != '"') fail_unexpected();
  Name name{static_cast<std::size_t>(read_ - begin_), static_cast<std::size_t>(write_ - begin_) + 1,
            0, false};
  name.escaped = string();
  name.size = static_cast<std::size_t>(write_ - begin_) - name.begin - 1;
  names_.push_back(name);
  skip_white_space();
  if (read_ == end_ || *read_ != ':') fail_unexpected();
  *write_++ = *read_++;
  skip_white_space();
}

inline void JsonCompactor::literal(std::string_view word) {
  const char* const first = read_;
  for (const char c : word) {
    if (read_ == end_ || *read_ != c) fail_unexpected();
    ++read_;
  }
  copy(first);
}

inline void JsonCompactor::number() {
  const auto at_digit = [this] { return read_ != end_ && is_digit(*read_); };
  const auto digits = [&] {
    if (!at_digit()) fail_unexpected();
    while (at_digit()) ++read_;
  };
  const char* const first = read_;
  if (*read_ == '-') ++read_;
  if (read_ != end_ && *read_ == '0') {
    ++read_;  // RFC 8259, 6: no digit follows a leading zero. run() checks what follows.
  } else {
    digits();
  }
  if (read_ != end_ && *read_ == '.') {
    ++read_;
    digits();
  }
  if (read_ != end_ && (*read_ == 'e' || *read_ == 'E')) {
    ++read_;
    if (read_ != end_ && (*read_ == '+' || *read_ == '-')) ++read_;
    digits();
  }
  copy(first);
}

// @returns  whether the string has an escape
inline bool JsonCompactor::string() {
  const char* const first = read_++;
  bool escaped = false;
  while (true) {
    if (read_ == end_) fail("unexpected end of text", read_);
    const auto c = static_cast<unsigned char>(*read_);
    if (c == '"') {
      ++read_;
      copy(first);
      return escaped;
    }
    if (c < 0x20) fail("unescaped control character in a string", read_);
    if (c >= 0x80) {
      const Utf8Sequence character =
          first_utf8_sequence({read_, static_cast<std::size_t>(end_ - read_)});
      if (!character.is_well_formed) fail("invalid UTF-8", read_);
      read_ += character.size;
    } else if (c != '\\') {
      ++read_;
    } else {
      escaped = true;
      const char* const at = read_++;
      if (read_ == end_) fail("unexpected end of text", read_);
      if (*read_ != 'u') {
        if (std::string_view("\"\\/bfnrt").find(*read_) == std::string_view::npos) {
          fail("unknown escape", at);
        }
        ++read_;
        continue;
      }
      const unsigned unit = escape_unit();
      if (unit >= 0xDC00 && unit <= 0xDFFF) fail("lone surrogate escape", at);
      if (unit >= 0xD800 && unit <= 0xDBFF) {
        if (end_ - read_ < 2 || read_[0] != '\\' || read_[1] != 'u') {
          fail("lone surrogate escape", at);
        }
        ++read_;
        const unsigned low = escape_unit();
        if (low < 0xDC00 || low > 0xDFFF) fail("lone surrogate escape", at);
      }
    }
  }
}

// Reads uXXXX, after the backslash.
inline unsigned JsonCompactor::escape_unit() {
  ++read_;
  unsigned unit = 0;
  for (int i = 0; i < 4; ++i, ++read_) {
    if (read_ == end_) fail_unexpected();
    const int digit = hex_value(*read_);
    if (digit < 0) fail("an escape needs four hex digits", read_);
    unit = unit * 16 + static_cast<unsigned>(digit);
  }
  return unit;
}

// RFC 8259, 4 leaves the meaning of a repeated name open, and parsers differ.
inline void JsonCompactor::check_names(std::size_t first) const {
  if (names_.size() - first < 2) return;
  struct Key {
    std::string_view characters;
    std::size_t source;
  };
  std::vector<std::string> unescaped;
  unescaped.reserve(names_.size() - first);  // string_views refer to its elements
  std::vector<Key> keys;
  keys.reserve(names_.size() - first);
  for (std::size_t i = first; i < names_.size(); ++i) {
    const Name& name = names_[i];
    std::string_view characters(begin_ + name.begin, name.size);
    if (name.escaped) characters = unescaped.emplace_back(unescape_json(characters));
    keys.push_back({characters, name.source});
  }
  // Sorted, not hashed, because no choice of names makes this quadratic.
  std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
    return std::tie(a.characters, a.source) < std::tie(b.characters, b.source);
  });
  const Key* twice = nullptr;
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (keys[i].characters == keys[i - 1].characters &&
        (twice == nullptr || keys[i].source < twice->source)) {
      twice = &keys[i];
    }
  }
  if (twice != nullptr) fail("a member name given twice", begin_ + twice->source);
}

}  // namespace addrbook::detail
