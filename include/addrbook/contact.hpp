/// Contact: an address of any shape, read as a person or an organization.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/json/spans.hpp>

#include <string>
#include <vector>

namespace addrbook {

/// What an address says of a contact. A text that it does not have is empty.
struct Contact {
  std::string name;
  std::string given;
  std::string family;
  std::string organization;
  std::vector<std::string> emails;
  std::vector<std::string> phones;
  std::vector<std::string> labels;
  std::string birthday;
};

[[nodiscard]] inline Contact read_contact(const Document& address) {
  const detail::JsonSpan object(address.text());
  const auto text = [&](std::string_view name) {
    const auto value = object.member(name);
    return value ? value->string() : std::string();
  };
  const auto texts = [&](std::string_view name) {
    std::vector<std::string> found;
    if (const auto value = object.member(name)) {
      auto elements = value->children();
      while (const auto each = elements.next()) found.push_back(each->value().string());
    }
    return found;
  };
  return {text("name"),    text("given"),   text("family"),  text("organization"),
          texts("emails"), texts("phones"), texts("labels"), text("birthday")};
}

}  // namespace addrbook
