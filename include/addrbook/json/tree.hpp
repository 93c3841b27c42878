/// JsonTree: a JSON value that is built and changed; numbers stay as they are written.
#pragma once

#include <addrbook/json/spans.hpp>
#include <addrbook/json/strings.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A JSON value. Members of an object keep their order, and are found without going over all of
/// them, whatever their names are. It recurses as deep as it nests.
class JsonTree {
 public:
  using Kind = JsonSpan::Kind;
  struct Member;

  /// null
  JsonTree() noexcept = default;
  explicit JsonTree(Kind kind) noexcept : kind_(kind) {}
  explicit JsonTree(std::string characters) : kind_(Kind::string), text_(std::move(characters)) {}
  explicit JsonTree(std::string_view characters) : JsonTree(std::string(characters)) {}
  explicit JsonTree(const char* characters) : JsonTree(std::string(characters)) {}
  explicit JsonTree(std::uint64_t number) : kind_(Kind::number), text_(std::to_string(number)) {}
  explicit JsonTree(bool is_true) : kind_(Kind::boolean), text_(is_true ? "true" : "false") {}
  /// @param span  of a text as compact_json() leaves it
  explicit inline JsonTree(JsonSpan span);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is(Kind kind) const noexcept { return kind_ == kind; }
  [[nodiscard]] bool is_true() const noexcept { return is(Kind::boolean) && text_ == "true"; }

  /// The characters of a string; a number, true or false as it is written; "" for any other value.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// The members of an object, or the elements of an array, which have no names.
  [[nodiscard]] const std::vector<Member>& children() const noexcept { return children_; }
  [[nodiscard]] std::vector<Member>& children() noexcept { return children_; }

  /// @returns the member of an object that has the name; null if there is none
  [[nodiscard]] inline const JsonTree* find(std::string_view name) const;
  [[nodiscard]] JsonTree* find(std::string_view name) {
    return const_cast<JsonTree*>(std::as_const(*this).find(name));
  }
  /// @returns the characters of the member that is a string; null if there is none
  [[nodiscard]] inline const std::string* string(std::string_view name) const;

  /// @returns the member of an object; a new one, null, if there is none. A null becomes an object.
  inline JsonTree& operator[](std::string_view name);
  /// @returns whether there was such a member
  inline bool erase(std::string_view name);
  /// Appends to an array. A null becomes one.
  inline void push_back(JsonTree element);

  inline void append_to(std::string& to) const;
  [[nodiscard]] std::string dump() const {
    std::string text;
    append_to(text);
    return text;
  }

  /// Numbers are equal if they are written alike; the order of an object's members does not count.
  friend inline bool operator==(const JsonTree& a, const JsonTree& b);
  friend bool operator!=(const JsonTree& a, const JsonTree& b) { return !(a == b); }

 private:
  using Index = std::map<std::string, std::size_t, std::less<>>;
  // Few members are found sooner one by one.
  static constexpr std::size_t max_unindexed = 16;

  inline void build_index();

  Kind kind_ = Kind::null;
  std::string text_;
  std::vector<Member> children_;
  Index index_;  // by name; empty up to max_unindexed members
};

struct JsonTree::Member {
  std::string name;
  JsonTree value;
};

// ---------------------------------------------------------------------------------------------

inline JsonTree::JsonTree(JsonSpan span) : kind_(span.kind()) {
  if (is(Kind::string)) {
    text_ = span.string();
  } else if (is(Kind::number) || is(Kind::boolean)) {
    text_ = span.text();
  }
  auto children = span.children();
  while (const auto child = children.next()) {
    children_.push_back({is(Kind::object) ? child->name() : "", JsonTree(child->value())});
  }
  build_index();
}

inline void JsonTree::build_index() {
  index_.clear();
  if (!is(Kind::object) || children_.size() <= max_unindexed) return;
  for (std::size_t i = 0; i < children_.size(); ++i) index_.emplace(children_[i].name, i);
}

inline const JsonTree* JsonTree::find(std::string_view name) const {
  if (!is(Kind::object)) return nullptr;
  if (!index_.empty()) {
    const auto at = index_.find(name);
    return at != index_.end() ? &children_[at->second].value : nullptr;
  }
  const auto at = std::find_if(children_.begin(), children_.end(),
                               [name](const Member& member) { return member.name == name; });
  return at != children_.end() ? &at->value : nullptr;
}

inline const std::string* JsonTree::string(std::string_view name) const {
  const JsonTree* const member = find(name);
  return member != nullptr && member->is(Kind::string) ? &member->text_ : nullptr;
}

inline JsonTree& JsonTree::operator[](std::string_view name) {
  if (is(Kind::null)) kind_ = Kind::object;
  if (JsonTree* const member = find(name)) return *member;
  children_.push_back({std::string(name), JsonTree()});
  if (index_.empty()) {
    build_index();
  } else {
    index_.emplace(name, children_.size() - 1);
  }
  return children_.back().value;
}

inline bool JsonTree::erase(std::string_view name) {
  const auto at = std::find_if(children_.begin(), children_.end(),
                               [name](const Member& member) { return member.name == name; });
  if (!is(Kind::object) || at == children_.end()) return false;
  children_.erase(at);
  build_index();
  return true;
}

inline void JsonTree::push_back(JsonTree element) {
  if (is(Kind::null)) kind_ = Kind::array;
  children_.push_back({"", std::move(element)});
}

inline void JsonTree::append_to(std::string& to) const {
  switch (kind_) {
    case Kind::null: to += "null"; return;
    case Kind::string: append_json_string(to, text_, JsonCharset::utf8); return;
    case Kind::number:
    case Kind::boolean: to += text_; return;
    case Kind::object:
    case Kind::array: break;
  }
  to += is(Kind::object) ? '{' : '[';
  bool is_first = true;
  for (const Member& child : children_) {
    if (!std::exchange(is_first, false)) to += ',';
    if (is(Kind::object)) {
      append_json_string(to, child.name, JsonCharset::utf8);
      to += ':';
    }
    child.value.append_to(to);
  }
  to += is(Kind::object) ? '}' : ']';
}

inline bool operator==(const JsonTree& a, const JsonTree& b) {
  if (a.kind_ != b.kind_ || a.text_ != b.text_ || a.children_.size() != b.children_.size()) {
    return false;
  }
  if (a.is(JsonTree::Kind::object)) {
    return std::all_of(a.children_.begin(), a.children_.end(), [&b](const auto& member) {
      const JsonTree* const other = b.find(member.name);
      return other != nullptr && member.value == *other;
    });
  }
  return std::equal(a.children_.begin(), a.children_.end(), b.children_.begin(),
                    [](const auto& x, const auto& y) { return x.value == y.value; });
}

}  // namespace addrbook::detail
