/// What the API document says of a mount as a whole, and of values.
#pragma once

#include <addrbook/openapi/json_writer.hpp>
#include <addrbook/options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// @returns e.g. "1,048,576"
[[nodiscard]] inline std::string in_groups(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

/// @returns what holds for all operations, in CommonMark, with an empty line between paragraphs
[[nodiscard]] inline std::string description_of(const Options& options) {
  std::string text =
      "An address is any JSON object; its text is kept as it is. `HEAD` answers as `GET` does, "
      "without the body, and `OPTIONS` with `Allow`; other methods get 405. A `/` at the end of a "
      "path makes no difference. Parameters that an operation does not have get 400. What is no "
      "HTTP, or too long for its head, the server refuses before it comes here (400, 408, 414, "
      "431, 501, 505).\n\n";
  text += "A body may have " + in_groups(options.max_body_bytes) + " bytes, unpacked";
  if (!options.formats.empty() && options.max_import_bytes != 0) {
    text += ", a file of contacts " + in_groups(options.max_import_bytes);
  }
  text += options.coding ? "; it may be compressed by gzip or deflate." : ".";
  if (options.create_on_write) text += " The first address that is created makes its book.";
  return text;
}

/// @returns the schema of a Parameter with the mount's formats in it
[[nodiscard]] inline std::string filled_schema(std::string_view schema, const Options& options) {
  std::string text(schema);
  const auto fill = [&](std::string_view name, const std::set<std::string>& values) {
    const auto at = text.find(name);
    if (at == std::string::npos) return;
    JsonWriter list;
    list.array("", [&] {
      for (const std::string& each : values) list.string("", each);
      if (values.empty()) list.string("", "");  // no schema has an empty list
    });
    text.replace(at, name.size(), list.text());
  };
  std::set<std::string> names;
  std::set<std::string> versions;
  for (const auto& format : options.formats) {
    names.emplace(format->name());
    for (const std::string_view each : format->versions()) versions.emplace(each);
  }
  fill(R"("$formats")", names);
  fill(R"("$versions")", versions);
  return text;
}

/// @param schema  of a Parameter, filled
/// @returns what a value may be, for people, e.g. "`skip`, `replace`; `skip` without it."; "" where
///          it may be any text
[[nodiscard]] inline std::string values_of(std::string_view schema) {
  const auto after = [&](std::string_view name, std::string_view end) {
    const auto at = schema.find(name);
    if (at == std::string_view::npos) return std::string_view();
    const auto from = at + name.size();
    return schema.substr(from, schema.find_first_of(end, from) - from);
  };
  std::string text;
  if (const auto list = after("\"enum\":[", "]"); !list.empty()) {
    text.append("`").append(list).append("`");
    text.erase(std::remove(text.begin(), text.end(), '"'), text.end());
    for (std::size_t at = 0; (at = text.find(',', at)) != std::string::npos; at += 4) {
      text.replace(at, 1, "`, `");
    }
  } else if (schema.find("\"boolean\"") != std::string_view::npos) {
    text = "`true`, `false`";
  } else if (const auto least = after("\"minimum\":", ",}"); !least.empty()) {
    text.append(least).append(" to ").append(after("\"maximum\":", ",}"));
  }
  std::string usual(after("\"default\":", ",}"));
  usual.erase(std::remove(usual.begin(), usual.end(), '"'), usual.end());
  if (!usual.empty()) text.append("; `").append(usual).append("` without it");
  return text.empty() ? text : text + ".";
}

}  // namespace addrbook::detail
