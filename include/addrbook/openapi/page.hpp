/// Writes the operations of a mount as a page for people.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/http/answer_head.hpp>
#include <addrbook/http/prefix.hpp>
#include <addrbook/openapi/components.hpp>
#include <addrbook/openapi/curl.hpp>
#include <addrbook/openapi/operations.hpp>
#include <addrbook/openapi/style.hpp>
#include <addrbook/openapi/texts.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/about.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @returns the text with `&`, `<`, `>` and `"` as references
[[nodiscard]] inline std::string escaped_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

/// @param text  with `code` in backticks, as the table has it
/// @returns HTML
[[nodiscard]] inline std::string marked_up(std::string_view text) {
  std::string result;
  bool is_code = false;
  while (true) {
    const auto end = (std::min)(text.find('`'), text.size());
    result += escaped_html(text.substr(0, end));
    if (end == text.size()) return result;
    text.remove_prefix(end + 1);
    result += std::exchange(is_code, !is_code) ? "</code>" : "<code>";
  }
}

/// Writes one page.
class PageWriter {
 public:
  /// @param path    what a proxy has removed from the path, e.g. "/book"; or ""
  /// @param server  a URL, without a slash at its end
  PageWriter(const Options& options, std::string_view path, std::string_view server)
      : options_(options),
        path_(path),
        server_(server),
        fields_(field_parameters()),
        operations_(operations_of(options)) {}

  [[nodiscard]] std::string write();

 private:
  void write_contents();
  void write_operation(const ApiOperation& operation);
  void write_target(const ApiOperation& operation);
  void write_row(std::string_view name, std::string_view text, std::string_view schema);
  void write_answers(const ApiOperation& operation);
  [[nodiscard]] std::string document_path() const {
    return std::string(path_).append(Prefix(options_.prefix).root()) + "/_openapi.json";
  }

  const Options& options_;
  const std::string_view path_;
  const std::string_view server_;
  const std::vector<Parameter> fields_;
  const std::vector<ApiOperation> operations_;
  std::string to_;
};

// ---------------------------------------------------------------------------------------------

inline std::string PageWriter::write() {
  to_ =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<title>Address book: the API</title><link rel=\"icon\" href=\"data:,\"><style>";
  to_.append(page_style).append("</style></head>\n<body><header><h1>Address book: the API</h1>");
  const std::string description = description_of(options_);
  for (std::string_view text = description; !text.empty();) {
    const auto end = (std::min)(text.find("\n\n"), text.size());
    to_.append("<p>").append(marked_up(text.substr(0, end))).append("</p>");
    text.remove_prefix((std::min)(end + 2, text.size()));
  }
  to_.append("<p>For programs there is <a href=\"")
      .append(document_path())
      .append(
          "\">this document as OpenAPI 3.1</a>. The lines below, in their order, are a tour of an "
          "empty book. They need the address of this server, with the scheme and port by which you "
          "reach it");
  to_ += options_.authorize ? ", and a token where it asks for one:</p>" : ":</p>";
  to_.append("<pre><code>ADDRBOOK=").append(escaped_html(server_));
  if (options_.authorize) to_ += "\nTOKEN=...";
  to_ += "</code></pre>";
  write_contents();
  to_ += "</header>\n<main>";
  std::string_view tag;
  for (const ApiOperation& each : operations_) {
    if (each.tag != tag) {
      // Whose last operation stands behind all others.
      const bool is_end = !tag.empty() && each.tag == operations_.front().tag;
      to_.append("<h2>").append(tag = each.tag).append(is_end ? ": the end</h2>\n" : "</h2>\n");
    }
    write_operation(each);
  }
  return to_ += "</main></body></html>\n";
}

inline void PageWriter::write_contents() {
  to_ += "<nav aria-label=\"Operations\"><h2>Operations</h2><ul>";
  for (const ApiOperation& each : operations_) {
    to_.append("<li><a href=\"#").append(each.about.id).append("\">");
    write_target(each);
    to_.append("<span class=\"what\">")
        .append(escaped_html(each.route->text.summary()))
        .append("</span></a></li>");
  }
  to_ += "</ul></nav>";
}

inline void PageWriter::write_target(const ApiOperation& operation) {
  const auto method = operation.route->method;
  to_.append("<span class=\"method ")
      .append(lowercase(method))
      .append("\">")
      .append(method)
      .append("</span><code class=\"path\">")
      .append(escaped_html(operation.path))
      .append("</code>");
}

inline void PageWriter::write_operation(const ApiOperation& operation) {
  const About& about = operation.about;
  to_.append(R"(<section class="operation" id=")")
      .append(about.id)
      .append(R"("><div class="target">)");
  write_target(operation);
  to_.append("</div><h3>").append(escaped_html(operation.route->text.summary())).append("</h3><p>");
  to_.append(marked_up(about.text));
  if (operation.is_guarded(options_)) {
    to_.append(" Needs the right to ").append(to_string(*operation.route->action)).append(".");
  }
  to_.append("</p><pre><code>")
      .append(escaped_html(curl_line(operation, options_)))
      .append("</code></pre>");
  if (!operation.query.empty()) {
    to_ += "<h4>Query</h4><dl>";
    for (const Parameter& each : operation.query) {
      write_row(each.name, each.text, filled_schema(each.schema, options_));
    }
    to_ += "</dl>";
  }
  if (!about.fields.empty()) {
    to_ += "<h4>Header fields</h4><dl>";
    for (const Parameter& each : fields_) {
      if (has_word(about.fields, each.name)) write_row(each.name, each.text, {});
    }
    to_ += "</dl>";
  }
  write_answers(operation);
  to_ += "</section>\n";
}

/// @param schema  shown, where it says more than that a value is a text
inline void PageWriter::write_row(std::string_view name, std::string_view text,
                                  std::string_view schema) {
  to_.append("<dt><code>").append(escaped_html(name)).append("</code></dt><dd>");
  to_ += marked_up(text);
  if (const std::string values = values_of(schema); !values.empty()) {
    to_.append(" <span class=\"soft\">").append(marked_up(values)).append("</span>");
  }
  to_ += "</dd>";
}

inline void PageWriter::write_answers(const ApiOperation& operation) {
  const auto write = [&](bool is_error) {
    to_ += "<dl>";
    for (const AnswerText& each : operation.answers) {
      if ((each.status >= 400) != is_error) continue;
      to_.append("<dt>").append(std::to_string(each.status)).append(" ");
      to_.append(reason_phrase(each.status)).append("</dt><dd>").append(marked_up(each.text));
      if (!each.headers.empty()) {
        to_ += " <span class=\"soft\">";
        for_each_word(each.headers, [&](std::string_view name) {
          to_.append("<code>").append(name).append("</code> ");
        });
        to_ += "</span>";
      }
      if (!each.example.empty()) {
        to_.append("<pre><code>").append(escaped_html(each.example)).append("</code></pre>");
      }
      to_ += "</dd>";
    }
    to_ += "</dl>";
  };
  to_ += "<h4>Answers</h4>";
  write(false);
  to_ += "<details><summary>Refusals</summary>";
  write(true);
  to_ += "</details>";
}

}  // namespace addrbook::detail
