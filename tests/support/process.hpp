/// Programs as children of a test: started, read from, signalled, and never left behind.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace test {

/// A folder that goes with its owner.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "addrbook-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A child process whose outputs are read by the test. Ends with its owner, by SIGKILL if need be.
class Process {
 public:
  struct Setting {
    std::vector<std::pair<std::string, std::string>> environment;
    std::string directory = "/";
  };

  explicit Process(const std::vector<std::string>& command) : Process(command, Setting()) {}

  Process(const std::vector<std::string>& command, const Setting& setting) {
    int out[2];
    int err[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
      throw std::runtime_error("pipe failed");
    }
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    // Built before fork(): in the child of a process with threads little is allowed.
    std::vector<std::string> variables;
    for (char** each = environ; *each != nullptr; ++each) variables.emplace_back(*each);
    for (const auto& [name, value] : setting.environment) variables.push_back(name + "=" + value);
    std::vector<char*> environment;
    for (std::string& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);

    id_ = ::fork();
    if (id_ < 0) throw std::runtime_error("fork failed");
    if (id_ == 0) {
      ::dup2(out[1], 1);
      ::dup2(err[1], 2);
      if (::chdir(setting.directory.c_str()) == 0) {
        ::execve(arguments[0], arguments.data(), environment.data());
      }
      ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_ = out[0];
    err_ = err[0];
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (!status_) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
    }
    ::close(out_);
    ::close(err_);
  }

  [[nodiscard]] pid_t id() const { return id_; }
  void signal(int number) const { ::kill(id_, number); }

  /// @returns the next line of standard output, or nothing at its end
  std::optional<std::string> read_line() { return read_line(out_, out_text_); }
  /// @returns the next line of standard error
  std::optional<std::string> read_error_line() { return read_line(err_, err_text_); }

  /// All that is left of standard output, or error, up to its end.
  std::string read_output() { return read_all(out_, out_text_); }
  std::string read_errors() { return read_all(err_, err_text_); }

  /// Waits for the end. @returns the exit status, or 128 + the signal that ended it
  int wait() {
    if (!status_) {
      int status = 0;
      if (::waitpid(id_, &status, 0) != id_) throw std::runtime_error("waitpid failed");
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return *status_;
  }

 private:
  static bool receive(int pipe, std::string& text) {
    pollfd poll{pipe, POLLIN, 0};
    if (::poll(&poll, 1, 60'000) <= 0) throw std::runtime_error("no output for 60 s");
    char buffer[4096];
    const auto size = ::read(pipe, buffer, sizeof buffer);
    if (size <= 0) return false;
    text.append(buffer, static_cast<std::size_t>(size));
    return true;
  }

  static std::optional<std::string> read_line(int pipe, std::string& text) {
    std::size_t end = 0;
    while ((end = text.find('\n')) == std::string::npos) {
      if (!receive(pipe, text)) return std::nullopt;
    }
    std::string line = text.substr(0, end);
    text.erase(0, end + 1);
    return line;
  }

  static std::string read_all(int pipe, std::string& text) {
    while (receive(pipe, text)) {
    }
    return std::exchange(text, {});
  }

  pid_t id_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string out_text_;
  std::string err_text_;
  std::optional<int> status_;
};

/// The port in a line such as "... http://127.0.0.1:41234 ...".
inline int port_in(const std::string& line) {
  if (line.find("://") == std::string::npos) throw std::runtime_error("no URL in '" + line + "'");
  return std::stoi(line.substr(line.rfind(':') + 1));
}

}  // namespace test
