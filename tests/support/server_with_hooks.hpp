/// The servers that a test runs on.
#pragma once

#include <addrbook/server.hpp>

namespace test {

/// A Server whose books are served by httplib's routes.
class ServerWithHooks : public addrbook::Server {
 public:
  ServerWithHooks() : addrbook::Server(options()) {}

 private:
  static addrbook::ServerOptions options() {
    addrbook::ServerOptions options;
    options.hooks_see_books = true;
    return options;
  }
};

}  // namespace test

#define ADDRBOOK_OUR_SERVERS addrbook::Server, test::ServerWithHooks
#define ADDRBOOK_TEST_SERVERS httplib::Server, ADDRBOOK_OUR_SERVERS
