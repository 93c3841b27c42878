/// Short forms of batches and their outcomes, for tests of stores.
#pragma once

#include <addrbook/store.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace test {

using addrbook::Batch;
using addrbook::CommitResult;
using addrbook::Condition;
using addrbook::Document;
using addrbook::Entry;
using addrbook::Page;
using addrbook::PageLimit;
using addrbook::Store;
using addrbook::Write;
using Kind = addrbook::Condition::Kind;

inline Document numbered(std::uint64_t number) {
  return Document::parse("{\"n\":" + std::to_string(number) + "}");
}
inline Write put(const std::string& id, std::uint64_t number, Condition condition = {}) {
  return {id, numbered(number), condition};
}
inline Write removal(const std::string& id, Condition condition = {}) {
  return {id, std::nullopt, condition};
}
inline PageLimit limit_of(std::size_t entries, std::size_t bytes = SIZE_MAX) {
  PageLimit limit;
  limit.entries = entries;
  limit.bytes = bytes;
  return limit;
}

inline std::vector<std::string> ids_of(const Page& page) {
  std::vector<std::string> ids;
  for (const Entry& entry : page.entries) ids.push_back(entry.id);
  return ids;
}

/// @returns "done", "full", or "refused 2" with the index of the write
inline std::string outcome_of(const CommitResult& result) {
  switch (result.outcome) {
    case CommitResult::Outcome::done: return "done";
    case CommitResult::Outcome::refused: return "refused " + std::to_string(result.refused);
    case CommitResult::Outcome::full: return "full";
    case CommitResult::Outcome::repeated: return "repeated";
  }
  return "unknown";
}

}  // namespace test
