/// System calls that fail as on file systems that lack them. Linux, by seccomp(2).
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <thread>
#include <vector>

namespace test {

enum class RefusedCalls {
  none,
  hard_links,                      ///< as on FAT, which has none
  hard_links_and_flags_of_rename,  ///< as on exFAT, and FUSE without rename2
  all,                             ///< flock(), too, as on some network file systems
};

/// Makes system calls of the calling thread, and of what it starts, fail. Can't be taken back.
inline void refuse(RefusedCalls calls) {
  if (calls == RefusedCalls::none) return;
  std::vector<sock_filter> filter;
  const auto add = [&](unsigned code, std::size_t value, unsigned char skip_unless = 0) {
    filter.push_back(
        {static_cast<unsigned short>(code), 0, skip_unless, static_cast<unsigned>(value)});
  };
  const auto add_refusal = [&](int error) {
    add(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error));
  };
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
#ifdef SYS_link
  add(BPF_JMP | BPF_JEQ | BPF_K, SYS_link, 1);
  add_refusal(EPERM);
#endif
  add(BPF_JMP | BPF_JEQ | BPF_K, SYS_linkat, 1);
  add_refusal(EPERM);
  if (calls == RefusedCalls::all) {
    add(BPF_JMP | BPF_JEQ | BPF_K, SYS_flock, 1);
    add_refusal(ENOLCK);
  }
  if (calls != RefusedCalls::hard_links) {
    // Without flags it is rename(), on processors that have no other call for that.
    constexpr std::size_t flags = offsetof(seccomp_data, args) + 4 * sizeof(__u64);
    add(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 3);
    add(BPF_LD | BPF_W | BPF_ABS, flags);
    filter.push_back({BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 0});
    add_refusal(calls == RefusedCalls::all ? EOPNOTSUPP : EINVAL);
  }
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    throw std::runtime_error("no system call can be refused here");
  }
}

/// Runs `work` in a thread whose system calls are refused. `work` must not throw.
template <class Work>
void run_with(RefusedCalls calls, Work work) {
  std::thread([&] {
    refuse(calls);
    work();
  }).join();
}

}  // namespace test
