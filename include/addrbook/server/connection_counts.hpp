/// ConnectionCounts: what a server's connections are doing.
#pragma once

#include <addrbook/metrics/page.hpp>
#include <addrbook/server/connection.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace addrbook::detail {

/// Connections by state, as they are counted one after the other.
struct ConnectionCounts {
  static constexpr std::array<std::string_view, 8> states{"new",     "reading_head", "reading_body",
                                                          "working", "answering",    "following",
                                                          "idle",    "draining"};

  std::array<std::size_t, states.size()> by_state{};
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;  ///< of them, because there were too many
  std::size_t max_connections = 0;
  std::size_t buffered_bytes = 0;
  std::size_t max_buffered_bytes = 0;

  /// Counts one slot.
  void add(const Connection& connection) noexcept {
    const auto view = connection.view();
    if (view != Connection::View::free) ++by_state[state_of(connection, view)];
  }

 private:
  // A thread has it, or else it waits: for its client, or for something to send.
  static std::size_t state_of(const Connection& connection, Connection::View view) noexcept {
    using Phase = Connection::Phase;
    if (view == Connection::View::claimed) return 3;
    switch (Phase{connection.phase}) {
      case Phase::handshake: return 0;
      case Phase::reading_head: return 1;
      case Phase::reading_body: return 2;
      case Phase::answering: return connection.awaits_source.load() ? 5 : 4;
      case Phase::idle: return 6;
      case Phase::draining: break;
    }
    return 7;
  }
};

namespace metric {

inline constexpr MetricFamily connections{
    "addrbook_connections",
    "Connections by state: working ones have a thread; following ones wait for changes, all others "
    "for their client; new ones have sent nothing yet, or set TLS up."};
inline constexpr MetricFamily max_connections{"addrbook_connections_max",
                                              "The limit of connections."};
inline constexpr MetricFamily accepted{"addrbook_connections_accepted_total",
                                       "Connections that were accepted.",
                                       MetricFamily::Type::counter};
inline constexpr MetricFamily refused_connections{
    "addrbook_connections_refused_total", "Connections that got a 503 because there were too many.",
    MetricFamily::Type::counter};
inline constexpr MetricFamily buffered{
    "addrbook_buffered_bytes", "Memory of requests and answers that wait for their clients."};
inline constexpr MetricFamily max_buffered{"addrbook_buffered_max_bytes", "The limit of it."};

}  // namespace metric

inline void tell(MetricsPage& page, const ConnectionCounts& counts) {
  for (std::size_t i = 0; i < counts.by_state.size(); ++i) {
    page.add(metric::connections, {{"state", ConnectionCounts::states[i]}}, counts.by_state[i]);
  }
  page.add(metric::max_connections, counts.max_connections);
  page.add(metric::accepted, counts.accepted);
  page.add(metric::refused_connections, counts.refused);
  page.add(metric::buffered, counts.buffered_bytes);
  page.add(metric::max_buffered, counts.max_buffered_bytes);
}

}  // namespace addrbook::detail
