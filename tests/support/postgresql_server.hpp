/// A private PostgreSQL server for tests, with its own folder, socket and port. It leaves nothing
/// behind.
#pragma once

#include <support/addresses.hpp>
#include <support/free_port.hpp>
#include <support/process.hpp>

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace test {

/// Ends a server and removes its folder if the test program does not, for example after SIGKILL. It
/// is a process that waits for the end of a pipe. Unlike PR_SET_PDEATHSIG, that does not depend on
/// the thread that started the server, and a stopped server can be woken first.
class Caretaker {
 public:
  explicit Caretaker(const std::filesystem::path& folder)
      : pipe_(open_pipe(folder / "caretaker")),
        // In its own session, so that a signal to the test's process group does not end it.
        process_({"/usr/bin/env", "setsid", "/bin/sh", "-c", script, folder.string()}) {}
  Caretaker(const Caretaker&) = delete;
  Caretaker& operator=(const Caretaker&) = delete;
  ~Caretaker() {
    // First, because it acts at the end of the pipe.
    process_.signal(SIGKILL);
    process_.wait();
    ::close(pipe_);
  }

  /// @param processes  those to end from now on: a server, and the processes that must be woken for
  ///                   it to end
  void look_after(const std::vector<pid_t>& processes) const {
    std::string line;
    for (const pid_t process : processes) line += std::to_string(process) + " ";
    line += "\n";
    if (::write(pipe_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
      throw std::runtime_error("can't write to the caretaker");
    }
  }

 private:
  static constexpr const char* script = R"sh(
    pids=
    while read -r line; do pids=$line; done <"$0/caretaker"
    exec 2>/dev/null
    if [ -n "$pids" ]; then
      set -- $pids
      kill -QUIT "$1"
      kill -CONT "$@"
      tries=0
      while kill -0 "$1" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
    fi
    # Exists only if the server was killed. Names the shared memory that it left.
    [ -e "$0/data/postmaster.pid" ] && ipcrm -m "$(sed -n '7s/.* //p' "$0/data/postmaster.pid")"
    rm -rf "$0" || { sleep 1; rm -rf "$0"; }
  )sh";

  static int open_pipe(const std::filesystem::path& path) {
    // Also for reading, because open() would otherwise wait for a reader.
    const int pipe =
        ::mkfifo(path.c_str(), 0600) == 0 ? ::open(path.c_str(), O_RDWR | O_CLOEXEC) : -1;
    if (pipe < 0) throw std::runtime_error("can't make " + path.string());
    return pipe;
  }

  int pipe_;
  Process process_;
};

/// Started by its constructor. Can be stopped, killed, frozen and started again, by one thread at a
/// time. Every client is its superuser. If the test runs as root, it runs as `postgres` or
/// `nobody`, because PostgreSQL refuses to run as root.
class PostgresqlServer {
 public:
  [[nodiscard]] static bool is_installed() { return find_programs().has_value(); }

  /// @returns for example "15.18"
  static std::string version() {
    Process process({(programs() / "postgres").string(), "--version"});
    // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
    std::istringstream words(process.read_output());
    std::string word;
    for (int i = 0; i < 3; ++i) words >> word;
    return word;
  }

  PostgresqlServer() : programs_(programs()), caretaker_(folder_.path()) {
    if (user_ && ::chown(folder_.path().c_str(), user_->first, user_->second) != 0) {
      throw std::runtime_error("can't give " + folder_.path().string() + " away");
    }
    Process initdb(command({(programs_ / "initdb").string(), "-D", data().string(), "-U",
                            "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"}));
    caretaker_.look_after({initdb.id()});
    if (initdb.wait() != 0) throw std::runtime_error("initdb failed: " + log_tail());
    caretaker_.look_after({});
    configure();
    start(true);
  }
  PostgresqlServer(const PostgresqlServer&) = delete;
  PostgresqlServer& operator=(const PostgresqlServer&) = delete;
  ~PostgresqlServer() {
    // Not kill(): in a container without an init nothing waits for the orphaned children.
    try {
      stop_immediately();
    } catch (const std::exception&) {
      // Nothing more can be done. The process is ended with its owner.
    }
  }

  /// The connection string for the Unix socket.
  /// @param database  a name that needs no quotes
  [[nodiscard]] std::string conninfo(const std::string& database = "postgres") const {
    return conninfo_of(folder_.path().string(), database);
  }
  /// The connection string for TCP.
  [[nodiscard]] std::string tcp_conninfo(const std::string& database = "postgres") const {
    return conninfo_of("127.0.0.1", database);
  }
  /// The port of 127.0.0.1; the same after every start.
  [[nodiscard]] int port() const { return port_; }
  /// The folder of the socket.
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }

  /// @returns the postmaster's process, or -1
  [[nodiscard]] pid_t id() const { return postmaster_ ? postmaster_->id() : -1; }
  [[nodiscard]] bool is_running() const { return postmaster_ && !has_ended(id()); }

  /// The output of initdb and the server so far.
  [[nodiscard]] std::string log() const { return read_file(log_file()); }

  /// Runs SQL with psql. Throws the server's message if it fails.
  /// @returns the rows without headers, columns separated by '|', without the last end of line
  std::string sql(const std::string& statement, const std::string& database = "postgres") const {
    // Without notices, so that standard error always fits in its pipe.
    Process psql({(programs_ / "psql").string(), "-XAtqw", "-v", "ON_ERROR_STOP=1", "-d",
                  conninfo(database) + " options='-c client_min_messages=warning'", "-c",
                  statement});
    std::string output = psql.read_output();
    const std::string errors = psql.read_errors();
    if (psql.wait() != 0) throw std::runtime_error("psql failed: " + errors);
    if (!output.empty() && output.back() == '\n') output.pop_back();
    return output;
  }

  /// @param name  may be given to conninfo()
  void create_database(const std::string& name) const { sql("CREATE DATABASE \"" + name + '"'); }

  /// Copies a database by pg_dump.
  void copy_by_dump(const std::string& from, const std::string& to) const {
    Process copying({"/bin/sh", "-c", R"("$0" -d "$2" | "$1" -Xqw -v ON_ERROR_STOP=1 -1 -d "$3")",
                     (programs_ / "pg_dump").string(), (programs_ / "psql").string(),
                     conninfo(from), conninfo(to)});
    static_cast<void>(copying.read_output());
    const std::string errors = copying.read_errors();
    if (copying.wait() != 0) throw std::runtime_error("pg_dump or psql failed: " + errors);
  }

  /// Starts it again, with the same data and port. Returns when it accepts connections.
  void start() { start(false); }

  /// Ends connections and transactions, writes all data, and waits for its end.
  void stop() { end(SIGINT); }

  /// Ends it without writing data, so that the next start has to recover; waits for its end.
  void stop_immediately() { end(SIGQUIT); }

  /// Kills all of its processes, and waits until they are gone.
  void kill() {
    if (!postmaster_) return;
    // The children first: while the postmaster is stopped, it neither starts others nor frees the
    // ids of these.
    const std::vector<pid_t> children = halt();
    for (const pid_t child : children) ::kill(child, SIGKILL);
    const bool gone = eventually([&] {
      return std::all_of(children.begin(), children.end(),
                         [](pid_t child) { return has_ended(child); });
    });
    postmaster_->signal(SIGKILL);
    forget();
    remove_shared_memory();
    if (!gone) throw std::runtime_error("PostgreSQL's processes don't end");
  }

  /// Stops all of its processes: connections stay, new ones succeed, and nothing is answered.
  void freeze() {
    if (!is_running()) throw std::runtime_error("PostgreSQL doesn't run");
    if (!frozen_.empty()) return;
    frozen_ = halt();
    frozen_.insert(frozen_.begin(), id());
    caretaker_.look_after(frozen_);
    for (const pid_t process : frozen_) ::kill(process, SIGSTOP);
    if (!eventually([&] { return std::all_of(frozen_.begin(), frozen_.end(), has_stopped); })) {
      throw std::runtime_error("PostgreSQL's processes don't stop");
    }
  }

  /// Lets it continue after freeze().
  void thaw() {
    for (const pid_t process : frozen_) ::kill(process, SIGCONT);
    if (!frozen_.empty()) caretaker_.look_after({id()});
    frozen_.clear();
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::seconds patience{60};

  template <class Condition>
  static bool eventually(Condition condition,
                         Clock::time_point deadline = Clock::now() + patience) {
    while (!condition()) {
      if (Clock::now() >= deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  /// Debian installs them outside PATH, in a folder for each version.
  static std::optional<std::filesystem::path> find_programs() {
    std::vector<std::pair<int, std::filesystem::path>> folders;
    std::error_code ignored;
    for (const auto& version :
         std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
      const std::string name = version.path().filename().string();
      if (std::isdigit(static_cast<unsigned char>(name.front())) != 0) {
        folders.emplace_back(-std::stoi(name), version.path() / "bin");
      }
    }
    std::sort(folders.begin(), folders.end());  // newest first
    const char* const path = std::getenv("PATH");
    std::istringstream others(path == nullptr ? "" : path);
    for (std::string folder; std::getline(others, folder, ':');) folders.emplace_back(0, folder);
    for (const auto& [order, folder] : folders) {
      bool complete = true;
      for (const char* const name : {"initdb", "postgres", "psql", "pg_dump", "pg_isready"}) {
        complete = complete && ::access((folder / name).c_str(), X_OK) == 0;
      }
      if (complete) return folder;
    }
    return std::nullopt;
  }

  static std::filesystem::path programs() {
    const auto found = find_programs();
    if (!found) {
      throw std::runtime_error(
          "no PostgreSQL: install the package postgresql, or put initdb, postgres, psql, "
          "pg_dump and pg_isready of another one in PATH");
    }
    return *found;
  }

  /// @returns the user and group to run as, or nothing if the test does not run as root
  static std::optional<std::pair<uid_t, gid_t>> unprivileged_user() {
    if (::geteuid() != 0) return std::nullopt;
    for (const char* const name : {"postgres", "nobody"}) {
      passwd entry{};
      passwd* found = nullptr;
      char buffer[4096];
      if (::getpwnam_r(name, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
        return std::pair(entry.pw_uid, entry.pw_gid);
      }
    }
    throw std::runtime_error("no user 'postgres' or 'nobody' to run PostgreSQL as");
  }

  struct Standing {
    char state = 'X';  // dead
    pid_t parent = 0;
  };

  /// From /proc/<id>/stat, which every user may read.
  static Standing standing(pid_t id) {
    std::string text = read_file("/proc/" + std::to_string(id) + "/stat");
    const auto name_end = text.rfind(')');
    Standing standing;
    if (name_end != std::string::npos) {
      std::istringstream(text.substr(name_end + 1)) >> standing.state >> standing.parent;
    }
    return standing;
  }

  static bool has_ended(pid_t id) {
    const char state = standing(id).state;
    return state == 'X' || state == 'Z';
  }

  static bool has_stopped(pid_t id) {
    const char state = standing(id).state;
    return state == 'T' || state == 't' || state == 'X' || state == 'Z';
  }

  static std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> children;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      const pid_t id = std::stoi(name);
      if (standing(id).parent == parent) children.push_back(id);
    }
    return children;
  }

  [[nodiscard]] std::filesystem::path data() const { return folder_.path() / "data"; }
  [[nodiscard]] std::string log_file() const { return (folder_.path() / "log").string(); }

  /// The end of the log, for messages.
  [[nodiscard]] std::string log_tail() const {
    constexpr std::size_t size = 2'000;
    const std::string text = log();
    return text.size() <= size ? text : "..." + text.substr(text.size() - size);
  }

  [[nodiscard]] std::string conninfo_of(const std::string& host,
                                        const std::string& database) const {
    return "host=" + host + " port=" + std::to_string(port_) + " user=postgres dbname=" + database;
  }

  /// Runs a program as the right user, with its output in the log, because a full pipe would block
  /// it. The shell and setpriv are replaced by the program, so it is the child itself.
  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& program) const {
    std::vector<std::string> words{"/bin/sh", "-c", R"(exec "$@" </dev/null >>"$0" 2>&1)",
                                   log_file()};
    if (user_) {
      words.insert(words.end(), {"setpriv", "--reuid=" + std::to_string(user_->first),
                                 "--regid=" + std::to_string(user_->second), "--clear-groups"});
    }
    words.insert(words.end(), program.begin(), program.end());
    return words;
  }

  /// In the file rather than in the command line, so that ALTER SYSTEM and a restart can change it.
  void configure() const {
    std::ofstream file(data() / "postgresql.conf", std::ios::app);
    // No fsync, which only costs time: unlike a computer, a killed process loses nothing that it
    // has written. Shared memory in files, so that nothing stays in /dev/shm.
    file << "listen_addresses = '127.0.0.1'\n"
            "unix_socket_directories = '"
         << folder_.path().string()
         << "'\n"
            "max_connections = 100\n"
            "shared_buffers = 16MB\n"
            "dynamic_shared_memory_type = mmap\n"
            "fsync = off\n"
            "logging_collector = off\n"
            "log_destination = stderr\n";
    if (!file.flush()) throw std::runtime_error("can't write postgresql.conf");
  }

  /// @param anywhere  on any free port, or else on the port that clients know
  void start(bool anywhere) {
    if (is_running()) return;
    if (postmaster_) forget();
    const auto deadline = Clock::now() + patience;
    while (true) {
      if (anywhere) port_ = free_port();
      const std::size_t log_size = log().size();
      postmaster_.emplace(command(
          {(programs_ / "postgres").string(), "-D", data().string(), "-p", std::to_string(port_)}));
      caretaker_.look_after({id()});
      if (!eventually([&] { return !is_running() || accepts(); }, deadline)) {
        kill();
        throw std::runtime_error("PostgreSQL is not ready: " + log_tail());
      }
      if (is_running()) return;
      forget();
      // Another process may use the port, or a killed postmaster's processes its shared memory.
      const std::string said = log().substr(log_size);
      bool can_pass = false;
      for (const char* const reason : {"Address already in use", "shared memory", "lock file"}) {
        can_pass = can_pass || said.find(reason) != std::string::npos;
      }
      if (!can_pass || Clock::now() >= deadline) {
        throw std::runtime_error("PostgreSQL doesn't start: " + log_tail());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  [[nodiscard]] bool accepts() const {
    return Process({(programs_ / "pg_isready").string(), "-q", "-d", conninfo()}).wait() == 0;
  }

  void end(int signal) {
    if (!postmaster_) return;
    thaw();
    postmaster_->signal(signal);
    if (!eventually([&] { return !is_running(); })) {
      throw std::runtime_error("PostgreSQL doesn't end: " + log_tail());
    }
    forget();
  }

  /// Stops the postmaster, so that it starts no processes. @returns its children
  std::vector<pid_t> halt() {
    postmaster_->signal(SIGSTOP);
    if (!eventually([&] { return has_stopped(id()); })) {
      throw std::runtime_error("the postmaster doesn't stop");
    }
    return children_of(id());
  }

  /// Cleans up after the postmaster's end.
  void forget() {
    postmaster_->wait();
    postmaster_.reset();
    frozen_.clear();
    caretaker_.look_after({});
  }

  /// Removes the shared memory that marks the data as in use, which a killed server leaves. The
  /// seventh line of postmaster.pid names it. An orderly end removes that file.
  void remove_shared_memory() const {
    std::ifstream file(data() / "postmaster.pid");
    std::string line;
    for (int i = 0; i < 7; ++i) std::getline(file, line);
    std::istringstream numbers(line);
    unsigned long key = 0;
    int segment = 0;
    if (file && numbers >> key >> segment) ::shmctl(segment, IPC_RMID, nullptr);
  }

  std::filesystem::path programs_;
  std::optional<std::pair<uid_t, gid_t>> user_ = unprivileged_user();
  TempFolder folder_;
  Caretaker caretaker_;
  std::optional<Process> postmaster_;
  std::vector<pid_t> frozen_;  // the postmaster first
  int port_ = 0;
};

}  // namespace test
