/// Idempotency-Key: a POST that is sent again creates nothing again.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// Reads Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): 1 to 255 printable ASCII
/// characters. A quoted string (RFC 9651, 3.3.3), as the draft wants it, and the same without its
/// quotes, as most clients send it, are one key.
/// @returns a key that is the user's own; nothing if the request has none
/// @throws HttpError{400}
[[nodiscard]] inline std::optional<std::string> idempotency_key(const Context& context) {
  constexpr std::size_t max_size = 255;
  constexpr std::size_t max_user_size = 256;
  const auto value = context.exchange.request().header("Idempotency-Key");
  if (!value) return std::nullopt;
  std::string_view key = trim(*value);
  if (key.size() > 1 && key.front() == '"' && key.back() == '"') {
    key = key.substr(1, key.size() - 2);
  }
  const bool is_printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (key.empty() || key.size() > max_size || !is_printable) {
    throw HttpError(400, "Invalid Idempotency-Key: it needs 1 to 255 printable ASCII characters");
  }
  const std::string& user = context.exchange.user();
  if (user.size() > max_user_size) {
    throw HttpError(400, "Idempotency-Key can't be used: the user's name is too long");
  }
  return hex(std::string_view(user)).append(" ").append(key);
}

/// A request that must not be done twice, and that can't be recognised the second time: to pass
/// over the key would break what it promises.
/// @throws HttpError{400} if there is an Idempotency-Key
inline void refuse_idempotency_key(const Context& context, const std::string& instead) {
  if (!context.exchange.request().header("Idempotency-Key")) return;
  throw HttpError(400, "Idempotency-Key is for the POST of one address; here " + instead);
}

}  // namespace addrbook::detail
