/// Patches in requests: from a body to what computes an address from another.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http/negotiation.hpp>
#include <addrbook/json/compact.hpp>
#include <addrbook/json/merge_patch.hpp>
#include <addrbook/json/patch.hpp>
#include <addrbook/json/spans.hpp>
#include <addrbook/metrics/transfer_counts.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/service.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace addrbook::detail {

/// Computes a document from another one.
using Compute = std::function<Document(const Document&)>;

/// @param patch  an object's text, as compact_json() leaves it
[[nodiscard]] inline Compute by_merge_patch(std::string patch) {
  return [patch = std::move(patch)](const Document& document) {
    return Document::parse(merge_patch(document.text(), patch));
  };
}

/// @param max_bytes  of the result
[[nodiscard]] inline Compute by_json_patch(std::shared_ptr<const JsonPatch> patch,
                                           std::size_t max_bytes) {
  return [patch = std::move(patch), max_bytes](const Document& document) {
    std::string text = patch->apply(document.text(), {max_bytes, Document::max_depth});
    if (text.empty()) throw Error(Errc::invalid, "Invalid JSON Patch: nothing is left");
    return Document::parse(std::move(text));
  };
}

/// @returns what the body of a PATCH makes of an address; it throws Error{conflict} or
///          Error{invalid} where that can't be done
/// @throws HttpError{400} the body is not JSON | Error{invalid} it is no patch, or makes no address
[[nodiscard]] inline Compute parse_patch(const Context& context) {
  const auto type = context.exchange.request().header("Content-Type");
  const bool is_json_patch = type && media_type(*type) == "application/json-patch+json";
  std::string text = context.body;
  try {
    constexpr std::size_t around_values = 2;  // the array, and each operation
    compact_json(text, Document::max_depth + (is_json_patch ? around_values : 0));
  } catch (const Error& error) {
    std::throw_with_nested(HttpError::of_body(BodyFault::malformed, 400,
                                              std::string("Invalid JSON body: ") + error.what()));
  }
  if (is_json_patch) {
    return by_json_patch(std::make_shared<const JsonPatch>(std::move(text)),
                         context.service->options().max_document_bytes);
  }
  if (!JsonSpan(text).is(JsonSpan::Kind::object)) {
    throw Error(Errc::invalid, "Invalid merge patch: an address must be a JSON object");
  }
  return by_merge_patch(std::move(text));
}

}  // namespace addrbook::detail
