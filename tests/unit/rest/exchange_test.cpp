#include <addrbook/rest/exchange.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::LogRecord;
using addrbook::Reply;
using addrbook::Request;
using addrbook::detail::Exchange;
using addrbook::detail::RequestIds;

namespace {

Request request(std::string_view target = "/addresses/x?q=secret") {
  Request request;
  request.method = "GET";
  request.target = target;
  request.header = [](std::string_view) { return std::nullopt; };
  return request;
}

}  // namespace

TEST_CASE("exchange: uri is the target before the first question mark") {
  for (const auto& row : std::vector<std::pair<std::string, std::string>>{
           {"/addresses", "/addresses"},
           {"/addresses?", "/addresses"},
           {"/addresses/a%3Fb?c?d", "/addresses/a%3Fb"},
           {"?x", ""},
           {"", ""}}) {
    const auto& target = row.first;
    const auto& uri = row.second;
    CAPTURE(target);
    const Request from = request(target);
    CHECK(std::string(Exchange(from, RequestIds()).uri()) == uri);
  }
}

TEST_CASE("exchange: nothing is written where nobody listens") {
  const Request from = request();
  Reply reply = addrbook::detail::json_reply("{}");
  const Exchange exchange(from, RequestIds());
  CHECK_NOTHROW(exchange.tell(reply, {}, {}, true, {}));
  int calls = 0;
  exchange.tell(reply,
                [&](const LogRecord& record) {
                  ++calls;
                  CHECK(record.user_agent.empty());
                  throw 7;
                },
                {}, true, {});
  CHECK(calls == 1);
}
