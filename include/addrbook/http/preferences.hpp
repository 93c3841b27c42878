/// What a client prefers of an answer (RFC 7240).
#pragma once

#include <addrbook/base/ascii.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace addrbook::detail {

/// What the answer to a write has (RFC 7240, 4.2).
enum class ReturnPreference { minimal, representation };

/// @param value  of Prefer. What can't be read, or is not known, is ignored.
/// @returns the first preference `return`; nothing if there is none, or it is neither
[[nodiscard]] inline std::optional<ReturnPreference> return_preference(
    std::string_view value) noexcept;

// ---------------------------------------------------------------------------------------------

/// As cut(), at a separator that is not within quotes.
inline std::string_view cut_unquoted(std::string_view& text, char separator) noexcept {
  bool is_quoted = false;
  std::size_t i = 0;
  for (; i < text.size() && (is_quoted || text[i] != separator); ++i) {
    if (text[i] == '"') is_quoted = !is_quoted;
    if (is_quoted && text[i] == '\\') ++i;
  }
  i = i < text.size() ? i : text.size();
  const std::string_view front = text.substr(0, i);
  text.remove_prefix(i < text.size() ? i + 1 : i);
  return front;
}

inline std::optional<ReturnPreference> return_preference(std::string_view value) noexcept {
  while (!value.empty()) {
    std::string_view preference = cut_unquoted(value, ',');
    std::string_view setting = cut_unquoted(preference, ';');  // its parameters mean nothing here
    const std::string_view name = trim(cut_unquoted(setting, '='));
    if (!equals_ignoring_case(name, "return")) continue;
    std::string_view wanted = trim(setting);
    if (wanted.size() >= 2 && wanted.front() == '"' && wanted.back() == '"') {
      wanted = wanted.substr(1, wanted.size() - 2);
    }
    // Of two the first counts (RFC 7240, 2).
    if (wanted == "representation") return ReturnPreference::representation;
    if (wanted == "minimal") return ReturnPreference::minimal;
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace addrbook::detail
