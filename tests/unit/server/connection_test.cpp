#include <addrbook/server/connection.hpp>

#include <support/fake_engine.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using addrbook::detail::Connection;
using addrbook::detail::HeadScanner;
using Claim = Connection::Claim;
using namespace std::chrono_literals;

TEST_CASE("connection: is claimed by one thread at a time") {
  Connection connection;
  CHECK(connection.claim(0) == Claim::stale);
  CHECK(!connection.claim_parked());
  connection.occupy({});
  CHECK(!connection.claim_parked());
  REQUIRE(connection.park());
  CHECK(connection.claim(connection.generation()) == Claim::claimed);
  CHECK(!connection.claim_parked());
  REQUIRE(connection.park());
  CHECK(connection.claim_parked());
}

TEST_CASE("connection: an event for a claimed connection keeps it from being parked, once") {
  Connection connection;
  connection.occupy({});
  const auto generation = connection.generation();
  CHECK(connection.claim(generation) == Claim::event_recorded);
  CHECK(connection.claim(generation) == Claim::event_recorded);
  CHECK(!connection.park());
  CHECK(connection.park());
}

TEST_CASE("connection: events for a former client are stale") {
  Connection connection;
  connection.occupy({});
  const auto former = connection.generation();
  connection.vacate();
  CHECK(connection.generation() != former);
  CHECK(connection.claim(former) == Claim::stale);
  CHECK(connection.claim(connection.generation()) == Claim::stale);
  connection.occupy({});
  CHECK(connection.claim(former) == Claim::stale);
  CHECK(connection.park());  // the stale event was not recorded
}

TEST_CASE("connection: no event is lost between threads") {
  constexpr int threads = 4;
  constexpr int events = 5'000;
  Connection connection;
  connection.occupy({});
  REQUIRE(connection.park());
  std::atomic<int> arrived{0};
  int handled = 0;  // by the thread that has claimed the connection
  std::vector<std::thread> senders;
  for (int i = 0; i < threads; ++i) {
    senders.emplace_back([&] {
      for (int event = 0; event < events; ++event) {
        arrived.fetch_add(1);
        if (connection.claim(connection.generation()) != Claim::claimed) continue;
        do handled += arrived.exchange(0);
        while (!connection.park());
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  REQUIRE(connection.claim_parked());
  CHECK(handled == threads * events);
  CHECK(arrived == 0);
}

TEST_CASE("connection: consume() removes input and starts the next scan at its front") {
  Connection connection;
  connection.input = "GET / HTTP/1.1\r\n\r\nGET /next HTTP/1.1\r\n\r\n";
  REQUIRE(connection.scanner.scan(connection.input) == HeadScanner::Found::end);
  connection.consume(connection.scanner.size());
  CHECK(connection.input == "GET /next HTTP/1.1\r\n\r\n");
  REQUIRE(connection.scanner.scan(connection.input) == HeadScanner::Found::end);
  CHECK(connection.scanner.size() == connection.input.size());
  connection.input.append(100'000, 'x');
  connection.consume(connection.input.size());
  CHECK(connection.input.empty());
  CHECK(connection.input.capacity() < 1'000);
}

TEST_CASE("connection: clear() leaves nothing of a client to the next one") {
  test::Peer peer;
  Connection connection;
  connection.transport = std::make_unique<test::FakeTransport>(peer);
  connection.phase = Connection::Phase::draining;
  connection.exceeds_limit = true;
  connection.input_ended = true;
  connection.answer_failed = true;
  connection.requests = 7;
  connection.drained_bytes = 7;
  connection.input = "half a head";
  static_cast<void>(connection.scanner.scan(connection.input));
  connection.remote_address = "127.0.0.1";
  connection.local_address = "127.0.0.1";
  connection.peer_closed = true;
  connection.clear();
  CHECK(peer.open_transports == 0);
  CHECK(connection.phase == Connection::Phase::reading_head);
  CHECK(!connection.exceeds_limit);
  CHECK(!connection.input_ended);
  CHECK(!connection.answer_failed);
  CHECK(connection.requests == 0);
  CHECK(connection.drained_bytes == 0);
  CHECK(connection.input.empty());
  CHECK(connection.scanner.size() == 0);
  CHECK(connection.remote_address.empty());
  CHECK(connection.local_address.empty());
  CHECK(!connection.peer_closed);
}

TEST_CASE("connection: a phase has a deadline") {
  Connection connection;
  connection.enter(Connection::Phase::idle, 1h);
  CHECK(connection.phase == Connection::Phase::idle);
  CHECK(!connection.is_past_deadline());
  connection.enter(Connection::Phase::draining, -1ms);
  CHECK(connection.phase == Connection::Phase::draining);
  CHECK(connection.is_past_deadline());
}
