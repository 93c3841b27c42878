/// Scan: answers a query by reading a book from the beginning to the end.
#pragma once

#include <addrbook/contacts/terms.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/query.hpp>
#include <addrbook/text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @par Cost  reads the terms of each entry; only as far as the page reaches, if the order is by
///            creation, ascending, and no phone is asked for
class Scan {
 public:
  /// Reads a run of entries, in order of creation unless the query has ids.
  /// @param after  see Store::page()
  using Pages = std::function<Page(std::uint64_t after)>;

  /// Both outlive the scan.
  Scan(const Query& query, const Folding& folding)
      : query_(query), folding_(folding), search_(query, folding) {}

  [[nodiscard]] inline QueryPage select(const Pages& pages, const std::optional<Position>& after,
                                        PageLimit limit) const;

  [[nodiscard]] inline std::uint64_t count(const Pages& pages) const;

  /// Whether one place of a query stands before another.
  [[nodiscard]] static inline bool is_before(const Position& a, const Position& b, bool descending);

 private:
  struct Hit {
    Position position;
    Entry entry;
  };

  [[nodiscard]] inline std::optional<Position> position_of(const Entry& entry) const;
  [[nodiscard]] bool is_in_order_of_creation() const noexcept {
    return query_.sort == Query::Sort::created && !query_.descending && search_.phones.empty() &&
           !query_.ids;
  }
  template <class Take>
  void each(const Pages& pages, std::uint64_t after, BookState& state, Take take) const;

  const Query& query_;
  const Folding& folding_;
  const Search search_;
};

// ---------------------------------------------------------------------------------------------

inline bool Scan::is_before(const Position& a, const Position& b, bool descending) {
  const auto first = std::tie(a.is_suffix, a.is_absent);
  const auto second = std::tie(b.is_suffix, b.is_absent);
  if (first != second) return first < second;
  const auto order = std::tie(a.text, a.number);
  const auto other = std::tie(b.text, b.number);
  return descending ? other < order : order < other;
}

inline std::optional<Position> Scan::position_of(const Entry& entry) const {
  const bool is_by_text =
      query_.sort != Query::Sort::created && query_.sort != Query::Sort::updated;
  Position position;
  position.number = query_.sort == Query::Sort::updated ? entry.revision : entry.created;
  if (!is_by_text && search_.is_empty()) return position;
  const Terms terms = Terms::of(entry.document, folding_, !search_.words.empty());
  const Search::Match match = search_.match(terms);
  if (match == Search::Match::none) return std::nullopt;
  position.is_suffix = match == Search::Match::suffix;
  if (!is_by_text) return position;
  const auto& text = terms.text_of(query_.sort);
  position.is_absent = !text;
  if (text) position.text = *text;
  return position;
}

/// Calls `take(entry)` until it returns false.
template <class Take>
void Scan::each(const Pages& pages, std::uint64_t after, BookState& state, Take take) const {
  bool is_first = true;
  while (true) {
    Page page = pages(after);
    if (std::exchange(is_first, false)) state = page.state;
    for (Entry& entry : page.entries) {
      after = entry.created;
      if (!take(entry)) return;
    }
    if (!page.more) return;
  }
}

inline QueryPage Scan::select(const Pages& pages, const std::optional<Position>& after,
                              PageLimit limit) const {
  const auto is_before_hit = [this](const Hit& a, const Hit& b) {
    return is_before(a.position, b.position, query_.descending);
  };
  QueryPage result;
  // A heap of the first ones so far, and one more to know whether there is any; its last on top.
  std::vector<Hit> hits;
  std::size_t kept_bytes = 0;
  const auto bytes_of = [](const Hit& hit) { return hit.entry.document.text().size(); };
  const bool is_in_order = is_in_order_of_creation();
  each(pages, is_in_order && after ? after->number : 0, result.state, [&](Entry& entry) {
    if (search_.is_void) return false;
    auto position = position_of(entry);
    if (!position || (after && !is_before(*after, *position, query_.descending))) return true;
    hits.push_back({*std::move(position), std::move(entry)});
    kept_bytes += bytes_of(hits.back());
    std::push_heap(hits.begin(), hits.end(), is_before_hit);
    // What has a page's text before it is not on the page.
    const auto is_enough = [&] {
      return hits.size() > limit.entries || (hits.size() > 1 && kept_bytes > limit.bytes);
    };
    if (is_in_order) return !is_enough();
    while (hits.size() > limit.entries + 1 ||
           (hits.size() > 2 && kept_bytes - bytes_of(hits.front()) > limit.bytes)) {
      kept_bytes -= bytes_of(hits.front());
      std::pop_heap(hits.begin(), hits.end(), is_before_hit);
      hits.pop_back();
    }
    return true;
  });
  std::sort_heap(hits.begin(), hits.end(), is_before_hit);
  std::size_t bytes = 0;
  for (Hit& hit : hits) {
    bytes += hit.entry.document.text().size();
    if (!result.entries.empty() &&
        (result.entries.size() == limit.entries || bytes > limit.bytes)) {
      return result;
    }
    result.entries.push_back(std::move(hit.entry));
    result.next = std::move(hit.position);
  }
  result.next.reset();
  return result;
}

inline std::uint64_t Scan::count(const Pages& pages) const {
  std::uint64_t count = 0;
  BookState state;
  each(pages, 0, state, [&](const Entry& entry) {
    count += !search_.is_void && position_of(entry) ? 1U : 0U;
    return !search_.is_void;
  });
  return count;
}

}  // namespace addrbook::detail
