#include <addrbook/storage/sqlite_file.hpp>

#include <contract/error_of.hpp>
#include <support/addresses.hpp>
#include <support/process.hpp>
#include <support/refused_calls.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace fs = std::filesystem;
using addrbook::detail::SqliteFile;
using test::error_of;

namespace {

struct Folder : test::TempFolder {
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (fs::canonical(path()) / name).string();
  }
};

/// The header of a book's file, as far as SqliteFile reads it.
std::string header() {
  std::string bytes("SQLite format 3\0", 16);
  bytes.resize(100);
  bytes.replace(68, 4, "ADRB");
  return bytes;
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("sqlite_file: a path is absolute and without symbolic links") {
  const Folder folder;
  fs::create_symlink(folder / "book", folder / "link");
  write(folder / "book", header());
  CHECK(SqliteFile(folder / "link").path() == folder / "book");
  CHECK(SqliteFile("relative").path() == (fs::current_path() / "relative").string());
  CHECK(error_of([] { SqliteFile(""); }).rfind("invalid: ", 0) == 0);
  CHECK(error_of([] { SqliteFile(std::string("a\0b", 3)); }).rfind("invalid: ", 0) == 0);
  CHECK(error_of([] { SqliteFile("a=\"b"); }).rfind("invalid: ", 0) == 0);
}

TEST_CASE("sqlite_file: the names of files beside a book are no book's") {
  const Folder folder;
  for (const char* const name : {"book-wal", "book.db-shm", "book-journal", "book-lock", "-wal"}) {
    CAPTURE(name);
    std::string reason;
    try {
      SqliteFile file(folder / name);
    } catch (const addrbook::Error& error) {
      CHECK(error.code() == addrbook::Errc::invalid);
      reason = error.what();
    }
    CHECK(reason.find("are for files beside a book") != std::string::npos);
  }
  CHECK(SqliteFile(folder / "wal").path() == folder / "wal");
  CHECK(SqliteFile(folder / "book-wal.db").path() == folder / "book-wal.db");
}

TEST_CASE("sqlite_file: connection strings") {
  CHECK(SqliteFile::connect_string("/a b") == "/a b");
  CHECK(SqliteFile::connect_string("/a=b c") == "db=\"/a=b c\"");
  CHECK(SqliteFile::connect_string("/a\"b") == "/a\"b");
}

TEST_CASE("sqlite_file: a book is known by its header") {
  const Folder folder;
  const SqliteFile file(folder / "book");
  CHECK_FALSE(file.exists());
  write(file.path(), header());
  CHECK(file.exists());
  std::string other = header();
  other[68] = 'X';
  for (const std::string& bytes :
       {std::string(), header().substr(0, 99), other, "x" + header().substr(1)}) {
    write(file.path(), bytes);
    CHECK(error_of([&] { static_cast<void>(file.exists()); }) ==
          "storage: '" + file.path() + "': not an address book");
  }
  fs::remove(file.path());
  fs::create_directory(file.path());
  CHECK(error_of([&] { static_cast<void>(file.exists()); }) ==
        "storage: '" + file.path() + "': not a file");
}

TEST_CASE("sqlite_file: a missing book with a journal is an error, not a new book") {
  const Folder folder;
  const SqliteFile file(folder / "book");
  for (const char* const suffix : {"-wal", "-journal"}) {
    write(file.path() + suffix, "x");
    CHECK(error_of([&] { static_cast<void>(file.exists()); }).find(suffix) != std::string::npos);
    fs::remove(file.path() + suffix);
  }
  CHECK_FALSE(file.exists());
}

TEST_CASE("sqlite_file: a file that is made is there as a whole or not at all") {
  const Folder folder;
  const SqliteFile file(folder / "book");
  CHECK_THROWS_AS(file.make([](const std::string& name) {
    write(name, "half");
    throw std::runtime_error("no more");
  }),
                  std::runtime_error);
  CHECK(fs::is_empty(folder.path()));
  file.make([&](const std::string& name) {
    write(name, header());
    CHECK_FALSE(fs::exists(file.path()));
  });
  CHECK(test::read_file(file.path()) == header());
  struct stat status {};
  REQUIRE(::stat(file.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600U);
  CHECK(error_of([&] { file.make([](const std::string&) {}); }) ==
        "storage: '" + file.path() + "': already exists");
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("sqlite_file: a file is made without hard links, and never replaces another") {
  for (const auto calls :
       {test::RefusedCalls::none, test::RefusedCalls::hard_links,
        test::RefusedCalls::hard_links_and_flags_of_rename, test::RefusedCalls::all}) {
    CAPTURE(static_cast<int>(calls));
    const Folder folder;
    std::string made;
    std::string refused;
    test::run_with(calls, [&] {
      const SqliteFile file(folder / "book");
      made = error_of([&] { file.make([](const std::string& name) { write(name, header()); }); });
      // Another file gets the name meanwhile.
      const SqliteFile late(folder / "late");
      refused = error_of([&] {
        late.make([&](const std::string& name) {
          write(name, header());
          write(late.path(), "mine");
        });
      });
    });
    CHECK(made == "nothing");
    CHECK(test::read_file(folder / "book") == header());
    CHECK(refused == "storage: '" + (folder / "late") + "': already exists");
    CHECK(test::read_file(folder / "late") == "mine");
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 2);
  }
}

TEST_CASE("sqlite_file: what a killed process has left is removed, and nothing else") {
  const Folder folder;
  const SqliteFile file(folder / "book");
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    file.make([](const std::string& name) {
      write(name, "half");
      write(name + "-journal", "half");
      ::_exit(0);
    });
  }
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  REQUIRE(std::distance(fs::directory_iterator(folder.path()), {}) == 2);
  // Files of others.
  for (const char* const name : {"book.backup", "book.addrbook-1234567", "book.addrbook-12345",
                                 "other.addrbook-123456", "xbook.addrbook-123456", "target"}) {
    write(folder / name, header());
  }
  fs::create_directory(folder / "book.addrbook-folder");
  fs::create_symlink(folder / "target", folder / "book.addrbook-symbol");
  file.make([&](const std::string& name) {
    write(name, header());
    // Another maker of the same file meanwhile.
    CHECK_THROWS_AS(file.make([&](const std::string& second) {
      CHECK(fs::exists(name));
      CHECK(fs::exists(second));
      throw std::runtime_error("no more");
    }),
                    std::runtime_error);
    CHECK(fs::exists(name));
  });
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 9);
  CHECK(test::read_file(folder / "target") == header());
}
