/// SqlStore: a book in an SQL database, as a Store. Needs SOCI.
#pragma once

#include <addrbook/changes.hpp>
#include <addrbook/query.hpp>
#include <addrbook/storage/group_commit.hpp>
#include <addrbook/storage/revision_poll.hpp>
#include <addrbook/storage/sql_database.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/storage/write_plan.hpp>
#include <addrbook/store.hpp>
#include <addrbook/text.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Belongs to a std::shared_ptr.
/// @par Thread safety  any thread.
class SqlStore final : public Store, public std::enable_shared_from_this<SqlStore> {
 public:
  /// @param database  kept
  /// @param number    of the book
  SqlStore(std::shared_ptr<SqlDatabase> database, std::uint64_t number, std::string_view name)
      : database_(std::move(database)), number_(number), name_(name) {
    database_->states().add_user(number_);
  }
  ~SqlStore() override { database_->states().remove_user(number_); }

 private:
  CommitResult do_commit(Batch batch) override {
    const auto commit = [&] { return database_->commit(id(), std::move(batch)); };
    return or_gone(commit, StorageFaults::Operation::write);
  }
  [[nodiscard]] std::optional<Entry> do_find(std::string_view entry) const override {
    return or_gone([&] { return database_->find(id(), entry); });
  }
  [[nodiscard]] std::vector<std::optional<Entry>> do_find_many(
      const std::vector<std::string_view>& entries, std::size_t max_bytes) const override {
    return or_gone([&] { return database_->find_many(id(), entries, max_bytes); });
  }
  [[nodiscard]] Page do_page(std::uint64_t after, PageLimit limit) const override {
    return or_gone([&] { return database_->page(id(), after, limit); });
  }
  [[nodiscard]] BookState do_state() const override {
    return or_gone([&] { return database_->state(id()); });
  }
  [[nodiscard]] QueryPage do_select(const Query& query, const std::optional<Position>& after,
                                    PageLimit limit) const override {
    return or_gone([&] { return database_->select(id(), query, after, limit); });
  }
  [[nodiscard]] std::uint64_t do_count(const Query& query) const override {
    return or_gone([&] { return database_->count(id(), query); });
  }
  [[nodiscard]] std::vector<std::optional<SameEntry>> do_find_same(
      const std::vector<Identity>& identities) const override {
    return or_gone([&] { return database_->find_same(id(), identities); });
  }
  [[nodiscard]] ChangePage do_changes(std::uint64_t after, PageLimit limit,
                                      std::uint64_t removals_after) const override {
    return or_gone([&] { return database_->changes(id(), after, limit, removals_after); });
  }
  [[nodiscard]] const Folding& do_folding() const noexcept override { return database_->folding(); }

  [[nodiscard]] StorageStatistics do_statistics() const override { return database_->statistics(); }

  void do_follow(bool is_followed) override {
    RevisionPoll* const poll = database_->poll();
    if (poll == nullptr) return;
    if (!is_followed) return poll->remove(std::exchange(follower_, 0));
    follower_ =
        poll->add(number_, [weak = weak_from_this()](const std::optional<BookState>& state) {
          const auto store = weak.lock();
          if (store) state ? store->tell_state(*state) : store->wake_watchers();
        });
  }

  [[nodiscard]] BookId id() const noexcept { return {number_, name_}; }
  template <class Call>
  auto or_gone(Call call, StorageFaults::Operation operation = StorageFaults::Operation::read) const
      -> decltype(call()) {
    try {
      return database_->faults().watch(operation, std::move(call));
    } catch (const BookGone&) {
      fail_gone(name_);
    }
  }

  const std::shared_ptr<SqlDatabase> database_;
  const std::uint64_t number_;
  const std::string name_;
  RevisionPoll::Follower follower_ = 0;
};

}  // namespace addrbook::detail
