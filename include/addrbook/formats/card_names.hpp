/// The name of a Card, which is FN and N of a vCard (RFC 9555, 2.3.15, 2.5.2 and 2.5.5).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_addresses.hpp>
#include <addrbook/formats/card_components.hpp>
#include <addrbook/formats/card_objects.hpp>
#include <addrbook/formats/card_patch.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/formats/jcard.hpp>
#include <addrbook/formats/parameter_bag.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/json/tree.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A Name or an Address with its components, and how they were pronounced.
struct ReadStructure {
  JsonTree object;
  ReadComponents components;
};

/// Takes PHONETIC and SCRIPT, and gives components their `phonetic`.
/// @param target  has the components; is changed only if true is returned
/// @returns false if they can't be converted
[[nodiscard]] inline bool take_phonetics(ComponentForm form, const VCardProperty& property,
                                         ParameterBag& bag, ReadStructure& target);

/// The patches that give a localized name or address its phonetics.
/// @param path  of the Name or the Address
inline void add_phonetic_patches(const JsonTree& object, const std::string& path, JsonTree& patch);

/// Adds the property with PHONETIC that has the phonetics of components, if there are any.
[[nodiscard]] inline std::optional<VCardProperty> phonetic_property(std::string_view name,
                                                                    const JsonTree& object,
                                                                    const VCardLists& phonetics);

/// @returns the members of a Name that N has; nothing for what can't be converted, or is empty
[[nodiscard]] inline std::optional<ReadStructure> read_n(const VCardProperty& property,
                                                         ParameterBag& bag);

/// @returns N of a Name with its phonetics, without the parameters of the Name; nothing if it has
///          no components
[[nodiscard]] inline std::optional<VCardProperty> write_n(const JsonTree& name);

// ---------------------------------------------------------------------------------------------

inline bool take_phonetics(ComponentForm form, const VCardProperty& property, ParameterBag& bag,
                           ReadStructure& target) {
  const std::string* const system = bag.one("PHONETIC");
  const std::string* const script = bag.one("SCRIPT");
  if (system == nullptr || system->empty()) return false;
  const bool is_script = equals_ignoring_case(*system, "script");
  if (is_script && (script == nullptr || script->empty())) return false;
  const VCardLists lists = split_lists(property.value);
  if (!is_convertible(lists)) return false;
  JsonTree changed = target.object;
  if (!add_phonetics(form, target.components, lists, changed)) return false;
  if (!is_script) changed["phoneticSystem"] = JsonTree(*system);
  if (script != nullptr) changed["phoneticScript"] = JsonTree(*script);
  target.object = std::move(changed);
  for (const char* name : {"PHONETIC", "SCRIPT", "JSCOMPS"}) bag.drop(name);
  return true;
}

inline void add_phonetic_patches(const JsonTree& object, const std::string& path, JsonTree& patch) {
  for (const char* member : {"phoneticSystem", "phoneticScript"}) {
    if (const JsonTree* const value = object.find(member)) patch[path + '/' + member] = *value;
  }
  const JsonTree* const list = object.find("components");
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->children().size(); ++i) {
    const JsonTree* const phonetic = list->children()[i].value.find("phonetic");
    if (phonetic != nullptr) {
      patch[path + "/components/" + std::to_string(i) + "/phonetic"] = *phonetic;
    }
  }
}

inline std::optional<VCardProperty> phonetic_property(std::string_view name, const JsonTree& object,
                                                      const VCardLists& phonetics) {
  if (phonetics.empty()) return std::nullopt;
  VCardProperty property;
  property.name = name;
  const std::string* const system = object.string("phoneticSystem");
  const bool has_script = object.string("phoneticScript") != nullptr;
  if (system == nullptr && !has_script) return std::nullopt;
  if (system != nullptr) {
    add_text(object, "phoneticSystem", "PHONETIC", property);
  } else {
    add_parameter(property.parameters, "PHONETIC", {"script"});
  }
  add_text(object, "phoneticScript", "SCRIPT", property);
  property.value = join_lists(phonetics);
  return property;
}

inline std::optional<ReadStructure> read_n(const VCardProperty& property, ParameterBag& bag) {
  const VCardLists lists = split_lists(property.value);
  const std::string type = lowercase(bag.take("VALUE").value_or("text"));
  if (type != "text" || !is_convertible(lists)) return std::nullopt;
  const std::string* const jscomps = bag.one("JSCOMPS");
  auto read = read_components(ComponentForm::name, lists, jscomps);
  if (read && jscomps != nullptr) bag.drop("JSCOMPS");
  if (!read) read = read_components(ComponentForm::name, lists, nullptr);
  if (read->places.empty()) return std::nullopt;
  ReadStructure structure{read->members, std::move(*read)};
  const auto sort_as = sort_as_parts(bag);
  JsonTree keys;
  bool is_whole = sort_as.size() <= component_count(ComponentForm::name);
  for (std::size_t slot = 0; is_whole && slot < sort_as.size(); ++slot) {
    if (sort_as[slot].empty()) continue;
    const auto& places = structure.components.places;
    is_whole = std::any_of(places.begin(), places.end(),
                           [slot](const auto& place) { return place && place->slot == slot; });
    keys[component_kind(ComponentForm::name, slot)] = JsonTree(sort_as[slot]);
  }
  if (is_whole && keys.is(JsonTree::Kind::object)) {
    structure.object["sortAs"] = std::move(keys);
    bag.drop("SORT-AS");
  }
  return structure;
}

inline std::optional<VCardProperty> write_n(const JsonTree& name) {
  WrittenComponents written = write_components(ComponentForm::name, name);
  VCardProperty property;
  property.name = "N";
  property.value = join_lists(written.lists);
  if (property.value.find_first_not_of(';') == std::string::npos) return std::nullopt;
  if (written.jscomps) {
    add_parameter(property.parameters, "JSCOMPS", {*std::move(written.jscomps)});
  }
  if (const JsonTree* const keys = name.find("sortAs")) {
    std::vector<std::string> parts;
    for (const auto kind : name_kinds) {
      const std::string* const key = keys->string(kind);
      parts.push_back(key != nullptr ? *key : "");
    }
    add_sort_as(parts, property);
  }
  return property;
}

}  // namespace addrbook::detail
