/// LargeWork: what needs many times the memory of a text is done for one large text at a time.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/base/waiting.hpp>

#include <cstddef>
#include <mutex>
#include <optional>

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

  /// Reads what has to be worked on. If that is large, it is let go of, and read again once `turn`
  /// is there: so hundreds that wait for it hold nothing.
  /// @param largest  (what was read) -> the bytes of its largest text
  template <class Read, class Largest>
  [[nodiscard]] static auto read_in_turn(std::optional<LargeWork>& turn, const Read& read,
                                         const Largest& largest) {
    {
      auto found = read();
      if (!is_large(largest(found))) return found;
    }
    turn.emplace();
    return read();
  }

 private:
  static std::recursive_mutex& turn() {
    static std::recursive_mutex mutex;
    return mutex;
  }
};

}  // namespace addrbook::detail
