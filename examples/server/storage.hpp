// The storage of addrbook-server: one book, or many.
#pragma once

#include "command_line.hpp"

#include <addrbook/addrbook.hpp>
#include <addrbook/authorization.hpp>
#include <addrbook/books.hpp>
#include <addrbook/config.hpp>
#include <addrbook/error.hpp>
#include <addrbook/memory_books.hpp>
#include <addrbook/memory_store.hpp>
#include <addrbook/options.hpp>
#include <addrbook/postgresql.hpp>
#include <addrbook/schema.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/store.hpp>
#include <addrbook/unicode_text.hpp>
#include <addrbook/validator.hpp>

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

/// --backup and --restore.
inline void copy_book(const CommandLine& command_line, const addrbook::Config& config) {
  const std::string& file = config.storage.sqlite;
  if (config.storage.kind != addrbook::StorageOptions::Kind::sqlite) {
    throw addrbook::Error(addrbook::Errc::invalid,
                          "--backup and --restore are for storage.sqlite; use pg_dump and "
                          "pg_restore for PostgreSQL");
  }
  std::string done;
  if (command_line.backup) {
    std::error_code ignored;
    if (config.places.count("storage.sqlite") == 0 && !std::filesystem::exists(file, ignored)) {
      throw addrbook::Error(addrbook::Errc::storage,
                            "'" + file +
                                "' is not in this folder, and no settings name another file: "
                                "give yours by -c, or go to the folder of the book");
    }
    addrbook::backup_sqlite(file, *command_line.backup);
    done = "' is backed up in '" + *command_line.backup;
  } else {
    addrbook::restore_sqlite(*command_line.restore, file);
    done = "' is restored from '" + *command_line.restore;
  }
  if (!command_line.quiet) std::cout << "'" << file << done << "'\n";
}

/// Shows on a terminal how far the migration of an old storage is.
inline addrbook::MigrationProgress show_migration(const CommandLine& command_line) {
  if (command_line.quiet || ::isatty(STDERR_FILENO) != 1) return nullptr;
  return [shown = std::uint64_t{101}](std::uint64_t done, std::uint64_t total) mutable {
    const std::uint64_t percent = total == 0 ? 100 : 100 * done / total;
    if (std::exchange(shown, percent) == percent) return;
    std::cerr << "\rMigrating to the tables of this version: " << percent << " %"
              << (done == total ? "\n" : "") << std::flush;
  };
}

/// Reads the schema that the settings name, if they do.
inline std::vector<addrbook::Validator> read_validators(const addrbook::Config& config) {
  std::vector<addrbook::Validator> validators;
  if (!config.schema.empty()) {
    validators.push_back(for_setting(config, "service.schema",
                                     [&] { return addrbook::json_schema(config.schema); }));
  }
  return validators;
}

/// What the settings name: either one book or many.
struct Storage {
  std::shared_ptr<addrbook::Service> book;
  std::shared_ptr<addrbook::Books> books;

  /// Refuses writes from now on, and waits for those in progress.
  void stop() const {
    if (book) book->stop();
    if (books) books->stop();
  }
};

inline Storage open_storage(const CommandLine& command_line, addrbook::Config config) {
  using Kind = addrbook::StorageOptions::Kind;
  auto validators = read_validators(config);
  const addrbook::StorageOptions& storage = config.storage;
  config.sqlite.migration = config.postgresql.migration = show_migration(command_line);
  const auto open = [&](const auto& memory, const auto& sqlite, const auto& postgresql) {
    if (storage.kind == Kind::memory) return memory();
    return storage.kind == Kind::sqlite ? for_setting(config, "storage.sqlite", sqlite)
                                        : for_setting(config, "storage.postgresql", postgresql);
  };
  if (!addrbook::has_many_books(config)) {
    auto store = open(
        []() -> std::shared_ptr<addrbook::Store> {
          return std::make_shared<addrbook::MemoryStore>(addrbook::unicode_folding());
        },
        [&] { return addrbook::open_sqlite(storage.sqlite, config.sqlite); },
        [&] { return addrbook::open_postgresql(storage.postgresql, config.postgresql); });
    return {std::make_shared<addrbook::Service>(std::move(store), std::move(validators),
                                                config.service),
            nullptr};
  }
  config.books.max_entries = config.service.max_entries;
  config.books.max_document_bytes = config.service.max_document_bytes;
  config.books.tombstone_lifetime = config.service.tombstone_lifetime;
  return {nullptr, open(
                       [&] {
                         return std::make_shared<addrbook::Books>(
                             std::make_shared<addrbook::MemoryBooks>(addrbook::unicode_folding()),
                             std::move(validators), config.books);
                       },
                       [&] {
                         return addrbook::open_sqlite_books(storage.sqlite, config.books,
                                                            std::move(validators), config.sqlite);
                       },
                       [&] {
                         return addrbook::open_postgresql_books(storage.postgresql, config.books,
                                                                std::move(validators),
                                                                config.postgresql);
                       })};
}

/// Serves the storage.
inline void mount_storage(httplib::Server& server, addrbook::Options options,
                          const Storage& storage, const addrbook::Config& config) {
  if (storage.book) {
    addrbook::mount(server, storage.book, std::move(options));
    return;
  }
  if (config.own_books) {
    options.book = [](const addrbook::Access& access, const addrbook::Request&) {
      return access.user;
    };
  }
  addrbook::mount(server, storage.books, std::move(options));
}
