/// Service: the rules of an address book. Knows nothing of HTTP.
#pragma once

#include <addrbook/memory_store.hpp>
#include <addrbook/options.hpp>
#include <addrbook/store.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Why a validator refuses a document.
struct Violation {
  std::string pointer;  ///< where: a JSON Pointer (RFC 6901), "" for the document as a whole
  std::string reason;   ///< what is wrong there, e.g. "must be a string"
};

/// Looks at a document before it is written. Is called by any thread, several at once.
using Validator = std::function<std::optional<Violation>(const Document&)>;

/// Whether the book can be used at the moment.
struct Health {
  bool ready = false;
  std::string reason;        ///< why it is not ready; empty when it is
  std::exception_ptr fault;  ///< what the store threw, if it did
};

/// An address book.
///
/// It works from construction. stop() refuses writes from then on, reads go on; start() reopens.
/// @par Thread safety  any thread, any member; every call is atomic.
class Service {
 public:
  /// @param store       kept; an own MemoryStore if none is given
  /// @param validators  asked in this order by create() and update(); the first refusal counts
  /// @param options     see ServiceOptions
  /// @throws Error{invalid} if `store` is null or a validator is empty
  explicit Service(std::shared_ptr<Store> store = std::make_shared<MemoryStore>(),
                   std::vector<Validator> validators = {}, ServiceOptions options = {});

  /// Takes writes again after stop().
  void start() noexcept { running_.store(true, std::memory_order_release); }

  /// Refuses further writes. Returns when the writes under way have ended, so that nothing is
  /// written after it. Must not be called from within a Store.
  void stop();

  /// Stores `document` under a fresh id.
  /// @param document  kept as it is
  /// @returns  the new entry; its revision is the book's newest
  /// @throws   Error{invalid} a validator refused | Error{full} there are max_entries |
  ///           Error{stopped} | Error{storage} nothing stored, may be retried | Error{internal} a
  ///           validator threw (its own Error{invalid} passes)
  /// @par Cost  the validators + O(log n) in memory
  Entry create(Document document);

  /// @throws Error{not_found} | Error{storage}
  [[nodiscard]] Entry get(std::string_view id) const;

  /// get() for those to whom an absent entry is no error.
  /// @throws Error{storage}
  [[nodiscard]] std::optional<Entry> find(std::string_view id) const;

  /// Replaces the document of an entry.
  /// @returns  the entry as it is now
  /// @throws   Error{invalid} | Error{not_found} | Error{stopped} | Error{storage} |
  ///           Error{internal}; nothing is changed in any of these
  Entry update(std::string_view id, const Document& document);

  /// Removes an entry.
  /// @throws Error{not_found} | Error{stopped} | Error{storage}
  void remove(std::string_view id);

  /// A run of entries in order of creation, for lists of any size: begin with `after` = 0, go on
  /// with the last entry's `created` while `more` is set.
  /// @throws Error{storage}
  [[nodiscard]] Page page(std::uint64_t after = 0, PageLimit limit = {}) const;

  /// All entries in order of creation. Holds them all at once: page() doesn't.
  /// @throws Error{storage}
  [[nodiscard]] std::vector<Entry> list() const;

  /// @throws Error{storage}
  [[nodiscard]] Head head() const { return store_->head(); }

  /// Asks the store; never throws for a fault of it, but says so.
  [[nodiscard]] Health health() const;

 private:
  class Place;

  void validate(const Document& document) const;
  CommitResult commit(Write write);
  [[noreturn]] static void fail_not_found(std::string_view id,
                                          SourceLine thrown_at = SourceLine::here());

  std::shared_ptr<Store> store_;
  std::vector<Validator> validators_;
  ServiceOptions options_;
  std::atomic<bool> running_{true};
  std::shared_mutex writing_;  // shared by every write, taken alone by stop() to wait for them
  std::mutex places_mutex_;
  std::condition_variable place_released_;
  std::uint64_t places_taken_ = 0;
};

// ---------------------------------------------------------------------------------------------

/// Room for an entry that is about to be made. Without it two creators could both see the last room
/// there is, and both take it.
class Service::Place {
 public:
  explicit Place(Service& service) : service_(service) {
    const std::uint64_t most = service.options_.max_entries;
    if (most == 0) return;
    std::unique_lock lock(service.places_mutex_);
    // An entry that is stored while its place is still taken counts twice. So only where no place
    // is taken a full book is known to be full; until then its creators come one after the other.
    while (service.store_->head().count + service.places_taken_ >= most) {
      if (service.places_taken_ == 0) {
        throw Error(Errc::full, "Insufficient Storage: the book may hold " + std::to_string(most) +
                                    (most == 1 ? " address" : " addresses"));
      }
      service.place_released_.wait(lock);
    }
    ++service.places_taken_;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  Place(Place&&) = delete;
  Place& operator=(Place&&) = delete;
  ~Place() {
    if (service_.options_.max_entries == 0) return;
    const std::lock_guard lock(service_.places_mutex_);
    --service_.places_taken_;
    service_.place_released_.notify_all();
  }

 private:
  Service& service_;
};

inline Service::Service(std::shared_ptr<Store> store, std::vector<Validator> validators,
                        ServiceOptions options)
    : store_(std::move(store)), validators_(std::move(validators)), options_(options) {
  if (!store_) throw Error(Errc::invalid, "a Service needs a store");
  for (const Validator& validator : validators_) {
    if (!validator) throw Error(Errc::invalid, "a validator is empty");
  }
}

inline void Service::stop() {
  running_.store(false, std::memory_order_release);
  const std::unique_lock wait_for_writes(writing_);
}

inline Entry Service::create(Document document) {
  validate(document);
  const Place place(*this);
  Entry entry;
  entry.document = std::move(document);
  while (true) {
    entry.id = make_id();
    const CommitResult result =
        commit({entry.id, entry.document, Condition{Condition::Kind::absent}});
    if (!result.done()) continue;  // the id is taken; 74 random bits say that this ends
    entry.created = entry.revision = result.base + 1;
    return entry;
  }
}

inline std::optional<Entry> Service::find(std::string_view id) const {
  if (!is_valid_id(id)) return std::nullopt;
  return store_->find(id);
}

inline Entry Service::get(std::string_view id) const {
  auto entry = find(id);
  if (!entry) fail_not_found(id);
  return *std::move(entry);
}

inline Entry Service::update(std::string_view id, const Document& document) {
  validate(document);
  // Read, then written on the condition that nothing came between: the result needs `created`.
  while (true) {
    Entry entry = get(id);
    entry.document = document;
    const CommitResult result =
        commit({entry.id, entry.document, Condition{Condition::Kind::at_revision, entry.revision}});
    if (!result.done()) continue;  // another writer was faster
    entry.revision = result.base + 1;
    return entry;
  }
}

inline void Service::remove(std::string_view id) {
  if (!is_valid_id(id)) fail_not_found(id);
  // As update() has it: what is absent is not found, whether the service is stopped or not.
  if (!running_.load(std::memory_order_acquire) && !store_->find(id)) fail_not_found(id);
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
  if (!running_.load(std::memory_order_acquire)) return {false, "the service is stopped", nullptr};
  try {
    // Not head(), which a store may know by heart: this asks the storage itself.
    constexpr auto after_all = (std::numeric_limits<std::uint64_t>::max)();
    static_cast<void>(store_->page(after_all, {}));
    return {true, "", nullptr};
  } catch (...) {
    return {false, "the storage can't be reached", std::current_exception()};
  }
}

inline void Service::validate(const Document& document) const {
  for (const Validator& validator : validators_) {
    std::optional<Violation> violation;
    try {
      violation = validator(document);
    } catch (const Error& error) {
      // E.g. of document.json(): the document's fault, not the validator's.
      if (error.code() == Errc::invalid) throw;
      std::throw_with_nested(Error(Errc::internal, "a validator failed"));
    } catch (...) {
      std::throw_with_nested(Error(Errc::internal, "a validator failed"));
    }
    if (violation) {
      throw Error(Errc::invalid,
                  "Invalid address: '" + violation->pointer + "' " + violation->reason);
    }
  }
}

inline CommitResult Service::commit(Write write) {
  const std::shared_lock writing(writing_);
  if (!running_.load(std::memory_order_acquire)) {
    throw Error(Errc::stopped, "The service is stopped");
  }
  std::vector<Write> batch;
  batch.push_back(std::move(write));
  return store_->commit(std::move(batch));
}

inline void Service::fail_not_found(std::string_view id, SourceLine thrown_at) {
  throw Error(Errc::not_found, "No such address: '" + std::string(id) + "'", thrown_at);
}

}  // namespace addrbook
