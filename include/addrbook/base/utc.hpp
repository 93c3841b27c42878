/// Times as text.
#pragma once

#include <chrono>
#include <ctime>
#include <string>

namespace addrbook::detail {

/// @returns e.g. "2026-01-31T09:05:00.123Z" (RFC 3339)
[[nodiscard]] inline std::string to_utc(std::chrono::system_clock::time_point time) {
  const auto milliseconds =
      std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const auto fraction = (milliseconds % 1000 + 1000) % 1000;
  const auto seconds = static_cast<std::time_t>((milliseconds - fraction) / 1000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::string text(40, '\0');
  text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &utc));
  return text + std::to_string(1000 + fraction).substr(1) + "Z";
}

}  // namespace addrbook::detail
