/// What the table of routes says of a route beyond what is needed to serve it: of this the API
/// document is made (openapi.hpp).
#pragma once

#include <string_view>
#include <vector>

namespace addrbook::detail {

/// A parameter of the query, or a field of a request's head.
struct Parameter {
  std::string_view name;
  std::string_view text;  ///< one sentence, in CommonMark
  /// A JSON Schema, as JSON. `"$formats"` and `"$versions"` in it stand for the names and the
  /// versions of Options::formats, each an array.
  std::string_view schema;
  std::string_view example = {};  ///< as JSON; "" for none
};

/// One answer of a route.
struct AnswerText {
  int status;
  std::string_view text;
  std::string_view schema = {};   ///< of JSON: the name of a component. "" of 4xx and 5xx: Error
  std::string_view headers = {};  ///< names, separated by spaces; those of all answers left out
  std::string_view example = {};  ///< of the JSON; "" for none
  std::string_view type = {};     ///< further media types, of text, separated by spaces
  bool needs_formats = false;     ///< only where there are Options::formats
  bool is_general = false;        ///< the same for all operations that have it
};

/// What the API document says of a route beside its row.
struct About {
  std::string_view id;           ///< the operation's name, for generated clients
  std::string_view text;         ///< in CommonMark
  std::string_view fields = {};  ///< of the head that count, separated by spaces
  /// Those of success, and errors with a text of their own. All other errors follow from the row.
  std::vector<AnswerText> answers = {};
  std::string_view body = {};     ///< of JSON: the name of a component
  std::string_view example = {};  ///< of the body
  std::string_view query = {};    ///< of the example
  std::string_view head = {};     ///< a field of the example, e.g. `If-Match: "x"`
};

/// A route in words.
class RouteText {
 public:
  /// @param describe  is called when a document is made
  RouteText(const char* summary, About (*describe)())  // NOLINT(google-explicit-constructor)
      : summary_(summary), about_(describe) {}

  [[nodiscard]] std::string_view summary() const noexcept { return summary_; }
  [[nodiscard]] About about() const { return about_(); }

 private:
  std::string_view summary_;
  About (*about_)();
};

}  // namespace addrbook::detail
