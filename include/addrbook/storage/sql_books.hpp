/// SqlBooks: a BookStore in an SQL database, over SOCI. The differences between databases are in
/// SqlEngine; sqlite.hpp and postgresql.hpp open them. Needs SOCI.
#pragma once

#include <addrbook/book_store.hpp>
#include <addrbook/storage/entry_cache.hpp>
#include <addrbook/storage/sql_catalog.hpp>
#include <addrbook/storage/sql_database.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_store.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/storage/statistics.hpp>
#include <addrbook/store.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// @par Thread safety  any thread.
class SqlBooks final : public BookStore {
 public:
  /// @param engine  how to reach the database; kept
  /// @throws Error{storage} if the database can't be reached or holds no books
  SqlBooks(std::unique_ptr<SqlEngine> engine, const SqlUse& use)
      : database_(std::make_shared<SqlDatabase>(std::move(engine), use)) {}

  /// @returns the book of a program that has only one; made if there is none
  [[nodiscard]] std::shared_ptr<Store> only_book() {
    auto book = open(SqlTables::old_book);
    return book ? book : create(SqlTables::old_book).store;
  }

  /// Waits until nothing is left of removed books.
  void wait_for_sweeper() { database_->sweeper().wait(); }

 private:
  // Before they are used: what they return is deduced.
  template <class Work>
  [[nodiscard]] auto read(Work work) const {
    return database_->faults().watch(StorageFaults::Operation::read,
                                     [&] { return database_->read_catalog(work); });
  }
  template <class Work>
  [[nodiscard]] auto write(Work work) const {
    return database_->faults().watch(StorageFaults::Operation::write,
                                     [&] { return database_->write_catalog(work); });
  }

  [[nodiscard]] inline std::shared_ptr<Store> do_open(std::string_view name) override;
  [[nodiscard]] inline Created do_create(std::string_view name, std::uint64_t max_books) override;
  inline Removal do_remove(std::string_view name, const Condition& condition) override;
  [[nodiscard]] BookList do_list(std::string_view after, std::size_t limit) const override {
    return read([&](SqlCatalog& books) { return books.list(after, limit); });
  }
  [[nodiscard]] BookTotals do_totals() const override {
    return read([](SqlCatalog& books) { return books.totals(); });
  }
  [[nodiscard]] StorageStatistics do_statistics() const override { return database_->statistics(); }

  [[nodiscard]] std::shared_ptr<Store> store(std::uint64_t number, std::string_view name) const {
    return std::make_shared<SqlStore>(database_, number, name);
  }

  const std::shared_ptr<SqlDatabase> database_;
};

// ---------------------------------------------------------------------------------------------

inline std::shared_ptr<Store> SqlBooks::do_open(std::string_view name) {
  const auto number = read([&](SqlCatalog& books) { return books.find(name); });
  return number ? store(*number, name) : nullptr;
}

inline BookStore::Created SqlBooks::do_create(std::string_view name, std::uint64_t max_books) {
  const auto created = write([&](SqlCatalog& books) { return books.create(name, max_books); });
  if (!created.number) return {nullptr, false};
  return {store(*created.number, name), created.is_new};
}

inline BookStore::Removal SqlBooks::do_remove(std::string_view name, const Condition& condition) {
  std::optional<EntryCache::Removing> removing;
  if (database_->cache() != nullptr) removing.emplace(*database_->cache());
  const auto removal = write([&](SqlCatalog& books) {
    books.take_turn();
    const auto book = books.lock(name);
    if (!book) return Removal::absent;
    if (condition && !condition(book->state)) return Removal::refused;
    if (removing) removing->begin(book->number);
    database_->states().set(book->number, std::nullopt);
    books.remove(book->number);
    return Removal::done;
  });
  if (removal == Removal::done) database_->sweeper().wake();
  return removal;
}

}  // namespace addrbook::detail
