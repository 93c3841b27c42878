/// Downgrade: a card of vCard 4.0 becomes one of 3.0 (RFC 2426), which VCardUpgrade makes 4.0
/// again.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/base64.hpp>
#include <addrbook/formats/vcard_dates.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/formats/vcard_types.hpp>
#include <addrbook/formats/vcard_values.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Makes the properties of a card those of 3.0: with N and FN, preferences as types, binary values
/// with an ENCODING, dates in the extended format. What 3.0 lacks has the name that programs have
/// given it, or stays, since 3.0 allows properties and parameters that it does not know.
[[nodiscard]] inline VCard downgraded_vcard(VCard card);

// ---------------------------------------------------------------------------------------------

/// Makes one property one of 3.0.
class VCardDowngrade {
 public:
  explicit VCardDowngrade(VCardProperty& property) noexcept : property_(property) {}

  void run() {
    const VCardType type = vcard_type(property_.name);
    remove("ENCODING");  // as 4.0 has none, it can only be wrong
    lower_preference();
    const std::string value_type = value_of("VALUE");
    if (value_type.empty()) {
      if (is_vcard_media(property_.name)) lower_media();
      if (type == VCardType::date || type == VCardType::timestamp) lower_date(type);
      if (property_.name == "GEO") lower_geo();
      if (property_.name == "TZ" && !property_.value.empty()) set("VALUE", "text");
    } else if (property_.name == "TZ" && value_type == "utc-offset" &&
               is_vcard_utc_offset(property_.value)) {
      remove("VALUE");
      property_.value.insert(3, 1, ':');
    }
    for (const VCardAlias& each : vcard_aliases) {
      if (property_.name != each.name) continue;
      property_.name = each.alias;
      break;
    }
    if (property_.name == "X-ABLABEL") frame_label();
  }

 private:
  [[nodiscard]] VCardParameter* find(std::string_view name) noexcept {
    const auto found =
        std::find_if(property_.parameters.begin(), property_.parameters.end(),
                     [name](const VCardParameter& each) { return each.name == name; });
    return found == property_.parameters.end() ? nullptr : &*found;
  }
  /// The only value of a parameter, or "".
  [[nodiscard]] std::string value_of(std::string_view name) noexcept {
    const VCardParameter* const found = find(name);
    return found != nullptr && found->values.size() == 1 ? found->values.front() : std::string();
  }
  void remove(std::string_view name) {
    auto& all = property_.parameters;
    all.erase(std::remove_if(all.begin(), all.end(),
                             [name](const VCardParameter& each) { return each.name == name; }),
              all.end());
  }
  void set(std::string name, std::string value) {
    remove(name);
    property_.parameters.push_back({std::move(name), {std::move(value)}});
  }
  void add_type(std::string type) {
    if (VCardParameter* const found = find("TYPE")) {
      found->values.push_back(std::move(type));
    } else {
      set("TYPE", std::move(type));
    }
  }

  void lower_preference() {
    if (value_of("PREF") != "1") return;
    remove("PREF");
    add_type("pref");
  }

  void lower_media() {
    std::string& value = property_.value;
    const std::string_view text = value;
    constexpr std::string_view front = "data:";
    constexpr std::string_view middle = ";base64,";
    const bool is_data = text.substr(0, front.size()) == front;
    const auto at = text.find(middle);
    if (is_data && at != std::string_view::npos) {
      const std::string media(text.substr(front.size(), at - front.size()));
      const std::string_view base64 = text.substr(at + middle.size());
      // Another way to write it would not come back.
      if (!base64.empty() && is_clean_base64(base64) && comes_back(media)) {
        add_type(std::string(vcard_type_of_media(media)));
        set("ENCODING", "b");
        value.erase(0, at + middle.size());
        return;
      }
    }
    const std::string media = value_of("MEDIATYPE");
    if (!is_data && comes_back(media)) {
      remove("MEDIATYPE");
      add_type(std::string(vcard_type_of_media(media)));
    }
    if (has_uri_scheme(value)) set("VALUE", "uri");
  }

  /// Whether a media type can be read out of the TYPE that is written for it.
  [[nodiscard]] static bool comes_back(const std::string& media) {
    return media_of_vcard_type(lowercase(vcard_type_of_media(media))) == media && !media.empty();
  }

  void lower_date(VCardType type) {
    std::string& date = property_.value;
    constexpr std::string_view year = "1604";  // Apple's, a leap year
    if (date.size() >= 6 && date.compare(0, 2, "--") == 0 && is_digit(date[4]) &&
        find("X-APPLE-OMIT-YEAR") == nullptr) {
      date.replace(0, 2, year);
      set("X-APPLE-OMIT-YEAR", std::string(year));
    }
    date = extended_vcard_date(date);
    if (type == VCardType::date && date.find('T') != std::string::npos) {
      set("VALUE", "date-time");
    }
  }

  void lower_geo() {
    std::string_view value = property_.value;
    constexpr std::string_view scheme = "geo:";
    if (value.substr(0, scheme.size()) != scheme) return;
    value.remove_prefix(scheme.size());
    const std::string_view latitude = cut(value, ',');
    if (is_vcard_coordinate(latitude) && is_vcard_coordinate(value)) {
      property_.value = std::string(latitude).append(";").append(value);
    } else {
      set("VALUE", "uri");
    }
  }

  /// Apple's programs translate the labels that they know, in a frame of signs.
  void frame_label() {
    for (const std::string_view each :
         {"Mobile",   "Home",    "Work",      "Other",  "Main",        "School",
          "HomePage", "HomeFAX", "WorkFAX",   "Pager",  "Anniversary", "Spouse",
          "Partner",  "Child",   "Father",    "Mother", "Parent",      "Brother",
          "Sister",   "Friend",  "Assistant", "Manager"}) {
      if (property_.value == each) {
        property_.value = std::string("_$!<").append(each).append(">!$_");
        return;
      }
    }
  }

  VCardProperty& property_;
};

/// @returns  a text that may stand as FN, made of what else the card has, or ""
[[nodiscard]] inline std::string full_name_of(const VCard& card) {
  for (const std::string_view source : {"N", "ORG", "NICKNAME", "EMAIL", "TEL"}) {
    for (const VCardProperty& each : card.properties) {
      if (each.name != source) continue;
      // Of N: given name, further names, family name; of others the first part.
      std::vector<std::string> parts(1);
      for (std::size_t i = 0; i < each.value.size(); ++i) {
        const char c = each.value[i];
        if (c == '\\' && i + 1 < each.value.size()) {
          (parts.back() += c) += each.value[++i];
        } else if (c == ';' || (c == ',' && source == "NICKNAME")) {
          parts.emplace_back();
        } else {
          parts.back() += c == ',' ? ' ' : c;
        }
      }
      if (source == "N") {
        parts.resize(3);
        std::rotate(parts.begin(), parts.begin() + 1, parts.end());
      } else {
        parts.resize(1);
      }
      std::string name;
      for (const std::string& part : parts) {
        if (!name.empty() && !part.empty()) name += ' ';
        name += part;
      }
      if (!name.empty()) return name;
    }
  }
  return "";
}

/// Makes each ANNIVERSARY what Apple's programs have, and others read: an X-ABDATE in a group with
/// a label. Those that have a group, or are no date, are left.
inline void lower_anniversaries(VCard& card) {
  std::set<std::string> groups;
  for (const VCardProperty& each : card.properties) groups.insert(lowercase(each.group));
  std::vector<VCardProperty> all;
  std::size_t number = 0;
  for (VCardProperty& each : card.properties) {
    const bool is_date =
        std::none_of(each.parameters.begin(), each.parameters.end(),
                     [](const VCardParameter& one) { return one.name == "VALUE"; });
    const bool is_anniversary = each.name == "ANNIVERSARY" && each.group.empty() && is_date;
    if (is_anniversary) {
      each.name = "X-ABDATE";
      do {
        each.group = "item" + std::to_string(++number);
      } while (!groups.insert(each.group).second);
    }
    all.push_back(std::move(each));
    if (!is_anniversary) continue;
    VCardProperty label;
    label.group = all.back().group;
    label.name = "X-ABLABEL";
    label.value = "Anniversary";
    all.push_back(std::move(label));
  }
  card.properties = std::move(all);
}

inline VCard downgraded_vcard(VCard card) {
  const auto find = [&card](std::string_view name) {
    return std::find_if(card.properties.begin(), card.properties.end(),
                        [name](const VCardProperty& each) { return each.name == name; });
  };
  std::vector<VCardProperty> added;
  const auto add = [&added](std::string name, std::string value) {
    added.emplace_back();
    added.back().name = std::move(name);
    added.back().value = std::move(value);
  };
  const auto name = find("N");
  if (name == card.properties.end()) add("N", ";;;;");
  if (find("FN") == card.properties.end()) add("FN", full_name_of(card));
  if (name != card.properties.end() && has_vcard_name(*name) &&
      find("SORT-STRING") == card.properties.end()) {
    auto& all = name->parameters;
    const auto sort = std::find_if(all.begin(), all.end(), [](const VCardParameter& each) {
      return each.name == "SORT-AS" && each.values.size() == 1 && !each.values.front().empty();
    });
    if (sort != all.end()) {
      add("SORT-STRING", escaped_vcard_text(sort->values.front()));
      all.erase(sort);
    }
  }
  card.properties.insert(card.properties.begin(), std::make_move_iterator(added.begin()),
                         std::make_move_iterator(added.end()));
  lower_anniversaries(card);
  for (VCardProperty& each : card.properties) VCardDowngrade(each).run();
  return card;
}

}  // namespace addrbook::detail
