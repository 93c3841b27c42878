// Requests that the server and a proxy in front of it could parse differently are refused. Requests
// that are merely unusual are served.

#include <support/abuse.hpp>
#include <support/crowd.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::string_literals;
using test::Connection;
using test::LoggedServer;

std::string post(const std::string& fields, const std::string& body) {
  return "POST /addresses HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n" + body;
}

std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

std::string get(const std::string& fields) {
  return "GET /addresses HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n";
}

/// Checks that each request is refused, that nothing after it is run, and that nothing is stored.
void check_all_refused(const std::vector<std::string>& requests, const std::vector<int>& statuses) {
  LoggedServer server;
  for (const std::string& request : requests) {
    // Enough of a long request to recognize it.
    const std::string shown = request.substr(0, 300);
    CAPTURE(shown);
    test::check_refused(
        test::converse(server.port(), request + test::smuggled_post() + test::last_request()),
        statuses);
  }
  CHECK(Connection(server.port()).request("GET", "/addresses").body == "{}");
  CHECK(server.stop() == 0);
  CHECK(server.log().find("smuggled") == std::string::npos);
}

}  // namespace

TEST_CASE("abuse: ambiguous lengths") {
  check_all_refused(
      {
          post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"),
          post("Content-Length: 2\r\nContent-Length: 200\r\n", "{}"),
          post("Content-Length: 200\r\nContent-Length: 2\r\n", "{}"),
          post("Content-Length: 2, 2\r\n", "{}"),
          post("Content-Length: 2,200\r\n", "{}"),
          post("Content-Length: +2\r\n", "{}"),
          post("Content-Length: -2\r\n", "{}"),
          post("Content-Length: -0\r\n", ""),
          post("Content-Length: abc\r\n", "{}"),
          post("Content-Length: 2abc\r\n", "{}"),
          post("Content-Length: 0x2\r\n", "{}"),
          post("Content-Length: 2.0\r\n", "{}"),
          post("Content-Length: 2e0\r\n", "{}"),
          post("Content-Length: 2 2\r\n", "{}"),
          post("Content-Length:\r\n", "{}"),
          post("Content-Length: \"2\"\r\n", "{}"),
          post("Content-Length: 2;x\r\n", "{}"),
          post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
          post("Transfer-Encoding: chunked\r\nContent-Length: 12\r\n", "2\r\n{}\r\n0\r\n\r\n"),
          post("", "{}"),
      },
      {400, 411});
  // 2^64 + 2, 2^63 + 2, and a number with too many digits.
  check_all_refused(
      {
          post("Content-Length: 18446744073709551618\r\n", "{}"),
          post("Content-Length: 9223372036854775810\r\n", "{}"),
          post("Content-Length: 99999999999999999999\r\n", "{}"),
          post("Content-Length: 1" + std::string(40, '0') + "\r\n", "{}"),
      },
      {400, 413});
}

TEST_CASE("abuse: transfer codings other than a single chunked") {
  const std::string body = "2\r\n{}\r\n0\r\n\r\n";
  check_all_refused(
      {
          post("Transfer-Encoding: gzip, chunked\r\n", body),
          post("Transfer-Encoding: chunked, gzip\r\n", body),
          post("Transfer-Encoding: chunked, chunked\r\n", body),
          post("Transfer-Encoding: chunked, identity\r\n", body),
          post("Transfer-Encoding: xchunked\r\n", body),
          post("Transfer-Encoding: chunkedx\r\n", body),
          post("Transfer-Encoding: chunk\r\n", body),
          post("Transfer-Encoding: identity\r\n", body),
          post("Transfer-Encoding: \"chunked\"\r\n", body),
          post("Transfer-Encoding: 'chunked'\r\n", body),
          post("Transfer-Encoding: chunked;q=1\r\n", body),
          post("Transfer-Encoding: chunked x\r\n", body),
          post("Transfer-Encoding: chunked\x0b\r\n", body),
          post("Transfer-Encoding: \x0b"s + "chunked\r\n", body),
          post("Transfer-Encoding: chunked\0\r\n"s, body),
          post("Transfer-Encoding: ch\xc5\xabnked\r\n", body),
          post("Transfer-Encoding:\r\n", body),
          post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", body),
          post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", body),
          post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", body),
          post("Transfer-Encoding : chunked\r\n", body),
          post("X: y\r\n Transfer-Encoding: chunked\r\n", body),
          post("Transfer-Encoding:\r\n chunked\r\n", body),
          "POST /addresses HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
              body,
          "GET /addresses HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n" + body,
      },
      {400, 411, 501});
}

TEST_CASE("abuse: malformed chunks") {
  check_all_refused(
      {
          chunked("0x2\r\n{}\r\n0\r\n\r\n"),
          chunked("2 junk\r\n{}\r\n0\r\n\r\n"),
          chunked("2,\r\n{}\r\n0\r\n\r\n"),
          chunked("-2\r\n{}\r\n0\r\n\r\n"),
          chunked("+2\r\n{}\r\n0\r\n\r\n"),
          chunked(" 2\r\n{}\r\n0\r\n\r\n"),
          chunked("\r\n{}\r\n0\r\n\r\n"),
          chunked(";a=b\r\n{}\r\n0\r\n\r\n"),
          chunked("g\r\n{}\r\n0\r\n\r\n"),
          chunked("\"2\"\r\n{}\r\n0\r\n\r\n"),
          chunked("2\r\n{}0\r\n\r\n"),
          chunked("2\r\n{}xx0\r\n\r\n"),
          chunked("2\r\n{}\r0\r\n\r\n"),
          chunked("2\r\n{}\n0\r\n\r\n"),
          chunked("2\n{}\r\n0\r\n\r\n"),
          chunked("2\n{}\n0\n\n"),
          chunked("2\r{}\r\n0\r\n\r\n"),
          chunked("2\r\n{}\r\n0\n\r\n"),
          chunked("2\r\n{}\r\n0\r\n\n"),
          chunked("2\r\n{}\r\n0\r\nX: y\n\r\n"),
          chunked("2\r\n{}\r\n0\r\nX: a\rb\r\n\r\n"),
          chunked("2;a=\x01\r\n{}\r\n0\r\n\r\n"),
          chunked("2;a\nb\r\n{}\r\n0\r\n\r\n"),
          chunked("2;a\rb\r\n{}\r\n0\r\n\r\n"),
          chunked("2\0\r\n{}\r\n0\r\n\r\n"s),
          chunked("2\r\n{}\r\nx\r\n\r\n"),
          chunked("2\r\n{}\r\n0 0\r\n\r\n"),
      },
      {400});
  // Sizes that overflow to 2 in 64 bits and in 63, a size beyond any body; lines without an end.
  check_all_refused(
      {
          chunked("10000000000000002\r\n{}\r\n0\r\n\r\n"),
          chunked("8000000000000002\r\n{}\r\n0\r\n\r\n"),
          chunked("fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
          chunked("7fffffffffffffff\r\n{}\r\n0\r\n\r\n"),
          chunked(std::string(100'000, '0') + "2\r\n{}\r\n0\r\n\r\n"),
          chunked("2;" + std::string(100'000, 'x') + "\r\n{}\r\n0\r\n\r\n"),
          chunked("2\r\n{}\r\n0\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n"),
          chunked("2\r\n{}\r\n0\r\n" +
                  [] {
                    std::string trailers;
                    for (int i = 0; i < 10'000; ++i) trailers += "X-Trailer: x\r\n";
                    return trailers;
                  }() +
                  "\r\n"),
      },
      {400, 413, 431});
}

TEST_CASE("abuse: malformed header fields") {
  check_all_refused(
      {
          get("X: a\rb\r\n"),
          get("X: a\nb\r\n"),
          get("X: a\0b\r\n"s),
          get("X: a\x01"s + "b\r\n"),
          get("X: a\x7f"s + "b\r\n"),
          get("X\0Y: a\r\n"s),
          get("X\x01: a\r\n"),
          get("X Y: a\r\n"),
          get("X : a\r\n"),
          get("X\t: a\r\n"),
          get(" X: a\r\n"),
          get("\tX: a\r\n"),
          get("X: a\r\n b\r\n"),
          get("X: a\r\n\tb\r\n"),
          get("X\r\n"),
          get(": a\r\n"),
          get("X(Y): a\r\n"),
          get("X\xc3\xa9: a\r\n"),
          get("Content-Length : 2\r\n"),
          get("X: a\r\r\n"),
          "GET /addresses HTTP/1.1\r\nHost: localhost\n\r\n",
          "GET /addresses HTTP/1.1\nHost: localhost\r\n\r\n",
          "GET /addresses HTTP/1.1\r\nHost: localhost\r\n\n",
          "GET /addresses HTTP/1.1\nHost: localhost\n\n",
          "GET /addresses HTTP/1.1\r\n Host: localhost\r\n\r\n",
      },
      {400});
}

TEST_CASE("abuse: Host must be present once, and valid") {
  std::vector<std::string> requests{
      "GET /addresses HTTP/1.1\r\n\r\n",
      get("Host: localhost\r\n"),
      get("Host: elsewhere.example.com\r\n"),
      get("host: elsewhere.example.com\r\n"),
      "GET /addresses HTTP/1.0\r\nHost: a.example.com\r\nHost: b.example.com\r\n\r\n",
  };
  for (const std::string value : {"a b", "a/b", "a@b", "a,b", "a?b", "a#b", "a\\b", "\"a\"", "<a>",
                                  "a\tb", "a{b}", "a\xc3\xa9"}) {
    requests.push_back("GET /addresses HTTP/1.1\r\nHost: " + value + "\r\n\r\n");
  }
  check_all_refused(requests, {400});
}

TEST_CASE("abuse: malformed request lines") {
  const std::string rest = "\r\nHost: localhost\r\n\r\n";
  check_all_refused(
      {
          "GET /addresses" + rest,
          "GET" + rest,
          rest.substr(2),
          "GET /addresses HTTP/1.1 x" + rest,
          "GET /addresses x HTTP/1.1" + rest,
          "GET  /addresses HTTP/1.1" + rest,
          "GET /addresses  HTTP/1.1" + rest,
          " GET /addresses HTTP/1.1" + rest,
          "GET /addresses HTTP/1.1 " + rest,
          "GET\t/addresses\tHTTP/1.1" + rest,
          "GET /addresses\tHTTP/1.1" + rest,
          "GET /addresses\r HTTP/1.1" + rest,
          "GET /addresses\n HTTP/1.1" + rest,
          "GET /addr\0esses HTTP/1.1"s + rest,
          "GET /addr\x01"s + "esses HTTP/1.1" + rest,
          "GET /addr\x7f"s + "esses HTTP/1.1" + rest,
          "GET\0 /addresses HTTP/1.1"s + rest,
          "G(T /addresses HTTP/1.1" + rest,
          "G\xc3\x89T /addresses HTTP/1.1" + rest,
          "GET /addresses http/1.1" + rest,
          "GET /addresses HTTP/1" + rest,
          "GET /addresses HTTP/1.1.1" + rest,
          "GET /addresses HTTP/01.1" + rest,
          "GET /addresses HTTP/1.10" + rest,
          "GET /addresses XTTP/1.1" + rest,
          "GET /addresses HTTP/x.y" + rest,
          "GET /addresses HTTP/2.0" + rest,
          "GET /addresses HTTP/3.0" + rest,
          "GET /addresses HTTP/0.9" + rest,
          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      },
      {400, 505});
}

TEST_CASE("abuse: targets that are not meant for this server") {
  // RFC 9112, 3.2: for a proxy, for a tunnel, for the server as a whole, and invalid ones.
  LoggedServer server;
  for (const std::string target :
       {"ftp://localhost/addresses", "http://ada@localhost/addresses", "localhost:80", "addresses",
        "*", "//addresses", "/../addresses", "?", "#"}) {
    for (const std::string method : {"GET", "POST", "CONNECT"}) {
      CAPTURE(target);
      CAPTURE(method);
      const auto conversation = test::converse(
          server.port(), method + " " + target +
                             " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}" +
                             test::last_request());
      test::check_nothing_smuggled(conversation);
      CHECK(conversation.answers[0].status >= 400);
      test::check_is_json_error(conversation.answers[0]);
    }
  }
  CHECK(Connection(server.port()).request("GET", "/addresses").body == "{}");
}

TEST_CASE("abuse: heads that are too large") {
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += "X-Field-" + std::to_string(i) + ": x\r\n";
  check_all_refused(
      {
          "GET /addresses/" + std::string(100'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
          "GET /addresses?" + std::string(100'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
          std::string(100'000, 'A') + " /addresses HTTP/1.1\r\nHost: localhost\r\n\r\n",
          get(many),
          get("X: " + std::string(100'000, 'a') + "\r\n"),
          get(std::string(100'000, 'X') + ": a\r\n"),
          std::string(1'000'000, 'x'),
          std::string(1'000'000, '\r'),
      },
      {400, 414, 431, 501});
}

TEST_CASE("abuse: a connection that sends an endless head is refused") {
  LoggedServer server;
  Connection connection(server.port());
  connection.send("GET /addresses HTTP/1.1\r\nHost: localhost\r\n");
  std::string fields;
  for (int i = 0; i < 100; ++i) fields += "X-Field: a\r\n";
  // 120 MB, unless it is refused earlier.
  int sent = 0;
  using namespace std::chrono_literals;
  while (sent < 100'000 && !connection.is_closed(1ms) && connection.send(fields)) ++sent;
  CHECK(sent < 100'000);
  CHECK(connection.unread().rfind("HTTP/1.1 431 ", 0) == 0);
}

TEST_CASE("abuse: unusual requests that are not ambiguous are served") {
  LoggedServer server;
  const std::string utf8 = "X: \xc3\xa9\xff\r\n";
  const std::string requests[] = {
      post("content-length:2\r\n", "{}"),
      post("CONTENT-LENGTH: \t 2 \t\r\n", "{}"),
      post("Content-Length: 0000000000000000002\r\n", "{}"),
      post("Transfer-Encoding: Chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
      post("transfer-encoding:chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
      post("Transfer-Encoding: \t chunked \t\r\n", "2\r\n{}\r\n0\r\n\r\n"),
      chunked("1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"),
      chunked("00002\r\n{}\r\n00000\r\n\r\n"),
      chunked("B\r\n{\"ab\":1234}\r\n0\r\n\r\n"),
      chunked("b\r\n{\"ab\":1234}\r\n0\r\n\r\n"),
      chunked("2;a\r\n{}\r\n0\r\n\r\n"),
      chunked("2 ;a=b\r\n{}\r\n0\t;\r\n\r\n"),
      chunked("2;a=b;c=\"d e\"\r\n{}\r\n0;last=1\r\n\r\n"),
      chunked("2\r\n{}\r\n0\r\nX-Trailer: 1\r\nX-Request-Id: trailer\r\n\r\n"),
      chunked("2\r\n{}\r\n0\r\nContent-Length: 500\r\nHost: elsewhere.example.com\r\n\r\n"),
      post("X:\r\nX-Tab: a\tb\r\n" + utf8 + "Content-Length: 2\r\n", "{}"),
      "POST /addresses HTTP/1.1\r\nHost: [::1]:8080\r\nContent-Length: 2\r\n\r\n{}",
      "POST /addresses HTTP/1.1\r\nHOST: LOCALHOST:80\r\nContent-Length: 2\r\n\r\n{}",
      "POST /addresses/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
      "POST http://localhost:80/addresses HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: 2\r\n\r\n{}",
  };
  for (const std::string& request : requests) {
    CAPTURE(request);
    const auto conversation = test::converse(server.port(), request + test::last_request());
    REQUIRE(conversation.answers.size() == 2);
    CHECK(conversation.answers[0].status == 201);
    CHECK(conversation.answers[0].header("x-request-id") != "trailer");
    CHECK(conversation.answers[1].header("x-request-id") == "last");
  }
  // Either of two interpretations is acceptable here, but no other.
  for (const std::string& request :
       {post("Transfer-Encoding: chunked,\r\n", "2\r\n{}\r\n0\r\n\r\n"),
        post("Transfer-Encoding: ,chunked\r\n", "2\r\n{}\r\n0\r\n\r\n"),
        chunked("2 \r\n{}\r\n0\r\n\r\n"), "\r\n" + get(""),
        "GET http://localhost/addresses HTTP/1.1\r\nHost: localhost\r\n\r\n"s,
        "GET /addresses HTTP/1.2\r\nHost: localhost\r\n\r\n"s,
        "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"s,
        "GET /addresses HTTP/1.1\r\nHost:\r\n\r\n"s}) {
    CAPTURE(request);
    test::check_nothing_smuggled(test::converse(server.port(), request + test::last_request()));
  }
}

TEST_CASE("abuse: a head that is too long gets an answer, whatever its length") {
  LoggedServer server;
  for (const int size : {9'000, 32'700, 32'760, 40'000, 60'000}) {
    CAPTURE(size);
    const auto target =
        test::converse(server.port(), "GET /" + std::string(static_cast<std::size_t>(size), 'a') +
                                          " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    test::check_refused(target, {414});
    const auto field = test::converse(
        server.port(), "GET / HTTP/1.1\r\nHost: localhost\r\nX: " +
                           std::string(static_cast<std::size_t>(size), 'a') + "\r\n\r\n");
    test::check_refused(field, {431});
  }
  test::check_refused(test::converse(server.port(), "GET /" + std::string(72'000, 'a') +
                                                        " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                      {431});
}

TEST_CASE("abuse: invalid Accept and Range fields do not cause a refusal") {
  LoggedServer server;
  const std::string fields[] = {"Accept: text/html,,*/*",
                                "Accept: application/json;version=\"1,2\";q=0.5",
                                "Accept: json",
                                "Accept: application/json;q=1.5",
                                "Range: items=0-5",
                                "Range: bytes=abc",
                                "Range: bytes=5-1\r\nAccept: ,"};
  for (const std::string& field : fields) {
    CAPTURE(field);
    const auto get =
        test::converse(server.port(), "GET /addresses HTTP/1.1\r\nHost: localhost\r\n" + field +
                                          "\r\nConnection: close\r\n\r\n");
    REQUIRE(get.answers.size() == 1);
    CHECK(get.answers[0].status == 200);
    const auto post =
        test::converse(server.port(), "POST /addresses HTTP/1.1\r\n" + field +
                                          "\r\nHost: localhost\r\nContent-Length: 2\r\n"
                                          "Connection: close\r\n\r\n{}");
    REQUIRE(post.answers.size() == 1);
    CHECK(post.answers[0].status == 201);
  }
}

TEST_CASE("abuse: the host of a target in absolute-form counts, whatever Host says") {
  LoggedServer server(test::Settings{{"http.allowed_hosts", "localhost"}});
  const auto ask = [&](const std::string& target, const std::string& host) {
    const auto conversation =
        test::converse(server.port(), "GET " + target + " HTTP/1.1\r\nHost: " + host +
                                          "\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n");
    REQUIRE(conversation.answers.size() == 1);
    return conversation.answers[0].status;
  };
  CHECK(ask("http://localhost/addresses", "localhost") == 200);
  CHECK(ask("HTTP://LOCALHOST:80/addresses/_health", "localhost:80") == 200);
  CHECK(ask("https://localhost/nothing?x=http://y/", "localhost") == 404);
  CHECK(ask("http://localhost", "localhost") == 303);
  CHECK(ask("http://localhost?x=1", "localhost") == 303);
  CHECK(ask("http://localhost/addresses", "elsewhere") == 200);
  CHECK(ask("http://elsewhere/addresses", "localhost") == 403);
  CHECK(ask("http://ada:secret@localhost/addresses", "localhost") == 400);
  CHECK(server.log().find("secret") == std::string::npos);
  CHECK(ask("http:///addresses", "localhost") == 400);
}

TEST_CASE("abuse: methods that no route supports") {
  LoggedServer server;
  for (const std::string method : {"PROPFIND", "QUERY", "get", "PRI"}) {
    CAPTURE(method);
    test::check_refused(
        test::converse(server.port(), method + " /addresses HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        {501});
  }
}

TEST_CASE("abuse: header fields are used as sent, not percent-decoded") {
  const std::string writer = "writer-0123456789";
  LoggedServer server(test::Settings{{"auth.tokens", "w:write:" + writer},
                                     {"http.allowed_hosts", "book.example.com"},
                                     {"http.allowed_origins", "https://app.example.com"}});
  const auto ask = [&](const std::string& host, const std::string& token, const std::string& more) {
    const auto conversation = test::converse(
        server.port(), "POST /addresses HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " +
                           token + "\r\n" + more + "Content-Length: 2\r\n\r\n{}" +
                           "GET /addresses/_health HTTP/1.1\r\nHost: book.example.com\r\n"
                           "Connection: close\r\n\r\n");
    REQUIRE(!conversation.answers.empty());
    return conversation.answers[0];
  };
  CHECK(ask("book.example.com", writer, "").status == 201);
  CHECK(ask("book.example.com", "%77riter-0123456789", "").status == 401);
  CHECK(ask("book%2eexample.com", writer, "").status == 403);
  CHECK(ask("book.example.com", writer, "Origin: https%3a//app.example.com\r\n").status == 403);
  CHECK(ask("book.example.com", writer, "Content-Encoding: %67zip\r\n").status == 415);
  const auto other = ask("book.example.com", writer, "X-Request-Id: %41%42\r\n");
  CHECK(other.status == 201);
  CHECK(other.header("x-request-id").size() == 16);
}

TEST_CASE("abuse: a client that has closed its sending side receives a long list completely") {
  LoggedServer server;
  test::fill_with_megabytes(server.port(), 2);
  for (int i = 0; i < 10; ++i) {
    Connection connection(server.port());
    connection.send("GET /addresses HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.finish_sending();
    const auto conversation = test::read_to_end(connection);
    REQUIRE(conversation.answers.size() == 1);
    CHECK(conversation.answers[0].complete);
    CHECK(conversation.answers[0].body.size() > 2'000'000);
  }
}
