#include <addrbook/ndjson.hpp>

#include <addrbook/document.hpp>

#include "formats/kept_records.hpp"
#include "formats/random_cards.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using addrbook::Document;
using addrbook::ndjson;
using addrbook::ReadLimits;
using test::KeptRecords;
using test::Lines;
using test::written;

namespace {

/// What is found in a text, which is the same for each cut of it.
Lines records(const std::string& text, std::size_t max_bytes = 1000) {
  ReadLimits limits;
  limits.max_record_bytes = max_bytes;
  return test::records_of_each_cut(*ndjson(), text, limits);
}

}  // namespace

TEST_CASE("ndjson: what it is called") {
  const auto format = ndjson();
  CHECK(format->name() == "ndjson");
  CHECK(format->media_types().front() == "application/x-ndjson");
  CHECK(format->suffixes() == std::vector<std::string_view>{".ndjson", ".jsonl"});
  CHECK(format->versions().empty());
  CHECK(format->content_type({}) == "application/x-ndjson");
}

TEST_CASE("ndjson: each line is an address, with its index and its line") {
  CHECK(records("{\"a\": 1}\n{\"b\":\"\\n\"}\n") == Lines{R"(0 @1 {"a":1})", R"(1 @2 {"b":"\n"})"});
  CHECK(records("\xEF\xBB\xBF{}\r\n\r\n \t\n\n{\"a\":2}") == Lines{"0 @1 {}", R"(1 @5 {"a":2})"});
  CHECK(records("").empty());
  CHECK(records("\n\n").empty());
  CHECK(records("\xEF\xBB\xBF").empty());
}

TEST_CASE("ndjson: a line that is broken fails alone") {
  CHECK(records("{\"a\":}\n\n[{}]\n{}\n{\"a\":\"\xFF\"}\n{} {}\n\xEF\xBB\xBF{}\n\"x") ==
        Lines{"0 @1 failed: unexpected '}' at byte 5",
              "1 @3 failed: an address must be a JSON object", "2 @4 {}",
              "3 @5 failed: invalid UTF-8 at byte 6",
              "4 @6 failed: text after the JSON value at byte 3",
              "5 @7 failed: byte order mark at byte 0",
              "6 @8 failed: unexpected end of text at byte 2"});
}

TEST_CASE("ndjson: a line that is too long fails, and its rest is passed over") {
  CHECK(records("{\"a\":12}\n{\"a\":123}\n{}\n{\"a\":12345678}", 8) ==
        Lines{R"(0 @1 {"a":12})", "1 @2 failed: a line of more than 8 bytes", "2 @3 {}",
              "3 @4 failed: a line of more than 8 bytes"});
  KeptRecords kept;
  ReadLimits limits;
  limits.max_record_bytes = 10000;
  const auto reader = ndjson()->reader(kept, limits);
  for (int i = 0; i < 1000; ++i) {
    reader->read(std::string(1000, '{'));
    CHECK(reader->memory() <= 2 * limits.max_record_bytes);
  }
  reader->finish();
  CHECK(kept.lines == Lines{"0 @1 failed: a line of more than 10000 bytes"});
}

TEST_CASE("ndjson: what the sink throws comes out") {
  class Full final : public addrbook::RecordSink {
   public:
    void record(addrbook::Record /*record*/) override { throw std::runtime_error("full"); }
    void failed(addrbook::RecordProblem /*problem*/) override {}
    void warning(addrbook::RecordProblem /*problem*/) override {}
  };
  Full full;
  const auto reader = ndjson()->reader(full, {});
  CHECK_THROWS_WITH(reader->read("{}\n"), "full");
}

TEST_CASE("ndjson: each address is written as its text and a line end") {
  CHECK(written(*ndjson(), {}).empty());
  CHECK(written(*ndjson(), {R"({"a": 1.0})", "{}"}) == "{\"a\":1.0}\n{}\n");
  addrbook::WriteOptions single;
  single.is_single = true;
  CHECK(written(*ndjson(), {"{}"}, single) == "{}\n");
  CHECK(records(written(*ndjson(), {R"({"a":"\n\r\u2028"})"})) ==
        Lines{R"(0 @1 {"a":"\n\r\u2028"})"});
}

TEST_CASE("ndjson: random addresses come back as they are") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    test::RandomCards cards(seed, seed % 3 == 0 ? 30 : 3);
    const std::string first = Document::parse(cards.next().dump()).text();
    const std::string second = Document::parse(cards.next().dump()).text();
    CHECK(test::records_of(*ndjson(), written(*ndjson(), {first, second}), seed % 7 + 1) ==
          Lines{"0 @1 " + first, "1 @2 " + second});
  }
}
