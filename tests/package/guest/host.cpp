// A program with a book and nothing else.

#include <addrbook/addrbook.hpp>

#include <iostream>
#include <thread>

#if defined(EXPECT_OWN_HTTPLIB) && !defined(OWN_HTTPLIB)
#error "not the host's httplib::httplib"
#endif
#if defined(EXPECT_CXX) && __cplusplus < EXPECT_CXX
#error "not the host's C++"
#endif
#ifdef EXPECT_GZIP
#include <addrbook/config.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/postgresql.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/tls_server.hpp>
#include <addrbook/tokens.hpp>
#endif

int main() {
  httplib::Server server;
  addrbook::Options options;
#ifdef EXPECT_GZIP
  options.coding = addrbook::gzip();
  options.authorize = addrbook::bearer_tokens(
      {{"ada", addrbook::Token::Role::write, addrbook::hash_token("correct-horse-battery"), ""}});
  options.prefix = addrbook::parse_config("http: {prefix: /addresses}", "host.yaml").rest.prefix;
#endif
  const auto book = addrbook::mount(server, options);
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread listening([&] { server.listen_after_bind(); });
  server.wait_until_ready();
  const httplib::Headers headers{{"Authorization", "Bearer correct-horse-battery"}};
  const auto answer = httplib::Client("127.0.0.1", port)
                          .Post("/addresses", headers, R"({"name": "Ada"})", "application/json");
  server.stop();
  listening.join();
  if (!answer || answer->status != 201 || book->list().size() != 1) return 1;
  std::cout << "served by " ADDRBOOK_VERSION << '\n';
  return 0;
}
