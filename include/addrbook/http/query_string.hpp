/// The query of a request target as names and values.
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

/// Decodes %XX, and '+' to a space.
/// @returns nothing if a '%' is not followed by two hexadecimal digits
[[nodiscard]] inline std::optional<std::string> decode_query_text(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
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
