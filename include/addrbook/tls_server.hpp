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
#include <addrbook/server/tls_files.hpp>
#include <addrbook/server/tls_transport.hpp>

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

  /// Uses another certificate from now on, e.g. a renewed one; its key may be of another kind. Open
  /// connections keep the old one.
  /// @throws as the constructor; the old certificate then stays
  /// @par Thread safety  any thread
  void update(const TlsFiles& files);

  /// As in httplib. Open connections keep the old certificate.
  bool update_certs_pem(const char* certificate, const char* key) {
    const std::lock_guard lock(context_mutex_);
    updated_.reset();
    return SSLServer::update_certs_pem(certificate, key);
  }

 private:
  std::unique_ptr<detail::Transport> open_transport(int socket) override {
    const std::lock_guard lock(context_mutex_);
    auto transport = detail::TlsTransport::accept(context(), socket);
    if (transport && updated_) SSL_set_SSL_CTX(transport->session(), updated_.get());
    return transport;
  }
  [[nodiscard]] bool can_refuse_at_once() const noexcept override { return false; }
  void describe(const detail::Connection& connection, httplib::Request& request) override {
    request.ssl = static_cast<const detail::TlsTransport&>(*connection.transport).session();
  }
  [[nodiscard]] SSL_CTX* context() const { return static_cast<SSL_CTX*>(tls_context()); }

  std::mutex context_mutex_;
  detail::TlsContext updated_{nullptr, SSL_CTX_free};  // has the certificate since update()
};

// ---------------------------------------------------------------------------------------------

inline TlsServer::TlsServer(const TlsFiles& files, ServerOptions options)
    // httplib's SSLServer does not say what is wrong with its files, and takes a key of another
    // kind than the certificate's.
    : ParkingServer(std::move(options), detail::check(files).certificate.c_str(),
                    files.key.c_str()) {
  if (!is_valid())
    throw Error(Errc::invalid, "TLS can't be set up with '" + files.certificate + "'");
  SSL_CTX_set_min_proto_version(context(), TLS1_2_VERSION);
  // With forward secrecy, and no CBC, whose padding has been attacked again and again (RFC 9325,
  // 4.2). TLS 1.3 has no others.
  SSL_CTX_set_cipher_list(context(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  // Without SSL_MODE_RELEASE_BUFFERS an idle connection would keep 34 KiB of buffers.
  SSL_CTX_set_mode(context(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Sessions are resumed by tickets. A cache would hold memory for clients that are gone.
  SSL_CTX_set_session_cache_mode(context(), SSL_SESS_CACHE_OFF);
  // With renegotiation a client could repeat the expensive part of a handshake at will.
  SSL_CTX_set_options(context(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
}

inline void TlsServer::update(const TlsFiles& files) {
  detail::TlsContext next = detail::load(files);
  const std::lock_guard lock(context_mutex_);
  // A connection takes these from the context that has its certificate, all else from httplib's.
  std::string ciphers;
  const auto* const list = SSL_CTX_get_ciphers(context());
  for (int i = 0; i < sk_SSL_CIPHER_num(list); ++i) {
    ciphers.append(i > 0 ? ":" : "").append(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i)));
  }
  SSL_CTX_set_cipher_list(next.get(), ciphers.c_str());
  SSL_CTX_set1_cert_store(next.get(), SSL_CTX_get_cert_store(context()));
  SSL_CTX_set_client_CA_list(next.get(), SSL_dup_CA_list(SSL_CTX_get_client_CA_list(context())));
  updated_ = std::move(next);
}

}  // namespace addrbook
