#include <addrbook/base/blocked_signals.hpp>

#include <doctest/doctest.h>

#include <csignal>

using addrbook::detail::BlockedSignals;

TEST_CASE("blocked_signals: a thread takes no signals meanwhile, and then the same as before") {
  const auto is_blocked = [](int signal) {
    sigset_t now;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return ::sigismember(&now, signal) == 1;
  };
  const bool before = is_blocked(SIGTERM);
  {
    const BlockedSignals blocked;
    CHECK(is_blocked(SIGTERM));
    CHECK(is_blocked(SIGUSR1));
  }
  CHECK(is_blocked(SIGTERM) == before);
}
