#include <addrbook/http/head.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::detail::FieldTable;
using addrbook::detail::FieldView;
using addrbook::detail::HeadScanner;
using addrbook::detail::read_head;
using addrbook::detail::RequestHead;

namespace {

int status_of(const std::string& fields, const std::string& line = "POST /a HTTP/1.1") {
  const std::string head = line + "\r\n" + fields + "\r\n";
  const auto read = read_head(head);
  return read.fault ? read.fault->status : 0;
}

}  // namespace

TEST_CASE("head: the end is found in any pieces") {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string bytes = head + "the next";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    CAPTURE(step);
    HeadScanner scanner;
    std::size_t here = 0;
    auto found = HeadScanner::Found::nothing_yet;
    while (found == HeadScanner::Found::nothing_yet && here < bytes.size()) {
      here = (std::min)(here + step, bytes.size());
      found = scanner.scan(std::string_view(bytes).substr(0, here));
    }
    CHECK(found == HeadScanner::Found::end);
    CHECK(scanner.size() == head.size());
  }
}

TEST_CASE("head: a bare line feed is reported") {
  for (const char* bytes : {"\n", "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
                            "GET / HTTP/1.1\r\n\n"}) {
    CAPTURE(bytes);
    CHECK(HeadScanner().scan(bytes) == HeadScanner::Found::bare_line_feed);
  }
}

TEST_CASE("head: the fields of a faulty request line are there, for the answer") {
  for (const std::string line : {"BREW http://a/b HTTP/1.1", "GET http://a/b HTTP/2.0",
                                 "GET http://a/b HTTP/1.1 ", "no request line"}) {
    CAPTURE(line);
    const std::string text = line + "\r\nHost: a\r\nOrigin: https://b\r\n\r\n";
    const auto head = read_head(text);
    REQUIRE(head.fault);
    CHECK(FieldView(head.text, head.fields).find("Origin") == "https://b");
  }
  const std::string large(10'000, 'x');
  for (const std::string& target : {"/" + large, "http://" + large, "http://a/" + large}) {
    const std::string text = "GET " + target + " HTTP/1.1\r\nNo Field\r\nOrigin: https://b\r\n\r\n";
    const auto head = read_head(text);
    REQUIRE(head.fault);
    CHECK(head.fault->status == 414);
    CHECK(head.fields.size() == 0);  // none behind a fault
    CHECK(head.target == target.substr(0, 8192));
    CHECK(head.target.substr(0, head.authority.size()) == head.authority);
  }
  // A part of a head, of whole lines.
  const auto part = read_head("GET / HTTP/1.1\r\nOrigin: https://b\r\n");
  CHECK(FieldView(part.text, part.fields).find("Origin") == "https://b");
}

TEST_CASE("head: a valid head is parsed") {
  const auto head = read_head(
      "PUT /a?b HTTP/1.1\r\nhOST: [::1]:8080\r\nConTent-LENGTH:  12 \r\nExpect: 100-Continue\r\n"
      "X-Request-Id: r1\r\nConnection: keep-alive, Close\r\nX-Empty:\r\n\r\n");
  REQUIRE(!head.fault);
  CHECK(head.method == "PUT");
  CHECK(head.target == "/a?b");
  CHECK(head.version == "HTTP/1.1");
  CHECK(head.body == RequestHead::Body::length);
  CHECK(head.length == 12);
  CHECK(head.expects_continue);
  CHECK(head.wants_close);
  CHECK(head.request_id == "r1");
  const auto chunked = read_head("POST /a HTTP/1.1\r\nHost:\r\nTransfer-Encoding: Chunked\r\n\r\n");
  CHECK(!chunked.fault);
  CHECK(chunked.body == RequestHead::Body::chunked);
  const auto old = read_head("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
  CHECK(!old.fault);
  CHECK(old.body == RequestHead::Body::none);
  CHECK(!old.expects_continue);
}

TEST_CASE("head: an ambiguous length is refused") {
  const std::string host = "Host: a\r\n";
  for (const char* value :
       {"+5", "-1", "abc", "0x5", "", "5, 5", "5,5", "5 5", "1e3", "5.0", "99999999999999999999",
        "18446744073709551616", "9223372036854775808", "\"5\"", "5;"}) {
    CAPTURE(value);
    CHECK(status_of(host + "Content-Length: " + value + "\r\n") == 400);
  }
  CHECK(status_of(host + "Content-Length: 5\r\nContent-Length: 5\r\n") == 400);
  CHECK(status_of(host + "Content-Length: 5\r\ncontent-length: 6\r\n") == 400);
  CHECK(status_of(host + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(status_of(host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") == 400);
  CHECK(status_of(host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(status_of(host + "Transfer-Encoding: chunked\r\n", "POST /a HTTP/1.0") == 400);
  for (const char* value : {"gzip", "gzip, chunked", "chunked, chunked", "xchunked", "identity", "",
                            "chunked;q=1", "\"chunked\"", "chunked\v"}) {
    CAPTURE(value);
    const int status = status_of(host + "Transfer-Encoding: " + value + "\r\n");
    CHECK((status == 501 || status == 400));
  }
}

TEST_CASE("head: anything ambiguous is refused") {
  const std::string host = "Host: a\r\n";
  for (const std::string& field :
       {std::string("X : 1"), std::string(" X: 1"), std::string("\tX: 1"), std::string("X"),
        std::string(": 1"), std::string("X\0: 1", 5), std::string("X: \0", 4),
        std::string("X: a\rb"), std::string("X: \x01"), std::string("X: \x7f"),
        std::string("X(: 1"), std::string("Xé: 1")}) {
    CAPTURE(field);
    CHECK(status_of(host + field + "\r\n") == 400);
  }
  CHECK(status_of(host + "X: caf\xc3\xa9\r\n") == 0);  // obs-text, RFC 9110, 5.5
  CHECK(status_of("") == 400);
  CHECK(status_of(host + host) == 400);
  for (const char* value : {"a b", "a,b", "a/b", "user@a", "a\xc3\xa9", "a?b", "a#b", "<a>"}) {
    CAPTURE(value);
    CHECK(status_of(std::string("Host: ") + value + "\r\n") == 400);
  }
  for (const char* line :
       {"POST /a", "POST  /a HTTP/1.1", "POST /a  HTTP/1.1", "POST /a b HTTP/1.1",
        " POST /a HTTP/1.1", "POST /a HTTP/1.1 ", "POST\t/a HTTP/1.1", "P(ST /a HTTP/1.1",
        "POST /a http/1.1", "", "POST /a\x01 HTTP/1.1", "POST /a HTTP/1.10", "POST /a"}) {
    CAPTURE(line);
    CHECK(status_of(host, line) == 400);
  }
  CHECK(status_of(host, "POST /a HTTP/2.0") == 505);
  CHECK(status_of(host, "POST /a HTTP/1.2") == 505);
  std::string many = host;
  for (int i = 0; i < 99; ++i) many += "X: 1\r\n";
  CHECK(status_of(many) == 0);
  CHECK(status_of(many + "X: 1\r\n") == 431);
}

TEST_CASE("head: all fields are found, as they stand in the text") {
  const std::string text =
      "GET /a HTTP/1.1\r\nHost: a\r\nAccept:\t*/* \t\r\nX-Empty: \t\r\nX:1\r\naccept: "
      "text/html\r\n\r\n";
  const auto head = read_head(text);
  REQUIRE(!head.fault);
  CHECK(head.text.data() == text.data());
  CHECK(head.text.size() == text.size());
  CHECK(head.fields.size() == 5);
  const FieldView fields(head.text, head.fields);
  CHECK(fields.find("Host") == "a");
  CHECK(fields.find("Accept") == "*/*, text/html");
  CHECK(fields.find("X-Empty") == "");
  CHECK(fields.find("X") == "1");
  CHECK(fields.find("Range") == std::nullopt);
  CHECK(head.accept_line == "accept: text/html\r\n");
  CHECK(head.range_line.empty());

  const RequestHead copy = head;
  CHECK(FieldView(copy.text, copy.fields).find("x") == "1");
}

TEST_CASE("head: the table takes as many fields as a head may have, of any allowed size") {
  std::string text = "GET /a HTTP/1.1\r\nHost: a\r\n";
  const std::string longest(8192 - 3, 'x');
  for (std::size_t i = 0; i < FieldTable::capacity - 1; ++i) text += "X: " + longest + "\r\n";
  text += "\r\n";
  const auto head = read_head(text);
  REQUIRE(!head.fault);
  CHECK(head.fields.size() == FieldTable::capacity);
  CHECK(head.fields.value(text, FieldTable::capacity - 1) == longest);
  CHECK(status_of("Host: a\r\nX: " + longest + "x\r\n") == 431);
}

TEST_CASE("head: a percent sign in a value is reported") {
  CHECK(!read_head("GET /%41 HTTP/1.1\r\nHost: a\r\nX%: 1\r\n\r\n").has_percent);
  CHECK(read_head("GET /a HTTP/1.1\r\nHost: a\r\nX: %\r\nY: 1\r\n\r\n").has_percent);
  CHECK(read_head("GET /a HTTP/1.1\r\nHost: a%\r\n\r\n").has_percent);
}

TEST_CASE("head: what Connection asks for") {
  const auto read = [](const std::string& fields) {
    return read_head("GET / HTTP/1.0\r\n" + fields + "\r\n");
  };
  CHECK(!read("").wants_keep_alive);
  CHECK(read("Connection: Keep-Alive\r\n").wants_keep_alive);
  CHECK(!read("Connection: Keep-Alive\r\n").wants_close);
  CHECK(!read("Connection: keep-alives\r\n").wants_keep_alive);
  const auto both = read("Connection: x, keep-alive\r\nconnection: close\r\n");
  CHECK(both.wants_keep_alive);
  CHECK(both.wants_close);
}

TEST_CASE("head: the authority of a target counts, whatever Host says") {
  for (const std::string authority : {"a", "A", "a:80", "[::1]:80", "[::80]", "a:8080"}) {
    for (const std::string rest : {"", "/", "?b", "#c", "/x?y=http://z/"}) {
      for (const std::string host : {"a", "b", "b:1", ""}) {
        CAPTURE(authority);
        CAPTURE(rest);
        CAPTURE(host);
        const std::string text = "GET HTTP://" + authority + rest +
                                 " HTTP/1.1\r\nX: 1\r\nhost: " + host + "\r\nY: 2\r\n\r\n";
        const RequestHead head = read_head(text);
        CHECK(!head.fault);
        CHECK(head.authority == "HTTP://" + authority);
        CHECK(head.host == authority);
        CHECK(head.sent_host == host);
        const FieldView fields(head.text, head.fields);
        CHECK(fields.find("Host") == authority);
        CHECK(fields.find("Y") == "2");
      }
    }
  }
  const auto status = [](const std::string& target, const std::string& fields) {
    return status_of(fields, "GET " + target + " HTTP/1.1");
  };
  // Host must be there and valid all the same (RFC 9112, 3.2).
  CHECK(status("http://a/", "") == 400);
  CHECK(status("http://a/", "Host: a\r\nHost: a\r\n") == 400);
  CHECK(status("http://a/", "Host: a/b\r\n") == 400);
  for (const char* target : {"http:///", "http://", "http://:80/", "https://a\"b/"}) {
    CAPTURE(target);
    CHECK(status(target, "Host: a\r\n") == 400);
  }
  CHECK(read_head("GET http://a/ HTTP/1.0\r\n\r\n").host == "a");
  // None of these has an authority of http.
  for (const char* target : {"/http://b/", "*", "http", "http:/b", "ftp://b/", "a?http://b"}) {
    CAPTURE(target);
    CHECK(status(target, "Host: a\r\n") == 0);
  }
}

TEST_CASE("head: a user in a target is refused, and not shown") {
  for (const std::string target : {"http://ada:secret@a/x", "HTTPS://secret@a", "ftp://secret@a/",
                                   "secret@a:443", "http://a@secret@a?x", "http://ada:secret@"}) {
    for (const std::string line :
         {"GET * HTTP/1.1", "G@T * HTTP/1.1", "GET * HTTP/3.0", "BREW * HTTP/1.1"}) {
      CAPTURE(target);
      CAPTURE(line);
      const std::string text =
          std::string(line).replace(line.find('*'), 1, target) + "\r\nHost: a\r\n\r\n";
      const RequestHead head = read_head(text);
      REQUIRE(head.fault);
      CHECK(head.fault->status == 400);
      CHECK(head.target.find("secret") == std::string_view::npos);
    }
  }
  const std::string longest = "http://ada:secret@a/" + std::string(10'000, 'x');
  const std::string text = "GET " + longest + " HTTP/1.1\r\nHost: a\r\n\r\n";
  const RequestHead cut = read_head(text);
  CHECK(cut.target.find("secret") == std::string_view::npos);
  // No user: an '@' behind the authority.
  for (const char* target : {"http://a/x@y", "http://a?x@y", "/x@y", "/http://u@a/"}) {
    CAPTURE(target);
    CHECK(status_of("Host: a\r\n", std::string("GET ") + target + " HTTP/1.1") == 0);
  }
}
