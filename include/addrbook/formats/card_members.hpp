/// The registered members of a Card and of the objects in it (RFC 9553).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// The types of values (RFC 9553, 1.3 and 1.4).
enum class CardForm : std::uint8_t {
  text,
  filled_text,
  boolean,
  number,     ///< an UnsignedInt above zero
  pref,       ///< from 1 to 100
  date_time,  ///< a UTCDateTime
  id,
  set,     ///< an object whose values are true
  texts,   ///< an object whose values are texts
  object,  ///< of a type
  map,     ///< Ids to objects of a type
  by_uid,  ///< any keys to objects of a type
  list,    ///< an array of objects of a type
  date,    ///< a PartialDate or a Timestamp
  patches,
  kept,  ///< vCardProps
};

/// A registered member of an object.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): rows are read in this order
struct CardMember {
  std::string_view type;  ///< of the object; "": of all
  std::string_view name;
  CardForm form;
  std::string_view of = {};  ///< the type of the objects in it
  bool is_mandatory = false;
};

inline constexpr CardMember card_members[] = {
    {"", "@type", CardForm::text},
    {"", "vCardName", CardForm::text},
    {"", "vCardParams", CardForm::texts},
    {"Card", "version", CardForm::filled_text, "", true},
    {"Card", "uid", CardForm::filled_text, "", true},
    {"Card", "created", CardForm::date_time},
    {"Card", "updated", CardForm::date_time},
    {"Card", "kind", CardForm::text},
    {"Card", "language", CardForm::text},
    {"Card", "members", CardForm::set},
    {"Card", "prodId", CardForm::filled_text},
    {"Card", "relatedTo", CardForm::by_uid, "Relation"},
    {"Card", "name", CardForm::object, "Name"},
    {"Card", "nicknames", CardForm::map, "Nickname"},
    {"Card", "organizations", CardForm::map, "Organization"},
    {"Card", "speakToAs", CardForm::object, "SpeakToAs"},
    {"Card", "titles", CardForm::map, "Title"},
    {"Card", "emails", CardForm::map, "EmailAddress"},
    {"Card", "onlineServices", CardForm::map, "OnlineService"},
    {"Card", "phones", CardForm::map, "Phone"},
    {"Card", "preferredLanguages", CardForm::map, "LanguagePref"},
    {"Card", "calendars", CardForm::map, "Calendar"},
    {"Card", "schedulingAddresses", CardForm::map, "SchedulingAddress"},
    {"Card", "addresses", CardForm::map, "Address"},
    {"Card", "cryptoKeys", CardForm::map, "CryptoKey"},
    {"Card", "directories", CardForm::map, "Directory"},
    {"Card", "links", CardForm::map, "Link"},
    {"Card", "media", CardForm::map, "Media"},
    {"Card", "localizations", CardForm::patches},
    {"Card", "anniversaries", CardForm::map, "Anniversary"},
    {"Card", "keywords", CardForm::set},
    {"Card", "notes", CardForm::map, "Note"},
    {"Card", "personalInfo", CardForm::map, "PersonalInfo"},
    {"Card", "vCardProps", CardForm::kept},
    {"Relation", "relation", CardForm::set},
    {"Name", "components", CardForm::list, "NameComponent"},
    {"Name", "isOrdered", CardForm::boolean},
    {"Name", "defaultSeparator", CardForm::text},
    {"Name", "full", CardForm::text},
    {"Name", "sortAs", CardForm::texts},
    {"Name", "phoneticScript", CardForm::text},
    {"Name", "phoneticSystem", CardForm::text},
    {"NameComponent", "value", CardForm::text, "", true},
    {"NameComponent", "kind", CardForm::text, "", true},
    {"NameComponent", "phonetic", CardForm::text},
    {"Nickname", "name", CardForm::text, "", true},
    {"Nickname", "contexts", CardForm::set},
    {"Nickname", "pref", CardForm::pref},
    {"Organization", "name", CardForm::text},
    {"Organization", "units", CardForm::list, "OrgUnit"},
    {"Organization", "sortAs", CardForm::text},
    {"Organization", "contexts", CardForm::set},
    {"OrgUnit", "name", CardForm::text, "", true},
    {"OrgUnit", "sortAs", CardForm::text},
    {"SpeakToAs", "grammaticalGender", CardForm::text},
    {"SpeakToAs", "pronouns", CardForm::map, "Pronouns"},
    {"Pronouns", "pronouns", CardForm::text, "", true},
    {"Pronouns", "contexts", CardForm::set},
    {"Pronouns", "pref", CardForm::pref},
    {"Title", "name", CardForm::text, "", true},
    {"Title", "kind", CardForm::text},
    {"Title", "organizationId", CardForm::id},
    {"EmailAddress", "address", CardForm::text, "", true},
    {"EmailAddress", "contexts", CardForm::set},
    {"EmailAddress", "pref", CardForm::pref},
    {"EmailAddress", "label", CardForm::text},
    {"OnlineService", "service", CardForm::text},
    {"OnlineService", "uri", CardForm::text},
    {"OnlineService", "user", CardForm::text},
    {"OnlineService", "contexts", CardForm::set},
    {"OnlineService", "pref", CardForm::pref},
    {"OnlineService", "label", CardForm::text},
    {"Phone", "number", CardForm::text, "", true},
    {"Phone", "features", CardForm::set},
    {"Phone", "contexts", CardForm::set},
    {"Phone", "pref", CardForm::pref},
    {"Phone", "label", CardForm::text},
    {"LanguagePref", "language", CardForm::text, "", true},
    {"LanguagePref", "contexts", CardForm::set},
    {"LanguagePref", "pref", CardForm::pref},
    {"SchedulingAddress", "uri", CardForm::text, "", true},
    {"SchedulingAddress", "contexts", CardForm::set},
    {"SchedulingAddress", "pref", CardForm::pref},
    {"SchedulingAddress", "label", CardForm::text},
    {"Address", "components", CardForm::list, "AddressComponent"},
    {"Address", "isOrdered", CardForm::boolean},
    {"Address", "countryCode", CardForm::text},
    {"Address", "coordinates", CardForm::text},
    {"Address", "timeZone", CardForm::text},
    {"Address", "contexts", CardForm::set},
    {"Address", "full", CardForm::text},
    {"Address", "defaultSeparator", CardForm::text},
    {"Address", "pref", CardForm::pref},
    {"Address", "phoneticScript", CardForm::text},
    {"Address", "phoneticSystem", CardForm::text},
    {"AddressComponent", "value", CardForm::text, "", true},
    {"AddressComponent", "kind", CardForm::text, "", true},
    {"AddressComponent", "phonetic", CardForm::text},
    // Calendar, CryptoKey, Directory, Link and Media have these too.
    {"Resource", "kind", CardForm::text},
    {"Resource", "uri", CardForm::text, "", true},
    {"Resource", "mediaType", CardForm::text},
    {"Resource", "contexts", CardForm::set},
    {"Resource", "pref", CardForm::pref},
    {"Resource", "label", CardForm::text},
    {"Calendar", "kind", CardForm::text, "", true},
    {"Directory", "kind", CardForm::text, "", true},
    {"Directory", "listAs", CardForm::number},
    {"Media", "kind", CardForm::text, "", true},
    {"Anniversary", "kind", CardForm::text, "", true},
    {"Anniversary", "date", CardForm::date, "", true},
    {"Anniversary", "place", CardForm::object, "Address"},
    {"PartialDate", "year", CardForm::number},
    {"PartialDate", "month", CardForm::number},
    {"PartialDate", "day", CardForm::number},
    {"PartialDate", "calendarScale", CardForm::text},
    {"Timestamp", "utc", CardForm::date_time, "", true},
    {"Note", "note", CardForm::text, "", true},
    {"Note", "created", CardForm::date_time},
    {"Note", "author", CardForm::object, "Author"},
    {"Author", "name", CardForm::text},
    {"Author", "uri", CardForm::text},
    {"PersonalInfo", "kind", CardForm::text, "", true},
    {"PersonalInfo", "value", CardForm::text, "", true},
    {"PersonalInfo", "level", CardForm::text},
    {"PersonalInfo", "listAs", CardForm::number},
    {"PersonalInfo", "label", CardForm::text},
};

/// Of which members an object must have at least one.
struct CardChoice {
  std::string_view type;
  std::vector<std::string_view> members;
};

[[nodiscard]] inline const std::vector<CardChoice>& card_choices() {
  static const std::vector<CardChoice> choices = {
      {"Name", {"components", "full"}},
      {"Organization", {"name", "units"}},
      {"SpeakToAs", {"grammaticalGender", "pronouns"}},
      {"OnlineService", {"uri", "user"}},
      {"Address", {"components", "coordinates", "countryCode", "full", "timeZone"}},
      {"PartialDate", {"year", "month"}},
      {"Author", {"name", "uri"}},
  };
  return choices;
}

}  // namespace addrbook::detail
