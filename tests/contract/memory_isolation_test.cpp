#include <addrbook/books.hpp>

#include <memory>

namespace {

struct InMemory {
  [[nodiscard]] std::shared_ptr<addrbook::Books> make() const {
    return std::make_shared<addrbook::Books>();
  }
};

}  // namespace

#define ADDRBOOK_TEST_ISOLATED InMemory
#include "isolation_contract.hpp"
