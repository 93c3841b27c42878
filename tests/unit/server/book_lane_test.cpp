#include <addrbook/server/book_lane.hpp>
#include <addrbook/server/dropped_body.hpp>

#include <support/fake_engine.hpp>
#include <unit/rest_book.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using addrbook::BodyStatus;
using addrbook::Options;
using addrbook::Rest;
using addrbook::Service;
using addrbook::detail::Answer;
using addrbook::detail::AnswerContext;
using addrbook::detail::AnswerFraming;
using addrbook::detail::Begun;
using addrbook::detail::BodyFraming;
using addrbook::detail::BookLane;
using addrbook::detail::BookRequest;
using addrbook::detail::Connection;
using addrbook::detail::drop_timeout;
using addrbook::detail::max_dropped_bytes;
using addrbook::detail::read_head;
using addrbook::detail::RequestHead;
using test::ada;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kept = "Connection: keep-alive\r\nKeep-Alive: timeout=7\r\n";

std::shared_ptr<const Rest> book_at(const std::string& prefix) {
  Options options;
  options.prefix = prefix;
  return std::make_shared<const Rest>(std::make_shared<Service>(), options);
}

/// A lane with a book for each prefix.
struct Shelf {
  explicit Shelf(const std::vector<std::string>& prefixes) {
    for (const std::string& prefix : prefixes) {
      books.push_back(book_at(prefix));
      lane.add(books.back());
    }
  }

  /// Which book a target leads to, and the path in it, e.g. "0:/x"; "none".
  [[nodiscard]] std::string find(const std::string& target, std::string_view authority = {}) const {
    const auto found = lane.find(target, authority);
    for (std::size_t i = 0; i < books.size(); ++i) {
      if (books[i].get() == found.book) {
        return std::to_string(i) + ":" + std::string(found.path_in_book());
      }
    }
    return "none";
  }

  std::vector<std::shared_ptr<const Rest>> books;
  BookLane lane;
};

/// What is on the wire of an answer.
struct Sent {
  std::string head;
  std::string body;

  [[nodiscard]] std::string status() const { return head.substr(9, 3); }
  [[nodiscard]] bool has(const std::string& text) const {
    return head.find(text) != std::string::npos;
  }
};

/// A book on a lane, and the engine that its requests see.
struct Fixture {
  explicit Fixture(Options options = {}, std::size_t max_buffered_bytes = test::Peer::never)
      : engine(max_buffered_bytes), book(std::move(options)) {
    lane.add({std::shared_ptr<void>(), &book.rest});
    connection.remote_address = "192.0.2.7";
  }

  /// Begins a request of which `body` has arrived.
  Begun begin(const std::string& head_text, const std::string& body = {}) {
    text = head_text;
    head = read_head(text);
    REQUIRE(!head.fault);
    answer = Answer();
    framing = BodyFraming(head);
    framing.take(body);
    return BookLane::begin(lane.find(head.target, head.authority), connection, head, body,
                           framing.complete(), body_timeout, {kept, engine, is_last}, answer);
  }

  /// The answer to a request that needs no more than `body`.
  Sent ask(const std::string& head_text, const std::string& body = {}) {
    CHECK(begin(head_text, body).kind == Begun::Kind::answered);
    return sent();
  }

  [[nodiscard]] Sent sent() const {
    const std::size_t end = answer.text.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    Sent result{answer.text.substr(0, end + 4), answer.text.substr(end + 4)};
    CHECK(result.has("Connection: close\r\n") == answer.is_last);
    CHECK(result.has(std::string(kept)) == !answer.is_last);
    return result;
  }

  /// Passes on what arrives later. @returns false if it is refused
  bool arrive(const Begun& begun, std::string_view bytes) {
    bool is_wanted = true;
    framing.take(
        bytes, [&](std::string_view data) { is_wanted = is_wanted && begun.request->take(data); });
    return is_wanted && !framing.broken();
  }

  test::FakeEngine engine;
  test::Book book;
  BookLane lane;
  Connection connection;
  std::chrono::milliseconds body_timeout = 1h;
  bool is_last = false;  ///< the client or the server wants no further request
  std::string text;
  RequestHead head;
  BodyFraming framing{RequestHead()};
  Answer answer;
};

std::string head_of(const std::string& line, const std::string& fields = {}) {
  return line + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string post_of(std::size_t length, const std::string& fields = {}) {
  return head_of("POST /addresses", fields + "Content-Length: " + std::to_string(length) + "\r\n");
}

const std::string chunked = "Transfer-Encoding: chunked\r\n";

/// All that a source makes.
std::string read_all(addrbook::BodySource& source) {
  std::string text;
  REQUIRE(send_body(source, [&](std::string_view bytes) {
    text.append(bytes);
    return true;
  }));
  return text;
}

}  // namespace

TEST_CASE("book_lane: a target leads to the book with the longest prefix, or to none") {
  const Shelf shelf({"/addresses", "/a", "/a/b"});
  const struct {
    const char* target;
    const char* found;
  } cases[] = {
      {"/addresses", "0:"},
      {"/addresses/", "0:/"},
      {"/addresses/x", "0:/x"},
      {"/addresses//", "0://"},
      {"/addresses?x=1", "0:"},
      {"/addresses?/a/b", "0:"},
      {"/addresses#part", "0:"},
      {"/addresses#?/a", "0:"},
      {"/addresses/x?y#z", "0:/x"},
      {"/addresses/x#y?z", "0:/x"},
      {"/addressesx", "none"},
      {"/addresse", "none"},
      {"/Addresses", "none"},
      {"//addresses", "none"},
      {"/", "none"},
      {"*", "none"},
      {"addresses", "none"},
      {"?/addresses", "none"},
      {"#/addresses", "none"},
      {"/a", "1:"},
      {"/a/", "1:/"},
      {"/a/c", "1:/c"},
      {"/a/bc", "1:/bc"},
      {"/ab", "none"},
      {"/a/b", "2:"},
      {"/a/b/a/b", "2:/a/b"},
      {"/%61", "1:"},
      {"/%61ddresses", "0:"},
      {"/addresse%73/%41", "0:/A"},
      {"%2Faddresses", "0:"},
      {"/a%2Fb", "2:"},
      {"/a%2fb%2Fc", "2:/c"},
      {"/addresses%", "none"},
      {"/addresses/%zz", "0:/%zz"},
      {"/addresses%3Fx", "none"},
      {"/addresses%23x", "none"},
      {"/addresses/%3F%23", "0:/?#"},
      {"/addresses%00", "none"},
      {"/%2561", "none"},  // decoded once
  };
  for (const auto& each : cases) {
    CAPTURE(each.target);
    CHECK(shelf.find(each.target) == each.found);
  }
  // In whichever order they were added.
  CHECK(Shelf({"/a/b", "/a"}).find("/a/b/c") == "0:/c");
  CHECK(Shelf({"/a", "/a/b"}).find("/a/b/c") == "1:/c");
  CHECK(Shelf({}).find("/addresses") == "none");
}

TEST_CASE("book_lane: the authority of a target and its fragment are no part of it") {
  const Shelf shelf({"/addresses"});
  const std::string_view authority = "http://example.com";
  const auto target_of = [&](const std::string& rest) {
    const std::string target = std::string(authority) + rest;
    return std::string(shelf.lane.find(target, authority).target);
  };
  CHECK(shelf.find("http://example.com/addresses/x", authority) == "0:/x");
  CHECK(shelf.find("http://example.com/%61ddresses", authority) == "0:");
  CHECK(shelf.find("http://example.com", authority) == "none");
  CHECK(shelf.find("http://example.com?/addresses", authority) == "none");
  CHECK(shelf.find("http://example.com#/addresses", authority) == "none");
  CHECK(target_of("/addresses/x?y=1#z") == "/addresses/x?y=1");
  CHECK(target_of("") == "");
  const auto head = read_head("GET HTTP://A:80/addresses?x#y HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(!head.fault);
  CHECK(shelf.find(std::string(head.target), head.authority) == "0:");
}

TEST_CASE("book_lane: what a book answers without its storage is instant") {
  const Shelf shelf({"/addresses", "/addresses/_health"});
  const auto is_instant = [&](const std::string& line) {
    const std::string text = head_of(line);
    const RequestHead head = read_head(text);
    const auto to = shelf.lane.find(head.target, head.authority);
    return to.book != nullptr && to.is_instant(head.method);
  };
  CHECK(!is_instant("GET /addresses"));
  CHECK(!is_instant("GET /addresses/_ready"));
  CHECK(!is_instant("GET /addresses/_health"));  // a book of its own
  CHECK(is_instant("GET /addresses/_health/_health"));
  CHECK(is_instant("HEAD /addresses/_health/_health?x#y"));
  CHECK(is_instant("GET http://a/addresses/_health/%5Fhealth"));
  CHECK(!is_instant("POST /addresses/_health/_health"));
  CHECK(!is_instant("GET /_health"));
  CHECK(!is_instant("OPTIONS *"));
}

TEST_CASE("book_lane: a request whose body has arrived is answered, however it is framed") {
  Fixture fixture;
  auto sent = fixture.ask(post_of(ada.size()), ada);
  CHECK(sent.status() == "201");
  CHECK(sent.has("Content-Length: 0\r\n"));
  CHECK(!fixture.answer.is_last);
  sent = fixture.ask(head_of("POST /addresses", chunked),
                     "2;a=b\r\n{}\r\n000\r\nTrailer: x\r\nX: y\r\n\r\n");
  CHECK(sent.status() == "201");
  CHECK(fixture.book.service->state().count == 2);

  const std::string target = fixture.book.add();
  sent = fixture.ask(head_of("GET " + target));
  CHECK(sent.status() == "200");
  CHECK(sent.body == ada);
  CHECK(sent.has("Content-Length: " + std::to_string(ada.size()) + "\r\n"));
  sent = fixture.ask(head_of("HEAD " + target));
  CHECK(sent.body.empty());
  CHECK(sent.has("Content-Length: " + std::to_string(ada.size()) + "\r\n"));
  for (const std::string fields : {"", "Content-Length: 4\r\n"}) {  // a GET may have a body
    sent = fixture.ask(head_of("GET " + target, "If-None-Match: *\r\n" + fields),
                       fields.empty() ? "" : "body");
    CHECK(sent.status() == "304");
    CHECK(!sent.has("Content-Length"));
    CHECK(!sent.has("Transfer-Encoding"));
    CHECK(!fixture.answer.is_last);
  }
  sent = fixture.ask(head_of("DELETE http://a" + target + "?#x"));
  CHECK(sent.status() == "204");
  CHECK(!sent.has("Content-Length"));
  // The log has the target as it was sent, without the authority.
  CHECK(fixture.book.log->back().uri == target);
  CHECK(fixture.book.log->back().ip == "192.0.2.7");
}

TEST_CASE("book_lane: fields reach the book as they were sent, repeated ones joined") {
  Options options;
  options.authorize = [](const addrbook::AccessRequest& access) {
    return access.request.header("x-key") == "a%20b, c" ? addrbook::Access::allow("user")
                                                        : addrbook::Access::forbid();
  };
  Fixture fixture(options);
  CHECK(fixture.ask(head_of("GET /addresses/_ready", "X-Key: a\r\n")).status() == "200");  // open
  CHECK(fixture.ask(head_of("GET " + test::absent, "X-Key: a\r\n")).status() == "403");
  CHECK(fixture.ask(head_of("GET " + test::absent, "X-Key:  a%20b \r\nx-KEY: c\r\n")).status() ==
        "404");
  CHECK(fixture.book.log->back().user == "user");
}

TEST_CASE("book_lane: an answer is the last if the client, the server or the book wants that") {
  Fixture fixture;
  fixture.is_last = true;
  CHECK(fixture.ask(head_of("GET /addresses/_health")).has("Connection: close"));
  fixture.is_last = false;
  CHECK(!fixture.ask(head_of("GET /addresses/_health")).has("Connection: close"));
  CHECK(fixture.ask(head_of("POST /addresses")).status() == "411");
  CHECK(fixture.answer.is_last);
  fixture.engine.stopping = true;
  CHECK(fixture.ask(head_of("GET /addresses/_health")).has("Connection: close"));

  Fixture pending;  // the server stops while the body arrives
  auto begun = pending.begin(post_of(2), "{");
  REQUIRE(begun.kind == Begun::Kind::pending);
  CHECK(pending.arrive(begun, "}"));
  SUBCASE("as the engine says") {
    begun.request->answer(BodyStatus::complete, true, pending.answer);
    CHECK(pending.answer.is_last);
  }
  SUBCASE("as the context says") {
    pending.engine.stopping = true;
    begun.request->answer(BodyStatus::complete, false, pending.answer);
    CHECK(pending.answer.is_last);
  }
  SUBCASE("or not") {
    begun.request->answer(BodyStatus::complete, false, pending.answer);
    CHECK(!pending.answer.is_last);
  }
  CHECK(pending.sent().status() == "201");
}

TEST_CASE("book_lane: a body may be cut anywhere between its head and its end") {
  const std::string wire = "5;x\r\n{\"a\":\r\n4\r\n\"b\"}\r\n0\r\nTrailer: x\r\n\r\n";
  for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
    CAPTURE(cut);
    Fixture fixture;
    auto begun = fixture.begin(head_of("POST /addresses", chunked), wire.substr(0, cut));
    if (cut < wire.size()) {
      REQUIRE(begun.kind == Begun::Kind::pending);
      CHECK(fixture.answer.text.empty());
      CHECK(fixture.book.service->state().count == 0);
      for (const char c : wire.substr(cut)) CHECK(fixture.arrive(begun, {&c, 1}));
      CHECK(fixture.framing.complete());
      begun.request->answer(BodyStatus::complete, false, fixture.answer);
    }
    CHECK(begun.kind == (cut < wire.size() ? Begun::Kind::pending : Begun::Kind::answered));
    CHECK(fixture.sent().status() == "201");
    CHECK(!fixture.answer.is_last);
    CHECK(fixture.book.service->state().count == 1);
  }
}

TEST_CASE("book_lane: what a pending body holds is counted") {
  Fixture fixture;
  const auto begun = fixture.begin(post_of(500'000), "{\"a\":\"");
  REQUIRE(begun.kind == Begun::Kind::pending);
  CHECK(begun.request->memory() >= sizeof(BookRequest));
  const std::size_t before = begun.request->memory();
  CHECK(fixture.arrive(begun, std::string(100'000, 'x')));
  CHECK(begun.request->memory() >= before + 90'000);
  CHECK(begun.request->memory() < before + 400'000);

  const auto dropped = fixture.begin(head_of("GET /addresses", "Content-Length: 60000\r\n"), "x");
  REQUIRE(dropped.kind == Begun::Kind::pending);
  CHECK(fixture.arrive(dropped, std::string(50'000, 'x')));
  CHECK(dropped.request->memory() == sizeof(BookRequest));
}

TEST_CASE("book_lane: a body that does not end as it should is answered last") {
  SUBCASE("not in time") {
    Fixture fixture;
    const auto begun = fixture.begin(post_of(9), "{");
    begun.request->answer(BodyStatus::timed_out, true, fixture.answer);
    CHECK(fixture.sent().status() == "408");
    CHECK(fixture.answer.is_last);
  }
  SUBCASE("cut short") {
    Fixture fixture;
    const auto begun = fixture.begin(post_of(9), "{");
    begun.request->answer(BodyStatus::malformed, true, fixture.answer);
    CHECK(fixture.sent().status() == "400");
    CHECK(fixture.answer.is_last);
  }
  SUBCASE("whoever calls does not say that it is the last") {
    Fixture fixture;
    const auto begun = fixture.begin(post_of(9), "{");
    begun.request->answer(BodyStatus::malformed, false, fixture.answer);
    CHECK(fixture.sent().status() == "400");
    CHECK(fixture.answer.is_last);
  }
  SUBCASE("with broken framing from the start") {
    Fixture fixture;
    const auto sent = fixture.ask(head_of("POST /addresses", chunked), "2\r\n{}x");
    CHECK(sent.status() == "400");
    CHECK(fixture.answer.is_last);
  }
  SUBCASE("too large, which its length says") {
    Options options;
    options.max_body_bytes = 100'000;
    Fixture fixture(options);
    CHECK(fixture.ask(post_of(100'001), "{").status() == "413");
    CHECK(fixture.answer.is_last);
  }
  SUBCASE("too large, which only its bytes say: the rest is read") {
    Options options;
    options.max_body_bytes = 10;
    Fixture fixture(options);
    auto begun =
        fixture.begin(head_of("POST /addresses", chunked), "14\r\n" + std::string(20, ' '));
    REQUIRE(begun.kind == Begun::Kind::pending);
    CHECK(fixture.arrive(begun, "\r\n0\r\n\r\n"));
    begun.request->answer(BodyStatus::complete, false, fixture.answer);
    CHECK(fixture.sent().status() == "413");
    CHECK(!fixture.answer.is_last);
    begun = fixture.begin(head_of("POST /addresses", chunked), "ffffff\r\n");
    REQUIRE(begun.kind == Begun::Kind::pending);
    bool is_wanted = true;
    std::size_t rounds = 0;
    for (; is_wanted && rounds < 200; ++rounds) {
      is_wanted = fixture.arrive(begun, std::string(64 * 1024, ' '));
    }
    CHECK(!is_wanted);  // but not for ever
    CHECK(rounds > 100);
    begun.request->answer(BodyStatus::malformed, true, fixture.answer);
    CHECK(fixture.sent().status() == "413");
    CHECK(fixture.answer.is_last);
  }
}

TEST_CASE("book_lane: a body that is not needed is dropped up to 64 KiB, and makes no difference") {
  constexpr std::size_t most = max_dropped_bytes;
  const auto get_of = [](std::size_t length) {
    return head_of("GET /addresses", "Content-Length: " + std::to_string(length) + "\r\n");
  };
  SUBCASE("a length that is small enough") {
    Fixture fixture;
    const auto begun = fixture.begin(get_of(most));
    REQUIRE(begun.kind == Begun::Kind::pending);
    CHECK(begun.body_timeout == drop_timeout);
    CHECK(fixture.arrive(begun, std::string(most, 'x')));
    CHECK(fixture.framing.complete());
    begun.request->answer(BodyStatus::complete, false, fixture.answer);
    CHECK(fixture.sent().status() == "200");
    CHECK(!fixture.answer.is_last);
  }
  SUBCASE("one that is not: answered at once") {
    Fixture fixture;
    CHECK(fixture.ask(get_of(most + 1)).status() == "200");
    CHECK(fixture.answer.is_last);
    CHECK(fixture.ask(get_of(std::size_t{1} << 62U), "some").status() == "200");
    CHECK(fixture.answer.is_last);
  }
  SUBCASE("chunks, until they are too many") {
    Fixture fixture;
    const auto begun = fixture.begin(head_of("GET /addresses", chunked), "10001\r\n");
    REQUIRE(begun.kind == Begun::Kind::pending);
    CHECK(fixture.arrive(begun, std::string(most, 'x')));
    CHECK(!fixture.arrive(begun, "x"));
    begun.request->answer(BodyStatus::malformed, true, fixture.answer);
    CHECK(fixture.sent().status() == "200");
    CHECK(fixture.answer.is_last);
  }
  SUBCASE("one that ends in no good way") {
    for (const auto status : {BodyStatus::timed_out, BodyStatus::malformed}) {
      Fixture fixture;
      const auto begun = fixture.begin(get_of(9), "x");
      REQUIRE(begun.kind == Begun::Kind::pending);
      begun.request->answer(status, true, fixture.answer);
      CHECK(fixture.sent().status() == "200");
      CHECK(fixture.answer.is_last);
    }
    Fixture broken;
    CHECK(broken.ask(head_of("GET /addresses", chunked), "x").status() == "200");
    CHECK(broken.answer.is_last);
  }
  SUBCASE("of a request that is refused") {
    Fixture fixture;
    const auto begun = fixture.begin(post_of(9, "Content-Type: text/html\r\n"), "{");
    REQUIRE(begun.kind == Begun::Kind::pending);
    CHECK(fixture.arrive(begun, "}1234567"));
    begun.request->answer(BodyStatus::complete, false, fixture.answer);
    CHECK(fixture.sent().status() == "415");
    CHECK(!fixture.answer.is_last);
  }
}

TEST_CASE("book_lane: a body has the shorter of the server's time and the book's") {
  Options options;
  options.body_timeout = 30s;
  Fixture fixture(options);
  CHECK(fixture.begin(post_of(9)).body_timeout == 30s);
  fixture.body_timeout = 20s;
  CHECK(fixture.begin(post_of(9)).body_timeout == 20s);
  fixture.body_timeout = 500ms;
  CHECK(fixture.begin(head_of("GET /addresses", "Content-Length: 1\r\n")).body_timeout == 500ms);
}

TEST_CASE("book_lane: only a body that is wanted and has not begun is invited") {
  const std::string expect = "Expect: 100-continue\r\n";
  Fixture fixture;
  auto begun = fixture.begin(post_of(2, expect));
  CHECK(begun.kind == Begun::Kind::pending);
  CHECK(begun.wants_continue);
  begun = fixture.begin(post_of(2, expect), "{");
  CHECK(begun.kind == Begun::Kind::pending);
  CHECK(!begun.wants_continue);
  begun = fixture.begin(post_of(2));
  CHECK(!begun.wants_continue);
  CHECK(fixture.ask(post_of(2, expect), "{}").status() == "201");
  CHECK(!fixture.answer.is_last);
  // Its client may leave the body out, so nobody knows where the next request begins.
  CHECK(fixture.ask(post_of(2, expect + "Content-Type: text/html\r\n")).status() == "415");
  CHECK(fixture.answer.is_last);
  CHECK(fixture.ask(head_of("DELETE /addresses/x", expect + "Content-Length: 2\r\n")).status() ==
        "404");
  CHECK(fixture.answer.is_last);
  // One that has begun will be sent.
  begun = fixture.begin(post_of(2, expect + "Content-Type: text/html\r\n"), "{");
  CHECK(begun.kind == Begun::Kind::pending);
  CHECK(!begun.wants_continue);
}

TEST_CASE("book_lane: a source's body is chunked, or ends with the connection in HTTP/1.0") {
  Fixture fixture;
  for (std::size_t i = 0; i < test::many; ++i) static_cast<void>(fixture.book.add());
  auto sent = fixture.ask(head_of("GET /addresses"));
  CHECK(fixture.answer.framing == AnswerFraming::chunked);
  CHECK(sent.has("Transfer-Encoding: chunked\r\n"));
  CHECK(!sent.has("Content-Length"));
  CHECK(!fixture.answer.is_last);
  CHECK(sent.body.empty());
  REQUIRE(fixture.answer.source != nullptr);
  const std::string list = read_all(*fixture.answer.source);
  CHECK(nlohmann::json::parse(list, nullptr, false).size() == test::many);

  sent = fixture.ask("GET /addresses HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(fixture.answer.framing == AnswerFraming::until_close);
  CHECK(!sent.has("Transfer-Encoding"));
  CHECK(!sent.has("Content-Length"));
  CHECK(fixture.answer.is_last);
  REQUIRE(fixture.answer.source != nullptr);
  CHECK(read_all(*fixture.answer.source) == list);

  sent = fixture.ask(head_of("HEAD /addresses"));
  CHECK(sent.has("Transfer-Encoding: chunked\r\n"));
  CHECK(sent.body.empty());
  CHECK(fixture.answer.source == nullptr);
  CHECK(!fixture.answer.is_last);
  CHECK(fixture.book.log->back().method == "HEAD");  // its line is written
  CHECK(fixture.book.log->back().reason.empty());
  sent = fixture.ask("HEAD /addresses HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(!sent.has("Transfer-Encoding"));
  CHECK(fixture.answer.source == nullptr);
  CHECK(!fixture.answer.is_last);
}

TEST_CASE("book_lane: short of memory, lists are not compressed, and then not begun") {
  const std::string get = head_of("GET /addresses", "Accept-Encoding: gzip\r\n");
  Fixture fixture(test::with_gzip(), 1000);
  std::string one;
  for (std::size_t i = 0; i < test::many; ++i) one = fixture.book.add();
  CHECK(fixture.ask(get).has("Content-Encoding: gzip\r\n"));
  fixture.engine.budget.change(0, 501);
  auto sent = fixture.ask(get);
  CHECK(sent.status() == "200");
  CHECK(!sent.has("Content-Encoding"));
  fixture.engine.budget.change(0, 500);
  sent = fixture.ask(get);
  CHECK(sent.status() == "503");
  CHECK(sent.has("Retry-After: "));
  CHECK(fixture.answer.source == nullptr);
  CHECK(!fixture.answer.is_last);
  CHECK(fixture.ask(head_of("GET " + one)).status() == "200");  // what is small is served
  CHECK(fixture.ask(post_of(2), "{}").status() == "201");
  fixture.engine.budget.change(1001, 0);
  CHECK(fixture.ask(get).has("Content-Encoding: gzip\r\n"));
}
