#include <addrbook/memory_store.hpp>
#include <addrbook/unicode_text.hpp>

#include <memory>

namespace {

struct UnicodeInMemory {
  [[nodiscard]] std::unique_ptr<addrbook::Store> make() const {
    return std::make_unique<addrbook::MemoryStore>(addrbook::unicode_folding());
  }
};

}  // namespace

#define ADDRBOOK_TEST_STORES UnicodeInMemory
#include "search_contract.hpp"
