/// Reading a whole file.
#pragma once

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace addrbook::detail {

/// @returns the bytes of a file
/// @throws std::system_error, whose code says why it can't be read
[[nodiscard]] inline std::string read_file(const std::string& path) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  static_cast<void>(stream.peek());  // a folder can be opened, but not read
  if (!stream.is_open() || stream.bad()) {
    throw std::system_error(errno != 0 ? errno : EIO, std::generic_category());
  }
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace addrbook::detail
