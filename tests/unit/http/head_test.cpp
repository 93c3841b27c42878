#include <addrbook/http/head.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

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
