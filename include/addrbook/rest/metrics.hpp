/// The handler of the metrics, and what a mount adds to them.
#pragma once

#include <addrbook/book_store.hpp>
#include <addrbook/books.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/metrics/page.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/followers.hpp>
#include <addrbook/rest/list_cache.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/service.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace addrbook::detail {

/// GET _metrics.
inline Reply get_metrics(Context& context) {
  Reply reply = empty_reply(200);
  reply.headers.emplace_back("Content-Type", Metrics::content_type);
  reply.body = context.options.metrics->text();
  return reply;
}

[[nodiscard]] inline bool has_metrics(const Options& options) noexcept {
  return options.metrics != nullptr;
}

/// What a mount has that counts. All of it must outlive this.
struct MountNumbers {
  const Options& options;
  const Service* service;  ///< null: there are many books
  const Books* books;
  const ListCache& lists;
  const Followers& followers;
  const std::atomic<std::size_t>& writes;  ///< that the storage works on
};

/// Adds a mount's numbers to a page.
/// @par Thread safety  one call at a time
class MountReport {
 public:
  explicit MountReport(MountNumbers numbers) noexcept : numbers_(numbers) {}

  void tell(MetricsPage& page) {
    tell_limits(page);
    const std::uint64_t is_unreachable = tell_books(page) ? 0 : 1;
    page.add(unreachable, is_unreachable);
    const StorageStatistics storage = numbers_.service != nullptr
                                          ? numbers_.service->statistics()
                                          : numbers_.books->store()->statistics();
    if (storage.source != nullptr && page.is_new(storage.source)) tell_storage(page, storage);
  }

 private:
  using Type = MetricFamily::Type;
  using Clock = std::chrono::steady_clock;

  static constexpr MetricFamily books{"addrbook_books", "Books of a mount."};
  static constexpr MetricFamily entries{
      "addrbook_book_entries",
      "Addresses in a book; the book _others stands for all that have no series of their own."};
  static constexpr MetricFamily revision{"addrbook_book_revision",
                                         "Writes to a book since it was made."};
  static constexpr MetricFamily unreachable{"addrbook_storage_unreachable",
                                            "Mounts whose books could not be read just now."};
  static constexpr MetricFamily writes{"addrbook_writes_in_progress",
                                       "Requests whose write the storage works on, or holds up."};
  static constexpr MetricFamily max_writes{"addrbook_writes_max", "The limit of them."};
  static constexpr MetricFamily streams{"addrbook_streams",
                                        "Clients that wait for changes, by the kind of answer."};
  static constexpr MetricFamily max_streams{"addrbook_streams_max", "The limit of them."};
  static constexpr MetricFamily refused_streams{
      "addrbook_streams_refused_total", "Clients that were too many to wait.", Type::counter};
  static constexpr MetricFamily hits{"addrbook_cache_hits_total",
                                     "Reads that were answered from a cache.", Type::counter};
  static constexpr MetricFamily misses{"addrbook_cache_misses_total",
                                       "Reads that a cache could not answer.", Type::counter};
  static constexpr MetricFamily cache_bytes{"addrbook_cache_bytes", "Memory that a cache holds."};
  static constexpr MetricFamily commits{"addrbook_storage_commits_total",
                                        "Transactions that wrote addresses, failed ones included.",
                                        Type::counter};
  static constexpr MetricFamily written{"addrbook_storage_writes_total",
                                        "Writes in these transactions.", Type::counter};
  static constexpr MetricFamily batches{"addrbook_storage_commit_batches",
                                        "How many requests' writes shared a transaction.",
                                        Type::histogram};
  static constexpr MetricFamily durations{"addrbook_storage_commit_duration_seconds",
                                          "Time that a transaction took, with its second tries.",
                                          Type::histogram, true};
  static constexpr MetricFamily waits{"addrbook_storage_commit_wait_seconds",
                                      "Time that a request's writes waited for those before them.",
                                      Type::histogram, true};
  static constexpr MetricFamily faults{"addrbook_storage_faults_total",
                                       "Calls of the storage that failed.", Type::counter};
  static constexpr MetricFamily in_use{"addrbook_storage_connections_in_use",
                                       "Connections to the database that are in use."};
  static constexpr MetricFamily max_connections{"addrbook_storage_connections_max",
                                                "The limit of them."};

  void tell_limits(MetricsPage& page) const {
    const Options& options = numbers_.options;
    page.add(writes, numbers_.writes.load());
    page.add(max_writes, options.max_concurrent_writes);
    page.add(streams, {{"kind", "events"}}, numbers_.followers.count(Followers::Kind::events));
    page.add(streams, {{"kind", "poll"}}, numbers_.followers.count(Followers::Kind::poll));
    page.add(max_streams, options.max_streams);
    page.add(refused_streams, numbers_.followers.refused());
    tell_cache(page, "list", numbers_.lists.counts());
  }

  static void tell_cache(MetricsPage& page, std::string_view name, const CacheCounts& counts) {
    page.add(hits, {{"cache", name}}, counts.hits);
    page.add(misses, {{"cache", name}}, counts.misses);
    page.add(cache_bytes, {{"cache", name}}, counts.bytes);
  }

  /// @returns whether the storage could be read
  bool tell_books(MetricsPage& page) {
    try {
      if (numbers_.service != nullptr) {
        tell_book(page, {}, numbers_.service->state());
      } else {
        tell_many(page);
      }
      return true;
    } catch (const Error&) {
      return false;
    }
  }
  void tell_book(MetricsPage& page, std::string_view name, const BookState& state) const {
    MetricLabels labels{{"mount", numbers_.options.prefix}};
    if (!name.empty()) labels.emplace_back("book", name);
    page.add(entries, labels, state.count);
    page.add(revision, labels, state.revision);
  }
  void tell_many(MetricsPage& page);
  void tell_storage(MetricsPage& page, const StorageStatistics& storage) const;
  [[nodiscard]] const BookTotals& totals();

  const MountNumbers numbers_;
  std::optional<BookTotals> totals_;
  Clock::time_point totals_until_{};
};

// ---------------------------------------------------------------------------------------------

/// @returns those of all books, which may be of a few seconds ago: to read a million takes a while
inline const BookTotals& MountReport::totals() {
  constexpr std::chrono::seconds good_for(10);
  if (totals_ && Clock::now() < totals_until_) return *totals_;
  totals_ = numbers_.books->store()->totals();
  totals_until_ = Clock::now() + good_for;
  return *totals_;
}

inline void MountReport::tell_many(MetricsPage& page) {
  const auto less = [](std::uint64_t all, std::uint64_t part) {
    return all - (std::min)(all, part);
  };
  Metrics& metrics = *numbers_.options.metrics;
  const BookList list = numbers_.books->list({}, Metrics::max_books);
  BookTotals listed;
  BookState others{0, 0, 0};
  for (const BookInfo& each : list.books) {
    ++listed.books;
    listed.entries += each.state.count;
    listed.revisions += each.state.revision;
    if (metrics.has_label(numbers_.options.prefix, each.name)) {
      tell_book(page, each.name, each.state);
    } else {
      others.count += each.state.count;
      others.revision += each.state.revision;
    }
  }
  BookTotals all = listed;
  if (list.more) {
    all = totals();
    others.count += less(all.entries, listed.entries);
    others.revision += less(all.revisions, listed.revisions);
  }
  page.add(books, {{"mount", numbers_.options.prefix}}, all.books);
  tell_book(page, "_others", others);
}

inline void MountReport::tell_storage(MetricsPage& page, const StorageStatistics& storage) const {
  if (storage.entry_cache) tell_cache(page, "entry", *storage.entry_cache);
  if (const auto& counts = storage.commits) {
    page.add(commits, counts->batches.count());
    page.add(written, counts->writes);
    page.add(batches, {}, counts->batches);
    page.add(durations, {}, counts->durations);
    page.add(waits, {}, counts->waits);
  }
  if (storage.faults) {
    for (std::size_t i = 0; i < StorageFaults::operations.size(); ++i) {
      for (std::size_t j = 0; j < StorageFaults::reasons.size(); ++j) {
        page.add(
            faults,
            {{"operation", StorageFaults::operations[i]}, {"reason", StorageFaults::reasons[j]}},
            (*storage.faults)[i][j]);
      }
    }
  }
  if (storage.max_connections != 0) {
    page.add(in_use, storage.connections_in_use);
    page.add(max_connections, storage.max_connections);
  }
}

}  // namespace addrbook::detail
