#include <addrbook/config/sections.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

namespace {

using addrbook::Options;
using addrbook::ServerOptions;
using addrbook::Token;
using addrbook::detail::BadValue;
using addrbook::detail::ConfigKey;
using addrbook::detail::ConfigKeys;

/// Sets a key of a section.
void set(const ConfigKeys& keys, const std::string& path, const std::string& text) {
  for (const ConfigKey& key : keys) {
    if (key.path() == path) return key.set_text(text);
  }
  FAIL("no key " << path);
}

/// Why a value is refused; "accepted" if it is not.
std::string refusal(const ConfigKeys& keys, const std::string& path, const std::string& text) {
  try {
    set(keys, path, text);
  } catch (const BadValue& bad) {
    return bad.reason;
  }
  return "accepted";
}

}  // namespace

TEST_CASE("config sections: service names the book, its limit and its schema") {
  std::string name;
  addrbook::ServiceOptions service;
  std::string schema;
  const auto keys = addrbook::detail::service_section(name, service, schema);
  set(keys, "service.name", "Contacts");
  set(keys, "service.max_entries", "7");
  set(keys, "service.schema", "a.json");
  set(keys, "service.tombstone_lifetime_h", "48");
  CHECK(name == "Contacts");
  CHECK(service.max_entries == 7);
  CHECK(service.tombstone_lifetime == std::chrono::hours(48));
  CHECK(schema == "a.json");
  CHECK(refusal(keys, "service.schema", "a\nb") == "must be one line, without control characters");
  CHECK(refusal(keys, "service.schema", "") == "accepted");
  CHECK(schema.empty());
}

TEST_CASE("config sections: http sets the options of the server and of the book") {
  std::string host;
  int port = 0;
  ServerOptions server;
  Options rest;
  bool metrics = true;
  const auto keys = addrbook::detail::http_section(host, port, server, rest, metrics);
  set(keys, "http.host", "::1");
  set(keys, "http.port", "65535");
  set(keys, "http.prefix", "/a/b");
  set(keys, "http.page", "true");
  set(keys, "http.openapi", "true");
  set(keys, "http.max_threads", "3");
  set(keys, "http.max_concurrent_writes", "2");
  set(keys, "http.body_timeout_ms", "4");
  set(keys, "http.answer_timeout_ms", "5");
  set(keys, "http.metrics", "false");
  CHECK_FALSE(metrics);
  CHECK(host == "::1");
  CHECK(port == 65535);
  CHECK(rest.prefix == "/a/b");
  CHECK(rest.page);
  CHECK(rest.openapi);
  CHECK(server.max_threads == 3);
  CHECK(rest.max_concurrent_writes == 2);
  CHECK(server.body_timeout == std::chrono::milliseconds(4));
  CHECK(rest.body_timeout == std::chrono::milliseconds(4));
  CHECK(server.answer_timeout == std::chrono::milliseconds(5));
  CHECK(rest.answer_timeout == std::chrono::milliseconds(5));
  CHECK(refusal(keys, "http.prefix", "/a//b").rfind("must be one or more segments", 0) == 0);
  CHECK(refusal(keys, "http.page", "maybe") == "must be one of: true, false");
  CHECK(refusal(keys, "http.body_timeout_ms", "0") ==
        "must be an integer from 1 to 86400000, not '0'");
  CHECK(rest.body_timeout == std::chrono::milliseconds(4));
}

TEST_CASE("config sections: origins and hosts are checked one by one") {
  std::string host;
  int port = 0;
  ServerOptions server;
  Options rest;
  bool metrics = true;
  const auto keys = addrbook::detail::http_section(host, port, server, rest, metrics);
  set(keys, "http.allowed_origins", "https://a.example,http://b.example:3000");
  CHECK(rest.allowed_origins ==
        std::vector<std::string>{"https://a.example", "http://b.example:3000"});
  set(keys, "http.allowed_hosts", "a.example,[::1]");
  CHECK(rest.allowed_hosts == std::vector<std::string>{"a.example", "[::1]"});
  CHECK(refusal(keys, "http.allowed_origins", "https://a.example,a.example")
            .rfind("item 2: 'a.example' is no origin", 0) == 0);
  CHECK(refusal(keys, "http.allowed_hosts", "https://a.example").rfind("item 1: ", 0) == 0);
}

TEST_CASE("config sections: proxies are trusted by the book and by the server") {
  std::string host;
  int port = 0;
  ServerOptions server;
  Options rest;
  bool metrics = true;
  const auto keys = addrbook::detail::http_section(host, port, server, rest, metrics);
  set(keys, "http.trusted_proxies", "127.0.0.1,10.0.0.0/8,fd00::/8");
  CHECK(rest.trusted_proxies == std::vector<std::string>{"127.0.0.1", "10.0.0.0/8", "fd00::/8"});
  CHECK(server.trusted_proxies == rest.trusted_proxies);
  CHECK(refusal(keys, "http.trusted_proxies", "::1,proxy.example.com") ==
        "item 2: 'proxy.example.com' is no IP address, nor a range like 10.0.0.0/8");
}

TEST_CASE("config sections: auth takes tokens as text and hashes as maps") {
  std::vector<Token> tokens;
  const auto keys = addrbook::detail::auth_section(tokens);
  REQUIRE(keys.size() == 1);
  const std::string hash(64, 'a');
  keys[0].set_map({{"name", "ada"}, {"role", "write"}, {"sha256", hash}});
  keys[0].set("eve:read:secret-0123456789");
  REQUIRE(tokens.size() == 2);
  CHECK(tokens[0].name == "ada");
  CHECK(tokens[0].role == Token::Role::write);
  CHECK(tokens[0].sha256 == hash);
  CHECK(tokens[1].role == Token::Role::read);
  CHECK(tokens[1].text == "secret-0123456789");
  CHECK(refusal(keys, "auth.tokens", "eve:read") == "item 1: must be name:role:token");
  // A hash is the same in upper case.
  keys[0].clear();
  keys[0].set_map({{"name", "ada"}, {"role", "write"}, {"sha256", hash}});
  CHECK_THROWS_AS(
      keys[0].set_map({{"name", "eve"}, {"role", "write"}, {"sha256", std::string(64, 'A')}}),
      BadValue);
}

TEST_CASE("config sections: a token's books, and the settings of many books") {
  std::vector<Token> tokens;
  const auto keys = addrbook::detail::auth_section(tokens);
  const std::string hash(64, 'a');
  keys[0].set_map({{"name", "ada"}, {"role", "admin"}, {"sha256", hash}, {"books", "a,b@c"}});
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0].role == Token::Role::admin);
  CHECK(tokens[0].books == std::vector<std::string>{"a", "b@c"});
  addrbook::BooksOptions books;
  bool own = false;
  Options rest;
  const auto of_books = addrbook::detail::books_section(books, own, rest);
  set(of_books, "books.own", "true");
  set(of_books, "books.create_on_write", "true");
  set(of_books, "books.max_books", "3");
  CHECK(own);
  CHECK(rest.create_on_write);
  CHECK(books.max_books == 3);
  CHECK(refusal(of_books, "books.own", "yes") == "must be one of: true, false");
}

TEST_CASE("config sections: the last storage that is set is selected") {
  using Kind = addrbook::StorageOptions::Kind;
  addrbook::StorageOptions storage;
  const auto keys = addrbook::detail::storage_section(storage);
  for (const ConfigKey& key : keys) CHECK(key.is_choice);
  set(keys, "storage.postgresql", "dbname=x");
  CHECK(storage.kind == Kind::postgresql);
  CHECK(storage.postgresql == "dbname=x");
  set(keys, "storage.memory", "");
  CHECK(storage.kind == Kind::memory);
  set(keys, "storage.sqlite", "x.db");
  CHECK(storage.kind == Kind::sqlite);
  CHECK(storage.sqlite == "x.db");
  CHECK(refusal(keys, "storage.memory", "x") == "takes no value");
  CHECK(refusal(keys, "storage.sqlite", "") == "must not be empty");
}
