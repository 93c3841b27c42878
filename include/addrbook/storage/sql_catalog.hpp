/// SqlCatalog: which books a database holds. Needs SOCI.
#pragma once

#include <addrbook/book_store.hpp>
#include <addrbook/error.hpp>
#include <addrbook/storage/group_commit.hpp>
#include <addrbook/storage/sql_connection.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/store.hpp>

#include <soci/soci.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// What a connection knows of books by name. Throws what SOCI throws.
/// @par Thread safety  one thread at a time.
class SqlCatalog {
 public:
  explicit SqlCatalog(SqlConnection& connection)
      : connection_(connection), session_(connection.session()) {}

  /// @returns the book's number; nothing if there is no such book
  [[nodiscard]] std::optional<std::uint64_t> find(std::string_view name) {
    return connection_.number_of(name);
  }

  [[nodiscard]] BookList list(std::string_view after, std::size_t limit);

  /// @returns what all books have together
  [[nodiscard]] BookTotals totals();

  /// @returns the states of those of the books that there are, by their numbers
  [[nodiscard]] std::map<std::uint64_t, BookState> states(const std::vector<std::uint64_t>& books);

  /// Whether removed books have left anything.
  [[nodiscard]] bool has_leftovers();

  /// @name In a transaction that writes
  /// @{
  struct Created {
    std::optional<std::uint64_t> number;  ///< nothing: there are `max_books` already
    bool is_new = false;
  };
  /// @throws Error{full} no further book has ever a number
  [[nodiscard]] Created create(std::string_view name, std::uint64_t max_books);

  /// Waits for others that make or remove books, or that renew all epochs. Comes before lock():
  /// whoever locks the two the other way round could wait for each other.
  void take_turn() { static_cast<void>(lock_store()); }

  /// Locks a book, so that nothing else changes it, and reads it.
  struct Locked {
    std::uint64_t number = 0;
    BookState state;
  };
  [[nodiscard]] std::optional<Locked> lock(std::string_view name);
  /// Removes a book that is locked. Its entries stay, and belong to no book.
  void remove(std::uint64_t number);

  /// Deletes some of what removed books have left.
  /// @returns whether there may be more
  bool sweep();

  /// The transaction's name for SqlEngine::was_committed().
  [[nodiscard]] std::string transaction();
  /// @}

 private:
  using Integer = SqlTables::Integer;

  bool sweep_tombstones(Integer first, Integer last);

  /// What the store knows of all books.
  struct Store {
    Integer last_number = 0;
    Integer books = 0;
  };
  Store lock_store();
  static std::string comparable(std::string_view text);
  [[nodiscard]] std::string book_where(const std::string& condition) const {
    return " FROM addrbook_books WHERE " + condition + " AND " + connection_.texts().are_same_books;
  }

  SqlConnection& connection_;
  soci::session& session_;
};

// ---------------------------------------------------------------------------------------------

// A text that is as much greater or less than each name as the given one, in characters that every
// database takes. Behind a character that no name has, nothing matters.
inline std::string SqlCatalog::comparable(std::string_view text) {
  constexpr char below_all = '\x01';
  constexpr char above_all = '\x7f';
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < static_cast<unsigned char>(below_all)) return result + below_all;
    if (byte >= static_cast<unsigned char>(above_all)) return result + above_all;
    result += c;
  }
  return result;
}

inline BookList SqlCatalog::list(std::string_view after, std::size_t limit) {
  BookList list;
  const std::size_t wanted = (std::max)(limit, std::size_t{1});
  const std::string bound = comparable(after);
  const Integer rows = SqlTables::to_integer((std::min)(wanted, wanted + 1));
  Integer limited = rows + (static_cast<std::uint64_t>(rows) == wanted ? 1 : 0);
  std::string name;
  std::string epoch;
  Integer revision = 0;
  Integer count = 0;
  soci::statement query((session_.prepare << "SELECT name, epoch, revision, count" +
                                                 book_where("name > :after") +
                                                 " ORDER BY name LIMIT :limit",
                         soci::use(bound), soci::use(limited), soci::into(name), soci::into(epoch),
                         soci::into(revision), soci::into(count)));
  constexpr bool with_bindings = true;
  for (bool is_row = query.execute(with_bindings); is_row; is_row = query.fetch()) {
    if (list.books.size() == wanted) {
      list.more = true;
      continue;  // ends the query
    }
    list.books.push_back({name,
                          {SqlTables::parse_epoch(epoch), SqlTables::from_integer(revision),
                           SqlTables::from_integer(count)}});
  }
  if (list.books.empty()) connection_.check_store();
  return list;
}

inline BookTotals SqlCatalog::totals() {
  Integer books = 0;
  Integer entries = 0;
  Integer revisions = 0;
  // Sums of PostgreSQL are of another type.
  session_ << "SELECT COUNT(*), CAST(COALESCE(SUM(count), 0) AS BIGINT), "
              "CAST(COALESCE(SUM(revision), 0) AS BIGINT)" +
                  book_where("name > ''"),
      soci::into(books), soci::into(entries), soci::into(revisions);
  return {SqlTables::from_integer(books), SqlTables::from_integer(entries),
          SqlTables::from_integer(revisions)};
}

inline std::map<std::uint64_t, BookState> SqlCatalog::states(
    const std::vector<std::uint64_t>& books) {
  std::map<std::uint64_t, BookState> found;
  std::string numbers;
  for (const std::uint64_t book : books) {
    numbers.append(numbers.empty() ? "" : ", ").append(std::to_string(book));
  }
  Integer number = 0;
  std::string epoch;
  Integer revision = 0;
  Integer count = 0;
  soci::statement query((session_.prepare << "SELECT number, epoch, revision, count" +
                                                 book_where("number IN (" + numbers + ")"),
                         soci::into(number), soci::into(epoch), soci::into(revision),
                         soci::into(count)));
  constexpr bool with_bindings = true;
  for (bool is_row = query.execute(with_bindings); is_row; is_row = query.fetch()) {
    found[SqlTables::from_integer(number)] = {SqlTables::parse_epoch(epoch),
                                              SqlTables::from_integer(revision),
                                              SqlTables::from_integer(count)};
  }
  if (found.size() < books.size()) connection_.check_store();
  return found;
}

inline SqlCatalog::Store SqlCatalog::lock_store() {
  Store store;
  session_ << "SELECT last_number, books FROM addrbook_store WHERE " +
                  connection_.texts().is_same_store + connection_.texts().lock,
      soci::into(store.last_number), soci::into(store.books);
  if (!session_.got_data()) throw StateLost();
  return store;
}

inline SqlCatalog::Created SqlCatalog::create(std::string_view name, std::uint64_t max_books) {
  const auto [last, books] = lock_store();
  if (const auto number = find(name)) return {number, false};
  if (max_books != 0 && SqlTables::from_integer(books) >= max_books) return {};
  const Integer number = last + 1;
  if (SqlTables::from_integer(number) > SqlTables::max_number) {
    throw Error(Errc::full, "Insufficient Storage: the numbers of books are used up");
  }
  const std::string text(name);
  const std::string epoch = hex(random_bits());
  session_ << "INSERT INTO addrbook_books (number, name, epoch, revision, count) "
              "VALUES (:number, :name, :epoch, 0, 0)",
      soci::use(number), soci::use(text), soci::use(epoch);
  session_ << "UPDATE addrbook_store SET last_number = :number, books = books + 1",
      soci::use(number);
  return {SqlTables::from_integer(number), true};
}

inline std::optional<SqlCatalog::Locked> SqlCatalog::lock(std::string_view name) {
  const std::string text(name);
  std::string epoch;
  Integer number = 0;
  Integer revision = 0;
  Integer count = 0;
  session_ << "SELECT number, epoch, revision, count" + book_where("name = :name") +
                  connection_.texts().lock,
      soci::use(text), soci::into(number), soci::into(epoch), soci::into(revision),
      soci::into(count);
  if (!session_.got_data()) {
    connection_.check_store();
    return std::nullopt;
  }
  return Locked{SqlTables::from_integer(number),
                {SqlTables::parse_epoch(epoch), SqlTables::from_integer(revision),
                 SqlTables::from_integer(count)}};
}

inline void SqlCatalog::remove(std::uint64_t number) {
  const Integer value = SqlTables::to_integer(number);
  session_ << "DELETE FROM addrbook_books WHERE number = :number", soci::use(value);
  session_ << "INSERT INTO addrbook_removed (number) VALUES (:number)", soci::use(value);
  session_ << "UPDATE addrbook_store SET books = books - 1";
}

inline bool SqlCatalog::has_leftovers() {
  Integer number = 0;
  session_ << "SELECT number FROM addrbook_removed LIMIT 1", soci::into(number);
  return session_.got_data();
}

// A slice is small, because it holds up those that write to the same file.
inline bool SqlCatalog::sweep() {
  constexpr Integer max_rows = 250;
  constexpr Integer max_bytes = Integer{1024} * 1024;
  Integer number = 0;
  session_ << "SELECT number FROM addrbook_removed ORDER BY number LIMIT 1" +
                  connection_.texts().lock_if_free,
      soci::into(number);
  if (!session_.got_data()) return false;
  const Integer before_all = number << SqlTables::created_bits;
  const Integer last_of_all = before_all | static_cast<Integer>(SqlTables::max_created);
  Integer last = before_all;
  Integer rows = 0;
  {
    Integer key = 0;
    Integer bytes = 0;
    Integer sum = 0;
    soci::statement query((session_.prepare << "SELECT key, " + connection_.texts().document_bytes +
                                                   " FROM addrbook_entries WHERE key > :first AND "
                                                   "key <= :last ORDER BY key LIMIT " +
                                                   std::to_string(max_rows),
                           soci::use(before_all), soci::use(last_of_all), soci::into(key),
                           soci::into(bytes)));
    constexpr bool with_bindings = true;
    for (bool is_row = query.execute(with_bindings); is_row && sum < max_bytes;
         is_row = query.fetch()) {
      last = key;
      sum += bytes;
      ++rows;
    }
  }
  if (rows == 0 && sweep_tombstones(before_all, last_of_all)) return true;
  if (rows == 0) {
    session_ << "DELETE FROM addrbook_notes WHERE number = :number", soci::use(number);
    session_ << "DELETE FROM addrbook_removed WHERE number = :number", soci::use(number);
  } else {
    connection_.writer().remove(before_all, last);
  }
  return true;
}

/// @returns whether there were any
inline bool SqlCatalog::sweep_tombstones(Integer first, Integer last) {
  Integer last_of_slice = 0;
  session_ << "SELECT COALESCE(MAX(key), 0) FROM (SELECT key FROM addrbook_tombstones WHERE "
              "key > :first AND key <= :last ORDER BY key LIMIT 1000) AS slice",
      soci::use(first), soci::use(last), soci::into(last_of_slice);
  if (last_of_slice == 0) return false;
  session_ << "DELETE FROM addrbook_tombstones WHERE key > :first AND key <= :last",
      soci::use(first), soci::use(last_of_slice);
  return true;
}

inline std::string SqlCatalog::transaction() {
  std::string name;
  session_ << "SELECT " + connection_.texts().transaction, soci::into(name);
  return name;
}

}  // namespace addrbook::detail
