/// Query: what is asked of a book, and pages of what it holds.
#pragma once

#include <addrbook/entry.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace addrbook {

/// The state of a book as a whole.
struct BookState {
  std::uint64_t epoch = 0;     ///< see Entry::epoch
  std::uint64_t revision = 0;  ///< of the last write; 0 before the first
  std::uint64_t count = 0;     ///< entries in the book
};

/// The size of a page. The limit that is reached first ends the page; one entry always fits.
struct PageLimit {
  std::size_t entries = 256;
  std::size_t bytes = std::size_t{256} * 1024;  ///< of the documents' text
};

/// A run of entries in order of creation, and the book's state at the same moment.
struct Page {
  std::vector<Entry> entries;
  BookState state;
  bool more = false;  ///< whether there are entries after the last one
};

/// Which entries of a book are asked for, and in which order. An entry must meet all that is given.
/// Names, mails, phones and labels are those of its Contact, see contact.hpp. Texts are compared
/// folded, see text.hpp; nothing in them is syntax.
struct Query {
  enum class Sort {
    created,  ///< by creation
    updated,  ///< by the last write
    /// @name By this text of the Contact, folded, as bytes; then by the text itself, then by
    /// creation. The first 128 bytes of each count. Entries without it come last, in either
    /// direction.
    /// @{
    name,
    given,
    family,
    /// @}
  };

  Sort sort = Sort::created;
  bool descending = false;

  /// Each word of it begins some word of the address. A text without words has no result, unless
  /// it is empty.
  std::string words;
  std::optional<std::string> email;  ///< one of the mails is equal
  /// One of the phones is the same number, or the end of one is the other: of at least 7 digits.
  /// Equal ones come first, whatever the order.
  std::optional<std::string> phone;
  std::optional<std::string> label;             ///< one of the labels is equal
  std::optional<std::vector<std::string>> ids;  ///< the id is one of these

  [[nodiscard]] bool is_filtered() const noexcept {
    return !words.empty() || email || phone || label || ids;
  }
};

/// Where an entry stands in the order of a query. It stays good when the entry is removed.
struct Position {
  bool is_suffix = false;    ///< with Query::phone: the phone is not equal
  bool is_absent = false;    ///< the entry has no such text; orders by text only
  std::string text;          ///< what orders by text compare, see Query::Sort
  std::uint64_t number = 0;  ///< Entry::revision where the order is `updated`, else `created`
};

/// A run of the entries that a query asks for.
struct QueryPage {
  std::vector<Entry> entries;
  /// The book's at the same moment or before: what was written later may or may not be seen.
  BookState state;
  std::optional<Position> next;  ///< of the last entry, if there are more
};

}  // namespace addrbook
