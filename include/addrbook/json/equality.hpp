/// Whether two JSON texts stand for the same value.
#pragma once

#include <addrbook/json/decimal.hpp>
#include <addrbook/json/effort.hpp>
#include <addrbook/json/spans.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Compares as RFC 6902, 4.6 says: numbers by their value (1 is 1.0), strings by their characters
/// ("a" is "\u0061"), arrays element by element, objects whatever the order of their members. It
/// recurses as deep as both texts nest.
/// @param effort  is spent for what is read
/// @throws Error{invalid} the effort's limit is passed
[[nodiscard]] inline bool are_equal(JsonSpan a, JsonSpan b, Effort& effort);

// ---------------------------------------------------------------------------------------------

[[nodiscard]] inline bool have_equal_members(JsonSpan a, JsonSpan b, Effort& effort) {
  using Members = std::vector<std::pair<std::string, JsonSpan>>;
  const auto members_of = [](JsonSpan object) {
    Members members;
    auto children = object.children();
    while (const auto child = children.next()) members.emplace_back(child->name(), child->value());
    // Sorted, not hashed, because no choice of names makes this quadratic.
    std::sort(members.begin(), members.end(),
              [](const auto& x, const auto& y) { return x.first < y.first; });
    return members;
  };
  const Members left = members_of(a);
  const Members right = members_of(b);
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](const auto& x, const auto& y) {
                      return x.first == y.first && are_equal(x.second, y.second, effort);
                    });
}

inline bool are_equal(JsonSpan a, JsonSpan b, Effort& effort) {
  constexpr std::size_t of_a_call = 16;
  effort.spend(a.text().size() + b.text().size() + of_a_call);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case JsonSpan::Kind::object: return have_equal_members(a, b, effort);
    case JsonSpan::Kind::array: {
      auto left = a.children();
      auto right = b.children();
      while (true) {
        const auto x = left.next();
        const auto y = right.next();
        if (!x || !y) return !x && !y;
        if (!are_equal(x->value(), y->value(), effort)) return false;
      }
    }
    case JsonSpan::Kind::string: return a.text() == b.text() || a.string() == b.string();
    case JsonSpan::Kind::number:
      return a.text() == b.text() || Decimal::of(a.text()) == Decimal::of(b.text());
    case JsonSpan::Kind::boolean:
    case JsonSpan::Kind::null: return a.text() == b.text();
  }
  return false;
}

}  // namespace addrbook::detail
