/// parse_config(): a YAML text, then after a line `%%` environment variables, one NAME=value per
/// line.
#include "support.hpp"

#include <addrbook/config.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

using addrbook::Config;
using fuzz::check;
using fuzz::take_until;

namespace {

bool is_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == 0x7f || (c >= 0 && c < 0x20); });
}

void check_values(const Config& config) {
  const auto& server = config.server;
  const auto& rest = config.rest;
  check(is_line(config.name) && !config.name.empty(), "service.name");
  check(is_line(config.host) && !config.host.empty(), "http.host");
  check(config.port >= 0 && config.port <= 65535, "http.port");
  check(addrbook::detail::is_valid_prefix(rest.prefix), "http.prefix");
  check(rest.max_body_bytes >= 1 && rest.max_body_bytes <= (std::size_t{1} << 30U),
        "http.max_body_bytes");
  check(config.service.max_entries <= std::uint64_t{1'000'000'000'000}, "service.max_entries");
  check(server.max_connections >= 1 && server.max_connections <= 1'000'000, "http.max_connections");
  check(server.max_threads >= 1 && server.max_threads <= 100'000, "http.max_threads");
  static_cast<void>(addrbook::detail::WebPolicy(rest.allowed_origins, rest.allowed_hosts));
  for (const addrbook::Token& token : config.tokens) {
    check(addrbook::detail::fault_of(token).empty(), "auth.tokens");
  }
  check(config.tls.certificate.empty() == config.tls.key.empty(), "tls");
  check(is_line(config.tls.certificate) && is_line(config.tls.key), "tls");
  for (const auto timeout :
       {server.header_timeout, server.body_timeout, server.answer_timeout, server.read_timeout,
        server.write_timeout, server.keep_alive_timeout, rest.body_timeout, rest.answer_timeout}) {
    check(timeout >= std::chrono::milliseconds(1) && timeout <= std::chrono::hours(24),
          "http.*_timeout_ms");
  }
  using Storage = addrbook::StorageOptions::Kind;
  const auto& storage = config.storage;
  check(storage.kind != Storage::sqlite || !storage.sqlite.empty(), "storage.sqlite");
  check(storage.kind != Storage::postgresql || !storage.postgresql.empty(), "storage.postgresql");
  check(config.sqlite.connections >= 1 && config.sqlite.connections <= 1000, "sqlite.connections");
  check(config.postgresql.connections >= 1 && config.postgresql.connections <= 1000,
        "postgresql.connections");
  for (const auto timeout : {config.postgresql.connect_timeout, config.postgresql.timeout}) {
    check(timeout >= std::chrono::milliseconds(1) && timeout <= std::chrono::hours(24),
          "postgresql.*timeout_ms");
  }
  check(config.logging.level <= addrbook::LogRecord::Level::error, "logging.level");
  check(config.logging.format <= addrbook::LogFormat::json, "logging.format");
  check(is_line(config.logging.file), "logging.file");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text(data, size);
  const std::string yaml(take_until(input, "\n%%\n"));
  std::map<std::string, std::string> variables;
  while (!input.empty()) {
    std::string_view line = take_until(input, "\n");
    const std::string name(take_until(line, "="));
    variables[name] = line;
  }
  const auto environment = [&](const std::string& name) {
    const auto found = variables.find(name);
    return found != variables.end() ? std::optional(found->second) : std::nullopt;
  };

  try {
    const Config config = addrbook::parse_config(yaml, "f.yaml", environment);
    check_values(config);
    for (const auto& [key, place] : config.places) {
      check(place.compare(0, 7, "f.yaml:") == 0 ||
                place.compare(0, 22, "environment: ADDRBOOK_") == 0,
            "every place names the file or a variable");
    }
  } catch (const addrbook::Error& error) {
    const std::string message = error.what();
    check(error.code() == addrbook::Errc::invalid, "a refusal is Error{invalid}");
    check(message.compare(0, 7, "f.yaml:") == 0 ||
              message.compare(0, 22, "environment: ADDRBOOK_") == 0,
          "the message names the file or the variable");
  }
  return 0;
}
