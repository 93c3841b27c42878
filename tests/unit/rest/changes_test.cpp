#include <addrbook/rest/changes.hpp>

#include <contract/writes.hpp>
#include <support/hold_up.hpp>
#include <unit/rest_book.hpp>

#include <addrbook/books.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using addrbook::BodySource;
using addrbook::Books;
using addrbook::ChangeToken;
using addrbook::Document;
using addrbook::Options;
using addrbook::Reply;
using addrbook::Rest;
using addrbook::Service;
using nlohmann::ordered_json;
using test::ada;
using test::Book;
using test::get;

namespace {

const std::string changes_path = "/addresses/_changes";

/// A client of a source, one that never blocks.
class Follower {
 public:
  Follower(const Rest& rest, const std::string& target, const test::Fields& headers = {},
           bool can_wait = true) {
    test::Ask ask;
    ask.target = target;
    ask.headers = headers;
    test::Asked asked(rest, ask);
    asked.request.can_wait = can_wait;
    reply = test::handle(rest, asked.request);
  }
  /// Reads until there is nothing more for now.
  /// @returns what there was, then "(later)", "(end)" or "(failed)"
  std::string read() {
    if (!reply.source) return reply.body + "(end)";
    std::string text;
    while (true) {
      switch (reply.source->read(text)) {
        case BodySource::Status::piece: break;
        case BodySource::Status::later: return text + "(later)";
        case BodySource::Status::end: return text + "(end)";
        case BodySource::Status::failed: return text + "(failed)";
      }
    }
  }
  /// Calls `change` while it waits for the source.
  void wait_during(const std::function<void()>& change) {
    std::promise<void> ready;
    reply.source->on_ready([&] { ready.set_value(); });
    change();
    REQUIRE(ready.get_future().wait_for(std::chrono::minutes(1)) == std::future_status::ready);
  }

  Reply reply;
};

const test::Fields as_stream{{"Accept", "text/event-stream"}};

std::string token(const Book& book, std::uint64_t revision, std::uint64_t start = 0) {
  return ChangeToken{book.store->true_state().epoch, revision, start}.text();
}

std::string since(const std::string& token) {
  return changes_path + "?since=" + token;
}

std::string put_json(const std::string& id, int revision, const std::string& text) {
  return R"({"id":")" + id + R"(","op":"put","revision":)" + std::to_string(revision) +
         R"(,"address":)" + text + "}";
}

std::string delete_json(const std::string& id, int revision) {
  return R"({"id":")" + id + R"(","op":"delete","revision":)" + std::to_string(revision) + "}";
}

std::string page_json(const std::string& changes, const std::string& next, bool more = false) {
  return R"({"changes":[)" + changes + R"(],"next":")" + next + R"(","more":)" +
         (more ? "true" : "false") + "}";
}

}  // namespace

TEST_CASE("changes: a page has puts and removals in order, and the token to go on with") {
  const Book book;
  const auto empty = get(book.rest, changes_path);
  CHECK(empty.status == 200);
  CHECK(empty.body == page_json("", token(book, 0)));
  CHECK(empty.header("Content-Type") == "application/json; charset=UTF-8");
  CHECK(empty.header("Vary") == "Accept");
  test::check_common_headers(empty);

  book.service->create("a", Document::parse(ada));
  book.service->create("b", Document::parse("{}"));
  CHECK(get(book.rest, since(token(book, 0))).body ==
        page_json(put_json("a", 1, ada) + "," + put_json("b", 2, "{}"), token(book, 2)));
  CHECK(get(book.rest, changes_path + "?limit=1").body ==
        page_json(put_json("a", 1, ada), token(book, 1, 2), true));
  book.service->remove("a");
  CHECK(get(book.rest, changes_path + "?limit=1&since=" + token(book, 1, 2)).body ==
        page_json(put_json("b", 2, "{}"), token(book, 2), true));
  CHECK(get(book.rest, since(token(book, 2))).body ==
        page_json(delete_json("a", 3), token(book, 3)));
  CHECK(get(book.rest, since(token(book, 3))).body == page_json("", token(book, 3)));
  // From the beginning, what was removed before is not there.
  CHECK(get(book.rest, changes_path).body == page_json(put_json("b", 2, "{}"), token(book, 3)));
  CHECK(test::ask(book.rest, test::asking("HEAD", changes_path + "?wait=30")).status == 200);
  test::check_error(test::ask(book.rest, test::asking("POST", changes_path)), "POST", changes_path,
                    405, "Method Not Allowed");
}

TEST_CASE("changes: bad parameters are refused") {
  const Book book;
  for (const std::string query :
       {"limit=0", "limit=1001", "limit=", "limit=x", "wait=31", "wait=-1", "wait=", "wait=1s",
        "wait=1.5", "x=1", "Limit=1", "limit=1&limit=2", "wait=0&wait=0", "since=&since="}) {
    CAPTURE(query);
    CHECK(get(book.rest, changes_path + "?" + query).status == 400);
    CHECK(get(book.rest, changes_path + "?" + query, as_stream).status == 400);
  }
  for (const std::string query : {"limit=1", "limit=1000", "wait=0"}) {
    CAPTURE(query);
    CHECK(get(book.rest, changes_path + "?" + query).status == 200);
  }
}

TEST_CASE("changes: any token that is not of this book, or too old, gets 410") {
  addrbook::ServiceOptions forgetful;
  forgetful.tombstone_lifetime = std::chrono::hours(0);
  const auto service = std::make_shared<Service>(std::make_shared<addrbook::MemoryStore>(),
                                                 std::vector<addrbook::Validator>{}, forgetful);
  const Rest rest = test::make_rest(service, {});
  service->create("a", Document::parse("{}"));
  const auto known = service->changes().next;
  const auto check = [&](const std::string& text) {
    CAPTURE(text);
    for (const std::string wait : {"", "&wait=5"}) {
      const auto answer = get(rest, since(text) + wait);
      test::check_error(answer, "GET", changes_path, 410,
                        "These changes are not known, or no longer: read the address book anew");
    }
    const auto stream = get(rest, since(text), as_stream);
    CHECK(stream.status == 200);
    CHECK(stream.body ==
          "event: reset\nid:\ndata: read the address book anew, without a token\n\n");
    CHECK(stream.is_complete);
  };
  for (const std::string text : {"", "x", "1", "%00", "%ff", "0000000000000000", "-1"}) check(text);
  check(ChangeToken{known.epoch + 1, 1, 0}.text());
  check(ChangeToken{known.epoch, 2, 0}.text());
  check(ChangeToken{known.epoch, 1, 2}.text());
  check(known.text() + "0");
  CHECK(get(rest, since(known.text())).status == 200);
  service->remove("a");
  check(known.text());
}

TEST_CASE("changes: a long poll is answered when there are changes") {
  const Book book;
  Follower poll(book.rest, since(token(book, 0)) + "&wait=30");
  CHECK(poll.reply.status == 200);
  REQUIRE(poll.reply.source);
  CHECK(poll.reply.source->is_live());
  CHECK(poll.read() == "(later)");
  poll.wait_during([&] { book.service->create("a", Document::parse("{}")); });
  CHECK(poll.read() == page_json(put_json("a", 1, "{}"), token(book, 1)) + "(end)");
  CHECK(book.log->empty());
  poll.reply = {};
  REQUIRE(book.log->size() == 1);
  CHECK(book.log->back().reason == "");

  // At once, if there are any.
  const Follower other(book.rest, since(token(book, 0)) + "&wait=30");
  CHECK_FALSE(other.reply.source);
  CHECK(other.reply.body == page_json(put_json("a", 1, "{}"), token(book, 1)));
}

TEST_CASE("changes: a write that changes nothing to be told does not end a long poll") {
  const Book book;
  Follower poll(book.rest, changes_path + "?wait=30");
  CHECK(poll.read() == "(later)");
  addrbook::Batch batch;
  batch.writes.push_back({"never", std::nullopt, {}});
  poll.wait_during([&] { CHECK(book.service->commit(std::move(batch)).done()); });
  CHECK(poll.read() == "(later)");
  poll.wait_during([&] { book.service->create("a", Document::parse("{}")); });
  CHECK(poll.read() == page_json(put_json("a", 2, "{}"), token(book, 2)) + "(end)");
}

TEST_CASE("changes: a long poll is answered without changes when its time is over") {
  const Book book;
  Follower poll(book.rest, changes_path + "?wait=1");
  CHECK(poll.read() == "(later)");
  poll.wait_during([] {});
  CHECK(poll.read() == page_json("", token(book, 0)) + "(end)");
}

TEST_CASE("changes: what waits ends with the server, its service or its book") {
  const auto books = std::make_shared<Books>();
  Options options;
  options.prefix = "/books/{book}/addresses";
  const Rest rest = test::make_rest(books, options);
  const auto book = books->create("ada").book;
  const std::string next = book->changes().next.text();
  const std::string path = "/books/ada/addresses/_changes";
  Follower poll(rest, path + "?wait=30");
  Follower stream(rest, path, as_stream);
  CHECK(poll.read() == "(later)");
  CHECK(stream.read() == "(later)");
  SUBCASE("the server stops") {
    CHECK(poll.reply.source->stop());
    CHECK(stream.reply.source->stop());
  }
  SUBCASE("the service stops") {
    poll.wait_during([&] { stream.wait_during([&] { book->stop(); }); });
  }
  SUBCASE("all books stop") {
    poll.wait_during([&] { stream.wait_during([&] { books->stop(); }); });
  }
  SUBCASE("the book is removed") {
    poll.wait_during([&] { stream.wait_during([&] { books->remove("ada"); }); });
    CHECK(get(rest, path).status == 404);
    CHECK(get(rest, path, as_stream).status == 404);
  }
  CHECK(poll.read() == page_json("", next) + "(end)");
  CHECK(stream.read() == "(end)");
}

TEST_CASE("changes: a stream has an event for each change, with the token behind it") {
  const Book book;
  book.service->create("a", Document::parse(ada));
  book.service->create("b", Document::parse(R"({"n":"line\nline"})"));
  Follower stream(book.rest, changes_path, as_stream);
  CHECK(stream.reply.status == 200);
  CHECK(stream.reply.headers.find("Content-Type") == "text/event-stream");
  CHECK(stream.reply.headers.find("Cache-Control") == "private, no-cache");
  CHECK(stream.reply.headers.find("X-Accel-Buffering") == "no");
  CHECK(stream.reply.headers.find("Vary") == "Accept");
  REQUIRE(stream.reply.source);
  CHECK(stream.reply.source->is_live());
  const auto event = [](const std::string& id, const std::string& data) {
    return "id: " + id + "\ndata: " + data + "\n\n";
  };
  // From the beginning, so that the first token is one of a reading that is not complete.
  CHECK(stream.read() == event(token(book, 1, 2), put_json("a", 1, ada)) +
                             event(token(book, 2), put_json("b", 2, R"({"n":"line\nline"})")) +
                             "(later)");
  stream.wait_during([&] { book.service->remove("a"); });
  CHECK(stream.read() == event(token(book, 3), delete_json("a", 3)) + "(later)");

  SUBCASE("it goes on behind Last-Event-ID, whatever the URL says") {
    for (const std::string& target : {changes_path, since(token(book, 0)), since("x")}) {
      Follower again(book.rest, target,
                     {{"Accept", "text/event-stream"}, {"Last-Event-ID", token(book, 1, 2)}});
      CHECK(again.read() == event(token(book, 2), put_json("b", 2, R"({"n":"line\nline"})")) +
                                event(token(book, 3), delete_json("a", 3)) + "(later)");
    }
  }
  SUBCASE("an empty Last-Event-ID is none") {
    Follower again(book.rest, since(token(book, 3)),
                   {{"Accept", "text/event-stream"}, {"Last-Event-ID", ""}});
    CHECK(again.read() == "(later)");
  }
  SUBCASE("Last-Event-ID is for streams only") {
    CHECK(get(book.rest, changes_path, {{"Last-Event-ID", token(book, 3)}}).body.find("\"b\"") !=
          std::string::npos);
  }
  SUBCASE("a foreign Last-Event-ID resets") {
    Follower again(book.rest, changes_path,
                   {{"Accept", "text/event-stream"}, {"Last-Event-ID", "7"}});
    CHECK(again.read() ==
          "event: reset\nid:\ndata: read the address book anew, without a token\n\n(end)");
  }
  SUBCASE("in small pages too") {
    Follower again(book.rest, changes_path + "?limit=1", as_stream);
    CHECK(again.read() ==
          event(token(book, 2, 3), put_json("b", 2, R"({"n":"line\nline"})")) + "(later)");
    std::string all;
    for (int i = 0; i < 5; ++i) {
      book.service->create("e" + std::to_string(i), Document::parse("{}"));
      all += event(token(book, static_cast<std::uint64_t>(4 + i)),
                   put_json("e" + std::to_string(i), 4 + i, "{}"));
    }
    CHECK(again.read() == all + "(later)");
  }
}

TEST_CASE("changes: a stream that has fallen behind what is remembered resets") {
  addrbook::ServiceOptions forgetful;
  forgetful.tombstone_lifetime = std::chrono::hours(0);
  const auto service = std::make_shared<Service>(std::make_shared<addrbook::MemoryStore>(),
                                                 std::vector<addrbook::Validator>{}, forgetful);
  const Rest rest = test::make_rest(service, {});
  service->create("a", Document::parse("{}"));
  const std::string known = service->changes().next.text();
  Follower stream(rest, since(known), as_stream);
  Follower poll(rest, since(known) + "&wait=30");
  CHECK(stream.read() == "(later)");
  CHECK(poll.read() == "(later)");
  service->remove("a");
  CHECK(stream.read() ==
        "event: reset\nid:\ndata: read the address book anew, without a token\n\n(end)");
  CHECK(poll.read() == page_json("", known) + "(end)");  // and the next one gets 410
  CHECK(get(rest, since(known)).status == 410);
}

TEST_CASE("changes: a stream that has nothing to say pings, and ends in time") {
  Options options;
  options.ping_interval = std::chrono::milliseconds(5);
  SUBCASE("pings") {
    const Book book(options);
    Follower stream(book.rest, changes_path, as_stream);
    std::string seen;
    while (seen.find(": ping\n\n: ping\n\n") == std::string::npos) {
      const std::string text = stream.read();
      REQUIRE(text.substr(text.size() - 7) == "(later)");
      seen += text.substr(0, text.size() - 7);
      stream.wait_during([] {});
    }
    CHECK(get(book.rest, changes_path).status == 200);
  }
  SUBCASE("ends") {
    options.stream_lifetime = std::chrono::milliseconds(20);
    const Book book(options);
    Follower stream(book.rest, changes_path, as_stream);
    std::string text = stream.read();
    while (text.find("(end)") == std::string::npos) {
      stream.wait_during([] {});
      text = stream.read();
    }
    CHECK(text == "(end)");
  }
  SUBCASE("has an interval") {
    options.ping_interval = std::chrono::milliseconds(0);
    CHECK_THROWS_AS(Book{options}, addrbook::Error);
  }
}

TEST_CASE("changes: no more than max_streams wait, in polls and streams together") {
  Options options;
  bool can_wait = true;
  SUBCASE("without a thread") {
    options.max_streams = 2;
  }
  SUBCASE("with a thread each") {
    options.max_blocking_streams = 2;
    can_wait = false;
  }
  const Book book(options);
  const auto follow = [&](bool is_stream) {
    return Follower(book.rest, changes_path + (is_stream ? "" : "?wait=30"),
                    is_stream ? as_stream : test::Fields{}, can_wait);
  };
  Follower stream = follow(true);
  Follower poll = follow(false);
  CHECK(stream.read() == "(later)");
  CHECK(poll.read() == "(later)");
  CHECK(follow(true).reply.status == 200);
  CHECK(follow(true).read() == "retry: 5000\n\n(end)");
  CHECK(follow(true).reply.headers.find("Content-Type") == "text/event-stream");
  const auto refused = follow(false);
  CHECK(refused.reply.status == 503);
  CHECK(refused.reply.headers.find("Retry-After") == "1");
  // Who does not have to wait needs no place.
  CHECK(get(book.rest, changes_path).status == 200);
  stream.reply = {};
  CHECK(follow(false).read() == "(later)");
  book.service->create("a", Document::parse("{}"));
  CHECK(follow(false).read().find("\"a\"") != std::string::npos);
}

TEST_CASE("changes: events are not compressed, pages are") {
  const Book book(test::with_gzip());
  book.service->create("a", Document::parse("{\"n\":\"" + std::string(3000, 'x') + "\"}"));
  auto headers = as_stream;
  headers.emplace_back("Accept-Encoding", "gzip");
  Follower stream(book.rest, changes_path, headers);
  CHECK_FALSE(stream.reply.headers.find("Content-Encoding").has_value());
  CHECK(stream.read().find("xxx") != std::string::npos);
  const auto page = get(book.rest, changes_path, {{"Accept-Encoding", "gzip"}});
  CHECK(page.header("Content-Encoding") == "gzip");
  CHECK(test::unpack(page.body).find("xxx") != std::string::npos);
  CHECK(page.header("Vary") == "Accept, Accept-Encoding");
  Follower poll(book.rest, since(token(book, 1)) + "&wait=30", {{"Accept-Encoding", "gzip"}});
  CHECK(poll.read() == "(later)");
  book.service->create("b", Document::parse("{}"));
  const std::string text = poll.read();
  CHECK(test::unpack(text.substr(0, text.size() - 5)).find("\"b\"") != std::string::npos);
}

TEST_CASE("changes: only a client that names the type gets a stream") {
  const Book book;
  for (const std::string accept : {"text/event-stream", "TEXT/Event-Stream ; q=0.5, */*;q=0.1",
                                   "application/json, text/event-stream"}) {
    CAPTURE(accept);
    CHECK(Follower(book.rest, changes_path, {{"Accept", accept}})
              .reply.headers.find("Content-Type") == "text/event-stream");
  }
  for (const std::string accept :
       {"*/*", "text/*", "application/json", "text/event-stream;q=0", "", "text/event-streams"}) {
    CAPTURE(accept);
    CHECK(Follower(book.rest, changes_path, {{"Accept", accept}})
              .reply.headers.find("Content-Type") == "application/json; charset=UTF-8");
  }
}

TEST_CASE("changes: who may not read the book may not follow it") {
  Options options;
  std::vector<addrbook::Action> asked;
  options.authorize = [&](const addrbook::AccessRequest& request) {
    asked.push_back(request.action);
    return addrbook::Access::forbid("bob");
  };
  const Book book(options);
  CHECK(get(book.rest, changes_path).status == 403);
  CHECK(get(book.rest, changes_path, as_stream).status == 403);
  CHECK(asked == std::vector<addrbook::Action>(2, addrbook::Action::read));
}

TEST_CASE("changes: storage that fails is a 503, and ends a stream") {
  const Book book;
  Follower stream(book.rest, changes_path, as_stream);
  CHECK(stream.read() == "(later)");
  book.service->create("a", Document::parse("{}"));
  book.store->before_page = [] { test::fail_storage(); };
  CHECK(get(book.rest, changes_path).status == 503);
  CHECK(stream.read() == "(failed)");
}

TEST_CASE("changes: a few streams read at a time, and the others are told when it is their turn") {
  const Book book;
  book.service->create("a", Document::parse(ada));
  test::Gate gate;
  book.store->before_page = [&] { gate.pass(); };
  std::vector<std::unique_ptr<Follower>> followers;
  for (int i = 0; i < 6; ++i) {
    followers.push_back(std::make_unique<Follower>(book.rest, changes_path, as_stream));
  }
  std::vector<std::future<std::string>> reading;
  for (std::size_t i = 0; i < 4; ++i) {
    reading.push_back(std::async(std::launch::async, [&, i] { return followers[i]->read(); }));
  }
  gate.wait_for(4);
  test::Arrivals told;
  for (std::size_t i = 4; i < 6; ++i) {
    CHECK(followers[i]->read() == "(later)");
    followers[i]->reply.source->on_ready([&] { told.add(); });
  }
  followers[4].reset();  // a client that leaves keeps nobody's turn
  gate.open();
  told.wait_for(1);
  CHECK(followers[5]->read().find(put_json("a", 1, ada)) != std::string::npos);
  for (auto& each : reading) {
    CHECK(each.get().find(put_json("a", 1, ada)) != std::string::npos);
  }
}

TEST_CASE("changes: applied from any token, through any pages, they make the present state") {
  const Book book;
  std::uint64_t seed = 1;
  const auto random = [&seed](std::uint64_t below) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33U) % below;
  };
  using Replica = std::map<std::string, std::string>;
  struct Reader {
    Replica replica;
    std::string token;
  };
  std::vector<Reader> readers(5);
  const auto write = [&] {
    const std::string id = "e" + std::to_string(random(8));
    addrbook::Batch batch;
    if (random(3) == 0) {
      batch.writes.push_back({id, std::nullopt, {}});
    } else {
      batch.writes.push_back({id, test::numbered(random(1000)), {}});
    }
    CHECK(book.service->commit(std::move(batch)).done());
  };
  const auto read = [&](Reader& reader, std::size_t limit) {
    std::string target = changes_path + "?limit=" + std::to_string(limit);
    if (!reader.token.empty()) target += "&since=" + reader.token;
    const auto answer = get(book.rest, target);
    REQUIRE(answer.status == 200);
    const auto page = answer.json();
    for (const auto& change : page["changes"]) {
      if (change["op"] == "put") {
        reader.replica[change["id"]] = change["address"].dump();
      } else {
        reader.replica.erase(change["id"].get<std::string>());
      }
    }
    reader.token = page["next"];
    return page["more"].get<bool>();
  };
  for (int round = 0; round < 300; ++round) {
    write();
    if (random(2) == 0) read(readers[random(readers.size())], 1 + random(4));
  }
  Replica expected;
  for (const auto& entry : book.service->list()) expected[entry.id] = entry.document.text();
  for (Reader& reader : readers) {
    while (read(reader, 1 + random(3))) {
    }
    CHECK(reader.replica == expected);
  }
}
