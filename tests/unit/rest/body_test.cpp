#include <addrbook/rest/body.hpp>

#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::BodyStatus;
using nlohmann::json;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

TEST_CASE("body: which content types a body may have") {
  const Book book;
  for (const std::string type : {"application/json", "Application/JSON; charset=utf-8",
                                 "application/vnd.api+json", "text/json", "text/plain",
                                 "application/x-www-form-urlencoded", "application/octet-stream"}) {
    CAPTURE(type);
    CHECK(post(book.rest, ada, {{"Content-Type", type}}).status == 201);
  }
  CHECK(post(book.rest, ada).status == 201);
  for (const std::string type : {"application/xml", "text/html", "text/vcard", "text/csv", "json",
                                 "multipart/form-data; boundary=x", "application/jsonp", "*/*"}) {
    CAPTURE(type);
    const auto before = book.service->state().revision;
    const Answer answer = post(book.rest, ada, {{"Content-Type", type}});
    CHECK(answer.status == 415);
    CHECK(answer.message().rfind("Unsupported Media Type", 0) == 0);
    CHECK(answer.header("Accept").find("application/json") != std::string::npos);
    CHECK_FALSE(answer.was_body_read);
    CHECK(book.service->state().revision == before);
  }
  const Fields twice{{"Content-Type", "application/json"}, {"Content-Type", "text/html"}};
  CHECK(post(book.rest, ada, twice).status == 415);
  // Only a body has a type: what GET and DELETE say of one is nobody's business.
  CHECK(get(book.rest, "/addresses", {{"Content-Type", "text/html"}}).status == 200);
}

TEST_CASE("body: a part of an address is not taken for the whole") {
  const Book book;
  const Answer answer = post(book.rest, ada, {{"Content-Range", "bytes 0-1/100"}});
  CHECK(answer.status == 400);
  CHECK(answer.message() == "Content-Range is not supported: an address is sent as a whole");
  CHECK_FALSE(answer.was_body_read);
  CHECK(book.service->state().count == 0);
}

TEST_CASE("body: a body arrives in any pieces") {
  const Book book;
  std::vector<std::string> pieces;
  for (const char c : ada) pieces.emplace_back(1, c);
  pieces.insert(pieces.begin(), "");
  for (const Fields& framing : std::vector<Fields>{
           {}, {{"Transfer-Encoding", "chunked"}}, {{"Transfer-Encoding", "Chunked"}}}) {
    const Answer answer = ask(book.rest, posting(pieces, framing));
    REQUIRE(answer.status == 201);
    CHECK_FALSE(answer.closes);
    CHECK(get(book.rest, answer.header("Location")).body == ada);
  }
}

TEST_CASE("body: a body that is no JSON object is refused with reason and place") {
  const Book book;
  const std::string target = book.add();
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "unexpected end of text at byte 0"},
      {"nonsense", "unexpected 'o' at byte 1"},
      {"{\"name\": ", "unexpected end of text at byte 9"},
      {"{} {}", "text after the JSON value at byte 3"},
      {std::string("{}\0", 3), "text after the JSON value at byte 2"},
      {"{\"a\":1,\"\\u0061\":2}", "a member name given twice at byte 7"},
      {"{\"a\":\"\\uD800\"}", "lone surrogate escape at byte 6"},
      {"{\"a\":\"\xED\xA0\x80\"}", "invalid UTF-8 at byte 6"},
      {"\xEF\xBB\xBF{}", "byte order mark at byte 0"},
      {"{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}",
       "nesting over 64 levels at byte 68"},
      {"name=Ada", "unexpected 'a' at byte 1"},
      {"[]", "an address must be a JSON object"},
      {"null", "an address must be a JSON object"},
      {"\"Ada\"", "an address must be a JSON object"},
  };
  for (const auto& row : table) {
    const auto& body = row.first;
    const auto& reason = row.second;
    CAPTURE(body);
    check_error(post(book.rest, body), "POST", "/addresses", 400, "Invalid JSON body: " + reason);
    check_error(send(book.rest, "PUT", target, body), "PUT", target, 400,
                "Invalid JSON body: " + reason);
  }
  CHECK(book.service->state().revision == 1);
  CHECK(get(book.rest, target).body == ada);
}

TEST_CASE("body: framing that is missing, unknown or contradictory is refused") {
  const Book book;
  struct Row {
    Fields headers;
    int status;
    std::string message;
    bool closes;
  };
  const std::vector<Row> table{
      {{}, 411, "Length Required", true},
      {{{"Transfer-Encoding", "gzip, chunked"}}, 501, "Unsupported Transfer-Encoding", true},
      {{{"Transfer-Encoding", "identity"}}, 501, "Unsupported Transfer-Encoding", true},
      {{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
       501,
       "Unsupported Transfer-Encoding",
       true},
      {{{"Transfer-Encoding", "chunked"}, {"Content-Length", "2"}},
       400,
       "Invalid Content-Length",
       true},
      {{{"Content-Length", "-2"}}, 400, "Invalid Content-Length", true},
      {{{"Content-Length", "+2"}}, 400, "Invalid Content-Length", true},
      {{{"Content-Length", "0x2"}}, 400, "Invalid Content-Length", true},
      {{{"Content-Length", ""}}, 400, "Invalid Content-Length", true},
      {{{"Content-Length", "2"}, {"Content-Length", "2"}}, 400, "Invalid Content-Length", true},
      {{{"Content-Length", "18446744073709551618"}}, 400, "Invalid Content-Length", true},
  };
  for (const Row& row : table) {
    CAPTURE(row.message);
    Ask request = posting({"{}"}, row.headers);
    request.unframed = true;
    const Answer answer = ask(book.rest, request);
    check_error(answer, "POST", "/addresses", row.status, row.message);
    CHECK(answer.closes == row.closes);
    CHECK_FALSE(answer.was_body_read);
  }
  CHECK(book.service->state().revision == 0);
}

TEST_CASE("body: a body over the limit is refused") {
  Options options;
  options.max_body_bytes = 100;
  const Book book(options);
  const auto of_size = [](std::size_t size) {
    return "{\"t\":\"" + std::string(size - 8, 'x') + "\"}";
  };
  const Fields chunked{{"Transfer-Encoding", "chunked"}};
  CHECK(post(book.rest, of_size(100)).status == 201);
  CHECK(post(book.rest, of_size(100), chunked).status == 201);
  SUBCASE("by its length, before it is read") {
    const Answer answer = post(book.rest, of_size(101));
    check_error(answer, "POST", "/addresses", 413, "Body over 100 bytes");
    CHECK_FALSE(answer.was_body_read);
    CHECK(post(book.rest, "{}", {{"Content-Length", "18446744073709551615"}}).status == 413);
  }
  SUBCASE("as it arrives, and what still arrives is dropped") {
    const Answer answer =
        ask(book.rest, posting({of_size(90), "0123456789", "x", "more", "and more"}, chunked));
    check_error(answer, "POST", "/addresses", 413, "Body over 100 bytes");
    CHECK(answer.pieces_read == 5);
    CHECK_FALSE(answer.closes);
  }
  SUBCASE("white space counts, it has been sent") {
    CHECK(ask(book.rest, posting({std::string(99, ' '), "{}"}, chunked)).status == 413);
  }
  SUBCASE("what is dropped has a limit as well") {
    const std::vector<std::string> pieces(20, std::string(std::size_t{1} << 20U, ' '));
    const Answer answer = ask(book.rest, posting(pieces, chunked));
    CHECK(answer.status == 413);
    CHECK(answer.pieces_read == 9);
    CHECK(answer.closes);
  }
  SUBCASE("the HTTP library's own limit") {
    Ask request = posting({"{}"}, chunked);
    request.body_status = BodyStatus::too_large;
    const Answer answer = ask(book.rest, request);
    check_error(answer, "POST", "/addresses", 413, "Body over 100 bytes");
    CHECK(answer.closes);
  }
  CHECK(book.service->state().revision == 2);
}

TEST_CASE("body: a body that does not arrive") {
  Options options;
  options.body_timeout = std::chrono::milliseconds(1234);
  const Book book(options);
  Ask request = posting({ada});
  SUBCASE("in time") {
    request.body_status = BodyStatus::timed_out;
    const Answer answer = ask(book.rest, request);
    check_error(answer, "POST", "/addresses", 408, "Body not complete within 1234 ms");
    CHECK(answer.closes);
  }
  SUBCASE("as a whole") {
    request.body_status = BodyStatus::malformed;
    const Answer answer = ask(book.rest, request);
    check_error(answer, "POST", "/addresses", 400, "Incomplete body");
    CHECK(answer.closes);
  }
  SUBCASE("before the server stops") {
    request.body_status = BodyStatus::stopped;
    const Answer answer = ask(book.rest, request);
    check_error(answer, "POST", "/addresses", 503, "The server is stopping");
    CHECK(answer.header("Retry-After") == "1");
    CHECK(answer.closes);
  }
  CHECK(book.service->state().revision == 0);
}

TEST_CASE("body: coded bodies are unpacked") {
  const Book book(with_gzip());
  const std::vector<std::pair<std::string, std::string>> table{
      {"gzip", pack(ada)},
      {"GZip", pack(ada)},
      {" x-gzip ", pack(ada)},
      {"deflate", pack_deflate(ada)},
      {"identity", ada},
      {"", ada},
      {"gzip", pack(ada.substr(0, 9)) + pack(ada.substr(9))}};
  for (const auto& row : table) {
    const auto& coding = row.first;
    const auto& body = row.second;
    CAPTURE(coding);
    Answer answer = post(book.rest, body, {{"Content-Encoding", coding}});
    REQUIRE(answer.status == 201);
    CHECK(get(book.rest, answer.header("Location")).body == ada);
    std::vector<std::string> pieces;
    for (const char c : body) pieces.emplace_back(1, c);
    answer = ask(book.rest,
                 posting(pieces, {{"Content-Encoding", coding}, {"Transfer-Encoding", "chunked"}}));
    REQUIRE(answer.status == 201);
    CHECK(get(book.rest, answer.header("Location")).body == ada);
  }
}

TEST_CASE("body: what is not in its coding is refused") {
  const Book book(with_gzip());
  const std::string packed = pack(ada);
  std::string corrupt = packed;
  corrupt[packed.size() / 2] = static_cast<char>(corrupt[packed.size() / 2] ^ 0x55);
  const std::vector<std::pair<std::string, std::string>> table{
      {"gzip", ada},
      {"gzip", ""},
      {"gzip", packed.substr(0, packed.size() - 1)},
      {"gzip", packed.substr(0, 5)},
      {"gzip", packed + "x"},
      {"gzip", packed + ada},
      {"gzip", packed + std::string(20, '\0')},
      {"gzip", corrupt},
      {"gzip", pack_deflate(ada)},
      {"deflate", packed},
      {"deflate", ada},
  };
  for (const auto& row : table) {
    const auto& coding = row.first;
    const auto& body = row.second;
    CAPTURE(coding);
    CAPTURE(body);
    check_error(post(book.rest, body, {{"Content-Encoding", coding}}), "POST", "/addresses", 400,
                "The body is not in its Content-Encoding");
  }
  CHECK(book.service->state().revision == 0);
}

TEST_CASE("body: an unknown coding is refused unread") {
  const Book with(with_gzip());
  for (const std::string coding : {"br", "zstd", "compress", "gzip, gzip", "gzip, br", "*"}) {
    CAPTURE(coding);
    const Answer answer = post(with.rest, ada, {{"Content-Encoding", coding}});
    check_error(answer, "POST", "/addresses", 415,
                "Unsupported Content-Encoding: a body may be in gzip or deflate");
    CHECK(answer.header("Accept-Encoding") == "gzip, deflate");
    CHECK_FALSE(answer.was_body_read);
  }
  const Book without;
  for (const std::string coding : {"gzip", "deflate", "br"}) {
    CAPTURE(coding);
    const Answer answer = post(without.rest, pack(ada), {{"Content-Encoding", coding}});
    check_error(answer, "POST", "/addresses", 415,
                "Unsupported Content-Encoding: a body must not be compressed");
    CHECK(answer.header("Accept-Encoding") == "identity");
    CHECK_FALSE(answer.was_body_read);
  }
  CHECK(post(without.rest, ada, {{"Content-Encoding", "Identity"}}).status == 201);
}

namespace {

/// gzip that counts the bytes which it unpacks.
class CountingGzip final : public addrbook::Coding {
 public:
  explicit CountingGzip(std::size_t& bytes) : bytes_(bytes) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "gzip"; }
  [[nodiscard]] std::unique_ptr<addrbook::Codec> encoder() const override {
    return gzip_->encoder();
  }
  [[nodiscard]] std::unique_ptr<addrbook::Codec> decoder(std::string_view coding) const override {
    auto decoder = gzip_->decoder(coding);
    return decoder ? std::make_unique<Counter>(std::move(decoder), bytes_) : nullptr;
  }

 private:
  class Counter final : public addrbook::Codec {
   public:
    Counter(std::unique_ptr<addrbook::Codec> codec, std::size_t& bytes)
        : codec_(std::move(codec)), bytes_(bytes) {}
    bool write(std::string_view input, const addrbook::ByteSink& sink) override {
      return codec_->write(input, [&](std::string_view bytes) {
        bytes_ += bytes.size();
        return sink(bytes);
      });
    }
    bool flush(const addrbook::ByteSink& sink) override { return codec_->flush(sink); }
    bool finish(const addrbook::ByteSink& sink) override { return codec_->finish(sink); }

   private:
    std::unique_ptr<addrbook::Codec> codec_;
    std::size_t& bytes_;
  };

  std::shared_ptr<const addrbook::Coding> gzip_ = addrbook::gzip();
  std::size_t& bytes_;
};

}  // namespace

TEST_CASE("body: a bomb is unpacked to the limit and no further") {
  std::size_t unpacked = 0;
  Options options;
  options.coding = std::make_shared<CountingGzip>(unpacked);
  const Book book(options);
  const std::string member = pack(std::string(std::size_t{4} << 20U, ' '));
  std::string bomb;
  while (bomb.size() + member.size() < options.max_body_bytes) bomb += member;
  REQUIRE(bomb.size() > 900'000);
  for (const Fields& framing : std::vector<Fields>{{}, {{"Transfer-Encoding", "chunked"}}}) {
    unpacked = 0;
    Fields headers = framing;
    headers.emplace_back("Content-Encoding", "gzip");
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < bomb.size(); at += 4096) pieces.push_back(bomb.substr(at, 4096));
    const Answer answer = ask(book.rest, posting(pieces, headers));
    check_error(answer, "POST", "/addresses", 413, "Body over 1048576 bytes");
    CHECK(unpacked > options.max_body_bytes);
    CHECK(unpacked <= options.max_body_bytes + std::size_t{16} * 1024);
  }
}

TEST_CASE("body: the limit is of the unpacked size, and packing may make a body larger") {
  Options options = with_gzip();
  options.max_body_bytes = 100;
  const Book book(options);
  // 100 bytes that do not pack well: 100 and gzip's own.
  std::string text = "{\"t\":\"";
  std::mt19937 random(7);
  while (text.size() < 98) text += static_cast<char>('A' + random() % 26);
  text += "\"}";
  REQUIRE(text.size() == 100);
  const std::string larger = pack(text.substr(0, 50)) + pack(text.substr(50));
  REQUIRE(larger.size() > 100);
  const Fields gzip{{"Content-Encoding", "gzip"}};
  CHECK(post(book.rest, larger, gzip).status == 201);
  CHECK(post(book.rest, pack(text + " "), gzip).status == 413);
  CHECK(post(book.rest, pack(std::string(101, ' ')), gzip).status == 413);
  const Answer answer = post(book.rest, std::string(10'000, 'x'), gzip);
  CHECK(answer.status == 413);
  CHECK_FALSE(answer.was_body_read);
}

TEST_CASE("body: a call counts what it holds of a body, until it is needed no more") {
  Options options = with_gzip();
  options.max_body_bytes = 100'000;
  const Book book(options);
  const Fields chunked{{"Transfer-Encoding", "chunked"}};
  SUBCASE("the text") {
    const Asked asked(book.rest, posting({}, chunked));
    Rest::Call call(book.rest, asked.request);
    REQUIRE(call.wants_body());
    CHECK(call.memory() < 100);
    CHECK(call.take(std::string(90'000, ' ')));
    CHECK(call.memory() >= 90'000);
    CHECK(call.take(std::string(10'001, ' ')));
    CHECK(call.memory() < 100);  // over the limit: the rest is dropped
    CHECK(call.finish(BodyStatus::complete).status == 413);
  }
  SUBCASE("the decoder") {
    const Asked asked(book.rest, posting({}, {chunked[0], {"Content-Encoding", "gzip"}}));
    Rest::Call call(book.rest, asked.request);
    CHECK(call.memory() >= std::size_t{32} * 1024);
    CHECK(call.take("not gzip"));
    CHECK(call.memory() < 100);
    CHECK(call.finish(BodyStatus::complete).status == 400);
  }
}
