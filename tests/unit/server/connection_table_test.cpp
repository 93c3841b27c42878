#include <addrbook/server/connection_table.hpp>

#include <support/fake_engine.hpp>

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <cstddef>
#include <set>
#include <utility>
#include <vector>

using addrbook::detail::Connection;
using addrbook::detail::ConnectionTable;
using addrbook::detail::Descriptor;
using Claim = Connection::Claim;

namespace {

/// Whether the other end of the pair is closed, or was shut down.
bool has_ended(const Descriptor& socket) {
  char byte = 0;
  return ::recv(socket.get(), &byte, 1, 0) == 0;
}

}  // namespace

TEST_CASE("connection_table: holds as many connections as its capacity") {
  constexpr std::size_t capacity = 600;  // more than two blocks of slots
  ConnectionTable table(capacity);
  std::vector<Connection*> open;
  std::set<Connection*> distinct;
  for (std::size_t i = 0; i < capacity; ++i) {
    CHECK(!table.is_full());
    open.push_back(table.open({}));
    REQUIRE(open.back() != nullptr);
    distinct.insert(open.back());
  }
  CHECK(distinct.size() == capacity);
  CHECK(table.count() == capacity);
  CHECK(table.is_full());

  CHECK(table.open({}) == nullptr);

  test::SocketPair pair;
  table.close(*open[300]);
  CHECK(table.count() == capacity - 1);
  CHECK(table.open(std::move(pair.ours)) == open[300]);
  CHECK(table.is_full());
  CHECK(!has_ended(pair.theirs));
  table.close(*open[300]);
  CHECK(has_ended(pair.theirs));
}

TEST_CASE("connection_table: a handle finds its connection until that is closed") {
  ConnectionTable table(2);
  Connection* const other = table.open({});
  Connection* const first = table.open({});
  const auto handle = ConnectionTable::handle(*first);
  CHECK(handle != ConnectionTable::handle(*other));
  CHECK(&table.slot(handle) == first);
  REQUIRE(first->park());
  REQUIRE(table.slot(handle).claim(ConnectionTable::generation(handle)) == Claim::claimed);
  table.close(*first);
  Connection* const second = table.open({});
  CHECK(second == first);
  CHECK(ConnectionTable::handle(*second) != handle);
  CHECK(table.slot(handle).claim(ConnectionTable::generation(handle)) == Claim::stale);
  CHECK(second->park());
}

TEST_CASE("connection_table: visits every slot that was ever used") {
  ConnectionTable table(10);
  std::set<Connection*> expected;
  for (int i = 0; i < 3; ++i) expected.insert(table.open({}));
  table.close(**expected.begin());
  std::set<Connection*> visited;
  table.for_each_slot([&](Connection& connection) { visited.insert(&connection); });
  CHECK(visited == expected);
}

TEST_CASE("connection_table: shuts down the sockets of claimed and of parked connections") {
  test::SocketPair claimed;
  test::SocketPair parked;
  ConnectionTable table(3);
  table.open(std::move(claimed.ours));
  REQUIRE(table.open(std::move(parked.ours))->park());
  table.close(*table.open({}));
  CHECK(!has_ended(claimed.theirs));
  table.shut_down_all(SHUT_RDWR);
  CHECK(has_ended(claimed.theirs));
  CHECK(has_ended(parked.theirs));
}
