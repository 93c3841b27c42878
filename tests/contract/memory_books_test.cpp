#include <addrbook/memory_books.hpp>

#include <memory>

namespace {

struct Memory {
  [[nodiscard]] std::shared_ptr<addrbook::BookStore> make() const {
    return std::make_shared<addrbook::MemoryBooks>();
  }
  void finish(addrbook::BookStore& /*books*/) const {}
};

/// One book of many, as a Store.
struct OneOfMany {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() {
    return books_.create("book-" + std::to_string(++count_)).store;
  }

 private:
  addrbook::MemoryBooks books_;
  int count_ = 0;
};

}  // namespace

#define ADDRBOOK_TEST_BOOKS Memory
#include "book_store_contract.hpp"
#define ADDRBOOK_TEST_STORES OneOfMany
#include "changes_contract.hpp"
#include "search_contract.hpp"
#include "store_contract.hpp"
