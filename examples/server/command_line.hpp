// The command line of addrbook-server, and the settings that it selects and overrides.
#pragma once

#include <addrbook/config.hpp>
#include <addrbook/error.hpp>
#include <addrbook/version.hpp>

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

constexpr int exit_failed = 1;     // serving failed, e.g. the port is in use
constexpr int exit_bad_input = 2;  // in the command line, the settings or the environment
constexpr const char* default_config = "configs/addressbook-local.yaml";

struct CommandLine {
  std::optional<std::string> config;
  std::optional<std::string> host;
  std::optional<std::string> port;
  bool debug = false;
  bool insecure_no_auth = false;
  bool quiet = false;
  std::optional<std::string> backup;
  std::optional<std::string> restore;
  std::optional<std::string> import_file;
  std::optional<std::string> export_file;
  std::string format;  // of these; "": by the file's suffix
  std::optional<std::string> book;
  std::string on_conflict = "skip";
  bool dry_run = false;
};

/// @returns  the exit status, if the program should end at once
inline std::optional<int> parse_command_line(int argc, char** argv, CommandLine& command_line) {
  CLI::App app{"An address book over HTTP.", "addrbook-server"};
  app.set_version_flag("--version", "addrbook-server " ADDRBOOK_VERSION);
  app.failure_message([](const CLI::App* /*app*/, const CLI::Error& error) {
    return std::string("addrbook-server: ") + error.what() + "\nTry --help.\n";
  });
  app.add_option("-p,--port", command_line.port, "Port to listen on; 0: any free port")
      ->type_name("N");
  app.add_option("--host", command_line.host, "Address to listen on")->type_name("ADDRESS");
  app.add_option(
         "-c,--config", command_line.config,
         std::string("YAML file with settings (default: ") + default_config + ", if it exists)")
      ->type_name("FILE");
  app.add_flag("-d,--debug", command_line.debug,
               "Show in error answers what was thrown and where, and log more of each request");
  app.add_flag("--insecure-no-auth", command_line.insecure_no_auth,
               "Serve other machines, or proxies, even though no token is required");
  app.add_flag("-q,--quiet", command_line.quiet,
               "No line on standard output; the log is not affected");
  const CLI::Validator is_file(
      [](std::string& name) {
        return name == "-" ? std::string("a book needs a file, not '-'; './-' is one") : "";
      },
      "");
  auto* const backup =
      app.add_option("--backup", command_line.backup,
                     "Copy the book to this new file and exit; a server may be running")
          ->type_name("FILE")
          ->check(is_file);
  auto* const restore =
      app.add_option("--restore", command_line.restore,
                     "Create the book from this backup and exit; it must not exist yet")
          ->type_name("FILE")
          ->check(is_file)
          ->excludes(backup);
  auto* const import =
      app.add_option("--import", command_line.import_file,
                     "Bring the contacts of this file into the book and exit; -: of standard input")
          ->type_name("FILE")
          ->excludes(backup)
          ->excludes(restore);
  app.add_option("--export", command_line.export_file,
                 "Write the book's contacts to this new file and exit; -: to standard output")
      ->type_name("FILE")
      ->excludes(backup)
      ->excludes(restore)
      ->excludes(import);
  app.add_option("--format", command_line.format,
                 "Format of --import and --export (default: by the file's suffix)")
      ->type_name("NAME");
  app.add_option("--book", command_line.book, "Book of --import and --export, where there are many")
      ->type_name("NAME");
  app.add_option("--on-conflict", command_line.on_conflict,
                 "What --import does with a contact that is there: skip, replace or duplicate")
      ->check(CLI::IsMember({"skip", "replace", "duplicate"}))
      ->type_name("WHAT")
      ->needs(import);
  app.add_flag("--dry-run", command_line.dry_run, "--import only reports what it would do")
      ->needs(import);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : exit_bad_input;
  }
  const bool is_transfer = command_line.import_file || command_line.export_file;
  if (!is_transfer && (!command_line.format.empty() || command_line.book)) {
    std::cerr << "addrbook-server: --format and --book are for --import and --export\n"
                 "Try --help.\n";
    return exit_bad_input;
  }
  return std::nullopt;
}

/// @throws  addrbook::Error{invalid}
inline addrbook::Config read_config(const CommandLine& command_line) {
  addrbook::Config config = command_line.config ? addrbook::load_config(*command_line.config)
                                                : addrbook::load_config_if_any(default_config);
  if (command_line.host) addrbook::set_config(config, "http.host", *command_line.host, "--host");
  if (command_line.port) addrbook::set_config(config, "http.port", *command_line.port, "--port");
  config.rest.debug = config.server.debug = command_line.debug;
  if (!addrbook::is_exposed(config) || command_line.insecure_no_auth) return config;
  const std::string way = config.rest.trusted_proxies.empty()
                              ? "other machines can reach '" + config.host + "'"
                              : "other machines can reach the server through http.trusted_proxies";
  throw addrbook::Error(
      addrbook::Errc::invalid,
      way +
          ", and without tokens anybody there may read and change everything: set "
          "auth.tokens (ADDRBOOK_AUTH_TOKENS), or give --insecure-no-auth if you mean it");
}
