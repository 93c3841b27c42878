/// Identity: what tells whether two documents are the same contact.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/json/spans.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// 128 bits that stand for a contact: of its UID, or else of its text. Two contacts have the same
/// ones only if somebody sees to it, who could as well give them the same UID.
struct Identity {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend bool operator==(const Identity& a, const Identity& b) noexcept {
    return a.high == b.high && a.low == b.low;
  }
  friend bool operator!=(const Identity& a, const Identity& b) noexcept { return !(a == b); }
  friend bool operator<(const Identity& a, const Identity& b) noexcept {
    return a.high != b.high ? a.high < b.high : a.low < b.low;
  }

  /// @returns 32 lowercase hex digits
  [[nodiscard]] std::string text() const { return hex(high) + hex(low); }

  /// For std::unordered_set.
  struct Hash {
    [[nodiscard]] std::size_t operator()(const Identity& identity) const noexcept {
      return static_cast<std::size_t>(identity.low);
    }
  };
};

/// Changes whenever identity_of() gives other bits than before: a store that keeps them must then
/// make them anew.
constexpr int identity_version = 1;

/// @param kind  keeps texts of several kinds apart
[[nodiscard]] inline Identity identity_of_text(char kind, std::string_view text) noexcept {
  // Two sums that mix in different ways: FNV-1a, and a rotation with another odd factor.
  Identity sums{0xcbf29ce484222325, 0x9e3779b97f4a7c15};
  const auto add = [&sums](char c) {
    const auto byte = static_cast<unsigned char>(c);
    sums.high = (sums.high ^ byte) * 0x100000001b3;
    sums.low = ((sums.low << 23U | sums.low >> 41U) + byte) * 0xd6e8feb86659fd93;
  };
  add(kind);
  for (const char c : text) add(c);
  // So that each bit depends on all bytes (the finalizer of MurmurHash3).
  for (std::uint64_t* sum : {&sums.high, &sums.low}) {
    *sum = (*sum ^ *sum >> 33U) * 0xff51afd7ed558ccd;
    *sum = (*sum ^ *sum >> 33U) * 0xc4ceb9fe1a85ec53;
    *sum ^= *sum >> 33U;
  }
  return sums;
}

/// @returns whether the text is a UUID as RFC 9562, 4 writes it, in any case
[[nodiscard]] inline bool is_uuid(std::string_view text) noexcept {
  constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] == '-' ? text[i] != '-' : hex_value(text[i]) < 0) return false;
  }
  return true;
}

/// @returns a UID as those are compared: a UUID in small letters and without `urn:uuid:` (RFC 9562,
///          4), anything else as it is
[[nodiscard]] inline std::string normal_uid(std::string_view uid) {
  constexpr std::string_view urn = "urn:uuid:";
  std::string_view uuid = uid;
  if (equals_ignoring_case(uid.substr(0, urn.size()), urn)) uuid.remove_prefix(urn.size());
  return is_uuid(uuid) ? lowercase(uuid) : std::string(uid);
}

/// @returns the id of the entry that a contact was written down from, if that has no UID of its
/// own:
///          a UUID without dashes, or the whole UID; "" if it is none of an entry
[[nodiscard]] inline std::string entry_id_of(const Document& document) {
  const auto uid = JsonSpan(document.text()).member("uid");
  std::string id = uid ? normal_uid(uid->string()) : "";
  if (is_uuid(id)) id.erase(std::remove(id.begin(), id.end(), '-'), id.end());
  return is_valid_id(id) ? id : "";
}

/// @returns the identity of a contact: that of its UID, the member `uid` of RFC 9553, 2.1.9, where
///          that is a string and not empty; else that of its text
/// @par Cost  one pass over the text
[[nodiscard]] inline Identity identity_of(const Document& document) {
  if (const auto uid = JsonSpan(document.text()).member("uid")) {
    if (const std::string text = uid->string(); !text.empty()) {
      return identity_of_text('u', normal_uid(text));
    }
  }
  return identity_of_text('t', document.text());
}

}  // namespace addrbook::detail
