/// CachedStore: keeps recently read entries in memory, in front of a slower Store.
#pragma once

#include <addrbook/changes.hpp>
#include <addrbook/error.hpp>
#include <addrbook/storage/entry_cache.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/store.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Answers find() from memory if it can; everything else goes to the store behind it. Evicts the
/// least recently read entries.
///
/// Only for a store that nothing else writes to: a CachedStore does not see writes that bypass it.
/// @par Thread safety  any thread.
class CachedStore final : public Store {
 public:
  /// @param store      kept
  /// @param max_bytes  approximate memory for entries; an entry over a sixteenth of it is
  ///                   not cached
  /// @throws Error{invalid} if `store` is null
  CachedStore(std::shared_ptr<Store> store, std::size_t max_bytes)
      : store_(std::move(store)), cache_(max_bytes) {
    if (!store_) throw Error(Errc::invalid, "a CachedStore needs a store");
  }

 private:
  static constexpr detail::EntryCache::Book only_book = 0;

  CommitResult do_commit(Batch batch) override {
    detail::EntryCache::Writing writing(cache_, only_book);
    writing.begin(batch.writes);
    return store_->commit(std::move(batch));
  }
  [[nodiscard]] std::optional<Entry> do_find(std::string_view id) const override {
    return cache_.find(only_book, id, [this, id] { return store_->find(id); });
  }
  [[nodiscard]] std::vector<std::optional<Entry>> do_find_many(
      const std::vector<std::string_view>& ids, std::size_t max_bytes) const override {
    return cache_.find_many(
        only_book, ids, max_bytes,
        [this](const auto& missing, std::size_t room) { return store_->find_many(missing, room); });
  }
  [[nodiscard]] Page do_page(std::uint64_t after, PageLimit limit) const override {
    return store_->page(after, limit);
  }
  [[nodiscard]] QueryPage do_select(const Query& query, const std::optional<Position>& after,
                                    PageLimit limit) const override {
    return store_->select(query, after, limit);
  }
  [[nodiscard]] std::uint64_t do_count(const Query& query) const override {
    return store_->count(query);
  }
  [[nodiscard]] std::vector<std::optional<SameEntry>> do_find_same(
      const std::vector<Identity>& identities) const override {
    return store_->find_same(identities);
  }
  [[nodiscard]] ChangePage do_changes(std::uint64_t after, PageLimit limit,
                                      std::uint64_t removals_after) const override {
    return store_->changes(after, limit, removals_after);
  }
  [[nodiscard]] const Folding& do_folding() const noexcept override { return store_->folding(); }
  [[nodiscard]] BookState do_state() const override { return store_->state(); }
  [[nodiscard]] StorageStatistics do_statistics() const override {
    StorageStatistics statistics = store_->statistics();
    statistics.source = this;
    statistics.entry_cache = cache_.counts();
    return statistics;
  }

  const std::shared_ptr<Store> store_;
  mutable detail::EntryCache cache_;
};

}  // namespace addrbook
