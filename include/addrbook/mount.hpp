/// mount(): puts a book into a program's httplib::Server. A guest there: it takes none of the
/// server's slots, keeps to its prefix, and lets no exception out.
#pragma once

#include <addrbook/rest.hpp>

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook {

/// Serves a new book that is kept in memory.
/// @param server   an httplib::Server or SSLServer that is not listening yet
/// @param options  see Options
/// @returns  the book, for use in the program; the routes keep it alive as long as the server
/// @throws   Error{invalid} the prefix is not valid; nothing is registered
/// @par Order  httplib takes the first route that matches: what the program registers before is not
///      touched by us, a pattern such as `/.*` hides us. Of two prefixes of which one begins the
///      other (/a, /a/b) mount the longer one first.
inline std::shared_ptr<Service> mount(httplib::Server& server, Options options = {});

/// Serves `service`, which the routes keep alive as long as the server. One service may be mounted
/// more than once, and several on one server under different prefixes.
/// @throws Error{invalid} `service` is null, or the prefix is not valid; nothing is registered
inline void mount(httplib::Server& server, std::shared_ptr<Service> service, Options options = {});

/// Serves `service`, which must outlive the server.
/// @throws Error{invalid} the prefix is not valid; nothing is registered
inline void mount(httplib::Server& server, Service& service, Options options = {});
void mount(httplib::Server& server, Service&& service, Options options = {}) = delete;

// ---------------------------------------------------------------------------------------------

namespace detail {

/// Reads a body with an overall deadline, which httplib, with one for each recv(), has not.
inline BodyStatus read_body(const httplib::Request& request, const httplib::Response& response,
                            const httplib::ContentReader& reader, std::chrono::milliseconds timeout,
                            const ByteSink& sink) {
  using Clock = std::chrono::steady_clock;
  // httplib would unpack, or refuse with an empty 415, before Rest has a say. The request is const
  // for handlers only, its object is not.
  const_cast<httplib::Request&>(request).headers.erase("Content-Encoding");
  const auto deadline = Clock::now() + timeout;
  auto last_heard = Clock::now();
  bool is_late = false;
  const bool complete = reader([&](const char* data, std::size_t size) {
    last_heard = Clock::now();
    is_late = last_heard >= deadline;
    return !is_late && sink({data, size});
  });
  if (complete) return BodyStatus::complete;
  // A read timeout of the server looks like broken framing from here, but for the silence before
  // it; and addrbook::Server, told of the same deadline, may have found it passed a moment earlier.
  constexpr auto silence = std::chrono::milliseconds(500);
  constexpr auto moment = std::chrono::milliseconds(100);
  const auto now = Clock::now();
  if (is_late || now - last_heard >= silence || now + moment >= deadline) {
    return BodyStatus::timed_out;
  }
  return response.status == httplib::StatusCode::PayloadTooLarge_413 ? BodyStatus::too_large
                                                                     : BodyStatus::malformed;
}

inline std::optional<std::string> joined_header(const httplib::Headers& headers,
                                                std::string_view name) {
  const auto [first, last] = headers.equal_range(std::string(name));
  if (first == last) return std::nullopt;
  std::string value = first->second;
  for (auto next = std::next(first); next != last; ++next) value.append(", ").append(next->second);
  return value;
}

/// httplib's request as ours.
/// @param path_at  where the path goes on after the prefix
inline Request to_request(const httplib::Request& from, std::size_t path_at) {
  Request request;
  request.method = from.method;
  request.target = from.target;
  request.path = std::string_view(from.path).substr((std::min)(path_at, from.path.size()));
  request.remote_address = from.remote_addr;
  request.header = [&from](std::string_view name) { return joined_header(from.headers, name); };
  return request;
}

/// Our reply as httplib's.
inline void write_reply(Reply reply, const httplib::Request& request, httplib::Response& response) {
  auto& mutable_request = const_cast<httplib::Request&>(request);
  // httplib would compress (brotli first, and what is gzip already), or cut out a range.
  mutable_request.headers.erase("Accept-Encoding");
  mutable_request.ranges.clear();
  if (request.method != "GET" && !request.has_header("Content-Length") &&
      !request.has_header("Transfer-Encoding")) {
    // httplib 0.41 reads a DELETE without a length up to the connection's end, if its route has
    // not: it would swallow the next request. RFC 9112, 6.3: there is no body.
    mutable_request.headers.emplace("Content-Length", "0");
  }
  if (reply.close_connection) {
    // httplib only announces that it closes the connection after an error, and reads on. It does
    // close it when the rest of a body makes no sense to it.
    mutable_request.headers.erase("Transfer-Encoding");
    mutable_request.headers.erase("Content-Length");
    mutable_request.headers.emplace("Content-Length", "none");
  }

  response.status = reply.status;
  if (request.method == "HEAD") response.set_header("Accept-Ranges", "none");  // else: "bytes"
  // Not by set_header() and set_content(), whose checks of what Rest has checked, and copies, took
  // a sixth of a GET's time.
  for (auto& [name, value] : reply.headers) response.headers.emplace(name, std::move(value));
  if (!reply.stream) {
    response.body = std::move(reply.body);
    return;
  }
  const std::string content_type = response.get_header_value("Content-Type");
  response.headers.erase("Content-Type");  // the provider brings it
  const bool knows_chunked = request.version != "HTTP/1.0";
  auto provider = [stream = std::move(reply.stream), knows_chunked](std::size_t,
                                                                    httplib::DataSink& sink) {
    try {
      const bool complete =
          stream([&](std::string_view bytes) { return sink.write(bytes.data(), bytes.size()); });
      if (complete && knows_chunked) sink.done();
      // Without chunks only the connection's end tells the client that the body is whole, and only
      // false makes httplib close it.
      return complete && knows_chunked;
    } catch (...) {  // nothing may leave a provider: httplib would end the process
      return false;
    }
  };
  if (knows_chunked) {
    response.set_chunked_content_provider(content_type, std::move(provider));
  } else {
    response.set_header("Connection", "close");
    response.set_content_provider(content_type, std::move(provider));
  }
}

inline void serve(const Rest& rest, const httplib::Request& request, httplib::Response& response,
                  const httplib::ContentReader* reader) noexcept {
  try {
    Request ours = to_request(request, rest.options().prefix.size());
    if (reader != nullptr) {
      ours.read_body = [&](const ByteSink& sink) {
        return read_body(request, response, *reader, rest.options().body_timeout, sink);
      };
    }
    write_reply(rest.handle(ours), request, response);
  } catch (...) {  // out of memory: there is none to say so in JSON
    response.status = httplib::StatusCode::InternalServerError_500;
  }
}

}  // namespace detail

inline void mount(httplib::Server& server, std::shared_ptr<Service> service, Options options) {
  const auto rest = std::make_shared<const Rest>(std::move(service), std::move(options));

  const auto read = [rest](const httplib::Request& request, httplib::Response& response) {
    detail::serve(*rest, request, response, nullptr);
  };
  const auto write = [rest](const httplib::Request& request, httplib::Response& response,
                            const httplib::ContentReader& reader) {
    detail::serve(*rest, request, response, &reader);
  };
  const auto route = [&](const std::string& pattern) {
    server.Get(pattern, read);
    server.Options(pattern, read);
    // With a reader, or httplib reads the body itself, refusing `curl -d` of more than 8 kB.
    server.Post(pattern, write);
    server.Put(pattern, write);
    server.Patch(pattern, write);
    server.Delete(pattern, write);
  };
  const std::string& prefix = rest->options().prefix;
  // A pattern with a parameter is compared, one without may be taken for a regular expression.
  std::string literal;
  for (const char c : prefix) literal.append(c == '.' ? "\\." : std::string(1, c));
  // The most used first. Deeper paths get our 404 too, as far as patterns go: only a regular
  // expression would match any depth, and libstdc++'s recurses once a character, which lets 8 kB of
  // path overflow a small stack. Beyond, the server's own 404 answers.
  constexpr int deepest = 8;
  std::string deeper = prefix + "/:1";
  route(deeper);
  route(literal);
  for (int depth = 2; depth <= deepest; ++depth) {
    deeper.append("/:").append(std::to_string(depth));
    route(deeper);
  }
}

inline std::shared_ptr<Service> mount(httplib::Server& server, Options options) {
  auto service = std::make_shared<Service>();
  mount(server, service, std::move(options));
  return service;
}

inline void mount(httplib::Server& server, Service& service, Options options) {
  mount(server, std::shared_ptr<Service>(std::shared_ptr<Service>(), &service), std::move(options));
}

}  // namespace addrbook
