#include <addrbook/storage/sqlite_lock.hpp>

#include <contract/error_of.hpp>
#include <support/process.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace fs = std::filesystem;
using addrbook::detail::FileId;
using addrbook::detail::OpenBooks;
using addrbook::detail::SqliteFile;
using addrbook::detail::SqliteLock;
using test::error_of;

namespace {

struct Folder : test::TempFolder {
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (fs::canonical(path()) / name).string();
  }
};

}  // namespace

TEST_CASE("sqlite_lock: a book is locked by its file too, whatever its name") {
  const Folder folder;
  const SqliteFile file(folder / "book");
  const SqliteFile link(folder / "link");
  const auto refused = [](const SqliteFile& it) {
    return error_of([&] {
      SqliteLock lock(it);
      lock.lock_book(it);
    });
  };
  std::ofstream(file.path()) << "a book";
  {
    SqliteLock lock(file);
    lock.lock_book(file);
    lock.keep();
    fs::remove(folder / "book-lock");
    fs::create_hard_link(file.path(), link.path());
    // By this process, and by another one.
    for (const auto& it : {file, link}) {
      CHECK(refused(it) == "storage: '" + it.path() + "': another server has it open");
      const pid_t child = ::fork();
      REQUIRE(child >= 0);
      if (child == 0) {
        if (const auto id = FileId::of(it.path())) {
          OpenBooks::remove(*id);  // as if it hadn't opened the book itself
        }
        ::_exit(refused(it).find("another server has it open") == std::string::npos ? 1 : 0);
      }
      int status = 0;
      REQUIRE(::waitpid(child, &status, 0) == child);
      CHECK(status == 0);
    }
  }
  CHECK(refused(link).find("has a second name (a hard link)") != std::string::npos);
  CHECK(refused(file).find("has a second name (a hard link)") != std::string::npos);
  fs::remove(link.path());
  CHECK(refused(file) == "nothing");
}

TEST_CASE("sqlite_lock: a lock is held once, and its file goes unless it is kept") {
  const Folder folder;
  const SqliteFile file(folder / "book");
  {
    const SqliteLock lock(file);
    CHECK(fs::exists(folder / "book-lock"));
    CHECK(error_of([&] { const SqliteLock second(file); }) ==
          "storage: '" + file.path() + "': another server has it open");
    CHECK(fs::exists(folder / "book-lock"));
  }
  CHECK_FALSE(fs::exists(folder / "book-lock"));
  {
    SqliteLock lock(file);
    lock.keep();
  }
  CHECK(fs::exists(folder / "book-lock"));
  { const SqliteLock lock(file); }
  CHECK(fs::exists(folder / "book-lock"));
  const SqliteFile nowhere(folder / "missing/book");
  CHECK(error_of([&] { const SqliteLock lock(nowhere); }) ==
        "storage: '" + nowhere.path() + "': its folder doesn't exist");
}
