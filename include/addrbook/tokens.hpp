/// Bearer tokens (RFC 6750) for Options::authorize. Needs OpenSSL (target addrbook::tokens).
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http/bearer_token.hpp>
#include <addrbook/options.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace addrbook {

/// @returns  the SHA-256 of a token in 64 hexadecimal digits, for Token::sha256
/// @throws   Error{invalid} the text is not a token, see Token::text
[[nodiscard]] inline std::string hash_token(const std::string& text);

/// Authorizes requests that have one of these tokens in the Authorization field: readers may read,
/// writers may also write addresses, admins everything. A token that is for some books may do so in
/// these, and list them. The user in the log is the token's name, also where that is the name of
/// the user's own book (Options::book). Without tokens, every request is refused.
///
/// Tokens are looked up by their SHA-256, and compared in constant time. They should be random,
/// e.g. from `openssl rand -hex 32`: a password can be guessed from its hash.
/// @par Cost  a SHA-256 and a look-up for each request, however many tokens there are
/// @throws Error{invalid} a token breaks the rules of Token, or two have the same name or
///         secret. The message has its position in the list, from 1.
[[nodiscard]] inline Authorize bearer_tokens(const std::vector<Token>& tokens);

namespace detail {
class BearerTable;
}  // namespace detail

/// Tokens that can be replaced while a server asks for them.
/// @par Thread safety  any thread
class BearerTokens : private detail::Pinned {
 public:
  /// @throws as bearer_tokens()
  explicit BearerTokens(const std::vector<Token>& tokens) { replace(tokens); }

  /// From now on these tokens count and no others.
  /// @throws as bearer_tokens(); the old ones then stay
  inline void replace(const std::vector<Token>& tokens);

  [[nodiscard]] inline bool empty() const;

  /// Decides as bearer_tokens() does. An Options::authorize that calls it must keep the object.
  [[nodiscard]] inline Access authorize(const AccessRequest& access) const;

 private:
  using Bearers = std::shared_ptr<const detail::BearerTable>;

  [[nodiscard]] Bearers bearers() const {
    const std::lock_guard lock(mutex_);
    return bearers_;
  }

  mutable std::mutex mutex_;
  Bearers bearers_;
};

// ---------------------------------------------------------------------------------------------

namespace detail {

using Sha256 = std::array<unsigned char, 32>;

inline Sha256 sha256(std::string_view text) {
  Sha256 hash{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1 ||
      size != hash.size()) {
    throw Error(Errc::internal, "OpenSSL has no SHA-256");
  }
  return hash;
}

/// @param text  64 hex digits
inline Sha256 from_hex(std::string_view text) {
  Sha256 hash{};
  for (std::size_t i = 0; i < hash.size(); ++i) {
    hash[i] = static_cast<unsigned char>(hex_value(text[2 * i]) * 16 + hex_value(text[2 * i + 1]));
  }
  return hash;
}

/// A Token that has been checked.
struct Bearer {
  std::string name;
  Token::Role role;
  std::vector<std::string> books;  // sorted; empty: all

  /// @param book  "" for the list of books, which asks again for each
  [[nodiscard]] bool may_use(std::string_view book) const {
    return books.empty() || book.empty() || std::binary_search(books.begin(), books.end(), book);
  }
  /// @returns why it may not do this; "" if it may
  [[nodiscard]] std::string_view refusal(const AccessRequest& access) const {
    if (!may_use(access.book)) return "this token is for other books";
    switch (access.action) {
      case Action::read: return {};
      case Action::create:
      case Action::update:
      case Action::remove:
        return role == Token::Role::read ? "this token may only read" : std::string_view();
      case Action::observe:
        if (!books.empty()) return "this token is for some books only";
        break;
      case Action::manage: break;
    }
    return role == Token::Role::admin ? std::string_view()
                                      : "this needs a token with the role admin";
  }
};

/// Finds a bearer by the hash of the token. The time of a look-up may tell that the first bits of a
/// hash are those of another one. That does not help to guess a random token.
class BearerTable {
 public:
  /// @throws as bearer_tokens()
  explicit BearerTable(const std::vector<Token>& tokens);

  [[nodiscard]] bool empty() const noexcept { return bearers_.empty(); }

  /// @returns null if it is none of the tokens
  [[nodiscard]] const Bearer* find(std::string_view token) const {
    const auto at = bearers_.find(sha256(token));
    return at == bearers_.end() ? nullptr : &at->second;
  }

 private:
  struct Bits {
    std::size_t operator()(const Sha256& hash) const noexcept {
      std::size_t first = 0;
      std::memcpy(&first, hash.data(), sizeof first);
      return first;
    }
  };
  struct Same {
    bool operator()(const Sha256& a, const Sha256& b) const noexcept {
      return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
    }
  };

  std::unordered_map<Sha256, Bearer, Bits, Same> bearers_;
};

inline BearerTable::BearerTable(const std::vector<Token>& tokens) {
  std::set<std::string_view> names;
  for (const Token& token : tokens) {
    const std::string which = "token " + std::to_string(names.size() + 1) + ": ";
    if (const auto fault = fault_of(token); !fault.empty()) {
      throw Error(Errc::invalid, which + std::string(fault));
    }
    if (!names.insert(token.name).second) {
      throw Error(Errc::invalid, which + "its name is given twice");
    }
    Bearer bearer{token.name, token.role, token.books};
    std::sort(bearer.books.begin(), bearer.books.end());
    const Sha256 hash = token.sha256.empty() ? sha256(token.text) : from_hex(token.sha256);
    const auto [at, is_new] = bearers_.try_emplace(hash, std::move(bearer));
    if (!is_new) {
      throw Error(Errc::invalid, which + "is the same token as that of '" + at->second.name + "'");
    }
  }
}

}  // namespace detail

inline std::string hash_token(const std::string& text) {
  const auto fault = text.empty() ? std::string_view("must not be empty")
                                  : detail::fault_of({"x", Token::Role::read, "", text});
  if (!fault.empty()) throw Error(Errc::invalid, "a token " + std::string(fault));
  const detail::Sha256 hash = detail::sha256(text);
  return detail::hex({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

inline void BearerTokens::replace(const std::vector<Token>& tokens) {
  auto bearers = std::make_shared<const detail::BearerTable>(tokens);
  const std::lock_guard lock(mutex_);
  bearers_ = std::move(bearers);
}

inline bool BearerTokens::empty() const {
  return bearers()->empty();
}

inline Access BearerTokens::authorize(const AccessRequest& access) const {
  const std::string realm = "Bearer realm=\"addrbook\"";
  const auto field = access.request.header("Authorization");
  std::string_view presented = field ? detail::trim(*field) : std::string_view();
  if (detail::lowercase(detail::cut(presented, ' ')) != "bearer") {
    return Access::unauthenticated(realm);
  }
  presented = detail::trim(presented);
  const Bearers bearers = this->bearers();
  // Two fields are joined by a comma and so are no token: which one counts would be ambiguous.
  const detail::Bearer* const found =
      detail::is_bearer_token(presented) ? bearers->find(presented) : nullptr;
  if (found == nullptr) {
    return Access::unauthenticated(realm + ", error=\"invalid_token\"");
  }
  const std::string_view refusal = found->refusal(access);
  return refusal.empty() ? Access::allow(found->name)
                         : Access::forbid(found->name, std::string(refusal));
}

inline Authorize bearer_tokens(const std::vector<Token>& tokens) {
  // Shared, because an Authorize is copied with its Options.
  return [bearers = std::make_shared<const BearerTokens>(tokens)](const AccessRequest& access) {
    return bearers->authorize(access);
  };
}

}  // namespace addrbook
