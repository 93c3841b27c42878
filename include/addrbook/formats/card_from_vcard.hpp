/// A vCard as a Card of JSContact (RFC 9555, 2).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/contacts/identity.hpp>
#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/formats/card_addresses.hpp>
#include <addrbook/formats/card_components.hpp>
#include <addrbook/formats/card_dates.hpp>
#include <addrbook/formats/card_groups.hpp>
#include <addrbook/formats/card_names.hpp>
#include <addrbook/formats/card_objects.hpp>
#include <addrbook/formats/card_patch.hpp>
#include <addrbook/formats/card_properties.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/formats/jcard.hpp>
#include <addrbook/formats/parameter_bag.hpp>
#include <addrbook/formats/record_budget.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/json/compact.hpp>
#include <addrbook/json/tree.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @returns the Card: with `uid`, made of the content if the vCard has none. Nothing is lost: what
///          has no place of its own is in `vCardProps` and `vCardParams`, and vcard_from_card()
///          brings it back.
/// @throws Error{invalid} the Card would take more memory than the budget has
[[nodiscard]] inline Document card_from_vcard(const VCard& vcard, const RecordBudget& budget = {});

/// As card_from_vcard().
[[nodiscard]] inline JsonTree card_tree_from_vcard(const VCard& vcard,
                                                   const RecordBudget& budget = {});

/// @returns what FN of a Card without `full` is; "" if nothing in it is a name
[[nodiscard]] inline std::string derived_full_name(const JsonTree& card);

// ---------------------------------------------------------------------------------------------

/// @returns what a property takes in memory without its value, as RecordBudget counts it
[[nodiscard]] inline std::size_t property_bytes(const VCardProperty& property) noexcept {
  constexpr std::size_t own_nodes = 2;  // the object, and what it has of the value
  std::size_t bytes = own_nodes * RecordBudget::node_bytes + property.name.size();
  for (const VCardParameter& parameter : property.parameters) {
    bytes += RecordBudget::node_bytes + parameter.name.size();
    for (const std::string& value : parameter.values) {
      bytes += RecordBudget::node_bytes + value.size();
    }
  }
  return bytes;
}

/// @returns the same of its value, in which each separator makes a part
[[nodiscard]] inline std::size_t value_bytes(const VCardProperty& property) noexcept {
  std::size_t parts = 0;
  const std::string& value = property.value;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\') {
      ++i;
    } else if (value[i] == ',' || value[i] == ';') {
      ++parts;
    }
  }
  return value.size() + parts * RecordBudget::node_bytes;
}

/// More that say the same in other languages are not looked at as such.
inline constexpr std::size_t max_alternatives = 100;

/// Reads one vCard.
class CardFromVCard {
 public:
  CardFromVCard(const VCard& vcard, const RecordBudget& budget)
      : properties_(vcard.properties), groups_(vcard.properties), budget_(budget) {}

  [[nodiscard]] inline JsonTree read();

 private:
  /// A property of the table, among others that say the same in other languages (ALTID).
  struct Alternative {
    std::size_t property;
    std::string language;
    bool is_phonetic;
  };
  struct Alternatives {
    std::size_t base;
    std::vector<Alternative> others;
    bool are_folded = true;  // all others are in `localizations` or `phonetic`
  };

  inline void read_uid();
  inline void find_alternatives();
  inline void reserve_keys();
  inline void read_property(std::size_t i);
  inline bool read_single(const VCardProperty& property);
  [[nodiscard]] inline bool says_more(const VCardProperty& property, const ParameterBag& bag) const;
  inline void set_single(const VCardProperty& property, std::string_view member,
                         std::optional<std::string> value, const ParameterBag& bag);
  inline void read_object(std::size_t i, const CardProperty& row);
  inline void read_alternatives();
  [[nodiscard]] inline bool fold(const Alternatives& all, const Alternative& one);
  [[nodiscard]] inline bool fold_phonetics(const Alternatives& all, const Alternative& one);
  inline void read_anniversary(const VCardProperty& property, std::string_view kind);
  inline void read_places();
  inline void read_related(const VCardProperty& property);
  inline void read_categories(const VCardProperty& property);
  inline void read_grammatical_gender();
  inline void link_titles();
  inline void read_fn();
  inline void read_name();
  inline void name_after_organization();
  inline void apply_jsprops();
  inline void keep(const VCardProperty& property) { kept_.push_back(jcard_property(property)); }
  inline void keep_parameters(const VCardProperty& property, const ParameterBag& bag,
                              JsonTree& object);
  inline void finish_object(const VCardProperty& property, const CardProperty& row,
                            const ParameterBag& bag, JsonTree& object);
  [[nodiscard]] inline std::string key_for(std::string_view map, const VCardProperty& property,
                                           ParameterBag* bag);
  [[nodiscard]] JsonTree& map_of(const CardProperty& row) {
    return row.map == "pronouns" ? card_["speakToAs"]["pronouns"] : card_[row.map];
  }
  [[nodiscard]] static std::string path_of(const CardProperty& row, const std::string& key) {
    return (row.map == "pronouns" ? "speakToAs/pronouns/" : std::string(row.map) + '/') + key;
  }
  /// Whether a property is not too large to be copied for another one.
  [[nodiscard]] bool can_copy(const VCardProperty& property) noexcept {
    return copies_.can_spend(property_bytes(property) + value_bytes(property));
  }
  [[nodiscard]] JsonTree& localization(const std::string& language) {
    return localizations_[language];
  }

  const std::vector<VCardProperty>& properties_;
  CardGroups groups_;
  RecordBudget budget_;
  RecordBudget copies_;  // of what others are compared with: a few for each of them
  JsonTree card_;
  JsonTree localizations_{JsonTree::Kind::object};
  JsonTree kept_{JsonTree::Kind::array};                         // vCardProps
  std::map<std::size_t, Alternatives> alternatives_;             // by their base
  std::set<std::size_t> others_;                                 // that are in alternatives_
  std::map<std::size_t, std::string> keys_;                      // of the objects that were made
  std::map<std::string_view, std::set<std::string>> used_keys_;  // by map
  std::map<std::string_view, std::size_t> counts_;  // of made keys, by the property's name
  std::map<std::string_view, std::set<std::string>> taken_ids_;  // PROP-IDs that are keys, by map
  std::vector<const VCardProperty*> fns_;
  std::vector<const VCardProperty*> ns_;
  std::vector<const VCardProperty*> genders_;
  std::vector<const VCardProperty*> places_;
  std::vector<const VCardProperty*> jsprops_;
  std::map<std::string_view, std::string> anniversaries_;  // the key of the first of a kind
  std::map<std::string_view, std::size_t> name_counts_;
  std::set<std::string> labelled_;  // groups whose label is in an object
  bool is_group_ = false;
};

inline JsonTree CardFromVCard::read() {
  std::size_t bytes = std::size_t{64} * 1024;
  for (const VCardProperty& property : properties_) {
    bytes += property_bytes(property) + value_bytes(property);
    budget_.spend(property_bytes(property) + value_bytes(property), property.name);
  }
  copies_ = RecordBudget(2 * bytes);
  card_["@type"] = JsonTree("Card");
  card_["version"] = JsonTree("1.0");
  read_uid();
  find_alternatives();
  reserve_keys();
  for (const VCardProperty& property : properties_) {
    if (!property.value.empty()) ++name_counts_[property.name];
    if (property.name == "FN") fns_.push_back(&property);
    if (property.name == "N") ns_.push_back(&property);
    is_group_ |= property.name == "KIND" && equals_ignoring_case(property.value, "group");
  }
  read_name();
  for (std::size_t i = 0; i < properties_.size(); ++i) read_property(i);
  read_alternatives();
  read_places();
  read_grammatical_gender();
  link_titles();
  read_fn();
  name_after_organization();
  for (const auto& [group, label] : groups_.labels()) {
    if (labelled_.count(group) == 0) keep(properties_[label]);
  }
  if (!localizations_.children().empty()) card_["localizations"] = std::move(localizations_);
  if (!kept_.children().empty()) card_["vCardProps"] = std::move(kept_);
  apply_jsprops();
  return std::move(card_);
}

inline void CardFromVCard::read_uid() {
  std::string content;
  for (const VCardProperty& property : properties_) {
    if (property.name == "UID" && !property.value.empty()) {
      card_["uid"] = JsonTree(unescape_text(property.value));
      return;
    }
    // The same contact may be written again by another program, or later.
    if (property.name == "REV" || property.name == "PRODID") continue;
    content.append(property.group).append(".").append(property.name);
    for (const VCardParameter& parameter : property.parameters) {
      content.append(";").append(parameter.name);
      for (const std::string& value : parameter.values) content.append("=").append(value);
    }
    content.append(":").append(property.value).append("\n");
  }
  card_["uid"] = JsonTree(content_uid(content));
}

inline void CardFromVCard::find_alternatives() {
  std::map<std::pair<std::string_view, std::string>, std::vector<std::size_t>> by_altid;
  for (std::size_t i = 0; i < properties_.size(); ++i) {
    const ParameterBag bag(properties_[i].parameters);
    const std::string* const altid = bag.one("ALTID");
    if (altid == nullptr || find_card_property(properties_[i].name) == nullptr) continue;
    by_altid[{properties_[i].name, *altid}].push_back(i);
  }
  for (const auto& [altid, indexes] : by_altid) {
    if (indexes.size() < 2 || indexes.size() > max_alternatives) continue;
    Alternatives all{properties_.size(), {}};
    std::vector<Alternative> found;
    for (const std::size_t i : indexes) {
      const ParameterBag bag(properties_[i].parameters);
      const std::string* const language = bag.one("LANGUAGE");
      found.push_back({i, language != nullptr ? *language : "", bag.one("PHONETIC") != nullptr});
    }
    const auto is_plain = [](const Alternative& one) { return !one.is_phonetic; };
    auto base = std::find_if(found.begin(), found.end(), [](const Alternative& one) {
      return !one.is_phonetic && one.language.empty();
    });
    if (base == found.end()) base = std::find_if(found.begin(), found.end(), is_plain);
    if (base == found.end()) continue;
    all.base = base->property;
    std::set<std::string> languages{base->language};
    for (const Alternative& one : found) {
      if (one.property == all.base) continue;
      const bool is_other =
          one.is_phonetic || (!one.language.empty() && languages.insert(one.language).second);
      if (!is_other) {
        all.are_folded = false;
        continue;
      }
      others_.insert(one.property);
      all.others.push_back(one);
    }
    // What is pronounced must be there first.
    std::stable_partition(all.others.begin(), all.others.end(), is_plain);
    alternatives_.emplace(all.base, std::move(all));
  }
}

inline void CardFromVCard::reserve_keys() {
  for (std::size_t i = 0; i < properties_.size(); ++i) {
    const VCardProperty& property = properties_[i];
    const CardProperty* const row = find_card_property(property.name);
    const std::string_view map =
        row != nullptr ? row->map
        : property.name == "BDAY" || property.name == "DEATHDATE" || property.name == "ANNIVERSARY"
            ? "anniversaries"
            : "";
    const ParameterBag bag(property.parameters);
    const std::string* const id = bag.one("PROP-ID");
    if (map.empty() || id == nullptr || !is_jscontact_id(*id) || others_.count(i) != 0) continue;
    used_keys_[map].insert(*id);
  }
}

/// @param bag  from which PROP-ID is taken, if it is the key; null: it can't be
inline std::string CardFromVCard::key_for(std::string_view map, const VCardProperty& property,
                                          ParameterBag* bag) {
  const std::string* const id = bag != nullptr ? bag->one("PROP-ID") : nullptr;
  // The first one that is converted has it.
  if (id != nullptr && is_jscontact_id(*id) && taken_ids_[map].insert(*id).second) {
    used_keys_[map].insert(*id);
    return *bag->take("PROP-ID");
  }
  std::set<std::string>& used = used_keys_[map];
  std::string key;
  do {
    key = property.name + '-' + std::to_string(++counts_[property.name]);
  } while (!used.insert(key).second);
  return key;
}

inline void CardFromVCard::read_property(std::size_t i) {
  const VCardProperty& property = properties_[i];
  const std::string_view name = property.name;
  if (name == "FN" || name == "N" || others_.count(i) != 0 || groups_.is_taken(i)) return;
  if (name == "X-ABLABEL" && groups_.is_label(property, i)) return;
  if (name == "JSPROP") return jsprops_.push_back(&property);
  if (name == "GRAMGENDER") return genders_.push_back(&property);
  if (name == "BIRTHPLACE" || name == "DEATHPLACE") return places_.push_back(&property);
  if (name == "BDAY") return read_anniversary(property, "birth");
  if (name == "DEATHDATE") return read_anniversary(property, "death");
  if (name == "ANNIVERSARY") return read_anniversary(property, "wedding");
  if (name == "RELATED") return read_related(property);
  if (name == "CATEGORIES") return read_categories(property);
  if (const CardProperty* const row = find_card_property(name)) return read_object(i, *row);
  if (!read_single(property)) keep(property);
}

inline bool CardFromVCard::read_single(const VCardProperty& property) {
  const std::string_view name = property.name;
  ParameterBag bag(property.parameters);
  const std::string type = lowercase(bag.take("VALUE").value_or(""));
  const std::string text = unescape_text(property.value);
  const bool has_default_type = type.empty() || type == default_value_type(name);
  std::optional<std::string> value;
  if (name == "UID") {
    if (text.empty()) return property.parameters.empty() && property.group.empty();
    const bool is_fit = type.empty() || type == (is_uri(text) ? "uri" : "text");
    if (!is_fit) bag.put("VALUE", type);
    if (*card_.string("uid") != text || used_keys_["uid"].count(text) != 0) return false;
    used_keys_["uid"].insert(text);
    if (says_more(property, bag)) keep(property);
    return true;
  }
  if (!has_default_type || text.empty()) return false;
  if (name == "KIND") {
    constexpr std::string_view kinds = " individual group org location device application ";
    const std::string kind = lowercase(text);
    if (kinds.find(' ' + kind + ' ') != std::string_view::npos) value = kind;
    set_single(property, "kind", std::move(value), bag);
  } else if (name == "LANGUAGE") {
    set_single(property, "language", text, bag);
  } else if (name == "PRODID") {
    set_single(property, "prodId", text, bag);
  } else if (name == "REV") {
    set_single(property, "updated", utc_from_vcard(text), bag);
  } else if (name == "CREATED") {
    set_single(property, "created", utc_from_vcard(text), bag);
  } else if (name == "MEMBER") {
    if (!is_group_ || card_["members"].find(text) != nullptr) return false;
    card_["members"][text] = JsonTree(true);
    if (!bag.rest().empty() || !property.group.empty()) keep(property);
  } else {
    return false;
  }
  return true;
}

/// Whether a property is kept beside the member of the Card that it is, and stands for that in a
/// vCard: because it has more than the value, or is one of several.
inline bool CardFromVCard::says_more(const VCardProperty& property, const ParameterBag& bag) const {
  return !bag.rest().empty() || !property.group.empty() || name_counts_.at(property.name) > 1;
}
inline void CardFromVCard::set_single(const VCardProperty& property, std::string_view member,
                                      std::optional<std::string> value, const ParameterBag& bag) {
  const bool is_new = value && card_.find(member) == nullptr;
  if (is_new) card_[member] = JsonTree(*std::move(value));
  if (!is_new || says_more(property, bag)) keep(property);
}

inline void CardFromVCard::keep_parameters(const VCardProperty& property, const ParameterBag& bag,
                                           JsonTree& object) {
  JsonTree parameters = jcard_parameters(bag.rest(), groups_.kept_name(property.group));
  if (!parameters.is(JsonTree::Kind::null)) object["vCardParams"] = std::move(parameters);
}

/// Adds the label, and what is left in the bag.
inline void CardFromVCard::finish_object(const VCardProperty& property, const CardProperty& row,
                                         const ParameterBag& bag, JsonTree& object) {
  const std::string* const label = row.has_label ? groups_.label(property.group) : nullptr;
  if (label != nullptr) {
    budget_.spend(label->size(), property.name);
    object["label"] = JsonTree(*label);
    labelled_.insert(lowercase(property.group));
  }
  keep_parameters(property, bag, object);
}

inline void CardFromVCard::read_object(std::size_t i, const CardProperty& row) {
  const VCardProperty& property = properties_[i];
  std::vector<std::string> values{property.value};
  if (row.value == CardValue::texts) {
    values.clear();
    for (const auto text : split_escaped(property.value, ',')) values.emplace_back(text);
  }
  const bool is_phonetic = ParameterBag(property.parameters).find("PHONETIC") != nullptr;
  bool is_first = true;
  for (const std::string& value : values) {
    if (!is_first) budget_.spend(property_bytes(property), property.name);
    ParameterBag bag(property.parameters);
    for (const VCardParameter& more : groups_.more_parameters(i)) {
      add_parameter_to(bag, more);
    }
    std::optional<JsonTree> object;
    if (!is_phonetic) object = card_object(row, value, bag);
    if (!object) {
      if (values.size() == 1) return keep(property);
      continue;  // an empty name in a list
    }
    const auto alternatives = alternatives_.find(i);
    if (alternatives != alternatives_.end()) bag.drop("ALTID");
    std::string key = key_for(row.map, property, std::exchange(is_first, false) ? &bag : nullptr);
    if (!is_first && values.size() > 1) bag.drop("PROP-ID");
    finish_object(property, row, bag, *object);
    map_of(row)[key] = *std::move(object);
    keys_.emplace(i, std::move(key));
  }
  if (keys_.count(i) == 0) keep(property);
}

inline void CardFromVCard::read_alternatives() {
  for (auto& [base, all] : alternatives_) {
    const CardProperty& row = *find_card_property(properties_[base].name);
    for (const Alternative& one : all.others) {
      if (keys_.count(base) != 0 && (one.is_phonetic ? fold_phonetics(all, one) : fold(all, one))) {
        continue;
      }
      all.are_folded = false;
      if (one.is_phonetic) {
        keep(properties_[one.property]);
      } else {
        read_object(one.property, row);
      }
    }
    const auto key = keys_.find(base);
    if (all.are_folded || key == keys_.end()) continue;
    const ParameterBag bag(properties_[base].parameters);
    map_of(row)[key->second]["vCardParams"]["altid"] = JsonTree(*bag.one("ALTID"));
  }
}

/// Makes patches of a property in another language.
inline bool CardFromVCard::fold(const Alternatives& all, const Alternative& one) {
  const VCardProperty& property = properties_[one.property];
  const CardProperty& row = *find_card_property(property.name);
  if (row.value == CardValue::texts && split_escaped(property.value, ',').size() > 1) return false;
  if (!can_copy(properties_[all.base])) return false;
  ParameterBag bag(property.parameters);
  bag.drop("LANGUAGE");
  bag.drop("ALTID");
  auto object = card_object(row, property.value, bag);
  if (!object) return false;
  const std::string& group = properties_[all.base].group;
  const bool shares_group = property.group.empty() && groups_.kept_name(group).empty();
  if (!shares_group && lowercase(property.group) != lowercase(group)) return false;
  finish_object(property, row, bag, *object);
  const std::string& key = keys_.at(all.base);
  JsonTree base = map_of(row)[key];
  // The language of the base is not that of what is localized.
  if (JsonTree* const parameters = base.find("vCardParams")) {
    parameters->erase("language");

    if (parameters->children().empty()) base.erase("vCardParams");
  }
  if (shares_group) base.erase("label");
  const std::string path = path_of(row, key);
  budget_.spend(path.size() * (object->children().size() + base.children().size()), property.name);
  JsonTree& patch = localization(one.language);
  if (row.value == CardValue::address) {
    patch[path] = *std::move(object);
    return true;
  }
  bool is_changed = false;
  for (const auto& [name, value] : object->children()) {
    const JsonTree* const before = base.find(name);
    if (before != nullptr && *before == value) continue;
    patch[std::string(path).append("/").append(name)] = value;
    is_changed = true;
  }
  for (const auto& [name, value] : base.children()) {
    if (object->find(name) != nullptr) continue;
    patch[std::string(path).append("/").append(name)] = JsonTree();
    is_changed = true;
  }
  if (!is_changed) patch[path] = *std::move(object);
  return true;
}

/// Makes `phonetic` of an ADR that says how another one is pronounced.
inline bool CardFromVCard::fold_phonetics(const Alternatives& all, const Alternative& one) {
  const CardProperty& row = *find_card_property(properties_[one.property].name);
  if (row.value != CardValue::address) return false;
  if (!can_copy(properties_[all.base])) return false;
  const VCardProperty* of = &properties_[all.base];
  const std::string path = path_of(row, keys_.at(all.base));
  JsonTree* object = &map_of(row)[keys_.at(all.base)];
  bool is_localized = !one.language.empty();
  for (const Alternative& other : all.others) {
    if (other.is_phonetic || !is_localized || other.language != one.language) continue;
    JsonTree* const localized = localization(one.language).find(path);
    if (localized == nullptr) return false;
    of = &properties_[other.property];
    object = localized;
    is_localized = false;
  }
  ParameterBag of_bag(of->parameters);
  const VCardLists lists = split_lists(of->value);
  auto components = read_components(ComponentForm::address, lists, of_bag.one("JSCOMPS"));
  if (!components) components = read_components(ComponentForm::address, lists, nullptr);
  ReadStructure target{*object, *std::move(components)};
  if (target.object.find("phoneticSystem") != nullptr ||
      target.object.find("phoneticScript") != nullptr) {
    return false;
  }
  ParameterBag bag(properties_[one.property].parameters);
  if (!take_phonetics(ComponentForm::address, properties_[one.property], bag, target)) return false;
  for (const char* name : {"ALTID", "LANGUAGE", "VALUE"}) bag.drop(name);
  if (!bag.rest().empty() || !properties_[one.property].group.empty()) return false;
  if (is_localized) {
    add_phonetic_patches(target.object, path, localization(one.language));
  } else {
    *object = std::move(target.object);
  }
  return true;
}

inline void CardFromVCard::read_anniversary(const VCardProperty& property, std::string_view kind) {
  ParameterBag bag(property.parameters);
  const std::string type = lowercase(bag.take("VALUE").value_or(""));
  auto date = type == "text" ? std::nullopt : date_from_vcard(property.value);
  if (!date) return keep(property);
  const bool is_all = date_to_vcard(*date) == property.value;
  const JsonTree* const year = date->find("year");
  const std::string* const omitted = bag.one("X-APPLE-OMIT-YEAR");
  if (omitted != nullptr && year != nullptr && date->find("day") != nullptr &&
      *omitted == year->text()) {
    date->erase("year");
    bag.drop("X-APPLE-OMIT-YEAR");
  }
  const std::string* const scale = bag.one("CALSCALE");
  if (scale != nullptr && date->find("utc") == nullptr && lowercase(*scale) == *scale &&
      !scale->empty()) {
    (*date)["calendarScale"] = JsonTree(*bag.take("CALSCALE"));
  }
  JsonTree anniversary;
  anniversary["kind"] = JsonTree(kind);
  anniversary["date"] = *std::move(date);
  if (!is_all) anniversary[vcard_date_member] = JsonTree(property.value);
  const std::string key = key_for("anniversaries", property, &bag);
  keep_parameters(property, bag, anniversary);
  card_["anniversaries"][key] = std::move(anniversary);
  anniversaries_.emplace(kind, key);
}

inline void CardFromVCard::read_places() {
  for (const VCardProperty* const property : places_) {
    const std::string_view kind = property->name == "BIRTHPLACE" ? "birth" : "death";
    const auto key = anniversaries_.find(kind);
    JsonTree* const anniversary =
        key != anniversaries_.end() ? &card_["anniversaries"][key->second] : nullptr;
    ParameterBag bag(property->parameters);
    const std::string type = lowercase(bag.take("VALUE").value_or("text"));
    const bool is_geo = type == "uri" && lowercase(property->value.substr(0, 4)) == "geo:";
    if (anniversary == nullptr || anniversary->find("place") != nullptr ||
        property->value.empty() || (type != "text" && !is_geo)) {
      keep(*property);
      continue;
    }
    JsonTree place;
    place[is_geo ? "coordinates" : "full"] =
        JsonTree(is_geo ? property->value : unescape_text(property->value));
    keep_parameters(*property, bag, place);
    (*anniversary)["place"] = std::move(place);
  }
}

inline void CardFromVCard::read_related(const VCardProperty& property) {
  ParameterBag bag(property.parameters);
  const std::string type = lowercase(bag.take("VALUE").value_or(""));
  std::string text = unescape_text(property.value);
  if (!type.empty() && type != (is_uri(text) ? "uri" : "text")) bag.put("VALUE", type);
  if (text.empty() || card_["relatedTo"].find(text) != nullptr) return keep(property);
  JsonTree relation(JsonTree::Kind::object);
  bag.take_values("TYPE", [&](const std::string& value) {
    relation[lowercase(value)] = JsonTree(true);
    return true;
  });
  JsonTree& related = card_["relatedTo"][text];
  related["relation"] = std::move(relation);
  keep_parameters(property, bag, related);
}

inline void CardFromVCard::read_categories(const VCardProperty& property) {
  const std::vector<std::string> texts = split_texts(property.value, ',');
  const bool has_texts =
      std::any_of(texts.begin(), texts.end(), [](const auto& text) { return !text.empty(); });
  if (!has_texts || !property.parameters.empty() || !property.group.empty()) return keep(property);
  for (const std::string& text : texts) {
    if (!text.empty()) card_["keywords"][text] = JsonTree(true);
  }
}

inline void CardFromVCard::read_grammatical_gender() {
  constexpr std::string_view genders = " animate common feminine inanimate masculine neuter ";
  std::stable_partition(genders_.begin(), genders_.end(), [](const VCardProperty* one) {
    return ParameterBag(one->parameters).find("LANGUAGE") == nullptr;
  });
  for (const VCardProperty* const property : genders_) {
    const std::string gender = lowercase(property->value);
    ParameterBag bag(property->parameters);
    const std::string type = lowercase(bag.take("VALUE").value_or("text"));
    if (type != "text" || genders.find(' ' + gender + ' ') == std::string_view::npos) {
      keep(*property);
      continue;
    }
    JsonTree& speak_to_as = card_["speakToAs"];
    if (speak_to_as.find("grammaticalGender") == nullptr) {
      speak_to_as["grammaticalGender"] = JsonTree(gender);
      keep_parameters(*property, bag, speak_to_as);
      continue;
    }
    const auto language = bag.take("LANGUAGE");
    const std::string path = "speakToAs/grammaticalGender";
    if (!language || !bag.rest().empty() || !property->group.empty() ||
        localization(*language).find(path) != nullptr) {
      keep(*property);
    } else {
      localization(*language)[path] = JsonTree(gender);
    }
  }
}

inline void CardFromVCard::link_titles() {
  for (std::size_t i = 0; i < properties_.size(); ++i) {
    const std::string& name = properties_[i].name;
    if (name != "TITLE" && name != "ROLE") continue;
    const auto organization = groups_.organization(properties_[i].group);
    if (!organization || keys_.count(*organization) == 0 || keys_.count(i) == 0) continue;
    budget_.spend(keys_[*organization].size(), name);
    card_["titles"][keys_[i]]["organizationId"] = JsonTree(keys_[*organization]);
  }
}

/// Reads N, and how it is written in other languages, and pronounced.
inline void CardFromVCard::read_name() {
  struct Read {
    const VCardProperty* property;
    ParameterBag bag;
    std::string language;
    ReadStructure structure;
  };
  std::vector<Read> names;
  std::vector<const VCardProperty*> phonetics;
  for (const VCardProperty* const property : ns_) {
    if (names.size() + phonetics.size() == max_alternatives) {
      keep(*property);
      continue;
    }
    ParameterBag bag(property->parameters);
    if (bag.find("PHONETIC") != nullptr) {
      phonetics.push_back(property);
      continue;
    }
    const std::string* const language = bag.one("LANGUAGE");
    std::string its_language = language != nullptr ? *language : "";
    auto structure = read_n(*property, bag);
    if (structure) {
      names.push_back({property, std::move(bag), std::move(its_language), *std::move(structure)});
    } else if (property->value.find_first_not_of("; ,") != std::string::npos ||
               !property->parameters.empty() || !property->group.empty()) {
      keep(*property);
    }
  }
  auto base = std::find_if(names.begin(), names.end(),
                           [](const Read& one) { return one.language.empty(); });
  if (base == names.end()) base = names.begin();
  if (base == names.end()) {
    for (const VCardProperty* const property : phonetics) keep(*property);
    return;
  }
  const auto altid_of = [](const VCardProperty& property) {
    const ParameterBag bag(property.parameters);
    const std::string* const altid = bag.one("ALTID");
    return altid != nullptr ? *altid : "";
  };
  const std::string altid = altid_of(*base->property);
  bool are_folded = true;
  std::vector<Read*> localized;
  std::set<std::string> languages{base->language};
  for (Read& one : names) {
    if (&one == &*base) continue;
    one.bag.drop("ALTID");
    one.bag.drop("LANGUAGE");
    const bool is_folded = altid_of(*one.property) == altid && one.bag.rest().empty() &&
                           one.property->group.empty() && languages.insert(one.language).second;
    if (is_folded) {
      localized.push_back(&one);
    } else {
      are_folded &= altid_of(*one.property) != altid;
      keep(*one.property);
    }
  }
  std::set<std::string> pronounced;
  for (const VCardProperty* const property : phonetics) {
    if (!can_copy(*base->property)) {
      keep(*property);
      continue;
    }
    ParameterBag bag(property->parameters);
    const std::string language = bag.take("LANGUAGE").value_or("");
    bag.drop("ALTID");
    bag.drop("VALUE");
    const auto at = std::find_if(localized.begin(), localized.end(),
                                 [&](const Read* one) { return one->language == language; });
    Read* const target = at != localized.end() ? *at : &*base;
    const bool is_patch = target == &*base && !language.empty();
    ReadStructure changed = target->structure;
    if (altid_of(*property) != altid || !property->group.empty() ||
        !pronounced.insert(language).second ||
        !take_phonetics(ComponentForm::name, *property, bag, changed) || !bag.rest().empty()) {
      are_folded &= altid_of(*property) != altid;
      keep(*property);
    } else if (is_patch) {
      // The base may be pronounced too; only what this one adds counts.
      ReadStructure plain = base->structure;
      ParameterBag again(property->parameters);
      for (const char* member : {"phoneticSystem", "phoneticScript"}) plain.object.erase(member);
      for (auto& child : plain.object.find("components")->children()) {
        child.value.erase("phonetic");
      }
      if (take_phonetics(ComponentForm::name, *property, again, plain)) {
        add_phonetic_patches(plain.object, "name", localization(language));
      }
    } else {
      target->structure = std::move(changed);
    }
  }
  for (const Read* const one : localized) {
    JsonTree& patch = localization(one->language);
    for (const auto& [name, value] : one->structure.object.children()) {
      const JsonTree* const before = base->structure.object.find(name);
      if (name == "components" || before == nullptr || *before != value) {
        patch["name/" + name] = value;
      }
    }
    for (const auto& [name, value] : base->structure.object.children()) {
      // How the base is pronounced says nothing of another language.
      if (name == "phoneticSystem" || name == "phoneticScript") continue;
      if (one->structure.object.find(name) == nullptr) patch["name/" + name] = JsonTree();
    }
  }
  if (are_folded && (!localized.empty() || !phonetics.empty())) base->bag.drop("ALTID");
  keep_parameters(*base->property, base->bag, base->structure.object);
  card_["name"] = std::move(base->structure.object);
}

inline void CardFromVCard::read_fn() {
  const VCardProperty* base = nullptr;
  bool has_language = true;
  std::vector<const VCardProperty*> others;
  const std::string derived = derived_full_name(card_);
  for (const VCardProperty* const property : fns_) {
    const ParameterBag bag(property->parameters);
    const std::string* const is_derived = bag.one("DERIVED");
    const bool has_n = card_.find("name") != nullptr;
    const std::string text = unescape_text(property->value);
    if (is_derived != nullptr && equals_ignoring_case(*is_derived, "true") &&
        (has_n || text.empty() || text == derived)) {
      continue;
    }
    if (text.empty()) {
      if (!property->parameters.empty() || !property->group.empty()) keep(*property);
      continue;
    }
    const bool is_in_language = bag.find("LANGUAGE") != nullptr;
    const bool is_better = base == nullptr || (has_language && !is_in_language) ||
                           (has_language == is_in_language && !is_in_language &&
                            property->parameters.size() < base->parameters.size());
    if (is_better) {
      if (base != nullptr) others.push_back(base);
      base = property;
      has_language = is_in_language;
    } else {
      others.push_back(property);
    }
  }
  if (base == nullptr) return;
  ParameterBag base_bag(base->parameters);
  const std::string base_language =
      base_bag.one("LANGUAGE") != nullptr ? *base_bag.one("LANGUAGE") : "";
  const std::string altid = base_bag.one("ALTID") != nullptr ? *base_bag.one("ALTID") : "";
  std::set<std::string> languages{base_language};
  bool is_any_folded = false;
  bool are_folded = true;
  const std::string full = unescape_text(base->value);
  bool has_twin = false;  // that is kept, and would stand for this one
  for (const VCardProperty* const property : others) {
    ParameterBag bag(property->parameters);
    const std::string language = bag.take("LANGUAGE").value_or("");
    const std::string its_altid = bag.take("ALTID").value_or("");
    const std::string type = lowercase(bag.take("VALUE").value_or("text"));
    const bool is_folded = type == "text" && its_altid == altid && bag.rest().empty() &&
                           property->group.empty() && !property->value.empty() &&
                           languages.insert(language).second;
    if (is_folded) {
      localization(language)["name/full"] = JsonTree(unescape_text(property->value));
    } else {
      has_twin |= unescape_text(property->value) == full;
      keep(*property);
    }
    if (its_altid == altid) (is_folded ? is_any_folded : are_folded) = is_folded;
  }
  if (is_any_folded && are_folded) base_bag.drop("ALTID");
  const std::string type = lowercase(base_bag.take("VALUE").value_or("text"));
  if (type != "text") return keep(*base);
  const bool has_n = card_.find("name") != nullptr;
  JsonTree& name = card_["name"];
  name["full"] = JsonTree(full);
  const bool has_more = !base_bag.rest().empty() || !base->group.empty();
  if (has_twin || (has_n && has_more)) {
    keep(*base);
  } else if (!has_n) {
    keep_parameters(*base, base_bag, name);
  }
}

/// Many programs give a company no FN.
inline void CardFromVCard::name_after_organization() {
  const JsonTree* const organizations = card_.find("organizations");
  const bool has_fn = std::any_of(fns_.begin(), fns_.end(), [](const VCardProperty* one) {
    return !one->value.empty() || !one->parameters.empty();
  });
  if (has_fn || card_.find("name") != nullptr || organizations == nullptr) return;
  card_["name"]["full"] = JsonTree(derived_full_name(card_));
}

/// @returns how deep a value nests
[[nodiscard]] inline std::size_t depth_of(const JsonTree& tree) {
  std::size_t deepest = 0;
  for (const auto& child : tree.children()) deepest = (std::max)(deepest, depth_of(child.value));
  const bool may_nest = tree.is(JsonTree::Kind::object) || tree.is(JsonTree::Kind::array);
  return may_nest ? deepest + 1 : 0;
}

inline void CardFromVCard::apply_jsprops() {
  if (jsprops_.empty()) return;
  CardPatch patch;
  bool is_valid = true;
  for (const VCardProperty* const property : jsprops_) {
    const ParameterBag bag(property->parameters);
    const std::string* const pointer = bag.one("JSPTR");
    auto path = pointer != nullptr ? card_path(*pointer) : std::nullopt;
    std::string json = unescape_text(property->value);
    try {
      compact_json(json, Document::max_depth);
    } catch (const Error&) {
      path.reset();
    }
    if (!path) {
      is_valid = false;
      break;
    }
    budget_.spend(tree_bytes(json), property->name);
    patch.push_back({*std::move(path), JsonTree(JsonSpan(json))});
  }
  JsonTree patched = card_;
  is_valid = is_valid && are_apart(patch) && apply_patch(patched, patch);
  const std::string* const uid = patched.string("uid");
  const std::string* const type = patched.string("@type");
  is_valid = is_valid && uid != nullptr && !uid->empty() && type != nullptr && *type == "Card" &&
             patched.string("version") != nullptr && depth_of(patched) <= Document::max_depth;
  if (is_valid) {
    card_ = std::move(patched);
    return;
  }
  for (const VCardProperty* const property : jsprops_) {
    card_["vCardProps"].push_back(jcard_property(*property));
  }
}

inline std::string derived_full_name(const JsonTree& card) {
  if (const JsonTree* const name = card.find("name")) {
    std::string joined = joined_components(ComponentForm::name, *name);
    if (!joined.empty()) return joined;
  }
  if (const JsonTree* const organizations = card.find("organizations")) {
    for (const auto& child : organizations->children()) {
      const std::string* name = child.value.string("name");
      const JsonTree* const units = child.value.find("units");
      const bool has_name = name != nullptr && !name->empty();
      if (!has_name && units != nullptr && !units->children().empty()) {
        name = units->children().front().value.string("name");
      }
      if (name != nullptr && !name->empty() && is_vcard_text(*name)) return *name;
    }
  }
  return {};
}

inline JsonTree card_tree_from_vcard(const VCard& vcard, const RecordBudget& budget) {
  return CardFromVCard(vcard, budget).read();
}

inline Document card_from_vcard(const VCard& vcard, const RecordBudget& budget) {
  return Document::parse(card_tree_from_vcard(vcard, budget).dump());
}

}  // namespace addrbook::detail
