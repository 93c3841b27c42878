/// addrbook: an address book for any program that runs a cpp-httplib server.
///
/// Includes Service, MemoryStore and mount(), which need cpp-httplib and nlohmann/json only. The
/// other headers of this folder are optional; each names what it needs.
#pragma once

#include <addrbook/memory_store.hpp>
#include <addrbook/mount.hpp>
#include <addrbook/service.hpp>
#include <addrbook/version.hpp>
