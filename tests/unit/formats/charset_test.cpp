#include <addrbook/formats/charset.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::detail::append_windows_1252;
using addrbook::detail::CharsetConverter;
using addrbook::detail::TextInput;

namespace {

using namespace std::string_literals;

struct Text {
  std::string text;
  bool is_utf16 = false;
};

Text read(const std::string& bytes, std::size_t cut) {
  TextInput input;
  Text result;
  const auto take = [&result](std::string_view piece) { result.text += piece; };
  input.read(std::string_view(bytes).substr(0, cut), take);
  input.read(std::string_view(bytes).substr(cut), take);
  input.finish(take);
  result.is_utf16 = input.is_utf16();
  return result;
}

void check_reads(const std::string& bytes, const std::string& text, bool is_utf16) {
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    CAPTURE(cut);
    const Text result = read(bytes, cut);
    CHECK(result.text == text);
    CHECK(result.is_utf16 == is_utf16);
  }
}

}  // namespace

TEST_CASE("charset: Windows-1252 knows every byte") {
  std::string text;
  append_windows_1252(text, "J\xFCrgen \x80 \x93x\x94 \x81");
  CHECK(text == "Jürgen € “x” \xC2\x81");
}

TEST_CASE("charset: a byte order mark is taken off, and UTF-16 becomes UTF-8") {
  check_reads("", "", false);
  check_reads("A", "A", false);
  check_reads("AB", "AB", false);
  check_reads("\xEF\xBB\xBF", "", false);
  check_reads("\xEF\xBB\xBFJ\xC3\xBC", "Jü", false);
  check_reads("J\xFC", "J\xFC", false);
  check_reads("\xEF\xBB", "\xEF\xBB", false);
  check_reads("\xFF\xFE"s + "J\0\xFC\0"s, "Jü", true);
  check_reads("\xFE\xFF"s + "\0J\0\xFC"s, "Jü", true);
  check_reads("J\0\xFC\0\x3D\xD8\x00\xDE"s, "Jü😀", true);
  check_reads("\0J\xD8\x3D\xDE\x00"s, "J😀", true);
}

TEST_CASE("charset: halves of characters in UTF-16 become U+FFFD") {
  check_reads("\0J\xD8\x3D"s, "J\uFFFD", true);
  check_reads("\0J\xD8\x3D\0K"s, "J\uFFFDK", true);
  check_reads("\0J\xDE\x00\0K"s, "J\uFFFDK", true);
  check_reads("\0J\0"s, "J\uFFFD", true);
}

TEST_CASE("charset: UTF-16 in large pieces") {
  std::string bytes = "\xFE\xFF";
  std::string text;
  for (int i = 0; i < 50000; ++i) {
    bytes += "\x20\xAC";
    text += "€";
  }
  CHECK(read(bytes, bytes.size()).text == text);
}

TEST_CASE("charset: what phones and mail programs have used") {
  CharsetConverter converter;
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"utf-8", "\xC3\xBC"},    {"UTF8", "\xC3\xBC"},     {"ISO-8859-1", "\xFC"},
      {"latin1", "\xFC"},       {"windows-1252", "\xFC"}, {"ISO_8859-15", "\xFC"},
      {"Windows-1250", "\xFC"}, {"cp850", "\x81"},        {"iso-8859-2", "\xFC"},
      {"MACINTOSH", "\x9F"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    CHECK(converter.to_utf8(row.second, row.first) == "ü");
  }
  CHECK(converter.to_utf8("\x82\xA0", "Shift_JIS") == "あ");
  CHECK(converter.to_utf8("\xA4\xA2", "EUC-JP") == "あ");
  CHECK(converter.to_utf8("\x1B$B$\"\x1B(B", "ISO-2022-JP") == "あ");
  CHECK(converter.to_utf8("\xD6\xD0", "GB2312") == "中");
  CHECK(converter.to_utf8("\xA4\xA4", "Big5") == "中");
  CHECK(converter.to_utf8("\xB0\xA1", "EUC-KR") == "가");
  CHECK(converter.to_utf8("\xC1", "KOI8-R") == "а");
  CHECK(converter.to_utf8("", "KOI8-R") == "");
  std::string many;
  std::string text;
  for (int i = 0; i < 10000; ++i) {
    many += "\x82\xA0";
    text += "あ";
  }
  CHECK(converter.to_utf8(many, "Shift_JIS") == text);
}

TEST_CASE("charset: several in turn") {
  CharsetConverter converter;
  for (int i = 0; i < 1000; ++i) {
    CHECK(converter.to_utf8("\x82\xA0", "Shift_JIS") == "あ");
    CHECK(converter.to_utf8("\xA4\xA4", "Big5") == "中");
    CHECK(converter.to_utf8("\x82", "Shift_JIS") == std::nullopt);
    CHECK(converter.to_utf8("\xD6\xD0", "GB2312") == "中");
    CHECK(converter.to_utf8("a", "x-unknown") == std::nullopt);
  }
}

TEST_CASE("charset: what is unknown, or no text in the charset, is refused") {
  CharsetConverter converter;
  for (const char* const unknown : {"", "x-unknown", "iso-8859-12", "iso-8859-17", "windows-1259",
                                    "UTF-7", "UTF-8//IGNORE2", "../../evil", "utf-16"}) {
    CAPTURE(unknown);
    CHECK(converter.to_utf8("a", unknown) == std::nullopt);
  }
  CHECK(converter.to_utf8("\xFC", "utf-8") == std::nullopt);
  CHECK(converter.to_utf8("\xFC", "us-ascii") == std::nullopt);
  CHECK(converter.to_utf8("\x82", "Shift_JIS") == std::nullopt);
  CHECK(converter.to_utf8("\x82\xFF", "Shift_JIS") == std::nullopt);
  // The refused text leaves nothing behind.
  CHECK(converter.to_utf8("\x1B$B$", "ISO-2022-JP") == std::nullopt);
  CHECK(converter.to_utf8("a", "ISO-2022-JP") == "a");
}
