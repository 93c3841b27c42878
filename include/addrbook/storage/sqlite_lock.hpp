/// SqliteLock: keeps a book in SQLite from being opened twice. POSIX; does not use SQLite.
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/storage/sqlite_file.hpp>
#include <addrbook/storage/sqlite_open_books.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>

namespace addrbook::detail {

/// Keeps other processes, and other stores of this process, from opening a book: by a lock file,
/// because the book may not exist yet, and by the book's own file, because a lock file can be
/// removed. Removes a lock file that it has made, unless hold() is called: a file that is not a
/// book gets no lock file.
class SqliteLock : private Pinned {
 public:
  /// @throws Error{storage} if the book is open elsewhere
  explicit SqliteLock(const SqliteFile& file);
  /// Comes after the last connection is closed, see OpenBooks.
  ~SqliteLock();
  /// Locks the book itself.
  /// @throws Error{storage} if it is open elsewhere, by whatever name
  void lock_book(const SqliteFile& file);
  /// Leaves the lock file in place: the file is a book.
  void keep() noexcept { is_new_ = false; }

 private:
  const std::string name_;
  Descriptor descriptor_;
  bool is_new_ = false;
  std::optional<FileId> id_;
  Descriptor book_;
};

// ---------------------------------------------------------------------------------------------

inline SqliteLock::SqliteLock(const SqliteFile& file) : name_(file.path() + "-lock") {
  constexpr mode_t owner_only = 0600;
  struct stat status {};
  do {
    descriptor_.reset(::open(name_.c_str(), O_RDWR | O_CLOEXEC));
    is_new_ = !descriptor_ && errno == ENOENT;
    if (is_new_) {
      descriptor_.reset(::open(name_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, owner_only));
    }
    if (!descriptor_) {
      if (errno == ENOENT) file.fail("its folder doesn't exist");
      file.fail_by_errno("can't make its lock file");
    }
    if (::flock(descriptor_.get(), LOCK_EX | LOCK_NB) != 0) {
      is_new_ = false;
      if (errno == EWOULDBLOCK) file.fail("another server has it open");
      file.fail_by_errno("can't lock it");
    }
    if (::fstat(descriptor_.get(), &status) != 0) file.fail_by_errno("can't look at its lock file");
  } while (status.st_nlink == 0);  // removed by its last owner
}

inline SqliteLock::~SqliteLock() {
  if (is_new_) ::unlink(name_.c_str());
  book_.reset();
  if (id_) OpenBooks::remove(*id_);
}

inline void SqliteLock::lock_book(const SqliteFile& file) {
  const auto refuse = [&file] { file.fail("another server has it open"); };
  const auto id = FileId::of(file.path());
  if (!id) file.fail_by_errno("can't be looked at");
  if (!OpenBooks::add(*id)) refuse();
  id_ = id;
  book_.reset(::open(file.path().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!book_) file.fail_by_errno("can't be opened");
#ifdef F_OFD_SETLK
  // The byte behind those that SQLite locks (sqlite.org/fileformat.html, 1.5): its own locks are
  // not disturbed. Unlike those, this one belongs to the descriptor.
  constexpr off_t behind_locks = 0x40000200;
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = behind_locks;
  range.l_len = 1;
  if (::fcntl(book_.get(), F_OFD_SETLK, &range) != 0) {
    if (errno == EAGAIN || errno == EACCES) refuse();
    file.fail_by_errno("can't lock it");
  }
#endif
  file.check_only_name();
}

}  // namespace addrbook::detail
