// Many TLS clients that do next to nothing, and clients that do not speak TLS.

#include <support/certificate.hpp>
#include <support/crowd.hpp>
#include <support/probe.hpp>
#include <support/proc.hpp>
#include <support/server_process.hpp>

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using test::Connection;
using test::Crowd;
using test::LoggedServer;

struct Certificate {
  Certificate() { test::write_certificate(file, key); }

  test::TempFolder folder;
  std::string file = (folder.path() / "certificate.pem").string();
  std::string key = (folder.path() / "key.pem").string();
};

test::Settings with_tls(test::Settings settings, const Certificate& certificate) {
  settings.emplace_back("tls.certificate", certificate.file);
  settings.emplace_back("tls.key", certificate.key);
  return settings;
}

/// A connection that has completed the handshake.
class TlsConnection {
 public:
  explicit TlsConnection(int port) : connection_(port), session_(SSL_new(context()), SSL_free) {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    SSL_set_fd(session_.get(), connection_.socket());
    if (SSL_connect(session_.get()) != 1) throw std::runtime_error("no handshake");
  }

  void send(std::string_view bytes) {
    if (SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) {
      throw std::runtime_error("nothing can be sent");
    }
  }
  /// Updates its key that many times and sends nothing else.
  /// @returns  whether the connection is still open afterwards
  bool change_keys(int times, int type) {
    for (int i = 0; i < times; ++i) {
      if (SSL_key_update(session_.get(), type) != 1) return false;
      if (SSL_do_handshake(session_.get()) != 1) return false;
    }
    return true;
  }
  [[nodiscard]] int socket() const { return connection_.socket(); }
  /// Reads what comes next. @returns nothing at the end
  std::string receive(std::size_t most = std::size_t{64} * 1024) {
    std::string bytes(most, '\0');
    const int size = SSL_read(session_.get(), bytes.data(), static_cast<int>(bytes.size()));
    bytes.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return bytes;
  }
  /// Reads the answer to a request, or a 503 that is sent without one.
  std::string receive_or_serve() {
    send("GET /addresses/_health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return receive();
  }
  bool is_served() {
    send("GET /addresses/_health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    std::string answer;
    while (answer.find("}") == std::string::npos) {
      const std::string bytes = receive();
      if (bytes.empty()) return false;
      answer += bytes;
    }
    return answer.rfind("HTTP/1.1 200 ", 0) == 0;
  }

 private:
  static SSL_CTX* context() {
    static const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> made(SSL_CTX_new(TLS_client_method()),
                                                                   SSL_CTX_free);
    return made.get();
  }

  Connection connection_;
  std::unique_ptr<SSL, void (*)(SSL*)> session_;
};

}  // namespace

TEST_CASE("abuse: idle TLS connections take little memory and CPU") {
  const Certificate certificate;
  LoggedServer server(with_tls(test::patient(), certificate));
  for (int i = 0; i < 50; ++i) CHECK(TlsConnection(server.port()).is_served());
  const auto rss_before = test::status_kib(server.id(), "VmRSS");
  const std::size_t count = test::is_sanitized ? 100 : 1'000;
  std::vector<TlsConnection> idle;
  for (std::size_t i = 0; i < count; ++i) {
    idle.emplace_back(server.port());
    if (i % 2 == 0) REQUIRE(idle.back().is_served());
  }
  const auto rss = test::status_kib(server.id(), "VmRSS");
  const double each_kib =
      (static_cast<double>(rss) - static_cast<double>(rss_before)) / static_cast<double>(count);
  MESSAGE(count << " idle TLS connections: " << each_kib << " KiB each");
  if (!test::is_sanitized) CHECK(each_kib < 32);
  for (TlsConnection& each : idle) CHECK(each.is_served());
}

TEST_CASE("abuse: slow TLS readers hold no threads") {
  const Certificate certificate;
  LoggedServer server(with_tls(test::patient(), certificate));
  const int port = server.port();
  {
    TlsConnection writer(port);
    const std::string document = "{\"notes\":\"" + std::string(1'000'000, 'x') + "\"}";
    for (int i = 0; i < 9; ++i) {
      writer.send("POST /addresses HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                  std::to_string(document.size()) + "\r\n\r\n" + document);
      REQUIRE(writer.receive().rfind("HTTP/1.1 201 ", 0) == 0);
    }
  }
  const auto expect = [](bool is_served) {
    if (!is_served) throw std::runtime_error("not served");
  };
  const auto fresh = [=] { expect(TlsConnection(port).is_served()); };
  std::unique_ptr<TlsConnection> connection;
  const auto kept = [&, requests = 0]() mutable {
    // The server ends it after 10,000.
    if (requests++ % 1'000 == 0) connection = std::make_unique<TlsConnection>(port);
    expect(connection->is_served());
  };
  test::Probe probe(server.id(), {fresh, kept});
  std::vector<TlsConnection> readers;
  const std::size_t count = test::slow_clients() / 3;
  for (std::size_t i = 0; i < count; ++i) {
    readers.emplace_back(port);
    readers.back().send(test::opening::list);
  }
  {
    std::size_t next = 0;
    const test::Repeating slowly(250ms, [&] { readers[next++ % count].receive(12 * 1024); });
    std::this_thread::sleep_for(test::slow_time());
  }
  const auto report = probe.report();
  MESSAGE(count << " slow TLS readers: " << test::to_text(report));
  CHECK_MESSAGE(report.failures == 0, report.first_failure);
  if (!test::is_sanitized) CHECK(report.most_threads < 40);
  CHECK(test::open_files(server.id()) >= count);
  if (!test::is_sanitized) CHECK(report.peak_kib < 200 * 1024);
}

TEST_CASE("abuse: a handshake that fails or exceeds its deadline ends the connection") {
  const Certificate certificate;
  auto settings = with_tls(test::patient(), certificate);
  settings[0] = {"http.header_timeout_ms", "1000"};
  LoggedServer server(settings);
  const int port = server.port();
  CHECK(TlsConnection(port).is_served());

  const auto files_before = test::open_files(server.id());

  // The beginning of a ClientHello whose rest never comes.
  const std::string half_hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  Crowd silent(port, 200);
  Crowd half(port, 200, {half_hello, 0});
  Crowd dripping(port, 100, {half_hello, 0});
  Crowd in_the_clear(port, 100, {test::opening::list, 0});
  const test::Repeating drip(100ms, [&] { dripping.send("x"); });
  CHECK(TlsConnection(port).is_served());
  // Counted in the server: the crowd reads nothing while it sends.
  CHECK(test::eventually(test::is_sanitized ? 20s : 5s,
                         [&] { return test::open_files(server.id()) <= files_before; }));
  for (Crowd* crowd : {&silent, &half, &in_the_clear}) {
    CHECK(test::eventually(test::is_sanitized ? 20s : 5s, [&] {
      crowd->look();
      return crowd->open_count() == 0;
    }));
  }
  for (const std::string& beginning : in_the_clear.beginnings()) {
    CHECK(beginning.find("HTTP/1.1 200") == std::string::npos);
  }
  CHECK(TlsConnection(port).is_served());
}

TEST_CASE("abuse: TLS connections past the limit get an encrypted 503") {
  const Certificate certificate;
  auto settings = with_tls(test::patient(), certificate);
  settings.emplace_back("http.max_connections", "10");
  LoggedServer server(settings);
  std::vector<TlsConnection> old;
  for (int i = 0; i < 10; ++i) {
    old.emplace_back(server.port());
    REQUIRE(old.back().is_served());
  }
  for (int i = 0; i < 5; ++i) {
    TlsConnection one_too_many(server.port());
    CHECK(one_too_many.receive().rfind("HTTP/1.1 503 ", 0) == 0);
    CHECK(one_too_many.receive().empty());
  }
  for (TlsConnection& each : old) CHECK(each.is_served());
}

TEST_CASE("abuse: a client that only updates its key holds no thread") {
  const Certificate certificate;
  auto settings = with_tls(test::patient(), certificate);
  settings.emplace_back("http.max_threads", "4");
  LoggedServer server(settings);
  for (const int type : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    CAPTURE(type);
    TlsConnection modest(server.port());
    CHECK(modest.change_keys(10, type));
    CHECK(modest.is_served());
    std::vector<TlsConnection> busy;
    for (int i = 0; i < 6; ++i) busy.emplace_back(server.port());
    std::vector<std::thread> threads;
    threads.reserve(busy.size());
    for (TlsConnection& each : busy) {
      threads.emplace_back([&each, type] {
        const timeval a_while{10, 0};
        ::setsockopt(each.socket(), SOL_SOCKET, SO_SNDTIMEO, &a_while, sizeof a_while);
        CHECK_FALSE(each.change_keys(1'000'000, type));
      });
    }
    CHECK(TlsConnection(server.port()).is_served());
    for (std::thread& thread : threads) thread.join();
    CHECK(modest.is_served());
  }
}

TEST_CASE("abuse: a long refusal arrives completely over TLS") {
  const Certificate certificate;
  LoggedServer server(with_tls(test::patient(), certificate));
  TlsConnection connection(server.port());
  std::string target = "/";
  for (int i = 0; i < 8'000; ++i) target += '\xff';
  connection.send("GET " + target + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: foo\r\n\r\n");
  std::string answer;
  for (std::string more; !(more = connection.receive()).empty();) answer += more;
  const auto body_at = answer.find("\r\n\r\n") + 4;
  const auto length_at = answer.find("Content-Length: ") + 16;
  CHECK(answer.size() - body_at == std::stoul(answer.substr(length_at)));
  CHECK(answer.size() > 16'384);
}

TEST_CASE("abuse: if no slot is left a TLS client waits, and is answered when others leave") {
  const Certificate certificate;
  auto settings = with_tls(test::patient(), certificate);
  settings[0] = {"http.header_timeout_ms", "1000"};
  settings.emplace_back("http.max_connections", "4");
  LoggedServer server(settings);
  const Crowd silent(server.port(), 30);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(TlsConnection(server.port()).receive_or_serve().empty());
}
