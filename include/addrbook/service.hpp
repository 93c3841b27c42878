/// Service: the rules of an address book. It does not know HTTP.
#pragma once

#include <addrbook/base/checksum.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/base/large_work.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/base/write_gate.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/error.hpp>
#include <addrbook/memory_store.hpp>
#include <addrbook/options.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/store.hpp>
#include <addrbook/validator.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Whether the book can be used at the moment.
struct Health {
  bool ready = false;
  std::string reason;        ///< why it is not ready; empty if it is
  std::exception_ptr fault;  ///< what the store threw, if it did
};

/// What must be true of an entry for a write to be done: called with the entry that has the id, or
/// null where none has it. Called again when another writer was faster.
using EntryCondition = std::function<bool(const Entry* current)>;

/// An address book.
///
/// It takes writes from construction on. After stop() it refuses writes and still serves reads;
/// start() lets it take writes again.
/// @par Thread safety  any thread, any member; every call is atomic.
class Service : private detail::Pinned {
 public:
  /// @param store       kept; by default a MemoryStore
  /// @param validators  called in this order before every write; the first that refuses counts
  /// @param options     see ServiceOptions
  /// @throws Error{invalid} if `store` is null or a validator is empty
  explicit Service(std::shared_ptr<Store> store = std::make_shared<MemoryStore>(),
                   std::vector<Validator> validators = {}, ServiceOptions options = {});

  /// One of many books: see Books.
  Service(std::shared_ptr<Store> store, std::shared_ptr<detail::BookRules> rules)
      : store_(std::move(store)), rules_(std::move(rules)) {}

  /// Takes writes again after stop().
  void start() noexcept { gate_.open(); }

  /// Refuses further writes and waits for those in progress: nothing is written after it returns.
  /// Must not be called from within a Store.
  void stop() {
    gate_.close();
    store_->wake_watchers();
  }

  /// Whether writes are refused since stop().
  [[nodiscard]] bool is_stopped() const noexcept {
    return !gate_.is_open() || !rules_->gate.is_open();
  }

  /// Has those who watch look again.
  void wake_watchers() const noexcept { store_->wake_watchers(); }

  /// Stores `document` under a fresh id.
  /// @param document  kept as it is; at most options().max_document_bytes
  /// @returns  the new entry
  /// @throws   InvalidAddress a validator refused | Error{full} the book holds max_entries |
  ///           Error{stopped} | Error{storage} nothing stored, may be retried | Error{internal} a
  ///           validator threw (an Error{invalid} passes unchanged)
  /// @par Cost  the validators and one commit
  Entry create(const Document& document);

  /// As above, under an id of the caller's choice.
  /// @throws Error{conflict} an entry has the id | Error{invalid} also: it is not valid
  Entry create(std::string id, Document document);

  /// Stores all documents under fresh ids, in their order, or none.
  /// @param at_fault  if not null: becomes the index of the document that is refused, when that is
  ///                  thrown
  /// @returns  the new entries
  /// @throws   as create()
  /// @par Cost  the validators and one commit
  std::vector<Entry> create_many(const std::vector<Document>& documents,
                                 std::optional<std::size_t>* at_fault = nullptr);

  /// As create(), but of all calls with the same key within 24 hours only the first one stores
  /// anything, also of concurrent ones and of those in other processes with the same storage.
  /// @param key  printable ASCII: 1 to 1024 bytes
  /// @returns  the entry as it was created first
  /// @throws   Error{reused_key} it was created with another document | Error{invalid} the key is
  ///           not valid | and as create()
  Entry create_once(const std::string& key, Document document);

  /// @throws Error{not_found} | Error{storage}
  [[nodiscard]] Entry get(std::string_view id) const;

  /// As get(), where an absent entry is not an error.
  /// @throws Error{storage}
  [[nodiscard]] std::optional<Entry> find(std::string_view id) const;

  /// As find(), of many entries at once, see Store::find_many().
  /// @throws Error{storage}
  [[nodiscard]] std::vector<std::optional<Entry>> find_many(
      const std::vector<std::string_view>& ids,
      std::size_t max_bytes = (std::numeric_limits<std::size_t>::max)()) const {
    return store_->find_many(ids, max_bytes);
  }

  /// Replaces the document of an entry. Of concurrent updates the last one stays.
  /// @param if_revision  if set, only an entry at that revision is replaced: so two that edit the
  ///                     same entry don't lose what the other wrote
  /// @returns  the entry after the update
  /// @throws   Error{precondition} no entry has the id at `if_revision` | InvalidAddress |
  ///           Error{not_found} | Error{stopped} | Error{storage} | Error{internal}; nothing is
  ///           changed then
  /// @par Cost  the validators and one commit
  Entry update(std::string_view id, Document document,
               std::optional<std::uint64_t> if_revision = {});

  /// As above, on a condition that depends on the entry.
  /// @throws Error{precondition} it does not hold, of an absent entry either
  /// @par Cost  the validators; one find and one commit for each attempt
  Entry update(std::string_view id, Document document, const EntryCondition& condition);

  /// Replaces the document of an entry by one that is computed from it: reads the entry, calls
  /// `compute`, validates, and commits on the condition that the entry is still as it was read. If
  /// another writer was faster, starts again with the new entry. No write is lost.
  /// @param compute    called at least once, with no lock held; what it throws passes unchanged
  /// @param condition  must hold for the entry that `compute` is given. With `at_revision`, only
  ///                   that revision is changed: if it is not, or no longer, the entry's, also
  ///                   because another writer was faster, the result is Error{precondition}
  /// @returns  the entry after the change
  /// @throws   Error{precondition} the id does not meet the condition; an absent id does not meet
  ///           `at_revision` | Error{not_found} no entry has the id, for any other condition |
  ///           and as update(); nothing is changed then
  /// @par Cost  one find, `compute`, the validators and one commit, for each attempt
  Entry change(std::string_view id, const std::function<Document(const Document&)>& compute,
               Condition condition = {Condition::Kind::present});

  /// As above, on a condition that depends on the entry.
  Entry change(std::string_view id, const std::function<Document(const Document&)>& compute,
               const EntryCondition& condition);

  /// Removes an entry.
  /// @param if_revision  see update()
  /// @throws Error{precondition} | Error{not_found} | Error{stopped} | Error{storage}
  void remove(std::string_view id, std::optional<std::uint64_t> if_revision = {});

  /// As above, on a condition that depends on the entry.
  void remove(std::string_view id, const EntryCondition& condition);

  /// Applies all writes or none: first asks the validators about all documents, then checks the
  /// conditions and the capacity. The id of a new entry is one of make_id(), or of the caller's
  /// choice.
  /// @param batch     its max_entries is lowered to that of options(), and tombstone_lifetime is
  /// theirs
  /// @param at_fault  if not null: becomes the index of the write whose document is refused, when
  ///                  that is thrown
  /// @returns  see CommitResult; a condition that fails and a full book are outcomes
  /// @throws   Error{invalid} a validator refused, an id is not valid or occurs twice |
  ///           Error{stopped} | Error{storage} | Error{full} the storage itself has no room |
  ///           Error{internal}; nothing is written then
  /// @par Cost  the validators and one commit
  [[nodiscard]] CommitResult commit(Batch batch, std::optional<std::size_t>* at_fault = nullptr);

  /// Checks a document as every write does.
  /// @throws Error{invalid} | Error{internal}
  void validate(const Document& document) const { rules_->validate(document); }

  [[nodiscard]] const ServiceOptions& options() const noexcept { return rules_->options; }

  /// Throws what create() throws when the book is full, for who calls commit().
  /// @throws Error{full}
  [[noreturn]] void fail_full(SourceLine thrown_at = SourceLine::here()) const {
    detail::fail_full(rules_->options.max_entries, thrown_at);
  }

  /// A run of entries in order of creation, for lists of any size: begin with `after` = 0, continue
  /// with the last entry's `created` while `more` is set.
  /// @throws Error{storage}
  [[nodiscard]] Page page(std::uint64_t after = 0, PageLimit limit = {}) const;

  /// A run of the entries that a query asks for, in its order. Go on with `next` of the result
  /// until there is none. Each entry that is not written meanwhile is seen exactly once; in order
  /// of creation every entry is.
  /// @param after  `next` of the page before, from the same query; nothing for the first page
  /// @throws Error{storage}
  /// @par Cost  see the store: an SQL store has indexes, MemoryStore reads the whole book
  [[nodiscard]] QueryPage list(const Query& query, PageLimit limit = {},
                               const std::optional<Position>& after = {}) const {
    return store_->select(query, after, limit);
  }

  /// @returns how many entries the query asks for
  /// @throws Error{storage}
  [[nodiscard]] std::uint64_t count(const Query& query) const { return store_->count(query); }

  /// Looks for contacts by what they are known by, see Store::find_same().
  /// @throws Error{storage}
  [[nodiscard]] std::vector<std::optional<SameEntry>> find_same(
      const std::vector<Identity>& identities) const {
    return store_->find_same(identities);
  }

  /// A run of what has been written, in order of revision: begin without a token, go on with
  /// `next`, at once while `more` is set. So begins a replica, and so it is kept up to date. From
  /// the beginning each entry is there once, and what was removed before is not. An entry that is
  /// written meanwhile comes again, and so does a removal.
  /// @throws Error{storage}
  [[nodiscard]] Changes changes(const std::optional<ChangeToken>& since = {},
                                PageLimit limit = {}) const;

  /// Calls `wake` after each write to the book, of other processes too, and when the book is
  /// removed or stopped: then it is time to ask changes(). That costs no thread.
  /// @param wake  must return at once and throw nothing. Called by any thread, mostly by the one
  ///              that has written; a call may still be running when the subscription has ended
  [[nodiscard]] Subscription watch(std::function<void()> wake) const;

  /// Calls `callback` for each write to an entry, in order, after the commit. It has a thread of
  /// its own for that and holds up no writer. When it falls behind by 1000 changes, or 8 MiB of
  /// them, it is told what it has missed, see ChangeEvent. What it throws is dropped.
  ///
  /// What other processes write to a book in PostgreSQL comes too, within 250 ms: without what was
  /// there before, and of several changes of an entry perhaps only the last.
  /// @returns  ends it. After the subscription's destructor no call is running, and none follows,
  ///           unless the callback itself destroys it
  /// @throws   Error{storage} | std::system_error there can be no further thread
  [[nodiscard]] Subscription on_change(ChangeCallback callback);

  /// All entries in order of creation. Holds all of them in memory; page() does not.
  /// @throws Error{storage}
  [[nodiscard]] std::vector<Entry> list() const;

  /// @throws Error{storage}
  [[nodiscard]] BookState state() const { return store_->state(); }

  /// @returns how the storage is doing, see Store::statistics()
  [[nodiscard]] StorageStatistics statistics() const { return store_->statistics(); }

  /// Asks the store. Reports a fault of the store rather than throwing it.
  [[nodiscard]] Health health() const;

  /// Whether a call has found out that the book has been removed. Every call throws NoSuchBook
  /// then.
  [[nodiscard]] bool is_gone() const noexcept { return store_->is_gone(); }

 private:
  template <class Decide>
  std::optional<Entry> write(std::string_view id, const EntryCondition& condition,
                             const Decide& decide);
  CommitResult commit_one(Write write, std::uint64_t max_entries = 0, Timestamp at = now());
  CommitResult pass_gates(Batch batch);
  [[nodiscard]] static Condition condition_of(std::optional<std::uint64_t> if_revision) noexcept;
  [[noreturn]] static void fail_not_found(std::string_view id,
                                          SourceLine thrown_at = SourceLine::here());
  [[noreturn]] static void fail_precondition(std::string_view id,
                                             SourceLine thrown_at = SourceLine::here());
  [[noreturn]] static void fail_refused(std::string_view id,
                                        std::optional<std::uint64_t> if_revision);

  std::shared_ptr<Store> store_;
  std::shared_ptr<detail::BookRules> rules_;
  detail::WriteGate gate_;  // of this book; the rules have that of all books
};

// ---------------------------------------------------------------------------------------------

inline Service::Service(std::shared_ptr<Store> store, std::vector<Validator> validators,
                        ServiceOptions options)
    : store_(std::move(store)),
      rules_(std::make_shared<detail::BookRules>(std::move(validators), options)) {
  if (!store_) throw Error(Errc::invalid, "a Service needs a store");
}

inline Entry Service::create(const Document& document) {
  while (true) {
    try {
      return create(make_id(), document);
    } catch (const Error& error) {
      if (error.code() != Errc::conflict) throw;  // the id is taken, which is next to impossible
    }
  }
}

inline Entry Service::create(std::string id, Document document) {
  validate(document);
  const CommitResult result =
      commit_one({id, document, Condition{Condition::Kind::absent}}, rules_->options.max_entries);
  if (result.outcome == CommitResult::Outcome::full) fail_full();
  if (!result.done()) throw Error(Errc::conflict, "There is an address already: '" + id + "'");
  const Timestamp at = result.created_at.front();
  return {
      std::move(id), result.epoch, result.base + 1, result.base + 1, std::move(document), at, at};
}

inline Entry Service::create_once(const std::string& key, Document document) {
  const std::string mark = detail::hex(detail::checksum(document.text()));
  while (true) {
    std::string id = make_id();
    Batch batch;
    Timestamp at = batch.at;
    batch.writes.push_back({id, document, Condition{Condition::Kind::absent}});
    batch.note = Note{key, mark + id};
    const CommitResult result = commit(std::move(batch));
    if (result.outcome == CommitResult::Outcome::full) fail_full();
    if (result.outcome == CommitResult::Outcome::repeated) {
      if (result.note.compare(0, mark.size(), mark) != 0) {
        throw Error(Errc::reused_key, "The key was used for another address before");
      }
      id = result.note.substr(mark.size());
      if (const auto entry = find(id)) at = entry->created_at;
    } else if (!result.done()) {
      continue;  // the id is taken, as above
    }
    return {
        std::move(id), result.epoch, result.base + 1, result.base + 1, std::move(document), at, at};
  }
}

inline std::vector<Entry> Service::create_many(const std::vector<Document>& documents,
                                               std::optional<std::size_t>* at_fault) {
  while (true) {
    Batch batch;
    for (const Document& document : documents) {
      batch.writes.push_back({make_id(), document, Condition{Condition::Kind::absent}});
    }
    std::vector<Entry> entries;
    for (const Write& write : batch.writes) {
      entries.push_back({write.id, 0, 0, 0, *write.document, batch.at, batch.at});
    }
    const CommitResult result = commit(std::move(batch), at_fault);
    if (result.outcome == CommitResult::Outcome::full) fail_full();
    if (!result.done()) continue;  // an id is taken, as above
    for (std::size_t i = 0; i < entries.size(); ++i) {
      entries[i].epoch = result.epoch;
      entries[i].created = entries[i].revision = result.base + 1 + i;
    }
    return entries;
  }
}

inline std::optional<Entry> Service::find(std::string_view id) const {
  return store_->find(id);
}

inline Entry Service::get(std::string_view id) const {
  auto entry = find(id);
  if (!entry) fail_not_found(id);
  return *std::move(entry);
}

inline Entry Service::update(std::string_view id, Document document,
                             std::optional<std::uint64_t> if_revision) {
  validate(document);
  if (!is_valid_id(id)) fail_refused(id, if_revision);
  const Timestamp at = now();
  const CommitResult result =
      commit_one({std::string(id), document, condition_of(if_revision)}, 0, at);
  if (!result.done()) fail_refused(id, if_revision);
  return {std::string(id),
          result.epoch,
          result.created.front(),
          result.base + 1,
          std::move(document),
          result.created_at.front(),
          at};
}

inline Entry Service::update(std::string_view id, Document document,
                             const EntryCondition& condition) {
  validate(document);
  return *write(id, condition, [&](const Entry* current) {
    if (current == nullptr) fail_not_found(id);
    return std::optional(document);
  });
}

inline Entry Service::change(std::string_view id,
                             const std::function<Document(const Document&)>& compute,
                             const EntryCondition& condition) {
  return *write(id, condition, [&](const Entry* current) {
    if (current == nullptr) fail_not_found(id);
    std::optional<Document> changed = compute(current->document);
    validate(*changed);
    return changed;
  });
}

inline Entry Service::change(std::string_view id,
                             const std::function<Document(const Document&)>& compute,
                             Condition condition) {
  return change(id, compute, [condition](const Entry* current) {
    return condition.kind == Condition::Kind::present ||
           condition.holds(current != nullptr ? std::optional(current->revision) : std::nullopt);
  });
}

inline void Service::remove(std::string_view id, std::optional<std::uint64_t> if_revision) {
  if (!is_valid_id(id)) fail_refused(id, if_revision);
  const CommitResult result =
      commit_one({std::string(id), std::nullopt, condition_of(if_revision)});
  if (!result.done()) fail_refused(id, if_revision);
}

inline void Service::remove(std::string_view id, const EntryCondition& condition) {
  write(id, condition, [&](const Entry* current) {
    if (current == nullptr) fail_not_found(id);
    return std::optional<Document>();
  });
}

// The loop of all writes that depend on what is there. Each attempt is refused only if another
// writer has succeeded.
// @param decide  gets the entry or null; returns what the id is to hold, nothing to remove it
// @returns what was stored; nothing if the entry was removed
template <class Decide>
std::optional<Entry> Service::write(std::string_view id, const EntryCondition& condition,
                                    const Decide& decide) {
  std::optional<detail::LargeWork> turn;
  constexpr int max_attempts = 10'000;
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    std::optional<Entry> entry = find(id);
    if (!turn && entry && detail::LargeWork::is_large(entry->document.text().size())) {
      entry.reset();
      turn.emplace();
      continue;  // it may have changed meanwhile
    }
    const Entry* const current = entry ? &*entry : nullptr;
    if (condition && !condition(current)) fail_precondition(id);
    std::optional<Document> document = decide(current);
    const Timestamp at = now();
    const Condition as_read = entry ? Condition{Condition::Kind::at_revision, entry->revision}
                                    : Condition{Condition::Kind::absent};
    const CommitResult result = commit_one({std::string(id), document, as_read},
                                           entry ? 0 : rules_->options.max_entries, at);
    if (result.outcome == CommitResult::Outcome::full) fail_full();
    if (!result.done()) continue;  // another writer was faster
    if (!document) return std::nullopt;
    return Entry{std::string(id),
                 result.epoch,
                 result.created.front(),
                 result.base + 1,
                 *std::move(document),
                 result.created_at.front(),
                 at};
  }
  throw Error(Errc::busy, "Too many writes of one address at once");
}

inline Page Service::page(std::uint64_t after, PageLimit limit) const {
  return store_->page(after, limit);
}

inline Changes Service::changes(const std::optional<ChangeToken>& since, PageLimit limit) const {
  constexpr auto none = (std::numeric_limits<std::uint64_t>::max)();
  const std::uint64_t after = since ? since->revision : 0;
  ChangePage page = store_->changes(after, limit, since ? since->removals_after() : none);
  const BookState& state = page.state;
  Changes result;
  result.is_expired =
      since && (since->epoch != state.epoch || since->removals_after() > state.revision ||
                since->removals_after() < page.forgotten);
  if (result.is_expired) return result;
  result.next = {state.epoch, page.next(), since ? since->start : state.revision};
  result.changes = std::move(page.changes);
  result.more = page.more;
  return result;
}

inline Subscription Service::watch(std::function<void()> wake) const {
  auto subscription = std::make_shared<Subscription>(store_->watch(std::move(wake)));
  // The store stays until the subscription has ended.
  return Subscription([store = store_, subscription]() mutable { subscription.reset(); });
}

inline Subscription Service::on_change(ChangeCallback callback) {
  auto subscription = std::make_shared<Subscription>(store_->on_change(std::move(callback)));
  return Subscription([store = store_, subscription]() mutable { subscription.reset(); });
}

inline std::vector<Entry> Service::list() const {
  std::vector<Entry> entries;
  std::uint64_t after = 0;
  while (true) {
    Page next = page(after);
    entries.insert(entries.end(), std::make_move_iterator(next.entries.begin()),
                   std::make_move_iterator(next.entries.end()));
    if (!next.more) return entries;
    after = entries.back().created;
  }
}

inline Health Service::health() const {
  if (is_stopped()) return {false, "the service is stopped", nullptr};
  try {
    // Not state(), which a store may know without asking its storage.
    constexpr auto after_all = (std::numeric_limits<std::uint64_t>::max)();
    static_cast<void>(store_->page(after_all, {}));
    return {true, "", nullptr};
  } catch (...) {
    return {false, "the storage can't be reached", std::current_exception()};
  }
}

inline CommitResult Service::commit(Batch batch, std::optional<std::size_t>* at_fault) {
  for (std::size_t i = 0; i < batch.writes.size(); ++i) {
    if (at_fault != nullptr) *at_fault = i;
    if (batch.writes[i].document) validate(*batch.writes[i].document);
  }
  if (at_fault != nullptr) at_fault->reset();
  const std::uint64_t max_entries = rules_->options.max_entries;
  if (batch.max_entries == 0 || (max_entries != 0 && max_entries < batch.max_entries)) {
    batch.max_entries = max_entries;
  }
  if (!batch.writes.empty()) return pass_gates(std::move(batch));
  const BookState book = state();
  CommitResult nothing;
  nothing.epoch = book.epoch;
  nothing.base = book.revision;
  return nothing;
}

inline CommitResult Service::commit_one(Write write, std::uint64_t max_entries, Timestamp at) {
  Batch batch;
  batch.max_entries = max_entries;
  batch.at = at;
  batch.writes.push_back(std::move(write));
  return pass_gates(std::move(batch));
}

// A write that would be refused anyway is refused for the same reason while the service is stopped.
inline CommitResult Service::pass_gates(Batch batch) {
  const auto passed = gate_.pass();
  const auto passed_all = rules_->gate.pass();
  batch.tombstone_lifetime = rules_->options.tombstone_lifetime;
  if (!is_stopped()) return store_->commit(std::move(batch));
  using Kind = Condition::Kind;
  for (std::size_t i = 0; i < batch.writes.size(); ++i) {
    const Write& write = batch.writes[i];
    const std::optional<Entry> entry =
        write.condition.kind == Kind::any ? std::nullopt : find(write.id);
    if (write.condition.holds(entry ? std::optional(entry->revision) : std::nullopt)) continue;
    CommitResult refused;
    refused.outcome = CommitResult::Outcome::refused;
    refused.refused = i;
    return refused;
  }
  CommitResult full;
  full.outcome = CommitResult::Outcome::full;
  const bool may_add = std::any_of(batch.writes.begin(), batch.writes.end(),
                                   [](const Write& w) { return w.condition.kind == Kind::absent; });
  if (may_add && batch.max_entries != 0 && state().count >= batch.max_entries) return full;
  throw Error(Errc::stopped, "The service is stopped");
}

inline Condition Service::condition_of(std::optional<std::uint64_t> if_revision) noexcept {
  if (!if_revision) return {Condition::Kind::present};
  return {Condition::Kind::at_revision, *if_revision};
}

inline void Service::fail_not_found(std::string_view id, SourceLine thrown_at) {
  throw Error(Errc::not_found, "No such address: '" + std::string(id) + "'", thrown_at);
}

inline void Service::fail_precondition(std::string_view id, SourceLine thrown_at) {
  throw Error(Errc::precondition, "Not the expected revision: '" + std::string(id) + "'",
              thrown_at);
}

inline void Service::fail_refused(std::string_view id, std::optional<std::uint64_t> if_revision) {
  if (if_revision) fail_precondition(id);
  fail_not_found(id);
}

}  // namespace addrbook
