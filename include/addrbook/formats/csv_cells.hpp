/// CsvCells: what a row of a table says of a contact.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_texts.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// What a column holds.
enum class CsvField {
  uid,
  name,  ///< the full one
  prefix,
  given,
  middle,
  family,
  suffix,
  nicknames,
  birthday,
  anniversary,
  notes,
  keywords,
  other,  ///< JSON, see csv_card.hpp
  // Of these there may be several in a row, each with the same slot as what belongs to it.
  organization,
  department,
  title,
  email_label,
  email,
  phone_label,
  phone,
  address_label,
  formatted,
  street,
  extended,
  po_box,
  city,
  region,
  postcode,
  country,
  link_label,
  link,
};

/// The texts of a row, without white space around them, and with LF in the place of CR LF, which is
/// what spreadsheets have in a cell. An empty one counts as none.
class CsvCells {
 public:
  using Key = std::pair<CsvField, std::size_t>;  ///< with the slot

  [[nodiscard]] std::string_view text(CsvField field, std::size_t slot = 0) const {
    const auto found = texts_.find({field, slot});
    return found == texts_.end() ? std::string_view() : found->second;
  }
  inline void set(CsvField field, std::size_t slot, std::string_view text);
  /// Adds a line to what is there.
  inline void add_line(CsvField field, std::size_t slot, std::string_view text);
  void erase(CsvField field) { texts_.erase({field, 0}); }
  [[nodiscard]] bool has(CsvField field, std::size_t slot) const {
    return texts_.count({field, slot}) != 0;
  }
  /// @returns one more than the greatest slot of the fields from `first` to `last`; 0: none
  /// @par Cost  a search for each of the fields
  [[nodiscard]] inline std::size_t slots(CsvField first, CsvField last) const;

  inline void add_unknown(std::string name, std::string_view text);

  /// Columns that nobody knows, with their names.
  std::vector<std::pair<std::string, std::string>> unknown;
  /// Names of related contacts, each once, with how they are (RFC 9553, 2.1.8).
  std::map<std::string, std::string> related;

 private:
  std::map<Key, std::string> texts_;
};

/// What stands between several values in one cell, as Google writes it.
inline constexpr std::string_view csv_list_separator = ":::";

/// @returns the values of a cell, without white space around them, and without empty ones; at most
///          1000, the last of which holds all others
[[nodiscard]] inline std::vector<std::string_view> split_cell(std::string_view cell);

/// Removes the white space at both ends.
[[nodiscard]] inline std::string_view trimmed_cell(std::string_view text) noexcept {
  constexpr std::string_view white_space = " \t\r\n";
  const auto begin = text.find_first_not_of(white_space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white_space) + 1 - begin);
}

/// The components of an address, in the order of a row. RFC 9555, 2.6.1 has the same.
inline constexpr std::pair<CsvField, std::string_view> csv_address_parts[] = {
    {CsvField::street, "name"},          {CsvField::extended, "apartment"},
    {CsvField::po_box, "postOfficeBox"}, {CsvField::city, "locality"},
    {CsvField::region, "region"},        {CsvField::postcode, "postcode"},
    {CsvField::country, "country"}};

/// How a label is said in JSContact.
struct CsvLabel {
  bool is_preferred = false;               ///< Google's old form had "* " in front
  std::vector<std::string_view> contexts;  ///< RFC 9553, 1.5.1
  std::vector<std::string_view> features;  ///< of a phone (RFC 9553, 2.3.3)
  std::string_view text;                   ///< all of it, if it is not made of such words
};

/// @param label  e.g. "Work Fax", "mobile", "Grandma's"; in any case and several languages
[[nodiscard]] inline CsvLabel read_label(std::string_view label, bool is_of_phone);

/// A word of labels: its name in JSContact, and as it is written, if it is.
struct CsvLabelWord {
  std::string_view word;  ///< in small letters
  std::string_view meaning;
  bool is_feature;
};

/// The words of labels. The first one of each meaning is that which is written.
inline constexpr CsvLabelWord csv_label_words[] = {
    {"home", "private", false},    {"work", "work", false},
    {"mobile", "mobile", true},    {"fax", "fax", true},
    {"pager", "pager", true},      {"main", "main-number", true},
    {"voice", "voice", true},      {"text", "text", true},
    {"video", "video", true},      {"textphone", "textphone", true},
    {"private", "private", false}, {"personal", "private", false},
    {"privat", "private", false},  {"domicile", "private", false},
    {"perso", "private", false},   {"particular", "private", false},
    {"casa", "private", false},    {"business", "work", false},
    {"office", "work", false},     {"geschäftlich", "work", false},
    {"dienstlich", "work", false}, {"bureau", "work", false},
    {"travail", "work", false},    {"professionnel", "work", false},
    {"trabajo", "work", false},    {"oficina", "work", false},
    {"cell", "mobile", true},      {"cellular", "mobile", true},
    {"mobil", "mobile", true},     {"handy", "mobile", true},
    {"portable", "mobile", true},  {"móvil", "mobile", true},
    {"gsm", "mobile", true},       {"sms", "text", true},
    {"télécopie", "fax", true},
};

/// @returns the label word; nullptr for any other
[[nodiscard]] inline const CsvLabelWord* find_label_word(std::string_view word) noexcept {
  for (const CsvLabelWord& each : csv_label_words) {
    if (each.word == word) return &each;
  }
  return nullptr;
}

/// @returns the word that is written for a context or a feature; "" if there is none
[[nodiscard]] inline std::string label_word_of(std::string_view meaning) {
  for (const CsvLabelWord& each : csv_label_words) {
    if (each.meaning != meaning) continue;
    std::string word(each.word);
    if (word[0] >= 'a') word[0] = static_cast<char>(word[0] - ('a' - 'A'));
    return word;
  }
  return {};
}

/// In small letters: those of ASCII, and those of Latin-1 in UTF-8.
[[nodiscard]] inline std::string lowercase_latin(std::string_view text) {
  std::string lower = lowercase(text);
  for (std::size_t i = 1; i < lower.size(); ++i) {
    const auto byte = static_cast<unsigned char>(lower[i]);
    const bool is_capital = byte >= 0x80 && byte <= 0x9E && byte != 0x97;  // 0xD7 is a sign
    if (lower[i - 1] == '\xC3' && is_capital) lower[i] = static_cast<char>(byte + 0x20);
  }
  return lower;
}

// ---------------------------------------------------------------------------------------------

inline void CsvCells::set(CsvField field, std::size_t slot, std::string_view text) {
  text = trimmed_cell(text);
  if (!text.empty()) texts_[{field, slot}] = with_line_feeds(text);
}

inline void CsvCells::add_line(CsvField field, std::size_t slot, std::string_view text) {
  text = trimmed_cell(text);
  if (text.empty()) return;
  std::string& all = texts_[{field, slot}];
  if (!all.empty()) all += '\n';
  all += with_line_feeds(text);
}

inline void CsvCells::add_unknown(std::string name, std::string_view text) {
  unknown.emplace_back(std::move(name), with_line_feeds(text));
}

inline std::size_t CsvCells::slots(CsvField first, CsvField last) const {
  std::size_t slots = 0;
  auto end = texts_.upper_bound({last, static_cast<std::size_t>(-1)});
  // The last cell of each field, from the last one on.
  while (end != texts_.begin() && std::prev(end)->first.first >= first) {
    const Key key = std::prev(end)->first;
    slots = (std::max)(slots, key.second + 1);
    end = texts_.lower_bound({key.first, 0});
  }
  return slots;
}

inline std::vector<std::string_view> split_cell(std::string_view cell) {
  constexpr std::size_t most = 1000;
  std::vector<std::string_view> values;
  while (!cell.empty()) {
    const auto end = values.size() + 1 < most ? cell.find(csv_list_separator) : cell.npos;
    const std::string_view value = trimmed_cell(cell.substr(0, end));
    if (!value.empty()) values.push_back(value);
    cell = end == cell.npos ? std::string_view() : cell.substr(end + csv_list_separator.size());
  }
  return values;
}

inline CsvLabel read_label(std::string_view label, bool is_of_phone) {
  CsvLabel read;
  label = trimmed_cell(label);
  if (label.substr(0, 2) == "* ") {
    read.is_preferred = true;
    label = trimmed_cell(label.substr(2));
  }
  const std::string lower = lowercase_latin(label);
  // Said where nothing is to be said; SMTP and EX are Outlook's, INTERNET is of vCards.
  for (const std::string_view nothing : {"other", "smtp", "ex", "internet", "*"}) {
    if (lower == nothing) return read;
  }
  std::string_view rest = lower;
  while (!rest.empty()) {
    const std::string_view word = cut(rest, ' ');
    if (word.empty()) continue;
    const CsvLabelWord* const found = find_label_word(word);
    if (found == nullptr || (found->is_feature && !is_of_phone)) {
      return {read.is_preferred, {}, {}, label};
    }
    auto& meanings = found->is_feature ? read.features : read.contexts;
    if (std::find(meanings.begin(), meanings.end(), found->meaning) == meanings.end()) {
      meanings.push_back(found->meaning);
    }
  }
  return read;
}

}  // namespace addrbook::detail
