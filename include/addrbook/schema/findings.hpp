/// Findings: what is wrong with a value, and with the values in it.
#pragma once

#include <addrbook/json/pointer.hpp>
#include <addrbook/validator.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// The place of a value in a document: names and positions, from the outside in.
class JsonPath {
 public:
  /// Names are a client's, and lists of violations must stay short.
  static constexpr std::size_t max_pointer_bytes = 1000;

  void push(std::string_view name) { tokens_.emplace_back(name); }
  void pop() { tokens_.pop_back(); }
  [[nodiscard]] std::size_t depth() const noexcept { return tokens_.size(); }

  /// @returns  a violation of the value, with its JSON Pointer (RFC 6901). If that is too long:
  ///           with that of the innermost value around it that has a shorter one
  [[nodiscard]] Violation violation(std::string reason) const {
    std::string pointer;
    for (const std::string_view token : tokens_) {
      const std::size_t end = pointer.size();
      append_token(pointer, token);
      if (pointer.size() > max_pointer_bytes) {
        pointer.resize(end);
        return {std::move(pointer), "holds a value that " + reason};
      }
    }
    return {std::move(pointer), std::move(reason)};
  }

 private:
  std::vector<std::string_view> tokens_;
};

/// A set of the types that JSON Schema has.
class JsonTypes {
 public:
  enum Type : unsigned {
    array = 1,
    true_or_false = 2,
    integer = 4,
    null = 8,
    number = 16,
    object = 32,
    string = 64
  };

  void add(unsigned types) noexcept { types_ |= types; }
  [[nodiscard]] bool has(unsigned types) const noexcept { return (types_ & types) != 0; }
  [[nodiscard]] bool empty() const noexcept { return types_ == 0; }
  [[nodiscard]] unsigned bits() const noexcept { return types_; }

  /// @returns  e.g. "must be an array, a string or null"
  [[nodiscard]] std::string demand() const {
    static constexpr std::array<std::pair<unsigned, std::string_view>, 7> names{{
        {array, "an array"},
        {true_or_false, "true or false"},
        {integer, "an integer"},
        {number, "a number"},
        {object, "an object"},
        {string, "a string"},
        {null, "null"},
    }};
    std::vector<std::string_view> given;
    for (const auto& name : names) {
      if (has(name.first)) given.push_back(name.second);
    }
    std::string text = "must be ";
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (i != 0) text += i + 1 == given.size() ? " or " : ", ";
      text += given[i];
    }
    return text;
  }

 private:
  unsigned types_ = 0;
};

/// A list of violations without duplicates, up to max_violations.
class Findings {
 public:
  /// @param types  if the value is not of these types
  void add(const JsonPath& path, std::string reason, JsonTypes types = {}) {
    if (list_.size() < max_violations) {
      add({path.violation(std::move(reason)), path.depth(), types});
    }
  }

  /// Adds what is wrong if a value fits none of several alternatives. Alternatives for other types
  /// than the value's say nothing of it; of the others, the one that it comes closest to counts.
  /// @param path  of the value
  void add_nearest(const JsonPath& path, const std::vector<Findings>& alternatives) {
    const Findings* nearest = nullptr;
    JsonTypes wanted;
    for (const Findings& each : alternatives) {
      const JsonTypes types = each.types_at(path.depth());
      wanted.add(types.bits());
      if (types.empty() && (nearest == nullptr || each.list_.size() < nearest->list_.size())) {
        nearest = &each;
      }
    }
    if (alternatives.empty()) return add(path, "has no alternative in the schema");
    if (nearest == nullptr) return add(path, wanted.demand(), wanted);
    for (const Finding& each : nearest->list_) add(each);
  }

  [[nodiscard]] Violations violations() const {
    Violations violations;
    for (const Finding& each : list_) violations.push_back(each.violation);
    return violations;
  }

 private:
  struct Finding {
    Violation violation;
    std::size_t depth;
    JsonTypes types;
  };

  void add(Finding finding) {
    if (list_.size() >= max_violations) return;
    const auto is_same = [&](const Finding& each) {
      return each.violation.pointer == finding.violation.pointer &&
             each.violation.reason == finding.violation.reason;
    };
    if (std::none_of(list_.begin(), list_.end(), is_same)) list_.push_back(std::move(finding));
  }

  [[nodiscard]] JsonTypes types_at(std::size_t depth) const {
    for (const Finding& each : list_) {
      if (each.depth == depth && !each.types.empty()) return each.types;
    }
    return {};
  }

  std::vector<Finding> list_;
};

}  // namespace addrbook::detail
