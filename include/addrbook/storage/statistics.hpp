/// StorageStatistics: how a storage is doing.
#pragma once

#include <addrbook/base/histogram.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/error.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace addrbook::detail {

/// Failed calls of a storage.
/// @par Thread safety  any thread
class StorageFaults : private Pinned {
 public:
  static constexpr std::array<std::string_view, 2> operations{"read", "write"};
  static constexpr std::array<std::string_view, 3> reasons{"fault", "full", "busy"};

  enum class Operation { read, write };
  using Counts = std::array<std::array<std::uint64_t, reasons.size()>, operations.size()>;

  /// Returns what `call` returns, and counts what it throws, if that is the storage's fault.
  template <class Call>
  auto watch(Operation operation, Call call) -> decltype(call()) {
    try {
      return call();
    } catch (const Error& error) {
      count(operation, error.code());
      throw;
    }
  }

  [[nodiscard]] Counts read() const noexcept {
    Counts now{};
    for (std::size_t i = 0; i < now.size(); ++i) {
      for (std::size_t j = 0; j < now[i].size(); ++j) now[i][j] = counts_[i][j].load();
    }
    return now;
  }

 private:
  void count(Operation operation, Errc code) noexcept {
    const std::size_t reason = code == Errc::storage ? 0
                               : code == Errc::full  ? 1
                               : code == Errc::busy  ? 2
                                                     : reasons.size();
    if (reason < reasons.size()) ++counts_[static_cast<std::size_t>(operation)][reason];
  }

  std::array<std::array<std::atomic<std::uint64_t>, reasons.size()>, operations.size()> counts_{};
};

/// How often a cache had what was asked for.
struct CacheCounts {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t bytes = 0;  ///< held now
};

/// What a GroupCommit has done.
struct CommitCounts {
  std::uint64_t writes = 0;   ///< in all batches
  HistogramCounts batches;    ///< of each commit
  HistogramCounts durations;  ///< of commits, in nanoseconds
  HistogramCounts waits;      ///< of batches, for those before them, in nanoseconds
};

/// How a storage is doing, as far as it counts that. Several books may share one storage.
struct StorageStatistics {
  const void* source = nullptr;  ///< what the numbers are of; null: there are none
  std::optional<CommitCounts> commits = {};
  std::optional<CacheCounts> entry_cache = {};
  std::optional<StorageFaults::Counts> faults = {};
  std::size_t connections_in_use = 0;
  std::size_t max_connections = 0;  ///< 0: it has none
};

}  // namespace addrbook::detail
