/// RecordBudget: how much memory a record may take while it is made of an input.
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/format.hpp>
#include <addrbook/json/spans.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// Counts what a record becomes, before it does: a label of a megabyte that a thousand phones have,
/// or a million names of one letter, are large only then.
class RecordBudget {
 public:
  /// What each part of a tree counts beside its text: about what it takes in memory.
  static constexpr std::size_t node_bytes = 128;
  /// So that an ordinary contact fits, whatever the limit is.
  static constexpr std::size_t room = std::size_t{1024} * 1024;

  /// Without a bound.
  RecordBudget() noexcept = default;
  explicit RecordBudget(std::size_t bytes) noexcept : max_bytes_(bytes), left_(bytes) {}
  explicit RecordBudget(const ReadLimits& limits) noexcept
      : RecordBudget(limits.max_record_bytes + (std::min)(room, any - limits.max_record_bytes)) {}

  /// @param what  whose name stands in the message, e.g. "TEL"
  /// @throws Error{invalid} the bytes are not left
  void spend(std::size_t bytes, std::string_view what) {
    if (!can_spend(bytes)) {
      throw Error(Errc::invalid, std::string(what) + ": the contact would take over " +
                                     std::to_string(max_bytes_) + " bytes of memory");
    }
  }
  /// As spend(), for a text and parts of a tree.
  void spend(std::size_t bytes, std::size_t nodes, std::string_view what) {
    spend(bytes + nodes * node_bytes, what);
  }
  /// @returns false if the bytes are not left; nothing is spent then
  [[nodiscard]] bool can_spend(std::size_t bytes) noexcept {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

 private:
  static constexpr std::size_t any = (std::numeric_limits<std::size_t>::max)();

  std::size_t max_bytes_ = any;
  std::size_t left_ = max_bytes_;
};

/// @param json  a JSON text that is well formed
/// @returns what its tree takes in memory, as RecordBudget counts it
[[nodiscard]] inline std::size_t tree_bytes(std::string_view json) noexcept {
  std::size_t nodes = 1;
  for (std::size_t i = 0; i < json.size();) {
    if (json[i] == '"') {
      i += json_string_size(json.substr(i));
      continue;
    }
    if (json[i] == ',' || json[i] == '[' || json[i] == '{') ++nodes;
    ++i;
  }
  return json.size() + nodes * RecordBudget::node_bytes;
}

}  // namespace addrbook::detail
