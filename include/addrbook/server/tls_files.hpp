/// TlsFiles checked: a certificate and its key, read into a context of OpenSSL's.
#pragma once

#include <addrbook/base/read_file.hpp>
#include <addrbook/error.hpp>
#include <addrbook/options.hpp>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509err.h>

#include <memory>
#include <string>
#include <system_error>

namespace addrbook::detail {

using TlsContext = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;

/// Reads the files.
/// @returns a context that has nothing but the certificate and its key
/// @throws Error{invalid} naming the file that cannot be read or does not fit, and why
[[nodiscard]] inline TlsContext load(const TlsFiles& files);

/// @returns `files`, if load() takes them
/// @throws as load()
inline const TlsFiles& check(const TlsFiles& files) {
  static_cast<void>(load(files));
  return files;
}

// ---------------------------------------------------------------------------------------------

/// @throws Error{invalid}
inline std::string read_pem_file(const std::string& path) {
  try {
    return read_file(path);
  } catch (const std::system_error& error) {
    throw Error(Errc::invalid, "can't read '" + path + "': " + error.code().message());
  }
}

/// @returns what OpenSSL's last error says of a certificate or a key
inline std::string take_tls_error() {
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  switch (ERR_GET_REASON(error)) {
    case ERR_R_PEM_LIB:
    case ERR_R_ASN1_LIB: return "is damaged or not complete";
    case SSL_R_EE_KEY_TOO_SMALL:
    case SSL_R_CA_KEY_TOO_SMALL: return "can't be used: its key is too short to be safe";
    case SSL_R_CA_MD_TOO_WEAK: return "can't be used: its signature has too weak a hash";
    default: break;
  }
  const char* const reason = ERR_reason_error_string(error);
  return std::string("can't be used: ") + (reason != nullptr ? reason : "unknown error");
}

/// @throws Error{invalid} why OpenSSL took no certificate from a file
[[noreturn]] inline void fail_certificate(const std::string& path) {
  const std::string reason = take_tls_error();
  const std::string text = read_pem_file(path);
  const auto has = [&text](const char* part) { return text.find(part) != std::string::npos; };
  if (has("CERTIFICATE-----")) {
    throw Error(Errc::invalid, "the certificate in '" + path + "' " + reason);
  }
  throw Error(Errc::invalid, "no certificate is in '" + path +
                                 "': it must begin with '-----BEGIN " + "CERTIFICATE-----' (PEM)" +
                                 (has("PRIVATE KEY-----") ? ", and this is a private key" : ""));
}

/// @throws Error{invalid} why OpenSSL took no key from a file
[[noreturn]] inline void fail_key(const std::string& path) {
  const std::string reason = take_tls_error();
  const std::string text = read_pem_file(path);
  const auto has = [&text](const char* part) { return text.find(part) != std::string::npos; };
  if (has("ENCRYPTED")) {
    throw Error(Errc::invalid, "the private key in '" + path +
                                   "' has a password, which the server can't ask for; 'openssl " +
                                   "pkey -in FILE -out FILE' takes it off");
  }
  if (has("PRIVATE KEY-----")) {
    throw Error(Errc::invalid, "the private key in '" + path + "' " + reason);
  }
  throw Error(Errc::invalid, "no private key is in '" + path +
                                 "': it must have a line '-----BEGIN PRIVATE KEY-----' (PEM)" +
                                 (has("CERTIFICATE-----") ? ", and this is a certificate" : ""));
}

/// @returns e.g. "RSA"
inline std::string kind_of(EVP_PKEY* key) {
  const char* const name = key != nullptr ? EVP_PKEY_get0_type_name(key) : nullptr;
  return name != nullptr ? name : "unknown kind";
}

inline TlsContext load(const TlsFiles& files) {
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) throw Error(Errc::internal, "OpenSSL can't be started");
  // By default OpenSSL asks for the password of a key on the terminal.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return 0; });
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    fail_certificate(files.certificate);
  }
  // OpenSSL keeps a pair for each kind of key, so a key of another kind only shows in a handshake.
  X509* const certificate = SSL_CTX_get0_certificate(context.get());
  const std::string certificate_kind = kind_of(X509_get0_pubkey(certificate));
  const bool is_read =
      SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) == 1;
  const bool is_other = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
                        ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;
  if (!is_read && !is_other) fail_key(files.key);
  if (is_read && SSL_CTX_check_private_key(context.get()) == 1) return context;
  ERR_clear_error();
  const std::string key_kind = kind_of(SSL_CTX_get0_privatekey(context.get()));
  throw Error(Errc::invalid, "the private key in '" + files.key + "'" +
                                 (is_read ? " (" + key_kind + ")" : "") +
                                 " is not that of the certificate in '" + files.certificate +
                                 "' (" + certificate_kind + ")");
}

}  // namespace addrbook::detail
