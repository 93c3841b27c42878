/// Unicode folding: texts of any script made comparable. Needs utf8proc (target addrbook::text).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/contacts/characters.hpp>
#include <addrbook/contacts/unicode_words.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/text.hpp>

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook {

/// A Folding for texts of any script.
///
/// fold(), in this order:
/// - full case folding and compatibility decomposition (Unicode NFKD): ẞ is ss, ﬁ is fi, ２ is 2
/// - on Latin, Greek, Cyrillic, Arabic and Hebrew letters marks go: é is e, й is и, أَ is ا. On all
///   others they stay: が is not か
/// - ø is o, ł l, đ and ð d, þ th, ħ h, ı i, æ ae, œ oe, ى ي. Müller is muller, not mueller
/// - format characters and the Arabic tatweel go
/// - decimal digits of any script become those of ASCII
/// - canonical composition (NFC)
///
/// Bytes that are not UTF-8 count as U+FFFD.
///
/// words() are runs of letters, digits and the marks that stay. Of a word with apostrophes within
/// (also U+2019, U+02BC) the parts are words, and to index it, all of them joined: o, brien and
/// obrien. Han, kana, Thai, Lao, Khmer and Burmese have no spaces: a run of these is a word, of
/// which the first 16 characters count; to index it, so is each rest of it that begins with a
/// letter, so that a search finds what is in its middle.
///
/// Its name holds the version of these rules, and that of utf8proc's Unicode.
/// @par Cost  for words in ASCII as ascii_folding(), else 20 to 70 ns a character
[[nodiscard]] inline std::shared_ptr<const Folding> unicode_folding();

// ---------------------------------------------------------------------------------------------

namespace detail {

/// The characters of a text, folded.
class FoldedCharacters {
 public:
  explicit inline FoldedCharacters(std::string_view text);

  [[nodiscard]] const std::vector<utf8proc_int32_t>& codes() const noexcept { return codes_; }

 private:
  inline void add(utf8proc_int32_t code);
  inline void add_decomposed(utf8proc_int32_t code);
  inline void order_marks();

  std::vector<utf8proc_int32_t> codes_;
  bool is_without_marks_ = false;  // the last letter
};

/// @returns the size of the ASCII text that a text begins with
[[nodiscard]] inline std::size_t ascii_size(std::string_view text) noexcept {
  constexpr std::uint64_t high_bits = 0x8080808080808080U;
  std::size_t i = 0;
  for (; i + sizeof(high_bits) <= text.size(); i += sizeof(high_bits)) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data() + i, sizeof(eight));
    if ((eight & high_bits) != 0) break;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i;
}

class UnicodeFolding final : public Folding {
 public:
  UnicodeFolding() : name_(std::string("unicode-1-") + utf8proc_unicode_version()) {}

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] inline std::string fold(std::string_view text) const override;
  [[nodiscard]] inline std::vector<std::string> words(std::string_view text,
                                                      Purpose purpose) const override;

 private:
  const std::string name_;
  const AsciiFolding ascii_;
};

inline FoldedCharacters::FoldedCharacters(std::string_view text) {
  codes_.reserve(text.size());
  while (!text.empty()) add(static_cast<utf8proc_int32_t>(take_character(text)));
  order_marks();
  const auto size =
      utf8proc_normalize_utf32(codes_.data(), static_cast<utf8proc_ssize_t>(codes_.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  codes_.resize(static_cast<std::size_t>((std::max)(size, utf8proc_ssize_t{0})));
}

inline void FoldedCharacters::add(utf8proc_int32_t code) {
  if (code < 0x80) {
    const auto c = static_cast<char>(code);
    codes_.push_back(to_lower(c));
    is_without_marks_ = is_letter(c);
    return;
  }
  constexpr auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD);
  utf8proc_int32_t decomposed[32];  // the longest one is 18
  const auto size =
      utf8proc_decompose_char(code, decomposed, std::size(decomposed), options, nullptr);
  if (size < 0 || size > static_cast<utf8proc_ssize_t>(std::size(decomposed))) {
    add_decomposed(code);
    return;
  }
  std::for_each_n(std::begin(decomposed), size, [this](auto each) { add_decomposed(each); });
}

inline void FoldedCharacters::add_decomposed(utf8proc_int32_t code) {
  constexpr utf8proc_int32_t tatweel = 0x0640;
  const utf8proc_property_t& property = *utf8proc_get_property(code);
  if (property.category == UTF8PROC_CATEGORY_CF || property.ignorable || code == tatweel) return;
  if (is_mark(static_cast<utf8proc_category_t>(property.category))) {
    if (!is_without_marks_) codes_.push_back(code);
    return;
  }
  is_without_marks_ = property.category >= UTF8PROC_CATEGORY_LU &&
                      property.category <= UTF8PROC_CATEGORY_LO &&
                      is_of_script_without_marks(static_cast<std::uint32_t>(code));
  const auto become = [this](std::string_view letters) {
    codes_.insert(codes_.end(), letters.begin(), letters.end());
  };
  switch (code) {
    case 0x00E6: become("ae"); return;
    case 0x00F0:
    case 0x0111: become("d"); return;
    case 0x00F8: become("o"); return;
    case 0x00FE: become("th"); return;
    case 0x0127: become("h"); return;
    case 0x0131: become("i"); return;
    case 0x0142: become("l"); return;
    case 0x0153: become("oe"); return;
    case 0x0649: codes_.push_back(0x064A); return;
    default: break;
  }
  if (property.category == UTF8PROC_CATEGORY_ND) {
    if (const auto digit = decimal_digit(static_cast<std::uint32_t>(code))) {
      codes_.push_back(static_cast<utf8proc_int32_t>('0' + *digit));
      return;
    }
  }
  codes_.push_back(code);
}

// The canonical order. utf8proc's own takes the square of the number of marks.
inline void FoldedCharacters::order_marks() {
  const auto order = [](utf8proc_int32_t code) {
    return code < 0x80 ? 0 : utf8proc_get_property(code)->combining_class;
  };
  for (auto at = codes_.begin(); at != codes_.end();) {
    if (order(*at) == 0) {
      ++at;
      continue;
    }
    const auto end = std::find_if(at, codes_.end(), [&](auto code) { return order(code) == 0; });
    std::stable_sort(at, end, [&](auto a, auto b) { return order(a) < order(b); });
    at = end;
  }
}

inline std::string UnicodeFolding::fold(std::string_view text) const {
  if (ascii_size(text) == text.size()) return ascii_.fold(text);
  std::string folded;
  folded.reserve(text.size());
  const FoldedCharacters characters(text);
  for (const auto code : characters.codes()) append_utf8(folded, static_cast<std::uint32_t>(code));
  return folded;
}

// Only words that are not ASCII are folded by utf8proc. A space changes nothing on either side.
inline std::vector<std::string> UnicodeFolding::words(std::string_view text,
                                                      Purpose purpose) const {
  std::vector<std::string> found;
  while (!text.empty()) {
    const std::size_t ascii = ascii_size(text);
    const std::size_t begin =
        ascii == text.size() ? ascii : text.substr(0, ascii).find_last_of(" \n") + 1;
    ascii_.append_words(found, text.substr(0, begin), purpose);
    text.remove_prefix(begin);
    if (text.empty()) break;
    const std::size_t end = (std::min)(text.find_first_of(" \n", ascii - begin), text.size());
    WordCollector(found, purpose).collect(FoldedCharacters(text.substr(0, end)).codes());
    text.remove_prefix(end);
  }
  return found;
}

}  // namespace detail

inline std::shared_ptr<const Folding> unicode_folding() {
  static const auto folding = std::make_shared<const detail::UnicodeFolding>();
  return folding;
}

}  // namespace addrbook
