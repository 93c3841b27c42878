/// TlsTransport: a Transport over a session of OpenSSL's.
#pragma once

#include <addrbook/server/transport.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include <cstddef>

namespace addrbook::detail {

class TlsTransport final : public Transport {
 public:
  /// @param session  with the socket, ready to accept
  explicit TlsTransport(SSL* session) noexcept : session_(session) {
    SSL_set_msg_callback(session_, count_key_updates);
    SSL_set_msg_callback_arg(session_, this);
  }
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;
  TlsTransport(TlsTransport&&) = delete;
  TlsTransport& operator=(TlsTransport&&) = delete;
  ~TlsTransport() override { SSL_free(session_); }

  [[nodiscard]] SSL* session() const noexcept { return session_; }

  Transfer handshake() override { return result(SSL_do_handshake(session_), 0); }

  Transfer read(char* to, std::size_t size) override {
    std::size_t received = 0;
    const int returned = SSL_read_ex(session_, to, size, &received);
    return result(returned, received);
  }

  Transfer write(const char* from, std::size_t size) override {
    std::size_t sent = 0;
    const int returned = SSL_write_ex(session_, from, size, &sent);
    return result(returned, sent);
  }

  void finish() override {
    if (!has_failed_ && SSL_is_init_finished(session_) == 1) SSL_shutdown(session_);
    ERR_clear_error();
    ::shutdown(SSL_get_fd(session_), SHUT_WR);
  }

  // What was read off the socket may hold more than one record.
  [[nodiscard]] bool short_read_means_empty() const noexcept override { return false; }

 private:
  Transfer result(int returned, std::size_t size) {
    if (returned > 0) return {Transfer::State::done, size};
    const int error = SSL_get_error(session_, returned);
    ERR_clear_error();  // the queue is the thread's, and the next session's error would be this one
    switch (error) {
      case SSL_ERROR_WANT_READ: return {Transfer::State::wants_read};
      case SSL_ERROR_WANT_WRITE: return {Transfer::State::wants_write};
      case SSL_ERROR_ZERO_RETURN: return {Transfer::State::ended};
      default:  // after these two kinds no more may be said, not even goodbye
        has_failed_ = true;
        return {Transfer::State::failed};
    }
  }

  // RFC 8446, 4.6.3: a peer changes its key after millions of records. One that does nothing else
  // would keep OpenSSL reading, and a thread with it, and fill our send buffer with answers.
  static void count_key_updates(int is_sent, int /*version*/, int content_type, const void* bytes,
                                std::size_t size, SSL* session, void* transport) {
    constexpr int most = 64;
    if (is_sent == 0 && content_type == SSL3_RT_HANDSHAKE && size > 0 &&
        *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE &&
        ++static_cast<TlsTransport*>(transport)->key_updates_ > most) {
      SSL_set_shutdown(session, SSL_RECEIVED_SHUTDOWN);  // as if it had said goodbye
    }
  }

  SSL* session_;
  int key_updates_ = 0;
  bool has_failed_ = false;
};

}  // namespace addrbook::detail
