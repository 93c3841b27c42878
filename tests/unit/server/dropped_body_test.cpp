#include <addrbook/server/dropped_body.hpp>

#include <doctest/doctest.h>

#include <string>

using addrbook::BodyStatus;
using addrbook::detail::Answer;
using addrbook::detail::DroppedBody;
using addrbook::detail::max_dropped_bytes;

TEST_CASE("dropped_body: a small body is taken, and makes no difference") {
  DroppedBody body([](bool is_last, Answer& answer) {
    answer.text = "made";
    answer.is_last = is_last;
  });
  CHECK(body.take("a"));
  CHECK(body.take(std::string(max_dropped_bytes - 1, 'x')));
  CHECK(body.memory() < 1'000);
  CHECK_FALSE(body.take("b"));
  for (const bool is_last : {false, true}) {
    Answer answer;
    body.answer(BodyStatus::malformed, is_last, answer);
    CHECK(answer.text == "made");
    CHECK(answer.is_last == is_last);
  }
}
