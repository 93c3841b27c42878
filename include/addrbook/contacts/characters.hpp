/// Characters: what folding and phones need to know of Unicode beyond what a library tells.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

namespace addrbook::detail {

/// @returns the value of a decimal digit of any script (general category Nd of Unicode 15)
[[nodiscard]] inline std::optional<unsigned> decimal_digit(std::uint32_t code) noexcept;

/// Whether a character is of a script whose marks are left out to compare texts: Latin, Greek,
/// Cyrillic, Arabic, Hebrew. In other scripts marks carry meaning: が is not か.
[[nodiscard]] inline bool is_of_script_without_marks(std::uint32_t code) noexcept;

/// Whether a character is of a script that has no spaces between words: Han, kana, Thai, Lao,
/// Khmer, Burmese.
[[nodiscard]] inline bool is_of_script_without_spaces(std::uint32_t code) noexcept;

// ---------------------------------------------------------------------------------------------

struct CharacterRange {
  std::uint32_t first;
  std::uint32_t last;
};

/// @param ranges  ascending
template <std::size_t n>
[[nodiscard]] bool is_within(const CharacterRange (&ranges)[n], std::uint32_t code) noexcept {
  const auto* const at =
      std::lower_bound(std::begin(ranges), std::end(ranges), code,
                       [](const CharacterRange& range, std::uint32_t c) { return range.last < c; });
  return at != std::end(ranges) && at->first <= code;
}

inline std::optional<unsigned> decimal_digit(std::uint32_t code) noexcept {
  // The zeros: each is followed by the other nine.
  static constexpr std::uint32_t zeros[] = {
      0x0030,  0x0660,  0x06F0,  0x07C0,  0x0966,  0x09E6,  0x0A66,  0x0AE6,  0x0B66,  0x0BE6,
      0x0C66,  0x0CE6,  0x0D66,  0x0DE6,  0x0E50,  0x0ED0,  0x0F20,  0x1040,  0x1090,  0x17E0,
      0x1810,  0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,
      0xA8D0,  0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066,
      0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0,
      0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8,
      0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E950, 0x1FBF0};
  const auto* const next = std::upper_bound(std::begin(zeros), std::end(zeros), code);
  if (next == std::begin(zeros) || code - *std::prev(next) > 9) return std::nullopt;
  return code - *std::prev(next);
}

inline bool is_of_script_without_marks(std::uint32_t code) noexcept {
  static constexpr CharacterRange ranges[] = {
      {0x0041, 0x005A},   {0x0061, 0x007A}, {0x00AA, 0x02AF},    // Latin
      {0x0370, 0x03FF},                                          // Greek
      {0x0400, 0x052F},                                          // Cyrillic
      {0x0590, 0x05FF},                                          // Hebrew
      {0x0600, 0x06FF},   {0x0750, 0x077F}, {0x0870, 0x08FF},    // Arabic
      {0x1C80, 0x1C8F},                                          // Cyrillic
      {0x1D00, 0x1DBF},   {0x1E00, 0x1EFF},                      // Latin
      {0x1F00, 0x1FFF},                                          // Greek
      {0x2C60, 0x2C7F},                                          // Latin
      {0x2DE0, 0x2DFF},   {0xA640, 0xA69F},                      // Cyrillic
      {0xA722, 0xA7FF},   {0xAB30, 0xAB6F}, {0xFB00, 0xFB06},    // Latin
      {0xFB1D, 0xFB4F},                                          // Hebrew
      {0xFB50, 0xFDFF},   {0xFE70, 0xFEFE},                      // Arabic
      {0xFF21, 0xFF3A},   {0xFF41, 0xFF5A}, {0x10780, 0x107BF},  // Latin
      {0x1DF00, 0x1DFFF},
  };
  return is_within(ranges, code);
}

inline bool is_of_script_without_spaces(std::uint32_t code) noexcept {
  static constexpr CharacterRange ranges[] = {
      {0x0E00, 0x0EFF},                                            // Thai, Lao
      {0x1000, 0x109F},                                            // Burmese
      {0x1780, 0x17FF},   {0x19E0, 0x19FF},                        // Khmer
      {0x2E80, 0x2FDF},   {0x3005, 0x3007},   {0x3021, 0x3029},    // Han
      {0x3031, 0x3035},   {0x3038, 0x303C},                        // kana, Han
      {0x3041, 0x30FF},   {0x31F0, 0x31FF},                        // kana
      {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},                        // Han
      {0xA9E0, 0xA9FE},   {0xAA60, 0xAA7F},                        // Burmese
      {0xF900, 0xFAFF},                                            // Han
      {0xFF66, 0xFF9F},   {0x1AFF0, 0x1AFFF}, {0x1B000, 0x1B16F},  // kana
      {0x20000, 0x3FFFD},                                          // Han
  };
  return is_within(ranges, code);
}

}  // namespace addrbook::detail
