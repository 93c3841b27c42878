/// HeaderFields: header fields as the lines of a head.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// Fields in the order in which they were added, in one piece of memory. Names are tokens, and
/// values are valid field values (RFC 9110, 5.1 and 5.5): the lines can be sent as they are.
class HeaderFields {
 public:
  /// A name and a value: views into the lines.
  using value_type = std::pair<std::string_view, std::string_view>;

  class const_iterator;

  HeaderFields() = default;
  HeaderFields(std::initializer_list<value_type> fields) {
    for (const auto& [name, value] : fields) emplace_back(name, value);
  }

  /// Adds a field.
  /// @param name, value  not views into these lines
  void emplace_back(std::string_view name, std::string_view value);
  /// Gives the first field of that name, in this case, another value; adds it if there is none.
  /// @param value  not a view into these lines
  void set(std::string_view name, std::string_view value);

  /// @returns the value of the first field of that name, in this case; nothing if there is none
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

  [[nodiscard]] inline const_iterator begin() const noexcept;
  [[nodiscard]] inline const_iterator end() const noexcept;

  /// Whole lines with their CRLF, e.g. "Allow: GET\r\n".
  [[nodiscard]] std::string_view lines() const noexcept {
    return std::string_view(text_).substr(0, size_);
  }

  friend bool operator==(const HeaderFields& a, const HeaderFields& b) noexcept {
    return a.lines() == b.lines();
  }
  friend bool operator!=(const HeaderFields& a, const HeaderFields& b) noexcept {
    return !(a == b);
  }

 private:
  static constexpr std::string_view colon = ": ";
  static constexpr std::string_view line_end = "\r\n";

  // The fields, and room for more: to grow a string for each part of a line takes longer than to
  // write it.
  std::string text_;
  std::size_t size_ = 0;
};

/// Valid until the fields change.
class HeaderFields::const_iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = HeaderFields::value_type;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = value_type;

  explicit const_iterator(std::string_view rest) noexcept : rest_(rest) {}

  [[nodiscard]] value_type operator*() const noexcept {
    const auto name_size = rest_.find(':');
    const auto value_at = name_size + colon.size();
    return {rest_.substr(0, name_size), rest_.substr(value_at, line_size() - value_at)};
  }
  const_iterator& operator++() noexcept {
    rest_.remove_prefix(line_size() + line_end.size());
    return *this;
  }
  friend bool operator==(const const_iterator& a, const const_iterator& b) noexcept {
    return a.rest_.size() == b.rest_.size();
  }
  friend bool operator!=(const const_iterator& a, const const_iterator& b) noexcept {
    return !(a == b);
  }

 private:
  [[nodiscard]] std::size_t line_size() const noexcept { return rest_.find('\r'); }

  std::string_view rest_;
};

// ---------------------------------------------------------------------------------------------

inline HeaderFields::const_iterator HeaderFields::begin() const noexcept {
  return const_iterator(lines());
}

inline HeaderFields::const_iterator HeaderFields::end() const noexcept {
  return const_iterator({});
}

inline void HeaderFields::emplace_back(std::string_view name, std::string_view value) {
  constexpr std::size_t usual_bytes = 384;  // of a reply's fields
  const std::size_t after = size_ + name.size() + colon.size() + value.size() + line_end.size();
  if (text_.empty()) text_.assign((std::max)(usual_bytes, after), '\0');
  if (after > text_.size()) text_.resize(2 * after);
  char* at = text_.data() + size_;
  for (const std::string_view part : {name, colon, value, line_end}) {
    at = std::copy(part.begin(), part.end(), at);
  }
  size_ = after;
}

inline void HeaderFields::set(std::string_view name, std::string_view value) {
  const auto found = find(name);
  if (!found) return emplace_back(name, value);
  const auto at = static_cast<std::size_t>(found->data() - text_.data());
  size_ += value.size() - found->size();
  text_.replace(at, found->size(), value);
}

inline std::optional<std::string_view> HeaderFields::find(std::string_view name) const {
  for (const auto& [each, value] : *this) {
    if (each == name) return value;
  }
  return std::nullopt;
}

}  // namespace addrbook::detail
