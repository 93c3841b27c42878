/// Requests that hide another request, and all answers on a connection.
#pragma once

#include <support/http_client.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace test {

/// All answers on a connection, up to its end.
struct Conversation {
  std::vector<Response> answers;
  bool closed = false;  ///< by the server
};

/// Reads until the server closes the connection.
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

/// A request that must never be run. It has a recognizable document or request id.
inline std::string smuggled_post() {
  return "POST /addresses HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: smuggled\r\n"
         "Content-Length: 21\r\n\r\n{\"marker\":\"smuggled\"}";
}
inline std::string smuggled_get() {
  return "GET /addresses/_health HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: smuggled\r\n\r\n";
}

/// A last request, which asks to close the connection, so that a test need not wait for a timeout.
inline std::string last_request() {
  return "GET /addresses/_health HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: last\r\n"
         "Connection: close\r\n\r\n";
}

}  // namespace test
