/// FileId, OpenBooks: which files this process has open as books. POSIX.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <tuple>

namespace addrbook::detail {

/// Identifies a file, whatever its name.
struct FileId {
  dev_t device = 0;
  ino_t number = 0;

  /// @returns nothing if there is no file, or it can't be looked at
  [[nodiscard]] static std::optional<FileId> of(const std::string& path) noexcept {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return FileId{status.st_dev, status.st_ino};
  }
  friend bool operator==(const FileId& a, const FileId& b) noexcept {
    return a.device == b.device && a.number == b.number;
  }
  friend bool operator<(const FileId& a, const FileId& b) noexcept {
    return std::tie(a.device, a.number) < std::tie(b.device, b.number);
  }
};

/// The files that this process has open as books. To close any descriptor of such a file would drop
/// the locks that SQLite has of it (fcntl(2): they belong to the process), so nothing else opens
/// it.
/// @par Thread safety  any thread.
class OpenBooks {
 public:
  /// @returns false if it is open already
  static bool add(const FileId& id) {
    const std::lock_guard lock(mutex());
    return ids().insert(id).second;
  }
  static void remove(const FileId& id) noexcept {
    const std::lock_guard lock(mutex());
    ids().erase(id);
  }
  [[nodiscard]] static bool has(const FileId& id) {
    const std::lock_guard lock(mutex());
    return ids().count(id) != 0;
  }

 private:
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  static std::set<FileId>& ids() {
    static std::set<FileId> ids;
    return ids;
  }
};

}  // namespace addrbook::detail
