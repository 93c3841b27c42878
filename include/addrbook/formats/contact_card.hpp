/// An address of any shape as a Card of JSContact.
#pragma once

#include <addrbook/contact.hpp>
#include <addrbook/contacts/identity.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/format.hpp>
#include <addrbook/formats/card_dates.hpp>
#include <addrbook/formats/record_budget.hpp>
#include <addrbook/json/spans.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/json/tree.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @returns whether an address is a Card: `"@type": "Card"`
[[nodiscard]] inline bool is_card(const Document& address);

/// A member of a Card that stays as it is.
struct RawMember {
  std::string name;
  JsonSpan value;  ///< of the entry's document
};

/// @returns the address itself if it is a Card, with a `version` and a `uid` if it lacks them.
///          Otherwise what read_contact() finds in it. The `uid` is uid_of().
/// @param raw  takes members of a Card that would take too much memory as a tree
[[nodiscard]] inline JsonTree contact_card(const Entry& entry, std::vector<RawMember>& raw);

/// As contact_card(), as text. A Card that lacks nothing is appended as it is.
inline void append_contact_card(const Entry& entry, std::string& to);

// ---------------------------------------------------------------------------------------------

inline bool is_card(const Document& address) {
  const auto type = JsonSpan(address.text()).member("@type");
  return type && type->string() == "Card";
}

inline void append_contact_card(const Entry& entry, std::string& to) {
  const auto version = JsonSpan(entry.document.text()).member("version");
  const bool has_version = version && !version->string().empty();
  if (has_version && is_card(entry.document) && !own_uid(entry.document).empty()) {
    to += entry.document.text();
  } else {
    std::vector<RawMember> raw;
    contact_card(entry, raw).append_to(to);
    for (const RawMember& member : raw) {
      to.back() = ',';
      append_json_string(to, member.name, JsonCharset::utf8);
      to.append(":").append(member.value.text()) += '}';
    }
  }
}

/// A map with the keys "1", "2", ...
[[nodiscard]] inline JsonTree card_map(const std::vector<std::string>& texts,
                                       std::string_view member) {
  JsonTree map(JsonTree::Kind::object);
  for (const std::string& text : texts) {
    map[std::to_string(map.children().size() + 1)][member] = JsonTree(text);
  }
  return map;
}

/// @returns the members of a Card; of `uid` and `version` only texts
[[nodiscard]] inline JsonTree card_tree(const Document& card, std::vector<RawMember>& raw) {
  RecordBudget budget{ReadLimits{}};
  JsonTree tree(JsonTree::Kind::object);
  auto members = JsonSpan(card.text()).children();
  while (const auto member = members.next()) {
    const JsonSpan value = member->value();
    std::string name = member->name();
    const bool is_own = name == "uid" || name == "version";
    if (is_own && !value.is(JsonSpan::Kind::string)) continue;
    // Texts take no more than they do in the document.
    if (is_own || budget.can_spend(tree_bytes(value.text()) - value.text().size())) {
      tree[name] = JsonTree(value);
    } else {
      raw.push_back({std::move(name), value});
    }
  }
  return tree;
}

inline JsonTree contact_card(const Entry& entry, std::vector<RawMember>& raw) {
  if (is_card(entry.document)) {
    JsonTree card = card_tree(entry.document, raw);
    card["uid"] = JsonTree(uid_of(entry));
    const std::string* const version = card.string("version");
    if (version == nullptr || version->empty()) card["version"] = JsonTree("1.0");
    return card;
  }
  const Contact contact = read_contact(entry.document);
  JsonTree card;
  card["@type"] = JsonTree("Card");
  card["version"] = JsonTree("1.0");
  card["uid"] = JsonTree(uid_of(entry));
  const auto add_component = [&card](const char* kind, const std::string& value) {
    if (value.empty()) return;
    JsonTree component;
    component["kind"] = JsonTree(kind);
    component["value"] = JsonTree(value);
    card["name"]["components"].push_back(std::move(component));
  };
  if (!contact.name.empty()) card["name"]["full"] = JsonTree(contact.name);
  add_component("given", contact.given);
  add_component("surname", contact.family);
  const auto add_map = [&card](const char* name, JsonTree map) {
    if (!map.children().empty()) card[name] = std::move(map);
  };
  if (!contact.organization.empty()) {
    card["organizations"] = card_map({contact.organization}, "name");
  }
  add_map("emails", card_map(contact.emails, "address"));
  add_map("phones", card_map(contact.phones, "number"));
  for (const std::string& label : contact.labels) card["keywords"][label] = JsonTree(true);
  if (auto date = date_from_vcard(contact.birthday)) {
    JsonTree& birth = card["anniversaries"]["1"];
    birth["kind"] = JsonTree("birth");
    birth["date"] = *std::move(date);
  }
  return card;
}

}  // namespace addrbook::detail
