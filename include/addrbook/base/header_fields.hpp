/// HeaderFields: header fields as the lines of a head.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
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
  HeaderFields(const HeaderFields& other) { *this = other; }
  HeaderFields(HeaderFields&& other) noexcept { swap(other); }
  HeaderFields& operator=(const HeaderFields& other) {
    if (this == &other) return *this;
    size_ = 0;
    append({other.lines()});
    return *this;
  }
  HeaderFields& operator=(HeaderFields&& other) noexcept {
    swap(other);
    return *this;
  }
  ~HeaderFields() = default;
  HeaderFields(std::initializer_list<value_type> fields) {
    for (const auto& [name, value] : fields) emplace_back(name, value);
  }

  /// Adds a field.
  /// @param name, value  not views into these lines
  void emplace_back(std::string_view name, std::string_view value) {
    append({name, colon, value, line_end});
  }
  /// Gives the first field of that name, in this case, another value; adds it if there is none.
  /// @param value  not a view into these lines
  void set(std::string_view name, std::string_view value);

  /// @returns the value of the first field of that name, in this case; nothing if there is none
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

  [[nodiscard]] inline const_iterator begin() const noexcept;
  [[nodiscard]] inline const_iterator end() const noexcept;

  /// Whole lines with their CRLF, e.g. "Allow: GET\r\n".
  [[nodiscard]] std::string_view lines() const noexcept { return {text_.get(), size_}; }

  friend bool operator==(const HeaderFields& a, const HeaderFields& b) noexcept {
    return a.lines() == b.lines();
  }
  friend bool operator!=(const HeaderFields& a, const HeaderFields& b) noexcept {
    return !(a == b);
  }

 private:
  static constexpr std::string_view colon = ": ";
  static constexpr std::string_view line_end = "\r\n";

  /// @param parts  not views into these lines
  void append(std::initializer_list<std::string_view> parts);
  void swap(HeaderFields& other) noexcept {
    std::swap(text_, other.text_);
    std::swap(size_, other.size_);
    std::swap(room_, other.room_);
  }

  // No string: to grow one for each part of a line, or to fill one with zeros first, takes longer
  // than to write the fields.
  std::unique_ptr<char[]> text_;  // NOLINT(modernize-avoid-c-arrays): room that is not written to
  std::size_t size_ = 0;
  std::size_t room_ = 0;
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

inline void HeaderFields::append(std::initializer_list<std::string_view> parts) {
  constexpr std::size_t usual_bytes = 384;  // of a reply's fields
  std::size_t after = size_;
  for (const std::string_view part : parts) after += part.size();
  if (after > room_) {
    room_ = room_ == 0 ? (std::max)(usual_bytes, after) : 2 * after;
    std::unique_ptr<char[]> larger(new char[room_]);  // NOLINT(modernize-avoid-c-arrays): see text_
    std::copy_n(text_.get(), size_, larger.get());
    text_ = std::move(larger);
  }
  char* at = text_.get() + size_;
  for (const std::string_view part : parts) at = std::copy(part.begin(), part.end(), at);
  size_ = after;
}

inline void HeaderFields::set(std::string_view name, std::string_view value) {
  const auto found = find(name);
  if (!found) return emplace_back(name, value);
  HeaderFields changed;
  const std::string_view all = lines();
  const auto at = static_cast<std::size_t>(found->data() - all.data());
  changed.append({all.substr(0, at), value, all.substr(at + found->size())});
  swap(changed);
}

inline std::optional<std::string_view> HeaderFields::find(std::string_view name) const {
  for (const auto& [each, value] : *this) {
    if (each == name) return value;
  }
  return std::nullopt;
}

}  // namespace addrbook::detail
