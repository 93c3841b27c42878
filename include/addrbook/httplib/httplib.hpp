/// cpp-httplib, in a version without the security holes that no library on top can close. Our
/// headers include this instead of httplib.h, so an older one is refused before anything else.
#pragma once

#include <httplib.h>

#include <string_view>

namespace addrbook::detail {

/// @param version  e.g. "0.41.0"
/// @returns  whether it is `major.minor` or newer. httplib's macros for this are strings, which
///           `#if` can't compare.
[[nodiscard]] constexpr bool is_at_least(std::string_view version, int major, int minor) noexcept {
  const auto take_number = [&version] {
    int number = 0;
    while (!version.empty() && version.front() >= '0' && version.front() <= '9') {
      number = number * 10 + (version.front() - '0');
      version.remove_prefix(1);
    }
    if (!version.empty()) version.remove_prefix(1);  // the dot
    return number;
  };
  const int found_major = take_number();
  const int found_minor = take_number();
  return found_major > major || (found_major == major && found_minor >= minor);
}

static_assert(is_at_least(CPPHTTPLIB_VERSION, 0, 41),
              "addrbook needs cpp-httplib 0.41 or newer; this httplib.h is " CPPHTTPLIB_VERSION);

}  // namespace addrbook::detail
