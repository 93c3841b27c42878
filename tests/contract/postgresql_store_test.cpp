#include <addrbook/postgresql.hpp>

#include <support/postgresql_server.hpp>

#include <memory>
#include <string>

namespace {

struct PostgresqlStores {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() const {
    // One for all cases, each of which has a database of its own.
    static const test::PostgresqlServer server;
    static int made = 0;
    const std::string name = "book" + std::to_string(++made);
    server.create_database(name);
    return addrbook::open_postgresql(server.conninfo(name));
  }
};

}  // namespace

#define ADDRBOOK_TEST_STORES PostgresqlStores
#include "store_contract.hpp"
