/// TlsTransport: a Transport over an OpenSSL session.
#pragma once

#include <addrbook/server/transport.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <utility>

namespace addrbook::detail {

/// The server's end of a TLS connection.
class TlsTransport final : public Transport {
 public:
  /// @returns null if OpenSSL is out of memory
  static std::unique_ptr<TlsTransport> accept(SSL_CTX* context, int socket) {
    Session session(SSL_new(context), SSL_free);
    if (!session || SSL_set_fd(session.get(), socket) != 1) return nullptr;
    SSL_set_accept_state(session.get());
    return std::unique_ptr<TlsTransport>(new TlsTransport(std::move(session)));
  }

  [[nodiscard]] SSL* session() const noexcept { return session_.get(); }

  Transfer handshake() override { return result(SSL_do_handshake(session_.get()), 0); }

  Transfer read(char* to, std::size_t size) override {
    std::size_t received = 0;
    const int returned = SSL_read_ex(session_.get(), to, size, &received);
    return result(returned, received);
  }

  Transfer write(const char* from, std::size_t size) override {
    std::size_t sent = 0;
    const int returned = SSL_write_ex(session_.get(), from, size, &sent);
    return result(returned, sent);
  }

  void finish() override {
    if (!has_failed_ && SSL_is_init_finished(session_.get()) == 1) SSL_shutdown(session_.get());
    ERR_clear_error();
    ::shutdown(SSL_get_fd(session_.get()), SHUT_WR);
  }

  // OpenSSL may hold further records that it read along with the one returned.
  [[nodiscard]] bool short_read_means_empty() const noexcept override { return false; }

 private:
  using Session = std::unique_ptr<SSL, void (*)(SSL*)>;

  explicit TlsTransport(Session session) : session_(std::move(session)) {
    SSL_set_msg_callback(session_.get(), count_key_updates);
    SSL_set_msg_callback_arg(session_.get(), this);
  }

  Transfer result(int returned, std::size_t size) {
    if (returned > 0) return {Transfer::State::done, size};
    const int error = SSL_get_error(session_.get(), returned);
    // The error queue belongs to the thread. An entry left in it would be taken for an error of the
    // next session.
    ERR_clear_error();
    switch (error) {
      case SSL_ERROR_WANT_READ: return {Transfer::State::wants_read};
      case SSL_ERROR_WANT_WRITE: return {Transfer::State::wants_write};
      case SSL_ERROR_ZERO_RETURN: return {Transfer::State::ended};
      default:  // after a fatal error even SSL_shutdown() is not allowed
        has_failed_ = true;
        return {Transfer::State::failed};
    }
  }

  // A peer may change its key (RFC 8446, 4.6.3), which is needed once in millions of records. A
  // peer that sends nothing but key updates would keep a thread in SSL_read() and fill the send
  // buffer with the replies.
  static void count_key_updates(int is_sent, int /*version*/, int content_type, const void* bytes,
                                std::size_t size, SSL* session, void* transport) {
    constexpr int max_key_updates = 64;
    if (is_sent == 0 && content_type == SSL3_RT_HANDSHAKE && size > 0 &&
        *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE &&
        ++static_cast<TlsTransport*>(transport)->key_updates_ > max_key_updates) {
      SSL_set_shutdown(session, SSL_RECEIVED_SHUTDOWN);  // reads report the end of the data
    }
  }

  Session session_;
  int key_updates_ = 0;
  bool has_failed_ = false;
};

}  // namespace addrbook::detail
