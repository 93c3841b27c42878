/// ListCache: the texts of books' lists, each kept while its book does not change.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/http.hpp>
#include <addrbook/service.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/store.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A whole list.
struct ListText : private Pinned {
  ListText(std::uint64_t of_epoch, std::uint64_t at_revision)
      : epoch(of_epoch), revision(at_revision) {}
  ~ListText() {
    if (all_bytes) all_bytes->fetch_sub(bytes);
  }

  void append(std::string_view piece) {
    constexpr std::size_t block_bytes = std::size_t{256} * 1024;
    if (blocks.empty() || blocks.back().size() + piece.size() > block_bytes) blocks.emplace_back();
    blocks.back() += piece;
    bytes += piece.size();
  }

  const std::uint64_t epoch;
  const std::uint64_t revision;
  std::vector<std::string> blocks;                      // none is empty
  std::size_t bytes = 0;                                // of the blocks
  std::shared_ptr<std::atomic<std::size_t>> all_bytes;  // of all texts, if it is counted there
};

/// Keeps lists that were asked for twice without a write between, those that were read last. A list
/// that is read once costs nothing more. A book is known by its epoch.
/// @par Thread safety  any thread
class ListCache : private Pinned {
 public:
  using Clock = std::chrono::steady_clock;

  /// How long a reader may collect a list alone. Then another one may begin.
  static constexpr std::chrono::seconds patience{2};

  /// @param max_bytes  of the lists' texts together, with those that slow readers still have after
  ///                   a write; a longer list is not kept. 0: none is
  explicit ListCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Whether no list is kept, so that there is no need to look for one.
  [[nodiscard]] bool is_empty() const noexcept { return bytes_->load() == 0; }

  /// @returns the list of a book in this state; null if it is not kept
  [[nodiscard]] std::shared_ptr<const ListText> find(const BookState& state);

  /// A reader begins a list of this state.
  /// @returns its ticket if it is to collect the text for keep(), else 0. One reader of a book at a
  ///          time does.
  [[nodiscard]] std::uint64_t begin_collecting(const BookState& state,
                                               Clock::time_point now = Clock::now());
  /// @returns whether the reader is still to collect
  [[nodiscard]] bool is_collecting(std::uint64_t epoch, std::uint64_t ticket) noexcept;
  void end_collecting(std::uint64_t epoch, std::uint64_t ticket) noexcept;
  void keep(std::shared_ptr<ListText> text);

  [[nodiscard]] std::size_t max_bytes() const noexcept { return max_bytes_; }

  /// @returns how often a list was kept, and how often one that is long enough was not
  [[nodiscard]] CacheCounts counts() const {
    const std::lock_guard lock(mutex_);
    return {hits_, misses_, bytes_->load()};
  }

 private:
  // How many books are remembered, most of them without a text.
  static constexpr std::size_t max_books = 1000;

  struct Book {
    std::uint64_t epoch = 0;
    std::uint64_t seen = 0;       // the revision of the newest list
    std::uint64_t collector = 0;  // the ticket of the reader that collects; 0: none does
    Clock::time_point collects_since{};
    std::shared_ptr<const ListText> text;
  };
  using Books = std::list<Book>;  // those that were used last come first

  [[nodiscard]] Book& use(std::uint64_t epoch);

  const std::size_t max_bytes_;
  const std::shared_ptr<std::atomic<std::size_t>> bytes_ =
      std::make_shared<std::atomic<std::size_t>>(0);  // of all texts that exist
  mutable std::mutex mutex_;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  Books books_;
  std::map<std::uint64_t, Books::iterator> by_epoch_;
  std::uint64_t last_ticket_ = 0;
};

/// The body of a list that is kept. It holds no memory of its own. The storage is asked before each
/// further block whether the book is still there.
class KeptListSource final : public BodySource {
 public:
  explicit KeptListSource(std::shared_ptr<const ListText> text,
                          std::shared_ptr<const Service> service = nullptr) noexcept
      : text_(std::move(text)), service_(std::move(service)) {}

  Status read(std::string& to) override {
    if (block_ == text_->blocks.size()) return Status::end;
    const bool is_further = block_ != 0 && at_ == 0;
    if (is_further && service_ && service_->state().epoch != text_->epoch) return Status::failed;
    constexpr std::size_t piece_bytes = std::size_t{16} * 1024;
    const auto piece = std::string_view(text_->blocks[block_]).substr(at_, piece_bytes);
    to.append(piece);
    skip(piece.size());
    return Status::piece;
  }
  [[nodiscard]] std::string_view held() override {
    return at_ == 0 ? std::string_view() : std::string_view(text_->blocks[block_]).substr(at_);
  }
  void skip(std::size_t size) override {
    at_ += size;
    if (at_ < text_->blocks[block_].size()) return;
    ++block_;
    at_ = 0;
  }

 private:
  std::shared_ptr<const ListText> text_;
  std::shared_ptr<const Service> service_;
  std::size_t block_ = 0;
  std::size_t at_ = 0;  // in the block
};

/// A list that is kept when it has been read to its end, if the book did not change meanwhile.
/// @tparam Source  a BodySource; is_of_one_state() says whether all of its text is of one state of
///                 the book
template <class Source>
class CollectingSource final : public BodySource {
 public:
  /// @param ticket  from begin_collecting() for the state
  CollectingSource(std::shared_ptr<Source> source, std::shared_ptr<ListCache> cache,
                   const BookState& state, std::uint64_t ticket)
      : source_(std::move(source)),
        cache_(std::move(cache)),
        epoch_(state.epoch),
        ticket_(ticket),
        text_(std::make_shared<ListText>(state.epoch, state.revision)) {}
  ~CollectingSource() override { give_up(); }

  Status read(std::string& to) override {
    const std::size_t before = to.size();
    const Status status = source_->read(to);
    if (!text_) return status;
    if (status == Status::piece) {
      text_->append(std::string_view(to).substr(before));
      if (text_->bytes > cache_->max_bytes() || !cache_->is_collecting(epoch_, ticket_)) give_up();
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
    return source_->memory() + (text_ ? text_->bytes : 0);
  }

 private:
  void give_up() noexcept {
    text_.reset();
    cache_->end_collecting(epoch_, ticket_);
  }

  std::shared_ptr<Source> source_;
  std::shared_ptr<ListCache> cache_;
  const std::uint64_t epoch_;
  const std::uint64_t ticket_;
  std::shared_ptr<ListText> text_;  // null: not collected any more
};

// ---------------------------------------------------------------------------------------------

inline std::shared_ptr<const ListText> ListCache::find(const BookState& state) {
  std::shared_ptr<const ListText> old;  // destroyed after the lock
  const std::lock_guard lock(mutex_);
  const auto at = by_epoch_.find(state.epoch);
  if (at == by_epoch_.end()) return nullptr;
  Book& book = use(state.epoch);
  if (!book.text || book.text->revision == state.revision) {
    if (book.text) ++hits_;
    return book.text;
  }
  // The caller may have read its state before a write, and the text be of the state after it.
  if (book.text->revision < state.revision) old = std::move(book.text);
  return nullptr;
}

inline std::uint64_t ListCache::begin_collecting(const BookState& state, Clock::time_point now) {
  if (max_bytes_ == 0) return 0;
  const std::lock_guard lock(mutex_);
  ++misses_;
  const bool is_known = by_epoch_.count(state.epoch) != 0;
  Book& book = use(state.epoch);
  if (!is_known || book.seen < state.revision) {
    book.seen = state.revision;
    return 0;
  }
  const bool is_taken = book.collector != 0 && now - book.collects_since < patience;
  if (book.seen != state.revision || is_taken) return 0;
  book.collects_since = now;
  return book.collector = ++last_ticket_;
}

inline bool ListCache::is_collecting(std::uint64_t epoch, std::uint64_t ticket) noexcept {
  const std::lock_guard lock(mutex_);
  const auto at = by_epoch_.find(epoch);
  return at != by_epoch_.end() && at->second->collector == ticket;
}

inline void ListCache::end_collecting(std::uint64_t epoch, std::uint64_t ticket) noexcept {
  const std::lock_guard lock(mutex_);
  const auto at = by_epoch_.find(epoch);
  if (at != by_epoch_.end() && at->second->collector == ticket) at->second->collector = 0;
}

inline void ListCache::keep(std::shared_ptr<ListText> text) {
  const std::lock_guard lock(mutex_);
  Book& own = use(text->epoch);
  const auto is_too_much = [&] { return bytes_->load() + text->bytes > max_bytes_; };
  own.text.reset();
  for (auto book = books_.rbegin(); is_too_much() && book != books_.rend(); ++book) {
    book->text.reset();
  }
  if (is_too_much()) return;  // slow readers have old texts
  text->all_bytes = bytes_;
  bytes_->fetch_add(text->bytes);
  own.text = std::move(text);
}

/// @returns the book, now the first of all
inline ListCache::Book& ListCache::use(std::uint64_t epoch) {
  if (const auto known = by_epoch_.find(epoch); known != by_epoch_.end()) {
    books_.splice(books_.begin(), books_, known->second);
    return books_.front();
  }
  Books made(1);
  made.front().epoch = epoch;
  by_epoch_.emplace(epoch, made.begin());
  books_.splice(books_.begin(), made);
  if (books_.size() > max_books) {
    by_epoch_.erase(books_.back().epoch);
    books_.pop_back();
  }
  return books_.front();
}

}  // namespace addrbook::detail
