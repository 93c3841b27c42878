/// SqlConnection: a connection to a database, with the statements of books prepared. Needs SOCI.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/contacts/terms.hpp>
#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/query.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_entry_row.hpp>
#include <addrbook/storage/sql_search.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/storage/sql_tombstones.hpp>
#include <addrbook/storage/sql_writer.hpp>
#include <addrbook/storage/write_plan.hpp>
#include <addrbook/store.hpp>
#include <addrbook/text.hpp>

#include <soci/soci.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The books' tables are not there, or not where they were when the connection was made. Another
/// connection may find them.
struct StateLost : Error {
  explicit StateLost(SourceLine thrown_at = SourceLine::here())
      : Error(Errc::storage, "the database has lost the book's state", thrown_at) {}
};

/// Throws what SOCI throws; call SqlEngine::reset() before the connection is used again. Where a
/// book is named and there is no such book, throws BookGone.
/// @par Thread safety  one thread at a time.
class SqlConnection : private Pinned {
 public:
  /// @param session  from engine.connect()
  SqlConnection(SqlEngine& engine, std::unique_ptr<soci::session> session);
  ~SqlConnection() { engine_.hang_up(*session_); }

  [[nodiscard]] soci::session& session() noexcept { return *session_; }
  [[nodiscard]] const SqlTexts& texts() const { return engine_.texts(); }

  [[nodiscard]] SqlTransaction begin_read() {
    return SqlTransaction(*session_, engine_.texts().begin_read);
  }
  [[nodiscard]] SqlTransaction begin_write() {
    return SqlTransaction(*session_, engine_.texts().begin_write);
  }

  /// @returns the number of the book of that name; nothing if there is none
  [[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view name);
  [[nodiscard]] BookState state(BookId book);
  [[nodiscard]] std::optional<Entry> find(BookId book, std::string_view id);
  /// See Store::find_many(). Of one moment.
  [[nodiscard]] std::vector<std::optional<Entry>> find_many(
      BookId book, const std::vector<std::string_view>& ids, std::size_t max_bytes);
  [[nodiscard]] Page page(BookId book, std::uint64_t after, PageLimit limit);
  /// The entries of a page, without the book's state.
  [[nodiscard]] Page entries(BookId book, std::uint64_t after, PageLimit limit);

  /// See Store::select() and count(). @param search  of the query
  /// @{
  [[nodiscard]] QueryPage select(BookId book, const Query& query, const Search& search,
                                 const std::optional<Position>& after, PageLimit limit) {
    return search_.select(book.number, state(book), query, search, after, limit);
  }
  [[nodiscard]] std::uint64_t count(BookId book, const Search& search) {
    static_cast<void>(state(book));
    return search_.count(book.number, search);
  }
  /// @}
  /// See Store::find_same().
  [[nodiscard]] std::vector<std::optional<SameEntry>> find_same(
      BookId book, const std::vector<Identity>& identities) {
    static_cast<void>(state(book));
    return search_.find_same(book.number, identities);
  }

  /// See Store::changes(). @param folding  of the store
  [[nodiscard]] ChangePage changes(BookId book, std::uint64_t after, PageLimit limit,
                                   std::uint64_t removals_after, const Folding& folding) {
    Query query;
    query.sort = Query::Sort::updated;
    Position position;
    position.number = after;
    return tombstones_.merge(
        book.number, removals_after, limit,
        search_.select(book.number, state(book), query, Search(query, folding), position, limit));
  }

  /// Entries of all books, by their keys.
  /// @param after  a key
  [[nodiscard]] std::vector<std::pair<SqlTables::Integer, Document>> documents(
      SqlTables::Integer after, PageLimit limit);

  /// @throws StateLost if the tables are not those that the connection was made for
  void check_store();

  [[nodiscard]] SqlWriter& writer() noexcept { return *writer_; }

 private:
  using Integer = SqlTables::Integer;

  static bool run(soci::statement& statement);
  static void finish(soci::statement& query);
  template <class Take>
  bool each_entry(Integer after, Integer before, PageLimit limit, Take take);

  SqlEngine& engine_;
  std::unique_ptr<soci::session> session_;

  // What the statements read from and write to.
  Integer number_ = 0;
  std::string name_;
  SqlEntryRow row_;
  std::string epoch_;
  Integer count_ = 0;
  Integer after_ = 0;
  Integer before_ = 0;
  Integer entries_ = 0;
  Integer bytes_ = 0;
  std::string ids_;

  soci::statement store_query_;
  soci::statement number_query_;
  soci::statement state_query_;
  soci::statement find_query_;
  soci::statement page_query_;
  std::unique_ptr<soci::statement> find_many_query_;  // made when it is first needed

  std::unique_ptr<SqlWriter> writer_;
  SqlSearch search_;
  SqlTombstones tombstones_;
};

// ---------------------------------------------------------------------------------------------

inline SqlConnection::SqlConnection(SqlEngine& engine, std::unique_ptr<soci::session> session)
    : engine_(engine),
      session_(std::move(session)),
      store_query_((session_->prepare << "SELECT last_number FROM addrbook_store WHERE " +
                                             engine.texts().is_same_store,
                    soci::into(number_))),
      number_query_(
          (session_->prepare << "SELECT number FROM addrbook_books WHERE name = :name AND " +
                                    engine.texts().are_same_books,
           soci::into(number_), soci::use(name_))),
      state_query_((session_->prepare << "SELECT epoch, revision, count FROM addrbook_books "
                                         "WHERE number = :number AND name = :name AND " +
                                             engine.texts().are_same_books,
                    soci::into(epoch_), soci::into(row_.revision), soci::into(count_),
                    soci::use(number_), soci::use(name_))),
      // There is a row whether or not there is an entry. None means that there is no book: the
      // entry must not seem to be absent then.
      find_query_(
          (session_->prepare << "SELECT COALESCE(key, 0), COALESCE(e.revision, 0), "
                                "COALESCE(created_at, 0), COALESCE(updated_at, 0), "
                                "COALESCE(document, ''), epoch FROM addrbook_books "
                                "LEFT JOIN addrbook_entries e ON key >> 40 = :book AND id = :id "
                                "WHERE number = :number AND name = :name AND " +
                                    engine.texts().are_same_books,
           soci::into(row_.key), soci::into(row_.revision), soci::into(row_.created_at),
           soci::into(row_.updated_at), soci::into(row_.document), soci::into(epoch_),
           soci::use(number_), soci::use(row_.id), soci::use(number_), soci::use(name_))),
      page_query_((session_->prepare << engine.texts().page, soci::into(row_.id),
                   soci::into(row_.key), soci::into(row_.revision), soci::into(row_.created_at),
                   soci::into(row_.updated_at), soci::into(row_.document),
                   soci::use(after_, "after"), soci::use(before_, "before"),
                   soci::use(entries_, "entries"), soci::use(bytes_, "bytes"))),
      writer_(engine.writer(*session_)),
      search_(engine, *session_),
      tombstones_(*session_) {}

// Runs a statement. @returns whether there is a row
inline bool SqlConnection::run(soci::statement& statement) {
  constexpr bool with_bindings = true;
  return statement.execute(with_bindings);
}

// Ends a query of one row, which is in progress until there is no further one.
inline void SqlConnection::finish(soci::statement& query) {
  while (query.fetch()) {
  }
}

inline void SqlConnection::check_store() {
  if (!run(store_query_)) throw StateLost();
  if (store_query_.fetch())
    throw Error(Errc::storage, "the database holds the books of two stores");
}

inline std::optional<std::uint64_t> SqlConnection::number_of(std::string_view name) {
  name_ = name;
  if (!run(number_query_)) {
    check_store();
    return std::nullopt;
  }
  const std::uint64_t number = SqlTables::from_integer(number_);
  finish(number_query_);
  return number;
}

inline BookState SqlConnection::state(BookId book) {
  number_ = SqlTables::to_integer(book.number);
  name_ = book.name;
  if (!run(state_query_)) {
    check_store();
    throw BookGone();
  }
  const BookState state{SqlTables::parse_epoch(epoch_), SqlTables::from_integer(row_.revision),
                        SqlTables::from_integer(count_)};
  finish(state_query_);
  return state;
}

inline std::optional<Entry> SqlConnection::find(BookId book, std::string_view id) {
  number_ = SqlTables::to_integer(book.number);
  name_ = book.name;
  row_.id = id;
  if (!run(find_query_)) {
    check_store();
    throw BookGone();
  }
  std::optional<Entry> found;
  if (row_.key != 0) found = row_.entry(SqlTables::parse_epoch(epoch_));
  finish(find_query_);
  return found;
}

inline std::vector<std::optional<Entry>> SqlConnection::find_many(
    BookId book, const std::vector<std::string_view>& ids, std::size_t max_bytes) {
  if (engine_.texts().find_many.empty()) {
    auto transaction = begin_read();
    auto found = find_each(ids, max_bytes, [&](std::string_view each) { return find(book, each); });
    transaction.commit();
    return found;
  }
  if (!find_many_query_) {
    find_many_query_ = std::make_unique<soci::statement>(
        (session_->prepare << engine_.texts().find_many, soci::into(row_.id), soci::into(row_.key),
         soci::into(row_.revision), soci::into(row_.created_at), soci::into(row_.updated_at),
         soci::into(row_.document), soci::into(epoch_), soci::use(number_, "number"),
         soci::use(name_, "name"), soci::use(ids_, "ids"), soci::use(bytes_, "bytes")));
  }
  number_ = SqlTables::to_integer(book.number);
  name_ = book.name;
  bytes_ = SqlTables::to_integer(max_bytes);
  ids_ = "{";
  for (const std::string_view id : ids) {
    // No character of an id needs an escape. In quotes, as NULL is an id.
    ids_.append(ids_.size() == 1 ? "\"" : ",\"").append(id).append("\"");
  }
  ids_ += "}";
  std::vector<std::optional<Entry>> found;
  for (bool is_row = run(*find_many_query_); is_row; is_row = find_many_query_->fetch()) {
    found.emplace_back();
    if (row_.key != 0) found.back() = row_.entry(SqlTables::parse_epoch(epoch_));
  }
  if (found.empty()) {
    check_store();
    throw BookGone();
  }
  return found;
}

inline Page SqlConnection::page(BookId book, std::uint64_t after, PageLimit limit) {
  const BookState now = state(book);
  Page page = entries(book, after, limit);
  page.state = now;
  for (Entry& each : page.entries) each.epoch = now.epoch;
  return page;
}

inline Page SqlConnection::entries(BookId book, std::uint64_t after, PageLimit limit) {
  Page page;
  const Integer first = SqlTables::key_of(book.number, (std::min)(after, SqlTables::max_created));
  const Integer end = SqlTables::key_of(book.number + 1, 0);
  page.more = each_entry(first, end, limit, [&] { page.entries.push_back(row_.entry(0)); });
  return page;
}

inline std::vector<std::pair<SqlTables::Integer, Document>> SqlConnection::documents(
    Integer after, PageLimit limit) {
  std::vector<std::pair<Integer, Document>> found;
  each_entry(after, (std::numeric_limits<Integer>::max)(), limit,
             [&] { found.emplace_back(row_.key, Document::trusted(row_.document)); });
  return found;
}

/// @param take  called for each row that fits @returns whether there are more
template <class Take>
bool SqlConnection::each_entry(Integer after, Integer before, PageLimit limit, Take take) {
  after_ = after;
  before_ = before;
  entries_ = SqlTables::to_integer((std::max)(limit.entries, std::size_t{1}));
  // One more, to see whether there are more.
  entries_ += entries_ < std::numeric_limits<Integer>::max() ? 1 : 0;
  bytes_ = SqlTables::to_integer(limit.bytes);
  std::size_t bytes = 0;
  std::size_t taken = 0;
  for (bool is_row = run(page_query_); is_row; is_row = page_query_.fetch()) {
    bytes += row_.document.size();
    if (taken != 0 && (taken >= limit.entries || bytes > limit.bytes)) {
      engine_.abandon(page_query_);
      return true;
    }
    take();
    ++taken;
  }
  return false;
}

}  // namespace addrbook::detail
