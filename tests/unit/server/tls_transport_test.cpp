#include <addrbook/server/tls_transport.hpp>

#include <support/certificate.hpp>
#include <support/fake_engine.hpp>
#include <support/process.hpp>

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

using addrbook::detail::TlsTransport;
using addrbook::detail::Transfer;
using State = Transfer::State;

namespace {

using Context = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;
using Session = std::unique_ptr<SSL, void (*)(SSL*)>;

/// A TlsTransport, and OpenSSL's client at the other end of a socket pair.
struct Fixture {
  Fixture() {
    const test::TempFolder folder;
    const std::string certificate = (folder.path() / "certificate.pem").string();
    const std::string key = (folder.path() / "key.pem").string();
    test::write_certificate(certificate, key);
    REQUIRE(SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) == 1);
    transport = TlsTransport::accept(context.get(), pair.ours.get());
    REQUIRE(transport);
    client.reset(SSL_new(client_context.get()));
    SSL_set_fd(client.get(), pair.theirs.get());
    SSL_set_connect_state(client.get());
  }

  void shake_hands() {
    auto state = State::wants_read;
    for (int i = 0; i < 10 && (state != State::done || SSL_is_init_finished(client.get()) == 0);
         ++i) {
      SSL_do_handshake(client.get());
      state = transport->handshake().state;
    }
    REQUIRE(state == State::done);
    char byte = 0;
    SSL_read(client.get(), &byte, 1);  // the session tickets
  }

  Transfer read() { return transport->read(buffer.data(), buffer.size()); }

  test::SocketPair pair;
  Context context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  Context client_context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  std::unique_ptr<TlsTransport> transport;
  Session client{nullptr, SSL_free};
  std::array<char, 100> buffer{};
};

}  // namespace

TEST_CASE("tls_transport: data goes both ways after the handshake") {
  Fixture fixture;
  CHECK(fixture.transport->handshake().state == State::wants_read);
  fixture.shake_hands();
  CHECK(fixture.read().state == State::wants_read);
  REQUIRE(SSL_write(fixture.client.get(), "hello", 5) == 5);
  const auto received = fixture.read();
  CHECK(received.state == State::done);
  CHECK(std::string(fixture.buffer.data(), received.size) == "hello");
  CHECK(fixture.transport->write("world", 5).size == 5);
  std::array<char, 10> answer{};
  CHECK(SSL_read(fixture.client.get(), answer.data(), 10) == 5);
  CHECK(std::string(answer.data()) == "world");
}

TEST_CASE("tls_transport: finish() sends close_notify, and the peer's ends the data") {
  Fixture fixture;
  fixture.shake_hands();
  fixture.transport->finish();
  char byte = 0;
  CHECK(SSL_read(fixture.client.get(), &byte, 1) == 0);
  CHECK(SSL_get_shutdown(fixture.client.get()) == SSL_RECEIVED_SHUTDOWN);
  SSL_shutdown(fixture.client.get());
  CHECK(fixture.read().state == State::ended);
}

TEST_CASE("tls_transport: what is not TLS fails, and nothing is sent after it") {
  Fixture fixture;
  const std::string plain = "GET / HTTP/1.1\r\n\r\n";
  REQUIRE(::send(fixture.pair.theirs.get(), plain.data(), plain.size(), 0) > 0);
  CHECK(fixture.transport->handshake().state == State::failed);
  fixture.transport->finish();
  CHECK(ERR_peek_error() == 0);  // no other session is affected

  Fixture cut;  // the connection ends without close_notify
  cut.shake_hands();
  ::shutdown(cut.pair.theirs.get(), SHUT_WR);
  CHECK(cut.read().state == State::failed);
  CHECK(cut.transport->write("x", 1).state == State::failed);
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("tls_transport: a peer that does nothing but update its key is cut off") {
  Fixture fixture;
  fixture.shake_hands();
  auto state = State::wants_read;
  int updates = 0;
  for (; updates < 200 && state == State::wants_read; ++updates) {
    REQUIRE(SSL_key_update(fixture.client.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
    REQUIRE(SSL_do_handshake(fixture.client.get()) == 1);
    state = fixture.read().state;
  }
  CHECK(state == State::ended);
  CHECK(updates > 10);
  CHECK(updates < 100);
}
