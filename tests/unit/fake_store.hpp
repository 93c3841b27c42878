/// A MemoryStore that a test can look into, hold up, and break.
#pragma once

#include <addrbook/memory_store.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// What a store's own libraries say, which no client may read.
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
  std::function<void()> before_head = [] {};

  addrbook::CommitResult commit(std::vector<addrbook::Write> batch) override {
    before_commit();
    auto result = store_.commit(std::move(batch));
    after_commit();
    return result;
  }
  [[nodiscard]] std::optional<addrbook::Entry> find(std::string_view id) const override {
    before_find();
    auto entry = store_.find(id);
    after_find();
    return entry;
  }
  [[nodiscard]] addrbook::Page page(std::uint64_t after, addrbook::PageLimit limit) const override {
    before_page();
    return store_.page(after, limit);
  }
  [[nodiscard]] addrbook::Head head() const override {
    before_head();
    return store_.head();
  }
  /// The head, whatever before_head does.
  [[nodiscard]] addrbook::Head true_head() const { return store_.head(); }

 private:
  addrbook::MemoryStore store_;
};

}  // namespace test
