/// Refusals: the answers, in JSON, to requests that no route answers.
#pragma once

#include <addrbook/http/answer_head.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/http/head.hpp>
#include <addrbook/http/trusted_proxies.hpp>
#include <addrbook/httplib/adapter.hpp>
#include <addrbook/httplib/httplib.hpp>
#include <addrbook/log.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest.hpp>
#include <addrbook/rest/access_log.hpp>
#include <addrbook/rest/exchange.hpp>
#include <addrbook/rest/reply.hpp>

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// @par Thread safety  any thread.
class Refusals {
 public:
  explicit Refusals(const ServerOptions& options)
      : log_(options.log),
        metrics_(options.metrics),
        debug_(options.debug),
        proxies_(options.trusted_proxies) {}

  /// @param book  to which the request goes; null: to none
  /// @returns the bytes of the answer to a request that is refused before httplib sees it
  [[nodiscard]] std::string to_text(std::string_view remote_address, const RequestHead& head,
                                    const HeadFault& fault, const Rest* book) const;
  /// @param connection_fields  as for append_answer_head()
  /// @returns the bytes of the answer to `OPTIONS *` (RFC 9110, 9.3.7)
  [[nodiscard]] std::string options_text(std::string_view remote_address, const RequestHead& head,
                                         std::string_view connection_fields) const;
  /// @param path    of the target, decoded
  /// @param answer  makes the reply, without a source, and logs it
  /// @returns the bytes of the answer
  template <class Answer>
  [[nodiscard]] static std::string text_of(std::string_view remote_address, const RequestHead& head,
                                           std::string_view path, const Answer& answer,
                                           std::string_view connection_fields);
  /// Fills in the answer where httplib refuses a request, has no route for it, or a route threw.
  /// @param thrown  null if nothing was thrown; the response then has a status
  /// @param book    as for to_text()
  void answer(const httplib::Request& request, httplib::Response& response,
              const std::exception_ptr& thrown, const Rest* book) const;
  /// Logs something about the server as a whole.
  void log_server(LogRecord::Level level, std::string_view text) const;

 private:
  // @param fields  of the head; must outlive the request, as `head` must
  [[nodiscard]] static Request to_request(std::string_view remote_address, const RequestHead& head,
                                          const FieldView& fields);
  Reply reply_to(const Request& request, const std::exception_ptr& error, const Rest* book) const;

  LogSink log_;
  std::shared_ptr<Metrics> metrics_;
  bool debug_;
  TrustedProxies proxies_;
  RequestIds request_ids_;
};

// ---------------------------------------------------------------------------------------------

inline Request Refusals::to_request(std::string_view remote_address, const RequestHead& head,
                                    const FieldView& fields) {
  Request request;
  request.method = head.method;
  request.target = head.target;
  request.remote_address = remote_address;
  request.header = [&fields](std::string_view name) { return fields.find(name); };
  return request;
}

inline std::string Refusals::to_text(std::string_view remote_address, const RequestHead& head,
                                     const HeadFault& fault, const Rest* book) const {
  const auto refuse = [&](const Request& request) {
    const HttpError error(fault.status, std::string(fault.reason));
    return reply_to(request, std::make_exception_ptr(error), book);
  };
  return text_of(remote_address, head, {}, refuse, "Connection: close\r\n");
}

inline std::string Refusals::options_text(std::string_view remote_address, const RequestHead& head,
                                          std::string_view connection_fields) const {
  const auto answer = [&](const Request& request) {
    Exchange exchange(request, request_ids_, proxies_);
    Reply reply = empty_reply(204);
    reply.headers.emplace_back("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
    exchange.finish(reply, nullptr);
    exchange.tell(reply, log_, metrics_, debug_, {});
    return reply;
  };
  return text_of(remote_address, head, {}, answer, connection_fields);
}

template <class Answer>
std::string Refusals::text_of(std::string_view remote_address, const RequestHead& head,
                              std::string_view path, const Answer& answer,
                              std::string_view connection_fields) {
  const FieldView fields(head.text, head.fields);
  Request request = to_request(remote_address, head, fields);
  request.path = path;
  const Reply reply = answer(request);
  std::string text;
  append_answer_head(text, reply, AnswerFraming::length, reply.body.size(), connection_fields);
  if (head.method != "HEAD") text += reply.body;
  return text;
}

inline void Refusals::log_server(LogRecord::Level level, std::string_view text) const {
  call_log(log_, LogRecord::of_server(level, text));
}

inline Reply Refusals::reply_to(const Request& request, const std::exception_ptr& error,
                                const Rest* book) const {
  Exchange exchange(request, request_ids_, proxies_);
  Reply reply = exchange.fail(error, debug_);
  exchange.finish(reply, nullptr);
  if (book != nullptr) book->allow_origin(request, reply);
  // A connection over the limit is closed before its request is read. It is no request, and gets no
  // log line: under attack there can be more of them than a disk holds.
  const bool is_unread = reply.status == 503 && request.method.empty();
  if (!is_unread) exchange.tell(reply, log_, metrics_, debug_, {});
  return reply;
}

inline void Refusals::answer(const httplib::Request& request, httplib::Response& response,
                             const std::exception_ptr& thrown, const Rest* book) const {
  try {
    std::exception_ptr error = thrown;
    if (!error) {
      const std::string message = response.status == httplib::StatusCode::NotFound_404
                                      ? "Unknown Endpoint"
                                      : httplib::status_message(response.status);
      error = std::make_exception_ptr(HttpError(response.status, message));
    }
    const HttplibFields fields(request.headers);
    write_reply(reply_to(detail::to_request(request, fields, 0), error, book), request, response,
                ConnectionKeeper::engine);
  } catch (...) {  // out of memory: there is none for an answer in JSON either
    response.status = httplib::StatusCode::ServiceUnavailable_503;
  }
}

}  // namespace addrbook::detail
