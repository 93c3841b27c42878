/// SortToken: where an entry stands in an order by text, as a token of a full-text index. Knows no
/// database.
#pragma once

#include <addrbook/query.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace addrbook::detail {

/// An index of tokens is sorted by their bytes, and written in large pieces. A tree of its own for
/// each order would have a page to write for nearly every entry. The tokens of an order have the
/// same beginning, and their bytes compare as the order does: by text, those without one last, and
/// by `created`. An index is read from its beginning on, so a descending order has tokens of its
/// own, with the bits reversed. No two entries of a book have the same.
class SortToken {
 public:
  SortToken(std::uint64_t book, Query::Sort sort, bool descending)
      : beginning_(std::to_string(book) + '_' + mark(sort, descending)), descending_(descending) {}

  /// @param text     see Terms::text_of()
  /// @param created  of the entry
  [[nodiscard]] std::string of(const std::optional<std::string>& text,
                               std::uint64_t created) const {
    std::string token = beginning_;
    append(token, text, created, descending_);
    return token;
  }
  /// Appends the tokens of both directions, with a space behind each.
  static void append_both(std::string& to, const std::string& book, Query::Sort sort,
                          const std::optional<std::string>& text, std::uint64_t created) {
    for (const bool descending : {false, true}) {
      to.append(book).append(1, '_').append(1, mark(sort, descending));
      append(to, text, created, descending);
      to += ' ';
    }
  }
  [[nodiscard]] const std::string& before_all() const noexcept { return beginning_; }
  [[nodiscard]] std::string behind_all() const { return beginning_ + 'r'; }

 private:
  static constexpr unsigned created_bits = 40;

  [[nodiscard]] static char mark(Query::Sort sort, bool descending) {
    const int place = sort == Query::Sort::name ? 0 : sort == Query::Sort::given ? 2 : 4;
    return static_cast<char>('a' + place + (descending ? 1 : 0));
  }
  /// Seven bits a byte, so that none is ASCII: a tokenizer neither splits nor folds these.
  static void append(std::string& to, const std::optional<std::string>& text, std::uint64_t created,
                     bool descending) {
    to += text ? 'p' : 'q';
    const unsigned reversed = descending ? 0x7FU : 0U;
    unsigned bits = 0;
    unsigned waiting = 0;
    const auto put = [&](unsigned seven) {
      to += static_cast<char>(0x80U | ((seven & 0x7FU) ^ reversed));
    };
    const auto take = [&](unsigned byte) {
      waiting = (waiting & 0x7FU) << 8U | byte;
      for (bits += 8; bits >= 7; bits -= 7) put(waiting >> (bits - 7));
    };
    if (text) {
      for (const char c : *text) take(static_cast<unsigned char>(c));
      take(0);  // no text has a zero, so one comes before the longer ones that begin with it
    }
    for (unsigned shift = created_bits; shift != 0; shift -= 8) {
      take(static_cast<unsigned>(created >> (shift - 8)) & 0xFFU);
    }
    if (bits != 0) put(waiting << (7 - bits));
  }

  const std::string beginning_;
  const bool descending_;
};

}  // namespace addrbook::detail
