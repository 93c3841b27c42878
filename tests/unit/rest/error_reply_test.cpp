#include <addrbook/rest/error_reply.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

using addrbook::Errc;
using addrbook::Error;
using addrbook::Reply;
using addrbook::detail::HttpError;

namespace {

Reply reply_to(const std::exception_ptr& thrown, bool debug) {
  return addrbook::detail::error_reply(addrbook::detail::to_failure(thrown, debug), "GET",
                                       "/addresses/x", debug);
}

template <class Thrown>
Reply error_reply(const Thrown& thrown, bool debug = false) {
  return reply_to(std::make_exception_ptr(thrown), debug);
}

template <class Thrown>
std::string parsed_trace(const Thrown& outer, const std::string& inner) {
  try {
    try {
      throw std::runtime_error(inner);
    } catch (...) {
      std::throw_with_nested(outer);
    }
  } catch (...) {
    const auto body = nlohmann::json::parse(reply_to(std::current_exception(), true).body);
    return body["trace"].template get<std::string>();
  }
}

std::string header(const Reply& reply, std::string_view name) {
  return std::string(reply.headers.find(name).value_or("(absent)"));
}

}  // namespace

TEST_CASE("error reply: what was thrown decides status and message") {
  struct Row {
    Reply reply;
    int status;
    std::string message;
    std::string retry_after;
  };
  const std::string none = "(absent)";
  const std::vector<Row> table{
      {error_reply(Error(Errc::invalid, "Invalid address: '/a' no")), 400,
       "Invalid address: '/a' no", none},
      {error_reply(Error(Errc::not_found, "No such address: 'x'")), 404, "No such address: 'x'",
       none},
      {error_reply(Error(Errc::conflict, "The test fails")), 409, "The test fails", none},
      {error_reply(Error(Errc::precondition, "Revision 7 is not the latest")), 412,
       "Revision 7 is not the latest", none},
      {error_reply(Error(Errc::full, "Insufficient Storage: x")), 507, "Insufficient Storage: x",
       none},
      {error_reply(Error(Errc::stopped, "The service is stopped")), 503, "The service is stopped",
       "1"},
      {error_reply(Error(Errc::storage, "/srv/book.db is gone")), 503,
       "The storage can't be reached", "1"},
      {error_reply(Error(Errc::internal, "a validator failed")), 500, "Internal Server Error",
       none},
      {error_reply(Error(static_cast<Errc>(99), "what?")), 500, "Internal Server Error", none},
      {error_reply(std::runtime_error("secret")), 500, "Internal Server Error", none},
      {error_reply(7), 500, "Internal Server Error", none},
      {error_reply(std::bad_alloc()), 503, "The server is short of memory", "1"},
      {error_reply(
           std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again))),
       503, "The server is short of memory", "1"},
      {error_reply(std::system_error(std::make_error_code(std::errc::io_error))), 500,
       "Internal Server Error", none},
      {error_reply(HttpError(418, "Teapot", {{"Allow", "BREW"}})), 418, "Teapot", none},
      {error_reply(HttpError(503, "Not ready: x")), 503, "Not ready: x", "1"},
  };
  for (const Row& row : table) {
    CAPTURE(row.message);
    CHECK(row.reply.status == row.status);
    CHECK(header(row.reply, "Retry-After") == row.retry_after);
    CHECK(header(row.reply, "Content-Type") == "application/json; charset=UTF-8");
    CHECK(row.reply.body == R"({"method":"GET","uri":"/addresses/x","code":)" +
                                std::to_string(row.status) + R"(,"message":")" + row.message +
                                "\"}");
  }
  CHECK(header(table[14].reply, "Allow") == "BREW");
}

TEST_CASE("error reply: debug mode adds what was thrown, with its causes") {
  const auto body = nlohmann::ordered_json::parse(error_reply(std::out_of_range("why"), true).body);
  CHECK(body.size() == 5);
  CHECK(body["message"] == "Internal Server Error");
  CHECK(body["trace"] == "std::out_of_range: why");
  CHECK(parsed_trace(Error(Errc::storage, "outer"), "inner").find("\nstd::runtime_error: inner") !=
        std::string::npos);
}

TEST_CASE("error reply: all violations are listed, the message has the first") {
  const addrbook::InvalidAddress several({{"/emails/0", "must be a string"}, {"", "\"\xFF"}});
  CHECK(error_reply(several).status == 400);
  CHECK(error_reply(several).body ==
        R"({"method":"GET","uri":"/addresses/x","code":400,)"
        R"("message":"Invalid address: '/emails/0' must be a string",)"
        R"("errors":[{"pointer":"/emails/0","reason":"must be a string"},)"
        "{\"pointer\":\"\",\"reason\":\"\\\"\xEF\xBF\xBD\"}]}");
  const auto one = nlohmann::json::parse(
      error_reply(addrbook::InvalidAddress(addrbook::Violation{"/a", "is odd"}), true).body);
  CHECK(one["errors"].size() == 1);
  CHECK(one["trace"].is_string());
}
