/// BookStates: the states of the books that are in use, while they are known without asking.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/store.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

namespace addrbook::detail {

/// Remembers states by the books' numbers. What it knows about a book goes with its last user.
/// @par Thread safety  any thread.
class BookStates : private Pinned {
 public:
  void add_user(std::uint64_t book) {
    const std::lock_guard lock(mutex_);
    ++books_[book].users;
  }
  void remove_user(std::uint64_t book) noexcept {
    const std::lock_guard lock(mutex_);
    const auto at = books_.find(book);
    if (at != books_.end() && --at->second.users == 0) books_.erase(at);
  }

  [[nodiscard]] std::optional<BookState> get(std::uint64_t book) const {
    const std::lock_guard lock(mutex_);
    const auto at = books_.find(book);
    return at == books_.end() ? std::nullopt : at->second.state;
  }
  /// Does nothing if nobody uses the book.
  void set(std::uint64_t book, const std::optional<BookState>& state) {
    const std::lock_guard lock(mutex_);
    if (const auto at = books_.find(book); at != books_.end()) at->second.state = state;
  }
  void forget_all() {
    const std::lock_guard lock(mutex_);
    for (auto& [number, book] : books_) book.state.reset();
  }

 private:
  struct Book {
    std::size_t users = 0;
    std::optional<BookState> state;
  };

  mutable std::mutex mutex_;
  std::map<std::uint64_t, Book> books_;
};

}  // namespace addrbook::detail
