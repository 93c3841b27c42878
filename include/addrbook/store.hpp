/// Store: where a book's entries are kept. The interface between the book's rules and its storage.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/contacts/identity.hpp>
#include <addrbook/contacts/scan.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/options.hpp>
#include <addrbook/query.hpp>
#include <addrbook/storage/change_hub.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/text.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace addrbook {

/// What must be true of an id for a write to it to be done.
struct Condition {
  enum class Kind {
    any,          ///< no condition
    absent,       ///< no entry has the id
    present,      ///< an entry has the id
    at_revision,  ///< an entry has the id, and its revision is `revision`
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

/// One write: stores a document under an id, or removes the entry that has the id.
struct Write {
  std::string id;
  std::optional<Document> document;  ///< nothing: remove
  Condition condition;
};

/// Remembers for a time that a batch was committed, so that the same one is not committed twice.
struct Note {
  static constexpr std::size_t max_bytes = 1024;  ///< of the key, and of the value

  std::string key;    ///< names the batch; printable ASCII, not empty
  std::string value;  ///< what there is to know of it; printable ASCII
  std::chrono::milliseconds lifetime = std::chrono::hours(24);
};

/// Writes that are applied together: all of them or none.
struct Batch {
  std::vector<Write> writes;      ///< no id twice
  std::uint64_t max_entries = 0;  ///< the book's capacity for this batch; 0: no limit
  Timestamp at = now();           ///< becomes Entry::created_at and Entry::updated_at
  /// Written with the batch, unless there is a note with its key that has not expired at `at`.
  std::optional<Note> note = {};
  /// How long before `at` a removal may be that the store forgets with this batch.
  std::chrono::hours tombstone_lifetime = ServiceOptions{}.tombstone_lifetime;
  bool wants_before = false;  ///< CommitResult::before is asked for

  /// Whether the batch must be refused as `full`. A batch that adds no entry never is, even in a
  /// book that holds more than `max_entries`.
  /// @param count    entries in the book before the batch
  /// @param added    entries that the batch would create
  /// @param removed  entries that the batch would remove
  [[nodiscard]] bool overfills(std::uint64_t count, std::uint64_t added,
                               std::uint64_t removed) const noexcept {
    return max_entries != 0 && added != 0 && count - removed + added > max_entries;
  }
};

/// The outcome of a batch. Either all writes are applied or none.
struct CommitResult {
  enum class Outcome {
    done,      ///< all writes are applied
    refused,   ///< a condition did not hold; nothing is written
    full,      ///< the book would hold more than Batch::max_entries; nothing is written
    repeated,  ///< there is a note with the key of Batch::note; nothing is written
  };

  Outcome outcome = Outcome::done;
  std::size_t refused = 0;  ///< if `refused`: the index of the first write whose condition failed
  std::uint64_t epoch = 0;  ///< the book's, see Entry::epoch
  /// If `done`: write i took revision `base + 1 + i`. If `repeated`: as it was for the batch that
  /// wrote the note.
  std::uint64_t base = 0;
  std::string note;  ///< if `repeated`: the value of that note
  /// If `done`: for write i the `created` of the entry that it stored; 0 where it removed.
  std::vector<std::uint64_t> created;
  /// If `done`: for write i the `created_at` of the entry that it stored; 1970 where it removed.
  std::vector<Timestamp> created_at;
  /// If `done`, and Batch::wants_before: for write i the entry that had the id; or empty, if the
  /// store can't tell.
  std::vector<std::optional<Entry>> before = {};

  [[nodiscard]] bool done() const noexcept { return outcome == Outcome::done; }
};

/// The book has been removed, or there never was one.
struct NoSuchBook : Error {
  explicit NoSuchBook(std::string_view name, SourceLine thrown_at = SourceLine::here())
      : Error(Errc::not_found, "No such book: '" + std::string(name) + "'", thrown_at) {}
};

/// How a storage is doing, as far as it counts that. Several books may share one.
using StorageStatistics = detail::StorageStatistics;

/// What tells whether two documents are the same contact; detail::identity_of() makes it.
using Identity = detail::Identity;

/// The entry that has an identity.
struct SameEntry {
  std::string id;
  std::uint64_t revision = 0;
};

/// Keeps entries. The public members check what every store must check; an implementation
/// overrides the private ones. All implementations pass the same tests (tests/contract):
/// - Every write takes the next revision, in the order of commits. Removing an absent id does too.
/// - Expected outcomes are values. Only faults are thrown: Error{storage}, or Error{full} when the
///   storage itself has no room. Nothing is written then, unless the message says that this is
///   unknown.
/// - A store of many books (book_store.hpp): once its book is removed, every call throws
///   NoSuchBook.
/// @par Thread safety  any thread; each call sees or makes one consistent state.
class Store : private detail::Pinned {
 public:
  virtual ~Store() { delete hub_.load(); }

  /// Looks for the batch's note, checks the conditions of all writes against the state before the
  /// batch, then the capacity, then applies all writes.
  /// @throws Error{invalid} if an id is not valid or occurs twice, or the note is not as it must be
  ///         | Error{storage} | Error{full}
  CommitResult commit(Batch batch);

  /// @returns the entry that has the id; nothing for an id that is not valid
  /// @throws Error{storage}
  [[nodiscard]] std::optional<Entry> find(std::string_view id) const {
    // A database may take "a" and "a\0b" for the same text.
    if (!is_valid_id(id)) return std::nullopt;
    return do_find(id);
  }

  /// Looks for many entries at once: in a database that is remote with one statement.
  /// @param ids        in any order; one may be there twice
  /// @param max_bytes  of the documents' text: once they have more, the result ends
  /// @returns for each id what find() does, perhaps not all of the same moment. Of the first ids
  ///          only, if the result has ended; of one id at least
  /// @throws Error{storage}
  [[nodiscard]] std::vector<std::optional<Entry>> find_many(
      const std::vector<std::string_view>& ids,
      std::size_t max_bytes = (std::numeric_limits<std::size_t>::max)()) const;

  /// @param after  only entries with a greater `created`; 0 for all
  /// @throws Error{storage}
  [[nodiscard]] Page page(std::uint64_t after, PageLimit limit) const {
    return do_page(after, limit);
  }

  /// The entries that a query asks for, in its order.
  /// @param after  only entries behind this position of the same query; nothing for all
  /// @throws Error{storage}
  [[nodiscard]] QueryPage select(const Query& query, const std::optional<Position>& after,
                                 PageLimit limit) const;

  /// @returns how many entries the query asks for
  /// @throws Error{storage}
  [[nodiscard]] std::uint64_t count(const Query& query) const;

  /// Looks for contacts by what they are known by, for imports.
  /// @returns for each identity the entry that has it, the oldest one of several; or nothing
  /// @throws Error{storage}
  /// @par Cost  without an index in the store: reads the whole book, once for all identities
  [[nodiscard]] std::vector<std::optional<SameEntry>> find_same(
      const std::vector<Identity>& identities) const {
    if (identities.empty()) return {};
    return do_find_same(identities);
  }

  /// The entries and the removals that are newer than a revision, in order of revision.
  /// @param after           only changes of a greater revision
  /// @param removals_after  of removals only those of a greater revision than this, too
  /// @throws Error{storage}
  [[nodiscard]] ChangePage changes(std::uint64_t after, PageLimit limit,
                                   std::uint64_t removals_after = 0) const {
    limit.entries = (std::max)(limit.entries, std::size_t{1});
    return do_changes(after, limit, (std::max)(after, removals_after));
  }

  /// @name Those who follow the book. They must end before the store does.
  /// @{
  /// As Service::watch().
  [[nodiscard]] Subscription watch(std::function<void()> wake);
  /// As Service::on_change().
  [[nodiscard]] Subscription on_change(ChangeCallback callback);
  /// Has those who watch look again.
  void wake_watchers() const noexcept {
    if (detail::ChangeHub* const hub = hub_.load()) hub->wake_all();
  }
  /// @}

  /// How texts are compared.
  [[nodiscard]] const Folding& folding() const noexcept { return do_folding(); }

  /// @throws Error{storage}
  [[nodiscard]] BookState state() const { return do_state(); }

  /// @returns how the storage is doing, of which the book may be one of many
  [[nodiscard]] StorageStatistics statistics() const { return do_statistics(); }

  /// Whether the store has found out that its book has been removed. There is no way back.
  [[nodiscard]] bool is_gone() const noexcept { return is_gone_.load(std::memory_order_relaxed); }

 protected:
  /// The book is at this state now, which another process may have made.
  void tell_state(const BookState& state) const {
    if (detail::ChangeHub* const hub = hub_.load()) {
      hub->tell(detail::ChangeHub::no_ticket, {state.epoch, state.revision}, state.revision, {});
    }
  }
  /// @throws NoSuchBook
  [[noreturn]] void fail_gone(std::string_view name,
                              SourceLine thrown_at = SourceLine::here()) const {
    is_gone_.store(true, std::memory_order_relaxed);
    throw NoSuchBook(name, thrown_at);
  }

 private:
  static void check(const Batch& batch);
  [[nodiscard]] detail::ChangeHub& hub();
  void change_followers(int by);

  /// Somebody follows the book, or nobody any more. A store whose book others may write to calls
  /// tell_state() meanwhile, and wake_watchers() when the book is gone.
  virtual void do_follow(bool /*is_followed*/) {}
  /// @param batch  its ids are valid, and no id occurs twice
  virtual CommitResult do_commit(Batch batch) = 0;
  /// @param id  valid
  [[nodiscard]] virtual std::optional<Entry> do_find(std::string_view id) const = 0;
  /// Finds them one by one, unless a store overrides this.
  /// @param ids  valid, and not empty; of one at least there must be a result
  [[nodiscard]] inline virtual std::vector<std::optional<Entry>> do_find_many(
      const std::vector<std::string_view>& ids, std::size_t max_bytes) const;
  [[nodiscard]] virtual Page do_page(std::uint64_t after, PageLimit limit) const = 0;
  [[nodiscard]] virtual BookState do_state() const = 0;
  /// Asks nothing of a disk or a database.
  [[nodiscard]] virtual StorageStatistics do_statistics() const { return {}; }

  /// @name Without an index: these read the whole book
  /// @{
  /// @param query  has no ids
  [[nodiscard]] virtual QueryPage do_select(const Query& query,
                                            const std::optional<Position>& after,
                                            PageLimit limit) const {
    return detail::Scan(query, folding()).select(pages(), after, limit);
  }
  /// @param query  is filtered, and has no ids
  [[nodiscard]] virtual std::uint64_t do_count(const Query& query) const {
    return detail::Scan(query, folding()).count(pages());
  }
  /// @param identities  not empty; may name one twice
  [[nodiscard]] virtual std::vector<std::optional<SameEntry>> do_find_same(
      const std::vector<Identity>& identities) const;
  /// @}
  /// A store that does not override this remembers no removals.
  /// @param removals_after  at least `after`
  [[nodiscard]] inline virtual ChangePage do_changes(std::uint64_t after, PageLimit limit,
                                                     std::uint64_t removals_after) const;
  [[nodiscard]] virtual const Folding& do_folding() const noexcept { return *ascii_folding(); }

  [[nodiscard]] detail::Scan::Pages pages() const {
    return [this](std::uint64_t after) { return do_page(after, {}); };
  }
  [[nodiscard]] inline detail::Scan::Pages pages_of(const std::vector<std::string>& ids) const;

  mutable std::atomic<bool> is_gone_{false};
  std::atomic<detail::ChangeHub*> hub_{nullptr};  // made when it is needed
  std::mutex following_;
  int followers_ = 0;
};

// ---------------------------------------------------------------------------------------------

inline void Store::check(const Batch& batch) {
  for (const Write& write : batch.writes) {
    if (!is_valid_id(write.id)) throw Error(Errc::invalid, "not a valid id: '" + write.id + "'");
  }
  if (batch.writes.size() > 1) {
    std::vector<std::string_view> ids;
    ids.reserve(batch.writes.size());
    for (const Write& write : batch.writes) ids.emplace_back(write.id);
    std::sort(ids.begin(), ids.end());
    const auto twice = std::adjacent_find(ids.begin(), ids.end());
    if (twice != ids.end()) {
      throw Error(Errc::invalid, "a batch names an id twice: '" + std::string(*twice) + "'");
    }
  }
  if (batch.note) {
    const auto is_text = [](std::string_view text) {
      return text.size() <= Note::max_bytes &&
             std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
    };
    if (batch.note->key.empty() || !is_text(batch.note->key) || !is_text(batch.note->value)) {
      throw Error(Errc::invalid, "a key must have 1 to " + std::to_string(Note::max_bytes) +
                                     " characters of printable ASCII");
    }
  }
}

namespace detail {

/// What a commit has changed.
/// @param writes  of the batch
[[nodiscard]] inline std::vector<ChangeHub::Event> events_of(const std::vector<Write>& writes,
                                                             Timestamp at,
                                                             const CommitResult& result) {
  std::vector<ChangeHub::Event> events;
  events.reserve(writes.size());
  for (std::size_t i = 0; i < writes.size(); ++i) {
    ChangeEvent event;
    event.id = writes[i].id;
    event.revision = result.base + 1 + i;
    event.is_before_known = !result.before.empty() || result.created[i] == event.revision;
    if (!result.before.empty()) event.before = result.before[i];
    if (const auto& document = writes[i].document) {
      event.after = Entry{event.id,
                          result.epoch,
                          result.created[i],
                          event.revision,
                          *document,
                          result.created_at[i],
                          at};
    } else if (event.is_before_known && !event.before) {
      continue;  // there was nothing to remove
    }
    events.push_back(std::make_shared<const ChangeEvent>(std::move(event)));
  }
  return events;
}

}  // namespace detail

inline CommitResult Store::commit(Batch batch) {
  check(batch);
  detail::ChangeHub* hub = hub_.load();
  const auto ticket = hub != nullptr ? hub->begin() : detail::ChangeHub::no_ticket;
  const bool is_told = ticket != detail::ChangeHub::no_ticket;
  const bool wants_before = batch.wants_before;
  const Timestamp at = batch.at;
  std::vector<Write> writes;
  CommitResult result;
  try {
    if (is_told) writes = batch.writes;
    batch.wants_before = wants_before || is_told;
    result = do_commit(std::move(batch));
  } catch (...) {
    if (is_told) hub->drop(ticket);
    throw;
  }
  // Whoever began to follow the book meanwhile looks at its state only later.
  if (hub == nullptr) hub = hub_.load();
  if (hub == nullptr) return result;
  try {
    if (!result.done()) {
      hub->drop(ticket);
    } else {
      hub->tell(ticket, {result.epoch, result.base}, result.base + result.created.size(),
                is_told ? detail::events_of(writes, at, result)
                        : std::vector<detail::ChangeHub::Event>());
    }
  } catch (const std::exception&) {  // out of memory: what is not told will be read
    hub->drop(ticket);
  }
  if (!wants_before) result.before.clear();
  return result;
}

inline detail::ChangeHub& Store::hub() {
  if (hub_.load() == nullptr) {
    auto made = std::make_unique<detail::ChangeHub>();
    detail::ChangeHub* none = nullptr;
    if (hub_.compare_exchange_strong(none, made.get())) static_cast<void>(made.release());
  }
  return *hub_.load();
}

inline void Store::change_followers(int by) {
  const std::lock_guard lock(following_);
  const bool was_followed = followers_ != 0;
  followers_ += by;
  if (was_followed != (followers_ != 0)) do_follow(followers_ != 0);
}

inline Subscription Store::watch(std::function<void()> wake) {
  detail::ChangeHub& hub = this->hub();
  auto shared = std::make_shared<const std::function<void()>>(std::move(wake));
  hub.add(shared);
  Subscription subscription([this, &hub, shared] {
    hub.remove(shared);
    change_followers(-1);
  });
  change_followers(1);
  return subscription;
}

inline Subscription Store::on_change(ChangeCallback callback) {
  detail::ChangeHub& hub = this->hub();
  const auto queue = std::make_shared<detail::ChangeQueue>(
      std::move(callback), [this](std::uint64_t after) { return changes(after, {}); });
  detail::ChangeQueue::start(queue);
  Subscription subscription([this, &hub, queue] {
    hub.remove(*queue);
    queue->end();
    change_followers(-1);
  });
  change_followers(1);
  hub.add(*queue, [this] { return state(); });
  return subscription;
}

inline std::vector<std::optional<Entry>> Store::find_many(const std::vector<std::string_view>& ids,
                                                          std::size_t max_bytes) const {
  std::vector<std::string_view> valid;
  valid.reserve(ids.size());
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(valid), is_valid_id);
  std::vector<std::optional<Entry>> found;
  if (!valid.empty()) found = do_find_many(valid, max_bytes);
  if (valid.size() == ids.size()) return found;
  std::vector<std::optional<Entry>> all;
  auto next = found.begin();
  for (const std::string_view id : ids) {
    const bool is_valid = is_valid_id(id);
    if (is_valid && next == found.end()) break;
    all.push_back(is_valid ? std::move(*next++) : std::nullopt);
  }
  return all;
}

namespace detail {

/// Finds entries one by one, as Store::find_many() finds them at once.
/// @param find  `std::optional<Entry> find(std::string_view id)`
template <class Find>
[[nodiscard]] std::vector<std::optional<Entry>> find_each(const std::vector<std::string_view>& ids,
                                                          std::size_t max_bytes, const Find& find) {
  std::vector<std::optional<Entry>> found;
  std::size_t bytes = 0;
  for (const std::string_view id : ids) {
    found.push_back(find(id));
    if (found.back()) bytes += found.back()->document.text().size();
    if (bytes > max_bytes) break;
  }
  return found;
}

}  // namespace detail

inline std::vector<std::optional<Entry>> Store::do_find_many(
    const std::vector<std::string_view>& ids, std::size_t max_bytes) const {
  return detail::find_each(ids, max_bytes, [this](std::string_view id) { return do_find(id); });
}

// Whatever the storage is, to look at a few entries is quicker than to combine them with an index.
inline detail::Scan::Pages Store::pages_of(const std::vector<std::string>& ids) const {
  std::vector<std::string_view> sorted(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return [this, rest = std::move(sorted), is_first = true](std::uint64_t) mutable {
    Page page;
    if (std::exchange(is_first, false)) page.state = do_state();
    auto found = find_many(rest, PageLimit{}.bytes);
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(found.size()));
    for (auto& entry : found) {
      if (entry) page.entries.push_back(*std::move(entry));
    }
    page.more = !rest.empty();
    return page;
  };
}

inline ChangePage Store::do_changes(std::uint64_t after, PageLimit limit,
                                    std::uint64_t /*removals_after*/) const {
  Query query;
  query.sort = Query::Sort::updated;
  Position position;
  position.number = after;
  QueryPage found = do_select(query, position, limit);
  ChangePage page;
  page.state = found.state;
  page.forgotten = found.state.revision;
  page.more = found.next.has_value();
  for (Entry& entry : found.entries) {
    // Written after the state was read: there may be others of the same time that were not seen.
    if (entry.revision > page.state.revision) {
      page.more = false;
      break;
    }
    page.changes.push_back({entry.id, entry.revision, std::move(entry)});
  }
  return page;
}

inline QueryPage Store::select(const Query& query, const std::optional<Position>& after,
                               PageLimit limit) const {
  limit.entries = (std::max)(limit.entries, std::size_t{1});
  if (query.ids) {
    return detail::Scan(query, folding()).select(pages_of(*query.ids), after, limit);
  }
  return do_select(query, after, limit);
}

inline std::vector<std::optional<SameEntry>> Store::do_find_same(
    const std::vector<Identity>& identities) const {
  std::unordered_map<Identity, SameEntry, Identity::Hash> wanted;
  for (const Identity& identity : identities) wanted.emplace(identity, SameEntry());
  std::uint64_t after = 0;
  for (bool more = true; more;) {
    const Page page = do_page(after, {});
    for (const Entry& entry : page.entries) {
      after = entry.created;
      const auto at = wanted.find(detail::identity_of(entry.document));
      if (at != wanted.end() && at->second.id.empty()) at->second = {entry.id, entry.revision};
    }
    more = page.more;
  }
  std::vector<std::optional<SameEntry>> found;
  found.reserve(identities.size());
  for (const Identity& identity : identities) {
    const SameEntry& same = wanted.find(identity)->second;
    found.push_back(same.id.empty() ? std::nullopt : std::optional(same));
  }
  return found;
}

inline std::uint64_t Store::count(const Query& query) const {
  if (query.ids) return detail::Scan(query, folding()).count(pages_of(*query.ids));
  return query.is_filtered() ? do_count(query) : do_state().count;
}

}  // namespace addrbook
