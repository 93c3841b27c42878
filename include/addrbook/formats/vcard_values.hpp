/// Values of vCards: texts and URIs as vCard 4.0 has them, numbers, and media types.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// Brings the escapes of a text into the form of RFC 6350, 3.4: `\\`, `\n`, `\,` and `\;`. A
/// backslash before another sign of punctuation is left out, before a letter it stands for itself.
/// Line breaks become `\n`. To do it again changes nothing.
/// @param value       UTF-8; may have line breaks
/// @param separators  the others of `,` and `;` get a backslash if they have none
/// @param is_old      as vCard 2.1 has it: a backslash stands for itself unless a semicolon follows
[[nodiscard]] inline std::string normal_vcard_text(std::string_view value,
                                                   std::string_view separators,
                                                   bool is_old = false);

/// @param text  of any characters
/// @returns  it as a value of the type text; control characters are left out
[[nodiscard]] inline std::string escaped_vcard_text(std::string_view text);

/// @param value  of the type text, as normal_vcard_text() gives it
/// @returns  what it stands for
[[nodiscard]] inline std::string unescaped_vcard_text(std::string_view value);

/// Takes the backslashes before `,`, `;` and `:` out of a URI, in which they can't stand, and white
/// space from around it. To do it again changes nothing.
[[nodiscard]] inline std::string normal_vcard_uri(std::string_view value);

/// Whether a text is a number as those of a GEO (RFC 2426, 3.4.2; RFC 5870, 3.3).
[[nodiscard]] inline bool is_vcard_coordinate(std::string_view text) noexcept;

/// Whether a text is an offset from UTC as -0500 (RFC 6350, 4.7).
[[nodiscard]] inline bool is_vcard_utc_offset(std::string_view text) noexcept {
  return text.size() == 5 && (text[0] == '+' || text[0] == '-') &&
         std::all_of(text.begin() + 1, text.end(), is_digit);
}

/// Whether a text begins with the scheme of a URI and a colon (RFC 3986, 3.1).
[[nodiscard]] inline bool has_uri_scheme(std::string_view text) noexcept;

/// Whether a text can be the name of a property or of a parameter. An underscore is not allowed
/// (RFC 6350, 3.3), and used. A long name must have a sign in its front: it is folded, and could be
/// taken for base64 without.
[[nodiscard]] inline bool is_vcard_name(std::string_view text) noexcept {
  constexpr std::size_t front = 60;
  static constexpr CharacterSet characters = CharacterSet::alphanumeric_or("-_");
  if (text.empty() || !characters.has_all(text)) return false;
  return text.size() <= front || text.find_first_of("-_") < front;
}

/// As is_vcard_name(), for that of a group, which may have dots.
[[nodiscard]] inline bool is_vcard_group(std::string_view text) noexcept {
  constexpr std::size_t longest = 60;
  static constexpr CharacterSet characters = CharacterSet::alphanumeric_or("-_.");
  return !text.empty() && text.size() <= longest && characters.has_all(text);
}

/// A media type, and what TYPE has of it in the versions before 4.0.
struct VCardMedia {
  std::string_view type;  ///< in small letters
  std::string_view media;
};

/// @param type  of a PHOTO, LOGO, SOUND or KEY, in small letters, e.g. "jpeg", or "image/jpeg"
/// @returns the media type; "" if it is none
[[nodiscard]] inline std::string_view media_of_vcard_type(std::string_view type) noexcept;

/// @returns the TYPE of the versions before 4.0 for a media type; itself if there is none
[[nodiscard]] inline std::string_view vcard_type_of_media(std::string_view media) noexcept;

// ---------------------------------------------------------------------------------------------

inline std::string normal_vcard_text(std::string_view value, std::string_view separators,
                                     bool is_old) {
  const auto is_plain = [](char c) {
    return c != '\\' && c != ',' && c != ';' && (c == '\t' || !is_control(c));
  };
  std::string normal;
  normal.reserve(value.size() + value.size() / 8);
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (is_plain(c)) {
      normal += c;
      continue;
    }
    const char next = i + 1 < value.size() ? value[i + 1] : '\0';
    if (c == '\\') {
      const bool is_escape =
          is_old ? next == ';'
                 : !is_control(next) && next != ' ' && !is_alphanumeric(next) && next > 0;
      if (is_escape) {
        if (!is_plain(next)) normal += '\\';
        normal += next;
        ++i;
      } else if (!is_old && (next == 'n' || next == 'N')) {
        normal += "\\n";
        ++i;
      } else {
        normal += "\\\\";
      }
    } else if (c == ',' || c == ';') {
      if (separators.find(c) == std::string_view::npos) normal += '\\';
      normal += c;
    } else if (c == '\n' || c == '\r') {
      normal += "\\n";
      if (c == '\r' && next == '\n') ++i;
    }  // no vCard can have other control characters
  }
  return normal;
}

inline std::string escaped_vcard_text(std::string_view text) {
  std::string doubled;
  for (const char c : text) doubled.append(c == '\\' ? 2 : 1, c);
  return normal_vcard_text(doubled, "");
}

inline std::string unescaped_vcard_text(std::string_view value) {
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) {
      ++i;
      text += value[i] == 'n' ? '\n' : value[i];
    } else {
      text += value[i];
    }
  }
  return text;
}

inline std::string normal_vcard_uri(std::string_view value) {
  std::string normal;
  normal.reserve(value.size());
  for (const char c : value) {
    if (!is_control(c)) normal += c;
  }
  std::string unescaped;
  unescaped.reserve(normal.size());
  for (std::size_t i = 0; i < normal.size(); ++i) {
    const char next = i + 1 < normal.size() ? normal[i + 1] : '\0';
    const bool is_escape = normal[i] == '\\' && (next == ',' || next == ';' || next == ':');
    // Two backslashes are a pair, or else what is left of three could be an escape again.
    if (normal[i] == '\\' && next == '\\') unescaped += normal[i++];
    if (!is_escape) unescaped += normal[i];
  }
  return std::string(trim(unescaped));
}

inline bool is_vcard_coordinate(std::string_view text) noexcept {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  const auto dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view fraction =
      dot == std::string_view::npos ? std::string_view("0") : text.substr(dot + 1);
  const auto is_number = [](std::string_view digits) {
    return !digits.empty() && std::all_of(digits.begin(), digits.end(), is_digit);
  };
  return is_number(whole) && is_number(fraction);
}

inline bool has_uri_scheme(std::string_view text) noexcept {
  const auto colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && is_letter(text.front()) &&
         is_alphanumeric_or("+-.", text.substr(0, colon));
}

// Of several rows with the same media type, the first is what is written.
inline constexpr VCardMedia vcard_media[] = {
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"png", "image/png"},
    {"gif", "image/gif"},
    {"bmp", "image/bmp"},
    {"tiff", "image/tiff"},
    {"webp", "image/webp"},
    {"heic", "image/heic"},
    {"svg", "image/svg+xml"},
    {"wave", "audio/wav"},
    {"wav", "audio/wav"},
    {"aiff", "audio/aiff"},
    {"basic", "audio/basic"},
    {"mp3", "audio/mpeg"},
    {"aac", "audio/aac"},
    {"ogg", "audio/ogg"},
    {"x509", "application/pkix-cert"},
    {"pgp", "application/pgp-keys"},
};

inline std::string_view media_of_vcard_type(std::string_view type) noexcept {
  for (const VCardMedia& row : vcard_media) {
    if (row.type == type) return row.media;
  }
  const auto slash = type.find('/');
  if (slash == std::string_view::npos) return "";
  constexpr std::string_view token = "!#$&-^_.+";  // RFC 6838, 4.2
  const std::string_view subtype = type.substr(slash + 1);
  const bool is_media = slash > 0 && !subtype.empty() &&
                        is_alphanumeric_or(token, type.substr(0, slash)) &&
                        is_alphanumeric_or(token, subtype);
  return is_media ? type : std::string_view();
}

inline std::string_view vcard_type_of_media(std::string_view media) noexcept {
  for (const VCardMedia& row : vcard_media) {
    if (row.media == media) return row.type;
  }
  return media;
}

}  // namespace addrbook::detail
