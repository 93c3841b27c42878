/// ApiTexts: the API document of a mount, made once, but for where its clients reach it.
#pragma once

#include <addrbook/base/checksum.hpp>
#include <addrbook/http/conditions.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// Where the server program listens unless it is told otherwise.
inline constexpr std::string_view example_server = "http://127.0.0.1:8080";

/// Where clients reach a server.
struct ApiPlace {
  // What stands for them in a text. No prefix, format or limit of a mount has it in it.
  static constexpr std::string_view path_slot = "{path}";
  static constexpr std::string_view server_slot = "{server}";

  std::string path;    ///< before the mount's prefix
  std::string server;  ///< a URL
};

/// A text with slots, and what it is known by.
class ServedText {
 public:
  explicit ServedText(std::string text) : text_(std::move(text)), sum_(checksum(text_)) {}

  [[nodiscard]] EntityTag tag(const ApiPlace& place) const {
    Checksum sum(sum_);
    sum.add(place.path);
    sum.add("\n");
    sum.add(place.server);
    return {sum.sum(), text_.size()};
  }

  [[nodiscard]] std::string at(const ApiPlace& place) const {
    std::string text = text_;
    fill(text, ApiPlace::path_slot, place.path);
    fill(text, ApiPlace::server_slot, place.server);
    return text;
  }

 private:
  static void fill(std::string& text, std::string_view slot, std::string_view value) {
    for (std::size_t at = 0; (at = text.find(slot, at)) != std::string::npos; at += value.size()) {
      text.replace(at, slot.size(), value);
    }
  }

  std::string text_;
  std::uint64_t sum_;
};

struct ApiTexts {
  /// @param page_policy  the page's Content-Security-Policy
  ApiTexts(std::string json_text, std::string page_text, std::string_view page_policy)
      : json(std::move(json_text)), page(std::move(page_text)), policy(page_policy) {}

  ServedText json;  ///< has the server_slot
  ServedText page;  ///< has both
  std::string_view policy;
};

}  // namespace addrbook::detail
