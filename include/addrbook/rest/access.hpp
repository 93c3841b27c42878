/// Asking the program who may do what.
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/error_reply.hpp>

#include <exception>
#include <utility>

namespace addrbook::detail {

/// @returns the program's decision; without Options::authorize everything is allowed
/// @throws Error{internal} what the program throws is nested in it
[[nodiscard]] inline Access ask_access(const Options& options, const AccessRequest& request) {
  if (!options.authorize) return Access::allow();
  try {
    return options.authorize(request);
  } catch (...) {
    std::throw_with_nested(Error(Errc::internal, "the authorisation failed"));
  }
}

/// @throws HttpError{401, 403} unless it is allowed | Error{internal} the challenge is not a
/// field's
///         value
inline void check_access(Access& access) {
  switch (access.verdict) {
    case Access::Verdict::allowed: return;
    case Access::Verdict::unauthenticated:
      // RFC 9110, 15.5.2: a 401 must have a challenge.
      if (access.challenge.empty() || !is_field_value(access.challenge)) {
        throw Error(Errc::internal, "the authorisation's challenge can't stand in a header field");
      }
      throw HttpError(401, "Unauthorized", {{"WWW-Authenticate", std::move(access.challenge)}});
    case Access::Verdict::forbidden:
      throw HttpError(403, access.reason.empty() ? "Forbidden" : "Forbidden: " + access.reason);
  }
}

}  // namespace addrbook::detail
