// Code that the pages show and no example holds.

#include <addrbook/addrbook.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/tokens.hpp>

#include <support/process.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

namespace {

void use_a_book(std::ostream& out) {
  addrbook::Service book;  // in memory; it takes writes until stop()
  auto entry = book.create(nlohmann::json{{"name", "Ada Lovelace"}});
  entry = book.update(entry.id, addrbook::Document::parse(R"({"name": "Ada King", "born": 1815})"));
  for (const addrbook::Entry& each : book.list()) {
    out << each.id << ' ' << each.revision << ' ' << each.document.text() << '\n';
  }
  out << book.get(entry.id).document.json()["name"] << '\n';
  book.remove(entry.id);
  try {
    book.remove(entry.id);
  } catch (const addrbook::Error& error) {
    if (error.code() == addrbook::Errc::not_found) out << error.what() << '\n';
  }
}

void mount_with_everything(httplib::Server& server) {
  addrbook::Options options;
  options.coding = addrbook::gzip();
  options.authorize =
      addrbook::bearer_tokens({{"ada", addrbook::Token::Role::write, "", "correct-horse-battery"}});
  auto book = std::make_shared<addrbook::Service>(addrbook::open_sqlite("contacts.db"));
  addrbook::mount(server, book, options);
}

void serve(addrbook::Server& server, int port) {
  addrbook::mount(server);
  server.bind("127.0.0.1", port);
  server.listen_after_bind();  // returns after stop(), which any thread may call
}

}  // namespace

TEST_CASE("snippets: a book without a server") {
  std::ostringstream out;
  use_a_book(out);
  const std::string text = out.str();
  CHECK(text.find(R"( 2 {"name":"Ada King","born":1815})") != std::string::npos);
  CHECK(text.find("\n\"Ada King\"\nNo such address: '") != std::string::npos);
}

TEST_CASE("snippets: a book in a file, with tokens, behind a server") {
  const test::TempFolder folder;
  std::filesystem::current_path(folder.path());
  httplib::Server server;
  mount_with_everything(server);
  CHECK(std::filesystem::exists(folder.path() / "contacts.db"));
  std::filesystem::current_path("/");
}

TEST_CASE("snippets: the server that the library brings") {
  addrbook::Server server;
  std::thread listening([&] { serve(server, 0); });
  server.wait_until_ready();
  CHECK(server.is_running());
  server.stop();
  listening.join();
}
