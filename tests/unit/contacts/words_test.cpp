#include <addrbook/contacts/words.hpp>
#include <addrbook/document.hpp>
#include <addrbook/text.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

using addrbook::ascii_folding;
using addrbook::Document;
using addrbook::detail::cut_utf8;
using addrbook::detail::DocumentWords;
using Words = std::vector<std::string>;

namespace {

Words words_of(const std::string& json, std::size_t max_words = 5000, std::size_t max_bytes = 64) {
  return DocumentWords(*ascii_folding(), max_words, max_bytes).read(Document::parse(json).text());
}

}  // namespace

TEST_CASE("document words: all strings and integers, however deep, but no names of members") {
  CHECK(words_of(R"({"name":"Ann Lee","a":{"b":[["Deep"],{"c":"down"}]},"n":[12,-7]})") ==
        Words{"12", "7", "ann", "deep", "down", "lee"});
  CHECK(words_of(R"({"a":1.5,"b":1e3,"c":true,"d":null,"e":false,"f":""})").empty());
  CHECK(words_of(R"({"a":"x y","b":["y","X"]})") == Words{"x", "y"});
  CHECK(words_of("{}").empty());
  CHECK(words_of(R"({"email":"ann@example.com"})") == Words{"ann", "com", "example"});
}

TEST_CASE("document words: escapes are read") {
  CHECK(words_of(R"({"a\"b":"c\"d","e":"\u0041nn\n\ud83d\ude00Lee","f":"\\"})") ==
        Words{"ann", "c", "d", "\xF0\x9F\x98\x80lee"});
  CHECK(words_of(R"({"\"":"x","y\\":"z"})") == Words{"x", "z"});
}

TEST_CASE("document words: data URIs and long runs are left out, and nothing else") {
  CHECK(words_of(R"({"photo":"data:image/png;base64,abcd","x":"see DATA:,abc here"})") ==
        Words{"here", "see"});
  CHECK(words_of(R"({"x":"data: one","y":"database, two","z":"Metadata:three,four"})") ==
        Words{"data", "database", "four", "metadata", "one", "three", "two"});
  const std::string longest(256, 'k');
  CHECK(words_of(R"({"x":"a )" + longest + R"( b"})").size() == 3);
  CHECK(words_of(R"({"x":"a )" + longest + R"(k b"})") == Words{"a", "b"});
  CHECK(words_of(R"({"x":"a\t)" + longest + R"(k\nb"})") == Words{"a", "b"});
  CHECK(words_of(R"({"x":)" + std::string(300, '1') + "}").empty());
  std::string characters;
  for (int i = 0; i < 256; ++i) characters += "\xE6\x9D\xB1";
  CHECK(words_of(R"({"x":")" + characters + "\"}").size() == 1);
  CHECK(words_of(R"({"x":")" + characters + "x\"}").empty());
}

TEST_CASE("document words: the first distinct ones count, and of each the first bytes") {
  CHECK(words_of(R"({"x":"d d c d b a"})", 3) == Words{"b", "c", "d"});
  CHECK(words_of(R"({"x":"abcdef abcxyz"})", 9, 3) == Words{"abc"});
  CHECK(words_of("{\"x\":\"ab\xC3\xA9\"}", 9, 3) == Words{"ab"});
  CHECK(cut_utf8("ab\xC3\xA9", 4) == "ab\xC3\xA9");
  CHECK(cut_utf8("\xA9\xA9\xA9", 2).empty());
  std::string json = R"({"x":[)";
  for (int i = 10'000; i < 16'000; ++i) json += std::to_string(i) + ',';
  json += "0]}";
  const Words words = words_of(json);
  REQUIRE(words.size() == 5000);
  CHECK(words.front() == "10000");
  CHECK(words.back() == "14999");
}

TEST_CASE("document words: a large text is folded in parts, of which no word is torn") {
  std::string json = R"({"x":")";
  for (int i = 0; i < 20'000; ++i) json += "word" + std::to_string(i % 100) + ' ';
  CHECK(words_of(json + "\"}").size() == 100);
}

TEST_CASE("document words: of a very large text the first MiB counts") {
  std::string text = R"({"a":")";
  while (text.size() < 1500 * 1024) text += "same words again ";
  text += R"(late"})";
  CHECK(words_of(text) == Words{"again", "same", "words"});
}
