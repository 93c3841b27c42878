/// IndexTerms, TermQuery: what the search index of an SQL database holds of an entry, and how it is
/// asked. Knows no database.
#pragma once

#include <addrbook/base/hex.hpp>
#include <addrbook/contacts/identity.hpp>
#include <addrbook/contacts/phone_keys.hpp>
#include <addrbook/contacts/terms.hpp>
#include <addrbook/document.hpp>
#include <addrbook/text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A term as the index knows it: the book's number, so that no book's search walks through the
/// terms of another one; a mark for the kind of term; and the term. What is neither a digit, a
/// small letter, one of `.-_` nor beyond ASCII is written as '%' and two hex digits. So no two
/// terms have the same token, a token has no character that means anything in a query, and a
/// tokenizer that takes `token_characters` neither splits nor changes it.
class TermToken {
 public:
  enum class Kind : char {
    word = ':',
    /// The first one, two or three letters of words. There are many words with a short beginning,
    /// and this is one token, which is quicker to ask for.
    beginning = '=',
    email = '@',
    label = '#',
    identity = '-',  ///< half of the bits of an Identity; who asks compares the rest
    phone = '+',  ///< the digits from the last one to the first: numbers are compared at their ends
  };
  static constexpr std::string_view token_characters = ":=@#+%.-_";
  static constexpr std::size_t max_beginning = 3;

  explicit TermToken(std::uint64_t book) : book_(std::to_string(book)) {}

  [[nodiscard]] std::string of(Kind kind, std::string_view term) const {
    std::string token;
    append(token, kind, term);
    return token;
  }
  inline void append(std::string& to, Kind kind, std::string_view term) const;

  /// @returns how many bytes the first `letters` characters of a text have; nothing if it has fewer
  [[nodiscard]] static inline std::optional<std::size_t> size_of(std::size_t letters,
                                                                 std::string_view text) noexcept;

  [[nodiscard]] static std::string reversed(std::string_view digits) {
    return {digits.rbegin(), digits.rend()};
  }

 private:
  const std::string book_;
};

/// What the index holds of an entry.
struct IndexTerms {
  /// @name See Terms
  /// @{
  std::optional<std::string> name;
  std::optional<std::string> given;
  std::optional<std::string> family;
  /// @}
  std::string words;  ///< tokens of words and beginnings, with a space behind each
  /// Tokens of mails, labels, phones and the identity, with a space behind each.
  std::string exact;

  IndexTerms(std::uint64_t book, const Document& document, const Folding& folding);

  [[nodiscard]] bool has_tokens_of(const IndexTerms& other) const noexcept {
    return words == other.words && exact == other.exact;
  }
  [[nodiscard]] bool sorts_as(const IndexTerms& other) const noexcept {
    return name == other.name && given == other.given && family == other.family;
  }
};

/// Names the rules by which IndexTerms are made. An index that was made by others is out of date.
[[nodiscard]] inline std::string index_version(const Folding& folding) {
  return terms_version(folding) + " identity-" + std::to_string(identity_version);
}

/// How a database writes queries of tokens.
struct TermSyntax {
  std::string_view before;         ///< a token
  std::string_view after;          ///< a token
  std::string_view any_beginning;  ///< after that: whatever begins so
  std::string_view all;
  std::string_view any;
  std::string_view but;
};

/// A Search as a query of tokens. Consists of tokens and of nothing else that was asked for.
struct TermQuery {
  /// With a phone, which of the entries.
  enum class Phones {
    all,
    equal,
    suffix,  ///< those that are not equal
  };

  std::string words;  ///< of IndexTerms::words; "": any
  std::string exact;  ///< of IndexTerms::exact; "": any
  bool is_narrow;     ///< asks for mails, phones or identities, which few entries have in common

  /// @param search  neither void nor empty
  TermQuery(std::uint64_t book, const Search& search, Phones phones, const TermSyntax& syntax);

  /// Asks for those that have a token of one of the identities.
  TermQuery(std::uint64_t book, const Identity* first, const Identity* last,
            const TermSyntax& syntax);

  /// Whether a search can have entries whose phone is not equal.
  [[nodiscard]] static bool has_suffixes(const Search& search) {
    return std::any_of(search.phones.begin(), search.phones.end(),
                       [](const std::string& phone) { return phone.size() >= min_phone_suffix; });
  }
};

// ---------------------------------------------------------------------------------------------

inline void TermToken::append(std::string& to, Kind kind, std::string_view term) const {
  to += book_;
  to += static_cast<char>(kind);
  for (const char c : term) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || byte >= 0x80U ||
                          c == '.' || c == '-' || c == '_';
    if (is_plain) {
      to += c;
    } else {
      constexpr std::string_view digits = "0123456789abcdef";
      to += '%';
      to += digits[byte >> 4U];
      to += digits[byte & 0xFU];
    }
  }
}

inline std::optional<std::size_t> TermToken::size_of(std::size_t letters,
                                                     std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins_a_letter = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U || i == 0;
    if (begins_a_letter && letters-- == 0) return i;
  }
  return letters == 0 ? std::optional(text.size()) : std::nullopt;
}

inline IndexTerms::IndexTerms(std::uint64_t book, const Document& document,
                              const Folding& folding) {
  Terms terms = Terms::of(document, folding);
  const TermToken token(book);
  using Kind = TermToken::Kind;
  const auto add = [&](std::string& to, Kind kind, std::string_view term) {
    token.append(to, kind, term);
    to += ' ';
  };
  const std::string none;
  const std::string* last = &none;
  for (const std::string& word : terms.words) {
    for (std::size_t letters = 1; letters <= TermToken::max_beginning; ++letters) {
      const auto size = TermToken::size_of(letters, word);
      if (!size) break;
      // They are sorted, so that equal beginnings stand together.
      if (last->size() >= *size && last->compare(0, *size, word, 0, *size) == 0) continue;
      add(words, Kind::beginning, std::string_view(word).substr(0, *size));
    }
    add(words, Kind::word, word);
    last = &word;
  }
  for (const std::string& email : terms.emails) add(exact, Kind::email, email);
  for (const std::string& label : terms.labels) add(exact, Kind::label, label);
  for (const std::string& phone : terms.phones) {
    add(exact, Kind::phone, TermToken::reversed(phone));
  }
  add(exact, Kind::identity, hex(identity_of(document).high));
  name = std::move(terms.name);
  given = std::move(terms.given);
  family = std::move(terms.family);
}

inline TermQuery::TermQuery(std::uint64_t book, const Search& search, Phones phones,
                            const TermSyntax& syntax)
    : is_narrow(search.email || !search.phones.empty()) {
  const TermToken token(book);
  using Kind = TermToken::Kind;
  const auto one = [&](Kind kind, std::string_view term, bool is_beginning = false) {
    std::string text(syntax.before);
    token.append(text, kind, term);
    text += syntax.after;
    if (is_beginning) text += syntax.any_beginning;
    return text;
  };
  const auto require = [&](std::string& of, const std::string& what) {
    if (!of.empty()) of += syntax.all;
    of += what;
  };
  for (const std::string& word : search.words) {
    const bool is_short = !TermToken::size_of(TermToken::max_beginning + 1, word);
    require(words, is_short ? one(Kind::beginning, word) : one(Kind::word, word, true));
  }
  if (search.email) require(exact, one(Kind::email, *search.email));
  if (search.label) require(exact, one(Kind::label, *search.label));
  if (search.phones.empty()) return;
  std::string equal;
  std::string similar;
  const auto allow = [&](std::string& of, const std::string& what) {
    if (!of.empty()) of += syntax.any;
    of += what;
  };
  for (const std::string& phone : search.phones) {
    const std::string digits = TermToken::reversed(phone);
    allow(equal, one(Kind::phone, digits));
    if (digits.size() < min_phone_suffix) continue;
    allow(similar, one(Kind::phone, digits, true));
    for (std::size_t size = min_phone_suffix; size < digits.size(); ++size) {
      allow(similar, one(Kind::phone, std::string_view(digits).substr(0, size)));
    }
  }
  if (phones == Phones::all && !similar.empty()) allow(equal, similar);
  require(exact, "(" + (phones == Phones::suffix ? similar : equal) + ")");
  if (phones == Phones::suffix) {
    exact = "(" + exact + ")" + std::string(syntax.but) + "(" + equal + ")";
  }
}

inline TermQuery::TermQuery(std::uint64_t book, const Identity* first, const Identity* last,
                            const TermSyntax& syntax)
    : is_narrow(true) {
  const TermToken token(book);
  for (const Identity* each = first; each != last; ++each) {
    if (!exact.empty()) exact += syntax.any;
    exact += syntax.before;
    token.append(exact, TermToken::Kind::identity, hex(each->high));
    exact += syntax.after;
  }
}

}  // namespace addrbook::detail
