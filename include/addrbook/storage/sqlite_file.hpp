/// SqliteFile: the file of a book in SQLite: its name, what it must be, and how a new one is made.
/// POSIX; does not use SQLite.
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/error.hpp>
#include <addrbook/storage/sqlite_open_books.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace addrbook::detail {

/// The file of a book in SQLite.
class SqliteFile {
 public:
  /// Marks the file's header, so that another program's file is not taken for a book.
  static constexpr std::uint32_t application_id = 0x41445242;  // "ADRB"

  /// @throws Error{invalid} a path that can't be used | Error{storage}
  explicit SqliteFile(const std::string& path);

  /// The absolute path without symbolic links: one book has one name, and so one lock. A link to
  /// nothing yet stands for the file that it names, as it does for SQLite.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// @throws Error{storage}
  [[noreturn]] void fail(const std::string& reason,
                         SourceLine thrown_at = SourceLine::here()) const {
    throw Error(Errc::storage, "'" + path_ + "': " + reason, thrown_at);
  }
  [[noreturn]] void fail_by_errno(const std::string& what,
                                  SourceLine thrown_at = SourceLine::here()) const {
    fail(what + ": " + std::generic_category().message(errno), thrown_at);
  }

  /// Reads the header before SQLite does, because SQLite would change another program's database.
  /// @returns whether the file exists
  /// @throws Error{storage} if it is not an address book
  [[nodiscard]] bool exists() const;

  /// Makes the file: gives `fill` the name of an empty file, and renames that once it is complete
  /// and on the disk. Needs no hard links: FAT, exFAT and several FUSE file systems have none.
  /// @throws Error{storage} if the file exists
  template <class Fill>
  void make(Fill fill) const;

  /// Removes what make() has left where it was killed. Only that: files of others, whatever their
  /// names, and those that are being made now, stay.
  void remove_leftovers() const;

  /// @throws Error{storage} if the file has two names (hard links). SQLite keeps its log by the
  ///         name: by the other one, what was written last would be missing.
  void check_only_name() const;

  /// @returns why SQLite, which needs to write beside the book even to read it, can't; "" if it can
  [[nodiscard]] static std::string hindrance(const std::string& path);

  /// @returns the connection string of a file for SOCI
  /// @throws Error{invalid} if there is none
  [[nodiscard]] static std::string connect_string(const std::string& path);

 private:
  // What follows the name of a book in that of a file that is to become it, before mkstemp()'s.
  static constexpr const char* unfinished = ".addrbook-";

  static Descriptor make_unfinished(std::string& name);
  void take_name(const std::string& made) const;

  std::string path_;
};

// ---------------------------------------------------------------------------------------------

inline SqliteFile::SqliteFile(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    throw Error(Errc::invalid, "a file's name must not be empty or hold NUL");
  }
  std::error_code error;
  auto resolved = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  constexpr int max_links = 40;  // as the kernel
  for (int links = 0; !error && std::filesystem::is_symlink(resolved, error); ++links) {
    const auto target = std::filesystem::read_symlink(resolved, error);
    if (links == max_links) error = std::make_error_code(std::errc::too_many_symbolic_link_levels);
    if (error) break;
    resolved = std::filesystem::weakly_canonical(resolved.parent_path() / target, error);
  }
  path_ = resolved.string();
  for (const std::string_view suffix : {"-wal", "-shm", "-journal", "-lock"}) {
    const std::string_view name = path_;
    if (name.size() >= suffix.size() && name.substr(name.size() - suffix.size()) == suffix) {
      throw Error(Errc::invalid, "'" + path + "': names that end in '" + std::string(suffix) +
                                     "' are for files beside a book");
    }
  }
  // is_symlink() also reports that there is nothing.
  if (error && error != std::errc::no_such_file_or_directory) {
    throw Error(Errc::storage, "'" + path + "': " + error.message());
  }
  static_cast<void>(connect_string(path_));
}

inline std::string SqliteFile::hindrance(const std::string& path) {
  std::string name = std::filesystem::absolute(path).string();
  const Descriptor probe = make_unfinished(name);
  bool is_full = !probe && (errno == ENOSPC || errno == EDQUOT);
  if (probe) {
    const std::string filling(32768, ' ');  // the size of a file with '-shm'
    const auto written = ::write(probe.get(), filling.data(), filling.size());
    is_full = written != static_cast<ssize_t>(filling.size());
    ::unlink(name.c_str());
  }
  if (is_full) return "there is no room on the disk";
  if (probe || (errno != EROFS && errno != EACCES)) return "";
  return "its folder can't be written to (" + std::generic_category().message(errno) +
         "), and SQLite needs its files with '-wal' and '-shm' there, even to read; copy the book, "
         "and its '-wal' file if there is one, to another folder";
}

// SOCI splits a string that holds '=' at each '=' and ' '.
inline std::string SqliteFile::connect_string(const std::string& path) {
  if (path.find('=') == std::string::npos) return path;
  if (path.find('"') != std::string::npos) {
    throw Error(Errc::invalid, "'" + path + "': a path can't have both '=' and '\"'");
  }
  return "db=\"" + path + "\"";
}

inline void SqliteFile::check_only_name() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) fail_by_errno("can't be looked at");
  if (status.st_nlink > 1) {
    fail(
        "has a second name (a hard link), and SQLite would take each for a book of its own; remove "
        "that name, or copy the file");
  }
}

inline bool SqliteFile::exists() const {
  if (const auto id = FileId::of(path_); id && OpenBooks::has(*id)) return true;
  // O_NONBLOCK: if it is a FIFO, open() would wait for a writer.
  const Descriptor file(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    if (errno != ENOENT) fail_by_errno("can't be opened");
    for (const char* const suffix : {"-wal", "-journal"}) {
      if (std::filesystem::exists(path_ + suffix)) {
        fail(std::string("is missing, but there is a '").append(suffix).append("' file of it"));
      }
    }
    return false;
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail_by_errno("can't be looked at");
  if (!S_ISREG(status.st_mode)) fail("not a file");
  // https://www.sqlite.org/fileformat.html, 1.3
  constexpr std::string_view magic("SQLite format 3\0", 16);
  constexpr std::size_t id_at = 68;
  std::array<unsigned char, 100> header{};
  const auto size = ::pread(file.get(), header.data(), header.size(), 0);
  if (size < 0) fail_by_errno("can't be read");
  const std::string_view beginning(reinterpret_cast<const char*>(header.data()), magic.size());
  std::uint32_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) id = (id << 8U) | header[id_at + i];
  if (static_cast<std::size_t>(size) < header.size() || beginning != magic ||
      id != application_id) {
    fail("not an address book");
  }
  return true;
}

// Makes an empty file and completes its name, which begins with the book's. The lock tells other
// makers that it is not a leftover. The descriptor is kept until the file is complete: to close it
// would drop the locks of SQLite.
inline Descriptor SqliteFile::make_unfinished(std::string& name) {
  const std::string pattern = name + unfinished + "XXXXXX";
  while (true) {
    name = pattern;
    Descriptor made(::mkostemp(name.data(), O_CLOEXEC));  // mode 0600
    if (!made) return made;
    struct stat status {};
    // Where files can't be locked nobody takes this for a leftover.
    const bool is_ours = ::flock(made.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    if (::fstat(made.get(), &status) != 0) return {};
    if (is_ours && status.st_nlink != 0) return made;  // else it was taken for a leftover
  }
}

inline void SqliteFile::remove_leftovers() const {
  namespace fs = std::filesystem;
  const fs::path path(path_);
  const std::string beginning = path.filename().string() + unfinished;
  constexpr std::size_t random_size = 6;
  std::error_code error;
  for (fs::directory_iterator at(path.parent_path(), error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.compare(0, beginning.size(), beginning) != 0 ||
        name.size() != beginning.size() + random_size) {
      continue;
    }
    const std::string left = at->path().string();
    const Descriptor file(::open(left.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_uid != ::geteuid() || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      continue;
    }
    ::unlink(left.c_str());
    ::unlink((left + "-journal").c_str());
  }
}

// Gives a file that is made the name of the book, which replaces nothing.
inline void SqliteFile::take_name(const std::string& made) const {
  const auto refuse = [this] {
    if (errno == EEXIST) fail("already exists");
    fail_by_errno("can't be made");
  };
#ifdef RENAME_NOREPLACE
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) return;
  if (errno == EEXIST) refuse();
#endif
  // The file system may be unable to do both at once, and has several ways to say so. An empty file
  // keeps the name free of others' files.
  constexpr mode_t owner_only = 0600;
  if (!Descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, owner_only))) {
    refuse();
  }
  if (::rename(made.c_str(), path_.c_str()) == 0) return;
  const int error = errno;
  ::unlink(path_.c_str());
  errno = error;
  refuse();
}

template <class Fill>
void SqliteFile::make(Fill fill) const {
  if (::access(path_.c_str(), F_OK) == 0) fail("already exists");
  remove_leftovers();
  std::string name = path_;
  const Descriptor made = make_unfinished(name);
  if (!made) fail_by_errno("can't be made");
  struct Remover : private Pinned {
    explicit Remover(const std::string& to_remove) : name(to_remove) {}
    ~Remover() {
      ::unlink(name.c_str());
      ::unlink((name + "-journal").c_str());
    }
    const std::string& name;
  };
  const Remover remover(name);
  fill(name);
  if (::fsync(made.get()) != 0) fail_by_errno("can't be written");
  take_name(name);
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) fail_by_errno("can't be written");
}

}  // namespace addrbook::detail
