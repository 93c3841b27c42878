/// TlsServer: Server over TLS 1.2 or later. Needs OpenSSL, and httplib built with it: the target
/// addrbook::tls links OpenSSL and defines CPPHTTPLIB_OPENSSL_SUPPORT for the whole program that
/// links it.
#pragma once

#ifndef CPPHTTPLIB_OPENSSL_SUPPORT
#error "tls_server.hpp needs CPPHTTPLIB_OPENSSL_SUPPORT, defined for the whole program"
#endif

#include <addrbook/error.hpp>
#include <addrbook/httplib/httplib.hpp>
#include <addrbook/httplib/parking_server.hpp>
#include <addrbook/options.hpp>
#include <addrbook/server.hpp>
#include <addrbook/server/tls_transport.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace addrbook {

/// An httplib::SSLServer with all that Server adds, its engine for books included. An idle
/// connection takes about 15 KiB.
class TlsServer : public detail::ParkingServer<httplib::SSLServer> {
 public:
  /// @throws Error{invalid} naming the file that cannot be read or does not fit
  explicit TlsServer(const TlsFiles& files, ServerOptions options = {});

  /// As in httplib. Open connections keep the old certificate.
  bool update_certs_pem(const char* certificate, const char* key) {
    const std::lock_guard lock(context_mutex_);
    return SSLServer::update_certs_pem(certificate, key);
  }

 private:
  std::unique_ptr<detail::Transport> open_transport(int socket) override {
    const std::lock_guard lock(context_mutex_);
    return detail::TlsTransport::accept(static_cast<SSL_CTX*>(tls_context()), socket);
  }
  [[nodiscard]] bool can_refuse_at_once() const noexcept override { return false; }
  void describe(const detail::Connection& connection, httplib::Request& request) override {
    request.ssl = static_cast<const detail::TlsTransport&>(*connection.transport).session();
  }

  std::mutex context_mutex_;
};

// ---------------------------------------------------------------------------------------------

namespace detail {

/// httplib's SSLServer does not say what is wrong with its files.
/// @returns `files`
/// @throws Error{invalid}
inline const TlsFiles& check(const TlsFiles& files) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_server_method()),
                                                             SSL_CTX_free);
  if (!context) throw Error(Errc::internal, "OpenSSL can't be started");
  // By default OpenSSL asks for the password of a key on the terminal.
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
  // Without SSL_MODE_RELEASE_BUFFERS an idle connection would keep 34 KiB of buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Sessions are resumed by tickets. A cache would hold memory for clients that are gone.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // With renegotiation a client could repeat the expensive part of a handshake at will.
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
}

}  // namespace addrbook
