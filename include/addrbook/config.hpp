/// Config: the settings of a server program, read from a YAML file and the environment. Needs
/// yaml-cpp (target addrbook::config).
#pragma once

#include <addrbook/config/key.hpp>
#include <addrbook/config/sections.hpp>
#include <addrbook/config/yaml_reader.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/options.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook {

/// The settings of a server program. A setting is a key `section.name` of the file, and the
/// environment variable ADDRBOOK_SECTION_NAME, which overrides the file; there, commas separate the
/// items of a list. config/sections.hpp maps keys to members.
struct Config {
  /// Limits the number of entries, because the clients of a server program may be strangers. 0: no
  /// limit, the default of ServiceOptions.
  Config() { service.max_entries = 1'000'000; }

  std::string name = "Address Book";
  std::string host = "127.0.0.1";
  int port = 8080;  ///< 0: any free port
  ServiceOptions service;
  ServerOptions server;
  Options rest;
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
/// @throws Error{invalid}, e.g. "a.yaml:3: http.port: must be an integer from 0 to 65535":
///         malformed YAML, an unknown or repeated key, a wrong type, a bad value. Never shows a
///         token.
[[nodiscard]] inline Config parse_config(const std::string& yaml, const std::string& source,
                                         const Environment& environment = process_environment);

/// Reads settings from a file, as parse_config() does.
/// @throws Error{invalid} also if the file cannot be read
[[nodiscard]] inline Config load_config(const std::string& file,
                                        const Environment& environment = process_environment);

/// Lists the variables ADDRBOOK_* that are not settings, e.g. misspelled ones. A program should
/// only warn of them: container platforms set variables with such names.
/// @param environment  as the process's environ
[[nodiscard]] inline std::vector<std::string> unknown_variables(const char* const* environment);

/// Says where a setting that proves wrong in use was set.
/// @param key  e.g. "logging.file"
/// @returns  an error with e.g. "a.yaml:3: logging.file: " in front of the message; `error` itself
///           if the setting has its default
[[nodiscard]] inline Error setting_error(const Config& config, const std::string& key,
                                         const Error& error);

/// @returns  whether other machines can reach the server without a token
[[nodiscard]] inline bool is_exposed(const Config& config) {
  return config.tokens.empty() && !detail::is_loopback(config.host);
}

// ---------------------------------------------------------------------------------------------

namespace detail {

/// @returns  every key; each sets a member of `config`, which must outlive it
inline ConfigKeys config_keys(Config& config) {
  ConfigKeys keys;
  for (const ConfigKeys& section : {
           service_section(config.name, config.service),
           http_section(config.host, config.port, config.server, config.rest),
           auth_section(config.tokens),
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

/// Overrides settings with the variables that are set.
inline void read_environment(const ConfigKeys& keys, const Environment& environment,
                             std::map<std::string, std::string>& places) {
  std::map<std::string, std::string> chosen;  // a choice's section -> the variable that is set
  for (const ConfigKey& key : keys) {
    const auto value = environment(key.variable());
    if (!value) continue;
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

/// Checks what depends on several keys.
inline void check_together(const Config& config) {
  const auto needs = [&](const std::string& given, const std::string& path,
                         const std::string& other, const std::string& other_path) {
    if (given.empty() || !other.empty()) return;
    throw setting_error(config, path, Error(Errc::invalid, "needs " + other_path + " as well"));
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
  detail::read_environment(keys, environment, config.places);
  detail::check_together(config);
  return config;
}

inline Config load_config(const std::string& file, const Environment& environment) {
  std::ifstream stream(file, std::ios::binary);
  static_cast<void>(stream.peek());  // a folder can be opened, but not read
  if (!stream.is_open() || stream.bad()) {
    throw Error(Errc::invalid, file + ": the file can't be read");
  }
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  return parse_config(text, file, environment);
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

inline Error setting_error(const Config& config, const std::string& key, const Error& error) {
  const auto place = config.places.find(key);
  if (place == config.places.end()) return error;
  return {error.code(), place->second + ": " + key + ": " + error.what()};
}

}  // namespace addrbook
