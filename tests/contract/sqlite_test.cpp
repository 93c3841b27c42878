// A book in SQLite beyond the contract: files that are opened again, refused, copied and broken.

#include <addrbook/base/descriptor.hpp>
#include <addrbook/sqlite.hpp>

#include <support/addresses.hpp>
#include <support/faulty_files.hpp>
#include <support/parallel.hpp>
#include <support/process.hpp>
#include <support/refused_calls.hpp>

#include <doctest/doctest.h>

#include "error_of.hpp"
#include "other_folding.hpp"
#include "version_2.hpp"
#include "version_3.hpp"
#include "writes.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using addrbook::backup_sqlite;
using addrbook::open_sqlite;
using addrbook::restore_sqlite;
using test::begins;
using test::error_of;
using test::OtherFolding;
using test::put;

std::string error_of_open(const std::string& path) {
  return error_of([&] { static_cast<void>(open_sqlite(path)); });
}

/// A folder and paths in it.
struct Folder : test::TempFolder {
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (path() / name).string();
  }
  /// The paths below it, with the content of files.
  [[nodiscard]] std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> found;
    for (const auto& each : fs::recursive_directory_iterator(path())) {
      found[each.path().string()] = each.is_regular_file() ? test::read_file(each.path()) : "";
    }
    return found;
  }
};

/// A connection of another program.
class Other {
 public:
  explicit Other(const std::string& path) {
    if (::sqlite3_open(path.c_str(), &database_) != SQLITE_OK) throw std::runtime_error(path);
  }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  ~Other() { ::sqlite3_close(database_); }
  void run(const std::string& sql) {
    char* message = nullptr;
    if (::sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &message) != SQLITE_OK) {
      const std::string text = message;
      ::sqlite3_free(message);
      throw std::runtime_error(text);
    }
  }

 private:
  sqlite3* database_ = nullptr;
};

void make_book(const std::string& path, std::uint64_t entries = 3) {
  const auto store = open_sqlite(path);
  for (std::uint64_t i = 1; i <= entries; ++i) {
    store->commit({{put("id-" + std::to_string(i), i)}});
  }
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

}  // namespace

TEST_CASE("sqlite: a book that is opened again has its entries, and its revisions continue") {
  const Folder folder;
  std::uint64_t epoch = 0;
  {
    const auto store = open_sqlite(folder / "book");
    epoch = store->state().epoch;
    store->commit({{put("a", 1), put("b", 2)}});
    store->commit({{put("a", 3), test::removal("b")}});
  }
  const auto store = open_sqlite(folder / "book");
  CHECK(store->state().epoch == epoch);
  CHECK(store->state().revision == 4);
  CHECK(store->state().count == 1);
  const auto entry = store->find("a");
  REQUIRE(entry);
  CHECK(entry->created == 1);
  CHECK(entry->revision == 3);
  CHECK(entry->document == test::numbered(3));
  CHECK_FALSE(store->find("b"));
  // Revisions 1 and 4 are not used again.
  CHECK(store->commit({{put("b", 5)}}).base == 4);
  CHECK(store->find("b").value().created == 5);
}

TEST_CASE("sqlite: only the owner may read a book, whatever the umask") {
  const Folder folder;
  const auto umask = ::umask(0);
  {
    const auto store = open_sqlite(folder / "book");
    store->commit({{put("a", 1)}});
    for (const char* const name : {"book", "book-wal", "book-shm", "book-lock"}) {
      CAPTURE(name);
      CHECK(mode_of(folder / name) == 0600U);
    }
    backup_sqlite(folder / "book", folder / "copy");
  }
  restore_sqlite(folder / "copy", folder / "restored");
  ::umask(umask);
  CHECK(mode_of(folder / "copy") == 0600U);
  CHECK(mode_of(folder / "restored") == 0600U);
}

TEST_CASE("sqlite: paths with any characters") {
  const Folder folder;
  for (const std::string name :
       {"a b", "a=b", "a b = c", "it's", "say \"so\"", "?mode=memory", "file:x", "Ä", "a\nb",
        "a%20b", "db=x", "-x", "back\\slash", ":memory:x"}) {
    CAPTURE(name);
    make_book(folder / name);
    CHECK(fs::is_regular_file(folder / name));
    CHECK(open_sqlite(folder / name)->state().revision == 3);
    backup_sqlite(folder / name, folder / ("copy of " + name));
    restore_sqlite(folder / ("copy of " + name), folder / ("restored " + name));
    CHECK(open_sqlite(folder / ("restored " + name))->state().revision == 3);
  }
  CHECK(begins(error_of_open(folder / "a=\"b"), "invalid: "));
  CHECK(begins(error_of_open(std::string("a\0b", 3)), "invalid: "));
  const auto missing = error_of_open(folder / "missing/book");
  CHECK(begins(missing, "storage: '"));
  CHECK(missing.find("missing/book': its folder doesn't exist") != std::string::npos);
  CHECK(begins(error_of([&] { backup_sqlite(":memory:", folder / "x"); }), "invalid: "));
  CHECK(begins(error_of([&] { restore_sqlite(folder / "x", ":memory:"); }), "invalid: "));
  CHECK(begins(error_of_open(folder / std::string(300, 'x')), "storage: "));
}

TEST_CASE("sqlite: a book can be open once, by whatever name") {
  const Folder folder;
  fs::create_directory(folder / "sub");
  fs::create_symlink(folder / "book", folder / "link");
  fs::create_directory_symlink(folder.path(), folder / "sub/up");
  const std::string refused =
      "storage: '" + fs::canonical(folder.path()).string() + "/book': another server has it open";
  {
    const auto store = open_sqlite(folder / "book");
    for (const char* const name : {"book", "link", "sub/../book", "sub/up/book"}) {
      CAPTURE(name);
      CHECK(error_of_open(folder / name) == refused);
    }
    CHECK(store->commit({{put("a", 1)}}).done());  // the open book still works
    CHECK(error_of([&] { restore_sqlite(folder / "book", folder / "book"); }) == refused);
  }
  CHECK(open_sqlite(folder / "link")->find("a"));
}

TEST_CASE("sqlite: a book that is open is refused by a hard link, and without its lock file") {
  const Folder folder;
  {
    const auto store = open_sqlite(folder / "book");
    // Closed only at the end: to close a descriptor of the book drops SQLite's locks.
    const addrbook::detail::Descriptor book(::open((folder / "book").c_str(), O_RDWR | O_CLOEXEC));
    const auto is_locked_by_sqlite = [&] {
      struct flock lock {};
      lock.l_type = F_WRLCK;
      lock.l_whence = SEEK_SET;
      lock.l_start = 0x40000002;  // sqlite.org/fileformat.html, 1.5
      lock.l_len = 510;
      REQUIRE(::fcntl(book.get(), F_OFD_GETLK, &lock) == 0);
      return lock.l_type == F_RDLCK;
    };
    REQUIRE(is_locked_by_sqlite());
    fs::create_hard_link(folder / "book", folder / "link");
    fs::remove(folder / "book-lock");
    for (const char* const name : {"book", "link"}) {
      CAPTURE(name);
      CHECK(error_of_open(folder / name).find("another server has it open") != std::string::npos);
      CHECK_FALSE(fs::exists(folder / (std::string(name) + "-lock")));
      CHECK(error_of([&] {
              backup_sqlite(folder / name, folder / "copy");
            }).find("has a second name") != std::string::npos);
    }
    fs::remove(folder / "link");
    restore_sqlite(folder / "book", folder / "restored");  // from a book that is open
    CHECK(is_locked_by_sqlite());
    CHECK(store->commit({{put("a", 1)}}).done());
  }
  fs::create_hard_link(folder / "book", folder / "link");
  const auto before = folder.content();
  for (const char* const name : {"book", "link"}) {
    CHECK(error_of_open(folder / name).find("has a second name (a hard link)") !=
          std::string::npos);
  }
  CHECK(before == folder.content());
  fs::remove(folder / "link");
  CHECK(open_sqlite(folder / "book")->find("a"));
}

TEST_CASE("sqlite: a link to nothing yet names the file that is made") {
  const Folder folder;
  fs::create_directory(folder / "sub");
  fs::create_symlink("sub/book", folder / "relative");
  fs::create_symlink(folder / "relative", folder / "chain");
  make_book(folder / "chain");
  CHECK(fs::is_regular_file(fs::symlink_status(folder / "sub/book")));
  CHECK(fs::exists(folder / "sub/book-lock"));
  CHECK(fs::is_symlink(folder / "chain"));
  CHECK(open_sqlite(folder / "relative")->state().count == 3);
  fs::create_symlink(folder / "sub/copy", folder / "copy");
  backup_sqlite(folder / "chain", folder / "copy");
  fs::create_symlink("sub/restored", folder / "restored");
  restore_sqlite(folder / "copy", folder / "restored");
  CHECK(open_sqlite(folder / "sub/restored")->state().count == 3);
  CHECK(error_of([&] {
          backup_sqlite(folder / "chain", folder / "copy");
        }).find("/sub/copy': already exists") != std::string::npos);

  fs::create_symlink("missing/book", folder / "nowhere");
  CHECK(error_of_open(folder / "nowhere").find("/missing/book': its folder doesn't exist") !=
        std::string::npos);
  fs::create_symlink("circle", folder / "circle");
  CHECK(begins(error_of_open(folder / "circle"), "storage: '"));
}

TEST_CASE("sqlite: a file that is not a book is refused and left unchanged") {
  const Folder folder;
  const std::string path = folder / "it";
  const auto check_refused = [&](const std::string& reason) {
    CAPTURE(reason);
    const auto content = [&] {
      auto found = folder.content();
      // Readers change `-shm`. A book's lock file stays.
      for (const char* const name : {"it-lock", "it-shm"}) found.erase(folder / name);
      return found;
    };
    const auto before = content();
    const std::string expected = "storage: '" + fs::canonical(path).string() + "': " + reason;
    CHECK(begins(error_of_open(path), expected));
    CHECK(begins(error_of([&] { backup_sqlite(path, folder / "copy"); }), expected));
    CHECK(begins(error_of([&] { restore_sqlite(path, folder / "new"); }), expected));
    CHECK(before == content());
  };
  SUBCASE("a text") {
    std::ofstream(path) << "Not a database, but a text of more than a hundred bytes, as there are "
                           "so many: diaries, letters, lists of what to buy.\n";
    check_refused("");
    CHECK_FALSE(fs::exists(path + "-lock"));
  }
  SUBCASE("empty") {
    std::ofstream(path).flush();
    check_refused("");
  }
  SUBCASE("short") {
    std::ofstream(path) << "SQLite format 3";
    check_refused("");
  }
  SUBCASE("a folder") {
    fs::create_directory(path);
    check_refused("");
  }
  SUBCASE("another program's database") {
    Other(path).run("CREATE TABLE addrbook_head (mine)");
    check_refused("not an address book");
  }
  SUBCASE("another program's database that is open, and has a log") {
    Other other(path);
    other.run("PRAGMA journal_mode = WAL; CREATE TABLE mine (x)");
    check_refused("not an address book");
  }
  SUBCASE("a newer version's book") {
    make_book(path);
    Other(path).run("PRAGMA journal_mode = DELETE; PRAGMA user_version = 6");
    check_refused("is of version 6, and this program knows only up to 5");
  }
  SUBCASE("a book without a version") {
    make_book(path);
    Other(path).run("PRAGMA journal_mode = DELETE; PRAGMA user_version = 0");
    check_refused("is of version 0");
  }
  SUBCASE("the beginning of a book") {
    make_book(path, 200);
    Other(path).run("PRAGMA journal_mode = DELETE");
    fs::resize_file(path, 5000);
    check_refused("");
  }
}

TEST_CASE("sqlite: a FIFO is refused without waiting for its other end") {
  const Folder folder;
  REQUIRE(::mkfifo((folder / "it").c_str(), 0600) == 0);
  CHECK(error_of_open(folder / "it").find("not a file") != std::string::npos);
}

TEST_CASE("sqlite: a log without its book is refused") {
  const Folder folder;
  std::ofstream(folder / "book-wal") << "what was written last";
  CHECK(error_of_open(folder / "book").find("is missing, but there is a '-wal'") !=
        std::string::npos);
  CHECK_FALSE(fs::exists(folder / "book"));
  CHECK(test::read_file(folder / "book-wal") == "what was written last");
}

TEST_CASE("sqlite: damage within a book is an error, never a wrong answer") {
  const Folder folder;
  const std::string path = folder / "book";
  make_book(path, 2000);
  Other(path).run("PRAGMA journal_mode = DELETE");
  const auto size = fs::file_size(path);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    // All pages except the first, which holds the schema.
    file.seekp(4096);
    file << std::string(size - 4096, '\x55');
  }
  const auto broken = error_of([&] {
    const auto store = open_sqlite(path);
    static_cast<void>(store->find("id-1"));
  });
  CHECK(begins(broken, "storage: '" + fs::canonical(path).string() + "': "));
  CHECK(broken.find("malformed") != std::string::npos);
  CHECK(begins(error_of([&] { backup_sqlite(path, folder / "copy"); }), "storage: "));
  CHECK(begins(error_of([&] { restore_sqlite(path, folder / "new"); }), "storage: "));
  CHECK_FALSE(fs::exists(folder / "copy"));
  CHECK_FALSE(fs::exists(folder / "new"));
}

TEST_CASE("sqlite: a book of version 1 is migrated") {
  const Folder folder;
  const std::string path = folder / "book";
  fs::copy_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v1.sqlite", path);
  for (int time = 0; time < 2; ++time) {
    const auto store = open_sqlite(path);
    const auto state = store->state();
    CHECK(state.epoch == 0x0123456789abcdefU);
    CHECK(state.revision == 6);
    CHECK(state.count == 3);
    CHECK(test::ids_of(store->page(0, {})) ==
          std::vector<std::string>{"00000000000000000000000000000001",
                                   "00000000000000000000000000000002",
                                   "00000000000000000000000000000004"});
    const auto entry = store->find("00000000000000000000000000000002");
    REQUIRE(entry);
    CHECK(entry->created == 2);
    CHECK(entry->revision == 5);
    CHECK(entry->document.text() == R"({"name":"Grace Hopper","phone":"555-0100"})");
  }
  CHECK(open_sqlite(path)->commit({{put("new", 1)}}).base == 6);
}

TEST_CASE("sqlite: a file of version 2 becomes one with a book named default") {
  const Folder folder;
  const std::string path = folder / "book";
  fs::copy_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v2.sqlite", path);
  const auto before = addrbook::now();
  for (int time = 0; time < 2; ++time) {
    const auto books = addrbook::open_sqlite_books(path);
    const auto list = books->list();
    REQUIRE(list.books.size() == 1);
    CHECK(list.books[0].name == "default");
    test::check_version_2(*books->open("default"), before);
    CHECK(books->find("other") == nullptr);
  }
  CHECK(open_sqlite(path)->commit({{put("new", 1)}}).base == 7);
  const auto books = addrbook::open_sqlite_books(path);
  CHECK(books->create("other").is_new);
  CHECK(books->open("other")->state().revision == 0);
  CHECK(books->open("default")->state().count == 6);
}

TEST_CASE("sqlite: a migration tells how far it is, and can be ended, which changes nothing") {
  const Folder folder;
  const std::string path = folder / "book";
  fs::copy_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v2.sqlite", path);
  constexpr int entries = 25'000;
  Other(path).run(
      "DELETE FROM addrbook_entries; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
      "i + 1 FROM n WHERE i < " +
      std::to_string(entries) +
      ") INSERT INTO addrbook_entries SELECT 2 * i, 'id-' || i, 2 * i, '{}' FROM n; "
      "UPDATE addrbook_head SET revision = 50000, count = 25000");
  addrbook::SqliteOptions options;
  options.migration = [](std::uint64_t done, std::uint64_t) {
    if (done > 10'000) throw addrbook::Error(addrbook::Errc::storage, "not today");
  };
  CHECK(error_of([&] { static_cast<void>(open_sqlite(path, options)); }) == "storage: not today");
  std::vector<std::uint64_t> told;
  options.migration = [&](std::uint64_t done, std::uint64_t total) {
    CHECK(total == entries);
    told.push_back(done);
  };
  const auto store = open_sqlite(path, options);
  // First they are moved, then they are indexed.
  CHECK(told == std::vector<std::uint64_t>{0, 10'000, 20'000, 25'000, 0, 5'000, 10'000, 15'000,
                                           20'000, 25'000});
  CHECK(store->state().count == entries);
  CHECK(store->find("id-25000").value().created == 50'000);
  CHECK(store->page(49'998, {}).entries.size() == 1);
}

TEST_CASE("sqlite: a file of version 3 or 4 is indexed at the start") {
  const Folder folder;
  const std::string path = folder / "book";
  std::string version = "3";
  SUBCASE("3") {}
  SUBCASE("4") {
    version = "4";
  }
  fs::copy_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v" + version + ".sqlite", path);
  SUBCASE("as it is") {}
  SUBCASE("after a restore") {
    fs::rename(path, folder / "old");
    restore_sqlite(folder / "old", path);
  }
  for (int time = 0; time < 2; ++time) {
    CAPTURE(time);
    test::check_version_3(*addrbook::detail::sqlite_books(path, {}));
  }
  test::check_followed(*addrbook::detail::sqlite_books(path, {}));
  addrbook::detail::sqlite_books(path, {})->wait_for_sweeper();
  long long leftovers = -1;
  *addrbook::detail::SqliteEngine::open(path)
      << "SELECT COUNT(*) FROM addrbook_terms WHERE addrbook_terms MATCH '\"2:grace\"'",
      soci::into(leftovers);
  CHECK(leftovers == 0);
}

TEST_CASE("sqlite: an index that is not complete is continued, however it was interrupted") {
  const Folder folder;
  const std::string path = folder / "book";
  fs::copy_file(ADDRBOOK_SOURCE_DIR "/tests/data/book-v3.sqlite", path);
  Other(path).run(
      "DELETE FROM addrbook_entries; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
      "i + 1 FROM n WHERE i < 12000) INSERT INTO addrbook_entries SELECT (1 << 40) + i, "
      "'id-' || i, i, 0, 0, '{\"name\":\"Ann ' || (i % 100) || '\"}' FROM n; "
      "UPDATE addrbook_books SET revision = 20000, count = 12000 WHERE number = 1");
  addrbook::SqliteOptions options;
  SUBCASE("by an exception") {
    options.migration = [](std::uint64_t done, std::uint64_t) {
      if (done == 10'000) throw addrbook::Error(addrbook::Errc::storage, "not today");
    };
    CHECK(error_of([&] { static_cast<void>(open_sqlite(path, options)); }) == "storage: not today");
  }
  SUBCASE("by a kill") {
    const pid_t child = ::fork();
    if (child == 0) {
      options.migration = [](std::uint64_t done, std::uint64_t) {
        if (done == 10'000) ::kill(::getpid(), SIGKILL);
      };
      static_cast<void>(open_sqlite(path, options));
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
  }
  SUBCASE("before another version begins") {
    options.migration = [](std::uint64_t done, std::uint64_t) {
      if (done == 5'000) throw addrbook::Error(addrbook::Errc::storage, "not today");
    };
    options.folding = std::make_shared<OtherFolding>();
    CHECK(error_of([&] { static_cast<void>(open_sqlite(path, options)); }) == "storage: not today");
    options.folding = nullptr;
    options.migration = [](std::uint64_t done, std::uint64_t) {
      if (done == 10'000) throw addrbook::Error(addrbook::Errc::storage, "not today");
    };
    CHECK(error_of([&] { static_cast<void>(open_sqlite(path, options)); }) == "storage: not today");
  }
  std::vector<std::uint64_t> told;
  options.migration = [&](std::uint64_t done, std::uint64_t total) {
    CHECK(total == 12'000);
    told.push_back(done);
  };
  {
    const auto store = open_sqlite(path, options);
    CHECK(told == std::vector<std::uint64_t>{10'000, 12'000});
    addrbook::Query query;
    query.words = "ann 42";
    CHECK(store->count(query) == 120);
    CHECK(store->select(query, std::nullopt, test::limit_of(1000)).entries.size() == 120);
    query.words.clear();
    query.sort = addrbook::Query::Sort::name;
    CHECK(store->select(query, std::nullopt, test::limit_of(1)).entries.at(0).id == "id-100");
  }
  told.clear();
  static_cast<void>(open_sqlite(path, options));
  CHECK(told.empty());
}

TEST_CASE("sqlite: other rules for texts make another index") {
  const Folder folder;
  const std::string path = folder / "book";
  const auto found = [&](std::shared_ptr<const addrbook::Folding> folding) {
    addrbook::SqliteOptions options;
    options.folding = std::move(folding);
    const auto store = open_sqlite(path, options);
    if (store->state().count == 0) {
      store->commit({{{"a", addrbook::Document::parse(R"({"name":"Ann"})"), {}}}});
    }
    std::string ids;
    for (const char* const words : {"ann", "nna"}) {
      addrbook::Query query;
      query.words = words;
      ids += std::to_string(store->count(query));
    }
    return ids;
  };
  CHECK(found(nullptr) == "10");
  CHECK(found(std::make_shared<OtherFolding>()) == "01");
  CHECK(found(std::make_shared<OtherFolding>()) == "01");
  CHECK(found(nullptr) == "10");
}

TEST_CASE("sqlite: what is in the index is what was written last, and nothing else") {
  const Folder folder;
  const std::string path = folder / "book";
  const auto store = open_sqlite(path);
  const auto put_named = [](const std::string& id, const std::string& name) {
    return addrbook::Write{
        id, addrbook::Document::parse(R"({"name":")" + name + R"(","labels":["ab"]})"), {}};
  };
  // How many entries have each token; at the end, how many have one of an identity, and how many
  // tokens of orders there are, which each entry has for itself.
  const auto tokens = [&] {
    std::string all;
    int of_orders = 0;
    long long of_identities = 0;
    std::string token;
    long long entries = 0;
    const auto session = addrbook::detail::SqliteEngine::open(path);
    *session << "CREATE VIRTUAL TABLE temp.tokens USING fts5vocab (main, addrbook_terms, row)";
    soci::statement query((session->prepare << "SELECT term, doc FROM temp.tokens",
                           soci::into(token), soci::into(entries)));
    query.execute();
    while (query.fetch()) {
      if (token[1] == '_') {
        ++of_orders;
        CHECK(entries == 1);
      } else if (token[1] == '-') {
        of_identities += entries;
      } else {
        all += token + " " + std::to_string(entries) + ", ";
      }
    }
    return all + std::to_string(of_identities) + " " + std::to_string(of_orders);
  };
  store->commit({{put_named("a", "Ann"), put_named("b", "Bo"), put_named("c", "Ann")}});
  CHECK(tokens() ==
        "1#ab 3, 1:ab 3, 1:ann 2, 1:bo 1, 1=a 3, 1=ab 3, 1=an 2, 1=ann 2, 1=b 1, 1=bo 1, 3 18");
  store->commit({{put_named("b", "Ann"), test::removal("a"), put_named("c", "Ann")}});
  store->commit({{test::removal("c")}});
  store->commit({{put_named("c", "Cy")}});
  CHECK(tokens() ==
        "1#ab 2, 1:ab 2, 1:ann 1, 1:cy 1, 1=a 2, 1=ab 2, 1=an 1, 1=ann 1, 1=c 1, 1=cy 1, 2 12");
  store->commit({{test::removal("c"), test::removal("b")}});
  CHECK(tokens() == "0 0");
}

TEST_CASE("sqlite: what a removed book has left is swept, also after the next start") {
  const Folder folder;
  const std::string path = folder / "book";
  const auto open = [&] { return addrbook::detail::sqlite_books(path, {}); };
  const auto left = [&] {
    long long entries = 0;
    long long removed = 0;
    const auto session = addrbook::detail::SqliteEngine::open(path);
    *session << "SELECT (SELECT COUNT(*) FROM addrbook_entries), "
                "(SELECT COUNT(*) FROM addrbook_removed) + (SELECT COUNT(*) FROM addrbook_search) "
                "- (SELECT COUNT(*) FROM addrbook_entries) + (SELECT COUNT(*) FROM "
                "addrbook_tombstones)",
        soci::into(entries), soci::into(removed);
    return std::to_string(entries) + ", " + std::to_string(removed);
  };
  {
    const auto books = open();
    for (const char* const name : {"kept", "gone", "left"}) {
      const auto store = books->create(name).store;
      std::vector<addrbook::Write> writes;
      for (std::uint64_t i = 0; i < 2500; ++i) writes.push_back(put(std::to_string(i), i));
      CHECK(store->commit({writes}).done());
      for (auto& write : writes) write.document.reset();
      CHECK(store->commit({writes}).done());
      for (auto& write : writes) write.document = test::numbered(1);
      CHECK(store->commit({writes}).done());
      const auto long_text =
          addrbook::Document::parse("{\"t\":\"" + std::string(700'000, 'x') + "\"}");
      CHECK(store->commit({{{"x", long_text, {}}, {"y", long_text, {}}, {"z", long_text, {}}}})
                .done());
    }
    CHECK(left() == "7509, 7500");
    CHECK(books->remove("gone") == addrbook::BookStore::Removal::done);
    books->wait_for_sweeper();
    CHECK(left() == "5006, 5000");
  }
  // As a kill would leave it.
  Other(path).run(
      "INSERT INTO addrbook_removed SELECT number FROM addrbook_books WHERE name = 'left'; "
      "DELETE FROM addrbook_books WHERE name = 'left'");
  {
    const auto books = open();
    books->wait_for_sweeper();
    CHECK(left() == "2503, 2500");
    CHECK(books->open("kept")->page(0, test::limit_of(SIZE_MAX)).entries.size() == 2503);
  }
  // It ends with its books, whatever is left.
  {
    const auto books = open();
    CHECK(books->remove("kept") == addrbook::BookStore::Removal::done);
  }
  open()->wait_for_sweeper();
  CHECK(left() == "0, 0");
}

TEST_CASE("sqlite: a number is not used again") {
  const Folder folder;
  const std::string path = folder / "book";
  const auto epoch_of_new = [&] {
    const auto books = addrbook::open_sqlite_books(path);
    if (books->find("a")) books->remove("a");
    return books->create("a").book->state().epoch;
  };
  CHECK(epoch_of_new() != epoch_of_new());
  long long number = 0;
  *addrbook::detail::SqliteEngine::open(path) << "SELECT number FROM addrbook_books",
      soci::into(number);
  CHECK(number == 2);
  Other(path).run("UPDATE addrbook_store SET last_number = 8388607");
  const auto books = addrbook::open_sqlite_books(path);
  CHECK(error_of([&] { books->create("b"); }) ==
        "full: Insufficient Storage: the numbers of books are used up");
  CHECK_FALSE(books->create("a").is_new);
}

TEST_CASE("sqlite: a backup of a book of an older version can be restored, and is migrated") {
  const Folder folder;
  backup_sqlite(ADDRBOOK_SOURCE_DIR "/tests/data/book-v1.sqlite", folder / "copy");
  restore_sqlite(folder / "copy", folder / "book");
  const auto store = open_sqlite(folder / "book");
  CHECK(store->state().count == 3);
  CHECK(store->state().revision == 6);
  CHECK(store->state().epoch != 0x0123456789abcdefU);
}

TEST_CASE("sqlite: a backup is of one moment, during writes") {
  const Folder folder;
  const auto store = open_sqlite(folder / "book");
  store->commit({{put("left", 0), put("right", 0)}});
  std::atomic<std::uint64_t> written{0};
  std::atomic<bool> is_over{false};
  std::vector<std::thread> writers;
  for (int t = 0; t < 2; ++t) {
    writers.emplace_back([&, t] {
      for (std::uint64_t i = 1; !is_over; ++i) {
        store->commit({{put("left", i), put("right", i),
                        put("more-" + std::to_string(t) + "-" + std::to_string(i), i)}});
        ++written;
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    CAPTURE(i);
    const std::string copy = folder / ("copy" + std::to_string(i));
    const auto before = store->state();
    const auto written_before = written.load();
    backup_sqlite(folder / "book", copy);
    const auto after = store->state();
    // There were writes during the backup.
    while (written.load() == written_before) std::this_thread::yield();
    const auto book = open_sqlite(copy);
    const auto state = book->state();
    CHECK(state.epoch == before.epoch);
    CHECK(state.revision >= before.revision);
    CHECK(state.revision <= after.revision);
    const auto page = book->page(0, test::limit_of(SIZE_MAX));
    CHECK(page.entries.size() == state.count);
    CHECK(book->find("left").value().document == book->find("right").value().document);
    CHECK(state.revision == 2 + 3 * (state.count - 2));
  }
  is_over = true;
  for (auto& writer : writers) writer.join();
}

TEST_CASE("sqlite: a restored book has the backup's entries and an epoch of its own") {
  const Folder folder;
  make_book(folder / "book");
  const auto epoch = open_sqlite(folder / "book")->state().epoch;
  backup_sqlite(folder / "book", folder / "copy");
  open_sqlite(folder / "book")->commit({{put("later", 1)}});
  restore_sqlite(folder / "copy", folder / "restored");
  restore_sqlite(folder / "copy", folder / "again");
  const auto store = open_sqlite(folder / "restored");
  CHECK(store->state().epoch != epoch);
  CHECK(store->state().epoch != open_sqlite(folder / "again")->state().epoch);
  CHECK(store->state().revision == 3);
  CHECK(store->state().count == 3);
  CHECK_FALSE(store->find("later"));
  CHECK(store->find("id-2").value().revision == 2);
}

TEST_CASE("sqlite: a backup and a restore overwrite nothing and leave no partial file") {
  const Folder folder;
  make_book(folder / "book");
  make_book(folder / "other");
  std::ofstream(folder / "text") << "mine";
  const auto before = folder.content();
  const std::string there = "': already exists";
  for (const char* const name : {"other", "text", "book"}) {
    CAPTURE(name);
    const auto refused = error_of([&] { backup_sqlite(folder / "book", folder / name); });
    CHECK(begins(refused, "storage: '"));
    CHECK(refused.find(there) != std::string::npos);
  }
  CHECK(error_of([&] { restore_sqlite(folder / "book", folder / "other"); }).find(there) !=
        std::string::npos);
  CHECK(begins(error_of([&] { restore_sqlite(folder / "book", folder / "text"); }), "storage: "));
  CHECK(error_of([&] { backup_sqlite(folder / "none", folder / "copy"); }).find("is missing") !=
        std::string::npos);
  CHECK(error_of([&] { restore_sqlite(folder / "none", folder / "new"); }).find("is missing") !=
        std::string::npos);
  CHECK(begins(error_of([&] { backup_sqlite(folder / "book", folder / "none/copy"); }),
               "storage: '" + fs::canonical(folder.path()).string() + "/none/copy'"));
  CHECK(before == folder.content());
}

TEST_CASE("sqlite: a book is made, backed up and restored where there are no hard links") {
  for (const auto calls :
       {test::RefusedCalls::hard_links, test::RefusedCalls::hard_links_and_flags_of_rename}) {
    const Folder folder;
    std::string error;
    test::run_with(calls, [&] {
      error = error_of([&] {
        make_book(folder / "book");
        backup_sqlite(folder / "book", folder / "copy");
        restore_sqlite(folder / "copy", folder / "restored");
      });
    });
    CHECK(error == "nothing");
    CHECK(open_sqlite(folder / "restored")->state().count == 3);
  }
}

TEST_CASE(
    "sqlite: while another program writes to the file, commits wait, then fail; reads succeed") {
  const Folder folder;
  test::FaultyFiles files;
  const auto store = open_sqlite(folder / "book");
  store->commit({{put("a", 1)}});
  Other other(folder / "book");
  other.run("BEGIN IMMEDIATE");
  CHECK(store->find("a"));
  CHECK(store->page(0, {}).entries.size() == 1);
  CHECK(begins(error_of([&] { store->commit({{put("a", 2)}}); }), "storage: "));
  CHECK(store->find("a").value().document == test::numbered(1));
  const auto before = files.lock_attempts();
  std::thread late([&] {
    // Not before the commit has tried to get the lock more than once.
    while (files.lock_attempts() < before + 5) std::this_thread::yield();
    other.run("ROLLBACK");
  });
  CHECK(store->commit({{put("a", 3)}}).base == 1);
  late.join();
}

TEST_CASE("sqlite: a file that is moved away is an error, and is used again when it is back") {
  const Folder folder;
  fs::create_directory(folder / "old");
  addrbook::SqliteOptions options;
  options.entry_cache_bytes = 0;
  const auto store = open_sqlite(folder / "book", options);
  store->commit({{put("a", 1)}});
  fs::rename(folder / "book", folder / "old/book");
  const std::string missed = "has been moved, deleted or replaced";
  const auto check_missed = [&] {
    const auto failures = test::run_parallel(10, [&](std::size_t) {
      for (const auto& error : {error_of([&] { static_cast<void>(store->page(0, {})); }),
                                error_of([&] { store->commit({{put("b", 2)}}); })}) {
        if (error.find(missed) == std::string::npos) throw std::runtime_error(error);
      }
      // From the open file, or an error.
      const auto error = error_of([&] {
        if (store->find("none") || !store->find("a")) throw std::runtime_error("wrong");
      });
      if (error != "nothing" && !begins(error, "storage: ")) throw std::runtime_error(error);
    });
    CHECK(failures == "");
  };
  check_missed();
  CHECK_FALSE(fs::exists(folder / "book"));
  make_book(folder / "other");
  fs::rename(folder / "other", folder / "book");
  check_missed();
  fs::rename(folder / "old/book", folder / "book");
  CHECK(store->find("a").value().document == test::numbered(1));
  CHECK(store->commit({{put("b", 2)}}).base == 1);
}

TEST_CASE("sqlite: a log that is moved, deleted or replaced is an error, and nothing is lost") {
  for (const char* const suffix : {"-wal", "-shm"}) {
    CAPTURE(suffix);
    const Folder folder;
    const std::string part = folder / "book" + suffix;
    auto store = open_sqlite(folder / "book");
    store->commit({{put("a", 1)}});
    const auto check_missed = [&] {
      const std::string missed = part + "' has been moved, deleted or replaced";
      CHECK(error_of([&] { static_cast<void>(store->page(0, {})); }).find(missed) !=
            std::string::npos);
      CHECK(error_of([&] { store->commit({{put("b", 2)}}); }).find(missed) != std::string::npos);
      CHECK(store->find("a"));
    };
    fs::rename(part, folder / "away");
    check_missed();
    fs::rename(folder / "away", part);
    CHECK(store->commit({{put("c", 3)}}).base == 1);
    SUBCASE("deleted") {
      fs::remove(part);
    }
    SUBCASE("replaced") {
      fs::rename(part, folder / "away");
      std::ofstream(part).flush();
    }
    check_missed();
    // As a kill would leave the book: without the log, it has all that was committed.
    fs::copy_file(folder / "book", folder / "killed");
    CHECK(open_sqlite(folder / "killed")->state().count == 2);
    store.reset();
    store = open_sqlite(folder / "book");
    CHECK(store->state().count == 2);
    CHECK(store->commit({{put("d", 4)}}).done());
  }
}

TEST_CASE("sqlite: every commit is synced before it returns") {
  const Folder folder;
  test::FaultyFiles files;
  const auto store = open_sqlite(folder / "book");
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto before = files.syncs();
    store->commit({{put("a", i)}});
    REQUIRE(files.syncs() > before);
  }
}

// Each kind of operation on a file fails at each time.
TEST_CASE("sqlite: a failing disk gives errors, no loss and no wrong answer") {
  using Kind = test::FaultyFiles::Kind;
  struct Fault {
    Kind kind;
    int code;
    std::string error;
  };
  for (const Fault& fault : {Fault{Kind::write, SQLITE_IOERR_WRITE, "storage: "},
                             Fault{Kind::write, SQLITE_FULL, "full: Insufficient Storage"},
                             Fault{Kind::sync, SQLITE_IOERR_FSYNC, "storage: "},
                             Fault{Kind::read, SQLITE_IOERR_READ, "storage: "}}) {
    CAPTURE(fault.code);
    const Folder folder;
    test::FaultyFiles files;
    addrbook::SqliteOptions options;
    options.connections = 2;
    options.entry_cache_bytes = 0;
    options.page_cache_bytes = 0;
    auto store = open_sqlite(folder / "book", options);
    std::map<std::string, std::uint64_t> expected;
    const std::string filling(20'000, 'x');  // takes pages of its own
    const auto commit = [&](std::uint64_t number) {
      const auto document = addrbook::Document::parse("{\"n\":" + std::to_string(number) +
                                                      ",\"x\":\"" + filling + "\"}");
      const std::string id = "id-" + std::to_string(number % 7);
      store->commit({{{id, document, {}}, put("last", number)}});
      expected[id] = number;
    };
    const auto check = [&] {
      for (const auto& [id, number] : expected) {
        const auto entry = store->find(id);
        REQUIRE(entry);
        REQUIRE(entry->document.json()["n"] == number);
      }
      const auto page = store->page(0, test::limit_of(SIZE_MAX));
      REQUIRE(page.entries.size() == page.state.count);
    };
    for (std::uint64_t i = 0; i < 10; ++i) commit(i);
    std::uint64_t number = 10;
    int failures = 0;
    bool is_past_all = false;
    for (int nth = 1; !is_past_all && nth < 200; ++nth) {
      CAPTURE(nth);
      const auto state = store->state();
      files.fail(fault.kind, nth, fault.code);
      std::set<std::string> errors;
      // A read is right or an error.
      for (const char* const id : {"id-3", "none"}) {
        errors.insert(error_of([&] {
          const auto entry = store->find(id);
          if (entry.has_value() != (std::string(id) == "id-3")) throw std::runtime_error("wrong");
        }));
      }
      errors.insert(error_of([&] { static_cast<void>(store->page(0, {})); }));
      const std::string refused = error_of([&] { commit(number); });
      errors.insert(refused);
      is_past_all = !files.has_failed();
      files.heal();
      // After a fault a connection is made anew, and if that has failed too, a moment later.
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
      while (error_of([&] { static_cast<void>(store->find("none")); }) != "nothing") {
        REQUIRE(std::chrono::steady_clock::now() < end);
      }
      for (const std::string& error : errors) {
        if (error == "nothing") continue;
        ++failures;
        CHECK(begins(error, fault.error));
      }
      // A refused write is not there, also after the book is opened again.
      if (nth % 3 == 0) {
        store.reset();
        store = open_sqlite(folder / "book", options);
      }
      check();
      CHECK(store->state().revision == state.revision + (refused == "nothing" ? 2U : 0U));
      ++number;
      commit(number++);  // it works again
      check();
    }
    CHECK(is_past_all);
    CHECK(failures > 0);
  }
}
