/// TlsServer: Server over TLS 1.2 and up. Needs OpenSSL and httplib with it: the target
/// addrbook::tls links the one and defines CPPHTTPLIB_OPENSSL_SUPPORT for the other, in all of the
/// program that links it.
#pragma once

#ifndef CPPHTTPLIB_OPENSSL_SUPPORT
#error "tls_server.hpp needs CPPHTTPLIB_OPENSSL_SUPPORT, defined for the whole program"
#endif

#include <addrbook/error.hpp>
#include <addrbook/server.hpp>
#include <addrbook/server/tls_transport.hpp>

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

/// What a server proves itself with.
struct TlsFiles {
  std::string certificate;  ///< PEM file: the certificate, then those that lead to a root
  std::string key;          ///< PEM file: its private key, without a password
};

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
  std::unique_ptr<detail::Transport> open_transport(int socket) override;
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

inline std::unique_ptr<detail::Transport> TlsServer::open_transport(int socket) {
  const std::lock_guard lock(context_mutex_);
  SSL* const session = SSL_new(static_cast<SSL_CTX*>(tls_context()));
  if (session == nullptr) return nullptr;
  auto transport = std::make_unique<detail::TlsTransport>(session);
  if (SSL_set_fd(session, socket) != 1) return nullptr;
  SSL_set_accept_state(session);
  return transport;
}

inline void TlsServer::describe(const detail::Connection& connection, httplib::Request& request) {
  request.ssl = static_cast<const detail::TlsTransport&>(*connection.transport).session();
}

}  // namespace addrbook
