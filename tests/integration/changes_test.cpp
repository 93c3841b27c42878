// Long polls and streams of changes over sockets: on our server, and on httplib's.

#include <addrbook/books.hpp>
#include <addrbook/server.hpp>

#include <support/crowd.hpp>
#include <support/http_client.hpp>
#include <support/mount.hpp>
#include <support/proc.hpp>
#include <support/running.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <regex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using test::Connection;
using test::Running;
using namespace std::chrono_literals;

const std::string path = "/addresses/_changes";
const test::Headers as_stream{{"accept", "text/event-stream"}};

addrbook::Document document(int number) {
  return addrbook::Document::parse("{\"n\":" + std::to_string(number) + "}");
}

/// A client of a stream, as an EventSource is one: it takes what comes, and knows the last id.
class EventClient {
 public:
  EventClient(int port, const std::string& target, const test::Headers& headers = as_stream)
      : connection_(port) {
    REQUIRE(connection_.send_request("GET", target, headers));
  }

  /// Waits until a text has come. @returns whether it has, before the end
  bool sees(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (connection_.unread().find(text) == std::string::npos) {
      if (connection_.is_closed(10ms)) break;
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return connection_.unread().find(text) != std::string::npos;
  }
  /// @returns all that has come, when the server has closed the connection
  std::string all() {
    REQUIRE(connection_.is_closed());
    return connection_.unread();
  }
  [[nodiscard]] const std::string& text() const noexcept { return connection_.unread(); }
  [[nodiscard]] std::string last_id() const {
    const std::string& text = connection_.unread();
    const auto from = text.rfind("id: ") + 4;
    return text.substr(from, text.find('\n', from) - from);
  }

 private:
  Connection connection_;
};

/// Keeps a copy of a book by pages, long polls and streams, as chance has it.
class Follower {
 public:
  Follower(int port, std::uint64_t seed) : port_(port), random_(seed) {}

  [[nodiscard]] const std::map<std::string, std::string>& copy() const noexcept { return copy_; }
  [[nodiscard]] int resets() const noexcept { return resets_; }

  /// Takes at least one change, if there is one or another one comes.
  void step() {
    switch (random_() % 3) {
      case 0: return ask("limit=" + std::to_string(1 + random_() % 4));
      case 1: return ask("wait=30");
      default: return listen();
    }
  }

 private:
  void ask(const std::string& query) {
    const std::string since = token_.empty() ? "" : "&since=" + token_;
    const auto answer = Connection(port_).request("GET", path + "?" + query + since);
    if (answer.status == 410) return reset();
    REQUIRE(answer.status == 200);
    const auto page = nlohmann::json::parse(answer.body);
    for (const auto& change : page["changes"]) apply(change);
    token_ = page["next"];
  }

  void listen() {
    test::Headers headers = as_stream;
    if (!token_.empty()) headers.emplace_back("last-event-id", token_);
    EventClient stream(port_, path, headers);
    REQUIRE(stream.sees("\n\n"));
    const std::string text = stream.text();
    static const std::regex event("id: (.*)\ndata: (.*)\n\n|event: reset\n");
    for (std::sregex_iterator at(text.begin(), text.end(), event), end; at != end; ++at) {
      if (!(*at)[1].matched) return reset();
      apply(nlohmann::json::parse((*at)[2].str()));
      token_ = (*at)[1];
    }
  }

  void apply(const nlohmann::json& change) {
    if (change["op"] == "put") {
      copy_[change["id"]] = change["address"].dump();
    } else {
      copy_.erase(change["id"].get<std::string>());
    }
  }
  void reset() {
    ++resets_;
    copy_.clear();
    token_.clear();
  }

  const int port_;
  std::mt19937_64 random_;
  std::string token_;
  std::map<std::string, std::string> copy_;
  int resets_ = 0;
};

}  // namespace

TEST_CASE_TEMPLATE("changes: pages, long polls and streams in any mix make the present state",
                   Server, addrbook::Server, httplib::Server) {
  addrbook::ServiceOptions limits;
  SUBCASE("removals are remembered") {}
  SUBCASE("removals are forgotten at once") {
    limits.tombstone_lifetime = std::chrono::hours(0);
  }
  const auto book = std::make_shared<addrbook::Service>(std::make_shared<addrbook::MemoryStore>(),
                                                        std::vector<addrbook::Validator>{}, limits);
  Server server;
  addrbook::mount(server, book);
  Running running(server);
  std::thread writer([&] {
    std::mt19937_64 random(7);
    for (int i = 0; i < 400; ++i) {
      addrbook::Batch batch;
      const std::string id = "e" + std::to_string(random() % 8);
      const bool is_removal = random() % 3 == 0;
      batch.writes.push_back({id, is_removal ? std::nullopt : std::optional(document(i)), {}});
      CHECK(book->commit(std::move(batch)).done());
    }
    book->create("end", document(0));
  });
  int resets = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Follower follower(running.port(), seed);
    for (int i = 0; i < 10'000 && follower.copy().count("end") == 0; ++i) follower.step();
    resets += follower.resets();
    if (seed == 1) writer.join();
    std::map<std::string, std::string> expected;
    for (const auto& entry : book->list()) expected[entry.id] = entry.document.text();
    CHECK(follower.copy() == expected);
  }
  if (limits.tombstone_lifetime != std::chrono::hours(0)) CHECK(resets == 0);
}

TEST_CASE_TEMPLATE("changes: a stream goes on behind its last event", Server, addrbook::Server,
                   httplib::Server) {
  Server server;
  const auto book = test::mount(server);
  std::string last_id;
  {
    Running running(server);
    EventClient client(running.port(), path);
    CHECK(client.sees("\r\n\r\n"));
    CHECK(client.sees("200 OK"));
    book->create("a", document(1));
    CHECK(client.sees(R"(data: {"id":"a","op":"put","revision":1,"address":{"n":1}})"));
    book->update("a", document(2));
    CHECK(client.sees(R"("address":{"n":2})"));
    last_id = client.last_id();
    CHECK(running.stop() < 5s);
  }
  book->remove("a");
  Server again;
  test::mount(again, book);
  Running running(again);
  EventClient client(running.port(), path,
                     {{"accept", "text/event-stream"}, {"last-event-id", last_id}});
  CHECK(client.sees(R"(data: {"id":"a","op":"delete","revision":3})"));
  EventClient lost(running.port(), path, {{"accept", "text/event-stream"}, {"last-event-id", "x"}});
  CHECK(lost.sees("event: reset\n"));
}

TEST_CASE("changes: what waits on our server is complete when it stops") {
  addrbook::Server server;
  const auto book = test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  EventClient stream(running.port(), path);
  CHECK(stream.sees("\r\n\r\n"));
  book->create("a", document(1));
  CHECK(stream.sees("\"a\""));
  const std::string next = book->changes().next.text();
  Connection poll(running.port());
  REQUIRE(poll.send_request("GET", path + "?wait=30&since=" + next));
  REQUIRE(poll.has_more());
  CHECK(running.stop() < 5s);
  const std::string text = stream.all();
  CHECK(text.substr(text.size() - 5) == "0\r\n\r\n");
  const auto response = poll.read_response();
  CHECK(response.status == 200);
  CHECK(response.complete);
  CHECK(response.body == R"({"changes":[],"next":")" + next + R"(","more":false})");
}

TEST_CASE_TEMPLATE("changes: a long poll is answered by a write", Server, addrbook::Server,
                   httplib::Server) {
  Server server;
  const auto book = test::mount(server);
  Running running(server);
  Connection poll(running.port());
  for (int i = 1; i < 4; ++i) {
    const std::string next = book->changes().next.text();
    REQUIRE(poll.send_request("GET", path + "?wait=30&since=" + next));
    REQUIRE(poll.has_more());  // the head: it waits
    book->create("e" + std::to_string(i), document(i));
    const auto response = poll.read_response();
    CHECK(response.status == 200);
    CHECK(response.complete);
    const auto page = nlohmann::json::parse(response.body);
    REQUIRE(page["changes"].size() == 1);
    CHECK(page["changes"][0]["address"]["n"] == i);
    CHECK(page["next"] == book->changes().next.text());
  }
}

TEST_CASE("changes: a stream ends with its book") {
  addrbook::Server server;
  const auto books = std::make_shared<addrbook::Books>();
  addrbook::Options options;
  options.prefix = "/books/{book}/addresses";
  test::mount(server, books, options);
  Running running(server, server.bind("127.0.0.1", 0));
  books->create("ada").book->create("a", document(1));
  const std::string target = "/books/ada/addresses/_changes";
  EventClient stream(running.port(), target,
                     {{"accept", "text/event-stream"}, {"connection", "close"}});
  CHECK(stream.sees("\"a\""));
  Connection poll(running.port());
  const std::string next = books->open("ada")->changes().next.text();
  REQUIRE(poll.send_request("GET", target + "?wait=30&since=" + next));
  REQUIRE(poll.has_more());
  CHECK(Connection(running.port()).request("DELETE", "/books/ada").status == 204);
  const std::string text = stream.all();
  CHECK(text.substr(text.size() - 5) == "0\r\n\r\n");
  CHECK(poll.read_response().complete);
  CHECK(Connection(running.port()).request("GET", target).status == 404);
  // Made again, it is another one.
  books->create("ada");
  CHECK(Connection(running.port()).request("GET", target + "?since=" + next).status == 410);
}

TEST_CASE("changes: where each holds a thread there are few, and the others are served") {
  // Not more threads than streams and one other client.
  const auto check = [](httplib::Server& server, const std::shared_ptr<addrbook::Service>& book) {
    Running running(server);
    EventClient first(running.port(), path);
    EventClient second(running.port(), path);
    CHECK(first.sees("\r\n\r\n"));
    CHECK(second.sees("\r\n\r\n"));
    EventClient third(running.port(), path);
    CHECK(third.sees("retry: 5000\n\n"));
    const auto refused = Connection(running.port()).request("GET", path + "?wait=30");
    CHECK(refused.status == 503);
    CHECK(refused.header("retry-after") == "1");
    book->create("a", document(1));
    CHECK(Connection(running.port()).request("GET", path + "?wait=30").status == 200);
    CHECK(first.sees("\"a\""));
    CHECK(second.sees("\"a\""));
    CHECK(running.stop() < 5s);
  };
  SUBCASE("httplib's server") {
    httplib::Server server;
    server.new_task_queue = [] { return new httplib::ThreadPool(4); };
    check(server, test::mount(server));
  }
  SUBCASE("ours, with hooks") {
    addrbook::ServerOptions options;
    options.hooks_see_books = true;
    addrbook::Server server(options);
    check(server, test::mount(server));
  }
}

TEST_CASE("changes: who leaves gives its place back at the next ping") {
  addrbook::Server server;
  addrbook::Options options;
  options.max_streams = 1;
  options.ping_interval = 5ms;
  test::mount(server, options);
  Running running(server, server.bind("127.0.0.1", 0));
  {
    EventClient first(running.port(), path);
    CHECK(first.sees(": ping\n\n"));
    EventClient second(running.port(), path);
    CHECK(second.sees("retry: 5000\n\n"));
  }
  CHECK(test::eventually(60s, [&] {
    EventClient next(running.port(), path);
    return next.sees("\n\n") && next.sees(": ping");
  }));
}

TEST_CASE("changes: a thousand streams wait without a thread each, and all are told") {
  const std::size_t count = test::scaled(1'000);
  addrbook::Server server;
  addrbook::Options options;
  options.max_streams = count + 1;
  const auto book = test::mount(server, options);
  Running running(server, server.bind("127.0.0.1", 0));
  test::Crowd::Setting setting;
  setting.opening =
      "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
  test::Crowd crowd(running.port(), count, setting);
  EventClient last(running.port(), path);
  CHECK(last.sees("\r\n\r\n"));
  // This process has this thread too, and that of Running.
  CHECK(test::status_kib(::getpid(), "Threads") <= 12);

  auto slowest = 0ns;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    CHECK(Connection(running.port()).request("GET", "/addresses").status == 200);
    slowest = (std::max)(slowest, std::chrono::steady_clock::now() - start);
  }
  CHECK(slowest < 5s);  // 50 ms on a machine that has nothing else to do
  MESSAGE("the slowest of 5 requests took ", slowest.count() / 1'000'000, " ms");

  book->create("a", document(1));
  CHECK(test::status_kib(::getpid(), "Threads") <= 12);
  crowd.look();
  CHECK(crowd.open_count() == count);
  CHECK(running.stop() < 10s);
  CHECK(test::eventually(60s, [&] {
    crowd.look();
    return crowd.open_count() == 0;
  }));
  std::size_t told = 0;
  for (const std::string& text : crowd.beginnings()) {
    told += text.find("\"a\"") != std::string::npos && text.find("0\r\n\r\n") != std::string::npos
                ? 1
                : 0;
  }
  CHECK(told == count);
}
