/// Patches of Cards (RFC 9553, 1.4.3): what JSPROP of a vCard and `localizations` hold.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/formats/card_components.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/json/pointer.hpp>
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

/// A place in a Card, as the names on the way there.
using CardPath = std::vector<std::string>;

/// A patch of a Card: null removes.
struct CardChange {
  CardPath path;
  JsonTree value;
};
using CardPatch = std::vector<CardChange>;

/// @param pointer  a JSON pointer, with or without its first '/'
/// @returns nothing if it is none, or leads deeper than any Document
[[nodiscard]] inline std::optional<CardPath> card_path(std::string_view pointer);

/// @returns the pointer without its first '/', which card_path() reads as the same
[[nodiscard]] inline std::string card_pointer(const CardPath& path);

/// Changes a member of an object, or an element of an array.
/// @param effort  what is left of it; to remove a member costs as much as the object has members
/// @returns false if there is no such place, or no effort left; nothing is changed then
inline bool apply_change(JsonTree& card, const CardPath& path, const JsonTree& value,
                         std::size_t& effort);

/// Changes members of objects.
/// @param patch  whose paths are apart
/// @returns false if one has no such place: part of the patch may be applied then
/// @par Cost  goes over each object once, however many of its members are removed
[[nodiscard]] inline bool apply_patch(JsonTree& card, const CardPatch& patch);

/// @returns whether no path of a patch leads to or into another one's
[[nodiscard]] inline bool are_apart(const CardPatch& patch);

/// @returns what must be changed in `from`, a Card that was read from a vCard, so that it means
/// what
///          `to` means. What JSContact says to be so by default is left out; and what a patch can't
///          say: a member of the Card itself that is null, or whose name has control characters.
[[nodiscard]] inline CardPatch card_difference(JsonTree from, JsonTree to);

// ---------------------------------------------------------------------------------------------

inline std::optional<CardPath> card_path(std::string_view pointer) {
  std::string text(pointer.substr(0, 1) == "/" ? "" : "/");
  text += pointer;
  const bool is_too_deep =
      std::count(text.begin(), text.end(), '/') > static_cast<std::ptrdiff_t>(Document::max_depth);
  if (is_too_deep || !is_json_pointer(text)) return std::nullopt;
  CardPath path;
  for (std::string_view rest = text; !rest.empty();) path.push_back(take_token(rest));
  return path;
}

inline std::string card_pointer(const CardPath& path) {
  std::string pointer;
  for (const std::string& name : path) append_token(pointer, name);
  // Without the '/' an empty first name would be taken for one.
  if (!path.front().empty() || path.size() == 1) pointer.erase(0, 1);
  return pointer;
}

inline bool apply_change(JsonTree& card, const CardPath& path, const JsonTree& value,
                         std::size_t& effort) {
  JsonTree* at = &card;
  const bool is_removal = value.is(JsonTree::Kind::null);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool is_last = i + 1 == path.size();
    if (at->is(JsonTree::Kind::array)) {
      const auto index = array_index(path[i]);
      if (!index || *index >= at->children().size()) return false;
      at = &at->children()[*index].value;
      if (is_last && is_removal) return false;
      if (is_last) *at = value;
      continue;
    }
    if (!at->is(JsonTree::Kind::object)) return false;
    if (is_last) {
      if (is_removal) {
        if (effort < at->children().size()) return false;
        effort -= at->children().size();
        at->erase(path[i]);
      } else {
        (*at)[path[i]] = value;
      }
      return true;
    }
    at = at->find(path[i]);
    if (at == nullptr) return false;
  }
  return true;
}

inline bool apply_patch(JsonTree& card, const CardPatch& patch) {
  std::map<CardPath, std::set<std::string_view>> removed;  // by the path of the object
  const auto object_at = [&card](const CardPath& path) {
    JsonTree* at = &card;
    for (const std::string& name : path) {
      if (at != nullptr) at = at->find(name);
    }
    return at != nullptr && at->is(JsonTree::Kind::object) ? at : nullptr;
  };
  for (const auto& [path, value] : patch) {
    const CardPath parent(path.begin(), path.end() - 1);
    JsonTree* const object = object_at(parent);
    if (object == nullptr) return false;
    if (value.is(JsonTree::Kind::null)) {
      removed[parent].insert(path.back());
    } else {
      (*object)[path.back()] = value;
    }
  }
  for (const auto& [path, names] : removed) {
    JsonTree& object = *object_at(path);
    JsonTree rest(JsonTree::Kind::object);
    for (auto& [name, value] : object.children()) {
      if (names.count(name) == 0) rest[name] = std::move(value);
    }
    object = std::move(rest);
  }
  return true;
}

inline bool are_apart(const CardPatch& patch) {
  std::vector<const CardPath*> paths;
  paths.reserve(patch.size());
  for (const CardChange& change : patch) paths.push_back(&change.path);
  std::sort(paths.begin(), paths.end(),
            [](const CardPath* a, const CardPath* b) { return *a < *b; });
  // A path stands right before those that it leads into.
  for (std::size_t i = 1; i < paths.size(); ++i) {
    const CardPath& a = *paths[i - 1];
    const CardPath& b = *paths[i];
    if (a.size() <= b.size() && std::equal(a.begin(), a.end(), b.begin())) return false;
  }
  return true;
}

/// Puts components that are in no order into the one in which a vCard holds them.
inline void sort_components(ComponentForm form, JsonTree& object) {
  JsonTree* const list = object.find("components");
  if (list != nullptr && list->is(JsonTree::Kind::array)) {
    for (auto& child : list->children()) child.value.erase("@type");
    if (!is_ordered(object)) {
      const auto rank = [form](const JsonTree& one) {
        const std::string* const kind = one.string("kind");
        const auto slot = kind != nullptr ? component_slot(form, *kind) : std::nullopt;
        return slot ? component_rank(form, *slot) : component_count(form);
      };
      std::stable_sort(list->children().begin(), list->children().end(),
                       [&](const auto& a, const auto& b) { return rank(a.value) < rank(b.value); });
    }
  }
  const JsonTree* const order = object.find("isOrdered");
  if (order != nullptr && order->is(JsonTree::Kind::boolean) && !order->is_true()) {
    object.erase("isOrdered");
  }
}

/// Removes what is so by default in a localized name or address.
/// @param name  of the Card
inline void remove_defaults_in(JsonTree& patch, const JsonTree* name) {
  const JsonTree* order = patch.find("name/isOrdered");
  const bool has_order = order != nullptr ? order->is_true() : name != nullptr && is_ordered(*name);
  for (auto& [pointer, value] : patch.children()) {
    const auto path = card_path(pointer);
    if (!path) continue;
    if (*path == CardPath{"name"}) sort_components(ComponentForm::name, value);
    if (*path == CardPath{"name", "components"} && !has_order) {
      JsonTree whole;
      whole["components"] = std::move(value);
      sort_components(ComponentForm::name, whole);
      value = std::move(*whole.find("components"));
    }
    const bool is_address = path->size() == 2 && path->front() == "addresses";
    if (is_address) sort_components(ComponentForm::address, value);
  }
}

/// Removes what is so by default.
inline void remove_defaults(JsonTree& card) {
  const auto for_each = [&card](std::string_view map, auto call) {
    JsonTree* const all = card.find(map);
    if (all == nullptr) return;
    for (auto& member : all->children()) call(member.value);
  };
  for_each("localizations",
           [&card](JsonTree& patch) { remove_defaults_in(patch, card.find("name")); });
  if (JsonTree* const name = card.find("name")) sort_components(ComponentForm::name, *name);
  for_each("addresses",
           [](JsonTree& address) { sort_components(ComponentForm::address, address); });
  for_each("anniversaries", [](JsonTree& anniversary) {
    JsonTree* const place = anniversary.find("place");
    if (place != nullptr) sort_components(ComponentForm::address, *place);
  });
  for_each("titles", [](JsonTree& title) {
    const std::string* const kind = title.string("kind");
    if (kind != nullptr && *kind == "title") title.erase("kind");
  });
  for_each("organizations", [](JsonTree& organization) {
    JsonTree* const units = organization.find("units");
    if (units == nullptr) return;
    for (auto& unit : units->children()) unit.value.erase("@type");
  });
  for_each("relatedTo", [](JsonTree& related) {
    const JsonTree* const relation = related.find("relation");
    if (relation != nullptr && *relation == JsonTree(JsonTree::Kind::object)) {
      related.erase("relation");
    }
  });
}

/// @returns false if the paths of a patch would take much more than the value itself, once the name
///          stands before each of them
[[nodiscard]] inline bool is_worth(const CardPatch& patch, const std::string& name,
                                   const JsonTree& value) {
  constexpr std::size_t of_no_matter = 1024;
  constexpr std::size_t most = 4;
  const std::size_t bytes = patch.size() * name.size();
  return bytes <= of_no_matter || bytes / most <= value.dump().size();
}

/// @param patch  gets paths from the object on
/// @returns false if something can't be said: the whole must be replaced
inline bool add_difference(const JsonTree& from, const JsonTree& to, CardPatch& patch,
                           bool is_card = false) {
  bool is_whole = true;
  for (const auto& [name, value] : to.children()) {
    const JsonTree* const before = from.find(name);
    // It is implied, where the other has an object too.
    if (before == nullptr && name == "@type" && value.is(JsonTree::Kind::string)) continue;
    if (before != nullptr && *before == value) continue;
    if (value.is(JsonTree::Kind::null) || !is_vcard_text(name)) {
      is_whole = false;
      // The Card itself can't be replaced, and without the member it is nearer.
      if (is_card && before != nullptr) patch.push_back({{name}, JsonTree()});
      continue;
    }
    const bool are_objects =
        before != nullptr && before->is(JsonTree::Kind::object) && value.is(JsonTree::Kind::object);
    CardPatch changes;
    if (!are_objects || !add_difference(*before, value, changes) ||
        !is_worth(changes, name, value)) {
      changes.clear();
      changes.push_back({{}, value});
    }
    for (CardChange& change : changes) {
      change.path.insert(change.path.begin(), name);
      patch.push_back(std::move(change));
    }
  }
  constexpr std::size_t max_effort = 1'000'000;
  std::size_t effort = 0;
  for (const auto& [name, value] : from.children()) {
    if (to.find(name) != nullptr) continue;
    patch.push_back({{name}, JsonTree()});
    effort += from.children().size();
  }
  return is_whole && effort <= max_effort;
}

inline CardPatch card_difference(JsonTree from, JsonTree to) {
  remove_defaults(from);
  remove_defaults(to);
  CardPatch patch;
  // At the top there is no whole to replace.
  static_cast<void>(add_difference(from, to, patch, true));
  return patch;
}

}  // namespace addrbook::detail
