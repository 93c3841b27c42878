/// Authorization: the host program decides who may do what. tokens.hpp has a ready-made decision.
#pragma once

#include <addrbook/http.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook {

/// What a request wants to do.
enum class Action {
  read,
  create,
  update,
  remove,
  manage,   ///< make or remove a book
  observe,  ///< see how the server is doing
};

/// @returns whether an action changes something
[[nodiscard]] constexpr bool is_write(Action action) noexcept {
  return action != Action::read && action != Action::observe;
}

/// What is to be authorized. Valid during the call only.
struct AccessRequest {
  Action action;
  std::string_view id;     ///< of the address; empty if the request is for the book as a whole
  const Request& request;  ///< for its header fields; the body must not be read
  /// The book's name, where the path has it. Empty on a mount of one book, with Options::book, and
  /// for the list of books, which shows only the books that the client may read: for each of these
  /// there is a further call.
  std::string_view book = {};
};

/// The decision about a request.
struct Access {
  enum class Verdict {
    allowed,
    unauthenticated,  ///< 401: the client is unknown
    forbidden,        ///< 403: the client is known, but may not do this
  };

  Verdict verdict = Verdict::forbidden;
  std::string user;       ///< for the log, if known
  std::string challenge;  ///< WWW-Authenticate of a 401 (RFC 9110, 11.6.1), e.g. `Bearer`
  std::string reason;     ///< of a 403, for the client

  [[nodiscard]] static Access allow(std::string user = {}) {
    return {Verdict::allowed, std::move(user), {}, {}};
  }
  [[nodiscard]] static Access unauthenticated(std::string challenge = "Bearer") {
    return {Verdict::unauthenticated, {}, std::move(challenge), {}};
  }
  [[nodiscard]] static Access forbid(std::string user = {}, std::string reason = {}) {
    return {Verdict::forbidden, std::move(user), {}, std::move(reason)};
  }
};

/// Decides about each request to a book or an address, before the body is read, and before a book
/// is looked up: so who may not read a book can't find out whether it is there. It is not called
/// for _health, _ready, _page, _openapi and _openapi.json, nor for OPTIONS, because a browser's
/// preflight has no credentials. If it throws, nothing is done, the answer is a 500 without
/// details, and the cause is logged.
/// @par Thread safety  Must allow concurrent calls from any thread.
using Authorize = std::function<Access(const AccessRequest&)>;

}  // namespace addrbook
