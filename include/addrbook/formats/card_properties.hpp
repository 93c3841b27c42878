/// Which property of a vCard is which member of a Card (RFC 9555, 2).
#pragma once

#include <cstdint>
#include <string_view>

namespace addrbook::detail {

/// What a property's value becomes.
enum class CardValue : std::uint8_t {
  text,
  texts,         ///< each text of a list is an object of its own
  uri,           ///< another value is not converted
  link,          ///< a URI, or what people write instead
  phone,         ///< a URI or a text
  tag,           ///< a language tag
  service,       ///< a URI or a user's name
  organization,  ///< a name and its units
  address,
  coordinates,  ///< a "geo:" URI alone
  time_zone,    ///< alone
};

/// A property that becomes an object in a map of the Card.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): rows are read in this order
struct CardProperty {
  std::string_view vcard;  ///< in capital letters
  std::string_view map;    ///< the member of the Card
  std::string_view member;
  CardValue value;
  std::string_view kind = {};  ///< the object's `kind`
  bool has_contexts = true;    ///< TYPE is `contexts`
  bool has_label = false;      ///< X-ABLabel is `label`
};

inline constexpr CardProperty card_properties[] = {
    {"NICKNAME", "nicknames", "name", CardValue::texts},
    {"ORG", "organizations", "name", CardValue::organization},
    {"TITLE", "titles", "name", CardValue::text, "title", false},
    {"ROLE", "titles", "name", CardValue::text, "role", false},
    {"EMAIL", "emails", "address", CardValue::text, "", true, true},
    {"TEL", "phones", "number", CardValue::phone, "", true, true},
    {"SOCIALPROFILE", "onlineServices", "uri", CardValue::service, "", true, true},
    {"IMPP", "onlineServices", "uri", CardValue::service, "", true, true},
    {"X-SOCIALPROFILE", "onlineServices", "uri", CardValue::service, "", true, true},
    {"LANG", "preferredLanguages", "language", CardValue::tag},
    {"CALURI", "calendars", "uri", CardValue::uri, "calendar", true, true},
    {"FBURL", "calendars", "uri", CardValue::uri, "freeBusy", true, true},
    {"CALADRURI", "schedulingAddresses", "uri", CardValue::uri, "", true, true},
    {"ADR", "addresses", "components", CardValue::address},
    {"GEO", "addresses", "coordinates", CardValue::coordinates},
    {"TZ", "addresses", "timeZone", CardValue::time_zone},
    {"KEY", "cryptoKeys", "uri", CardValue::uri, "", true, true},
    {"ORG-DIRECTORY", "directories", "uri", CardValue::uri, "directory", true, true},
    {"SOURCE", "directories", "uri", CardValue::uri, "entry", true, true},
    {"URL", "links", "uri", CardValue::link, "", true, true},
    {"CONTACT-URI", "links", "uri", CardValue::uri, "contact", true, true},
    {"PHOTO", "media", "uri", CardValue::uri, "photo", true, true},
    {"LOGO", "media", "uri", CardValue::uri, "logo", true, true},
    {"SOUND", "media", "uri", CardValue::uri, "sound", true, true},
    {"NOTE", "notes", "note", CardValue::text, "", false},
    {"EXPERTISE", "personalInfo", "value", CardValue::text, "expertise", false, true},
    {"HOBBY", "personalInfo", "value", CardValue::text, "hobby", false, true},
    {"INTEREST", "personalInfo", "value", CardValue::text, "interest", false, true},
    // A map within `speakToAs`.
    {"PRONOUNS", "pronouns", "pronouns", CardValue::text},
};

/// @param vcard  in capital letters
/// @returns null for what becomes no object in a map
[[nodiscard]] constexpr const CardProperty* find_card_property(std::string_view vcard) noexcept {
  for (const CardProperty& row : card_properties) {
    if (row.vcard == vcard) return &row;
  }
  return nullptr;
}

/// A TYPE and what it is in JSContact.
struct CardType {
  std::string_view vcard;
  std::string_view card;
};

inline constexpr CardType card_contexts[] = {{"home", "private"}, {"work", "work"}};
inline constexpr CardType card_address_contexts[] = {{"billing", "billing"},
                                                     {"delivery", "delivery"}};
inline constexpr CardType card_features[] = {
    {"cell", "mobile"}, {"fax", "fax"},    {"main-number", "main-number"},
    {"pager", "pager"}, {"text", "text"},  {"textphone", "textphone"},
    {"video", "video"}, {"voice", "voice"}};
inline constexpr CardType card_expertise[] = {
    {"beginner", "low"}, {"average", "medium"}, {"expert", "high"}};
inline constexpr CardType card_levels[] = {{"low", "low"}, {"medium", "medium"}, {"high", "high"}};

}  // namespace addrbook::detail
