/// Descriptor: a file descriptor that is closed with its owner. POSIX.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace addrbook::detail {

/// Owns a file descriptor, or none (-1).
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : descriptor_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  explicit operator bool() const noexcept { return descriptor_ >= 0; }

  /// Gives up ownership. @returns the descriptor, which the caller must close
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

  /// Closes the descriptor and takes over `next`. Leaves errno as it is.
  void reset(int next = -1) noexcept {
    const int old = std::exchange(descriptor_, next);
    if (old < 0) return;
    const int error = errno;
    ::close(old);
    errno = error;
  }

 private:
  int descriptor_ = -1;
};

}  // namespace addrbook::detail
