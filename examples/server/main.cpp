// addrbook-server: the address book as a program. It only wires; whatever it can do, a program that
// embeds the library can call.

#include <addrbook/addrbook.hpp>
#include <addrbook/config.hpp>
#include <addrbook/gzip.hpp>
#include <addrbook/postgresql.hpp>
#include <addrbook/server.hpp>
#include <addrbook/sqlite.hpp>
#include <addrbook/tls_server.hpp>
#include <addrbook/tokens.hpp>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int exit_failed = 1;     // could not serve, e.g. the port is in use, or the storage
constexpr int exit_bad_input = 2;  // the command line, the config or the environment
constexpr const char* default_config = "configs/addressbook-local.yaml";

struct CommandLine {
  std::optional<std::string> config;
  std::optional<std::string> host;
  std::optional<int> port;
  bool debug = false;
  bool insecure_no_auth = false;
  std::optional<std::string> backup;
  std::optional<std::string> restore;
};

// @returns the exit status, if the program is to end at once
std::optional<int> parse_command_line(int argc, char** argv, CommandLine& command_line) {
  CLI::App app{"An address book over HTTP.", "addrbook-server"};
  app.set_version_flag("--version", "addrbook-server " ADDRBOOK_VERSION);
  app.add_option("-p,--port", command_line.port, "Port to listen on; 0: any free one")
      ->check(CLI::Range(0, 65535));
  app.add_option("--host", command_line.host, "Address to listen on");
  app.add_option(
      "-c,--config", command_line.config,
      std::string("YAML file with settings (default: ") + default_config + ", if there is one)");
  app.add_flag("-d,--debug", command_line.debug,
               "Errors tell what was thrown and where, the log more of each request");
  app.add_flag("--insecure-no-auth", command_line.insecure_no_auth,
               "Serve other machines too without asking anybody for a token");
  auto* const backup =
      app.add_option("--backup", command_line.backup,
                     "Copy the book to a new file and exit; a server may be running meanwhile");
  app.add_option("--restore", command_line.restore,
                 "Make the book of a backup's entries and exit; there must not be one yet")
      ->excludes(backup);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : exit_bad_input;
  }
  return std::nullopt;
}

addrbook::Config read_config(const CommandLine& command_line) {
  std::error_code ignored;
  addrbook::Config config;
  if (command_line.config) {
    config = addrbook::load_config(*command_line.config);
  } else if (std::filesystem::exists(default_config, ignored)) {
    config = addrbook::load_config(default_config);
  } else {
    config = addrbook::parse_config("", "");
  }
  if (command_line.host) config.host = *command_line.host;
  if (command_line.port) config.port = *command_line.port;
  if (addrbook::is_exposed(config) && !command_line.insecure_no_auth) {
    throw addrbook::Error(
        addrbook::Errc::invalid,
        "other machines can reach '" + config.host +
            "', and without tokens anybody there may read and change everything: set auth.tokens "
            "(ADDRBOOK_AUTH_TOKENS), or if that is meant, give --insecure-no-auth");
  }
  return config;
}

// Does what is asked for with the storage, if it is this rather than serving.
// @returns whether it was
bool copy_storage(const CommandLine& command_line, const addrbook::Config& config) {
  if (!command_line.backup && !command_line.restore) return false;
  if (config.storage.kind != addrbook::StorageOptions::Kind::sqlite) {
    throw addrbook::Error(addrbook::Errc::invalid,
                          "--backup and --restore are for storage.sqlite; for PostgreSQL "
                          "there are pg_dump and pg_restore");
  }
  if (command_line.backup) {
    addrbook::backup_sqlite(config.storage.sqlite, *command_line.backup);
    std::cout << "'" << config.storage.sqlite << "' is backed up in '" << *command_line.backup
              << "'\n";
  } else {
    addrbook::restore_sqlite(*command_line.restore, config.storage.sqlite);
    std::cout << "'" << config.storage.sqlite << "' is restored from '" << *command_line.restore
              << "'\n";
  }
  return true;
}

std::shared_ptr<addrbook::Store> open_store(const addrbook::Config& config) {
  const auto& storage = config.storage;
  const auto open = [&](const std::string& key) -> std::shared_ptr<addrbook::Store> {
    try {
      if (storage.kind == addrbook::StorageOptions::Kind::postgresql) {
        return addrbook::open_postgresql(storage.postgresql, config.postgresql);
      }
      return addrbook::open_sqlite(storage.sqlite, config.sqlite);
    } catch (const addrbook::Error& error) {
      throw addrbook::setting_error(config, key, error);
    }
  };
  switch (storage.kind) {
    case addrbook::StorageOptions::Kind::sqlite: return open("storage.sqlite");
    case addrbook::StorageOptions::Kind::postgresql: return open("storage.postgresql");
    case addrbook::StorageOptions::Kind::memory: break;
  }
  return std::make_shared<addrbook::MemoryStore>();
}

spdlog::level::level_enum to_spdlog(addrbook::LogRecord::Level level) {
  switch (level) {
    case addrbook::LogRecord::Level::info: break;
    case addrbook::LogRecord::Level::warning: return spdlog::level::warn;
    case addrbook::LogRecord::Level::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> make_logger(const addrbook::Config& config) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (config.logging.file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.logging.file);
    } catch (const spdlog::spdlog_ex&) {
      throw addrbook::setting_error(
          config, "logging.file",
          addrbook::Error(addrbook::Errc::invalid, "can't write to '" + config.logging.file + "'"));
    }
  }
  auto logger = std::make_shared<spdlog::logger>("addrbook", sink);
  logger->set_level(to_spdlog(config.logging.level));
  logger->flush_on(spdlog::level::info);
  logger->set_pattern("%v");  // log_line() gives the whole line
  return logger;
}

addrbook::LogSink make_sink(std::shared_ptr<spdlog::logger> logger, addrbook::LogFormat format) {
  return [logger = std::move(logger), format](const addrbook::LogRecord& record) {
    const auto level = to_spdlog(record.level);
    if (logger->should_log(level)) logger->log(level, addrbook::log_line(record, format));
  };
}

// As many connections as the system lets this process have: the usual soft limit is for programs
// that use select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// They go to one thread that waits for them: a handler could do next to nothing.
sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

template <class Server>
int serve(Server& server, const addrbook::Config& config) {
  // Before the storage is opened: a second copy must not get as far as that.
  const int port = server.bind(config.host, config.port);

  // The book has its own limit, and reads on over it for a while to get its answer through. What
  // goes elsewhere is refused before its body is read: httplib would keep that whole.
  server.set_payload_max_length(2 * config.rest.max_body_bytes + std::size_t{16} * 1024 * 1024);
  server.set_pre_routing_handler(
      [prefix = config.rest.prefix](const httplib::Request& request, httplib::Response& response) {
        constexpr int most_segments = 2;  // and an empty one
        const bool is_below =
            request.path.compare(0, prefix.size(), prefix) == 0 &&
            (request.path.size() == prefix.size() || request.path[prefix.size()] == '/') &&
            std::count(request.path.begin() + static_cast<std::ptrdiff_t>(prefix.size()),
                       request.path.end(), '/') <= most_segments;
        if (is_below) return httplib::Server::HandlerResponse::Unhandled;
        response.status = httplib::StatusCode::NotFound_404;
        return httplib::Server::HandlerResponse::Handled;
      });

  const auto service = std::make_shared<addrbook::Service>(
      open_store(config), std::vector<addrbook::Validator>(), config.service);
  addrbook::Options options = config.rest;
  if (!config.tokens.empty()) options.authorize = addrbook::bearer_tokens(config.tokens);
  options.coding = addrbook::gzip();
  addrbook::mount(server, service, std::move(options));

  std::thread waiter([&] {
    int signal = 0;
    const sigset_t signals = ending_signals();
    sigwait(&signals, &signal);
    server.wait_until_ready();  // or stop() would find nothing to stop
    server.stop();
  });

  const bool is_ipv6 = config.host.find(':') != std::string::npos;
  std::cout << "Starting " << config.name << " on "
            << (config.tls.certificate.empty() ? "http://" : "https://")
            << (is_ipv6 ? "[" + config.host + "]" : config.host) << ":" << port << " ..."
            << std::endl;
  std::string failure;
  try {
    if (!server.listen_after_bind()) failure = "the listening socket failed";
  } catch (const std::system_error& error) {
    failure = error.what();
  }
  if (!failure.empty()) {
    server.decommission();        // it will not be ready any more
    ::kill(::getpid(), SIGTERM);  // which the waiter waits for
  }
  waiter.join();
  service->stop();
  if (!failure.empty()) throw std::runtime_error(failure);
  return EXIT_SUCCESS;
}

// A stock of memory for every thread is kept for ever, and under attack there are hundreds.
void limit_memory_stocks() {
#ifdef M_ARENA_MAX
  constexpr int most = 2;
  ::mallopt(M_ARENA_MAX, most);
#endif
}

int run(const CommandLine& command_line) {
  addrbook::Config config = read_config(command_line);
  for (const std::string& variable : addrbook::unknown_variables(environ)) {
    std::cerr << "addrbook-server: environment: " << variable << " is no setting and ignored\n";
  }
  // Past a limit of a file's size writes fail, like those on a full disk; no reason to end.
  std::signal(SIGXFSZ, SIG_IGN);
  if (copy_storage(command_line, config)) return EXIT_SUCCESS;
  // Before there are further threads, of the storage's for instance, which inherit that.
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto logger = make_logger(config);
  config.rest.log = config.server.log = make_sink(logger, config.logging.format);
  raise_descriptor_limit();
  limit_memory_stocks();
  config.rest.debug = config.server.debug = command_line.debug;
  if (config.tls.certificate.empty()) {
    addrbook::Server server(config.server);
    return serve(server, config);
  }
  std::unique_ptr<addrbook::TlsServer> server;
  try {
    server = std::make_unique<addrbook::TlsServer>(config.tls, config.server);
  } catch (const addrbook::Error& error) {
    throw addrbook::setting_error(config, "tls.certificate", error);
  }
  return serve(*server, config);
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine command_line;
  try {
    if (const auto status = parse_command_line(argc, argv, command_line)) return *status;
    return run(command_line);
  } catch (const addrbook::Error& error) {
    std::cerr << "addrbook-server: " << error.what() << '\n';
    return error.code() == addrbook::Errc::invalid ? exit_bad_input : exit_failed;
  } catch (const std::exception& error) {
    std::cerr << "addrbook-server: " << error.what() << '\n';
    return exit_failed;
  }
}
