/// BlockedSignals: keeps the host's signals away from threads of the library. POSIX.
#pragma once

#include <addrbook/base/pinned.hpp>

#include <csignal>

namespace addrbook::detail {

/// While it exists, the calling thread takes no signals. The host's signals must not be delivered
/// to a thread of ours, which inherits the mask.
class BlockedSignals : private Pinned {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace addrbook::detail
