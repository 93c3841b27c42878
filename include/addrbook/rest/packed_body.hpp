/// PackedBody: the bytes of a request's body, whatever they are: framed, coded, limited in size.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/http.hpp>
#include <addrbook/metrics/transfer_counts.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/exchange.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// A request's body, unpacked as it arrives.
class PackedBody : private Pinned {
 public:
  /// Checks what the head says of the body.
  /// @param exchange   must outlive the body
  /// @param coding     likewise; may be null
  /// @param max_bytes  of the unpacked body
  /// @throws HttpError{415} another coding | {400} a part of a body | {400, 411, 501} the framing
  ///         is missing, invalid or unknown | {413} over max_bytes
  PackedBody(Exchange& exchange, const Coding* coding, std::size_t max_bytes);

  /// Takes the next bytes, as they are on the wire without the chunked coding.
  /// @param sink  takes what is unpacked; if it refuses, the rest is dropped
  /// @returns false to refuse the rest
  bool take(std::string_view bytes, const ByteSink& sink);

  /// Ends the body, once.
  /// @param late  what to say of one that did not arrive in time
  /// @throws HttpError{413} over max_bytes, or over max_ratio | {408} not complete in time | {503}
  /// not complete when
  ///         the server stopped | {400} cut short, or not in its coding
  void finish(BodyStatus status, const std::string& late);

  /// Whether nothing is wrong with it so far.
  [[nodiscard]] bool is_good() const noexcept { return outcome_ == Outcome::good; }
  /// @returns the bytes of memory that are held
  [[nodiscard]] std::size_t memory() const noexcept { return decoder_ ? decoder_->memory() : 0; }

 private:
  enum class Outcome { good, too_large, too_dense, malformed };

  /// A body may unpack to this many times its size. Files of contacts make 5 to 30; what makes more
  /// is to cost the server more than the client. The first bytes are free.
  static constexpr std::uint64_t max_ratio = 200;
  static constexpr std::uint64_t free_bytes = std::uint64_t{1} * 1024 * 1024;

  [[nodiscard]] HttpError over_limit() const;

  Exchange& exchange_;
  std::unique_ptr<Codec> decoder_;  // null where the body is not coded
  const std::size_t max_bytes_;
  std::size_t max_packed_bytes_;
  std::uint64_t received_ = 0;
  std::size_t unpacked_ = 0;
  std::size_t dropped_ = 0;
  Outcome outcome_ = Outcome::good;
};

// ---------------------------------------------------------------------------------------------

/// @returns null where the body is not coded
inline std::unique_ptr<Codec> make_decoder(const Request& request, const Coding* coding) {
  const auto value = request.header("Content-Encoding");
  const std::string name = value ? lowercase(trim(*value)) : std::string();
  if (name.empty() || name == "identity") return nullptr;
  auto decoder = coding != nullptr ? coding->decoder(name) : nullptr;
  if (!decoder) {
    const std::string reason = "Unsupported Content-Encoding: a body ";
    throw coding != nullptr
        ? HttpError::of_body(BodyFault::coding, 415, reason + "may be in gzip or deflate",
                             {{"Accept-Encoding", "gzip, deflate"}})
        : HttpError::of_body(BodyFault::coding, 415, reason + "must not be compressed",
                             {{"Accept-Encoding", "identity"}});
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
    throw HttpError::of_body(BodyFault::framing, 501,
                             "Unsupported Transfer-Encoding");  // RFC 9112, 6.1
  }
  if (!content_length) {
    if (transfer_encoding) return std::nullopt;
    // RFC 9112, 6.3 says that there is no body then. A client that sends one all the same must not
    // have it taken for its next request.
    exchange.close_connection();
    throw HttpError::of_body(BodyFault::framing, 411, "Length Required");
  }
  const auto length = parse_decimal(*content_length);
  if (!length || transfer_encoding) {  // RFC 9112, 6.3
    exchange.close_connection();
    throw HttpError::of_body(BodyFault::framing, 400, "Invalid Content-Length");
  }
  return length;
}

inline PackedBody::PackedBody(Exchange& exchange, const Coding* coding, std::size_t max_bytes)
    : exchange_(exchange),
      decoder_(make_decoder(exchange.request(), coding)),
      max_bytes_(max_bytes),
      max_packed_bytes_(max_bytes) {
  // Compression can enlarge incompressible data by this much.
  const std::size_t excess = decoder_ ? max_bytes / 256 + 1024 : 0;
  if (max_bytes <= (std::numeric_limits<std::size_t>::max)() - excess) max_packed_bytes_ += excess;
  if (exchange.request().header("Content-Range")) {  // RFC 9110, 14.5
    throw HttpError::of_body(BodyFault::framing, 400,
                             "Content-Range is not supported: an address is sent as a whole");
  }
  const auto length = check_framing(exchange);
  if (length && *length > max_packed_bytes_) throw over_limit();
}

inline bool PackedBody::take(std::string_view bytes, const ByteSink& sink) {
  // A client that still sends when the connection ends may never see the answer, so excess bytes
  // are read and dropped, up to a limit.
  constexpr std::size_t max_dropped_bytes = std::size_t{8} * 1024 * 1024;
  received_ += bytes.size();
  exchange_.set_request_bytes(received_);
  if (!is_good()) {
    dropped_ += bytes.size();
    return dropped_ <= max_dropped_bytes;
  }
  const auto pass = [&](std::string_view part) {
    if (part.size() > max_bytes_ - unpacked_) {
      outcome_ = Outcome::too_large;
      return false;
    }
    unpacked_ += part.size();
    if (decoder_ && unpacked_ > free_bytes && unpacked_ / max_ratio > received_) {
      outcome_ = Outcome::too_dense;
      return false;
    }
    return sink(part);
  };
  if (received_ > max_packed_bytes_) {
    outcome_ = Outcome::too_large;
  } else if (decoder_ ? !decoder_->write(bytes, pass) : !pass(bytes)) {
    if (is_good()) outcome_ = Outcome::malformed;
  }
  if (is_good()) return true;
  decoder_.reset();
  dropped_ = bytes.size();
  return true;
}

inline void PackedBody::finish(BodyStatus status, const std::string& late) {
  if (outcome_ == Outcome::too_large || status == BodyStatus::too_large) throw over_limit();
  if (outcome_ == Outcome::too_dense) {
    throw HttpError::of_body(
        BodyFault::too_large, 413,
        "Body over " + std::to_string(max_ratio) + " times its size when it is unpacked");
  }
  if (status == BodyStatus::timed_out) throw HttpError::of_body(BodyFault::late, 408, late);
  if (status == BodyStatus::stopped)
    throw HttpError::of_body(BodyFault::incomplete, 503, "The server is stopping");
  if (status != BodyStatus::complete)
    throw HttpError::of_body(BodyFault::incomplete, 400, "Incomplete body");
  if (outcome_ == Outcome::malformed ||
      (decoder_ && !decoder_->finish([](std::string_view) { return true; }))) {
    throw HttpError::of_body(BodyFault::coding, 400, "The body is not in its Content-Encoding");
  }
}

inline HttpError PackedBody::over_limit() const {
  return HttpError::of_body(BodyFault::too_large, 413,
                            "Body over " + std::to_string(max_bytes_) + " bytes");
}

}  // namespace addrbook::detail
