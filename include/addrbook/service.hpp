/// Service: the rules of an address book. It does not know HTTP.
#pragma once

#include <addrbook/base/checksum.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/base/write_gate.hpp>
#include <addrbook/error.hpp>
#include <addrbook/memory_store.hpp>
#include <addrbook/options.hpp>
#include <addrbook/store.hpp>
#include <addrbook/validator.hpp>

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

/// An address book.
///
/// It takes writes from construction on. After stop() it refuses writes and still serves reads;
/// start() lets it take writes again.
/// @par Thread safety  any thread, any member; every call is atomic.
class Service : private detail::Pinned {
 public:
  /// @param store       kept; by default a MemoryStore
  /// @param validators  called in this order by create(), update() and change(); the first that
  ///                    refuses counts
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
  void stop() { gate_.close(); }

  /// Stores `document` under a fresh id.
  /// @param document  kept as it is
  /// @returns  the new entry
  /// @throws   InvalidAddress a validator refused | Error{full} the book holds max_entries |
  ///           Error{stopped} | Error{storage} nothing stored, may be retried | Error{internal} a
  ///           validator threw (an Error{invalid} passes unchanged)
  /// @par Cost  the validators and one commit
  Entry create(Document document);

  /// As create(), but of all calls with the same key within 24 hours only the first one stores
  /// anything, also of concurrent ones and of those in other processes with the same storage.
  /// @param key  printable ASCII: 1 to 900 bytes
  /// @returns  the entry as it was created first
  /// @throws   Error{reused_key} if it was created with another document | Error{invalid} if the
  /// key
  ///           is not valid | and as create()
  Entry create_once(const std::string& key, Document document);

  /// @throws Error{not_found} | Error{storage}
  [[nodiscard]] Entry get(std::string_view id) const;

  /// As get(), where an absent entry is not an error.
  /// @throws Error{storage}
  [[nodiscard]] std::optional<Entry> find(std::string_view id) const;

  /// Replaces the document of an entry. Of concurrent updates the last one stays.
  /// @returns  the entry after the update
  /// @throws   InvalidAddress | Error{not_found} | Error{stopped} | Error{storage} |
  ///           Error{internal}; nothing is changed then
  /// @par Cost  the validators and one commit
  Entry update(std::string_view id, Document document);

  /// Replaces the document of an entry by one that is computed from it: reads the entry, calls
  /// `compute`, validates, and commits on the condition that the entry is still as it was read. If
  /// another writer was faster, starts again with the new entry. No write is lost.
  /// @param compute    called at least once, with no lock held; what it throws passes unchanged
  /// @param condition  must hold for the entry that `compute` is given. With `at_revision`, only
  ///                   that revision is changed: if it is not, or no longer, the entry's, also
  ///                   because another writer was faster, the result is Error{conflict}
  /// @returns  the entry after the change
  /// @throws   Error{conflict} the id does not meet the condition; an absent id does not meet
  ///           `at_revision` | Error{not_found} no entry has the id, for any other condition |
  ///           and as update(); nothing is changed then
  /// @par Cost  one find, `compute`, the validators and one commit, for each attempt
  Entry change(std::string_view id, const std::function<Document(const Document&)>& compute,
               Condition condition = {Condition::Kind::present});

  /// Removes an entry.
  /// @throws Error{not_found} | Error{stopped} | Error{storage}
  void remove(std::string_view id);

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

  /// All entries in order of creation. Holds all of them in memory; page() does not.
  /// @throws Error{storage}
  [[nodiscard]] std::vector<Entry> list() const;

  /// @throws Error{storage}
  [[nodiscard]] BookState state() const { return store_->state(); }

  /// Asks the store. Reports a fault of the store rather than throwing it.
  [[nodiscard]] Health health() const;

  /// Whether a call has found out that the book has been removed. Every call throws NoSuchBook
  /// then.
  [[nodiscard]] bool is_gone() const noexcept { return store_->is_gone(); }

 private:
  void validate(const Document& document) const { rules_->validate(document); }
  [[nodiscard]] bool is_running() const noexcept {
    return gate_.is_open() && rules_->gate.is_open();
  }
  Entry create(Document document, std::optional<Note> note);
  CommitResult commit(Write write, std::uint64_t max_entries = 0, Timestamp at = now(),
                      std::optional<Note> note = {});
  [[noreturn]] void fail_stopped(const Write& write, std::uint64_t max_entries) const;
  [[noreturn]] void fail_full(SourceLine thrown_at = SourceLine::here()) const;
  [[noreturn]] static void fail_not_found(std::string_view id,
                                          SourceLine thrown_at = SourceLine::here());

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

inline Entry Service::create(Document document) {
  return create(std::move(document), std::nullopt);
}

inline Entry Service::create_once(const std::string& key, Document document) {
  Note note;
  note.key = key;
  note.value = detail::hex(detail::checksum(document.text()));
  return create(std::move(document), std::move(note));
}

inline Entry Service::create(Document document, std::optional<Note> note) {
  validate(document);
  while (true) {
    std::string id = make_id();
    const std::string mark = note ? note->value : "";
    std::optional<Note> own = note;
    if (own) own->value += id;
    Timestamp at = now();
    const CommitResult result = commit({id, document, Condition{Condition::Kind::absent}},
                                       rules_->options.max_entries, at, std::move(own));
    if (result.outcome == CommitResult::Outcome::full) fail_full();
    if (result.outcome == CommitResult::Outcome::repeated) {
      if (result.note.compare(0, mark.size(), mark) != 0) {
        throw Error(Errc::reused_key, "The key was used for another address before");
      }
      id = result.note.substr(mark.size());
      if (const auto entry = find(id)) at = entry->created_at;
    } else if (!result.done()) {
      continue;  // the id is taken, which is next to impossible
    }
    return {
        std::move(id), result.epoch, result.base + 1, result.base + 1, std::move(document), at, at};
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

inline Entry Service::update(std::string_view id, Document document) {
  validate(document);
  if (!is_valid_id(id)) fail_not_found(id);
  const Timestamp at = now();
  const CommitResult result =
      commit({std::string(id), document, Condition{Condition::Kind::present}}, 0, at);
  if (!result.done()) fail_not_found(id);
  return {std::string(id),
          result.epoch,
          result.created.front(),
          result.base + 1,
          std::move(document),
          result.created_at.front(),
          at};
}

inline Entry Service::change(std::string_view id,
                             const std::function<Document(const Document&)>& compute,
                             Condition condition) {
  while (true) {
    std::optional<Entry> entry = find(id);
    if (!condition.holds(entry ? std::optional(entry->revision) : std::nullopt) &&
        condition.kind != Condition::Kind::present) {
      throw Error(Errc::conflict, "Not the expected revision: '" + std::string(id) + "'");
    }
    if (!entry) fail_not_found(id);
    entry->document = compute(entry->document);
    validate(entry->document);
    const Timestamp at = now();
    const CommitResult result = commit(
        {entry->id, entry->document, Condition{Condition::Kind::at_revision, entry->revision}}, 0,
        at);
    if (!result.done()) continue;  // another writer was faster
    entry->epoch = result.epoch;
    entry->revision = result.base + 1;
    entry->updated_at = at;
    return *std::move(entry);
  }
}

inline void Service::remove(std::string_view id) {
  if (!is_valid_id(id)) fail_not_found(id);
  const CommitResult result =
      commit({std::string(id), std::nullopt, Condition{Condition::Kind::present}});
  if (!result.done()) fail_not_found(id);
}

inline Page Service::page(std::uint64_t after, PageLimit limit) const {
  return store_->page(after, limit);
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
  if (!is_running()) return {false, "the service is stopped", nullptr};
  try {
    // Not state(), which a store may know without asking its storage.
    constexpr auto after_all = (std::numeric_limits<std::uint64_t>::max)();
    static_cast<void>(store_->page(after_all, {}));
    return {true, "", nullptr};
  } catch (...) {
    return {false, "the storage can't be reached", std::current_exception()};
  }
}

inline CommitResult Service::commit(Write write, std::uint64_t max_entries, Timestamp at,
                                    std::optional<Note> note) {
  const auto passed = gate_.pass();
  const auto passed_all = rules_->gate.pass();
  if (!is_running()) fail_stopped(write, max_entries);
  Batch batch;
  batch.writes.push_back(std::move(write));
  batch.max_entries = max_entries;
  batch.at = at;
  batch.note = std::move(note);
  return store_->commit(std::move(batch));
}

// A write that would be refused anyway is refused for the same reason while the service is stopped.
inline void Service::fail_stopped(const Write& write, std::uint64_t max_entries) const {
  if (write.condition.kind == Condition::Kind::present && !find(write.id)) fail_not_found(write.id);
  if (max_entries != 0 && store_->state().count >= max_entries) fail_full();
  throw Error(Errc::stopped, "The service is stopped");
}

inline void Service::fail_full(SourceLine thrown_at) const {
  const std::uint64_t max_entries = rules_->options.max_entries;
  throw Error(Errc::full,
              "Insufficient Storage: the book may hold " + std::to_string(max_entries) +
                  (max_entries == 1 ? " address" : " addresses"),
              thrown_at);
}

inline void Service::fail_not_found(std::string_view id, SourceLine thrown_at) {
  throw Error(Errc::not_found, "No such address: '" + std::string(id) + "'", thrown_at);
}

}  // namespace addrbook
