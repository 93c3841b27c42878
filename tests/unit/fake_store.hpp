/// A MemoryStore that a test can inspect, hold up and break.
#pragma once

#include <addrbook/memory_store.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace test {

/// The message of a store's own library, which no client may see.
constexpr const char* secret_cause = "/srv/book.db: disk I/O error";

[[noreturn]] inline void fail_storage() {
  try {
    throw std::runtime_error(secret_cause);
  } catch (...) {
    std::throw_with_nested(addrbook::Error(addrbook::Errc::storage, "commit of /srv/book.db"));
  }
}

class FakeStore final : public addrbook::Store {
 public:
  std::function<void()> before_commit = [] {};
  std::function<void()> after_commit = [] {};
  std::function<void()> before_find = [] {};
  std::function<void()> after_find = [] {};
  std::function<void()> before_page = [] {};
  std::function<void()> before_state = [] {};

  /// The state, whatever before_state does.
  [[nodiscard]] addrbook::BookState true_state() const { return store_.state(); }

 private:
  addrbook::CommitResult do_commit(addrbook::Batch batch) override {
    before_commit();
    auto result = store_.commit(std::move(batch));
    after_commit();
    return result;
  }
  [[nodiscard]] std::optional<addrbook::Entry> do_find(std::string_view id) const override {
    before_find();
    auto entry = store_.find(id);
    after_find();
    return entry;
  }
  [[nodiscard]] addrbook::Page do_page(std::uint64_t after,
                                       addrbook::PageLimit limit) const override {
    before_page();
    return store_.page(after, limit);
  }
  [[nodiscard]] addrbook::BookState do_state() const override {
    before_state();
    return store_.state();
  }

  [[nodiscard]] addrbook::ChangePage do_changes(std::uint64_t after, addrbook::PageLimit limit,
                                                std::uint64_t removals_after) const override {
    before_page();
    return store_.changes(after, limit, removals_after);
  }

  addrbook::MemoryStore store_;
};

}  // namespace test
