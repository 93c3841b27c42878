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
/// make them anew. content_uid() never may: a file that comes in again would create everything
/// twice.
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

/// @returns the UID that a contact has itself, the member `uid` of RFC 9553, 2.1.9, where that is a
///          string; else "", which is none
[[nodiscard]] inline std::string own_uid(const Document& document) {
  const auto uid = JsonSpan(document.text()).member("uid");
  return uid ? uid->string() : "";
}

/// @param digits  32 of a UUID
[[nodiscard]] inline std::string urn_of_uuid(std::string digits) {
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) digits.insert(dash, 1, '-');
  return "urn:uuid:" + digits;
}

/// @returns the UID with which an entry goes out: its contact's own; else one that stands for the
///          entry, `urn:uuid:...` for an id that is the 32 small digits of a UUID, else the id
[[nodiscard]] inline std::string uid_of(const Entry& entry) {
  std::string uid = own_uid(entry.document);
  if (!uid.empty()) return uid;
  constexpr std::size_t uuid_digits = 32;
  const auto is_small_digit = [](char c) { return hex_value(c) >= 0 && (c < 'A' || c > 'F'); };
  const bool is_uuid = entry.id.size() == uuid_digits &&
                       std::all_of(entry.id.begin(), entry.id.end(), is_small_digit);
  return is_uuid ? urn_of_uuid(entry.id) : entry.id;
}

/// @returns a UID for a contact that has none, made of what it holds: a UUID of version 8 (RFC
/// 9562,
///          5.8), the same for the same bytes
[[nodiscard]] inline std::string content_uid(std::string_view bytes) {
  constexpr std::uint64_t version_8 = 0x8000;
  constexpr std::uint64_t variant = std::uint64_t{2} << 62U;
  Identity sum = identity_of_text('c', bytes);
  sum.high = (sum.high & ~std::uint64_t{0xF000}) | version_8;
  sum.low = variant | sum.low >> 2U;
  return urn_of_uuid(sum.text());
}

/// The other way round than uid_of().
/// @returns the id of the entry without a UID of its own that a contact was written down from: a
///          UUID without dashes, or the whole UID; "" if it is none of an entry
[[nodiscard]] inline std::string entry_id_of(const Document& document) {
  std::string id = normal_uid(own_uid(document));
  if (is_uuid(id)) id.erase(std::remove(id.begin(), id.end(), '-'), id.end());
  return is_valid_id(id) ? id : "";
}

/// @returns the identity of a contact: that of its own UID; else that of its text
/// @par Cost  one pass over the text
[[nodiscard]] inline Identity identity_of(const Document& document) {
  const std::string uid = own_uid(document);
  return uid.empty() ? identity_of_text('t', document.text())
                     : identity_of_text('u', normal_uid(uid));
}

}  // namespace addrbook::detail
