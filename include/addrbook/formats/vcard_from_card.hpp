/// A Card of JSContact as a vCard (RFC 9555, 3).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_components.hpp>
#include <addrbook/formats/card_dates.hpp>
#include <addrbook/formats/card_from_vcard.hpp>
#include <addrbook/formats/card_groups.hpp>
#include <addrbook/formats/card_names.hpp>
#include <addrbook/formats/card_objects.hpp>
#include <addrbook/formats/card_patch.hpp>
#include <addrbook/formats/card_properties.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/formats/jcard.hpp>
#include <addrbook/formats/parameter_bag.hpp>
#include <addrbook/formats/record_budget.hpp>
#include <addrbook/formats/vcard_dates.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/json/tree.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// What comes of a vCard on its way to whoever makes a Card of it, e.g. as text.
using VCardWay = std::function<VCard(const VCard&)>;

/// @param card  an object with `@type`, `version` and `uid`; what is not as RFC 9553 says is taken
///              for unknown
/// @param way   null: it comes as it is
/// @returns the vCard, from which card_from_vcard() makes a Card that means the same, but for what
///          card_difference() can't say. What no property has, or does not survive on the way, is
///          in JSPROPs. A line of a text ends with LF then, where it had CR LF.
[[nodiscard]] inline VCard vcard_from_card(const JsonTree& card, const VCardWay& way = nullptr);

/// Adds the JSPROP that sets what is at a place in a Card.
inline void add_jsprop(VCard& vcard, const CardPath& path, std::string_view json);

// ---------------------------------------------------------------------------------------------

/// Writes one Card, but for what has no property of its own.
class VCardFromCard {
 public:
  explicit VCardFromCard(const JsonTree& card) : card_(card) {}

  [[nodiscard]] inline VCard write();

 private:
  using Patches = std::map<std::string_view, CardPatch>;  // by language, which the Card holds

  inline void scan_kept();
  inline void scan_names_in(const JsonTree& object);
  inline void scan_localizations();
  inline void write_single(std::string_view name, std::optional<std::string> value);
  [[nodiscard]] inline std::optional<std::string> text(std::string_view member) const;
  inline void write_uid();
  inline void write_name();
  inline void write_full_names(const JsonTree& name, const Patches& patches);
  inline void write_maps();
  inline void write_object(const CardProperty& row, const std::string& key, const JsonTree& object);
  inline void write_alternatives(const CardProperty& row, const std::string& key,
                                 const JsonTree& object, VCardProperty base);
  inline void write_label(const JsonTree& object, VCardProperty& property);
  inline void write_anniversaries();
  inline void write_place(std::string_view name, const JsonTree& place);
  inline void write_speak_to_as();
  inline void write_related();
  inline void write_sets();
  inline void write_kept();

  [[nodiscard]] const JsonTree* map(std::string_view name) const {
    const JsonTree* of = &card_;
    if (name == "pronouns") of = card_.find("speakToAs");
    return of != nullptr ? of->find(name) : nullptr;
  }
  [[nodiscard]] const Patches* patches_of(std::string_view map, const std::string& key) const {
    const auto at = localizations_.find({std::string(map), key});
    return at != localizations_.end() ? &at->second : nullptr;
  }
  [[nodiscard]] bool is_kept(std::string_view name, const std::string& value) const {
    return kept_values_.count({std::string(name), value}) != 0;
  }
  [[nodiscard]] std::string fresh_group() {
    std::string group;
    do {
      group = "item" + std::to_string(++group_count_);
    } while (!groups_.insert(group).second);
    return group;
  }
  [[nodiscard]] std::string fresh_altid() {
    std::string altid;
    do {
      altid = std::to_string(++altid_count_);
    } while (!altids_.insert(altid).second);
    return altid;
  }
  void add(VCardProperty property) { vcard_.properties.push_back(std::move(property)); }
  static void set_parameter(VCardProperty& property, std::string_view name, std::string value) {
    drop_parameter(property, name);
    add_parameter(property.parameters, name, {std::move(value)});
  }
  static void drop_parameter(VCardProperty& property, std::string_view name) {
    auto& all = property.parameters;
    all.erase(std::remove_if(all.begin(), all.end(),
                             [name](const VCardParameter& one) { return one.name == name; }),
              all.end());
  }
  [[nodiscard]] static std::string parameter(const VCardProperty& property, std::string_view name) {
    const ParameterBag bag(property.parameters);
    const std::string* const value = bag.one(name);
    return value != nullptr ? *value : "";
  }

  /// Counts a copy of an object, and what a property in another language has beside it.
  /// @returns false if there were too many
  [[nodiscard]] bool can_localize(const JsonTree& object, std::string_view language,
                                  std::string_view altid) {
    return localized_.can_spend(tree_bytes(object.dump()) + language.size() + altid.size());
  }

  const JsonTree& card_;
  VCard vcard_;
  std::vector<VCardProperty> kept_;  // of vCardProps
  // The names and unescaped values of those that stand for what the Card has too.
  std::set<std::pair<std::string, std::string>> kept_values_;
  std::map<std::pair<std::string, std::string>, Patches> localizations_;
  std::set<std::string> groups_;
  std::set<std::string> altids_;
  std::size_t group_count_ = 0;
  std::size_t altid_count_ = 0;
  RecordBudget localized_{4 * RecordBudget::room};    // for the copies of what is localized
  std::size_t patch_effort_ = 200'000;                // see apply_change()
  std::set<std::string> titled_;                      // organizations that titles name
  std::map<std::string, std::string> organizations_;  // the group of each such
  std::set<std::string> labels_;                      // the groups whose label is written
};

inline VCard VCardFromCard::write() {
  scan_kept();
  scan_localizations();
  write_single("KIND", text("kind"));
  write_uid();
  write_single("LANGUAGE", text("language"));
  write_single("PRODID", text("prodId"));
  const auto timestamp = [this](std::string_view member) {
    const auto utc = text(member);
    return utc ? utc_to_vcard(*utc) : std::nullopt;
  };
  write_single("CREATED", timestamp("created"));
  write_single("REV", timestamp("updated"));
  write_name();
  write_maps();
  write_anniversaries();
  write_speak_to_as();
  write_related();
  write_sets();
  write_kept();
  return std::move(vcard_);
}

inline std::optional<std::string> VCardFromCard::text(std::string_view member) const {
  const std::string* const value = card_.string(member);
  if (value == nullptr || value->empty() || !is_vcard_text(*value)) return std::nullopt;
  return *value;
}

/// Notes the names of groups and ALTIDs that are taken.
inline void VCardFromCard::scan_names_in(const JsonTree& object) {
  const JsonTree* const parameters = object.find("vCardParams");
  if (parameters == nullptr) return;
  if (const auto* const group = parameters->string("group")) groups_.insert(lowercase(*group));
  if (const auto* const altid = parameters->string("altid")) altids_.insert(*altid);
}

inline void VCardFromCard::scan_kept() {
  for (const auto& member : card_.children()) {
    scan_names_in(member.value);
    for (const auto& child : member.value.children()) scan_names_in(child.value);
  }
  const JsonTree* const pronouns = map("pronouns");
  if (pronouns != nullptr) {
    for (const auto& child : pronouns->children()) scan_names_in(child.value);
  }
  const JsonTree* const kept = card_.find("vCardProps");
  if (kept == nullptr) return;
  for (const auto& child : kept->children()) {
    auto property = vcard_property(child.value);
    if (!property) continue;
    const std::string_view name = property->name;
    // Those of the card itself; and patches are made anew.
    if (name == "BEGIN" || name == "END" || name == "VERSION" || name == "JSPROP") continue;
    groups_.insert(lowercase(property->group));
    altids_.insert(parameter(*property, "ALTID"));
    kept_values_.emplace(property->name, unescape_text(property->value));
    kept_.push_back(*std::move(property));
  }
}

inline void VCardFromCard::scan_localizations() {
  const JsonTree* const all = card_.find("localizations");
  if (all == nullptr) return;
  for (const auto& [language, patch] : all->children()) {
    if (language.empty() || !is_vcard_text(language)) continue;
    for (const auto& [pointer, value] : patch.children()) {
      auto path = card_path(pointer);
      if (!path || path->empty()) continue;
      if (path->front() == "speakToAs" && path->size() > 2 && (*path)[1] == "pronouns") {
        path->erase(path->begin());
      }
      const bool has_key = path->front() != "name" && path->size() > 1;
      const std::string map = path->front();
      const std::string key = has_key ? (*path)[1] : "";
      path->erase(path->begin(), path->begin() + (has_key ? 2 : 1));
      localizations_[{map, key}][language].push_back({*std::move(path), value});
    }
  }
}

inline void VCardFromCard::write_single(std::string_view name, std::optional<std::string> value) {
  if (!value || is_kept(name, *value)) return;
  VCardProperty property;
  property.name = name;
  property.value = escape_text(*value);
  add(std::move(property));
}

inline void VCardFromCard::write_uid() {
  const auto uid = text("uid");
  if (!uid || is_kept("UID", *uid)) return;
  VCardProperty property;
  property.name = "UID";
  property.value = is_uri(*uid) ? *uid : escape_text(*uid);
  if (!is_uri(*uid)) add_parameter(property.parameters, "VALUE", {"text"});
  add(std::move(property));
}

inline void VCardFromCard::write_name() {
  static const JsonTree none{JsonTree::Kind::object};
  const JsonTree* const member = card_.find("name");
  const JsonTree& name = member != nullptr ? *member : none;
  const Patches* const found = patches_of("name", "");
  const Patches patches = found != nullptr && member != nullptr ? *found : Patches();
  write_full_names(name, patches);
  auto base = write_n(name);
  if (!base) return;
  const JsonTree* const parameters = name.find("vCardParams");
  if (parameters != nullptr) take_jcard_parameters(*parameters, *base);
  std::vector<VCardProperty> others;
  const auto add_phonetics_of = [&](const JsonTree& object, std::string_view language) {
    auto property =
        phonetic_property("N", object, write_components(ComponentForm::name, object).phonetics);
    if (!property) return;
    if (!language.empty()) set_parameter(*property, "LANGUAGE", std::string(language));
    others.push_back(*std::move(property));
  };
  add_phonetics_of(name, "");
  for (const auto& [language, patch] : patches) {
    const bool is_full_name = std::all_of(patch.begin(), patch.end(), [](const CardChange& one) {
      return one.path == CardPath{"full"};
    });
    if (is_full_name) continue;
    if (others.size() >= max_alternatives ||
        !can_localize(name, language, parameter(*base, "ALTID"))) {
      break;
    }
    JsonTree localized = name;
    bool is_other = false;
    bool is_pronounced = false;
    for (const CardChange& change : patch) {
      const bool is_all = change.path.empty();
      if (is_all ? !change.value.is(JsonTree::Kind::object)
                 : !apply_change(localized, change.path, change.value, patch_effort_)) {
        continue;
      }
      if (is_all) localized = change.value;
      const std::string at = is_all ? "components" : change.path.front();
      const bool is_phonetic = at == "phoneticSystem" || at == "phoneticScript" ||
                               (!is_all && change.path.back() == "phonetic");
      is_pronounced |= is_phonetic || at == "components";
      is_other |= !is_phonetic && at != "full" && at != "vCardParams";
    }
    auto property = is_other ? write_n(localized) : std::nullopt;
    if (property) {
      set_parameter(*property, "LANGUAGE", std::string(language));
      others.push_back(*std::move(property));
    }
    if (is_pronounced) add_phonetics_of(localized, language);
  }
  if (!others.empty()) {
    std::string altid = parameter(*base, "ALTID");
    if (altid.empty()) altid = fresh_altid();
    set_parameter(*base, "ALTID", altid);
    for (VCardProperty& other : others) set_parameter(other, "ALTID", altid);
  }
  add(*std::move(base));
  for (VCardProperty& other : others) add(std::move(other));
}

inline void VCardFromCard::write_full_names(const JsonTree& name, const Patches& patches) {
  VCardProperty base;
  base.name = "FN";
  const std::string* const full = name.string("full");
  const bool has_full = full != nullptr && !full->empty() && is_vcard_text(*full);
  const bool has_n = write_n(name).has_value();
  const JsonTree* const parameters = name.find("vCardParams");
  if (has_full) {
    base.value = escape_text(*full);
    if (!has_n && parameters != nullptr) take_jcard_parameters(*parameters, base);
  } else {
    base.value = escape_text(derived_full_name(card_));
    add_parameter(base.parameters, "DERIVED", {"true"});
  }
  const auto kept = std::find_if(kept_.begin(), kept_.end(), [&](const VCardProperty& one) {
    return has_full && one.name == "FN" && unescape_text(one.value) == *full;
  });
  std::string altid = parameter(kept != kept_.end() ? *kept : base, "ALTID");
  std::vector<VCardProperty> others;
  for (const auto& [language, patch] : patches) {
    for (const CardChange& change : patch) {
      const bool is_full = change.path.size() == 1 && change.path.front() == "full";
      const JsonTree* const localized = is_full               ? &change.value
                                        : change.path.empty() ? change.value.find("full")
                                                              : nullptr;
      if (!has_full || localized == nullptr || !localized->is(JsonTree::Kind::string) ||
          localized->text().empty() || !is_vcard_text(localized->text()) ||
          !can_localize(*localized, language, altid)) {
        continue;
      }
      VCardProperty other;
      other.name = "FN";
      other.value = escape_text(localized->text());
      set_parameter(other, "LANGUAGE", std::string(language));
      others.push_back(std::move(other));
    }
  }
  if (!others.empty() && altid.empty() && kept == kept_.end()) {
    altid = fresh_altid();
    set_parameter(base, "ALTID", altid);
  }
  if (kept == kept_.end()) add(std::move(base));
  for (VCardProperty& other : others) {
    if (!altid.empty()) set_parameter(other, "ALTID", altid);
    add(std::move(other));
  }
}

inline void VCardFromCard::write_maps() {
  const JsonTree* const titles = map("titles");
  if (titles != nullptr) {
    for (const auto& title : titles->children()) {
      const std::string* const id = title.value.string("organizationId");
      const JsonTree* const parameters = title.value.find("vCardParams");
      const bool has_group = parameters != nullptr && parameters->find("group") != nullptr;
      if (id != nullptr && !has_group) titled_.insert(*id);
    }
  }
  std::string_view last;
  for (const CardProperty& of : card_properties) {
    const JsonTree* const objects = map(of.map);
    if (std::exchange(last, of.map) == of.map || objects == nullptr) continue;
    for (const auto& [key, object] : objects->children()) {
      const CardProperty* const row = property_of_object(of.map, object);
      if (row != nullptr) write_object(*row, key, object);
    }
  }
}

inline void VCardFromCard::write_object(const CardProperty& row, const std::string& key,
                                        const JsonTree& object) {
  auto property = object_property(row, object);
  if (!property) return;
  if (parameter(*property, "PROP-ID").empty() && is_jscontact_id(key)) {
    set_parameter(*property, "PROP-ID", key);
  }
  if (row.value == CardValue::organization && titled_.count(key) != 0) {
    if (property->group.empty()) property->group = fresh_group();
    organizations_.emplace(key, property->group);
  }
  const std::string* const organization = object.string("organizationId");
  if (organization != nullptr && property->group.empty()) {
    const auto at = organizations_.find(*organization);
    if (at != organizations_.end()) property->group = at->second;
  }
  if (row.has_label) write_label(object, *property);
  write_alternatives(row, key, object, *std::move(property));
}

/// Writes X-ABLabel, if there is a label.
inline void VCardFromCard::write_label(const JsonTree& object, VCardProperty& property) {
  const std::string* const label = object.string("label");
  if (label == nullptr || label->empty() || !is_vcard_text(*label)) return;

  if (property.group.empty()) property.group = fresh_group();
  if (!labels_.insert(lowercase(property.group)).second) return;
  VCardProperty written;
  written.group = property.group;
  written.name = "X-ABLABEL";
  written.value = escape_text(*label);
  add(std::move(written));
}

/// Writes a property, and the same in other languages, and how it is pronounced.
inline void VCardFromCard::write_alternatives(const CardProperty& row, const std::string& key,
                                              const JsonTree& object, VCardProperty base) {
  std::vector<VCardProperty> others;
  const auto add_phonetics_of = [&](const JsonTree& address, std::string_view language) {
    if (row.value != CardValue::address) return;
    auto property = phonetic_property(row.vcard, address,
                                      write_components(ComponentForm::address, address).phonetics);
    if (!property) return;
    if (!language.empty()) set_parameter(*property, "LANGUAGE", std::string(language));
    others.push_back(*std::move(property));
  };
  add_phonetics_of(object, "");
  const Patches* const patches = patches_of(row.map, key);
  std::string altid = parameter(base, "ALTID");
  for (const auto& [language, patch] : patches != nullptr ? *patches : Patches()) {
    if (others.size() >= max_alternatives || !can_localize(object, language, altid)) break;
    JsonTree localized = object;
    if (JsonTree* const parameters = localized.find("vCardParams")) {
      parameters->erase("language");
    }
    bool is_other = false;
    bool is_pronounced = false;
    for (const CardChange& change : patch) {
      if (change.path.empty()) {
        localized = change.value;
        is_other = true;
      } else if (apply_change(localized, change.path, change.value, patch_effort_)) {
        const bool is_phonetic = change.path.front() == "phoneticSystem" ||
                                 change.path.front() == "phoneticScript" ||
                                 change.path.back() == "phonetic";
        is_pronounced |= is_phonetic;
        is_other |= !is_phonetic;
      }
    }
    if (property_of_object(row.map, localized) != &row) continue;
    auto property = is_other ? object_property(row, localized) : std::nullopt;
    if (property) {
      set_parameter(*property, "LANGUAGE", std::string(language));
      others.push_back(*std::move(property));
    }
    if (is_other || is_pronounced) add_phonetics_of(localized, language);
  }
  if (!others.empty()) {
    if (altid.empty()) altid = fresh_altid();
    set_parameter(base, "ALTID", altid);
    for (VCardProperty& other : others) set_parameter(other, "ALTID", altid);
  }
  add(std::move(base));
  for (VCardProperty& other : others) add(std::move(other));
}

inline void VCardFromCard::write_anniversaries() {
  const JsonTree* const all = card_.find("anniversaries");
  if (all == nullptr) return;
  std::set<std::string> kinds;
  for (const auto& [key, anniversary] : all->children()) {
    const std::string* const kind = anniversary.string("kind");
    const JsonTree* const date = anniversary.find("date");
    auto value = date != nullptr ? date_to_vcard(*date) : std::nullopt;
    const std::string* const original = anniversary.string(vcard_date_member);
    if (original != nullptr && vcard_date(*original) == *original) {
      const auto meant = date_from_vcard(*original);
      if (meant && date_to_vcard(*meant) == value) value = *original;
    }
    if (kind == nullptr || !value) continue;
    VCardProperty property;
    property.name = *kind == "birth"     ? "BDAY"
                    : *kind == "death"   ? "DEATHDATE"
                    : *kind == "wedding" ? "ANNIVERSARY"
                                         : "";
    if (property.name.empty()) continue;
    property.value = *value;
    add_text(*date, "calendarScale", "CALSCALE", property);
    if (const JsonTree* const parameters = anniversary.find("vCardParams")) {
      take_jcard_parameters(*parameters, property);
    }
    if (parameter(property, "PROP-ID").empty() && is_jscontact_id(key)) {
      set_parameter(property, "PROP-ID", key);
    }
    const JsonTree* const place = anniversary.find("place");
    const bool is_first = kinds.insert(*kind).second;
    add(std::move(property));
    if (place == nullptr || !is_first || *kind == "wedding") continue;
    write_place(*kind == "birth" ? "BIRTHPLACE" : "DEATHPLACE", *place);
  }
}

inline void VCardFromCard::write_place(std::string_view name, const JsonTree& place) {
  const std::string* const full = place.string("full");
  const std::string* const coordinates = place.string("coordinates");
  const std::string* const value = full != nullptr ? full : coordinates;
  if (value == nullptr || value->empty() || !is_vcard_text(*value)) return;
  VCardProperty property;
  property.name = name;
  property.value = full != nullptr ? escape_text(*full) : *coordinates;
  if (property.value.find('\n') != std::string::npos) return;
  if (full == nullptr) add_parameter(property.parameters, "VALUE", {"uri"});
  if (const JsonTree* const parameters = place.find("vCardParams")) {
    take_jcard_parameters(*parameters, property);
  }
  add(std::move(property));
}

inline void VCardFromCard::write_speak_to_as() {
  const JsonTree* const speak_to_as = card_.find("speakToAs");
  const std::string* const gender =
      speak_to_as != nullptr ? speak_to_as->string("grammaticalGender") : nullptr;
  if (gender == nullptr || gender->empty() || !is_vcard_text(*gender)) return;
  VCardProperty property;
  property.name = "GRAMGENDER";
  property.value = escape_text(*gender);
  if (const JsonTree* const parameters = speak_to_as->find("vCardParams")) {
    take_jcard_parameters(*parameters, property);
  }
  add(std::move(property));
  const Patches* const patches = patches_of("speakToAs", "grammaticalGender");
  for (const auto& [language, patch] : patches != nullptr ? *patches : Patches()) {
    for (const CardChange& change : patch) {
      if (!change.path.empty() || !change.value.is(JsonTree::Kind::string) ||
          change.value.text().empty() || !is_vcard_text(change.value.text())) {
        continue;
      }
      VCardProperty other;
      other.name = "GRAMGENDER";
      other.value = escape_text(change.value.text());
      set_parameter(other, "LANGUAGE", std::string(language));
      add(std::move(other));
    }
  }
}

inline void VCardFromCard::write_related() {
  const JsonTree* const all = card_.find("relatedTo");
  if (all == nullptr) return;
  for (const auto& [value, related] : all->children()) {
    if (value.empty() || !is_vcard_text(value)) continue;
    VCardProperty property;
    property.name = "RELATED";
    property.value = is_uri(value) ? value : escape_text(value);
    if (const JsonTree* const relation = related.find("relation")) {
      for (const auto& [type, is_so] : relation->children()) {
        if (is_so.is_true() && !type.empty() && is_vcard_text(type)) {
          add_parameter(property.parameters, "TYPE", {type});
        }
      }
    }
    const JsonTree* const parameters = related.find("vCardParams");
    if (parameters != nullptr) take_jcard_parameters(*parameters, property);
    const bool has_type = parameters != nullptr && parameters->find("value") != nullptr;
    if (!is_uri(value) && !has_type) add_parameter(property.parameters, "VALUE", {"text"});
    add(std::move(property));
  }
}

inline void VCardFromCard::write_sets() {
  const std::string* const kind = card_.string("kind");
  const JsonTree* const members = card_.find("members");
  if (members != nullptr && kind != nullptr && *kind == "group") {
    for (const auto& [value, is_so] : members->children()) {
      if (is_so.is_true() && is_vcard_text(value) && value.find('\n') == std::string::npos) {
        write_single("MEMBER", is_uri(value) ? std::nullopt : std::optional(value));
        if (!is_uri(value) || is_kept("MEMBER", value)) continue;
        VCardProperty property;
        property.name = "MEMBER";
        property.value = value;
        add(std::move(property));
      }
    }
  }
  const JsonTree* const keywords = card_.find("keywords");
  std::vector<std::string> texts;
  if (keywords != nullptr) {
    for (const auto& [keyword, is_so] : keywords->children()) {
      if (is_so.is_true() && !keyword.empty() && is_vcard_text(keyword)) texts.push_back(keyword);
    }
  }
  if (texts.empty()) return;
  VCardProperty property;
  property.name = "CATEGORIES";
  property.value = join_texts(texts, ',');
  add(std::move(property));
}

inline void VCardFromCard::write_kept() {
  const JsonTree* const members = card_.find("members");
  const std::string* const kind = card_.string("kind");
  const bool is_group = kind != nullptr && *kind == "group";
  for (VCardProperty& property : kept_) {
    // One that was removed from the group stays out of it.
    const bool is_removed =
        property.name == "MEMBER" && is_group &&
        (members == nullptr || members->find(unescape_text(property.value)) == nullptr);
    if (!is_removed) add(std::move(property));
  }
}

/// Whether a text in a tree has a CR LF.
[[nodiscard]] inline bool has_cr_lf(const JsonTree& tree) {
  const bool is_here =
      tree.is(JsonTree::Kind::string) && tree.text().find("\r\n") != std::string::npos;
  const auto& children = tree.children();
  return is_here || std::any_of(children.begin(), children.end(),
                                [](const auto& child) { return has_cr_lf(child.value); });
}

inline void replace_cr_lf(JsonTree& tree) {
  if (tree.is(JsonTree::Kind::string)) tree = JsonTree(with_line_feeds(tree.text()));
  for (auto& child : tree.children()) replace_cr_lf(child.value);
}

inline void add_jsprop(VCard& vcard, const CardPath& path, std::string_view json) {
  VCardProperty property;
  property.name = "JSPROP";
  add_parameter(property.parameters, "JSPTR", {card_pointer(path)});
  for (const char c : escape_text(json)) {
    if (c == '\x7f') {
      property.value += "\\\\u007f";
    } else {
      property.value += c;
    }
  }
  vcard.properties.push_back(std::move(property));
}

inline VCard vcard_from_card(const JsonTree& card, const VCardWay& way) {
  if (has_cr_lf(card)) {
    JsonTree plain = card;
    replace_cr_lf(plain);
    return vcard_from_card(plain, way);
  }
  VCard vcard = VCardFromCard(card).write();
  const JsonTree read = card_tree_from_vcard(way ? way(vcard) : vcard);
  for (const CardChange& change : card_difference(read, card)) {
    const std::string& name = change.path.front();
    // A Card must have these, and they are made anew.
    if (change.path.size() == 1 && (name == "uid" || name == "version" || name == "@type") &&
        (!change.value.is(JsonTree::Kind::string) || change.value.text().empty() ||
         name == "@type")) {
      continue;
    }
    add_jsprop(vcard, change.path, change.value.dump());
  }
  return vcard;
}

}  // namespace addrbook::detail
