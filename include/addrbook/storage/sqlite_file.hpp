/// SqliteFile, SqliteLock: the files of a book in SQLite, as files: their names, who may write to
/// them, and how a new one comes to be whole.
#pragma once

#include <addrbook/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace addrbook::detail {

/// A file descriptor that is closed with its owner.
class FileHandle {
 public:
  explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;
  FileHandle(FileHandle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileHandle& operator=(FileHandle&&) = delete;
  ~FileHandle() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

/// The files of a book in SQLite: what is done to them as files.
class SqliteFile {
 public:
  /// Names the format in the file's header, so that no other program's file is taken for a book.
  static constexpr std::uint32_t application_id = 0x41445242;  // "ADRB"

  /// @throws Error{invalid} | Error{storage}
  explicit SqliteFile(const std::string& path);

  /// Absolute, and without symbolic links: one book has one name, and so one lock.
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

  /// @returns whether there is one; looks at its header before SQLite does, which would change what
  ///          belongs to another program
  /// @throws Error{storage} if it is no address book
  [[nodiscard]] bool exists() const;

  /// Makes it of what `fill` does to an empty file of another name. It gets its own name when it is
  /// whole and on the disk.
  /// @throws Error{storage} if there is one already
  template <class Fill>
  void make(Fill fill) const;

  /// What SOCI calls it by.
  [[nodiscard]] static std::string connect_string(const std::string& path);

 private:
  std::string path_;
};

/// Keeps other processes, and other stores of this one, from writing to a file. Where there was no
/// lock file there is none again afterwards, if the file turns out to be no book.
class SqliteLock {
 public:
  /// @throws Error{storage} if somebody else has it
  explicit SqliteLock(const SqliteFile& file);
  SqliteLock(const SqliteLock&) = delete;
  SqliteLock& operator=(const SqliteLock&) = delete;
  SqliteLock(SqliteLock&&) = delete;
  SqliteLock& operator=(SqliteLock&&) = delete;
  ~SqliteLock() {
    if (is_new_) ::unlink(name_.c_str());
  }
  /// It is a book.
  void keep() noexcept { is_new_ = false; }

 private:
  const std::string name_;
  std::optional<FileHandle> handle_;
  bool is_new_ = false;
};

// ---------------------------------------------------------------------------------------------

inline SqliteFile::SqliteFile(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    throw Error(Errc::invalid, "a file's name must not be empty or hold NUL");
  }
  std::error_code error;
  path_ = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error).string();
  if (error) throw Error(Errc::storage, "'" + path + "': " + error.message());
  static_cast<void>(connect_string(path_));
}

// SOCI splits what it is given at '=' and ' ', if there is a '=' in it.
inline std::string SqliteFile::connect_string(const std::string& path) {
  if (path.find('=') == std::string::npos) return path;
  if (path.find('"') != std::string::npos) {
    throw Error(Errc::invalid, "'" + path + "': a path can't have both '=' and '\"'");
  }
  return "db=\"" + path + "\"";
}

inline SqliteLock::SqliteLock(const SqliteFile& file) : name_(file.path() + "-lock") {
  constexpr mode_t owner_only = 0600;
  struct stat status {};
  do {
    handle_.emplace(::open(name_.c_str(), O_RDWR | O_CLOEXEC));
    is_new_ = handle_->get() < 0 && errno == ENOENT;
    if (is_new_) {
      handle_.emplace(::open(name_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, owner_only));
    }
    if (handle_->get() < 0) {
      if (errno == ENOENT) file.fail("its folder doesn't exist");
      file.fail_by_errno("can't make its lock file");
    }
    if (::flock(handle_->get(), LOCK_EX | LOCK_NB) != 0) {
      is_new_ = false;
      if (errno == EWOULDBLOCK) file.fail("another server has it open");
      file.fail_by_errno("can't lock it");
    }
    if (::fstat(handle_->get(), &status) != 0) file.fail_by_errno("can't look at its lock file");
  } while (status.st_nlink == 0);  // removed by who had it
}

inline bool SqliteFile::exists() const {
  // Not to wait for a writer, should it be a FIFO.
  const FileHandle file(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
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
  if (!S_ISREG(status.st_mode)) fail("is no file");
  // The header, of which these parts are at the beginning and at byte 68.
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
    fail("is no address book");
  }
  return true;
}

template <class Fill>
void SqliteFile::make(Fill fill) const {
  if (::access(path_.c_str(), F_OK) == 0) fail("is there already");
  std::string name = path_ + ".XXXXXX";
  {
    const FileHandle made(::mkostemp(name.data(), O_CLOEXEC));  // mode 0600
    if (made.get() < 0) fail_by_errno("can't be made");
  }
  struct Remover {
    const std::string& name;
    ~Remover() {
      ::unlink(name.c_str());
      ::unlink((name + "-journal").c_str());
    }
  };
  const Remover remover{name};
  fill(name);
  const FileHandle made(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (made.get() < 0 || ::fsync(made.get()) != 0) fail_by_errno("can't be written");
  if (::link(name.c_str(), path_.c_str()) != 0) {
    if (errno == EEXIST) fail("is there already");
    fail_by_errno("can't be made");
  }
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const FileHandle directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) fail_by_errno("can't be written");
}

}  // namespace addrbook::detail
