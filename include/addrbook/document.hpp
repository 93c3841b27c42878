/// Document: an address as a JSON object, checked once and kept as text.
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/json/compact.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace addrbook {

/// A JSON object (RFC 8259) as text without insignificant white space. Everything else is kept as
/// it was: the order of members, `1.0`, `1e400`, 20-digit integers, `-0`, escapes.
///
/// Immutable; copies share the text.
/// @par Thread safety  any thread, as a std::shared_ptr.
class Document {
 public:
  /// The deepest nesting of arrays and objects; the object itself is level 1.
  static constexpr std::size_t max_depth = 64;

  /// The empty object, which a moved-from document is too.
  Document() noexcept = default;

  /// Makes a document of a tree of nlohmann::json or nlohmann::ordered_json.
  /// @throws Error{invalid} for what JSON can't express or a document can't be: not an object,
  /// nested
  ///         too deep, NaN, infinity, binary, a string that is not UTF-8
  template <class Json, std::enable_if_t<nlohmann::detail::is_basic_json<Json>::value, int> = 0>
  Document(const Json& tree)  // NOLINT(google-explicit-constructor): json in is meant to be easy
      : Document(parse(dump(tree))) {}

  /// Makes a document of a JSON text.
  /// @param text  UTF-8, without a byte order mark
  /// @throws Error{invalid} if it is not an object; with the byte offset, if it is not RFC 8259,
  /// has
  ///         text after the object, invalid UTF-8, a lone surrogate escape, a member name twice in
  ///         one object, or nesting over max_depth
  /// @par Cost  one pass, no tree
  [[nodiscard]] static Document parse(std::string text);

  /// Makes a document of a text that text() has returned before, without a check: for stores.
  [[nodiscard]] static Document trusted(std::string text) {
    return Document(std::make_shared<const std::string>(std::move(text)));
  }

  /// @returns the object's text, never empty
  [[nodiscard]] const std::string& text() const noexcept { return text_ ? *text_ : empty_text(); }

  /// @returns the object as a tree
  /// @throws Error{invalid} if it has a number beyond double, which nlohmann's trees can't hold
  template <class Json = nlohmann::json>
  [[nodiscard]] Json json() const;

  /// Documents are equal if their texts are: `1.0` is not `1`.
  friend bool operator==(const Document& a, const Document& b) noexcept {
    return a.text() == b.text();
  }
  friend bool operator!=(const Document& a, const Document& b) noexcept { return !(a == b); }

 private:
  using Text = std::shared_ptr<const std::string>;

  explicit Document(Text text) noexcept : text_(std::move(text)) {}

  static const std::string& empty_text() noexcept {
    static const std::string text = "{}";
    return text;
  }
  template <class Json>
  static std::string dump(const Json& tree);

  Text text_;  // null: "{}"
};

// ---------------------------------------------------------------------------------------------

inline Document Document::parse(std::string text) {
  detail::compact_json(text, max_depth);
  if (text.front() != '{') {
    throw Error(Errc::invalid, "an address must be a JSON object");
  }
  text.shrink_to_fit();  // it may have a buffer's capacity, and is kept for long
  return Document(std::make_shared<const std::string>(std::move(text)));
}

template <class Json>
Json Document::json() const {
  try {
    return Json::parse(text());
  } catch (const typename Json::exception&) {
    std::throw_with_nested(Error(Errc::invalid, "the address holds a number beyond double"));
  }
}

template <class Json>
std::string Document::dump(const Json& tree) {
  // Json::dump() recurses, and writes NaN as null: depth and values are checked first.
  std::vector<std::pair<const Json*, std::size_t>> open{{&tree, 1}};
  while (!open.empty()) {
    const auto [node, depth] = open.back();
    open.pop_back();
    if (node->is_discarded() || node->is_binary()) {
      throw Error(Errc::invalid, "the tree holds a value that JSON has no form for");
    }
    if (node->is_number_float() && !std::isfinite(node->template get<double>())) {
      throw Error(Errc::invalid, "the tree holds NaN or infinity");
    }
    if (node->is_structured()) {
      if (depth > max_depth) {
        throw Error(Errc::invalid, "nesting over " + std::to_string(max_depth) + " levels");
      }
      for (const Json& child : *node) open.emplace_back(&child, depth + 1);
    }
  }
  try {
    return tree.dump();
  } catch (const typename Json::exception&) {
    std::throw_with_nested(Error(Errc::invalid, "the tree holds a string that is not UTF-8"));
  }
}

}  // namespace addrbook
