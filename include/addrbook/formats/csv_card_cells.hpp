/// The cells that the members of a JSContact Card (RFC 9553) fill.
#pragma once

#include <addrbook/contacts/jscontact_values.hpp>
#include <addrbook/formats/csv_cells.hpp>
#include <addrbook/formats/csv_dates.hpp>
#include <addrbook/json/spans.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// Of what may be there several times: how many a row has that is written.
struct CsvCounts {
  static constexpr std::size_t organizations = 1;
  static constexpr std::size_t emails = 5;
  static constexpr std::size_t phones = 5;
  static constexpr std::size_t addresses = 3;
  static constexpr std::size_t links = 3;
};

/// Sets the cells that a member of a Card fills. What they can't say of it is passed over.
/// @param member  its name
inline void add_cells(CsvCells& cells, std::string_view member, JsonSpan value);

// ---------------------------------------------------------------------------------------------

/// Texts of several values, for one cell.
class CsvList {
 public:
  void add(std::string_view value, std::string_view separator = " ::: ") {
    if (!text_.empty()) text_ += separator;
    text_ += value;
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

/// @returns the characters of a member that is a string; "" for any other
[[nodiscard]] inline std::string member_text(JsonSpan object, std::string_view name) {
  const auto member = object.member(name);
  return member ? member->string() : std::string();
}

/// @returns the label of an e-mail, a phone, an address or a link: its own, else its contexts and
///          features as words
[[nodiscard]] inline std::string label_of(JsonSpan object) {
  std::string label = member_text(object, "label");
  if (!label.empty()) return label;
  CsvList words;
  for (const std::string_view name : {"contexts", "features"}) {
    const auto set = object.member(name);
    if (!set) continue;
    auto each = set->children();
    while (const auto member = each.next()) {
      const std::string word = label_word_of(member->name());
      if (!word.empty()) words.add(word, " ");
    }
  }
  return words.text();
}

inline void add_name_cells(CsvCells& cells, JsonSpan name) {
  constexpr std::pair<std::string_view, CsvField> kinds[] = {
      {"title", CsvField::prefix},     {"given", CsvField::given},
      {"given2", CsvField::middle},    {"surname", CsvField::family},
      {"surname2", CsvField::family},  {"credential", CsvField::suffix},
      {"generation", CsvField::suffix}};
  cells.set(CsvField::name, 0, member_text(name, "full"));
  const auto components = name.member("components");
  if (!components) return;
  std::map<CsvField, CsvList> parts;
  auto each = components->children();
  while (const auto component = each.next()) {
    const std::string kind = member_text(component->value(), "kind");
    const auto* const found = std::find_if(std::begin(kinds), std::end(kinds),
                                           [&](const auto& row) { return row.first == kind; });
    if (found == std::end(kinds)) continue;
    parts[found->second].add(member_text(component->value(), "value"), " ");
  }
  for (const auto& [field, text] : parts) cells.set(field, 0, text.text());
}

inline void add_address_cells(CsvCells& cells, std::size_t slot, JsonSpan address) {
  cells.set(CsvField::address_label, slot, label_of(address));
  cells.set(CsvField::formatted, slot, member_text(address, "full"));
  const auto components = address.member("components");
  if (!components) return;
  std::map<CsvField, CsvList> parts;
  auto each = components->children();
  while (const auto component = each.next()) {
    const std::string kind = member_text(component->value(), "kind");
    if (kind == "separator") continue;
    const auto* const found =
        std::find_if(std::begin(csv_address_parts), std::end(csv_address_parts),
                     [&](const auto& row) { return row.second == kind; });
    // Numbers, floors, districts and the like stand with the street.
    const CsvField field = found == std::end(csv_address_parts) ? CsvField::street : found->first;
    parts[field].add(member_text(component->value(), "value"), " ");
  }
  for (const auto& [field, text] : parts) cells.set(field, slot, text.text());
}

inline void add_anniversary_cell(CsvCells& cells, JsonSpan anniversary) {
  const std::string kind = member_text(anniversary, "kind");
  if (kind != "birth" && kind != "wedding") return;
  const CsvField field = kind == "birth" ? CsvField::birthday : CsvField::anniversary;
  const auto date = anniversary.member("date");
  if (!date || cells.has(field, 0)) return;
  const std::string text = date_text(*date);
  if (read_csv_date(text)) cells.set(field, 0, text);
}

inline void add_cells(CsvCells& cells, std::string_view member, JsonSpan value) {
  if (member == "uid") return cells.set(CsvField::uid, 0, value.string());
  if (member == "name") return add_name_cells(cells, value);
  if (!value.is(JsonSpan::Kind::object)) return;
  CsvList nicknames;
  CsvList notes;
  CsvList keywords;
  std::size_t slot = 0;
  auto all = value.children();
  const auto next = [&](std::size_t slots) { return slot < slots ? all.next() : std::nullopt; };
  const auto set_labelled = [&](CsvField label, CsvField field, std::string_view name,
                                std::size_t slots) {
    while (const auto each = next(slots)) {
      cells.set(label, slot, label_of(each->value()));
      cells.set(field, slot++, member_text(each->value(), name));
    }
  };
  constexpr auto any = (std::numeric_limits<std::size_t>::max)();
  if (member == "emails") {
    set_labelled(CsvField::email_label, CsvField::email, "address", CsvCounts::emails);
  } else if (member == "phones") {
    set_labelled(CsvField::phone_label, CsvField::phone, "number", CsvCounts::phones);
  } else if (member == "links") {
    set_labelled(CsvField::link_label, CsvField::link, "uri", CsvCounts::links);
  } else if (member == "addresses") {
    while (const auto each = next(CsvCounts::addresses)) {
      add_address_cells(cells, slot++, each->value());
    }
  } else if (member == "organizations") {
    while (const auto each = next(CsvCounts::organizations)) {
      cells.set(CsvField::organization, slot, member_text(each->value(), "name"));
      CsvList units;
      if (const auto members = each->value().member("units")) {
        auto unit = members->children();
        while (const auto one = unit.next()) units.add(member_text(one->value(), "name"), ", ");
      }
      cells.set(CsvField::department, slot++, units.text());
    }
  } else if (member == "titles") {
    while (const auto each = next(CsvCounts::organizations)) {
      cells.set(CsvField::title, slot++, member_text(each->value(), "name"));
    }
  } else if (member == "nicknames") {
    while (const auto each = next(any)) nicknames.add(member_text(each->value(), "name"));
  } else if (member == "anniversaries") {
    while (const auto each = next(any)) add_anniversary_cell(cells, each->value());
  } else if (member == "notes") {
    while (const auto each = next(any)) notes.add(member_text(each->value(), "note"), "\n\n");
  } else if (member == "keywords") {
    while (const auto each = next(any)) {
      if (each->value_text == "true") keywords.add(each->name());
    }
  }
  cells.set(CsvField::nicknames, 0, nicknames.text());
  cells.set(CsvField::notes, 0, notes.text());
  cells.set(CsvField::keywords, 0, keywords.text());
}

}  // namespace addrbook::detail
