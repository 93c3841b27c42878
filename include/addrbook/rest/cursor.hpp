/// Cursors: where a page of a query ends, as a text that clients send back.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/query.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// What a cursor holds for: the book, by its epoch, and the query, but not the size of pages.
class CursorScope {
 public:
  CursorScope(std::uint64_t epoch, const Query& query) : mark_(epoch) {
    mix(static_cast<std::uint64_t>(query.sort) * 2 + (query.descending ? 1 : 0));
    mix(std::string_view(query.words));
    for (const auto& text : {query.email, query.phone, query.label}) mix(text);
    mix(query.ids ? query.ids->size() + 1 : 0);
    if (query.ids) {
      for (const std::string& id : *query.ids) mix(std::string_view(id));
    }
  }

  /// @returns [0-9a-f.]+
  [[nodiscard]] inline std::string write(const Position& position) const;

  /// @returns nothing if write() of this scope has not made it
  [[nodiscard]] inline std::optional<Position> read(std::string_view cursor) const;

 private:
  // FNV-1a. It finds mistakes: who makes up a cursor gets another part of what they may read.
  void mix(std::uint64_t value) noexcept {
    constexpr std::uint64_t prime = 0x100000001b3;
    for (unsigned shift = 0; shift < 64; shift += 8) {
      mark_ = (mark_ ^ ((value >> shift) & 0xFFU)) * prime;
    }
  }
  void mix(std::string_view text) noexcept {
    mix(text.size());
    for (const char c : text) mix(static_cast<unsigned char>(c));
  }
  void mix(const std::optional<std::string>& text) noexcept {
    mix(text ? std::uint64_t{1} : 0);
    if (text) mix(std::string_view(*text));
  }

  /// Whether every database takes it.
  [[nodiscard]] static inline bool is_text(std::string_view text) noexcept;

  std::uint64_t mark_;
};

// ---------------------------------------------------------------------------------------------

inline bool CursorScope::is_text(std::string_view text) noexcept {
  while (!text.empty()) {
    const Utf8Sequence first = first_utf8_sequence(text);
    if (!first.is_well_formed || text[0] == '\0') return false;
    text.remove_prefix(first.size);
  }
  return true;
}

inline std::string CursorScope::write(const Position& position) const {
  const unsigned flags = (position.is_suffix ? 1U : 0U) + (position.is_absent ? 2U : 0U);
  return hex(mark_) + hex_digit(flags) + std::to_string(position.number) + '.' + hex(position.text);
}

inline std::optional<Position> CursorScope::read(std::string_view cursor) const {
  constexpr std::size_t mark_digits = 16;
  if (cursor.substr(0, mark_digits) != hex(mark_)) return std::nullopt;
  cursor.remove_prefix(mark_digits);
  const int flags = cursor.empty() ? -1 : hex_value(cursor[0]);
  if (flags < 0 || flags > 3) return std::nullopt;
  cursor.remove_prefix(1);
  const auto number = parse_decimal(cut(cursor, '.'));
  auto text = unhex(cursor);
  if (!number || !text || !is_text(*text)) return std::nullopt;
  Position position;
  position.is_suffix = (flags & 1) != 0;
  position.is_absent = (flags & 2) != 0;
  position.number = *number;
  position.text = *std::move(text);
  return position;
}

}  // namespace addrbook::detail
