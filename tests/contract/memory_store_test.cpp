#include <addrbook/cached_store.hpp>
#include <addrbook/memory_store.hpp>

#include <cstddef>
#include <memory>

namespace {

struct MemoryStores {
  [[nodiscard]] std::unique_ptr<addrbook::Store> make() const {
    return std::make_unique<addrbook::MemoryStore>();
  }
};

struct CachedMemory {
  [[nodiscard]] std::unique_ptr<addrbook::Store> make() const {
    // Room for a few entries: they come and go all the time.
    constexpr std::size_t max_bytes = std::size_t{16} * 1024;
    return std::make_unique<addrbook::CachedStore>(std::make_shared<addrbook::MemoryStore>(),
                                                   max_bytes);
  }
};

}  // namespace

#define ADDRBOOK_TEST_STORES MemoryStores, CachedMemory
#include "changes_contract.hpp"
#include "search_contract.hpp"
#include "store_contract.hpp"
