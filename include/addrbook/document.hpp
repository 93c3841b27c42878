/// Document: an address as a JSON object, checked once and kept as its own text.
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

/// A JSON object (RFC 8259) as text without insignificant white space. All else stays as it came:
/// the order of members, `1.0`, `1e400`, 20-digit integers, `-0`, escapes.
///
/// An immutable handle: a copy shares the text.
/// @par Thread safety  any thread, as a std::shared_ptr.
class Document {
 public:
  /// How deep arrays and objects may nest, the object itself being the first level.
  static constexpr std::size_t max_depth = 64;

  /// The empty object.
  Document() : text_(empty_text()) {}

  Document(const Document&) noexcept = default;
  Document& operator=(const Document&) noexcept = default;
  // Moving is copying: what has been moved from would have no text.
  // NOLINTNEXTLINE(performance-move-constructor-init): on purpose
  Document(Document&& other) noexcept : text_(other.text_) {}
  Document& operator=(Document&& other) noexcept {
    text_ = other.text_;
    return *this;
  }
  ~Document() = default;

  /// Takes over a tree of nlohmann::json or nlohmann::ordered_json.
  /// @throws Error{invalid} where JSON can't say it: no object, too deep, NaN, infinity, binary,
  ///         a string that is not UTF-8
  template <class Json, std::enable_if_t<nlohmann::detail::is_basic_json<Json>::value, int> = 0>
  Document(const Json& tree)  // NOLINT(google-explicit-constructor): json in is meant to be easy
      : Document(parse(dump(tree))) {}

  /// Checks a text and takes it over.
  /// @param text  UTF-8, no byte order mark
  /// @throws Error{invalid} naming the reason: no object; and with the byte offset: not RFC 8259,
  ///         text after the object, invalid UTF-8, a lone surrogate escape, a member name twice in
  ///         one object, nesting over max_depth
  /// @par Cost  one pass; no tree is built
  [[nodiscard]] static Document parse(std::string text);

  /// Takes over a text that was a document's before, unchecked: for stores.
  [[nodiscard]] static Document trusted(std::string text) {
    return Document(std::make_shared<const std::string>(std::move(text)));
  }

  /// @returns the object's text; never empty
  [[nodiscard]] const std::string& text() const noexcept { return *text_; }

  /// @returns the object as a tree
  /// @throws Error{invalid} if it holds a number beyond double, which no tree of nlohmann's can
  template <class Json = nlohmann::json>
  [[nodiscard]] Json json() const;

  /// Two documents are equal when their texts are: `1.0` is not `1`.
  friend bool operator==(const Document& a, const Document& b) noexcept {
    return a.text() == b.text();
  }
  friend bool operator!=(const Document& a, const Document& b) noexcept { return !(a == b); }

 private:
  using Text = std::shared_ptr<const std::string>;

  explicit Document(Text text) noexcept : text_(std::move(text)) {}

  static const Text& empty_text() {
    static const Text text = std::make_shared<const std::string>("{}");
    return text;
  }
  template <class Json>
  static std::string dump(const Json& tree);

  Text text_;
};

// ---------------------------------------------------------------------------------------------

inline Document Document::parse(std::string text) {
  detail::compact_json(text, max_depth);
  if (text.front() != '{') {
    throw Error(Errc::invalid, "an address is a JSON object, this is not");
  }
  text.shrink_to_fit();  // it may have arrived with a buffer's capacity, and stays for long
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
  // Json::dump() recurses and writes NaN as null, so depth and values are looked at first.
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
