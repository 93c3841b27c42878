/// What the properties of vCards hold, and what they are called before 4.0.
#pragma once

#include <addrbook/formats/vcard_property.hpp>

#include <string>
#include <string_view>

namespace addrbook::detail {

/// How the value of a property is to be read.
enum class VCardType {
  text,        ///< one text
  list,        ///< texts between commas
  lists,       ///< lists between semicolons
  components,  ///< texts between semicolons
  uri,         ///< has no escapes
  date,        ///< a date, a time or both (RFC 6350, 4.3.4)
  timestamp,   ///< the same, in whole (RFC 6350, 4.3.5)
  other,       ///< not known: as `lists`, as far as that is no matter of taste
};

/// @param name  in capital letters
/// @returns the type that a property has without a VALUE, of RFC 6350, 6474, 6715, 8605 and 9554
[[nodiscard]] inline VCardType vcard_type(std::string_view name) noexcept;

/// @returns what VALUE says of a property that has this type, in small letters; "" for `other`
[[nodiscard]] constexpr std::string_view vcard_default_value(VCardType type) noexcept {
  switch (type) {
    case VCardType::text:
    case VCardType::list:
    case VCardType::lists:
    case VCardType::components: return "text";
    case VCardType::uri: return "uri";
    case VCardType::date: return "date-and-or-time";
    case VCardType::timestamp: return "timestamp";
    case VCardType::other: break;
  }
  return "";
}

/// @returns those of `,` and `;` that separate in values of a type
[[nodiscard]] constexpr std::string_view vcard_separators(VCardType type) noexcept {
  switch (type) {
    case VCardType::list: return ",";
    case VCardType::components: return ";";
    case VCardType::lists:
    case VCardType::other: return ",;";
    default: return "";
  }
}

/// Whether a property's value is an image, a sound or a key.
[[nodiscard]] inline bool is_vcard_media(std::string_view name) noexcept {
  return name == "PHOTO" || name == "LOGO" || name == "SOUND" || name == "KEY";
}

/// Whether an N has anything in it. One that has not may stand for none, since 3.0 must have one.
[[nodiscard]] inline bool has_vcard_name(const VCardProperty& n) noexcept {
  return n.value.find_first_not_of(';') != std::string::npos;
}

/// A property that versions before 4.0 lack, and what it is called there.
struct VCardAlias {
  std::string_view name;
  std::string_view alias;
};

/// The first alias of a name is what is written.
inline constexpr VCardAlias vcard_aliases[] = {
    {"KIND", "X-ADDRESSBOOKSERVER-KIND"},
    {"MEMBER", "X-ADDRESSBOOKSERVER-MEMBER"},
    {"GENDER", "X-GENDER"},
    {"ANNIVERSARY", "X-ANNIVERSARY"},
    {"ANNIVERSARY", "X-EVOLUTION-ANNIVERSARY"},
    {"ANNIVERSARY", "X-KADDRESSBOOK-X-ANNIVERSARY"},
    {"ANNIVERSARY", "X-MS-ANNIVERSARY"},
};

// ---------------------------------------------------------------------------------------------
inline VCardType vcard_type(std::string_view name) noexcept {
  struct Row {
    std::string_view name;
    VCardType type;
  };
  static constexpr Row rows[] = {
      {"FN", VCardType::text},
      {"N", VCardType::lists},
      {"NICKNAME", VCardType::list},
      {"PHOTO", VCardType::uri},
      {"BDAY", VCardType::date},
      {"ANNIVERSARY", VCardType::date},
      {"GENDER", VCardType::components},
      {"ADR", VCardType::lists},
      {"TEL", VCardType::text},
      {"EMAIL", VCardType::text},
      {"IMPP", VCardType::uri},
      {"LANG", VCardType::text},
      {"TZ", VCardType::text},
      {"GEO", VCardType::uri},
      {"TITLE", VCardType::text},
      {"ROLE", VCardType::text},
      {"LOGO", VCardType::uri},
      {"ORG", VCardType::components},
      {"MEMBER", VCardType::uri},
      {"RELATED", VCardType::uri},
      {"CATEGORIES", VCardType::list},
      {"NOTE", VCardType::text},
      {"PRODID", VCardType::text},
      {"REV", VCardType::timestamp},
      {"SOUND", VCardType::uri},
      {"UID", VCardType::uri},
      {"CLIENTPIDMAP", VCardType::components},
      {"URL", VCardType::uri},
      {"KEY", VCardType::uri},
      {"FBURL", VCardType::uri},
      {"CALADRURI", VCardType::uri},
      {"CALURI", VCardType::uri},
      {"SOURCE", VCardType::uri},
      {"KIND", VCardType::text},
      {"XML", VCardType::text},
      {"BIRTHPLACE", VCardType::text},
      {"DEATHPLACE", VCardType::text},
      {"DEATHDATE", VCardType::date},
      {"EXPERTISE", VCardType::text},
      {"HOBBY", VCardType::text},
      {"INTEREST", VCardType::text},
      {"ORG-DIRECTORY", VCardType::uri},
      {"CONTACT-URI", VCardType::uri},
      {"CREATED", VCardType::timestamp},
      {"GRAMGENDER", VCardType::text},
      {"LANGUAGE", VCardType::text},
      {"PRONOUNS", VCardType::text},
      {"SOCIALPROFILE", VCardType::uri},
      {"JSPROP", VCardType::text},
      // Of the versions before, and of programs.
      {"AGENT", VCardType::text},
      {"CLASS", VCardType::text},
      {"LABEL", VCardType::text},
      {"MAILER", VCardType::text},
      {"NAME", VCardType::text},
      {"PROFILE", VCardType::text},
      {"SORT-STRING", VCardType::text},
      {"X-ABDATE", VCardType::date},
      {"X-ABLABEL", VCardType::text},
  };
  for (const Row& row : rows) {
    if (row.name == name) return row.type;
  }
  return VCardType::other;
}

}  // namespace addrbook::detail
