/// A line of a shell for each operation, to copy.
#pragma once

#include <addrbook/openapi/components.hpp>
#include <addrbook/openapi/operations.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/body.hpp>

#include <string>
#include <string_view>

namespace addrbook::detail {

/// @returns the path of an example, e.g. "/books/family/addresses/ann"
[[nodiscard]] inline std::string example_path(std::string path) {
  for (const Parameter& each : path_parameters()) {
    const std::string part = in_braces(each.name);
    const auto at = path.find(part);
    if (at == std::string::npos) continue;
    path.replace(at, part.size(), each.example.substr(1, each.example.size() - 2));  // no quotes
  }
  return path;
}

/// @returns e.g. `curl "$ADDRBOOK/addresses/ann"`. The variable ADDRBOOK is to hold the address of
///          the server, e.g. http://127.0.0.1:8080, and TOKEN a token, where there are some
[[nodiscard]] inline std::string curl_line(const ApiOperation& operation, const Options& options) {
  const About& about = operation.about;
  std::string line = "curl";
  const bool is_post = operation.has_body() && operation.route->method == "POST";
  const auto method = operation.route->method;
  if (method != "GET" && !is_post) line.append(" -X ").append(method);
  line.append(" \"$ADDRBOOK").append(example_path(operation.path));
  if (!about.query.empty()) line.append("?").append(about.query);
  line += '"';
  if (operation.is_guarded(options)) line += " -H \"Authorization: Bearer $TOKEN\"";
  if (!about.head.empty()) line.append(" -H '").append(about.head).append("'");
  if (operation.has_body()) {
    line.append(" -H 'Content-Type: application/")
        .append(operation.route->body == BodyKind::patch ? "merge-patch+json" : "json")
        .append("' -d '")
        .append(about.example)  // has no quote that a shell would end it at
        .append("'");
  }
  return line;
}

}  // namespace addrbook::detail
