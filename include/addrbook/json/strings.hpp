/// Strings of JSON texts: UTF-8 sequences, writing a string literal, and reading one.
///
/// nlohmann's dump() can write a literal too, but instantiating it in every translation unit costs
/// most of the compile time that this library adds.
#pragma once

#include <addrbook/base/hex.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// What stands at the start of a text.
struct Utf8Sequence {
  /// Bytes of the character. Of an ill-formed one: of the longest start of a well-formed one, at
  /// least 1 ("maximal subpart"; Unicode 15, 3.9).
  std::size_t size;
  bool is_well_formed;
};

/// Reads the first character of a text (Unicode 15, table 3-7: no overlong forms, no surrogates,
/// nothing beyond U+10FFFF).
/// @param text  not empty
[[nodiscard]] inline Utf8Sequence first_utf8_sequence(std::string_view text) noexcept;

/// Takes the first character off a text.
/// @param text  not empty
/// @returns     its code; U+FFFD for an ill-formed sequence
inline std::uint32_t take_character(std::string_view& text) noexcept;

/// @returns whether all of a text is well-formed
[[nodiscard]] inline bool is_utf8(std::string_view text) noexcept;

/// The characters that a JSON string literal is written in.
enum class JsonCharset {
  ascii,  ///< all others, and U+007F, become escapes
  utf8,
};

/// Appends `text` as a JSON string literal with its quotes. Each ill-formed UTF-8 sequence becomes
/// one U+FFFD.
inline void append_json_string(std::string& to, std::string_view text, JsonCharset charset);

/// @param text  a string literal without its quotes, valid JSON
/// @returns  the characters that it stands for
[[nodiscard]] inline std::string unescape_json(std::string_view text);

// ---------------------------------------------------------------------------------------------

inline Utf8Sequence first_utf8_sequence(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return {1, true};
  unsigned low = 0x80;
  unsigned high = 0xBF;
  std::size_t size = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    size = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    size = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    size = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  if (byte(1) < low || byte(1) > high) return {1, false};
  for (std::size_t i = 2; i < size; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return {i, false};
  }
  return {size, true};
}

inline std::uint32_t take_character(std::string_view& text) noexcept {
  const Utf8Sequence sequence = first_utf8_sequence(text);
  std::uint32_t code = 0xFFFD;
  if (sequence.is_well_formed) {
    code = static_cast<unsigned char>(text[0]);
    if (sequence.size > 1) code &= 0x7FU >> sequence.size;
    for (const char c : text.substr(1, sequence.size - 1)) {
      code = (code << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
    }
  }
  text.remove_prefix(sequence.size);
  return code;
}

inline bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const Utf8Sequence first = first_utf8_sequence(text);
    if (!first.is_well_formed) return false;
    text.remove_prefix(first.size);
  }
  return true;
}

inline void append_utf8(std::string& to, std::uint32_t code) {
  if (code < 0x80) {
    to += static_cast<char>(code);
    return;
  }
  constexpr unsigned first_byte[] = {0, 0xC0, 0xE0, 0xF0};
  const unsigned following = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  to += static_cast<char>(first_byte[following] | (code >> (6 * following)));
  for (unsigned i = following; i-- > 0;) {
    to += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
  }
}

/// Appends \uXXXX.
inline void append_json_escape(std::string& to, std::uint32_t unit) {
  to += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) to += hex_digit((unit >> shift) & 0xFU);
}

inline void append_json_string(std::string& to, std::string_view text, JsonCharset charset) {
  const auto is_plain = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
  };
  const auto append_control = [&](char c) {
    switch (c) {
      case '"': to += "\\\""; break;
      case '\\': to += "\\\\"; break;
      case '\b': to += "\\b"; break;
      case '\f': to += "\\f"; break;
      case '\n': to += "\\n"; break;
      case '\r': to += "\\r"; break;
      case '\t': to += "\\t"; break;
      default:
        if (c == 0x7f && charset == JsonCharset::utf8) {
          to += c;
        } else {
          append_json_escape(to, static_cast<unsigned char>(c));
        }
    }
  };
  const auto append_escaped = [&](std::string_view character) {
    const std::uint32_t code = take_character(character);
    if (code < 0x10000) return append_json_escape(to, code);
    append_json_escape(to, 0xD800 + ((code - 0x10000) >> 10U));
    append_json_escape(to, 0xDC00 + ((code - 0x10000) & 0x3FFU));
  };
  to += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    to.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const Utf8Sequence sequence = first_utf8_sequence(text);
    if (!sequence.is_well_formed) {
      to += charset == JsonCharset::ascii ? "\\ufffd" : "\xEF\xBF\xBD";
    } else if (sequence.size == 1) {
      append_control(text[0]);
    } else if (charset == JsonCharset::ascii) {
      append_escaped(text.substr(0, sequence.size));
    } else {
      to.append(text.substr(0, sequence.size));
    }
    text.remove_prefix(sequence.size);
  }
  to += '"';
}

inline std::string unescape_json(std::string_view text) {
  std::string characters;
  characters.reserve(text.size());
  const auto unit_at = [&](std::size_t i) {
    std::uint32_t unit = 0;
    for (const char c : text.substr(i, 4)) {
      unit = unit * 16 + static_cast<std::uint32_t>(hex_value(c));
    }
    return unit;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      characters += text[i];
      continue;
    }
    switch (const char c = text[++i]) {
      case 'b': characters += '\b'; break;
      case 'f': characters += '\f'; break;
      case 'n': characters += '\n'; break;
      case 'r': characters += '\r'; break;
      case 't': characters += '\t'; break;
      case 'u': {
        std::uint32_t code = unit_at(i + 1);
        i += 4;
        if (code >= 0xD800 && code <= 0xDBFF) {
          code = 0x10000 + ((code - 0xD800) << 10) + (unit_at(i + 3) - 0xDC00);
          i += 6;
        }
        append_utf8(characters, code);
        break;
      }
      default: characters += c; break;
    }
  }
  return characters;
}

}  // namespace addrbook::detail
