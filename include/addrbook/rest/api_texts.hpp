/// ApiTexts: the API document of a mount, made once.
#pragma once

#include <addrbook/base/checksum.hpp>
#include <addrbook/http/conditions.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// A text and what it is known by.
struct ServedText {
  explicit ServedText(std::string served)
      : text(std::move(served)), tag(checksum(text), text.size()) {}

  std::string text;
  EntityTag tag;
};

struct ApiTexts {
  /// @param page_policy  the page's Content-Security-Policy
  ApiTexts(std::string json_text, std::string page_text, std::string_view page_policy)
      : json(std::move(json_text)), page(std::move(page_text)), policy(page_policy) {}

  ServedText json;
  ServedText page;
  std::string_view policy;
};

}  // namespace addrbook::detail
