/// unicode_folding() and phone_keys(), the input being any text.
#include "support.hpp"

#include <addrbook/contacts/phone_keys.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/unicode_text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using addrbook::unicode_folding;
using addrbook::detail::phone_keys;
using fuzz::check;
using fuzz::check_equal;
using Purpose = addrbook::Folding::Purpose;

namespace {

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto sequence = addrbook::detail::first_utf8_sequence(text);
    if (!sequence.is_well_formed) return false;
    text.remove_prefix(sequence.size);
  }
  return true;
}

void check_folding(std::string_view text) {
  const auto folding = unicode_folding();
  const std::string once = folding->fold(text);
  check(is_utf8(once), "a folded text is UTF-8");
  check_equal(folding->fold(once), once, "folding is idempotent");
  const auto index = folding->words(text, Purpose::index);
  const auto search = folding->words(text, Purpose::search);
  check(index == folding->words(once, Purpose::index), "a text has the words of its folded form");
  check(search == folding->words(once, Purpose::search), "and is asked for by the same words");
  for (const std::string& word : search) {
    check(std::find(index.begin(), index.end(), word) != index.end(), "a text finds itself");
    check(!word.empty() && is_utf8(word), "a word is a text");
  }
}

void check_phones(std::string_view text) {
  const auto keys = phone_keys(text);
  check(keys.size() <= 32, "a text has at most 32 numbers");
  for (const std::string& key : keys) {
    check(!key.empty() && key.size() <= 32 && key[0] != '0', "a key is a number");
    check(phone_keys(key) == std::vector<std::string>{key}, "a key is its own key");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  check_folding(text);
  check_phones(text);
  return 0;
}
