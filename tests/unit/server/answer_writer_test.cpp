#include <addrbook/server/answer_writer.hpp>

#include <support/fake_engine.hpp>
#include <unit/fake_source.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using addrbook::BodySource;
using addrbook::detail::AnswerFraming;
using addrbook::detail::AnswerWriter;
using addrbook::detail::Transfer;
using test::FakeSource;
using test::FakeTransport;
using test::Peer;
using Progress = AnswerWriter::Progress;

namespace {

/// An answer of a head and a source, and the peer that takes it.
struct Fixture {
  explicit Fixture(std::vector<std::string> pieces, AnswerFraming framing = AnswerFraming::chunked)
      : source(std::make_shared<FakeSource>(std::move(pieces))) {
    writer.answer.text = "head\n";
    writer.answer.source = source;
    writer.answer.framing = framing;
  }

  Progress pump() {
    has_progress = false;
    return writer.pump(transport, has_progress);
  }

  Peer peer;
  FakeTransport transport{peer};
  std::shared_ptr<FakeSource> source;
  AnswerWriter writer;
  bool has_progress = false;
};

}  // namespace

TEST_CASE("answer_writer: sends an answer without a source as it is") {
  Peer peer;
  FakeTransport transport(peer);
  AnswerWriter writer;
  writer.answer.text = "all of it";
  bool has_progress = false;
  CHECK(writer.pump(transport, has_progress) == Progress::complete);
  CHECK(has_progress);
  CHECK(peer.written == "all of it");
  CHECK(peer.calls == 1);
}

TEST_CASE("answer_writer: frames a source's pieces, and ends them") {
  Fixture chunked({"abc", std::string(20, 'x')});
  CHECK(chunked.pump() == Progress::complete);
  CHECK(chunked.peer.written == "head\n3\r\nabc\r\n14\r\nxxxxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
  CHECK(chunked.peer.calls == 1);  // what is small goes at once
  CHECK(chunked.source.use_count() == 1);

  Fixture plain({"abc", "def"}, AnswerFraming::until_close);
  CHECK(plain.pump() == Progress::complete);
  CHECK(plain.peer.written == "head\nabcdef");

  Fixture empty({});
  CHECK(empty.pump() == Progress::complete);
  CHECK(empty.peer.written == "head\n0\r\n\r\n");
}

TEST_CASE("answer_writer: waits for a slow client, however little it takes, and holds one piece") {
  constexpr std::size_t piece = 16 * 1024;
  std::vector<std::string> pieces;
  std::string expected = "head\n";
  for (char c = 'a'; c < 'k'; ++c) {
    pieces.emplace_back(piece, c);
    expected += "4000\r\n" + pieces.back() + "\r\n";
  }
  expected += "0\r\n\r\n";
  for (const std::size_t room : {std::size_t{1}, std::size_t{1000}, std::size_t{30'000}}) {
    CAPTURE(room);
    Fixture fixture(pieces);
    std::size_t before = 0;
    auto progress = Progress::wants_write;
    while (progress != Progress::complete) {
      fixture.peer.room = room == 1 && before > 20'000 ? piece : room;
      progress = fixture.pump();
      REQUIRE((progress == Progress::wants_write || progress == Progress::complete));
      REQUIRE(fixture.has_progress);
      CHECK(fixture.writer.memory() < 3 * piece);
      before = fixture.peer.written.size();
    }
    CHECK(fixture.peer.written == expected);
    CHECK(fixture.source->pauses == 0);  // that is for those to decide who know what memory is left
  }
}

TEST_CASE("answer_writer: what the source holds is sent from there, in a chunk of its own") {
  const std::string held(100'000, 'x');
  for (const std::size_t room : {Peer::never, std::size_t{1000}, std::size_t{9}}) {
    CAPTURE(room);
    Fixture fixture({"abc"});
    fixture.source->rest = held;
    auto progress = Progress::wants_write;
    while (progress != Progress::complete) {
      fixture.peer.room = room;
      progress = fixture.pump();
      REQUIRE((progress == Progress::wants_write || progress == Progress::complete));
      REQUIRE(fixture.has_progress);
      CHECK(fixture.writer.memory() < 1000);
    }
    CHECK(fixture.peer.written == "head\n3\r\nabc\r\n186a0\r\n" + held + "\r\n0\r\n\r\n");
    CHECK(fixture.writer.taken() == fixture.peer.written.size());
  }
  Fixture plain({"abc"}, AnswerFraming::until_close);
  plain.source->rest = held;
  CHECK(plain.pump() == Progress::complete);
  CHECK(plain.peer.written == "head\nabc" + held);
  CHECK(plain.peer.calls == 2);

  Fixture little({"abc"});  // not worth a call of its own
  little.source->rest = "def";
  CHECK(little.pump() == Progress::complete);
  CHECK(little.peer.written == "head\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
  CHECK(little.peer.calls == 1);
}

TEST_CASE(
    "answer_writer: what the source holds no more, though its size was sent, fails the answer") {
  Fixture fixture({"abc"});
  fixture.source->rest.assign(100'000, 'x');
  fixture.peer.room = 50'000;
  CHECK(fixture.pump() == Progress::wants_write);
  fixture.source->rest.clear();
  fixture.peer.room = Peer::never;
  CHECK(fixture.pump() == Progress::failed);
  fixture.writer.clear();
  fixture.peer.written.clear();
  fixture.writer.answer.text = "next";
  CHECK(fixture.pump() == Progress::complete);
  CHECK(fixture.peer.written == "next");
}

TEST_CASE("answer_writer: without room nothing is read, and nothing counts as progress") {
  Fixture fixture({"abc", "def"});
  fixture.peer.room = 0;
  CHECK(fixture.pump() == Progress::wants_write);
  CHECK(!fixture.has_progress);
  const std::size_t reads = fixture.source->reads;
  CHECK(fixture.pump() == Progress::wants_write);
  CHECK(fixture.source->reads == reads);
  CHECK(fixture.peer.written.empty());
}

TEST_CASE("answer_writer: leaves others their turn") {
  Fixture fixture(std::vector<std::string>(100, std::string(16 * 1024, 'x')));
  std::size_t turns = 1;
  std::size_t before = 0;
  while (fixture.pump() == Progress::turn_over) {
    CHECK(fixture.peer.written.size() - before < 600 * 1024);
    before = fixture.peer.written.size();
    ++turns;
  }
  CHECK(turns == 4);
  CHECK(fixture.peer.written.size() > 100 * 16 * 1024);
}

TEST_CASE("answer_writer: a source that has nothing yet keeps nobody waiting") {
  Fixture fixture({"abc", "def"});
  fixture.source->before_read = [&] {
    if (fixture.source->reads == 2) fixture.source->next = BodySource::Status::later;
  };
  CHECK(fixture.pump() == Progress::later);
  CHECK(fixture.peer.written == "head\n3\r\nabc\r\n");  // sent, not kept
  CHECK(fixture.pump() == Progress::complete);
  CHECK(fixture.peer.written == "head\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
}

TEST_CASE("answer_writer: a source that fails, and a transport that fails, fail the answer") {
  Fixture source({"abc"});
  source.source->before_read = [&] {
    if (source.source->reads == 2) source.source->next = BodySource::Status::failed;
  };
  CHECK(source.pump() == Progress::failed);
  CHECK(source.peer.written.find("0\r\n\r\n") == std::string::npos);

  for (const auto fault : {Transfer::State::failed, Transfer::State::ended}) {
    Fixture transport({"abc"});
    transport.peer.fault_at = 0;
    transport.peer.fault = fault;
    CHECK(transport.pump() == Progress::failed);
  }
  Fixture reading({"abc"});
  reading.peer.fault_at = 0;
  reading.peer.fault = Transfer::State::wants_read;
  CHECK(reading.pump() == Progress::wants_read);
  CHECK(reading.pump() == Progress::complete);
  CHECK(reading.peer.written == "head\n3\r\nabc\r\n0\r\n\r\n");
}

TEST_CASE("answer_writer: clear() forgets the answer") {
  Fixture fixture({"abc"});
  fixture.writer.answer.is_last = true;
  fixture.peer.room = 2;
  REQUIRE(fixture.pump() == Progress::wants_write);
  fixture.writer.clear();
  CHECK(fixture.source.use_count() == 1);
  CHECK(!fixture.writer.answer.is_last);
  fixture.peer.room = Peer::never;
  fixture.peer.written.clear();
  fixture.writer.answer.text = "next";
  CHECK(fixture.pump() == Progress::complete);
  CHECK(fixture.peer.written == "next");
  fixture.writer.answer.text.assign(1'000'000, 'x');
  fixture.writer.clear();
  CHECK(fixture.writer.memory() < 100'000);
}
