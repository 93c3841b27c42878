/// Components of names and addresses: N and ADR of a vCard (RFC 9554, 2) and those of a Card (RFC
/// 9555, 2.5.5, 2.6.1 and 3.3.1).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/json/tree.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Which structure.
enum class ComponentForm { name, address };

/// Where a component stands in the structure.
struct ComponentPlace {
  std::size_t slot;
  std::size_t index;

  friend bool operator==(ComponentPlace a, ComponentPlace b) noexcept {
    return a.slot == b.slot && a.index == b.index;
  }
};

/// What a structure is as a Name or an Address.
struct ReadComponents {
  JsonTree members;  ///< `components`, and with JSCOMPS `isOrdered` and `defaultSeparator`
  /// Of each component; nothing for a separator.
  std::vector<std::optional<ComponentPlace>> places;
};

/// @param jscomps  the parameter's value; null: none
/// @returns nothing if JSCOMPS is not valid for the structure
[[nodiscard]] inline std::optional<ReadComponents> read_components(ComponentForm form,
                                                                   const VCardLists& lists,
                                                                   const std::string* jscomps);

/// Adds the member `phonetic` to components.
/// @param components  of `to`
/// @param lists       of the property with the parameter PHONETIC
/// @returns false if one of its values has no component; nothing is changed then
[[nodiscard]] inline bool add_phonetics(ComponentForm form, const ReadComponents& components,
                                        const VCardLists& lists, JsonTree& to);

/// What a Name or an Address is as a structure.
struct WrittenComponents {
  VCardLists lists;                    ///< all of them, also those that are empty
  std::optional<std::string> jscomps;  ///< if the components are in order
  VCardLists phonetics;                ///< in the same places; empty if there are none
};

/// Components that a vCard can't hold are left out.
[[nodiscard]] inline WrittenComponents write_components(ComponentForm form, const JsonTree& object);

/// Joins components in their order, or in one that is common if they have none.
[[nodiscard]] inline std::string joined_components(ComponentForm form, const JsonTree& object);

/// @returns the kind that a slot stands for
[[nodiscard]] inline std::string_view component_kind(ComponentForm form, std::size_t slot) noexcept;

/// @returns the slot of a kind; nothing for a separator, and kinds that are unknown
[[nodiscard]] inline std::optional<std::size_t> component_slot(ComponentForm form,
                                                               std::string_view kind) noexcept;

// ---------------------------------------------------------------------------------------------

inline constexpr std::string_view name_kinds[] = {"surname",    "given",    "given2",    "title",
                                                  "credential", "surname2", "generation"};

inline constexpr std::string_view address_kinds[] = {
    "postOfficeBox", "apartment", "name",        "locality", "region",   "postcode",
    "country",       "room",      "apartment",   "floor",    "number",   "name",
    "building",      "block",     "subdistrict", "district", "landmark", "direction"};

/// Where components stand that are in no order, as people read them: what RFC 9554 adds, at the
/// place of what it was a part of (RFC 9555, figure 15).
inline constexpr std::size_t address_ranks[] = {0, 2, 6, 12, 13, 14, 15, 1,  2,
                                                3, 5, 6, 4,  7,  8,  9,  10, 11};

[[nodiscard]] constexpr std::size_t component_rank(ComponentForm form, std::size_t slot) noexcept {
  return form == ComponentForm::name ? slot : address_ranks[slot];
}

/// Which slots say again what others say, for old readers (RFC 9554, 2).
struct OldSlot {
  std::size_t slot;
  std::string_view kinds;  // that it says again, each between spaces
};

inline constexpr OldSlot old_name_slots[] = {{0, " surname2 "}, {4, " generation "}};
inline constexpr OldSlot old_address_slots[] = {
    {1, " room floor apartment building "},
    {2, " number name block direction landmark subdistrict district "}};

[[nodiscard]] inline bool is_said_again(const OldSlot& old, std::string_view kind) {
  return old.kinds.find(' ' + std::string(kind) + ' ') != std::string_view::npos;
}

[[nodiscard]] constexpr std::size_t component_count(ComponentForm form) noexcept {
  return form == ComponentForm::name ? std::size(name_kinds) : std::size(address_kinds);
}

inline std::string_view component_kind(ComponentForm form, std::size_t slot) noexcept {
  return form == ComponentForm::name ? name_kinds[slot] : address_kinds[slot];
}

inline std::optional<std::size_t> component_slot(ComponentForm form,
                                                 std::string_view kind) noexcept {
  // From behind: a kind that has an old slot too is in the new one.
  for (std::size_t slot = component_count(form); slot-- > 0;) {
    if (component_kind(form, slot) == kind) return slot;
  }
  return std::nullopt;
}

/// The places of all values that count.
[[nodiscard]] inline std::vector<ComponentPlace> component_places(ComponentForm form,
                                                                  const VCardLists& lists) {
  std::vector<ComponentPlace> places;
  const auto has_text = [&lists](std::size_t slot) {
    return slot < lists.size() && std::any_of(lists[slot].begin(), lists[slot].end(),
                                              [](const auto& text) { return !text.empty(); });
  };
  const std::size_t count = (std::min)(lists.size(), component_count(form));
  for (std::size_t slot = 0; slot < count; ++slot) {
    std::vector<std::string> again;  // values of a name that do not count here
    bool is_old = false;             // nothing of it counts
    if (form == ComponentForm::name) {
      const std::size_t newer = slot == 0 ? 5 : slot == 4 ? 6 : lists.size();
      if (newer < lists.size()) again = lists[newer];
    } else if (slot == 1 || slot == 2) {
      constexpr std::size_t first_new = 7;
      for (std::size_t i = first_new; i < component_count(form); ++i) {
        is_old |= has_text(i) && is_said_again(old_address_slots[slot - 1], address_kinds[i]);
      }
    }
    if (is_old) continue;
    const std::size_t first = places.size();
    for (std::size_t i = lists[slot].size(); i-- > 0;) {
      const auto at = std::find(again.begin(), again.end(), lists[slot][i]);
      if (lists[slot][i].empty()) continue;
      if (at != again.end()) {
        again.erase(at);
      } else {
        places.push_back({slot, i});
      }
    }
    std::reverse(places.begin() + static_cast<std::ptrdiff_t>(first), places.end());
  }
  return places;
}

/// An entry of JSCOMPS: a place, or a separator.
struct ComponentEntry {
  std::optional<ComponentPlace> place;
  std::string separator;
};

[[nodiscard]] inline std::optional<ComponentEntry> read_component_entry(std::string_view entry) {
  if (entry.substr(0, 2) == "s,") return ComponentEntry{{}, unescape_text(entry.substr(2))};
  const auto slot = parse_decimal(cut(entry, ','));
  const auto index = entry.empty() ? std::optional<std::uint64_t>(0) : parse_decimal(entry);
  if (!slot || !index) return std::nullopt;
  return ComponentEntry{ComponentPlace{*slot, *index}, {}};
}

[[nodiscard]] inline JsonTree component(std::string_view kind, std::string value) {
  JsonTree tree;
  tree["kind"] = JsonTree(kind);
  tree["value"] = JsonTree(std::move(value));
  return tree;
}

inline std::optional<ReadComponents> read_components(ComponentForm form, const VCardLists& lists,
                                                     const std::string* jscomps) {
  std::vector<ComponentPlace> places = component_places(form, lists);
  ReadComponents read;
  JsonTree components(JsonTree::Kind::array);
  const auto add = [&](ComponentPlace place) {
    components.push_back(
        component(component_kind(form, place.slot), lists[place.slot][place.index]));
    read.places.emplace_back(place);
  };
  if (jscomps == nullptr) {
    std::stable_sort(places.begin(), places.end(), [form](ComponentPlace a, ComponentPlace b) {
      return component_rank(form, a.slot) < component_rank(form, b.slot);
    });
    for (const ComponentPlace place : places) add(place);
    if (!places.empty()) read.members["components"] = std::move(components);
    return read;
  }
  const auto entries = split_escaped(*jscomps, ';');
  std::vector<ComponentPlace> listed;
  for (const std::string_view text : entries) {
    const bool is_first = text.data() == entries.front().data();
    if (is_first && text.empty()) continue;
    auto entry = read_component_entry(text);
    if (!entry || (is_first && entry->place)) return std::nullopt;
    if (entry->place) {
      if (std::find(places.begin(), places.end(), *entry->place) == places.end()) {
        return std::nullopt;
      }
      listed.push_back(*entry->place);
      add(*entry->place);
    } else if (is_first) {
      read.members["defaultSeparator"] = JsonTree(std::move(entry->separator));
    } else {
      components.push_back(component("separator", std::move(entry->separator)));
      read.places.emplace_back();
    }
  }
  const auto before = [](ComponentPlace a, ComponentPlace b) {
    return a.slot != b.slot ? a.slot < b.slot : a.index < b.index;
  };
  std::sort(listed.begin(), listed.end(), before);
  if (listed.empty() || listed != places) return std::nullopt;
  read.members["components"] = std::move(components);
  read.members["isOrdered"] = JsonTree(true);
  return read;
}

inline bool add_phonetics(ComponentForm form, const ReadComponents& components,
                          const VCardLists& lists, JsonTree& to) {
  std::vector<std::pair<std::size_t, ComponentPlace>> found;
  for (const ComponentPlace place : component_places(form, lists)) {
    const auto at = std::find(components.places.begin(), components.places.end(), place);
    if (at == components.places.end()) return false;
    found.emplace_back(at - components.places.begin(), place);
  }
  JsonTree* const list = to.find("components");
  if (list == nullptr || list->children().size() != components.places.size()) return false;
  for (const auto& [index, place] : found) {
    list->children()[index].value["phonetic"] = JsonTree(lists[place.slot][place.index]);
  }
  return !found.empty();
}

/// What write_components() needs of a component.
struct WritableComponent {
  std::optional<std::size_t> slot;  // nothing: a separator
  const std::string* value;
  const std::string* phonetic;  // or null
};

/// @returns nothing for what a vCard can't hold
[[nodiscard]] inline std::optional<WritableComponent> writable_component(ComponentForm form,
                                                                         const JsonTree& tree) {
  const std::string* const kind = tree.string("kind");
  const std::string* const value = tree.string("value");
  const std::string* const phonetic = tree.string("phonetic");
  if (kind == nullptr || value == nullptr || !is_vcard_text(*value)) return std::nullopt;
  if (*kind == "separator") return WritableComponent{std::nullopt, value, nullptr};
  const auto slot = component_slot(form, *kind);
  if (!slot || value->empty()) return std::nullopt;
  const bool has_phonetic = phonetic != nullptr && is_vcard_text(*phonetic);
  return WritableComponent{slot, value, has_phonetic ? phonetic : nullptr};
}

inline void put_component(VCardLists& lists, ComponentPlace place, const std::string& value) {
  if (lists.size() <= place.slot) lists.resize(place.slot + 1);
  auto& list = lists[place.slot];
  if (list.size() <= place.index) list.resize(place.index + 1);
  list[place.index] = value;
}

/// @returns what stands between components, to be shown
[[nodiscard]] inline std::string default_separator(const JsonTree& object) {
  const std::string* const own = object.string("defaultSeparator");
  return own != nullptr && is_vcard_text(*own) ? *own : " ";
}

[[nodiscard]] inline bool is_ordered(const JsonTree& object) {
  const JsonTree* const member = object.find("isOrdered");
  return member != nullptr && member->is_true();
}

/// Adds the slot that says again what others say: of a name their values, of an address one line,
/// as it is to be read.
inline void write_old_slot(ComponentForm form, const OldSlot& old, const JsonTree& object,
                           const std::vector<WritableComponent>& components,
                           WrittenComponents& to) {
  std::string line;
  std::string separator;
  for (const WritableComponent& one : components) {
    if (!one.slot) {
      separator = *one.value;
      continue;
    }
    if (!is_said_again(old, component_kind(form, *one.slot))) continue;
    if (form == ComponentForm::name) {
      const ComponentPlace place{old.slot, to.lists[old.slot].size()};
      put_component(to.lists, place, *one.value);
      if (one.phonetic != nullptr) put_component(to.phonetics, place, *one.phonetic);
    } else {
      line += (line.empty() ? "" : separator) + *one.value;
      separator = default_separator(object);
    }
  }
  if (!line.empty()) to.lists[old.slot] = {line};
}

/// Puts components that are in no order into one that is common.
inline void order_components(ComponentForm form, std::vector<WritableComponent>& components) {
  constexpr std::string_view names[] = {"title",    "given",      "given2",    "surname",
                                        "surname2", "generation", "credential"};
  const auto rank = [form, &names](const WritableComponent& one) -> std::size_t {
    const std::size_t slot = one.slot.value_or(0);
    if (form == ComponentForm::address) return component_rank(form, slot);
    return static_cast<std::size_t>(
        std::find(std::begin(names), std::end(names), name_kinds[slot]) - std::begin(names));
  };
  std::stable_sort(components.begin(), components.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

inline WrittenComponents write_components(ComponentForm form, const JsonTree& object) {
  WrittenComponents written;
  written.lists.resize(component_count(form));
  const JsonTree* const list = object.find("components");
  if (list == nullptr || !list->is(JsonTree::Kind::array)) return written;
  bool is_whole = true;
  std::vector<WritableComponent> components;
  const std::string* const separator = object.string("defaultSeparator");
  std::string jscomps = separator != nullptr ? "s," + escape_component(*separator) : std::string();
  for (const auto& child : list->children()) {
    const auto one = writable_component(form, child.value);
    if (!one) {
      is_whole = false;
      continue;
    }
    components.push_back(*one);
    jscomps += ';';
    if (!one->slot) {
      jscomps += "s," + escape_component(*one->value);
      continue;
    }
    const ComponentPlace place{*one->slot, written.lists[*one->slot].size()};
    put_component(written.lists, place, *one->value);
    if (one->phonetic != nullptr) put_component(written.phonetics, place, *one->phonetic);
    jscomps += std::to_string(place.slot);
    if (place.index > 0) jscomps += ',' + std::to_string(place.index);
  }
  if (!is_ordered(object) && form == ComponentForm::address) order_components(form, components);
  if (form == ComponentForm::name) {
    for (const auto& old : old_name_slots) write_old_slot(form, old, object, components, written);
  } else {
    for (const auto& old : old_address_slots) {
      write_old_slot(form, old, object, components, written);
    }
  }
  if (!written.phonetics.empty()) written.phonetics.resize(component_count(form));
  const bool is_text = separator == nullptr || is_vcard_text(*separator);
  if (is_whole && is_text && is_ordered(object)) written.jscomps = std::move(jscomps);
  return written;
}

inline std::string joined_components(ComponentForm form, const JsonTree& object) {
  const JsonTree* const list = object.find("components");
  std::vector<WritableComponent> components;
  if (list != nullptr) {
    for (const auto& child : list->children()) {
      if (const auto one = writable_component(form, child.value)) components.push_back(*one);
    }
  }
  if (!is_ordered(object)) order_components(form, components);
  std::string text;
  std::string separator;
  for (const WritableComponent& one : components) {
    if (!one.slot) {
      separator = *one.value;
    } else {
      text += (text.empty() ? "" : separator) + *one.value;
      separator = default_separator(object);
    }
  }
  return text;
}

}  // namespace addrbook::detail
