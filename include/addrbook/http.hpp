/// What rest.hpp and an HTTP library tell each other: Request in, Reply out, and the seam for
/// content codings. No HTTP library is needed to build or read any of it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Takes the next bytes. @returns false to have no more of them
using ByteSink = std::function<bool(std::string_view)>;

/// How reading a request's body ended.
enum class BodyStatus {
  complete,   ///< all of it has been given to the sink
  too_large,  ///< the HTTP library's own limit
  timed_out,  ///< it did not arrive in time
  malformed,  ///< broken framing, a broken connection, or the sink wanted no more
};

/// One request. The views must stay valid until its Reply is answered.
struct Request {
  std::string_view method;
  std::string_view target;          ///< as sent, e.g. "/addresses/caf%C3%A9?x=1"
  std::string_view path;            ///< decoded, without prefix and query, e.g. "/café" or ""
  std::string_view remote_address;  ///< textual IP address, "" if not known

  /// The value of a header field, its lines joined by ", " (RFC 9110, 5.3); nothing if absent.
  std::function<std::optional<std::string>(std::string_view name)> header;

  /// Reads the body once, as it is on the wire without the chunked coding. Is called for POST and
  /// PUT alone, if at all.
  std::function<BodyStatus(const ByteSink&)> read_body;
};

/// The answer to a request.
struct Reply {
  /// Writes a body of unknown length into the sink, in one call.
  /// @returns false if it could not be completed; the connection must then be cut
  using Stream = std::function<bool(const ByteSink&)>;

  int status = 200;
  /// Content-Type is among them. Names are literals, values fit to stand in a header field.
  std::vector<std::pair<std::string_view, std::string>> headers;
  std::string body;
  Stream stream;                  ///< if set, it makes the body
  bool close_connection = false;  ///< what is left of the request can't be told from the next one
};

/// A running compression or decompression.
class Codec {
 public:
  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  Codec(Codec&&) = delete;
  Codec& operator=(Codec&&) = delete;
  virtual ~Codec() = default;

  /// @returns false if the input is malformed or the sink wants no more; call nothing after that
  virtual bool write(std::string_view input, const ByteSink& sink) = 0;

  /// Ends the output. @returns false if the input was cut short or the sink wants no more
  virtual bool finish(const ByteSink& sink) = 0;
};

/// Content codings (RFC 9110, 8.4.1). gzip.hpp has one over zlib.
class Coding {
 public:
  Coding() = default;
  Coding(const Coding&) = delete;
  Coding& operator=(const Coding&) = delete;
  Coding(Coding&&) = delete;
  Coding& operator=(Coding&&) = delete;
  virtual ~Coding() = default;

  /// The coding of answers, as in Content-Encoding, e.g. "gzip".
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// @returns a compressor in the coding name()
  [[nodiscard]] virtual std::unique_ptr<Codec> encoder() const = 0;
  /// @param coding  lower case, from a request's Content-Encoding
  /// @returns a decompressor, or null where the coding is not supported
  [[nodiscard]] virtual std::unique_ptr<Codec> decoder(std::string_view coding) const = 0;
};

}  // namespace addrbook
