/// Rest: a Service over HTTP (RFC 9110) without an HTTP library, Request -> Reply. Which path and
/// method does what, what is refused and how, is decided here and nowhere else.
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/log.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/exchange.hpp>
#include <addrbook/service.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// A book's HTTP face. An HTTP library's adapter hands every request below the prefix to handle().
/// @par Thread safety  any thread.
class Rest {
 public:
  /// @throws Error{invalid} if `service` is null, or the prefix, an origin or a host is not as
  ///         Options says
  Rest(std::shared_ptr<Service> service, Options options);

  [[nodiscard]] const Options& options() const noexcept { return options_; }

  /// Answers a request. Errors are answers too; throws nothing but std::bad_alloc.
  [[nodiscard]] Reply handle(const Request& request) const;

 private:
  enum class Resource { book, address, health, ready, unknown };
  struct Route {
    Resource resource = Resource::unknown;
    std::string_view id;
  };

  [[nodiscard]] static Route route(std::string_view path) noexcept;
  [[nodiscard]] static std::string_view allowed_methods(Resource resource) noexcept;
  [[nodiscard]] static bool is_allowed(Resource resource, std::string_view method) noexcept;

  [[nodiscard]] Reply respond(detail::Exchange& exchange) const;
  void check_web(const Request& request) const;
  void authorize(detail::Exchange& exchange, const Route& route) const;
  [[nodiscard]] Document read_document(detail::Exchange& exchange) const;
  [[nodiscard]] std::string read_body(detail::Exchange& exchange, Codec* decoder) const;
  [[nodiscard]] Reply create(detail::Exchange& exchange) const;
  [[nodiscard]] Reply update(detail::Exchange& exchange, std::string_view id) const;
  [[nodiscard]] Reply get(const detail::Exchange& exchange, std::string_view id) const;
  [[nodiscard]] Reply list(const detail::Exchange& exchange) const;
  [[nodiscard]] Reply ready() const;
  [[nodiscard]] static bool write_list(const Service& service, Page page, const ByteSink& sink);
  [[nodiscard]] static std::string entity_tag(std::uint64_t epoch, std::uint64_t revision);

  std::shared_ptr<Service> service_;
  Options options_;
  detail::WebPolicy web_;
  detail::RequestIds request_ids_;
};

// ---------------------------------------------------------------------------------------------

inline Rest::Rest(std::shared_ptr<Service> service, Options options)
    : service_(std::move(service)),
      options_(std::move(options)),
      web_(options_.allowed_origins, options_.allowed_hosts) {
  if (!service_) throw Error(Errc::invalid, "mount needs a service");
  if (!detail::is_valid_prefix(options_.prefix)) {
    throw Error(Errc::invalid,
                "the prefix '" + options_.prefix +
                    "' is not one or more segments of [A-Za-z0-9._~-], each after a '/'");
  }
}

inline Reply Rest::handle(const Request& request) const {
  detail::Exchange exchange(request, request_ids_);
  Reply reply;
  try {
    reply = respond(exchange);
  } catch (...) {
    reply = exchange.error(std::current_exception(), options_.debug);
  }
  exchange.finish(reply, options_.coding.get(), options_.answer_timeout);
  web_.add_headers(request, reply);
  exchange.log(reply, options_.log, options_.debug);
  return reply;
}

inline Rest::Route Rest::route(std::string_view path) noexcept {
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  if (path.empty()) return {Resource::book, {}};
  if (path.back() == '/') path.remove_suffix(1);
  if (is_valid_id(path)) return {Resource::address, path};
  if (path == "_health") return {Resource::health, {}};
  if (path == "_ready") return {Resource::ready, {}};
  return {};
}

inline std::string_view Rest::allowed_methods(Resource resource) noexcept {
  switch (resource) {
    case Resource::book: return "GET, HEAD, OPTIONS, POST";
    case Resource::address: return "DELETE, GET, HEAD, OPTIONS, PUT";
    default: return "GET, HEAD, OPTIONS";
  }
}

inline bool Rest::is_allowed(Resource resource, std::string_view method) noexcept {
  std::string_view methods = allowed_methods(resource);
  while (!methods.empty()) {
    if (detail::trim(detail::cut(methods, ',')) == method) return true;
  }
  return false;
}

// API order of refusals: route, method, web pages and authorisation, then what each method reads
// and does.
inline Reply Rest::respond(detail::Exchange& exchange) const {
  const Request& request = exchange.request();
  const Route route = Rest::route(request.path);
  if (route.resource == Resource::unknown) throw detail::HttpError(404, "Unknown Endpoint");
  if (!is_allowed(route.resource, request.method)) {
    throw detail::HttpError(405, "Method Not Allowed",
                            {{"Allow", std::string(allowed_methods(route.resource))}});
  }
  const bool is_open = route.resource == Resource::health || route.resource == Resource::ready;
  if (!is_open) check_web(request);  // a monitor calls by address
  if (request.method == "OPTIONS") {
    return detail::empty_reply(204, {{"Allow", std::string(allowed_methods(route.resource))}});
  }
  if (route.resource == Resource::health) return detail::json_reply(R"({"status":"pass"})");
  if (route.resource == Resource::ready) return ready();

  authorize(exchange, route);
  if (request.method == "POST") return create(exchange);
  if (request.method == "PUT") return update(exchange, route.id);
  if (request.method == "DELETE") {
    service_->remove(route.id);
    return detail::empty_reply(204);
  }
  return route.resource == Resource::book ? list(exchange) : get(exchange, route.id);
}

inline void Rest::check_web(const Request& request) const {
  if (!web_.is_known_host(request)) {
    throw detail::HttpError(403, "Forbidden: Host is not a name of this server");
  }
  const bool is_read =
      request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
  if (!is_read && !web_.may_write(request)) {
    throw detail::HttpError(403, "Forbidden: a web page of another origin must not write");
  }
}

inline void Rest::authorize(detail::Exchange& exchange, const Route& route) const {
  if (!options_.authorize) return;
  const Request& request = exchange.request();
  const Action action = request.method == "POST"     ? Action::create
                        : request.method == "PUT"    ? Action::update
                        : request.method == "DELETE" ? Action::remove
                                                     : Action::read;
  Access access;
  try {
    access = options_.authorize({action, route.id, request});
  } catch (...) {
    std::throw_with_nested(Error(Errc::internal, "the authorisation failed"));
  }
  exchange.set_user(std::move(access.user));
  switch (access.verdict) {
    case Access::Verdict::allowed: return;
    case Access::Verdict::unauthenticated:
      // A 401 must have one (RFC 9110, 15.5.2).
      if (access.challenge.empty() || !detail::is_field_value(access.challenge)) {
        throw Error(Errc::internal, "the authorisation's challenge can't stand in a header field");
      }
      throw detail::HttpError(401, "Unauthorized",
                              {{"WWW-Authenticate", std::move(access.challenge)}});
    case Access::Verdict::forbidden: throw detail::HttpError(403, "Forbidden");
  }
}

inline Document Rest::read_document(detail::Exchange& exchange) const {
  const Request& request = exchange.request();
  if (const auto type = request.header("Content-Type");
      type && !type->empty() && !detail::is_json_media_type(detail::media_type(*type))) {
    throw detail::HttpError(415, "Unsupported Media Type: an address is sent as application/json",
                            {{"Accept", "application/json"}});
  }
  std::unique_ptr<Codec> decoder;
  if (const auto value = request.header("Content-Encoding")) {
    const std::string coding = detail::lowercase(detail::trim(*value));
    if (!coding.empty() && coding != "identity") {
      if (options_.coding) decoder = options_.coding->decoder(coding);
      if (!decoder) {
        throw detail::HttpError(
            415, "Unsupported Content-Encoding",
            {{"Accept-Encoding", options_.coding ? "gzip, deflate" : "identity"}});
      }
    }
  }
  std::string body = read_body(exchange, decoder.get());
  try {
    return Document::parse(std::move(body));
  } catch (const Error& error) {
    std::throw_with_nested(
        detail::HttpError(400, std::string("Invalid JSON body: ") + error.what()));
  }
}

inline std::string Rest::read_body(detail::Exchange& exchange, Codec* decoder) const {
  // A client that is told so while it still sends may lose the answer with the connection, so what
  // is too much is read on and dropped, up to a point.
  constexpr std::size_t most_dropped_bytes = std::size_t{8} * 1024 * 1024;
  // What packing can add to bytes that it can't make fewer.
  const std::size_t max_packed_bytes =
      options_.max_body_bytes + (decoder != nullptr ? options_.max_body_bytes / 256 + 1024 : 0);
  const Request& request = exchange.request();
  const auto error_413 = [&] {
    return detail::HttpError(413,
                             "Body over " + std::to_string(options_.max_body_bytes) + " bytes");
  };

  const auto transfer_encoding = request.header("Transfer-Encoding");
  const auto content_length = request.header("Content-Length");
  if (transfer_encoding && detail::lowercase(*transfer_encoding) != "chunked") {
    exchange.close_connection();
    throw detail::HttpError(501, "Unsupported Transfer-Encoding");  // RFC 9112, 6.1
  }
  if (content_length) {
    const auto length = detail::parse_decimal(*content_length);
    if (!length || transfer_encoding) {  // RFC 9112, 6.3
      exchange.close_connection();
      throw detail::HttpError(400, "Invalid Content-Length");
    }
    if (*length > max_packed_bytes) throw error_413();
  } else if (!transfer_encoding) {
    // By the letter it has no body (RFC 9112, 6.3); who sends one nevertheless must not have it
    // run.
    exchange.close_connection();
    throw detail::HttpError(411, "Length Required");
  }

  enum class Outcome { good, too_large, malformed };
  Outcome outcome = Outcome::good;
  std::string body;
  const ByteSink unpacked = [&](std::string_view bytes) {
    if (bytes.size() > options_.max_body_bytes - body.size()) {
      outcome = Outcome::too_large;
      return false;
    }
    body.append(bytes);
    return true;
  };
  std::size_t received = 0;
  const BodyStatus status = request.read_body([&](std::string_view bytes) {
    received += bytes.size();
    if (outcome != Outcome::good) return received <= max_packed_bytes + most_dropped_bytes;
    if (received > max_packed_bytes) {
      outcome = Outcome::too_large;
    } else if (decoder == nullptr) {
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
    throw detail::HttpError(
        408, "Body not complete within " + std::to_string(options_.body_timeout.count()) + " ms");
  }
  if (status != BodyStatus::complete) throw detail::HttpError(400, "Incomplete body");
  if (decoder != nullptr &&
      (outcome != Outcome::good || !decoder->finish([](std::string_view) { return true; }))) {
    throw detail::HttpError(400, "The body is not in its Content-Encoding");
  }
  return body;
}

inline Reply Rest::create(detail::Exchange& exchange) const {
  Document document = read_document(exchange);
  const Entry entry = service_->create(std::move(document));
  return detail::empty_reply(201, {{"Location", options_.prefix + "/" + entry.id},
                                   {"ETag", entity_tag(entry.epoch, entry.revision)}});
}

inline Reply Rest::update(detail::Exchange& exchange, std::string_view id) const {
  const Document document = read_document(exchange);
  const Entry entry = service_->update(id, document);
  return detail::empty_reply(204, {{"ETag", entity_tag(entry.epoch, entry.revision)}});
}

inline Reply Rest::get(const detail::Exchange& exchange, std::string_view id) const {
  const Entry entry = service_->get(id);
  std::string tag = entity_tag(entry.epoch, entry.revision);
  if (exchange.client_has(tag)) return detail::empty_reply(304, {{"ETag", std::move(tag)}});
  Reply reply = detail::json_reply(entry.document.text());
  reply.headers.emplace_back("ETag", std::move(tag));
  return reply;
}

inline Reply Rest::list(const detail::Exchange& exchange) const {
  const BookState state = service_->state();
  std::string tag = entity_tag(state.epoch, state.revision);
  if (exchange.client_has(tag)) return detail::empty_reply(304, {{"ETag", "W/" + tag}});

  Page page = service_->page();
  // The tag is the page's: with the older one, a body that is newer would pass for it.
  tag = entity_tag(page.state.epoch, page.state.revision);
  Reply reply = detail::json_reply({});
  reply.headers.emplace_back("ETag", "W/" + tag);
  if (page.more) {
    reply.stream = [service = service_, page = std::move(page)](const ByteSink& sink) {
      return write_list(*service, page, sink);
    };
  } else {
    static_cast<void>(write_list(*service_, std::move(page), [&](std::string_view text) {
      reply.body.append(text);
      return true;
    }));
  }
  return reply;
}

// Page by page: between two pages nothing is locked, however slow the sink is.
inline bool Rest::write_list(const Service& service, Page page, const ByteSink& sink) {
  constexpr std::size_t chunk_bytes = std::size_t{64} * 1024;
  const std::uint64_t newest = page.state.revision;  // entries created since are not in this list
  std::string chunk;
  char separator = '{';
  while (true) {
    for (const Entry& entry : page.entries) {
      if (entry.created > newest) {
        page.more = false;
        break;
      }
      chunk += separator;
      separator = ',';
      chunk.append("\"").append(entry.id).append("\":").append(entry.document.text());
      if (chunk.size() >= chunk_bytes) {
        if (!sink(chunk)) return false;
        chunk.clear();
      }
    }
    if (!page.more) break;
    page = service.page(page.entries.back().created);
  }
  chunk.append(separator == '{' ? "{}" : "}");
  return sink(chunk);
}

inline Reply Rest::ready() const {
  const Health health = service_->health();
  if (health.ready) return detail::json_reply(R"({"status":"pass"})");
  if (health.fault) {
    try {
      std::rethrow_exception(health.fault);
    } catch (...) {
      std::throw_with_nested(Error(Errc::storage, "not ready"));
    }
  }
  throw detail::HttpError(503, "Not ready: " + health.reason);
}

inline std::string Rest::entity_tag(std::uint64_t epoch_number, std::uint64_t revision) {
  const std::string epoch = detail::hex(epoch_number);
  const std::string number = std::to_string(revision);
  std::string tag;
  tag.reserve(epoch.size() + number.size() + 3);
  return tag.append("\"").append(epoch).append("-").append(number).append("\"");
}

}  // namespace addrbook
