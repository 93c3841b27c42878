// What addrbook-server reads again at a SIGHUP.
#pragma once

#include "command_line.hpp"

#include <addrbook/config.hpp>
#include <addrbook/error.hpp>
#include <addrbook/log_file.hpp>
#include <addrbook/tls_server.hpp>
#include <addrbook/tokens.hpp>

#include <exception>
#include <functional>
#include <string>
#include <type_traits>

/// Opens the log file again, and reads the tokens and the certificate. What is wrong is logged, and
/// the old one stays.
/// @param running  the settings with which the server runs
template <class Server>
void reload(const CommandLine& command_line, const addrbook::Config& running,
            addrbook::LogFile& log, addrbook::BearerTokens& tokens, Server& server) {
  using Level = addrbook::LogRecord::Level;
  bool is_good = true;
  const auto attempt = [&](const std::function<void()>& act) {
    try {
      act();
    } catch (const std::exception& error) {
      is_good = false;
      const std::string reason = std::string("SIGHUP: ") + error.what();
      log.write(addrbook::LogRecord::of_server(Level::error, reason));
    }
  };
  attempt([&] { log.reopen(); });
  attempt([&] {
    const addrbook::Config config = read_config(command_line);
    attempt([&] {
      // Without any, everybody could do everything from now on.
      if (config.tokens.empty() && !tokens.empty()) {
        throw addrbook::Error(
            addrbook::Errc::invalid,
            "auth.tokens: all tokens are gone; the old ones stay, until a restart");
      }
      // The new tokens may be for books that this server's paths don't name.
      if (config.rest.prefix != running.rest.prefix || config.own_books != running.own_books) {
        throw addrbook::Error(addrbook::Errc::invalid,
                              "http.prefix or books.own is another: that needs a restart, and the "
                              "old tokens stay until then");
      }
      tokens.replace(config.tokens);
    });
    if constexpr (std::is_same_v<Server, addrbook::TlsServer>) {
      attempt([&] {
        addrbook::for_setting(config, "tls.certificate", [&] { server.update(config.tls); });
      });
    }
  });
  log.write(
      is_good
          ? addrbook::LogRecord::of_server(
                Level::info, "SIGHUP: log file reopened; tokens and certificate read again")
          : addrbook::LogRecord::of_server(
                Level::warning, "SIGHUP: not everything could be read again; the old values stay"));
}
