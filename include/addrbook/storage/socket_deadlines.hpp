/// SocketDeadlines: an end to waiting for a peer that is there but silent.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>

namespace addrbook::detail {

/// Ends what takes too long. libpq itself waits for ever for a server that is there but silent.
/// @par Thread safety  any thread.
class SocketDeadlines {
 public:
  using Clock = std::chrono::steady_clock;

  SocketDeadlines() {
    // The host's signals are none of its business: a thread inherits what is blocked.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      watch_ = std::thread([this] { watch(); });
    } catch (...) {
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  SocketDeadlines(const SocketDeadlines&) = delete;
  SocketDeadlines& operator=(const SocketDeadlines&) = delete;
  SocketDeadlines(SocketDeadlines&&) = delete;
  SocketDeadlines& operator=(SocketDeadlines&&) = delete;
  ~SocketDeadlines() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    wake_.notify_one();
    watch_.join();
  }

  /// Shuts a socket down when its time is over, if this still exists then.
  class Deadline {
   public:
    Deadline(SocketDeadlines& owner, int socket, Clock::time_point time)
        // One of its own: libpq may close its any time, and the number may be another's then.
        : owner_(owner), socket_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)) {
      if (socket_ < 0) return;
      const std::lock_guard lock(owner_.mutex_);
      owner_.times_[socket_] = time;
    }
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    Deadline(Deadline&&) = delete;
    Deadline& operator=(Deadline&&) = delete;
    ~Deadline() {
      if (socket_ < 0) return;
      {
        const std::lock_guard lock(owner_.mutex_);
        owner_.times_.erase(socket_);
      }
      ::close(socket_);
    }

   private:
    SocketDeadlines& owner_;
    const int socket_;
  };

 private:
  void watch() {
    constexpr auto interval = std::chrono::milliseconds(250);
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, interval, [this] { return is_ending_; })) {
      const auto now = Clock::now();
      for (const auto& [socket, time] : times_) {
        if (time < now) ::shutdown(socket, SHUT_RDWR);
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<int, Clock::time_point> times_;
  bool is_ending_ = false;
  std::thread watch_;
};

}  // namespace addrbook::detail
