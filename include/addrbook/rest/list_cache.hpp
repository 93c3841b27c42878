/// ListCache: the texts of books' lists, each kept while its book does not change.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/http.hpp>
#include <addrbook/store.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A whole list, in the pieces of its source.
struct ListText {
  std::uint64_t epoch = 0;
  std::uint64_t revision = 0;
  std::vector<std::string> pieces;

  [[nodiscard]] bool is_of(const BookState& state) const noexcept {
    return epoch == state.epoch && revision == state.revision;
  }
};

/// Keeps lists that were asked for twice without a write between, those that were read last. A list
/// that is read once costs nothing more. A book is known by its epoch.
/// @par Thread safety  any thread
class ListCache : private Pinned {
 public:
  /// @param max_bytes  of the lists' texts together; a longer list is not kept. 0: none is
  explicit ListCache(std::size_t max_bytes) noexcept : max_bytes_(max_bytes) {}

  /// @returns the list of a book in this state; null if it is not kept
  [[nodiscard]] std::shared_ptr<const ListText> find(const BookState& state);

  /// A reader begins a list of this state.
  /// @returns whether it is to collect the text for keep(), and to call end_collecting() in any
  ///          case. One reader of a book at a time does.
  [[nodiscard]] bool begin_collecting(const BookState& state);
  void end_collecting(std::uint64_t epoch) noexcept;
  void keep(std::shared_ptr<const ListText> text);

  [[nodiscard]] std::size_t max_bytes() const noexcept { return max_bytes_; }

 private:
  /// How many books are remembered, most of them without a text.
  static constexpr std::size_t max_books = 1000;

  struct Book {
    std::uint64_t epoch = 0;
    std::uint64_t seen = 0;  // the revision of the last list
    bool is_collecting = false;
    std::shared_ptr<const ListText> text;
    std::size_t bytes = 0;  // of the text
  };
  using Books = std::list<Book>;  // those that were used last come first

  [[nodiscard]] Books::iterator use(std::uint64_t epoch);
  void drop_text(Book& book) noexcept {
    bytes_ -= std::exchange(book.bytes, 0);
    book.text.reset();
  }
  void make_room();

  const std::size_t max_bytes_;
  std::mutex mutex_;
  Books books_;
  std::unordered_map<std::uint64_t, Books::iterator> by_epoch_;
  std::size_t bytes_ = 0;
};

/// The body of a list that is kept. It holds no memory of its own and needs no storage.
class KeptListSource final : public BodySource {
 public:
  explicit KeptListSource(std::shared_ptr<const ListText> text) noexcept : text_(std::move(text)) {}

  Status read(std::string& to) override {
    if (next_ == text_->pieces.size()) return Status::end;
    to.append(text_->pieces[next_++]);
    return Status::piece;
  }

 private:
  std::shared_ptr<const ListText> text_;
  std::size_t next_ = 0;
};

/// A list that is kept when it has been read to its end, if the book did not change meanwhile.
/// @tparam Source  a BodySource; is_of_one_state() says whether all of its text is of one state of
///                 the book
template <class Source>
class CollectingSource final : public BodySource {
 public:
  /// @param cache  begin_collecting() of it returned true for the state
  CollectingSource(std::shared_ptr<Source> source, std::shared_ptr<ListCache> cache,
                   const BookState& state)
      : source_(std::move(source)),
        cache_(std::move(cache)),
        epoch_(state.epoch),
        text_(std::make_shared<ListText>()) {
    text_->epoch = state.epoch;
    text_->revision = state.revision;
  }
  ~CollectingSource() override { give_up(); }

  Status read(std::string& to) override {
    const std::size_t before = to.size();
    const Status status = source_->read(to);
    if (!text_) return status;
    if (status == Status::piece) {
      bytes_ += to.size() - before;
      if (bytes_ > cache_->max_bytes()) {
        give_up();
      } else {
        text_->pieces.push_back(to.substr(before));
      }
    } else if (status == Status::end) {
      if (source_->is_of_one_state()) cache_->keep(std::move(text_));
      give_up();
    }
    return status;
  }
  void pause() override {
    give_up();
    source_->pause();
  }
  [[nodiscard]] std::size_t memory() const noexcept override {
    return source_->memory() + (text_ ? bytes_ : 0);
  }

 private:
  void give_up() noexcept {
    text_.reset();
    if (!std::exchange(has_ended_, true)) cache_->end_collecting(epoch_);
  }

  std::shared_ptr<Source> source_;
  std::shared_ptr<ListCache> cache_;
  const std::uint64_t epoch_;
  std::shared_ptr<ListText> text_;  // null: not collected any more
  std::size_t bytes_ = 0;
  bool has_ended_ = false;
};

// ---------------------------------------------------------------------------------------------

inline std::shared_ptr<const ListText> ListCache::find(const BookState& state) {
  const std::lock_guard lock(mutex_);
  const auto at = by_epoch_.find(state.epoch);
  if (at == by_epoch_.end()) return nullptr;
  Book& book = *use(state.epoch);
  if (book.text && !book.text->is_of(state)) drop_text(book);
  return book.text;
}

inline bool ListCache::begin_collecting(const BookState& state) {
  if (max_bytes_ == 0) return false;
  const std::lock_guard lock(mutex_);
  const bool is_known = by_epoch_.count(state.epoch) != 0;
  Book& book = *use(state.epoch);
  const bool is_second = is_known && book.seen == state.revision;
  book.seen = state.revision;
  if (!is_second || book.is_collecting) return false;
  book.is_collecting = true;
  return true;
}

inline void ListCache::end_collecting(std::uint64_t epoch) noexcept {
  const std::lock_guard lock(mutex_);
  const auto at = by_epoch_.find(epoch);
  if (at != by_epoch_.end()) at->second->is_collecting = false;
}

inline void ListCache::keep(std::shared_ptr<const ListText> text) {
  std::size_t bytes = 0;
  for (const std::string& piece : text->pieces) bytes += piece.size();
  const std::lock_guard lock(mutex_);
  Book& book = *use(text->epoch);
  drop_text(book);
  book.text = std::move(text);
  bytes_ += book.bytes = bytes;
  make_room();
}

/// @returns the book, now the first of all
inline ListCache::Books::iterator ListCache::use(std::uint64_t epoch) {
  const auto known = by_epoch_.find(epoch);
  if (known != by_epoch_.end()) {
    books_.splice(books_.begin(), books_, known->second);
    return books_.begin();
  }
  books_.emplace_front();
  try {
    by_epoch_.emplace(epoch, books_.begin());
  } catch (...) {
    books_.pop_front();
    throw;
  }
  books_.front().epoch = epoch;
  make_room();
  return books_.begin();
}

// The first book stays: its text alone is not over the limit.
inline void ListCache::make_room() {
  while (books_.size() > max_books) {
    drop_text(books_.back());
    by_epoch_.erase(books_.back().epoch);
    books_.pop_back();
  }
  for (auto book = std::prev(books_.end()); bytes_ > max_bytes_ && book != books_.begin(); --book) {
    drop_text(*book);
  }
}

}  // namespace addrbook::detail
