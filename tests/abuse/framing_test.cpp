// Request framing: the content of a body is never run as a request, whatever the route, the method
// and the answer.

#include <support/abuse.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

namespace {

using test::Connection;
using test::LoggedServer;

struct Route {
  std::string name;
  std::string target;
};

std::string create_entry(int port) {
  return Connection(port).request("POST", "/addresses", {}, "{}").header("location");
}

std::vector<Route> routes(int port) {
  return {{"the book", "/addresses"},
          {"an entry", create_entry(port)},
          {"a missing entry", "/addresses/00000000000000000000000000000000"},
          {"health", "/addresses/_health"},
          {"ready", "/addresses/_ready"},
          {"unknown below the prefix", "/addresses/_nothing"},
          {"deep below the prefix", "/addresses/a/b/c/d/e/f/g/h/i/j/k"},
          {"unknown", "/nothing"},
          {"the root", "/"}};
}

const std::vector<std::string> methods{"GET",     "HEAD",  "POST",    "PUT",  "PATCH", "DELETE",
                                       "OPTIONS", "TRACE", "CONNECT", "BREW", "get",   "post"};

std::string chunked(const std::string& data) {
  std::ostringstream text;
  text << std::hex << data.size() << "\r\n" << data << "\r\n0\r\n\r\n";
  return text.str();
}

std::string head(const std::string& method, const std::string& target, const std::string& fields) {
  return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: first\r\n" +
         fields + "\r\n";
}

void check_no_trace(LoggedServer& server) {
  const auto list = Connection(server.port()).request("GET", "/addresses");
  CHECK(list.status == 200);
  CHECK(list.body.find("marker") == std::string::npos);
  CHECK(server.stop() == 0);
  CHECK(server.log().find("smuggled") == std::string::npos);
}

}  // namespace

TEST_CASE("abuse: a request within a body is not run, on any route, with any method") {
  LoggedServer server;
  const int port = server.port();
  for (const std::string& method : methods) {
    for (const Route& route : routes(port)) {
      for (const std::string& inner : {test::smuggled_post(), test::smuggled_get()}) {
        CAPTURE(method);
        CAPTURE(route.name);
        CAPTURE(inner);
        const bool is_head = method == "HEAD";
        const std::string length = "Content-Length: " + std::to_string(inner.size()) + "\r\n";
        test::check_nothing_smuggled(test::converse(
            port, head(method, route.target, length) + inner + test::last_request(), is_head));
        test::check_nothing_smuggled(
            test::converse(port,
                           head(method, route.target, "Transfer-Encoding: chunked\r\n") +
                               chunked(inner) + test::last_request(),
                           is_head));
        // An unsupported type and an unsupported coding, refused before the body is read.
        test::check_nothing_smuggled(
            test::converse(port,
                           head(method, route.target, length + "Content-Type: image/png\r\n") +
                               inner + test::last_request(),
                           is_head));
        // Too large by its Content-Length, so that all that follows is body.
        Connection endless(port);
        endless.send(head(method, route.target, "Content-Length: 99999999999\r\n") + inner);
        endless.finish_sending();
        const auto too_large = test::read_to_end(endless, is_head);
        CHECK(too_large.closed);
        CHECK(too_large.answers.size() == 1);
      }
    }
  }
  check_no_trace(server);
}

TEST_CASE("abuse: a request within a body that arrives after the answer is not run") {
  LoggedServer server;
  const int port = server.port();
  const std::string inner = test::smuggled_post();
  for (const std::string& method : methods) {
    for (const Route& route : routes(port)) {
      for (const std::string expect : {"", "Expect: 100-continue\r\n"}) {
        CAPTURE(method);
        CAPTURE(route.name);
        CAPTURE(expect);
        Connection connection(port);
        connection.send(head(method, route.target,
                             "Content-Length: " + std::to_string(inner.size()) + "\r\n" + expect));
        // Lets the answer come first, if it does not depend on the body.
        pollfd poll{connection.socket(), POLLIN, 0};
        ::poll(&poll, 1, 30);
        connection.send(inner + test::last_request());
        test::check_nothing_smuggled(test::read_to_end(connection, method == "HEAD"));
      }
    }
  }
  check_no_trace(server);
}

TEST_CASE("abuse: a request after half a body is not run") {
  LoggedServer server;
  for (const std::string& method : methods) {
    for (const Route& route : routes(server.port())) {
      CAPTURE(method);
      CAPTURE(route.name);
      Connection connection(server.port());
      connection.send(head(method, route.target, "Content-Length: 1000\r\n") +
                      test::smuggled_post());
      connection.finish_sending();
      const auto conversation = test::read_to_end(connection, method == "HEAD");
      CHECK(conversation.closed);
      CHECK(conversation.answers.size() <= 1);
      for (const auto& answer : conversation.answers) {
        CHECK(answer.header("x-request-id") != "smuggled");
      }
    }
  }
  check_no_trace(server);
}

TEST_CASE("abuse: a request within a body of an unauthorized request is not run") {
  LoggedServer server(test::Settings{
      {"auth.tokens", "reader:read:reader-0123456789,writer:write:writer-0123456789"}});
  const int port = server.port();
  const std::string inner = test::smuggled_post();
  const std::string last =
      "GET /addresses HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: last\r\n"
      "Authorization: Bearer reader-0123456789\r\nConnection: close\r\n\r\n";
  const struct {
    std::string name;
    std::string fields;
    int status;
  } strangers[] = {
      {"nobody", "", 401},
      {"an unknown token", "Authorization: Bearer nonsense-0123456789\r\n", 401},
      {"a reader", "Authorization: Bearer reader-0123456789\r\n", 403},
      {"a foreign page",
       "Authorization: Bearer writer-0123456789\r\nOrigin: https://evil.example\r\n", 403}};
  for (const std::string method : {"POST", "PUT", "DELETE"}) {
    const std::string target = method == "POST" ? "/addresses" : "/addresses/anything";
    for (const auto& stranger : strangers) {
      CAPTURE(method);
      CAPTURE(stranger.name);
      const std::string length = "Content-Length: " + std::to_string(inner.size()) + "\r\n";
      const std::string whole = head(method, target, stranger.fields + length) + inner;
      const std::string in_chunks =
          head(method, target, stranger.fields + "Transfer-Encoding: chunked\r\n") + chunked(inner);
      for (const std::string& request : {whole, in_chunks}) {
        const auto conversation = test::converse(port, request + last);
        test::check_nothing_smuggled(conversation);
        CHECK(conversation.answers[0].status == stranger.status);
        test::check_is_json_error(conversation.answers[0]);
      }
      // No 100 Continue is sent, and a body that arrives nevertheless is discarded.
      Connection invited(port);
      invited.send(head(method, target, stranger.fields + length + "Expect: 100-continue\r\n"));
      CHECK(invited.read_response().status == stranger.status);
      invited.send(inner);
      CHECK(invited.is_closed());
      CHECK(invited.unread().empty());
    }
  }
  CHECK(Connection(port)
            .request("GET", "/addresses", {{"Authorization", "Bearer reader-0123456789"}})
            .body == "{}");
  CHECK(server.stop() == 0);
  CHECK(server.log().find("smuggled") == std::string::npos);
  CHECK(server.log().find("0123456789") == std::string::npos);
}

TEST_CASE("abuse: half a document is not stored") {
  LoggedServer server;
  const auto location = create_entry(server.port());
  for (const std::string& target : {std::string("/addresses"), location}) {
    const std::string method = target == location ? "PUT" : "POST";
    for (const std::string body : {"Content-Length: 9\r\n\r\n{\"a\":1}",
                                   "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n",
                                   "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n",
                                   "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"a\":1}"}) {
      CAPTURE(method);
      CAPTURE(body);
      Connection connection(server.port());
      connection.send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + body);
      connection.finish_sending();
      const auto conversation = test::read_to_end(connection);
      CHECK(conversation.answers.size() <= 1);
      for (const auto& answer : conversation.answers) CHECK(answer.status >= 400);
    }
  }
  CHECK(Connection(server.port()).request("GET", "/addresses").body ==
        "{\"" + location.substr(location.rfind('/') + 1) + "\":{}}");
}

TEST_CASE("abuse: pipelined requests are answered in order") {
  LoggedServer server;
  const auto location = create_entry(server.port());
  std::string requests;
  std::vector<int> statuses;
  const auto add = [&](const std::string& request, const std::string& fields,
                       const std::string& body, int status) {
    requests += request + " HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: r" +
                std::to_string(statuses.size()) + "\r\n" + fields + "\r\n" + body;
    statuses.push_back(status);
  };
  add("GET " + location, "", "", 200);
  add("POST /addresses", "Content-Length: 7\r\n", "{\"a\":1}", 201);
  add("PUT " + location, "Transfer-Encoding: chunked\r\n", chunked("{\"b\":2}"), 204);
  add("GET " + location, "", "", 200);
  add("OPTIONS /addresses", "", "", 204);
  add("GET /addresses", "", "", 200);
  add("POST /addresses", "Transfer-Encoding: chunked\r\n", "2\r\n{\"\r\n5\r\na\":1}\r\n0\r\n\r\n",
      201);
  add("GET /addresses/_ready", "", "", 200);
  add("POST /addresses", "Content-Length: 2\r\n", "{}", 201);
  add("GET " + location, "Connection: close\r\n", "", 200);

  SUBCASE("in one write") {
    const auto conversation = test::converse(server.port(), requests);
    REQUIRE(conversation.answers.size() == statuses.size());
    for (std::size_t i = 0; i < statuses.size(); ++i) {
      CAPTURE(i);
      CHECK(conversation.answers[i].status == statuses[i]);
      CHECK(conversation.answers[i].header("x-request-id") == "r" + std::to_string(i));
    }
    CHECK(conversation.answers[9].body == "{\"b\":2}");
  }
  SUBCASE("one byte at a time") {
    Connection connection(server.port());
    for (const char& byte : requests) connection.send({&byte, 1});
    const auto conversation = test::read_to_end(connection);
    REQUIRE(conversation.answers.size() == statuses.size());
    for (std::size_t i = 0; i < statuses.size(); ++i) {
      CAPTURE(i);
      CHECK(conversation.answers[i].status == statuses[i]);
      CHECK(conversation.answers[i].header("x-request-id") == "r" + std::to_string(i));
    }
  }
  SUBCASE("split in two at any position") {
    const std::string two =
        requests.substr(0, requests.find("GET", requests.find("PUT"))) + test::last_request();
    for (std::size_t cut = 1; cut < two.size(); ++cut) {
      CAPTURE(cut);
      Connection connection(server.port());
      connection.send(std::string_view(two).substr(0, cut));
      connection.send(std::string_view(two).substr(cut));
      const auto conversation = test::read_to_end(connection);
      REQUIRE(conversation.answers.size() == 4);
      CHECK(conversation.answers[1].status == 201);
      CHECK(conversation.answers[2].status == 204);
      CHECK(conversation.answers[3].header("x-request-id") == "last");
    }
  }
  SUBCASE("and the client closes its sending side") {
    Connection connection(server.port());
    connection.send(requests);
    connection.finish_sending();
    CHECK(test::read_to_end(connection).answers.size() == statuses.size());
  }
}
