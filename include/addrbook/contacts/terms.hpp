/// Terms: under what an address is found, and where it stands in sorted lists.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/contact.hpp>
#include <addrbook/contacts/phone_keys.hpp>
#include <addrbook/contacts/words.hpp>
#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/query.hpp>
#include <addrbook/text.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The same in every store. Each list is sorted and has no term twice.
struct Terms {
  static constexpr std::size_t max_words = 5000;       ///< the first distinct ones count
  static constexpr std::size_t max_word_bytes = 64;    ///< the first ones count
  static constexpr std::size_t max_exact = 1000;       ///< of mails, of labels, and of phones
  static constexpr std::size_t max_exact_bytes = 256;  ///< a longer one is not found
  /// Of all mails, and of all labels: so much can be indexed in every database.
  static constexpr std::size_t max_sum_of_bytes = std::size_t{64} * 1024;
  static constexpr std::size_t max_sort_bytes = 128;  ///< of a folded text, and of the text

  std::vector<std::string> words;   ///< folded
  std::vector<std::string> emails;  ///< folded
  std::vector<std::string> labels;  ///< folded
  std::vector<std::string> phones;  ///< see phone_keys()
  /// What orders by text compare: the folded text, U+0001, and the text. Nothing: the address
  /// has no such text.
  std::optional<std::string> name;
  std::optional<std::string> given;
  std::optional<std::string> family;

  /// @param with_words  without them it takes a fraction of the time
  [[nodiscard]] static inline Terms of(const Document& address, const Folding& folding,
                                       bool with_words = true);

  /// What an order by text compares; of another order nothing.
  [[nodiscard]] inline const std::optional<std::string>& text_of(Query::Sort sort) const noexcept;
};

/// Names the rules by which Terms are made. What a store has kept under another name is out of
/// date.
[[nodiscard]] inline std::string terms_version(const Folding& folding) {
  return "terms-2 " + std::string(phone_rules) + ' ' + std::string(folding.name());
}

/// A Query as terms.
struct Search {
  static constexpr std::size_t max_words = 32;  ///< each is a search of its own

  bool is_void = false;            ///< no address has what is asked for
  std::vector<std::string> words;  ///< each begins one of the words
  std::optional<std::string> email;
  std::optional<std::string> label;
  std::vector<std::string> phones;  ///< one of them matches; empty: any

  /// @throws Error{invalid} if it has too many words
  Search(const Query& query, const Folding& folding);

  /// Whether nothing but ids is asked for.
  [[nodiscard]] bool is_empty() const noexcept {
    return !is_void && words.empty() && !email && !label && phones.empty();
  }

  enum class Match { none, suffix, full };
  /// @returns `suffix` if a phone is asked for, and none of the phones is equal
  [[nodiscard]] inline Match match(const Terms& terms) const;
};

/// Some databases have no text with a zero byte.
[[nodiscard]] inline std::string without_zeros(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
  return text;
}

// ---------------------------------------------------------------------------------------------

inline void sort_terms(std::vector<std::string>& terms) {
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
}

inline const std::optional<std::string>& Terms::text_of(Query::Sort sort) const noexcept {
  static const std::optional<std::string> none;
  switch (sort) {
    case Query::Sort::name: return name;
    case Query::Sort::given: return given;
    case Query::Sort::family: return family;
    case Query::Sort::created:
    case Query::Sort::updated: break;
  }
  return none;
}

inline Search::Match Search::match(const Terms& terms) const {
  const auto has = [](const std::vector<std::string>& all, const std::string& term) {
    return std::binary_search(all.begin(), all.end(), term);
  };
  if (is_void || (email && !has(terms.emails, *email)) || (label && !has(terms.labels, *label))) {
    return Match::none;
  }
  for (const std::string& word : words) {
    const auto at = std::lower_bound(terms.words.begin(), terms.words.end(), word);
    if (at == terms.words.end() || at->compare(0, word.size(), word) != 0) return Match::none;
  }
  if (phones.empty()) return Match::full;
  Match best = Match::none;
  const auto ends_with = [](const std::string& text, const std::string& end) {
    return end.size() >= min_phone_suffix && text.size() > end.size() &&
           text.compare(text.size() - end.size(), end.size(), end) == 0;
  };
  for (const std::string& asked : phones) {
    if (has(terms.phones, asked)) return Match::full;
    for (const std::string& phone : terms.phones) {
      if (ends_with(phone, asked) || ends_with(asked, phone)) best = Match::suffix;
    }
  }
  return best;
}

inline Search::Search(const Query& query, const Folding& folding) {
  if (!query.words.empty()) {
    words = folding.words(query.words, Folding::Purpose::search);
    for (std::string& word : words) word = cut_utf8(word, Terms::max_word_bytes);
    sort_terms(words);
    // A word that begins the next one asks for nothing more.
    for (std::size_t i = words.size(); i-- > 1;) {
      if (words[i].compare(0, words[i - 1].size(), words[i - 1]) == 0) {
        words.erase(words.begin() + static_cast<std::ptrdiff_t>(i - 1));
      }
    }
    if (words.size() > max_words) {
      throw Error(Errc::invalid,
                  "A search may have at most " + std::to_string(max_words) + " words");
    }
    is_void = words.empty() || !std::all_of(words.begin(), words.end(), is_utf8);
  }
  const auto exact = [&](const std::optional<std::string>& asked) {
    std::optional<std::string> term;
    if (asked) term = without_zeros(folding.fold(trim(*asked)));
    if (term && (term->empty() || term->size() > Terms::max_exact_bytes || !is_utf8(*term))) {
      is_void = true;
    }
    return term;
  };
  email = exact(query.email);
  label = exact(query.label);
  if (query.phone) {
    phones = phone_keys(*query.phone);
    if (phones.empty()) is_void = true;
  }
}

inline Terms Terms::of(const Document& address, const Folding& folding, bool with_words) {
  Terms terms;
  const Contact contact = read_contact(address);
  // Folding may make a text shorter, but hardly to an eighth.
  constexpr std::size_t max_growth = 8;
  const auto order = [&](const std::string& text) -> std::optional<std::string> {
    if (text.empty()) return std::nullopt;
    const std::string shown =
        without_zeros(std::string(cut_utf8(text, max_growth * max_sort_bytes)));
    std::string key(cut_utf8(folding.fold(shown), max_sort_bytes));
    key += '\x01';
    return key.append(cut_utf8(shown, max_sort_bytes));
  };
  terms.name = order(contact.name);
  terms.given = order(contact.given);
  terms.family = order(contact.family);
  const auto exact = [&](const std::vector<std::string>& texts) {
    std::vector<std::string> folded;
    std::size_t bytes = 0;
    for (const std::string& text : texts) {
      if (text.size() > max_growth * max_exact_bytes) continue;
      std::string term = without_zeros(folding.fold(text));
      if (folded.size() < max_exact && !term.empty() && term.size() <= max_exact_bytes &&
          bytes + term.size() <= max_sum_of_bytes) {
        bytes += term.size();
        folded.push_back(std::move(term));
      }
    }
    sort_terms(folded);
    return folded;
  };
  terms.emails = exact(contact.emails);
  terms.labels = exact(contact.labels);
  for (const std::string& phone : contact.phones) {
    for (std::string& key : phone_keys(phone)) {
      if (terms.phones.size() < max_exact) terms.phones.push_back(std::move(key));
    }
  }
  sort_terms(terms.phones);
  if (with_words) {
    terms.words = DocumentWords(folding, max_words, max_word_bytes).read(address.text());
  }
  return terms;
}

}  // namespace addrbook::detail
