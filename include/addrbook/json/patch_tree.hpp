/// PatchTree: a JSON value that is changed in places, and copied as it stands everywhere else.
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/json/effort.hpp>
#include <addrbook/json/patch_values.hpp>
#include <addrbook/json/pointer.hpp>
#include <addrbook/json/spans.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The tree. A pointer that leads nowhere is an outcome, not an error.
class PatchTree {
 public:
  /// @param text       of a value, as compact_json() leaves it; must outlive the tree
  /// @param max_depth  how deep that text, and those that are added, may nest
  PatchTree(std::string_view text, std::size_t max_depth, Effort& effort)
      : root_(PatchValue{text, nullptr}), leaf_depth_(max_depth), effort_(effort) {}

  /// @returns the value that a pointer leads to, sharing what it has; nothing if there is none
  [[nodiscard]] std::optional<PatchValue> find(std::string_view pointer);

  /// Adds a value as RFC 6902, 4.1 says: replaces the whole or a member, adds a member as the last
  /// one, or inserts an element before that of the index, or behind the last one ("-").
  /// @returns false if there is no such place
  bool add(std::string_view pointer, PatchValue value);

  /// @returns false if the pointer leads to no value
  bool replace(std::string_view pointer, PatchValue value);

  /// @returns the value that was there; nothing if the pointer leads to none
  std::optional<PatchValue> remove(std::string_view pointer);

  /// @returns the bytes of its text; 0 if it was removed as a whole
  [[nodiscard]] std::size_t bytes() const noexcept { return root_ ? root_->bytes() : 0; }
  /// @returns its text; "" if it was removed as a whole
  [[nodiscard]] std::string text() const;

 private:
  class Way;

  [[nodiscard]] std::size_t depth_of(const PatchValue& value) const noexcept {
    if (value.node) return value.node->depth;
    const bool may_nest = value.text[0] == '{' || value.text[0] == '[';
    return may_nest ? leaf_depth_ : 0;
  }
  [[nodiscard]] PatchValue* child(PatchNode& node, std::string_view token);
  PatchNode* open(PatchValue& value);
  PatchNode* own(PatchValue& value);

  std::optional<PatchValue> root_;
  std::size_t leaf_depth_;
  PatchMembers::Texts texts_;
  Effort& effort_;
};

// ---------------------------------------------------------------------------------------------

/// The nodes from the root to the one that is changed, all of them this tree's own.
class PatchTree::Way {
 public:
  /// Goes to the parent of what a pointer leads to.
  /// @param pointer  not empty; the token that is left is last()
  Way(PatchTree& tree, std::string_view pointer) {
    PatchValue* at = tree.root_ ? &*tree.root_ : nullptr;
    while (at != nullptr) {
      PatchNode* const node = tree.own(*at);
      if (node == nullptr) return;
      nodes_.push_back(node);
      last_ = take_token(pointer);
      if (pointer.empty()) {
        is_complete_ = true;
        return;
      }
      at = tree.child(*node, last_);
    }
  }

  /// @returns null if there is none
  [[nodiscard]] PatchNode* parent() const noexcept {
    return is_complete_ ? nodes_.back() : nullptr;
  }
  [[nodiscard]] const std::string& last() const noexcept { return last_; }

  /// Notes that the parent's children have changed.
  /// @param added, removed  bytes of the children, and one more for each
  /// @param depth           of what was added
  void note(std::size_t added, std::size_t removed, std::size_t depth) {
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      const std::size_t before = nodes_[i]->bytes();
      nodes_[i]->content += added;
      nodes_[i]->content -= removed;
      nodes_[i]->depth = (std::max)(nodes_[i]->depth, ++depth);
      added = nodes_[i]->bytes();
      removed = before;
    }
    // The text is made, and the nodes are freed, by recursion.
    constexpr std::size_t max_depth = 1000;
    if (nodes_.front()->depth > max_depth) {
      throw Error(Errc::invalid,
                  "Invalid JSON Patch: nesting over " + std::to_string(max_depth) + " levels");
    }
  }

 private:
  std::vector<PatchNode*> nodes_;
  std::string last_;
  bool is_complete_ = false;
};

/// @returns null if it is neither an array nor an object
inline PatchNode* PatchTree::open(PatchValue& value) {
  if (value.node) return value.node.get();
  const JsonSpan span(value.text);
  const bool is_object = span.is(JsonSpan::Kind::object);
  if (!is_object && !span.is(JsonSpan::Kind::array)) return nullptr;
  auto node = std::make_shared<PatchNode>();
  if (is_object) {
    node->members.emplace(span, texts_, effort_);
  } else {
    node->elements.emplace(span, effort_);
  }
  const bool is_empty = value.text.size() == 2;
  node->content = is_empty ? 0 : value.text.size() - 1;
  node->depth = leaf_depth_;
  value.node = std::move(node);
  return value.node.get();
}

/// As open(), for a change: nobody else has the node.
inline PatchNode* PatchTree::own(PatchValue& value) {
  PatchNode* const node = open(value);
  if (node == nullptr || value.node.use_count() == 1) return node;
  effort_.spend(sizeof(PatchValue) *
                (node->members ? node->members->size() * 4 : node->elements->size()));
  value.node = std::make_shared<PatchNode>(*node);
  return value.node.get();
}

/// @returns null if there is no such child
inline PatchValue* PatchTree::child(PatchNode& node, std::string_view token) {
  constexpr std::size_t of_a_look_up = 32;
  effort_.spend(token.size() + of_a_look_up);
  if (node.members) return node.members->find(token);
  const auto index = array_index(token);
  if (!index || *index >= node.elements->size()) return nullptr;
  return &node.elements->at(*index, effort_);
}

inline std::optional<PatchValue> PatchTree::find(std::string_view pointer) {
  PatchValue* at = root_ ? &*root_ : nullptr;
  while (at != nullptr && !pointer.empty()) {
    PatchNode* const node = open(*at);
    if (node == nullptr) return std::nullopt;
    at = child(*node, take_token(pointer));
  }
  return at != nullptr ? std::optional<PatchValue>(*at) : std::nullopt;
}

inline bool PatchTree::add(std::string_view pointer, PatchValue value) {
  if (pointer.empty()) {
    root_ = std::move(value);
    return true;
  }
  Way way(*this, pointer);
  PatchNode* const parent = way.parent();
  if (parent == nullptr) return false;
  const std::size_t added = value.bytes() + 1;
  const std::size_t depth = depth_of(value);
  if (parent->elements) {
    const std::size_t size = parent->elements->size();
    const auto index = way.last() == "-" ? std::optional(size) : array_index(way.last());
    if (!index || *index > size) return false;
    parent->elements->insert(*index, std::move(value), effort_);
    way.note(added, 0, depth);
  } else if (PatchValue* const member = child(*parent, way.last())) {
    const std::size_t removed = member->bytes() + 1;
    *member = std::move(value);
    way.note(added, removed, depth);
  } else {
    constexpr std::size_t quotes_and_colon = 3;
    const std::size_t name = parent->members->append(way.last(), std::move(value), texts_);
    way.note(added + name + quotes_and_colon, 0, depth);
  }
  return true;
}

inline bool PatchTree::replace(std::string_view pointer, PatchValue value) {
  if (pointer.empty()) {
    if (!root_) return false;
    root_ = std::move(value);
    return true;
  }
  Way way(*this, pointer);
  PatchValue* const old = way.parent() != nullptr ? child(*way.parent(), way.last()) : nullptr;
  if (old == nullptr) return false;
  const std::size_t removed = old->bytes() + 1;
  const std::size_t added = value.bytes() + 1;
  const std::size_t depth = depth_of(value);
  *old = std::move(value);
  way.note(added, removed, depth);
  return true;
}

inline std::optional<PatchValue> PatchTree::remove(std::string_view pointer) {
  if (pointer.empty()) return std::exchange(root_, std::nullopt);
  Way way(*this, pointer);
  PatchNode* const parent = way.parent();
  PatchValue* const old = parent != nullptr ? child(*parent, way.last()) : nullptr;
  if (old == nullptr) return std::nullopt;
  PatchValue removed = std::move(*old);
  std::size_t bytes = removed.bytes() + 1;
  if (parent->members) {
    constexpr std::size_t quotes_and_colon = 3;
    bytes += parent->members->erase(way.last()) + quotes_and_colon;
  } else {
    parent->elements->erase(*array_index(way.last()), effort_);
  }
  way.note(0, bytes, 0);
  return removed;
}

inline std::string PatchTree::text() const {
  std::string text;
  text.reserve(bytes());
  if (root_) root_->append_to(text);
  return text;
}

}  // namespace addrbook::detail
