/// SociGreeter, session_of(): a session of SOCI over a connection that exists. Needs SOCI with its
/// PostgreSQL backend, and libpq. Linux.
#pragma once

#include <addrbook/base/blocked_signals.hpp>
#include <addrbook/base/descriptor.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/base/random.hpp>
#include <addrbook/storage/postgresql_connection.hpp>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include <libpq-fe.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace addrbook::detail {

/// A server that says just what SOCI wants to hear when it makes a session: that the client may use
/// it, and that the one statement that SOCI sends then is done.
class SociGreeter : private Pinned {
 public:
  SociGreeter();
  ~SociGreeter() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  /// @returns a connection string that overrides what the environment says
  [[nodiscard]] std::string connect_string() const;

 private:
  void greet() const;

  const std::string name_ = "addrbook-" + hex(random_bits());
  Descriptor listener_;
  std::thread thread_;
};

/// SOCI connects by itself, and then waits without limit for the answer to a statement of its own.
/// Here it does so with a SociGreeter, and gets the real connection after that.
[[nodiscard]] inline std::unique_ptr<soci::session> session_of(
    PostgresqlConnection::Handle connection) {
  const SociGreeter greeter;
  auto session = std::make_unique<soci::session>(soci::postgresql, greeter.connect_string());
  auto* const backend = static_cast<soci::postgresql_session_backend*>(session->get_backend());
  ::PQfinish(backend->conn_);
  backend->conn_ = connection.release();
  return session;
}

// ---------------------------------------------------------------------------------------------

// In Linux's abstract namespace, so that no folder must be writable.
inline SociGreeter::SociGreeter() : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const std::string name = name_ + "/.s.PGSQL.1";  // as libpq completes it
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  constexpr int backlog = 8;
  if (!listener_ || ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_.get(), backlog) != 0) {
    throw std::system_error(errno, std::generic_category(), "can't prepare a connection");
  }
  const BlockedSignals inherited_by_the_thread;
  thread_ = std::thread([this] { greet(); });
}

inline std::string SociGreeter::connect_string() const {
  PostgresqlConnection::Parameters parameters;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(::PQconndefaults(),
                                                                               ::PQconninfoFree);
  for (const PQconninfoOption* each = options.get(); each != nullptr && each->keyword != nullptr;
       ++each) {
    if (each->envvar == nullptr || std::getenv(each->envvar) == nullptr) continue;
    parameters[each->keyword] = each->compiled != nullptr ? each->compiled : "";
  }
  parameters.erase("service");
  parameters.erase("servicefile");
  parameters["host"] = "@" + name_;
  parameters["port"] = "1";
  parameters["connect_timeout"] = "0";
  parameters["sslmode"] = parameters["gssencmode"] = parameters["channel_binding"] = "disable";
  parameters["user"] = parameters["dbname"] = parameters["password"] = "addrbook";
  std::string text;
  for (const auto& [name, value] : parameters) {
    text += (text.empty() ? "" : " ") + name + "=" + (value.empty() ? "''" : value);
  }
  return text;
}

inline void SociGreeter::greet() const {
  using namespace std::string_view_literals;
  while (true) {
    const Descriptor client(::accept(listener_.get(), nullptr, nullptr));
    if (!client) return;
    ucred peer{};
    socklen_t size = sizeof peer;
    ::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
    if (peer.pid != ::getpid()) continue;
    // PostgreSQL docs, 55.7: AuthenticationOk, CommandComplete, ReadyForQuery.
    for (const auto answer :
         {"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"sv, "C\0\0\0\x08SET\0Z\0\0\0\x05I"sv}) {
      std::array<char, 4096> message{};
      if (::recv(client.get(), message.data(), message.size(), 0) <= 0) return;
      ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    return;
  }
}

}  // namespace addrbook::detail
