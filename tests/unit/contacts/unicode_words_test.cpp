#include <addrbook/contacts/unicode_words.hpp>
#include <addrbook/unicode_text.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using addrbook::unicode_folding;
using Purpose = addrbook::Folding::Purpose;
using Words = std::vector<std::string>;

namespace {

Words index(std::string_view text) {
  return unicode_folding()->words(text, Purpose::index);
}

Words search(std::string_view text) {
  return unicode_folding()->words(text, Purpose::search);
}

}  // namespace

TEST_CASE("unicode words: letters, digits, and the marks that stay") {
  CHECK(index("Ann Müller-Lüdenscheid, 2. Straße") ==
        Words{"ann", "muller", "ludenscheid", "2", "strasse"});
  CHECK(index("ann@bücher.example") == Words{"ann", "bucher", "example"});
  CHECK(index("नमस्ते") == Words{"नमस्ते"});
  CHECK(index("\u0301 x \u093F") == Words{"x"});
  CHECK(index("😀 — …").empty());
  CHECK(index("tel٥٥٥") == Words{"tel555"});
}

TEST_CASE("unicode words: an apostrophe within a word") {
  for (const char* const text : {"O'Brien", "O\u2019Brien", "O\u02BCBrien", "\u00D3\u2019Brien"}) {
    CAPTURE(text);
    CHECK(index(text) == Words{"o", "brien", "obrien"});
    CHECK(search(text) == Words{"o", "brien"});
  }
  CHECK(index("ŉa") == Words{"na"});
  CHECK(index("é' 'é é''é") == Words{"e", "e", "e", "e"});
  CHECK(index("a\u2019é\u2019c d") == Words{"a", "e", "c", "aec", "d"});
  CHECK(index("o'東京") == Words{"o", "東京", "京"});
  CHECK(index("東'o'é") == Words{"東", "o", "e", "oe"});
}

TEST_CASE("unicode words: scripts without spaces are found from each letter on") {
  CHECK(index("東京タワー") == Words{"東京タワー", "京タワー", "タワー", "ワー", "ー"});
  CHECK(search("東京タワー") == Words{"東京タワー"});
  CHECK(index("ab東京3丁目") == Words{"ab", "東京", "京", "3", "丁目", "目"});
  CHECK(index("น้ำ") == Words{"น\u0E49\u0E4D\u0E32", "\u0E32"});
  CHECK(index("မြန်") == Words{"မြန်", "န်"});
  CHECK(index("ខ្មែរ") == Words{"ខ្មែរ", "មែរ", "រ"});
  CHECK(index("ລາວ") == Words{"ລາວ", "າວ", "ວ"});
  CHECK(index("がか\u3099") == Words{"がが", "が"});
  CHECK(index("한국어") == Words{"한국어"});
}

TEST_CASE("unicode words: of a long run 16 characters count at each place") {
  std::string run;
  for (char32_t code = U'\u4E00'; code < U'\u4E00' + 20; ++code) {
    addrbook::detail::append_utf8(run, code);
  }
  const Words words = index(run);
  REQUIRE(words.size() == 20);
  CHECK(words[0] == run.substr(0, std::size_t{16} * 3));
  CHECK(words[4] == run.substr(std::size_t{4} * 3));
  CHECK(words[19] == run.substr(std::size_t{19} * 3));
  CHECK(search(run) == Words{words[0]});
  CHECK(search(run.substr(6)) == Words{words[2]});
}
