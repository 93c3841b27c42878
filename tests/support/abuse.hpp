/// Requests that hide another one, and what may be answered to them.
#pragma once

#include <support/http_client.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace test {

/// Everything that comes back on a connection, up to its end.
struct Conversation {
  std::vector<Response> answers;
  bool closed = false;  ///< by the server
};

/// Reads until the server closes.
/// @param head  whether the first request is a HEAD
inline Conversation read_to_end(Connection& connection, bool head = false) {
  Conversation conversation;
  while (connection.has_more()) {
    conversation.answers.push_back(connection.read_response(head && conversation.answers.empty()));
  }
  conversation.closed = true;
  return conversation;
}

inline Conversation converse(int port, std::string_view bytes, bool head = false) {
  Connection connection(port);
  connection.send(bytes);
  return read_to_end(connection, head);
}

/// A request that is never to be run: a document with a mark, or a read under a marked id.
inline std::string smuggled_post() {
  return "POST /addresses HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: smuggled\r\n"
         "Content-Length: 21\r\n\r\n{\"marker\":\"smuggled\"}";
}
inline std::string smuggled_get() {
  return "GET /addresses/_health HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: smuggled\r\n\r\n";
}

/// A request that comes last and has the connection closed: with it no test has to wait for what
/// does not come.
inline std::string last_request() {
  return "GET /addresses/_health HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: last\r\n"
         "Connection: close\r\n\r\n";
}

inline void check_is_json_error(const Response& response) {
  CAPTURE(response.status);
  CAPTURE(response.body);
  CHECK(response.complete);
  CHECK(response.header("content-type") == "application/json; charset=UTF-8");
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  CHECK(body.is_object());
  if (body.is_object()) CHECK(body.value("code", 0) == response.status);
}

/// The first request got one answer, and then the connection ended or the last request was run:
/// nothing in between.
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

/// The request was refused with one of these statuses, in JSON, and nothing after it was looked at.
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
