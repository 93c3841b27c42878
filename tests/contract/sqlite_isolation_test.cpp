#include <addrbook/books.hpp>
#include <addrbook/options.hpp>
#include <addrbook/sqlite.hpp>

#include <support/process.hpp>

#include <memory>

namespace {

struct InFile {
  [[nodiscard]] virtual std::shared_ptr<addrbook::Books> make() const {
    return addrbook::open_sqlite_books((folder_.path() / "books").string());
  }
  virtual ~InFile() = default;

 protected:
  test::TempFolder folder_;
};

struct InFileWithoutCache : InFile {
  [[nodiscard]] std::shared_ptr<addrbook::Books> make() const override {
    addrbook::SqliteOptions options;
    options.entry_cache_bytes = 0;
    return addrbook::open_sqlite_books((folder_.path() / "books").string(), {}, {}, options);
  }
};

}  // namespace

#define ADDRBOOK_TEST_ISOLATED InFile, InFileWithoutCache
#include "isolation_contract.hpp"
