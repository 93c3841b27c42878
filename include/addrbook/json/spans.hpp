/// JsonSpan: a value inside a JSON text, read where it stands. No tree is built.
#pragma once

#include <addrbook/json/strings.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// A value in a text that compact_json() has made, e.g. that of a Document. The text must outlive
/// it. To step over a value reads the value's text, so nested loops over a document cost its size
/// times the depth that they reach.
class JsonSpan {
 public:
  enum class Kind { object, array, string, number, boolean, null };

  /// @param text  of the whole value
  explicit JsonSpan(std::string_view text) noexcept : text_(text) {}

  /// The value as it stands in the text.
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] inline Kind kind() const noexcept;
  [[nodiscard]] bool is(Kind kind) const noexcept { return this->kind() == kind; }

  /// Whether it is a number without fraction and exponent.
  [[nodiscard]] bool is_integer() const noexcept {
    return is(Kind::number) && text_.find_first_of(".eE") == std::string_view::npos;
  }

  /// The characters of a string; "" for any other value.
  [[nodiscard]] std::string string() const {
    if (!is(Kind::string)) return {};
    return unescape_json(text_.substr(1, text_.size() - 2));
  }

  /// One member of an object, or one element of an array, which has no name.
  struct Child {
    std::string_view raw_name;  ///< between the quotes, not unescaped
    std::string_view value_text;

    [[nodiscard]] std::string name() const { return unescape_json(raw_name); }
    /// Whether the name stands for these characters.
    [[nodiscard]] bool is_named(std::string_view name) const {
      if (raw_name.find('\\') == std::string_view::npos) return raw_name == name;
      return unescape_json(raw_name) == name;
    }
    [[nodiscard]] JsonSpan value() const noexcept { return JsonSpan(value_text); }
  };

  /// Goes over the children of an object or an array in their order. A value of another kind has
  /// none.
  class Children {
   public:
    explicit inline Children(JsonSpan parent) noexcept;

    /// @returns nothing behind the last one
    [[nodiscard]] inline std::optional<Child> next() noexcept;

   private:
    std::string_view rest_;  // up to the closing bracket; empty at the end
    bool is_object_ = false;
  };
  [[nodiscard]] Children children() const noexcept { return Children(*this); }

  /// @returns the member of an object that has the name; nothing if there is none, or if this is
  ///          not an object
  [[nodiscard]] inline std::optional<JsonSpan> member(std::string_view name) const;

 private:
  std::string_view text_;
};

/// @param text  begins with a value
/// @returns     the size of that value's text
[[nodiscard]] inline std::size_t json_value_size(std::string_view text) noexcept;

// ---------------------------------------------------------------------------------------------

/// @param text  begins with a string literal
/// @returns     its size with both quotes
[[nodiscard]] inline std::size_t json_string_size(std::string_view text) noexcept {
  std::size_t i = 1;
  while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2U : 1U;
  return i + 1;
}

inline std::size_t json_value_size(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (text[0] == '"') return json_string_size(text);
  if (text[0] != '{' && text[0] != '[') return (std::min)(text.find_first_of(",]}"), text.size());
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size();) {
    switch (text[i]) {
      case '"': i += json_string_size(text.substr(i)); continue;
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']':
        if (--depth == 0) return i + 1;
        break;
      default: break;
    }
    ++i;
  }
  return text.size();
}

inline JsonSpan::Kind JsonSpan::kind() const noexcept {
  switch (text_.empty() ? 'n' : text_[0]) {
    case '{': return Kind::object;
    case '[': return Kind::array;
    case '"': return Kind::string;
    case 't':
    case 'f': return Kind::boolean;
    case 'n': return Kind::null;
    default: return Kind::number;
  }
}

inline JsonSpan::Children::Children(JsonSpan parent) noexcept
    : is_object_(parent.is(Kind::object)) {
  if (is_object_ || parent.is(Kind::array)) {
    rest_ = parent.text().substr(1, parent.text().size() - 2);
  }
}

inline std::optional<JsonSpan::Child> JsonSpan::Children::next() noexcept {
  if (rest_.empty()) return std::nullopt;
  Child child;
  if (is_object_) {
    const std::size_t size = json_string_size(rest_);
    child.raw_name = rest_.substr(1, size - 2);
    rest_.remove_prefix(size + 1);  // with the colon
  }
  const std::size_t size = json_value_size(rest_);
  child.value_text = rest_.substr(0, size);
  rest_.remove_prefix(size == rest_.size() ? size : size + 1);  // with the comma
  return child;
}

inline std::optional<JsonSpan> JsonSpan::member(std::string_view name) const {
  if (!is(Kind::object)) return std::nullopt;
  Children members = children();
  while (const auto each = members.next()) {
    if (each->is_named(name)) return each->value();
  }
  return std::nullopt;
}

}  // namespace addrbook::detail
