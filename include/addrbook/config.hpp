/// Config: the settings of a server program, from a YAML file and the environment. Needs yaml-cpp
/// (target addrbook::config).
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/http_fields.hpp>

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Settings with their defaults. Each is a key `section.name` of the file, or the environment's
/// ADDRBOOK_SECTION_NAME, which counts for more.
struct Config {
  enum class Storage { memory };
  enum class Level { trace, debug, info, warning, error };
  enum class Format { logfmt, json };

  struct {
    std::string name = "Address Book";
  } service;

  struct {
    std::string host = "127.0.0.1";
    int port = 8080;  ///< 0: any free one
    std::string prefix = "/addresses";
    std::size_t max_body_bytes = std::size_t{1024} * 1024;
    std::chrono::milliseconds body_timeout{30'000};
    std::chrono::milliseconds answer_timeout{120'000};
    std::chrono::milliseconds read_timeout{5'000};
    std::chrono::milliseconds write_timeout{5'000};
    std::chrono::milliseconds keep_alive_timeout{15'000};
  } http;

  Storage storage = Storage::memory;

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
///         an unknown key, a key given twice, a wrong type, a bad value
[[nodiscard]] inline Config parse_config(const std::string& yaml, const std::string& source,
                                         const Environment& environment = process_environment);

/// parse_config() of a file.
/// @throws Error{invalid} also if the file can't be read
[[nodiscard]] inline Config load_config(const std::string& file,
                                        const Environment& environment = process_environment);

// ---------------------------------------------------------------------------------------------

namespace detail {

/// Sets one key from its text, or throws why it can't be.
struct BadValue {
  std::string reason;
};
struct ConfigKey {
  std::string section;
  std::string name;
  std::function<void(Config&, const std::string&)> set;
  bool may_be_null = false;

  [[nodiscard]] std::string path() const { return section + "." + name; }
  [[nodiscard]] std::string variable() const {
    std::string upper = "ADDRBOOK_" + section + "_" + name;
    for (char& c : upper) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    }
    return upper;
  }
};

inline std::uint64_t parse_integer(const std::string& text, std::uint64_t least,
                                   std::uint64_t most) {
  std::uint64_t value = 0;
  bool valid = !text.empty() && text.size() <= 19;  // 19 digits always fit
  for (const char c : text) {
    valid = valid && c >= '0' && c <= '9';
    if (valid) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (!valid || value < least || value > most) {
    throw BadValue{"must be an integer from " + std::to_string(least) + " to " +
                   std::to_string(most)};
  }
  return value;
}

template <class Enumerator>
Enumerator parse_choice(const std::string& text,
                        const std::vector<std::pair<std::string, Enumerator>>& choices) {
  std::string names;
  for (const auto& [name, enumerator] : choices) {
    if (text == name) return enumerator;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  throw BadValue{"must be one of: " + names};
}

inline std::string parse_line(const std::string& text, bool may_be_empty) {
  if (text.empty() && !may_be_empty) throw BadValue{"must not be empty"};
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    throw BadValue{"must be one line, without control characters"};
  }
  return text;
}

/// Every key there is: the file, the environment and the messages all go by this table.
inline const std::vector<ConfigKey>& config_keys() {
  const auto milliseconds = [](auto member) {
    return [member](Config& config, const std::string& text) {
      constexpr std::uint64_t day = std::uint64_t{24} * 60 * 60 * 1000;
      config.http.*member = std::chrono::milliseconds(parse_integer(text, 1, day));
    };
  };
  using Http = decltype(Config::http);
  static const std::vector<ConfigKey> keys{
      {"service", "name",
       [](Config& config, const std::string& text) {
         config.service.name = parse_line(text, false);
       }},
      {"http", "host",
       [](Config& config, const std::string& text) { config.http.host = parse_line(text, false); }},
      {"http", "port",
       [](Config& config, const std::string& text) {
         config.http.port = static_cast<int>(parse_integer(text, 0, 65535));
       }},
      {"http", "prefix",
       [](Config& config, const std::string& text) {
         if (!is_valid_prefix(text)) {
           throw BadValue{"must be one or more segments of [A-Za-z0-9._~-], each after a '/'"};
         }
         config.http.prefix = text;
       }},
      {"http", "max_body_bytes",
       [](Config& config, const std::string& text) {
         constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30U;
         config.http.max_body_bytes = parse_integer(text, 1, gibibyte);
       }},
      {"http", "body_timeout_ms", milliseconds(&Http::body_timeout)},
      {"http", "answer_timeout_ms", milliseconds(&Http::answer_timeout)},
      {"http", "read_timeout_ms", milliseconds(&Http::read_timeout)},
      {"http", "write_timeout_ms", milliseconds(&Http::write_timeout)},
      {"http", "keep_alive_timeout_ms", milliseconds(&Http::keep_alive_timeout)},
      {"storage", "memory",
       [](Config& config, const std::string& text) {
         if (!text.empty()) throw BadValue{"takes no value"};
         config.storage = Config::Storage::memory;
       },
       true},
      {"logging", "level",
       [](Config& config, const std::string& text) {
         using Level = Config::Level;
         config.logging.level = parse_choice<Level>(text, {{"trace", Level::trace},
                                                           {"debug", Level::debug},
                                                           {"info", Level::info},
                                                           {"warning", Level::warning},
                                                           {"error", Level::error}});
       }},
      {"logging", "format",
       [](Config& config, const std::string& text) {
         using Format = Config::Format;
         config.logging.format =
             parse_choice<Format>(text, {{"logfmt", Format::logfmt}, {"json", Format::json}});
       }},
      {"logging", "file",
       [](Config& config, const std::string& text) {
         config.logging.file = parse_line(text, true);
       }},
  };
  return keys;
}

/// Reads a YAML document into a Config along the table of keys.
class ConfigReader {
 public:
  ConfigReader(Config& config, std::string source) : config_(config), source_(std::move(source)) {}

  void read(const std::string& yaml) const {
    std::vector<YAML::Node> documents;
    try {
      documents = YAML::LoadAll(yaml);
    } catch (const YAML::Exception& error) {
      fail(error.mark, "not YAML: " + error.msg);
    }
    if (documents.size() > 1) fail(documents[1].Mark(), "a second YAML document");
    if (documents.empty() || documents[0].IsNull()) return;
    for (const auto& section : members(documents[0], "the file")) {
      read_section(section.first, section.second);
    }
  }

 private:
  using Member = std::pair<YAML::Node, YAML::Node>;

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message,
                         SourceLine thrown_at = SourceLine::here()) const {
    throw Error(Errc::invalid, place(mark) + ": " + message, thrown_at);
  }

  [[nodiscard]] std::string place(const YAML::Mark& mark) const {
    return mark.is_null() ? source_ : source_ + ":" + std::to_string(mark.line + 1);
  }

  /// The members of a map; yaml-cpp itself takes a key twice.
  [[nodiscard]] std::vector<Member> members(const YAML::Node& node, const std::string& what) const {
    if (!node.IsMap()) fail(node.Mark(), what + ": must be a map of keys");
    std::vector<Member> members;
    std::set<std::string> seen;
    for (const auto& member : node) {
      if (!member.first.IsScalar()) fail(member.first.Mark(), what + ": a key must be a word");
      if (!seen.insert(member.first.Scalar()).second) {
        fail(member.first.Mark(), what + ": '" + member.first.Scalar() + "' is given twice");
      }
      members.emplace_back(member.first, member.second);
    }
    return members;
  }

  void read_section(const YAML::Node& name, const YAML::Node& section) const {
    const std::string& section_name = name.Scalar();
    const auto& keys = config_keys();
    if (std::none_of(keys.begin(), keys.end(),
                     [&](const ConfigKey& key) { return key.section == section_name; })) {
      fail(name.Mark(), "unknown key '" + section_name + "'");
    }
    const auto entries = section.IsNull() ? std::vector<Member>() : members(section, section_name);
    if (section_name == "storage" && entries.size() != 1) {
      fail(name.Mark(), "storage: must hold exactly one key: memory");
    }
    for (const auto& [key_name, value] : entries) {
      const std::string path = section_name + "." + key_name.Scalar();
      const auto key = std::find_if(keys.begin(), keys.end(),
                                    [&](const ConfigKey& each) { return each.path() == path; });
      if (key == keys.end()) fail(key_name.Mark(), "unknown key '" + path + "'");
      if (value.IsNull() && !key->may_be_null) fail(key_name.Mark(), path + ": needs a value");
      if (!value.IsNull() && !value.IsScalar()) {
        fail(value.Mark(), path + ": must be a single value, not a list or a map");
      }
      // A null has no place of its own; the key's is as good.
      const YAML::Mark mark = value.IsNull() ? key_name.Mark() : value.Mark();
      try {
        key->set(config_, value.IsNull() ? std::string() : value.Scalar());
      } catch (const BadValue& bad) {
        fail(mark, path + ": " + bad.reason);
      }
      config_.places[path] = place(mark);
    }
  }

  Config& config_;
  std::string source_;
};

}  // namespace detail

inline Config parse_config(const std::string& yaml, const std::string& source,
                           const Environment& environment) {
  Config config;
  detail::ConfigReader(config, source).read(yaml);
  for (const detail::ConfigKey& key : detail::config_keys()) {
    if (const auto value = environment(key.variable())) {
      const std::string place = "environment: " + key.variable();
      try {
        key.set(config, *value);
      } catch (const detail::BadValue& bad) {
        throw Error(Errc::invalid, place + ": " + key.path() + ": " + bad.reason);
      }
      config.places[key.path()] = place;
    }
  }
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

}  // namespace addrbook
