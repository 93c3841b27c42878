// Clients that take an answer slowly, or send a request slowly, hold no thread and little memory,
// however many they are, even where no deadline of the server's helps.

#include <support/abuse.hpp>
#include <support/crowd.hpp>
#include <support/probe.hpp>
#include <support/proc.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;
using test::Connection;
using test::Crowd;
using test::LoggedServer;
using test::Probe;

constexpr std::size_t mebibyte = std::size_t{1024} * 1024;

/// A server with a SQLite book of its own, as the program has by default.
class Target {
 public:
  Target() : server_(settings(folder_.path() / "book.db")) {}

  [[nodiscard]] int port() const { return server_.port(); }
  [[nodiscard]] const LoggedServer& server() const { return server_; }
  [[nodiscard]] std::size_t rss_kib() const { return test::status_kib(server_.id(), "VmRSS"); }

  /// Creates entries of random letters, which gzip can make little smaller.
  void fill(int entries, std::size_t bytes_each) const {
    static const std::string letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::mt19937 random(1);
    Connection connection(port());
    for (int i = 0; i < entries; ++i) {
      std::string document = "{\"notes\":\"";
      while (document.size() < bytes_each - 2) document += letters[random() % letters.size()];
      document += "\"}";
      REQUIRE(connection.request("POST", "/addresses", {}, document).status == 201);
    }
  }

 private:
  static test::Settings settings(const std::filesystem::path& file) {
    test::Settings settings = test::patient();
    settings.emplace_back("storage.sqlite", file.string());
    return settings;
  }

  test::TempFolder folder_;
  LoggedServer server_;
};

void check(const Probe::Report& report) {
  MESSAGE(test::to_text(report));
  CHECK_MESSAGE(report.failures == 0, report.first_failure);
  CHECK(report.requests > 0);
  if (test::is_sanitized) return;  // the storage takes so long that it holds threads
  CHECK(report.requests > 20);
  CHECK(report.most_threads < 40);
  CHECK(report.peak_kib < 200 * 1024);
  CHECK(report.p99_ms < 500);  // the machine has other things to do
}

/// Readers of the whole book, all of which together take 48 KiB a second.
void read_slowly(const Target& target, const std::string& request) {
  const std::size_t count = test::slow_clients();
  Probe probe(target.server().id(), test::fresh_and_kept(target.port()));
  Crowd readers(target.port(), count, {request, 4096});
  {
    const test::Repeating slowly(250ms, [&] { readers.look_at_some(6, 2048); });
    std::this_thread::sleep_for(test::slow_time());
  }
  check(probe.report());
  // They were there all the time, as far as the server has memory for them.
  for (int i = 0; i < 2; ++i) readers.look(1'000'000);  // an end comes after what was sent before
  MESSAGE(readers.open_count() << " of " << count << " readers are still there");
  CHECK(readers.open_count() >= (std::min)(count, std::size_t{2'000}));
}

}  // namespace

TEST_CASE("abuse: slow readers of a long list hold neither threads nor memory") {
  const Target target;
  target.fill(900, 10'000);
  SUBCASE("as it is") {
    read_slowly(target, test::opening::list);
  }
  SUBCASE("compressed") {
    read_slowly(target,
                "GET /addresses HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n");
  }
}

TEST_CASE("abuse: slow readers of the longest addresses hold neither threads nor memory") {
  const Target target;
  target.fill(8, mebibyte);
  read_slowly(target, test::opening::list);
}

TEST_CASE("abuse: slow bodies hold no threads") {
  const Target target;
  const std::size_t count = test::slow_clients();
  Probe probe(target.server().id(), test::fresh_and_kept(target.port()));
  Crowd writers(target.port(), count, {test::opening::half_body, 0});
  {
    const test::Repeating slowly(1s, [&] { writers.send("x"); });
    std::this_thread::sleep_for(test::slow_time());
  }
  check(probe.report());
  writers.look();
  CHECK(writers.open_count() == count);
}

// Three times as many as the server has memory for. Those that it ends come again.
TEST_CASE("abuse: bodies that are almost complete hold no more memory than there is for them") {
  const Target target;
  const std::size_t count = (std::max)(test::slow_clients(), std::size_t{400});
  const auto rss_before = target.rss_kib();
  Probe probe(target.server().id(), test::fresh_and_kept(target.port()));
  const std::string opening = test::opening::half_body + std::string(499'000, 'x');
  {
    Crowd writers(target.port(), count, {opening, 0});
    {
      const test::Repeating slowly(250ms, [&] {
        writers.send("x");
        writers.look();
        writers.reopen(5);
      });
      std::this_thread::sleep_for(test::slow_time());
    }
    CHECK(writers.open_count() < count);
    for (const std::string& answer : writers.beginnings()) {
      CHECK(answer.rfind("HTTP/1.1 503 ", 0) == 0);
      CHECK(answer.find("\r\nRetry-After: 1\r\n") != std::string::npos);
    }
  }
  check(probe.report());
  CHECK(target.server().log().find("max_buffered_bytes is reached") != std::string::npos);
  if (test::is_sanitized) return;
  CHECK(test::eventually(5s, [&] { return target.rss_kib() < rss_before + 16 * 1024; }));
}

TEST_CASE("abuse: the memory of half heads is given back when their clients are gone") {
  const Target target;
  const std::size_t count = test::slow_clients();
  const auto rss_before = target.rss_kib();
  Probe probe(target.server().id(), test::fresh_and_kept(target.port()));
  {
    Crowd heads(target.port(), count, {test::opening::half_head + std::string(60'000, 'x'), 0});
    std::this_thread::sleep_for(test::slow_time());
    MESSAGE("memory was " << rss_before << " KiB, and is " << target.rss_kib() << " KiB");
    heads.look();
    // The server has memory for a thousand.
    if (count <= 900) CHECK(heads.open_count() == count);
    if (count <= 900 && !test::is_sanitized) CHECK(target.rss_kib() > rss_before + count * 50);
  }
  check(probe.report());
  if (test::is_sanitized) return;
  CHECK(test::eventually(5s, [&] { return target.rss_kib() < rss_before + 8 * 1024; }));
  MESSAGE("then " << target.rss_kib() << " KiB");
}
