/// Header fields: the grammar of their names and values, and looking them up in a head.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// @returns whether `value` can stand in a header field (RFC 9110, 5.5): nothing in it ends
///          the line
[[nodiscard]] inline bool is_field_value(std::string_view value) noexcept {
  const auto is_bad = [](char c) { return is_control(c) && c != '\t'; };
  // Eight bytes at once. What is found in them may be a tab.
  constexpr std::uint64_t ones = 0x0101010101010101;
  while (value.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, value.data(), sizeof(word));
    const std::uint64_t flipped = word ^ (ones * 0x7f);  // 0x7f becomes 0
    const std::uint64_t controls = (word - ones * 0x20) & ~word;
    const std::uint64_t deletes = (flipped - ones) & ~flipped;
    if (((controls | deletes) & (ones * 0x80)) != 0 &&
        std::any_of(value.begin(), value.begin() + sizeof(word), is_bad)) {
      return false;
    }
    value.remove_prefix(sizeof(word));
  }
  return std::none_of(value.begin(), value.end(), is_bad);
}

/// The characters of a token, such as a method or a field name (RFC 9110, 5.6.2).
inline constexpr CharacterSet token_characters = CharacterSet::alphanumeric_or("!#$%&'*+-.^_`|~");

[[nodiscard]] inline bool is_token_character(char c) noexcept {
  return token_characters.has(c);
}

[[nodiscard]] inline bool is_token(std::string_view text) noexcept {
  return !text.empty() && token_characters.has_all(text);
}

/// @returns whether a comma-separated list (RFC 9110, 5.6.1) contains `lower`, ignoring case
[[nodiscard]] inline bool has_member(std::string_view list, std::string_view lower) noexcept {
  while (!list.empty()) {
    if (equals_ignoring_case(trim(cut(list, ',')), lower)) return true;
  }
  return false;
}

/// Where the fields of a head stand in its text. Takes no memory beyond itself (1.2 kB).
class FieldTable {
 public:
  static constexpr std::size_t capacity = 100;

  // Not `= default`: `FieldTable()` would then write zeros over the whole table.
  FieldTable() noexcept {}  // NOLINT(modernize-use-equals-default)
  FieldTable(const FieldTable& other) noexcept { *this = other; }
  FieldTable& operator=(const FieldTable& other) noexcept {
    // What lies behind the size was never written.
    // NOLINTNEXTLINE(bugprone-unhandled-self-assignment)
    for (size_ = 0; size_ < other.size_; ++size_) places_[size_] = other.places_[size_];
    return *this;
  }
  ~FieldTable() = default;

  /// Adds a field. There must be room: size() below capacity.
  /// @param text   of the head, up to 4 GiB
  /// @param name   a part of `text`
  /// @param value  a part of `text`, up to 64 KiB
  void add(std::string_view text, std::string_view name, std::string_view value) noexcept {
    places_[size_++] = {static_cast<std::uint32_t>(name.data() - text.data()),
                        static_cast<std::uint32_t>(value.data() - text.data()),
                        static_cast<std::uint16_t>(name.size()),
                        static_cast<std::uint16_t>(value.size())};
  }

  /// Gives a field another value. @param value  as for add()
  void set_value(std::size_t index, std::string_view text, std::string_view value) noexcept {
    places_[index].value_at = static_cast<std::uint32_t>(value.data() - text.data());
    places_[index].value_size = static_cast<std::uint16_t>(value.size());
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t name_size(std::size_t index) const noexcept {
    return places_[index].name_size;
  }
  [[nodiscard]] std::string_view name(std::string_view text, std::size_t index) const noexcept {
    return text.substr(places_[index].at, places_[index].name_size);
  }
  /// @returns the value without the white space around it
  [[nodiscard]] std::string_view value(std::string_view text, std::size_t index) const noexcept {
    return text.substr(places_[index].value_at, places_[index].value_size);
  }

 private:
  struct Place {
    std::uint32_t at;  // of the name, in the text
    std::uint32_t value_at;
    std::uint16_t name_size;
    std::uint16_t value_size;
  };

  std::size_t size_ = 0;
  std::array<Place, capacity> places_;
};

/// Looks fields up in a head without a copy.
/// @par Thread safety  one call at a time.
class FieldView {
 public:
  /// @param text    of the head; must stay valid, as `fields` must
  /// @param fields  of that text
  FieldView(std::string_view text, const FieldTable& fields) noexcept
      : text_(text), fields_(fields) {}

  /// @returns the field's value, its lines joined by ", " in their order (RFC 9110, 5.3); nothing
  ///          if absent. The name's case does not matter. The view is valid as long as this object
  ///          and the text.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const {
    std::size_t at = index_of(name, 0);
    if (at == fields_.size()) return std::nullopt;
    const std::string_view first = fields_.value(text_, at);
    at = index_of(name, at + 1);
    if (at == fields_.size()) return first;
    std::string& joined = joined_.emplace_front(first);
    for (; at < fields_.size(); at = index_of(name, at + 1)) {
      joined.append(", ").append(fields_.value(text_, at));
    }
    return joined;
  }

 private:
  /// @returns the index of the first such field from `at` on; the number of fields if there is none
  [[nodiscard]] std::size_t index_of(std::string_view name, std::size_t at) const noexcept {
    // Most names differ in size, which needs no look at the text.
    while (at < fields_.size() && (fields_.name_size(at) != name.size() ||
                                   !equals_ignoring_case(fields_.name(text_, at), name))) {
      ++at;
    }
    return at;
  }

  std::string_view text_;
  const FieldTable& fields_;
  mutable std::forward_list<std::string> joined_;
};

}  // namespace addrbook::detail
