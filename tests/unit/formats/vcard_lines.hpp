/// vCards as lines, for tests: no folding, and no escapes of RFC 6868.
#pragma once

#include <addrbook/formats/vcard_property.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// @param line  e.g. `g1.TEL;TYPE=home,cell;X-A="b;c":5550123`
inline addrbook::detail::VCardProperty property_of(std::string_view line) {
  addrbook::detail::VCardProperty property;
  std::string* to = &property.name;
  bool is_quoted = false;
  std::size_t i = 0;
  for (; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      is_quoted = !is_quoted;
    } else if (is_quoted) {
      *to += c;
    } else if (c == ':') {
      break;
    } else if (c == '.' && property.parameters.empty() && property.group.empty()) {
      property.group = std::exchange(property.name, "");
    } else if (c == ';') {
      property.parameters.push_back({"", {}});
      to = &property.parameters.back().name;
    } else if (c == '=' && !property.parameters.empty() &&
               property.parameters.back().values.empty()) {
      to = &property.parameters.back().values.emplace_back();
    } else if (c == ',' && !property.parameters.empty()) {
      to = &property.parameters.back().values.emplace_back();
    } else {
      *to += c;
    }
  }
  property.value = line.substr(i + 1);
  return property;
}

/// Lines, each with its end.
inline addrbook::detail::VCard vcard_of(std::string_view lines) {
  addrbook::detail::VCard vcard;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    if (end > 0) vcard.properties.push_back(property_of(lines.substr(0, end)));
    lines = end == std::string_view::npos ? "" : lines.substr(end + 1);
  }
  return vcard;
}

inline std::string line_of(const addrbook::detail::VCardProperty& property) {
  std::string text = property.group.empty() ? "" : property.group + '.';
  text += property.name;
  for (const auto& parameter : property.parameters) {
    text += ';' + parameter.name;
    for (const std::string& value : parameter.values) {
      const bool is_quoted = value.find_first_of(",;:") != std::string::npos;
      const std::string quote = is_quoted ? "\"" : "";
      text += (&value == &parameter.values.front() ? "=" : ",") + quote + value + quote;
    }
  }
  return text + ':' + property.value;
}

inline std::string lines_of(const addrbook::detail::VCard& vcard) {
  std::string lines;
  for (const auto& property : vcard.properties) lines += line_of(property) + '\n';
  return lines;
}

}  // namespace test
