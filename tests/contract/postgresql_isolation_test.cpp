#include <addrbook/books.hpp>
#include <addrbook/postgresql.hpp>

#include <support/postgresql_server.hpp>

#include <memory>
#include <string>

namespace {

struct InDatabase {
  [[nodiscard]] std::shared_ptr<addrbook::Books> make() const {
    static const test::PostgresqlServer server;
    static int made = 0;
    const std::string name = "isolation" + std::to_string(++made);
    server.create_database(name);
    return addrbook::open_postgresql_books(server.conninfo(name));
  }
};

}  // namespace

#define ADDRBOOK_TEST_ISOLATED InDatabase
#include "isolation_contract.hpp"
