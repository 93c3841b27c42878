// The storage of addrbook-server.
#pragma once

#include "command_line.hpp"

#include <addrbook/config.hpp>
#include <addrbook/error.hpp>
#include <addrbook/memory_store.hpp>
#include <addrbook/postgresql.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/store.hpp>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

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

inline std::shared_ptr<addrbook::Store> open_store(const addrbook::Config& config) {
  using Kind = addrbook::StorageOptions::Kind;
  const Kind kind = config.storage.kind;
  if (kind == Kind::memory) return std::make_shared<addrbook::MemoryStore>();
  if (kind == Kind::sqlite) {
    return addrbook::for_setting(config, "storage.sqlite", [&] {
      return addrbook::open_sqlite(config.storage.sqlite, config.sqlite);
    });
  }
  return addrbook::for_setting(config, "storage.postgresql", [&] {
    return addrbook::open_postgresql(config.storage.postgresql, config.postgresql);
  });
}
