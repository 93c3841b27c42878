/// CsvColumns: what the columns of a table hold, by their names.
#pragma once

#include <addrbook/contacts/words.hpp>
#include <addrbook/formats/csv_card_cells.hpp>
#include <addrbook/formats/csv_cells.hpp>
#include <addrbook/formats/csv_column_names.hpp>
#include <addrbook/formats/csv_text.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A column that is written.
struct CsvOwnColumn {
  std::string name;
  CsvField field;
  std::size_t slot;
};

/// The columns that are written. Google's names, where it has one.
[[nodiscard]] inline const std::vector<CsvOwnColumn>& own_columns();

/// The columns of a table that is read.
class CsvColumns {
 public:
  explicit inline CsvColumns(const std::vector<std::string>& header);

  /// Whether at least one of them holds something that we know.
  [[nodiscard]] bool has_known() const noexcept { return has_known_; }
  [[nodiscard]] std::size_t size() const noexcept { return columns_.size(); }

  /// @param row  of at most size() cells, as they stand in the table
  [[nodiscard]] inline CsvCells cells_of(const std::vector<std::string>& row) const;

 private:
  struct Column {
    std::optional<CsvColumnName> name;  // nothing: unknown
    std::string header;
    std::size_t slot = 0;
  };
  /// What belongs together in a row has the same kind, label and number.
  using Group = std::tuple<CsvField, std::string, unsigned>;

  inline void resolve_names();
  inline void place(Column& column);
  inline void name_unknown();
  static inline void take_labelled(CsvCells& cells);
  [[nodiscard]] bool has(CsvField field) const {
    return std::any_of(columns_.begin(), columns_.end(), [&](const Column& column) {
      return column.name && column.name->field == field && !column.name->is_ambiguous;
    });
  }

  std::vector<Column> columns_;
  std::map<Group, std::size_t> slots_;
  std::map<CsvField, std::size_t> next_slots_;  // by the kind
  unsigned next_number_ = 100000;               // beyond all that a header says
  std::map<std::tuple<CsvField, std::size_t, unsigned>, bool> taken_;  // with the line
  bool has_known_ = false;
};

// ---------------------------------------------------------------------------------------------

inline const std::vector<CsvOwnColumn>& own_columns() {
  static const std::vector<CsvOwnColumn> columns = [] {
    std::vector<CsvOwnColumn> all{{"UID", CsvField::uid, 0},
                                  {"Name", CsvField::name, 0},
                                  {"Name Prefix", CsvField::prefix, 0},
                                  {"First Name", CsvField::given, 0},
                                  {"Middle Name", CsvField::middle, 0},
                                  {"Last Name", CsvField::family, 0},
                                  {"Name Suffix", CsvField::suffix, 0},
                                  {"Nickname", CsvField::nicknames, 0},
                                  {"Organization Name", CsvField::organization, 0},
                                  {"Organization Department", CsvField::department, 0},
                                  {"Organization Title", CsvField::title, 0},
                                  {"Birthday", CsvField::birthday, 0},
                                  {"Anniversary", CsvField::anniversary, 0},
                                  {"Notes", CsvField::notes, 0},
                                  {"Labels", CsvField::keywords, 0}};
    using Parts = std::vector<std::pair<std::string_view, CsvField>>;
    const auto add = [&](std::string_view what, std::size_t count, const Parts& parts) {
      for (std::size_t slot = 0; slot < count; ++slot) {
        for (const auto& part : parts) {
          const std::string front = std::string(what) + ' ' + std::to_string(slot + 1) + " - ";
          all.push_back({front + std::string(part.first), part.second, slot});
        }
      }
    };
    add("E-mail", CsvCounts::emails,
        {{"Label", CsvField::email_label}, {"Value", CsvField::email}});
    add("Phone", CsvCounts::phones, {{"Label", CsvField::phone_label}, {"Value", CsvField::phone}});
    add("Address", CsvCounts::addresses,
        {{"Label", CsvField::address_label},
         {"Formatted", CsvField::formatted},
         {"Street", CsvField::street},
         {"Extended Address", CsvField::extended},
         {"PO Box", CsvField::po_box},
         {"City", CsvField::city},
         {"Region", CsvField::region},
         {"Postal Code", CsvField::postcode},
         {"Country", CsvField::country}});
    add("Website", CsvCounts::links, {{"Label", CsvField::link_label}, {"Value", CsvField::link}});
    all.push_back({"Other", CsvField::other, 0});
    return all;
  }();
  return columns;
}

/// @returns the field that stands for all that belong together with this one in a slot
[[nodiscard]] inline CsvField kind_of(CsvField field) noexcept {
  switch (field) {
    case CsvField::department:
    case CsvField::title: return CsvField::organization;
    case CsvField::email_label: return CsvField::email;
    case CsvField::phone_label: return CsvField::phone;
    case CsvField::link_label: return CsvField::link;
    case CsvField::formatted:
    case CsvField::street:
    case CsvField::extended:
    case CsvField::po_box:
    case CsvField::city:
    case CsvField::region:
    case CsvField::postcode:
    case CsvField::country: return CsvField::address_label;
    default: return field;
  }
}

/// @returns the field of the label that belongs to this one; nothing if it has none
[[nodiscard]] inline std::optional<CsvField> label_field(CsvField field) noexcept {
  switch (kind_of(field)) {
    case CsvField::email: return CsvField::email_label;
    case CsvField::phone: return CsvField::phone_label;
    case CsvField::link: return CsvField::link_label;
    case CsvField::address_label: return CsvField::address_label;
    default: return std::nullopt;
  }
}

inline CsvColumns::CsvColumns(const std::vector<std::string>& header) {
  columns_.reserve(header.size());
  for (const std::string& name : header) {
    columns_.push_back({read_column_name(name), std::string(trimmed_cell(name)), 0});
  }
  resolve_names();
  for (Column& column : columns_) place(column);
  name_unknown();
}

/// Decides what names mean that depend on the others.
inline void CsvColumns::resolve_names() {
  const bool has_given = has(CsvField::given);
  const bool has_family = has(CsvField::family);
  const bool has_title = has(CsvField::title);
  const auto has_with = [this](CsvField field, const std::string& label) {
    return std::any_of(columns_.begin(), columns_.end(), [&](const Column& column) {
      return column.name && column.name->field == field && column.name->label == label;
    });
  };
  std::vector<CsvField*> is_street;
  for (Column& column : columns_) {
    if (!column.name) continue;
    CsvField& field = column.name->field;
    const std::string& label = column.name->label;
    if (field == CsvField::formatted && !label.empty() && has_with(CsvField::city, label) &&
        !has_with(CsvField::street, label)) {
      is_street.push_back(&field);  // Thunderbird's "Home Address"
    }
    if (!column.name->is_ambiguous) continue;
    if (field == CsvField::title) {  // Outlook's is Mr.
      if (has_title) field = CsvField::prefix;
    } else if (field == CsvField::family) {  // "Name" and "Nom"
      if (!has_given || has_family) field = CsvField::name;
    } else if (!has_family) {  // "Nombre"
      field = CsvField::name;
    }
  }
  for (CsvField* const field : is_street) *field = CsvField::street;
}

/// Finds the slot of a column. One that says again what another does is unknown.
inline void CsvColumns::place(Column& column) {
  if (!column.name) return;
  CsvColumnName& name = *column.name;
  const CsvField kind = kind_of(name.field);
  const bool has_lines = kind == CsvField::address_label && !name.label.empty();
  const bool is_alone = kind <= CsvField::other;
  unsigned number = is_alone || has_lines || name.number == 0 ? 1 : name.number;
  const unsigned line = has_lines ? name.number : 0;
  const bool is_repeatable = name.field == CsvField::email || name.field == CsvField::phone ||
                             name.field == CsvField::link;
  while (true) {
    const auto found = slots_.emplace(Group{kind, name.label, number}, next_slots_[kind]);
    if (found.second) ++next_slots_[kind];
    column.slot = found.first->second;
    if (taken_.emplace(std::tuple(name.field, column.slot, line), true).second) break;
    if (!is_repeatable) {
      column.name.reset();
      return;
    }
    number = ++next_number_;
  }
  has_known_ = has_known_ || name.field != CsvField::other;
}

/// Makes the names of unknown columns short, since each row has them, and unique.
inline void CsvColumns::name_unknown() {
  constexpr std::size_t longest = 200;
  // The builder of Cards uses these.
  std::map<std::string, std::size_t> counts{{"Birthday", 1}, {"Anniversary", 1}, {"Other", 1}};
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::string& header = columns_[i].header;
    if (columns_[i].name) continue;
    header.resize(cut_utf8(header, longest).size());
    if (header.empty()) header = "Column " + std::to_string(i + 1);
    const std::string name = header;
    // The count of a name is where the next one of it goes on; a later header may say "x (2)".
    while (!counts.emplace(header, 1).second) {
      header = name + " (" + std::to_string(++counts[name]) + ')';
    }
  }
}

inline CsvCells CsvColumns::cells_of(const std::vector<std::string>& row) const {
  CsvCells cells;
  for (std::size_t i = 0; i < row.size() && i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    const std::string_view text = trimmed_cell(without_guard(row[i]));
    if (text.empty()) continue;
    if (!column.name) {
      cells.add_unknown(column.header, text);
      continue;
    }
    const CsvField field = column.name->field;
    if (field == CsvField::keywords && column.name->has_commas) {
      std::string list;
      for (const char c : text) {
        if (c == ',' || c == ';') {
          list += csv_list_separator;
        } else {
          list += c;
        }
      }
      cells.set(field, 0, list);
    } else {
      cells.add_line(field, column.slot, text);
    }
    const auto label = label_field(field);
    if (label && *label != field && !column.name->label.empty()) {
      cells.set(*label, column.slot, column.name->label);
    }
  }
  if (!cells.unknown.empty()) take_labelled(cells);
  return cells;
}

/// What is in Google's columns `Event 1 - Label`, `Event 1 - Value` and `Relation 1 - ...`, which
/// were of the name `Type` before, depends on the row. What we don't know stays as it is.
inline void CsvColumns::take_labelled(CsvCells& cells) {
  constexpr std::string_view relations[] = {"spouse", "child", "parent", "sibling", "friend"};
  const auto take = [&](std::string_view header, const std::string& text,
                        const std::pair<std::string, std::string>& next) {
    const auto end = header.find(" - ");
    if (end == header.npos || next.first != std::string(header.substr(0, end)) + " - Value" ||
        (header.substr(end + 3) != "Label" && header.substr(end + 3) != "Type")) {
      return false;
    }
    const auto label = read_column_name(text);
    if (header.substr(0, 6) == "Event " && label && label->field == CsvField::anniversary &&
        !cells.has(CsvField::anniversary, 0)) {
      cells.set(CsvField::anniversary, 0, next.second);
      return true;
    }
    const std::string word = lowercase(text);
    return header.substr(0, 9) == "Relation " &&
           std::find(std::begin(relations), std::end(relations), word) != std::end(relations) &&
           cells.related.emplace(next.second, word).second;
  };
  auto all = std::exchange(cells.unknown, {});
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i + 1 < all.size() && take(all[i].first, all[i].second, all[i + 1])) {
      ++i;
    } else {
      cells.unknown.push_back(std::move(all[i]));
    }
  }
}

}  // namespace addrbook::detail
