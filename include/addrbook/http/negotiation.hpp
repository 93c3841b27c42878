/// Content negotiation: media types and content codings.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// @param value  of Content-Type
/// @returns the media type in lower case, without parameters; "" for two Content-Type lines: joined
///          (RFC 9110, 5.3), they have a comma outside quotes
[[nodiscard]] inline std::string media_type(std::string_view value) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') is_quoted = !is_quoted;
    if (is_quoted && value[i] == '\\') ++i;
    if (!is_quoted && value[i] == ',') return {};
  }
  return lowercase(trim(cut(value, ';')));
}

/// @returns whether bodies of this media type are read as JSON. What `curl -d` sends is included,
///          and what clients send that set no type: nothing else is expected here.
[[nodiscard]] inline bool is_json_media_type(std::string_view type) noexcept {
  constexpr std::string_view suffix = "+json";
  return type == "application/json" || type == "text/json" || type == "text/plain" ||
         type == "application/x-www-form-urlencoded" || type == "application/octet-stream" ||
         (type.size() > suffix.size() && type.find('/') < type.size() - suffix.size() &&
          type.substr(type.size() - suffix.size()) == suffix);
}

/// Reads a qvalue (RFC 9110, 12.4.2).
/// @returns thousandths; nothing if `text` is not a qvalue
[[nodiscard]] inline std::optional<int> parse_qvalue(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  int unit = 100;
  for (const char c : text.substr((std::min)(text.size(), std::size_t{2}))) {
    if (!is_digit(c)) return std::nullopt;
    thousandths += (c - '0') * unit;
    unit /= 10;
  }
  return thousandths <= 1000 ? std::optional(thousandths) : std::nullopt;
}

/// @param parameters  of a member of Accept
/// @returns its weight in thousandths; nothing if that is no qvalue
[[nodiscard]] inline std::optional<int> weight_of(std::string_view parameters) noexcept {
  std::optional<int> weight = 1000;
  while (!parameters.empty()) {
    const std::string_view parameter = trim(cut(parameters, ';'));
    if (parameter.size() < 2 || to_lower(parameter[0]) != 'q' || parameter[1] != '=') continue;
    weight = parse_qvalue(parameter.substr(2));
  }
  return weight;
}

/// @param value  of Accept (RFC 9110, 12.5.1); members that can't be read are skipped, and
///               parameters of media types don't count
/// @param type   a media type in small letters
/// @returns the quality of the type, by the most specific member that has it, in thousandths; 0 if
///          there is none
[[nodiscard]] inline int accepted_quality(std::string_view value, std::string_view type) noexcept {
  int best_rank = 0;
  int quality = 0;
  while (!value.empty()) {
    std::string_view member = cut(value, ',');
    const std::string_view range = trim(cut(member, ';'));
    const std::size_t slash = type.find('/');
    int rank = 0;
    if (range == "*/*") rank = 1;
    if (range.size() == slash + 2 && range.substr(slash) == "/*" &&
        equals_ignoring_case(range.substr(0, slash), type.substr(0, slash))) {
      rank = 2;
    }
    if (equals_ignoring_case(range, type)) rank = 3;
    if (rank == 0 || rank < best_rank) continue;
    const auto weight = weight_of(member);
    if (!weight) continue;
    quality = rank == best_rank ? (std::max)(quality, *weight) : *weight;
    best_rank = rank;
  }
  return quality;
}

/// @param value  of Accept (RFC 9110, 12.5.1)
/// @param type   a media type
/// @param name   of a parameter of the type, in small letters
/// @returns its value, without quotes, in the member that names the type with the highest quality,
///          the first of several; "" if that has none
[[nodiscard]] inline std::string_view accepted_parameter(std::string_view value,
                                                         std::string_view type,
                                                         std::string_view name) noexcept {
  std::string_view found;
  int quality = 0;
  while (!value.empty()) {
    std::string_view parameters = cut(value, ',');
    if (!equals_ignoring_case(trim(cut(parameters, ';')), type)) continue;
    const int weight = weight_of(parameters).value_or(0);
    std::string_view own;
    while (!parameters.empty()) {
      std::string_view text = trim(cut(parameters, ';'));
      if (!equals_ignoring_case(cut(text, '='), name)) continue;
      const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
      own = is_quoted ? text.substr(1, text.size() - 2) : text;
    }
    if (weight <= quality) continue;
    quality = weight;
    found = own;
  }
  return found;
}

/// @param value  of Accept-Encoding (RFC 9110, 12.5.3); members that can't be read are skipped
/// @returns whether it admits `coding`, by its name or else by "*"
[[nodiscard]] inline bool accepts_coding(std::string_view value, std::string_view coding) noexcept {
  std::optional<int> named;
  std::optional<int> any;
  while (!value.empty()) {
    std::string_view member = cut(value, ',');
    const std::string_view name = trim(cut(member, ';'));
    int quality = 1000;
    if (const auto weight = trim(member); !weight.empty()) {
      const auto parsed = weight.size() > 2 && to_lower(weight[0]) == 'q' && weight[1] == '='
                              ? parse_qvalue(weight.substr(2))
                              : std::nullopt;
      if (!parsed) continue;
      quality = *parsed;
    }
    const bool is_named = equals_ignoring_case(name, coding) ||
                          (coding == "gzip" && equals_ignoring_case(name, "x-gzip"));
    if (is_named) named = quality;
    if (name == "*") any = quality;
  }
  return named.value_or(any.value_or(0)) > 0;
}

/// @param value  of Accept (RFC 9110, 12.5.1)
/// @param type   in lower case
/// @returns whether it names the media type, with a weight above 0; a range such as `*/*` does not
///          count
[[nodiscard]] inline bool names_media_type(std::string_view value, std::string_view type) noexcept {
  while (!value.empty()) {
    std::string_view parameters = cut(value, ',');
    if (!equals_ignoring_case(trim(cut(parameters, ';')), type)) continue;
    if (weight_of(parameters) != 0) return true;
  }
  return false;
}

}  // namespace addrbook::detail
