/// Rest: a Service or a Books over HTTP (RFC 9110) without an HTTP library, Request -> Reply. Which
/// endpoints there are is in rest/routes.hpp; what holds for all of them is here.
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/base/ascii.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/book_store.hpp>
#include <addrbook/books.hpp>
#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/http/prefix.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/http/request_id.hpp>
#include <addrbook/http/trusted_proxies.hpp>
#include <addrbook/import.hpp>
#include <addrbook/log.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/metrics/collectors.hpp>
#include <addrbook/metrics/page.hpp>
#include <addrbook/openapi.hpp>
#include <addrbook/openapi/style.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/access.hpp>
#include <addrbook/rest/api_texts.hpp>
#include <addrbook/rest/body.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/exchange.hpp>
#include <addrbook/rest/followers.hpp>
#include <addrbook/rest/import_body.hpp>
#include <addrbook/rest/list_cache.hpp>
#include <addrbook/rest/metrics.hpp>
#include <addrbook/rest/positions.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/rest/routes.hpp>
#include <addrbook/rest/web_policy.hpp>
#include <addrbook/service.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// The HTTP interface of a book, or of many. An HTTP library's adapter passes every request below
/// the root to handle(), or makes a Call of it; mount.hpp has the one for cpp-httplib.
/// @par Thread safety  any thread.
class Rest {
 public:
  /// One book.
  /// @throws Error{invalid} if `service` is null, max_concurrent_writes, body_timeout or
  ///         ping_interval is 0, the prefix, an origin, a host or a proxy is not as Options says,
  ///         or an option is for many books
  Rest(std::shared_ptr<Service> service, Options options)
      : Rest(std::move(service), nullptr, std::move(options)) {}

  /// Many books: the prefix or Options::book names that of a request.
  /// @throws Error{invalid} as above, and if neither names it, or both
  Rest(std::shared_ptr<Books> books, Options options)
      : Rest(nullptr, std::move(books), std::move(options)) {}

  [[nodiscard]] const Options& options() const noexcept { return options_; }

  /// What the paths of all requests begin with: the prefix, up to `/{book}`.
  [[nodiscard]] std::string_view root() const noexcept { return prefix_.root(); }

  /// Answers a request. Errors are replies too.
  /// @throws std::bad_alloc and nothing else
  [[nodiscard]] Reply handle(const Request& request) const;

  class Call;

  /// Adds to a server's own refusal of a request for this book what lets web pages read it, as
  /// handle() does (Options::allowed_origins).
  void allow_origin(const Request& request, Reply& reply) const {
    web_.add_headers(request, {}, reply);
  }

  /// @param path  below the root, decoded
  /// @returns whether a request is answered without the storage, at once: it can be served even
  ///          when no thread is free
  [[nodiscard]] bool is_instant(std::string_view method, std::string_view path) const;

 private:
  class WriteSlot;

  Rest(std::shared_ptr<Service> service, std::shared_ptr<Books> books, Options options);

  [[nodiscard]] static bool is_format_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= detail::EntityTag::max_form_bytes &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return detail::is_digit(c) || (c >= 'a' && c <= 'z'); });
  }
  void check_web(const Request& request, bool is_write) const;
  [[nodiscard]] bool has_encoded_slash(const Request& request) const;
  [[nodiscard]] std::string name_book(const Access& access, const Request& request) const;
  [[nodiscard]] detail::QueryParameters read_query(const Request& request,
                                                   const detail::Route& route) const;

  std::shared_ptr<Service> service_;  // null: there are many books
  std::shared_ptr<Books> books_;
  Options options_;
  detail::Prefix prefix_;
  detail::WebPolicy web_;
  detail::TrustedProxies proxies_;
  detail::RequestIds request_ids_;
  std::shared_ptr<detail::ListCache> lists_;
  mutable detail::Positions positions_;
  mutable detail::Followers followers_;
  mutable std::atomic<std::size_t> writes_{0};
  std::unique_ptr<const detail::ApiTexts> api_;  // with Options::openapi
  detail::Collector collector_;                  // ends first
};

/// One request in steps, for servers that must not block while its body arrives: construct, pass
/// the body to take() if it is wanted, finish().
/// @par Thread safety  one call at a time, from any thread.
class Rest::Call : private detail::Pinned {
 public:
  /// Decides what the head alone decides: route, web policy, authorization, the book, the body's
  /// type and framing. It may wait for the storage, to open a book among many.
  /// @param rest     must outlive the call
  /// @param request  must outlive the call, with its views; its read_body is not used
  /// @throws std::bad_alloc and nothing else
  Call(const Rest& rest, const Request& request);

  /// Whether the request's body is needed. If not, finish() may be called at once: the body, if
  /// there is one, makes no difference.
  [[nodiscard]] bool wants_body() const noexcept { return body_ || import_; }

  /// Takes the next bytes of the body, without the chunked coding. Only if wants_body().
  /// @returns false to refuse the rest
  bool take(std::string_view bytes) noexcept;

  /// Whether take() may wait for the storage, which an import in parts does.
  [[nodiscard]] bool may_wait() const noexcept { return import_ && import_->is_in_parts(); }

  /// @returns 0 if the body must arrive within Options::body_timeout; else that is how far the
  ///          client may lag behind this many bytes a second
  [[nodiscard]] std::size_t min_rate() const noexcept {
    return import_ ? rest_.options_.min_transfer_rate : 0;
  }

  /// @returns the bytes of memory that are held for the body
  [[nodiscard]] std::size_t memory() const noexcept {
    return (body_ ? body_->memory() : 0) + (import_ ? import_->memory() : 0);
  }

  /// Answers the request, once. This does the work: it may wait for the storage.
  /// @param status  how reading the body ended; `complete` where none is wanted
  /// @throws std::bad_alloc and nothing else
  [[nodiscard]] Reply finish(BodyStatus status);

 private:
  friend Rest;

  void begin();
  void begin_body();
  void begin_import();
  [[nodiscard]] Access authorize();
  void authorize(Action action);
  void find_book(const Access& access);
  [[nodiscard]] bool open_book();
  [[nodiscard]] Reply respond_or_fail(BodyStatus status);
  [[nodiscard]] Reply respond(BodyStatus status);
  [[nodiscard]] Reply handle(detail::Context& context);

  const Rest& rest_;
  detail::Exchange exchange_;
  std::optional<detail::Endpoints> endpoints_;
  const detail::Route* route_ = nullptr;  // null for OPTIONS
  std::optional<Action> action_;
  std::string_view book_;             // of many
  std::string named_book_;            // by the program
  std::shared_ptr<Service> service_;  // of many
  std::optional<detail::JsonBody> body_;
  std::optional<detail::ImportBody> import_;  // instead
  std::exception_ptr refusal_;
};

// ---------------------------------------------------------------------------------------------

inline Rest::Rest(std::shared_ptr<Service> service, std::shared_ptr<Books> books, Options options)
    : service_(std::move(service)),
      books_(std::move(books)),
      options_(std::move(options)),
      prefix_(options_.prefix),
      web_(options_.allowed_origins, options_.allowed_hosts, options_.loopback_hosts_only),
      proxies_(options_.trusted_proxies),
      lists_(std::make_shared<detail::ListCache>(options_.list_cache_bytes)) {
  if (!service_ && !books_) throw Error(Errc::invalid, "mount needs a service or books");
  if (options_.max_concurrent_writes == 0) {
    throw Error(Errc::invalid, "max_concurrent_writes must be at least 1");
  }
  if (options_.body_timeout.count() <= 0) {
    throw Error(Errc::invalid, "body_timeout must be above 0");
  }
  if (options_.max_atomic_records == 0 || options_.min_transfer_rate == 0) {
    throw Error(Errc::invalid, "max_atomic_records and min_transfer_rate must be above 0");
  }
  for (const auto& format : options_.formats) {
    if (!format || !is_format_name(format->name())) {
      throw Error(Errc::invalid, "a format is null, or its name is not 1 to 24 of [a-z0-9]");
    }
  }
  if (options_.ping_interval.count() <= 0) {
    throw Error(Errc::invalid, "ping_interval must be above 0");
  }
  if (!detail::is_valid_prefix(options_.prefix)) {
    throw Error(Errc::invalid, "the prefix '" + options_.prefix + "' is not " +
                                   std::string(detail::prefix_grammar));
  }
  if (service_ && (prefix_.names_books() || options_.book || options_.create_on_write)) {
    throw Error(Errc::invalid,
                "a mount of one book has no {book} in its prefix, no Options::book and no "
                "create_on_write");
  }
  if (books_ && prefix_.names_books() == static_cast<bool>(options_.book)) {
    throw Error(Errc::invalid,
                "a mount of many books has either {book} in its prefix or Options::book");
  }
  if (options_.openapi) {
    using detail::ApiPlace;
    api_ = std::make_unique<const detail::ApiTexts>(
        openapi_document(options_, ApiPlace::server_slot),
        openapi_page(options_, ApiPlace::path_slot, ApiPlace::server_slot),
        detail::document_policy);
  }
  if (!options_.metrics) return;
  options_.metrics->name_routes(detail::metric_routes());
  const detail::MountNumbers numbers{options_, service_.get(), books_.get(),
                                     *lists_,  followers_,     writes_};
  collector_ =
      options_.metrics->collect([report = detail::MountReport(numbers)](
                                    detail::MetricsPage& page) mutable { report.tell(page); });
}

inline Reply Rest::handle(const Request& request) const {
  Call call(*this, request);
  BodyStatus status = BodyStatus::complete;
  if (call.wants_body()) {
    try {
      status = request.read_body([&call](std::string_view bytes) { return call.take(bytes); });
    } catch (...) {
      call.refusal_ = std::current_exception();
      status = BodyStatus::malformed;
    }
  }
  return call.finish(status);
}

inline bool Rest::is_instant(std::string_view method, std::string_view path) const {
  const auto endpoints = detail::Endpoints::find(prefix_, path, &options_);
  const detail::Route* const route = endpoints ? endpoints->route(method) : nullptr;
  return route != nullptr && route->is_instant;
}

/// Counts a write while the storage works on it.
class Rest::WriteSlot : private detail::Pinned {
 public:
  /// @throws HttpError{503} if there are as many as there may be
  explicit WriteSlot(const Rest& rest) : writes_(rest.writes_) {
    if (writes_.fetch_add(1, std::memory_order_relaxed) < rest.options_.max_concurrent_writes) {
      return;
    }
    release();
    throw detail::HttpError(503, "Too many writes at once");
  }
  ~WriteSlot() { release(); }

 private:
  void release() noexcept { writes_.fetch_sub(1, std::memory_order_relaxed); }

  std::atomic<std::size_t>& writes_;
};

inline Rest::Call::Call(const Rest& rest, const Request& request)
    : rest_(rest), exchange_(request, rest.request_ids_, rest.proxies_) {
  try {
    begin();
  } catch (...) {
    refusal_ = std::current_exception();
    body_.reset();
    import_.reset();
  }
}

// The order of these steps, and of those in respond(), decides which of several errors a client
// sees.
inline void Rest::Call::begin() {
  const Request& request = exchange_.request();
  if (!rest_.books_ || !rest_.has_encoded_slash(request)) {
    endpoints_ = detail::Endpoints::find(rest_.prefix_, request.path, &rest_.options_);
  }
  if (!endpoints_) throw detail::HttpError(404, "Unknown Endpoint");
  route_ = endpoints_->route(request.method);
  if (route_ == nullptr && request.method != "OPTIONS") {
    throw detail::HttpError(405, "Method Not Allowed", {{"Allow", endpoints_->methods()}});
  }
  // Not for _health and _ready: monitors use the server's address as Host.
  if (!endpoints_->has_any_host()) {
    rest_.check_web(request, route_ != nullptr && route_->is_write());
  }
  if (route_ == nullptr) return;
  book_ = endpoints_->book();
  if (rest_.books_) exchange_.set_book(book_);
  std::optional<Access> access;
  action_ = route_->action_of(request);
  if (action_ && rest_.options_.authorize) access = authorize();
  if (rest_.books_ && route_->needs_book()) find_book(access ? *access : Access::allow());
  if (route_->body != detail::BodyKind::none) begin_body();
}

inline void Rest::Call::begin_body() {
  const bool is_import = route_->body == detail::BodyKind::records &&
                         detail::ImportRequest::is_one(exchange_.request(), rest_.options_.formats);
  if (is_import) return begin_import();
  body_.emplace(exchange_, rest_.options_, route_->body);
}

inline void Rest::Call::begin_import() {
  auto wanted = detail::ImportRequest::of(
      exchange_.request(), rest_.read_query(exchange_.request(), *route_), rest_.options_);
  if (wanted.options.on_conflict == OnConflict::replace) authorize(Action::update);
  ImportTarget target;
  target.book = rest_.books_ ? service_ : rest_.service_;
  target.make = [this](std::uint64_t entries) {
    return service_ = rest_.books_->create(book_, entries).book;
  };
  target.validate = [this](const Document& address) { rest_.books_->validate(address); };
  if (rest_.books_) target.max_entries = rest_.books_->options().max_entries;
  import_.emplace(exchange_, rest_.options_, std::move(wanted), std::move(target));
}

inline Access Rest::Call::authorize() {
  const auto ask = [this](Action action) {
    return detail::ask_access(rest_.options_,
                              {action, endpoints_->id(), exchange_.request(), book_});
  };
  Access access = ask(*action_);
  for (const Action other : route_->alternatives) {
    if (access.verdict != Access::Verdict::forbidden) break;
    if (Access next = ask(other); next.verdict == Access::Verdict::allowed)
      access = std::move(next);
  }
  exchange_.set_user(access.user);
  detail::check_access(access);
  return access;
}

/// Asks for one more action.
inline void Rest::Call::authorize(Action action) {
  Access access =
      detail::ask_access(rest_.options_, {action, endpoints_->id(), exchange_.request(), book_});
  detail::check_access(access);
}

inline void Rest::Call::find_book(const Access& access) {
  if (rest_.options_.book) {
    book_ = named_book_ = rest_.name_book(access, exchange_.request());
    exchange_.set_book(book_);
  }
  if (!open_book()) throw NoSuchBook(book_);
}

/// @returns whether there is a book to work with: it is there, or the request may make it
inline bool Rest::Call::open_book() {
  service_ = rest_.books_->find(book_);
  return service_ || (rest_.options_.create_on_write && action_ == Action::create);
}

inline bool Rest::Call::take(std::string_view bytes) noexcept {
  if (refusal_) return false;
  try {
    if (!import_) return body_->take(bytes);
    std::optional<WriteSlot> slot;
    if (may_wait()) slot.emplace(rest_);
    return import_->take(bytes);
  } catch (...) {
    refusal_ = std::current_exception();
    return false;
  }
}

inline Reply Rest::Call::finish(BodyStatus status) {
  if (status != BodyStatus::complete) exchange_.close_connection();
  const Options& options = rest_.options_;
  Reply reply = respond_or_fail(status);
  if (!options.formats.empty() && route_ != nullptr && route_->has_formats()) {
    detail::add_vary(reply, "Accept");
  }
  std::string preflight_methods;
  if (!refusal_ && route_ == nullptr) preflight_methods = endpoints_->methods();
  exchange_.finish(reply, options.coding.get());
  rest_.web_.add_headers(exchange_.request(), preflight_methods, reply);
  if (options.metrics && route_ != nullptr) exchange_.set_row(route_->row);
  exchange_.tell(reply, options.log, options.metrics, options.debug, options.answer_timeout);
  return reply;
}

inline Reply Rest::Call::respond_or_fail(BodyStatus status) {
  try {
    if (!refusal_) return respond(status);
  } catch (...) {
    refusal_ = std::current_exception();
  }
  return exchange_.fail(refusal_, rest_.options_.debug);
}

inline Reply Rest::Call::respond(BodyStatus status) {
  if (route_ == nullptr) {
    Reply reply = detail::empty_reply(204);
    reply.headers.emplace_back("Allow", endpoints_->methods());
    if (endpoints_->route("PATCH") != nullptr) {
      reply.headers.emplace_back("Accept-Patch", detail::patch_types);
    }
    return reply;
  }
  detail::Context context{rest_.books_ ? service_ : rest_.service_,
                          rest_.books_.get(),
                          book_,
                          rest_.options_,
                          rest_.prefix_,
                          exchange_,
                          rest_.lists_,
                          rest_.positions_,
                          rest_.followers_,
                          rest_.api_.get(),
                          {},
                          endpoints_->id(),
                          {}};
  if (body_) context.body = body_->finish(status);
  if (import_) {
    import_->finish(status);
    context.import = &*import_;
  }
  context.query = rest_.read_query(exchange_.request(), *route_);
  std::optional<WriteSlot> slot;
  if (route_->is_write()) slot.emplace(rest_);
  Reply reply = handle(context);
  if (reply.source && exchange_.request().memory == MemoryState::exhausted) {
    throw detail::HttpError(503, "The server is short of memory");
  }
  return reply;
}

inline Reply Rest::Call::handle(detail::Context& context) {
  if (context.import != nullptr) return route_->handle(context);  // can't be done again
  try {
    return route_->handle(context);
  } catch (const NoSuchBook&) {
    // Another process may have removed the book and made it again.
    if (!rest_.books_ || !route_->needs_book() || !open_book()) throw;
  }
  return route_->handle(context);
}

inline void Rest::check_web(const Request& request, bool is_write) const {
  if (!web_.is_known_host(request)) throw detail::HttpError(403, detail::foreign_host_reason);
  if (is_write && !web_.may_write(request)) {
    throw detail::HttpError(403, "Forbidden: a web page of another origin must not write");
  }
}

/// Whether a '/' of the path was not one when it was sent: it would make a segment that other
/// programs, e.g. a proxy that decides by the path, don't see.
inline bool Rest::has_encoded_slash(const Request& request) const {
  const std::string_view sent = request.target.substr(0, request.target.find('?'));
  if (sent.find('%') == std::string_view::npos) return false;
  const auto slashes = [](std::string_view path) {
    return std::count(path.begin(), path.end(), '/');
  };
  return slashes(sent) < slashes(root()) + slashes(request.path);
}

/// @returns a valid name
inline std::string Rest::name_book(const Access& access, const Request& request) const {
  std::string name;
  try {
    name = options_.book(access, request);
  } catch (...) {
    std::throw_with_nested(Error(Errc::internal, "naming the book failed"));
  }
  if (!is_valid_book_name(name)) throw NoSuchBook("");
  return name;
}

inline detail::QueryParameters Rest::read_query(const Request& request,
                                                const detail::Route& route) const {
  auto parameters = detail::parse_query(request.query);
  if (!parameters) throw detail::HttpError(400, "Invalid query: '%' needs two hexadecimal digits");
  for (const detail::QueryParameter& parameter : *parameters) {
    const auto has = [&](const std::vector<detail::Parameter>& known) {
      return std::any_of(known.begin(), known.end(),
                         [&](const auto& each) { return each.name == parameter.name; });
    };
    if (!has(route.parameters) && (options_.formats.empty() || !has(route.format_parameters))) {
      throw detail::HttpError::of_query("Unknown parameter", ": '" + parameter.name + "'");
    }
  }
  return *std::move(parameters);
}

}  // namespace addrbook
