/// Values of vCards (RFC 6350, 3.4 and 4) as texts: escapes, structures, URIs.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// @returns whether a property or a parameter can hold a text: of control characters a tab and line
///          feeds
[[nodiscard]] inline bool is_vcard_text(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return is_control(c) && c != '\t' && c != '\n'; });
}

/// @param escaped  the characters that get a backslash in front, beside line feeds
[[nodiscard]] inline std::string escape_vcard(std::string_view text, std::string_view escaped) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (escaped.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

/// @returns the text with LF in the place of CR LF, and of several CR before LF, so that to do it
///          again changes nothing
[[nodiscard]] inline std::string with_line_feeds(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    while (c == '\n' && !result.empty() && result.back() == '\r') result.pop_back();
    result += c;
  }
  return result;
}

/// As a TEXT value (RFC 6350, 4.1).
[[nodiscard]] inline std::string escape_text(std::string_view text) {
  return escape_vcard(text, "\\,");
}

/// As a value in a structure or a list.
[[nodiscard]] inline std::string escape_component(std::string_view text) {
  return escape_vcard(text, "\\,;");
}

/// Undoes any of these escapes, and those that are written without need, e.g. of a colon. A
/// backslash in front of any other character stands for itself.
[[nodiscard]] inline std::string unescape_text(std::string_view text) {
  constexpr std::string_view plain = "\\,;:\"";
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 'n' || next == 'N') {
      result += '\n';
      ++i;
    } else if (next != '\0' && plain.find(next) != std::string_view::npos) {
      result += next;
      ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

/// Splits at each separator that has no backslash in front.
/// @returns the parts, still escaped; at least one
[[nodiscard]] inline std::vector<std::string_view> split_escaped(std::string_view text,
                                                                 char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == separator) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// A list or a structure, unescaped.
[[nodiscard]] inline std::vector<std::string> split_texts(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (const std::string_view part : split_escaped(text, separator)) {
    parts.push_back(unescape_text(part));
  }
  return parts;
}

/// A structure of lists, e.g. that of N.
using VCardLists = std::vector<std::vector<std::string>>;

/// @returns the components, each with its values: at least one, which may be an empty text
[[nodiscard]] inline VCardLists split_lists(std::string_view text) {
  VCardLists lists;
  for (const std::string_view component : split_escaped(text, ';')) {
    lists.push_back(split_texts(component, ','));
  }
  return lists;
}

[[nodiscard]] inline std::string join_texts(const std::vector<std::string>& texts, char separator) {
  std::string result;
  for (const std::string& text : texts) {
    if (&text != &texts.front()) result += separator;
    result += escape_component(text);
  }
  return result;
}

[[nodiscard]] inline std::string join_lists(const VCardLists& lists) {
  std::string result;
  for (const auto& list : lists) {
    if (&list != &lists.front()) result += ';';
    result += join_texts(list, ',');
  }
  return result;
}

/// @returns whether a text begins as a URI does (RFC 3986, 3.1), and has no spaces
[[nodiscard]] inline bool is_uri(std::string_view text) noexcept {
  const std::string_view scheme = text.substr(0, text.find(':'));
  return scheme.size() < text.size() && !scheme.empty() && is_letter(scheme.front()) &&
         is_alphanumeric_or("+-.", scheme) &&
         std::none_of(text.begin(), text.end(), [](char c) { return c == ' ' || is_control(c); });
}

/// @returns whether a text is an Id of RFC 9553, 1.4.1
[[nodiscard]] inline bool is_jscontact_id(std::string_view text) noexcept {
  constexpr std::size_t max_size = 255;
  return !text.empty() && text.size() <= max_size && is_alphanumeric_or("-_", text);
}

}  // namespace addrbook::detail
