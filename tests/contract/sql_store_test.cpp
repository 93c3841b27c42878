// SqlBooks when their database fails. The database is SQLite, with faults that a test asks for.
// They are made in SQLite's own hooks, so that a real statement of a real transaction fails.

#include <addrbook/memory_store.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/storage/sql_books.hpp>
#include <addrbook/storage/sql_database.hpp>
#include <addrbook/storage/sql_pool.hpp>
#include <addrbook/storage/sql_writer.hpp>
#include <addrbook/storage/statistics.hpp>

#include <support/hold_up.hpp>
#include <support/process.hpp>

#include <doctest/doctest.h>

#include "error_of.hpp"
#include "writes.hpp"

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using addrbook::CommitResult;
using addrbook::Document;
using addrbook::Error;
using addrbook::Store;
using addrbook::Write;
using addrbook::detail::SqlBooks;
using addrbook::detail::SqlEngine;
using addrbook::detail::SqlFault;
using addrbook::detail::SqliteEngine;
using addrbook::detail::SqlPool;
using addrbook::detail::SqlTables;
using addrbook::detail::SqlTexts;
using addrbook::detail::SqlTransaction;
using addrbook::detail::SqlUse;
using addrbook::detail::SqlWriter;
using std::chrono::milliseconds;
using test::error_of;
using test::put;
using test::removal;

/// The line between a store and its database, and the faults on it. Outlives the store.
class Line {
 public:
  /// How a commit ends.
  enum class Fate {
    done,
    lost_done,    ///< the connection is lost, and the database has committed
    lost_undone,  ///< the connection is lost, and the database has rolled back
  };

  /// Called before a connection is made, and before each use of one.
  std::function<void()> before_connect = [] {};
  std::function<void()> before_use = [] {};
  /// Called during each commit that has written something.
  std::function<void()> before_commit = [] {};

  /// How the store sees the faults of the line.
  std::atomic<SqlFault> meaning = SqlFault::disconnected;
  /// Whether new connections are lost at once.
  std::atomic<bool> is_down = false;
  std::atomic<bool> has_other_writers = false;
  /// Whether the database knows the outcome of a lost commit.
  std::atomic<bool> can_tell = true;
  /// The maximum size of the file, in pages of SQLite; 0: no limit.
  std::atomic<int> max_pages = 0;

  /// Loses all connections that exist now.
  void cut() { ++generation_; }
  /// Makes a statement fail at the `nth` moment from now on. Not COMMIT: see lose_commits().
  void fail_at(int nth) { moments_left_ = nth; }
  /// Whether that has happened.
  [[nodiscard]] bool has_failed() const { return moments_left_ <= 0; }
  void stop_failing() { moments_left_ = never; }
  /// Loses the connection in each of the next `count` commits, and all others with it.
  void lose_commits(Fate fate, int count = 1) {
    fate_ = fate;
    commits_to_lose_ = count;
  }

  /// The number of attempts to connect; the number of questions for a commit's outcome.
  [[nodiscard]] int connects() const { return connects_; }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  friend class FaultyEngine;
  static constexpr int never = 1'000'000'000;

  bool is_moment_of_failure() { return moments_left_ != never && --moments_left_ == 0; }
  Fate next_fate() { return commits_to_lose_-- > 0 ? fate_.load() : Fate::done; }

  std::atomic<int> generation_ = 0;
  std::atomic<int> moments_left_ = never;
  std::atomic<Fate> fate_ = Fate::done;
  std::atomic<Fate> last_fate_ = Fate::done;
  std::atomic<int> commits_to_lose_ = 0;
  std::atomic<int> connects_ = 0;
  std::atomic<int> asked_ = 0;
};

/// SQLite at the other end of a Line.
class FaultyEngine final : public SqlEngine {
 public:
  FaultyEngine(const std::string& path, Line& line) : line_(line), engine_(path, {}) {}

  [[nodiscard]] const SqlTexts& texts() const override { return engine_.texts(); }
  [[nodiscard]] const addrbook::Folding& folding() const noexcept override {
    return engine_.folding();
  }
  [[nodiscard]] const addrbook::MigrationProgress& progress() const noexcept override {
    return engine_.progress();
  }

  [[nodiscard]] std::unique_ptr<soci::session> connect(Clock::time_point deadline) override {
    ++line_.connects_;
    line_.before_connect();
    auto session = engine_.connect(deadline);
    if (line_.max_pages > 0) {
      *session << "PRAGMA max_page_count = " + std::to_string(line_.max_pages);
    }
    const std::lock_guard lock(mutex_);
    Connection& connection = connections_.emplace_back(line_);
    ::sqlite3* const database = handle(*session);
    ::sqlite3_trace_v2(database, SQLITE_TRACE_STMT, on_statement, &connection);
    ::sqlite3_progress_handler(database, 1, on_step, &connection);
    ::sqlite3_commit_hook(database, on_commit, &connection);
    ::sqlite3_wal_hook(database, on_committed, &connection);
    return session;
  }

  [[nodiscard]] SqlFault fault_of(const std::exception& thrown) const override {
    const auto* const error = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown);
    const int code = error == nullptr ? SQLITE_OK : error->result();
    const bool is_of_line =
        code == SQLITE_INTERRUPT || code == SQLITE_CONSTRAINT_COMMITHOOK || code == code_of_loss;
    return is_of_line ? line_.meaning.load() : engine_.fault_of(thrown);
  }

  // PostgreSQL's tests check that the right transaction is asked for.
  [[nodiscard]] std::optional<bool> was_committed(soci::session& session,
                                                  const std::string&) const override {
    ++line_.asked_;
    session << "SELECT 1 FROM addrbook_store";
    if (!line_.can_tell) return std::nullopt;
    return line_.last_fate_ == Line::Fate::lost_done;
  }

  [[nodiscard]] std::shared_ptr<void> watch(soci::session& session,
                                            Clock::time_point deadline) override {
    line_.before_use();
    return engine_.watch(session, deadline);
  }

  [[nodiscard]] std::unique_ptr<SqlWriter> writer(soci::session& session) const override {
    return engine_.writer(session);
  }
  bool reset(soci::session& session, const std::exception& thrown) const noexcept override {
    return engine_.reset(session, thrown);
  }
  void abandon(soci::statement& query) const override { engine_.abandon(query); }
  void hang_up(soci::session& session) const noexcept override { engine_.hang_up(session); }
  [[nodiscard]] std::string name() const override { return "the database"; }
  [[nodiscard]] bool has_other_writers() const noexcept override { return line_.has_other_writers; }
  [[nodiscard]] bool is_remote() const noexcept override { return engine_.is_remote(); }

 private:
  // A code that SQLite uses for none of its own failures here.
  static constexpr int code_of_loss = SQLITE_PROTOCOL;

  /// Used by one thread at a time, like the session.
  struct Connection {
    explicit Connection(Line& to)
        : line(to), generation(line.is_down ? -1 : line.generation_.load()) {}
    Line& line;
    int generation;
    bool is_in_commit = false;
    Line::Fate fate = Line::Fate::done;
  };

  static ::sqlite3* handle(soci::session& session) {
    return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
  }

  static int on_statement(unsigned, void* at, void*, void* sql) {
    const std::string statement = static_cast<const char*>(sql);
    // A statement of FTS5 within another one has "-- " in front.
    if (statement.compare(0, 2, "--") == 0) return 0;
    static_cast<Connection*>(at)->is_in_commit = statement == "COMMIT";
    return 0;
  }
  // Not in COMMIT: SQLite could report a failure here after the commit is done.
  static int on_step(void* at) {
    const Connection& connection = *static_cast<Connection*>(at);
    if (connection.is_in_commit) return 0;
    const bool is_lost = connection.generation != connection.line.generation_;
    return is_lost || connection.line.is_moment_of_failure() ? 1 : 0;
  }
  static int on_commit(void* at) {
    Connection& connection = *static_cast<Connection*>(at);
    connection.fate = connection.line.next_fate();
    connection.line.last_fate_ = connection.fate;
    connection.line.before_commit();
    if (connection.fate != Line::Fate::lost_undone) return 0;
    connection.line.cut();
    return 1;
  }
  // The commit stays done, whatever this returns.
  static int on_committed(void* at, ::sqlite3*, const char*, int) {
    const Connection& connection = *static_cast<Connection*>(at);
    if (connection.fate != Line::Fate::lost_done) return SQLITE_OK;
    connection.line.cut();
    return code_of_loss;
  }

  Line& line_;
  SqliteEngine engine_;
  std::mutex mutex_;
  std::list<Connection> connections_;
};

/// A store with a Line to its database.
struct Book {
  explicit Book(std::size_t connections = 4, milliseconds wait = std::chrono::minutes(1))
      : books(std::make_unique<FaultyEngine>(path(), line), SqlUse{connections, wait}) {}

  [[nodiscard]] std::string path() const { return (folder.path() / "book").string(); }

  test::TempFolder folder;
  Line line;
  SqlBooks books;
  const std::shared_ptr<Store> kept = books.only_book();
  Store& store = *kept;
};

/// Holds up the first writer's commit while others queue, so that they become the next group.
class Group {
 public:
  explicit Group(Book& book) : book_(book) {
    book_.line.before_commit = [this] {
      if (!is_first_.exchange(false)) return;
      gate_.pass();
    };
    first_ =
        std::async(std::launch::async, [this] { return book_.store.commit({{put("first", 0)}}); });
    gate_.wait_for();
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group() {
    gate_.open();
    first_ = {};
    writers_.clear();
    book_.line.before_commit = [] {};
  }

  void add(std::vector<Write> writes, std::uint64_t max_entries = 0) {
    writers_.push_back(pool_.start([this, batch = addrbook::Batch{std::move(writes), max_entries}] {
      return book_.store.commit(batch);
    }));
    pool_.wait_for_blocks(writers_.size());  // in the queue by then
  }
  /// Lets the writers continue. The first one's commit succeeds.
  void release() {
    gate_.open();
    CHECK(first_.get().done());
  }
  CommitResult result_of(std::size_t writer) { return writers_.at(writer).get(); }

 private:
  Book& book_;
  test::Gate gate_;
  test::WatchingPool pool_;
  std::atomic<bool> is_first_ = true;
  std::future<CommitResult> first_;
  std::vector<std::shared_future<CommitResult>> writers_;
};

std::string error_of_find(const Book& book, const std::string& id = "a") {
  return error_of([&] { static_cast<void>(book.store.find(id)); });
}
std::string error_of_commit(Book& book, const Write& write) {
  return error_of([&] { book.store.commit({{write}}); });
}

const std::string lost = "storage: the connection to the database was lost";
const std::string unsure =
    "storage: the connection to the database was lost in a commit: whether it was done is not "
    "known";
const std::string failed = "storage: the database failed";

/// The content of a store, without the epoch.
std::string content(const Store& store) {
  const auto page = store.page(0, test::limit_of(SIZE_MAX));
  std::string text =
      std::to_string(page.state.revision) + ", " + std::to_string(page.state.count) + " entries:";
  for (const auto& entry : page.entries) {
    text += " " + entry.id + " " + std::to_string(entry.created) + " " +
            std::to_string(entry.revision) + " " + entry.document.text();
  }
  return text;
}

/// Checks that a store works after whatever has happened: a write is done once, and can be read.
void check_works(Store& store) {
  const auto before = store.state();
  const auto result = store.commit({{put("works", before.revision)}});
  CHECK(result.done());
  CHECK(result.base == before.revision);
  const auto entry = store.find("works");
  REQUIRE(entry.has_value());
  CHECK(entry->revision == before.revision + 1);
  CHECK(entry->document == test::numbered(before.revision));
  CHECK(store.state().revision == before.revision + 1);
  CHECK(store.page(0, {}).state.revision == before.revision + 1);
}

/// A document that does not fit into Line::max_pages.
Write huge(const std::string& id) {
  constexpr std::size_t bytes = 1'000'000;
  return {id, Document::parse("{\"t\":\"" + std::string(bytes, 'x') + "\"}"), {}};
}

}  // namespace

// --- parts ---------------------------------------------------------------------------------------

TEST_CASE("sql_engine: a transaction is rolled back unless it is committed") {
  const auto session = SqliteEngine::open(":memory:");
  *session << "CREATE TABLE t (n INTEGER)";
  const auto count = [&] {
    int rows = 0;
    *session << "SELECT COUNT(*) FROM t", soci::into(rows);
    return rows;
  };
  const auto insert = [&](bool commits, bool throws) {
    SqlTransaction transaction(*session, "BEGIN IMMEDIATE");
    *session << "INSERT INTO t VALUES (1)";
    if (throws) throw std::runtime_error("no");
    if (commits) transaction.commit();
  };
  insert(false, false);
  CHECK(count() == 0);
  CHECK_THROWS_WITH_AS(insert(true, true), "no", std::runtime_error);
  CHECK(count() == 0);
  insert(true, false);
  CHECK(count() == 1);
  // One that the database has ended already is no error.
  {
    SqlTransaction transaction(*session);
    *session << "ROLLBACK";
  }
  insert(true, false);
  CHECK(count() == 2);
}

TEST_CASE("sql_tables: an epoch is 16 hex digits") {
  CHECK(SqlTables::parse_epoch("0000000000000000") == 0);
  CHECK(SqlTables::parse_epoch("0123456789abcdef") == 0x0123456789abcdefU);
  CHECK(SqlTables::parse_epoch("ffffffffffffffff") == UINT64_MAX);
}

TEST_CASE("sql_tables: a new epoch of each book is another one, and nothing else changes") {
  Book book;
  book.store.commit({{put("a", 1)}});
  static_cast<void>(book.books.create("other"));
  const auto before = book.books.list("", 10).books;
  SqliteEngine::tables().renew_epochs(*SqliteEngine::open(book.path()));
  const auto after = book.books.list("", 10).books;
  REQUIRE(after.size() == 2);
  CHECK(after[0].state.epoch != after[1].state.epoch);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(after[i].name == before[i].name);
    CHECK(after[i].state.epoch != before[i].state.epoch);
    CHECK(after[i].state.revision == before[i].state.revision);
    CHECK(after[i].state.count == before[i].state.count);
  }
}

// --- reads ---------------------------------------------------------------------------------------

TEST_CASE("sql_store: a read whose connection is lost is retried on a new one") {
  Book book;
  book.line.has_other_writers = true;  // otherwise state() needs no connection
  book.store.commit({{put("a", 1), put("b", 2)}});
  const int connects = book.line.connects();
  book.line.cut();
  const auto entry = book.store.find("a");
  REQUIRE(entry.has_value());
  CHECK(entry->document == test::numbered(1));
  CHECK(book.line.connects() == connects + 1);
  book.line.cut();
  CHECK_FALSE(book.store.find("absent").has_value());
  CHECK(book.line.connects() == connects + 2);
  book.line.cut();
  CHECK(book.store.page(0, {}).entries.size() == 2);
  CHECK(book.line.connects() == connects + 3);
  book.line.cut();
  CHECK(book.store.state().revision == 2);
  CHECK(book.line.connects() == connects + 4);
  check_works(book.store);
  CHECK(book.line.connects() == connects + 4);
}

TEST_CASE("sql_store: a read is retried once, then it is an error, not an answer") {
  Book book;
  book.line.has_other_writers = true;
  book.store.commit({{put("a", 1)}});
  book.line.is_down = true;
  for (const auto& read : std::vector<std::function<void()>>{
           [&] { static_cast<void>(book.store.find("a")); },
           [&] { static_cast<void>(book.store.find("absent")); },
           [&] { static_cast<void>(book.store.page(0, {})); },
           [&] { static_cast<void>(book.store.state()); },
       }) {
    const int connects = book.line.connects();
    book.line.cut();
    CHECK(error_of(read) == lost);
    // The first read has a connection for its first attempt, the others make one for each attempt.
    const int made = book.line.connects() - connects;
    CHECK((made == 1 || made == 2));
    CHECK(error_of(read) == lost);
    CHECK(book.line.connects() == connects + made + 2);
  }
  book.line.is_down = false;
  check_works(book.store);
  CHECK(content(book.store) == "2, 2 entries: a 1 1 {\"n\":1} works 2 2 {\"n\":1}");
}

TEST_CASE(
    "sql_store: a fault at any moment of a read is an error or retried, never a wrong answer") {
  Book book;
  book.line.has_other_writers = true;
  for (std::uint64_t i = 0; i < 20; ++i) book.store.commit({{put("id-" + std::to_string(i), i)}});
  struct Row {
    SqlFault meaning;
    std::string error;
  };
  const std::vector<Row> table{{SqlFault::disconnected, "nothing"},
                               {SqlFault::other, failed},
                               {SqlFault::full, "full: Insufficient Storage: the disk is full"}};
  const std::string all = content(book.store);
  const std::vector<std::function<bool()>> reads{
      [&] { return book.store.find("id-7")->document == test::numbered(7); },
      [&] { return !book.store.find("absent"); }, [&] { return content(book.store) == all; },
      [&] { return book.store.page(0, test::limit_of(3)).more; },
      [&] { return book.store.state().revision == 20; }};
  for (const Row& row : table) {
    book.line.meaning = row.meaning;
    for (std::size_t read = 0; read < reads.size(); ++read) {
      CAPTURE(row.error);
      CAPTURE(read);
      int moments = 0;
      for (bool has_failed = true; has_failed; ++moments) {
        book.line.fail_at(moments + 1);
        bool is_right = false;
        const std::string error = error_of([&] { is_right = reads[read](); });
        has_failed = book.line.has_failed();
        book.line.stop_failing();
        REQUIRE(error == (has_failed ? row.error : "nothing"));
        REQUIRE(is_right == (error == "nothing"));
        REQUIRE(reads[read]());
      }
      CHECK(moments > 2);
    }
  }
  check_works(book.store);
}

TEST_CASE("sql_store: damage to the tables by another program is an error until it is undone") {
  Book book;
  book.line.has_other_writers = true;
  book.store.commit({{put("a", 1)}});
  const auto other = SqliteEngine::open(book.path());
  SUBCASE("a table is missing") {
    *other << "ALTER TABLE addrbook_entries RENAME TO away";
    for (int i = 0; i < 2; ++i) {
      CHECK(error_of_find(book) == failed);
      CHECK(error_of_find(book, "absent") == failed);
      CHECK(error_of([&] { static_cast<void>(book.store.page(0, {})); }) == failed);
      CHECK(error_of_commit(book, put("b", 2)) == failed);
    }
    *other << "ALTER TABLE away RENAME TO addrbook_entries";
  }
  SUBCASE("the state is missing") {
    const std::string error = "storage: the database has lost the book's state";
    *other << "CREATE TEMP TABLE kept_books AS SELECT * FROM addrbook_books";
    *other << "CREATE TEMP TABLE kept_store AS SELECT * FROM addrbook_store";
    *other << "DELETE FROM addrbook_books";
    *other << "DELETE FROM addrbook_store";
    for (int i = 0; i < 2; ++i) {
      CHECK(error_of([&] { static_cast<void>(book.store.state()); }) == error);
      CHECK(error_of([&] { static_cast<void>(book.store.page(0, {})); }) == error);
      CHECK(error_of_find(book) == error);
      CHECK(error_of_find(book, "absent") == error);
      CHECK(error_of_commit(book, put("b", 2)) == error);
    }
    *other << "INSERT INTO addrbook_store SELECT * FROM kept_store";
    *other << "INSERT INTO addrbook_books SELECT * FROM kept_books";
  }
  SUBCASE("there are two stores") {
    const std::string error = "storage: the database holds the books of two stores";
    *other << "INSERT INTO addrbook_store SELECT * FROM addrbook_store";
    const std::string copy = book.path() + "-copy";
    addrbook::backup_sqlite(book.path(), copy);
    CHECK(error_of([&] { static_cast<void>(addrbook::open_sqlite(copy)); }) == error);
    *other << "DELETE FROM addrbook_store WHERE rowid > 1";
  }
  SUBCASE("the epoch is unreadable") {
    const std::string error = "storage: the book's epoch in the database is not 16 hex digits";
    *other << "CREATE TEMP TABLE kept AS SELECT epoch FROM addrbook_books";
    for (const std::string bad :
         {"", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeg", "-123456789abcdef",
          "0x23456789abcdef", " 123456789abcdef", "ffffffffffffffff0"}) {
      CAPTURE(bad);
      *other << "UPDATE addrbook_books SET epoch = :epoch", soci::use(bad);
      CHECK(error_of([&] { static_cast<void>(book.store.state()); }) == error);
      CHECK(error_of([&] { static_cast<void>(book.store.page(0, {})); }) == error);
      CHECK(error_of_find(book) == error);
      CHECK(error_of_commit(book, put("b", 2)) == error);
    }
    *other << "UPDATE addrbook_books SET epoch = (SELECT epoch FROM kept)";
  }
  CHECK(content(book.store) == "1, 1 entries: a 1 1 {\"n\":1}");
  check_works(book.store);
}

TEST_CASE("sql_store: an error's message names nothing of the database, its cause everything") {
  Book book;
  const auto other = SqliteEngine::open(book.path());
  *other << "ALTER TABLE addrbook_entries RENAME TO away";
  try {
    static_cast<void>(book.store.find("a"));
    FAIL("found");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) == "the database failed");
    const auto trace = addrbook::trace(std::current_exception());
    REQUIRE(trace.size() == 2);
    CHECK(trace[1].find("no such table: addrbook_entries") != std::string::npos);
  }
}

// --- commits -------------------------------------------------------------------------------------

TEST_CASE("sql_store: after a fault before the end of a commit nothing is written, or all once") {
  struct Row {
    SqlFault meaning;
    std::string error;
  };
  for (const Row& row :
       std::vector<Row>{{SqlFault::disconnected, "nothing"},  // because it is retried
                        {SqlFault::other, failed},
                        {SqlFault::full, "full: Insufficient Storage: the disk is full"}}) {
    CAPTURE(row.error);
    Book book;
    addrbook::MemoryStore model;
    for (Store* const store : {static_cast<Store*>(&book.store), static_cast<Store*>(&model)}) {
      store->commit({{put("a", 0), put("id-0", 0)}});
    }
    book.line.meaning = row.meaning;
    std::uint64_t moments = 0;
    int errors = 0;
    for (bool has_failed = true; has_failed;) {
      ++moments;
      CAPTURE(moments);
      const std::vector<Write> batch{put("a", moments),
                                     put("id-" + std::to_string(moments), moments),
                                     removal("id-" + std::to_string(moments - 1))};
      book.line.fail_at(static_cast<int>(moments));
      CommitResult result;
      const std::string error = error_of([&] { result = book.store.commit({batch}); });
      has_failed = book.line.has_failed();
      book.line.stop_failing();
      // FTS5 may try again by itself what has failed.
      if (error != "nothing") REQUIRE(error == (has_failed ? row.error : "nothing"));
      if (error == "nothing") {
        REQUIRE(result.base == model.commit({batch}).base);
      } else {
        ++errors;
      }
      REQUIRE(content(book.store) == content(model));
      for (const std::uint64_t number : {moments - 1, moments}) {
        addrbook::Query query;
        query.words = std::to_string(number);
        REQUIRE(book.store.count(query) == model.count(query));
      }
      REQUIRE(book.store.state().revision == model.state().revision);
      REQUIRE(book.store.state().count == model.state().count);
    }
    CHECK(moments > 10);
    CHECK((row.error == "nothing" || errors > 10));
    CHECK(book.line.asked() == 0);  // the outcome of no commit was unknown
    check_works(book.store);
  }
}

TEST_CASE("sql_store: a lost commit that was done succeeds, and is not retried") {
  Book book;
  book.store.commit({{put("a", 1)}});
  const int connects = book.line.connects();
  book.line.lose_commits(Line::Fate::lost_done);
  const auto result = book.store.commit({{put("b", 2), put("a", 3)}});
  CHECK(result.done());
  CHECK(result.base == 1);
  CHECK(book.line.asked() == 1);
  CHECK(book.line.connects() == connects + 1);
  CHECK(book.store.state().revision == 3);
  CHECK(book.store.state().count == 2);
  CHECK(content(book.store) == "3, 2 entries: a 1 3 {\"n\":3} b 2 2 {\"n\":2}");
  check_works(book.store);
}

TEST_CASE("sql_store: a lost commit that is undone is retried once") {
  Book book;
  book.store.commit({{put("a", 1)}});
  SUBCASE("and succeeds") {
    book.line.lose_commits(Line::Fate::lost_undone);
    const auto result = book.store.commit({{put("b", 2)}});
    CHECK(result.done());
    CHECK(result.base == 1);
    CHECK(book.line.asked() == 1);
  }
  SUBCASE("and is lost, but done") {
    book.line.before_commit = [&, commits = 0]() mutable {
      if (++commits == 1) book.line.lose_commits(Line::Fate::lost_done);
    };
    book.line.lose_commits(Line::Fate::lost_undone);
    CHECK(book.store.commit({{put("b", 2)}}).base == 1);
    CHECK(book.line.asked() == 2);
  }
  SUBCASE("and is lost and undone again") {
    book.line.lose_commits(Line::Fate::lost_undone, 2);
    CHECK(error_of_commit(book, put("b", 0)).rfind(lost, 0) == 0);
    CHECK(book.line.asked() == 2);
    CHECK(book.store.state().revision == 1);
    CHECK(content(book.store) == "1, 1 entries: a 1 1 {\"n\":1}");
    CHECK(book.store.commit({{put("b", 2)}}).base == 1);
  }
  CHECK(book.store.state().revision == 2);
  CHECK(content(book.store) == "2, 2 entries: a 1 1 {\"n\":1} b 2 2 {\"n\":2}");
  check_works(book.store);
}

TEST_CASE("sql_store: conditions are checked again when a commit is retried") {
  Book book;
  book.line.has_other_writers = true;
  const test::Condition absent{test::Kind::absent, 0};
  // Another program writes between the two attempts.
  book.line.before_connect = [&, is_first = true]() mutable {
    if (!std::exchange(is_first, false)) return;
    const auto other = SqliteEngine::open(book.path());
    *other << "BEGIN IMMEDIATE";
    *other << "INSERT INTO addrbook_entries (id, key, revision, created_at, updated_at, document) "
              "VALUES ('a', (1 << 40) + 1, 1, 0, 0, '{\"n\":1}')";
    *other << "UPDATE addrbook_books SET count = 1, revision = 1";
    other->commit();
  };
  book.line.lose_commits(Line::Fate::lost_undone);
  const auto result = book.store.commit({{put("a", 2, absent)}});
  CHECK(test::outcome_of(result) == "refused 0");
  CHECK(book.store.find("a")->document == test::numbered(1));
}

TEST_CASE("sql_store: a commit of unknown outcome is reported as unknown, not as failed") {
  for (const bool is_done : {true, false}) {
    for (const bool can_ask : {true, false}) {
      CAPTURE(is_done);
      CAPTURE(can_ask);
      Book book;
      book.store.commit({{put("a", 1)}});
      book.line.lose_commits(is_done ? Line::Fate::lost_done : Line::Fate::lost_undone);
      if (can_ask) {
        book.line.can_tell = false;
      } else {
        book.line.is_down = true;
      }
      CHECK(error_of_commit(book, put("b", 2)) == unsure);
      book.line.is_down = false;
      book.line.can_tell = true;
      // It is not retried.
      const std::string as_it_was = "1, 1 entries: a 1 1 {\"n\":1}";
      const std::string as_asked = "2, 2 entries: a 1 1 {\"n\":1} b 2 2 {\"n\":2}";
      CHECK(book.store.state().revision == (is_done ? 2 : 1));
      CHECK(content(book.store) == (is_done ? as_asked : as_it_was));
      CHECK(book.store.find("b").has_value() == is_done);
      check_works(book.store);
    }
  }
}

TEST_CASE("sql_store: a full disk is Error{full}; writes that need no room succeed") {
  Book book;
  book.line.max_pages = 60;
  book.line.cut();  // so that new connections have the limit
  book.store.commit({{put("a", 1)}});
  const std::string full = "full: Insufficient Storage: the disk is full";
  for (int i = 0; i < 3; ++i) {
    CHECK(error_of_commit(book, huge("huge")) == full);
    CHECK_FALSE(book.store.find("huge").has_value());
    CHECK(book.store.commit({{put("a", 2)}}).done());
  }
  CHECK(error_of([&] { book.store.commit({{put("b", 3), huge("huge"), put("c", 4)}}); }) == full);
  CHECK(content(book.store) == "4, 1 entries: a 1 4 {\"n\":2}");
  check_works(book.store);
}

TEST_CASE("sql_store: its statistics say what was committed, and what failed") {
  Book book;
  book.line.has_other_writers = true;
  const auto before = book.store.statistics();
  REQUIRE(before.commits);
  book.store.commit({{put("a", 1), put("b", 2)}});
  book.store.commit({{put("a", 1, {test::Kind::absent, 0})}});  // refused, but a commit
  const auto after = book.store.statistics();
  CHECK(after.source == before.source);
  CHECK(after.commits->batches.count() == before.commits->batches.count() + 2);
  CHECK(after.commits->writes == before.commits->writes + 3);
  CHECK(after.commits->durations.count() == after.commits->batches.count());
  CHECK(after.commits->waits.count() == after.commits->batches.count());
  CHECK(after.max_connections >= 1);
  CHECK(after.connections_in_use == 0);
  CHECK(after.faults == before.faults);
  book.line.is_down = true;
  book.line.cut();
  CHECK(error_of([&] { static_cast<void>(book.store.find("a")); }) == lost);
  CHECK(error_of([&] { book.store.commit({{put("c", 3)}}); }) == lost);
  book.line.is_down = false;
  using Counts = addrbook::detail::StorageFaults::Counts;
  CHECK(book.store.statistics().faults == Counts{{{1, 0, 0}, {1, 0, 0}}});
  CHECK_FALSE(book.store.find("absent").has_value());
  CHECK(book.store.statistics().faults == Counts{{{1, 0, 0}, {1, 0, 0}}});
}

// --- groups --------------------------------------------------------------------------------------

TEST_CASE("sql_store: a batch that fails, or is refused, does not affect the others of its group") {
  Book book;
  book.line.max_pages = 60;
  book.line.cut();
  std::string error = "full: Insufficient Storage: the disk is full";
  Write bad = huge("bad");
  SUBCASE("a batch for which there is no room") {}
  SUBCASE("a batch that the database refuses") {
    const auto other = SqliteEngine::open(book.path());
    *other << "CREATE TRIGGER refuse BEFORE INSERT ON addrbook_entries WHEN new.id = 'bad' "
              "BEGIN SELECT RAISE(ABORT, 'no'); END";
    error = failed;
    bad = put("bad", 0);
  }
  {
    Group group(book);
    group.add({put("a", 1)});
    group.add({put("b", 2), bad});
    group.add({put("c", 3), put("a", 4, {test::Kind::present, 0})});
    group.add({put("d", 5), put("e", 5, {test::Kind::present, 0})});
    group.release();
    CHECK(group.result_of(0).base == 1);
    CHECK(error_of([&] { group.result_of(1); }) == error);
    CHECK(group.result_of(2).base == 2);
    CHECK(test::outcome_of(group.result_of(3)) == "refused 1");
  }
  CHECK(book.store.state().revision == 4);
  CHECK(content(book.store) == "4, 3 entries: first 1 1 {\"n\":0} a 2 4 {\"n\":4} c 3 3 {\"n\":3}");
  check_works(book.store);
}

TEST_CASE("sql_store: the capacity counts the earlier batches of a group") {
  Book book;
  book.store.commit({{put("old", 0)}});
  {
    Group group(book);  // "first" is the second entry
    group.add({put("a", 1)}, 3);
    group.add({put("b", 2)}, 3);
    group.add({removal("old")}, 3);
    group.add({put("c", 3), put("d", 4)}, 3);
    group.add({put("c", 5)}, 3);
    group.add({put("a", 6)}, 1);  // adds nothing
    group.add({put("e", 7)});
    group.release();
    CHECK(group.result_of(0).base == 2);
    CHECK(test::outcome_of(group.result_of(1)) == "full");
    CHECK(group.result_of(2).base == 3);
    CHECK(test::outcome_of(group.result_of(3)) == "full");
    CHECK(group.result_of(4).base == 4);
    CHECK(group.result_of(5).base == 5);
    CHECK(group.result_of(5).created == std::vector<std::uint64_t>{3});
    CHECK(group.result_of(6).base == 6);
  }
  CHECK(content(book.store) ==
        "7, 4 entries: first 2 2 {\"n\":0} a 3 6 {\"n\":6} c 5 5 {\"n\":5} e 7 7 {\"n\":7}");
  check_works(book.store);
}

TEST_CASE("sql_store: the outcome of a lost commit is that of the whole group") {
  const auto add_all = [](Group& group) {
    group.add({put("a", 1)});
    group.add({put("b", 2), put("c", 3)});
    group.add({put("a", 4, {test::Kind::absent, 0})});  // refused because of the first batch
    group.add({put("d", 5)});
  };
  const std::string nothing = "2, 2 entries: z 1 1 {\"n\":9} first 2 2 {\"n\":0}";
  const std::string all =
      "6, 6 entries: z 1 1 {\"n\":9} first 2 2 {\"n\":0} a 3 3 {\"n\":1} b 4 4 {\"n\":2} "
      "c 5 5 {\"n\":3} d 6 6 {\"n\":5}";
  for (const Line::Fate fate : {Line::Fate::lost_done, Line::Fate::lost_undone}) {
    for (const bool can_tell : {true, false}) {
      CAPTURE(static_cast<int>(fate));
      CAPTURE(can_tell);
      Book book;
      book.store.commit({{put("z", 9)}});
      {
        Group group(book);
        add_all(group);
        book.line.can_tell = can_tell;
        book.line.lose_commits(fate);
        group.release();
        if (can_tell) {
          CHECK(group.result_of(0).base == 2);
          CHECK(group.result_of(1).base == 3);
          CHECK(test::outcome_of(group.result_of(2)) == "refused 0");
          CHECK(group.result_of(3).base == 5);
        } else {
          for (std::size_t i = 0; i < 4; ++i) {
            CHECK(error_of([&] { group.result_of(i); }) == unsure);
          }
        }
        CHECK(book.line.asked() == 1);
      }
      const bool is_done = can_tell || fate == Line::Fate::lost_done;
      CHECK(content(book.store) == (is_done ? all : nothing));
      check_works(book.store);
    }
  }
}

// --- connections ---------------------------------------------------------------------------------

TEST_CASE("sql_store: construction fails if the database can't be reached") {
  const test::TempFolder folder;
  const std::string path = (folder.path() / "book").string();
  const auto error_of_making = [&](Line& line) {
    return error_of([&] {
      const SqlBooks books(std::make_unique<FaultyEngine>(path, line),
                           {4, std::chrono::minutes(1)});
    });
  };
  Line line;
  line.before_connect = [] { throw std::runtime_error("no route\nto host\n"); };
  CHECK(error_of_making(line) == "storage: the database: can't be opened: no route to host");
  line.before_connect = [] { throw Error(addrbook::Errc::storage, "no book"); };
  CHECK(error_of_making(line) == "storage: no book");
  CHECK(line.connects() == 2);
  line.before_connect = [] {};
  line.is_down = true;
  CHECK(error_of_making(line).rfind("storage: ", 0) == 0);
  line.is_down = false;
  CHECK(error_of_making(line) == "nothing");
}

TEST_CASE(
    "sql_store: after a failed attempt to connect there is none for a moment, then it succeeds") {
  constexpr auto pause = milliseconds(100);
  // On a busy machine the calls may take longer than the pause.
  constexpr int tries = 50;
  bool was_quick = false;
  for (int i = 0; i < tries && !was_quick; ++i) {
    Book book;
    book.store.commit({{put("a", 1)}});
    const int connects = book.line.connects();
    book.line.before_connect = [] { throw std::runtime_error("no route"); };
    book.line.cut();
    const auto begin = std::chrono::steady_clock::now();
    CHECK(error_of_find(book) == "storage: the database: can't be opened: no route");
    REQUIRE(book.line.connects() == connects + 1);
    std::vector<std::string> errors;
    for (int call = 0; call < 5; ++call) {
      errors.push_back(error_of_find(book));
      errors.push_back(error_of_commit(book, put("b", 2)));
    }
    was_quick = std::chrono::steady_clock::now() - begin < pause;
    if (!was_quick) continue;
    CHECK(book.line.connects() == connects + 1);
    for (const std::string& error : errors) {
      CHECK(error == "storage: the database: couldn't be opened a moment ago");
    }

    book.line.before_connect = [] {};
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (error_of_find(book) != "nothing") {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::this_thread::yield();
    }
    CHECK(book.line.connects() == connects + 2);
    CHECK(content(book.store) == "1, 1 entries: a 1 1 {\"n\":1}");
    check_works(book.store);
  }
  CHECK(was_quick);
}

TEST_CASE("sql_store: a call that gets no connection in time is an error") {
  constexpr auto wait = milliseconds(30);
  Book book(1, wait);
  book.store.commit({{put("a", 1)}});
  test::Gate gate;
  std::atomic<bool> is_first = true;
  book.line.before_use = [&] {
    if (is_first.exchange(false)) gate.pass();
  };
  auto holder = std::async(std::launch::async, [&] { return book.store.find("a"); });
  gate.wait_for();
  const std::string error = "storage: the database: all 1 connections have been in use for 30 ms";
  const auto begin = std::chrono::steady_clock::now();
  CHECK(error_of_find(book) == error);
  CHECK(std::chrono::steady_clock::now() - begin >= wait);
  CHECK(error_of_find(book, "absent") == error);
  CHECK(error_of([&] { static_cast<void>(book.store.page(0, {})); }) == error);
  CHECK(error_of_commit(book, put("b", 2)) == error);
  gate.open();
  CHECK(holder.get()->document == test::numbered(1));
  CHECK(book.line.connects() == 1);
  CHECK(content(book.store) == "1, 1 entries: a 1 1 {\"n\":1}");
  check_works(book.store);
}

TEST_CASE("sql_store: a call that waits gets the connection that is given back") {
  constexpr auto wait = std::chrono::seconds(60);
  Book book(2, wait);
  book.store.commit({{put("a", 1)}});
  test::Gate gate;
  std::atomic<int> uses = 0;
  book.line.before_use = [&] {
    if (++uses <= 2) gate.pass();
  };
  const auto find = [&] { return book.store.find("a").has_value(); };
  std::vector<std::future<bool>> finds;
  for (int i = 0; i < 2; ++i) finds.push_back(std::async(std::launch::async, find));
  gate.wait_for(2);
  test::WatchingPool pool;
  for (std::size_t i = 1; i <= 5; ++i) {
    finds.push_back(pool.start(find));
    pool.wait_for_blocks(i);
  }
  const auto begin = std::chrono::steady_clock::now();
  gate.open();
  for (auto& each : finds) CHECK(each.get());
  CHECK(std::chrono::steady_clock::now() - begin < wait / 2);
  CHECK(book.line.connects() == 2);
}

TEST_CASE("sql_store: a failed attempt to connect wakes a call that waits for the connection") {
  const test::TempFolder folder;
  Line line;
  test::Gate gate;
  std::atomic<bool> is_first = true;
  line.before_connect = [&] {
    if (is_first.exchange(false)) gate.pass();
    throw std::runtime_error("no route");
  };
  FaultyEngine engine((folder.path() / "book").string(), line);
  constexpr auto wait = std::chrono::seconds(60);
  SqlPool connections(engine, 1, wait);
  const auto take = [&] {
    return error_of([&] { static_cast<void>(connections.take(connections.deadline())); });
  };
  auto first = std::async(std::launch::async, take);
  gate.wait_for();
  test::WatchingPool pool;
  std::vector<std::future<std::string>> others;
  for (std::size_t i = 1; i <= 3; ++i) {
    others.push_back(pool.start(take));
    pool.wait_for_blocks(i);
  }
  const auto begin = std::chrono::steady_clock::now();
  gate.open();
  CHECK(first.get() == "storage: the database: can't be opened: no route");
  for (auto& each : others) CHECK(each.get().rfind("storage: the database: c", 0) == 0);
  CHECK(std::chrono::steady_clock::now() - begin < wait / 2);
}
