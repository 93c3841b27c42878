/// Acceptor: takes new connections from listening sockets, up to a limit.
#pragma once

#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/connection_table.hpp>
#include <addrbook/server/transport.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @returns  how many slots a table keeps in addition, for connections past the limit that wait
///           until they have received their refusal
inline std::size_t refusal_slots(std::size_t max_connections) {
  return max_connections / 8 + 8;
}

/// @returns  `wanted`, or fewer if the process may not open that many descriptors. Leaves room for
///           refusal_slots(), and for 64 descriptors of the program's own.
inline std::size_t connection_capacity(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const auto descriptors = static_cast<std::size_t>(limit.rlim_cur);
  std::size_t capacity = descriptors - (std::min)(descriptors / 2, std::size_t{64});
  capacity = (capacity - (std::min)(capacity, refusal_slots(0))) / 9 * 8 + 1;
  return (std::max)((std::min)(wanted, capacity), std::size_t{1});
}

/// @par Thread safety  any thread
class Acceptor : private Pinned {
 public:
  /// @param listeners  listening sockets; are made non-blocking
  /// @param table      has max_connections + refusal_slots(max_connections) slots
  Acceptor(std::vector<Descriptor> listeners, std::size_t max_connections, ConnectionTable& table,
           ConnectionHandler& handler)
      : listeners_(std::move(listeners)),
        max_connections_(max_connections),
        table_(table),
        handler_(handler) {
    for (const Descriptor& each : listeners_) {
      ::fcntl(each.get(), F_SETFL, ::fcntl(each.get(), F_GETFL) | O_NONBLOCK);
    }
  }

  [[nodiscard]] const std::vector<Descriptor>& listeners() const noexcept { return listeners_; }
  /// How many connections were accepted so far, and how many of them because of the limit refused.
  /// @{
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_.load(); }
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_.load(); }
  /// @}

  /// Accepts all pending connections.
  /// @param admit  admit(Connection&) is called for each, claimed by the calling thread. Those with
  ///               `exceeds_limit` are to be refused.
  template <class Admit>
  void accept_all(Admit admit);

  /// Accepts again if accepting had stalled, which no event reports, and clears warnings that no
  /// longer hold. Called at intervals.
  template <class Admit>
  void retry(Admit admit);

  /// Closes the listening sockets. No connection is accepted after the return.
  void close() {
    const std::lock_guard lock(mutex_);
    listeners_.clear();
  }

 private:
  Connection* open(Descriptor socket, const sockaddr_storage& address);
  static void set_remote_address(Connection& connection, const sockaddr_storage& address);
  void refuse(Descriptor socket);

  std::mutex mutex_;  // guards listeners_; held while accepting
  std::vector<Descriptor> listeners_;
  const std::size_t max_connections_;
  ConnectionTable& table_;
  ConnectionHandler& handler_;
  std::atomic<bool> is_stalled_{false};
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> refused_{0};
  Warning no_descriptors_{handler_, "Out of file descriptors or memory: new connections must wait"};
  Warning limit_reached_{handler_, "max_connections is reached: new connections get a 503"};
};

// ---------------------------------------------------------------------------------------------

template <class Admit>
void Acceptor::accept_all(Admit admit) {
  const std::lock_guard lock(mutex_);
  is_stalled_.store(false);
  for (std::size_t i = 0; i < listeners_.size();) {
    if (table_.is_full() && !handler_.can_refuse_at_once()) {
      is_stalled_.store(true);  // they stay in the backlog
      return;
    }
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Descriptor socket(::accept4(listeners_[i].get(), reinterpret_cast<sockaddr*>(&address), &size,
                                SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (socket) {
      if (Connection* const connection = open(std::move(socket), address)) admit(*connection);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      is_stalled_.store(true);
      no_descriptors_.raise();
      return;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINVAL) {
      ++i;
    }
  }
}

template <class Admit>
void Acceptor::retry(Admit admit) {
  if (is_stalled_.load()) {
    accept_all(admit);
  } else {
    no_descriptors_.clear();
  }
  if (table_.count() < max_connections_ - max_connections_ / 8) limit_reached_.clear();
}

// @returns null if the socket was closed again
inline Connection* Acceptor::open(Descriptor socket, const sockaddr_storage& address) {
  Connection* connection = nullptr;
  ++accepted_;
  try {
    if (table_.is_full()) {
      ++refused_;
      refuse(std::move(socket));
      return nullptr;
    }
    connection = table_.open(std::move(socket));  // not null: nobody else opens connections
    connection->exceeds_limit = table_.count() > max_connections_;
    if (connection->exceeds_limit) {
      ++refused_;
      limit_reached_.raise();
    }
    set_remote_address(*connection, address);
    connection->transport = handler_.open_transport(connection->socket.get());
    if (connection->transport) return connection;
  } catch (...) {  // out of memory
  }
  if (connection != nullptr) table_.close(*connection);
  return nullptr;
}

inline void Acceptor::set_remote_address(Connection& connection, const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &ipv4.sin_addr, text, sizeof text);
    connection.remote_port = ntohs(ipv4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &ipv6.sin6_addr, text, sizeof text);
    connection.remote_port = ntohs(ipv6.sin6_port);
  }
  connection.remote_address = without_ipv6_prefix(text);
}

// For when the table has no slot left: the refusal may be lost, as the socket is closed at once.
inline void Acceptor::refuse(Descriptor socket) {
  Connection connection;
  connection.socket = std::move(socket);
  connection.transport = handler_.open_transport(connection.socket.get());
  if (!connection.transport || connection.transport->handshake().state != Transfer::State::done) {
    return;
  }
  const std::string text = handler_.refusal(connection, {}, too_many_connections);
  connection.transport->write(text.data(), text.size());
  connection.transport->finish();
}

}  // namespace addrbook::detail
