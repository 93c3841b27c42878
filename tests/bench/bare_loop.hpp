/// The least that a server can do: one thread, one epoll loop, one answer.
#pragma once

#include <addrbook/base/descriptor.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <string>

namespace bench {

/// Answers whatever ends like a head with the same bytes, for ever. Reads no further than that: for
/// each request a wait, a receive and a send.
/// @param is_bound  is called with the port
inline void serve_bare_loop(const std::string& answer, const std::function<void(int)>& is_bound) {
  using addrbook::detail::Descriptor;
  const Descriptor listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  constexpr int backlog = 1024;
  if (::bind(listener.get(), generic, size) != 0 || ::listen(listener.get(), backlog) != 0) return;
  ::getsockname(listener.get(), generic, &size);
  const Descriptor poller(::epoll_create1(0));
  const auto watch = [&poller](int descriptor) {
    epoll_event event{EPOLLIN, {}};
    event.data.fd = descriptor;
    ::epoll_ctl(poller.get(), EPOLL_CTL_ADD, descriptor, &event);
  };
  watch(listener.get());
  is_bound(ntohs(address.sin_port));
  while (true) {
    epoll_event event{};
    if (::epoll_wait(poller.get(), &event, 1, -1) != 1) continue;
    const int socket = event.data.fd;
    if (socket == listener.get()) {
      const int client = ::accept(socket, nullptr, nullptr);
      const int on = 1;
      ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(client);
      continue;
    }
    char buffer[4096];
    const auto received = ::recv(socket, buffer, sizeof buffer, 0);
    if (received <= 0) {
      ::close(socket);
    } else if (received >= 4 && std::memcmp(buffer + received - 4, "\r\n\r\n", 4) == 0) {
      ::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }
}

}  // namespace bench
