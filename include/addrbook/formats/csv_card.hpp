/// A row of a table and a JSContact Card (RFC 9553), each made of the other.
#pragma once

#include <addrbook/contact.hpp>
#include <addrbook/contacts/identity.hpp>
#include <addrbook/contacts/words.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/formats/contact_card.hpp>
#include <addrbook/formats/csv_card_cells.hpp>
#include <addrbook/formats/csv_cells.hpp>
#include <addrbook/formats/csv_members.hpp>
#include <addrbook/formats/record_budget.hpp>
#include <addrbook/json/effort.hpp>
#include <addrbook/json/equality.hpp>
#include <addrbook/json/spans.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Makes a Card of a row. In CsvField::other stand whole members of the Card, as
/// `{"emails": {...}, ...}`: each counts if it gives the same cells as the row has, so that the row
/// can be edited. A UID that is not there is made of all else.
/// @param warnings  takes what could not be kept as it was
/// @throws Error{invalid} if the Card would be no Document, or take more memory than the budget has
[[nodiscard]] inline Document card_of(const CsvCells& cells, std::vector<std::string>& warnings,
                                      const RecordBudget& budget = {});

/// Makes a row of an entry, with its uid_of(). What the row can't hold of a Card stands in
/// CsvField::other: card_of() gives a Card of equal members (RFC 6902, 4.6). Of another address it
/// holds what read_contact() reads.
[[nodiscard]] inline CsvCells cells_of(const Entry& entry);

// ---------------------------------------------------------------------------------------------

inline Document card_of(const CsvCells& cells, std::vector<std::string>& warnings,
                        const RecordBudget& budget) {
  constexpr std::size_t max_shown_bytes = 80;
  const auto other_text = cells.text(CsvField::other);
  Document other;
  if (!other_text.empty()) {
    try {
      other = Document::parse(std::string(other_text));
    } catch (const Error&) {  // somebody's own column of that name
      CsvCells with_other = cells;
      with_other.unknown.emplace_back("Other", other_text);
      with_other.erase(CsvField::other);
      return card_of(with_other, warnings, budget);
    }
  }
  RecordBudget left = budget;
  CsvMembers members = CsvCardBuilder(cells, warnings, left).build();
  const std::size_t of_row = members.size();
  auto others = JsonSpan(other.text()).children();
  while (const auto each = others.next()) {
    std::string name = each->name();
    if (name == "@type") continue;
    CsvCells its_cells;
    add_cells(its_cells, name, each->value());
    std::vector<std::string> ignored;
    const CsvMembers of_cells = CsvCardBuilder(its_cells, ignored, left).build();
    const std::string* const theirs = find_member(of_cells, name);
    // Behind these stand those that were added here, of which no other has the name.
    std::string* ours = nullptr;
    for (std::size_t i = 0; i < of_row; ++i) {
      if (members[i].first == name) ours = &members[i].second;
    }
    if (theirs == nullptr ? ours != nullptr : ours == nullptr || *theirs != *ours) {
      warnings.push_back("the column Other has another '" +
                         std::string(cut_utf8(name, max_shown_bytes)) +
                         "' than the row says, which counts");
    } else if (ours == nullptr) {
      members.emplace_back(std::move(name), std::string(each->value_text));
    } else {
      *ours = each->value_text;
    }
  }
  JsonObjectText content;
  for (const auto& [name, value] : members) {
    if (name != "uid" && name != "version") content.add(name, value);
  }
  const std::string* const version = find_member(members, "version");
  const std::string* const uid = find_member(members, "uid");
  JsonObjectText card;
  card.add_text("@type", "Card");
  card.add("version", version == nullptr ? "\"1.0\"" : *version);
  card.add("uid", uid == nullptr ? json_text(content_uid(content.text())) : *uid);
  for (const auto& [name, value] : members) {
    if (name != "uid" && name != "version") card.add(name, value);
  }
  return Document::parse(card.text());
}

[[nodiscard]] inline CsvCells cells_of_contact(const Contact& contact) {
  CsvCells cells;
  cells.set(CsvField::name, 0, contact.name);
  cells.set(CsvField::given, 0, contact.given);
  cells.set(CsvField::family, 0, contact.family);
  cells.set(CsvField::organization, 0, contact.organization);
  cells.set(CsvField::birthday, 0, contact.birthday);
  // The last cell holds all others.
  const auto set_all = [&](CsvField field, const std::vector<std::string>& texts,
                           std::size_t slots) {
    for (std::size_t slot = 0; slot < slots && slot < texts.size(); ++slot) {
      CsvList list;
      const std::size_t end = slot + 1 == slots ? texts.size() : slot + 1;
      for (std::size_t i = slot; i < end; ++i) list.add(texts[i]);
      cells.set(field, slot, list.text());
    }
  };
  set_all(CsvField::email, contact.emails, CsvCounts::emails);
  set_all(CsvField::phone, contact.phones, CsvCounts::phones);
  set_all(CsvField::keywords, contact.labels, 1);
  return cells;
}

/// The cells of a Card, but for its UID.
/// @param other  takes the members that they do not hold as they are
[[nodiscard]] inline CsvCells cells_of_card(JsonSpan card, JsonObjectText& other) {
  CsvCells cells;
  auto all = card.children();
  while (const auto member = all.next()) add_cells(cells, member->name(), member->value());
  std::vector<std::string> ignored;
  RecordBudget any;
  CsvMembers built = CsvCardBuilder(cells, ignored, any).build();
  built.emplace_back("version", "\"1.0\"");
  Effort unlimited((std::numeric_limits<std::size_t>::max)());
  auto each = card.children();
  while (const auto member = each.next()) {
    const std::string name = member->name();
    if (name == "@type" || name == "uid") continue;
    const std::string* const own = find_member(built, name);
    if (own == nullptr || !are_equal(JsonSpan(*own), member->value(), unlimited)) {
      other.add(name, std::string(member->value_text));
    }
  }
  return cells;
}

inline CsvCells cells_of(const Entry& entry) {
  JsonObjectText other;
  CsvCells cells = is_card(entry.document) ? cells_of_card(JsonSpan(entry.document.text()), other)
                                           : cells_of_contact(read_contact(entry.document));
  const std::string uid = uid_of(entry);
  cells.set(CsvField::uid, 0, uid);
  if (cells.text(CsvField::uid) != uid) other.add_text("uid", uid);  // it has white space around it
  if (!other.is_empty()) cells.set(CsvField::other, 0, other.text());
  return cells;
}

}  // namespace addrbook::detail
