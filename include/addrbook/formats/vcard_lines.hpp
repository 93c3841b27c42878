/// Content lines: the text of a card, unfolded and cut into names, parameters and values.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/formats/base64.hpp>
#include <addrbook/formats/vcard_frame.hpp>
#include <addrbook/formats/vcard_parameters.hpp>
#include <addrbook/formats/vcard_property.hpp>
#include <addrbook/formats/vcard_values.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// A content line, as it stands in a file.
struct VCardLine {
  std::string group;
  std::string name;                        ///< in capital letters
  std::vector<VCardParameter> parameters;  ///< as they were written; the name of a bare one is ""
  /// Bytes in any charset. Quoted-printable still is; its soft line breaks are gone.
  std::string value;
  std::uint64_t line = 0;
};

/// Goes through the content lines of a card.
/// @par Cost  one pass
class VCardLines {
 public:
  enum class Next {
    line,  ///< line() is one
    junk,  ///< number() is that of a line which has no name or no colon
    too_many_parameters,
    end,
  };

  /// @param card          the lines between BEGIN and END, each ended by '\n'; outlives this
  /// @param first_number  of the first of them
  /// @param is_old        whether it is of version 2.1: white space that a folded line begins with
  ///                      is part of the value, and parameters have no escapes
  VCardLines(std::string_view card, std::uint64_t first_number, bool is_old) noexcept
      : left_(card), next_number_(first_number), is_old_(is_old) {}

  [[nodiscard]] Next next();

  [[nodiscard]] VCardLine& line() noexcept { return line_; }
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  /// The text of the card that is the value of this line, an AGENT; "" if it has none. Its lines
  /// are as they stand.
  [[nodiscard]] const std::string& inner_card() const noexcept { return inner_card_; }

 private:
  [[nodiscard]] std::string_view peek() const noexcept { return left_.substr(0, left_.find('\n')); }
  std::string_view take() noexcept {
    ++next_number_;
    return cut(left_, '\n');
  }

  void unfold();
  void take_inner_card(bool has_begun);
  [[nodiscard]] Next parse();
  void look_for_value() noexcept;
  [[nodiscard]] std::string_view parameters_of_text() const noexcept;
  [[nodiscard]] VCardEncoding encoding();

  std::string_view left_;
  std::uint64_t next_number_;
  bool is_old_;

  // The line that is put together:
  std::string text_;
  std::size_t looked_at_ = 0;  // of text_, for the colon
  bool is_in_quotes_ = false;
  std::optional<std::size_t> colon_;  // before the value
  std::optional<VCardEncoding> encoding_;
  std::uint64_t number_ = 0;
  VCardLine line_;
  std::string inner_card_;
};

/// Whether a card that has no VERSION is of 2.1, since it has what only 2.1 has: parameters without
/// a name, or quoted-printable.
[[nodiscard]] inline bool looks_like_vcard_2_1(std::string_view card);

// ---------------------------------------------------------------------------------------------

inline VCardLines::Next VCardLines::next() {
  text_.clear();
  looked_at_ = 0;
  is_in_quotes_ = false;
  colon_.reset();
  encoding_.reset();
  inner_card_.clear();
  while (!left_.empty() && peek().empty()) static_cast<void>(take());
  if (left_.empty()) return Next::end;
  number_ = next_number_;
  text_ = take();
  const VCardMark mark = vcard_mark(text_);
  if (mark == VCardMark::agent) {
    while (!left_.empty() && trim(peek()).empty()) static_cast<void>(take());
    if (vcard_mark(peek()) == VCardMark::begin) take_inner_card(false);
  } else if (mark == VCardMark::agent_begin) {
    take_inner_card(true);
  }
  if (inner_card_.empty()) unfold();
  return parse();
}

inline void VCardLines::unfold() {
  for (;;) {
    // A soft line break of quoted-printable (RFC 2045, 6.7).
    if (!text_.empty() && text_.back() == '=' && encoding() == VCardEncoding::quoted_printable) {
      text_.pop_back();
      std::string_view more = take();
      if (!is_old_ && !more.empty() && is_vcard_space(more.front())) more.remove_prefix(1);
      text_ += more;
      continue;
    }
    bool is_behind_empty_line = false;
    for (; !left_.empty() && peek().empty(); static_cast<void>(take())) is_behind_empty_line = true;
    if (left_.empty()) return;
    const std::string_view next = peek();
    const bool is_folded = is_vcard_space(next.front());
    if (is_folded) {
      const bool keeps_space = is_old_ && encoding() != VCardEncoding::base64;
      text_ += take().substr(keeps_space ? 0 : 1);
    } else if (!is_behind_empty_line && encoding() == VCardEncoding::base64 &&
               std::all_of(next.begin(), next.end(), [](char c) {
                 return base64_value(c) >= 0 || c == '=' || is_vcard_space(c);
               })) {
      text_ += take();  // wrongly folded: no other line lacks a colon
    } else {
      return;
    }
  }
}

inline void VCardLines::take_inner_card(bool has_begun) {
  if (has_begun) {
    inner_card_ = "BEGIN:VCARD\n";
    while (is_vcard_space(text_.back())) text_.pop_back();
    text_.resize(text_.size() - (inner_card_.size() - 1));
  }
  std::size_t depth = has_begun ? 1 : 0;
  do {
    const VCardMark mark = vcard_mark(peek());
    if (mark == VCardMark::begin || mark == VCardMark::agent_begin) ++depth;
    if (mark == VCardMark::end) --depth;
    inner_card_.append(take()) += '\n';
  } while (depth > 0 && !left_.empty());
}

inline void VCardLines::look_for_value() noexcept {
  for (; !colon_ && looked_at_ < text_.size(); ++looked_at_) {
    if (text_[looked_at_] == '"') is_in_quotes_ = !is_in_quotes_;
    if (text_[looked_at_] == ':' && !is_in_quotes_) colon_ = looked_at_;
  }
}

inline std::string_view VCardLines::parameters_of_text() const noexcept {
  std::string_view header = std::string_view(text_).substr(0, colon_.value_or(0));
  header.remove_prefix((std::min)(header.find(';'), header.size()));
  return header;
}

inline VCardEncoding VCardLines::encoding() {
  if (encoding_) return *encoding_;
  look_for_value();
  if (!colon_) return VCardEncoding::none;
  const auto parameters = parse_vcard_parameters(parameters_of_text(), true);
  encoding_ = parameters ? vcard_encoding(*parameters) : VCardEncoding::none;
  // A data: URI may be folded as wrongly as an encoded photo.
  if (*encoding_ == VCardEncoding::none &&
      equals_ignoring_case(std::string_view(text_).substr(*colon_ + 1, 5), "data:")) {
    encoding_ = VCardEncoding::base64;
  }
  return *encoding_;
}

inline VCardLines::Next VCardLines::parse() {
  look_for_value();
  const bool has_quotes = colon_.has_value();
  // A quote that nothing closes is a character like any other.
  if (!colon_) {
    const auto first = text_.find(':');
    if (first == std::string::npos) return Next::junk;
    colon_ = first;
  }
  line_ = {};
  line_.line = number_;
  const std::string_view header = std::string_view(text_).substr(0, *colon_);
  std::string_view name = trim(header.substr(0, header.find(';')));
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos) {
    line_.group = name.substr(0, dot);
    name.remove_prefix(dot + 1);
    if (!is_vcard_group(line_.group)) return Next::junk;
  }
  if (!is_vcard_name(name)) return Next::junk;
  line_.name = uppercase(name);
  auto parameters = parse_vcard_parameters(parameters_of_text(), has_quotes);
  if (!parameters) return Next::too_many_parameters;
  line_.parameters = std::move(*parameters);
  text_.erase(0, *colon_ + 1);
  line_.value = std::move(text_);
  return Next::line;
}

inline bool looks_like_vcard_2_1(std::string_view card) {
  VCardLines lines(card, 0, false);
  for (;;) {
    const VCardLines::Next next = lines.next();
    if (next == VCardLines::Next::end) return false;
    if (next != VCardLines::Next::line) continue;
    const auto& parameters = lines.line().parameters;
    if (vcard_encoding(parameters) == VCardEncoding::quoted_printable) return true;
    for (const VCardParameter& parameter : parameters) {
      if (parameter.name.empty()) return true;
    }
  }
}

}  // namespace addrbook::detail
