/// Store: the seam between the book's rules and wherever its entries are kept.
#pragma once

#include <addrbook/entry.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook {

/// What must hold of an id before a write to it.
struct Condition {
  enum class Kind {
    any,          ///< no condition
    absent,       ///< no entry has the id
    present,      ///< an entry has the id
    at_revision,  ///< an entry has the id, and was last written by `revision`
  };

  Kind kind = Kind::any;
  std::uint64_t revision = 0;

  /// @param current  the revision of the entry that has the id, or nothing
  [[nodiscard]] bool holds(std::optional<std::uint64_t> current) const noexcept {
    switch (kind) {
      case Kind::any: return true;
      case Kind::absent: return !current;
      case Kind::present: return current.has_value();
      case Kind::at_revision: return current == revision;
    }
    return false;
  }
};

/// One write: puts a document under an id, or removes what is there.
struct Write {
  std::string id;
  std::optional<Document> document;  ///< nothing: remove
  Condition condition;
};

/// What became of a batch: either every write has been done, or none.
struct CommitResult {
  /// The first write whose condition did not hold; then nothing was written.
  std::optional<std::size_t> refused;
  /// The book's revision before the batch: write i took the number `base + 1 + i`.
  std::uint64_t base = 0;

  [[nodiscard]] bool done() const noexcept { return !refused; }
};

/// The book as a whole.
struct Head {
  std::string epoch;           ///< 16 hex digits, made with the book; names this line of revisions
  std::uint64_t revision = 0;  ///< of the last write; 0 before the first
  std::uint64_t count = 0;     ///< entries in the book
};

/// A run of entries in order of creation, and the book's head, both of one moment.
struct Page {
  std::vector<Entry> entries;
  Head head;
  bool more = false;  ///< whether there was an entry after the last one
};

/// How much a page may hold; whichever is reached first ends it, but one entry always fits.
struct PageLimit {
  std::size_t entries = 256;
  std::size_t bytes = std::size_t{256} * 1024;  ///< of documents' text
};

/// Keeps entries. The contract, which every implementation's tests run:
/// - Every write takes the next revision, in the order of commits, so does removing an absent id.
/// - Expected outcomes are values; only a fault throws, Error{storage} or Error{full}, and then
///   nothing is written, unless the message says that this is not known.
/// @par Thread safety  any thread; each call sees or makes one consistent state.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  Store(Store&&) = delete;
  Store& operator=(Store&&) = delete;
  virtual ~Store() = default;

  /// Checks the conditions of all writes against the state before the batch, then does all or none.
  /// @throws Error{invalid} if the batch names an id twice, or one that is not valid
  virtual CommitResult commit(std::vector<Write> batch) = 0;

  /// @returns the entry that has the id
  [[nodiscard]] virtual std::optional<Entry> find(std::string_view id) const = 0;

  /// @param after  entries with a greater `created` only; 0 for all
  [[nodiscard]] virtual Page page(std::uint64_t after, PageLimit limit) const = 0;

  [[nodiscard]] virtual Head head() const = 0;

 protected:
  /// What every commit() begins with.
  static void check_ids(const std::vector<Write>& batch);
};

// ---------------------------------------------------------------------------------------------

inline void Store::check_ids(const std::vector<Write>& batch) {
  std::vector<std::string_view> ids;
  ids.reserve(batch.size());
  for (const Write& write : batch) {
    if (!is_valid_id(write.id)) throw Error(Errc::invalid, "not a valid id");
    ids.emplace_back(write.id);
  }
  std::sort(ids.begin(), ids.end());
  if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) {
    throw Error(Errc::invalid, "a batch names an id twice");
  }
}

}  // namespace addrbook
