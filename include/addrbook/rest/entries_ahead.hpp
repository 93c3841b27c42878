/// EntriesAhead: entries of a book by their ids, read ahead.
#pragma once

#include <addrbook/entry.hpp>
#include <addrbook/service.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Entries of a book, one after the other. Reads them ahead in slices, as each read may be a round
/// trip to a database, and the first slice when the first entry is asked for.
class EntriesAhead {
 public:
  /// @param book  outlives this object, and so do the ids
  explicit EntriesAhead(const Service& book) : book_(book) {}

  void add(std::string_view id) { ids_.push_back(id); }

  /// @returns what Service::find() does for the next id
  [[nodiscard]] std::optional<Entry> next();

 private:
  // Of a slice's documents before the last one. All may be too large for memory.
  static constexpr std::size_t max_bytes = std::size_t{1024} * 1024;

  const Service& book_;
  std::vector<std::string_view> ids_;
  std::vector<std::optional<Entry>> found_;  // of the first ids
  std::size_t next_ = 0;
};

// ---------------------------------------------------------------------------------------------

inline std::optional<Entry> EntriesAhead::next() {
  if (next_ == found_.size()) {
    ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(next_));
    found_.clear();
    next_ = 0;
    found_ = book_.find_many(ids_, max_bytes);
  }
  return std::exchange(found_[next_++], std::nullopt);
}

}  // namespace addrbook::detail
