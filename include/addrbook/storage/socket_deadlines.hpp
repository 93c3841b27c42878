/// SocketDeadlines: ends the wait for a peer that is connected but silent. POSIX.
#pragma once

#include <addrbook/base/blocked_signals.hpp>
#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/pinned.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace addrbook::detail {

/// Shuts sockets down when their time is over. libpq itself waits forever for a server that does
/// not answer.
/// @par Thread safety  any thread.
class SocketDeadlines : private Pinned {
 public:
  using Clock = std::chrono::steady_clock;

  SocketDeadlines() {
    const BlockedSignals inherited_by_the_thread;
    watch_ = std::thread([this] { watch(); });
  }
  ~SocketDeadlines() {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    wake_.notify_one();
    watch_.join();
  }

  /// Shuts a socket down if this object still exists when the time is over.
  class Deadline : private Pinned {
   public:
    Deadline(SocketDeadlines& owner, int socket, Clock::time_point time)
        // A descriptor of its own: libpq may close its socket any time, and the number may then be
        // another file's.
        : owner_(owner), socket_(::fcntl(socket, F_DUPFD_CLOEXEC, 0)) {
      if (!socket_) return;
      const std::lock_guard lock(owner_.mutex_);
      owner_.times_[socket_.get()] = time;
    }
    ~Deadline() {
      if (!socket_) return;
      const std::lock_guard lock(owner_.mutex_);
      owner_.times_.erase(socket_.get());
    }

   private:
    SocketDeadlines& owner_;
    const Descriptor socket_;
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
