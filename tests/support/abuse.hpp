/// Checks of answers to hostile requests.
#pragma once

#include <support/http_client.hpp>
#include <support/smuggling.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace test {

inline void check_is_json_error(const Response& response) {
  CAPTURE(response.status);
  CAPTURE(response.body);
  CHECK(response.complete);
  CHECK(response.header("content-type") == "application/json; charset=UTF-8");
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  CHECK(body.is_object());
  if (body.is_object()) CHECK(body.value("code", 0) == response.status);
}

/// Checks that the first request got one answer and that nothing was run after it, except the last
/// request.
inline void check_nothing_smuggled(const Conversation& conversation) {
  const auto& answers = conversation.answers;
  CHECK(conversation.closed);
  REQUIRE(!answers.empty());
  CHECK(answers.size() <= 2);
  for (const Response& answer : answers) {
    CHECK(answer.complete);
    CHECK(answer.header("x-request-id") != "smuggled");
  }
  if (answers.size() == 2) {
    CHECK(answers[1].header("x-request-id") == "last");
    CHECK(answers[1].status == 200);
  }
}

/// Checks that the request was refused with one of these statuses, in JSON, and that nothing after
/// it was run.
inline void check_refused(const Conversation& conversation, const std::vector<int>& statuses) {
  const auto& answers = conversation.answers;
  CHECK(conversation.closed);
  REQUIRE(!answers.empty());
  CHECK(answers.size() == 1);
  CAPTURE(answers[0].status);
  CHECK(std::find(statuses.begin(), statuses.end(), answers[0].status) != statuses.end());
  CHECK(answers[0].header("x-request-id") != "smuggled");
  check_is_json_error(answers[0]);
}

}  // namespace test
