/// A process's memory, CPU time and open files (proc(5)), and how large an attack this build and
/// this machine can run.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

// GCC and Clang announce sanitizers differently.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ADDRBOOK_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ADDRBOOK_TEST_SANITIZED 1
#endif
#endif

namespace test {

/// Sanitizers need memory and time themselves, so neither is measured with them.
#ifdef ADDRBOOK_TEST_SANITIZED
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

/// Returns a number of /proc/<id>/status, e.g. "VmRSS" or "VmHWM", in KiB.
inline std::size_t status_kib(pid_t id, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(id) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind(name + ":", 0) == 0) return std::stoul(line.substr(name.size() + 1));
  }
  throw std::runtime_error("no " + name + " of process " + std::to_string(id));
}

/// The CPU time of all threads of a process, in seconds.
inline double cpu_seconds(pid_t id) {
  std::ifstream file("/proc/" + std::to_string(id) + "/stat");
  std::string text;
  std::getline(file, text);
  // The second field, in parentheses, may contain anything. utime and stime are the 14th and 15th.
  std::istringstream rest(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 3; i < 14; ++i) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// How many files and sockets a process has open.
inline std::size_t open_files(pid_t id) {
  const std::filesystem::directory_iterator files("/proc/" + std::to_string(id) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

/// Raises the limit of open files of this process and its children as far as the system allows.
/// @returns the limit
inline std::size_t raise_open_files_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error("getrlimit failed");
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

/// Reduces a number of connections to what this build and this machine can run: a fifth with a
/// sanitizer, and with 1,500 descriptors left for everything else; but at least 500.
inline std::size_t scaled(std::size_t wanted) {
  constexpr std::size_t least = 500;
  constexpr std::size_t reserve = 1'500;
  const std::size_t limit = raise_open_files_limit();
  const std::size_t possible = limit > reserve + least ? limit - reserve : least;
  return (std::min)(wanted,
                    (std::max)(least, (std::min)(is_sanitized ? wanted / 5 : wanted, possible)));
}

}  // namespace test
