/// BatchOperation: one write of a batch, as a client asks for it.
#pragma once

#include <addrbook/authorization.hpp>
#include <addrbook/base/ascii.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/error.hpp>
#include <addrbook/json/spans.hpp>
#include <addrbook/rest/patches.hpp>
#include <addrbook/store.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// One write of a batch.
struct BatchOperation {
  enum class Kind { create, replace, patch, remove };

  Kind kind;
  std::string id;                   ///< "" of a create: a fresh one
  std::optional<Document> address;  ///< of create and replace
  Compute patch;                    ///< of patch
  std::optional<std::uint64_t> if_revision;

  /// @param object  as in a request's body
  /// @throws Error{invalid}
  [[nodiscard]] static BatchOperation read(JsonSpan object);

  [[nodiscard]] Action action() const noexcept {
    return kind == Kind::create   ? Action::create
           : kind == Kind::remove ? Action::remove
                                  : Action::update;
  }
  /// The condition of the write, but of a patch, which depends on what is patched.
  [[nodiscard]] Condition condition() const noexcept {
    if (kind == Kind::create) return {Condition::Kind::absent};
    if (if_revision) return {Condition::Kind::at_revision, *if_revision};
    return {Condition::Kind::present};
  }
  /// Why the condition does not hold.
  [[nodiscard]] Error refusal() const {
    const std::string named = ": '" + id + "'";
    if (kind == Kind::create) return {Errc::conflict, "There is an address already" + named};
    if (if_revision) return {Errc::precondition, "Not the expected revision" + named};
    return {Errc::not_found, "No such address" + named};
  }
};

// ---------------------------------------------------------------------------------------------

inline BatchOperation BatchOperation::read(JsonSpan object) {
  struct Form {
    std::string_view name;
    Kind kind;
    std::array<std::string_view, 4> members;
  };
  static constexpr std::array<Form, 4> forms{{
      {"create", Kind::create, {"op", "address", "id", ""}},
      {"replace", Kind::replace, {"op", "address", "id", "if_revision"}},
      {"patch", Kind::patch, {"op", "patch", "id", "if_revision"}},
      {"delete", Kind::remove, {"op", "id", "if_revision", ""}},
  }};
  const auto refuse = [](const std::string& reason) {
    throw Error(Errc::invalid, "Invalid batch: " + reason);
  };
  if (!object.is(JsonSpan::Kind::object)) refuse("an operation must be an object");
  const std::string op = object.member("op").value_or(JsonSpan("null")).string();
  const auto form =
      std::find_if(forms.begin(), forms.end(), [&](const Form& each) { return each.name == op; });
  if (form == forms.end()) refuse("'op' must be create, replace, patch or delete");

  BatchOperation operation{form->kind, {}, {}, {}, {}};
  auto members = object.children();
  while (const auto member = members.next()) {
    const std::string name = member->name();
    const JsonSpan value = member->value();
    if (name.empty() ||
        std::find(form->members.begin(), form->members.end(), name) == form->members.end()) {
      refuse(std::string("'").append(op).append("' has no member '").append(name).append("'"));
    }
    const bool is_object = value.is(JsonSpan::Kind::object);
    if (name == "id") {
      operation.id = value.string();
      if (!is_valid_id(operation.id)) refuse("'id' must be 1 to 64 of [A-Za-z0-9-]");
    } else if (name == "if_revision") {
      operation.if_revision = parse_decimal(value.text());
      if (!operation.if_revision) refuse("'if_revision' must be an integer");
    } else if (name == "address") {
      if (!is_object) refuse("'address' must be an object");
      operation.address = Document::parse(std::string(value.text()));
    } else if (name == "patch") {
      if (!is_object) refuse("'patch' must be an object, a merge patch");
      operation.patch = by_merge_patch(std::string(value.text()));
    }
  }
  if (operation.kind != Kind::create && operation.id.empty()) refuse("'id' is missing");
  const bool has_address = operation.kind == Kind::create || operation.kind == Kind::replace;
  if (has_address && !operation.address) refuse("'address' is missing");
  if (operation.kind == Kind::patch && !operation.patch) refuse("'patch' is missing");
  return operation;
}

}  // namespace addrbook::detail
