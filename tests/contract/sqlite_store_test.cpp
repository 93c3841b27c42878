#include <addrbook/sqlite.hpp>

#include <support/process.hpp>

#include <memory>
#include <string>

namespace {

struct SqliteFiles {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() {
    return addrbook::open_sqlite((folder_.path() / ("a book " + std::to_string(++made_))).string(),
                                 options());
  }
  [[nodiscard]] virtual addrbook::SqliteOptions options() const {
    addrbook::SqliteOptions options;
    options.entry_cache_bytes = 0;
    return options;
  }
  virtual ~SqliteFiles() = default;

 private:
  test::TempFolder folder_;
  int made_ = 0;
};

// As it comes, with a cache in front.
struct CachedSqliteFiles : SqliteFiles {
  [[nodiscard]] addrbook::SqliteOptions options() const override { return {}; }
};

struct SqliteInMemory {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() const {
    return addrbook::open_sqlite(":memory:");
  }
};

}  // namespace

#define ADDRBOOK_TEST_STORES SqliteFiles, CachedSqliteFiles, SqliteInMemory
#include "store_contract.hpp"
