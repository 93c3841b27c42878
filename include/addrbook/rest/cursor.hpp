/// Cursors: where a page of a query ends, as a text that clients send back, and the link with it.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/checksum.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/query.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>

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
  // No forger is kept out: who makes up a cursor gets another part of what they may read.
  void mix(std::uint64_t value) noexcept { mark_.add(value); }
  void mix(std::string_view text) noexcept {
    mark_.add(text.size());
    mark_.add(text);
  }
  void mix(const std::optional<std::string>& text) noexcept {
    mix(text ? std::uint64_t{1} : 0);
    if (text) mix(std::string_view(*text));
  }

  // Also of the place, so that a cursor that was cut off is no other one.
  [[nodiscard]] std::uint64_t mark_of(std::string_view place) const noexcept {
    Checksum mark = mark_;
    mark.add(place);
    return mark.sum();
  }

  Checksum mark_;
};

/// The link to the next page: the request's own path and query with another cursor.
/// @throws HttpError{400} it would be too long for a server to take
[[nodiscard]] inline std::string next_link(const Context& context, const std::string& cursor) {
  const Request& request = context.exchange.request();
  std::string target = context.public_path(context.prefix.of_book(context.book));
  target += '?';
  std::string_view query = request.query;
  while (!query.empty()) {
    const std::string_view parameter = cut(query, '&');
    if (parameter.empty() ||
        decode_query_text(parameter.substr(0, parameter.find('='))) == "cursor")
      continue;
    // What is allowed in a query but would end the link.
    for (const char c : parameter) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '<' || c == '>' || c == '"' || byte <= ' ' || byte >= 0x7f) {
        target.append("%").append(hex(std::string_view(&c, 1)));
      } else {
        target += c;
      }
    }
    target += '&';
  }
  target.append("cursor=").append(cursor);
  constexpr std::size_t max_target_bytes = 8192;
  if (target.size() > max_target_bytes) {
    throw HttpError(400,
                    "Invalid query: it is too long for a link to the next page; ask for less, "
                    "or for more on a page");
  }
  return "<" + target + ">; rel=\"next\"";
}

// ---------------------------------------------------------------------------------------------

inline std::string CursorScope::write(const Position& position) const {
  const unsigned flags = (position.is_suffix ? 1U : 0U) + (position.is_absent ? 2U : 0U);
  const std::string place =
      hex_digit(flags) + std::to_string(position.number) + '.' + hex(position.text);
  return hex(mark_of(place)) + place;
}

inline std::optional<Position> CursorScope::read(std::string_view cursor) const {
  constexpr std::size_t mark_digits = 16;
  const std::string_view mark = cursor.substr(0, mark_digits);
  cursor.remove_prefix(mark.size());
  if (mark != hex(mark_of(cursor))) return std::nullopt;
  const int flags = cursor.empty() ? -1 : hex_value(cursor[0]);
  if (flags < 0 || flags > 3) return std::nullopt;
  cursor.remove_prefix(1);
  const auto number = parse_decimal(cut(cursor, '.'));
  auto text = unhex(cursor);
  // Not every database takes any text.
  if (!number || !text || !is_utf8(*text) || text->find('\0') != text->npos) return std::nullopt;
  Position position;
  position.is_suffix = (flags & 1) != 0;
  position.is_absent = (flags & 2) != 0;
  position.number = *number;
  position.text = *std::move(text);
  return position;
}

}  // namespace addrbook::detail
