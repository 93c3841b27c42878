/// VCard: a card as its properties, between text and JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace addrbook::detail {

/// A parameter of a property (RFC 6350, 3.3 and 5).
struct VCardParameter {
  std::string name;                 ///< in capital letters
  std::vector<std::string> values;  ///< without quotes, and RFC 6868's escapes undone; at least one
};

/// A property as vCard 4.0 has it, whatever version it was read from.
struct VCardProperty {
  std::string group;  ///< as it was written; "": none
  std::string name;   ///< in capital letters
  std::vector<VCardParameter> parameters;
  /// In UTF-8, with the escapes of RFC 6350, 3.4, on one line without its end. What was binary is a
  /// `data:` URI.
  std::string value;
  std::uint64_t line = 0;  ///< of the input; 0: of none
};

/// A card: what stands between BEGIN and END, but for VERSION.
struct VCard {
  std::vector<VCardProperty> properties;
};

}  // namespace addrbook::detail
