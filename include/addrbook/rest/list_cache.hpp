/// ListCache: the text of a book's list, kept while the book does not change.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/http.hpp>
#include <addrbook/store.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
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

/// Keeps the last list that was asked for twice without a write between. A list that is read once
/// costs nothing more.
/// @par Thread safety  any thread
class ListCache : private Pinned {
 public:
  /// @param max_bytes  of a list's text; a longer list is not kept. 0: none is
  explicit ListCache(std::size_t max_bytes) noexcept : max_bytes_(max_bytes) {}

  /// @returns the list of a book in this state; null if it is not kept
  [[nodiscard]] std::shared_ptr<const ListText> find(const BookState& state) {
    const std::lock_guard lock(mutex_);
    if (text_ && !text_->is_of(state)) text_.reset();
    return text_;
  }

  /// A reader begins a list of this state.
  /// @returns whether it is to collect the text for keep(), and to call end_collecting() in any
  ///          case. One reader at a time does.
  [[nodiscard]] bool begin_collecting(const BookState& state) {
    const std::lock_guard lock(mutex_);
    const bool is_second = seen_.is_of(state);
    seen_.epoch = state.epoch;
    seen_.revision = state.revision;
    if (!is_second || max_bytes_ == 0 || is_collecting_) return false;
    is_collecting_ = true;
    return true;
  }
  void end_collecting() noexcept {
    const std::lock_guard lock(mutex_);
    is_collecting_ = false;
  }
  void keep(std::shared_ptr<const ListText> text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }

  [[nodiscard]] std::size_t max_bytes() const noexcept { return max_bytes_; }

 private:
  const std::size_t max_bytes_;
  std::mutex mutex_;
  ListText seen_;  // of the last list, without its pieces
  bool is_collecting_ = false;
  std::shared_ptr<const ListText> text_;
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
      : source_(std::move(source)), cache_(std::move(cache)), text_(std::make_shared<ListText>()) {
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
    if (!std::exchange(has_ended_, true)) cache_->end_collecting();
  }

  std::shared_ptr<Source> source_;
  std::shared_ptr<ListCache> cache_;
  std::shared_ptr<ListText> text_;  // null: not collected any more
  std::size_t bytes_ = 0;
  bool has_ended_ = false;
};

}  // namespace addrbook::detail
