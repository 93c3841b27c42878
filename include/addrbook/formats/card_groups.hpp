/// What the groups of a vCard's properties mean (RFC 9555, 2.3.9, 2.8.3, 2.9.6 and 2.11.11).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/card_addresses.hpp>
#include <addrbook/formats/card_properties.hpp>
#include <addrbook/formats/card_texts.hpp>
#include <addrbook/formats/parameter_bag.hpp>
#include <addrbook/formats/vcard_property.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

inline void add_parameter_to(ParameterBag& bag, const VCardParameter& parameter) {
  for (const std::string& value : parameter.values) bag.put(parameter.name, value);
}

/// The groups of a vCard.
class CardGroups {
 public:
  explicit inline CardGroups(const std::vector<VCardProperty>& properties);

  /// @returns the name to be kept: "" if what the group says is said otherwise in the Card
  [[nodiscard]] std::string kept_name(const std::string& group) const {
    return group.empty() || explained_.count(lowercase(group)) != 0 ? "" : group;
  }

  /// @returns the text of X-ABLabel; null if the group has none that is a label
  [[nodiscard]] const std::string* label(const std::string& group) const {
    const auto at = label_texts_.find(lowercase(group));
    return at != label_texts_.end() ? &at->second : nullptr;
  }
  /// The properties that are labels, by group.
  [[nodiscard]] const std::map<std::string, std::size_t>& labels() const noexcept {
    return labels_;
  }
  [[nodiscard]] bool is_label(const VCardProperty& property, std::size_t index) const {
    const auto at = labels_.find(lowercase(property.group));
    return at != labels_.end() && at->second == index;
  }

  /// @returns the only ORG of a group
  [[nodiscard]] std::optional<std::size_t> organization(const std::string& group) const {
    const auto at = organizations_.find(lowercase(group));
    return at != organizations_.end() ? std::optional(at->second) : std::nullopt;
  }

  /// Whether a GEO or a TZ became a parameter of an ADR.
  [[nodiscard]] bool is_taken(std::size_t property) const { return taken_.count(property) != 0; }
  /// The parameters that an ADR has from these.
  [[nodiscard]] std::vector<VCardParameter> more_parameters(std::size_t property) const {
    const auto at = more_.find(property);
    return at != more_.end() ? at->second : std::vector<VCardParameter>();
  }

 private:
  using Indexes = std::vector<std::size_t>;

  inline void read(const std::vector<VCardProperty>& properties, const std::string& group,
                   const Indexes& indexes);
  inline bool merge_addresses(const std::vector<VCardProperty>& properties, const Indexes& indexes);

  std::map<std::string, std::size_t> labels_;
  std::map<std::string, std::string> label_texts_;
  std::map<std::string, std::size_t> organizations_;
  std::set<std::string> explained_;
  std::set<std::size_t> taken_;
  std::map<std::size_t, std::vector<VCardParameter>> more_;
};

// ---------------------------------------------------------------------------------------------

inline CardGroups::CardGroups(const std::vector<VCardProperty>& properties) {
  std::map<std::string, Indexes> groups;
  Indexes loose;  // ADR, GEO and TZ without a group
  bool is_any_grouped = false;
  for (std::size_t i = 0; i < properties.size(); ++i) {
    const std::string& name = properties[i].name;
    const bool is_place = name == "ADR" || name == "GEO" || name == "TZ";
    if (!properties[i].group.empty()) {
      groups[lowercase(properties[i].group)].push_back(i);
      is_any_grouped |= is_place;
    } else if (is_place) {
      loose.push_back(i);
    }
  }
  for (const auto& [group, indexes] : groups) read(properties, group, indexes);
  if (is_any_grouped) merge_addresses(properties, loose);
}

inline void CardGroups::read(const std::vector<VCardProperty>& properties, const std::string& group,
                             const Indexes& indexes) {
  Indexes labels;
  Indexes others;
  for (const std::size_t i : indexes) {
    (properties[i].name == "X-ABLABEL" ? labels : others).push_back(i);
  }
  const auto count = [&](std::string_view name) {
    return static_cast<std::size_t>(std::count_if(
        others.begin(), others.end(), [&](std::size_t i) { return properties[i].name == name; }));
  };
  const auto can_have_label = [&](std::size_t i) {
    const CardProperty* const row = find_card_property(properties[i].name);
    return row != nullptr && row->has_label;
  };
  if (labels.size() == 1 && std::any_of(others.begin(), others.end(), can_have_label)) {
    const VCardProperty& label = properties[labels.front()];
    ParameterBag bag(label.parameters);
    const std::string* const type = bag.one("VALUE");
    if (type != nullptr && equals_ignoring_case(*type, "text")) bag.drop("VALUE");
    if (bag.rest().empty() && !label.value.empty()) {
      labels_.emplace(group, labels.front());
      label_texts_.emplace(group, unescape_text(label.value));
      if (others.size() == 1) explained_.insert(group);
    }
  }
  if (count("ORG") == 1) {
    const auto org = std::find_if(others.begin(), others.end(),
                                  [&](std::size_t i) { return properties[i].name == "ORG"; });
    organizations_.emplace(group, *org);
    const std::size_t titles = count("TITLE") + count("ROLE");
    if (titles > 0 && titles + 1 == indexes.size()) explained_.insert(group);
  }
  if (merge_addresses(properties, others) && labels.empty() &&
      count("ADR") + count("GEO") + count("TZ") == others.size()) {
    explained_.insert(group);
  }
}

/// @returns whether all GEO and TZ among the properties are parameters of their only ADR now
inline bool CardGroups::merge_addresses(const std::vector<VCardProperty>& properties,
                                        const Indexes& indexes) {
  const auto adr = std::find_if(indexes.begin(), indexes.end(),
                                [&](std::size_t i) { return properties[i].name == "ADR"; });
  if (adr == indexes.end()) return false;
  const bool has_more_adr = std::any_of(adr + 1, indexes.end(),
                                        [&](std::size_t i) { return properties[i].name == "ADR"; });
  const ParameterBag of_adr(properties[*adr].parameters);
  const bool is_simple = of_adr.find("ALTID") == nullptr && of_adr.find("VALUE") == nullptr;
  if (has_more_adr || !is_simple || !is_convertible(split_lists(properties[*adr].value))) {
    return false;
  }
  bool are_all = false;
  std::set<std::string> names;
  std::vector<VCardParameter> more;
  Indexes taken;
  for (const std::size_t i : indexes) {
    const VCardProperty& property = properties[i];
    if (property.name != "GEO" && property.name != "TZ") continue;
    ParameterBag bag(property.parameters);
    const std::string type = lowercase(bag.take("VALUE").value_or(""));
    std::string value = property.value;
    if (property.name == "TZ") {
      const auto zone = type == "text" ? std::nullopt : time_zone_of_offset(value);
      value = zone ? *zone : unescape_text(value);
    }
    const bool is_fit = property.name == "GEO" ? is_uri(value) && (type.empty() || type == "uri")
                                               : !value.empty() && !is_uri(value) &&
                                                     value[0] != '+' && value[0] != '-';
    if (!is_fit || !bag.rest().empty() || of_adr.find(property.name) != nullptr ||
        !names.insert(property.name).second) {
      return false;
    }
    more.push_back({property.name, {value}});
    taken.push_back(i);
    are_all = true;
  }
  if (!are_all) return false;
  taken_.insert(taken.begin(), taken.end());
  more_.emplace(*adr, std::move(more));
  return true;
}

}  // namespace addrbook::detail
