/// Entity tags and the conditions on them (RFC 9110, 8.8.3 and 13.1).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace addrbook::detail {

/// The opaque tag `"<epoch>-<revision>"`, with its quotes.
class EntityTag {
 public:
  EntityTag(std::uint64_t epoch, std::uint64_t revision) noexcept {
    const auto digits = hex_digits(epoch);
    char* end = std::copy(digits.begin(), digits.end(), text_.data() + 1);
    *end++ = '-';
    end = std::to_chars(end, text_.data() + text_.size(), revision).ptr;
    *end++ = '"';
    size_ = static_cast<std::size_t>(end - text_.data());
  }

  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 40> text_{'"'};  // 16 digits, at most 20, and three more
  std::size_t size_;
};

/// Compares the value of If-None-Match or If-Match (RFC 9110, 13.1.1 and 13.1.2) with an entity
/// tag. The comparison is weak: a leading W/ is ignored, also in If-Match, because proxies add it.
/// @param tag  an opaque tag with its quotes, without W/
/// @returns whether the value lists the tag, or is "*"
[[nodiscard]] inline bool matches_any_tag(std::string_view value, std::string_view tag) noexcept {
  value = trim(value);
  if (value == "*") return true;
  // A tag may contain commas, so the list can't be split at them. Empty members are skipped
  // (RFC 9110, 5.6.1.2).
  while (true) {
    while (!value.empty() && value[0] == ',') value = trim(value.substr(1));
    if (value.empty()) return false;
    if (value.substr(0, 2) == "W/") value.remove_prefix(2);
    if (value.empty() || value[0] != '"') return false;
    const auto end = value.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (value.substr(0, end + 1) == tag) return true;
    value = trim(value.substr(end + 1));
    if (value.empty() || value[0] != ',') return false;
  }
}

}  // namespace addrbook::detail
