/// Cells as they stand in a CSV text that is written.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// Whether a spreadsheet takes a text for a formula, once the quotes in front are off: it begins
/// with = @ tab or CR, or with a sign, unless nothing follows that but what numbers of phones have.
/// Some take the full-width forms of these (U+FF1D, FF20, FF0B, FF0D) for the same.
[[nodiscard]] inline bool may_be_formula(std::string_view text) noexcept {
  text.remove_prefix((std::min)(text.find_first_not_of('\''), text.size()));
  for (const std::string_view sign : {"+", "-", "\xEF\xBC\x8B", "\xEF\xBC\x8D"}) {
    if (text.substr(0, sign.size()) != sign) continue;
    return text.find_first_not_of("0123456789 ().-/", sign.size()) != text.npos;
  }
  for (const std::string_view sign : {"=", "@", "\t", "\r", "\xEF\xBC\x9D", "\xEF\xBC\xA0"}) {
    if (text.substr(0, sign.size()) == sign) return true;
  }
  return false;
}

/// Takes the ' off that append_cell() puts in front of what may be a formula.
/// @returns a part of `cell`
[[nodiscard]] inline std::string_view without_guard(std::string_view cell) noexcept {
  if (!cell.empty() && cell[0] == '\'' && may_be_formula(cell)) cell.remove_prefix(1);
  return cell;
}

/// Appends a cell (RFC 4180), with quotes if it needs them.
inline void append_cell(std::string& to, std::string_view text) {
  const bool is_plain = text.find_first_of(",\"\r\n;\t") == text.npos && !text.empty() &&
                        text.front() != ' ' && text.back() != ' ';
  const bool needs_guard = may_be_formula(text);
  if (is_plain || text.empty()) {
    if (needs_guard) to += '\'';
    to += text;
    return;
  }
  to += '"';
  if (needs_guard) to += '\'';
  while (!text.empty()) {
    const auto quote = (std::min)(text.find('"'), text.size());
    to += text.substr(0, quote);
    if (quote != text.size()) to += "\"\"";
    text.remove_prefix((std::min)(quote + 1, text.size()));
  }
  to += '"';
}

}  // namespace addrbook::detail
