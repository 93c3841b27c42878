// A program that has a server with TLS.

#include <addrbook/tls_server.hpp>

int main() {
  try {
    addrbook::TlsServer server({"no certificate", "no key"});
    return 1;
  } catch (const addrbook::Error&) {
    return 0;
  }
}
