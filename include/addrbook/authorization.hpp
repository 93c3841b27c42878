/// The seam for authorisation: who may do what is the host's to say. tokens.hpp has an answer for
/// those who need nothing of their own.
#pragma once

#include <addrbook/http.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook {

/// What a request wants to do with the book.
enum class Action { read, create, update, remove };

/// What an authorisation is asked about. Valid during the call only.
struct AccessRequest {
  Action action;
  std::string_view id;     ///< of the address; empty for the book as a whole
  const Request& request;  ///< for its header fields; its body must not be read
};

/// An authorisation's answer.
struct Access {
  enum class Verdict {
    allowed,
    unauthenticated,  ///< 401: who are you?
    forbidden,        ///< 403: not you
  };

  Verdict verdict = Verdict::forbidden;
  std::string user;       ///< for the log, if known
  std::string challenge;  ///< WWW-Authenticate of a 401 (RFC 9110, 11.6.1), e.g. `Bearer`

  [[nodiscard]] static Access allow(std::string user = {}) {
    return {Verdict::allowed, std::move(user), {}};
  }
  [[nodiscard]] static Access unauthenticated(std::string challenge = "Bearer") {
    return {Verdict::unauthenticated, {}, std::move(challenge)};
  }
  [[nodiscard]] static Access forbid(std::string user = {}) {
    return {Verdict::forbidden, std::move(user), {}};
  }
};

/// Is asked once for every request to the book or an address, before its body is read; not for
/// _health, _ready and OPTIONS (a browser's preflight brings no credentials). Is called by any
/// thread, several at once. If it throws, nobody gets in: nothing is done, the answer is a 500 that
/// says no more, the cause is in the log.
using Authorize = std::function<Access(const AccessRequest&)>;

}  // namespace addrbook
