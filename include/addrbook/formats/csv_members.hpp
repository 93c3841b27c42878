/// CsvCardBuilder: the members of a JSContact Card (RFC 9553) that a row says.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/contacts/words.hpp>
#include <addrbook/formats/csv_cells.hpp>
#include <addrbook/formats/csv_dates.hpp>
#include <addrbook/formats/record_budget.hpp>
#include <addrbook/json/strings.hpp>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Where columns are kept that nobody knows, and cells that mean nothing to us.
inline constexpr std::string_view csv_vendor_member = "addrbook:csv";

/// Members of a Card: names, and values as JSON.
using CsvMembers = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] inline std::string json_text(std::string_view text) {
  std::string literal;
  append_json_string(literal, text, JsonCharset::utf8);
  return literal;
}

/// An object that is being written.
class JsonObjectText {
 public:
  void add(std::string_view name, const std::string& value) {
    text_ += text_.empty() ? '{' : ',';
    append_json_string(text_, name, JsonCharset::utf8);
    text_ += ':';
    text_ += value;
  }
  void add_text(std::string_view name, std::string_view text) {
    if (!text.empty()) add(name, json_text(text));
  }
  /// `{"a": true, "b": true}`, if there are any.
  template <class Names>
  void add_set(std::string_view name, const Names& names) {
    JsonObjectText set;
    for (const auto& each : names) set.add(each, "true");
    add_object(name, set);
  }
  void add_object(std::string_view name, const JsonObjectText& object) {
    if (!object.is_empty()) add(name, object.text());
  }
  [[nodiscard]] bool is_empty() const noexcept { return text_.empty(); }
  [[nodiscard]] std::string text() const { return text_.empty() ? "{}" : text_ + '}'; }

 private:
  std::string text_;
};

[[nodiscard]] inline const std::string* find_member(const CsvMembers& members,
                                                    std::string_view name) noexcept {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const auto& member) { return member.first == name; });
  return found == members.end() ? nullptr : &found->second;
}

/// Makes the members of a Card that cells say, each of its own cells alone.
class CsvCardBuilder {
 public:
  CsvCardBuilder(const CsvCells& cells, std::vector<std::string>& warnings, RecordBudget& budget)
      : cells_(cells), warnings_(warnings), budget_(budget) {}

  /// @throws Error{invalid} the members would take more memory than the budget has

  [[nodiscard]] inline CsvMembers build();

 private:
  static constexpr std::size_t max_shown_bytes = 80;

  void add(std::string name, const JsonObjectText& object) {
    if (!object.is_empty()) members_.emplace_back(std::move(name), object.text());
  }
  [[nodiscard]] inline JsonObjectText name() const;
  [[nodiscard]] inline JsonObjectText organizations() const;
  template <class Value>
  [[nodiscard]] JsonObjectText labelled(CsvField label, CsvField field, std::string_view id,
                                        std::string_view value_name, Value is_wanted);
  static inline void add_label(JsonObjectText& object, const CsvLabel& label);
  [[nodiscard]] inline JsonObjectText addresses() const;
  [[nodiscard]] inline JsonObjectText anniversaries();
  [[nodiscard]] inline JsonObjectText keywords();
  [[nodiscard]] inline JsonObjectText relations() const;
  [[nodiscard]] inline JsonObjectText unknown() const;
  [[nodiscard]] inline JsonObjectText listed(CsvField field, std::string_view id,
                                             std::string_view value_name);

  const CsvCells& cells_;
  std::vector<std::string>& warnings_;
  RecordBudget& budget_;
  CsvMembers members_;
  std::vector<std::pair<std::string_view, std::string_view>> kept_;  // cells that mean nothing
};

inline CsvMembers CsvCardBuilder::build() {
  if (const auto uid = cells_.text(CsvField::uid); !uid.empty()) {
    members_.emplace_back("uid", json_text(uid));
  }
  const auto any = [](std::string_view /*value*/) { return true; };
  add("name", name());
  add("nicknames", listed(CsvField::nicknames, "n", "name"));
  add("organizations", organizations());
  add("titles", labelled(CsvField::title, CsvField::title, "t", "name", any));
  add("emails", labelled(CsvField::email_label, CsvField::email, "e", "address", any));
  const auto has_digits = [this](std::string_view phone) {
    // 4.41E+11: digits, a point or comma, digits, E+, digits
    const auto point = phone.find_first_not_of("0123456789");
    const auto e = phone.find_first_of("eE");
    const bool is_float =
        point != 0 && e != phone.npos && phone.substr(e + 1, 1) == "+" && e + 2 < phone.size() &&
        phone.find_first_not_of("0123456789", e + 2) == phone.npos &&
        (point == e || (point + 1 < e && (phone[point] == '.' || phone[point] == ',') &&
                        phone.find_first_not_of("0123456789", point + 1) == e));
    if (is_float) {
      warnings_.push_back("a spreadsheet has lost the digits of the phone '" +
                          std::string(cut_utf8(phone, max_shown_bytes)) + "'");
    }
    return !is_float;
  };
  add("phones", labelled(CsvField::phone_label, CsvField::phone, "p", "number", has_digits));
  add("addresses", addresses());
  add("anniversaries", anniversaries());
  if (const auto note = cells_.text(CsvField::notes); !note.empty()) {
    JsonObjectText object;
    object.add_text("note", note);
    JsonObjectText notes;
    notes.add_object("n1", object);
    add("notes", notes);
  }
  add("links", labelled(CsvField::link_label, CsvField::link, "l", "uri", any));
  add("keywords", keywords());
  add("relatedTo", relations());
  add(std::string(csv_vendor_member), unknown());
  return std::move(members_);
}

inline JsonObjectText CsvCardBuilder::name() const {
  constexpr std::pair<CsvField, std::string_view> parts[] = {{CsvField::prefix, "title"},
                                                             {CsvField::given, "given"},
                                                             {CsvField::middle, "given2"},
                                                             {CsvField::family, "surname"},
                                                             {CsvField::suffix, "credential"}};
  std::string components;
  for (const auto& [field, kind] : parts) {
    JsonObjectText component;
    component.add_text("kind", kind);
    component.add_text("value", cells_.text(field));
    if (cells_.text(field).empty()) continue;
    components += (components.empty() ? "[" : ",") + component.text();
  }
  JsonObjectText name;
  name.add_text("full", cells_.text(CsvField::name));
  if (!components.empty()) name.add("components", components + ']');
  return name;
}

/// Each value of a cell as an object in a map.
inline JsonObjectText CsvCardBuilder::listed(CsvField field, std::string_view id,
                                             std::string_view value_name) {
  JsonObjectText map;
  std::size_t count = 0;
  for (const std::string_view value : split_cell(cells_.text(field))) {
    budget_.spend(value.size(), 1, value_name);
    JsonObjectText object;
    object.add_text(value_name, value);
    map.add_object(std::string(id) + std::to_string(++count), object);
  }
  return map;
}

inline JsonObjectText CsvCardBuilder::organizations() const {
  JsonObjectText map;
  std::size_t count = 0;
  const std::size_t slots = cells_.slots(CsvField::organization, CsvField::department);
  for (std::size_t slot = 0; slot < slots; ++slot) {
    JsonObjectText object;
    object.add_text("name", cells_.text(CsvField::organization, slot));
    JsonObjectText unit;
    unit.add_text("name", cells_.text(CsvField::department, slot));
    if (!unit.is_empty()) object.add("units", '[' + unit.text() + ']');
    if (!object.is_empty()) map.add_object("o" + std::to_string(++count), object);
  }
  return map;
}

/// A map of what stands in cells with a label each, which is `field` itself where there is none.
template <class Value>
JsonObjectText CsvCardBuilder::labelled(CsvField label, CsvField field, std::string_view id,
                                        std::string_view value_name, Value is_wanted) {
  JsonObjectText map;
  std::size_t count = 0;
  const std::size_t slots = cells_.slots(field, field);
  for (std::size_t slot = 0; slot < slots; ++slot) {
    const std::string_view its_label = label != field ? cells_.text(label, slot) : "";
    const CsvLabel read = read_label(its_label, field == CsvField::phone);
    for (const std::string_view value : split_cell(cells_.text(field, slot))) {
      // Each value of a cell has the label.
      budget_.spend(value.size() + its_label.size(), 1, value_name);
      if (!is_wanted(value)) continue;
      JsonObjectText object;
      object.add_text(value_name, value);
      add_label(object, read);
      map.add_object(std::string(id) + std::to_string(++count), object);
    }
  }
  return map;
}

inline void CsvCardBuilder::add_label(JsonObjectText& object, const CsvLabel& label) {
  object.add_set("features", label.features);
  object.add_set("contexts", label.contexts);
  if (label.is_preferred) object.add("pref", "1");
  object.add_text("label", label.text);
}

inline JsonObjectText CsvCardBuilder::addresses() const {
  JsonObjectText map;
  std::size_t count = 0;
  const std::size_t slots = cells_.slots(CsvField::formatted, CsvField::country);
  for (std::size_t slot = 0; slot < slots; ++slot) {
    std::string components;
    for (const auto& [field, kind] : csv_address_parts) {
      const auto value = cells_.text(field, slot);
      if (value.empty()) continue;
      JsonObjectText component;
      component.add_text("kind", kind);
      component.add_text("value", value);
      components += (components.empty() ? "[" : ",") + component.text();
    }
    JsonObjectText address;
    if (!components.empty()) address.add("components", components + ']');
    address.add_text("full", cells_.text(CsvField::formatted, slot));
    if (address.is_empty()) continue;
    add_label(address, read_label(cells_.text(CsvField::address_label, slot), false));
    map.add_object("a" + std::to_string(++count), address);
  }
  return map;
}

inline JsonObjectText CsvCardBuilder::anniversaries() {
  JsonObjectText map;
  std::size_t count = 0;
  const auto add_one = [&](CsvField field, std::string_view kind, std::string_view column) {
    const auto text = cells_.text(field);
    if (text.empty()) return;
    const auto date = read_csv_date(text);
    if (!date) {
      warnings_.push_back("the " + lowercase(column) + " '" +
                          std::string(cut_utf8(text, max_shown_bytes)) +
                          "' is no date, or may be of two, and is kept as it is");
      kept_.emplace_back(column, text);
    } else if (date->year != 0 || date->month != 0) {
      JsonObjectText object;
      object.add_text("kind", kind);
      object.add("date", partial_date(*date));
      map.add_object("b" + std::to_string(++count), object);
    }
  };
  add_one(CsvField::birthday, "birth", "Birthday");
  add_one(CsvField::anniversary, "wedding", "Anniversary");
  return map;
}

inline JsonObjectText CsvCardBuilder::keywords() {
  std::set<std::string_view> names;
  JsonObjectText set;
  for (std::string_view name : split_cell(cells_.text(CsvField::keywords))) {
    budget_.spend(name.size(), 1, "keywords");
    // Google's mark of its own groups, of which all contacts are in one.
    const bool is_googles = name.substr(0, 2) == "* ";
    if (is_googles) name = trimmed_cell(name.substr(2));
    if (name == "myContacts" || (is_googles && name == "My Contacts") || name.empty()) continue;
    if (names.insert(name).second) set.add(name, "true");
  }
  return set;
}

/// Related contacts by their names, as RFC 9555, 2.9.3 has it for a RELATED that is a text.
inline JsonObjectText CsvCardBuilder::relations() const {
  JsonObjectText all;
  for (const auto& [name, relation] : cells_.related) {
    JsonObjectText object;
    object.add("relation", "{" + json_text(relation) + ":true}");
    all.add_object(name, object);
  }
  return all;
}

inline JsonObjectText CsvCardBuilder::unknown() const {
  JsonObjectText object;
  for (const auto& [column, text] : kept_) object.add_text(column, text);
  for (const auto& [column, text] : cells_.unknown) object.add_text(column, text);
  return object;
}

}  // namespace addrbook::detail
