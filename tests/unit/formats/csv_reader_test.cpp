#include <addrbook/formats/csv_reader.hpp>

#include "../refusal.hpp"
#include "kept_records.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::ReadLimits;
using addrbook::detail::CsvReader;
using addrbook::detail::CsvRow;
using test::Lines;
using test::refusal;
using namespace std::string_literals;

namespace {

std::string shown(const CsvRow& row) {
  std::string line = "@" + std::to_string(row.line);
  for (const std::string& cell : row.cells) line += " [" + cell + ']';
  return line + (row.has_more ? " ..." : "");
}

Lines rows_in(std::size_t size, const std::string& text, std::size_t max_bytes) {
  Lines lines;
  ReadLimits limits;
  limits.max_record_bytes = max_bytes;
  CsvReader::Calls calls;
  calls.header = [&](const CsvRow& row) {
    lines.push_back(shown(row));
    return row.cells.size();
  };
  calls.row = [&](const CsvRow& row) { lines.push_back(shown(row)); };
  calls.failed = [&](std::uint64_t line, const std::string& message) {
    lines.push_back("@" + std::to_string(line) + " failed: " + message);
  };
  CsvReader reader(std::move(calls), limits);
  test::read_in_pieces(reader, text, size);
  return lines;
}

/// The rows of a text, which are the same for each cut of it.
Lines rows(const std::string& text, std::size_t max_bytes = 1000) {
  const Lines whole = rows_in(text.size() + 1, text, max_bytes);
  for (std::size_t size = 1; size <= text.size(); ++size) {
    CHECK(rows_in(size, text, max_bytes) == whole);
  }
  return whole;
}

std::string utf16(const std::u16string& text, bool is_big_endian) {
  std::string bytes;
  for (const char16_t unit : u"\uFEFF" + text) {
    const char high = static_cast<char>(unit >> 8U);
    const char low = static_cast<char>(unit & 0xFFU);
    bytes += is_big_endian ? high : low;
    bytes += is_big_endian ? low : high;
  }
  return bytes;
}

}  // namespace

TEST_CASE("csv reader: rows of RFC 4180") {
  CHECK(rows("a,b,c\r\n1,2,3\r\n") == Lines{"@1 [a] [b] [c]", "@2 [1] [2] [3]"});
  CHECK(rows("a,b\r\n\"1,2\",\"x\"\"y\"\r\n\"\",\"\r\n\"\"\"\r\n,z") ==
        Lines{"@1 [a] [b]", "@2 [1,2] [x\"y]", "@3 [] [\r\n\"]", "@5 [] [z]"});
  CHECK(rows("a") == Lines{"@1 [a]"});
}

TEST_CASE("csv reader: all line ends are counted, within quotes too") {
  CHECK(rows("a\r1\r\r2\r\"3\r\n4\n5\r6\"\r7") ==
        Lines{"@1 [a]", "@2 [1]", "@4 [2]", "@5 [3\r\n4\n5\r6]", "@9 [7]"});
  CHECK(rows("\n\r\n a\n\n1\n\r\n2\r\n") == Lines{"@3 [ a]", "@5 [1]", "@7 [2]"});
  CHECK(rows("\"a\n\n\",b\n\"1\r\",\n2") == Lines{"@1 [a\n\n] [b]", "@4 [1\r]", "@6 [2]"});
}

TEST_CASE("csv reader: a quote within a cell is a character") {
  CHECK(rows("a,b\n5\" x,y\"\n\"z\"w\"v,\"\"\n \"u,v\"") ==
        Lines{"@1 [a] [b]", "@2 [5\" x] [y\"]", "@3 [zw\"v]", "@4 [ \"u] [v\"]"});
}

TEST_CASE("csv reader: the first line tells the separator") {
  CHECK(rows("a;b;c,d\n1;2,;3") == Lines{"@1 [a] [b] [c,d]", "@2 [1] [2,] [3]"});
  CHECK(rows("a\tb\n1\t2,;") == Lines{"@1 [a] [b]", "@2 [1] [2,;]"});
  CHECK(rows("\"a;b;c;d\",\"x\"\"y;\",5\"\n1,2") ==
        Lines{"@1 [a;b;c;d] [x\"y;] [5\"]", "@2 [1] [2]"});
  CHECK(rows(",;;\n;a\n") == Lines{"@2 [] [a]"});
  CHECK(rows("sep=;\nVorname;a,b,c\n1;2") == Lines{"@2 [Vorname] [a,b,c]", "@3 [1] [2]"});
  CHECK(rows("\xEF\xBB\xBFSEP=|\r\n\r\na|b\r\n1|2,3") == Lines{"@3 [a] [b]", "@4 [1] [2,3]"});
  CHECK(rows("sep=\t\na,b\tc") == Lines{"@2 [a,b] [c]"});
  CHECK(rows("sep=\",a") == Lines{"@1 [sep=\"] [a]"});
}

TEST_CASE("csv reader: UTF-8 and UTF-16 with or without a mark, else Windows-1252") {
  const Lines expected{"@1 [\xC3\x96] [b]", "@2 [\xE2\x82\xAC] [\xF0\x9F\x98\x80]"};
  const std::string utf8 = "\xC3\x96,b\n\xE2\x82\xAC,\xF0\x9F\x98\x80\n";
  CHECK(rows(utf8) == expected);
  CHECK(rows("\xEF\xBB\xBF" + utf8) == expected);
  const std::u16string text = u"\u00D6\tb\r\n\u20AC\t\U0001F600\r\n";
  CHECK(rows(utf16(text, false)) == expected);
  CHECK(rows(utf16(text, true)) == expected);
  CHECK(rows(utf16(u"a\n\xD800", false)) == Lines{"@1 [a]", "@2 [\xEF\xBF\xBD]"});
  CHECK(
      rows("\xD6;b\n\x80\x93;\x81\nx;\xC3\x96") ==
      Lines{"@1 [\xC3\x96] [b]", "@2 [\xE2\x82\xAC\xE2\x80\x9C] [\xC2\x81]", "@3 [x] [\xC3\x96]"});
}

TEST_CASE("csv reader: rows without a text are no rows, and cells beyond the header are counted") {
  CHECK(rows("a,b\n,\n \t, \n\n,,,\n1\n,2,,, \n1,2,,3\n,,x") ==
        Lines{"@1 [a] [b]", "@6 [1]", "@7 [] [2]", "@8 [1] [2] ...", "@9 ..."});
}

TEST_CASE("csv reader: a quote that is not closed is reported with its line") {
  CHECK(rows("a,b\n1,2\n\n3,\"4\n5,6\n") ==
        Lines{"@1 [a] [b]", "@2 [1] [2]", "@4 failed: a quote in line 4 is not closed"});
  CHECK(rows("a,b\n\"\n\n\",\"4\n") ==
        Lines{"@1 [a] [b]", "@2 failed: a quote in line 4 is not closed"});
  CHECK(refusal([] { rows("a,\"b\n"); }) == "a quote in line 1 is not closed");
}

TEST_CASE("csv reader: a row that is too long fails and is passed over") {
  CHECK(rows("a,b\n1234,5678\n1234,56789\n\"1\n2345678\",9\n3,4", 8) ==
        Lines{"@1 [a] [b]", "@2 [1234] [5678]", "@3 failed: a row of more than 8 bytes",
              "@4 failed: a row of more than 8 bytes, in a quote that begins in line 4",
              "@6 [3] [4]"});
  CHECK(refusal([] { rows("123456789", 8); }) == "a first line of more than 8 bytes");
  CHECK(refusal([] { rows("sep=;\n123456789", 8); }) == "a row of more than 8 bytes");
}

TEST_CASE("csv reader: hostile texts are bounded") {
  ReadLimits limits;
  limits.max_record_bytes = 100000;
  Lines lines;
  CsvReader::Calls calls;
  calls.header = [](const CsvRow& row) { return row.cells.size(); };
  calls.row = [&](const CsvRow& row) { lines.push_back(shown(row)); };
  calls.failed = [&](std::uint64_t line, const std::string& message) {
    lines.push_back("@" + std::to_string(line) + " failed: " + message);
  };
  CsvReader reader(calls, limits);
  reader.read("a,b\n" + std::string(1000000, ',') + "\n" + std::string(1000000, ',') + "x\n\"");
  for (int i = 0; i < 1000; ++i) {
    reader.read(std::string(1000, '\n'));
    CHECK(reader.memory() <= limits.max_record_bytes);
  }
  reader.finish();
  CHECK(lines ==
        Lines{"@3 ...",
              "@4 failed: a row of more than 100000 bytes, in a quote that begins in line 4"});

  const auto refuse = [&](const std::string& text) {
    return refusal([&] { CsvReader(calls, {}).read(text); });
  };
  CHECK(refuse("a" + std::string(999, ',') + "b\n") == "accepted");
  CHECK(refuse("a" + std::string(1000000, ',') + "b\n") == "more than 1000 columns");
  std::string header = "a";
  for (int i = 0; i < 1000000; ++i) header += ",a";
  CHECK(refuse(header + "\n") == "more than 1000 columns");
}

TEST_CASE("csv reader: a text may have no row") {
  for (const std::string text : {"", "\n", "\xEF\xBB\xBF", " ,;\r\n", "sep=;", "sep=;\n;;\n"}) {
    CAPTURE(text);
    CHECK(rows(text).empty());
  }
}
