/// SortToken: where an entry stands in an order by text, as a token of a full-text index. Knows no
/// database.
#pragma once

#include <addrbook/query.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
    std::string bytes;
    // No text has a zero, so a text comes before the longer ones that begin with it.
    if (text) bytes.append(*text).append(1, '\0');
    for (int shift = created_bits - 8; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(created >> static_cast<unsigned>(shift));
    }
    return beginning_ + (text ? 'p' : 'q') + coded(bytes);
  }
  [[nodiscard]] const std::string& before_all() const noexcept { return beginning_; }
  [[nodiscard]] std::string behind_all() const { return beginning_ + 'r'; }

 private:
  static constexpr int created_bits = 40;

  [[nodiscard]] static char mark(Query::Sort sort, bool descending) {
    const int place = sort == Query::Sort::name ? 0 : sort == Query::Sort::given ? 2 : 4;
    return static_cast<char>('a' + place + (descending ? 1 : 0));
  }
  /// Seven bits a byte, so that none is ASCII: a tokenizer neither splits nor folds these.
  [[nodiscard]] std::string coded(std::string_view bytes) const {
    std::string code;
    code.reserve(bytes.size() * 8 / 7 + 1);
    const unsigned reversed = descending_ ? 0x7FU : 0U;
    unsigned bits = 0;
    unsigned waiting = 0;
    const auto put = [&](unsigned seven) {
      code += static_cast<char>(0x80U | ((seven & 0x7FU) ^ reversed));
    };
    for (const char c : bytes) {
      waiting = waiting << 8U | static_cast<unsigned char>(c);
      for (bits += 8; bits >= 7; bits -= 7) put(waiting >> (bits - 7));
      waiting &= 0x7FU;
    }
    if (bits != 0) put(waiting << (7 - bits));
    return code;
  }

  const std::string beginning_;
  const bool descending_;
};

}  // namespace addrbook::detail
