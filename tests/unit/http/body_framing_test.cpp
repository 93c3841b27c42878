#include <addrbook/http/body_framing.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

using addrbook::detail::BodyFraming;
using addrbook::detail::read_head;
using addrbook::detail::RequestHead;

namespace {

struct Taken {
  std::size_t size;
  bool complete;
  bool broken;
};

/// Passes the bytes to take() in pieces of `step`.
Taken take(const RequestHead& head, std::string_view bytes, std::size_t step) {
  BodyFraming framing(head);
  std::size_t at = 0;
  while (at < bytes.size() && !framing.complete() && !framing.broken()) {
    at += framing.take(bytes.substr(at, step));
  }
  return {at, framing.complete(), framing.broken()};
}

}  // namespace

TEST_CASE("body_framing: a body with a length ends after that length") {
  const auto head = read_head("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  for (std::size_t step = 1; step < 9; ++step) {
    const auto taken = take(head, "12345GET ", step);
    CHECK(taken.size == 5);
    CHECK(taken.complete);
  }
  CHECK(!take(head, "1234", 9).complete);
  CHECK(BodyFraming(read_head("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"))
            .complete());
  CHECK(BodyFraming(read_head("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")).complete());
}

TEST_CASE("body_framing: chunks follow the grammar of RFC 9112, 7.1") {
  const auto head = read_head("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const std::string& body :
       {std::string("0\r\n\r\n"), std::string("3\r\nabc\r\n0\r\n\r\n"),
        std::string("3;x=\"y\"\r\na\r\n\r\n0\r\n\r\n"),
        std::string("1 ;a=b\r\na\r\n0 \t;c\r\n\r\n"), std::string("1; a = b \r\na\r\n0\r\n\r\n"),
        "1" + std::string(255, ' ') + ";\r\na\r\n0\r\n\r\n",
        std::string("A\r\n0123456789\r\n000\r\n\r\n"),
        std::string("1\r\na\r\n0\r\nX: 1\r\nY: 2\r\n\r\n")}) {
    for (std::size_t step = 1; step <= body.size() + 4; ++step) {
      CAPTURE(body);
      CAPTURE(step);
      const auto taken = take(head, body + "GET ", step);
      CHECK(taken.complete);
      CHECK(taken.size == body.size());
    }
  }
  for (const std::string& body : {std::string("0x3\r\nabc\r\n0\r\n\r\n"),
                                  std::string("3 junk\r\nabc\r\n0\r\n\r\n"),
                                  std::string("3 \r\nabc\r\n"),
                                  std::string("3 3;\r\n"),
                                  std::string("3\v;x\r\n"),
                                  std::string(" 3;x\r\n"),
                                  std::string(" ;x\r\n"),
                                  std::string("3 \n"),
                                  "1" + std::string(256, ' ') + ";\r\n",
                                  "1 ;" + std::string(255, 'x') + "\r\n",
                                  std::string("-1\r\n"),
                                  std::string("+3\r\nabc\r\n"),
                                  std::string("\r\n"),
                                  std::string(";x\r\n"),
                                  std::string("3\nabc\n0\n\n"),
                                  std::string("3\r\nabcd\r\n"),
                                  std::string("3\r\nabc0\r\n"),
                                  std::string("3\r\nabc\n0\r\n\r\n"),
                                  std::string("ffffffffffffffff0\r\n"),
                                  std::string("10000000000000000\r\n"),
                                  std::string(300, '0') + "\r\n",
                                  "1;" + std::string(300, 'x') + "\r\n",
                                  std::string("1;\x01\r\n"),
                                  std::string("0\r\n") + std::string(9000, 'x') + "\r\n\r\n",
                                  "0\r\nX: " + std::string(9000, 'x') + "\r\n\r\n",
                                  std::string("0\r\nX: 1\n\r\n"),
                                  std::string("0\r\nX\r\n\r\n"),
                                  std::string("0\r\nX : 1\r\n\r\n"),
                                  std::string("0\r\n: 1\r\n\r\n"),
                                  std::string("0\r\n X: 1\r\n\r\n"),
                                  std::string("0\r\nX: 1\r\n y\r\n\r\n"),
                                  std::string("0\r\n\rx")}) {
    CAPTURE(body);
    const auto taken = take(head, body, body.size());
    CHECK(taken.broken);
    CHECK(!taken.complete);
    CHECK(take(head, body, 1).broken);
  }
}

TEST_CASE("body_framing: the data comes without the framing, in any pieces") {
  const auto data_of = [](const RequestHead& head, std::string_view bytes, std::size_t step) {
    BodyFraming framing(head);
    std::string data;
    for (std::size_t at = 0; at < bytes.size() && !framing.complete();) {
      const auto piece = bytes.substr(at, step);
      at += framing.take(piece, [&](std::string_view run) {
        CHECK(!run.empty());
        CHECK(run.data() >= piece.data());
        CHECK(run.data() + run.size() <= piece.data() + piece.size());
        data += run;
      });
    }
    CHECK(framing.complete());
    return data;
  };
  const auto chunked =
      read_head("POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  const auto length = read_head("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  const std::string bytes = "3;x=y\r\na\r\n\r\nA\r\n0123456789\r\n0\r\nX: 1\r\n\r\nGET ";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    CAPTURE(step);
    CHECK(data_of(chunked, bytes, step) == "a\r\n0123456789");
    CHECK(data_of(length, "12345GET ", step) == "12345");
  }
  CHECK(data_of(chunked, "0\r\n\r\n", 9).empty());
}
