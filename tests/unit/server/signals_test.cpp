#include <addrbook/server/signals.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

namespace {

using addrbook::detail::Signals;
using Event = Signals::Event;

/// Restores the thread's blocked signals.
class SignalMask {
 public:
  SignalMask() { pthread_sigmask(SIG_SETMASK, nullptr, &mask_); }
  SignalMask(const SignalMask&) = delete;
  SignalMask& operator=(const SignalMask&) = delete;
  ~SignalMask() { pthread_sigmask(SIG_SETMASK, &mask_, nullptr); }

 private:
  sigset_t mask_;
};

void block(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void send(int number) {
  ::kill(::getpid(), number);
}

/// The signal that ends a child which does `act`; 0: none.
template <class Act>
int ending_signal(Act act) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(20);
    act();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("signals: each of the two ends the wait") {
  const SignalMask mask;
  for (const int number : {SIGINT, SIGTERM}) {
    CAPTURE(number);
    const Signals signals(false);
    send(number);
    CHECK(signals.wait() == Event::stop);
    CHECK(signals.wait() == Event::stop);
  }
}

TEST_CASE("signals: SIGHUP and SIGUSR1 are events, each time") {
  const SignalMask mask;
  const Signals signals(true);
  for (const int number : {SIGHUP, SIGUSR1, SIGHUP}) {
    CAPTURE(number);
    send(number);
    CHECK(signals.wait() == Event::reload);
  }
  send(SIGHUP);
  send(SIGTERM);
  CHECK(signals.wait() == Event::stop);
}

TEST_CASE("signals: one that arrived before is seen if it was blocked") {
  const SignalMask mask;
  block(SIGTERM);
  send(SIGTERM);
  CHECK(Signals(false).wait() == Event::stop);
  block(SIGHUP);
  send(SIGHUP);
  CHECK(Signals(true).wait() == Event::reload);
}

TEST_CASE("signals: a second one ends the process, of either kind and in any thread") {
  for (const int number : {SIGINT, SIGTERM}) {
    CAPTURE(number);
    CHECK(ending_signal([&] {
            const Signals signals(false);
            send(SIGTERM);
            static_cast<void>(signals.wait());
            std::thread([&] { send(number); }).join();
          }) == number);
  }
}

TEST_CASE("signals: before and after, they end the process; SIGHUP waits") {
  CHECK(ending_signal([] {
          Signals::prepare();
          send(SIGHUP);
          send(SIGUSR1);
        }) == 0);
  CHECK(ending_signal([] {
          Signals::prepare();
          send(SIGTERM);
        }) == SIGTERM);
  CHECK(ending_signal([] {
          Signals::prepare();
          {
            const Signals signals(true);
            send(SIGTERM);
            static_cast<void>(signals.wait());
          }
          send(SIGHUP);
          send(SIGINT);
        }) == SIGINT);
}

TEST_CASE("signals: SIGHUP keeps what it does if no reload is wanted") {
  CHECK(ending_signal([] {
          const Signals signals(false);
          send(SIGHUP);
        }) == SIGHUP);
}

TEST_CASE("signals: stop() ends the wait, before it and during it") {
  const SignalMask mask;
  {
    const Signals before(false);
    before.stop();
    CHECK(before.wait() == Event::stop);
  }
  const Signals during(false);
  std::thread other([&] { during.stop(); });
  CHECK(during.wait() == Event::stop);
  other.join();
}
