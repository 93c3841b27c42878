/// PostgresqlConnection: a connection to PostgreSQL that is made within a time. Needs libpq.
#pragma once

#include <addrbook/error.hpp>

#include <libpq-fe.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Makes connections to one database, as PQconnectdb() does: to the first address of the first host
/// that takes it. Unlike that, it shares the time that is left among all addresses, so that a
/// silent one leaves some for the others. Only looking up a host's name may take longer.
/// @par Thread safety  any thread.
class PostgresqlConnection {
 public:
  using Clock = std::chrono::steady_clock;
  /// libpq's parameters by name.
  using Parameters = std::map<std::string, std::string>;
  using Handle = std::unique_ptr<PGconn, void (*)(PGconn*)>;

  /// @param parameters  those that are given
  /// @param timeout     for each address, unless the parameters have a `connect_timeout`
  PostgresqlConnection(Parameters parameters, std::chrono::milliseconds timeout);

  /// @throws Error{storage} with libpq's reasons
  [[nodiscard]] Handle open(Clock::time_point deadline) const;

 private:
  // An address, and the place of its host in the list of hosts.
  struct Address {
    std::size_t host;
    Parameters parameters;
  };

  [[nodiscard]] std::vector<Address> addresses() const;
  static std::vector<std::string> split(const std::string& list);
  static std::vector<std::string> resolve(const std::string& host);
  static bool is_open(PGconn* connection, Clock::time_point deadline, std::string& reason,
                      bool& has_answered);

  Parameters parameters_;
  std::chrono::milliseconds timeout_;
};

// ---------------------------------------------------------------------------------------------

inline PostgresqlConnection::PostgresqlConnection(Parameters parameters,
                                                  std::chrono::milliseconds timeout)
    : parameters_(std::move(parameters)), timeout_(timeout) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> defaults(::PQconndefaults(),
                                                                                ::PQconninfoFree);
  // The environment may name hosts too. libpq itself reads all other defaults.
  for (const PQconninfoOption* each = defaults.get(); each != nullptr && each->keyword != nullptr;
       ++each) {
    const std::string name = each->keyword;
    if (name != "host" && name != "hostaddr" && name != "port" && name != "connect_timeout")
      continue;
    if (each->val != nullptr && *each->val != '\0') parameters_.insert({name, each->val});
  }
  if (const auto given = parameters_.find("connect_timeout"); given != parameters_.end()) {
    const std::string& text = given->second;
    int seconds = 0;
    std::from_chars(text.data(), text.data() + text.size(), seconds);
    timeout_ = seconds > 0 ? std::chrono::seconds(seconds) : std::chrono::hours(1);
  }
}

inline std::vector<std::string> PostgresqlConnection::split(const std::string& list) {
  std::vector<std::string> items;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = (std::min)(list.find(',', begin), list.size());
    items.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

inline std::vector<std::string> PostgresqlConnection::resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0,
                      NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text);
    }
  }
  return addresses;
}

inline std::vector<PostgresqlConnection::Address> PostgresqlConnection::addresses() const {
  const auto list_of = [this](const char* name) {
    const auto at = parameters_.find(name);
    return split(at == parameters_.end() ? "" : at->second);
  };
  const auto hosts = list_of("host");
  const auto numeric = list_of("hostaddr");
  const auto ports = list_of("port");
  const std::size_t count = (std::max)(hosts.size(), numeric.size());
  std::vector<Address> all;
  for (std::size_t i = 0; i < count; ++i) {
    Address address{i, parameters_};
    const auto set = [&](const char* name, const std::vector<std::string>& list) {
      // Lists of different lengths are left to libpq, which refuses them.
      if (list.size() == count) address.parameters[name] = list[i];
    };
    set("host", hosts);
    set("hostaddr", numeric);
    set("port", ports);
    const std::string& host = address.parameters["host"];
    const bool is_name = !host.empty() && host.front() != '/' && host.front() != '@';
    const auto found = is_name && address.parameters["hostaddr"].empty()
                           ? resolve(host)
                           : std::vector<std::string>();
    for (const std::string& each : found) {
      all.push_back(address);
      all.back().parameters["hostaddr"] = each;
    }
    if (found.empty()) all.push_back(address);  // also if libpq is to say why it can't be found
  }
  return all;
}

inline PostgresqlConnection::Handle PostgresqlConnection::open(Clock::time_point deadline) const {
  const auto all = addresses();
  std::string reasons;
  std::size_t answered = all.size();  // a host
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].host == answered) continue;  // its other addresses would say the same
    std::vector<const char*> names;
    std::vector<const char*> values;
    for (const auto& [name, value] : all[i].parameters) {
      names.push_back(name.c_str());
      values.push_back(value.c_str());
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    const auto now = Clock::now();
    const auto left = (deadline - now) / static_cast<long>(all.size() - i);
    const auto share = (std::min)(left, Clock::duration(timeout_));
    Handle connection(::PQconnectStartParams(names.data(), values.data(), 0), ::PQfinish);
    if (!connection) throw Error(Errc::storage, "PostgreSQL: no memory for a connection");
    ::PQsetNoticeProcessor(
        connection.get(), [](void*, const char*) {}, nullptr);
    std::string reason;
    bool has_answered = false;
    if (is_open(connection.get(), now + share, reason, has_answered)) return connection;
    if (has_answered) answered = all[i].host;
    reasons.append(reasons.empty() ? "" : "\n").append(reason);
  }
  while (!reasons.empty() && reasons.back() == '\n') reasons.pop_back();
  std::replace(reasons.begin(), reasons.end(), '\n', ' ');
  throw Error(Errc::storage, "PostgreSQL: can't be opened: " + reasons);
}

inline bool PostgresqlConnection::is_open(PGconn* connection, Clock::time_point deadline,
                                          std::string& reason, bool& has_answered) {
  auto wanted =
      ::PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd socket{::PQsocket(connection), POLLIN, 0};
    if (wanted == PGRES_POLLING_WRITING) socket.events = POLLOUT;
    const int ready = left > 0 ? ::poll(&socket, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      const char* const host = ::PQhost(connection);
      reason = std::string("no answer in time from \"") + (host != nullptr ? host : "") + "\"";
      return false;
    }
    has_answered = has_answered || ::PQstatus(connection) == CONNECTION_AWAITING_RESPONSE;
    wanted = ::PQconnectPoll(connection);
  }
  if (wanted == PGRES_POLLING_OK) return true;
  reason = ::PQerrorMessage(connection);
  return false;
}

}  // namespace addrbook::detail
