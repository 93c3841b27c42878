/// Writes the operations of a mount as OpenAPI 3.1.
#pragma once

#include <addrbook/http/answer_head.hpp>
#include <addrbook/http/negotiation.hpp>
#include <addrbook/openapi/components.hpp>
#include <addrbook/openapi/curl.hpp>
#include <addrbook/openapi/json_writer.hpp>
#include <addrbook/openapi/operations.hpp>
#include <addrbook/openapi/texts.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/body.hpp>
#include <addrbook/version.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Writes one document.
class DocumentWriter {
 public:
  /// @param server  a URL without a slash at its end, or "/"
  DocumentWriter(const Options& options, std::string_view server)
      : options_(options), server_(server), common_headers_(common_headers(options)) {}

  [[nodiscard]] std::string write();

 private:
  void write_info();
  void write_paths(const std::vector<ApiOperation>& operations);
  void write_operation(const ApiOperation& operation);
  void write_parameters(const ApiOperation& operation);
  void write_body(const ApiOperation& operation);
  void write_answers(const ApiOperation& operation);
  void write_answer(const ApiOperation& operation, const AnswerText& answer);
  void write_headers(std::string_view names);
  void write_refusal(const std::string& name, const AnswerText& answer);
  void write_content(const ApiOperation& operation, const AnswerText& answer);
  void write_components();
  void write_used(std::string_view kind,
                  const std::vector<std::pair<std::string, std::string>>& all);
  void write_ref(std::string_view name, std::string_view kind, std::string_view of);
  void write_json_content(std::string_view type, std::string_view schema, std::string_view example);
  [[nodiscard]] std::vector<std::string> format_types(bool is_read) const;

  const Options& options_;
  const std::string_view server_;
  const std::string common_headers_;
  std::map<int, AnswerText> general_;  // those that operations have
  JsonWriter to_;
};

// ---------------------------------------------------------------------------------------------

inline std::string DocumentWriter::write() {
  const auto operations = operations_of(options_);
  to_.object("", [&] {
    to_.string("openapi", "3.1.0");
    write_info();
    to_.array("servers", [&] {
      to_.object("", [&] {
        to_.string("url", server_);
        to_.string("description", "This server");
      });
    });
    to_.json("security", "[]");
    to_.array("tags", [&] {
      std::set<std::string_view> tags;
      for (const ApiOperation& each : operations) {
        if (!tags.insert(each.tag).second) continue;
        to_.object("", [&] {
          to_.string("name", each.tag);
          to_.string("description", each.tag == "Addresses" ? "The contacts of a book."
                                    : each.tag == "Books"   ? "Books as a whole."
                                                            : "The program that serves them.");
        });
      }
    });
    write_paths(operations);
    write_components();
  });
  return to_.text();
}

inline void DocumentWriter::write_info() {
  to_.object("info", [&] {
    to_.string("title", "Address book");
    to_.string("version", ADDRBOOK_VERSION);
    to_.string("description", description_of(options_));
    to_.json("license", R"({"name":"MIT","identifier":"MIT"})");
  });
}

inline void DocumentWriter::write_paths(const std::vector<ApiOperation>& operations) {
  to_.object("paths", [&] {
    std::set<std::string_view> written;
    for (const ApiOperation& first : operations) {
      if (!written.insert(first.path).second) continue;
      to_.object(first.path, [&] {
        for (const ApiOperation& each : operations) {
          if (each.path == first.path) write_operation(each);
        }
      });
    }
  });
}

inline void DocumentWriter::write_operation(const ApiOperation& operation) {
  const Route& route = *operation.route;
  to_.object(lowercase(route.method), [&] {
    to_.string("operationId", operation.about.id);
    to_.string("summary", route.text.summary());
    std::string text(operation.about.text);
    if (operation.is_guarded(options_)) {
      text.append("\n\nNeeds the right to ").append(to_string(*route.action)).append(".");
    }
    to_.string("description", text);
    to_.array("tags", [&] { to_.string("", operation.tag); });
    if (operation.is_guarded(options_)) {
      // Which requests need a token is for the program to decide, and may change while it runs.
      to_.json("security", R"([{"bearer":[]},{}])");
    }
    write_parameters(operation);
    if (operation.has_body()) write_body(operation);
    write_answers(operation);
    to_.array("x-codeSamples", [&] {
      to_.object("", [&] {
        to_.string("lang", "Shell");
        to_.string("label", "curl");
        to_.string("source", curl_line(operation, options_));
      });
    });
  });
}

inline void DocumentWriter::write_parameters(const ApiOperation& operation) {
  to_.array("parameters", [&] {
    for (const Parameter& each : path_parameters()) {
      if (operation.has(in_braces(each.name))) write_ref("", "parameters", each.name);
    }
    for (const Parameter& each : operation.query) {
      to_.object("", [&] {
        to_.string("name", each.name);
        to_.string("in", "query");
        to_.string("description", each.text);
        to_.json("schema", filled_schema(each.schema, options_));
        if (!each.example.empty()) to_.json("example", each.example);
      });
    }
    for_each_word(operation.about.fields,
                  [&](std::string_view name) { write_ref("", "parameters", name); });
    write_ref("", "parameters", "X-Request-Id");
  });
}

inline void DocumentWriter::write_body(const ApiOperation& operation) {
  const About& about = operation.about;
  to_.object("requestBody", [&] {
    to_.boolean("required", true);
    to_.object("content", [&] {
      if (operation.route->body == BodyKind::patch) {
        write_json_content("application/merge-patch+json", about.body, about.example);
        write_json_content("application/json-patch+json", "JsonPatch",
                           R"([{"op":"add","path":"/labels/-","value":"chess"}])");
        write_json_content("application/json", about.body, about.example);
        return;
      }
      write_json_content("application/json", about.body, about.example);
      if (operation.route->body != BodyKind::records) return;
      for (const std::string& type : format_types(true)) {
        to_.json(type, R"({"schema":{"type":"string"}})");
      }
    });
  });
}

inline void DocumentWriter::write_answers(const ApiOperation& operation) {
  to_.object("responses", [&] {
    for (const AnswerText& answer : operation.answers) {
      const std::string status = std::to_string(answer.status);
      if (answer.is_general) {
        general_.insert({answer.status, answer});
        write_ref(status, "responses", "Refused" + status);
      } else {
        to_.object(status, [&] { write_answer(operation, answer); });
      }
    }
  });
}

inline void DocumentWriter::write_answer(const ApiOperation& operation, const AnswerText& answer) {
  to_.string("description", answer.text);
  std::string headers(answer.headers);
  if (answer.status == 200 && operation.route->has_formats() && !options_.formats.empty()) {
    headers += " Content-Disposition";
  }
  const bool has_choice = has_word(operation.about.fields, "Prefer") || !answer.type.empty();
  if (has_choice && !has_word(common_headers_, "Vary")) headers += " Vary";
  write_headers(headers);
  const bool has_content = answer.status >= 400 || !answer.schema.empty() || !answer.type.empty();
  if (has_content) to_.object("content", [&] { write_content(operation, answer); });
}

/// @param names  beside those of all answers
inline void DocumentWriter::write_headers(std::string_view names) {
  const auto write = [&](std::string_view name) { write_ref(name, "headers", name); };
  to_.object("headers", [&] {
    for_each_word(names, write);
    for_each_word(common_headers_, write);
  });
}

inline void DocumentWriter::write_content(const ApiOperation& operation, const AnswerText& answer) {
  const bool has_formats = operation.route->has_formats() && !options_.formats.empty();
  if (answer.status >= 400) {
    write_json_content("application/json", "Error", {});
    return;
  }
  if (!answer.schema.empty()) {
    const bool is_list = answer.schema == "Listing" && has_formats;
    write_json_content("application/json", is_list ? "ListingOrFile" : answer.schema,
                       answer.example);
  }
  for_each_word(answer.type,
                [&](std::string_view type) { to_.json(type, R"({"schema":{"type":"string"}})"); });
  if (!has_formats || answer.status != 200) return;
  for (const std::string& type : format_types(false)) {
    // What is JSON need not be an address.
    to_.json(type,
             is_json_media_type(type) ? R"({"schema":{}})" : R"({"schema":{"type":"string"}})");
  }
}

inline void DocumentWriter::write_components() {
  using Named = std::vector<std::pair<std::string, std::string>>;
  Named parameters;
  const auto add = [&](std::string_view name, std::string_view in, std::string_view text,
                       std::string_view schema, std::string_view example) {
    JsonWriter one;
    one.object("", [&] {
      one.string("name", name);
      one.string("in", in);
      if (in == "path") one.boolean("required", true);
      one.string("description", text);
      one.json("schema", schema);
      if (!example.empty()) one.json("example", example);
    });
    parameters.emplace_back(name, one.text());
  };
  for (const Parameter& each : path_parameters()) {
    add(each.name, "path", each.text, each.schema, each.example);
  }
  for (const Parameter& each : field_parameters()) {
    add(each.name, "header", each.text, each.schema, each.example);
  }
  const auto named = [](const std::vector<ApiComponent>& all) {
    Named result;
    for (const ApiComponent& each : all) result.emplace_back(each.name, each.json);
    return result;
  };
  to_.object("components", [&] {
    to_.object("responses", [&] {
      for (const auto& [status, answer] : general_) {
        write_refusal("Refused" + std::to_string(status), answer);
      }
    });
    write_used("parameters", parameters);
    write_used("headers", named(header_components()));
    write_used("schemas", named(schema_components()));
    if (options_.authorize) {
      to_.json("securitySchemes",
               R"({"bearer":{"type":"http","scheme":"bearer","description":"A token, if the )"
               R"(program asks for one (RFC 6750). A program may take other credentials: )"
               R"(WWW-Authenticate of a 401 says so."}})");
    }
  });
}

inline void DocumentWriter::write_refusal(const std::string& name, const AnswerText& answer) {
  to_.object(name, [&] {
    to_.string("description", answer.text);
    write_headers(answer.headers);
    to_.object("content", [&] { write_json_content("application/json", "Error", {}); });
  });
}

/// Writes those components that something in the document refers to, or one of these.
inline void DocumentWriter::write_used(
    std::string_view kind, const std::vector<std::pair<std::string, std::string>>& all) {
  const auto ref = [&](const std::string& name) {
    return std::string("\"#/components/").append(kind).append("/").append(name).append("\"");
  };
  std::vector<bool> is_used(all.size());
  bool has_more = true;
  const auto use = [&](std::string_view text) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (is_used[i] || text.find(ref(all[i].first)) == std::string_view::npos) continue;
      is_used[i] = has_more = true;
    }
  };
  use(to_.text());
  while (std::exchange(has_more, false)) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (is_used[i]) use(all[i].second);
    }
  }
  to_.object(kind, [&] {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (is_used[i]) to_.json(all[i].first, all[i].second);
    }
  });
}

inline void DocumentWriter::write_ref(std::string_view name, std::string_view kind,
                                      std::string_view of) {
  to_.object(name, [&] {
    to_.string("$ref", std::string("#/components/").append(kind).append("/").append(of));
  });
}

inline void DocumentWriter::write_json_content(std::string_view type, std::string_view schema,
                                               std::string_view example) {
  to_.object(type, [&] {
    write_ref("schema", "schemas", schema);
    if (!example.empty()) to_.json("example", example);
  });
}

/// @param is_read  those of bodies that come in; else of those that go out
/// @returns the media types of the formats, but for application/json, which has its own schema
inline std::vector<std::string> DocumentWriter::format_types(bool is_read) const {
  std::vector<std::string> types;
  const auto add = [&](std::string type) {
    if (type == "application/json" || std::find(types.begin(), types.end(), type) != types.end()) {
      return;
    }
    types.push_back(std::move(type));
  };
  for (const auto& format : options_.formats) {
    if (!is_read) {
      add(media_type(format->content_type({})));
      continue;
    }
    for (const std::string_view each : format->media_types()) {
      if (!is_json_media_type(each)) add(std::string(each));
    }
  }
  return types;
}

}  // namespace addrbook::detail
