/// Entry: a document in a book, and the ids of entries.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/base/random.hpp>
#include <addrbook/document.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace addrbook {

/// A moment in UTC.
using Timestamp = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

/// A document in a book.
struct Entry {
  std::string id;  ///< see is_valid_id()
  /// Names the line of revisions that `created` and `revision` belong to: 64 random bits, made with
  /// the book and again by a restore. Its text is 16 hex digits.
  std::uint64_t epoch = 0;
  std::uint64_t created = 0;   ///< the revision that created the entry: unique, the order of lists
  std::uint64_t revision = 0;  ///< the revision of the entry's last write
  Document document;
  Timestamp created_at;  ///< when the entry was created
  Timestamp updated_at;  ///< when `document` was written
};

/// @returns whether `id` matches [A-Za-z0-9-]{1,64}
[[nodiscard]] inline bool is_valid_id(std::string_view id) noexcept {
  constexpr std::size_t max_size = 64;
  // A table, as every id is checked, most of them twice.
  static constexpr auto allowed = detail::CharacterSet::alphanumeric_or("-");
  return !id.empty() && id.size() <= max_size && allowed.has_all(id);
}

[[nodiscard]] inline Timestamp now() noexcept {
  return std::chrono::time_point_cast<Timestamp::duration>(std::chrono::system_clock::now());
}

/// @returns a fresh id: a UUID of version 7 (RFC 9562, 5.7) as 32 lowercase hex digits. Ids sort by
///          the millisecond in which they are made, which keeps B-trees of them compact.
[[nodiscard]] inline std::string make_id() {
  const auto time = static_cast<std::uint64_t>(now().time_since_epoch().count());
  constexpr std::uint64_t version_7 = 0x7000;
  constexpr std::uint64_t variant = std::uint64_t{2} << 62U;
  const std::uint64_t random = detail::random_bits();
  const std::uint64_t high = (time << 16U) | version_7 | (detail::random_bits() & 0xFFFU);
  return detail::hex(high) + detail::hex(variant | (random >> 2U));
}

}  // namespace addrbook
