/// Rules for texts that are not those of the stores.
#pragma once

#include <addrbook/text.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace test {

/// Takes each word for its letters from the last one to the first.
class OtherFolding final : public addrbook::Folding {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "other-1"; }
  [[nodiscard]] std::string fold(std::string_view text) const override {
    return addrbook::ascii_folding()->fold(text);
  }
  [[nodiscard]] std::vector<std::string> words(std::string_view text,
                                               Purpose purpose) const override {
    auto words = addrbook::ascii_folding()->words(text, purpose);
    for (std::string& word : words) {
      if (purpose == Purpose::index) std::reverse(word.begin(), word.end());
    }
    return words;
  }
};

}  // namespace test
