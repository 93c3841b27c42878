/// SQLite files that fail on demand: a VFS (sqlite.org/vfs.html) on top of the system's.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

namespace test {

/// While it exists, it provides the files that SQLite opens. There is one at a time, and all files
/// are closed before it is destroyed.
/// @par Thread safety  any thread.
class FaultyFiles {
 public:
  enum class Kind { read, write, sync };

  FaultyFiles() : system_(::sqlite3_vfs_find(nullptr)), vfs_(*system_) {
    current() = this;
    vfs_.zName = "faulty";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + system_->szOsFile;
    vfs_.xOpen = open;
    if (::sqlite3_vfs_register(&vfs_, 1) != SQLITE_OK) throw std::runtime_error("no VFS");
  }
  FaultyFiles(const FaultyFiles&) = delete;
  FaultyFiles& operator=(const FaultyFiles&) = delete;
  ~FaultyFiles() {
    ::sqlite3_vfs_register(system_, 1);
    ::sqlite3_vfs_unregister(&vfs_);
    current() = nullptr;
  }

  /// Makes operations of a kind fail, from the `nth` one from now on, until heal().
  /// @param code  of SQLite, e.g. SQLITE_IOERR_WRITE
  void fail(Kind kind, int nth, int code) {
    heal();
    code_ = code;
    kind_ = kind;
    left_ = nth;
  }
  void heal() { left_ = none; }
  /// Whether one has failed since the last fail().
  [[nodiscard]] bool has_failed() const { return left_ <= 0; }
  /// The number of attempts to get a lock.
  [[nodiscard]] std::size_t lock_attempts() const { return lock_attempts_; }
  /// The number of syncs.
  [[nodiscard]] std::size_t syncs() const { return syncs_; }

 private:
  static constexpr int none = 1'000'000'000;

  // SQLite's handle of a file. The system's handle follows it in memory.
  struct File : sqlite3_file {
    [[nodiscard]] sqlite3_file* inner() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  static File* of(sqlite3_file* file) { return static_cast<File*>(file); }
  static FaultyFiles*& current() {
    static FaultyFiles* files = nullptr;
    return files;
  }

  int fate(Kind kind) {
    if (kind == Kind::sync) ++syncs_;
    if (kind != kind_.load() || left_ == none) return SQLITE_OK;
    return --left_ <= 0 ? code_.load() : SQLITE_OK;
  }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* got) {
    File* const own = of(file);
    own->pMethods = nullptr;
    sqlite3_vfs* const system = current()->system_;
    const int result = system->xOpen(system, name, own->inner(), flags, got);
    if (result == SQLITE_OK) own->pMethods = &methods();
    return result;
  }

  static const sqlite3_io_methods& methods() {
    static const sqlite3_io_methods methods = make_methods();
    return methods;
  }
  static sqlite3_io_methods make_methods() {
    sqlite3_io_methods m{};
    m.iVersion = 2;
    m.xClose = [](sqlite3_file* f) { return in(f).xClose(of(f)->inner()); };
    m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
      const int fate = current()->fate(Kind::read);
      return fate != SQLITE_OK ? fate : in(f).xRead(of(f)->inner(), to, size, at);
    };
    m.xWrite = [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
      const int fate = current()->fate(Kind::write);
      return fate != SQLITE_OK ? fate : in(f).xWrite(of(f)->inner(), from, size, at);
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      return in(f).xTruncate(of(f)->inner(), size);
    };
    m.xSync = [](sqlite3_file* f, int flags) {
      const int fate = current()->fate(Kind::sync);
      return fate != SQLITE_OK ? fate : in(f).xSync(of(f)->inner(), flags);
    };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      return in(f).xFileSize(of(f)->inner(), size);
    };
    m.xLock = [](sqlite3_file* f, int lock) { return in(f).xLock(of(f)->inner(), lock); };
    m.xUnlock = [](sqlite3_file* f, int lock) { return in(f).xUnlock(of(f)->inner(), lock); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* result) {
      return in(f).xCheckReservedLock(of(f)->inner(), result);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
      return in(f).xFileControl(of(f)->inner(), op, arg);
    };
    m.xSectorSize = [](sqlite3_file* f) { return in(f).xSectorSize(of(f)->inner()); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) {
      return in(f).xDeviceCharacteristics(of(f)->inner());
    };
    m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** to) {
      return in(f).xShmMap(of(f)->inner(), page, size, extend, to);
    };
    m.xShmLock = [](sqlite3_file* f, int at, int n, int flags) {
      ++current()->lock_attempts_;
      return in(f).xShmLock(of(f)->inner(), at, n, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) { in(f).xShmBarrier(of(f)->inner()); };
    m.xShmUnmap = [](sqlite3_file* f, int remove) {
      return in(f).xShmUnmap(of(f)->inner(), remove);
    };
    return m;
  }
  static const sqlite3_io_methods& in(sqlite3_file* file) { return *of(file)->inner()->pMethods; }

  sqlite3_vfs* system_;
  sqlite3_vfs vfs_;
  std::atomic<Kind> kind_{Kind::read};
  std::atomic<int> left_{none};
  std::atomic<int> code_{SQLITE_OK};
  std::atomic<std::size_t> lock_attempts_{0};
  std::atomic<std::size_t> syncs_{0};
};

}  // namespace test
