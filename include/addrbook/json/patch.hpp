/// JSON Patch (RFC 6902), text by text.
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/json/compact.hpp>
#include <addrbook/json/effort.hpp>
#include <addrbook/json/equality.hpp>
#include <addrbook/json/patch_tree.hpp>
#include <addrbook/json/pointer.hpp>
#include <addrbook/json/spans.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A JSON Patch, checked once. It may be applied to any number of texts. What it does not touch is
/// copied as it stands; a member that it replaces keeps its place, new ones follow.
class JsonPatch {
 public:
  /// What a patched text may be, and cost.
  struct Limits {
    std::size_t max_bytes;  ///< of the text, after each operation
    std::size_t max_depth;  ///< of the text that is patched, and of the patch's values
    /// The effort for each byte of the text and of the patch: so the cost grows no faster than
    /// both, whatever the operations are. Everyday patches take less than a tenth of it.
    std::size_t effort_per_byte = 32;
  };

  /// @param text  of the patch, as compact_json() leaves it
  /// @throws Error{invalid} it is not a JSON Patch; names the operation, from 0
  explicit JsonPatch(std::string text);

  JsonPatch(const JsonPatch&) = delete;  // the operations refer to the text
  JsonPatch& operator=(const JsonPatch&) = delete;
  ~JsonPatch() = default;

  [[nodiscard]] std::size_t size() const noexcept { return operations_.size(); }

  /// @param text  of any JSON value, as compact_json() leaves it
  /// @returns the patched value's text, which may nest deeper than Limits::max_depth; "" if nothing
  ///          is left
  /// @throws Error{conflict} a value is not there, or a test fails; names the operation and the
  ///         pointer | Error{invalid} the limits are passed
  [[nodiscard]] std::string apply(std::string_view text, const Limits& limits) const;

 private:
  enum class Kind { add, remove, replace, move, copy, test };

  struct Operation {
    Kind kind;
    std::string path;
    std::string from;        // of move and copy
    std::string_view value;  // of add, replace and test
  };

  [[nodiscard]] static Operation read(JsonSpan object, std::size_t index);
  [[nodiscard]] static std::string read_pointer(JsonSpan object, const char* name,
                                                std::size_t index);
  [[noreturn]] static void fail(std::size_t index, const std::string& reason,
                                SourceLine thrown_at = SourceLine::here());
  [[noreturn]] static void fail_at(std::size_t index, const std::string& reason,
                                   std::string_view pointer,
                                   SourceLine thrown_at = SourceLine::here());
  static void apply(const Operation& operation, std::size_t index, PatchTree& tree, Effort& effort);

  std::string text_;
  std::vector<Operation> operations_;
};

// ---------------------------------------------------------------------------------------------

inline JsonPatch::JsonPatch(std::string text) : text_(std::move(text)) {
  const JsonSpan patch(text_);
  if (!patch.is(JsonSpan::Kind::array)) {
    throw Error(Errc::invalid, "Invalid JSON Patch: it must be an array of operations");
  }
  auto children = patch.children();
  while (const auto child = children.next()) {
    operations_.push_back(read(child->value(), operations_.size()));
  }
}

inline JsonPatch::Operation JsonPatch::read(JsonSpan object, std::size_t index) {
  struct Form {
    std::string_view name;
    Kind kind;
    bool has_from;
    bool has_value;
  };
  static constexpr std::array<Form, 6> forms{{{"add", Kind::add, false, true},
                                              {"remove", Kind::remove, false, false},
                                              {"replace", Kind::replace, false, true},
                                              {"move", Kind::move, true, false},
                                              {"copy", Kind::copy, true, false},
                                              {"test", Kind::test, false, true}}};
  if (!object.is(JsonSpan::Kind::object)) fail(index, "must be an object");
  const auto op = object.member("op");
  if (!op || !op->is(JsonSpan::Kind::string)) fail(index, "'op' must be a string");
  const std::string name = op->string();
  for (const Form& form : forms) {
    if (name != form.name) continue;
    Operation operation{form.kind, read_pointer(object, "path", index), {}, {}};
    if (form.has_from) operation.from = read_pointer(object, "from", index);
    if (form.has_value) {
      const auto value = object.member("value");
      if (!value) fail(index, "'value' is missing");
      operation.value = value->text();
    }
    if (form.kind == Kind::move && is_below(operation.path, operation.from)) {
      fail(index, "a value can't move into itself");
    }
    return operation;
  }
  fail(index, "'op' must be add, remove, replace, move, copy or test");
}

inline std::string JsonPatch::read_pointer(JsonSpan object, const char* name, std::size_t index) {
  const auto member = object.member(name);
  if (!member || !member->is(JsonSpan::Kind::string)) {
    fail(index, "'" + std::string(name) + "' must be a string");
  }
  std::string pointer = member->string();
  if (!is_json_pointer(pointer)) {
    fail(index, "'" + std::string(name) + "' must be a JSON Pointer, e.g. '/name'");
  }
  return pointer;
}

inline void JsonPatch::fail(std::size_t index, const std::string& reason, SourceLine thrown_at) {
  throw Error(Errc::invalid,
              "Invalid JSON Patch: operation " + std::to_string(index) + ": " + reason, thrown_at);
}

inline void JsonPatch::fail_at(std::size_t index, const std::string& reason,
                               std::string_view pointer, SourceLine thrown_at) {
  constexpr std::size_t max_shown = 200;
  std::string shown(pointer.substr(0, max_shown));
  if (pointer.size() > max_shown) shown += "...";
  throw Error(Errc::conflict,
              "Operation " + std::to_string(index) + ": " + reason + " '" + shown + "'", thrown_at);
}

inline std::string JsonPatch::apply(std::string_view text, const Limits& limits) const {
  constexpr std::size_t of_any_patch = std::size_t{16} * 1024;
  Effort effort((text.size() + text_.size() + of_any_patch) * limits.effort_per_byte);
  PatchTree tree(text, limits.max_depth, effort);
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    apply(operations_[i], i, tree, effort);
    if (tree.bytes() > limits.max_bytes) {
      fail(i, "the result is over " + std::to_string(limits.max_bytes) + " bytes");
    }
  }
  return tree.text();
}

inline void JsonPatch::apply(const Operation& operation, std::size_t index, PatchTree& tree,
                             Effort& effort) {
  const auto value_at = [&](const std::string& pointer) {
    auto value = tree.find(pointer);
    if (!value) fail_at(index, "there is no value at", pointer);
    return *std::move(value);
  };
  const auto add = [&](PatchValue value) {
    if (!tree.add(operation.path, std::move(value))) {
      fail_at(index, "there is no place for", operation.path);
    }
  };
  const auto remove = [&](const std::string& pointer) {
    auto value = tree.remove(pointer);
    if (!value) fail_at(index, "there is no value at", pointer);
    return *std::move(value);
  };
  switch (operation.kind) {
    case Kind::add: add({operation.value, nullptr}); return;
    case Kind::remove: remove(operation.path); return;
    case Kind::replace:
      if (!tree.replace(operation.path, {operation.value, nullptr})) {
        fail_at(index, "there is no value at", operation.path);
      }
      return;
    case Kind::move:
      if (operation.from == operation.path) {  // RFC 6902, 4.4 forbids a proper prefix only
        static_cast<void>(value_at(operation.from));
      } else {
        add(remove(operation.from));
      }
      return;
    case Kind::copy: add(value_at(operation.from)); return;
    case Kind::test: {
      const PatchValue value = value_at(operation.path);
      std::string made;
      if (value.node) {
        effort.spend(value.bytes());
        value.append_to(made);
      }
      const JsonSpan actual(value.node ? std::string_view(made) : value.text);
      if (!are_equal(actual, JsonSpan(operation.value), effort)) {
        fail_at(index, "the test fails at", operation.path);
      }
      return;
    }
  }
}

}  // namespace addrbook::detail
