/// Pattern: a regular expression of a schema, safe against the text that it is matched with.
#pragma once

#include <addrbook/json/strings.hpp>

#include <cstddef>
#include <regex>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// @param text  well-formed UTF-8
/// @returns  the number of characters (code points)
[[nodiscard]] inline std::size_t count_characters(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++count;
  }
  return count;
}

/// @param text  well-formed UTF-8
/// @returns  its characters
[[nodiscard]] inline std::wstring wide_characters(std::string_view text) {
  std::wstring wide;
  wide.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = first_utf8_sequence(text).size;
    const auto first = static_cast<unsigned char>(text.front());
    unsigned long character = size == 1 ? first : first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
      character = character << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    wide += static_cast<wchar_t>(character);
    text.remove_prefix(size);
  }
  return wide;
}

/// A regular expression in the grammar of ECMAScript, without the `u` of later editions: `\p{L}` is
/// not known. It is looked for anywhere in the text, character by character.
/// @par Thread safety  any thread
class Pattern {
 public:
  /// Longer texts are not to be matched.
  static constexpr std::size_t max_characters = 1000;

  /// @throws std::regex_error it is malformed; with libstdc++ also if it has a back reference
  explicit Pattern(std::string_view text) {
    const std::wstring wide = wide_characters(text);
    static_cast<void>(std::wregex(wide, flags));  // alone: `a)(b` must not become valid
    regex_.assign(L"[\\s\\S]*(?:" + wide + L")[\\s\\S]*", flags);
  }

  /// @param text  at most max_characters, well-formed UTF-8
  /// @throws std::regex_error it is too much work; not with libstdc++
  /// @par Cost  with libstdc++, as text times pattern: up to 0.3 ms for usual patterns
  [[nodiscard]] bool is_in(std::string_view text) const {
    return std::regex_match(wide_characters(text), regex_);
  }

 private:
#ifdef __GLIBCXX__
  // libstdc++ otherwise backtracks without a limit, and recurses for each character. The whole is
  // matched rather than searched, since a search begins anew at each character.
  static constexpr auto flags =
      std::regex_constants::ECMAScript | std::regex_constants::__polynomial;
#else
  static constexpr auto flags = std::regex_constants::ECMAScript;
#endif

  std::wregex regex_;
};

}  // namespace addrbook::detail
