/// BookStore: where many books are kept, each by its name. The interface between Books and their
/// storage.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/error.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/store.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook {

/// @returns whether `name` matches [A-Za-z0-9][A-Za-z0-9._~@+-]{0,127}
[[nodiscard]] inline bool is_valid_book_name(std::string_view name) noexcept {
  constexpr std::size_t max_size = 128;
  static constexpr auto first = detail::CharacterSet::alphanumeric_or("");
  static constexpr auto allowed = detail::CharacterSet::alphanumeric_or("._~@+-");
  return !name.empty() && name.size() <= max_size && first.has_all(name.substr(0, 1)) &&
         allowed.has_all(name);
}

/// A book among many.
struct BookInfo {
  std::string name;
  BookState state;
};

/// A run of books in the order of their names' bytes.
struct BookList {
  std::vector<BookInfo> books;
  bool more = false;  ///< whether there are books after the last one
};

/// What all books have together.
struct BookTotals {
  std::uint64_t books = 0;
  std::uint64_t entries = 0;
  std::uint64_t revisions = 0;  ///< the sum
};

/// Keeps books. The public members check what every one must check; an implementation overrides the
/// private ones. All implementations pass the same tests (tests/contract):
/// - Names are compared byte by byte.
/// - No book shows, matches or changes anything of another. A book that is made under the name of a
///   removed one has a new epoch.
/// - Only faults are thrown: Error{storage}, or Error{full} when the storage itself has no room.
/// @par Thread safety  any thread; each call sees or makes one consistent state.
class BookStore : private detail::Pinned {
 public:
  virtual ~BookStore() = default;

  /// @returns the book's store, which may outlive this object; null if there is no such book
  /// @throws Error{storage}
  [[nodiscard]] std::shared_ptr<Store> open(std::string_view name) {
    return is_valid_book_name(name) ? do_open(name) : nullptr;
  }

  struct Created {
    std::shared_ptr<Store> store;  ///< null: there are `max_books` already
    bool is_new = false;           ///< false: the book was there
  };
  /// Opens the book, or makes an empty one.
  /// @param max_books  0: no limit; a book that is there is opened in any case
  /// @throws Error{invalid} the name is not valid | Error{storage} | Error{full}
  [[nodiscard]] Created create(std::string_view name, std::uint64_t max_books = 0) {
    if (!is_valid_book_name(name)) throw Error(Errc::invalid, "not a valid name of a book");
    return do_create(name, max_books);
  }

  /// What must be true of a book's state for the book to be removed.
  using Condition = std::function<bool(const BookState&)>;
  enum class Removal {
    done,
    absent,   ///< there is no such book
    refused,  ///< the condition did not hold; nothing is removed
  };
  /// Removes a book with all that is in it. From then on every call of its stores throws
  /// NoSuchBook. A storage may take longer to free the space.
  /// @param condition  checked together with the removal; none: always
  /// @throws Error{storage}
  Removal remove(std::string_view name, const Condition& condition = {}) {
    return is_valid_book_name(name) ? do_remove(name, condition) : Removal::absent;
  }

  /// @param after  only names that are greater; "" for all
  /// @param limit  at least 1
  /// @throws Error{storage}
  [[nodiscard]] BookList list(std::string_view after, std::size_t limit) const {
    return do_list(after, limit);
  }

  /// @throws Error{storage}
  /// @par Cost  reads the state of each book
  [[nodiscard]] BookTotals totals() const { return do_totals(); }

  /// @returns how the storage is doing
  [[nodiscard]] StorageStatistics statistics() const { return do_statistics(); }

 private:
  /// @param name  valid, here and below
  [[nodiscard]] virtual std::shared_ptr<Store> do_open(std::string_view name) = 0;
  [[nodiscard]] virtual Created do_create(std::string_view name, std::uint64_t max_books) = 0;
  virtual Removal do_remove(std::string_view name, const Condition& condition) = 0;
  /// @param after  any text
  [[nodiscard]] virtual BookList do_list(std::string_view after, std::size_t limit) const = 0;
  [[nodiscard]] inline virtual BookTotals do_totals() const;
  /// Asks nothing of a disk or a database.
  [[nodiscard]] virtual StorageStatistics do_statistics() const { return {}; }
};

// ---------------------------------------------------------------------------------------------

inline BookTotals BookStore::do_totals() const {
  constexpr std::size_t at_once = 1000;
  BookTotals totals;
  BookList list;
  do {
    list = do_list(list.books.empty() ? "" : std::string(list.books.back().name), at_once);
    totals.books += list.books.size();
    for (const BookInfo& each : list.books) {
      totals.entries += each.state.count;
      totals.revisions += each.state.revision;
    }
  } while (list.more);
  return totals;
}

}  // namespace addrbook
