/// The operations of a mount: the table of routes, with all that follows from it and from the
/// mount's options.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/format.hpp>
#include <addrbook/http/answer_head.hpp>
#include <addrbook/http/prefix.hpp>
#include <addrbook/openapi/components.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/body.hpp>
#include <addrbook/rest/routes.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// One operation, complete.
struct ApiOperation {
  const Route* route;
  About about;
  std::string path;                 ///< of the whole target, with `{book}` and `{id}`
  std::vector<AnswerText> answers;  ///< all that there may be, by status
  std::vector<Parameter> query;
  std::string_view tag;

  [[nodiscard]] bool has_body() const noexcept { return route->body != BodyKind::none; }
  /// Whether it asks Options::authorize.
  [[nodiscard]] bool is_guarded(const Options& options) const {
    return route->action && options.authorize;
  }
  [[nodiscard]] bool has(std::string_view part) const noexcept {
    return path.find(part) != std::string::npos;
  }
};

/// @returns the operations of each route that the mount has: in an order in which their examples
///          can be done one after the other
[[nodiscard]] inline std::vector<ApiOperation> operations_of(const Options& options);

/// @returns e.g. "{id}"
[[nodiscard]] inline std::string in_braces(std::string_view name) {
  return std::string("{").append(name).append("}");
}

/// Calls `call` with each of the words.
template <class Call>
void for_each_word(std::string_view words, Call call) {
  while (!words.empty()) {
    if (const auto word = cut(words, ' '); !word.empty()) call(word);
  }
}

[[nodiscard]] inline bool has_word(std::string_view words, std::string_view word) {
  bool has = false;
  for_each_word(words, [&](std::string_view each) { has = has || each == word; });
  return has;
}

/// @returns the names that all answers of a mount may have in their heads
[[nodiscard]] inline std::string common_headers(const Options& options) {
  std::string names = "X-Request-Id Cache-Control X-Content-Type-Options";
  const bool has_origins = !options.allowed_origins.empty();
  if (has_origins || options.coding || !options.formats.empty()) names += " Vary";
  if (options.coding) names += " Content-Encoding";
  if (has_origins) names += " Access-Control-Allow-Origin Access-Control-Expose-Headers";
  return names;
}

/// @returns an action's name
[[nodiscard]] inline std::string_view to_string(Action action) noexcept {
  switch (action) {
    case Action::read: return "read";
    case Action::create: return "create";
    case Action::update: return "update";
    case Action::remove: return "remove";
    case Action::manage: return "manage";
    case Action::observe: return "observe";
  }
  return "?";
}

// ---------------------------------------------------------------------------------------------

/// The errors that follow from a row and the options. What the row says itself comes first.
inline void add_errors(ApiOperation& operation, const Options& options) {
  const Route& route = *operation.route;
  const auto add = [&](bool is_possible, int status, std::string_view text,
                       std::string_view headers = {}) {
    const bool is_there =
        std::any_of(operation.answers.begin(), operation.answers.end(),
                    [&](const AnswerText& each) { return each.status == status; });
    if (!is_possible || is_there) return;
    operation.answers.push_back({status, text, {}, headers, {}, {}, false, true});
  };
  const bool is_write = route.is_write();
  const bool is_guarded = operation.is_guarded(options);
  const bool has_body = operation.has_body();
  const bool is_in_book = operation.has("{book}") || options.book;
  const bool limits_hosts = (!options.allowed_hosts.empty() || options.loopback_hosts_only) &&
                            (route.action || route.is_on != nullptr);
  const bool has_formats = !options.formats.empty();
  const auto& fields = operation.about.fields;
  add(true, 400, "The query, the head or the body is not as it must be.");
  add(is_guarded, 401, "No credentials, or unknown ones.", "WWW-Authenticate");
  add(is_guarded || is_write || limits_hosts, 403,
      "The caller may not do this, a web page of another origin asks for it, or the host is not "
      "one of the server's names.");
  add(operation.has("{id}") || (is_in_book && route.needs_book()) ||
          (route.path == "/{book}" && route.method == "DELETE"),
      404, "There is no such address, or no such book.");
  add(route.has_formats() && has_formats, 406, "There is no such format.");
  add(has_body, 408, "The body took too long.");
  add(has_body, 411, "The body's length is not said.");
  add(has_word(fields, "If-Match"), 412, "A condition of the request does not hold.");
  add(has_body, 413, "The body is too large, or an import too long to be stored at once.");
  add(has_body, 415, "The body's type or coding is not supported.",
      "Accept Accept-Patch Accept-Encoding");
  add(true, 500, "A callback of the program failed. The log has the cause.");
  add(has_body, 501, "The body's transfer coding is not supported.");
  add(true, 503,
      "The storage can't be reached, there is too much to do at once, or the server is stopping.",
      "Retry-After");
  add(is_write, 507, "The book, or the disk, is full.");
}

/// What an operation needs comes before it, what takes that away after it.
[[nodiscard]] inline int order_of(const Route& route) noexcept {
  const bool makes = route.method == "PUT";
  const bool removes = route.method == "DELETE";
  switch (route.scope) {
    case Route::Scope::collection: return removes ? 7 : makes ? 0 : 1;
    case Route::Scope::book: return removes ? 5 : makes ? 3 : route.path.empty() ? 2 : 4;
    case Route::Scope::mount: break;
  }
  return 6;
}

inline std::vector<ApiOperation> operations_of(const Options& options) {
  using Scope = Route::Scope;
  const Prefix prefix(options.prefix);
  const bool has_formats = !options.formats.empty();
  std::vector<ApiOperation> operations;
  for (const Route& route : routes()) {
    if (route.is_on != nullptr && !route.is_on(options)) continue;
    if (route.scope == Scope::collection && !prefix.names_books()) continue;
    ApiOperation operation{&route, route.text.about(), {}, {}, route.parameters, {}};
    operation.path = route.scope == Scope::book ? options.prefix : std::string(prefix.root());
    operation.path += route.path;
    operation.tag = route.scope == Scope::book         ? "Addresses"
                    : route.scope == Scope::collection ? "Books"
                                                       : "Server";
    for (const AnswerText& answer : operation.about.answers) {
      if (!answer.needs_formats || has_formats) operation.answers.push_back(answer);
    }
    if (has_formats) {
      operation.query.insert(operation.query.end(), route.format_parameters.begin(),
                             route.format_parameters.end());
    }
    add_errors(operation, options);
    std::stable_sort(operation.answers.begin(), operation.answers.end(),
                     [](const AnswerText& a, const AnswerText& b) { return a.status < b.status; });
    operations.push_back(std::move(operation));
  }
  std::stable_sort(operations.begin(), operations.end(),
                   [](const ApiOperation& a, const ApiOperation& b) {
                     return order_of(*a.route) < order_of(*b.route);
                   });
  return operations;
}

}  // namespace addrbook::detail
