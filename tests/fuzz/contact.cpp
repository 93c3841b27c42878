/// read_contact() and Terms, the input being an address. The words are held against those that a
/// walk over nlohmann's tree finds.
#include "support.hpp"

#include <addrbook/base/ascii.hpp>
#include <addrbook/contact.hpp>
#include <addrbook/contacts/terms.hpp>
#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/text.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using addrbook::ascii_folding;
using addrbook::Contact;
using addrbook::Document;
using addrbook::Folding;
using addrbook::detail::Terms;
using fuzz::check;
using nlohmann::ordered_json;

namespace {

/// The same as DocumentWords, one character at a time.
void collect(const ordered_json& value, std::set<std::string>& words) {
  for (const auto& child : value) {
    if (child.is_structured()) {
      collect(child, words);
      continue;
    }
    std::string text = child.is_string() ? child.get<std::string>() : std::string();
    if (child.is_number_integer()) text = child.dump();
    std::string run;
    for (const char c : text + ' ') {
      if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) {
        run += c;
        continue;
      }
      std::size_t characters = 0;
      for (const char each : run) characters += (static_cast<unsigned char>(each) & 0xC0U) != 0x80U;
      std::string start = addrbook::detail::lowercase(run.substr(0, 5));
      const bool is_data = start == "data:" && run.find(',') != std::string::npos;
      if (characters <= 256 && !is_data) {
        for (const auto& word : ascii_folding()->words(run, Folding::Purpose::index)) {
          words.insert(std::string(addrbook::detail::cut_utf8(word, Terms::max_word_bytes)));
        }
      }
      run.clear();
    }
  }
}

/// Nothing where nlohmann has no tree that holds each number.
std::optional<ordered_json> tree_of(const Document& document) {
  std::size_t digits = 0;
  for (const char c : document.text()) {
    digits = addrbook::detail::is_digit(c) ? digits + 1 : 0;
    if (digits > 18) return std::nullopt;
  }
  try {
    return document.json<ordered_json>();
  } catch (const addrbook::Error&) {
    return std::nullopt;
  }
}

void check_texts(const std::vector<std::string>& texts) {
  check(texts.size() <= Contact::max_texts, "a list is bounded");
  for (const std::string& text : texts) {
    check(!text.empty() && text == addrbook::detail::trimmed(text), "a text is not blank");
  }
}

void check_terms(const std::vector<std::string>& terms, std::size_t max_size) {
  check(std::is_sorted(terms.begin(), terms.end()), "terms are sorted");
  check(std::adjacent_find(terms.begin(), terms.end()) == terms.end(), "a term is there once");
  for (const std::string& term : terms) {
    check(!term.empty() && term.size() <= max_size, "a term is bounded");
    check(term.find('\0') == std::string::npos, "a term has no zero byte");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text(data, size));
  std::optional<Document> document;
  try {
    document = Document::parse(text);
  } catch (const addrbook::Error&) {
    return 0;
  }
  const Contact contact = addrbook::read_contact(*document);
  check_texts(contact.emails);
  check_texts(contact.phones);
  check_texts(contact.labels);
  check(!contact.name.empty() ||
            (contact.given.empty() && contact.family.empty() && contact.organization.empty()),
        "who has a part of a name has a name");

  const Terms terms = Terms::of(*document, *ascii_folding());
  check_terms(terms.words, Terms::max_word_bytes);
  check_terms(terms.emails, Terms::max_exact_bytes);
  check_terms(terms.labels, Terms::max_exact_bytes);
  check_terms(terms.phones, Terms::max_exact_bytes);
  check(terms.name.has_value() == !contact.name.empty(), "a name can be sorted");
  const auto tree = tree_of(*document);
  if (!tree) return 0;
  std::set<std::string> words;
  collect(*tree, words);
  check(terms.words == std::vector<std::string>(words.begin(), words.end()),
        "the words are those of all strings and integers");
  return 0;
}
