/// JSON Merge Patch (RFC 7396), text by text.
#pragma once

#include <addrbook/json/spans.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

/// Applies a merge patch. What it does not name is copied as it stands: numbers, escapes, the order
/// of members. A member that it replaces keeps its place; new ones follow, in the patch's order.
/// @param target, patch  texts of any JSON values, as compact_json() leaves them
/// @returns the patched value's text, no longer than both together
/// @par Cost  the size of the texts times the depth of the patch, which it recurses to
[[nodiscard]] inline std::string merge_patch(std::string_view target, std::string_view patch);

// ---------------------------------------------------------------------------------------------

/// The members of one object of a patch, by name.
class MergeMembers {
 public:
  struct Member {
    std::string name;  // unescaped
    JsonSpan::Child child;
    bool is_used = false;  // the target has a member of the name
  };

  explicit MergeMembers(JsonSpan object) {
    auto children = object.children();
    while (const auto child = children.next()) members_.push_back({child->name(), *child});
    for (std::size_t i = 0; i < members_.size(); ++i) by_name_.push_back(i);
    std::sort(by_name_.begin(), by_name_.end(),
              [this](std::size_t a, std::size_t b) { return members_[a].name < members_[b].name; });
  }

  /// @returns null if there is no such member
  [[nodiscard]] Member* find(std::string_view name) {
    const auto at = std::lower_bound(
        by_name_.begin(), by_name_.end(), name,
        [this](std::size_t i, std::string_view wanted) { return members_[i].name < wanted; });
    return at != by_name_.end() && members_[*at].name == name ? &members_[*at] : nullptr;
  }

  [[nodiscard]] const std::vector<Member>& in_order() const noexcept { return members_; }

 private:
  std::vector<Member> members_;
  std::vector<std::size_t> by_name_;
};

inline void append_merged(std::string& to, JsonSpan target, JsonSpan patch) {
  if (!patch.is(JsonSpan::Kind::object)) {
    to.append(patch.text());
    return;
  }
  MergeMembers changes(patch);
  to += '{';
  const char* separator = "\"";
  const auto append_name = [&](std::string_view raw_name) {
    to.append(separator).append(raw_name).append("\":");
    separator = ",\"";
  };
  // A target that is not an object counts as an empty one: nulls in new objects drop out.
  if (target.is(JsonSpan::Kind::object)) {
    auto children = target.children();
    while (const auto child = children.next()) {
      MergeMembers::Member* const change = changes.find(child->name());
      if (change != nullptr) {
        change->is_used = true;
        if (change->child.value().is(JsonSpan::Kind::null)) continue;
      }
      append_name(child->raw_name);
      if (change != nullptr) {
        append_merged(to, child->value(), change->child.value());
      } else {
        to.append(child->value_text);
      }
    }
  }
  for (const MergeMembers::Member& change : changes.in_order()) {
    if (change.is_used || change.child.value().is(JsonSpan::Kind::null)) continue;
    append_name(change.child.raw_name);
    append_merged(to, JsonSpan("null"), change.child.value());
  }
  to += '}';
}

inline std::string merge_patch(std::string_view target, std::string_view patch) {
  std::string merged;
  merged.reserve(target.size() + patch.size());
  append_merged(merged, JsonSpan(target), JsonSpan(patch));
  return merged;
}

}  // namespace addrbook::detail
