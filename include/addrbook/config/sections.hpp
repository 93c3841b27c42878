/// The sections of a configuration: each function returns the keys of one, which set the members of
/// its option structs. The structs must outlive the keys.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/config/key.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http/bearer_token.hpp>
#include <addrbook/http/prefix.hpp>
#include <addrbook/http/trusted_proxies.hpp>
#include <addrbook/log.hpp>
#include <addrbook/options.hpp>
#include <addrbook/rest/web_policy.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

using ConfigKeys = std::vector<ConfigKey>;

constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30U;
constexpr std::uint64_t tebibyte = gibibyte * 1024;

inline ConfigKeys service_section(std::string& name, ServiceOptions& service, std::string& schema) {
  constexpr std::uint64_t trillion = 1'000'000'000'000;
  return in_section("service",
                    {
                        {"name", line(name)},
                        {"max_entries", integer(service.max_entries, 0, trillion)},
                        {"max_document_bytes", integer(service.max_document_bytes, 1, gibibyte)},
                        {"schema", line(schema, Emptiness::allowed)},
                        {"tombstone_lifetime_h", hours(service.tombstone_lifetime)},
                    });
}

/// Sets two members to the same value.
inline auto milliseconds(std::chrono::milliseconds& member, std::chrono::milliseconds& copy) {
  return [&copy, &member, set = milliseconds(member)](const std::string& text) {
    set(text);
    copy = member;
  };
}

/// The key of a list that WebPolicy checks.
inline ConfigKey web_list(const std::string& name, std::vector<std::string>& list,
                          bool is_origins) {
  const auto add = [&list, is_origins](const std::string& text) {
    list.push_back(text);
    try {
      is_origins ? WebPolicy(list, {}) : WebPolicy({}, list);
    } catch (const Error& error) {
      throw BadValue{error.what()};
    }
  };
  return {name, add, [&list] { list.clear(); }};
}

/// The key of a list of proxies. Sets two members to the same value.
inline ConfigKey proxy_list(const std::string& name, std::vector<std::string>& list,
                            std::vector<std::string>& copy) {
  const auto add = [&list, &copy](const std::string& text) {
    try {
      TrustedProxies({text});
    } catch (const Error& error) {
      throw BadValue{error.what()};
    }
    list.push_back(text);
    copy = list;
  };
  const auto clear = [&list, &copy] {
    list.clear();
    copy.clear();
  };
  return {name, add, clear};
}

inline ConfigKeys http_section(std::string& host, int& port, ServerOptions& server, Options& rest,
                               bool& metrics) {
  const auto set_host = [&host](const std::string& text) {
    host = parse_line(text, Emptiness::refused);
    const bool is_bracketed = host.front() == '[' && host.back() == ']';  // as in a URL
    if (is_bracketed) host = host.substr(1, host.size() - 2);
  };
  const auto set_prefix = [&rest](const std::string& text) {
    if (!is_valid_prefix(text)) {
      throw BadValue{"must be " + std::string(prefix_grammar)};
    }
    rest.prefix = text;
  };
  return in_section(
      "http",
      {
          {"host", set_host},
          {"port", integer(port, 0, 65535)},
          {"prefix", set_prefix},
          {"page", boolean(rest.page)},
          {"openapi", boolean(rest.openapi)},
          {"max_body_bytes", integer(rest.max_body_bytes, 1, gibibyte)},
          {"max_import_bytes", integer(rest.max_import_bytes, 0, 1024 * gibibyte)},
          {"max_atomic_records", integer(rest.max_atomic_records, 1, 1'000'000)},
          {"min_transfer_rate", integer(rest.min_transfer_rate, 1, gibibyte)},
          {"max_connections", integer(server.max_connections, 1, 1'000'000)},
          {"max_threads", integer(server.max_threads, 1, 100'000)},
          {"max_buffered_bytes", integer(server.max_buffered_bytes, 1'048'576, 64 * gibibyte)},
          {"list_cache_bytes", integer(rest.list_cache_bytes, 0, 64 * gibibyte)},
          {"max_streams", integer(rest.max_streams, 0, 1'000'000)},
          {"max_concurrent_writes", integer(rest.max_concurrent_writes, 1, 100'000)},
          {"header_timeout_ms", milliseconds(server.header_timeout)},
          {"body_timeout_ms", milliseconds(server.body_timeout, rest.body_timeout)},
          {"answer_timeout_ms", milliseconds(server.answer_timeout, rest.answer_timeout)},
          {"read_timeout_ms", milliseconds(server.read_timeout)},
          {"write_timeout_ms", milliseconds(server.write_timeout)},
          {"keep_alive_timeout_ms", milliseconds(server.keep_alive_timeout)},
          {"metrics", boolean(metrics)},
          web_list("allowed_origins", rest.allowed_origins, true),
          web_list("allowed_hosts", rest.allowed_hosts, false),
          proxy_list("trusted_proxies", rest.trusted_proxies, server.trusted_proxies),
      });
}

/// Adds tokens to a list, and refuses what is in it already.
class TokenAdder {
 public:
  explicit TokenAdder(std::vector<Token>& tokens) : tokens_(tokens) {}

  void add(Token token, std::string_view role) {
    try {
      token.role = parse_choice<Token::Role>(role, {{"read", Token::Role::read},
                                                    {"write", Token::Role::write},
                                                    {"admin", Token::Role::admin}});
    } catch (const BadValue& bad) {
      throw BadValue{"role " + bad.reason};
    }
    if (const auto fault = fault_of(token); !fault.empty()) throw BadValue{std::string(fault)};
    if (!names_.insert(token.name).second) throw BadValue{"its name is given twice"};
    const std::string secret = token.text + ' ' + lowercase(token.sha256);
    const auto [other, is_new] = by_secret_.emplace(secret, token.name);
    if (!is_new) throw BadValue{"is the same token as that of '" + other->second + "'"};
    tokens_.push_back(std::move(token));
  }
  void clear() {
    tokens_.clear();
    names_.clear();
    by_secret_.clear();
  }

 private:
  std::vector<Token>& tokens_;
  std::set<std::string> names_;
  std::map<std::string, std::string> by_secret_;  // the names
};

/// The file holds hashes only, as maps; the environment holds the tokens, as name:role:token.
inline ConfigKeys auth_section(std::vector<Token>& tokens) {
  const auto list = std::make_shared<TokenAdder>(tokens);
  const auto add = [list](const std::string& text) {
    std::string_view rest = text;
    const std::string name(cut(rest, ':'));
    const std::string_view role = cut(rest, ':');
    if (rest.empty()) throw BadValue{"must be name:role:token"};
    list->add({name, {}, "", std::string(rest)}, role);
  };
  const auto add_map = [list](const ConfigMap& map) {
    Token token{map.at("name"), {}, map.at("sha256"), ""};
    const auto books = map.find("books");
    std::string_view names = books != map.end() ? books->second : std::string_view();
    while (!names.empty()) token.books.emplace_back(cut(names, ','));
    list->add(std::move(token), map.at("role"));
  };
  return in_section(
      "auth",
      {{"tokens", add, [list] { list->clear(); }, {"name", "role", "sha256"}, add_map, {"books"}}});
}

inline ConfigKeys books_section(BooksOptions& books, bool& own, Options& rest) {
  constexpr std::uint64_t million = 1'000'000;
  return in_section("books", {
                                 {"create_on_write", boolean(rest.create_on_write)},
                                 {"max_books", integer(books.max_books, 0, 8 * million)},
                                 {"own", boolean(own)},
                             });
}

inline ConfigKeys tls_section(TlsFiles& tls) {
  return in_section("tls", {
                               {"certificate", line(tls.certificate, Emptiness::allowed)},
                               {"key", line(tls.key, Emptiness::allowed)},
                           });
}

/// The key that is given selects the storage.
inline ConfigKeys storage_section(StorageOptions& storage) {
  using Kind = StorageOptions::Kind;
  const auto select_memory = [&storage](const std::string& text) {
    if (!text.empty()) throw BadValue{"takes no value"};
    storage.kind = Kind::memory;
  };
  const auto select = [&storage](Kind kind, std::string& member) {
    return [&storage, &member, kind](const std::string& text) {
      storage.kind = kind;
      member = parse_line(text, Emptiness::refused);
    };
  };
  auto keys =
      in_section("storage", {
                                {"memory", select_memory},
                                {"sqlite", select(Kind::sqlite, storage.sqlite)},
                                {"postgresql", select(Kind::postgresql, storage.postgresql)},
                            });
  for (ConfigKey& key : keys) key.is_choice = true;
  keys.front().is_bare = true;
  return keys;
}

inline ConfigKeys sqlite_section(SqliteOptions& sqlite) {
  return in_section("sqlite",
                    {
                        {"connections", integer(sqlite.connections, 1, 1000)},
                        {"entry_cache_bytes", integer(sqlite.entry_cache_bytes, 0, tebibyte)},
                        {"page_cache_bytes", integer(sqlite.page_cache_bytes, 0, tebibyte)},
                    });
}

inline ConfigKeys postgresql_section(PostgresqlOptions& postgresql) {
  return in_section("postgresql",
                    {
                        {"connections", integer(postgresql.connections, 1, 1000)},
                        {"connect_timeout_ms", milliseconds(postgresql.connect_timeout)},
                        {"timeout_ms", milliseconds(postgresql.timeout)},
                    });
}

inline ConfigKeys logging_section(LoggingOptions& logging) {
  // "trace" and "debug" are accepted because they are common names; no record is below info.
  using Level = LogRecord::Level;
  return in_section("logging",
                    {
                        {"level", choice<Level>(logging.level, {{"trace", Level::info},
                                                                {"debug", Level::info},
                                                                {"info", Level::info},
                                                                {"warning", Level::warning},
                                                                {"error", Level::error}})},
                        {"format", choice<LogFormat>(logging.format, {{"logfmt", LogFormat::logfmt},
                                                                      {"json", LogFormat::json}})},
                        {"file", line(logging.file, Emptiness::allowed)},
                    });
}

}  // namespace addrbook::detail
