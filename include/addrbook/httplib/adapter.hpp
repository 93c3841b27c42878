/// The adapter between cpp-httplib and Rest: httplib's request as ours, our reply as httplib's.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/pace.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/answer_head.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/httplib/httplib.hpp>
#include <addrbook/rest.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// Who decides whether a connection stays, and says so in the answers.
enum class ConnectionKeeper {
  httplib,  ///< a plain httplib::Server: a route has little influence
  engine,   ///< our Server
};

/// Looks fields up in httplib's without a copy.
class HttplibFields {
 public:
  explicit HttplibFields(const httplib::Headers& fields) noexcept : fields_(fields) {}

  /// @returns the field's value, its lines joined by ", " (RFC 9110, 5.3) in any order. Of
  ///          X-Forwarded-For nothing then: a client could say that it is another.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const {
    // httplib's own look-up takes a std::string; a request has few fields, so a scan is cheaper.
    const std::string* first = nullptr;
    std::string* joined = nullptr;
    for (const auto& [field, value] : fields_) {
      if (!equals_ignoring_case(field, name)) continue;
      if (first == nullptr) {
        first = &value;
      } else {
        if (joined == nullptr) joined = &joined_.emplace_front(*first);
        joined->append(", ").append(value);
      }
    }
    if (first == nullptr) return std::nullopt;
    if (joined != nullptr && equals_ignoring_case(name, "X-Forwarded-For")) return std::nullopt;
    return joined != nullptr ? *joined : *first;
  }

 private:
  const httplib::Headers& fields_;
  mutable std::forward_list<std::string> joined_;
};

/// Reads a body with a deadline, see Pace. httplib only has one for each recv().
/// @param rate  in bytes a second; 0: the timeout is that of the whole body
inline BodyStatus read_body(const httplib::Request& request, const httplib::Response& response,
                            const httplib::ContentReader& reader, std::chrono::milliseconds timeout,
                            std::size_t rate, const ByteSink& sink) {
  using Clock = std::chrono::steady_clock;
  // Otherwise httplib unpacks the body, or answers an empty 415, before Rest can judge. Only the
  // handler's reference to the request is const, the object is not.
  const_cast<httplib::Request&>(request).headers.erase("Content-Encoding");
  Pace pace(Clock::now(), timeout, rate);
  auto last_heard = Clock::now();
  bool is_late = false;
  const bool complete = reader([&](const char* data, std::size_t size) {
    const auto now = Clock::now();
    is_late = now >= pace.deadline();
    if (is_late) return false;
    const bool is_wanted = sink({data, size});
    last_heard = Clock::now();  // the sink may have waited for the storage
    pace.go_on(last_heard, size, last_heard - now);
    return is_wanted;
  });
  if (complete) return BodyStatus::complete;
  // httplib reports a read timeout like broken framing; the silence before it tells them apart.
  // addrbook::Server has the same deadline, and may notice a moment earlier that it has passed.
  constexpr auto silence = std::chrono::milliseconds(500);
  constexpr auto moment = std::chrono::milliseconds(100);
  const auto now = Clock::now();
  if (is_late || now - last_heard >= silence || now + moment >= pace.deadline()) {
    return BodyStatus::timed_out;
  }
  return response.status == httplib::StatusCode::PayloadTooLarge_413 ? BodyStatus::too_large
                                                                     : BodyStatus::malformed;
}

/// httplib's request as ours.
/// @param fields   of the request; must outlive ours, as `from` must
/// @param path_at  where the path goes on after the root
[[nodiscard]] inline Request to_request(const httplib::Request& from, const HttplibFields& fields,
                                        std::size_t path_at) {
  Request request;
  request.method = from.method;
  request.target = from.target;
  request.path = std::string_view(from.path).substr((std::min)(path_at, from.path.size()));
  request.query = request.target;
  cut(request.query, '?');
  request.remote_address = without_ipv6_prefix(from.remote_addr);
  request.header = [&fields](std::string_view name) { return fields.find(name); };
  return request;
}

/// Makes httplib announce that the connection ends, which it decides before a route is called.
inline void announce_close(const httplib::Request& request) {
  auto& fields = const_cast<httplib::Request&>(request).headers;
  fields.erase("Connection");
  fields.emplace("Connection", "close");
}

/// Gives a source's body to httplib.
inline void set_source(std::shared_ptr<BodySource> source, const httplib::Request& request,
                       httplib::Response& response,
                       ConnectionKeeper keeper = ConnectionKeeper::httplib) {
  const std::string content_type = response.get_header_value("Content-Type");
  response.headers.erase("Content-Type");  // httplib adds the provider's
  const bool knows_chunked = request.version != "HTTP/1.0";
  // A finite body is sent in one call, because httplib ends an answer between two calls when the
  // server stops. A live one has no end of its own, so that is what must end it.
  // Without chunks only the connection's end tells a client that the body is complete, and a plain
  // httplib::Server closes the connection only for false.
  const bool may_succeed = knows_chunked || keeper == ConnectionKeeper::engine;
  auto provider = [source = std::move(source), may_succeed](std::size_t, httplib::DataSink& sink) {
    try {
      bool is_interrupted = false;
      const bool complete = send_body(*source, [&](std::string_view bytes) {
        const bool is_sent =
            bytes.empty() ? sink.is_writable() : sink.write(bytes.data(), bytes.size());
        is_interrupted = is_sent && source->is_live();
        return is_sent && !is_interrupted;
      });
      if (is_interrupted) return true;  // httplib calls again, unless the server stops
      if (complete && may_succeed) sink.done();
      return complete && may_succeed;
    } catch (...) {  // httplib ends the process if a provider throws
      return false;
    }
  };
  if (knows_chunked) {
    response.set_chunked_content_provider(content_type, std::move(provider));
  } else {
    if (keeper == ConnectionKeeper::httplib) announce_close(request);
    response.set_content_provider(content_type, std::move(provider));
  }
}

/// Our reply as httplib's.
inline void write_reply(Reply reply, const httplib::Request& request, httplib::Response& response,
                        ConnectionKeeper keeper) {
  auto& mutable_request = const_cast<httplib::Request&>(request);
  // Otherwise httplib compresses (brotli first, and what is gzip already), or cuts out a range.
  mutable_request.headers.erase("Accept-Encoding");
  mutable_request.ranges.clear();
  if (request.method != "GET" && !request.has_header("Content-Length") &&
      !request.has_header("Transfer-Encoding")) {
    // RFC 9112, 6.3: there is no body. httplib 0.41 reads a DELETE without a length up to the
    // connection's end if its route did not, and so swallows the next request.
    mutable_request.headers.emplace("Content-Length", "0");
  }
  if (reply.close_connection) {
    // httplib only announces that it closes the connection after an error, and reads on. It does
    // close it when it can't make sense of the rest of a body.
    mutable_request.headers.erase("Transfer-Encoding");
    mutable_request.headers.erase("Content-Length");
    mutable_request.headers.emplace("Content-Length", "none");
    // Our Server would otherwise take the announcement back.
    if (keeper == ConnectionKeeper::engine) response.set_header("Connection", "close");
  }
  if (keeper == ConnectionKeeper::httplib && request.version == "HTTP/1.0" &&
      request.get_header_value("Connection") != "Keep-Alive") {
    announce_close(request);  // httplib does close the connection, but would say Keep-Alive
  }

  response.status = reply.status;
  if (!response.has_header("Date")) response.headers.emplace("Date", current_date());
  if (request.method == "HEAD") response.set_header("Accept-Ranges", "none");  // else: "bytes"
  // Not by set_header() and set_content(): their copies, and checks that Rest has made already,
  // took a sixth of a GET's time.
  for (const auto& [name, value] : reply.headers) response.headers.emplace(name, value);
  if (reply.source) {
    set_source(std::move(reply.source), request, response, keeper);
  } else {
    response.body = std::move(reply.body);
  }
}

/// Answers a request by `rest`. @param reader  null for methods without a body
inline void serve(const Rest& rest, const httplib::Request& request, httplib::Response& response,
                  const httplib::ContentReader* reader, ConnectionKeeper keeper) noexcept {
  try {
    const HttplibFields fields(request.headers);
    const Request ours = to_request(request, fields, rest.root().size());
    Rest::Call call(rest, ours);
    BodyStatus status = BodyStatus::complete;
    if (call.wants_body() && reader != nullptr) {
      status = read_body(request, response, *reader, rest.options().body_timeout, call.min_rate(),
                         [&call](std::string_view bytes) { return call.take(bytes); });
    }
    write_reply(call.finish(status), request, response, keeper);
  } catch (...) {  // out of memory: there is none for an answer in JSON either
    response.status = httplib::StatusCode::ServiceUnavailable_503;
  }
}

}  // namespace addrbook::detail
