#include <addrbook/rest/exchange.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::Errc;
using addrbook::Error;
using addrbook::LogRecord;
using addrbook::Reply;
using addrbook::Request;
using addrbook::detail::Exchange;
using addrbook::detail::HttpError;
using addrbook::detail::RequestIds;

namespace {

Request request(std::string_view target = "/addresses/x?q=secret") {
  Request request;
  request.method = "GET";
  request.target = target;
  request.header = [](std::string_view) { return std::nullopt; };
  return request;
}

template <class Thrown>
Reply error_reply(const Thrown& thrown, bool debug = false) {
  const Request from = request();
  return Exchange(from, RequestIds()).error(std::make_exception_ptr(thrown), debug);
}

std::string header(const Reply& reply, std::string_view name) {
  for (const auto& field : reply.headers) {
    if (field.first == name) return field.second;
  }
  return "(absent)";
}

}  // namespace

TEST_CASE("exchange: made request ids are 16 hex digits and differ, also between books") {
  const RequestIds one;
  const RequestIds two;
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    ids.insert(one.next());
    ids.insert(two.next());
  }
  CHECK(ids.size() == 2000);
  for (const auto& id : ids) {
    REQUIRE(id.size() == 16);
    REQUIRE(addrbook::detail::is_request_id(id));
  }
}

TEST_CASE("exchange: what was thrown decides status and message") {
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
  CHECK(header(table[9].reply, "Allow") == "BREW");
}

TEST_CASE("exchange: debug mode adds what was thrown, with its causes") {
  const auto body = nlohmann::ordered_json::parse(error_reply(std::out_of_range("why"), true).body);
  CHECK(body.size() == 5);
  CHECK(body["message"] == "Internal Server Error");
  REQUIRE(body["trace"].is_array());
  CHECK(body["trace"][0] == "std::out_of_range: why");
}

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

namespace {

/// A coding that turns text into itself in brackets, or fails.
class Brackets final : public addrbook::Coding {
 public:
  enum class Fault { none, throws, write_fails, finish_fails };
  explicit Brackets(Fault fault = Fault::none) : fault_(fault) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "brackets"; }
  [[nodiscard]] std::unique_ptr<addrbook::Codec> encoder() const override {
    if (fault_ == Fault::throws) throw Error(Errc::internal, "no brackets left");
    return std::make_unique<Encoder>(fault_);
  }
  [[nodiscard]] std::unique_ptr<addrbook::Codec> decoder(std::string_view) const override {
    return nullptr;
  }

 private:
  class Encoder final : public addrbook::Codec {
   public:
    explicit Encoder(Fault fault) : fault_(fault) {}
    bool write(std::string_view input, const addrbook::ByteSink& sink) override {
      return fault_ != Fault::write_fails && sink("[" + std::string(input) + "]");
    }
    bool finish(const addrbook::ByteSink& sink) override {
      return fault_ != Fault::finish_fails && sink("!");
    }

   private:
    Fault fault_;
  };
  Fault fault_;
};

Request accepting(std::string_view coding) {
  Request from = request();
  from.header = [=](std::string_view name) {
    return name == "Accept-Encoding" ? std::optional(std::string(coding)) : std::nullopt;
  };
  return from;
}

Reply finished(const Request& from, Reply reply, const addrbook::Coding& coding) {
  Exchange(from, RequestIds()).finish(reply, &coding, std::chrono::hours(1));
  return reply;
}

}  // namespace

TEST_CASE("exchange: the coding is the seam's, whatever it is called") {
  const Request from = accepting("gzip;q=0.1, Brackets");
  const std::string text(1024, 'x');
  Reply reply = addrbook::detail::json_reply(text);
  reply.headers.emplace_back("ETag", "\"a-1\"");
  SUBCASE("a body") {
    const Reply coded = finished(from, reply, Brackets());
    CHECK(coded.body == "[" + text + "]!");
    CHECK(header(coded, "Content-Encoding") == "brackets");
    CHECK(header(coded, "Vary") == "Accept-Encoding");
    CHECK(header(coded, "ETag") == "W/\"a-1\"");
  }
  SUBCASE("a weak tag stays as it is") {
    reply.headers.back().second = "W/\"a-1\"";
    CHECK(header(finished(from, reply, Brackets()), "ETag") == "W/\"a-1\"");
  }
  SUBCASE("a stream of any size") {
    reply.body.clear();
    reply.stream = [](const addrbook::ByteSink& sink) { return sink("a") && sink("b"); };
    const Reply coded = finished(from, reply, Brackets());
    std::string body;
    CHECK(coded.stream([&](std::string_view bytes) {
      body += bytes;
      return true;
    }));
    CHECK(body == "[a][b]!");
    CHECK(header(coded, "Content-Encoding") == "brackets");
  }
  SUBCASE("one that fails leaves the body as it was") {
    for (const auto fault : {Brackets::Fault::write_fails, Brackets::Fault::finish_fails}) {
      const Reply plain = finished(from, reply, Brackets(fault));
      CHECK(plain.body == text);
      CHECK(header(plain, "Content-Encoding") == "(absent)");
      CHECK(header(plain, "ETag") == "\"a-1\"");
    }
  }
  SUBCASE("one that throws does, too") {
    Reply plain;
    CHECK_NOTHROW(plain = finished(from, reply, Brackets(Brackets::Fault::throws)));
    CHECK(plain.body == text);
    CHECK(header(plain, "Content-Encoding") == "(absent)");
    CHECK(header(plain, "X-Request-Id") != "(absent)");
  }
  SUBCASE("what is empty is not coded") {
    const Reply empty = finished(from, addrbook::detail::empty_reply(204), Brackets());
    CHECK(empty.body.empty());
    CHECK(header(empty, "Content-Encoding") == "(absent)");
    CHECK(header(empty, "Vary") == "(absent)");
  }
}

TEST_CASE("exchange: nothing is written where nobody listens") {
  const Request from = request();
  Reply reply = addrbook::detail::json_reply("{}");
  const Exchange exchange(from, RequestIds());
  CHECK_NOTHROW(exchange.log(reply, addrbook::LogSink(), true));
  int calls = 0;
  exchange.log(
      reply,
      [&](const LogRecord& record) {
        ++calls;
        CHECK(record.user_agent.empty());
        throw 7;
      },
      true);
  CHECK(calls == 1);
}
