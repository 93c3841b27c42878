// What one TU that includes everything does for the other.
#pragma once

#include <everything.hpp>

#include <exception>
#include <memory>

namespace other_unit {

/// @returns a service that refuses documents without a name
std::shared_ptr<addrbook::Service> make_service();

/// @returns a server with `service` in it, as `config` says
std::unique_ptr<addrbook::Server> make_server(const addrbook::Config& config,
                                              const std::shared_ptr<addrbook::Service>& service);

/// @throws addrbook::Error{not_found}
void get_missing(const addrbook::Service& service);

/// @returns whether `error` is this unit's idea of addrbook::Error
bool is_error(const std::exception& error);

}  // namespace other_unit
