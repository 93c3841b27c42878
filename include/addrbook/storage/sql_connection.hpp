/// SqlConnection: a connection to a database, with the statements of a book prepared. Needs SOCI.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/error.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/store.hpp>

#include <soci/soci.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// The book's state is not there, or not where it was when the connection was made. Another
/// connection may find it.
struct StateLost : Error {
  explicit StateLost(SourceLine thrown_at = SourceLine::here())
      : Error(Errc::storage, "the database has lost the book's state", thrown_at) {}
};

/// Throws what SOCI throws; call SqlEngine::reset() before the connection is used again.
/// @par Thread safety  one thread at a time.
class SqlConnection : private Pinned {
 public:
  /// @param session  from engine.connect()
  SqlConnection(SqlEngine& engine, std::unique_ptr<soci::session> session);
  ~SqlConnection() { engine_.hang_up(*session_); }

  [[nodiscard]] soci::session& session() noexcept { return *session_; }

  [[nodiscard]] SqlTransaction begin_read() {
    return SqlTransaction(*session_, engine_.texts().begin_read);
  }
  [[nodiscard]] SqlTransaction begin_write() {
    return SqlTransaction(*session_, engine_.texts().begin_write);
  }

  [[nodiscard]] BookState state() { return read_state(state_query_); }
  [[nodiscard]] std::optional<Entry> find(std::string_view id);
  [[nodiscard]] Page page(std::uint64_t after, PageLimit limit);

  /// @name In a transaction that writes
  /// @{
  struct Key {
    std::uint64_t created = 0;
    std::uint64_t revision = 0;
  };
  [[nodiscard]] BookState lock_state() { return read_state(lock_query_); }
  /// The engine's name for the transaction that called lock_state() last.
  [[nodiscard]] const std::string& transaction() const noexcept { return transaction_; }
  void set_state(const BookState& state);
  [[nodiscard]] std::optional<Key> key(std::string_view id);
  void insert(std::string_view id, std::uint64_t revision, const Document& document);
  void update(std::uint64_t created, std::uint64_t revision, const Document& document);
  void remove(std::uint64_t created);
  /// @}

 private:
  // The databases' integers are signed. 63 bits are more than enough for revisions.
  using Integer = long long;
  static Integer to_integer(std::uint64_t value) {
    constexpr auto max = std::numeric_limits<Integer>::max();
    return static_cast<Integer>((std::min)(value, static_cast<std::uint64_t>(max)));
  }
  static std::uint64_t from_integer(Integer value) { return static_cast<std::uint64_t>(value); }

  static bool run(soci::statement& statement);
  static void check_last(soci::statement& query);
  BookState read_state(soci::statement& query);
  [[nodiscard]] Entry entry(std::uint64_t epoch) const;

  SqlEngine& engine_;
  std::unique_ptr<soci::session> session_;

  // What the statements read from and write to.
  std::string id_;
  Integer created_ = 0;
  Integer revision_ = 0;
  std::string document_;
  std::string epoch_;
  Integer count_ = 0;
  Integer after_ = 0;
  Integer entries_ = 0;
  Integer bytes_ = 0;
  std::string transaction_;

  soci::statement state_query_;
  soci::statement lock_query_;
  soci::statement set_state_;
  soci::statement key_query_;
  soci::statement find_query_;
  soci::statement page_query_;
  soci::statement insert_;
  soci::statement update_;
  soci::statement remove_;
};

// ---------------------------------------------------------------------------------------------

inline SqlConnection::SqlConnection(SqlEngine& engine, std::unique_ptr<soci::session> session)
    : engine_(engine),
      session_(std::move(session)),
      state_query_((session_->prepare << "SELECT epoch, revision, count FROM addrbook_head WHERE " +
                                             engine.texts().is_same_head,
                    soci::into(epoch_), soci::into(revision_), soci::into(count_))),
      lock_query_((session_->prepare << engine.texts().lock_state, soci::into(epoch_),
                   soci::into(revision_), soci::into(count_), soci::into(transaction_))),
      set_state_(
          (session_->prepare << "UPDATE addrbook_head SET revision = :revision, count = :count",
           soci::use(revision_), soci::use(count_))),
      key_query_(
          (session_->prepare << "SELECT created, revision FROM addrbook_entries WHERE id = :id",
           soci::into(created_), soci::into(revision_), soci::use(id_))),
      // There is a row whether or not there is an entry. None means that the state is lost: the
      // entry must not seem to be absent then.
      find_query_((session_->prepare << "SELECT COALESCE(created, 0), COALESCE(e.revision, 0), "
                                        "COALESCE(document, ''), epoch FROM addrbook_head "
                                        "LEFT JOIN addrbook_entries e ON id = :id WHERE " +
                                            engine.texts().is_same_head,
                   soci::into(created_), soci::into(revision_), soci::into(document_),
                   soci::into(epoch_), soci::use(id_))),
      page_query_((session_->prepare << engine.texts().page, soci::into(id_), soci::into(created_),
                   soci::into(revision_), soci::into(document_), soci::use(after_, "after"),
                   soci::use(entries_, "entries"), soci::use(bytes_, "bytes"))),
      insert_(
          (session_->prepare << "INSERT INTO addrbook_entries (id, created, revision, document) "
                                "VALUES (:id, :created, :revision, :document)",
           soci::use(id_), soci::use(created_), soci::use(revision_), soci::use(document_))),
      update_((session_->prepare << "UPDATE addrbook_entries "
                                    "SET revision = :revision, document = :document "
                                    "WHERE created = :created",
               soci::use(revision_), soci::use(document_), soci::use(created_))),
      remove_((session_->prepare << "DELETE FROM addrbook_entries WHERE created = :created",
               soci::use(created_))) {}

// Runs a statement. @returns whether there is a row
inline bool SqlConnection::run(soci::statement& statement) {
  constexpr bool with_bindings = true;
  return statement.execute(with_bindings);
}

// Also ends the query, which is in progress until there is no further row.
inline void SqlConnection::check_last(soci::statement& query) {
  if (query.fetch()) throw Error(Errc::storage, "the database holds the states of two books");
}

inline BookState SqlConnection::read_state(soci::statement& query) {
  if (!run(query)) throw StateLost();
  const BookState state{SqlTables::parse_epoch(epoch_), from_integer(revision_),
                        from_integer(count_)};
  check_last(query);
  return state;
}

inline Entry SqlConnection::entry(std::uint64_t epoch) const {
  return {id_, epoch, from_integer(created_), from_integer(revision_),
          Document::trusted(document_)};
}

inline std::optional<Entry> SqlConnection::find(std::string_view id) {
  id_ = id;
  if (!run(find_query_)) throw StateLost();
  std::optional<Entry> found;
  if (created_ != 0) found = entry(SqlTables::parse_epoch(epoch_));
  check_last(find_query_);
  return found;
}

inline std::optional<SqlConnection::Key> SqlConnection::key(std::string_view id) {
  id_ = id;
  std::optional<Key> found;
  if (run(key_query_)) {
    found = {from_integer(created_), from_integer(revision_)};
    while (key_query_.fetch()) {
    }
  }
  return found;
}

inline Page SqlConnection::page(std::uint64_t after, PageLimit limit) {
  Page page;
  page.state = state();
  after_ = to_integer(after);
  entries_ = to_integer((std::max)(limit.entries, std::size_t{1}));
  // One more, to see whether there are more.
  entries_ += entries_ < std::numeric_limits<Integer>::max() ? 1 : 0;
  bytes_ = to_integer(limit.bytes);
  std::size_t bytes = 0;
  for (bool is_row = run(page_query_); is_row; is_row = page_query_.fetch()) {
    bytes += document_.size();
    if (!page.entries.empty() && (page.entries.size() >= limit.entries || bytes > limit.bytes)) {
      page.more = true;
      engine_.abandon(page_query_);
      break;
    }
    page.entries.push_back(entry(page.state.epoch));
  }
  return page;
}

inline void SqlConnection::set_state(const BookState& state) {
  revision_ = to_integer(state.revision);
  count_ = to_integer(state.count);
  run(set_state_);
}

inline void SqlConnection::insert(std::string_view id, std::uint64_t revision,
                                  const Document& document) {
  id_ = id;
  created_ = revision_ = to_integer(revision);
  document_ = document.text();
  run(insert_);
}

inline void SqlConnection::update(std::uint64_t created, std::uint64_t revision,
                                  const Document& document) {
  created_ = to_integer(created);
  revision_ = to_integer(revision);
  document_ = document.text();
  run(update_);
}

inline void SqlConnection::remove(std::uint64_t created) {
  created_ = to_integer(created);
  run(remove_);
}

}  // namespace addrbook::detail
