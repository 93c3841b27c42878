#include <addrbook/storage/sqlite_open_books.hpp>

#include <support/process.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace fs = std::filesystem;
using addrbook::detail::FileId;
using addrbook::detail::OpenBooks;

TEST_CASE("sqlite_open_books: a file is the same by each of its names, and a copy is another one") {
  const test::TempFolder folder;
  const std::string book = (folder.path() / "book").string();
  const std::string link = (folder.path() / "link").string();
  const std::string copy = (folder.path() / "copy").string();
  CHECK_FALSE(FileId::of(book));
  std::ofstream(book).flush();
  std::ofstream(copy).flush();
  fs::create_hard_link(book, link);
  const auto id = FileId::of(book).value();
  CHECK(FileId::of(link) == id);
  CHECK_FALSE(FileId::of(copy) == id);
  CHECK((FileId::of(copy).value() < id) != (id < FileId::of(copy).value()));

  CHECK_FALSE(OpenBooks::has(id));
  CHECK(OpenBooks::add(id));
  CHECK_FALSE(OpenBooks::add(FileId::of(link).value()));
  CHECK(OpenBooks::has(id));
  CHECK_FALSE(OpenBooks::has(FileId::of(copy).value()));
  OpenBooks::remove(id);
  CHECK_FALSE(OpenBooks::has(id));
}
