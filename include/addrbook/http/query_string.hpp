/// The parts of a request target: the query as names and values, and the path decoded.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

struct QueryParameter {
  std::string name;
  std::string value;  ///< "" also where there is no '='
};
using QueryParameters = std::vector<QueryParameter>;

/// @param at  where in `text` a '%' stands
/// @returns the byte that its %XX stands for; -1 if two hexadecimal digits don't follow
[[nodiscard]] inline int percent_decoded(std::string_view text, std::size_t at) noexcept {
  if (text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// Decodes %XX, and '+' to a space.
/// @returns nothing if a '%' is not followed by two hexadecimal digits
[[nodiscard]] inline std::optional<std::string> decode_query_text(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int byte = percent_decoded(text, i);
      if (byte < 0) return std::nullopt;
      decoded += static_cast<char>(byte);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

/// Decodes %XX (RFC 3986, 2.1), also %00 and %2F. A '%' that two hexadecimal digits don't follow
/// stays as it is, so that `%u0041` is not 'A'.
[[nodiscard]] inline std::string decode_path(std::string_view path) {
  std::string decoded;
  decoded.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    const int byte = path[i] == '%' ? percent_decoded(path, i) : -1;
    decoded += byte < 0 ? path[i] : static_cast<char>(byte);
    if (byte >= 0) i += 2;
  }
  return decoded;
}

/// Reads application/x-www-form-urlencoded (URL standard, 5.1). Empty pieces ("a&&b") don't count.
/// @param query  without the '?'
/// @returns the parameters in their order; nothing if a '%' is not followed by two hexadecimal
///          digits. The URL standard would keep such a '%', which hides a client's mistake.
[[nodiscard]] inline std::optional<QueryParameters> parse_query(std::string_view query) {
  QueryParameters parameters;
  while (!query.empty()) {
    std::string_view value = cut(query, '&');
    if (value.empty()) continue;
    auto name = decode_query_text(cut(value, '='));
    auto decoded = decode_query_text(value);
    if (!name || !decoded) return std::nullopt;
    parameters.push_back({*std::move(name), *std::move(decoded)});
  }
  return parameters;
}

}  // namespace addrbook::detail
