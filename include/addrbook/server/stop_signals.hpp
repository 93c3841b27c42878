/// StopSignals: waits for SIGINT, SIGTERM or another thread. Linux (signalfd).
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/pinned.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

namespace addrbook::detail {

/// SIGINT and SIGTERM.
inline sigset_t stop_signals() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

/// Receives the signals that end a program. While it exists or later, they do nothing else: they
/// stay blocked in the thread that made it and in those that this thread starts.
class StopSignals : private Pinned {
 public:
  /// @throws std::system_error
  StopSignals() {
    const sigset_t signals = stop_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!signals_ || !wake_) {
      throw std::system_error(errno, std::generic_category(), "can't wait for signals");
    }
  }

  /// Returns when one of the signals has arrived, also one before this object was made if it was
  /// blocked then, or after wake().
  void wait() const noexcept {
    pollfd polled[2] = {{signals_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    while (::poll(polled, 2, -1) < 0 && errno == EINTR) {
    }
    // Consumes the signal: it must not end the program if it is unblocked later.
    signalfd_siginfo arrived{};
    static_cast<void>(!::read(signals_.get(), &arrived, sizeof arrived));
  }

  /// @par Thread safety  any thread
  void wake() const noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_.get(), &one, sizeof one));
  }

 private:
  Descriptor signals_;
  Descriptor wake_;
};

}  // namespace addrbook::detail
