/// BookLane: how requests for books get from the engine to Rest and back.
#pragma once

#include <addrbook/base/memory_budget.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/answer_head.hpp>
#include <addrbook/http/body_framing.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/rest.hpp>
#include <addrbook/server/answer_writer.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/dropped_body.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Where a request's target leads.
struct BookTarget {
  const Rest* book = nullptr;  ///< one book, or many; null: to none
  std::string_view target;     ///< without the authority of an absolute form, and the fragment
  std::string_view sent_path;
  std::string decoded_path;  ///< if the path that was sent has a '%'

  [[nodiscard]] std::string_view path() const noexcept {
    return decoded_path.empty() ? sent_path : decoded_path;
  }
  /// The path without the root of the book.
  [[nodiscard]] std::string_view path_in_book() const noexcept {
    return path().substr(book->root().size());
  }
  [[nodiscard]] bool is_instant(std::string_view method) const {
    return book->is_instant(method, path_in_book());
  }
};

/// What the lane needs to know of a connection for an answer.
struct AnswerContext {
  std::string_view keep_alive_fields;  ///< lines that say that the connection stays
  const ServerEngine& engine;
  bool is_last;  ///< the client or the server wants no further request on the connection
};

/// A request for a book.
class BookRequest : public PendingRequest {
 public:
  /// @param head  must outlive this object with its text, as `remote_address` must
  BookRequest(BookTarget target, const RequestHead& head, std::string_view remote_address,
              const AnswerContext& context);

  [[nodiscard]] bool wants_body() const noexcept { return call_.wants_body(); }
  /// See Rest::Call.
  [[nodiscard]] std::size_t min_rate() const noexcept { return call_.min_rate(); }

  bool take(std::string_view data) override {
    if (call_.wants_body()) return call_.take(data);
    dropped_bytes_ += data.size();
    return dropped_bytes_ <= max_dropped_bytes;
  }
  [[nodiscard]] bool may_wait() const noexcept override { return call_.may_wait(); }
  [[nodiscard]] std::size_t memory() const noexcept override {
    return sizeof *this + call_.memory();
  }
  void answer(BodyStatus status, bool is_last, Answer& answer) override;

 private:
  [[nodiscard]] Request make_request(std::string_view remote_address) const;

  const BookTarget target_;
  const RequestHead& head_;
  const FieldView fields_;
  const AnswerContext context_;
  const Request request_;
  Rest::Call call_;
  std::size_t dropped_bytes_ = 0;
};

struct OwnedHead {
  const RequestHead owned;
};

/// A request that outlives the RequestHead from which it was made.
class LongBookRequest final : private OwnedHead, public BookRequest {
 public:
  LongBookRequest(BookTarget target, const RequestHead& head, std::string_view remote_address,
                  const AnswerContext& context)
      : OwnedHead{head}, BookRequest(std::move(target), owned, remote_address, context) {}
};

/// The books that the engine serves itself.
/// @par Thread safety  add() before the first request; the rest from any thread
class BookLane : private Pinned {
 public:
  /// @throws Error{invalid} another book has the same root
  void add(std::shared_ptr<const Rest> book);

  /// @returns  the book whose root the target begins with; the longest root counts
  [[nodiscard]] BookTarget find(std::string_view target, std::string_view authority) const;

  /// As ConnectionHandler::begin().
  static Begun begin(BookTarget target, const Connection& connection, const RequestHead& head,
                     std::string_view body, bool is_whole, std::chrono::milliseconds body_timeout,
                     const AnswerContext& context, Answer& answer);

 private:
  std::vector<std::shared_ptr<const Rest>> books_;  // those with longer roots first
};

// ---------------------------------------------------------------------------------------------

// NOLINTNEXTLINE(modernize-pass-by-value): to move a head is to copy it
inline BookRequest::BookRequest(BookTarget target, const RequestHead& head,
                                std::string_view remote_address, const AnswerContext& context)
    : target_(std::move(target)),
      head_(head),
      fields_(head_.text, head_.fields),
      context_(context),
      request_(make_request(remote_address)),
      call_(*target_.book, request_) {}

inline Request BookRequest::make_request(std::string_view remote_address) const {
  Request request;
  request.method = head_.method;
  request.target = target_.target;
  request.path = target_.path_in_book();
  request.query = target_.target;
  cut(request.query, '?');
  request.remote_address = remote_address;
  request.header = [this](std::string_view name) { return fields_.find(name); };
  request.can_wait = true;
  const MemoryBudget& memory = context_.engine.memory();
  request.memory = memory.is_exceeded() ? MemoryState::exhausted
                   : memory.is_scarce() ? MemoryState::scarce
                                        : MemoryState::ample;
  return request;
}

inline void BookRequest::answer(BodyStatus status, bool is_last, Answer& answer) {
  // A body that is not needed makes no difference to what is done.
  Reply reply = call_.finish(call_.wants_body() ? status : BodyStatus::complete);
  const bool is_1_0 = head_.version == "HTTP/1.0";
  answer.framing = !reply.source ? AnswerFraming::length
                   : is_1_0      ? AnswerFraming::until_close
                                 : AnswerFraming::chunked;
  const bool is_head = head_.method == "HEAD";
  answer.is_last = is_last || context_.is_last || reply.close_connection ||
                   context_.engine.is_stopping() ||
                   (answer.framing == AnswerFraming::until_close && !is_head);
  append_answer_head(answer.text, reply, answer.framing, reply.body.size(),
                     answer.is_last ? "Connection: close\r\n" : context_.keep_alive_fields);
  if (is_head) return;
  answer.text.append(reply.body);
  answer.source = std::move(reply.source);
}

inline void BookLane::add(std::shared_ptr<const Rest> book) {
  const std::string_view root = book->root();
  if (std::any_of(books_.begin(), books_.end(),
                  [&](const auto& other) { return other->root() == root; })) {
    throw Error(Errc::invalid, "'" + std::string(root) + "' has a book already");
  }
  const auto at = std::find_if(books_.begin(), books_.end(), [&](const auto& other) {
    return other->root().size() < root.size();
  });
  books_.insert(at, std::move(book));
}

inline BookTarget BookLane::find(std::string_view target, std::string_view authority) const {
  BookTarget found;
  target.remove_prefix(authority.size());
  found.target = cut(target, '#');
  std::string_view rest = found.target;
  found.sent_path = cut(rest, '?');
  if (found.sent_path.find('%') != std::string_view::npos) {
    found.decoded_path = decode_path(found.sent_path);
  }
  const std::string_view path = found.path();
  for (const auto& book : books_) {
    const std::string_view root = book->root();
    if (path.substr(0, root.size()) != root) continue;
    if (path.size() > root.size() && path[root.size()] != '/') continue;
    found.book = book.get();
    break;
  }
  return found;
}

inline Begun BookLane::begin(BookTarget target, const Connection& connection,
                             const RequestHead& head, std::string_view body, bool is_whole,
                             std::chrono::milliseconds body_timeout, const AnswerContext& context,
                             Answer& answer) {
  Begun begun;
  begun.kind = Begun::Kind::answered;
  BodyFraming framing(head);
  const auto feed = [&](PendingRequest& request) {
    bool is_wanted = true;
    framing.take(body, [&](std::string_view data) { is_wanted = is_wanted && request.take(data); });
    return is_wanted && !framing.broken();
  };
  const std::string& address = connection.remote_address;
  if (is_whole) {
    BookRequest request(std::move(target), head, address, context);
    const bool is_good = feed(request);
    request.answer(is_good ? BodyStatus::complete : BodyStatus::malformed, false, answer);
    return begun;
  }
  begun.body_timeout = (std::min)(body_timeout, target.book->options().body_timeout);
  auto request = std::make_unique<LongBookRequest>(std::move(target), head, address, context);
  // Whoever waits for `100 Continue` may never send a body that is not needed.
  const bool is_expected = request->wants_body() || (!(head.expects_continue && body.empty()) &&
                                                     head.length <= max_dropped_bytes);
  if (!is_expected || !feed(*request)) {
    request->answer(BodyStatus::malformed, true, answer);
    return begun;
  }
  begun.body_rate = request->min_rate();
  if (!request->wants_body()) {
    begun.body_timeout = (std::min)(begun.body_timeout, drop_timeout);
  }
  begun.kind = Begun::Kind::pending;
  begun.wants_continue = head.expects_continue && body.empty();
  begun.request = std::move(request);
  return begun;
}

}  // namespace addrbook::detail
