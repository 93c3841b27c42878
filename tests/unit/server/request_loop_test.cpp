#include <addrbook/server/request_loop.hpp>

#include <support/fake_engine.hpp>
#include <unit/fake_source.hpp>

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

using addrbook::detail::Connection;
using addrbook::detail::RequestLoop;
using addrbook::detail::Transfer;
using test::FakeTransport;
using test::Peer;
using Phase = Connection::Phase;
using Step = RequestLoop::Step;
using State = Transfer::State;
using namespace std::chrono_literals;

namespace {

using Targets = std::vector<std::string>;
using Refused = std::vector<std::pair<std::string, std::size_t>>;

/// A loop over one connection, whose peer is a script.
struct Fixture {
  explicit Fixture(std::chrono::milliseconds header_timeout = 1h)
      : loop(engine, handler, {header_timeout, 1h, 1h, 1h, 1h}) {
    connection.transport = std::make_unique<FakeTransport>(peer);
    loop.start(connection);
  }

  Step advance() { return loop.advance(connection, false); }

  Peer peer;
  test::FakeEngine engine;
  test::FakeHandler handler;
  RequestLoop loop;
  Connection connection;
};

std::string get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string answer_to(const std::string& target) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(target.size()) + "\r\n\r\n" +
         target;
}

std::string refusal(int status) {
  return "HTTP/1.1 " + std::to_string(status) + " Refused\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace

TEST_CASE("request_loop: requests are answered in order, however they are cut") {
  const std::string bytes = "\r\n" + get("/1") + "\r\n\r\n" +
                            "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + get("/3");
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    CAPTURE(step);
    for (const bool is_at_once : {false, true}) {
      Fixture fixture;
      fixture.peer.short_read_means_empty = is_at_once;
      for (std::size_t at = 0; at < bytes.size(); at += step) {
        fixture.peer.arrivals.push_back(bytes.substr(at, step));
        if (!is_at_once) REQUIRE(fixture.advance() == Step::park);
      }
      while (!fixture.peer.arrivals.empty()) REQUIRE(fixture.advance() != Step::close);
      CHECK(fixture.handler.served() == Targets{"/1", "/2", "/3"});
      CHECK(fixture.peer.written == answer_to("/1") + answer_to("/2") + answer_to("/3"));
      CHECK(fixture.connection.input.empty());
      CHECK(fixture.connection.phase == Phase::idle);
    }
  }
}

TEST_CASE("request_loop: a full buffer of one request after the other leaves room for others") {
  constexpr std::size_t requests = 100;
  Fixture fixture;
  for (std::size_t i = 0; i < requests; ++i) fixture.peer.arrivals.push_back(get("/"));
  fixture.peer.short_read_means_empty = false;
  std::size_t turns = 1;
  std::size_t before = 0;
  for (; fixture.advance() == Step::requeue; ++turns) {
    const auto served = fixture.handler.served().size();
    CHECK(served - before <= 32);
    before = served;
    REQUIRE(turns < requests);
  }
  CHECK(turns >= 4);
  CHECK(fixture.handler.served().size() == requests);

  Fixture pipelined;
  std::string all;
  for (std::size_t i = 0; i < requests; ++i) all += get("/");
  pipelined.peer.arrivals.push_back(all);
  CHECK(pipelined.advance() == Step::requeue);
  CHECK(pipelined.handler.served().size() == 32);

  Fixture slow;  // small pieces of one head, without a pause
  slow.peer.short_read_means_empty = false;
  for (int i = 0; i < 100; ++i) slow.peer.arrivals.emplace_back("G");
  CHECK(slow.advance() == Step::requeue);
  CHECK(slow.peer.arrivals.size() == 68);
}

TEST_CASE("request_loop: what is not a good head is refused and nothing after it is served") {
  const std::string large(70'000, 'x');
  const struct {
    std::string bytes;
    int status;
  } cases[] = {
      {"\n", 400},
      {"\x16\x03\x01", 400},
      {" GET / HTTP/1.1\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {get("/", "Content-Length: x\r\n"), 400},
      {get("/", "Transfer-Encoding: gzip\r\n"), 501},
      {"GET /" + large, 431},
      {get("/", "X: " + large + "\r\n"), 431},
  };
  for (const auto& each : cases) {
    CAPTURE(each.bytes.substr(0, 60));
    Fixture fixture;
    fixture.peer.arrivals.push_back(get("/first") + each.bytes + get("/after"));
    fixture.peer.arrivals.push_back(get("/later"));
    CHECK(fixture.advance() == Step::park);
    CHECK(fixture.handler.served() == Targets{"/first"});
    CHECK(fixture.peer.written == answer_to("/first") + refusal(each.status));
    CHECK(fixture.peer.is_finished);
    CHECK(fixture.connection.phase == Phase::draining);
    CHECK(fixture.connection.input.empty());
    CHECK(fixture.peer.arrivals.empty());  // drained
    fixture.peer.has_ended = true;
    CHECK(fixture.advance() == Step::close);
  }
}

TEST_CASE("request_loop: the last request of a connection is followed by its end") {
  Fixture asked;
  asked.peer.arrivals.push_back(get("/1", "Connection: close\r\n") + get("/2"));
  CHECK(asked.advance() == Step::park);
  CHECK(asked.handler.served() == Targets{"/1"});
  CHECK(asked.peer.is_finished);

  Fixture half_closed;  // the peer's end came before the answer
  half_closed.peer.arrivals.push_back(get("/1"));
  half_closed.peer.has_ended = true;
  half_closed.connection.peer_closed = true;
  CHECK(half_closed.advance() == Step::close);
  CHECK(half_closed.peer.written == answer_to("/1"));

  Fixture half_a_head;
  half_a_head.peer.arrivals.emplace_back("GET / HT");
  half_a_head.peer.has_ended = true;
  half_a_head.connection.peer_closed = true;
  CHECK(half_a_head.advance() == Step::close);
  CHECK(half_a_head.peer.written.empty());
}

TEST_CASE("request_loop: a short read ends the round unless the peer's end is known") {
  Fixture fixture;
  fixture.peer.arrivals.push_back(get("/1"));
  CHECK(fixture.advance() == Step::park);
  CHECK(fixture.peer.calls == 3);  // handshake, read, write
}

TEST_CASE("request_loop: requests are refused while the server is overloaded") {
  Fixture fixture;
  fixture.peer.arrivals.push_back(get("/1"));
  CHECK(fixture.loop.advance(fixture.connection, true) == Step::park);
  CHECK(fixture.handler.served().empty());
  CHECK(fixture.peer.written == refusal(503));
  REQUIRE(fixture.handler.warnings().size() == 1);
  CHECK(fixture.handler.warnings()[0].find("max_threads") != std::string::npos);

  const auto refuse_another = [&fixture] {
    Peer peer;
    Connection connection;
    connection.transport = std::make_unique<FakeTransport>(peer);
    fixture.loop.start(connection);
    peer.arrivals.push_back(get("/1"));
    fixture.loop.advance(connection, true);
    CHECK(peer.written == refusal(503));
  };
  refuse_another();
  CHECK(fixture.handler.warnings().size() == 1);  // once for each overload
  fixture.loop.clear_overload();
  refuse_another();
  CHECK(fixture.handler.warnings().size() == 2);

  Fixture incomplete;  // is not a request yet
  incomplete.peer.arrivals.emplace_back("GET / HTTP");
  CHECK(incomplete.loop.advance(incomplete.connection, true) == Step::park);
  CHECK(incomplete.peer.written.empty());
}

TEST_CASE("request_loop: a connection past the limit is refused before it is read") {
  Fixture fixture;
  fixture.connection.exceeds_limit = true;
  fixture.peer.arrivals.push_back(get("/1"));
  CHECK(fixture.advance() == Step::park);
  CHECK(fixture.handler.served().empty());
  CHECK(fixture.peer.written == refusal(503));
}

TEST_CASE("request_loop: past the deadline half a head gets a 408, anything else is closed") {
  const auto pass_deadline = [](Connection& connection) {
    connection.enter(connection.phase, -1ms);
  };
  SUBCASE("half a head") {
    Fixture fixture;
    fixture.peer.arrivals.emplace_back("GET / HTTP/1.1\r\nX: y\r\nHos");
    REQUIRE(fixture.advance() == Step::park);
    pass_deadline(fixture.connection);
    CHECK(fixture.advance() == Step::park);
    CHECK(fixture.peer.written == refusal(408));
    CHECK(fixture.handler.refused() == Refused{{"/", 1}});
    CHECK(fixture.connection.phase == Phase::draining);
    pass_deadline(fixture.connection);
    CHECK(fixture.advance() == Step::close);
    CHECK(fixture.peer.written == refusal(408));
  }
  SUBCASE("half a head of a peer that never pauses") {
    Fixture fixture(-1ms);
    fixture.peer.short_read_means_empty = false;
    for (int i = 0; i < 100; ++i) fixture.peer.arrivals.emplace_back("G");
    CHECK(fixture.advance() == Step::requeue);
    CHECK(fixture.peer.written == refusal(408));
    CHECK(fixture.connection.phase == Phase::draining);
  }
  SUBCASE("nothing was sent") {
    Fixture fixture;
    REQUIRE(fixture.advance() == Step::park);
    pass_deadline(fixture.connection);
    CHECK(fixture.advance() == Step::close);
    CHECK(fixture.peer.written.empty());
  }
  SUBCASE("no further request") {
    Fixture fixture;
    fixture.peer.arrivals.push_back(get("/1"));
    REQUIRE(fixture.advance() == Step::park);
    pass_deadline(fixture.connection);
    CHECK(fixture.advance() == Step::close);
    CHECK(fixture.peer.written == answer_to("/1"));
  }
  SUBCASE("half a handshake") {
    Fixture fixture;
    fixture.peer.handshakes = 9;
    REQUIRE(fixture.advance() == Step::park);
    pass_deadline(fixture.connection);
    CHECK(fixture.advance() == Step::close);
    CHECK(fixture.peer.written.empty());
  }
}

TEST_CASE("request_loop: a request that has arrived is served, however late the server reads it") {
  Fixture fixture(-1ms);
  fixture.peer.arrivals.push_back(get("/1"));
  CHECK(fixture.advance() == Step::park);
  CHECK(fixture.peer.written == answer_to("/1"));
  fixture.peer.arrivals.push_back(get("/2"));
  fixture.connection.enter(Phase::idle, -1ms);
  CHECK(fixture.advance() == Step::park);
  CHECK(fixture.peer.written == answer_to("/1") + answer_to("/2"));
}

TEST_CASE("request_loop: draining ends with the peer, its silence, or after a time") {
  Fixture fixture;
  fixture.peer.arrivals.emplace_back("\n");
  REQUIRE(fixture.advance() == Step::park);
  REQUIRE(fixture.connection.phase == Phase::draining);
  SUBCASE("the peer ends") {
    fixture.peer.arrivals.push_back(get("/not-served"));
    CHECK(fixture.advance() == Step::park);
    fixture.peer.has_ended = true;
    CHECK(fixture.advance() == Step::close);
  }
  SUBCASE("the peer fails") {
    fixture.peer.fault_at = fixture.peer.calls;
    CHECK(fixture.advance() == Step::close);
  }
  using Clock = addrbook::detail::Connection::Clock;
  // As if the answer had been sent that long ago.
  const auto send_earlier = [&fixture](std::chrono::milliseconds age) {
    fixture.connection.since.store((Clock::now() - age).time_since_epoch().count());
  };
  const auto time_left = [&fixture] {
    return Clock::time_point(Clock::duration(fixture.connection.deadline.load())) - Clock::now();
  };
  SUBCASE("the peer never ends: others get their turn") {
    fixture.peer.is_endless = true;
    for (int i = 0; i < 10; ++i) CHECK(fixture.advance() == Step::requeue);
    CHECK(time_left() > 4s);
    CHECK(time_left() <= 5s);
    send_earlier(29s);
    CHECK(fixture.advance() == Step::requeue);
    CHECK(time_left() <= 1s);
    send_earlier(31s);
    CHECK(fixture.advance() == Step::close);
  }
  SUBCASE("the peer is silent") {
    CHECK(time_left() > 1s);
    CHECK(time_left() <= 2s);
    fixture.connection.enter(Phase::draining, -1ms);
    CHECK(fixture.advance() == Step::close);
  }
  SUBCASE("the peer sends a byte now and then") {
    fixture.peer.arrivals.emplace_back("x");
    CHECK(fixture.advance() == Step::park);
    CHECK(time_left() <= 2s);
    send_earlier(3s);
    fixture.peer.arrivals.emplace_back("x");
    CHECK(fixture.advance() == Step::close);
  }
  SUBCASE("what arrives counts, however late it is read") {
    fixture.connection.enter(Phase::draining, -1ms);
    send_earlier(3s);
    for (int i = 0; i < 10; ++i) fixture.peer.arrivals.emplace_back(10'000, 'x');
    CHECK(fixture.advance() == Step::park);
    CHECK(time_left() > 1s);
  }
  SUBCASE("past max_connections there is no more time") {
    fixture.connection.exceeds_limit = true;
    fixture.peer.is_endless = true;
    CHECK(fixture.advance() == Step::requeue);
    CHECK(time_left() <= 2s);
    fixture.connection.set_deadline(Clock::now() - 1ms);
    CHECK(fixture.advance() == Step::close);
  }
  CHECK(fixture.handler.served().empty());
}

TEST_CASE("request_loop: the handshake comes first and counts toward the head's deadline") {
  Fixture fixture;
  fixture.peer.handshakes = 2;
  fixture.peer.arrivals.push_back(get("/1"));
  CHECK(fixture.advance() == Step::park);
  CHECK(fixture.advance() == Step::park);
  CHECK(fixture.handler.served().empty());
  const auto deadline = fixture.connection.deadline.load();
  CHECK(fixture.connection.phase == Phase::handshake);
  fixture.peer.arrivals.clear();
  CHECK(fixture.advance() == Step::park);
  CHECK(fixture.connection.phase == Phase::reading_head);
  CHECK(fixture.connection.deadline.load() == deadline);
  fixture.peer.arrivals.push_back(get("/1"));
  CHECK(fixture.advance() == Step::park);
  CHECK(fixture.handler.served() == Targets{"/1"});
}

TEST_CASE("request_loop: an answer that failed ends the connection with a reset") {
  test::SocketPair pair;
  Fixture fixture;
  fixture.connection.socket = std::move(pair.ours);
  fixture.handler.during = [](auto&, auto&, const auto&) { return false; };
  fixture.peer.arrivals.push_back(get("/1") + get("/2"));
  CHECK(fixture.advance() == Step::close);
  CHECK(fixture.handler.served() == Targets{"/1"});
  linger set{};
  socklen_t size = sizeof set;
  REQUIRE(::getsockopt(fixture.connection.socket.get(), SOL_SOCKET, SO_LINGER, &set, &size) == 0);
  CHECK(set.l_onoff == 1);
  CHECK(set.l_linger == 0);
}

TEST_CASE("request_loop: an exception ends one connection") {
  Fixture fixture;
  fixture.handler.during = [](auto&, auto&, const auto&) -> bool { throw std::bad_alloc(); };
  fixture.peer.arrivals.push_back(get("/1"));
  CHECK(fixture.advance() == Step::close);
  CHECK(fixture.peer.written.empty());  // an answer may have begun
}

TEST_CASE("request_loop: without memory for an answer there is a 503 that needs none") {
  Fixture fixture;
  fixture.handler.while_answering = [](const auto&) { throw std::bad_alloc(); };
  fixture.peer.arrivals.push_back(get("/own/1"));
  static_cast<void>(fixture.advance());
  CHECK(fixture.peer.written.rfind("HTTP/1.1 503 ", 0) == 0);
  CHECK(fixture.peer.written.find("Connection: close\r\n") != std::string::npos);
  CHECK(fixture.peer.is_finished);
}

TEST_CASE("request_loop: a read that would block is repeated") {
  const std::string bytes = get("/1") + get("/2");
  for (const State fault : {State::wants_read, State::wants_write}) {
    bool is_reached = true;
    for (std::size_t at = 0; is_reached; ++at) {
      CAPTURE(at);
      Fixture fixture;
      for (const char c : bytes) fixture.peer.arrivals.emplace_back(1, c);
      fixture.peer.short_read_means_empty = false;
      fixture.peer.fault_at = at;
      fixture.peer.fault = fault;
      auto step = Step::requeue;
      while (!fixture.peer.arrivals.empty() && step != Step::close) {
        const auto calls = fixture.peer.calls;
        step = fixture.advance();
        // The call that blocked was the last one of the round.
        if (calls <= at && fixture.peer.calls == at + 1 && !fixture.connection.answer_failed) {
          CHECK(step == (fault == State::wants_read ? Step::park : Step::await_write));
        }
      }
      is_reached = fixture.peer.calls > at;
      if (!fixture.connection.answer_failed) {
        CHECK(fixture.handler.served() == Targets{"/1", "/2"});
      }
    }
  }
}

TEST_CASE("request_loop: a transport may fail at any call") {
  const std::string bytes = get("/1") + get("/2", "Connection: close\r\n") + get("/3");
  const std::string bad = get("/1") + "nonsense\r\n\r\n";
  const Targets all[] = {{"/1", "/2"}, {"/1"}};
  const std::string whole[] = {answer_to("/1") + answer_to("/2"), answer_to("/1") + refusal(400)};
  for (const State fault : {State::wants_read, State::wants_write, State::ended, State::failed}) {
    for (const std::size_t which : {std::size_t{0}, std::size_t{1}}) {
      bool is_reached = true;
      for (std::size_t at = 0; is_reached; ++at) {
        CAPTURE(static_cast<int>(fault));
        CAPTURE(which);
        CAPTURE(at);
        REQUIRE(at < 1'000);
        Fixture fixture;
        fixture.peer.handshakes = 1;
        for (const char c : which == 0 ? bytes : bad) fixture.peer.arrivals.emplace_back(1, c);
        fixture.peer.has_ended = true;
        fixture.peer.short_read_means_empty = false;
        fixture.peer.fault_at = at;
        fixture.peer.fault = fault;
        auto step = Step::park;
        for (int rounds = 0; step != Step::close; ++rounds) {
          REQUIRE(rounds < 1'000);
          step = fixture.advance();
        }
        is_reached = fixture.peer.calls > at;
        const auto served = fixture.handler.served();
        REQUIRE(served.size() <= all[which].size());
        CHECK(std::equal(served.begin(), served.end(), all[which].begin()));
        CHECK(whole[which].rfind(fixture.peer.written, 0) == 0);
        if (!is_reached) CHECK(fixture.peer.written == whole[which]);
        fixture.connection.clear();
        CHECK(fixture.peer.open_transports == 0);
      }
    }
  }
}

namespace {

std::string post(const std::string& target, const std::string& body,
                 const std::string& fields = {}) {
  return "POST " + target + " HTTP/1.1\r\nHost: a\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("request_loop: bodies are gathered without a thread, however they are cut") {
  const std::string bytes = post("/own", "first") +
                            "POST /own HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3\r\nsec\r\n3;x=y\r\nond\r\n0\r\nTrailer: x\r\n\r\n" +
                            get("/own") + post("/own", "third") + get("/2");
  const std::string expected =
      "complete first\ncomplete second\ncomplete \ncomplete third\n" + answer_to("/2");
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    CAPTURE(step);
    Fixture fixture;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      fixture.peer.arrivals.push_back(bytes.substr(at, step));
      REQUIRE(fixture.advance() == Step::park);
    }
    CHECK(fixture.peer.written == expected);
    CHECK(fixture.connection.input.empty());
    CHECK(fixture.connection.exchange == nullptr);
    CHECK(fixture.connection.memory() == 0);
    CHECK(fixture.connection.phase == Phase::idle);
  }
}

TEST_CASE("request_loop: a body that does not end as it should is answered, and is the last") {
  const std::string half = "POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf";
  SUBCASE("the peer ends") {
    Fixture fixture;
    fixture.peer.arrivals.push_back(half);
    REQUIRE(fixture.advance() == Step::park);
    CHECK(fixture.connection.phase == Phase::reading_body);
    fixture.peer.has_ended = true;
    CHECK(fixture.advance() == Step::close);
    CHECK(fixture.peer.written == "malformed half\n");
    CHECK(fixture.peer.is_finished);
  }
  SUBCASE("the peer fails") {
    Fixture fixture;
    fixture.peer.arrivals.push_back(half);
    REQUIRE(fixture.advance() == Step::park);
    fixture.peer.fault_at = fixture.peer.calls;
    CHECK(fixture.advance() == Step::close);
    CHECK(fixture.peer.written.empty());
  }
  SUBCASE("in time") {
    Fixture fixture;
    fixture.handler.body_timeout = -1ms;
    fixture.peer.arrivals.push_back(half);
    CHECK(fixture.advance() == Step::park);
    CHECK(fixture.peer.written == "timed out half\n");
    CHECK(fixture.connection.phase == Phase::draining);
  }
  SUBCASE("with good framing, at once or later") {
    const std::string broken =
        "POST /own HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\n";
    for (std::size_t cut = broken.size() - 12; cut <= broken.size(); ++cut) {
      CAPTURE(cut);
      Fixture fixture;
      fixture.peer.arrivals.push_back(broken.substr(0, cut));
      if (cut < broken.size()) fixture.peer.arrivals.push_back(broken.substr(cut));
      fixture.peer.arrivals.push_back(get("/after"));
      while (!fixture.peer.arrivals.empty()) REQUIRE(fixture.advance() == Step::park);
      CHECK(fixture.peer.written == "malformed abc\n");
      CHECK(fixture.connection.phase == Phase::draining);
      CHECK(fixture.handler.served().size() <= 1);
    }
  }
  SUBCASE("because the request refuses the rest") {
    Fixture fixture;
    fixture.peer.arrivals.push_back(half);
    fixture.peer.arrivals.emplace_back("no more and more");
    REQUIRE(fixture.advance() == Step::park);
    CHECK(fixture.advance() == Step::park);
    CHECK(fixture.connection.phase != Phase::reading_body);
  }
}

TEST_CASE("request_loop: a body has a deadline as a whole and one for each silence") {
  Fixture fixture;
  fixture.handler.body_timeout = 30min;
  fixture.peer.arrivals.emplace_back(
      "POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
  REQUIRE(fixture.advance() == Step::park);
  const auto before = fixture.connection.deadline.load();
  fixture.connection.exchange->pace = addrbook::detail::Pace(Connection::Clock::now(), 1min, 0);
  fixture.peer.arrivals.emplace_back("x");
  REQUIRE(fixture.advance() == Step::park);
  CHECK(fixture.connection.deadline.load() < before);
  CHECK(fixture.connection.deadline.load() ==
        fixture.connection.exchange->pace.deadline().time_since_epoch().count());
}

TEST_CASE("request_loop: a body with a rate may take any time, as long as it goes on") {
  Fixture fixture;
  fixture.handler.body_timeout = 30min;
  fixture.handler.body_rate = 1;
  fixture.peer.arrivals.emplace_back(
      "POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
  REQUIRE(fixture.advance() == Step::park);
  auto& pace = fixture.connection.exchange->pace;
  pace = addrbook::detail::Pace(Connection::Clock::now() - 29min, 30min, 1);
  const auto before = pace.deadline();
  fixture.peer.arrivals.emplace_back("four");
  REQUIRE(fixture.advance() == Step::park);
  CHECK(pace.deadline() >= before + 4s);
  CHECK(fixture.connection.deadline.load() == pace.deadline().time_since_epoch().count());
  pace = addrbook::detail::Pace(Connection::Clock::now() - 31min, 30min, 1);
  fixture.peer.arrivals.emplace_back("");
  CHECK(fixture.loop.expire(fixture.connection) == Step::park);
  CHECK(fixture.peer.written == "timed out halffour\n");
}

TEST_CASE("request_loop: in an overload no body is taken that may wait for the storage") {
  Fixture fixture;
  fixture.handler.body_rate = 1;
  fixture.peer.arrivals.emplace_back(
      "POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
  REQUIRE(fixture.advance() == Step::park);
  fixture.peer.arrivals.emplace_back("whole");
  CHECK(fixture.loop.advance(fixture.connection, true) == Step::requeue);
  CHECK(fixture.peer.arrivals.size() == 1);
  CHECK(fixture.advance() == Step::park);
  CHECK(fixture.peer.written == "complete halfwhole\n");
}

TEST_CASE("request_loop: an answer with a rate may take any time, as long as it is taken") {
  Fixture fixture;
  const std::string piece(100'000, 'x');
  auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{piece});
  source->rate = 10;
  fixture.handler.source = [source] { return source; };
  fixture.peer.room = 100;
  fixture.peer.arrivals.push_back(get("/own/source"));
  REQUIRE(fixture.advance() == Step::await_write);
  auto& pace = fixture.connection.exchange->pace;
  pace = addrbook::detail::Pace(Connection::Clock::now() - 59min, 1h, 10);
  const auto before = pace.deadline();
  fixture.peer.room = 50;
  REQUIRE(fixture.advance() == Step::await_write);
  CHECK(pace.deadline() >= before + 5s);
  CHECK(pace.deadline() < before + 1min);
  fixture.peer.room = 50'000;
  REQUIRE(fixture.advance() == Step::await_write);
  CHECK(pace.deadline() >= before + 50min);
}

TEST_CASE("request_loop: 100 Continue invites a body that has not begun to arrive") {
  Fixture fixture;
  fixture.peer.arrivals.emplace_back(
      "POST /own HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  REQUIRE(fixture.advance() == Step::park);
  CHECK(fixture.peer.written == "HTTP/1.1 100 Continue\r\n\r\n");
  fixture.peer.written.clear();
  fixture.peer.arrivals.emplace_back("body");
  REQUIRE(fixture.advance() == Step::park);
  CHECK(fixture.peer.written == "complete body\n");

  Fixture blocked;  // a peer that does not even take that
  blocked.peer.room = 3;
  blocked.peer.arrivals.emplace_back(
      "POST /own HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  CHECK(blocked.advance() == Step::close);
}

TEST_CASE("request_loop: an answer goes out as the client takes it, and requests wait meanwhile") {
  const std::string body(5'000, 'x');
  Fixture fixture;
  fixture.peer.room = 10;
  fixture.peer.arrivals.push_back(post("/own", body) + get("/own"));
  CHECK(fixture.advance() == Step::await_write);
  CHECK(fixture.connection.phase == Phase::answering);
  CHECK(fixture.connection.memory() > body.size());
  CHECK(fixture.handler.served() == Targets{"/own"});
  const auto deadline = fixture.connection.deadline.load();
  CHECK(fixture.advance() == Step::await_write);  // without progress
  CHECK(fixture.connection.deadline.load() == deadline);
  std::size_t rounds = 0;
  while (fixture.connection.phase == Phase::answering) {
    fixture.peer.room = 1'000;
    const auto step = fixture.advance();
    REQUIRE((step == Step::await_write || step == Step::park));
    REQUIRE(++rounds < 20);
  }
  CHECK(fixture.peer.written == "complete " + body + "\ncomplete \n");
}

TEST_CASE("request_loop: a client that takes nothing is reset at the deadline") {
  test::SocketPair pair;
  Fixture fixture;
  fixture.connection.socket = std::move(pair.ours);
  fixture.peer.room = 3;
  fixture.peer.arrivals.push_back(post("/own", "body"));
  REQUIRE(fixture.advance() == Step::await_write);
  fixture.connection.enter(Phase::answering, -1ms);
  SUBCASE("seen in advance()") {
    CHECK(fixture.advance() == Step::close);
  }
  SUBCASE("seen in expire()") {
    CHECK(fixture.loop.expire(fixture.connection) == Step::close);
  }
  CHECK(fixture.connection.answer_failed);
  CHECK(!fixture.peer.is_finished);
}

TEST_CASE("request_loop: a source is read as the client takes its pieces") {
  Fixture fixture;
  auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{"one", "two"});
  fixture.handler.source = [source] { return source; };
  fixture.peer.arrivals.push_back(get("/own/source") + get("/own"));
  SUBCASE("all at once") {
    CHECK(fixture.advance() == Step::park);
  }
  SUBCASE("byte by byte") {
    fixture.peer.room = 1;
    while (fixture.advance() != Step::park) fixture.peer.room = 1;
  }
  SUBCASE("later, woken up") {
    std::function<void()> ready;
    source->before_read = [&] {
      if (source->reads == 2) source->next = addrbook::BodySource::Status::later;
    };
    source->when_asked = [&](const std::function<void()>& call) { ready = call; };
    CHECK(fixture.advance() == Step::park);
    CHECK(fixture.peer.written == "head\n3\r\none\r\n");
    CHECK(!fixture.connection.is_past_deadline());
    fixture.connection.socket = addrbook::detail::Descriptor(::dup(0));
    CHECK(fixture.advance() == Step::park);  // another event
    CHECK(source->reads == 2);
    REQUIRE(ready);
    ready();
    CHECK(fixture.advance() == Step::park);
  }
  CHECK(fixture.peer.written == "head\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\ncomplete \n");
  CHECK(fixture.connection.phase == Phase::idle);
}

TEST_CASE(
    "request_loop: the time of a client begins anew when a source that had nothing has more") {
  Fixture fixture;
  auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{"one", "two"});
  source->before_read = [&] {
    if (source->reads == 2) source->next = addrbook::BodySource::Status::later;
  };
  std::function<void()> ready;
  source->when_asked = [&](const std::function<void()>& call) { ready = call; };
  fixture.handler.source = [source] { return source; };
  fixture.peer.arrivals.push_back(get("/own/source"));
  REQUIRE(fixture.advance() == Step::park);
  constexpr auto never = Connection::Clock::time_point::max();
  CHECK(fixture.connection.deadline.load() == never.time_since_epoch().count());
  REQUIRE(ready);
  ready();
  const auto now = Connection::Clock::now();
  const auto deadline = [&] {
    return Connection::Clock::time_point(Connection::Clock::duration(fixture.connection.deadline));
  };
  SUBCASE("though it takes nothing at all") {
    fixture.peer.room = 0;
  }
  SUBCASE("and takes a little") {
    fixture.peer.room = 1;
  }
  CHECK(fixture.advance() == Step::await_write);
  CHECK(deadline() >= now + 1h);
  CHECK(deadline() < now + 2h);
  CHECK(fixture.connection.exchange->pace.deadline() >= now + 1h);
  CHECK(fixture.connection.exchange->pace.deadline() < now + 2h);
  const auto before = fixture.connection.deadline.load();
  fixture.peer.room = 0;
  CHECK(fixture.advance() == Step::await_write);
  CHECK(fixture.connection.deadline.load() == before);
}

TEST_CASE("request_loop: in an overload, who waits for a source is not served again and again") {
  Fixture fixture;
  auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{"one"});
  source->next = addrbook::BodySource::Status::later;
  source->when_asked = [](const auto&) {};
  fixture.handler.source = [source] { return source; };
  fixture.peer.arrivals.push_back(get("/own/source"));
  REQUIRE(fixture.advance() == Step::park);
  CHECK(fixture.loop.advance(fixture.connection, true) == Step::park);
  CHECK(source->reads == 1);
}

TEST_CASE("request_loop: no thread keeps the source of an answer that ran out of memory") {
  Fixture fixture;
  auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{"one"});
  source->before_read = [] { throw std::bad_alloc(); };
  fixture.handler.source = [&source] { return source; };
  fixture.peer.arrivals.push_back(get("/own/source"));
  CHECK(fixture.advance() == Step::close);
  fixture.connection.clear();
  CHECK(source.use_count() == 1);
}

TEST_CASE("request_loop: a source gives memory back while that is scarce and the client is slow") {
  Fixture fixture;
  const std::string piece(std::size_t{16} * 1024, 'x');
  auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{piece, piece});
  fixture.handler.source = [source] { return source; };
  fixture.peer.arrivals.push_back(get("/own/source"));
  fixture.peer.room = 1;
  CHECK(fixture.advance() == Step::await_write);
  fixture.peer.room = 1;
  CHECK(fixture.advance() == Step::await_write);
  // What it gives back may not be there again: an answer can fail for it.
  CHECK(source->pauses == 0);
  fixture.engine.budget.change(0, Peer::never / 2 + 2);
  fixture.peer.room = 1;
  CHECK(fixture.advance() == Step::await_write);
  CHECK(source->pauses == 1);
  fixture.peer.room = Peer::never;
  CHECK(fixture.advance() == Step::park);
  CHECK(source->pauses == 1);
}

TEST_CASE("request_loop: a source that fails cuts the answer with a reset") {
  test::SocketPair pair;
  Fixture fixture;
  fixture.connection.socket = std::move(pair.ours);
  auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{"one"});
  source->before_read = [&] {
    if (source->reads == 2) source->next = addrbook::BodySource::Status::failed;
  };
  fixture.handler.source = [source] { return source; };
  fixture.peer.arrivals.push_back(get("/own/source") + get("/2"));
  CHECK(fixture.advance() == Step::close);
  CHECK(fixture.connection.answer_failed);
  CHECK(!fixture.peer.is_finished);
  CHECK(fixture.handler.served() == Targets{"/own/source"});
}

TEST_CASE("request_loop: in an overload only what needs no thread is served") {
  const auto advance = [](Fixture& fixture) {
    return fixture.loop.advance(fixture.connection, true);
  };
  Fixture instant;
  instant.peer.arrivals.push_back(get("/own/instant"));
  CHECK(advance(instant) == Step::park);
  CHECK(instant.peer.written == "complete \n");

  Fixture body;
  body.peer.arrivals.emplace_back("POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
  CHECK(body.advance() == Step::park);
  body.peer.arrivals.emplace_back("lf");
  CHECK(advance(body) == Step::park);
  CHECK(body.peer.written == refusal(503));

  Fixture source;
  source.handler.source = [] {
    return std::make_shared<test::FakeSource>(std::vector<std::string>(9, std::string(9'000, 'x')));
  };
  source.peer.room = 10;
  source.peer.arrivals.push_back(get("/own/source"));
  REQUIRE(source.advance() == Step::await_write);
  source.peer.room = Peer::never;
  CHECK(advance(source) == Step::requeue);
  CHECK(source.advance() == Step::park);
}

TEST_CASE(
    "request_loop: a connection that holds too much is ended, with a 503 if that is possible") {
  Fixture head;
  head.peer.arrivals.emplace_back("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  REQUIRE(head.advance() == Step::park);
  CHECK(head.loop.evict(head.connection) == Step::park);
  CHECK(head.peer.written == refusal(503));
  CHECK(head.handler.refused() == Refused{{"/", 1}});
  CHECK(head.connection.memory() == 0);

  Fixture body;
  body.peer.arrivals.emplace_back("POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
  REQUIRE(body.advance() == Step::park);
  CHECK(body.loop.evict(body.connection) == Step::park);
  CHECK(body.peer.written == refusal(503));
  CHECK(body.handler.refused() == Refused{{"/own", 2}});
  CHECK(body.connection.memory() == 0);

  test::SocketPair pair;
  Fixture answer;
  answer.connection.socket = std::move(pair.ours);
  answer.peer.room = 3;
  answer.peer.arrivals.push_back(post("/own", "body"));
  REQUIRE(answer.advance() == Step::await_write);
  CHECK(answer.loop.evict(answer.connection) == Step::close);
  CHECK(answer.connection.answer_failed);
  CHECK(answer.connection.memory() == 0);
}

TEST_CASE("request_loop: a stopping server's answers are the last of their connections") {
  Fixture fixture;
  fixture.peer.arrivals.emplace_back(
      "POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nha");
  REQUIRE(fixture.advance() == Step::park);
  fixture.engine.stopping = true;
  SUBCASE("a body that arrives") {
    fixture.peer.arrivals.emplace_back("lf");
    CHECK(fixture.advance() == Step::park);
    CHECK(fixture.peer.written == "complete half\n");
    CHECK(fixture.connection.phase == Phase::draining);
  }
  SUBCASE("a body that is cut off by the stop") {
    fixture.peer.has_ended = true;
    CHECK(fixture.advance() == Step::close);
    CHECK(fixture.peer.written == "stopped ha\n");
  }
}
