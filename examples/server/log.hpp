// The log of addrbook-server, by spdlog.
#pragma once

#include <addrbook/config.hpp>
#include <addrbook/error.hpp>
#include <addrbook/log.hpp>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

/// @throws  addrbook::Error{invalid} the log file cannot be written to
inline addrbook::LogSink open_log(const addrbook::Config& config) {
  const auto& logging = config.logging;
  std::shared_ptr<spdlog::sinks::sink> sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  try {
    if (!logging.file.empty()) {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(logging.file);
    }
  } catch (const spdlog::spdlog_ex&) {
    const addrbook::Error error(addrbook::Errc::invalid, "can't write to '" + logging.file + "'");
    throw addrbook::setting_error(config, "logging.file", error);
  }
  const auto logger = std::make_shared<spdlog::logger>("addrbook", sink);
  logger->set_pattern("%v");  // log_line() gives the whole line
  logger->flush_on(spdlog::level::info);
  return [logger, logging](const addrbook::LogRecord& record) {
    if (record.level < logging.level) return;
    logger->log(spdlog::level::info, addrbook::log_line(record, logging.format));
  };
}
