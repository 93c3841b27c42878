/// The handler of several writes in one request: all of them or none.
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/json/compact.hpp>
#include <addrbook/json/spans.hpp>
#include <addrbook/metrics/transfer_counts.hpp>
#include <addrbook/rest/access.hpp>
#include <addrbook/rest/batch_operation.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/entries_ahead.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/idempotency.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/service.hpp>
#include <addrbook/store.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The operations of a request, on their way into a book.
class BatchRequest {
 public:
  static constexpr std::size_t max_operations = 1000;

  /// Reads the body and asks for the rights to do what it says.
  /// @throws HttpError{400, 401, 403} | IndexedError of an operation
  explicit BatchRequest(const Context& context);

  /// Applies all operations or none. Those that patch are computed again if another writer was
  /// faster.
  /// @returns the revision before the first one's; 0 if there are no operations
  /// @throws Error | IndexedError of the first operation that fails
  [[nodiscard]] std::uint64_t commit(const Context& context);

  [[nodiscard]] const std::vector<BatchOperation>& operations() const noexcept {
    return operations_;
  }

 private:
  void check_rights(const Context& context) const;
  [[nodiscard]] std::shared_ptr<Service> make_book(const Context& context) const;
  [[nodiscard]] static Write patched(const BatchOperation& operation,
                                     const std::optional<Entry>& entry);
  [[nodiscard]] Batch prepare(const Service& book) const;
  void patch_again(Batch& batch, std::size_t index, const Service& book) const;
  static void check_old_bytes(std::size_t& sum, const std::optional<Entry>& entry,
                              const Service& book);
  static void check_patched_bytes(std::size_t bytes, const Service& book);
  void check_before(const Batch& batch, const Service& book) const;
  [[noreturn]] void fail_full(const Service& book) const;

  std::vector<BatchOperation> operations_;
};

/// POST of _batch: 200 `[{"id", "revision"}, ...]`, in the order of the operations.
inline Reply commit_batch(Context& context) {
  refuse_idempotency_key(context, "give each created address an 'id' of your own");
  BatchRequest request(context);
  std::uint64_t revision = request.commit(context);
  std::string text = "[";
  for (const BatchOperation& operation : request.operations()) {
    // No character of an id needs an escape.
    text.append(text.size() == 1 ? R"({"id":")" : R"(,{"id":")")
        .append(operation.id)
        .append(R"(","revision":)")
        .append(std::to_string(++revision))
        .append("}");
  }
  return json_reply(text + "]");
}

// ---------------------------------------------------------------------------------------------

/// Calls `call`. What it throws is of the operation `index`.
template <class Call>
auto of_operation(std::size_t index, const Call& call) {
  try {
    return call();
  } catch (...) {
    throw IndexedError(index, std::current_exception());
  }
}

inline BatchRequest::BatchRequest(const Context& context) {
  std::string text = context.body;
  try {
    constexpr std::size_t around_addresses = 2;  // the array, and each operation
    compact_json(text, Document::max_depth + around_addresses);
  } catch (const Error& error) {
    std::throw_with_nested(HttpError::of_body(BodyFault::malformed, 400,
                                              std::string("Invalid JSON body: ") + error.what()));
  }
  const JsonSpan array(text);
  if (!array.is(JsonSpan::Kind::array)) {
    throw HttpError::of_body(BodyFault::malformed, 400,
                             "Invalid batch: it must be an array of operations");
  }
  std::set<std::string_view> ids;
  auto children = array.children();
  while (const auto child = children.next()) {
    const std::size_t index = operations_.size();
    if (index == max_operations) {
      throw HttpError::of_body(
          BodyFault::too_large, 400,
          "Invalid batch: it may have at most " + std::to_string(max_operations) + " operations");
    }
    operations_.push_back(
        of_operation(index, [&] { return BatchOperation::read(child->value()); }));
  }
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const std::string& id = operations_[i].id;
    if (id.empty() || ids.insert(id).second) continue;
    const Error twice(Errc::invalid, "Invalid batch: an id given twice: '" + id + "'");
    throw IndexedError(i, std::make_exception_ptr(twice));
  }
  check_rights(context);
  for (BatchOperation& operation : operations_) {
    if (operation.id.empty()) operation.id = make_id();
  }
}

/// A route asks for one right before the body is read. Which ones are needed is known now.
inline void BatchRequest::check_rights(const Context& context) const {
  if (!context.options.authorize) return;
  const std::string_view book = context.prefix.names_books() ? context.book : std::string_view();
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    of_operation(i, [&] {
      Access access = ask_access(context.options, {operations_[i].action(), operations_[i].id,
                                                   context.exchange.request(), book});
      check_access(access);
    });
  }
}

/// Makes the absent book (Options::create_on_write), if all operations can be done in an empty one.
inline std::shared_ptr<Service> BatchRequest::make_book(const Context& context) const {
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    of_operation(i, [&] {
      if (operations_[i].kind != BatchOperation::Kind::create) throw operations_[i].refusal();
      context.books->validate(*operations_[i].address);
    });
  }
  const std::uint64_t max_entries = context.books->options().max_entries;
  const auto make = [&] { return context.books->create(context.book, operations_.size()).book; };
  const bool fits = max_entries == 0 || operations_.size() <= max_entries;
  return fits ? make() : of_operation(static_cast<std::size_t>(max_entries), make);
}

inline std::uint64_t BatchRequest::commit(const Context& context) {
  if (operations_.empty()) return 0;
  const std::shared_ptr<Service> book = context.service ? context.service : make_book(context);
  constexpr int max_attempts = 100;
  Batch batch = prepare(*book);
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    std::optional<std::size_t> at_fault;
    CommitResult result;
    try {
      result = book->commit(batch, &at_fault);
    } catch (const Error&) {
      if (at_fault) check_before(batch, *book);  // tells it, or one before it
      throw;
    }
    if (result.done()) return result.base;
    if (result.outcome == CommitResult::Outcome::full) fail_full(*book);
    const BatchOperation& refused = operations_[result.refused];
    if (refused.kind != BatchOperation::Kind::patch) {
      throw IndexedError(result.refused, std::make_exception_ptr(refused.refusal()));
    }
    patch_again(batch, result.refused, *book);
  }
  throw Error(Errc::busy, "Too many writes of the batch's addresses at once");
}

inline Write BatchRequest::patched(const BatchOperation& operation,
                                   const std::optional<Entry>& entry) {
  if (!operation.condition().holds(entry ? std::optional(entry->revision) : std::nullopt)) {
    throw operation.refusal();
  }
  return {operation.id, operation.patch(entry->document),
          Condition{Condition::Kind::at_revision, entry->revision}};
}

inline Batch BatchRequest::prepare(const Service& book) const {
  Batch batch;
  std::size_t patched_bytes = 0;
  std::size_t old_bytes = 0;
  EntriesAhead entries(book);
  for (const BatchOperation& operation : operations_) {
    if (operation.kind != BatchOperation::Kind::create) entries.add(operation.id);
  }
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const BatchOperation& operation = operations_[i];
    try {
      std::optional<Entry> entry;
      if (operation.kind != BatchOperation::Kind::create) entry = entries.next();
      check_old_bytes(old_bytes, entry, book);
      if (operation.kind != BatchOperation::Kind::patch) {
        batch.writes.push_back({operation.id, operation.address, operation.condition()});
        continue;
      }
      batch.writes.push_back(patched(operation, entry));
      // A small patch may make a large address, and all of them are held at once.
      patched_bytes += batch.writes.back().document->text().size();
      check_patched_bytes(patched_bytes, book);
    } catch (const Error&) {
      const std::exception_ptr thrown = std::current_exception();
      check_before(batch, book);
      throw IndexedError(i, thrown);
    }
  }
  return batch;
}

/// Another writer was faster than a patch.
inline void BatchRequest::patch_again(Batch& batch, std::size_t index, const Service& book) const {
  of_operation(index, [&] {
    batch.writes[index] = patched(operations_[index], book.find(operations_[index].id));
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if (operations_[i].kind != BatchOperation::Kind::patch) continue;
      bytes += batch.writes[i].document->text().size();
    }
    check_patched_bytes(bytes, book);
  });
}

inline void BatchRequest::check_patched_bytes(std::size_t bytes, const Service& book) {
  if (bytes > book.options().max_document_bytes) {
    throw Error(Errc::invalid, "Invalid batch: the patched addresses have over " +
                                   std::to_string(book.options().max_document_bytes) +
                                   " bytes together");
  }
}

/// To take an address out of an index takes longer the larger it is, and all writers wait for a
/// batch.
/// @param sum    of the addresses that operations have replaced or deleted so far
/// @param entry  that the next one changes, if there is one
inline void BatchRequest::check_old_bytes(std::size_t& sum, const std::optional<Entry>& entry,
                                          const Service& book) {
  sum += entry ? entry->document.text().size() : 0;
  if (sum > book.options().max_document_bytes) {
    throw Error(Errc::invalid, "Invalid batch: the addresses that it changes have over " +
                                   std::to_string(book.options().max_document_bytes) +
                                   " bytes together");
  }
}

/// An operation fails. If one before it does, too, that one is told.
inline void BatchRequest::check_before(const Batch& batch, const Service& book) const {
  EntriesAhead entries(book);
  for (const Write& write : batch.writes) entries.add(write.id);
  for (std::size_t i = 0; i < batch.writes.size(); ++i) {
    of_operation(i, [&] {
      const Write& write = batch.writes[i];
      if (write.document) book.validate(*write.document);
      const std::optional<Entry> entry = entries.next();
      // Not that of the write: a patch may have been computed before another writer came.
      const Condition condition = operations_[i].condition();
      if (!condition.holds(entry ? std::optional(entry->revision) : std::nullopt)) {
        throw operations_[i].refusal();
      }
    });
  }
}

inline void BatchRequest::fail_full(const Service& book) const {
  std::uint64_t count = book.state().count;
  std::size_t at = 0;  // the first one that there is no room for
  for (; at + 1 < operations_.size(); ++at) {
    const auto kind = operations_[at].kind;
    if (kind == BatchOperation::Kind::create && ++count > book.options().max_entries) break;
    if (kind == BatchOperation::Kind::remove) --count;
  }
  try {
    book.fail_full();
  } catch (const Error&) {
    throw IndexedError(at, std::current_exception());
  }
}

}  // namespace addrbook::detail
