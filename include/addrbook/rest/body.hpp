/// Bodies of requests: which are accepted, how they are read and unpacked.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/document.hpp>
#include <addrbook/format.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/negotiation.hpp>
#include <addrbook/metrics/transfer_counts.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/exchange.hpp>
#include <addrbook/rest/import_body.hpp>
#include <addrbook/rest/packed_body.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// What a request's body is.
enum class BodyKind {
  none,
  json,
  patch,
  records,  ///< those of one of Options::formats, where the request names it; else json
};

/// The types of patches, as in Accept-Patch (RFC 5789, 3.1).
constexpr std::string_view patch_types =
    "application/merge-patch+json, application/json-patch+json";

/// The body of a request that is to hold JSON, unpacked as it arrives.
class JsonBody : private Pinned {
 public:
  /// Checks what the head says of the body.
  /// @param exchange, options  must outlive the body
  /// @throws HttpError{415} another type or coding | {400} a part of a body | {400, 411, 501} the
  ///         framing is missing, invalid or unknown | {413} over max_body_bytes
  JsonBody(Exchange& exchange, const Options& options, BodyKind kind = BodyKind::json);

  /// Takes the next bytes, as they are on the wire without the chunked coding.
  /// @returns false to refuse the rest
  bool take(std::string_view bytes);

  /// Ends the body, once.
  /// @throws HttpError{413} over max_body_bytes | {408} not complete in time | {503} not complete
  ///         when the server stopped | {400} cut short, or not in its coding
  [[nodiscard]] std::string finish(BodyStatus status);

  /// @returns the bytes of memory that are held
  [[nodiscard]] std::size_t memory() const noexcept { return text_.capacity() + packed_.memory(); }

 private:
  static Exchange& checked(Exchange& exchange, const Options& options, BodyKind kind);

  const Options& options_;
  PackedBody packed_;
  std::string text_;
};

/// @returns the body as an address; parsed once, however often it is asked for
/// @throws HttpError{400} with the reason and the byte offset
[[nodiscard]] inline const Document& parse_address(Context& context) {
  if (context.parsed) return *context.parsed;
  try {
    return context.parsed.emplace(Document::parse(std::move(context.body)));
  } catch (const Error& error) {
    std::throw_with_nested(HttpError::of_body(BodyFault::malformed, 400,
                                              std::string("Invalid JSON body: ") + error.what()));
  }
}

// ---------------------------------------------------------------------------------------------

/// @param formats  what may be sent beside an address
inline void check_json_type(const Request& request, const Formats& formats) {
  const auto type = request.header("Content-Type");
  if (!type || type->empty() || is_json_media_type(media_type(*type))) return;
  std::string types = "application/json";
  for (const auto& format : formats) {
    for (const std::string_view each : format->media_types()) {
      if (!is_json_media_type(each)) types.append(", ").append(each);
    }
  }
  throw HttpError::of_body(
      BodyFault::media_type, 415,
      formats.empty() ? "Unsupported Media Type: an address is sent as application/json"
                      : "Unsupported Media Type: an address is sent as application/json, contacts "
                        "to bring in in a format: " +
                            format_names(formats),
      {{"Accept", types}});
}

// What a patch does depends on its type, so it can't be guessed as that of an address.
inline void check_patch_type(const Request& request) {
  const std::string type = media_type(request.header("Content-Type").value_or(""));
  if (type == "application/json" || type == "application/merge-patch+json" ||
      type == "application/json-patch+json") {
    return;
  }
  throw HttpError::of_body(
      BodyFault::media_type, 415,
      "Unsupported Media Type: a patch is sent as application/merge-patch+json or "
      "application/json-patch+json",
      {{"Accept-Patch", std::string(patch_types)}});
}

inline JsonBody::JsonBody(Exchange& exchange, const Options& options, BodyKind kind)
    : options_(options),
      packed_(checked(exchange, options, kind), options.coding.get(), options.max_body_bytes) {}

inline Exchange& JsonBody::checked(Exchange& exchange, const Options& options, BodyKind kind) {
  if (kind == BodyKind::patch) {
    check_patch_type(exchange.request());
  } else {
    check_json_type(exchange.request(), kind == BodyKind::records ? options.formats : Formats());
  }
  return exchange;
}

inline bool JsonBody::take(std::string_view bytes) {
  const bool is_wanted = packed_.take(bytes, [this](std::string_view part) {
    text_.append(part);
    return true;
  });
  if (!packed_.is_good()) std::string().swap(text_);  // nothing of it is needed any more
  return is_wanted;
}

inline std::string JsonBody::finish(BodyStatus status) {
  packed_.finish(
      status, "Body not complete within " + std::to_string(options_.body_timeout.count()) + " ms");
  return std::move(text_);
}

}  // namespace addrbook::detail
