/// Mounts a book as addrbook::mount() does, and records the document that describes the mount.
#pragma once

#include <addrbook/mount.hpp>
#include <addrbook/openapi.hpp>

#include <support/exchanges.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace test {

/// A server's name in the record.
inline std::string record_name(const httplib::Server& server) {
  return std::to_string(reinterpret_cast<std::uintptr_t>(&server));
}

inline void take_options(const addrbook::Options& from, addrbook::Options& to) {
  to = from;
}
template <class Other>
void take_options(const Other& /*a book*/, addrbook::Options& /*to*/) {}

template <class... Arguments>
auto mount(httplib::Server& server, Arguments&&... arguments) {
  addrbook::Options options;
  (take_options(arguments, options), ...);
  const auto record = [&] {
    if (!Exchanges::are_kept()) return;
    Exchanges::write_mount(record_name(server), addrbook::openapi_document(options));
  };
  if constexpr (std::is_void_v<decltype(addrbook::mount(server,
                                                        std::forward<Arguments>(arguments)...))>) {
    addrbook::mount(server, std::forward<Arguments>(arguments)...);
    record();
  } else {
    auto book = addrbook::mount(server, std::forward<Arguments>(arguments)...);
    record();
    return book;
  }
}

}  // namespace test
