// addrbook-server: the address book as a program. It only wires: whatever it does, a program that
// embeds the library can call.

#include "command_line.hpp"
#include "formats.hpp"
#include "reload.hpp"
#include "storage.hpp"
#include "transfer.hpp"

#include <addrbook/addrbook.hpp>
#include <addrbook/config.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/log_file.hpp>
#include <addrbook/metrics.hpp>
#include <addrbook/serve.hpp>
#include <addrbook/server.hpp>
#include <addrbook/tls_server.hpp>
#include <addrbook/tokens.hpp>

#include <unistd.h>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

namespace {

using addrbook::Config;

template <class Server>
void serve(Server& server, const CommandLine& command_line, const Config& config,
           addrbook::LogFile& log) {
  read_validators(config);  // a schema that is wrong is to be told before anything is touched
  // Binds before it opens the storage: a second server on the port must not touch that.
  const int port = server.bind(config.host, config.port);
  const auto tokens = std::make_shared<addrbook::BearerTokens>(config.tokens);
  addrbook::Options options = config.rest;
  if (config.tokens.empty()) addrbook::guard_loopback(options, config.host);
  options.authorize = [tokens](const addrbook::AccessRequest& request) {
    return tokens->empty() ? addrbook::Access::allow() : tokens->authorize(request);
  };
  options.coding = addrbook::gzip();
  options.formats = all_formats();
  addrbook::refuse_other_paths(server, options, config.name);
  const Storage storage = open_storage(command_line, config);
  mount_storage(server, std::move(options), storage, config);
  addrbook::ServeHooks hooks;
  hooks.on_listening = [&] {
    if (command_line.quiet) return;
    const bool is_ipv6 = config.host.find(':') != std::string::npos;
    std::cout << "Serving " << config.name << " on "
              << (config.tls.certificate.empty() ? "http://" : "https://")
              << (is_ipv6 ? "[" + config.host + "]" : config.host) << ":" << port << " ..."
              << std::endl;
  };
  hooks.on_reload = [&] { reload(command_line, config, log, *tokens, server); };
  addrbook::serve_until_signal(server, hooks);
  storage.stop();
}

/// @returns the exit status
int run(const CommandLine& command_line) {
  Config config = read_config(command_line);
  for (const std::string& variable : addrbook::unknown_variables(environ)) {
    std::cerr << "addrbook-server: environment: " << variable
              << " is not a setting, and is ignored\n";
  }
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit then fails like a full disk
  if (command_line.backup || command_line.restore) {
    copy_book(command_line, config);
    return EXIT_SUCCESS;
  }
  if (command_line.import_file) return import_file(command_line, config);
  if (command_line.export_file) return export_file(command_line, config);
  if (config.own_books && !config.rest.create_on_write) {
    std::cerr
        << "addrbook-server: books.own without books.create_on_write: a user has no book until "
           "--import --book makes it\n";
  }
  addrbook::raise_descriptor_limit();
  addrbook::limit_malloc_arenas();
  const auto log = addrbook::for_setting(
      config, "logging.file", [&] { return std::make_shared<addrbook::LogFile>(config.logging); });
  if (config.metrics) {
    config.rest.metrics = config.server.metrics = std::make_shared<addrbook::Metrics>();
  }
  config.rest.log = config.server.log = [log](const auto& record) { log->write(record); };
  if (config.tls.certificate.empty()) {
    addrbook::Server server(config.server);
    serve(server, command_line, config, *log);
    return EXIT_SUCCESS;
  }
  const auto server = addrbook::for_setting(config, "tls.certificate", [&] {
    return std::make_unique<addrbook::TlsServer>(config.tls, config.server);
  });
  serve(*server, command_line, config, *log);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine command_line;
  try {
    addrbook::open_standard_streams();
    addrbook::take_signals();
    if (const auto status = parse_command_line(argc, argv, command_line)) return *status;
    return run(command_line);
  } catch (const std::exception& error) {
    std::cerr << "addrbook-server: " << error.what() << '\n';
    const auto* const known = dynamic_cast<const addrbook::Error*>(&error);
    return known != nullptr && known->code() == addrbook::Errc::invalid ? exit_bad_input
                                                                        : exit_failed;
  }
}
