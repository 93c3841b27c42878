/// Addresses of a Card, which are ADR, GEO and TZ of a vCard (RFC 9555, 2.6.1 and 2.8).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_components.hpp>
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

namespace addrbook::detail {

/// A name or an address of more components is not converted.
inline constexpr std::size_t max_components = 1000;

/// @returns whether a structure has no more values than are converted
[[nodiscard]] inline bool is_convertible(const VCardLists& lists) noexcept {
  std::size_t count = 0;
  for (const auto& list : lists) count += list.size();
  return count <= max_components;
}

/// @param type  the parameter VALUE, in small letters; "": none
/// @returns an Address; nothing for what can't be converted
[[nodiscard]] inline std::optional<JsonTree> card_address(CardValue form, const std::string& value,
                                                          const std::string& type,
                                                          ParameterBag& bag);

/// @returns the name of the property that an Address is; "" if there is nothing in it
[[nodiscard]] inline std::string_view address_property(const JsonTree& address);

/// @param to  gets the parameters that the address alone has
[[nodiscard]] inline std::string address_value(CardValue form, const JsonTree& address,
                                               VCardProperty& to);

/// @param offset  a UTC-OFFSET (RFC 6350, 4.7)
/// @returns the time zone (RFC 9555, 2.8.2); nothing if there is none
[[nodiscard]] inline std::optional<std::string> time_zone_of_offset(std::string_view offset);

// ---------------------------------------------------------------------------------------------

inline std::optional<std::string> time_zone_of_offset(std::string_view offset) {
  if (offset.size() < 3 || (offset[0] != '+' && offset[0] != '-')) return std::nullopt;
  const auto hours = parse_decimal(offset.substr(1, 2));
  const std::string_view minutes = offset.substr(3);
  const bool is_west = offset[0] == '-';
  if (!hours || *hours > (is_west ? 12U : 14U)) return std::nullopt;
  if (!minutes.empty() && minutes != "00" && minutes != ":00") return std::nullopt;
  if (*hours == 0) return "Etc/UTC";
  return (is_west ? "Etc/GMT+" : "Etc/GMT-") + std::to_string(*hours);
}

/// The reverse of time_zone_of_offset().
[[nodiscard]] inline std::optional<std::string> offset_of_time_zone(std::string_view zone) {
  if (zone == "Etc/UTC") return "+0000";
  constexpr std::string_view start = "Etc/GMT";
  if (zone.size() < start.size() + 2 || zone.substr(0, start.size()) != start) return std::nullopt;
  const auto hours = parse_decimal(zone.substr(start.size() + 1));
  if (!hours) return std::nullopt;
  const std::string digits = std::to_string(*hours);
  const std::string offset = (zone[start.size()] == '+' ? '-' : '+') +
                             std::string(digits.size() == 1 ? "0" : "") + digits + "00";
  if (time_zone_of_offset(offset) != zone) return std::nullopt;
  return offset;
}

inline std::optional<JsonTree> card_address(CardValue form, const std::string& value,
                                            const std::string& type, ParameterBag& bag) {
  JsonTree address;
  if (form == CardValue::coordinates) {
    if ((!type.empty() && type != "uri") || !is_uri(value)) return std::nullopt;
    address["coordinates"] = JsonTree(value);
    return address;
  }
  if (form == CardValue::time_zone) {
    if (type == "uri" || is_uri(value)) return std::nullopt;
    const auto zone = type == "text" ? std::nullopt : time_zone_of_offset(value);
    const bool is_offset = type == "utc-offset" || value[0] == '+' || value[0] == '-';
    if (is_offset && !zone) return std::nullopt;
    address["timeZone"] = JsonTree(zone ? *zone : unescape_text(value));
    // So that the offset comes out again.
    if (zone) bag.put("VALUE", "utc-offset");
    return address;
  }
  const VCardLists lists = split_lists(value);
  if ((!type.empty() && type != "text") || !is_convertible(lists)) return std::nullopt;
  const std::string* const jscomps = bag.one("JSCOMPS");
  auto read = read_components(ComponentForm::address, lists, jscomps);
  if (read && jscomps != nullptr) bag.drop("JSCOMPS");
  if (!read) read = read_components(ComponentForm::address, lists, nullptr);
  if (read->members.find("components") != nullptr) address = std::move(read->members);
  const auto take = [&](std::string_view name, std::string_view member) {
    const std::string* const text = bag.one(name);
    if (text == nullptr || text->empty()) return;
    address[member] = JsonTree(member == "full" ? unescape_text(*text) : *text);
    bag.drop(name);
  };
  take("LABEL", "full");
  take("GEO", "coordinates");
  take("CC", "countryCode");
  const std::string* const zone = bag.one("TZ");
  if (zone != nullptr && !time_zone_of_offset(*zone) && !is_uri(*zone)) take("TZ", "timeZone");
  if (address.is(JsonTree::Kind::null)) return std::nullopt;
  return address;
}

inline std::string_view address_property(const JsonTree& address) {
  const auto has = [&address](std::string_view member) { return address.find(member) != nullptr; };
  if (has("components") || has("full") || has("countryCode")) return "ADR";
  if (has("coordinates")) return has("timeZone") ? "ADR" : "GEO";
  return has("timeZone") ? "TZ" : "";
}

inline std::string address_value(CardValue form, const JsonTree& address, VCardProperty& to) {
  const auto text = [&address](std::string_view member) -> std::string {
    const std::string* const value = address.string(member);
    return value != nullptr && is_vcard_text(*value) ? *value : "";
  };
  if (form == CardValue::coordinates) return text("coordinates");
  if (form == CardValue::time_zone) {
    const JsonTree* const parameters = address.find("vCardParams");
    const std::string* const type = parameters != nullptr ? parameters->string("value") : nullptr;
    const auto offset = type != nullptr && *type == "utc-offset"
                            ? offset_of_time_zone(text("timeZone"))
                            : std::nullopt;
    return offset ? *offset : escape_text(text("timeZone"));
  }
  const auto add = [&](std::string_view member, std::string_view name) {
    std::string value = text(member);
    if (!value.empty()) add_parameter(to.parameters, name, {std::move(value)});
  };
  WrittenComponents written = write_components(ComponentForm::address, address);
  if (written.jscomps) add_parameter(to.parameters, "JSCOMPS", {*std::move(written.jscomps)});
  add("full", "LABEL");
  add("coordinates", "GEO");
  add("timeZone", "TZ");
  add("countryCode", "CC");
  return join_lists(written.lists);
}

}  // namespace addrbook::detail
