/// MemoryBooks: a BookStore in the process's memory.
#pragma once

#include <addrbook/book_store.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/error.hpp>
#include <addrbook/memory_store.hpp>
#include <addrbook/store.hpp>
#include <addrbook/text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// A MemoryStore for each book.
/// @par Cost  open, create and remove: O(log n) for n books
class MemoryBooks final : public BookStore {
 public:
  /// @param folding  how texts are compared; kept
  explicit MemoryBooks(std::shared_ptr<const Folding> folding = ascii_folding())
      : folding_(std::move(folding)) {
    if (!folding_) throw Error(Errc::invalid, "MemoryBooks need a folding");
  }

 private:
  class Book;
  using ByName = std::map<std::string, std::shared_ptr<Book>, std::less<>>;

  [[nodiscard]] inline std::shared_ptr<Store> do_open(std::string_view name) override;
  [[nodiscard]] inline Created do_create(std::string_view name, std::uint64_t max_books) override;
  inline Removal do_remove(std::string_view name, const Condition& condition) override;
  [[nodiscard]] inline BookList do_list(std::string_view after, std::size_t limit) const override;

  const std::shared_ptr<const Folding> folding_;
  mutable std::shared_mutex mutex_;
  ByName books_;
};

// ---------------------------------------------------------------------------------------------

/// A book that can be removed while it is used.
class MemoryBooks::Book final : public Store {
 public:
  Book(std::string_view name, const std::shared_ptr<const Folding>& folding)
      : name_(name), folding_(folding), store_(std::make_unique<MemoryStore>(folding)) {}

  /// Ends the book, if the condition holds.
  /// @returns what was in it; null if the condition does not hold
  [[nodiscard]] std::unique_ptr<MemoryStore> take(const Condition& condition) {
    const std::unique_lock lock(mutex_);
    if (condition && !condition(store_->state())) return nullptr;
    return std::move(store_);
  }

 private:
  CommitResult do_commit(Batch batch) override {
    const std::shared_lock lock(mutex_);
    return store().commit(std::move(batch));
  }
  [[nodiscard]] std::optional<Entry> do_find(std::string_view id) const override {
    const std::shared_lock lock(mutex_);
    return store().find(id);
  }
  [[nodiscard]] Page do_page(std::uint64_t after, PageLimit limit) const override {
    const std::shared_lock lock(mutex_);
    return store().page(after, limit);
  }
  [[nodiscard]] BookState do_state() const override {
    const std::shared_lock lock(mutex_);
    return store().state();
  }
  [[nodiscard]] std::vector<std::optional<SameEntry>> do_find_same(
      const std::vector<Identity>& identities) const override {
    const std::shared_lock lock(mutex_);
    return store().find_same(identities);
  }
  [[nodiscard]] ChangePage do_changes(std::uint64_t after, PageLimit limit,
                                      std::uint64_t removals_after) const override {
    const std::shared_lock lock(mutex_);
    return store().changes(after, limit, removals_after);
  }
  [[nodiscard]] const Folding& do_folding() const noexcept override { return *folding_; }

  [[nodiscard]] MemoryStore& store() const {
    if (!store_) fail_gone(name_);
    return *store_;
  }

  const std::string name_;
  const std::shared_ptr<const Folding> folding_;
  mutable std::shared_mutex mutex_;  // shared by all calls but the removal
  std::unique_ptr<MemoryStore> store_;
};

inline std::shared_ptr<Store> MemoryBooks::do_open(std::string_view name) {
  const std::shared_lock lock(mutex_);
  const auto at = books_.find(name);
  return at == books_.end() ? nullptr : at->second;
}

inline BookStore::Created MemoryBooks::do_create(std::string_view name, std::uint64_t max_books) {
  const std::unique_lock lock(mutex_);
  if (const auto at = books_.find(name); at != books_.end()) return {at->second, false};
  if (max_books != 0 && books_.size() >= max_books) return {nullptr, false};
  return {books_.emplace(name, std::make_shared<Book>(name, folding_)).first->second, true};
}

inline BookStore::Removal MemoryBooks::do_remove(std::string_view name,
                                                 const Condition& condition) {
  std::unique_ptr<MemoryStore> removed;  // destroyed last: a large book takes a while
  const std::unique_lock lock(mutex_);
  const auto at = books_.find(name);
  if (at == books_.end()) return Removal::absent;
  removed = at->second->take(condition);
  if (!removed) return Removal::refused;
  books_.erase(at);
  return Removal::done;
}

inline BookList MemoryBooks::do_list(std::string_view after, std::size_t limit) const {
  BookList list;
  const std::shared_lock lock(mutex_);
  for (auto at = books_.upper_bound(after); at != books_.end(); ++at) {
    if (list.books.size() >= (std::max)(limit, std::size_t{1})) {
      list.more = true;
      break;
    }
    // Books are removed under the lock that this thread holds, so this one is there.
    list.books.push_back({at->first, at->second->state()});
  }
  return list;
}

}  // namespace addrbook
