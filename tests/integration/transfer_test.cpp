// Imports and exports on a program's server, over real sockets: on httplib's own server, on ours,
// and on ours where the program's hooks see the book's requests.

#include <addrbook/addrbook.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/server.hpp>

#include <support/http_client.hpp>
#include <support/line_format.hpp>
#include <support/mount.hpp>
#include <support/running.hpp>
#include <support/server_with_hooks.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using test::Connection;
using test::Running;
using test::ServerWithHooks;

const std::string head =
    "POST /addresses?format=lines&partial=true HTTP/1.1\r\nHost: localhost\r\n";

std::string numbers(std::size_t count, std::size_t first = 0) {
  std::string text;
  for (std::size_t i = first; i < first + count; ++i) {
    text += R"({"n":)" + std::to_string(i) + "}\n";
  }
  return text;
}

std::string chunk(const std::string& text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string size;
  for (std::size_t rest = text.size(); rest != 0; rest /= 16) size.insert(0, 1, digits[rest % 16]);
  return size + "\r\n" + text + "\r\n";
}

addrbook::Options with_lines() {
  addrbook::Options options;
  options.formats = {test::line_format()};
  options.coding = addrbook::gzip();
  options.max_atomic_records = 10;
  return options;
}

/// Waits until the book has so many entries.
void wait_for_count(const addrbook::Service& book, std::uint64_t count) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (book.state().count < count && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  CHECK(book.state().count == count);
}

std::string packed(const std::string& text) {
  std::string result;
  const addrbook::ByteSink sink = [&](std::string_view bytes) {
    result.append(bytes);
    return true;
  };
  const auto encoder = addrbook::gzip()->encoder();
  REQUIRE(encoder->write(text, sink));
  REQUIRE(encoder->finish(sink));
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("transfer: contacts come in and go out again", Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server, with_lines());
  Running running(server);
  Connection connection(running.port());
  const auto in = connection.request("POST", "/addresses", {{"content-type", "text/x-lines"}},
                                     numbers(3) + "oops\n");
  CHECK(in.status == 200);
  CHECK(in.body ==
        R"({"created":3,"updated":0,"skipped":0,"failed":1,"errors":[{"index":3,"line":4,)"
        R"("message":"unexpected 'o' at byte 0"}],"warnings":[]})");
  const auto out = connection.request("GET", "/addresses?format=lines&version=1");
  CHECK(out.status == 200);
  CHECK(out.body == numbers(3));
  CHECK(out.header("content-type") == "text/x-lines; version=1");
  CHECK(out.header("content-disposition") == "attachment; filename=\"contacts.lines\"");
  CHECK(out.header("vary") == "Accept, Accept-Encoding");
  const auto again = connection.request(
      "GET", "/addresses", {{"accept", "text/x-lines"}, {"if-none-match", out.header("etag")}});
  CHECK(again.status == 304);
  const auto only_head = connection.request("HEAD", "/addresses?format=lines");
  CHECK(only_head.status == 200);
  CHECK(only_head.header("etag") == out.header("etag"));
  CHECK(connection.request("GET", "/addresses?format=vcf").status == 406);
  CHECK(connection.request("POST", "/addresses?format=vcf", {}, "x").status == 400);
  CHECK(connection.request("POST", "/addresses?format=lines", {}, numbers(11)).status == 413);
}

TEST_CASE_TEMPLATE("transfer: an import may be longer than any other body, plain or packed", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server, with_lines());
  Running running(server);
  std::string text;  // packed not over 200 times smaller
  for (int i = 0; i < 300; ++i) {
    text += R"({"text":")";
    for (int k = 0; k < 2'000; ++k) text += std::to_string(2'000 * i + k);
    text += "\"}\n";
  }
  Connection connection(running.port());
  const auto plain = connection.request("POST", "/addresses?format=lines&partial=true", {}, text);
  CHECK(plain.status == 200);
  CHECK(plain.body.rfind(R"({"created":300,)", 0) == 0);
  const auto gzipped = connection.request("POST", "/addresses?format=lines&partial=true",
                                          {{"content-encoding", "gzip"}}, packed(text));
  CHECK(gzipped.body.rfind(R"({"created":0,"updated":0,"skipped":300,)", 0) == 0);
  const auto out = connection.request("GET", "/addresses?format=lines&version=1");
  CHECK(out.header("transfer-encoding") == "chunked");
  CHECK(out.complete);
  CHECK(out.body == text);
}

TEST_CASE_TEMPLATE("transfer: records are stored while the body arrives", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server, with_lines());
  Running running(server);
  Connection connection(running.port());
  connection.send(head + "Transfer-Encoding: chunked\r\n\r\n");
  for (std::size_t i = 0; i < 5; ++i) {
    // The first record of the next batch makes the one before complete.
    connection.send(chunk(numbers(10, i * 10)) + chunk(numbers(1, i * 10 + 10)));
    wait_for_count(*book, (i + 1) * 10);
  }
  connection.send("0\r\n\r\n");
  const auto response = connection.read_response();
  CHECK(response.status == 200);
  CHECK(response.body.rfind(R"({"created":51,"updated":0,"skipped":4,)", 0) == 0);
  CHECK(connection.request("GET", "/addresses/_health").status == 200);
}

TEST_CASE_TEMPLATE(
    "transfer: a client that leaves has stored whole batches, and one that stores all "
    "together nothing",
    Server, ADDRBOOK_TEST_SERVERS) {
  Server server;
  const auto book = test::mount(server, with_lines());
  Running running(server);
  {
    Connection connection(running.port());
    connection.send(head + "Content-Length: 100000\r\n\r\n" + numbers(25));
    wait_for_count(*book, 20);
    connection.finish_sending();
    CHECK(connection.read_response().status == 400);
  }
  {
    Connection connection(running.port());
    connection.send(
        "POST /addresses?format=lines HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Length: 100000\r\n\r\n" +
        numbers(5, 100));
    connection.finish_sending();
    CHECK(connection.read_response().status == 400);
  }
  CHECK(book->state().count == 20);
  // The rest comes with the same file again.
  const auto again = Connection(running.port())
                         .request("POST", "/addresses?format=lines&partial=true", {}, numbers(25));
  CHECK(again.body.rfind(R"({"created":5,"updated":0,"skipped":20,)", 0) == 0);
}

TEST_CASE_TEMPLATE("transfer: who falls behind the rate is told so, after body_timeout", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  auto options = with_lines();
  options.body_timeout = 300ms;
  options.min_transfer_rate = 1'000'000;
  const auto book = test::mount(server, options);
  Running running(server);
  Connection connection(running.port());
  connection.send(head + "Content-Length: 100000\r\n\r\n");
  const auto start = std::chrono::steady_clock::now();
  while (!connection.is_closed(20ms) && connection.unread().empty()) {
    if (!connection.send(numbers(1))) break;
    REQUIRE(std::chrono::steady_clock::now() - start < 15s);
  }
  const auto response = connection.read_response();
  CHECK(response.status == 408);
  CHECK(response.body.find("Body slower than 1000000 bytes a second") != std::string::npos);
}

TEST_CASE_TEMPLATE("transfer: who keeps to the rate may take longer than body_timeout", Server,
                   ADDRBOOK_TEST_SERVERS) {
  Server server;
  auto options = with_lines();
  options.body_timeout = 200ms;
  options.min_transfer_rate = 1;
  const auto book = test::mount(server, options);
  Running running(server);
  Connection connection(running.port());
  connection.send(head + "Transfer-Encoding: chunked\r\n\r\n");
  const auto start = std::chrono::steady_clock::now();
  std::size_t sent = 0;
  while (std::chrono::steady_clock::now() - start < 700ms) {
    REQUIRE(connection.send(chunk(numbers(1, sent++))));
    CHECK_FALSE(connection.is_closed(20ms));
  }
  connection.send("0\r\n\r\n");
  CHECK(connection.read_response().status == 200);
  CHECK(book->state().count == sent);
}

TEST_CASE("transfer: slow imports and exports hold no thread") {
  constexpr std::size_t clients = 100;
  addrbook::ServerOptions server_options;
  server_options.max_threads = 40;
  addrbook::Server server(server_options);
  const auto book = test::mount(server, with_lines());
  for (int i = 0; i < 40; ++i) {
    book->create(addrbook::Document::parse(R"({"text":")" + std::string(100'000, 'x') + "\"}"));
  }
  Running running(server);
  std::vector<Connection> importers;
  std::vector<Connection> exporters;
  for (std::size_t i = 0; i < clients; ++i) {
    importers.emplace_back(running.port());
    importers.back().send(head + "Transfer-Encoding: chunked\r\n\r\n" +
                          chunk(numbers(15, 100 * i)));
    exporters.emplace_back(running.port());
    exporters.back().send_request("GET", "/addresses?format=lines");
  }
  wait_for_count(*book, 40 + clients * 10);
  CHECK(Connection(running.port()).request("GET", "/addresses/_health").status == 200);
  CHECK(Connection(running.port()).request("POST", "/addresses", {}, "{}").status == 201);
  for (std::size_t i = 0; i < clients; ++i) {
    importers[i].send(chunk(numbers(5, 100 * i + 15)) + "0\r\n\r\n");
  }
  for (Connection& importer : importers) {
    const auto response = importer.read_response();
    CHECK(response.status == 200);
    CHECK(response.body.rfind(R"({"created":20,)", 0) == 0);
  }
  const auto exported = exporters.back().read_response();
  CHECK(exported.status == 200);
  CHECK(exported.complete);
  CHECK(exported.body.size() > 4'000'000);
}
