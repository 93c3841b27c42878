/// addrbook: an address book for any program that runs a cpp-httplib server.
///
/// The umbrella: Service, MemoryStore and mount(), with cpp-httplib and nlohmann/json as the only
/// dependencies. What needs more has a header of its own: gzip.hpp, config.hpp, server.hpp.
#pragma once

#include <addrbook/memory_store.hpp>
#include <addrbook/mount.hpp>
#include <addrbook/service.hpp>
#include <addrbook/version.hpp>
