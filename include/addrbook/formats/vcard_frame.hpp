/// The frame of cards: what their lines are told apart by, before they are unfolded.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace addrbook::detail {

/// Whether `c` is what a folded line begins with.
[[nodiscard]] constexpr bool is_vcard_space(char c) noexcept {
  return c == ' ' || c == '\t';
}

/// What a line of a file is to the frame of cards.
enum class VCardMark {
  none,
  begin,        ///< BEGIN:VCARD
  end,          ///< END:VCARD
  agent,        ///< an AGENT without a value: a BEGIN behind it is that of a card inside this one
  agent_begin,  ///< the same on one line
};

/// @param line  without its end
[[nodiscard]] inline VCardMark vcard_mark(std::string_view line) noexcept;

/// @param card  the lines between BEGIN and END
/// @returns  what the first VERSION says, that of a card inside is not meant; "" if there is none
[[nodiscard]] inline std::string_view vcard_version(std::string_view card) noexcept;

// ---------------------------------------------------------------------------------------------

inline VCardMark vcard_mark(std::string_view line) noexcept {
  while (!line.empty() && is_vcard_space(line.back())) line.remove_suffix(1);
  if (line.empty()) return VCardMark::none;
  if (equals_ignoring_case(line, "BEGIN:VCARD")) return VCardMark::begin;
  if (equals_ignoring_case(line, "END:VCARD")) return VCardMark::end;
  const auto colon = line.find(':');
  VCardMark mark = VCardMark::agent;
  if (colon + 1 != line.size()) {
    // A longer line may be the start of a folded one, whose value goes on.
    constexpr std::size_t longest = 60;
    if (line.size() > longest || colon == std::string_view::npos ||
        !equals_ignoring_case(line.substr(colon), ":BEGIN:VCARD")) {
      return VCardMark::none;
    }
    mark = VCardMark::agent_begin;
  }
  std::string_view name = line.substr(0, line.find_first_of(";:"));
  name.remove_prefix(name.rfind('.') + 1);  // of npos that is 0
  return equals_ignoring_case(name, "AGENT") ? mark : VCardMark::none;
}

inline std::string_view vcard_version(std::string_view card) noexcept {
  std::size_t depth = 0;
  while (!card.empty()) {
    std::string_view line = cut(card, '\n');
    const VCardMark mark = vcard_mark(line);
    if (mark == VCardMark::begin || mark == VCardMark::agent_begin) ++depth;
    if (mark == VCardMark::end && depth > 0) --depth;
    constexpr std::string_view version = "VERSION";
    if (depth > 0 || !equals_ignoring_case(line.substr(0, version.size()), version)) continue;
    line.remove_prefix(version.size());
    if (line.empty() || (line.front() != ':' && line.front() != ';')) continue;
    return trim(line.substr((std::min)(line.find(':'), line.size() - 1) + 1));
  }
  return "";
}

}  // namespace addrbook::detail
