/// The grammar of header field values.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <string_view>

namespace addrbook::detail {

/// @returns whether `value` can stand in a header field (RFC 9110, 5.5): nothing in it ends
///          the line
[[nodiscard]] inline bool is_field_value(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return is_control(c) && c != '\t'; });
}

}  // namespace addrbook::detail
