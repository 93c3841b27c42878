/// Changes: what has been written to a book, to be followed from any point on.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/query.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// What became of an id.
struct Change {
  std::string id;
  std::uint64_t revision = 0;  ///< of the write
  std::optional<Entry> entry;  ///< what was stored; nothing: the entry was removed
};

/// A run of a book's changes in order of revision, and the book's state at the same moment. An
/// entry that has been written several times is there once, as it is now. Each removal of an entry
/// is there, also if its id has an entry again.
struct ChangePage {
  std::vector<Change> changes;
  BookState state;
  /// Removals up to this revision may be missing: they are not remembered for ever.
  std::uint64_t forgotten = 0;
  bool more = false;  ///< whether there are changes after the last one

  /// The revision to go on after.
  [[nodiscard]] std::uint64_t next() const noexcept {
    return more ? changes.back().revision : state.revision;
  }
};

/// Up to where somebody knows the changes of a book.
struct ChangeToken {
  std::uint64_t epoch = 0;     ///< of the book, see Entry::epoch
  std::uint64_t revision = 0;  ///< what was stored up to it is known
  /// Removals up to this revision make no difference: it is the book's revision when the reading
  /// began. Above `revision` while the book is read for the first time.
  std::uint64_t start = 0;

  /// @returns the revision up to which removals need not be told
  [[nodiscard]] std::uint64_t removals_after() const noexcept {
    return (std::max)(revision, start);
  }

  /// @returns [0-9a-f.]+, at most 58 bytes
  [[nodiscard]] std::string text() const {
    std::string text = detail::hex(epoch) + std::to_string(revision);
    if (start > revision) text.append(".").append(std::to_string(start));
    return text;
  }

  /// @returns nothing if text() has not made it
  [[nodiscard]] static std::optional<ChangeToken> parse(std::string_view text) {
    constexpr std::size_t digits = 16;
    ChangeToken token;
    const std::string_view whole = text;
    for (const char c : text.substr(0, digits)) {
      const int value = detail::hex_value(c);
      if (value < 0) return std::nullopt;
      token.epoch = token.epoch << 4U | static_cast<unsigned>(value);
    }
    text.remove_prefix((std::min)(text.size(), digits));
    const auto revision = detail::parse_decimal(detail::cut(text, '.'));
    const auto start = text.empty() ? std::optional<std::uint64_t>(0) : detail::parse_decimal(text);
    if (!revision || !start) return std::nullopt;
    token.revision = *revision;
    token.start = *start;
    return token.text() == whole ? std::optional(token) : std::nullopt;
  }
};

/// A run of changes for who follows a book.
struct Changes {
  /// The token is of another book, or of another state of it, or too old: read the book anew,
  /// without a token. There are no changes then.
  bool is_expired = false;
  std::vector<Change> changes;  ///< see ChangePage
  ChangeToken next;             ///< to go on with
  bool more = false;            ///< whether there are changes already to go on with
};

/// A change as a program is told of it.
struct ChangeEvent {
  std::string id;
  std::uint64_t revision = 0;   ///< of the write
  std::optional<Entry> before;  ///< what was written over or removed
  std::optional<Entry> after;   ///< what was stored; nothing: the entry was removed
  /// False: `before` is empty because it is not known. Another process has made the change, or the
  /// store can't tell. Of several such changes of an id, only the last may be told.
  bool is_before_known = true;
  /// If set, this is no change: what came after the token was not told, as there was too much of
  /// it. Service::changes() gives it. Those that are told next may be among what that gives.
  std::optional<ChangeToken> missed_since;
};

/// @par Thread safety  is called by one thread at a time
using ChangeCallback = std::function<void(const ChangeEvent&)>;

/// Lasts as long as somebody is to be called. It may be moved, and empty.
class Subscription {
 public:
  Subscription() = default;
  /// @param end  is called once
  explicit Subscription(std::function<void()> end) : end_(std::move(end)) {}
  Subscription(Subscription&& other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
  Subscription& operator=(Subscription&& other) noexcept {
    std::swap(end_, other.end_);
    return *this;
  }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription() {
    if (end_) end_();
  }

 private:
  std::function<void()> end_;
};

}  // namespace addrbook
