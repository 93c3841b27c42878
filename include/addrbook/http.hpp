/// What rest.hpp and an HTTP library exchange: a Request goes in, a Reply comes out. Also the seam
/// for content codings. None of it needs an HTTP library.
#pragma once

#include <addrbook/base/header_fields.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/base/waiting.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook {

/// Takes the next bytes. @returns false to refuse them and all that follow
using ByteSink = std::function<bool(std::string_view)>;

/// How reading a request's body ended.
enum class BodyStatus {
  complete,   ///< the sink has received all of it
  too_large,  ///< the HTTP library's own limit
  timed_out,  ///< it did not arrive in time
  malformed,  ///< broken framing, a broken connection, or the sink refused the rest
  stopped,    ///< the server stops, and waits no longer for the rest
};

/// What a server says of its memory.
enum class MemoryState {
  ample,
  scarce,     ///< sources are not compressed
  exhausted,  ///< an answer that would have a source is a 503 instead
};

/// One request. The views must stay valid until its Reply has been sent.
struct Request {
  std::string_view method;
  std::string_view target;  ///< as sent, e.g. "/addresses/caf%C3%A9?x=1"
  std::string_view path;    ///< decoded, without Rest::root() and query, e.g. "/café" or ""
  std::string_view query;   ///< as sent, without the '?', e.g. "x=1" or ""
  /// Textual IP address; "" if not known. In what Rest passes on, that of the client where the
  /// request is from a trusted proxy (Options::trusted_proxies).
  std::string_view remote_address;
  /// What a trusted proxy says; Rest sets them. "http" or "https": how the client reached the first
  /// proxy; "" if not known.
  std::string_view scheme = {};
  std::string_view proxy_prefix = {};  ///< what it has removed from the path, e.g. "/book"; or ""
  MemoryState memory = MemoryState::ample;
  bool can_wait = false;  ///< an answer whose source says `later` holds no thread

  /// Returns a header field's value, its lines joined by ", " (RFC 9110, 5.3); nothing if absent.
  /// The name's case does not matter. The view is valid as long as the request. cpp-httplib does
  /// not keep the order of a repeated field's lines; of X-Forwarded-For nothing is left then, as
  /// its order is all that can be believed.
  std::function<std::optional<std::string_view>(std::string_view name)> header;

  /// Reads the body once, as it is on the wire without the chunked coding. Called at most once, and
  /// only for methods that take a body. Rest::Call does not call it.
  std::function<BodyStatus(const ByteSink&)> read_body;
};

/// A body that is made while the client takes it, piece by piece: for answers that are too long to
/// hold, or that have no end. The next piece is asked for when the client has taken the last one,
/// so a slow client costs a source no thread, no transaction and no lock.
/// @par Thread safety  one call at a time, from any thread.
class BodySource : private detail::Pinned {
 public:
  enum class Status {
    piece,   ///< at least one byte was appended
    end,     ///< nothing was appended; the body is complete
    later,   ///< nothing was appended; ask again after on_ready() has called its callback
    failed,  ///< the body can't be completed: the connection must be cut
  };

  virtual ~BodySource() = default;

  /// Appends the next piece of the body to `to`.
  virtual Status read(std::string& to) = 0;

  /// What follows the last piece, if the source keeps it in memory anyway: it can be sent from
  /// there, without a copy. May be empty, then read() is to be called. read() may also be called
  /// otherwise.
  /// @returns a view that is valid until the next call of anything else
  [[nodiscard]] virtual std::string_view held() { return {}; }

  /// The first `size` bytes of held() have been taken.
  virtual void skip(std::size_t /*size*/) {}

  /// Whether the body may never end. Each of its pieces is then sent at once, and the answer's
  /// deadline holds for each piece, where it otherwise holds for the whole body. A Server also ends
  /// any body at its own answer_timeout, counted from when the client first falls behind.
  [[nodiscard]] virtual bool is_live() const noexcept { return false; }

  /// Not 0 for a body that may take any time: the answer's deadline is how far its client may lag
  /// behind this many bytes a second.
  [[nodiscard]] virtual std::size_t min_rate() const noexcept { return 0; }

  /// After `later`: calls `ready` once, from any thread, as soon as there is something to read.
  /// A source that never says `later` need not have it.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): an override keeps it
  virtual void on_ready(std::function<void()> ready) { ready(); }

  /// The server stops while there is nothing to send.
  /// @returns whether read() can make the body complete now; false: it is cut
  virtual bool stop() { return false; }

  /// Memory is scarce, and the client has fallen behind: gives back what can be had again at the
  /// next read().
  virtual void pause() {}

  /// @returns the bytes that are held now, as far as they are worth counting
  [[nodiscard]] virtual std::size_t memory() const noexcept { return 0; }
};

/// The answer to a request.
struct Reply {
  int status = 200;
  /// Content-Type is among them. To read them: `for (const auto& [name, value] : headers)`, with
  /// views.
  detail::HeaderFields headers;
  std::string body;                    ///< the whole body, unless there is a source
  std::shared_ptr<BodySource> source;  ///< makes the body, if set; not read for HEAD
  bool close_connection = false;  ///< the body was not read to its end: what follows is unknown
};

/// Sends a source's body in one call, for servers that have a thread for each connection.
/// @param sink  also called with nothing while the source has nothing, to find out whether the
///              client is still there
/// @returns false if the body could not be completed: the connection must be cut
[[nodiscard]] inline bool send_body(BodySource& source, const ByteSink& sink);

/// A compression or decompression in progress.
class Codec : private detail::Pinned {
 public:
  virtual ~Codec() = default;

  /// @returns false if the input is malformed or the sink refused; then make no further call
  virtual bool write(std::string_view input, const ByteSink& sink) = 0;

  /// Compression: puts out everything written so far, so that the receiver can decode it now.
  /// @returns false if the sink refused
  virtual bool flush(const ByteSink& sink) = 0;

  /// Ends the output. @returns false if the input was cut short or the sink refused
  virtual bool finish(const ByteSink& sink) = 0;

  /// @returns the bytes that are held, whatever has been written so far
  [[nodiscard]] virtual std::size_t memory() const noexcept { return 0; }
};

/// Content codings (RFC 9110, 8.4.1). gzip.hpp has one over zlib.
class Coding : private detail::Pinned {
 public:
  virtual ~Coding() = default;

  /// The coding of answers, as in Content-Encoding, e.g. "gzip".
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// @returns a compressor for the coding name()
  [[nodiscard]] virtual std::unique_ptr<Codec> encoder() const = 0;
  /// @param coding  lower case, from a request's Content-Encoding
  /// @returns a decompressor, or null if the coding is not supported
  [[nodiscard]] virtual std::unique_ptr<Codec> decoder(std::string_view coding) const = 0;
};

// ---------------------------------------------------------------------------------------------

namespace detail {

/// Lets a thread wait until a source is ready.
class ReadySignal {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    is_set_ = true;
    changed_.notify_all();
  }
  /// @returns whether it was set within the time
  bool wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return is_set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_set_ = false;
};

}  // namespace detail

inline bool send_body(BodySource& source, const ByteSink& sink) {
  std::string piece;
  while (true) {
    piece.clear();
    switch (source.read(piece)) {
      case BodySource::Status::piece:
        if (!sink(piece)) return false;
        break;
      case BodySource::Status::later: {
        constexpr auto interval = std::chrono::milliseconds(250);
        // Shared: the source may call after the client has gone.
        const auto ready = std::make_shared<detail::ReadySignal>();
        source.on_ready([ready] { ready->set(); });
        const detail::Waiting waiting;
        while (!ready->wait_for(interval)) {
          if (!sink({})) return false;
        }
        break;
      }
      case BodySource::Status::end: return true;
      case BodySource::Status::failed: return false;
    }
  }
}

}  // namespace addrbook
