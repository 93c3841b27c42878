#include <addrbook/postgresql.hpp>

#include <support/postgresql_server.hpp>

#include "writes.hpp"

#include <memory>
#include <string>

namespace {

/// @returns a connection string of a new database
std::string new_database() {
  // One for all cases, each of which has databases of its own.
  static const test::PostgresqlServer server;
  static int made = 0;
  const std::string name = "book" + std::to_string(++made);
  server.create_database(name);
  return server.conninfo(name);
}

struct PostgresqlStores {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() const {
    return addrbook::open_postgresql(new_database());
  }
};

struct PostgresqlBooks {
  [[nodiscard]] std::shared_ptr<addrbook::BookStore> make() const {
    return addrbook::detail::postgresql_books(new_database(), {});
  }
  void finish(addrbook::BookStore& books) const {
    dynamic_cast<addrbook::detail::SqlBooks&>(books).wait_for_sweeper();
  }
};

/// Books of one database among others.
struct OneOfMany {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() {
    if (count_ == 0) books_->create("before").store->commit({{test::put("a", 1)}});
    auto store = books_->create("book-" + std::to_string(++count_)).store;
    books_->create("after-" + std::to_string(count_)).store->commit({{test::put("a", 1)}});
    return store;
  }

 private:
  std::shared_ptr<addrbook::BookStore> books_ = PostgresqlBooks().make();
  int count_ = 0;
};

}  // namespace

#define ADDRBOOK_TEST_BOOKS PostgresqlBooks
#include "book_store_contract.hpp"
#define ADDRBOOK_TEST_STORES PostgresqlStores, OneOfMany
#include "changes_contract.hpp"
#include "search_contract.hpp"
#include "store_contract.hpp"
