/// The handlers for monitors.
#pragma once

#include <addrbook/books.hpp>
#include <addrbook/error.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/service.hpp>

#include <exception>

namespace addrbook::detail {

/// GET _health: the program answers requests.
inline Reply get_health(Context& /*context*/) {
  return json_reply(R"({"status":"pass"})");
}

/// GET _ready: 200 if the book, or the storage of all books, can be used, else 503.
inline Reply get_ready(Context& context) {
  const Health health =
      context.books != nullptr ? context.books->health() : context.service->health();
  if (health.ready) return get_health(context);
  if (health.fault) {
    try {
      std::rethrow_exception(health.fault);
    } catch (...) {
      std::throw_with_nested(Error(Errc::storage, "not ready"));
    }
  }
  throw HttpError(503, "Not ready: " + health.reason);
}

}  // namespace addrbook::detail
