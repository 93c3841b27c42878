/// Objects in the maps of a Card, e.g. a Phone, and the properties of a vCard that they are.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_addresses.hpp>
#include <addrbook/formats/card_dates.hpp>
#include <addrbook/formats/card_properties.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/formats/jcard.hpp>
#include <addrbook/formats/parameter_bag.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/json/tree.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @param value  the property's, or one of its texts
/// @param bag    its parameters; those that are understood are taken
/// @returns the object without `vCardParams`; nothing for a value that can't be converted
[[nodiscard]] inline std::optional<JsonTree> card_object(const CardProperty& row,
                                                         const std::string& value,
                                                         ParameterBag& bag);

/// @param map  that holds the object
/// @returns the row of the property that the object is; null if it is none
[[nodiscard]] inline const CardProperty* property_of_object(std::string_view map,
                                                            const JsonTree& object);

/// The reverse of card_object(), with the parameters of `vCardParams`. What a vCard can't hold is
/// left out.
/// @returns nothing if the value itself can't be held
[[nodiscard]] inline std::optional<VCardProperty> object_property(const CardProperty& row,
                                                                  const JsonTree& object);

// ---------------------------------------------------------------------------------------------

/// Takes those values of TYPE that a table has.
/// @returns a set as JSContact has it; null if there are none
template <std::size_t n>
void take_types(ParameterBag& bag, const CardType (&table)[n], JsonTree& set) {
  bag.take_values("TYPE", [&](const std::string& value) {
    for (const CardType& row : table) {
      if (!equals_ignoring_case(row.vcard, value)) continue;
      set[row.card] = JsonTree(true);
      return true;
    }
    return false;
  });
}

template <std::size_t n>
void add_types(const JsonTree* set, const CardType (&table)[n], VCardProperty& to) {
  if (set == nullptr) return;
  for (const auto& [name, value] : set->children()) {
    for (const CardType& row : table) {
      if (row.card == name && value.is_true()) {
        add_parameter(to.parameters, "TYPE", {std::string(row.vcard)});
      }
    }
  }
}

/// Takes a parameter that is a number from 1 to `most`, and written as such.
inline void take_number(ParameterBag& bag, std::string_view name, std::uint64_t most,
                        std::string_view member, JsonTree& object) {
  const std::string* const text = bag.one(name);
  const auto number = text != nullptr ? parse_decimal(*text) : std::nullopt;
  if (!number || *number == 0 || *number > most || text->front() == '0') return;
  object[member] = JsonTree(*number);
  bag.drop(name);
}

inline void add_number(const JsonTree& object, std::string_view member, std::string_view name,
                       VCardProperty& to) {
  const JsonTree* const number = object.find(member);
  if (number == nullptr || !parse_decimal(number->text())) return;
  if (number->is(JsonTree::Kind::number)) add_parameter(to.parameters, name, {number->text()});
}

inline void add_text(const JsonTree& object, std::string_view member, std::string_view name,
                     VCardProperty& to) {
  const std::string* const text = object.string(member);
  if (text == nullptr || text->empty() || !is_vcard_text(*text)) return;
  add_parameter(to.parameters, name, {*text});
}

inline void take_text(ParameterBag& bag, std::string_view name, std::string_view member,
                      JsonTree& object) {
  const std::string* const text = bag.one(name);
  if (text != nullptr && !text->empty()) object[member] = JsonTree(*bag.take(name));
}

/// Takes what only some properties have.
inline void take_own_parameters(const CardProperty& row, ParameterBag& bag, JsonTree& object) {
  constexpr std::uint64_t max_integer = (std::uint64_t{1} << 53U) - 1;
  if (row.map == "personalInfo" || row.map == "directories") {
    take_number(bag, "INDEX", max_integer, "listAs", object);
  }
  if (row.map == "personalInfo") {
    const auto take_level = [&](const auto& table) {
      const std::string* const level = bag.one("LEVEL");
      for (const CardType& one : table) {
        if (level == nullptr || !equals_ignoring_case(one.vcard, *level)) continue;
        object["level"] = JsonTree(one.card);
        return bag.drop("LEVEL");
      }
    };
    row.vcard == "EXPERTISE" ? take_level(card_expertise) : take_level(card_levels);
  }
  if (row.vcard == "NOTE") {
    const std::string* const created = bag.one("CREATED");
    const auto utc = created != nullptr ? utc_from_vcard(*created) : std::nullopt;
    if (utc) object["created"] = JsonTree(*utc);
    if (utc) bag.drop("CREATED");
    JsonTree author;
    take_text(bag, "AUTHOR-NAME", "name", author);
    take_text(bag, "AUTHOR", "uri", author);
    if (!author.is(JsonTree::Kind::null)) object["author"] = std::move(author);
  }
}

inline void add_own_parameters(const CardProperty& row, const JsonTree& object, VCardProperty& to) {
  if (row.map == "personalInfo" || row.map == "directories") {
    add_number(object, "listAs", "INDEX", to);
  }
  if (row.map == "personalInfo") {
    const std::string* const level = object.string("level");
    const auto add_level = [&](const auto& table) {
      for (const CardType& one : table) {
        if (level != nullptr && *level == one.card) {
          add_parameter(to.parameters, "LEVEL", {std::string(one.vcard)});
        }
      }
    };
    row.vcard == "EXPERTISE" ? add_level(card_expertise) : add_level(card_levels);
  }
  if (row.vcard == "NOTE") {
    const std::string* const created = object.string("created");
    const auto timestamp = created != nullptr ? utc_to_vcard(*created) : std::nullopt;
    if (timestamp) add_parameter(to.parameters, "CREATED", {*timestamp});
    if (const JsonTree* const author = object.find("author")) {
      add_text(*author, "uri", "AUTHOR", to);
      add_text(*author, "name", "AUTHOR-NAME", to);
    }
  }
}

inline void take_common_parameters(const CardProperty& row, ParameterBag& bag, JsonTree& object) {
  if (row.value == CardValue::phone) {
    JsonTree features;
    take_types(bag, card_features, features);
    if (!features.is(JsonTree::Kind::null)) object["features"] = std::move(features);
  }
  if (row.has_contexts) {
    JsonTree contexts;
    take_types(bag, card_contexts, contexts);
    if (row.value == CardValue::address) take_types(bag, card_address_contexts, contexts);
    if (!contexts.is(JsonTree::Kind::null)) object["contexts"] = std::move(contexts);
  }
  constexpr std::uint64_t max_pref = 100;
  const bool has_pref = row.map != "titles" && row.map != "notes" && row.map != "organizations" &&
                        row.map != "personalInfo";
  if (has_pref) take_number(bag, "PREF", max_pref, "pref", object);
  const bool is_resource =
      row.member == "uri" && row.value != CardValue::service && row.map != "schedulingAddresses";
  if (is_resource) take_text(bag, "MEDIATYPE", "mediaType", object);
  take_own_parameters(row, bag, object);
}

inline void add_common_parameters(const CardProperty& row, const JsonTree& object,
                                  VCardProperty& to) {
  if (row.value == CardValue::phone) add_types(object.find("features"), card_features, to);
  if (row.has_contexts) {
    add_types(object.find("contexts"), card_contexts, to);
    if (row.value == CardValue::address) {
      add_types(object.find("contexts"), card_address_contexts, to);
    }
  }
  add_number(object, "pref", "PREF", to);
  add_text(object, "mediaType", "MEDIATYPE", to);
  add_own_parameters(row, object, to);
}

/// SORT-AS as its parts, the first for the whole.
[[nodiscard]] inline std::vector<std::string> sort_as_parts(const ParameterBag& bag) {
  std::vector<std::string> parts;
  const auto* const values = bag.find("SORT-AS");
  if (values == nullptr) return parts;
  for (const std::string& value : *values) {
    std::string_view rest = value;
    do {
      parts.emplace_back(cut(rest, ','));
    } while (!rest.empty());
  }
  return parts;
}

/// Does nothing if one of the parts can't be told from two.
inline void add_sort_as(const std::vector<std::string>& parts, VCardProperty& to) {
  std::string joined;
  std::size_t filled = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) filled = i + 1;
  }
  for (std::size_t i = 0; i < filled; ++i) {
    if (parts[i].find(',') != std::string::npos || !is_vcard_text(parts[i])) return;
    joined += (i == 0 ? "" : ",") + parts[i];
  }
  if (filled > 0) add_parameter(to.parameters, "SORT-AS", {joined});
}

[[nodiscard]] inline std::optional<JsonTree> organization(const std::string& value,
                                                          ParameterBag& bag) {
  std::vector<std::string> texts = split_texts(value, ';');
  while (!texts.empty() && texts.back().empty()) texts.pop_back();
  if (texts.empty()) return std::nullopt;
  const auto sort_as = sort_as_parts(bag);
  const bool has_sort_as = !sort_as.empty() && sort_as.size() <= texts.size();
  if (has_sort_as) bag.drop("SORT-AS");
  const auto put = [&](std::size_t i, JsonTree& object) {
    if (i > 0 || !texts[i].empty()) object["name"] = JsonTree(texts[i]);
    if (has_sort_as && i < sort_as.size() && !sort_as[i].empty()) {
      object["sortAs"] = JsonTree(sort_as[i]);
    }
  };
  JsonTree object(JsonTree::Kind::object);
  put(0, object);
  for (std::size_t i = 1; i < texts.size(); ++i) {
    JsonTree unit(JsonTree::Kind::object);
    put(i, unit);
    object["units"].push_back(std::move(unit));
  }
  return object;
}

[[nodiscard]] inline std::optional<std::string> organization_value(const JsonTree& object,
                                                                   VCardProperty& to) {
  std::vector<std::string> texts;
  std::vector<std::string> sort_as;
  const auto add = [&](const JsonTree& part) {
    const std::string* const name = part.string("name");
    const std::string* const key = part.string("sortAs");
    texts.push_back(name != nullptr ? *name : "");
    sort_as.push_back(key != nullptr ? *key : "");
  };
  add(object);
  if (const JsonTree* const units = object.find("units")) {
    for (const auto& unit : units->children()) add(unit.value);
  }
  const std::string value = join_texts(texts, ';');
  if (value.find_first_not_of(';') == std::string::npos) return std::nullopt;
  add_sort_as(sort_as, to);
  return value;
}

/// Whether a text is what a property's value must be.
[[nodiscard]] inline bool has_form(CardValue form, std::string_view text) noexcept {
  if (form == CardValue::uri) return is_uri(text);
  // People leave the scheme out.
  return form != CardValue::link || text.find_first_of(" \t\n") == std::string_view::npos;
}

/// Apple's programs have TYPE=twitter for a SERVICE-TYPE.
/// @param types  of an X-SOCIALPROFILE; may be null
/// @returns the service; null if there is none among them
[[nodiscard]] inline const std::string* service_of_type(const std::vector<std::string>* types) {
  if (types == nullptr) return nullptr;
  const auto at = std::find_if(types->begin(), types->end(), [](const std::string& type) {
    return type != "home" && type != "work" && type != "pref" && type != "internet";
  });
  return at == types->end() || !is_vcard_text(*at) ? nullptr : &*at;
}

inline std::optional<JsonTree> card_object(const CardProperty& row, const std::string& value,
                                           ParameterBag& bag) {
  JsonTree object;
  if (!row.kind.empty()) object["kind"] = JsonTree(row.kind);
  const std::string type = lowercase(bag.take("VALUE").value_or(""));
  const bool is_text = type == "text" || (type.empty() && default_value_type(row.vcard) == "text");
  std::string text = value.find('\\') == std::string::npos ? value : unescape_text(value);
  if (text.empty()) return std::nullopt;
  switch (row.value) {
    case CardValue::text:
    case CardValue::texts:
      if (!is_text) return std::nullopt;
      object[row.member] = JsonTree(std::move(text));
      break;
    case CardValue::uri:
    case CardValue::link:
      if ((!type.empty() && type != "uri") || !has_form(row.value, text)) return std::nullopt;
      object[row.member] = JsonTree(std::move(text));
      break;
    case CardValue::tag:
      if (!type.empty() && type != "language-tag") return std::nullopt;
      object[row.member] = JsonTree(std::move(text));
      break;
    case CardValue::phone:
      if (!type.empty() && (type == "uri") != is_uri(text)) bag.put("VALUE", type);
      object[row.member] = JsonTree(std::move(text));
      break;
    case CardValue::service: {
      if (!type.empty() && type != "uri" && type != "text") return std::nullopt;
      const bool has_uri = !is_text && is_uri(text);
      take_text(bag, "SERVICE-TYPE", "service", object);
      if (row.vcard == "X-SOCIALPROFILE" && object.find("service") == nullptr) {
        if (const std::string* const service = service_of_type(bag.find("TYPE"))) {
          object["service"] = JsonTree(*service);
        }
      }
      object[has_uri ? "uri" : "user"] = JsonTree(std::move(text));
      if (has_uri) take_text(bag, "USERNAME", "user", object);
      if (row.vcard != "SOCIALPROFILE") object["vCardName"] = JsonTree(lowercase(row.vcard));
      break;
    }
    case CardValue::organization: {
      auto read = is_text ? organization(value, bag) : std::nullopt;
      if (!read) return std::nullopt;
      object = *std::move(read);
      break;
    }
    case CardValue::address:
    case CardValue::coordinates:
    case CardValue::time_zone: {
      auto read = card_address(row.value, value, type, bag);
      if (!read) return std::nullopt;
      object = *std::move(read);
      break;
    }
  }
  take_common_parameters(row, bag, object);
  return object;
}

inline const CardProperty* property_of_object(std::string_view map, const JsonTree& object) {
  const std::string* const kind = object.string("kind");
  const std::string* const name = object.string("vCardName");
  if (map == "addresses") return find_card_property(address_property(object));
  for (const CardProperty& row : card_properties) {
    if (row.map != map) continue;
    const bool is_named = name != nullptr && equals_ignoring_case(*name, row.vcard);
    if (row.value == CardValue::service ? is_named || name == nullptr
        : kind != nullptr               ? row.kind == *kind
                                        : row.kind.empty() || row.kind == "title") {
      return &row;
    }
  }
  return nullptr;
}

/// Drops a SERVICE-TYPE that service_of_type() gives as well.
inline void drop_service_type(VCardProperty& property) {
  const ParameterBag bag(property.parameters);
  const std::string* const service = bag.one("SERVICE-TYPE");
  const std::string* const of_type = service_of_type(bag.find("TYPE"));
  if (service == nullptr || of_type == nullptr || *service != *of_type) return;
  auto& all = property.parameters;
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const auto& each) { return each.name == "SERVICE-TYPE"; }),
            all.end());
}

inline std::optional<VCardProperty> object_property(const CardProperty& row,
                                                    const JsonTree& object) {
  VCardProperty property;
  property.name = row.vcard;
  const auto text = [&object](std::string_view member) {
    const std::string* const value = object.string(member);
    return value != nullptr && !value->empty() && is_vcard_text(*value) ? value : nullptr;
  };
  const std::string* const value = text(row.member);
  std::string type;
  bool is_value_text = default_value_type(row.vcard) == "text";
  switch (row.value) {
    case CardValue::organization: {
      auto written = organization_value(object, property);
      if (!written || !is_vcard_text(*written)) return std::nullopt;
      property.value = *std::move(written);
      break;
    }
    case CardValue::address:
    case CardValue::coordinates:
    case CardValue::time_zone: property.value = address_value(row.value, object, property); break;
    case CardValue::service: {
      const std::string* const user = text("user");
      add_text(object, "service", "SERVICE-TYPE", property);
      if (value != nullptr && user != nullptr) {
        add_parameter(property.parameters, "USERNAME", {*user});
      }
      if (value == nullptr && user == nullptr) return std::nullopt;
      if (value == nullptr) type = "text";
      property.value = value != nullptr ? *value : escape_text(*user);
      break;
    }
    default:
      if (value == nullptr || !has_form(row.value, *value)) return std::nullopt;
      if (row.value == CardValue::phone && is_uri(*value)) {
        type = "uri";
        is_value_text = false;
      }
      property.value = row.value == CardValue::texts ? escape_component(*value)
                       : is_value_text               ? escape_text(*value)
                                                     : *value;
  }
  if (property.value.empty() || property.value.find('\n') != std::string::npos) {
    return std::nullopt;
  }
  const bool is_nothing = row.value == CardValue::address && property.parameters.empty() &&
                          property.value.find_first_not_of(';') == std::string::npos;
  if (is_nothing) return std::nullopt;
  add_common_parameters(row, object, property);
  const JsonTree* const parameters = object.find("vCardParams");
  if (parameters != nullptr) take_jcard_parameters(*parameters, property);
  if (row.vcard == "X-SOCIALPROFILE") drop_service_type(property);
  const bool has_type = parameters != nullptr && parameters->find("value") != nullptr;
  if (!type.empty() && !has_type) add_parameter(property.parameters, "VALUE", {type});
  return property;
}

}  // namespace addrbook::detail
