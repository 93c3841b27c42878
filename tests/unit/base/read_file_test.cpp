#include <addrbook/base/read_file.hpp>

#include <support/process.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <system_error>

using addrbook::detail::read_file;

namespace {

std::error_code failure(const std::string& path) {
  try {
    static_cast<void>(read_file(path));
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

}  // namespace

TEST_CASE("read_file: all bytes, or why not") {
  const test::TempFolder folder;
  const std::string file = (folder.path() / "file").string();
  CHECK(failure(file) == std::errc::no_such_file_or_directory);
  CHECK(failure("") == std::errc::no_such_file_or_directory);
  CHECK(failure(folder.path().string()) == std::errc::is_a_directory);
  std::ofstream(file, std::ios::binary) << "";
  CHECK(read_file(file).empty());
  const std::string bytes("a\r\n\0b", 5);
  std::ofstream(file, std::ios::binary) << bytes;
  CHECK(read_file(file) == bytes);
}
