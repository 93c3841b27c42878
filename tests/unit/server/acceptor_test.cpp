#include <addrbook/server/acceptor.hpp>

#include <support/fake_engine.hpp>
#include <support/http_client.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using addrbook::detail::Acceptor;
using addrbook::detail::connection_capacity;
using addrbook::detail::ConnectionTable;
using addrbook::detail::Descriptor;
using addrbook::detail::refusal_slots;

namespace {

/// Lowers the number of descriptors that this process may have, for a while.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t most) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit lowered = before_;
    lowered.rlim_cur = most;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

struct Fixture {
  explicit Fixture(std::size_t max_connections, std::size_t slots)
      : table(slots), acceptor(listener.take(), max_connections, table, handler) {}

  void accept_all() {
    acceptor.accept_all(
        [this](addrbook::detail::Connection& connection) { admitted.push_back(&connection); });
  }
  void retry() {
    acceptor.retry(
        [this](addrbook::detail::Connection& connection) { admitted.push_back(&connection); });
  }

  test::Listener listener;
  test::FakeHandler handler;
  ConnectionTable table;
  Acceptor acceptor;
  std::vector<addrbook::detail::Connection*> admitted;
};

}  // namespace

TEST_CASE("acceptor: takes all that wait, with their addresses") {
  Fixture fixture(10, 10);
  fixture.accept_all();
  CHECK(fixture.admitted.empty());
  const test::Connection clients[] = {test::Connection(fixture.listener.port),
                                      test::Connection(fixture.listener.port)};
  fixture.accept_all();
  REQUIRE(fixture.admitted.size() == 2);
  CHECK(fixture.table.count() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& connection = *fixture.admitted[i];
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(clients[i].socket(), reinterpret_cast<sockaddr*>(&address), &size);
    CHECK(connection.remote_address == "127.0.0.1");
    CHECK(connection.remote_port == ntohs(address.sin_port));
    CHECK(!connection.exceeds_limit);
    CHECK(connection.transport);
    const int flags = ::fcntl(connection.socket.get(), F_GETFL);
    CHECK((flags & O_NONBLOCK) != 0);
    CHECK(::fcntl(connection.socket.get(), F_GETFD) == FD_CLOEXEC);
  }
}

TEST_CASE("acceptor: connections past the limit are marked, with one warning") {
  Fixture fixture(2, 10);
  std::vector<test::Connection> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(fixture.listener.port);
  fixture.accept_all();
  REQUIRE(fixture.admitted.size() == 4);
  CHECK(!fixture.admitted[0]->exceeds_limit);
  CHECK(!fixture.admitted[1]->exceeds_limit);
  CHECK(fixture.admitted[2]->exceeds_limit);
  CHECK(fixture.admitted[3]->exceeds_limit);
  REQUIRE(fixture.handler.warnings().size() == 1);
  CHECK(fixture.handler.warnings()[0].find("max_connections") != std::string::npos);

  fixture.retry();  // nothing has changed: no further warning
  clients.emplace_back(fixture.listener.port);
  fixture.accept_all();
  CHECK(fixture.handler.warnings().size() == 1);

  for (auto* connection : fixture.admitted) fixture.table.close(*connection);
  fixture.retry();
  for (int i = 0; i < 3; ++i) clients.emplace_back(fixture.listener.port);
  fixture.accept_all();
  CHECK(fixture.admitted.back()->exceeds_limit);
  CHECK(fixture.handler.warnings().size() == 2);
}

TEST_CASE("acceptor: a full table refuses in passing, or makes clients wait") {
  Fixture fixture(1, 1);
  test::Connection first(fixture.listener.port);
  fixture.accept_all();
  REQUIRE(fixture.admitted.size() == 1);
  SUBCASE("refuses") {
    test::Connection second(fixture.listener.port);
    fixture.accept_all();
    CHECK(fixture.admitted.size() == 1);
    CHECK(second.read_response().status == 503);
    CHECK(second.is_closed());
  }
  SUBCASE("makes them wait, where a refusal needs a handshake") {
    fixture.handler.can_refuse = false;
    test::Connection second(fixture.listener.port);
    fixture.accept_all();
    fixture.retry();
    CHECK(fixture.admitted.size() == 1);
    fixture.table.close(*fixture.admitted[0]);
    CHECK(first.is_closed());
    fixture.retry();
    CHECK(fixture.admitted.size() == 2);
    CHECK(!second.is_closed(std::chrono::milliseconds(0)));
  }
}

TEST_CASE("acceptor: a connection without a transport is closed") {
  Fixture fixture(10, 10);
  SUBCASE("none is made") {
    fixture.handler.transport = [](int) { return nullptr; };
  }
  SUBCASE("making one throws") {
    fixture.handler.transport = [](int) -> std::unique_ptr<test::Transport> {
      throw std::bad_alloc();
    };
  }
  test::Connection client(fixture.listener.port);
  fixture.accept_all();
  CHECK(fixture.admitted.empty());
  CHECK(fixture.table.count() == 0);
  CHECK(client.is_closed());
}

TEST_CASE("acceptor: without descriptors clients wait, and are accepted later") {
  Fixture fixture(10, 10);
  const test::Connection client(fixture.listener.port);
  std::optional<DescriptorLimit> limit;
  {
    const Descriptor next(::fcntl(client.socket(), F_DUPFD_CLOEXEC, 0));
    limit.emplace(static_cast<rlim_t>(next.get()));
  }
  fixture.accept_all();
  fixture.retry();
  limit.reset();
  CHECK(fixture.admitted.empty());
  REQUIRE(fixture.handler.warnings().size() == 1);
  CHECK(fixture.handler.warnings()[0].find("descriptors") != std::string::npos);
  fixture.retry();
  CHECK(fixture.admitted.size() == 1);
}

TEST_CASE("acceptor: after close() nobody is accepted") {
  Fixture fixture(10, 10);
  const test::Connection waiting(fixture.listener.port);
  fixture.acceptor.close();
  fixture.accept_all();
  fixture.retry();
  CHECK(fixture.admitted.empty());
  CHECK_THROWS(test::Connection(fixture.listener.port));
}

TEST_CASE("acceptor: the capacity leaves descriptors for refusals and for the program") {
  for (const rlim_t descriptors : {rlim_t{200}, rlim_t{1'000}, rlim_t{1'024}}) {
    const DescriptorLimit limit(descriptors);
    CAPTURE(descriptors);
    const auto capacity = connection_capacity(1'000'000);
    CHECK(capacity + refusal_slots(capacity) + 64 <= descriptors);
    CHECK(capacity + refusal_slots(capacity) + 64 > descriptors - 20);  // and wastes none
    CHECK(connection_capacity(10) == 10);
  }
  const DescriptorLimit limit(20);
  CHECK(connection_capacity(1'000'000) >= 1);
  CHECK(connection_capacity(0) == 1);
}

TEST_CASE("acceptor: a socket for both families shows IPv4 addresses as such") {
  test::Listener both(AF_INET6);
  ConnectionTable table(2);
  test::FakeHandler handler;
  Acceptor acceptor(both.take(), 2, table, handler);
  const test::Connection ipv4(both.port);
  const test::Connection ipv6(both.port, AF_INET6);
  std::vector<std::string> addresses;
  acceptor.accept_all([&](addrbook::detail::Connection& connection) {
    addresses.push_back(connection.remote_address);
  });
  CHECK(addresses == std::vector<std::string>{"127.0.0.1", "::1"});
}

TEST_CASE("acceptor: takes from several sockets") {
  test::Listener first;
  test::Listener second;
  const int ports[] = {first.port, second.port};
  std::vector<Descriptor> sockets = first.take();
  sockets.push_back(std::move(second.socket));
  ConnectionTable table(4);
  test::FakeHandler handler;
  Acceptor acceptor(std::move(sockets), 4, table, handler);
  const test::Connection clients[] = {test::Connection(ports[1]), test::Connection(ports[0]),
                                      test::Connection(ports[1])};
  int count = 0;
  acceptor.accept_all([&](addrbook::detail::Connection&) { ++count; });
  CHECK(count == 3);
  acceptor.close();
  CHECK_THROWS(test::Connection(ports[0]));
  CHECK_THROWS(test::Connection(ports[1]));
}
