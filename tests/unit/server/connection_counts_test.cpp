#include <addrbook/server/connection_counts.hpp>

#include <addrbook/base/descriptor.hpp>
#include <addrbook/metrics/page.hpp>
#include <addrbook/server/connection.hpp>

#include <support/metrics_text.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using addrbook::detail::Connection;
using addrbook::detail::ConnectionCounts;
using addrbook::detail::Descriptor;
using addrbook::detail::MetricsPage;

namespace {

/// @returns the state of a connection, "" if the slot is free
std::string state_of(const Connection& connection) {
  ConnectionCounts counts;
  counts.add(connection);
  std::string found;
  for (std::size_t i = 0; i < counts.by_state.size(); ++i) {
    if (counts.by_state[i] != 0) found += ConnectionCounts::states[i];
  }
  return found;
}

}  // namespace

TEST_CASE("connection counts: a connection has one state") {
  using Phase = Connection::Phase;
  Connection connection;
  CHECK(state_of(connection).empty());
  connection.occupy(Descriptor());
  CHECK(state_of(connection) == "working");
  REQUIRE(connection.park());
  const std::vector<std::pair<Phase, std::string>> states{{Phase::handshake, "new"},
                                                          {Phase::reading_head, "reading_head"},
                                                          {Phase::reading_body, "reading_body"},
                                                          {Phase::answering, "answering"},
                                                          {Phase::idle, "idle"},
                                                          {Phase::draining, "draining"}};
  for (const auto& state : states) {
    connection.phase = state.first;
    CHECK(state_of(connection) == state.second);
  }
  connection.phase = Phase::answering;
  connection.awaits_source.store(true);
  CHECK(state_of(connection) == "following");
  REQUIRE(connection.claim_parked());
  CHECK(state_of(connection) == "working");
  connection.vacate();
  CHECK(state_of(connection).empty());
}

TEST_CASE("connection counts: all states are told, those without a connection too") {
  ConnectionCounts counts;
  counts.by_state[0] = 3;
  counts.accepted = 9;
  counts.refused = 2;
  counts.max_connections = 100;
  counts.buffered_bytes = 4;
  counts.max_buffered_bytes = 5;
  MetricsPage page;
  tell(page, counts);
  tell(page, counts);  // of a second server
  const test::MetricsText text(page.text());
  CHECK(text["addrbook_connections{state=\"new\"}"] == 6);
  CHECK(text.has("addrbook_connections{state=\"idle\"}"));
  CHECK(text["addrbook_connections_max"] == 200);
  CHECK(text["addrbook_connections_accepted_total"] == 18);
  CHECK(text["addrbook_connections_refused_total"] == 4);
  CHECK(text["addrbook_buffered_bytes"] == 8);
  CHECK(text["addrbook_buffered_max_bytes"] == 10);
}
