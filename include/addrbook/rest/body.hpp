/// Bodies of requests: which are accepted, how they are read and unpacked.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/document.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/negotiation.hpp>
#include <addrbook/options.hpp>
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

/// Reads the body of a request that is to hold JSON, and unpacks it.
/// @throws HttpError{415} another type or coding | {400, 411, 501} the framing is missing, invalid
///         or unknown | {413} over max_body_bytes | {408} not complete in time
[[nodiscard]] inline std::string read_json_body(Exchange& exchange, const Options& options);

/// @throws HttpError{400} with the reason and the byte offset
[[nodiscard]] inline Document parse_address(std::string body) {
  try {
    return Document::parse(std::move(body));
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

/// @returns null where the body is not coded
inline std::unique_ptr<Codec> make_decoder(const Request& request, const Coding* coding) {
  const auto value = request.header("Content-Encoding");
  const std::string name = value ? lowercase(trim(*value)) : std::string();
  if (name.empty() || name == "identity") return nullptr;
  auto decoder = coding != nullptr ? coding->decoder(name) : nullptr;
  if (!decoder) {
    throw HttpError(415, "Unsupported Content-Encoding",
                    {{"Accept-Encoding", coding != nullptr ? "gzip, deflate" : "identity"}});
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

inline std::string read_json_body(Exchange& exchange, const Options& options) {
  const Request& request = exchange.request();
  check_json_type(request);
  const auto decoder = make_decoder(request, options.coding.get());

  // A client that still sends when the connection ends may never see the answer, so excess bytes
  // are read and dropped, up to a limit.
  constexpr std::size_t max_dropped_bytes = std::size_t{8} * 1024 * 1024;
  // Compression can enlarge incompressible data by this much.
  const std::size_t max_packed_bytes =
      options.max_body_bytes + (decoder ? options.max_body_bytes / 256 + 1024 : 0);
  const auto error_413 = [&] {
    return HttpError(413, "Body over " + std::to_string(options.max_body_bytes) + " bytes");
  };
  const auto length = check_framing(exchange);
  if (length && *length > max_packed_bytes) throw error_413();

  enum class Outcome { good, too_large, malformed };
  Outcome outcome = Outcome::good;
  std::string body;
  const ByteSink unpacked = [&](std::string_view bytes) {
    if (bytes.size() > options.max_body_bytes - body.size()) {
      outcome = Outcome::too_large;
      return false;
    }
    body.append(bytes);
    return true;
  };
  std::size_t received = 0;
  const BodyStatus status = request.read_body([&](std::string_view bytes) {
    received += bytes.size();
    if (outcome != Outcome::good) return received <= max_packed_bytes + max_dropped_bytes;
    if (received > max_packed_bytes) {
      outcome = Outcome::too_large;
    } else if (!decoder) {
      unpacked(bytes);
    } else if (!decoder->write(bytes, unpacked) && outcome == Outcome::good) {
      outcome = Outcome::malformed;
    }
    return true;
  });
  exchange.set_request_bytes(received);
  if (status != BodyStatus::complete) exchange.close_connection();

  if (outcome == Outcome::too_large || status == BodyStatus::too_large) throw error_413();
  if (status == BodyStatus::timed_out) {
    throw HttpError(
        408, "Body not complete within " + std::to_string(options.body_timeout.count()) + " ms");
  }
  if (status != BodyStatus::complete) throw HttpError(400, "Incomplete body");
  const auto is_complete = [&] {
    return outcome == Outcome::good && decoder->finish([](std::string_view) { return true; });
  };
  if (decoder && !is_complete()) {
    throw HttpError(400, "The body is not in its Content-Encoding");
  }
  return body;
}

}  // namespace addrbook::detail
