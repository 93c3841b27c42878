/// Folding: how text is made comparable, to be searched and sorted.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// Rules that make texts equal which people take for the same, e.g. in upper and lower case.
/// @par Thread safety  any thread.
class Folding {
 public:
  /// What words are needed for.
  enum class Purpose {
    index,   ///< all forms under which a text is to be found
    search,  ///< what was asked for
  };

  Folding() = default;
  Folding(const Folding&) = delete;
  Folding& operator=(const Folding&) = delete;
  virtual ~Folding() = default;

  /// Names these rules and their version: `[a-z0-9.-]+`. Must change whenever a result of the
  /// others may change, since stores keep what they have folded.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  /// @param text  UTF-8
  /// @returns the form in which texts are compared byte by byte; to fold it again changes nothing
  [[nodiscard]] virtual std::string fold(std::string_view text) const = 0;

  /// @param text  UTF-8
  /// @returns its words, folded, in their order; a word may occur twice
  [[nodiscard]] virtual std::vector<std::string> words(std::string_view text,
                                                       Purpose purpose) const = 0;
};

/// Knows case and apostrophes of ASCII only; bytes beyond ASCII are letters, and stay as they are.
/// For more see unicode_text.hpp.
[[nodiscard]] inline std::shared_ptr<const Folding> ascii_folding();

// ---------------------------------------------------------------------------------------------

namespace detail {

class AsciiFolding final : public Folding {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "ascii-1"; }
  [[nodiscard]] std::string fold(std::string_view text) const override { return lowercase(text); }
  [[nodiscard]] std::vector<std::string> words(std::string_view text,
                                               Purpose purpose) const override {
    std::vector<std::string> found;
    append_words(found, text, purpose);
    return found;
  }

  /// As words(). @param to  gets them
  inline void append_words(std::vector<std::string>& to, std::string_view text,
                           Purpose purpose) const;

 private:
  [[nodiscard]] static bool is_of_word(char c) noexcept {
    return is_alphanumeric(c) || static_cast<unsigned char>(c) >= 0x80;
  }
};

// A word with an apostrophe within is indexed as its parts and joined.
inline void AsciiFolding::append_words(std::vector<std::string>& to, std::string_view text,
                                       Purpose purpose) const {
  std::string joined;
  bool is_behind_apostrophe = false;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_of_word(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && is_of_word(text[end])) ++end;
    to.push_back(lowercase(text.substr(i, end - i)));
    const bool is_before_apostrophe =
        end + 1 < text.size() && text[end] == '\'' && is_of_word(text[end + 1]);
    if (purpose == Purpose::index && (is_behind_apostrophe || is_before_apostrophe)) {
      joined += to.back();
      if (!is_before_apostrophe) to.push_back(std::exchange(joined, {}));
    }
    is_behind_apostrophe = is_before_apostrophe;
    i = end;
  }
}

}  // namespace detail

inline std::shared_ptr<const Folding> ascii_folding() {
  static const auto folding = std::make_shared<const detail::AsciiFolding>();
  return folding;
}

}  // namespace addrbook
