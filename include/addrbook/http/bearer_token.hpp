/// The grammar of bearer tokens (RFC 6750, 2.1), and the rules for a Token.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/book_store.hpp>
#include <addrbook/options.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// @returns  whether a text can be the token of an Authorization field (RFC 6750, 2.1: b64token)
inline bool is_bearer_token(std::string_view text) noexcept {
  const auto last = text.find_last_not_of('=');
  return last != std::string_view::npos && is_alphanumeric_or("-._~+/", text.substr(0, last + 1));
}

/// @returns  why a token is not acceptable, without any part of its content; "" if it is
inline std::string_view fault_of(const Token& token) noexcept {
  constexpr std::size_t max_name_size = 64;
  constexpr std::size_t min_text_size = 16;
  constexpr std::size_t sha256_digits = 64;
  if (token.name.empty() || token.name.size() > max_name_size ||
      !is_alphanumeric_or("._@-", token.name)) {
    return "its name must be 1 to 64 of [A-Za-z0-9._@-]";
  }
  if (token.sha256.empty() == token.text.empty()) {
    return "needs either the token or its SHA-256, not both";
  }
  if (token.sha256.empty()) {
    if (token.text.size() < min_text_size) return "is shorter than 16 characters";
    if (!is_bearer_token(token.text)) {
      return "must be of [A-Za-z0-9-._~+/], with = at its end only";
    }
  } else if (token.sha256.size() != sha256_digits ||
             !std::all_of(token.sha256.begin(), token.sha256.end(),
                          [](char c) { return hex_value(c) >= 0; })) {
    return "its sha256 must be 64 hex digits";
  }
  if (!std::all_of(token.books.begin(), token.books.end(),
                   [](const std::string& name) { return is_valid_book_name(name); })) {
    return "one of its books is no name of a book";
  }
  return {};
}

}  // namespace addrbook::detail
