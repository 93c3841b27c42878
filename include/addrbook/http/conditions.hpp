/// Entity tags, and the conditions of requests (RFC 9110, 8.8.3 and 13).
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/base/hex.hpp>
#include <addrbook/format.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/dates.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

namespace addrbook::detail {

/// The opaque tag `"<epoch>-<revision>"`, with its quotes; of what is written in a format
/// `"<epoch>-<revision>-<format>"`.
class EntityTag {
 public:
  static constexpr std::size_t max_form_bytes = 24;

  /// @param form  the format's name, of at most max_form_bytes
  EntityTag(std::uint64_t epoch, std::uint64_t revision, std::string_view form = {}) noexcept {
    const auto digits = hex_digits(epoch);
    char* end = std::copy(digits.begin(), digits.end(), text_.data() + 1);
    *end++ = '-';
    end = std::to_chars(end, text_.data() + text_.size(), revision).ptr;
    if (!form.empty()) *end++ = '-';
    end = std::copy(form.begin(), form.end(), end);
    *end++ = '"';
    size_ = static_cast<std::size_t>(end - text_.data());
  }

  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 64> text_{'"'};  // 16 digits, at most 20, four more, and the form
  std::size_t size_;
};

/// What the value of If-Match or If-None-Match says of an entity tag.
enum class TagMatch { none, listed, malformed };

/// Looks for an entity tag in a value of If-Match or If-None-Match (RFC 9110, 13.1.1 and 13.1.2).
/// The comparison is weak: a leading W/ is ignored, also in If-Match, because proxies add it. So is
/// `-gzip` or `;gzip` before the closing quote: proxies that compress put it there.
/// @param tag      an opaque tag with its quotes, without W/
/// @param formats  if not null: tags of what is written in one of them stand for the same state
/// @returns `listed` if the value is "*", or if the tag stands before anything malformed. "*" with
///          anything else is malformed, also with another "*".
[[nodiscard]] inline TagMatch find_tag(std::string_view value, std::string_view tag,
                                       const Formats* formats = nullptr) noexcept {
  value = trim(value);
  if (value == "*") return TagMatch::listed;
  const auto is_tag = [tag, formats](std::string_view listed) {
    const std::string_view begin = tag.substr(0, tag.size() - 1);
    if (listed.size() < tag.size() || listed.substr(0, begin.size()) != begin) return false;
    std::string_view ending = listed.substr(begin.size(), listed.size() - tag.size());
    constexpr std::string_view codings[] = {"-gzip", ";gzip"};
    for (const std::string_view coding : codings) {
      if (ending.size() >= coding.size() &&
          ending.substr(ending.size() - coding.size()) == coding) {
        ending.remove_suffix(coding.size());
        break;
      }
    }
    if (ending.empty()) return true;
    return formats != nullptr && ending[0] == '-' &&
           std::any_of(formats->begin(), formats->end(),
                       [&](const auto& format) { return format->name() == ending.substr(1); });
  };
  // A tag may contain commas, so the list can't be split at them. Empty members are skipped
  // (RFC 9110, 5.6.1.2).
  bool is_empty = true;
  while (true) {
    while (!value.empty() && value[0] == ',') value = trim(value.substr(1));
    if (value.empty()) return is_empty ? TagMatch::malformed : TagMatch::none;
    is_empty = false;
    if (value.substr(0, 2) == "W/") value.remove_prefix(2);
    if (value.empty() || value[0] != '"') return TagMatch::malformed;
    const auto end = value.find('"', 1);
    if (end == std::string_view::npos) return TagMatch::malformed;
    if (is_tag(value.substr(0, end + 1))) return TagMatch::listed;
    value = trim(value.substr(end + 1));
    if (!value.empty() && value[0] != ',') return TagMatch::malformed;
  }
}

/// @returns whether the value lists the tag, or is "*"
[[nodiscard]] inline bool matches_any_tag(std::string_view value, std::string_view tag) noexcept {
  return find_tag(value, tag) == TagMatch::listed;
}

/// What a representation's state is known by.
struct Validators {
  EntityTag tag;
  std::optional<std::time_t> modified = {};
  /// Whether the representation may have changed again in the second of `modified`, after a client
  /// saw it: the date is no strong validator then (RFC 9110, 8.8.2.2).
  bool is_date_weak = false;
};

/// The conditions of a request (RFC 9110, 13.1).
class Preconditions {
 public:
  enum class Verdict { proceed, not_modified, failed };

  /// @param request  must outlive this
  /// @param formats  likewise: a write takes the tags of these for those of the address
  explicit Preconditions(const Request& request, const Formats* formats = nullptr)
      : formats_(formats),
        is_read_(request.method == "GET" || request.method == "HEAD"),
        if_match_(request.header("If-Match")),
        if_none_match_(request.header("If-None-Match")) {
    // RFC 9110, 13.1.3 and 13.1.4: dates that are none are ignored, and so are those beside tags.
    const auto date = [&](bool is_wanted, const char* name) {
      const auto value = is_wanted ? request.header(name) : std::nullopt;
      return value ? parse_http_date(*value, std::time(nullptr)) : std::nullopt;
    };
    unmodified_since_ = date(!if_match_, "If-Unmodified-Since");
    modified_since_ = date(is_read_ && !if_none_match_, "If-Modified-Since");
  }

  /// Whether there is anything to evaluate.
  [[nodiscard]] bool any() const noexcept {
    return if_match_ || if_none_match_ || unmodified_since_ || modified_since_;
  }
  /// Whether there must be no representation: to create one.
  [[nodiscard]] bool is_to_create() const noexcept {
    return if_none_match_ && trim(*if_none_match_) == "*";
  }

  /// Evaluates in the order of RFC 9110, 13.2.2. What is malformed is not taken for absent: an
  /// If-Match fails, and so does an If-None-Match of a write.
  /// @param current  null where there is no representation: then only an If-Match fails
  [[nodiscard]] Verdict evaluate(const Validators* current) const noexcept {
    if (current == nullptr) return if_match_ ? Verdict::failed : Verdict::proceed;
    const Formats* const formats = is_read_ ? nullptr : formats_;
    if (if_match_ && find_tag(*if_match_, current->tag.text(), formats) != TagMatch::listed)
      return Verdict::failed;
    if (unmodified_since_ && is_after(*current, *unmodified_since_)) return Verdict::failed;
    if (if_none_match_) {
      const TagMatch match = find_tag(*if_none_match_, current->tag.text(), formats);
      if (is_read_) return match == TagMatch::listed ? Verdict::not_modified : Verdict::proceed;
      return match == TagMatch::none ? Verdict::proceed : Verdict::failed;
    }
    if (modified_since_ && current->modified && !is_after(*current, *modified_since_)) {
      return Verdict::not_modified;
    }
    return Verdict::proceed;
  }

 private:
  /// Whether it may have changed after a client saw that date. Without a date it is ignored.
  [[nodiscard]] static bool is_after(const Validators& current, std::time_t date) noexcept {
    return current.modified &&
           (*current.modified > date || (*current.modified == date && current.is_date_weak));
  }

  const Formats* formats_;
  bool is_read_;
  std::optional<std::string_view> if_match_;
  std::optional<std::string_view> if_none_match_;
  std::optional<std::time_t> unmodified_since_;
  std::optional<std::time_t> modified_since_;
};

}  // namespace addrbook::detail
