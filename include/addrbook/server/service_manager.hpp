/// Tells the service manager how the program is doing, as sd_notify(3) of systemd does. That is one
/// datagram of text, whose form is stable (sd_notify(3), Notes): a library for it would have to be
/// there on all machines, for those that have no systemd too.
#pragma once

#include <addrbook/base/descriptor.hpp>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// Sends `state`, e.g. "READY=1", to the socket that NOTIFY_SOCKET names, if it names one: a path,
/// or after a '@' an abstract name (unix(7)). What fails is not told: the program serves all the
/// same, and the manager has a deadline of its own.
inline void notify_service_manager(std::string_view state) noexcept {
  const char* const named = std::getenv("NOTIFY_SOCKET");
  const std::string_view name = named != nullptr ? named : "";
  sockaddr_un address{};
  if (name.size() < 2 || name.size() >= sizeof address.sun_path) return;
  if (name.front() != '/' && name.front() != '@') return;
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.sun_path);
  if (name.front() == '@') address.sun_path[0] = '\0';
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  // A manager that does not read must not keep the program from serving, or from its end.
  const timeval longest{1, 0};
  static_cast<void>(!::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  static_cast<void>(!::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&address), size));
}

/// What tells that a reload begins; "READY=1" ends it. With the time, as `Type=notify-reload` wants
/// it.
[[nodiscard]] inline std::string reloading_state() {
  using std::chrono::microseconds;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
  return "RELOADING=1\nMONOTONIC_USEC=" +
         std::to_string(std::chrono::duration_cast<microseconds>(now).count());
}

}  // namespace addrbook::detail
