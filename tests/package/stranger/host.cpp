// A program with everything that has a component of its own.

#include <addrbook/addrbook.hpp>
#include <addrbook/config.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/server.hpp>
#include <addrbook/tls_server.hpp>
#include <addrbook/tokens.hpp>

int main() {
  const auto config = addrbook::parse_config("http: {port: 0, prefix: /people}", "host.yaml");
  addrbook::Server server;
  addrbook::Options options;
  options.prefix = config.http.prefix;
  options.coding = addrbook::gzip();
  options.authorize =
      addrbook::bearer_tokens({{"ada", addrbook::Token::Role::write, "", "correct-horse-battery"}});
  const auto book = addrbook::mount(server, options);
  const int port = server.bind(config.http.host, config.http.port);
  std::thread listening([&] { server.listen_after_bind(); });
  server.wait_until_ready();
  const httplib::Headers headers{{"Authorization", "Bearer correct-horse-battery"}};
  const auto answer = httplib::Client(config.http.host, port)
                          .Post("/people", headers, R"({"name": "Ada"})", "application/json");
  server.stop();
  listening.join();
  return answer && answer->status == 201 && book->list().size() == 1 ? 0 : 1;
}
