#include <addrbook/server/transport.hpp>

#include <support/fake_engine.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <string>

using addrbook::detail::PlainTransport;
using addrbook::detail::Transfer;

TEST_CASE("transport: plain reads and writes report what the socket can do") {
  test::SocketPair pair;
  PlainTransport ours(pair.ours.get());
  PlainTransport theirs(pair.theirs.get());
  std::array<char, 8> buffer{};
  CHECK(ours.handshake().state == Transfer::State::done);
  CHECK(ours.read(buffer.data(), buffer.size()).state == Transfer::State::wants_read);

  const auto sent = ours.write("hello", 5);
  CHECK(sent.state == Transfer::State::done);
  CHECK(sent.size == 5);
  const auto received = theirs.read(buffer.data(), buffer.size());
  CHECK(received.state == Transfer::State::done);
  CHECK(std::string(buffer.data(), received.size) == "hello");

  const std::string much(1'000'000, 'x');
  std::size_t total = 0;
  Transfer last{Transfer::State::done};
  while (last.state == Transfer::State::done) {
    total += last.size;
    REQUIRE(total < 100 * much.size());
    last = ours.write(much.data(), much.size());
  }
  CHECK(last.state == Transfer::State::wants_write);

  theirs.finish();
  CHECK(ours.read(buffer.data(), buffer.size()).state == Transfer::State::ended);
  pair.theirs.reset();
  CHECK(ours.write("x", 1).state == Transfer::State::failed);
}
