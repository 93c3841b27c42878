// addrbook::TlsServer, mount() on httplib::SSLServer, and the bundled server with `tls:`.

#include <addrbook/books.hpp>
#include <addrbook/tls_server.hpp>

#include <support/addresses.hpp>
#include <support/certificate.hpp>
#include <support/http_client.hpp>
#include <support/mount.hpp>
#include <support/process.hpp>
#include <support/running.hpp>
#include <support/server_process.hpp>
#include <unit/fake_store.hpp>

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <nlohmann/json.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using test::Connection;
using test::Process;
using test::Running;
using test::TempFolder;
using namespace std::chrono_literals;

/// A certificate and its key in a temporary folder.
struct Files {
  Files() { test::write_certificate(certificate, key); }

  TempFolder folder;
  std::string certificate = (folder.path() / "certificate.pem").string();
  std::string key = (folder.path() / "key.pem").string();
};

std::unique_ptr<httplib::SSLClient> client(int port) {
  auto made = std::make_unique<httplib::SSLClient>("127.0.0.1", port);
  made->enable_server_certificate_verification(false);  // the certificate is self-signed
  made->set_keep_alive(true);
  return made;
}

void check_serves(int port, const std::string& base) {
  const auto https = client(port);
  const auto created = https->Post(base, R"({"name":"Ada"})", "application/json");
  REQUIRE(created);
  CHECK(created->status == 201);
  const auto location = created->get_header_value("Location");
  CHECK(https->Get(location)->body == R"({"name":"Ada"})");
  CHECK(https->Delete(location)->status == 204);
  CHECK(https->Get(location)->status == 404);
  CHECK(https->Get(base)->body == "{}");
}

/// @returns all that the server sends, and whether it ends that with close_notify
std::pair<std::string, bool> ask_to_the_end(int port, const std::string& request) {
  const Connection connection(port);
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  const std::unique_ptr<SSL, void (*)(SSL*)> session(SSL_new(context.get()), SSL_free);
  SSL_set_fd(session.get(), connection.socket());
  REQUIRE(SSL_connect(session.get()) == 1);
  REQUIRE(SSL_write(session.get(), request.data(), static_cast<int>(request.size())) > 0);
  std::string answer;
  std::array<char, 16384> buffer{};
  std::size_t size = 0;
  while (SSL_read_ex(session.get(), buffer.data(), buffer.size(), &size) == 1) {
    answer.append(buffer.data(), size);
  }
  return {answer, (SSL_get_shutdown(session.get()) & SSL_RECEIVED_SHUTDOWN) != 0};
}

std::string refusal(const std::string& certificate, const std::string& key) {
  try {
    addrbook::TlsServer({certificate, key});
  } catch (const addrbook::Error& error) {
    CHECK(error.code() == addrbook::Errc::invalid);
    return error.what();
  }
  return {};
}

template <class Server>
std::unique_ptr<Server> make_server(const Files& files) {
  if constexpr (std::is_same_v<Server, addrbook::TlsServer>) {
    return std::make_unique<Server>(addrbook::TlsFiles{files.certificate, files.key});
  } else {
    return std::make_unique<Server>(files.certificate.c_str(), files.key.c_str());
  }
}

}  // namespace

TEST_CASE_TEMPLATE("tls: many books, on our server and on httplib's", Server, addrbook::TlsServer,
                   httplib::SSLServer) {
  const Files files;
  const auto server = make_server<Server>(files);
  const auto books = std::make_shared<addrbook::Books>();
  addrbook::Options options;
  options.prefix = "/books/{book}/addresses";
  test::mount(*server, books, options);
  Running running(*server);
  CHECK(client(running.port())->Put("/books/ada", "", "")->status == 201);
  check_serves(running.port(), "/books/ada/addresses");
  CHECK(client(running.port())->Get("/books/ada%2Faddresses")->status == 404);
  CHECK(client(running.port())->Get("/books/bob/addresses")->status == 404);
  CHECK(client(running.port())->Delete("/books/ada")->status == 204);
}

TEST_CASE_TEMPLATE("tls: changes are streamed as they come", Server, addrbook::TlsServer,
                   httplib::SSLServer) {
  const Files files;
  const auto server = make_server<Server>(files);
  const auto book = test::mount(*server);
  Running running(*server);
  std::string seen;
  const auto https = client(running.port());
  const httplib::Headers as_stream{{"Accept", "text/event-stream"}};
  book->create("a", addrbook::Document::parse("{}"));
  static_cast<void>(
      https->Get("/addresses/_changes", as_stream, [&](const char* data, std::size_t size) {
        if (seen.empty()) book->create("b", addrbook::Document::parse("{}"));
        seen.append(data, size);
        return seen.find("\"b\"") == std::string::npos;
      }));
  CHECK(seen.find("data: {\"id\":\"a\"") != std::string::npos);
  CHECK(seen.find("data: {\"id\":\"b\"") != std::string::npos);
  CHECK(running.stop() < 10s);
}

TEST_CASE("tls: serves a book on TlsServer and on httplib::SSLServer") {
  const Files files;
  SUBCASE("TlsServer") {
    addrbook::TlsServer server({files.certificate, files.key});
    test::mount(server);
    Running running(server, server.bind("127.0.0.1", 0));
    check_serves(running.port(), "/addresses");
    const auto unknown = client(running.port())->Get("/nope");
    REQUIRE(unknown);
    CHECK(nlohmann::json::parse(unknown->body)["message"] == "Unknown Endpoint");
  }
  SUBCASE("SSLServer") {
    httplib::SSLServer server(files.certificate.c_str(), files.key.c_str());
    test::mount(server);
    Running running(server);
    check_serves(running.port(), "/addresses");
  }
}

TEST_CASE("tls: long lists, large bodies, and the SSL session in a request") {
  const Files files;
  addrbook::TlsServer server({files.certificate, files.key});
  const auto book = test::mount(server);
  server.Get("/cipher", [](const httplib::Request& request, httplib::Response& response) {
    response.set_content(SSL_get_version(static_cast<const SSL*>(request.ssl)), "text/plain");
  });
  Running running(server, server.bind("127.0.0.1", 0));
  const auto https = client(running.port());
  const std::string large = "{\"x\":\"" + std::string(900'000, 'x') + "\"}";
  for (int i = 0; i < 8; ++i) {
    CHECK(https->Post("/addresses", large, "application/json")->status == 201);
  }
  const auto list = https->Get("/addresses");
  REQUIRE(list);
  CHECK(list->body.size() > 8 * large.size());
  CHECK(nlohmann::json::parse(list->body).size() == 8);
  CHECK(https->Get("/cipher")->body == "TLSv1.3");
  CHECK(book->state().count == 8);
}

TEST_CASE("tls: a cut answer to HTTP/1.0 ends without close_notify, a whole one with it") {
  const Files files;
  const auto store = std::make_shared<test::FakeStore>();
  const auto service = std::make_shared<addrbook::Service>(store);
  for (int i = 0; i < 2000; ++i) service->create(nlohmann::json{{"number", i}});
  std::atomic<bool> fails{false};
  std::atomic<int> pages{0};
  store->before_page = [&] {
    if (fails && pages++ > 1) test::fail_storage();
  };
  addrbook::ServerOptions options;
  SUBCASE("the engine serves the book") {}
  SUBCASE("httplib's routes do") {
    options.hooks_see_books = true;
  }
  addrbook::TlsServer server({files.certificate, files.key}, options);
  test::mount(server, service);
  server.Get("/own", [&fails](const httplib::Request&, httplib::Response& response) {
    response.set_content_provider("text/plain", [&fails](std::size_t, httplib::DataSink& sink) {
      sink.write("half", 4);
      if (!fails) sink.done();
      return !fails;
    });
  });
  Running running(server, server.bind("127.0.0.1", 0));
  for (const std::string target : {"/addresses", "/own"}) {
    for (const bool is_cut : {false, true}) {
      CAPTURE(target);
      CAPTURE(is_cut);
      fails = is_cut;
      pages = 0;
      const auto [answer, has_close_notify] =
          ask_to_the_end(running.port(), "GET " + target + " HTTP/1.0\r\n\r\n");
      CHECK(answer.rfind("HTTP/1.1 200 ", 0) == 0);
      CHECK(has_close_notify == !is_cut);
    }
  }
}

TEST_CASE("tls: a client that sends 50 MiB before it reads gets the refusal") {
  const Files files;
  addrbook::TlsServer server({files.certificate, files.key});
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  constexpr std::size_t size = std::size_t{50} * 1024 * 1024;
  const auto [answer, has_close_notify] = ask_to_the_end(
      running.port(), "POST /addresses HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                          std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'));
  CHECK(answer.rfind("HTTP/1.1 413 ", 0) == 0);
  CHECK(answer.find(R"("code":413)") != std::string::npos);
  CHECK(has_close_notify);
}

TEST_CASE("tls: 1.2 is the minimum version") {
  const Files files;
  addrbook::TlsServer server({files.certificate, files.key});
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  const struct {
    int version;
    bool is_taken;
  } cases[] = {{TLS1_1_VERSION, false}, {TLS1_2_VERSION, true}, {TLS1_3_VERSION, true}};
  for (const auto& each : cases) {
    CAPTURE(each.version);
    const auto https = client(running.port());
    auto* const context = static_cast<SSL_CTX*>(https->tls_context());
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, each.version);
    SSL_CTX_set_max_proto_version(context, each.version);
    CHECK(static_cast<bool>(https->Get("/addresses")) == each.is_taken);
  }
}

TEST_CASE("tls: 1.2 has no cipher suites with CBC, nor without forward secrecy") {
  const Files files;
  Files rsa;
  test::write_certificate(rsa.certificate, rsa.key, "RSA");
  for (const auto* const each : {&files, static_cast<const Files*>(&rsa)}) {
    addrbook::TlsServer server({each->certificate, each->key});
    test::mount(server);
    Running running(server, server.bind("127.0.0.1", 0));
    for (const std::string suites :
         {"AES256-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA",
          "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"}) {
      CAPTURE(suites);
      const auto https = client(running.port());
      auto* const context = static_cast<SSL_CTX*>(https->tls_context());
      SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
      REQUIRE(SSL_CTX_set_cipher_list(context, suites.c_str()) == 1);
      CHECK(static_cast<bool>(https->Get("/addresses")) == (suites.find(':') != std::string::npos));
    }
  }
}

TEST_CASE("tls: update() uses a renewed certificate, also one with a key of another kind") {
  const Files files;
  const Files renewed;
  addrbook::TlsServer server({files.certificate, files.key});
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  // Trusts one certificate only.
  const auto is_shown = [&](const Files& by, int version = TLS1_3_VERSION) {
    httplib::SSLClient https("127.0.0.1", running.port());
    https.set_ca_cert_path(by.certificate);
    https.enable_server_hostname_verification(false);
    SSL_CTX_set_max_proto_version(static_cast<SSL_CTX*>(https.tls_context()), version);
    return static_cast<bool>(https.Get("/addresses"));
  };
  CHECK(is_shown(files));
  CHECK_FALSE(is_shown(renewed));
  const auto kept = client(running.port());
  REQUIRE(kept->Get("/addresses"));

  server.update({renewed.certificate, renewed.key});
  CHECK(is_shown(renewed));
  CHECK_FALSE(is_shown(files));
  test::write_certificate(renewed.certificate, renewed.key, "RSA");
  server.update({renewed.certificate, renewed.key});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) CHECK(is_shown(renewed, version));

  // What is refused leaves the one in use.
  CHECK_THROWS_AS(server.update({renewed.certificate, files.key}), addrbook::Error);
  CHECK_THROWS_AS(server.update({"", ""}), addrbook::Error);
  CHECK(is_shown(renewed));
  CHECK(kept->Get("/addresses")->status == 200);
  CHECK(server.update_certs_pem(test::read_file(files.certificate).c_str(),
                                test::read_file(files.key).c_str()));
  CHECK(is_shown(files));
}

TEST_CASE("tls: clients that do not complete a handshake are disconnected") {
  const Files files;
  addrbook::ServerOptions options;
  options.header_timeout = 300ms;
  addrbook::TlsServer server({files.certificate, files.key}, options);
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  Connection plain(running.port());
  plain.send("GET /addresses HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(plain.is_closed());
  Connection silent(running.port());
  CHECK(silent.is_closed());
  Connection half(running.port());
  half.send("\x16\x03\x01\x02");  // the beginning of a ClientHello
  CHECK(half.is_closed());
  check_serves(running.port(), "/addresses");
}

TEST_CASE("tls: idle connections do not delay others, the limit gives a 503, stop() closes them") {
  const Files files;
  addrbook::ServerOptions options;
  options.max_connections = 40;
  addrbook::TlsServer server({files.certificate, files.key}, options);
  test::mount(server);
  Running running(server, server.bind("127.0.0.1", 0));
  std::vector<std::unique_ptr<httplib::SSLClient>> idle;
  for (int i = 0; i < 40; ++i) {
    idle.push_back(client(running.port()));
    REQUIRE(idle.back()->Get("/addresses/_health")->status == 200);
  }
  const auto refused = client(running.port())->Get("/addresses/_health");
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(refused->get_header_value("Retry-After") == "1");
  CHECK(idle.front()->Get("/addresses/_health")->status == 200);
  CHECK(running.stop() < 5s);
}

TEST_CASE("tls: errors name the file that cannot be used") {
  const Files files;
  const Files others;
  const std::string missing = (files.folder.path() / "missing.pem").string();
  const std::string nonsense = (files.folder.path() / "nonsense.pem").string();
  std::ofstream(nonsense) << "nonsense\n";
  CHECK(refusal(files.certificate, files.key).empty());
  for (const std::string& bad : {missing, nonsense, std::string(), files.folder.path().string()}) {
    CAPTURE(bad);
    CHECK(refusal(bad, files.key).find("'" + bad + "'") != std::string::npos);
    CHECK(refusal(files.certificate, bad).find("'" + bad + "'") != std::string::npos);
  }
  CHECK(refusal(files.certificate, others.key).find("'" + others.key + "'") != std::string::npos);
}

TEST_CASE("tls: the bundled server serves HTTPS") {
  const Files files;
  const std::string config = (files.folder.path() / "tls.yaml").string();
  std::ofstream(config) << "tls:\n  certificate: " << files.certificate << "\n  key: " << files.key
                        << "\n";
  test::ServerProcess server({"--config", config});
  CHECK(server.first_line().rfind("Serving Address Book on https://127.0.0.1:", 0) == 0);
  check_serves(server.port(), "/addresses");
  // SIGHUP reads a renewed certificate.
  const auto shown = [&] {
    httplib::SSLClient https("127.0.0.1", server.port());
    https.set_ca_cert_path(files.certificate);
    https.enable_server_hostname_verification(false);
    return static_cast<bool>(https.Get("/addresses"));
  };
  CHECK(shown());
  test::write_certificate(files.certificate, files.key, "RSA");
  CHECK_FALSE(shown());
  server.signal(SIGHUP);
  while (server.read_error_line()->find("certificate read again") == std::string::npos) {
  }
  CHECK(shown());
  std::ofstream(files.key) << "nonsense\n";
  server.signal(SIGHUP);
  while (server.read_error_line()->find(config + ":2: tls.certificate: no private key is in '" +
                                        files.key) == std::string::npos) {
  }
  CHECK(shown());
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);

  test::write_certificate(files.certificate, files.key, "RSA");
  const std::string other_key = (files.folder.path() / "other.pem").string();
  test::write_certificate((files.folder.path() / "other-certificate.pem").string(), other_key);
  std::ofstream(config) << "tls:\n  certificate: " << files.certificate << "\n  key: " << other_key
                        << "\n";
  Process mixed({test::server_program, "--port", "0", "--config", config}, test::in_memory());
  CHECK(mixed.wait() == 2);
  const auto mixed_errors = mixed.read_errors();
  CHECK(mixed_errors.find("'" + files.certificate + "' (RSA)") != std::string::npos);
  CHECK(mixed_errors.find("'" + other_key + "' (EC)") != std::string::npos);

  std::ofstream(config) << "tls:\n  certificate: /nonexistent.pem\n  key: " << files.key << "\n";
  Process refused({test::server_program, "--port", "0", "--config", config}, test::in_memory());
  CHECK(refused.wait() == 2);
  const auto errors = refused.read_errors();
  CHECK(errors.find(config + ":2: ") != std::string::npos);
  CHECK(errors.find("'/nonexistent.pem'") != std::string::npos);
}
