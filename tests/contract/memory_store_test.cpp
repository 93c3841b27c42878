#include <addrbook/memory_store.hpp>

#include "store_contract.hpp"

#include <memory>

namespace {

struct MemoryStores {
  [[nodiscard]] std::unique_ptr<addrbook::Store> make() const {
    return std::make_unique<addrbook::MemoryStore>();
  }
};

}  // namespace

ADDRBOOK_TEST_STORE_CONTRACT(MemoryStores);
