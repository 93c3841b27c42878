#include <addrbook/log_file.hpp>

#include <unit/refusal.hpp>

#include <support/addresses.hpp>
#include <support/process.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using addrbook::LogFile;
using addrbook::LoggingOptions;
using addrbook::LogRecord;
using addrbook::detail::Descriptor;
using Level = LogRecord::Level;

namespace {

struct Fixture {
  Fixture() { std::signal(SIGPIPE, SIG_IGN); }

  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder.path() / name).string();
  }

  test::TempFolder folder;
};

LoggingOptions to(const std::string& file) {
  LoggingOptions options;
  options.file = file;
  return options;
}

LogRecord record(const std::string& reason, Level level = Level::info) {
  return LogRecord::of_server(level, reason);
}

/// The reasons in the lines of a log.
std::vector<std::string> reasons(const std::string& log) {
  std::vector<std::string> found;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    found.push_back(line.substr(line.find("reason=") + 7));
  }
  return found;
}

/// Reads from a pipe until a line has the text.
std::string read_until(int pipe, const std::string& text) {
  std::string all;
  while (all.find(text) == std::string::npos || all.back() != '\n') {
    pollfd polled{pipe, POLLIN, 0};
    REQUIRE(::poll(&polled, 1, 20'000) == 1);
    char buffer[65536];
    const auto size = ::read(pipe, buffer, sizeof buffer);
    REQUIRE(size > 0);
    all.append(buffer, static_cast<std::size_t>(size));
  }
  return all;
}

/// How many lines a report in the log counts as lost.
std::size_t lost(const std::string& log) {
  const auto end = log.find(" lines of the log are lost");
  if (end == std::string::npos) return 0;
  return std::stoul(log.substr(log.rfind('"', end) + 1));
}

}  // namespace

TEST_CASE("log_file: each line is in the file when write() returns") {
  const Fixture fixture;
  LogFile log(to(fixture.path("a.log")));
  for (const std::string text : {"one", "two", "three"}) {
    log.write(record(text));
    CHECK(reasons(test::read_file(fixture.path("a.log"))).back() == text);
  }
  CHECK(reasons(test::read_file(fixture.path("a.log"))).size() == 3);
}

TEST_CASE("log_file: a new file is for its owner alone, an old one is kept") {
  const Fixture fixture;
  const std::string path = fixture.path("a.log");
  const auto mode = [&] {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777U;
  };
  LogFile(to(path)).write(record("one"));
  CHECK(mode() == 0600);
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  LogFile(to(path)).write(record("two"));
  CHECK(mode() == 0640);
  CHECK(reasons(test::read_file(path)) == std::vector<std::string>{"one", "two"});
}

TEST_CASE("log_file: level and format are those of the options") {
  const Fixture fixture;
  LoggingOptions options = to(fixture.path("a.log"));
  options.level = Level::warning;
  options.format = addrbook::LogFormat::json;
  LogFile log(options);
  log.write(record("one"));
  log.write(record("two", Level::warning));
  const auto text = test::read_file(options.file);
  CHECK(text.find("one") == std::string::npos);
  CHECK(text.find("\"reason\":\"two\"}\n") != std::string::npos);
}

TEST_CASE("log_file: a file that can't be opened is refused, with the reason") {
  const Fixture fixture;
  const auto refusal = [](const std::string& path) {
    return test::refusal([&] { const LogFile log(to(path)); });
  };
  const std::string missing = fixture.path("nowhere/a.log");
  CHECK(refusal(missing) == "can't write to '" + missing + "': No such file or directory");
  const std::string folder = fixture.folder.path().string();
  CHECK(refusal(folder) == "can't write to '" + folder + "': Is a directory");
}

TEST_CASE("log_file: reopen() follows a file that was moved away") {
  const Fixture fixture;
  const std::string path = fixture.path("a.log");
  LogFile log(to(path));
  log.write(record("one"));
  std::filesystem::rename(path, fixture.path("old.log"));
  log.write(record("two"));
  log.reopen();
  log.write(record("three"));
  CHECK(reasons(test::read_file(fixture.path("old.log"))) ==
        std::vector<std::string>{"one", "two"});
  CHECK(reasons(test::read_file(path)) == std::vector<std::string>{"three"});
  std::filesystem::rename(path, fixture.path("older.log"));
  std::filesystem::create_directory(path);
  CHECK(test::refusal([&] { log.reopen(); }) == "can't write to '" + path + "': Is a directory");
  log.write(record("four"));  // to the one that is open
  CHECK(reasons(test::read_file(fixture.path("older.log"))).back() == "four");
}

TEST_CASE("log_file: a pipe that nobody reads holds up nobody; what is lost is counted") {
  const Fixture fixture;
  const std::string path = fixture.path("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  auto log = std::make_unique<LogFile>(to(path));
  const std::string text(1000, 'x');
  constexpr std::size_t count = 3000;  // 3 MB: more than the pipe and the memory take
  for (std::size_t i = 0; i < count; ++i) log->write(record(text));
  const Descriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(reader);
  std::string all = read_until(reader.get(), "are lost");
  log->write(record("the last one"));
  all += read_until(reader.get(), "the last one");
  const auto lines = reasons(all);
  CHECK(lost(all) > 1000);
  CHECK(lines.size() - 2 + lost(all) == count);
  CHECK(std::count(lines.begin(), lines.end(), text) ==
        static_cast<std::ptrdiff_t>(lines.size()) - 2);
  // Nor does it hold up the end, when it is full again.
  for (std::size_t i = 0; i < count; ++i) log->write(record(text));
  log.reset();
}

TEST_CASE("log_file: what waits is written when there is room, without a further write()") {
  const Fixture fixture;
  const std::string path = fixture.path("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  LogFile log(to(path));
  const std::string text(1000, 'x');
  for (int i = 0; i < 200; ++i) log.write(record(text));  // more than a pipe holds
  log.write(record("the last one"));
  const Descriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const std::string all = read_until(reader.get(), "the last one");
  CHECK(reasons(all).size() == 201);
  CHECK(lost(all) == 0);
}

TEST_CASE("log_file: a full disk holds up nobody") {
  const Fixture fixture;
  const auto start = std::chrono::steady_clock::now();
  {
    LogFile log(to("/dev/full"));
    for (int i = 0; i < 100'000; ++i) log.write(record("one"));
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("log_file: standard error, be it a file or a pipe that other programs share") {
  const Fixture fixture;
  const std::string path = fixture.path("errors");
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  const Descriptor from(pipe[0]);
  Descriptor into(pipe[1]);
  SUBCASE("file") {
    into.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  }
  SUBCASE("pipe") {}
  const Descriptor kept(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  REQUIRE(::dup2(into.get(), STDERR_FILENO) == STDERR_FILENO);
  {
    LogFile log(to(""));
    log.write(record("one"));
    CHECK((::fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0);
    static_cast<void>(!::write(STDERR_FILENO, "between\n", 8));
    log.reopen();
    log.write(record("two"));
  }
  ::dup2(kept.get(), STDERR_FILENO);
  const std::string all =
      std::filesystem::exists(path) ? test::read_file(path) : read_until(from.get(), "two");
  CHECK(all.find("reason=one\nbetween\n") != std::string::npos);
  CHECK(reasons(all).back() == "two");
}
