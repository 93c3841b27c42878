/// Export: takes the contacts of a book out, in a format.
#pragma once

#include <addrbook/base/large_work.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/query.hpp>
#include <addrbook/service.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Writes the entries that a query asks for, piece by piece. Between two pieces nothing is locked.
///
/// Each entry that is not written meanwhile is there exactly once; what is created meanwhile is
/// left out.
/// @par Thread safety  one call at a time.
/// @par Memory  a page of the book and a piece
class Export : private detail::Pinned {
 public:
  /// What a piece has, at least; it may be longer by what the format makes of one entry.
  static constexpr std::size_t piece_bytes = std::size_t{64} * 1024;

  /// Reads the first page.
  /// @param book     kept
  /// @param format   outlives this
  /// @param options  its version must be one of the format's, or ""
  /// @param after    only entries behind this position of the query
  /// @throws Error{invalid} there is no book, or the format has no such version | Error{storage}
  Export(std::shared_ptr<const Service> book, const Format& format, Query query = {},
         const WriteOptions& options = {}, const std::optional<Position>& after = {});

  /// Appends the next piece.
  /// @returns false if nothing was appended: the export is complete
  /// @throws Error{storage} also if the book was restored meanwhile, to a state that does not go on
  ///         from the one that was read
  [[nodiscard]] bool read(std::string& to);

  /// Gives back what can be read again: the page, in order of creation.
  void give_back();

  /// @returns the book's state as the export begins
  [[nodiscard]] const BookState& state() const noexcept { return state_; }
  /// @returns how many entries were written
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// @returns whether all entries that are not written yet are held
  [[nodiscard]] bool is_at_last_page() const noexcept { return !page_.next && !is_put_off_; }
  /// @returns the bytes that are held now
  [[nodiscard]] std::size_t memory() const noexcept;

 private:
  // A page in another order may cost the store a look at the whole book.
  [[nodiscard]] bool is_in_order() const noexcept {
    return query_.sort == Query::Sort::created && !query_.is_filtered();
  }
  [[nodiscard]] PageLimit page_limit() const noexcept {
    return is_in_order() ? PageLimit{256, piece_bytes} : PageLimit{1000, 4 * piece_bytes};
  }
  void fetch();
  void check_epoch() const;

  std::shared_ptr<const Service> book_;
  Query query_;
  std::unique_ptr<RecordWriter> writer_;
  QueryPage page_;
  std::optional<Position> begin_;  // of the page
  bool is_put_off_ = false;        // the page has a large entry: it is read again in its turn
  BookState state_;
  std::size_t next_ = 0;  // of the page's entries
  std::uint64_t count_ = 0;
  bool is_begun_ = false;
  bool is_complete_ = false;
};

namespace detail {

/// @returns the bytes of the largest document
[[nodiscard]] inline std::size_t largest_of(const std::vector<Entry>& entries) noexcept {
  std::size_t bytes = 0;
  for (const Entry& entry : entries) bytes = (std::max)(bytes, entry.document.text().size());
  return bytes;
}

/// Writes an entry; a large one when no other large one is written.
inline void write_entry(RecordWriter& writer, const Entry& entry, std::string& to) {
  std::optional<LargeWork> turn;
  if (LargeWork::is_large(entry.document.text().size())) turn.emplace();
  writer.write(entry, to);
}

}  // namespace detail

/// @returns one entry in a format
/// @throws Error{invalid} the format has no such version
[[nodiscard]] inline std::string export_one(const Entry& entry, const Format& format,
                                            std::string_view version = {}) {
  const auto writer = format.writer({find_version(format, version), true});
  std::string text;
  writer->begin(text);
  detail::write_entry(*writer, entry, text);
  writer->end(text);
  return text;
}

// ---------------------------------------------------------------------------------------------

inline Export::Export(std::shared_ptr<const Service> book, const Format& format, Query query,
                      const WriteOptions& options, const std::optional<Position>& after)
    : book_(std::move(book)), query_(std::move(query)) {
  if (!book_) throw Error(Errc::invalid, "an Export needs a book");
  writer_ = format.writer({find_version(format, options.version), options.is_single});
  page_.next = after;
  fetch();
  state_ = page_.state;
}

inline bool Export::read(std::string& to) {
  if (is_complete_) return false;
  const std::size_t begin = to.size();
  if (!std::exchange(is_begun_, true)) writer_->begin(to);
  while (to.size() - begin < piece_bytes) {
    std::optional<detail::LargeWork> turn;
    if (std::exchange(is_put_off_, false)) {
      turn.emplace();
      page_ = book_->list(query_, page_limit(), begin_);
      check_epoch();
    }
    if (next_ == page_.entries.size()) {
      if (page_.next) {
        fetch();
        check_epoch();
        continue;
      }
      page_.entries.clear();
      writer_->end(to);
      is_complete_ = true;
      return to.size() != begin;
    }
    Entry& entry = page_.entries[next_++];
    if (entry.created > state_.revision) continue;
    detail::write_entry(*writer_, entry, to);
    ++count_;
    entry.document = Document();  // that of an entry may be large
  }
  return true;
}

inline void Export::fetch() {
  begin_ = std::exchange(page_, QueryPage()).next;  // before there is another: one is enough
  next_ = 0;
  page_ = book_->list(query_, page_limit(), begin_);
  is_put_off_ = detail::LargeWork::is_large(detail::largest_of(page_.entries));
  if (is_put_off_) page_.entries = {};
}

inline void Export::check_epoch() const {
  if (page_.state.epoch != state_.epoch) {
    throw Error(Errc::storage, "the book was restored while it was exported");
  }
}

inline void Export::give_back() {
  if (!is_in_order() || next_ == 0 || next_ == page_.entries.size()) return;
  Position last;
  last.number = page_.entries[next_ - 1].created;
  page_ = QueryPage();
  page_.next = last;
  next_ = 0;
}

inline std::size_t Export::memory() const noexcept {
  std::size_t bytes = page_.entries.capacity() * sizeof(Entry);
  for (const Entry& entry : page_.entries) bytes += entry.document.text().capacity();
  return bytes;
}

}  // namespace addrbook
