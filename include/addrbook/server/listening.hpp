/// What a server needs before it can listen: addresses, and room for connections.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace addrbook::detail {

/// The errors of getaddrinfo(3).
class ResolverCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "resolver"; }
  [[nodiscard]] std::string message(int error) const override { return ::gai_strerror(error); }

  [[nodiscard]] static const ResolverCategory& instance() noexcept {
    static const ResolverCategory category;
    return category;
  }
};

/// @returns the addresses of a host, in numbers, each once; `host` itself if it is a path (of a
/// Unix
///          domain socket)
/// @throws std::system_error with the resolver's reason
[[nodiscard]] inline std::vector<std::string> resolve(const std::string& host) {
  if (host.find('/') != std::string::npos) return {host};
  // RFC 6761, 6.3. Many a hosts file has only one of the two.
  if (equals_ignoring_case(host, "localhost")) return {"127.0.0.1", "::1"};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    const std::string what = "can't listen on '" + host + "'";
    if (error == EAI_SYSTEM) throw std::system_error(errno, std::generic_category(), what);
    throw std::system_error(error, ResolverCategory::instance(), what);
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, ::freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    std::string text(NI_MAXHOST, '\0');
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), NI_MAXHOST, nullptr, 0,
                      NI_NUMERICHOST) != 0) {
      continue;
    }
    text.resize(text.find('\0'));
    if (std::find(addresses.begin(), addresses.end(), text) == addresses.end()) {
      addresses.push_back(text);
    }
  }
  return addresses;
}

/// @throws std::system_error if the process may open so few files that a server can't work
inline void check_descriptor_limit() {
  constexpr rlim_t least = 64;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= least) return;
  throw std::system_error(EMFILE, std::generic_category(),
                          "a server needs " + std::to_string(least) +
                              " open files at least, and this process may have " +
                              std::to_string(limit.rlim_cur) + " (ulimit -n)");
}

}  // namespace addrbook::detail
