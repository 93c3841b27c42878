/// The bundled server as a child of a test, on a free port and ready.
#pragma once

#include <support/addresses.hpp>
#include <support/exchanges.hpp>
#include <support/process.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test {

inline const std::string server_program = ADDRBOOK_EXAMPLES_DIR "/addrbook-server";

/// A setting in which the server keeps its book in memory, if the one given names no storage.
inline Process::Setting in_memory(Process::Setting setting = {}) {
  for (const auto& [name, value] : setting.environment) {
    if (name.rfind("ADDRBOOK_STORAGE_", 0) == 0) return setting;
  }
  setting.environment.emplace_back("ADDRBOOK_STORAGE_MEMORY", "");
  return setting;
}

/// A server that keeps its book in memory, if the setting names no storage.
class ServerProcess : public Process {
 public:
  explicit ServerProcess(const std::vector<std::string>& options = {},
                         const Setting& setting = Setting())
      : ServerProcess(std::vector<std::string>{server_program}, options, setting) {}

  /// @param command  what runs the server, e.g. a shell that sets limits first
  ServerProcess(std::vector<std::string> command, const std::vector<std::string>& options,
                const Setting& setting)
      : Process(with_options(std::move(command), options), in_memory(setting)) {
    const auto line = read_line();
    if (!line) throw std::runtime_error("the server did not start: " + read_errors());
    first_line_ = *line;
    port_ = port_in(first_line_);
    if (!Exchanges::are_kept()) return;
    std::string variables;
    for (const auto& [name, value] : setting.environment) variables += name + "=" + value + "\n";
    for (const auto& option : options) variables += "option " + option + "\n";
    Exchanges::write("process", {std::to_string(port_), variables});
  }

  [[nodiscard]] const std::string& first_line() const { return first_line_; }
  [[nodiscard]] int port() const { return port_; }

  /// @returns the next line of the log on standard error that is about a request
  std::optional<std::string> read_log_line() {
    auto line = read_error_line();
    while (line && line->find("SERVER") != std::string::npos) line = read_error_line();
    return line;
  }

 private:
  static std::vector<std::string> with_options(std::vector<std::string> words,
                                               const std::vector<std::string>& options) {
    words.insert(words.end(), {"--port", "0"});
    words.insert(words.end(), options.begin(), options.end());
    return words;
  }

  std::string first_line_;
  int port_ = 0;
};

/// Settings by their keys, e.g. {"http.max_connections", "50"}.
using Settings = std::vector<std::pair<std::string, std::string>>;

/// Settings with which no time of the server's runs out during a test.
inline Settings patient() {
  return {{"http.header_timeout_ms", "600000"}, {"http.body_timeout_ms", "600000"},
          {"http.answer_timeout_ms", "600000"}, {"http.read_timeout_ms", "600000"},
          {"http.write_timeout_ms", "600000"},  {"http.keep_alive_timeout_ms", "600000"}};
}

/// A server whose log goes to a file.
class LoggedServer {
 public:
  /// @param max_files  the process's limit of open files, as `ulimit -n` sets it; 0: as it is here
  explicit LoggedServer(const Settings& settings = {}, const std::vector<std::string>& options = {},
                        int max_files = 0)
      : process_(command(max_files), options, setting(settings, log_file())) {}

  [[nodiscard]] int port() const { return process_.port(); }
  [[nodiscard]] ServerProcess& process() { return process_; }
  [[nodiscard]] pid_t id() const { return process_.id(); }
  [[nodiscard]] std::string log_file() const { return (folder_.path() / "server.log").string(); }
  /// The log so far.
  [[nodiscard]] std::string log() const { return read_file(log_file()); }
  /// Ends it, and with it the log. @returns the exit status
  int stop() {
    process_.signal(SIGTERM);
    return process_.wait();
  }

 private:
  static std::vector<std::string> command(int max_files) {
    if (max_files == 0) return {server_program};
    return {"/bin/sh", "-c", "ulimit -n " + std::to_string(max_files) + " && exec \"$0\" \"$@\"",
            server_program};
  }

  static Process::Setting setting(const Settings& settings, const std::string& log_file) {
    Process::Setting setting;
    setting.environment.emplace_back("ADDRBOOK_LOGGING_FILE", log_file);
    for (const auto& [key, value] : settings) {
      std::string name = "ADDRBOOK_";
      for (const char c : key) {
        name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      }
      setting.environment.emplace_back(name, value);
    }
    return setting;
  }

  TempFolder folder_;
  ServerProcess process_;
};

}  // namespace test
