#include <addrbook/unicode_text.hpp>

#include <addrbook/json/strings.hpp>

#include <doctest/doctest.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using addrbook::unicode_folding;
using addrbook::detail::append_utf8;
using addrbook::detail::first_utf8_sequence;
using Purpose = addrbook::Folding::Purpose;
using Words = std::vector<std::string>;

namespace {

std::string fold(std::string_view text) {
  return unicode_folding()->fold(text);
}

std::string utf8(std::uint32_t code) {
  std::string text;
  append_utf8(text, code);
  return text;
}

/// What utf8proc makes of a whole text.
std::string mapped(const std::string& text, int options) {
  utf8proc_uint8_t* made = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                 static_cast<utf8proc_ssize_t>(text.size()), &made,
                                 static_cast<utf8proc_option_t>(options | UTF8PROC_STABLE));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owned(made, std::free);
  REQUIRE(size >= 0);
  return {reinterpret_cast<const char*>(made), static_cast<std::size_t>(size)};
}

std::string nfc(const std::string& text) {
  return mapped(text, UTF8PROC_COMPOSE);
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto sequence = first_utf8_sequence(text);
    if (!sequence.is_well_formed) return false;
    text.remove_prefix(sequence.size);
  }
  return true;
}

/// Texts that bring together what the rules treat differently.
class Texts {
 public:
  std::string next() {
    std::string text;
    for (std::size_t size = random_() % 12; size-- > 0;) {
      switch (random_() % 8) {
        case 0: text += static_cast<char>(random_() % 256); break;
        case 1: text += utf8(code(0x10FFFF)); break;
        case 2: text += utf8(code(0x33FF)); break;
        case 3: text += static_cast<char>(0x20 + random_() % 0x5F); break;
        case 4: text += utf8(0x0300 + code(0x6F)); break;
        default: text += pieces[random_() % std::size(pieces)]; break;
      }
    }
    return text;
  }

 private:
  static constexpr std::string_view pieces[] = {
      "e",      "\u00E9", "\u00DF", "\u0130", "\u0131", "\u0141", "\u00C6", "\uFB01", "\u0649",
      "\u0623", "\u0640", "\u064E", "\u05E9", "\u05C1", "\u304B", "\u3099", "\u304C", "\u30A2",
      "\u6771", "\u0E19", "\u0E49", "\u0E33", "\u1780", "\u17D2", "\u1019", "\u103C", "\u0E81",
      "\u1100", "\u1161", "\u11A8", "\uAC01", "\u200D", "\uFE0F", "\u034F", "\u3164", "\u0345",
      "\u1FB3", "\u0419", "\u0665", "\u0969", "\uFF12", "\u00B2", "\u2019", "\u02BC", "'",
      " ",      "\n",     "=",      "\u0338", "\u0915", "\u093C", "\u09C7", "\u09BE", "\u00B4",
      "\u2126", "\u03C2", "\u0149"};

  std::uint32_t code(std::uint32_t most) {
    const auto code = static_cast<std::uint32_t>(random_() % (most + 1));
    return code >= 0xD800 && code <= 0xDFFF ? 'x' : code;
  }

  std::mt19937 random_{7};
};

}  // namespace

TEST_CASE("unicode text: its name holds the versions of the rules and of Unicode") {
  const std::string name(unicode_folding()->name());
  CHECK(name == std::string("unicode-1-") + utf8proc_unicode_version());
  CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos);
}

TEST_CASE("unicode text: case and compatibility") {
  CHECK(fold("STRASSE") == "strasse");
  CHECK(fold("Straße STRAẞE") == "strasse strasse");
  CHECK(fold("ΣΊΣΥΦΟΣ σίσυφος") == "σισυφοσ σισυφοσ");
  CHECK(fold("ﬁn Ａｂ Ⅷ ㎒") == "fin ab viii mhz");
  CHECK(fold("ᏸ Ა") == fold("Ᏸ ა"));
}

TEST_CASE("unicode text: marks go on Latin, Greek, Cyrillic, Arabic and Hebrew letters only") {
  CHECK(fold("Müller Mu\u0308ller") == "muller muller");
  CHECK(fold("Nguyễn Đạt") == "nguyen dat");
  CHECK(fold("Nguye\u0302\u0303n \u0110a\u0323t") == "nguyen dat");
  CHECK(fold("Άννα Йод ё") == "αννα иод е");
  CHECK(fold("أَحْمَد") == "احمد");
  CHECK(fold("שָׁלוֹם") == "שלום");
  CHECK(fold("が") == "が");
  CHECK(fold("か\u3099") == "が");
  CHECK(fold("が") != fold("か"));
  CHECK(fold("न\u093C") != fold("न"));
  CHECK(fold("한글") == "한글");
  CHECK(fold("\u1112\u1161\u11AB\u1100\u1173\u11AF") == "한글");
  CHECK(fold("\u0301") == "\u0301");
  CHECK(fold("=\u0338") == "≠");
}

TEST_CASE("unicode text: letters that no decomposition reaches") {
  CHECK(fold("ØøŁłĐđÐðÞþĦħIıİiÆæŒœß") ==
        "oolldddd"
        "thth"
        "hh"
        "iiii"
        "aeaeoeoess");
  CHECK(fold("Işıl İnan IŞIL") == "isil inan isil");
  CHECK(fold("ǾǼ") == "oae");
  CHECK(fold("علىّ") == "علي");
}

TEST_CASE("unicode text: format characters go, digits become ASCII") {
  CHECK(fold("a\u00ADb\u200D\u202Ac\uFEFF\u2060") == "abc");
  CHECK(fold("a\u200D\u0301") == "a");
  CHECK(fold("محـــمد") == "محمد");
  CHECK(fold("葛\U000E0100") == "葛");
  CHECK(fold("\u0660\u06F1\u0968３\U0001D7DC²") == "012342");
}

TEST_CASE("unicode text: bytes that are not UTF-8") {
  CHECK(fold("a\xFFz") == "a\uFFFDz");
  CHECK(fold("\xC3") == "\uFFFD");
  CHECK(fold("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");
  CHECK(unicode_folding()->words("a\xFFz\xE6\x9D", Purpose::index) == Words{"a", "z"});
  CHECK(fold(std::string("A\0\xC3\x89", 4)) == std::string("a\0e", 3));
}

TEST_CASE("unicode text: each character is folded once and for all") {
  int changed = 0;
  int ill_formed = 0;
  int uncomposed = 0;
  for (std::uint32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    const std::string once = fold(utf8(code));
    if (fold(once) != once) ++changed;
    if (!is_utf8(once)) ++ill_formed;
    if (code % 16 == 0 && nfc(once) != once) ++uncomposed;
  }
  CHECK(changed == 0);
  CHECK(ill_formed == 0);
  CHECK(uncomposed == 0);
}

TEST_CASE(
    "unicode text: any text is folded once and for all, and has the words of its folded form") {
  const auto folding = unicode_folding();
  Texts texts;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = texts.next();
    CAPTURE(text);
    const std::string once = folding->fold(text);
    REQUIRE(folding->fold(once) == once);
    REQUIRE(is_utf8(once));
    REQUIRE(nfc(once) == once);
    for (const Purpose purpose : {Purpose::index, Purpose::search}) {
      const Words words = folding->words(text, purpose);
      REQUIRE(words == folding->words(once, purpose));
      for (const std::string& word : words) {
        REQUIRE_FALSE(word.empty());
        REQUIRE(is_utf8(word));
      }
    }
    // A text is found by each of its words.
    Words index = folding->words(text, Purpose::index);
    for (const std::string& word : folding->words(text, Purpose::search)) {
      REQUIRE(std::find(index.begin(), index.end(), word) != index.end());
    }
  }
}

TEST_CASE("unicode text: where marks stay, a folded text is the library's NFKC_Casefold") {
  constexpr std::string_view pieces[] = {
      "\u304B", "\u3099", "\uFF76", "\uFF9E", "\u6771", "\uF900", "\u1112", "\u1161",
      "\u11AB", "\u0915", "\u093C", "\u09C7", "\u09BE", "\u0E19", "\u0E49", "\u0E33",
      "\u1025", "\u102E", "\u0531", "\u0587", "\u10A0", "\u13F8", "\u0316", "\u0301",
      "\u034F", "\uFE0F", "3",      "\u2460", " ",      "=",      "\u0338", "\uFFFD"};
  std::mt19937 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto size = random() % 10; size-- > 0;) {
      text += pieces[random() % std::size(pieces)];
    }
    CAPTURE(text);
    REQUIRE(fold(text) ==
            mapped(text, UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE));
  }
}

TEST_CASE("unicode text: words are the same in any surroundings") {
  const auto folding = unicode_folding();
  Texts texts;
  for (int round = 0; round < 5'000; ++round) {
    const std::string first = texts.next();
    const std::string second = texts.next();
    CAPTURE(first);
    CAPTURE(second);
    Words expected = folding->words(first, Purpose::index);
    for (const char* const part : {"ascii", second.c_str()}) {
      const Words more = folding->words(part, Purpose::index);
      expected.insert(expected.end(), more.begin(), more.end());
    }
    REQUIRE(folding->words(first + " ascii\n" + second.c_str(), Purpose::index) == expected);
  }
}

TEST_CASE("unicode text: many marks cost no more than many letters") {
  std::string text = "か";
  for (int i = 0; i < 200'000; ++i) text += i % 2 == 0 ? "\u0316" : "\u0301";
  CHECK(fold(text).size() == text.size());
  CHECK(unicode_folding()->words(text, Purpose::index).size() == 1);
}
