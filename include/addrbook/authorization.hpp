/// The seam for authorisation: who may do what is the host's to say. tokens.hpp has an answer for
/// those who need nothing of their own.
#pragma once

#include <addrbook/http.hpp>

#include <algorithm>
#include <cstddef>
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

/// Who bears it may use the book: for bearer_tokens() of tokens.hpp.
struct Token {
  enum class Role {
    read,   ///< may read
    write,  ///< may do everything
  };

  std::string name;  ///< of its bearer, for the log: 1 to 64 of [A-Za-z0-9._@-]
  Role role = Role::read;
  /// One of the two: the token's SHA-256 in 64 hex digits, or the token itself, a secret of at
  /// least 16 of [A-Za-z0-9-._~+/] (then = at its end; RFC 6750, 2.1).
  std::string sha256;
  std::string text;
};

namespace detail {

constexpr std::string_view alphanumeric =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

inline bool consists_of(std::string_view text, std::string_view alphabet,
                        std::string_view more = {}) noexcept {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return alphabet.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
  });
}

/// Whether a text is what a Bearer header field can carry (RFC 6750, 2.1: b64token).
inline bool is_bearer_token(std::string_view text) noexcept {
  const auto last = text.find_last_not_of('=');
  return last != std::string_view::npos &&
         consists_of(text.substr(0, last + 1), alphanumeric, "-._~+/");
}

/// @returns what is wrong with a token, without a word of what it holds; "" if nothing
inline std::string_view fault_of(const Token& token) noexcept {
  constexpr std::size_t max_name_size = 64;
  constexpr std::size_t min_text_size = 16;
  constexpr std::size_t sha256_digits = 64;
  if (token.name.empty() || token.name.size() > max_name_size ||
      !consists_of(token.name, alphanumeric, "._@-")) {
    return "its name must be 1 to 64 of [A-Za-z0-9._@-]";
  }
  if (token.sha256.empty() == token.text.empty()) return "needs the token or its SHA-256";
  if (token.sha256.empty()) {
    if (token.text.size() < min_text_size) return "is shorter than 16 characters";
    if (!is_bearer_token(token.text)) {
      return "must be of [A-Za-z0-9-._~+/], with = at its end only";
    }
  } else if (token.sha256.size() != sha256_digits ||
             !consists_of(token.sha256, "0123456789abcdefABCDEF")) {
    return "its sha256 must be 64 hex digits";
  }
  return {};
}

}  // namespace detail

}  // namespace addrbook
