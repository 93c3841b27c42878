/// Acceptor: new connections off a listening socket, as many as there is room for.
#pragma once

#include <addrbook/server/connection.hpp>
#include <addrbook/server/connection_handler.hpp>
#include <addrbook/server/connection_table.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace addrbook::detail {

/// How many are kept for connections that are only told that they are too many.
inline std::size_t refusals_beside(std::size_t connections) {
  return connections / 8 + 8;
}

/// How many connections there can be, with those for refusals, beside everything else for which a
/// process has descriptors.
inline std::size_t most_connections(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const auto descriptors = static_cast<std::size_t>(limit.rlim_cur);
  std::size_t most = descriptors - (std::min)(descriptors / 2, std::size_t{64});
  most = (most - (std::min)(most, refusals_beside(0))) / 9 * 8 + 1;
  return (std::max)((std::min)(wanted, most), std::size_t{1});
}

/// @par Thread safety  any thread
class Acceptor {
 public:
  /// @param listener  a listening socket that doesn't block; closed with the intake
  /// @param table     gets the connections; has room for some more than max_connections
  Acceptor(int listener, std::size_t max_connections, ConnectionTable& table,
           ConnectionHandler& handler)
      : listener_(listener), max_connections_(max_connections), table_(table), handler_(handler) {}
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  Acceptor(Acceptor&&) = delete;
  Acceptor& operator=(Acceptor&&) = delete;
  ~Acceptor() { close(); }

  /// Accepts all who wait. For each, begin(Connection&) is called with what the calling thread has
  /// claimed; where `is_refused`, there is no room for it.
  template <class Begin>
  void accept_all(Begin begin);

  /// For what no event tells of. Called now and then.
  template <class Begin>
  void look_after(Begin begin);

  /// Accepts no more, from its return on.
  void close();

 private:
  Connection* open(int socket, const sockaddr_storage& address);
  static void describe(Connection& connection, const sockaddr_storage& address);
  void turn_away(int socket);

  int listener_;
  const std::size_t max_connections_;
  ConnectionTable& table_;
  ConnectionHandler& handler_;
  std::mutex mutex_;  // of listener_, and held while accepting
  std::atomic<bool> is_stalled_{false};
  Warning no_descriptors_{handler_, "Out of file descriptors or memory: new connections must wait"};
  Warning no_room_{handler_, "max_connections is reached: new connections get a 503"};
};

// ---------------------------------------------------------------------------------------------

template <class Begin>
void Acceptor::accept_all(Begin begin) {
  const std::lock_guard lock(mutex_);
  is_stalled_.store(false);
  while (listener_ >= 0) {
    if (table_.is_full() && !handler_.may_speak_first()) {
      is_stalled_.store(true);  // they wait, as there is no telling them
      return;
    }
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int socket = ::accept4(listener_, reinterpret_cast<sockaddr*>(&address), &size,
                                 SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket >= 0) {
      if (Connection* const connection = open(socket, address)) begin(*connection);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      is_stalled_.store(true);  // there is no event for when it gets better
      no_descriptors_.raise();
      return;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINVAL) {
      return;
    }
  }
}

template <class Begin>
void Acceptor::look_after(Begin begin) {
  if (is_stalled_.load()) {
    accept_all(begin);
  } else {
    no_descriptors_.end();
  }
  if (table_.count() < max_connections_ - max_connections_ / 8) no_room_.end();
}

inline void Acceptor::close() {
  const std::lock_guard lock(mutex_);
  if (listener_ >= 0) ::close(std::exchange(listener_, -1));
}

// @returns null if it is closed again
inline Connection* Acceptor::open(int socket, const sockaddr_storage& address) {
  Connection* connection = nullptr;
  try {
    connection = table_.open(socket);
    if (connection != nullptr) {
      connection->is_refused = table_.count() > max_connections_;
      if (connection->is_refused) no_room_.raise();
      describe(*connection, address);
      connection->transport = handler_.open_transport(socket);
      if (connection->transport) return connection;
    } else {
      turn_away(socket);
    }
  } catch (...) {  // out of memory
  }
  if (connection != nullptr) {
    table_.close(*connection);
  } else {
    ::close(socket);
  }
  return nullptr;
}

inline void Acceptor::describe(Connection& connection, const sockaddr_storage& address) {
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
  connection.remote_address = text;
}

// Says in passing that there is no room, even for those who wait for a refusal to arrive.
inline void Acceptor::turn_away(int socket) {
  Connection connection;
  connection.socket = socket;
  connection.transport = handler_.open_transport(socket);
  if (!connection.transport || connection.transport->handshake().state != Transfer::State::done)
    return;
  const std::string text = handler_.refusal(connection, {}, too_many_connections);
  connection.transport->write(text.data(), text.size());
  connection.transport->finish();
}

}  // namespace addrbook::detail
