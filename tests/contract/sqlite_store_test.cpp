#include <addrbook/sqlite.hpp>

#include <support/process.hpp>

#include "writes.hpp"

#include <memory>
#include <string>

namespace {

struct SqliteFiles {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() {
    return addrbook::open_sqlite(next_path(), options());
  }
  [[nodiscard]] virtual addrbook::SqliteOptions options() const {
    addrbook::SqliteOptions options;
    options.entry_cache_bytes = 0;
    return options;
  }
  virtual ~SqliteFiles() = default;

 protected:
  [[nodiscard]] std::string next_path() {
    return (folder_.path() / ("a book " + std::to_string(++made_))).string();
  }

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

/// Books of one file among others.
struct OneOfMany : CachedSqliteFiles {
  [[nodiscard]] std::shared_ptr<addrbook::Store> make() {
    if (!books_) {
      books_ = addrbook::detail::sqlite_books(next_path(), options());
      books_->create("before").store->commit({{test::put("a", 1), test::put("b", 2)}});
    }
    auto store = books_->create("book-" + std::to_string(++count_)).store;
    books_->create("after-" + std::to_string(count_)).store->commit({{test::put("a", 1)}});
    return store;
  }

 private:
  std::shared_ptr<addrbook::BookStore> books_;
  int count_ = 0;
};

struct BooksOfFile : SqliteFiles {
  [[nodiscard]] std::shared_ptr<addrbook::BookStore> make() {
    return addrbook::detail::sqlite_books(next_path(), options());
  }
  void finish(addrbook::BookStore& books) const {
    dynamic_cast<addrbook::detail::SqlBooks&>(books).wait_for_sweeper();
  }
};

struct CachedBooksOfFile : BooksOfFile {
  [[nodiscard]] addrbook::SqliteOptions options() const override { return {}; }
};

struct BooksInMemory {
  [[nodiscard]] std::shared_ptr<addrbook::BookStore> make() const {
    return addrbook::detail::sqlite_books(":memory:", {});
  }
  void finish(addrbook::BookStore& books) const {
    dynamic_cast<addrbook::detail::SqlBooks&>(books).wait_for_sweeper();
  }
};

}  // namespace

#define ADDRBOOK_TEST_BOOKS BooksOfFile, CachedBooksOfFile, BooksInMemory
#include "book_store_contract.hpp"
#define ADDRBOOK_TEST_STORES SqliteFiles, CachedSqliteFiles, SqliteInMemory, OneOfMany
#include "changes_contract.hpp"
#include "search_contract.hpp"
#include "store_contract.hpp"
