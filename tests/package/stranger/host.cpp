// A program with everything that has a component of its own.

#include <addrbook/addrbook.hpp>
#include <addrbook/config.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/postgresql.hpp>
#include <addrbook/schema.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/tls_server.hpp>
#include <addrbook/tokens.hpp>
#include <addrbook/vcard.hpp>

int main() {
  const auto config = addrbook::parse_config("http: {port: 0, prefix: /people}", "host.yaml");
  addrbook::Server server;
  addrbook::Options options;
  options.prefix = config.rest.prefix;
  options.coding = addrbook::gzip();
  options.formats = {addrbook::vcard()};
  options.authorize =
      addrbook::bearer_tokens({{"ada", addrbook::Token::Role::write, "", "correct-horse-battery"}});
  const auto book = std::make_shared<addrbook::Service>(
      addrbook::open_sqlite(":memory:"),
      std::vector{addrbook::json_schema_text(R"({"required": ["name"]})")});
  addrbook::mount(server, book, options);
  try {
    static_cast<void>(addrbook::open_postgresql("no connection string"));
    return 2;
  } catch (const addrbook::Error&) {
  }
  const int port = server.bind(config.host, config.port);
  std::thread listening([&] { server.listen_after_bind(); });
  server.wait_until_ready();
  const httplib::Headers headers{{"Authorization", "Bearer correct-horse-battery"}};
  const auto answer = httplib::Client(config.host, port)
                          .Post("/people", headers, R"({"name": "Ada"})", "application/json");
  const auto refused = httplib::Client(config.host, port)
                           .Post("/people", headers, R"({"nick": "Ada"})", "application/json");
  server.stop();
  listening.join();
  return answer && answer->status == 201 && refused && refused->status == 400 &&
                 book->list().size() == 1
             ? 0
             : 1;
}
