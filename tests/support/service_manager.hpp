/// Stands for systemd, as far as sd_notify(3) goes.
#pragma once

#include <support/process.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace test {

/// The socket that NOTIFY_SOCKET names.
class ServiceManager {
 public:
  /// @param is_abstract  its name is not a path (unix(7))
  explicit ServiceManager(bool is_abstract = false)
      : name_((is_abstract ? "@" : "") + (folder_.path() / "notify").string()),
        socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    address_.sun_family = AF_UNIX;
    name_.copy(address_.sun_path, sizeof address_.sun_path - 1);
    if (is_abstract) address_.sun_path[0] = '\0';
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address_), size()) != 0) {
      throw std::runtime_error(std::string("bind: ") + std::strerror(errno));
    }
  }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;
  ~ServiceManager() { ::close(socket_); }

  [[nodiscard]] const std::string& name() const { return name_; }

  /// Sends it "filler" until no more fits.
  void fill() const {
    const std::string_view filler = "filler";
    while (::sendto(socket_, filler.data(), filler.size(), MSG_DONTWAIT,
                    reinterpret_cast<const sockaddr*>(&address_), size()) >= 0) {
    }
  }

  /// Waits for the next message.
  [[nodiscard]] std::string receive() const {
    pollfd polled{socket_, POLLIN, 0};
    if (::poll(&polled, 1, 20'000) <= 0) throw std::runtime_error("nothing was told for 20 s");
    char text[4096];
    const auto size = ::recv(socket_, text, sizeof text, 0);
    if (size < 0) throw std::runtime_error("recv failed");
    return {text, static_cast<std::size_t>(size)};
  }

 private:
  [[nodiscard]] socklen_t size() const noexcept {
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
  }

  TempFolder folder_;
  std::string name_;
  int socket_;
  sockaddr_un address_{};
};

}  // namespace test
