/// Metrics: how a program's books and its server are doing, in numbers, as Prometheus reads them.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/metrics/collectors.hpp>
#include <addrbook/metrics/page.hpp>
#include <addrbook/metrics/request_counts.hpp>
#include <addrbook/metrics/transfer_counts.hpp>
#include <addrbook/version.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Counts requests, and asks the mounts and the servers that have it for what they count
/// themselves. `Options::metrics` also serves the text as `{base}/_metrics`.
///
/// There are never more than some thousand series, whatever clients send: labels are rows of the
/// table of routes, methods, statuses and the like, and the names of 100 books at most.
/// @par Thread safety  any thread
/// @par Cost  of a request some tens of instructions, and no memory
class Metrics : private detail::Pinned {
 public:
  /// Of text(), for a program that serves it itself.
  static constexpr std::string_view content_type = "text/plain; version=0.0.4";
  /// How many books have series of their own. All others are added up.
  static constexpr std::size_t max_books = 100;

  /// @returns all numbers, in Prometheus' text format 0.0.4
  /// @par Cost  a few milliseconds. It asks the storage for the states of books, which may wait;
  ///      what can't be had is left out
  [[nodiscard]] inline std::string text() const;

  /// @name For the library
  /// @{
  /// Adds a source of numbers, which is asked by each text().
  [[nodiscard]] detail::Collector collect(detail::Collect collect) {
    return collectors_.add(std::move(collect));
  }
  /// A row of the table of routes.
  struct Route {
    std::string label;
    std::string_view method;
  };
  /// Says what the rows are. All mounts have the same.
  void name_routes(std::vector<Route> routes) {
    const std::lock_guard lock(mutex_);
    routes_ = std::move(routes);
  }
  [[nodiscard]] detail::RequestCounts& requests() noexcept { return requests_; }
  [[nodiscard]] detail::TransferCounts& transfers() noexcept { return transfers_; }
  /// @returns whether a book has a label of its own. A book keeps its label after it is removed:
  ///          otherwise each book that is made and removed could add another series.
  [[nodiscard]] bool has_label(std::string_view mount, std::string_view book) {
    const std::lock_guard lock(mutex_);
    std::pair<std::string, std::string> key(mount, book);
    return books_.count(key) != 0 ||
           (books_.size() < max_books && books_.insert(std::move(key)).second);
  }
  /// @}

 private:
  void tell_requests(detail::MetricsPage& page) const;
  void tell_transfers(detail::MetricsPage& page) const;

  detail::RequestCounts requests_;
  detail::TransferCounts transfers_;
  detail::Collectors collectors_;
  mutable std::mutex mutex_;
  std::vector<Route> routes_;
  std::set<std::pair<std::string, std::string>> books_;  // that have labels
};

// ---------------------------------------------------------------------------------------------

namespace detail::metric {

using Type = MetricFamily::Type;

inline constexpr MetricFamily build_info{"addrbook_build_info",
                                         "The version of the library; always 1."};
inline constexpr MetricFamily requests{"addrbook_http_requests_total",
                                       "Requests that were answered.", Type::counter};
inline constexpr MetricFamily request_duration{
    "addrbook_http_request_duration_seconds",
    "Time from the end of a request's head to the end of its answer.", Type::histogram, true};
inline constexpr MetricFamily request_bytes{
    "addrbook_http_request_body_bytes_total",
    "Bytes of requests' bodies, as they came and as far as they were read.", Type::counter};
inline constexpr MetricFamily response_bytes{"addrbook_http_response_body_bytes_total",
                                             "Bytes of answers' bodies, as they were sent.",
                                             Type::counter};
inline constexpr MetricFamily refused{"addrbook_http_bodies_refused_total",
                                      "Requests that failed for what their body is.",
                                      Type::counter};
inline constexpr MetricFamily imports{"addrbook_imports_in_progress",
                                      "Imports over HTTP that are under way."};
inline constexpr MetricFamily import_records{
    "addrbook_import_records_total", "Records of imports over HTTP, by what became of them.",
    Type::counter};
inline constexpr MetricFamily exports{"addrbook_exports_in_progress",
                                      "Exports over HTTP that are under way."};
inline constexpr MetricFamily export_records{"addrbook_export_records_total",
                                             "Records of exports over HTTP.", Type::counter};

}  // namespace detail::metric

inline std::string Metrics::text() const {
  detail::MetricsPage page;
  page.add(detail::metric::build_info, {{"version", ADDRBOOK_VERSION}}, 1);
  tell_requests(page);
  tell_transfers(page);
  collectors_.collect(page);
  return page.text();
}

inline void Metrics::tell_requests(detail::MetricsPage& page) const {
  const std::lock_guard lock(mutex_);
  requests_.for_each(
      [&](detail::RequestSlot slot, int status, const detail::RequestSeries& series) {
        const bool is_named = slot.has_row() && slot.row() < routes_.size();
        const std::string_view route =
            is_named ? std::string_view(routes_[slot.row()].label) : std::string_view("other");
        const std::string_view method =
            is_named ? slot.method(routes_[slot.row()].method) : slot.method();
        const std::string code = status != 0 ? std::to_string(status) : "other";
        const auto counts = series.read();
        const detail::MetricLabels kind{{"route", route}, {"method", method}};
        const detail::MetricLabels whole{{"route", route}, {"method", method}, {"status", code}};
        page.add(detail::metric::requests, whole, counts.durations.count());
        page.add(detail::metric::request_duration, whole, counts.durations);
        page.add(detail::metric::request_bytes, kind, counts.request_bytes);
        page.add(detail::metric::response_bytes, kind, counts.response_bytes);
      });
}

inline void Metrics::tell_transfers(detail::MetricsPage& page) const {
  const detail::TransferCounts& counts = transfers_;
  for (std::size_t i = 0; i < counts.refused.size(); ++i) {
    page.add(detail::metric::refused, {{"reason", detail::TransferCounts::fault_names[i]}},
             counts.refused[i].load());
  }
  page.add(detail::metric::imports, counts.imports.load());
  page.add(detail::metric::import_records, {{"outcome", "created"}}, counts.created.load());
  page.add(detail::metric::import_records, {{"outcome", "updated"}}, counts.updated.load());
  page.add(detail::metric::import_records, {{"outcome", "skipped"}}, counts.skipped.load());
  page.add(detail::metric::import_records, {{"outcome", "failed"}}, counts.failed.load());
  page.add(detail::metric::exports, counts.exports.load());
  page.add(detail::metric::export_records, counts.exported.load());
}

}  // namespace addrbook
