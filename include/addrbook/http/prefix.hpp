/// The grammar of mount prefixes.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <string_view>

namespace addrbook::detail {

/// @returns whether `prefix` is one or more segments of [A-Za-z0-9._~-], each after a '/', and none
///          of them "." or "..": such a path means the same to every router
[[nodiscard]] inline bool is_valid_prefix(std::string_view prefix) noexcept {
  if (prefix.empty() || prefix.front() != '/' || prefix.back() == '/' ||
      !is_alphanumeric_or("._~-/", prefix)) {
    return false;
  }
  prefix.remove_prefix(1);
  while (!prefix.empty()) {
    const auto segment = cut(prefix, '/');
    if (segment.empty() || segment == "." || segment == "..") return false;
  }
  return true;
}

}  // namespace addrbook::detail
