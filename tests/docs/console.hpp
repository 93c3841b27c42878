/// Runs the console blocks of a page in a temporary folder, and compares what comes out.
#pragma once

#include <docs/page.hpp>
#include <support/free_port.hpp>
#include <support/postgresql_server.hpp>
#include <support/process.hpp>
#include <support/server_process.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// Replaces every `from`.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// A shell with a folder, ports and background servers of its own.
///
/// What differs from run to run in the output (ids, entity tags, request ids, times) needs only the
/// form that the page shows; an id that the page shows twice must be the same both times, and
/// stands for the actual one in later commands. Ports of the form 80xx stand for free ones; if the
/// page starts no server on 8080, the first curl does, with a book in memory.
class Console {
 public:
  Console() {
    std::ofstream(folder_.path() / ".curlrc") << "silent\nshow-error\nnoproxy = *\n";
    const char* const path = std::getenv("PATH");
    environment_ = {{"HOME", folder_.path().string()},
                    {"PATH", ADDRBOOK_EXAMPLES_DIR ":" + std::string(path == nullptr ? "" : path)},
                    {"ADDRBOOK_HTTP_PORT", port("8080")}};
  }

  /// Forgets what was exported: each block is for a shell of its own, in the same folder.
  void start_block() const { std::ofstream(folder_.path() / ".exports") << ""; }

  /// @returns what is wrong with the output, "" if nothing is
  std::string run(const Command& command) {
    if (command.line.find("createdb") != std::string::npos) start_postgresql();
    if (command.line.compare(0, 5, "curl ") == 0 && servers_.empty()) {
      start("ADDRBOOK_STORAGE_MEMORY= addrbook-server");
    }
    std::string output;
    int status = 0;
    if (command.line.compare(0, 6, "kill %") == 0) {
      Process& server = *servers_.at(std::stoul(command.line.substr(6)) - 1);
      server.signal(SIGTERM);
      status = server.wait();
    } else if (command.line.size() > 2 && command.line.substr(command.line.size() - 2) == " &") {
      output = start(command.line.substr(0, command.line.size() - 2));
    } else {
      // What a command exports is there for the next one.
      Process shell(shell_command("{ " + actual(command.line) +
                                  "\n} 2>&1; status=$?; export -p >~/.exports; exit $status"),
                    setting());
      output = shell.read_output();
      status = shell.wait();
    }
    output.erase(std::remove(output.begin(), output.end(), '\r'), output.end());
    if (!output.empty() && output.back() != '\n') output += '\n';
    if (!matches(command.output, output)) {
      return "shown:\n" + actual(command.output) + "actual:\n" + output;
    }
    // The page shows why a command fails.
    if (status != 0 && output.empty()) return "exit status " + std::to_string(status);
    return "";
  }

 private:
  std::string port(const std::string& shown) {
    auto& actual = ports_[shown];
    if (actual.empty()) actual = std::to_string(free_port());
    return actual;
  }

  [[nodiscard]] Process::Setting setting() const { return {environment_, folder_.path().string()}; }

  static std::vector<std::string> shell_command(const std::string& line) {
    return {"/bin/sh", "-c", ". ~/.exports; " + line};
  }

  /// @returns the server's first line
  std::string start(const std::string& line) {
    // With `exec` behind variables the server itself is the child, which signals reach.
    static const std::regex program("addrbook-server|tenants");
    servers_.push_back(std::make_unique<Process>(
        shell_command(std::regex_replace(actual(line), program, "exec $&",
                                         std::regex_constants::format_first_only)),
        setting()));
    const auto first_line = servers_.back()->read_line();
    return first_line ? *first_line : servers_.back()->read_errors();
  }

  void start_postgresql() {
    postgresql_.emplace();
    environment_.emplace_back("PGHOST", "127.0.0.1");
    environment_.emplace_back("PGPORT", std::to_string(postgresql_->port()));
    environment_.emplace_back("PGUSER", "postgres");
  }

  /// @returns the page's text with what stands here for its ports, ids and database
  std::string actual(std::string text) {
    if (postgresql_) {
      text = replaced(text, "host=db.example.com",
                      "host=127.0.0.1 port=" + std::to_string(postgresql_->port()));
    }
    static const std::regex port_form("\\b80[0-9]{2}\\b");
    std::smatch found;
    std::string done;
    while (std::regex_search(text, found, port_form)) {
      done += found.prefix().str() + port(found.str());
      text = found.suffix();
    }
    text = done + text;
    for (const auto& [shown, id] : ids_) text = replaced(text, shown, id);
    return text;
  }

  bool matches(const std::string& shown, const std::string& output) {
    static const std::regex form(
        "[0-9a-f]{16,32}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z|time_ms=[0-9.]+|"
        "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT");
    const std::sregex_iterator end;
    std::sregex_iterator left(shown.begin(), shown.end(), form);
    std::sregex_iterator right(output.begin(), output.end(), form);
    for (; left != end && right != end; ++left, ++right) ids_.emplace(left->str(), right->str());
    return actual(shown) == output;
  }

  TempFolder folder_;
  std::map<std::string, std::string> ports_;
  std::map<std::string, std::string> ids_;
  std::vector<std::pair<std::string, std::string>> environment_;
  std::optional<PostgresqlServer> postgresql_;
  std::vector<std::unique_ptr<Process>> servers_;  // end before the database does
};

}  // namespace test
