/// LogFile: a log that never holds up who writes to it. POSIX.
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/error.hpp>
#include <addrbook/log.hpp>
#include <addrbook/options.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace addrbook {

/// Writes records to a file, or to standard error, as LoggingOptions says. A line is written before
/// write() returns, if the file takes it at once. If not (a pipe that is full, a disk that is), up
/// to 1 MiB of lines wait for that. Further ones are lost; the log says how many as soon as it can.
///
/// The file may be a pipe, also one that nobody reads yet. SIGPIPE and SIGXFSZ must be ignored, or
/// they end the program; a Server sees to the first.
/// @par Thread safety  any thread
class LogFile : private detail::Pinned {
 public:
  /// Opens the file. A new one has mode 0600.
  /// @throws Error{invalid} the file cannot be written to
  explicit LogFile(LoggingOptions options);
  /// Writes what waits, if the file takes it within a second.
  ~LogFile();

  void write(const LogRecord& record) noexcept;

  /// Opens the file anew, e.g. because the old one was moved away.
  /// @throws Error{invalid} it cannot be written to; the old one stays in use
  void reopen();

 private:
  [[nodiscard]] detail::Descriptor open() const;
  void use(detail::Descriptor file) noexcept;
  void add(const std::string& line);
  void report_lost();
  bool flush();
  std::size_t put(std::string_view text) noexcept;
  void run();

  static constexpr std::size_t max_waiting_bytes = std::size_t{1024} * 1024;

  const LoggingOptions options_;
  std::mutex mutex_;  // guards all below
  detail::Descriptor file_;
  bool may_block_ = false;  // writing more than there is room for
  std::string waiting_;     // lines that the file has not taken yet
  std::uint64_t lost_ = 0;  // lines
  int error_ = 0;           // why the file takes no more
  std::condition_variable wake_;
  bool ends_ = false;
  std::thread thread_;  // writes what waits; started when that is needed
};

// ---------------------------------------------------------------------------------------------

inline LogFile::LogFile(LoggingOptions options) : options_(std::move(options)) {
  use(open());
}

inline LogFile::~LogFile() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::seconds(1);
  try {
    while (!flush() && error_ == EAGAIN && Clock::now() < deadline) {
      constexpr int interval_ms = 50;
      pollfd polled{file_.get(), POLLOUT, 0};
      ::poll(&polled, 1, interval_ms);
    }
  } catch (const std::exception&) {  // out of memory
  }
}

inline void LogFile::write(const LogRecord& record) noexcept {
  if (record.level < options_.level) return;
  try {
    const std::string line = log_line(record, options_.format) + '\n';
    const std::lock_guard lock(mutex_);
    add(line);
  } catch (const std::exception&) {  // out of memory
    const std::lock_guard lock(mutex_);
    error_ = ENOMEM;
    ++lost_;
  }
}

inline void LogFile::reopen() {
  detail::Descriptor file = open();
  const std::lock_guard lock(mutex_);
  flush();
  use(std::move(file));
  flush();
}

inline detail::Descriptor LogFile::open() const {
  constexpr int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  if (options_.file.empty()) {
    // Other programs may use standard error as well, so it can't be made non-blocking itself. A
    // file can't be opened a second time: both would have a position of their own in it.
    struct stat status {};
    const bool is_regular = ::fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
    detail::Descriptor own(is_regular ? -1 : ::open("/proc/self/fd/2", flags));
    if (!own) own.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    if (own) return own;
    throw Error(Errc::invalid,
                "can't write to standard error: " + std::generic_category().message(errno));
  }
  const char* const path = options_.file.c_str();
  constexpr mode_t mode = 0600;
  detail::Descriptor file(::open(path, flags | O_CREAT, mode));
  // A FIFO that nobody reads. Who opens it for reading too need not wait for anybody.
  if (!file && errno == ENXIO) file.reset(::open(path, (flags & ~O_WRONLY) | O_RDWR));
  if (file) return file;
  throw Error(Errc::invalid,
              "can't write to '" + options_.file + "': " + std::generic_category().message(errno));
}

inline void LogFile::use(detail::Descriptor file) noexcept {
  struct stat status {};
  const bool is_regular = ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
  may_block_ = !is_regular && (::fcntl(file.get(), F_GETFL) & O_NONBLOCK) == 0;
  file_ = std::move(file);
}

inline void LogFile::add(const std::string& line) {
  if (!waiting_.empty() && !thread_.joinable()) flush();
  std::string_view rest = line;
  if (waiting_.empty() && lost_ == 0) {
    rest.remove_prefix(put(rest));
    if (rest.empty()) return;
  } else if (waiting_.size() + line.size() > max_waiting_bytes) {
    ++lost_;
    return;
  } else {
    report_lost();
  }
  waiting_.append(rest);
  wake_.notify_all();
  if (thread_.joinable()) return;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {  // then the next line tries
  }
}

/// Writes what the file takes now. @returns whether that is all
inline bool LogFile::flush() {
  waiting_.erase(0, put(waiting_));
  if (!waiting_.empty()) return false;
  report_lost();
  waiting_.erase(0, put(waiting_));
  return waiting_.empty();
}

inline void LogFile::report_lost() {
  if (lost_ == 0) return;
  const auto record = LogRecord::of_server(LogRecord::Level::warning,
                                           std::to_string(lost_) + " lines of the log are lost: " +
                                               std::generic_category().message(error_));
  waiting_.append(log_line(record, options_.format)).append("\n");
  lost_ = 0;
}

/// @returns how many bytes the file has taken; if not all, error_ says why
inline std::size_t LogFile::put(std::string_view text) noexcept {
  std::size_t done = 0;
  while (done < text.size()) {
    std::size_t size = text.size() - done;
    if (may_block_) {
      pollfd polled{file_.get(), POLLOUT, 0};
      if (::poll(&polled, 1, 0) == 0) {
        error_ = EAGAIN;
        break;
      }
      size = (std::min)(size, std::size_t{PIPE_BUF});  // for as much there is room, see pipe(7)
    }
    const auto written = ::write(file_.get(), text.data() + done, size);
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      error_ = errno;
      break;
    }
  }
  return done;
}

inline void LogFile::run() {
  constexpr std::chrono::milliseconds shortest(10);
  constexpr std::chrono::milliseconds longest(1000);
  auto interval = shortest;
  std::unique_lock lock(mutex_);
  while (!ends_) {
    try {
      const std::size_t before = waiting_.size();
      if (flush()) {
        interval = shortest;
        wake_.wait(lock);
        continue;
      }
      interval = waiting_.size() < before ? shortest : (std::min)(2 * interval, longest);
    } catch (const std::exception&) {  // out of memory
    }
    wake_.wait_for(lock, interval, [this] { return ends_; });
  }
}

}  // namespace addrbook
