#include <addrbook/config.hpp>

#include <unit/refusal.hpp>

#include <support/process.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using addrbook::Config;
using addrbook::Environment;
using addrbook::LogFormat;
using Level = addrbook::LogRecord::Level;
using namespace std::string_literals;

namespace {

using Variables = std::map<std::string, std::string>;

Environment environment(Variables variables = {}) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
}

Config parse(const std::string& yaml, const Variables& variables = {}) {
  return addrbook::parse_config(yaml, "book.yaml", environment(variables));
}

std::string refusal(const std::string& yaml, const Variables& variables = {}) {
  return test::refusal([&] { parse(yaml, variables); });
}

/// Every setting as text.
std::map<std::string, std::string> settings(const Config& config) {
  const auto ms = [](std::chrono::milliseconds time) { return std::to_string(time.count()); };
  const auto joined = [](const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& item : list) text.append(text.empty() ? "" : ",").append(item);
    return text;
  };
  std::vector<std::string> tokens;
  for (const addrbook::Token& token : config.tokens) {
    tokens.push_back(token.name +
                     (token.role == addrbook::Token::Role::read ? " reads " : " writes ") +
                     token.sha256 + token.text);
  }
  return {
      {"service.name", config.name},
      {"service.max_entries", std::to_string(config.service.max_entries)},
      {"service.max_document_bytes", std::to_string(config.service.max_document_bytes)},
      {"service.schema", config.schema},
      {"service.tombstone_lifetime_h", std::to_string(config.service.tombstone_lifetime.count())},
      {"http.max_connections", std::to_string(config.server.max_connections)},
      {"http.max_threads", std::to_string(config.server.max_threads)},
      {"http.max_buffered_bytes", std::to_string(config.server.max_buffered_bytes)},
      {"http.list_cache_bytes", std::to_string(config.rest.list_cache_bytes)},
      {"http.openapi", std::to_string(static_cast<int>(config.rest.openapi))},
      {"http.max_streams", std::to_string(config.rest.max_streams)},
      {"http.max_concurrent_writes", std::to_string(config.rest.max_concurrent_writes)},
      {"http.header_timeout_ms", ms(config.server.header_timeout)},
      {"http.metrics", std::to_string(static_cast<int>(config.metrics))},
      {"http.allowed_origins", joined(config.rest.allowed_origins)},
      {"http.allowed_hosts", joined(config.rest.allowed_hosts)},
      {"http.trusted_proxies", joined(config.rest.trusted_proxies)},
      {"auth.tokens", joined(tokens)},
      {"tls", config.tls.certificate + " " + config.tls.key},
      {"http.host", config.host},
      {"http.port", std::to_string(config.port)},
      {"http.prefix", config.rest.prefix},
      {"http.page", config.rest.page ? "true" : "false"},
      {"http.max_body_bytes", std::to_string(config.rest.max_body_bytes)},
      {"http.max_import_bytes", std::to_string(config.rest.max_import_bytes)},
      {"http.max_atomic_records", std::to_string(config.rest.max_atomic_records)},
      {"http.min_transfer_rate", std::to_string(config.rest.min_transfer_rate)},
      {"http.body_timeout_ms", ms(config.server.body_timeout)},
      {"http.answer_timeout_ms", ms(config.server.answer_timeout)},
      {"http.read_timeout_ms", ms(config.server.read_timeout)},
      {"http.write_timeout_ms", ms(config.server.write_timeout)},
      {"http.keep_alive_timeout_ms", ms(config.server.keep_alive_timeout)},
      {"storage", std::to_string(static_cast<int>(config.storage.kind)) + config.storage.sqlite +
                      config.storage.postgresql},
      {"sqlite.connections", std::to_string(config.sqlite.connections)},
      {"sqlite.entry_cache_bytes", std::to_string(config.sqlite.entry_cache_bytes)},
      {"sqlite.page_cache_bytes", std::to_string(config.sqlite.page_cache_bytes)},
      {"postgresql.connections", std::to_string(config.postgresql.connections)},
      {"postgresql.connect_timeout_ms", ms(config.postgresql.connect_timeout)},
      {"postgresql.timeout_ms", ms(config.postgresql.timeout)},
      {"logging.level", std::to_string(static_cast<int>(config.logging.level))},
      {"logging.format", std::to_string(static_cast<int>(config.logging.format))},
      {"logging.file", config.logging.file}};
}

const std::string hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// An item of auth.tokens.
std::string token(const std::string& name, const std::string& role,
                  const std::string& sha256 = hash) {
  return "{name: " + name + ", role: " + role + ", sha256: " + sha256 + "}";
}

struct Key {
  std::string section;
  std::string name;
  std::string variable;
  std::string value;
  std::string other;
  std::string setting;        ///< what settings() shows for `value`
  std::string other_setting;  ///< likewise
};

std::vector<Key> all_keys() {
  return {
      {"service", "name", "ADDRBOOK_SERVICE_NAME", "My Book", "Other", "My Book", "Other"},
      {"http", "host", "ADDRBOOK_HTTP_HOST", "0.0.0.0", "localhost", "0.0.0.0", "localhost"},
      {"http", "port", "ADDRBOOK_HTTP_PORT", "0", "65535", "0", "65535"},
      {"http", "prefix", "ADDRBOOK_HTTP_PREFIX", "/a/b", "/c", "/a/b", "/c"},
      {"http", "page", "ADDRBOOK_HTTP_PAGE", "false", "true", "false", "true"},
      {"http", "max_body_bytes", "ADDRBOOK_HTTP_MAX_BODY_BYTES", "1", "1073741824", "1",
       "1073741824"},
      {"http", "max_import_bytes", "ADDRBOOK_HTTP_MAX_IMPORT_BYTES", "0", "1099511627776", "0",
       "1099511627776"},
      {"http", "max_atomic_records", "ADDRBOOK_HTTP_MAX_ATOMIC_RECORDS", "1", "1000000", "1",
       "1000000"},
      {"http", "min_transfer_rate", "ADDRBOOK_HTTP_MIN_TRANSFER_RATE", "1", "1073741824", "1",
       "1073741824"},
      {"service", "max_entries", "ADDRBOOK_SERVICE_MAX_ENTRIES", "0", "1000000000000", "0",
       "1000000000000"},
      {"service", "max_document_bytes", "ADDRBOOK_SERVICE_MAX_DOCUMENT_BYTES", "1", "1073741824",
       "1", "1073741824"},
      {"service", "schema", "ADDRBOOK_SERVICE_SCHEMA", "a.json", "b.json", "a.json", "b.json"},
      {"service", "tombstone_lifetime_h", "ADDRBOOK_SERVICE_TOMBSTONE_LIFETIME_H", "0", "87600",
       "0", "87600"},
      {"http", "max_connections", "ADDRBOOK_HTTP_MAX_CONNECTIONS", "1", "1000000", "1", "1000000"},
      {"http", "max_threads", "ADDRBOOK_HTTP_MAX_THREADS", "1", "100000", "1", "100000"},
      {"http", "max_buffered_bytes", "ADDRBOOK_HTTP_MAX_BUFFERED_BYTES", "1048576", "68719476736",
       "1048576", "68719476736"},
      {"http", "list_cache_bytes", "ADDRBOOK_HTTP_LIST_CACHE_BYTES", "0", "68719476736", "0",
       "68719476736"},
      {"http", "openapi", "ADDRBOOK_HTTP_OPENAPI", "true", "false", "1", "0"},
      {"http", "max_streams", "ADDRBOOK_HTTP_MAX_STREAMS", "0", "1000000", "0", "1000000"},
      {"http", "max_concurrent_writes", "ADDRBOOK_HTTP_MAX_CONCURRENT_WRITES", "1", "100000", "1",
       "100000"},
      {"http", "header_timeout_ms", "ADDRBOOK_HTTP_HEADER_TIMEOUT_MS", "51", "52", "51", "52"},
      {"http", "body_timeout_ms", "ADDRBOOK_HTTP_BODY_TIMEOUT_MS", "1", "86400000", "1",
       "86400000"},
      {"http", "answer_timeout_ms", "ADDRBOOK_HTTP_ANSWER_TIMEOUT_MS", "11", "12", "11", "12"},
      {"http", "read_timeout_ms", "ADDRBOOK_HTTP_READ_TIMEOUT_MS", "21", "22", "21", "22"},
      {"http", "write_timeout_ms", "ADDRBOOK_HTTP_WRITE_TIMEOUT_MS", "31", "32", "31", "32"},
      {"http", "keep_alive_timeout_ms", "ADDRBOOK_HTTP_KEEP_ALIVE_TIMEOUT_MS", "41", "42", "41",
       "42"},
      {"http", "metrics", "ADDRBOOK_HTTP_METRICS", "false", "false", "0", "0"},
      {"sqlite", "connections", "ADDRBOOK_SQLITE_CONNECTIONS", "1", "1000", "1", "1000"},
      {"sqlite", "entry_cache_bytes", "ADDRBOOK_SQLITE_ENTRY_CACHE_BYTES", "0", "1099511627776",
       "0", "1099511627776"},
      {"sqlite", "page_cache_bytes", "ADDRBOOK_SQLITE_PAGE_CACHE_BYTES", "0", "4096", "0", "4096"},
      {"postgresql", "connections", "ADDRBOOK_POSTGRESQL_CONNECTIONS", "1", "1000", "1", "1000"},
      {"postgresql", "connect_timeout_ms", "ADDRBOOK_POSTGRESQL_CONNECT_TIMEOUT_MS", "61", "62",
       "61", "62"},
      {"postgresql", "timeout_ms", "ADDRBOOK_POSTGRESQL_TIMEOUT_MS", "71", "72", "71", "72"},
      {"logging", "level", "ADDRBOOK_LOGGING_LEVEL", "warning", "error", "1", "2"},
      {"logging", "format", "ADDRBOOK_LOGGING_FORMAT", "json", "json", "1", "1"},
      {"logging", "file", "ADDRBOOK_LOGGING_FILE", "logs/book.log", "other.log", "logs/book.log",
       "other.log"},
  };
}

}  // namespace

TEST_CASE("config: the defaults are those of the local configuration") {
  const auto defaults = settings(Config());
  CHECK(defaults.at("http.port") == "8080");
  CHECK(defaults.at("http.host") == "127.0.0.1");
  CHECK(defaults.at("http.page") == "true");
  CHECK_FALSE(addrbook::Options().page);
  CHECK(defaults.at("http.max_body_bytes") == "1048576");
  CHECK(defaults.at("http.max_import_bytes") == "268435456");
  CHECK(defaults.at("http.openapi") == "1");
  CHECK(defaults.at("http.max_atomic_records") == "10000");
  CHECK(defaults.at("http.min_transfer_rate") == "1024");
  CHECK(defaults.at("http.max_connections") == "10000");
  CHECK(defaults.at("http.max_threads") == "1000");
  CHECK(defaults.at("http.max_buffered_bytes") == "67108864");
  CHECK(defaults.at("http.list_cache_bytes") == "33554432");
  CHECK(defaults.at("http.max_concurrent_writes") == "256");
  CHECK(defaults.at("http.header_timeout_ms") == "10000");
  CHECK(defaults.at("service.max_entries") == "1000000");
  CHECK(defaults.at("service.max_document_bytes") == "16777216");
  CHECK(defaults.at("sqlite.connections") == "8");
  CHECK(defaults.at("sqlite.entry_cache_bytes") == "67108864");
  CHECK(defaults.at("postgresql.connections") == "16");
  CHECK(defaults.at("postgresql.timeout_ms") == "5000");
  const std::string file = ADDRBOOK_SOURCE_DIR "/configs/addressbook-local.yaml";
  CHECK(settings(addrbook::load_config(file, environment())) == defaults);
  // And the file has every key.
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  Config config;
  for (const auto& key : addrbook::detail::config_keys(config)) {
    CAPTURE(key.name);
    CHECK(text.find("\n" + key.section + ":") != std::string::npos);
    // Only one key of a choice can be set; the others are in comments.
    CHECK((text.find("\n  " + key.name + ":") != std::string::npos ||
           (key.is_choice && text.find("\n  # " + key.name + ":") != std::string::npos)));
  }
}

TEST_CASE("config: without any settings, the defaults apply") {
  const auto defaults = settings(Config());
  for (const std::string yaml :
       {"", "\n", "# only a comment\n", "---\n", "~", "null", "{}", "---\n...\n", "service:\n",
        "service: ~\nhttp:\nlogging: null\n", "http: {}"}) {
    CAPTURE(yaml);
    CHECK(settings(parse(yaml)) == defaults);
  }
}

TEST_CASE(
    "config: every key can be set in the file and in the environment, which overrides the file") {
  // The others are tested below: three storages, four lists, the pair of tls, those of many books.
  Config config;
  REQUIRE(all_keys().size() + 12 == addrbook::detail::config_keys(config).size());
  const auto defaults = settings(Config());
  for (const Key& key : all_keys()) {
    CAPTURE(key.variable);
    const std::string path = key.section + "." + key.name;
    const std::string yaml = key.section + ":\n  " + key.name + ": " + key.value + "\n";
    auto expected = defaults;
    expected[path] = key.setting;
    CHECK(settings(parse(yaml)) == expected);
    CHECK(settings(parse("", {{key.variable, key.value}})) == expected);
    expected[path] = key.other_setting;
    CHECK(settings(parse(yaml, {{key.variable, key.other}})) == expected);
  }
  // One that is empty counts as not set.
  for (const Key& key : all_keys()) {
    CAPTURE(key.variable);
    CHECK(settings(parse("", {{key.variable, ""}})) == defaults);
  }
  CHECK(parse("logging: {file: x}", {{"ADDRBOOK_LOGGING_FILE", ""}}).logging.file == "x");
}

TEST_CASE("config: many books, named by the path or by the token") {
  const Config defaults;
  CHECK_FALSE(addrbook::has_many_books(defaults));
  CHECK_FALSE(defaults.own_books);
  CHECK_FALSE(defaults.rest.create_on_write);
  CHECK(defaults.books.max_books == 0);
  const std::string path = "http: {prefix: '/books/{book}/addresses'}\n";
  const Config by_path = parse(path + "books: {create_on_write: true, max_books: 7}\nauth:\n" +
                               "  tokens:\n    - {name: ada, role: admin, sha256: " + hash +
                               ", books: [family, a@b]}\n");
  CHECK(addrbook::has_many_books(by_path));
  CHECK(by_path.rest.create_on_write);
  CHECK(by_path.books.max_books == 7);
  REQUIRE(by_path.tokens.size() == 1);
  CHECK(by_path.tokens[0].role == addrbook::Token::Role::admin);
  CHECK((by_path.tokens[0].books == std::vector<std::string>{"family", "a@b"}));
  const Variables token{{"ADDRBOOK_AUTH_TOKENS", "ada:write:secret-0123456789"}};
  Variables variables = token;
  variables["ADDRBOOK_BOOKS_OWN"] = "true";
  variables["ADDRBOOK_BOOKS_CREATE_ON_WRITE"] = "true";
  variables["ADDRBOOK_BOOKS_MAX_BOOKS"] = "9";
  const Config own = parse("", variables);
  CHECK(addrbook::has_many_books(own));
  CHECK(own.own_books);
  CHECK(own.rest.create_on_write);
  CHECK(own.books.max_books == 9);
  CHECK_FALSE(parse("", {{"ADDRBOOK_BOOKS_OWN", ""}}).own_books);

  const std::string many = "needs {book} in http.prefix, or books.own";
  CHECK(refusal("books: {own: true}") == "book.yaml:1: books.own: needs auth.tokens");
  CHECK(refusal(path + "books: {own: true}", token) ==
        "book.yaml:2: books.own: http.prefix must not have {book} then");
  CHECK(refusal("books: {create_on_write: true}") == "book.yaml:1: books.create_on_write: " + many);
  CHECK(refusal("books: {max_books: 1}") == "book.yaml:1: books.max_books: " + many);
  CHECK(refusal("books: {max_books: 8000001}") ==
        "book.yaml:1: books.max_books: must be an integer from 0 to 8000000, not '8000001'");
  CHECK(refusal("books: {own: maybe}") == "book.yaml:1: books.own: must be one of: true, false");
  CHECK(refusal("books: {own: true}", {{"ADDRBOOK_AUTH_TOKENS", "_x:read:secret-0123456789"}}) ==
        "environment: ADDRBOOK_AUTH_TOKENS: auth.tokens: '_x' can't be the name of a book, see "
        "books.own");
  const auto with_books = [](const std::string& books) {
    return "auth:\n  tokens:\n    - {name: ada, role: read, sha256: " + hash + ", books: " + books +
           "}\n";
  };
  const std::string at = "book.yaml:4: auth.tokens: ";
  CHECK(refusal(with_books("[a]")) ==
        "book.yaml:3: auth.tokens: 'ada': books needs {book} in http.prefix");
  for (const std::string books : {"a", "[]", "[[a]]", "['a,b']", "['']", "{a: b}", "~"}) {
    CAPTURE(books);
    CHECK(refusal(path + with_books(books)) == at + "books: must be a list of names");
  }
  CHECK(refusal(path + with_books("[a, ../b]")) == at + "one of its books is no name of a book");
  CHECK(refusal("http: {prefix: '/{book}/a'}").rfind("book.yaml:1: http.prefix: must be", 0) == 0);
}

TEST_CASE("config: there is one storage, and the environment overrides the file") {
  using Storage = addrbook::StorageOptions::Kind;
  for (const std::string yaml : {"storage: {memory: }", "storage:\n  memory:\n",
                                 "storage: {memory: null}", "storage: {memory: ''}"}) {
    CAPTURE(yaml);
    CHECK(parse(yaml).storage.kind == Storage::memory);
    const Config other = parse(yaml, {{"ADDRBOOK_STORAGE_SQLITE", "my book.db"}});
    CHECK(other.storage.kind == Storage::sqlite);
    CHECK(other.storage.sqlite == "my book.db");
    CHECK(other.places.count("storage.memory") == 0);
    CHECK(other.places.at("storage.sqlite") == "environment: ADDRBOOK_STORAGE_SQLITE");
  }
  const std::string sqlite = "storage:\n  sqlite: my book.db\n";
  CHECK(parse(sqlite).storage.kind == Storage::sqlite);
  CHECK(parse(sqlite).storage.sqlite == "my book.db");
  CHECK(parse(sqlite, {{"ADDRBOOK_STORAGE_MEMORY", ""}}).storage.kind == Storage::memory);
  CHECK(parse(sqlite, {{"ADDRBOOK_STORAGE_SQLITE", "b"}}).storage.sqlite == "b");
  const Config shared = parse("storage: {postgresql: host=db dbname=a b}");
  CHECK(shared.storage.kind == Storage::postgresql);
  CHECK(shared.storage.postgresql == "host=db dbname=a b");
}

TEST_CASE("config: all forms of YAML") {
  const Config config = parse(
      "http: {port: \"9090\", 'prefix': /people}\n"
      "logging:\n  level: warning\n  format: 'json'\n"
      "service:\n  name: >-\n    Two\n    lines\n"
      "storage: {memory: ~}\n");
  CHECK(config.port == 9090);
  CHECK(config.rest.prefix == "/people");
  CHECK(config.logging.level == Level::warning);
  CHECK(config.logging.format == LogFormat::json);
  CHECK(config.name == "Two lines");
}

TEST_CASE("config: every level and format by its name") {
  const std::vector<std::pair<std::string, Level>> table{{"trace", Level::info},
                                                         {"debug", Level::info},
                                                         {"info", Level::info},
                                                         {"warning", Level::warning},
                                                         {"error", Level::error}};
  for (const auto& row : table) {
    const auto& name = row.first;
    const auto& level = row.second;
    CAPTURE(name);
    const std::string yaml = "logging: {level: " + name + "}";
    CHECK(parse(yaml, {}).logging.level == level);
    // Also where the environment resets what the file says.
    CHECK(parse("logging: {level: error}", {{"ADDRBOOK_LOGGING_LEVEL", name}}).logging.level ==
          level);
  }
  CHECK(parse("logging: {format: logfmt}").logging.format == LogFormat::logfmt);
}

TEST_CASE("config: timeouts that the server and the book share are set in both") {
  const Config config = parse("http: {body_timeout_ms: 7, answer_timeout_ms: 8}");
  CHECK(config.server.body_timeout == std::chrono::milliseconds(7));
  CHECK(config.rest.body_timeout == std::chrono::milliseconds(7));
  CHECK(config.server.answer_timeout == std::chrono::milliseconds(8));
  CHECK(config.rest.answer_timeout == std::chrono::milliseconds(8));
  const Config defaults;
  CHECK(defaults.server.body_timeout == defaults.rest.body_timeout);
  CHECK(defaults.server.answer_timeout == defaults.rest.answer_timeout);
}

TEST_CASE("config: an error in use names the setting and its place") {
  using addrbook::Errc;
  using addrbook::Error;
  const Config config = parse("logging:\n  file: x.log\n", {{"ADDRBOOK_STORAGE_SQLITE", "x.db"}});
  const Error error(Errc::storage, "no space");
  const auto message = [&](const std::string& key) {
    return std::string(addrbook::setting_error(config, key, error).what());
  };
  CHECK(message("logging.file") == "book.yaml:2: logging.file: no space");
  CHECK(message("storage.sqlite") ==
        "environment: ADDRBOOK_STORAGE_SQLITE: storage.sqlite: no space");
  CHECK(message("storage.postgresql") == "no space");  // at its default
  CHECK(addrbook::setting_error(config, "logging.file", error).code() == Errc::storage);
}

TEST_CASE("config: a server is exposed if other machines reach it without a token") {
  const Variables token{{"ADDRBOOK_AUTH_TOKENS", "ada:read:secret-0123456789"}};
  CHECK_FALSE(addrbook::is_exposed(Config()));
  for (const std::string host :
       {"localhost", "127.0.0.2", "127.1", "'::1'", "'[::1]'", "'::ffff:127.0.0.1'"}) {
    CAPTURE(host);
    CHECK_FALSE(addrbook::is_exposed(parse("http: {host: " + host + "}")));
  }
  for (const std::string host : {"0.0.0.0", "'::'", "192.0.2.1", "book.example.com"}) {
    CAPTURE(host);
    CHECK(addrbook::is_exposed(parse("http: {host: " + host + "}")));
    CHECK_FALSE(addrbook::is_exposed(parse("http: {host: " + host + "}", token)));
  }
  // Whom a proxy lets in comes from loopback.
  const std::string proxied = "http: {trusted_proxies: [127.0.0.1], allowed_hosts: [a.example]}";
  CHECK(addrbook::is_exposed(parse(proxied)));
  CHECK_FALSE(addrbook::is_exposed(parse(proxied, token)));
}

TEST_CASE("config: lists are replaced by the environment") {
  const std::string other_hash(64, 'A');
  const std::string yaml =
      "http:\n  allowed_origins:\n    - https://app.example.com\n    - http://localhost:3000\n"
      "  allowed_hosts: [book.example.com, '[::1]', 127.0.0.1]\n"
      "  trusted_proxies: [192.0.2.1, 'fd00::/8']\n"
      "auth:\n  tokens:\n    - name: ada@example.com\n      role: write\n      sha256: " +
      hash + "\n    - " + token("grace", "read", other_hash) + "\n";
  auto expected = settings(Config());
  expected["http.allowed_origins"] = "https://app.example.com,http://localhost:3000";
  expected["http.allowed_hosts"] = "book.example.com,[::1],127.0.0.1";
  expected["http.trusted_proxies"] = "192.0.2.1,fd00::/8";
  expected["auth.tokens"] = "ada@example.com writes " + hash + ",grace reads " + other_hash;
  CHECK(settings(parse(yaml)) == expected);
  CHECK(parse(yaml).places.at("auth.tokens") == "book.yaml:9");
  CHECK(parse("http: {allowed_origins: ['*']}").rest.allowed_origins ==
        std::vector<std::string>{"*"});

  const Variables variables{
      {"ADDRBOOK_HTTP_ALLOWED_ORIGINS", "http://a.example, http://b.example"},
      {"ADDRBOOK_HTTP_ALLOWED_HOSTS", "localhost"},
      {"ADDRBOOK_HTTP_TRUSTED_PROXIES", "127.0.0.1, ::1"},
      {"ADDRBOOK_AUTH_TOKENS", "eve:read:secret-0123456789, bob:write:se.cr~et+/_-01=="}};
  expected["http.allowed_origins"] = "http://a.example,http://b.example";
  expected["http.allowed_hosts"] = "localhost";
  expected["http.trusted_proxies"] = "127.0.0.1,::1";
  expected["auth.tokens"] = "eve reads secret-0123456789,bob writes se.cr~et+/_-01==";
  CHECK(settings(parse(yaml, variables)) == expected);
  CHECK(settings(parse("", variables)) == expected);
  // A secret that is missing must not take the file's tokens away.
  CHECK(settings(parse(yaml, {{"ADDRBOOK_HTTP_ALLOWED_ORIGINS", ""},
                              {"ADDRBOOK_HTTP_ALLOWED_HOSTS", ""},
                              {"ADDRBOOK_HTTP_TRUSTED_PROXIES", ""},
                              {"ADDRBOOK_AUTH_TOKENS", ""}})) == settings(parse(yaml)));
  CHECK(settings(parse("http: {allowed_origins: [], allowed_hosts: []}\nauth: {tokens: []}")) ==
        settings(Config()));
}

TEST_CASE("config: certificate and key are both set, in the file or in the environment") {
  CHECK(settings(parse("tls: {certificate: a.pem, key: a.key}")).at("tls") == "a.pem a.key");
  CHECK(settings(parse("tls: {certificate: a.pem}", {{"ADDRBOOK_TLS_KEY", "b.key"}})).at("tls") ==
        "a.pem b.key");
  CHECK(settings(parse("", {{"ADDRBOOK_TLS_KEY", "b.key"}, {"ADDRBOOK_TLS_CERTIFICATE", "b.pem"}}))
            .at("tls") == "b.pem b.key");
  CHECK(settings(parse("tls: {certificate: '', key: ''}")) == settings(Config()));
}

TEST_CASE("config: a refusal names file, line and key") {
  const std::string port = "http.port: must be an integer from 0 to 65535";
  const std::string day = ": must be an integer from 1 to 86400000";
  const std::string prefix =
      "http.prefix: must be one or more segments of [A-Za-z0-9._~-], each after a '/'; one of "
      "them, "
      "but not the first or the last, may be {book}";
  const std::string level = "logging.level: must be one of: trace, debug, info, warning, error";
  const std::string line = ": must be one line, without control characters";
  const std::string single = ": must be a single value, not a list or a map";
  const std::vector<std::pair<std::string, std::string>> table{
      // keys
      {"htpt:\n  port: 1\n", "book.yaml:1: unknown key 'htpt'"},
      {"service:\n  name: x\nhttp:\n  prot: 1\n", "book.yaml:4: unknown key 'http.prot'"},
      {"HTTP: {port: 1}", "book.yaml:1: unknown key 'HTTP'"},
      {"http:\n  Port: 1", "book.yaml:2: unknown key 'http.Port'"},
      {"port: 1", "book.yaml:1: unknown key 'port'"},
      {"http.port: 1", "book.yaml:1: unknown key 'http.port'"},
      {"http:\n  port: 1\n  host: x\n  port: 2\n", "book.yaml:4: http: 'port' is given twice"},
      {"http: {port: 1}\nlogging:\nhttp: {host: x}\n",
       "book.yaml:3: the file: 'http' is given twice"},
      {"? [a]\n: 1\n", "book.yaml:1: the file: a key must be a word"},
      {"http:\n  ? {a: 1}\n  : 1\n", "book.yaml:2: http: a key must be a word"},
      // wrong kinds of nodes
      {"- http\n", "book.yaml:1: the file: must be a map of keys"},
      {"just words", "book.yaml:1: the file: must be a map of keys"},
      {"42", "book.yaml:1: the file: must be a map of keys"},
      {"http: 8080", "book.yaml:1: http: must be a map of keys"},
      {"logging:\nhttp:\n  - port: 1\n", "book.yaml:3: http: must be a map of keys"},
      {"http:\n  port: [1]\n", "book.yaml:2: http.port" + single},
      {"http:\n  port: {a: 1}\n", "book.yaml:2: http.port" + single},
      {"service:\n  name:\n    - a\n    - b\n", "book.yaml:3: service.name" + single},
      {"http:\n  port:\n", "book.yaml:2: http.port: needs a value"},
      {"\n\nservice:\n  name: ~\n", "book.yaml:4: service.name: needs a value"},
      {"logging: {file: }", "book.yaml:1: logging.file: needs a value"},
      // storage
      {"storage:\n", "book.yaml:1: storage: must hold exactly one key: memory, sqlite, postgresql"},
      {"\nstorage: {}\n",
       "book.yaml:2: storage: must hold exactly one key: memory, sqlite, postgresql"},
      {"storage: {memory: , sqlite: x}",
       "book.yaml:1: storage: must hold exactly one key: memory, sqlite, postgresql"},
      {"storage:\n  redis: book.db\n", "book.yaml:2: unknown key 'storage.redis'"},
      {"storage:\n  sqlite:\n", "book.yaml:2: storage.sqlite: must not be empty"},
      {"storage:\n  sqlite: [a]\n", "book.yaml:2: storage.sqlite" + single},
      {"storage:\n  memory: 64MB\n", "book.yaml:2: storage.memory: takes no value"},
      {"storage:\n  memory: {}\n", "book.yaml:2: storage.memory" + single},
      {"storage: memory", "book.yaml:1: storage: must be a map of keys"},
      {"storage:\n  memory:\n  memory:\n", "book.yaml:3: storage: 'memory' is given twice"},
      // values
      {"http: {port: 65536}", "book.yaml:1: " + port + ", not '65536'"},
      {"http: {port: -1}", "book.yaml:1: " + port + ", not '-1'"},
      {"http: {port: +1}", "book.yaml:1: " + port + ", not '+1'"},
      {"http: {port: 80.0}", "book.yaml:1: " + port + ", not '80.0'"},
      {"http: {port: 0x50}", "book.yaml:1: " + port + ", not '0x50'"},
      {"http: {port: 1_000}", "book.yaml:1: " + port + ", not '1_000'"},
      {"http: {port: eighty}", "book.yaml:1: " + port + ", not 'eighty'"},
      {"http: {port: true}", "book.yaml:1: " + port + ", not 'true'"},
      {"http: {port: ''}", "book.yaml:1: " + port + ", not ''"},
      {"http: {port: ' 80'}", "book.yaml:1: " + port + ", not ' 80'"},
      {"http: {port: 99999999999999999999999}",
       "book.yaml:1: " + port + ", not '99999999999999999999999'"},
      {"http: {port: 18446744073709551616}",
       "book.yaml:1: " + port + ", not '18446744073709551616'"},
      {"http:\n  max_body_bytes: 0\n",
       "book.yaml:2: http.max_body_bytes: must be an integer from 1 to 1073741824, not '0'"},
      {"http: {max_body_bytes: 1073741825}",
       "book.yaml:1: http.max_body_bytes: must be an integer from 1 to 1073741824, not "
       "'1073741825'"},
      {"http: {max_body_bytes: 1MiB}",
       "book.yaml:1: http.max_body_bytes: must be an integer from 1 to 1073741824, not '1MiB'"},
      {"http: {body_timeout_ms: 0}", "book.yaml:1: http.body_timeout_ms" + day + ", not '0'"},
      {"http: {answer_timeout_ms: 86400001}",
       "book.yaml:1: http.answer_timeout_ms" + day + ", not '86400001'"},
      {"http: {read_timeout_ms: 5s}", "book.yaml:1: http.read_timeout_ms" + day + ", not '5s'"},
      {"http: {write_timeout_ms: 0.5}", "book.yaml:1: http.write_timeout_ms" + day + ", not '0.5'"},
      {"http: {keep_alive_timeout_ms: -5}",
       "book.yaml:1: http.keep_alive_timeout_ms" + day + ", not '-5'"},
      {"http:\n  prefix: addresses\n", "book.yaml:2: " + prefix},
      {"http: {prefix: /}", "book.yaml:1: " + prefix},
      {"http: {prefix: ''}", "book.yaml:1: " + prefix},
      {"http: {prefix: /a/}", "book.yaml:1: " + prefix},
      {"http: {prefix: '/a b'}", "book.yaml:1: " + prefix},
      {"http: {host: ''}", "book.yaml:1: http.host: must not be empty"},
      {"http: {host: \"a\\nb\"}", "book.yaml:1: http.host" + line},
      {"service: {name: ''}", "book.yaml:1: service.name: must not be empty"},
      {"service: {name: \"a\\tb\"}", "book.yaml:1: service.name" + line},
      {"service:\n  name: \"\\e[31m\"\n", "book.yaml:2: service.name" + line},
      {"service: {name: \"\\x7f\"}", "book.yaml:1: service.name" + line},
      {"logging: {file: \"a\\0b\"}", "book.yaml:1: logging.file" + line},
      {"logging:\n  level: INFO\n", "book.yaml:2: " + level},
      {"logging: {level: warn}", "book.yaml:1: " + level},
      {"logging: {level: ''}", "book.yaml:1: " + level},
      {"logging: {level: 3}", "book.yaml:1: " + level},
      {"logging: {format: text}", "book.yaml:1: logging.format: must be one of: logfmt, json"},
      {"service: {max_entries: -1}",
       "book.yaml:1: service.max_entries: must be an integer from 0 to 1000000000000, not '-1'"},
      {"http: {max_connections: 0}",
       "book.yaml:1: http.max_connections: must be an integer from 1 to 1000000, not '0'"},
      {"http: {max_threads: 0}",
       "book.yaml:1: http.max_threads: must be an integer from 1 to 100000, not '0'"},
      {"http: {max_buffered_bytes: 1048575}",
       "book.yaml:1: http.max_buffered_bytes: must be an integer from 1048576 to 68719476736, not "
       "'1048575'"},
      {"http: {max_concurrent_writes: 0}",
       "book.yaml:1: http.max_concurrent_writes: must be an integer from 1 to 100000, not '0'"},
      {"http: {header_timeout_ms: 0}", "book.yaml:1: http.header_timeout_ms" + day + ", not '0'"},
      // lists
      {"http:\n  allowed_origins: https://a.example.com\n",
       "book.yaml:2: http.allowed_origins: must be a list"},
      {"http:\n  allowed_hosts: {a: b}\n", "book.yaml:2: http.allowed_hosts: must be a list"},
      {"http:\n  allowed_hosts:\n", "book.yaml:2: http.allowed_hosts: needs a value"},
      {"http:\n  allowed_hosts:\n    - localhost\n    - [a]\n",
       "book.yaml:4: http.allowed_hosts: an item must be a single value"},
      {"http: {allowed_hosts: [~]}",
       "book.yaml:1: http.allowed_hosts: an item must be a single value"},
      {"http:\n  allowed_origins:\n    - https://a.example.com\n    - https://b.example.com/\n",
       "book.yaml:4: http.allowed_origins: 'https://b.example.com/' is no origin "
       "(scheme://host[:port]), nor '*'"},
      {"http:\n  allowed_origins: ['*', https://a.example.com]\n",
       "book.yaml:2: http.allowed_origins: '*' stands for all origins and must stand alone"},
      {"http:\n  allowed_hosts:\n    - localhost:8080\n",
       "book.yaml:3: http.allowed_hosts: 'localhost:8080' is no host name (without a port; an IPv6 "
       "address in brackets)"},
      {"auth: {tokens: ada}", "book.yaml:1: auth.tokens: must be a list"},
      {"auth: {tokens: {name: ada}}", "book.yaml:1: auth.tokens: must be a list"},
      {"auth:\n  tokens:\n    - ada\n",
       "book.yaml:3: auth.tokens: each item must be {name, role, sha256}"},
      {"auth: {tokens: [~]}", "book.yaml:1: auth.tokens: each item must be {name, role, sha256}"},
      {"auth:\n  tokens:\n    - name: ada\n      role: read\n",
       "book.yaml:3: auth.tokens: needs sha256"},
      {"auth:\n  tokens:\n    - name: ada\n      token: secret-0123456789\n",
       "book.yaml:4: auth.tokens: unknown key 'token'"},
      {"auth:\n  tokens:\n    - name: ada\n      name: eve\n",
       "book.yaml:4: auth.tokens: 'name' is given twice"},
      {"auth:\n  tokens:\n    - name: [ada]\n",
       "book.yaml:3: auth.tokens: name: must be a single value"},
      {"auth: {tokens: [" + token("ada", "owner") + "]}",
       "book.yaml:1: auth.tokens: role must be one of: read, write, admin"},
      {"auth: {tokens: [" + token("a b", "read") + "]}",
       "book.yaml:1: auth.tokens: its name must be 1 to 64 of [A-Za-z0-9._@-]"},
      {"auth: {tokens: [" + token("ada", "read", "c0ffee") + "]}",
       "book.yaml:1: auth.tokens: its sha256 must be 64 hex digits"},
      {"auth: {tokens: [" + token("ada", "read", "''") + "]}",
       "book.yaml:1: auth.tokens: needs either the token or its SHA-256, not both"},
      {"auth:\n  tokens:\n    - " + token("ada", "read") + "\n    - " + token("ada", "write") +
           "\n",
       "book.yaml:4: auth.tokens: its name is given twice"},
      {"auth:\n  tokens:\n    - " + token("ada", "read") + "\n    - " + token("eve", "write") +
           "\n",
       "book.yaml:4: auth.tokens: is the same token as that of 'ada'"},
      // a pair
      {"tls:\n  certificate: a.pem\n", "book.yaml:2: tls.certificate: needs tls.key as well"},
      {"tls:\n  certificate: ''\n  key: a.key\n",
       "book.yaml:3: tls.key: needs tls.certificate as well"},
      {"tls: {key: \"a\\nb\"}", "book.yaml:1: tls.key" + line},
      // more than one document
      {"http: {port: 1}\n---\nhttp: {port: 2}\n", "book.yaml:2: a second YAML document"},
  };
  for (const auto& row : table) {
    const auto& yaml = row.first;
    const auto& expected = row.second;
    CAPTURE(yaml);
    CHECK(refusal(yaml) == expected);
  }
}

TEST_CASE("config: malformed YAML is refused with its line") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"http: {port: 1\nlogging:", "book.yaml:"},
      {"http:\n  port: 1\n bad: indent\n", "book.yaml:3: not YAML: "},
      {"http: [", "book.yaml:"},
      {"service:\n  name: \"open", "book.yaml:2: not YAML: "},
      {"http:\n\tport: 1\n", "book.yaml:2: not YAML: "},
      {"a: *nowhere\n", "book.yaml:1: not YAML: "},
      {"a: b: c\n", "book.yaml:1: not YAML: "},
  };
  for (const auto& row : table) {
    const auto& yaml = row.first;
    const auto& expected = row.second;
    CAPTURE(yaml);
    const std::string message = refusal(yaml);
    CAPTURE(message);
    CHECK(message.rfind(expected, 0) == 0);
  }
}

// YAML::LoadAll() reads a stray comma again and again, until there is no memory left.
TEST_CASE("config: a comma at the start of a document is refused, not read for ever") {
  CHECK(refusal(",") == "book.yaml:1: a second YAML document");
  CHECK(refusal("&a ,") == "book.yaml:1: a second YAML document");
  CHECK(refusal("[a]\n,") == "book.yaml:2: a second YAML document");
}

TEST_CASE("config: a refused variable is named with its key") {
  const std::vector<std::tuple<std::string, std::string, std::string>> table{
      {"ADDRBOOK_HTTP_PORT", "http", "http.port: must be an integer from 0 to 65535, not 'http'"},
      {"ADDRBOOK_HTTP_PORT", "http://10.0.0.1:80",
       "http.port: must be an integer from 0 to 65535, not 'http://10.0.0.1:80'"},
      {"ADDRBOOK_SERVICE_NAME", "a\nb",
       "service.name: must be one line, without control characters"},
      {"ADDRBOOK_LOGGING_LEVEL", "loud",
       "logging.level: must be one of: trace, debug, info, warning, error"},
      {"ADDRBOOK_STORAGE_MEMORY", "yes", "storage.memory: takes no value"},
      {"ADDRBOOK_SQLITE_CONNECTIONS", "0",
       "sqlite.connections: must be an integer from 1 to 1000, not '0'"},
      {"ADDRBOOK_SQLITE_ENTRY_CACHE_BYTES", "64M",
       "sqlite.entry_cache_bytes: must be an integer from 0 to 1099511627776, not '64M'"},
      {"ADDRBOOK_POSTGRESQL_TIMEOUT_MS", "0",
       "postgresql.timeout_ms: must be an integer from 1 to 86400000, not '0'"},
      {"ADDRBOOK_STORAGE_POSTGRESQL", "a\nb",
       "storage.postgresql: must be one line, without control characters"},
      {"ADDRBOOK_HTTP_ALLOWED_ORIGINS", "https://a.example.com,",
       "http.allowed_origins: item 2: '' is no origin (scheme://host[:port]), nor '*'"},
      {"ADDRBOOK_HTTP_ALLOWED_HOSTS", "localhost, a b,c",
       "http.allowed_hosts: item 2: 'a b' is no host name (without a port; an IPv6 address in "
       "brackets)"},
      {"ADDRBOOK_AUTH_TOKENS", "secret-0123456789", "auth.tokens: item 1: must be name:role:token"},
      {"ADDRBOOK_AUTH_TOKENS", "ada:secret-0123456789",
       "auth.tokens: item 1: must be name:role:token"},
      {"ADDRBOOK_AUTH_TOKENS", "ada:read:", "auth.tokens: item 1: must be name:role:token"},
      {"ADDRBOOK_AUTH_TOKENS", "ada:secret-0123456789:read",
       "auth.tokens: item 1: role must be one of: read, write, admin"},
      {"ADDRBOOK_AUTH_TOKENS", "ada:read:short-secret",
       "auth.tokens: item 1: is shorter than 16 characters"},
      {"ADDRBOOK_AUTH_TOKENS", "ada:read:secret:0123456789",
       "auth.tokens: item 1: must be of [A-Za-z0-9-._~+/], with = at its end only"},
      {"ADDRBOOK_AUTH_TOKENS", "ada:read:secret-0123456789,ada:read:secret-9876543210",
       "auth.tokens: item 2: its name is given twice"},
      {"ADDRBOOK_AUTH_TOKENS", "ada:read:secret-0123456789,eve:read:secret-0123456789",
       "auth.tokens: item 2: is the same token as that of 'ada'"},
      {"ADDRBOOK_AUTH_TOKENS", "ada:read:secret-0123456789,",
       "auth.tokens: item 2: must be name:role:token"},
      {"ADDRBOOK_TLS_CERTIFICATE", "a.pem", "tls.certificate: needs tls.key as well"},
      {"ADDRBOOK_TLS_KEY", "a.key", "tls.key: needs tls.certificate as well"},
      {"ADDRBOOK_HTTP_BODY_TIMEOUT_MS", "0",
       "http.body_timeout_ms: must be an integer from 1 to 86400000, not '0'"},
  };
  for (const auto& row : table) {
    const auto& variable = std::get<0>(row);
    const auto& value = std::get<1>(row);
    const auto& reason = std::get<2>(row);
    CAPTURE(variable);
    CAPTURE(value);
    const std::string expected = "environment: " + variable + ": " + reason;
    CHECK(refusal("", {{variable, value}}) == expected);
  }
  // The file is checked even if the environment overrides it.
  CHECK(refusal("http: {port: x}", {{"ADDRBOOK_HTTP_PORT", "1"}}) ==
        "book.yaml:1: http.port: must be an integer from 0 to 65535, not 'x'");
  CHECK(refusal("", {{"ADDRBOOK_HTTP_UNKNOWN", "1"}}) == "accepted");
  CHECK(
      refusal("", {{"ADDRBOOK_STORAGE_MEMORY", ""}, {"ADDRBOOK_STORAGE_SQLITE", "b"}}) ==
      "environment: ADDRBOOK_STORAGE_SQLITE: storage: ADDRBOOK_STORAGE_MEMORY is set as well, and "
      "only one can be");
}

TEST_CASE("config: the place of each key is known") {
  CHECK(parse("").places.empty());
  const Config config = parse("service:\n  name: x\nhttp:\n  port: 1\nstorage:\n  memory:\n",
                              {{"ADDRBOOK_HTTP_PORT", "2"}, {"ADDRBOOK_LOGGING_FILE", "x.log"}});
  const std::map<std::string, std::string> expected{
      {"service.name", "book.yaml:2"},
      {"http.port", "environment: ADDRBOOK_HTTP_PORT"},
      {"storage.memory", "book.yaml:6"},
      {"logging.file", "environment: ADDRBOOK_LOGGING_FILE"}};
  CHECK(config.places == expected);
}

TEST_CASE("config: variables that are not settings are found") {
  const char* const variables[] = {"PATH=/bin",
                                   "ADDRBOOK_HTTP_PORT=1",
                                   "ADDRBOOK_AUTH_TOKEN=secret",
                                   "ADDRBOOK_HTTP_PORT=tcp://10.0.0.1:80",
                                   "ADDRBOOK_PORT=tcp://10.0.0.1:80",
                                   "ADDRBOOK_",
                                   "ADDRBOOK_HTTP_PORT_=1",
                                   "ADDRBOOKS=1",
                                   "MY_ADDRBOOK_HTTP_PORT=1",
                                   nullptr};
  CHECK(addrbook::unknown_variables(variables) ==
        std::vector<std::string>{"ADDRBOOK_AUTH_TOKEN", "ADDRBOOK_HTTP_PORT (of Kubernetes)",
                                 "ADDRBOOK_PORT (of Kubernetes)", "ADDRBOOK_",
                                 "ADDRBOOK_HTTP_PORT_"});
}

TEST_CASE("config: what Kubernetes sets for a service is no setting") {
  for (const std::string value :
       {"tcp://10.0.0.1:8080", "udp://10.0.0.1:53", "sctp://[fd00::1]:80"}) {
    CAPTURE(value);
    CHECK(parse("http: {port: 1}", {{"ADDRBOOK_HTTP_PORT", value}}).port == 1);
  }
}

TEST_CASE("config: a command line's options are read as the file and the environment are") {
  Config config = parse("http: {port: 010000}");
  CHECK(config.port == 10000);
  CHECK(parse("", {{"ADDRBOOK_HTTP_PORT", "010000"}}).port == 10000);
  addrbook::set_config(config, "http.port", "08080", "--port");
  CHECK(config.port == 8080);
  CHECK(config.places.at("http.port") == "--port");
  addrbook::set_config(config, "http.host", "[::1]", "--host");
  CHECK(config.host == "::1");
  for (const std::string value : {"", "0x50", "80.0", "+80", " 80", "65536"}) {
    CAPTURE(value);
    CHECK(test::refusal([&] { addrbook::set_config(config, "http.port", value, "--port"); }) ==
          "--port: must be an integer from 0 to 65535, not '" + value + "'");
  }
  CHECK(test::refusal([&] { addrbook::set_config(config, "http.prot", "1", "-x"); }) ==
        "-x: 'http.prot' is not a setting");
}

TEST_CASE("config: a default file counts as missing only if nothing is there") {
  const test::TempFolder folder;
  const auto path = [&](const std::string& name) { return (folder.path() / name).string(); };
  const auto load = [](const std::string& file) {
    return addrbook::load_config_if_any(file, environment({{"ADDRBOOK_SERVICE_NAME", "x"}}));
  };
  CHECK(load(path("book.yaml")).name == "x");
  CHECK(load(path("configs/book.yaml")).name == "x");
  std::ofstream(path("book.yaml")) << "http: {port: 1}\n";
  CHECK(load(path("book.yaml")).port == 1);
  std::filesystem::create_symlink("book.yaml", path("link.yaml"));
  CHECK(load(path("link.yaml")).port == 1);
  std::filesystem::create_symlink("nowhere", path("dangling"));
  for (const std::string& file : {path("dangling"), path("dangling/book.yaml")}) {
    CAPTURE(file);
    CHECK(test::refusal([&] { load(file); }) ==
          file + ": the file can't be read: No such file or directory");
  }
  const std::string below = path("book.yaml/book.yaml");
  CHECK(test::refusal([&] { load(below); }) == below + ": the file can't be read: Not a directory");
  // A link that leads to itself stands for all that can't be looked at: root may look everywhere.
  std::filesystem::create_symlink("circle", path("circle"));
  const std::string circular = path("circle/book.yaml");
  CHECK(test::refusal([&] { load(circular); }).rfind(circular + ": the file can't be read: ", 0) ==
        0);
}

TEST_CASE("config: the environment of the process") {
  CHECK_FALSE(addrbook::process_environment("ADDRBOOK_NO_SUCH_VARIABLE").has_value());
  CHECK(addrbook::process_environment("PATH").has_value());
}

TEST_CASE("config: from files") {
  const test::TempFolder folder;
  const std::string file = (folder.path() / "book.yaml").string();
  const auto load = [](const std::string& path) {
    return addrbook::load_config(path, environment());
  };
  const auto write = [&](const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
  };
  SUBCASE("a file is read as its text") {
    write("http:\r\n  port: 9090\r\n");
    CHECK(load(file).port == 9090);
    CHECK(addrbook::load_config(file, environment({{"ADDRBOOK_HTTP_PORT", "1"}})).port == 1);
  }
  SUBCASE("an empty file sets nothing") {
    write("");
    CHECK(settings(load(file)) == settings(Config()));
  }
  SUBCASE("a message names the file") {
    write("http:\n  port: x\n");
    CHECK(test::refusal([&] { load(file); }) ==
          file + ":2: http.port: must be an integer from 0 to 65535, not 'x'");
  }
  SUBCASE("a missing file") {
    const std::string reason = ": the file can't be read: No such file or directory";
    CHECK(test::refusal([&] { load(file); }) == file + reason);
    CHECK(test::refusal([&] { load(""); }) == reason);
  }
  SUBCASE("a folder") {
    const std::string path = folder.path().string();
    CHECK(test::refusal([&] { load(path); }) == path + ": the file can't be read: Is a directory");
  }
}
