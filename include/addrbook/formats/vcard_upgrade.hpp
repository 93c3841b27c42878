/// VCardUpgrade: a content line of any version becomes a property of vCard 4.0.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/formats/base64.hpp>
#include <addrbook/formats/charset.hpp>
#include <addrbook/formats/vcard_dates.hpp>
#include <addrbook/formats/vcard_lines.hpp>
#include <addrbook/formats/vcard_parameters.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/formats/vcard_types.hpp>
#include <addrbook/formats/vcard_values.hpp>
#include <addrbook/json/strings.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Makes properties of the lines of one card.
class VCardUpgrade : private Pinned {
 public:
  /// Told what could not be kept as it was. @param line  of the file
  using Warning = std::function<void(std::uint64_t line, const char* reason)>;

  struct Source {
    bool is_old = false;    ///< version 2.1
    bool is_utf16 = false;  ///< and so has no other charset
  };

  VCardUpgrade(Source source, CharsetConverter& charsets, Warning warn)
      : source_(source), charsets_(charsets), warn_(std::move(warn)) {}

  /// @param inner_card  the card that is the value of an AGENT, as VCardLines gives it, or ""
  [[nodiscard]] VCardProperty property(VCardLine line, std::string_view inner_card);

  /// Does what concerns more than one property: SORT-STRING becomes the SORT-AS of N, and an
  /// X-ABDATE of Apple's with its label an ANNIVERSARY.
  static void finish(VCard& card) {
    take_sort_string(card);
    take_anniversaries(card);
  }

 private:
  void read_parameters(const VCardLine& line);
  void read_bare(const std::string& value);
  void add_type(std::string_view type);
  void set_value_type(std::string_view type);
  void add_parameter(std::string name, std::vector<std::string> values);
  [[nodiscard]] std::string* find_parameter(std::string_view name) noexcept;

  [[nodiscard]] std::string parameter_text(std::string_view bytes);
  [[nodiscard]] std::string text_of(std::string bytes, bool is_encoded);
  [[nodiscard]] std::string repaired(std::string_view bytes);

  void take_android(VCardLine& line);
  void read_value(VCardLine& line);
  void set_binary(std::string_view base64);
  void set_value(const std::string& text);
  void set_date(const std::string& text);
  void set_uri(const std::string& text);
  void set_text(std::string_view text, VCardType type);
  [[nodiscard]] std::string take_media();

  static void take_sort_string(VCard& card);
  static void take_anniversaries(VCard& card);

  Source source_;
  CharsetConverter& charsets_;
  Warning warn_;

  // Of the property that is made:
  VCardProperty property_;
  std::vector<std::string> types_;
  std::string value_type_;  // VALUE, in small letters
  std::string charset_;
  std::string pref_;
};

// ---------------------------------------------------------------------------------------------

/// Decodes quoted-printable (RFC 2045, 6.7) without soft line breaks.
[[nodiscard]] inline std::string decode_quoted_printable(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '=' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                           hex_value(text[i + 2]) >= 0;
    if (is_escape) {
      bytes += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

/// @param base64  of the first bytes of a file
/// @returns  its media type, by which its kind of files begins; or what stands for any
[[nodiscard]] inline std::string_view media_of_base64(std::string_view base64) noexcept {
  constexpr VCardMedia starts[] = {{"/9j/", "image/jpeg"},
                                   {"iVBORw0KGg", "image/png"},
                                   {"R0lGOD", "image/gif"},
                                   {"UklGR", "image/webp"},
                                   {"Qk", "image/bmp"}};
  for (const VCardMedia& each : starts) {
    if (base64.substr(0, each.type.size()) == each.type) return each.media;
  }
  return "application/octet-stream";
}

inline VCardProperty VCardUpgrade::property(VCardLine line, std::string_view inner_card) {
  property_ = {};
  types_.clear();
  value_type_.clear();
  charset_.clear();
  pref_.clear();

  property_.group = std::move(line.group);
  property_.name = std::move(line.name);
  property_.line = line.line;
  for (const VCardAlias& each : vcard_aliases) {
    if (property_.name == each.alias) property_.name = each.name;
  }
  if (property_.name == "X-ANDROID-CUSTOM") take_android(line);
  read_parameters(line);
  if (inner_card.empty()) {
    read_value(line);
  } else {
    property_.value = escaped_vcard_text(
        text_of(std::string(inner_card.substr(0, inner_card.size() - 1)), false));
    value_type_.clear();
  }
  if (!types_.empty()) add_parameter("TYPE", std::move(types_));
  if (!pref_.empty()) add_parameter("PREF", {pref_});
  if (!value_type_.empty()) add_parameter("VALUE", {value_type_});
  // Their order says nothing, and so need not depend on the version.
  std::sort(property_.parameters.begin(), property_.parameters.end(),
            [](const VCardParameter& a, const VCardParameter& b) { return a.name < b.name; });
  return std::move(property_);
}

/// Android's contacts write a row of their table for what older versions have no property for:
/// `vnd.android.cursor.item/nickname;Ann;1;;;`, the value, its type, its label, and more.
inline void VCardUpgrade::take_android(VCardLine& line) {
  std::vector<std::string> cells(1);
  for (std::size_t i = 0; i < line.value.size(); ++i) {
    if (line.value[i] == '\\' && i + 1 < line.value.size()) cells.back() += line.value[i++];
    if (line.value[i] == ';' && (i == 0 || line.value[i - 1] != '\\')) {
      cells.emplace_back();
    } else {
      cells.back() += line.value[i];
    }
  }
  constexpr std::string_view front = "vnd.android.cursor.item/";
  if (cells.size() < 3 || cells[0].compare(0, front.size(), front) != 0 || cells[1].empty()) return;
  // 1 is a nickname like any other, and of events the anniversary.
  const bool is_plain =
      cells[2] == "1" &&
      std::all_of(cells.begin() + 3, cells.end(), [](const auto& each) { return each.empty(); });
  if (!is_plain) return;
  const std::string_view kind = std::string_view(cells[0]).substr(front.size());
  if (kind == "nickname") {
    property_.name = "NICKNAME";
  } else if (kind == "contact_event" && vcard_date(cells[1])) {
    property_.name = "ANNIVERSARY";
  } else {
    return;
  }
  line.value = std::move(cells[1]);
}

inline void VCardUpgrade::read_parameters(const VCardLine& line) {
  for (const VCardParameter& parameter : line.parameters) {
    std::vector<std::string> values;
    bool is_empty = true;
    for (const std::string& value : parameter.values) {
      values.push_back(parameter_text(value));
      is_empty = is_empty && trim(values.back()).empty();
    }
    if (is_empty) continue;
    const std::string& name = parameter.name;
    const std::string first(trim(values.front()));
    if (name.empty()) {
      for (const std::string& value : values) read_bare(value);
    } else if (name == "TYPE") {
      for (const std::string& value : values) add_type(value);
    } else if (name == "VALUE") {
      set_value_type(first);
    } else if (name == "CHARSET") {
      charset_ = first;
    } else if (name == "PREF") {
      const auto number = parse_decimal(first);
      const bool is_number = number && *number >= 1 && *number <= 100;
      pref_ = is_number ? std::to_string(*number) : "1";
    } else if (!is_vcard_name(name)) {
      warn_(line.line, "a parameter that has no name is left out");
    } else if (name != "ENCODING") {
      property_.parameters.push_back({name, std::move(values)});
    }
  }
  property_.parameters = merged_parameters(std::move(property_.parameters));
}

/// A parameter without a name, which 2.1 allows where the value says what is meant.
inline void VCardUpgrade::read_bare(const std::string& value) {
  const std::string lower = lowercase(trim(value));
  if (lower == "quoted-printable" || lower == "base64" || lower == "b" || lower == "8bit" ||
      lower == "7bit") {
    return;
  }
  if (lower == "inline" || lower == "url" || lower == "content-id" || lower == "cid") {
    set_value_type(lower);
  } else if (!iconv_name(lower).empty()) {
    charset_ = lower;
  } else {
    add_type(lower);
  }
}

inline void VCardUpgrade::add_type(std::string_view type) {
  std::string lower = lowercase(trim(type));
  if (lower == "pref") {
    if (pref_.empty()) pref_ = "1";
  } else if (!lower.empty() && std::find(types_.begin(), types_.end(), lower) == types_.end()) {
    types_.push_back(std::move(lower));
  }
}

inline void VCardUpgrade::set_value_type(std::string_view type) {
  value_type_ = lowercase(type);
  if (value_type_ == "url" || value_type_ == "content-id" || value_type_ == "cid") {
    value_type_ = "uri";
  }
  for (const char* const old : {"inline", "binary", "phone-number", "vcard"}) {
    if (value_type_ == old) value_type_.clear();
  }
}

inline void VCardUpgrade::add_parameter(std::string name, std::vector<std::string> values) {
  for (VCardParameter& each : property_.parameters) {
    if (each.name != name) continue;
    each.values.insert(each.values.end(), values.begin(), values.end());
    return;
  }
  property_.parameters.push_back({std::move(name), std::move(values)});
}

inline std::string* VCardUpgrade::find_parameter(std::string_view name) noexcept {
  for (VCardParameter& each : property_.parameters) {
    if (each.name == name) return &each.values.front();
  }
  return nullptr;
}

/// Undoes the escapes of RFC 6868.
inline std::string VCardUpgrade::parameter_text(std::string_view bytes) {
  const std::string text = is_utf8(bytes) ? std::string(bytes) : repaired(bytes);
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '^' && !source_.is_old && (next == 'n' || next == '^' || next == '\'')) {
      result += next == 'n' ? '\n' : next == '\'' ? '"' : '^';
      ++i;
    } else if (!is_control(text[i]) || text[i] == '\t') {
      result += text[i];
    }
  }
  return result;
}

/// @param is_encoded  whether the bytes were, and so are not of the charset of the file
inline std::string VCardUpgrade::text_of(std::string bytes, bool is_encoded) {
  if (!charset_.empty() && (is_encoded || !source_.is_utf16)) {
    if (auto text = charsets_.to_utf8(bytes, charset_)) return std::move(*text);
    warn_(property_.line, "the charset is unknown, or the text is not of it");
  }
  return is_utf8(bytes) ? std::move(bytes) : repaired(bytes);
}

/// Makes the best of bytes that are not UTF-8. If most of those beyond ASCII are, they were cut or
/// damaged; else they are of the charset that most programs of the time had.
inline std::string VCardUpgrade::repaired(std::string_view bytes) {
  std::string text;
  std::size_t good = 0;
  std::size_t bad = 0;
  for (std::string_view left = bytes; !left.empty();) {
    const Utf8Sequence sequence = first_utf8_sequence(left);
    if (!sequence.is_well_formed) ++bad;
    if (sequence.is_well_formed && sequence.size > 1) ++good;
    text += sequence.is_well_formed ? left.substr(0, sequence.size) : "\xEF\xBF\xBD";
    left.remove_prefix(sequence.size);
  }
  if (good > bad) {
    warn_(property_.line, "damaged UTF-8, and U+FFFD stands for what is lost");
    return text;
  }
  warn_(property_.line, "not UTF-8, and read as Windows-1252");
  text.clear();
  append_windows_1252(text, bytes);
  return text;
}

inline void VCardUpgrade::read_value(VCardLine& line) {
  const VCardEncoding encoding = vcard_encoding(line.parameters);
  if (encoding == VCardEncoding::quoted_printable) {
    set_value(text_of(decode_quoted_printable(line.value), true));
    return;
  }
  // A URI is not encoded, whatever its parameters say. Schemes are short, damaged base64 is not.
  constexpr std::size_t longest_scheme = 10;
  const bool is_uri =
      has_uri_scheme(trim(line.value)) && trim(line.value).find(':') <= longest_scheme;
  if (encoding == VCardEncoding::base64 && !is_uri) {
    const CleanBase64 clean = clean_base64(line.value);
    if (clean.is_damaged) warn_(property_.line, "what is no base64 is left out");
    const VCardType type = vcard_type(property_.name);
    if (clean.text.empty()) {
      set_value("");
    } else if (is_vcard_media(property_.name) || type == VCardType::other) {
      set_binary(clean.text);
    } else {
      set_value(text_of(decode_base64(clean.text), true));
    }
    return;
  }
  set_value(text_of(std::move(line.value), false));
}

/// Takes the first type that is a media type out of the types; those behind it are no types either.
/// @returns  the media type, or ""
inline std::string VCardUpgrade::take_media() {
  std::string media;
  std::vector<std::string> types;
  for (std::string& type : types_) {
    const std::string_view found = media_of_vcard_type(type);
    if (found.empty()) types.push_back(std::move(type));
    if (media.empty()) media = found;
  }
  types_ = std::move(types);
  return media;
}

inline void VCardUpgrade::set_binary(std::string_view base64) {
  std::string media = take_media();
  if (media.empty()) media = media_of_base64(base64);
  property_.value = "data:" + media + ";base64,";
  property_.value += base64;
  value_type_ = is_vcard_media(property_.name) ? "" : "uri";
}

inline void VCardUpgrade::set_value(const std::string& text) {
  VCardType type = vcard_type(property_.name);
  if (is_vcard_media(property_.name)) {
    const std::string uri = normal_vcard_uri(text);
    const bool is_data = equals_ignoring_case(std::string_view(uri).substr(0, 5), "data:");
    const std::string media = take_media();
    if (!media.empty() && !is_data && find_parameter("MEDIATYPE") == nullptr) {
      add_parameter("MEDIATYPE", {media});
    }
    // A key that is not encoded is text.
    if (property_.name == "KEY" && !uri.empty() && !has_uri_scheme(uri)) value_type_ = "text";
  }
  const bool is_date = type == VCardType::date || type == VCardType::timestamp;
  if (value_type_ == "uri") {
    if (type == VCardType::uri) value_type_.clear();
    type = VCardType::uri;
  } else if (value_type_ == "text" && (type == VCardType::uri || is_date)) {
    type = VCardType::text;
  } else if (value_type_ == vcard_default_value(type) ||
             (is_date && (value_type_.find("date") != std::string::npos || value_type_ == "time" ||
                          value_type_ == "timestamp"))) {
    value_type_.clear();
  }
  if (type == VCardType::date || type == VCardType::timestamp) {
    set_date(text);
  } else if (type == VCardType::uri) {
    set_uri(text);
  } else {
    set_text(text, type);
  }
}

inline void VCardUpgrade::set_date(const std::string& text) {
  auto date = vcard_date(text);
  if (!date) {
    set_text(text, VCardType::text);
    if (property_.value.empty()) return;
    value_type_ = "text";
    warn_(property_.line, "not a date, and kept as a text");
    return;
  }
  if (const std::string* year = find_parameter("X-APPLE-OMIT-YEAR")) {
    // Apple has a year in the place of one that is not known, and says which it is.
    if (year->size() == 4 && date->compare(0, 4, *year) == 0 && date->size() >= 8) {
      date->replace(0, 4, "--");
    }
    if (date->compare(0, 2, "--") == 0) {
      auto& all = property_.parameters;
      all.erase(std::remove_if(
                    all.begin(), all.end(),
                    [](const VCardParameter& each) { return each.name == "X-APPLE-OMIT-YEAR"; }),
                all.end());
    }
  }
  property_.value = std::move(*date);
}

inline void VCardUpgrade::set_uri(const std::string& text) {
  std::string uri = normal_vcard_uri(text);
  if (property_.name == "GEO") {
    const auto separator = uri.find_first_of(",;");
    const std::string_view latitude = trim(std::string_view(uri).substr(0, separator));
    const std::string_view longitude =
        trim(std::string_view(uri).substr((std::min)(separator, uri.size() - 1) + 1));
    if (is_vcard_coordinate(latitude) && is_vcard_coordinate(longitude)) {
      uri = std::string("geo:").append(latitude).append(",").append(longitude);
    }
  }
  property_.value = std::move(uri);
}

inline void VCardUpgrade::set_text(std::string_view text, VCardType type) {
  std::string_view separators = vcard_separators(type);
  // In 2.1 commas separate nothing. Its writers use them all the same where there is nothing else.
  if (source_.is_old && type != VCardType::list && !separators.empty()) separators = ";";
  std::string& value = property_.value;
  value = normal_vcard_text(text, separators, source_.is_old);
  if (property_.name == "X-ABLABEL") {
    // What Apple's programs translate stands in a frame of signs.
    constexpr std::string_view front = "_$!<";
    constexpr std::string_view back = ">!$_";
    std::string_view label = value;
    while (label.size() >= front.size() + back.size() && label.substr(0, front.size()) == front &&
           label.substr(label.size() - back.size()) == back) {
      label = label.substr(front.size(), label.size() - front.size() - back.size());
    }
    value = std::string(label);
  } else if (property_.name == "GENDER") {
    if (equals_ignoring_case(value, "male")) value = "M";
    if (equals_ignoring_case(value, "female")) value = "F";
  } else if (property_.name == "TZ") {
    std::string offset(trim(value));
    if (offset.size() == 6 && offset[3] == ':') offset.erase(3, 1);
    if (is_vcard_utc_offset(offset)) {
      value = offset;
      value_type_ = "utc-offset";
    }
  }
}

inline void VCardUpgrade::take_sort_string(VCard& card) {
  auto& all = card.properties;
  const auto find = [&all](std::string_view name) {
    return std::find_if(all.begin(), all.end(),
                        [name](const VCardProperty& each) { return each.name == name; });
  };
  const auto name = find("N");
  const auto sort = find("SORT-STRING");
  if (name == all.end() || sort == all.end() || trim(sort->value).empty()) return;
  if (!has_vcard_name(*name)) return;
  auto& parameters = name->parameters;
  const auto place =
      std::find_if(parameters.begin(), parameters.end(),
                   [](const VCardParameter& each) { return each.name >= "SORT-AS"; });
  if (place != parameters.end() && place->name == "SORT-AS") return;
  parameters.insert(place, {"SORT-AS", {unescaped_vcard_text(sort->value)}});
  all.erase(sort);
}

inline void VCardUpgrade::take_anniversaries(VCard& card) {
  auto& all = card.properties;
  const auto is_date = [](const VCardProperty& each) { return each.name == "X-ABDATE"; };
  if (std::none_of(all.begin(), all.end(), is_date)) return;
  struct Group {
    std::size_t size = 0;
    VCardProperty* date = nullptr;
    VCardProperty* label = nullptr;
  };
  std::map<std::string, Group> groups;
  for (VCardProperty& each : all) {
    if (each.group.empty()) continue;
    Group& group = groups[lowercase(each.group)];
    ++group.size;
    if (is_date(each)) group.date = &each;
    if (each.name == "X-ABLABEL") group.label = &each;
  }
  for (auto& [name, group] : groups) {
    if (group.size != 2 || group.date == nullptr || group.label == nullptr) continue;
    const auto& parameters = group.date->parameters;
    const bool is_other =
        std::any_of(parameters.begin(), parameters.end(),
                    [](const VCardParameter& each) { return each.name == "VALUE"; });
    if (is_other || !equals_ignoring_case(group.label->value, "Anniversary")) continue;
    group.date->name = "ANNIVERSARY";
    group.date->group.clear();
    group.label->name.clear();
  }
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const VCardProperty& each) { return each.name.empty(); }),
            all.end());
}

}  // namespace addrbook::detail
