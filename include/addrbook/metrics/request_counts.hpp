/// RequestCounts: requests by route, method and status.
#pragma once

#include <addrbook/base/histogram.hpp>
#include <addrbook/base/pinned.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>

namespace addrbook::detail {

/// The requests with one route, method and status. Threads count in different parts of it, so that
/// they seldom write to the same cache line.
/// @par Thread safety  any thread
class RequestSeries : private Pinned {
 public:
  /// @param nanoseconds     from the request's head to the end of its answer
  /// @param request_bytes   of the body, as far as it was read
  /// @param response_bytes  of the body
  void add(std::uint64_t nanoseconds, std::uint64_t request_bytes,
           std::uint64_t response_bytes) noexcept {
    Part& part = own_part();
    part.durations.add(nanoseconds);
    if (request_bytes != 0) part.request_bytes.fetch_add(request_bytes, std::memory_order_relaxed);
    if (response_bytes != 0) {
      part.response_bytes.fetch_add(response_bytes, std::memory_order_relaxed);
    }
  }
  /// Part of an answer's body has been sent, before its end.
  void add_response_bytes(std::uint64_t bytes) noexcept {
    own_part().response_bytes.fetch_add(bytes, std::memory_order_relaxed);
  }

  struct Counts {
    HistogramCounts durations;
    std::uint64_t request_bytes = 0;
    std::uint64_t response_bytes = 0;
  };
  [[nodiscard]] Counts read() const {
    Counts now;
    for (const Part& part : parts_) {
      now.durations.add(part.durations.read());
      now.request_bytes += part.request_bytes.load(std::memory_order_relaxed);
      now.response_bytes += part.response_bytes.load(std::memory_order_relaxed);
    }
    return now;
  }

 private:
  static constexpr std::size_t cache_line = 64;
  static constexpr std::size_t part_count = 4;

  struct alignas(cache_line) Part {
    Histogram<duration_bounds> durations;
    std::atomic<std::uint64_t> request_bytes{0};
    std::atomic<std::uint64_t> response_bytes{0};
  };

  // Each thread has a stack of its own, so where that stands tells threads apart. That costs less
  // than a variable of the thread, and is no global state.
  [[nodiscard]] Part& own_part() noexcept {
    constexpr unsigned stack_bits = 23;  // 8 MiB, as threads have unless they are told otherwise
    const char here = 0;
    return parts_[(reinterpret_cast<std::uintptr_t>(&here) >> stack_bits) % part_count];
  }

  std::array<Part, part_count> parts_;
};

/// Which route and method a request has, as a number.
class RequestSlot {
 public:
  static constexpr std::size_t max_rows = 32;
  /// The methods of requests that no row of the table is for. The first one stands for all that are
  /// not here; HEAD is a GET.
  static constexpr std::array<std::string_view, 7> methods{"other", "GET",    "POST",   "PUT",
                                                           "PATCH", "DELETE", "OPTIONS"};
  static constexpr std::size_t count = 2 * (max_rows + methods.size());

  /// It is not known yet which it is.
  constexpr RequestSlot() noexcept = default;
  /// @param row     of the table of routes, counted from 0
  /// @param method  of the request: the row's, or HEAD where that is GET
  constexpr RequestSlot(std::size_t row, std::string_view method) noexcept
      : number_(row < max_rows ? 2 * row + (method[0] == 'H' ? 1 : 0)
                               : RequestSlot(method).number()) {}
  /// A request that no row is for.
  explicit constexpr RequestSlot(std::string_view method) noexcept {
    std::size_t which = 0;
    const bool is_head = method == "HEAD";
    for (std::size_t i = 1; i < methods.size(); ++i) {
      if (methods[i] == (is_head ? "GET" : method)) which = i;
    }
    number_ = 2 * (max_rows + which) + (is_head ? 1 : 0);
  }
  [[nodiscard]] static constexpr RequestSlot of_number(std::size_t number) noexcept {
    RequestSlot slot;
    slot.number_ = number;
    return slot;
  }

  [[nodiscard]] constexpr bool is_known() const noexcept { return number_ != unknown; }
  [[nodiscard]] constexpr std::size_t number() const noexcept { return number_; }
  [[nodiscard]] constexpr bool is_head() const noexcept { return number_ % 2 == 1; }
  [[nodiscard]] constexpr bool has_row() const noexcept { return row() < max_rows; }
  [[nodiscard]] constexpr std::size_t row() const noexcept { return number_ / 2; }
  /// @param of_row  that of the row, if there is one
  [[nodiscard]] constexpr std::string_view method(
      std::string_view of_row = "other") const noexcept {
    return is_head() ? std::string_view("HEAD") : has_row() ? of_row : methods[row() - max_rows];
  }

 private:
  static constexpr std::size_t unknown = ~std::size_t{0};

  std::size_t number_ = unknown;
};

/// The statuses of answers. The first one stands for all that are not here.
inline constexpr std::array<int, 33> known_statuses{
    0,   200, 201, 204, 207, 304, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411,
    412, 413, 414, 415, 417, 421, 422, 428, 429, 431, 500, 501, 502, 503, 505, 507};
inline constexpr int first_status = 200;

[[nodiscard]] constexpr auto make_status_indexes() noexcept {
  std::array<std::uint8_t, 400> made{};
  for (std::size_t i = 1; i < known_statuses.size(); ++i) {
    made[static_cast<std::size_t>(known_statuses[i] - first_status)] = static_cast<std::uint8_t>(i);
  }
  return made;
}
inline constexpr auto status_indexes = make_status_indexes();

/// @returns where the status stands among known_statuses
[[nodiscard]] constexpr std::size_t index_of_status(int status) noexcept {
  const auto at = static_cast<std::size_t>(status - first_status);
  return at < status_indexes.size() ? status_indexes[at] : 0;
}

/// A RequestSeries for each route, method and status that has occurred: at most
/// RequestSlot::count * known_statuses.size(), whatever clients send. Each is made by its
/// first request.
/// @par Thread safety  any thread
class RequestCounts : private Pinned {
 public:
  ~RequestCounts() {
    for (auto& of_slot : series_) {
      for (auto& each : of_slot) delete each.load(std::memory_order_relaxed);
    }
  }

  /// @returns null if there is no memory for one more
  [[nodiscard]] RequestSeries* series(RequestSlot slot, int status) noexcept {
    auto& place = series_[slot.number()][index_of_status(status)];
    RequestSeries* const made = place.load(std::memory_order_acquire);
    return made != nullptr ? made : make(place);
  }

  /// Calls visit(RequestSlot, int status, const RequestSeries&) for each that there is; the status
  /// is 0 where it is none of those that are known.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t slot = 0; slot < series_.size(); ++slot) {
      for (std::size_t status = 0; status < known_statuses.size(); ++status) {
        const RequestSeries* const made = series_[slot][status].load(std::memory_order_acquire);
        if (made != nullptr) {
          visit(RequestSlot::of_number(slot), known_statuses[status], *made);
        }
      }
    }
  }

 private:
  using Place = std::atomic<RequestSeries*>;

  [[nodiscard]] static RequestSeries* make(Place& place) noexcept {
    std::unique_ptr<RequestSeries> made(new (std::nothrow) RequestSeries);
    RequestSeries* there = nullptr;
    if (made && place.compare_exchange_strong(there, made.get())) return made.release();
    return there;
  }

  std::array<std::array<Place, known_statuses.size()>, RequestSlot::count> series_{};
};

}  // namespace addrbook::detail
