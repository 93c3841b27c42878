#include <addrbook/storage/socket_deadlines.hpp>

#include <addrbook/base/descriptor.hpp>

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>

using addrbook::detail::Descriptor;
using addrbook::detail::SocketDeadlines;
using Deadline = SocketDeadlines::Deadline;
using Clock = SocketDeadlines::Clock;

namespace {

struct Sockets {
  Sockets() {
    std::array<int, 2> made{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made.data()) == 0);
    own.reset(made[0]);
    peer.reset(made[1]);
  }
  Descriptor own;
  Descriptor peer;
};

/// Waits for the peer to send or the socket to be shut down.
bool is_shut_down(const Descriptor& socket, std::chrono::milliseconds patience) {
  pollfd waiting{socket.get(), POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(patience.count())) != 1) return false;
  char byte = 0;
  return ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 0;
}

constexpr std::chrono::minutes never{60};
constexpr std::chrono::seconds patience{20};

}  // namespace

TEST_CASE("socket_deadlines: a socket is shut down when its time is over, and no other") {
  SocketDeadlines deadlines;
  const Sockets late;
  const Sockets other;
  const Deadline later(deadlines, other.own.get(), Clock::now() + never);
  const Deadline over(deadlines, late.own.get(), Clock::now());
  CHECK(is_shut_down(late.own, patience));
  CHECK_FALSE(is_shut_down(other.own, std::chrono::milliseconds(0)));
}

TEST_CASE("socket_deadlines: a deadline that ended in time does nothing") {
  SocketDeadlines deadlines;
  const Sockets done;
  const Sockets late;
  { const Deadline ended(deadlines, done.own.get(), Clock::now()); }
  // Once this one has acted, the other one would have, too.
  const Deadline over(deadlines, late.own.get(), Clock::now());
  CHECK(is_shut_down(late.own, patience));
  CHECK_FALSE(is_shut_down(done.own, std::chrono::milliseconds(0)));
}

TEST_CASE("socket_deadlines: a socket that its owner has closed is no concern") {
  SocketDeadlines deadlines;
  Sockets closed;
  const Sockets late;
  const Deadline of_closed(deadlines, closed.own.get(), Clock::now());
  closed.own.reset();
  const Sockets next;  // may get the closed one's number
  const Deadline over(deadlines, late.own.get(), Clock::now());
  CHECK(is_shut_down(late.own, patience));
  CHECK_FALSE(is_shut_down(next.own, std::chrono::milliseconds(0)));
  const Deadline of_none(deadlines, -1, Clock::now());
}
