/// Config: the settings of a server program, from a YAML file and the environment. Needs yaml-cpp
/// (target addrbook::config).
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/config/yaml_reader.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http/bearer_token.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/options.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace addrbook {

/// Settings with their defaults. Each is a key `section.name` of the file, or the environment's
/// ADDRBOOK_SECTION_NAME, which counts for more; a list has commas there between its items.
struct Config {
  enum class Storage { memory, sqlite, postgresql };
  enum class Level { trace, debug, info, warning, error };
  enum class Format { logfmt, json };

  struct {
    std::string name = "Address Book";
    std::uint64_t max_entries = 1'000'000;  ///< 0: no limit
  } service;

  struct {
    std::string host = "127.0.0.1";
    int port = 8080;  ///< 0: any free one
    std::string prefix = "/addresses";
    std::size_t max_body_bytes = std::size_t{1024} * 1024;
    std::size_t max_connections = 10'000;
    std::size_t max_threads = 1'000;
    std::chrono::milliseconds header_timeout{10'000};
    std::chrono::milliseconds body_timeout{30'000};
    std::chrono::milliseconds answer_timeout{120'000};
    std::chrono::milliseconds read_timeout{5'000};
    std::chrono::milliseconds write_timeout{5'000};
    std::chrono::milliseconds keep_alive_timeout{15'000};
    std::vector<std::string> allowed_origins;  ///< as in Options
    std::vector<std::string> allowed_hosts;    ///< as in Options
  } http;

  struct {
    /// The file has {name, role, sha256}, the environment name:role:token, which holds secrets.
    std::vector<Token> tokens;
  } auth;

  struct {
    std::string certificate;  ///< both files, or "" for none
    std::string key;
  } tls;

  /// One key of the section is given, and says which storage it is.
  struct {
    Storage kind = Storage::sqlite;
    std::string sqlite = "addressbook.db";  ///< a path; a relative one is the process's
    std::string postgresql;                 ///< a connection string or URI of libpq's
  } storage;

  SqliteOptions sqlite;          ///< used with that storage
  PostgresqlOptions postgresql;  ///< likewise

  struct {
    Level level = Level::info;
    Format format = Format::logfmt;
    std::string file;  ///< "": standard error
  } logging;

  /// Where each key was set that is not at its default, e.g. "logging.file" -> "a.yaml:3" or
  /// "environment: ADDRBOOK_LOGGING_FILE": for what turns out to be wrong only in use.
  std::map<std::string, std::string> places;
};

/// Looks up an environment variable; nothing if it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The process's environment.
[[nodiscard]] inline std::optional<std::string> process_environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

/// Reads settings. All keys are optional, and so are sections.
/// @param yaml         the text; "" for the defaults
/// @param source       the file's name, for messages
/// @param environment  overrides
/// @throws Error{invalid}, e.g. "a.yaml:3: http.port: must be an integer from 0 to 65535": no YAML,
///         an unknown key, a key given twice, a wrong type, a bad value. Never shows a token.
[[nodiscard]] inline Config parse_config(const std::string& yaml, const std::string& source,
                                         const Environment& environment = process_environment);

/// parse_config() of a file.
/// @throws Error{invalid} also if the file can't be read
[[nodiscard]] inline Config load_config(const std::string& file,
                                        const Environment& environment = process_environment);

/// Variables that look like settings and are none, e.g. misspelt ones. No error: where containers
/// find each other by the environment, others may set variables of this name too.
/// @param environment  as the process's environ
[[nodiscard]] inline std::vector<std::string> unknown_variables(const char* const* environment);

// ---------------------------------------------------------------------------------------------

namespace detail {

/// Adds `text` to a list of WebPolicy's, which knows what can be in there.
inline void add_web_entry(std::vector<std::string>& list, const std::string& text,
                          const std::function<WebPolicy()>& check) {
  list.push_back(text);
  try {
    static_cast<void>(check());
  } catch (const Error& error) {
    throw BadValue{error.what()};
  }
}

inline void add_token(std::vector<Token>& tokens, Token token, const std::string& role) {
  token.role =
      parse_choice<Token::Role>(role, {{"read", Token::Role::read}, {"write", Token::Role::write}});
  if (const auto fault = fault_of(token); !fault.empty()) throw BadValue{std::string(fault)};
  for (const Token& other : tokens) {
    if (other.name == token.name) throw BadValue{"its name is given twice"};
    if (other.text == token.text && lowercase(other.sha256) == lowercase(token.sha256)) {
      throw BadValue{"is the same token as that of '" + other.name + "'"};
    }
  }
  tokens.push_back(std::move(token));
}

/// Every key there is: the file, the environment and the messages all go by this table.
/// @returns what sets the members of `config`, which must outlive it
inline std::vector<ConfigKey> config_keys(Config& config) {
  const auto milliseconds = [](std::chrono::milliseconds& member) {
    return [&member](const std::string& text) {
      constexpr std::uint64_t day = std::uint64_t{24} * 60 * 60 * 1000;
      member = std::chrono::milliseconds(parse_integer(text, 1, day));
    };
  };
  const auto integer = [](auto& member, std::uint64_t least, std::uint64_t most) {
    return [&member, least, most](const std::string& text) {
      member = static_cast<std::decay_t<decltype(member)>>(parse_integer(text, least, most));
    };
  };
  const auto line = [](std::string& member, bool may_be_empty) {
    return [&member, may_be_empty](const std::string& text) {
      member = parse_line(text, may_be_empty);
    };
  };
  constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30U;
  constexpr std::uint64_t billion = 1'000'000'000;
  auto& http = config.http;
  auto& tokens = config.auth.tokens;
  auto& sqlite = config.sqlite;
  auto& postgresql = config.postgresql;
  auto& logging = config.logging;

  std::vector<ConfigKey> keys{
      {"service", "name", line(config.service.name, false)},
      {"service", "max_entries", integer(config.service.max_entries, 0, 1000 * billion)},
      {"http", "host", line(http.host, false)},
      {"http", "port", integer(http.port, 0, 65535)},
      {"http", "prefix",
       [&http](const std::string& text) {
         if (!is_valid_prefix(text)) {
           throw BadValue{"must be one or more segments of [A-Za-z0-9._~-], each after a '/'"};
         }
         http.prefix = text;
       }},
      {"http", "max_body_bytes", integer(http.max_body_bytes, 1, gibibyte)},
      {"http", "max_connections", integer(http.max_connections, 1, 1'000'000)},
      {"http", "max_threads", integer(http.max_threads, 1, 100'000)},
      {"http", "header_timeout_ms", milliseconds(http.header_timeout)},
      {"http", "body_timeout_ms", milliseconds(http.body_timeout)},
      {"http", "answer_timeout_ms", milliseconds(http.answer_timeout)},
      {"http", "read_timeout_ms", milliseconds(http.read_timeout)},
      {"http", "write_timeout_ms", milliseconds(http.write_timeout)},
      {"http", "keep_alive_timeout_ms", milliseconds(http.keep_alive_timeout)},
      {"http", "allowed_origins",
       [&http](const std::string& text) {
         add_web_entry(http.allowed_origins, text,
                       [&] { return WebPolicy(http.allowed_origins, {}); });
       },
       [&http] { http.allowed_origins.clear(); }},
      {"http", "allowed_hosts",
       [&http](const std::string& text) {
         add_web_entry(http.allowed_hosts, text, [&] { return WebPolicy({}, http.allowed_hosts); });
       },
       [&http] { http.allowed_hosts.clear(); }},
      {"auth",
       "tokens",
       [&tokens](const std::string& text) {
         std::string_view rest = text;
         const std::string name(cut(rest, ':'));
         const std::string role(cut(rest, ':'));
         if (rest.empty()) throw BadValue{"must be name:role:token"};
         add_token(tokens, {name, {}, "", std::string(rest)}, role);
       },
       [&tokens] { tokens.clear(); },
       {"name", "role", "sha256"},
       [&tokens](const ConfigMap& map) {
         add_token(tokens, {map.at("name"), {}, map.at("sha256"), ""}, map.at("role"));
       }},
      {"tls", "certificate", line(config.tls.certificate, true)},
      {"tls", "key", line(config.tls.key, true)},
      {"storage", "memory",
       [&config](const std::string& text) {
         if (!text.empty()) throw BadValue{"takes no value"};
         config.storage.kind = Config::Storage::memory;
       }},
      {"storage", "sqlite",
       [&config](const std::string& text) {
         config.storage.kind = Config::Storage::sqlite;
         config.storage.sqlite = parse_line(text, false);
       }},
      {"storage", "postgresql",
       [&config](const std::string& text) {
         config.storage.kind = Config::Storage::postgresql;
         config.storage.postgresql = parse_line(text, false);
       }},
      {"sqlite", "connections", integer(sqlite.connections, 1, 1000)},
      {"sqlite", "entry_cache_bytes", integer(sqlite.entry_cache_bytes, 0, 1024 * gibibyte)},
      {"sqlite", "page_cache_bytes", integer(sqlite.page_cache_bytes, 0, 1024 * gibibyte)},
      {"postgresql", "connections", integer(postgresql.connections, 1, 1000)},
      {"postgresql", "connect_timeout_ms", milliseconds(postgresql.connect_timeout)},
      {"postgresql", "timeout_ms", milliseconds(postgresql.timeout)},
      {"logging", "level",
       [&logging](const std::string& text) {
         using Level = Config::Level;
         logging.level = parse_choice<Level>(text, {{"trace", Level::trace},
                                                    {"debug", Level::debug},
                                                    {"info", Level::info},
                                                    {"warning", Level::warning},
                                                    {"error", Level::error}});
       }},
      {"logging", "format",
       [&logging](const std::string& text) {
         using Format = Config::Format;
         logging.format =
             parse_choice<Format>(text, {{"logfmt", Format::logfmt}, {"json", Format::json}});
       }},
      {"logging", "file", line(logging.file, true)},
  };
  for (ConfigKey& key : keys) key.is_choice = key.section == "storage";
  return keys;
}

/// What only several keys together can be wrong in.
inline void check_together(const Config& config) {
  const auto needs = [&](const std::string& given, const std::string& path,
                         const std::string& other, const std::string& other_path) {
    if (given.empty() || !other.empty()) return;
    throw Error(Errc::invalid,
                config.places.at(path) + ": " + path + ": needs " + other_path + " as well");
  };
  needs(config.tls.certificate, "tls.certificate", config.tls.key, "tls.key");
  needs(config.tls.key, "tls.key", config.tls.certificate, "tls.certificate");
}

}  // namespace detail

inline Config parse_config(const std::string& yaml, const std::string& source,
                           const Environment& environment) {
  Config config;
  const auto keys = detail::config_keys(config);
  detail::ConfigReader(keys, source, config.places).read(yaml);
  std::map<std::string, std::string> chosen;  // of sections that hold one key: its variable
  for (const detail::ConfigKey& key : keys) {
    if (const auto value = environment(key.variable())) {
      const std::string place = "environment: " + key.variable();
      if (key.is_choice) {
        const auto [other, is_first] = chosen.emplace(key.section, key.variable());
        if (!is_first) {
          throw Error(Errc::invalid, place + ": " + key.section + ": " + other->second +
                                         " is set as well, and only one can be");
        }
        for (const detail::ConfigKey& each : keys) {
          if (each.section == key.section) config.places.erase(each.path());
        }
      }
      try {
        key.set_text(*value);
      } catch (const detail::BadValue& bad) {
        throw Error(Errc::invalid, place + ": " + key.path() + ": " + bad.reason);
      }
      config.places[key.path()] = place;
    }
  }
  detail::check_together(config);
  return config;
}

inline Config load_config(const std::string& file, const Environment& environment) {
  std::ifstream stream(file, std::ios::binary);
  static_cast<void>(stream.peek());  // a folder opens, too, and fails only when it is read
  if (!stream.is_open() || stream.bad()) {
    throw Error(Errc::invalid, file + ": the file can't be read");
  }
  std::ostringstream text;
  if (!stream.eof()) text << stream.rdbuf();
  return parse_config(text.str(), file, environment);
}

inline std::vector<std::string> unknown_variables(const char* const* environment) {
  Config config;
  const auto keys = detail::config_keys(config);
  std::vector<std::string> unknown;
  for (; *environment != nullptr; ++environment) {
    const std::string_view variable = *environment;
    const std::string name(variable.substr(0, variable.find('=')));
    const bool is_known = std::any_of(keys.begin(), keys.end(), [&](const detail::ConfigKey& key) {
      return key.variable() == name;
    });
    if (name.rfind("ADDRBOOK_", 0) == 0 && !is_known) unknown.push_back(name);
  }
  return unknown;
}

}  // namespace addrbook
