// The storage of addrbook-server.
#pragma once

#include "command_line.hpp"

#include <addrbook/config.hpp>
#include <addrbook/error.hpp>
#include <addrbook/memory_store.hpp>
#include <addrbook/postgresql.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/store.hpp>

#include <iostream>
#include <memory>
#include <string>

/// --backup and --restore.
inline void copy_book(const CommandLine& command_line, const addrbook::Config& config) {
  const std::string& file = config.storage.sqlite;
  if (config.storage.kind != addrbook::StorageOptions::Kind::sqlite) {
    throw addrbook::Error(addrbook::Errc::invalid,
                          "--backup and --restore are for storage.sqlite; use pg_dump and "
                          "pg_restore for PostgreSQL");
  }
  if (command_line.backup) {
    addrbook::backup_sqlite(file, *command_line.backup);
    std::cout << "'" << file << "' is backed up in '" << *command_line.backup << "'\n";
  } else {
    addrbook::restore_sqlite(*command_line.restore, file);
    std::cout << "'" << file << "' is restored from '" << *command_line.restore << "'\n";
  }
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
