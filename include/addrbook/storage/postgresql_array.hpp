/// PostgresqlArray: many values as one parameter of a statement. Knows no libpq.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace addrbook::detail {

/// A one-dimensional array in the binary format of array_recv(): dimensions, flags, the elements'
/// type, the size and the lower bound, then each element with its size; all numbers with the most
/// significant byte first.
class PostgresqlArray {
 public:
  /// @param type  of the elements, by its number in pg_type
  explicit PostgresqlArray(std::uint32_t type) {
    constexpr std::uint32_t dimensions = 1;
    constexpr std::uint32_t no_nulls = 0;
    constexpr std::uint32_t lower_bound = 1;
    for (const std::uint32_t value : {dimensions, no_nulls, type, std::uint32_t{0}, lower_bound}) {
      append(value);
    }
  }
  [[nodiscard]] static PostgresqlArray of_integers() {
    constexpr std::uint32_t int8 = 20;
    return PostgresqlArray(int8);
  }
  [[nodiscard]] static PostgresqlArray of_texts() {
    constexpr std::uint32_t text = 25;
    return PostgresqlArray(text);
  }

  void add(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    append(std::uint32_t{8});
    append(static_cast<std::uint32_t>(bits >> 32U));
    append(static_cast<std::uint32_t>(bits & 0xFFFFFFFFU));
    count();
  }
  void add(std::string_view text) {
    append(static_cast<std::uint32_t>(text.size()));
    bytes_ += text;
    count();
  }

  [[nodiscard]] bool is_empty() const noexcept { return size_ == 0; }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

  /// @returns a number as it is sent
  [[nodiscard]] static std::array<char, 4> encode(std::uint32_t value) noexcept {
    return {static_cast<char>(value >> 24U), static_cast<char>(value >> 16U),
            static_cast<char>(value >> 8U), static_cast<char>(value)};
  }

 private:
  void append(std::uint32_t value) {
    const auto bytes = encode(value);
    bytes_.append(bytes.data(), bytes.size());
  }
  void count() {
    constexpr std::size_t size_at = 12;
    const auto bytes = encode(++size_);
    bytes_.replace(size_at, bytes.size(), bytes.data(), bytes.size());
  }

  std::string bytes_;
  std::uint32_t size_ = 0;
};

}  // namespace addrbook::detail
