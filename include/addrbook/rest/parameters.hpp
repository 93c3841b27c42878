/// Reading the values of query parameters.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/error_reply.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// The size of a page, of any list.
constexpr Parameter limit_parameter{
    "limit", "The size of a page.",
    R"({"type":"integer","minimum":1,"maximum":1000,"default":100})"};

/// @param rule  completes "'name' must be ..."
/// @throws HttpError{400}
[[noreturn]] inline void refuse_value(std::string_view name, const std::string& rule) {
  throw HttpError(400, "Invalid value: '" + std::string(name) + "' must be " + rule);
}

/// @param repeatable  the name of a parameter that may be given several times; "" for none
/// @throws HttpError{400} if another one is
inline void check_given_once(const QueryParameters& parameters, std::string_view repeatable = {}) {
  std::vector<std::string_view> names;
  for (const QueryParameter& parameter : parameters) {
    if (parameter.name != repeatable) names.emplace_back(parameter.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    throw HttpError(400, "Parameter given twice: '" + std::string(*twice) + "'");
  }
}

/// @throws HttpError{400} if it is not 1 to `max`
[[nodiscard]] inline std::size_t read_limit(const QueryParameter& parameter, std::size_t max) {
  const auto limit = parse_decimal(parameter.value);
  if (!limit || *limit < 1 || *limit > max) {
    refuse_value(parameter.name, "1 to " + std::to_string(max));
  }
  return static_cast<std::size_t>(*limit);
}

/// @throws HttpError{400} if it is neither `true` nor `false`
[[nodiscard]] inline bool read_boolean(const QueryParameter& parameter) {
  if (parameter.value != "true" && parameter.value != "false") {
    refuse_value(parameter.name, "true or false");
  }
  return parameter.value == "true";
}

}  // namespace addrbook::detail
