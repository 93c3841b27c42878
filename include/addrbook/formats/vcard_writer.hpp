/// VCardWriter: writes cards as text.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/vcard_downgrade.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/formats/vcard_values.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// Appends cards to a text, as vCard 4.0 (RFC 6350) or 3.0 (RFC 2426). VCardReader reads the same
/// properties again, if they were as it gives them; 3.0 adds N and FN where they lack.
class VCardWriter {
 public:
  enum class Version { v3, v4 };

  explicit VCardWriter(Version version) noexcept : version_(version) {}

  /// What can't be written is left out: a property or a parameter whose name is none, and control
  /// characters; and CHARSET and ENCODING, which would change what is read.
  void write(const VCard& card, std::string& to) const;

 private:
  void write_properties(const VCard& card, std::string& to) const;
  [[nodiscard]] std::string head_of(const VCardProperty& property) const;

  Version version_;
};

// ---------------------------------------------------------------------------------------------

/// A content line that is folded while it is written (RFC 6350, 3.2).
class FoldedLine {
 public:
  explicit FoldedLine(std::string& to) noexcept : to_(to) {}

  /// @param text  UTF-8 of whole characters
  void append(std::string_view text) {
    while (!text.empty()) {
      const std::size_t size = fitting(text);
      to_ += text.substr(0, size);
      text.remove_prefix(size);
      column_ += size;
      if (!text.empty()) fold();
    }
  }
  void end() { to_ += "\r\n"; }

 private:
  static constexpr std::size_t longest = 75;  // bytes, without the line end

  [[nodiscard]] std::size_t fitting(std::string_view text) const noexcept {
    const std::size_t room = longest - column_;
    if (text.size() <= room) return text.size();
    const auto is_inside = [&text](std::size_t at) {
      return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80;
    };
    std::size_t size = room;
    while (size > 0 && is_inside(size)) --size;
    return size > 0 || column_ > 1 ? size : room;  // what is longer is no character
  }

  void fold() {
    to_ += "\r\n ";
    column_ = 1;
  }

  std::string& to_;
  std::size_t column_ = 0;
};

/// @returns  the value on one line, without control characters
[[nodiscard]] inline std::string written_vcard_value(std::string_view value) {
  std::string written;
  for (const char c : value) {
    if (c == '\n') written += "\\n";
    if (!is_control(c) || c == '\t') written += c;
  }
  return written;
}

/// @returns  a value of a parameter with the escapes of RFC 6868, in quotes where it needs them
[[nodiscard]] inline std::string written_vcard_parameter(std::string_view value) {
  std::string written;
  for (const char c : value) {
    if (c == '^') {
      written += "^^";
    } else if (c == '\n') {
      written += "^n";
    } else if (c == '"') {
      written += "^'";
    } else if (!is_control(c) || c == '\t') {
      written += c;
    }
  }
  if (written.find_first_of(",;:") == std::string::npos) return written;
  return '"' + written + '"';
}

inline void VCardWriter::write(const VCard& card, std::string& to) const {
  const bool is_v4 = version_ == Version::v4;
  to += is_v4 ? "BEGIN:VCARD\r\nVERSION:4.0\r\n" : "BEGIN:VCARD\r\nVERSION:3.0\r\n";
  if (is_v4) {
    write_properties(card, to);
  } else {
    write_properties(downgraded_vcard(card), to);
  }
  to += "END:VCARD\r\n";
}

inline void VCardWriter::write_properties(const VCard& card, std::string& to) const {
  for (const VCardProperty& each : card.properties) {
    if (!is_vcard_name(each.name) || each.name == "BEGIN" || each.name == "END" ||
        each.name == "VERSION") {
      continue;
    }
    FoldedLine line(to);
    line.append(head_of(each));
    const bool is_clean = std::none_of(each.value.begin(), each.value.end(), is_control);
    // As it is, it would begin a card.
    const bool is_begin =
        each.name == "AGENT" && equals_ignoring_case(trim(each.value), "BEGIN:VCARD");
    if (is_begin) {
      std::string value = each.value;
      line.append(value.insert(value.find(':'), 1, '\\'));
    } else {
      line.append(is_clean ? std::string_view(each.value)
                           : std::string_view(written_vcard_value(each.value)));
    }
    line.end();
  }
}

inline std::string VCardWriter::head_of(const VCardProperty& property) const {
  std::string head;
  if (is_vcard_group(property.group)) head.append(property.group) += '.';
  // Not all programs that know it ignore its case, as they ought to.
  head += property.name == "X-ABLABEL" ? "X-ABLabel" : property.name;
  for (const VCardParameter& parameter : property.parameters) {
    const bool is_in_v4 = parameter.name != "ENCODING" || version_ == Version::v3;
    if (!is_vcard_name(parameter.name) || !is_in_v4 || parameter.name == "CHARSET") continue;
    head.append(";").append(parameter.name);
    char before = '=';
    for (const std::string& value : parameter.values) {
      head += before;
      const bool is_type = parameter.name == "TYPE" && version_ == Version::v3;
      head += written_vcard_parameter(is_type ? uppercase(value) : value);
      before = ',';
    }
  }
  return head += ':';
}

}  // namespace addrbook::detail
