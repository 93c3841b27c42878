#include <addrbook/server/stop_signals.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

#include <csignal>
#include <thread>

namespace {

using addrbook::detail::stop_signals;
using addrbook::detail::StopSignals;

/// Restores the thread's blocked signals, which StopSignals leaves blocked.
class SignalMask {
 public:
  SignalMask() { pthread_sigmask(SIG_SETMASK, nullptr, &mask_); }
  SignalMask(const SignalMask&) = delete;
  SignalMask& operator=(const SignalMask&) = delete;
  ~SignalMask() { pthread_sigmask(SIG_SETMASK, &mask_, nullptr); }

 private:
  sigset_t mask_;
};

bool is_pending(int number) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, number) == 1;
}

}  // namespace

TEST_CASE("stop signals: each of the two ends the wait and is consumed") {
  const SignalMask mask;
  for (const int number : {SIGINT, SIGTERM}) {
    CAPTURE(number);
    const StopSignals signals;
    ::kill(::getpid(), number);
    REQUIRE(is_pending(number));
    signals.wait();
    CHECK_FALSE(is_pending(number));  // or it would end the test program
  }
}

TEST_CASE("stop signals: one that arrived before is seen if it was blocked") {
  const SignalMask mask;
  const sigset_t blocked = stop_signals();
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  ::kill(::getpid(), SIGTERM);
  StopSignals().wait();
  CHECK_FALSE(is_pending(SIGTERM));
}

TEST_CASE("stop signals: threads that are started later block them too") {
  const SignalMask mask;
  const StopSignals signals;
  sigset_t inherited;
  std::thread([&] { pthread_sigmask(SIG_SETMASK, nullptr, &inherited); }).join();
  CHECK(sigismember(&inherited, SIGINT) == 1);
  CHECK(sigismember(&inherited, SIGTERM) == 1);
  CHECK(sigismember(&inherited, SIGHUP) == 0);
}

TEST_CASE("stop signals: wake() ends the wait, before it and during it") {
  const SignalMask mask;
  const StopSignals before;
  before.wake();
  before.wait();
  const StopSignals during;
  std::thread other([&] { during.wake(); });
  during.wait();
  other.join();
}
