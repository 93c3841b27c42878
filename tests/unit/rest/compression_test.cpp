#include <addrbook/rest/compression.hpp>

#include <unit/fake_source.hpp>
#include <unit/rest_book.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

using addrbook::Errc;
using addrbook::Error;
using addrbook::Reply;
using namespace test;  // NOLINT(google-build-using-namespace): the fixtures

TEST_CASE("compression: answers of 1 KiB and more are packed, when asked") {
  const Book book(with_gzip());
  const auto of_size = [](std::size_t size) {
    return "{\"t\":\"" + std::string(size - 8, 'x') + "\"}";
  };
  const std::string small = book.add(of_size(1023));
  const std::string large = book.add(of_size(1024));
  struct Row {
    std::string target;
    std::optional<std::string> accept;
    bool is_packed;
  };
  const std::vector<Row> table{
      {large, "gzip", true},        {large, "br, x-gzip;q=0.1", true},
      {large, "*", true},           {large, std::nullopt, false},
      {large, "", false},           {large, "br", false},
      {large, "gzip;q=0", false},   {large, "gzip;q=nonsense", false},
      {small, "gzip", false},       {small, std::nullopt, false},
      {"/addresses", "gzip", true}, {"/addresses", "identity", false},
  };
  for (const Row& row : table) {
    CAPTURE(row.target);
    CAPTURE(row.accept.value_or("(none)"));
    Fields headers;
    if (row.accept) headers.emplace_back("Accept-Encoding", *row.accept);
    const Answer plain = get(book.rest, row.target);
    const Answer answer = get(book.rest, row.target, headers);
    CHECK(answer.status == 200);
    CHECK(answer.header("Vary") == "Accept-Encoding");
    CHECK(answer.header("Content-Encoding") == (row.is_packed ? "gzip" : "(absent)"));
    CHECK((row.is_packed ? unpack(answer.body) : answer.body) == plain.body);
    if (row.is_packed) CHECK(answer.body.size() < plain.body.size());
    const std::string tag = plain.header("ETag");
    const std::string weak = tag.substr(0, 2) == "W/" ? tag : "W/" + tag;
    CHECK(answer.header("ETag") == (row.is_packed ? weak : tag));
    // The weak tag of a packed answer confirms it later.
    headers.emplace_back("If-None-Match", answer.header("ETag"));
    const Answer confirmed = get(book.rest, row.target, headers);
    CHECK(confirmed.status == 304);
    CHECK(confirmed.header("Vary") == "Accept-Encoding");
    CHECK(confirmed.count("Content-Encoding") == 0);
    check_common_headers(answer);
  }
}

TEST_CASE("compression: without a coding answers are plain and do not vary") {
  const Book book;
  const std::string large = book.add("{\"t\":\"" + std::string(5000, 'x') + "\"}");
  const Answer answer = get(book.rest, large, {{"Accept-Encoding", "gzip"}});
  CHECK(answer.count("Vary") == 0);
  CHECK(answer.count("Content-Encoding") == 0);
  CHECK(answer.body.size() == 5008);
  CHECK(answer.header("ETag") == tag_of(book, 1));
}

namespace {

/// A coding that turns text into itself in brackets, or fails.
class Brackets final : public addrbook::Coding {
 public:
  enum class Fault { none, throws, write_fails, flush_fails, finish_fails };
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
    bool flush(const addrbook::ByteSink& sink) override {
      return fault_ != Fault::flush_fails && sink("|");
    }
    bool finish(const addrbook::ByteSink& sink) override {
      return fault_ != Fault::finish_fails && sink("!");
    }
    [[nodiscard]] std::size_t memory() const noexcept override { return 1000; }

   private:
    Fault fault_;
  };
  Fault fault_;
};

addrbook::Request accepting(std::string_view coding) {
  addrbook::Request from;
  from.method = "GET";
  from.target = "/addresses";
  from.header = [=](std::string_view name) {
    return name == "Accept-Encoding" ? std::optional(coding) : std::nullopt;
  };
  return from;
}

Reply finished(const addrbook::Request& from, Reply reply, const addrbook::Coding& coding) {
  addrbook::detail::Exchange(from, addrbook::detail::RequestIds()).finish(reply, &coding);
  return reply;
}

std::string header(const Reply& reply, std::string_view name) {
  return std::string(reply.headers.find(name).value_or("(absent)"));
}

}  // namespace

TEST_CASE("compression: the coding is the seam's, whatever it is called") {
  const addrbook::Request from = accepting("gzip;q=0.1, Brackets");
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
    reply.headers.set("ETag", "W/\"a-1\"");
    CHECK(header(finished(from, reply, Brackets()), "ETag") == "W/\"a-1\"");
  }
  SUBCASE("a source of any size") {
    reply.body.clear();
    reply.source = std::make_shared<test::FakeSource>(std::vector<std::string>{"a", "b"});
    const Reply coded = finished(from, reply, Brackets());
    std::string body;
    CHECK(send_body(*coded.source, [&](std::string_view bytes) {
      body += bytes;
      return true;
    }));
    CHECK(body == "[a][b]!");
    CHECK(header(coded, "Content-Encoding") == "brackets");
  }
  SUBCASE("without ample memory a source is sent as it is, a body is not") {
    for (const auto memory : {addrbook::MemoryState::scarce, addrbook::MemoryState::exhausted}) {
      addrbook::Request poor = from;
      poor.memory = memory;
      CHECK(header(finished(poor, reply, Brackets()), "Content-Encoding") == "brackets");
      Reply with_source = reply;
      with_source.body.clear();
      const auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{"a"});
      with_source.source = source;
      const Reply plain = finished(poor, with_source, Brackets());
      CHECK(plain.source == source);
      CHECK(header(plain, "Content-Encoding") == "(absent)");
      CHECK(header(plain, "ETag") == "\"a-1\"");
      CHECK(header(plain, "Vary") == "Accept-Encoding");
    }
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

namespace {

std::string encoded(std::shared_ptr<test::FakeSource> source, Brackets::Fault fault,
                    bool& complete) {
  addrbook::detail::EncodedSource coded(std::move(source), Brackets(fault).encoder());
  std::string body;
  complete = send_body(coded, [&](std::string_view bytes) {
    body += bytes;
    return true;
  });
  return body;
}

}  // namespace

TEST_CASE("compression: each piece of a live source is flushed") {
  const auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{"a", "b"});
  source->live = true;
  bool complete = false;
  CHECK(encoded(source, Brackets::Fault::none, complete) == "[a]|[b]|!");
  CHECK(complete);
}

TEST_CASE("compression: a source fails with its encoder") {
  using Fault = Brackets::Fault;
  for (const Fault fault : {Fault::write_fails, Fault::flush_fails, Fault::finish_fails}) {
    const auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{"a"});
    source->live = true;
    bool complete = true;
    encoded(source, fault, complete);
    CHECK_FALSE(complete);
  }
}

TEST_CASE("compression: 'later' and failures of a source pass through") {
  const auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{"a"});
  addrbook::detail::EncodedSource coded(source, Brackets().encoder());
  std::string piece;
  source->next = addrbook::BodySource::Status::later;
  CHECK(coded.read(piece) == addrbook::BodySource::Status::later);
  bool is_ready = false;
  coded.on_ready([&] { is_ready = true; });
  CHECK(is_ready);
  source->next = addrbook::BodySource::Status::failed;
  CHECK(coded.read(piece) == addrbook::BodySource::Status::failed);
  CHECK(piece.empty());
}

TEST_CASE("compression: a source counts its encoder and its buffer, which a pause gives back") {
  const std::string text(5000, 'x');
  const auto source = std::make_shared<test::FakeSource>(std::vector<std::string>{text, "b"});
  source->memory_held = 50;
  int pauses = 0;
  source->when_paused = [&] { ++pauses; };
  addrbook::detail::EncodedSource coded(source, Brackets().encoder());
  std::string piece;
  CHECK(coded.read(piece) == addrbook::BodySource::Status::piece);
  CHECK(coded.memory() >= 1050 + text.size());
  coded.pause();
  CHECK(pauses == 1);
  CHECK(coded.memory() < 1150);
  CHECK(coded.read(piece) == addrbook::BodySource::Status::piece);
  CHECK(coded.read(piece) == addrbook::BodySource::Status::piece);
  CHECK(coded.read(piece) == addrbook::BodySource::Status::end);
  CHECK(piece == "[" + text + "][b]!");
}
