#include <addrbook/postgresql.hpp>

#include "store_contract.hpp"

#include <cstdlib>
#include <memory>
#include <string>

namespace {

struct PostgresqlStores {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() {
    const std::string base = std::getenv("PGTEST");
    soci::session s(soci::postgresql, base + " dbname=postgres");
    static int n = 0;
    const std::string name = "book" + std::to_string(++n);
    s << "DROP DATABASE IF EXISTS " + name;
    s << "CREATE DATABASE " + name;
    return addrbook::open_postgresql(base + " dbname=" + name);
  }
};

}  // namespace

ADDRBOOK_TEST_STORE_CONTRACT(PostgresqlStores);
