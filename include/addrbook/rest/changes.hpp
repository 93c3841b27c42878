/// The handler of a book's changes: a page, a long poll, or a stream of Server-Sent Events (HTML
/// standard, 9.2).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/changes.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/negotiation.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/followers.hpp>
#include <addrbook/rest/parameters.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/service.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

[[nodiscard]] inline std::vector<Parameter> changes_parameters() {
  return {{"since",
           "The `next` of an answer before, or the id of an event; from the beginning "
           "without it.",
           R"({"type":"string"})"},
          limit_parameter,
          {"wait", "How many seconds to wait for changes while there are none.",
           R"({"type":"integer","minimum":0,"maximum":30,"default":0})"}};
}

/// What the client asks for.
struct ChangesRequest {
  static constexpr std::size_t max_limit = 1000;
  static constexpr std::size_t max_wait = 30;  ///< in seconds

  PageLimit limit = {100, PageLimit{}.bytes};
  std::chrono::seconds wait{0};
  std::optional<ChangeToken> since;
  bool is_foreign = false;  ///< there is a token, which is none of ours

  /// @param last_id  Last-Event-ID of a stream, which comes before `since`; "" for none
  /// @throws HttpError{400}
  [[nodiscard]] static ChangesRequest of(const QueryParameters& parameters,
                                         std::string_view last_id);
};

/// A page as `{"changes":[...],"next":"<token>","more":false}`. A change is
/// `{"id":"..","op":"put","revision":7,"address":{..}}` or
/// `{"id":"..","op":"delete","revision":8}`.
[[nodiscard]] inline std::string changes_json(const Changes& page);

/// What waits for changes, from a token on.
class ChangeSource : public BodySource {
 public:
  using Clock = Timer::Clock;

  /// @param since  nothing: from the beginning
  /// @param place  is kept
  ChangeSource(std::shared_ptr<const Service> service, std::optional<ChangeToken> since,
               PageLimit limit, Followers::Place place, const Followers& followers)
      : service_(std::move(service)),
        since_(since),
        limit_(limit),
        place_(std::move(place)),
        wait_(*service_, followers.timer()),
        turn_(followers.turns()) {}

  inline Status read(std::string& to) final;
  [[nodiscard]] bool is_live() const noexcept override { return true; }
  void on_ready(std::function<void()> ready) override {
    if (turn_.has_entered()) {
      turn_.on_turn(std::move(ready));
    } else {
      wait_.wait(std::move(ready), time());
    }
  }
  bool stop() override { return is_stopping_ = true; }

 protected:
  /// read(), in its turn.
  virtual Status read_now(std::string& to) = 0;
  /// When it has something to say even if nothing changes.
  [[nodiscard]] virtual Clock::time_point time() const = 0;
  /// @returns the next changes; none, if there are none or the book is gone
  [[nodiscard]] inline Changes next();
  /// Whether there will be no further changes.
  [[nodiscard]] bool is_over() const noexcept {
    return is_stopping_ || is_gone_ || service_->is_stopped();
  }
  [[nodiscard]] const std::optional<ChangeToken>& since() const noexcept { return since_; }

 private:
  const std::shared_ptr<const Service> service_;
  std::optional<ChangeToken> since_;
  const PageLimit limit_;
  const Followers::Place place_;
  bool has_more_ = false;
  bool is_stopping_ = false;
  bool is_gone_ = false;
  ChangeWait wait_;
  Turns::User turn_;
};

/// The answer to a long poll: a page as soon as there are changes, or an empty one when the time is
/// over.
class ChangePoll final : public ChangeSource {
 public:
  /// @param until  at which time it is answered at the latest
  ChangePoll(std::shared_ptr<const Service> service, ChangeToken since, PageLimit limit,
             Followers::Place place, const Followers& followers, Clock::time_point until)
      : ChangeSource(std::move(service), since, limit, std::move(place), followers),
        until_(until) {}

 private:
  Status read_now(std::string& to) override {
    if (is_answered_) return Status::end;
    Changes page = next();
    if (page.changes.empty() && !page.is_expired && !is_over() && Clock::now() < until_) {
      return Status::later;
    }
    // That a token has expired meanwhile is for the next request: this one is a 200 already.
    page.next = *since();
    to += changes_json(page);
    is_answered_ = true;
    return Status::piece;
  }
  [[nodiscard]] Clock::time_point time() const override { return until_; }

  const Clock::time_point until_;
  bool is_answered_ = false;
};

/// Events: a change each, with the token that goes on behind it as their id.
class EventStream final : public ChangeSource {
 public:
  /// @param is_foreign  the client's token is none of ours
  EventStream(std::shared_ptr<const Service> service, const ChangesRequest& request,
              Followers::Place place, const Followers& followers, const Options& options)
      : ChangeSource(std::move(service), request.since, request.limit, std::move(place), followers),
        is_expired_(request.is_foreign),
        ping_interval_(options.ping_interval),
        end_(Clock::now() + options.stream_lifetime) {}

 private:
  inline Status read_now(std::string& to) override;
  [[nodiscard]] Clock::time_point time() const override { return (std::min)(next_ping_, end_); }

  bool is_expired_;
  bool is_ended_ = false;
  const std::chrono::milliseconds ping_interval_;
  const Clock::time_point end_;
  Clock::time_point next_ping_ = Clock::now() + ping_interval_;
};

/// GET of the changes: 200; 410 if the token is not of this book, or no longer good.
inline Reply get_changes(Context& context);

// ---------------------------------------------------------------------------------------------

inline ChangesRequest ChangesRequest::of(const QueryParameters& parameters,
                                         std::string_view last_id) {
  ChangesRequest request;
  std::optional<std::string_view> token;
  check_given_once(parameters);
  for (const QueryParameter& parameter : parameters) {
    if (parameter.name == "limit") request.limit.entries = read_limit(parameter, max_limit);
    if (parameter.name == "since") token = parameter.value;
    if (parameter.name == "wait") {
      const auto seconds = parse_decimal(parameter.value);
      if (!seconds || *seconds > max_wait) {
        refuse_value("wait", "0 to " + std::to_string(max_wait));
      }
      request.wait = std::chrono::seconds(*seconds);
    }
  }
  if (!last_id.empty()) token = last_id;
  if (token) request.since = ChangeToken::parse(*token);
  request.is_foreign = token && !request.since;
  return request;
}

inline void append_change(std::string& to, const Change& change) {
  // No character of an id needs an escape.
  to.append(R"({"id":")").append(change.id);
  to.append(change.entry ? R"(","op":"put","revision":)" : R"(","op":"delete","revision":)");
  to.append(std::to_string(change.revision));
  if (change.entry) to.append(R"(,"address":)").append(change.entry->document.text());
  to += '}';
}

inline std::string changes_json(const Changes& page) {
  std::string text = R"({"changes":[)";
  const char* separator = "";
  for (const Change& change : page.changes) {
    append_change(text += std::exchange(separator, ","), change);
  }
  text.append(R"(],"next":")").append(page.next.text());
  return text.append(page.more ? R"(","more":true})" : R"(","more":false})");
}

inline BodySource::Status ChangeSource::read(std::string& to) {
  if (!turn_.enter()) return Status::later;
  struct Leave {
    Turns::User& turn;
    ~Leave() { turn.leave(); }
  } const leave{turn_};
  return read_now(to);
}

inline Changes ChangeSource::next() {
  if (!wait_.has_changed() && !has_more_) return {};
  try {
    Changes page = service_->changes(since_, limit_);
    has_more_ = page.more;
    if (!page.is_expired) since_ = page.next;
    return page;
  } catch (const NoSuchBook&) {
    is_gone_ = true;
    return {};
  }
}

inline BodySource::Status EventStream::read_now(std::string& to) {
  if (is_ended_) return Status::end;
  const Changes page = is_expired_ ? Changes() : next();
  if (is_expired_ || page.is_expired) {
    // Without an id the browser begins anew when it connects again.
    to += "event: reset\nid:\ndata: read the address book anew, without a token\n\n";
    is_ended_ = true;
    return Status::piece;
  }
  if (!page.changes.empty()) {
    ChangeToken token = page.next;
    for (const Change& change : page.changes) {
      token.revision = change.revision;
      append_change(to.append("id: ").append(token.text()).append("\ndata: "), change);
      to += "\n\n";
    }
  } else if (is_over() || Clock::now() >= end_) {
    return Status::end;
  } else if (Clock::now() >= next_ping_) {
    to += ": ping\n\n";
  } else {
    return Status::later;
  }
  next_ping_ = Clock::now() + ping_interval_;
  return Status::piece;
}

inline Reply get_changes(Context& context) {
  const Request& request = context.exchange.request();
  const auto accepted = request.header("Accept");
  const bool is_stream = accepted && names_media_type(*accepted, "text/event-stream");
  const auto last_id = is_stream ? request.header("Last-Event-ID") : std::nullopt;
  const ChangesRequest asked = ChangesRequest::of(context.query, last_id.value_or(""));
  const auto enter = [&] {
    const Options& options = context.options;
    return context.followers.enter(
        request.can_wait ? options.max_streams : options.max_blocking_streams,
        is_stream ? Followers::Kind::events : Followers::Kind::poll);
  };
  if (is_stream) {
    static_cast<void>(context.service->state());  // or there is no such book
    Reply reply = empty_reply(200);
    reply.headers.emplace_back("Content-Type", "text/event-stream");
    reply.headers.emplace_back("X-Accel-Buffering", "no");
    add_vary(reply, "Accept");
    if (auto place = enter()) {
      reply.source = std::make_shared<EventStream>(context.service, asked, std::move(place),
                                                   context.followers, context.options);
    } else {
      reply.body = "retry: 5000\n\n";  // an EventSource gives up for good at any other status
    }
    return reply;
  }
  const auto page = asked.is_foreign ? Changes{true, {}, {}, false}
                                     : context.service->changes(asked.since, asked.limit);
  if (page.is_expired) {
    throw HttpError(410, "These changes are not known, or no longer: read the address book anew");
  }
  Reply reply = json_reply({});
  add_vary(reply, "Accept");
  if (!page.changes.empty() || asked.wait.count() == 0 || request.method == "HEAD") {
    reply.body = changes_json(page);
    return reply;
  }
  auto place = enter();
  if (!place) throw HttpError(503, "Too many wait for changes");
  reply.source =
      std::make_shared<ChangePoll>(context.service, page.next, asked.limit, std::move(place),
                                   context.followers, ChangeSource::Clock::now() + asked.wait);
  return reply;
}

}  // namespace addrbook::detail
