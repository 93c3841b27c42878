// Metrics over sockets: each number moves when what it counts happens.

#include <addrbook/metrics.hpp>
#include <addrbook/server.hpp>

#include <support/crowd.hpp>
#include <support/http_client.hpp>
#include <support/metrics_text.hpp>
#include <support/running.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using test::Connection;
using test::MetricsText;
using test::requests;
using test::Running;
using namespace std::chrono_literals;

std::string connections(const std::string& state) {
  return "addrbook_connections{state=\"" + state + "\"}";
}

addrbook::ServerOptions with_metrics(const std::shared_ptr<addrbook::Metrics>& metrics) {
  addrbook::ServerOptions options;
  options.metrics = metrics;
  return options;
}

/// A server of ours whose book and whose connections are counted.
class CountedServer {
 public:
  explicit CountedServer(addrbook::ServerOptions options = {})
      : CountedServer(std::make_shared<addrbook::Metrics>(), std::move(options)) {}

  [[nodiscard]] int port() const { return running_.port(); }
  void stop() { running_.stop(); }
  [[nodiscard]] MetricsText now() const { return MetricsText(metrics_->text()); }
  /// Waits until a number is as it should be.
  [[nodiscard]] bool comes_to(const std::string& series, double value) const {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (now()[series] != value) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

 private:
  CountedServer(std::shared_ptr<addrbook::Metrics> metrics, addrbook::ServerOptions options)
      : metrics_(std::move(metrics)), server_(told(std::move(options))), running_(server_) {}

  // The book is mounted before the server listens.
  addrbook::ServerOptions told(addrbook::ServerOptions options) const {
    options.metrics = metrics_;
    return options;
  }

  struct MountedServer : addrbook::Server {
    explicit MountedServer(const addrbook::ServerOptions& options) : Server(options) {
      addrbook::Options of_book;
      of_book.metrics = options.metrics;
      addrbook::mount(*this, of_book);
    }
  };

  std::shared_ptr<addrbook::Metrics> metrics_;
  MountedServer server_;
  Running<addrbook::Server> running_;
};

}  // namespace

TEST_CASE("metrics: connections are counted by what they do") {
  const CountedServer server;
  const std::size_t each = 3;
  CHECK(server.now()[connections("idle")] == 0);
  const test::Crowd silent(server.port(), each);
  CHECK(server.comes_to(connections("new"), each));
  const test::Crowd begun(server.port(), each, {"GET /addr"});
  CHECK(server.comes_to(connections("reading_head"), each));
  const test::Crowd half(server.port(), each,
                         {"POST /addresses HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"});
  CHECK(server.comes_to(connections("reading_body"), each));
  const test::Crowd following(
      server.port(), each,
      {"GET /addresses/_changes HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"});
  CHECK(server.comes_to(connections("following"), each));
  CHECK(server.now()["addrbook_streams{kind=\"events\"}"] == each);
  const test::Crowd idle(server.port(), each, {"GET /addresses HTTP/1.1\r\nHost: x\r\n\r\n"});
  CHECK(server.comes_to(connections("idle"), each));
  const MetricsText text = server.now();
  CHECK(text["addrbook_connections_accepted_total"] == 5 * each);
  CHECK(text["addrbook_connections_refused_total"] == 0);
  CHECK(text["addrbook_connections_max"] > 0);
  CHECK(text["addrbook_buffered_bytes"] > 0);
  CHECK(text["addrbook_buffered_max_bytes"] == 64.0 * 1024 * 1024);
}

TEST_CASE("metrics: the connection that asks is one that works") {
  const CountedServer server;
  Connection connection(server.port());
  const auto answer = connection.request("GET", "/addresses/_metrics");
  CHECK(answer.status == 200);
  CHECK(answer.header("content-type") == "text/plain; version=0.0.4");
  CHECK(MetricsText(answer.body)[connections("working")] == 1);
  CHECK(server.comes_to(connections("idle"), 1));
}

TEST_CASE("metrics: connections over the limit") {
  addrbook::ServerOptions options;
  options.max_connections = 2;
  const CountedServer server(options);
  const test::Crowd crowd(server.port(), 2);
  CHECK(server.comes_to(connections("new"), 2));
  Connection third(server.port());
  CHECK(third.read_response().status == 503);
  const MetricsText text = server.now();
  CHECK(text["addrbook_connections_refused_total"] == 1);
  CHECK(text["addrbook_connections_accepted_total"] == 3);
  CHECK(text["addrbook_connections_max"] == 2);
  CHECK_FALSE(text.has(requests("other", "other", 503)));  // no request was read
}

TEST_CASE("metrics: what the server itself refuses counts as other") {
  const CountedServer server;
  const auto ask = [&](const std::string& text) {
    Connection connection(server.port());
    connection.send(text);
    return connection.read_response().status;
  };
  CHECK(ask("GET /addresses HTTP/1.1\r\nHost : x\r\n\r\n") == 400);
  CHECK(ask("TRACE /nowhere HTTP/1.1\r\nHost: x\r\n\r\n") == 501);
  CHECK(ask("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n") == 404);
  CHECK(ask("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n") == 431);
  const MetricsText text = server.now();
  CHECK(text[requests("other", "GET", 400)] == 1);
  CHECK(text[requests("other", "other", 501)] == 1);
  CHECK(text[requests("other", "GET", 404)] == 1);
  CHECK(text[requests("other", "GET", 431)] == 1);
}

TEST_CASE("metrics: what clients send makes no series") {
  const CountedServer server;
  const auto attack = [&](int round) {
    const std::string word = "x" + std::to_string(round);
    for (const std::string& line : std::vector<std::string>{
             word + " /addresses", "GET /addresses/" + word, "GET /addresses/_" + word,
             "DELETE /" + word, "OPTIONS /addresses/" + word, "BREW /addresses?" + word}) {
      Connection connection(server.port());
      connection.send(line + " HTTP/1.1\r\nHost: " + word + "\r\n" + word + ": 1\r\n\r\n");
      CHECK(connection.read_response().status >= 200);
    }
  };
  attack(0);
  const std::size_t before = server.now().size();
  for (int round = 1; round < 50; ++round) attack(round);
  CHECK(server.now().size() == before);
}

TEST_CASE("metrics: a server that has stopped has no connections any more") {
  const auto metrics = std::make_shared<addrbook::Metrics>();
  {
    addrbook::Server server(with_metrics(metrics));
    const Running running(server);
    CHECK(MetricsText(metrics->text()).has("addrbook_connections_max"));
  }
  CHECK_FALSE(MetricsText(metrics->text()).has("addrbook_connections_max"));
}

TEST_CASE("metrics: a plain httplib server serves them too, and a program can read them itself") {
  const auto metrics = std::make_shared<addrbook::Metrics>();
  addrbook::Options options;
  options.metrics = metrics;
  httplib::Server server;
  addrbook::mount(server, options);
  server.Get("/own", [metrics](const httplib::Request&, httplib::Response& response) {
    response.set_content(metrics->text(), std::string(addrbook::Metrics::content_type));
  });
  const Running running(server);
  Connection connection(running.port());
  CHECK(connection.request("GET", "/addresses").status == 200);
  const auto ours = connection.request("GET", "/addresses/_metrics");
  const auto own = connection.request("GET", "/own");
  CHECK(ours.header("content-type") == own.header("content-type"));
  CHECK(MetricsText(own.body)[requests("{base}", "GET", 200)] == 1);
  CHECK(MetricsText(own.body)[requests("{base}/_metrics", "GET", 200)] == 1);
  CHECK_FALSE(MetricsText(own.body).has("addrbook_connections_max"));
}
