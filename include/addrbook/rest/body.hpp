/// Bodies of requests: which are accepted, how they are read and unpacked.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/document.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/negotiation.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/exchange.hpp>

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
enum class BodyKind { none, json, patch };

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
  [[nodiscard]] std::size_t memory() const noexcept {
    return text_.capacity() + (decoder_ ? decoder_->memory() : 0);
  }

 private:
  enum class Outcome { good, too_large, malformed };

  bool append(std::string_view unpacked);
  [[nodiscard]] HttpError over_limit() const;

  Exchange& exchange_;
  const Options& options_;
  std::unique_ptr<Codec> decoder_;  // null where the body is not coded
  std::size_t max_packed_bytes_;
  std::size_t received_ = 0;
  Outcome outcome_ = Outcome::good;
  std::string text_;
};

/// @returns the body as an address; parsed once, however often it is asked for
/// @throws HttpError{400} with the reason and the byte offset
[[nodiscard]] inline const Document& parse_address(Context& context) {
  if (context.parsed) return *context.parsed;
  try {
    return context.parsed.emplace(Document::parse(std::move(context.body)));
  } catch (const Error& error) {
    std::throw_with_nested(HttpError(400, std::string("Invalid JSON body: ") + error.what()));
  }
}

// ---------------------------------------------------------------------------------------------

inline void check_json_type(const Request& request) {
  const auto type = request.header("Content-Type");
  if (type && !type->empty() && !is_json_media_type(media_type(*type))) {
    throw HttpError(415, "Unsupported Media Type: an address is sent as application/json",
                    {{"Accept", "application/json"}});
  }
}

// What a patch does depends on its type, so it can't be guessed as that of an address.
inline void check_patch_type(const Request& request) {
  const std::string type = media_type(request.header("Content-Type").value_or(""));
  if (type == "application/json" || type == "application/merge-patch+json" ||
      type == "application/json-patch+json") {
    return;
  }
  throw HttpError(415,
                  "Unsupported Media Type: a patch is sent as application/merge-patch+json or "
                  "application/json-patch+json",
                  {{"Accept-Patch", std::string(patch_types)}});
}

/// @returns null where the body is not coded
inline std::unique_ptr<Codec> make_decoder(const Request& request, const Coding* coding) {
  const auto value = request.header("Content-Encoding");
  const std::string name = value ? lowercase(trim(*value)) : std::string();
  if (name.empty() || name == "identity") return nullptr;
  auto decoder = coding != nullptr ? coding->decoder(name) : nullptr;
  if (!decoder) {
    const std::string reason = "Unsupported Content-Encoding: a body ";
    throw coding != nullptr
        ? HttpError(415, reason + "may be in gzip or deflate",
                    {{"Accept-Encoding", "gzip, deflate"}})
        : HttpError(415, reason + "must not be compressed", {{"Accept-Encoding", "identity"}});
  }
  return decoder;
}

/// Checks what the head says of the body's framing (RFC 9112, 6), and closes the connection where
/// the end of the request can't be known.
/// @returns the Content-Length, if that is how the body is framed
inline std::optional<std::uint64_t> check_framing(Exchange& exchange) {
  const Request& request = exchange.request();
  const auto transfer_encoding = request.header("Transfer-Encoding");
  const auto content_length = request.header("Content-Length");
  if (transfer_encoding && !equals_ignoring_case(*transfer_encoding, "chunked")) {
    exchange.close_connection();
    throw HttpError(501, "Unsupported Transfer-Encoding");  // RFC 9112, 6.1
  }
  if (!content_length) {
    if (transfer_encoding) return std::nullopt;
    // RFC 9112, 6.3 says that there is no body then. A client that sends one all the same must not
    // have it taken for its next request.
    exchange.close_connection();
    throw HttpError(411, "Length Required");
  }
  const auto length = parse_decimal(*content_length);
  if (!length || transfer_encoding) {  // RFC 9112, 6.3
    exchange.close_connection();
    throw HttpError(400, "Invalid Content-Length");
  }
  return length;
}

inline JsonBody::JsonBody(Exchange& exchange, const Options& options, BodyKind kind)
    : exchange_(exchange), options_(options), max_packed_bytes_(options.max_body_bytes) {
  if (kind == BodyKind::patch) {
    check_patch_type(exchange.request());
  } else {
    check_json_type(exchange.request());
  }
  decoder_ = make_decoder(exchange.request(), options.coding.get());
  // Compression can enlarge incompressible data by this much.
  if (decoder_) max_packed_bytes_ += options.max_body_bytes / 256 + 1024;
  if (exchange.request().header("Content-Range")) {  // RFC 9110, 14.5
    throw HttpError(400, "Content-Range is not supported: an address is sent as a whole");
  }
  const auto length = check_framing(exchange);
  if (length && *length > max_packed_bytes_) throw over_limit();
}

inline bool JsonBody::take(std::string_view bytes) {
  // A client that still sends when the connection ends may never see the answer, so excess bytes
  // are read and dropped, up to a limit.
  constexpr std::size_t max_dropped_bytes = std::size_t{8} * 1024 * 1024;
  received_ += bytes.size();
  if (outcome_ != Outcome::good) return received_ <= max_packed_bytes_ + max_dropped_bytes;
  if (received_ > max_packed_bytes_) {
    outcome_ = Outcome::too_large;
  } else if (!decoder_) {
    append(bytes);
  } else if (!decoder_->write(bytes, [this](std::string_view part) { return append(part); }) &&
             outcome_ == Outcome::good) {
    outcome_ = Outcome::malformed;
  }
  if (outcome_ != Outcome::good) {  // nothing of it is needed any more
    std::string().swap(text_);
    decoder_.reset();
  }
  return true;
}

inline std::string JsonBody::finish(BodyStatus status) {
  exchange_.set_request_bytes(received_);
  if (outcome_ == Outcome::too_large || status == BodyStatus::too_large) throw over_limit();
  if (status == BodyStatus::timed_out) {
    throw HttpError(
        408, "Body not complete within " + std::to_string(options_.body_timeout.count()) + " ms");
  }
  if (status == BodyStatus::stopped) throw HttpError(503, "The server is stopping");
  if (status != BodyStatus::complete) throw HttpError(400, "Incomplete body");
  if (outcome_ == Outcome::malformed ||
      (decoder_ && !decoder_->finish([](std::string_view) { return true; }))) {
    throw HttpError(400, "The body is not in its Content-Encoding");
  }
  return std::move(text_);
}

inline bool JsonBody::append(std::string_view unpacked) {
  if (unpacked.size() > options_.max_body_bytes - text_.size()) {
    outcome_ = Outcome::too_large;
    return false;
  }
  text_.append(unpacked);
  return true;
}

inline HttpError JsonBody::over_limit() const {
  return HttpError(413, "Body over " + std::to_string(options_.max_body_bytes) + " bytes");
}

}  // namespace addrbook::detail
