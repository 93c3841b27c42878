#include <addrbook/http/answer_head.hpp>

#include <addrbook/http/fields.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using addrbook::Reply;
using addrbook::detail::AnswerFraming;
using addrbook::detail::append_answer_head;
using addrbook::detail::current_date;
using addrbook::detail::date_text;
using addrbook::detail::reason_phrase;

namespace {

std::string date_at(std::time_t time) {
  const auto text = date_text(time);
  return {text.data(), text.size()};
}

/// @returns the head, with "<now>" in place of the time
std::string head_of(const Reply& reply, AnswerFraming framing, std::uint64_t length,
                    std::string_view connection_fields = "") {
  std::string text;
  append_answer_head(text, reply, framing, length, connection_fields);
  const std::string before = "\r\nDate: ";
  const auto at = text.find(before);
  REQUIRE(at != std::string::npos);
  return text.replace(at + before.size(), date_at(0).size(), "<now>");
}

Reply reply_of(int status) {
  Reply reply;
  reply.status = status;
  return reply;
}

}  // namespace

TEST_CASE("answer_head: each status code has a phrase that can stand in a status line") {
  CHECK(reason_phrase(200) == "OK");
  CHECK(reason_phrase(413) == "Content Too Large");
  CHECK(reason_phrase(431) == "Request Header Fields Too Large");
  CHECK(reason_phrase(505) == "HTTP Version Not Supported");
  CHECK(reason_phrase(599) == "Unknown Status Code");
  for (int status = 0; status < 1000; ++status) {
    CAPTURE(status);
    CHECK(!reason_phrase(status).empty());
    CHECK(addrbook::detail::is_field_value(reason_phrase(status)));
  }
}

TEST_CASE("answer_head: dates are as RFC 9110, 5.6.7 shows them") {
  CHECK(date_at(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(date_at(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(date_at(951782399) == "Mon, 28 Feb 2000 23:59:59 GMT");
  CHECK(date_at(951782400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(date_at(4102444799) == "Thu, 31 Dec 2099 23:59:59 GMT");
  const char* const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  const char* const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (int day = 0; day < 365; ++day) {
    const std::string date = date_at(std::time_t{86400} * day);
    CHECK(date.substr(0, 3) == days[day % 7]);
    if (date.substr(5, 2) == "15") CHECK(date.substr(8, 3) == months[day * 12 / 365]);
  }
}

TEST_CASE("answer_head: dates are those of the system's calendar, from the year 1 to 9999") {
  const auto expected = [](std::time_t time) {
    std::tm utc{};
    ::gmtime_r(&time, &utc);
    std::string text(64, '\0');
    text.resize(std::strftime(text.data(), text.size(), "%a, %d %b ", &utc));
    const std::string year = std::to_string(10'000 + utc.tm_year + 1900).substr(1);
    std::string clock(64, '\0');
    clock.resize(std::strftime(clock.data(), clock.size(), " %H:%M:%S GMT", &utc));
    return text + year + clock;
  };
  constexpr std::time_t first = -62'135'596'800;
  constexpr std::time_t last = 253'402'300'799;
  constexpr std::time_t step = 10'007 * 86'399;  // no multiple of any unit
  for (std::time_t time = first; time < last; time += step) {
    CAPTURE(time);
    CHECK(date_at(time) == expected(time));
  }
  for (std::time_t day = 0; day < std::time_t{801} * 366; ++day) {  // over two leap cycles
    const std::time_t time = day * 86'400 - std::time_t{400} * 365 * 86'400;
    if (date_at(time) != expected(time)) FAIL(date_at(time));
  }
  CHECK(date_at(last) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(date_at(last + 1) == date_at(last));
  CHECK(date_at(first - 1) == date_at(first));
}

TEST_CASE("answer_head: the date is that of now, in every thread") {
  const auto check = [] {
    // The coarse clock may be a tick behind.
    const std::time_t before = std::time(nullptr) - 1;
    const std::string date(current_date());
    const std::time_t after = std::time(nullptr);
    bool is_now = false;
    for (std::time_t time = before; time <= after; ++time) is_now = is_now || date == date_at(time);
    return is_now && current_date().size() == date.size();
  };
  CHECK(check());
  bool is_now_there = false;
  std::thread([&] { is_now_there = check(); }).join();
  CHECK(is_now_there);
}

TEST_CASE("answer_head: a whole head") {
  Reply reply = reply_of(201);
  reply.headers.emplace_back("Content-Type", "application/json");
  reply.headers.emplace_back("ETag", "\"a-1\"");
  CHECK(head_of(reply, AnswerFraming::length, 12, "Connection: close\r\n") ==
        "HTTP/1.1 201 Created\r\nDate: <now>\r\nContent-Type: application/json\r\nETag: \"a-1\"\r\n"
        "Content-Length: 12\r\nConnection: close\r\n\r\n");
  CHECK(head_of(reply_of(200), AnswerFraming::length, 0) ==
        "HTTP/1.1 200 OK\r\nDate: <now>\r\nContent-Length: 0\r\n\r\n");
  CHECK(
      head_of(reply_of(299), AnswerFraming::length, (std::numeric_limits<std::uint64_t>::max)()) ==
      "HTTP/1.1 299 Unknown Status Code\r\nDate: <now>\r\nContent-Length: 18446744073709551615"
      "\r\n\r\n");
  CHECK(head_of(reply_of(200), AnswerFraming::chunked, 12) ==
        "HTTP/1.1 200 OK\r\nDate: <now>\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(head_of(reply_of(200), AnswerFraming::until_close, 12, "Connection: close\r\n") ==
        "HTTP/1.1 200 OK\r\nDate: <now>\r\nConnection: close\r\n\r\n");
}

TEST_CASE("answer_head: an answer that has no body tells no length of one") {
  const std::pair<int, std::string> rows[] = {
      {100, "Continue"}, {204, "No Content"}, {304, "Not Modified"}};
  for (const auto& row : rows) {
    for (const auto framing :
         {AnswerFraming::length, AnswerFraming::chunked, AnswerFraming::until_close}) {
      CAPTURE(row.first);
      CHECK(head_of(reply_of(row.first), framing, 0) ==
            "HTTP/1.1 " + std::to_string(row.first) + " " + row.second + "\r\nDate: <now>\r\n\r\n");
    }
  }
}

TEST_CASE("answer_head: it is appended, in one allocation") {
  std::string text = "before";
  Reply reply = reply_of(431);
  reply.headers.emplace_back("X", std::string(1000, 'x'));
  append_answer_head(text, reply, AnswerFraming::length, 12345, "Connection: close\r\n");
  CHECK(text.rfind("beforeHTTP/1.1 431 ", 0) == 0);
  CHECK(text.substr(text.size() - 4) == "\r\n\r\n");
  std::string second;
  second.reserve(text.capacity());
  const char* const place = second.data();
  append_answer_head(second, reply, AnswerFraming::length, 12345, "Connection: close\r\n");
  CHECK(second.data() == place);
}
