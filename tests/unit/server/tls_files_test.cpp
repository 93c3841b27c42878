#include <addrbook/server/tls_files.hpp>

#include <unit/refusal.hpp>

#include <support/certificate.hpp>
#include <support/process.hpp>

#include <doctest/doctest.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

namespace {

struct Fixture {
  Fixture() { test::write_certificate(certificate, key); }

  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder.path() / name).string();
  }
  [[nodiscard]] static std::string refusal(const std::string& certificate, const std::string& key) {
    return test::refusal([&] { static_cast<void>(addrbook::detail::load({certificate, key})); });
  }

  test::TempFolder folder;
  std::string certificate = path("certificate.pem");
  std::string key = path("key.pem");
};

}  // namespace

TEST_CASE("tls_files: a certificate with its key is taken") {
  const Fixture fixture;
  CHECK(Fixture::refusal(fixture.certificate, fixture.key) == "accepted");
}

TEST_CASE("tls_files: a key that is not the certificate's is refused, naming both") {
  const Fixture fixture;
  const std::string certificate = fixture.path("rsa.pem");
  const std::string key = fixture.path("rsa-key.pem");
  test::write_certificate(certificate, key, "RSA");
  CHECK(Fixture::refusal(certificate, key) == "accepted");
  CHECK(Fixture::refusal(certificate, fixture.key) ==
        "the private key in '" + fixture.key + "' (EC) is not that of the certificate in '" +
            certificate + "' (RSA)");
  CHECK(Fixture::refusal(fixture.certificate, key) ==
        "the private key in '" + key + "' (RSA) is not that of the certificate in '" +
            fixture.certificate + "' (EC)");
  const Fixture other;
  CHECK(Fixture::refusal(fixture.certificate, other.key) ==
        "the private key in '" + other.key + "' is not that of the certificate in '" +
            fixture.certificate + "' (EC)");
}

TEST_CASE("tls_files: what is wrong with a file is said in plain words") {
  const Fixture fixture;
  const std::string missing = fixture.path("missing.pem");
  const std::string no_file = "can't read '" + missing + "': No such file or directory";
  CHECK(Fixture::refusal(missing, fixture.key) == no_file);
  CHECK(Fixture::refusal(fixture.certificate, missing) == no_file);
  const std::string folder = fixture.folder.path().string();
  CHECK(Fixture::refusal(folder, fixture.key) == "can't read '" + folder + "': Is a directory");
  // The two mixed up.
  CHECK(Fixture::refusal(fixture.key, fixture.certificate) ==
        "no certificate is in '" + fixture.key +
            "': it must begin with '-----BEGIN CERTIFICATE-----' (PEM), and this is a private key");
  CHECK(
      Fixture::refusal(fixture.certificate, fixture.certificate) ==
      "no private key is in '" + fixture.certificate +
          "': it must have a line '-----BEGIN PRIVATE KEY-----' (PEM), and this is a certificate");
  const std::string nonsense = fixture.path("nonsense.pem");
  std::ofstream(nonsense) << "nonsense\n";
  CHECK(Fixture::refusal(nonsense, fixture.key) ==
        "no certificate is in '" + nonsense +
            "': it must begin with '-----BEGIN CERTIFICATE-----' (PEM)");
  const std::string broken = fixture.path("broken.pem");
  std::ofstream(broken) << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  CHECK(Fixture::refusal(broken, fixture.key) ==
        "the certificate in '" + broken + "' is damaged or not complete");
  std::ofstream(broken) << "-----BEGIN CERTIFICATE-----\nMIIB";
  CHECK(Fixture::refusal(broken, fixture.key) ==
        "the certificate in '" + broken + "' is damaged or not complete");
  std::ofstream(broken) << "-----BEGIN PRIVATE KEY-----\nMIIB";
  CHECK(Fixture::refusal(fixture.certificate, broken) ==
        "the private key in '" + broken + "' is damaged or not complete");
}

TEST_CASE("tls_files: a key with a password is refused, with what to do") {
  const Fixture fixture;
  const std::string locked = fixture.path("locked.pem");
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(locked.c_str(), "w"),
                                                               std::fclose);
    const std::string password = "open sesame";
    PEM_write_PrivateKey(file.get(), key.get(), EVP_aes_128_cbc(),
                         reinterpret_cast<const unsigned char*>(password.data()),
                         static_cast<int>(password.size()), nullptr, nullptr);
  }
  CHECK(Fixture::refusal(fixture.certificate, locked).find("has a password") != std::string::npos);
}
