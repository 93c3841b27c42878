/// MemberNames: which members of an address a client asks for.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/document.hpp>
#include <addrbook/http/query_string.hpp>
#include <addrbook/json/spans.hpp>
#include <addrbook/rest/about.hpp>
#include <addrbook/rest/parameters.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace addrbook::detail {

constexpr Parameter fields_parameter{
    "fields",
    "Only these members of each address, with commas between them. Names that an address does not "
    "have are left out.",
    R"({"type":"string","minLength":1})", R"("name,emails")"};

/// The value of `fields`, e.g. `name,emails`: members of the address itself, not of what is in it.
class MemberNames {
 public:
  /// @throws HttpError{400} if it has no name, or an empty one
  [[nodiscard]] static MemberNames read(const QueryParameter& parameter) {
    MemberNames result;
    std::string_view list = parameter.value;
    while (true) {
      const bool is_last = list.find(',') == std::string_view::npos;
      result.names_.emplace_back(trim(cut(list, ',')));
      if (result.names_.back().empty()) {
        refuse_value(parameter.name, "a list of names with ',' between them");
      }
      if (is_last) break;
    }
    std::sort(result.names_.begin(), result.names_.end());
    return result;
  }

  /// @returns an object with those members that the address has, in its order
  [[nodiscard]] std::string keep(const Document& address) const {
    std::string text = "{";
    auto members = JsonSpan(address.text()).children();
    while (const auto member = members.next()) {
      if (!std::binary_search(names_.begin(), names_.end(), member->name())) continue;
      if (text.size() > 1) text += ',';
      text.append("\"").append(member->raw_name).append("\":").append(member->value_text);
    }
    return text + "}";
  }

 private:
  MemberNames() = default;

  std::vector<std::string> names_;
};

}  // namespace addrbook::detail
