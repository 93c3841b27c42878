/// The grammar of header fields, paths and what else strangers write.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// Whether a value can stand in a header field (RFC 9110, 5.5): nothing in it ends the line.
inline bool is_field_value(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(),
                      [](char c) { return is_control(c) && c != '\t'; });
}

/// @returns the media type of a Content-Type value in lower case, without parameters; "" for the
///          value of two lines (RFC 9110, 5.3: the one thing a comma outside quotes can mean here)
inline std::string media_type(std::string_view value) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') is_quoted = !is_quoted;
    if (is_quoted && value[i] == '\\') ++i;
    if (!is_quoted && value[i] == ',') return {};
  }
  return lowercase(trim(cut(value, ';')));
}

/// Whether bodies of this media type are read as JSON; what `curl -d` and careless clients send
/// for JSON is among them, since nothing else is expected here.
inline bool is_json_media_type(std::string_view type) noexcept {
  constexpr std::string_view suffix = "+json";
  return type == "application/json" || type == "text/json" || type == "text/plain" ||
         type == "application/x-www-form-urlencoded" || type == "application/octet-stream" ||
         (type.size() > suffix.size() && type.find('/') < type.size() - suffix.size() &&
          type.substr(type.size() - suffix.size()) == suffix);
}

/// Reads a qvalue (RFC 9110, 12.4.2) as thousandths; nothing if it is none.
inline std::optional<int> parse_qvalue(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  int place = 100;
  for (const char c : text.substr((std::min)(text.size(), std::size_t{2}))) {
    if (!is_digit(c)) return std::nullopt;
    thousandths += (c - '0') * place;
    place /= 10;
  }
  return thousandths <= 1000 ? std::optional(thousandths) : std::nullopt;
}

/// Whether an Accept-Encoding value (RFC 9110, 12.5.3) admits `coding`; by its own name before by
/// "*". A member that can't be read is passed over.
inline bool accepts_coding(std::string_view value, std::string_view coding) {
  std::optional<int> named;
  std::optional<int> any;
  while (!value.empty()) {
    std::string_view member = cut(value, ',');
    const std::string name = lowercase(trim(cut(member, ';')));
    int quality = 1000;
    if (const auto weight = trim(member); !weight.empty()) {
      const auto parsed =
          weight.size() > 2 && (weight[0] == 'q' || weight[0] == 'Q') && weight[1] == '='
              ? parse_qvalue(weight.substr(2))
              : std::nullopt;
      if (!parsed) continue;
      quality = *parsed;
    }
    if (name == coding || (coding == "gzip" && name == "x-gzip")) named = quality;
    if (name == "*") any = quality;
  }
  return named.value_or(any.value_or(0)) > 0;
}

/// Whether an If-None-Match value (RFC 9110, 13.1.2) names the entity tag or is "*". A leading W/
/// is ignored on both sides, as the weak comparison asks.
/// @param tag  opaque-tag with its quotes, without W/
inline bool matches_any_tag(std::string_view value, std::string_view tag) noexcept {
  value = trim(value);
  if (value == "*") return true;
  // Not cut at commas: they may stand in a tag. Empty members are passed over (RFC 9110, 5.6.1.2).
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

/// Whether a client's X-Request-Id is one that logs and headers can carry as it is.
inline bool is_request_id(std::string_view id) noexcept {
  constexpr std::size_t max_size = 128;
  return !id.empty() && id.size() <= max_size && is_alphanumeric_or("._-", id);
}

/// Whether a path can be a book's prefix: plain enough to mean nothing else in a route pattern.
inline bool is_valid_prefix(std::string_view prefix) noexcept {
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
