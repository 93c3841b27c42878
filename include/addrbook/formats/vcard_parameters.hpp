/// Parameters of properties, as they stand in content lines.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/vcard_property.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The parameters of one property, their values included, are at most so many.
inline constexpr std::size_t max_vcard_parameters = 1000;

/// @param header      what stands between name and value, from the first `;` on, or ""
/// @param has_quotes  whether a double quote is no character like any other
/// @returns  the parameters; nothing if they are over max_vcard_parameters
[[nodiscard]] inline std::optional<std::vector<VCardParameter>> parse_vcard_parameters(
    std::string_view header, bool has_quotes);

/// @returns the parameters with one of each name, in the order of the first of each
[[nodiscard]] inline std::vector<VCardParameter> merged_parameters(
    std::vector<VCardParameter> parameters);

/// How a value is written down.
enum class VCardEncoding { none, quoted_printable, base64 };

/// @returns what ENCODING, or a parameter without a name, says
[[nodiscard]] inline VCardEncoding vcard_encoding(
    const std::vector<VCardParameter>& parameters) noexcept;

// ---------------------------------------------------------------------------------------------

/// As cut(), but for separators between double quotes.
inline std::string_view cut_unquoted(std::string_view& text, char separator,
                                     bool has_quotes) noexcept {
  if (!has_quotes) return cut(text, separator);
  bool is_in_quotes = false;
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '"') is_in_quotes = !is_in_quotes;
    if (text[at] == separator && !is_in_quotes) break;
  }
  const auto front = text.substr(0, at);
  text.remove_prefix((std::min)(at + 1, text.size()));
  return front;
}

inline std::optional<std::vector<VCardParameter>> parse_vcard_parameters(std::string_view header,
                                                                         bool has_quotes) {
  std::vector<VCardParameter> parameters;
  std::size_t count = 0;
  if (!header.empty()) header.remove_prefix(1);
  while (!header.empty()) {
    std::string_view values = cut_unquoted(header, ';', has_quotes);
    if (trim(values).empty()) continue;
    VCardParameter parameter;
    if (const auto equals = values.find('='); equals != std::string_view::npos) {
      parameter.name = uppercase(trim(values.substr(0, equals)));
      // A name that is none is kept for the moment, so that it is not taken for a bare value.
      if (parameter.name.empty()) parameter.name = "=";
      values.remove_prefix(equals + 1);
    }
    // Of types each comma separates: "CELL,VOICE" is two (RFC 6350, 6.4.1, has that too).
    const bool is_type = parameter.name.empty() || parameter.name == "TYPE";
    bool has_more = true;
    while (has_more) {
      const std::size_t size = values.size();
      const std::string_view value = cut_unquoted(values, ',', has_quotes && !is_type);
      has_more = value.size() < size;  // else there was no comma
      std::string& text = parameter.values.emplace_back(value);
      if (has_quotes) text.erase(std::remove(text.begin(), text.end(), '"'), text.end());
      if (++count > max_vcard_parameters) return std::nullopt;
    }
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

inline std::vector<VCardParameter> merged_parameters(std::vector<VCardParameter> parameters) {
  const auto is_in_place = [](const VCardParameter& a, const VCardParameter& b) {
    return a.name < b.name;
  };
  const bool are_sorted =  // as a VCardReader gives them
      std::adjacent_find(parameters.begin(), parameters.end(), [&](const auto& a, const auto& b) {
        return !is_in_place(a, b);
      }) == parameters.end();
  if (are_sorted) return parameters;
  std::vector<VCardParameter> merged;
  std::map<std::string, std::size_t> places;
  for (VCardParameter& one : parameters) {
    const auto found = places.emplace(one.name, merged.size());
    if (found.second) {
      merged.push_back(std::move(one));
    } else {
      auto& values = merged[found.first->second].values;
      std::move(one.values.begin(), one.values.end(), std::back_inserter(values));
    }
  }
  return merged;
}

inline VCardEncoding vcard_encoding(const std::vector<VCardParameter>& parameters) noexcept {
  for (const VCardParameter& parameter : parameters) {
    if (!parameter.name.empty() && parameter.name != "ENCODING") continue;
    for (const std::string& value : parameter.values) {
      const std::string_view encoding = trim(value);
      if (equals_ignoring_case(encoding, "QUOTED-PRINTABLE")) {
        return VCardEncoding::quoted_printable;
      }
      if (equals_ignoring_case(encoding, "BASE64")) return VCardEncoding::base64;
      if (equals_ignoring_case(encoding, "B")) return VCardEncoding::base64;
    }
  }
  return VCardEncoding::none;
}

}  // namespace addrbook::detail
