/// ExportRequest: whether a request wants contacts in a format, and in which.
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/export.hpp>
#include <addrbook/format.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/negotiation.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/import_body.hpp>
#include <addrbook/rest/parameters.hpp>
#include <addrbook/rest/reply.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

[[nodiscard]] inline std::vector<Parameter> export_parameters() {
  return {{"format", "A file in this format, whatever `Accept` says.",
           R"({"type":"string","enum":"$formats"})"},
          {"version", "The version of the format, where that has several.",
           R"({"type":"string","enum":"$versions"})"}};
}

/// Counts records that were exported.
/// @param metrics  may be null
inline void count_exported(const std::shared_ptr<Metrics>& metrics,
                           std::uint64_t records) noexcept {
  if (metrics) metrics->transfers().exported.fetch_add(records, std::memory_order_relaxed);
}

struct ExportRequest {
  std::shared_ptr<const Format> format;
  std::string_view version;  ///< the format's own; "" where it has none

  /// @param context  its query is read; `format` and `version` in it are once at the most
  /// @returns nothing if JSON as always is wanted: there is no ?format=, and Accept prefers no
  /// format
  /// @throws HttpError{406} there is no such format, or Accept has a version that is none |
  ///         {400} ?version= is none
  [[nodiscard]] static inline std::optional<ExportRequest> of(const Context& context);

  /// @returns a 200 without a body yet
  [[nodiscard]] inline Reply reply(const Context& context, bool is_single) const;
};

// ---------------------------------------------------------------------------------------------

/// @returns the format whose quality is the highest, and higher than that of JSON; null if there is
///          none
[[nodiscard]] inline std::shared_ptr<const Format> format_of_accept(const Formats& formats,
                                                                    std::string_view accept) {
  constexpr std::string_view json = "application/json";
  std::shared_ptr<const Format> best;
  int best_quality = accepted_quality(accept, json);
  for (const auto& format : formats) {
    for (const std::string_view type : format->media_types()) {
      if (type == json) continue;
      const int quality = accepted_quality(accept, type);
      if (quality <= best_quality) continue;
      best_quality = quality;
      best = format;
    }
  }
  return best;
}

/// @returns the version that Accept asks for, of any of the format's media types; "" if none, or if
///          the format has no versions
[[nodiscard]] inline std::string_view version_of_accept(const Format& format,
                                                        std::string_view accept) {
  if (format.versions().empty()) return {};
  for (const std::string_view type : format.media_types()) {
    const auto version = accepted_parameter(accept, type, "version");
    if (!version.empty()) return version;
  }
  return {};
}

inline std::optional<ExportRequest> ExportRequest::of(const Context& context) {
  const Formats& formats = context.options.formats;
  if (formats.empty()) return std::nullopt;
  ExportRequest wanted;
  const QueryParameter* version = nullptr;
  for (const QueryParameter& parameter : context.query) {
    if (parameter.name == "version") version = &parameter;
    if (parameter.name != "format") continue;
    wanted.format = find_format(formats, parameter.value);
    if (!wanted.format) {
      throw HttpError(406, "No such format: there is " + format_names(formats));
    }
  }
  const auto accept = context.exchange.request().header("Accept");
  const bool is_named = wanted.format != nullptr;
  if (!is_named && accept) wanted.format = format_of_accept(formats, *accept);
  if (!wanted.format) {
    if (version != nullptr) throw HttpError(400, "Invalid query: 'version' needs a 'format'");
    return std::nullopt;
  }
  const bool is_of_accept = version == nullptr && !is_named;
  try {
    std::string_view asked;
    if (version != nullptr) asked = version->value;
    if (is_of_accept) asked = version_of_accept(*wanted.format, *accept);
    wanted.version = find_version(*wanted.format, asked);
  } catch (const Error&) {
    std::string names;
    for (const std::string_view each : wanted.format->versions()) {
      names.append(names.empty() ? "" : " or ").append(each);
    }
    if (is_of_accept) throw HttpError(406, "No such version: there is " + names);
    if (names.empty()) throw HttpError(400, "Invalid query: this format has no 'version'");
    refuse_value("version", names);
  }
  return wanted;
}

inline Reply ExportRequest::reply(const Context& context, bool is_single) const {
  Reply reply = empty_reply(200);
  reply.headers.emplace_back("Content-Type", format->content_type({version, is_single}));
  // No character of a book's name needs an escape.
  const bool has_name = context.books != nullptr && !context.book.empty();
  const auto suffixes = format->suffixes();
  reply.headers.emplace_back("Content-Disposition",
                             std::string("attachment; filename=\"")
                                 .append(has_name ? context.book : "contacts")
                                 .append(suffixes.empty() ? std::string_view() : suffixes.front())
                                 .append("\""));
  return reply;
}

}  // namespace addrbook::detail
