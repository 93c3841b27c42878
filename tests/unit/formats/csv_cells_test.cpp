#include <addrbook/formats/csv_cells.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using addrbook::detail::csv_label_words;
using addrbook::detail::CsvCells;
using addrbook::detail::CsvField;
using addrbook::detail::CsvLabel;
using addrbook::detail::label_word_of;
using addrbook::detail::lowercase_latin;
using addrbook::detail::read_label;
using addrbook::detail::split_cell;
using Texts = std::vector<std::string_view>;

namespace {

/// As "* contexts|features|text".
std::string label(std::string_view text, bool is_of_phone = true) {
  const CsvLabel read = read_label(text, is_of_phone);
  std::string shown = read.is_preferred ? "* " : "";
  for (const auto& each : read.contexts) shown.append(each) += ' ';
  shown += '|';
  for (const auto& each : read.features) shown.append(each) += ' ';
  return shown + '|' + std::string(read.text);
}

}  // namespace

TEST_CASE("csv cells: texts without white space around them, empty ones not at all") {
  CsvCells cells;
  cells.set(CsvField::name, 0, " Ann\n Example\r\n");
  cells.set(CsvField::email, 2, "a@example.com");
  cells.set(CsvField::email, 3, " ");
  cells.add_line(CsvField::street, 0, "1 Main Street ");
  cells.add_line(CsvField::street, 0, "");
  cells.add_line(CsvField::street, 0, "Floor 2");
  CHECK(cells.text(CsvField::name) == "Ann\n Example");
  CHECK(cells.text(CsvField::email).empty());
  CHECK(cells.text(CsvField::email, 2) == "a@example.com");
  CHECK(cells.text(CsvField::street) == "1 Main Street\nFloor 2");
  CHECK(cells.has(CsvField::email, 2));
  CHECK_FALSE(cells.has(CsvField::email, 3));
  CHECK(cells.slots(CsvField::email, CsvField::email) == 3);
  CHECK(cells.slots(CsvField::email_label, CsvField::country) == 3);
  CHECK(cells.slots(CsvField::phone, CsvField::phone) == 0);
  cells.erase(CsvField::name);
  CHECK_FALSE(cells.has(CsvField::name, 0));
}

TEST_CASE("csv cells: several values in one") {
  CHECK(split_cell("") == Texts{});
  CHECK(split_cell("a") == Texts{"a"});
  CHECK(split_cell(" a ::: b:::c ::: ::: ") == Texts{"a", "b", "c"});
  CHECK(split_cell("a:b::c") == Texts{"a:b::c"});
  std::string many;
  for (int i = 0; i < 1100; ++i) many += "x:::";
  CHECK(split_cell(many).size() == 1000);
  CHECK(split_cell(many).back().size() == 101 * 4);
}

TEST_CASE("csv cells: labels of words that JSContact has, or of a text") {
  CHECK(label("Home") == "private ||");
  CHECK(label("WORK fax") == "work |fax |");
  CHECK(label("mobile Work mobile") == "work |mobile |");
  CHECK(label("* Work") == "* work ||");
  CHECK(label("main") == "|main-number |");
  CHECK(label("gesch\xC3\x84"
              "ftlich") == "work ||");
  CHECK(label("Grandma's Home") == "||Grandma's Home");
  CHECK(label(" Car ") == "||Car");
  for (const std::string nothing : {"", "Other", "SMTP", "*", " "}) CHECK(label(nothing) == "||");
  // An e-mail has no features.
  CHECK(label("Mobile", false) == "||Mobile");
  CHECK(label("Work", false) == "work ||");
}

TEST_CASE("csv cells: the words that are written are read again") {
  for (const auto& word : csv_label_words) {
    const std::string written = label_word_of(word.meaning);
    CAPTURE(written);
    CHECK(label(written) == (word.is_feature ? "|" + std::string(word.meaning) + " |"
                                             : std::string(word.meaning) + " ||"));
  }
  CHECK(label_word_of("billing").empty());
}

TEST_CASE("csv cells: small letters of Latin-1") {
  CHECK(lowercase_latin("STRASSE \xC3\x84\xC3\x9C\xC3\x89\xC3\x97\xC3\x9F\xC3\x9E\xC4\x84") ==
        "strasse \xC3\xA4\xC3\xBC\xC3\xA9\xC3\x97\xC3\x9F\xC3\xBE\xC4\x84");
}

TEST_CASE("csv cells: how many slots several fields have") {
  CsvCells cells;
  CHECK(cells.slots(CsvField::formatted, CsvField::country) == 0);
  cells.set(CsvField::email, 6, "x");
  cells.set(CsvField::link, 8, "x");
  CHECK(cells.slots(CsvField::formatted, CsvField::country) == 0);
  cells.set(CsvField::formatted, 0, "x");
  CHECK(cells.slots(CsvField::formatted, CsvField::country) == 1);
  cells.set(CsvField::city, 4, "x");
  cells.set(CsvField::city, 2, "x");
  cells.set(CsvField::country, 3, "x");
  CHECK(cells.slots(CsvField::formatted, CsvField::country) == 5);
  CHECK(cells.slots(CsvField::country, CsvField::country) == 4);
  CHECK(cells.slots(CsvField::email, CsvField::email) == 7);
}
