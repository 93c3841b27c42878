// Bodies that are refused, bodies that expand, and how clients learn of a refusal.

#include <support/abuse.hpp>
#include <support/proc.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using test::Connection;
using test::LoggedServer;

constexpr std::size_t mebibyte = std::size_t{1024} * 1024;

struct Refusal {
  std::string name;
  std::string request;  ///< with all fields except Host and the body's framing
  int status;
};

/// Requests that are refused because of their heads.
std::vector<Refusal> refusals(int port) {
  const auto entry = Connection(port).request("POST", "/addresses", {}, "{}").header("location");
  return {
      {"415", "POST /addresses HTTP/1.1\r\nContent-Type: image/png\r\n", 415},
      {"415 for the coding", "POST /addresses HTTP/1.1\r\nContent-Encoding: br\r\n", 415},
      {"404 below the prefix", "POST /addresses/_nothing HTTP/1.1\r\n", 404},
      {"404 elsewhere", "POST /nothing HTTP/1.1\r\n", 404},
      {"405 for the book", "PUT /addresses HTTP/1.1\r\n", 405},
      {"405 for an entry", "POST " + entry + " HTTP/1.1\r\n", 405},
      {"405 for health", "POST /addresses/_health HTTP/1.1\r\n", 405},
  };
}

/// Returns `size` zeros, compressed. @param window_bits  zlib's: 15 + 16 for gzip, 15 for deflate
std::string bomb(std::size_t size, int window_bits) {
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, 9,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2 failed");
  }
  std::string zeros(mebibyte, '\0');
  std::string packed(2 * mebibyte, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  for (std::size_t done = 0; done < size; done += zeros.size()) {
    stream.next_in = reinterpret_cast<Bytef*>(zeros.data());
    stream.avail_in = static_cast<uInt>(zeros.size());
    ::deflate(&stream, done + zeros.size() < size ? Z_NO_FLUSH : Z_FINISH);
  }
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return packed;
}

}  // namespace

TEST_CASE("abuse: a refusal reaches a client that keeps sending for a while") {
  LoggedServer server;
  const std::string slice(16 * std::size_t{1024}, 'x');
  auto cases = refusals(server.port());
  cases.push_back({"413", "POST /addresses HTTP/1.1\r\n", 413});
  for (int round = 0; round < 10; ++round) {
    for (const Refusal& each : cases) {
      CAPTURE(round);
      CAPTURE(each.name);
      Connection connection(server.port());
      connection.send(each.request + "Host: localhost\r\nContent-Length: 67108864\r\n\r\n");
      for (std::size_t sent = 0; sent < mebibyte; sent += slice.size()) {
        CHECK(connection.send(slice));
      }
      const auto response = connection.read_response();
      CHECK(response.status == each.status);
      test::check_is_json_error(response);
      CHECK(connection.is_closed());
      CHECK(connection.unread().empty());
    }
  }
}

TEST_CASE("abuse: a client that sends all of a large body before it reads gets the refusal") {
  LoggedServer server;
  const std::string slice(mebibyte, 'x');
  auto cases = refusals(server.port());
  cases.push_back({"413", "POST /addresses HTTP/1.1\r\n", 413});
  for (const Refusal& each : cases) {
    CAPTURE(each.name);
    constexpr std::size_t size = 50 * mebibyte;
    Connection connection(server.port());
    connection.send(each.request + "Host: localhost\r\nContent-Length: " + std::to_string(size) +
                    "\r\n\r\n");
    for (std::size_t sent = 0; sent < size; sent += slice.size()) REQUIRE(connection.send(slice));
    const auto response = connection.read_response();
    CHECK(response.status == each.status);
    test::check_is_json_error(response);
    CHECK(response.header("connection") == "close");
    CHECK(connection.is_closed());
  }
}

TEST_CASE("abuse: a refusal of a chunked body reaches the client") {
  LoggedServer server;
  const std::string chunk = "4000\r\n" + std::string(0x4000, ' ') + "\r\n";
  auto cases = refusals(server.port());
  cases.push_back({"413", "POST /addresses HTTP/1.1\r\n", 413});
  for (const Refusal& each : cases) {
    CAPTURE(each.name);
    Connection connection(server.port());
    connection.send(each.request + "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    // Over the limit of 1 MiB.
    for (std::size_t sent = 0; sent < mebibyte + 5 * chunk.size(); sent += chunk.size()) {
      if (!connection.send(chunk)) break;
    }
    if (each.status == 413) connection.send("0\r\n\r\n");
    const auto response = connection.read_response();
    CHECK(response.status == each.status);
    test::check_is_json_error(response);
    if (each.status != 413) CHECK(connection.is_closed());
  }
}

TEST_CASE("abuse: a connection that sends an endless body is closed") {
  LoggedServer server(test::Settings{{"http.max_threads", "4"}});
  const std::string data(0x10000, ' ');
  const std::string chunk = "10000\r\n" + data + "\r\n";
  const struct {
    std::string target;
    bool is_chunked;
  } cases[] = {
      {"/addresses", true}, {"/addresses", false}, {"/nothing", true}, {"/nothing", false}};
  std::vector<Connection> connections;
  for (const auto& each : cases) {
    connections.emplace_back(server.port());
    connections.back().send("POST " + each.target + " HTTP/1.1\r\nHost: localhost\r\n" +
                            (each.is_chunked ? "Transfer-Encoding: chunked\r\n\r\n"
                                             : "Content-Length: 1000000000000\r\n\r\n"));
  }
  // All of them go on sending without a pause of more than a moment, and hold no thread.
  constexpr auto linger_time = std::chrono::seconds(30);
  const auto start = std::chrono::steady_clock::now();
  std::size_t open = connections.size();
  while (open > 0) {
    open = 0;
    for (std::size_t i = 0; i < connections.size(); ++i) {
      if (connections[i].send(cases[i].is_chunked ? chunk : data)) ++open;
    }
    CHECK(Connection(server.port()).request("GET", "/addresses").body == "{}");
    REQUIRE(std::chrono::steady_clock::now() - start < 2 * linger_time);
    if (open > 0) static_cast<void>(connections[0].is_closed(std::chrono::milliseconds(20)));
  }
}

TEST_CASE("abuse: no 100 Continue for a body that is refused") {
  LoggedServer server;
  for (const Refusal& each : refusals(server.port())) {
    CAPTURE(each.name);
    Connection connection(server.port());
    connection.send(each.request +
                    "Host: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    const auto response = connection.read_response();
    CHECK(!response.invited);
    CHECK(response.status == each.status);
    test::check_is_json_error(response);
    // The client may send the body nevertheless. It is not run as a request.
    connection.send(test::smuggled_get() + test::last_request());
    const auto rest = test::read_to_end(connection);
    CHECK(rest.answers.empty());
  }
  Connection connection(server.port());
  connection.send(
      "POST /addresses HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 1048577\r\n\r\n");
  const auto response = connection.read_response();
  CHECK(!response.invited);
  CHECK(response.status == 413);
  CHECK(connection.is_closed());
}

TEST_CASE("abuse: 100 Continue is sent once for a body that is read") {
  LoggedServer server;
  Connection connection(server.port());
  for (const std::string expect : {"100-continue", "100-Continue"}) {
    CAPTURE(expect);
    connection.send("POST /addresses HTTP/1.1\r\nHost: localhost\r\nExpect: " + expect +
                    "\r\nContent-Length: 2\r\n\r\n");
    REQUIRE(connection.has_more());
    CHECK(connection.unread().rfind("HTTP/1.1 100 Continue\r\n\r\n", 0) == 0);
    connection.send("{}");
    CHECK(connection.read_response().status == 201);
    CHECK(connection.unread().empty());
  }
  CHECK(connection.request("GET", "/addresses").status == 200);
}

TEST_CASE("abuse: a few kilobytes that decompress to a gigabyte") {
  const std::size_t size = test::is_sanitized ? 64 * mebibyte : 1024 * mebibyte;
  LoggedServer server;
  // Memory that any large body takes is not counted.
  const std::string large = "{\"a\":\"" + std::string(1'000'000, 'x') + "\"}";
  REQUIRE(Connection(server.port()).request("POST", "/addresses", {}, large).status == 201);
  const auto before = test::status_kib(server.id(), "VmHWM");
  const struct {
    std::string coding;
    int window_bits;
  } codings[] = {{"gzip", 15 + 16}, {"deflate", 15}};
  for (const auto& each : codings) {
    CAPTURE(each.coding);
    const std::string packed = bomb(size, each.window_bits);
    REQUIRE(packed.size() < mebibyte + mebibyte / 256);
    for (const std::string target : {"/addresses", "/nothing"}) {
      CAPTURE(target);
      const auto response =
          Connection(server.port())
              .request("POST", target, {{"content-encoding", each.coding}}, packed);
      CHECK(response.status == (target == "/nothing" ? 404 : 413));
      test::check_is_json_error(response);
    }
  }
  const auto grown = test::status_kib(server.id(), "VmHWM") - before;
  MESSAGE("the server's peak has grown by " << grown << " KiB");
  if (!test::is_sanitized) CHECK(grown <= 16 * 1024);
  CHECK(Connection(server.port()).request("GET", "/addresses").status == 200);
}

TEST_CASE("abuse: a body that is not read takes no memory") {
  LoggedServer server;
  auto cases = refusals(server.port());
  for (const std::string method : {"PUT", "PATCH", "DELETE", "GET", "TRACE"}) {
    cases.push_back({method, method + " /nothing HTTP/1.1\r\n", 0});
  }
  cases.push_back({"deep", "POST /addresses/a/b/c/d/e/f/g/h/i/j/k HTTP/1.1\r\n", 0});
  const std::string slice(mebibyte, 'x');
  for (const Refusal& each : cases) {
    CAPTURE(each.name);
    const auto before = test::status_kib(server.id(), "VmHWM");
    Connection connection(server.port());
    connection.send(each.request + "Host: localhost\r\nContent-Length: 50000000\r\n\r\n");
    for (int i = 0; i < 48 && connection.send(slice); ++i) {
    }
    const auto grown = test::status_kib(server.id(), "VmHWM") - before;
    CAPTURE(grown);
    if (!test::is_sanitized) CHECK(grown <= 4 * 1024);
  }
}

TEST_CASE("abuse: extreme nesting, and extreme numbers of keys") {
  LoggedServer server;
  std::string nested;
  while (nested.size() < 900'000) nested += "{\"a\":[";
  std::string same_keys = "{\"a\":0";
  while (same_keys.size() < 900'000) same_keys += ",\"a\":0";
  std::string many_keys = "{\"a\":0";
  for (int i = 0; many_keys.size() < 900'000; ++i) many_keys += ",\"" + std::to_string(i) + "\":0";
  Connection connection(server.port());
  CHECK(connection.request("POST", "/addresses", {}, nested).status == 400);
  CHECK(Connection(server.port()).request("POST", "/addresses", {}, same_keys + "}").status == 400);
  const auto start = std::chrono::steady_clock::now();
  CHECK(Connection(server.port()).request("POST", "/addresses", {}, many_keys + "}").status == 201);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK(took.count() < (test::is_sanitized ? 20.0 : 2.0));
}
