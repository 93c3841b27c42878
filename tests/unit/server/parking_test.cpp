#include <addrbook/server/parking.hpp>

#include <support/fake_engine.hpp>
#include <support/hold_up.hpp>
#include <support/http_client.hpp>
#include <support/proc.hpp>
#include <unit/fake_source.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using addrbook::detail::Descriptor;
using addrbook::detail::Parking;
using addrbook::detail::ParkingLimits;
using test::Connection;
using namespace std::chrono_literals;

namespace {

ParkingLimits generous() {
  return {{1h, 1h, 1h, 1h, 1h}, 1h, 1h, 100, 100, 64 * 1024 * 1024};
}

struct Fixture {
  explicit Fixture(const ParkingLimits& limits = generous(), test::FakeHandler* with = nullptr)
      : parking(listener.take(), limits, with != nullptr ? *with : handler) {}

  [[nodiscard]] Connection connect() const { return Connection(listener.port); }

  test::Listener listener;
  test::FakeHandler handler;
  Parking parking;
};

}  // namespace

TEST_CASE("parking: answers requests on many connections") {
  Fixture fixture;
  std::vector<Connection> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(fixture.connect());
  for (int round = 0; round < 3; ++round) {
    for (auto& client : clients) CHECK(client.send_request("GET", "/a"));
    for (auto& client : clients) CHECK(client.read_response().body == "/a");
  }
  std::string pipelined;
  for (int i = 0; i < 100; ++i) {
    pipelined += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  clients[0].send(pipelined);
  for (int i = 0; i < 100; ++i) {
    CHECK(clients[0].read_response().body == "/" + std::to_string(i));
  }
}

TEST_CASE("parking: while a handler waits for its client another thread serves") {
  test::FakeHandler handler;
  test::Arrivals waiting;
  std::atomic<int> succeeded{0};
  handler.during = [&](auto& engine, auto& connection, const std::string& target) {
    if (target != "/wait") return true;
    waiting.add();
    if (engine.wait_for(connection, POLLIN, 1h)) ++succeeded;
    return true;
  };
  Fixture fixture(generous(), &handler);
  std::vector<Connection> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(fixture.connect());
    slow.back().send_request("GET", "/wait");
  }
  waiting.wait_for(20);
  CHECK(fixture.connect().request("GET", "/a").status == 200);
  for (auto& client : slow) client.send_request("GET", "/b");
  for (auto& client : slow) {
    CHECK(client.read_response().body == "/wait");
    CHECK(client.read_response().body == "/b");
  }
  CHECK(succeeded == 20);
}

TEST_CASE("parking: a wait for a client ends at its timeout") {
  test::FakeHandler handler;
  std::atomic<bool> result{true};
  handler.during = [&](auto& engine, auto& connection, const std::string&) {
    result = engine.wait_for(connection, POLLIN, 1ms);
    return true;
  };
  Fixture fixture(generous(), &handler);
  CHECK(fixture.connect().request("GET", "/a").status == 200);
  CHECK(!result);
}

TEST_CASE("parking: past max_threads requests get a 503") {
  test::FakeHandler handler;
  test::Gate gate;
  handler.during = [&](auto&, auto&, const std::string& target) {
    if (target == "/wait") gate.pass();
    return true;
  };
  auto limits = generous();
  const std::size_t threads = (std::max)(std::size_t{20}, addrbook::detail::usable_cpus());
  limits.max_threads = threads;
  Fixture fixture(limits, &handler);
  std::vector<Connection> waiting;
  for (std::size_t i = 0; i < threads; ++i) {
    waiting.push_back(fixture.connect());
    waiting.back().send_request("GET", "/wait");
  }
  gate.wait_for(threads);
  CHECK(fixture.connect().request("GET", "/a").status == 503);
  gate.open();
  for (auto& client : waiting) CHECK(client.read_response().status == 200);
  CHECK(handler.warnings().size() == 1);
}

TEST_CASE("parking: past max_connections clients get a 503") {
  auto limits = generous();
  limits.max_connections = 3;
  Fixture fixture(limits);
  std::vector<Connection> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(fixture.connect());
    CHECK(clients.back().request("GET", "/a").status == 200);
  }
  auto refused = fixture.connect();
  CHECK(refused.read_response().status == 503);
  CHECK(refused.is_closed());
  CHECK(clients[0].request("GET", "/a").status == 200);
}

TEST_CASE("parking: deadlines end connections that no event wakes") {
  auto limits = generous();
  SUBCASE("half a head") {
    limits.timeouts.header = 50ms;
    Fixture fixture(limits);
    auto client = fixture.connect();
    client.send("GET / HT");
    CHECK(client.read_response().status == 408);
    CHECK(client.is_closed());
  }
  SUBCASE("nothing sent") {
    limits.timeouts.header = 50ms;
    Fixture fixture(limits);
    auto client = fixture.connect();
    CHECK(client.is_closed());
    CHECK(client.unread().empty());
  }
  SUBCASE("no further request") {
    limits.timeouts.keep_alive = 50ms;
    Fixture fixture(limits);
    auto client = fixture.connect();
    CHECK(client.request("GET", "/a").status == 200);
    CHECK(client.is_closed());
    CHECK(client.unread().empty());
  }
}

TEST_CASE("parking: stop() closes idle connections and lets requests complete") {
  test::FakeHandler handler;
  test::Gate gate;
  handler.during = [&](auto&, auto&, const std::string& target) {
    if (target == "/wait") gate.pass();
    return true;
  };
  Fixture fixture(generous(), &handler);
  auto idle = fixture.connect();
  CHECK(idle.request("GET", "/a").status == 200);
  auto half = fixture.connect();
  half.send("GET /half HT");
  auto waiting = fixture.connect();
  waiting.send_request("GET", "/wait");
  gate.wait_for(1);
  auto stopped = std::async(std::launch::async, [&] { fixture.parking.stop(); });
  CHECK(idle.is_closed());
  CHECK(stopped.wait_for(0s) == std::future_status::timeout);
  gate.open();
  CHECK(waiting.read_response().body == "/wait");
  CHECK(waiting.is_closed());
  half.send("TP/1.1\r\nHost: a\r\n\r\n");  // within stop_grace
  CHECK(half.read_response().body == "/half");
  CHECK(half.is_closed());
  stopped.get();
  CHECK_THROWS(static_cast<void>(fixture.connect()));
}

TEST_CASE("parking: stop() waits for half a request no longer than its limits") {
  auto limits = generous();
  limits.stop_grace = 10ms;
  limits.stop_timeout = 20ms;
  test::FakeHandler handler;
  test::Arrivals waiting;
  handler.during = [&](auto& engine, auto& connection, const std::string&) {
    waiting.add();
    static_cast<void>(engine.wait_for(connection, POLLIN, 1h));
    return true;
  };
  Fixture fixture(limits, &handler);
  auto half = fixture.connect();
  half.send("GET / HT");
  auto served = fixture.connect();
  served.send_request("GET", "/wait");
  waiting.wait_for(1);
  const auto start = std::chrono::steady_clock::now();
  fixture.parking.stop();
  CHECK(std::chrono::steady_clock::now() - start < 10s);
  CHECK(half.is_closed());
  CHECK(served.is_closed());
}

TEST_CASE("parking: leaves no descriptor behind, not even where it can't start") {
  const auto before = test::open_files(::getpid());
  {
    Fixture fixture;
    CHECK(fixture.connect().request("GET", "/a").status == 200);
  }
  CHECK(test::open_files(::getpid()) == before);
  test::FakeHandler handler;
  const std::string file = std::string(ADDRBOOK_SOURCE_DIR) + "/LICENSE";  // epoll takes no file
  std::vector<Descriptor> files;
  files.emplace_back(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  CHECK_THROWS_AS(Parking(std::move(files), generous(), handler), std::system_error);
  CHECK(test::open_files(::getpid()) == before);
}

namespace {

const std::string half_body = "POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";

/// A handler with a long source, and as few threads as an engine can have.
struct Frugal {
  Frugal() {
    limits.max_threads = 1;
    handler.source = [] {
      return std::make_shared<test::FakeSource>(
          std::vector<std::string>(1'000, std::string(16'000, 'x')));
    };
  }

  ParkingLimits limits = generous();
  test::FakeHandler handler;
};

}  // namespace

TEST_CASE("parking: clients that send or take slowly hold no thread") {
  Frugal frugal;
  Fixture fixture(frugal.limits, &frugal.handler);
  std::vector<Connection> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(fixture.connect());
    slow.back().send_request("GET", "/own/source");
    CHECK(slow.back().has_more());  // the answer has begun
    slow.push_back(fixture.connect());
    slow.back().send(half_body + std::string(5'000, 'x'));
    CHECK(fixture.connect().request("GET", "/a").status == 200);
  }
  CHECK(frugal.handler.warnings().empty());
}

TEST_CASE("parking: a slow client gets all of its answer") {
  Frugal frugal;
  Fixture fixture(frugal.limits, &frugal.handler);
  auto client = fixture.connect();
  client.send("GET /own/source HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  std::size_t received = 0;
  std::string end;
  std::vector<char> bytes(50'000);
  while (true) {
    const auto size = ::recv(client.socket(), bytes.data(), bytes.size(), 0);
    if (size <= 0) break;
    received += static_cast<std::size_t>(size);
    end.append(bytes.data(), static_cast<std::size_t>(size));
    if (end.size() > 7) end.erase(0, end.size() - 7);
  }
  CHECK(received == 5 + 1'000 * (6 + 16'000 + 2) + 5);
  CHECK(end == "\r\n0\r\n\r\n");
}

TEST_CASE("parking: past the memory limit the largest and slowest end, small ones stay") {
  auto limits = generous();
  limits.max_buffered_bytes = 1024 * 1024;
  Fixture fixture(limits);
  auto small = fixture.connect();
  small.send(half_body + "small");
  std::vector<Connection> large;
  for (int i = 0; i < 10; ++i) {
    large.push_back(fixture.connect());
    large.back().send(half_body + std::string(300'000, 'x'));
    CHECK(fixture.connect().request("GET", "/a").status == 200);
  }
  std::size_t refused = 0;
  for (auto& client : large) {
    if (client.is_closed(10ms) || !client.unread().empty()) ++refused;
  }
  CHECK(refused >= 6);
  CHECK(!small.is_closed(10ms));
  CHECK(fixture.handler.warnings().size() == 1);
}

TEST_CASE("parking: a source that had nothing is read again when it says so") {
  test::FakeHandler handler;
  auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{"one", "two"});
  std::promise<std::function<void()>> asked;
  source->live = true;
  source->before_read = [&] {
    if (source->reads == 2) source->next = addrbook::BodySource::Status::later;
  };
  source->when_asked = [&](const std::function<void()>& ready) { asked.set_value(ready); };
  handler.source = [&] { return source; };
  std::function<void()> ready;
  {
    Fixture fixture(generous(), &handler);
    auto client = fixture.connect();
    client.send("GET /own/source HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    ready = asked.get_future().get();
    SUBCASE("while the client waits") {
      std::thread(ready).join();
      CHECK(client.is_closed());
      CHECK(client.unread() == "head\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
    }
    SUBCASE("after the client has gone") {
      client = fixture.connect();
      std::thread(ready).join();
      CHECK(client.request("GET", "/a").status == 200);
    }
    SUBCASE("after the engine has stopped, which ends the answer") {
      fixture.parking.stop();
      CHECK(client.is_closed());
      CHECK(client.unread() == "head\n3\r\none\r\n");
    }
    SUBCASE("when the engine stops, if it can complete the body") {
      source->when_stopped = [] { return true; };
      fixture.parking.stop();
      CHECK(client.is_closed());
      CHECK(client.unread() == "head\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
    }
    SUBCASE("when the engine stops, but not again and again") {
      source->when_stopped = [&] {
        source->next = addrbook::BodySource::Status::later;
        return true;
      };
      fixture.parking.stop();
      CHECK(client.is_closed());
      CHECK(client.unread() == "head\n3\r\none\r\n");
    }
  }
  ready();
}
