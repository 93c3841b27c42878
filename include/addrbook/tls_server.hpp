/// TlsServer: Server over TLS 1.2 and up. Needs OpenSSL and httplib with it: the target
/// addrbook::tls links the one and defines CPPHTTPLIB_OPENSSL_SUPPORT for the other, in all of the
/// program that links it.
#pragma once

#ifndef CPPHTTPLIB_OPENSSL_SUPPORT
#error "tls_server.hpp needs CPPHTTPLIB_OPENSSL_SUPPORT, defined for the whole program"
#endif

#include <addrbook/error.hpp>
#include <addrbook/server.hpp>

#include <httplib.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace addrbook {

/// An httplib::SSLServer with all that Server has. An idle connection keeps about 15 KiB.
class TlsServer : public detail::ParkingServer<httplib::SSLServer> {
 public:
  /// @throws Error{invalid} naming the file that can't be read, or says the wrong thing
  explicit TlsServer(const TlsFiles& files, ServerOptions options = {});

  /// As httplib's; connections that are open keep the old certificate.
  bool update_certs_pem(const char* certificate, const char* key) {
    const std::lock_guard lock(context_mutex_);
    return SSLServer::update_certs_pem(certificate, key);
  }

 private:
  std::unique_ptr<detail::Wire> open_wire(int socket) override;
  [[nodiscard]] bool may_speak_first() const noexcept override { return false; }
  void describe(const detail::Connection& connection, httplib::Request& request) override;

  std::mutex context_mutex_;
};

// ---------------------------------------------------------------------------------------------

namespace detail {

/// @returns the files as they came
/// @throws Error{invalid}
inline const TlsFiles& check(const TlsFiles& files) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_server_method()),
                                                             SSL_CTX_free);
  if (!context) throw Error(Errc::internal, "OpenSSL can't be started");
  // Without this, a key with a password would be asked for on the terminal.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return 0; });
  const auto fail = [](const std::string& message) {
    const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
    const std::string text = message + (reason != nullptr ? std::string(": ") + reason : "");
    ERR_clear_error();
    throw Error(Errc::invalid, text);
  };
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    fail("no certificate can be read from '" + files.certificate + "'");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail("no private key for '" + files.certificate + "' can be read from '" + files.key + "'");
  }
  return files;
}

class TlsWire final : public Wire {
 public:
  /// @param session  with the socket, ready to accept
  explicit TlsWire(SSL* session) noexcept : session_(session) {
    SSL_set_msg_callback(session_, count_key_updates);
    SSL_set_msg_callback_arg(session_, this);
  }
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;
  TlsWire(TlsWire&&) = delete;
  TlsWire& operator=(TlsWire&&) = delete;
  ~TlsWire() override { SSL_free(session_); }

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
                                std::size_t size, SSL* session, void* wire) {
    constexpr int most = 64;
    if (is_sent == 0 && content_type == SSL3_RT_HANDSHAKE && size > 0 &&
        *static_cast<const unsigned char*>(bytes) == SSL3_MT_KEY_UPDATE &&
        ++static_cast<TlsWire*>(wire)->key_updates_ > most) {
      SSL_set_shutdown(session, SSL_RECEIVED_SHUTDOWN);  // as if it had said goodbye
    }
  }

  SSL* session_;
  int key_updates_ = 0;
  bool has_failed_ = false;
};

}  // namespace detail

inline TlsServer::TlsServer(const TlsFiles& files, ServerOptions options)
    : ParkingServer(std::move(options), detail::check(files).certificate.c_str(),
                    files.key.c_str()) {
  if (!is_valid())
    throw Error(Errc::invalid, "TLS can't be set up with '" + files.certificate + "'");
  auto* const context = static_cast<SSL_CTX*>(tls_context());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Buffers are 34 KiB a connection, and an idle one needs none.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Sessions are resumed by tickets: a cache would keep something for clients that are gone. And a
  // client can't have the server do the costly part of a handshake over and over.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
}

inline std::unique_ptr<detail::Wire> TlsServer::open_wire(int socket) {
  const std::lock_guard lock(context_mutex_);
  SSL* const session = SSL_new(static_cast<SSL_CTX*>(tls_context()));
  if (session == nullptr) return nullptr;
  auto wire = std::make_unique<detail::TlsWire>(session);
  if (SSL_set_fd(session, socket) != 1) return nullptr;
  SSL_set_accept_state(session);
  return wire;
}

inline void TlsServer::describe(const detail::Connection& connection, httplib::Request& request) {
  request.ssl = static_cast<const detail::TlsWire&>(*connection.wire).session();
}

}  // namespace addrbook
