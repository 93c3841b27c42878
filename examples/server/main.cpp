// addrbook-server: the address book as a program. It only wires: whatever it does, a program that
// embeds the library can call.

#include "command_line.hpp"
#include "log.hpp"

#include <addrbook/addrbook.hpp>
#include <addrbook/config.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/postgresql.hpp>
#include <addrbook/serve.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/tls_server.hpp>
#include <addrbook/tokens.hpp>

#include <unistd.h>
#include <csignal>
#include <iostream>
#include <memory>

namespace {

using addrbook::Config;
using addrbook::Errc;
using addrbook::Error;
using Storage = addrbook::StorageOptions::Kind;

void copy_book(const CommandLine& command_line, const Config& config) {
  const std::string& file = config.storage.sqlite;
  if (config.storage.kind != Storage::sqlite) {
    throw Error(Errc::invalid,
                "--backup and --restore are for storage.sqlite; use pg_dump and pg_restore for "
                "PostgreSQL");
  }
  if (command_line.backup) {
    addrbook::backup_sqlite(file, *command_line.backup);
    std::cout << "'" << file << "' is backed up in '" << *command_line.backup << "'\n";
  } else {
    addrbook::restore_sqlite(*command_line.restore, file);
    std::cout << "'" << file << "' is restored from '" << *command_line.restore << "'\n";
  }
}

std::shared_ptr<addrbook::Store> open_store(const Config& config) {
  const auto& [kind, sqlite, postgresql] = config.storage;
  try {
    if (kind == Storage::sqlite) return addrbook::open_sqlite(sqlite, config.sqlite);
    if (kind == Storage::memory) return std::make_shared<addrbook::MemoryStore>();
    return addrbook::open_postgresql(postgresql, config.postgresql);
  } catch (const Error& error) {
    const auto* const key = kind == Storage::sqlite ? "storage.sqlite" : "storage.postgresql";
    throw addrbook::setting_error(config, key, error);
  }
}

template <class Server>
void serve(Server& server, const Config& config) {
  // Binds before it opens the storage: a second server on the port must not touch that.
  const int port = server.bind(config.host, config.port);
  const auto service = std::make_shared<addrbook::Service>(
      open_store(config), std::vector<addrbook::Validator>(), config.service);
  addrbook::Options options = config.rest;
  if (!config.tokens.empty()) options.authorize = addrbook::bearer_tokens(config.tokens);
  options.coding = addrbook::gzip();
  addrbook::guard_loopback(options, config.host);
  addrbook::refuse_other_paths(server, options);
  addrbook::mount(server, service, std::move(options));
  addrbook::serve_until_signal(server, [&] {
    const bool is_ipv6 = config.host.find(':') != std::string::npos;
    std::cout << "Starting " << config.name << " on "
              << (config.tls.certificate.empty() ? "http://" : "https://")
              << (is_ipv6 ? "[" + config.host + "]" : config.host) << ":" << port << " ..."
              << std::endl;
  });
  service->stop();
}

void run(const CommandLine& command_line) {
  Config config = read_config(command_line);
  for (const std::string& variable : addrbook::unknown_variables(environ)) {
    std::cerr << "addrbook-server: environment: " << variable << " is no setting and ignored\n";
  }
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit then fails like a full disk
  if (command_line.backup || command_line.restore) return copy_book(command_line, config);
  addrbook::block_stop_signals();
  addrbook::raise_descriptor_limit();
  addrbook::limit_malloc_arenas();
  config.rest.log = config.server.log = open_log(config);
  if (config.tls.certificate.empty()) {
    addrbook::Server server(config.server);
    return serve(server, config);
  }
  std::unique_ptr<addrbook::TlsServer> server;
  try {
    server = std::make_unique<addrbook::TlsServer>(config.tls, config.server);
  } catch (const Error& error) {
    throw addrbook::setting_error(config, "tls.certificate", error);
  }
  serve(*server, config);
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine command_line;
  try {
    if (const auto status = parse_command_line(argc, argv, command_line)) return *status;
    run(command_line);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << "addrbook-server: " << error.what() << '\n';
    const auto* const known = dynamic_cast<const Error*>(&error);
    return known != nullptr && known->code() == Errc::invalid ? exit_bad_input : exit_failed;
  }
}
