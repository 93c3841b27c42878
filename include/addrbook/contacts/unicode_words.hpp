/// The words of a text that unicode_folding() has folded. Needs utf8proc (target addrbook::text).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/contacts/characters.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/text.hpp>

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace addrbook::detail {

[[nodiscard]] inline bool is_mark(utf8proc_category_t category) noexcept {
  return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

/// Collects words from folded characters.
class WordCollector {
 public:
  /// @param to  gets the words
  WordCollector(std::vector<std::string>& to, Folding::Purpose purpose) noexcept
      : words_(to), is_index_(purpose == Folding::Purpose::index) {}

  /// @param codes  of a whole text, folded
  inline void collect(const std::vector<utf8proc_int32_t>& codes);

 private:
  enum class Kind { letter, mark, apostrophe, other };
  static constexpr std::size_t max_run = 16;

  [[nodiscard]] static inline Kind kind_of(utf8proc_int32_t code) noexcept;
  inline void add_letter(std::uint32_t code);
  inline void end_part();
  inline void end_word();
  inline void add_run();

  std::vector<std::string>& words_;
  const bool is_index_;
  std::string part_;                  // of a word: up to an apostrophe
  std::vector<std::size_t> starts_;   // in part_: of its characters, if it has no spaces
  std::vector<std::size_t> letters_;  // in starts_: those that are not marks
  std::string joined_;                // the parts of the word before this one
  std::size_t parts_ = 0;
};

inline WordCollector::Kind WordCollector::kind_of(utf8proc_int32_t code) noexcept {
  constexpr utf8proc_int32_t right_quote = 0x2019;
  constexpr utf8proc_int32_t modifier_apostrophe = 0x02BC;
  if (code == '\'' || code == right_quote || code == modifier_apostrophe) return Kind::apostrophe;
  if (code < 0x80) return is_alphanumeric(static_cast<char>(code)) ? Kind::letter : Kind::other;
  const auto category = utf8proc_category(code);
  if (is_mark(category)) return Kind::mark;
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO ? Kind::letter
                                                                              : Kind::other;
}

inline void WordCollector::collect(const std::vector<utf8proc_int32_t>& codes) {
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto code = static_cast<std::uint32_t>(codes[i]);
    switch (kind_of(codes[i])) {
      case Kind::letter: add_letter(code); break;
      case Kind::mark:
        if (part_.empty()) break;
        if (!starts_.empty()) starts_.push_back(part_.size());
        append_utf8(part_, code);
        break;
      case Kind::apostrophe:
        if (!part_.empty() && starts_.empty() && i + 1 < codes.size() &&
            kind_of(codes[i + 1]) == Kind::letter &&
            !is_of_script_without_spaces(static_cast<std::uint32_t>(codes[i + 1]))) {
          end_part();
        } else {
          end_word();
        }
        break;
      case Kind::other: end_word(); break;
    }
  }
  end_word();
}

inline void WordCollector::add_letter(std::uint32_t code) {
  const bool has_no_spaces = is_of_script_without_spaces(code);
  if (!part_.empty() && has_no_spaces == starts_.empty()) end_word();
  if (has_no_spaces) {
    letters_.push_back(starts_.size());
    starts_.push_back(part_.size());
  }
  append_utf8(part_, code);
}

inline void WordCollector::end_part() {
  if (part_.empty()) return;
  if (!starts_.empty()) {
    add_run();
  } else {
    if (is_index_) joined_ += part_;
    ++parts_;
    words_.push_back(part_);
  }
  part_.clear();
  starts_.clear();
  letters_.clear();
}

inline void WordCollector::end_word() {
  end_part();
  if (is_index_ && parts_ > 1) words_.push_back(joined_);
  joined_.clear();
  parts_ = 0;
}

inline void WordCollector::add_run() {
  starts_.push_back(part_.size());
  for (const std::size_t first : letters_) {
    const std::size_t last = (std::min)(first + max_run, starts_.size() - 1);
    words_.push_back(part_.substr(starts_[first], starts_[last] - starts_[first]));
    if (!is_index_) break;
  }
}

}  // namespace addrbook::detail
