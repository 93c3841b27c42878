#include <addrbook/text.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using addrbook::ascii_folding;
using Purpose = addrbook::Folding::Purpose;
using Words = std::vector<std::string>;

TEST_CASE("text: ASCII folding knows the case of ASCII") {
  CHECK(ascii_folding()->fold("Ann LEE \xC3\x89") == "ann lee \xC3\x89");
  CHECK(ascii_folding()->fold("").empty());
  CHECK(ascii_folding()->name() == "ascii-1");
}

TEST_CASE("text: ASCII words are letters and digits, and all beyond ASCII") {
  const auto words = [](const char* text) { return ascii_folding()->words(text, Purpose::index); };
  CHECK(words("Ann.Lee@Example.COM 12a") == Words{"ann", "lee", "example", "com", "12a"});
  CHECK(words("\xC3\x89va-\xFF") == Words{"\xC3\x89va", "\xFF"});
  CHECK(words("a A a") == Words{"a", "a", "a"});
  CHECK(words(" ... '' ").empty());
  CHECK(words("").empty());
}

TEST_CASE("text: ASCII words with an apostrophe within are indexed joined, too") {
  const auto folding = ascii_folding();
  CHECK(folding->words("O'Brien x", Purpose::index) == Words{"o", "brien", "obrien", "x"});
  CHECK(folding->words("O'Brien x", Purpose::search) == Words{"o", "brien", "x"});
  CHECK(folding->words("rock'n'roll", Purpose::index) == Words{"rock", "n", "roll", "rocknroll"});
  CHECK(folding->words("'quoted' b'", Purpose::index) == Words{"quoted", "b"});
  CHECK(folding->words("a''b", Purpose::index) == Words{"a", "b"});
}
