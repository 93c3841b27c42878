/// LargeWork: what needs many times the memory of a text is done for one large text at a time.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/base/waiting.hpp>

#include <cstddef>
#include <mutex>

namespace addrbook::detail {

/// Holds the process's only turn for large texts. A patch, a schema or a format may need 20 times
/// the memory of a text, and clients can ask for hundreds of them at the same time.
/// @par Thread safety  a thread that has the turn gets it again.
class LargeWork : private Pinned {
 public:
  [[nodiscard]] static constexpr bool is_large(std::size_t bytes) noexcept {
    return bytes > std::size_t{128} * 1024;
  }

  /// Waits for the turn.
  LargeWork() {
    const Waiting waiting;
    turn().lock();
  }
  ~LargeWork() { turn().unlock(); }

 private:
  static std::recursive_mutex& turn() {
    static std::recursive_mutex mutex;
    return mutex;
  }
};

}  // namespace addrbook::detail
