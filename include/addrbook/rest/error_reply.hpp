/// Errors over HTTP: from what was thrown to a status, a message and a body.
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/metrics/transfer_counts.hpp>
#include <addrbook/rest/reply.hpp>
#include <addrbook/validator.hpp>

#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// An error that exists only in HTTP, e.g. 405 or 415.
class HttpError : public std::runtime_error, public Traceable {
 public:
  /// @param message  shown to the client
  explicit HttpError(int status, const std::string& message, HeaderFields headers = {},
                     SourceLine thrown_at = SourceLine::here())
      : std::runtime_error(message),
        status_(status),
        headers_(std::move(headers)),
        thrown_at_(thrown_at) {}

  /// A refusal that names a part of the query, which no log shows.
  /// @param part  appended to the message for the client
  [[nodiscard]] static HttpError of_query(const std::string& message, const std::string& part,
                                          SourceLine thrown_at = SourceLine::here()) {
    HttpError error(400, message, {}, thrown_at);
    error.query_part_ = part;
    return error;
  }

  /// A refusal of a request's body.
  [[nodiscard]] static HttpError of_body(BodyFault fault, int status, const std::string& message,
                                         HeaderFields headers = {},
                                         SourceLine thrown_at = SourceLine::here()) {
    HttpError error(status, message, std::move(headers), thrown_at);
    error.body_fault_ = fault;
    return error;
  }

  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] BodyFault body_fault() const noexcept { return body_fault_; }
  [[nodiscard]] const std::string& query_part() const noexcept { return query_part_; }
  [[nodiscard]] const HeaderFields& headers() const noexcept { return headers_; }
  [[nodiscard]] std::string trace_line() const override {
    return thrown_at_.describe("HTTP " + std::to_string(status_), what());
  }

 private:
  int status_;
  HeaderFields headers_;
  std::string query_part_;
  BodyFault body_fault_ = BodyFault::none;
  SourceLine thrown_at_;
};

/// What one of several operations in a request threw.
class IndexedError : public std::exception {
 public:
  /// @param index  of the operation, from 0
  IndexedError(std::size_t index, std::exception_ptr cause) noexcept
      // NOLINTNEXTLINE(bugprone-throw-keyword-missing): it is kept to be told apart later
      : index_(index), cause_(std::move(cause)) {}

  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] const std::exception_ptr& cause() const noexcept { return cause_; }
  [[nodiscard]] const char* what() const noexcept override { return "an operation failed"; }

 private:
  std::size_t index_;
  std::exception_ptr cause_;
};

/// How a failed request is answered and logged.
struct Failure {
  int status = 500;
  std::string message = "Internal Server Error";  ///< for the client, and for the log
  std::string query_part;                         ///< ends the message, for the client only
  HeaderFields headers;
  Violations violations;             ///< what a validator found, for the client only
  std::optional<std::size_t> index;  ///< of the operation that failed, of several
  std::vector<std::string> trace;    ///< for the log and for debug mode: what was thrown, and why
  BodyFault body_fault = BodyFault::none;
  bool is_fault = true;  ///< ours or the storage's, not the client's: the log says why
};

/// The one mapping from what was thrown to a status.
/// @param with_trace  whether the trace is wanted even if it is not a fault
[[nodiscard]] inline Failure to_failure(std::exception_ptr thrown, bool with_trace);

/// @returns the error's JSON object as the reply
/// @param uri    the request target without its query, as it was sent
/// @param debug  whether the object has the trace, one string with a line for each cause
[[nodiscard]] inline Reply error_reply(const Failure& failure, std::string_view method,
                                       std::string_view uri, bool debug);

// ---------------------------------------------------------------------------------------------

inline Failure to_failure(std::exception_ptr thrown, bool with_trace) {
  Failure failure;
  const auto set = [&](int status, const char* message, bool is_fault) {
    failure.status = status;
    failure.message = message;
    failure.is_fault = is_fault;
  };
  try {
    std::rethrow_exception(thrown);
  } catch (const IndexedError& error) {
    failure = to_failure(error.cause(), with_trace);
    failure.index = error.index();
    return failure;
  } catch (const HttpError& error) {
    set(error.status(), error.what(), false);
    failure.query_part = error.query_part();
    failure.body_fault = error.body_fault();
    failure.headers = error.headers();
  } catch (const InvalidAddress& error) {
    set(400, error.what(), false);
    failure.violations = error.violations;
    failure.body_fault = BodyFault::invalid;
  } catch (const Error& error) {
    switch (error.code()) {
      case Errc::invalid: set(400, error.what(), false); break;
      case Errc::not_found: set(404, error.what(), false); break;
      case Errc::conflict: set(409, error.what(), false); break;
      case Errc::precondition: set(412, error.what(), false); break;
      case Errc::reused_key: set(422, error.what(), false); break;
      case Errc::full:  // RFC 4918, 11.5
        // A full disk has a cause, which the log is to show; a full book has none.
        set(507, error.what(), dynamic_cast<const std::nested_exception*>(&error) != nullptr);
        break;
      case Errc::stopped:
      case Errc::busy: set(503, error.what(), false); break;
      case Errc::storage:  // the store's own message may name files or hosts: for the log only
        set(503, "The storage can't be reached", true);
        break;
      case Errc::internal: break;
    }
  } catch (const std::bad_alloc&) {
    set(503, "The server is short of memory", true);
  } catch (const std::system_error& error) {
    // No thread can be started, which mostly is for want of memory.
    if (error.code() == std::errc::resource_unavailable_try_again ||
        error.code() == std::errc::not_enough_memory) {
      set(503, "The server is short of memory", true);
    }
  } catch (...) {  // not an exception of ours: 500, its message is for the log only
  }
  if (failure.status == 503) failure.headers.emplace_back("Retry-After", "1");
  if (failure.is_fault || with_trace) failure.trace = trace(std::move(thrown));
  return failure;
}

inline Reply error_reply(const Failure& failure, std::string_view method, std::string_view uri,
                         bool debug) {
  Reply reply = json_reply({});
  reply.status = failure.status;
  for (const auto& [name, value] : failure.headers) reply.headers.emplace_back(name, value);
  reply.body = R"({"method":)";
  append_json_string(reply.body, method, JsonCharset::utf8);
  append_json_string(reply.body += R"(,"uri":)", uri, JsonCharset::utf8);
  reply.body.append(R"(,"code":)").append(std::to_string(failure.status));
  append_json_string(reply.body += R"(,"message":)", failure.message + failure.query_part,
                     JsonCharset::utf8);
  if (failure.index) reply.body.append(R"(,"index":)").append(std::to_string(*failure.index));
  const char* separator = R"(,"errors":[)";
  for (const Violation& each : failure.violations) {
    reply.body += std::exchange(separator, ",");
    append_json_string(reply.body += R"({"pointer":)", each.pointer, JsonCharset::utf8);
    append_json_string(reply.body += R"(,"reason":)", each.reason, JsonCharset::utf8);
    reply.body += '}';
  }
  if (!failure.violations.empty()) reply.body += ']';
  if (debug) {
    std::string lines;
    for (const std::string& line : failure.trace) {
      if (!lines.empty()) lines += '\n';
      lines += line;
    }
    append_json_string(reply.body += R"(,"trace":)", lines, JsonCharset::utf8);
  }
  reply.body += '}';
  return reply;
}

}  // namespace addrbook::detail
