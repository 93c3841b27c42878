#include <addrbook/rest/answer_source.hpp>

#include <unit/fake_source.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using addrbook::LogRecord;
using addrbook::detail::AnswerSource;
using test::FakeSource;
using Status = addrbook::BodySource::Status;

namespace {

struct Answer {
  std::shared_ptr<FakeSource> source =
      std::make_shared<FakeSource>(std::vector<std::string>{"ab", "c"});
  std::vector<LogRecord> log;
  std::unique_ptr<AnswerSource> answer;

  explicit Answer(std::chrono::milliseconds timeout = std::chrono::hours(1), bool is_read = true,
                  bool is_live = false) {
    source->live = is_live;
    LogRecord record;
    answer = std::make_unique<AnswerSource>(
        source, [this](const LogRecord& line) { log.push_back(line); }, record,
        std::chrono::steady_clock::now(), timeout, is_read);
  }
  Status read() {
    std::string piece;
    return answer->read(piece);
  }
  /// The line that is written when the answer goes.
  LogRecord end() {
    CHECK(log.empty());
    answer.reset();
    REQUIRE(log.size() == 1);
    return log.front();
  }
};

}  // namespace

TEST_CASE("answer source: a complete body is logged with its bytes, when it goes") {
  Answer answer;
  CHECK(answer.read() == Status::piece);
  CHECK(answer.read() == Status::piece);
  CHECK(answer.read() == Status::end);
  const LogRecord line = answer.end();
  CHECK(line.reason.empty());
  CHECK(line.bytes == 3);
}

TEST_CASE("answer source: a body that is not read to its end was cut short") {
  Answer answer;
  CHECK(answer.read() == Status::piece);
  CHECK(answer.read() == Status::piece);
  const LogRecord line = answer.end();
  CHECK(line.reason == "The answer was cut short");
  CHECK(line.bytes == 2);  // whether the client took the last piece is not known
}

TEST_CASE("answer source: the body of a HEAD is never read, and not cut short") {
  Answer answer(std::chrono::hours(1), false);
  CHECK(answer.end().reason.empty());
}

TEST_CASE("answer source: the deadline is that of the whole body") {
  Answer answer(std::chrono::milliseconds(0));
  CHECK(answer.read() == Status::failed);
}

TEST_CASE(
    "answer source: for a live body the deadline is that of a piece, waiting for one is free") {
  Answer answer(std::chrono::milliseconds(0), true, true);
  answer.source->next = Status::later;
  // Before the first piece there is nothing that the client could be slow with.
  CHECK(answer.read() == Status::later);
  CHECK(answer.read() == Status::piece);
  CHECK(answer.read() == Status::failed);
}

TEST_CASE("answer source: an exception becomes a failure, and the log says why") {
  Answer answer;
  answer.source->before_read = [] { throw std::runtime_error("why"); };
  CHECK(answer.read() == Status::failed);
  REQUIRE(answer.log.size() == 1);
  CHECK(answer.log[0].kind == LogRecord::Kind::fault);
  CHECK(answer.log[0].trace == std::vector<std::string>{"std::runtime_error: why"});
  answer.answer.reset();
  REQUIRE(answer.log.size() == 2);
  CHECK(answer.log[1].reason == "The answer was cut short");
}

TEST_CASE("answer source: pause() and memory() are the source's") {
  Answer answer;
  int pauses = 0;
  answer.source->when_paused = [&] { ++pauses; };
  answer.source->memory_held = 77;
  CHECK(answer.answer->memory() == 77);
  CHECK(answer.read() == Status::piece);
  answer.answer->pause();
  CHECK(pauses == 1);
  CHECK(answer.read() == Status::piece);
  CHECK(answer.read() == Status::end);
  CHECK(answer.end().reason.empty());
}

TEST_CASE("answer source: a pause that throws makes the answer fail, and the log says why") {
  Answer answer;
  answer.source->when_paused = [] { throw std::runtime_error("why"); };
  CHECK(answer.read() == Status::piece);
  CHECK_NOTHROW(answer.answer->pause());
  CHECK(answer.read() == Status::failed);
  REQUIRE(answer.log.size() == 1);
  CHECK(answer.log[0].kind == LogRecord::Kind::fault);
  CHECK(answer.log[0].trace == std::vector<std::string>{"std::runtime_error: why"});
}

TEST_CASE("answer source: a body with a rate may take longer than the timeout") {
  for (const std::size_t rate : {std::size_t{0}, std::size_t{1}}) {
    Answer answer(std::chrono::milliseconds(50));
    answer.source->rate = rate;
    LogRecord record;
    AnswerSource paced(
        answer.source, [](const LogRecord&) {}, record, std::chrono::steady_clock::now(),
        std::chrono::milliseconds(50), true);
    CHECK(paced.min_rate() == rate);
    // The source takes its time, which is not the client's.
    answer.source->before_read = [] {
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);
      while (std::chrono::steady_clock::now() < end) {
      }
    };
    std::string piece;
    CHECK(paced.read(piece) == Status::piece);
    CHECK(paced.read(piece) == (rate != 0 ? Status::piece : Status::failed));
  }
}

TEST_CASE("answer source: what the source holds counts as it is taken, and has the same deadline") {
  Answer answer;
  answer.source->rest = "defgh";
  CHECK(answer.read() == Status::piece);
  CHECK(answer.answer->held().empty());
  CHECK(answer.read() == Status::piece);
  CHECK(answer.answer->held() == "defgh");
  answer.answer->skip(2);
  CHECK(answer.answer->held() == "fgh");
  CHECK(answer.end().bytes == 5);  // the rest was not taken

  Answer late(std::chrono::milliseconds(0));
  late.source->rest = "defgh";
  CHECK(late.answer->held().empty());
  CHECK(late.read() == Status::failed);
}
