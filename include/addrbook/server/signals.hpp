/// Signals: what SIGINT, SIGTERM, SIGHUP and SIGUSR1 do in a program that serves. Linux (eventfd).
#pragma once

#include <addrbook/base/pinned.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

namespace addrbook::detail {

/// While it exists, the first SIGINT or SIGTERM is an event for wait(), and so are SIGHUP and
/// SIGUSR1 if that is wanted. Any further SIGINT or SIGTERM ends the process at once. There can be
/// one at a time.
class Signals : private Pinned {
 public:
  enum class Event { stop, reload };

  /// From now on SIGINT and SIGTERM end the process at once, except while an object exists. Other
  /// than by default they do so in process 1 of a container, too. The calling thread, and those
  /// that it starts, keep SIGHUP and SIGUSR1 for the object.
  static void prepare() noexcept {
    mask(SIG_BLOCK, reload_signals);
    for (const int number : stop_signals) set_handler(number, on_stop);
  }

  /// @throws std::system_error
  explicit Signals(bool wants_reload) : wants_reload_(wants_reload) {
    if (wake_descriptor < 0)
      wake_descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);  // stays: a handler may use it
    if (wake_descriptor < 0)
      throw std::system_error(errno, std::generic_category(), "can't take signals");
    clear();
    is_stopped.store(false);
    is_reload_due.store(false);
    is_in_use.store(true);
    for (int i = 0; i < 2; ++i) stop_before_[i] = set_handler(stop_signals[i], on_stop);
    mask(SIG_UNBLOCK, stop_signals);
    if (!wants_reload_) return;
    for (int i = 0; i < 2; ++i) reload_before_[i] = set_handler(reload_signals[i], on_reload);
    mask(SIG_UNBLOCK, reload_signals);
  }
  ~Signals() {
    if (wants_reload_) {
      mask(SIG_BLOCK, reload_signals);
      for (int i = 0; i < 2; ++i) ::sigaction(reload_signals[i], &reload_before_[i], nullptr);
    }
    is_in_use.store(false);
    for (int i = 0; i < 2; ++i) ::sigaction(stop_signals[i], &stop_before_[i], nullptr);
  }

  /// Waits for a signal, also one that came before the wait.
  [[nodiscard]] Event wait() const noexcept {
    while (true) {
      if (is_stopped.load()) return Event::stop;
      if (is_reload_due.exchange(false)) return Event::reload;
      pollfd polled{wake_descriptor, POLLIN, 0};
      ::poll(&polled, 1, -1);
      clear();
    }
  }

  /// Acts like a stop signal. @par Thread safety  any thread
  void stop() const noexcept {
    is_stopped.store(true);
    wake();
  }

 private:
  static constexpr int stop_signals[2] = {SIGINT, SIGTERM};
  static constexpr int reload_signals[2] = {SIGHUP, SIGUSR1};

  static void mask(int how, const int (&numbers)[2]) noexcept {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : numbers) sigaddset(&set, number);
    pthread_sigmask(how, &set, nullptr);
  }

  static struct sigaction set_handler(int number, void (*handler)(int)) noexcept {
    struct sigaction before {};
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    ::sigaction(number, &action, &before);
    return before;
  }

  // Handlers: they may only do what signal-safety(7) allows.

  static void on_stop(int number) {
    if (is_in_use.load() && !is_stopped.exchange(true)) return wake();
    set_handler(number, SIG_DFL);
    mask(SIG_UNBLOCK, stop_signals);
    ::raise(number);
    ::_exit(128 + number);  // process 1 ignores what has no handler
  }

  static void on_reload(int /*number*/) {
    is_reload_due.store(true);
    wake();
  }

  static void wake() noexcept {
    const int error = errno;
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake_descriptor, &one, sizeof one));
    errno = error;
  }

  static void clear() noexcept {
    std::uint64_t count = 0;
    static_cast<void>(!::read(wake_descriptor, &count, sizeof count));
  }

  static inline std::atomic<bool> is_in_use{false};
  static inline std::atomic<bool> is_stopped{false};
  static inline std::atomic<bool> is_reload_due{false};
  static inline std::atomic<int> wake_descriptor{-1};

  const bool wants_reload_;
  struct sigaction stop_before_[2]{};
  struct sigaction reload_before_[2]{};
};

}  // namespace addrbook::detail
