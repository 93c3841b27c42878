/// Books: many address books, by name, for example one for each user. It does not know HTTP.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/book_store.hpp>
#include <addrbook/error.hpp>
#include <addrbook/memory_books.hpp>
#include <addrbook/options.hpp>
#include <addrbook/service.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Many books with the same rules. Names match [A-Za-z0-9][A-Za-z0-9._~@+-]{0,127} and are compared
/// byte by byte.
///
/// As a Service does, it takes writes from construction on, refuses them after stop(), and takes
/// them again after start(). That holds for all its books.
/// @par Thread safety  any thread, any member; every call is atomic.
class Books : private detail::Pinned {
 public:
  /// @param store       kept; by default a MemoryBooks
  /// @param validators  for the documents of all books, see Service
  /// @throws Error{invalid} if `store` is null or a validator is empty
  explicit Books(std::shared_ptr<BookStore> store = std::make_shared<MemoryBooks>(),
                 std::vector<Validator> validators = {}, const BooksOptions& options = {});

  /// @returns the book; null if there is none of that name, or the name is not valid. As long as
  ///          somebody keeps it, every call returns the same Service. After the book is removed,
  ///          every call of the Service throws NoSuchBook.
  /// @throws  Error{storage}
  [[nodiscard]] std::shared_ptr<Service> find(std::string_view name);

  /// As find(), where an absent book is an error.
  /// @throws NoSuchBook | Error{storage}
  [[nodiscard]] std::shared_ptr<Service> open(std::string_view name);

  struct Created {
    std::shared_ptr<Service> book;
    bool is_new = false;  ///< false: the book was there
  };
  /// Opens the book, or makes an empty one.
  /// @param entries  how many are to be written to an empty one next: if there is no room for so
  ///                 many, none is made
  /// @throws Error{invalid} the name is not valid | Error{full} there are max_books, or over
  ///         max_entries are to be written | Error{stopped} | Error{storage}
  Created create(std::string_view name, std::uint64_t entries = 0);

  /// Removes a book with all that is in it.
  /// @param condition  must hold for the book's state, see BookStore::remove()
  /// @throws NoSuchBook | Error{precondition} the condition does not hold | Error{stopped} |
  ///         Error{storage}
  void remove(std::string_view name, const BookStore::Condition& condition = {});

  /// A run of books in the order of their names: begin with `after` = "", continue with the last
  /// name while `more` is set.
  /// @param limit  at least 1
  /// @throws Error{storage}
  [[nodiscard]] BookList list(std::string_view after = {}, std::size_t limit = 100) const {
    return store_->list(after, limit);
  }

  /// @returns what keeps the books, without the rules: for a BookStore that is made of several
  [[nodiscard]] const std::shared_ptr<BookStore>& store() const noexcept { return store_; }

  /// Takes writes again after stop().
  void start() noexcept { rules_->gate.open(); }

  /// Refuses further writes to all books, and waits for those in progress: nothing is written after
  /// it returns. Must not be called from within a Store.
  void stop();

  /// Asks the store. Reports a fault of the store rather than throwing it.
  [[nodiscard]] Health health() const;

  /// Checks a document as every book does before it writes it.
  /// @throws InvalidAddress | Error{internal}
  void validate(const Document& document) const { rules_->validate(document); }

  [[nodiscard]] const BooksOptions& options() const noexcept { return options_; }

 private:
  // A book that is open. It stays so while somebody uses it, or has used it lately.
  struct Open {
    std::shared_ptr<Service> book;
    mutable std::atomic<bool> is_recent{true};

    explicit Open(std::shared_ptr<Service> service) : book(std::move(service)) {}
  };
  using ByName = std::map<std::string, Open, std::less<>>;

  // Counts the removals of books, of one of several sets of names, so that a book that was removed
  // while it was opened is not kept.
  using Removals = std::atomic<std::uint64_t>;

  [[nodiscard]] std::shared_ptr<Service> known(std::string_view name) const;
  [[nodiscard]] static bool is_there(const Service& book);
  std::shared_ptr<Service> keep(std::string_view name, std::shared_ptr<Service> book,
                                std::uint64_t removals);
  void make_room();
  [[nodiscard]] Removals& removals_of(std::string_view name) {
    return removals_[std::hash<std::string_view>()(name) % removals_.size()];
  }

  const std::shared_ptr<BookStore> store_;
  const std::shared_ptr<detail::BookRules> rules_;
  const BooksOptions options_;
  std::array<Removals, 64> removals_{};
  mutable std::shared_mutex mutex_;  // not held while the storage works
  ByName open_;
};

// ---------------------------------------------------------------------------------------------

inline Books::Books(std::shared_ptr<BookStore> store, std::vector<Validator> validators,
                    const BooksOptions& options)
    : store_(std::move(store)),
      rules_(std::make_shared<detail::BookRules>(std::move(validators), options.book())),
      options_(options) {
  if (!store_) throw Error(Errc::invalid, "a Books needs a store");
}

inline std::shared_ptr<Service> Books::known(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto at = open_.find(name);
  // Another process may have removed the book.
  if (at == open_.end() || at->second.book->is_gone()) return nullptr;
  const Open& open = at->second;
  if (!open.is_recent.load(std::memory_order_relaxed)) {
    open.is_recent.store(true, std::memory_order_relaxed);
  }
  return open.book;
}

inline std::shared_ptr<Service> Books::find(std::string_view name) {
  while (true) {
    if (auto book = known(name)) return book;
    const std::uint64_t removals = removals_of(name).load();
    auto store = store_->open(name);
    if (!store) return nullptr;
    if (auto book = keep(name, std::make_shared<Service>(std::move(store), rules_), removals)) {
      return book;
    }
  }
}

/// Asks the storage: another process may have removed the book.
inline bool Books::is_there(const Service& book) {
  try {
    static_cast<void>(book.state());
    return true;
  } catch (const NoSuchBook&) {
    return false;
  }
}

inline std::shared_ptr<Service> Books::open(std::string_view name) {
  auto book = find(name);
  if (!book) throw NoSuchBook(name);
  return book;
}

inline Books::Created Books::create(std::string_view name, std::uint64_t entries) {
  if (auto book = find(name); book && is_there(*book)) return {std::move(book), false};
  if (options_.max_entries != 0 && entries > options_.max_entries) {
    detail::fail_full(options_.max_entries);
  }
  const auto passed = rules_->gate.pass();
  if (!rules_->gate.is_open()) throw Error(Errc::stopped, "The service is stopped");
  auto created = store_->create(name, options_.max_books);
  if (!created.store) {
    throw Error(Errc::full, "Insufficient Storage: there may be " +
                                std::to_string(options_.max_books) +
                                (options_.max_books == 1 ? " book" : " books"));
  }
  auto book = find(name);
  // Removed already: every call of it says so.
  if (!book) book = std::make_shared<Service>(std::move(created.store), rules_);
  return {std::move(book), created.is_new};
}

inline void Books::remove(std::string_view name, const BookStore::Condition& condition) {
  const auto passed = rules_->gate.pass();
  if (!rules_->gate.is_open()) throw Error(Errc::stopped, "The service is stopped");
  switch (store_->remove(name, condition)) {
    case BookStore::Removal::done: break;
    case BookStore::Removal::absent: throw NoSuchBook(name);
    case BookStore::Removal::refused:
      throw Error(Errc::precondition, "Not the expected revision: '" + std::string(name) + "'");
  }
  ByName::node_type removed;  // destroyed after the lock
  std::unique_lock lock(mutex_);
  ++removals_of(name);
  if (const auto at = open_.find(name); at != open_.end()) removed = open_.extract(at);
  lock.unlock();
  if (removed) removed.mapped().book->wake_watchers();
}

inline void Books::stop() {
  rules_->gate.close();
  std::vector<std::shared_ptr<Service>> books;
  {
    const std::shared_lock lock(mutex_);
    books.reserve(open_.size());
    for (const auto& [name, open] : open_) books.push_back(open.book);
  }
  for (const auto& book : books) book->wake_watchers();
}

// Keeps a book that was opened when there had been as many removals.
// @returns it, or what another thread has kept; null if there was a removal meanwhile
inline std::shared_ptr<Service> Books::keep(std::string_view name, std::shared_ptr<Service> book,
                                            std::uint64_t removals) {
  std::shared_ptr<Service> old;  // destroyed after the lock
  const std::unique_lock lock(mutex_);
  if (removals_of(name).load() != removals) return nullptr;
  const auto [at, is_new] = open_.try_emplace(std::string(name), book);
  if (!is_new && !at->second.book->is_gone()) return at->second.book;
  if (!is_new) {
    old = std::exchange(at->second.book, book);
  } else if (open_.size() > options_.max_open_books) {
    make_room();
  }
  return book;
}

// Closes the books that nobody uses or has used lately. If all were used lately, those that nobody
// uses. Either way most of the room is free again, so that this is seldom done.
inline void Books::make_room() {
  for (int round = 0; round < 2 && open_.size() > options_.max_open_books; ++round) {
    for (auto at = open_.begin(); at != open_.end();) {
      const bool is_recent = at->second.is_recent.exchange(false);
      at = !is_recent && at->second.book.use_count() == 1 ? open_.erase(at) : std::next(at);
    }
  }
}

inline Health Books::health() const {
  if (!rules_->gate.is_open()) return {false, "the service is stopped", nullptr};
  try {
    static_cast<void>(store_->list({}, 1));
    return {true, "", nullptr};
  } catch (...) {
    return {false, "the storage can't be reached", std::current_exception()};
  }
}

}  // namespace addrbook
