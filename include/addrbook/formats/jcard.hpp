/// Properties and parameters of vCards as jCard (RFC 7095) writes them: what vCardProps and
/// vCardParams of a Card hold (RFC 9555, 2.15).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/formats/vcard_parameters.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/formats/vcard_values.hpp>
#include <addrbook/json/tree.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Appends a parameter, or values to the one of its name.
inline void add_parameter(std::vector<VCardParameter>& to, std::string_view name,
                          std::vector<std::string> values);

/// @returns the type of a property's value if it has no parameter VALUE, in small letters
[[nodiscard]] inline std::string_view default_value_type(std::string_view name) noexcept;

/// @param group  a member of its own (RFC 7095, 7.1); "": none
/// @returns an object; null if there is nothing
[[nodiscard]] inline JsonTree jcard_parameters(const std::vector<VCardParameter>& parameters,
                                               const std::string& group);

/// Takes what jcard_parameters() makes.
/// @returns false if something is no parameter, can't be one, or is beyond what a VCardReader
/// reads;
///          the others are taken
inline bool take_jcard_parameters(const JsonTree& object, VCardProperty& to);

/// @returns a JCardProp, from which vcard_property() makes the same. A value whose form jCard
///          does not keep is of the type "unknown" and stays as it is, with its parameter VALUE.
[[nodiscard]] inline JsonTree jcard_property(const VCardProperty& property);

/// @param jcard  a JCardProp, also with types and structures that jcard_property() does not make
/// @returns nothing if it is none, or can't be in a vCard
[[nodiscard]] inline std::optional<VCardProperty> vcard_property(const JsonTree& jcard);

// ---------------------------------------------------------------------------------------------

inline void add_parameter(std::vector<VCardParameter>& to, std::string_view name,
                          std::vector<std::string> values) {
  if (values.empty()) return;
  const auto at = std::find_if(to.begin(), to.end(),
                               [name](const VCardParameter& one) { return one.name == name; });
  if (at == to.end()) {
    to.push_back({std::string(name), std::move(values)});
  } else {
    std::move(values.begin(), values.end(), std::back_inserter(at->values));
  }
}

inline std::string_view default_value_type(std::string_view name) noexcept {
  struct Row {
    std::string_view type;
    std::string_view names;  // each between spaces
  };
  constexpr Row rows[] = {
      {"uri",
       " SOURCE PHOTO IMPP MEMBER RELATED URL UID KEY LOGO SOUND GEO CALADRURI CALURI FBURL "
       "ORG-DIRECTORY CONTACT-URI SOCIALPROFILE "},
      {"text",
       " FN N NICKNAME GENDER ADR TEL EMAIL TZ TITLE ROLE ORG CATEGORIES NOTE PRODID CLIENTPIDMAP "
       "XML KIND BIRTHPLACE DEATHPLACE EXPERTISE HOBBY INTEREST GRAMGENDER PRONOUNS JSPROP "},
      {"date-and-or-time", " BDAY ANNIVERSARY DEATHDATE "},
      {"timestamp", " REV CREATED "},
      {"language-tag", " LANG LANGUAGE "}};
  if (name.empty()) return "unknown";
  for (const Row& row : rows) {
    for (auto at = row.names.find(name); at != std::string_view::npos;
         at = row.names.find(name, at + 1)) {
      if (row.names[at - 1] == ' ' && row.names[at + name.size()] == ' ') return row.type;
    }
  }
  return "unknown";
}

inline JsonTree jcard_parameters(const std::vector<VCardParameter>& parameters,
                                 const std::string& group) {
  JsonTree object;
  for (const VCardParameter& parameter : parameters) {
    JsonTree& member = object[lowercase(parameter.name)];
    for (const std::string& value : parameter.values) {
      if (member.is(JsonTree::Kind::null)) {
        member = JsonTree(value);
        continue;
      }
      if (member.is(JsonTree::Kind::string)) {
        JsonTree list;
        list.push_back(std::move(member));
        member = std::move(list);
      }
      member.push_back(JsonTree(value));
    }
    if (member.is(JsonTree::Kind::null)) object.erase(lowercase(parameter.name));
  }
  if (!group.empty()) object["group"] = JsonTree(group);
  return object;
}

inline bool take_jcard_parameters(const JsonTree& object, VCardProperty& to) {
  bool is_whole = object.is(JsonTree::Kind::object);
  const auto is_value = [](const JsonTree& tree) {
    const bool is_scalar = tree.is(JsonTree::Kind::string) || tree.is(JsonTree::Kind::number) ||
                           tree.is(JsonTree::Kind::boolean);
    return is_scalar && is_vcard_text(tree.text());
  };
  constexpr std::size_t others = 50;  // that a property may have beside these
  std::size_t left = max_vcard_parameters - others;
  for (const auto& [name, value] : object.children()) {
    std::vector<std::string> values;
    if (value.children().size() > left || left == 0) {
      is_whole = false;
      continue;
    }
    if (is_value(value)) {
      values.push_back(value.text());
    } else if (value.is(JsonTree::Kind::array)) {
      for (const auto& element : value.children()) {
        if (!is_value(element.value)) is_whole = false;
        if (is_value(element.value)) values.push_back(element.value.text());
      }
    }
    left -= values.size();
    if (values.empty() || !is_vcard_name(name)) {
      is_whole = false;
    } else if (name == "group") {
      if (is_vcard_group(values.front())) to.group = values.front();
    } else {
      to.parameters.push_back({uppercase(name), std::move(values)});
    }
  }
  to.parameters = merged_parameters(std::move(to.parameters));
  return is_whole;
}

/// From 20221130T081502-0500 to 2022-11-30T08:15:02-05:00; nothing for any other form.
[[nodiscard]] inline std::optional<std::string> extended_time(std::string_view value) {
  const auto fits = [&value](std::string_view form) {
    return value.size() == form.size() &&
           std::equal(form.begin(), form.end(), value.begin(), [](char f, char c) {
             return f == '0' ? is_digit(c) : f == '+' ? c == '+' || c == '-' : f == c;
           });
  };
  const bool has_time = fits("00000000T000000") || fits("00000000T000000Z") ||
                        fits("00000000T000000+00") || fits("00000000T000000+0000");
  if (!has_time && !fits("00000000")) return std::nullopt;
  std::string text(value);
  constexpr std::size_t zone_minutes = 18;
  if (text.size() > zone_minutes) text.insert(zone_minutes, ":");
  if (has_time) text.insert(13, ":").insert(11, ":");
  return text.insert(6, "-").insert(4, "-");
}

/// The reverse of extended_time(); any other text as it is.
[[nodiscard]] inline std::string basic_time(const std::string& value) {
  std::string text = value;
  const auto time = text.find('T');
  const auto is_sign = [](char c) { return c == '-' || c == ':'; };
  const auto zone = time == std::string::npos ? time : text.find_first_of("+-", time);
  if (zone != std::string::npos) {
    text.erase(std::remove(text.begin() + static_cast<std::ptrdiff_t>(zone), text.end(), ':'),
               text.end());
  }
  const auto end =
      zone == std::string::npos ? text.end() : text.begin() + static_cast<std::ptrdiff_t>(zone);
  text.erase(std::remove_if(text.begin(), end, is_sign), end);
  return extended_time(text) == value ? text : value;
}

/// @returns a structure as jCard writes it (RFC 7095, 3.3.1.3); nothing if the text is none
[[nodiscard]] inline std::optional<JsonTree> jcard_structure(const std::string& value) {
  const VCardLists lists = split_lists(value);
  if (lists.size() < 2 || join_lists(lists) != value) return std::nullopt;
  JsonTree structure;
  for (const auto& list : lists) {
    JsonTree values;
    for (const std::string& text : list) values.push_back(JsonTree(text));
    structure.push_back(list.size() == 1 ? JsonTree(list.front()) : std::move(values));
  }
  return structure;
}

inline JsonTree jcard_property(const VCardProperty& property) {
  std::vector<VCardParameter> parameters;
  std::string type(default_value_type(property.name));
  for (const VCardParameter& parameter : property.parameters) {
    if (parameter.name == "VALUE" && parameter.values.size() == 1) {
      type = lowercase(parameter.values.front());
    } else {
      parameters.push_back(parameter);
    }
  }
  parameters = merged_parameters(std::move(parameters));
  std::optional<JsonTree> value;
  const std::string_view name = property.name;
  if (type == "uri" || type == "language-tag") {
    value = JsonTree(property.value);
  } else if (type == "text") {
    const bool is_structured =
        name == "GENDER" || name == "CLIENTPIDMAP" || name == "N" || name == "ADR" || name == "ORG";
    std::string text = unescape_text(property.value);
    if (is_structured) value = jcard_structure(property.value);
    if (!value && escape_text(text) == property.value) value = JsonTree(std::move(text));
  } else if (type == "date" || type == "date-and-or-time" || type == "date-time" ||
             type == "timestamp") {
    if (auto time = extended_time(property.value)) value = JsonTree(*std::move(time));
  }
  if (!value && type != default_value_type(property.name)) {
    add_parameter(parameters, "VALUE", {type});
  }
  JsonTree jcard;
  jcard.push_back(JsonTree(lowercase(property.name)));
  JsonTree object = jcard_parameters(parameters, property.group);
  if (object.is(JsonTree::Kind::null)) object = JsonTree(JsonTree::Kind::object);
  jcard.push_back(std::move(object));
  jcard.push_back(JsonTree(value ? type : "unknown"));
  jcard.push_back(value ? *std::move(value) : JsonTree(property.value));
  return jcard;
}

/// The value of a JCardProp as it is written in a vCard; nothing for what has no such form.
[[nodiscard]] inline std::optional<std::string> jcard_value(const JsonTree& value,
                                                            std::string_view type,
                                                            char list_separator) {
  switch (value.kind()) {
    case JsonTree::Kind::number:
    case JsonTree::Kind::boolean: return value.text();
    case JsonTree::Kind::string:
      if (type == "text") {
        return list_separator == '\0' ? escape_text(value.text()) : escape_component(value.text());
      }
      if (type.substr(0, 4) == "date" || type.substr(0, 4) == "time") {
        return basic_time(value.text());
      }
      return value.text();
    case JsonTree::Kind::array: {
      // A structure, in which an array is a list.
      if (list_separator == ',') return std::nullopt;
      std::string joined;
      const char separator = list_separator == '\0' ? ';' : ',';
      for (const auto& element : value.children()) {
        const auto text = jcard_value(element.value, type, separator);
        if (!text) return std::nullopt;
        if (&element != &value.children().front()) joined += separator;
        joined += *text;
      }
      return joined;
    }
    case JsonTree::Kind::object:
    case JsonTree::Kind::null: break;
  }
  return std::nullopt;
}

inline std::optional<VCardProperty> vcard_property(const JsonTree& jcard) {
  const auto& parts = jcard.children();
  if (!jcard.is(JsonTree::Kind::array) || parts.size() < 4) return std::nullopt;
  const JsonTree& name = parts[0].value;
  const JsonTree& type = parts[2].value;
  if (!name.is(JsonTree::Kind::string) || !is_vcard_name(name.text()) ||
      !type.is(JsonTree::Kind::string) || !is_vcard_name(type.text())) {
    return std::nullopt;
  }
  VCardProperty property;
  property.name = uppercase(name.text());
  if (!take_jcard_parameters(parts[1].value, property)) return std::nullopt;
  if (type.text() != "unknown" && type.text() != default_value_type(property.name)) {
    add_parameter(property.parameters, "VALUE", {type.text()});
  }
  const bool is_list = parts.size() > 4;
  for (std::size_t i = 3; i < parts.size(); ++i) {
    const auto value = jcard_value(parts[i].value, type.text(), is_list ? ';' : '\0');
    if (!value) return std::nullopt;
    if (i > 3) property.value += ',';
    property.value += *value;
  }
  // A line feed is escaped in a text; in any other value it would end the property.
  if (!is_vcard_text(property.value) || property.value.find('\n') != std::string::npos) {
    return std::nullopt;
  }
  return property;
}

}  // namespace addrbook::detail
