/// Config: the settings of a server program, read from a YAML file and the environment. Needs
/// yaml-cpp (target addrbook::config).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/read_file.hpp>
#include <addrbook/book_store.hpp>
#include <addrbook/config/key.hpp>
#include <addrbook/config/sections.hpp>
#include <addrbook/config/yaml_reader.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/http/prefix.hpp>
#include <addrbook/options.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace addrbook {

/// The settings of a server program. A setting is a key `section.name` of the file, and the
/// environment variable ADDRBOOK_SECTION_NAME, which overrides the file; there, commas separate the
/// items of a list. A variable that is empty counts as not set, except for storage.memory, which
/// has no value. config/sections.hpp maps keys to members.
struct Config {
  /// Limits the number of entries, as ServiceOptions do not: clients may be strangers. Serves what
  /// people and tools look at, as Options do not.
  Config() {
    service.max_entries = 1'000'000;
    rest.page = true;
    rest.openapi = true;
  }

  std::string name = "Address Book";
  std::string host = "127.0.0.1";
  int port = 8080;  ///< 0: any free port
  ServiceOptions service;
  std::string schema;      ///< file, for json_schema(); "": any address is taken
  BooksOptions books;      ///< with many books; what `service` has too counts there
  bool own_books = false;  ///< each token has a book of its name: Options::book is to be the user
  ServerOptions server;
  Options rest;
  bool metrics = true;        ///< whether `server` and `rest` are to have Metrics
  std::vector<Token> tokens;  ///< for bearer_tokens(); empty: no token is needed
  TlsFiles tls;               ///< both empty: plain HTTP
  StorageOptions storage;
  SqliteOptions sqlite;
  PostgresqlOptions postgresql;
  LoggingOptions logging;

  /// Where each key was set that is given, e.g. "logging.file" -> "a.yaml:3" or "environment:
  /// ADDRBOOK_LOGGING_FILE".
  std::map<std::string, std::string> places;
};

/// Looks up an environment variable. Returns nothing if it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Looks up a variable of this process.
[[nodiscard]] inline std::optional<std::string> process_environment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

/// Reads settings. Every section and every key may be left out.
/// @param yaml         the text; "" for the defaults
/// @param source       the file's name, for messages
/// @param environment  overrides the text
/// @throws Error{invalid}, e.g. "a.yaml:3: http.port: must be an integer from 0 to 65535, not 'x'":
///         malformed YAML, an unknown or repeated key, a wrong type, a bad value. Never shows a
///         token.
[[nodiscard]] inline Config parse_config(const std::string& yaml, const std::string& source,
                                         const Environment& environment = process_environment);

/// Reads settings from a file, as parse_config() does.
/// @throws Error{invalid} also if the file cannot be read
[[nodiscard]] inline Config load_config(const std::string& file,
                                        const Environment& environment = process_environment);

/// Reads settings from a file if there is one; otherwise from the environment alone.
/// @throws Error{invalid} also if it can't be told whether there is one: tokens may stand in it
[[nodiscard]] inline Config load_config_if_any(
    const std::string& file, const Environment& environment = process_environment);

/// Changes one setting, e.g. by an option of a command line.
/// @param key    e.g. "http.port"
/// @param value  as in an environment variable
/// @param place  for messages, e.g. "--port"
/// @throws Error{invalid}, e.g. "--port: must be an integer from 0 to 65535, not 'x'"; a key that
///         doesn't exist
inline void set_config(Config& config, const std::string& key, const std::string& value,
                       const std::string& place);

/// Lists the variables ADDRBOOK_* that are not settings, e.g. misspelled ones, and those that
/// Kubernetes sets for a service of that name (`tcp://10.0.0.1:80`), which are ignored. A program
/// should only warn of them.
/// @param environment  as the process's environ
[[nodiscard]] inline std::vector<std::string> unknown_variables(const char* const* environment);

/// Says where a setting that proves wrong in use was set.
/// @param key  e.g. "logging.file"
/// @returns  an error with e.g. "a.yaml:3: logging.file: " in front of the message; `error` itself
///           if the setting has its default
[[nodiscard]] inline Error setting_error(const Config& config, const std::string& key,
                                         const Error& error);

/// Does what depends on a setting.
/// @returns  what `act` returns
/// @throws   what it throws; an Error as setting_error()
template <class Act>
auto for_setting(const Config& config, const std::string& key, Act act) {
  try {
    return act();
  } catch (const Error& error) {
    throw setting_error(config, key, error);
  }
}

/// @returns  whether the server has many books
[[nodiscard]] inline bool has_many_books(const Config& config) {
  return config.own_books || detail::Prefix(config.rest.prefix).names_books();
}

/// @returns  whether other machines can reach the server without a token, themselves or through a
///           proxy that it trusts
[[nodiscard]] inline bool is_exposed(const Config& config) {
  return config.tokens.empty() &&
         (!detail::is_loopback(config.host) || !config.rest.trusted_proxies.empty());
}

// ---------------------------------------------------------------------------------------------

namespace detail {

/// @returns  every key; each sets a member of `config`, which must outlive it
inline ConfigKeys config_keys(Config& config) {
  ConfigKeys keys;
  for (const ConfigKeys& section : {
           service_section(config.name, config.service, config.schema),
           http_section(config.host, config.port, config.server, config.rest, config.metrics),
           auth_section(config.tokens),
           books_section(config.books, config.own_books, config.rest),
           tls_section(config.tls),
           storage_section(config.storage),
           sqlite_section(config.sqlite),
           postgresql_section(config.postgresql),
           logging_section(config.logging),
       }) {
    keys.insert(keys.end(), section.begin(), section.end());
  }
  return keys;
}

/// Whether an environment variable is one that Kubernetes sets for a service, e.g.
/// ADDRBOOK_HTTP_PORT=tcp://10.0.0.1:80 for one that is called addrbook-http.
inline bool is_of_kubernetes(std::string_view name, std::string_view value) {
  constexpr std::string_view suffix = "_PORT";
  const std::string_view scheme = value.substr(0, value.find("://"));
  return name.size() > suffix.size() && name.substr(name.size() - suffix.size()) == suffix &&
         scheme.size() < value.size() && (scheme == "tcp" || scheme == "udp" || scheme == "sctp");
}

/// Overrides settings with the variables that are set.
inline void read_environment(const ConfigKeys& keys, const Environment& environment,
                             std::map<std::string, std::string>& places) {
  std::map<std::string, std::string> chosen;  // a choice's section -> the variable that is set
  for (const ConfigKey& key : keys) {
    const auto value = environment(key.variable());
    // storage.memory has no value: it is set by being there.
    if (!value || (value->empty() && !key.is_bare)) continue;
    if (is_of_kubernetes(key.variable(), *value)) continue;
    const std::string place = "environment: " + key.variable();
    if (key.is_choice) {
      const auto [other, is_first] = chosen.emplace(key.section, key.variable());
      if (!is_first) {
        throw Error(Errc::invalid, place + ": " + key.section + ": " + other->second +
                                       " is set as well, and only one can be");
      }
      for (const ConfigKey& each : keys) {
        if (each.section == key.section) places.erase(each.path());
      }
    }
    try {
      key.set_text(*value);
    } catch (const BadValue& bad) {
      throw Error(Errc::invalid, place + ": " + key.path() + ": " + bad.reason);
    }
    places[key.path()] = place;
  }
}

/// Checks what is said of many books.
inline void check_books(const Config& config) {
  const auto require = [&](bool is_good, const std::string& path, const std::string& reason) {
    if (!is_good) throw setting_error(config, path, Error(Errc::invalid, reason));
  };
  const bool names_books = Prefix(config.rest.prefix).names_books();
  const std::string many = "needs {book} in http.prefix, or books.own";
  require(!config.rest.create_on_write || has_many_books(config), "books.create_on_write", many);
  require(config.books.max_books == 0 || has_many_books(config), "books.max_books", many);
  require(!config.own_books || !names_books, "books.own", "http.prefix must not have {book} then");
  require(!config.own_books || !config.tokens.empty(), "books.own", "needs auth.tokens");
  for (const Token& token : config.tokens) {
    require(token.books.empty() || names_books, "auth.tokens",
            "'" + token.name + "': books needs {book} in http.prefix");
    require(!config.own_books || is_valid_book_name(token.name), "auth.tokens",
            "'" + token.name + "' can't be the name of a book, see books.own");
  }
}

/// Checks what depends on several keys.
inline void check_together(const Config& config) {
  const auto needs = [&](const std::string& given, const std::string& path,
                         const std::string& other, const std::string& other_path) {
    if (given.empty() || !other.empty()) return;
    throw setting_error(config, path, Error(Errc::invalid, "needs " + other_path + " as well"));
  };
  needs(config.tls.certificate, "tls.certificate", config.tls.key, "tls.key");
  needs(config.tls.key, "tls.key", config.tls.certificate, "tls.certificate");
  check_books(config);
}

}  // namespace detail

inline Config parse_config(const std::string& yaml, const std::string& source,
                           const Environment& environment) {
  Config config;
  const auto keys = detail::config_keys(config);
  detail::ConfigReader(keys, source, config.places).read(yaml);
  detail::read_environment(keys, environment, config.places);
  detail::check_together(config);
  return config;
}

inline Config load_config(const std::string& file, const Environment& environment) {
  std::string text;
  try {
    text = detail::read_file(file);
  } catch (const std::system_error& error) {
    throw Error(Errc::invalid, file + ": the file can't be read: " + error.code().message());
  }
  return parse_config(text, file, environment);
}

inline Config load_config_if_any(const std::string& file, const Environment& environment) {
  // Also a link to nothing is there, in any part of the path.
  const std::filesystem::path whole(file);
  std::filesystem::path part;
  for (const auto& name : whole) {
    part /= name;
    std::error_code error;
    static_cast<void>(std::filesystem::symlink_status(part, error));
    // Below what is no folder nothing is there either, but then something is wrong.
    if (error == std::errc::no_such_file_or_directory) return parse_config("", "", environment);
    if (error) break;
    const bool is_dangling = !std::filesystem::exists(part, error);
    if (error || is_dangling) break;
  }
  return load_config(file, environment);  // which says what is wrong
}

inline void set_config(Config& config, const std::string& key, const std::string& value,
                       const std::string& place) {
  const auto keys = detail::config_keys(config);
  const auto found = std::find_if(
      keys.begin(), keys.end(), [&](const detail::ConfigKey& each) { return each.path() == key; });
  try {
    if (found == keys.end()) throw detail::BadValue{"'" + key + "' is not a setting"};
    found->set_text(value);
  } catch (const detail::BadValue& bad) {
    throw Error(Errc::invalid, place + ": " + bad.reason);
  }
  config.places[key] = place;
}

inline std::vector<std::string> unknown_variables(const char* const* environment) {
  Config config;
  const auto keys = detail::config_keys(config);
  std::vector<std::string> unknown;
  for (; *environment != nullptr; ++environment) {
    std::string_view value = *environment;
    const std::string name(detail::cut(value, '='));
    if (name.rfind("ADDRBOOK_", 0) != 0) continue;
    if (detail::is_of_kubernetes(name, value)) {
      unknown.push_back(name + " (of Kubernetes)");
    } else if (std::none_of(keys.begin(), keys.end(),
                            [&](const detail::ConfigKey& key) { return key.variable() == name; })) {
      unknown.push_back(name);
    }
  }
  return unknown;
}

inline Error setting_error(const Config& config, const std::string& key, const Error& error) {
  const auto place = config.places.find(key);
  if (place == config.places.end()) return error;
  return {error.code(), place->second + ": " + key + ": " + error.what()};
}

}  // namespace addrbook
