/// How log records reach the program's sink.
#pragma once

#include <addrbook/log.hpp>

#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Calls the sink, if there is one. What it throws is dropped: a log that fails must not take the
/// request with it.
inline void call_log(const LogSink& sink, const LogRecord& record) noexcept {
  if (!sink) return;
  try {
    sink(record);
  } catch (...) {  // there is no one to tell
  }
}

/// Writes the FAULT line that goes with a request's RESPONSE line.
inline void log_fault(const LogSink& sink, LogRecord record, std::vector<std::string> causes) {
  record.level = LogRecord::Level::error;
  record.kind = LogRecord::Kind::fault;
  record.trace = std::move(causes);
  call_log(sink, record);
}

}  // namespace addrbook::detail
