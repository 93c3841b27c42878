/// The words under which a document is found.
#pragma once

#include <addrbook/base/ascii.hpp>
#include <addrbook/json/spans.hpp>
#include <addrbook/text.hpp>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Cuts a text to a size, at the start of a character.
[[nodiscard]] inline std::string_view cut_utf8(std::string_view text, std::size_t size) noexcept {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  return text.substr(0, size);
}

/// Collects the words of all strings and integers in a JSON text, but not of the members' names.
/// What is between two spaces is left out if it is a `data:` URI (RFC 2397) or has more than 256
/// characters: pictures and keys are no words. The first MiB of the rest counts.
/// @par Cost  goes over the text once, however deep it is; a chunk of words at a time in memory
class DocumentWords {
 public:
  /// @param max_words  the first distinct ones count
  /// @param max_bytes  of each word the first ones count
  DocumentWords(const Folding& folding, std::size_t max_words, std::size_t max_bytes)
      : folding_(folding), max_words_(max_words), max_bytes_(max_bytes) {}

  /// @param json  as compact_json() makes it
  /// @returns the words, sorted
  [[nodiscard]] inline std::vector<std::string> read(std::string_view json);

 private:
  static constexpr std::size_t max_run_characters = 256;
  static constexpr std::size_t chunk_bytes = 4096;
  // To fold a text takes much longer than to store it.
  static constexpr std::size_t max_text_bytes = std::size_t{1024} * 1024;

  [[nodiscard]] bool is_full() const noexcept {
    return words_.size() >= max_words_ || text_bytes_ >= max_text_bytes;
  }
  [[nodiscard]] static inline bool is_left_out(std::string_view run) noexcept;
  inline void add_text(std::string_view text);
  inline void fold_chunk();

  const Folding& folding_;
  const std::size_t max_words_;
  const std::size_t max_bytes_;
  std::string chunk_;
  std::size_t text_bytes_ = 0;
  std::set<std::string> words_;
};

// ---------------------------------------------------------------------------------------------

inline std::vector<std::string> DocumentWords::read(std::string_view json) {
  chunk_.reserve((std::min)(json.size(), chunk_bytes));
  for (std::size_t i = 0; i < json.size() && !is_full();) {
    if (json[i] == '"') {
      const std::size_t size = json_string_size(json.substr(i));
      const std::string_view raw = json.substr(i + 1, size - 2);
      i += size;
      if (i < json.size() && json[i] == ':') continue;  // a name
      if (raw.find('\\') == std::string_view::npos) {
        add_text(raw);
      } else {
        add_text(unescape_json(raw));
      }
    } else if (is_digit(json[i]) || json[i] == '-') {
      const JsonSpan number(json.substr(i, json_value_size(json.substr(i))));
      if (number.is_integer()) add_text(number.text());
      i += number.text().size();
    } else {
      ++i;
    }
  }
  fold_chunk();
  std::vector<std::string> words;
  words.reserve(words_.size());
  while (!words_.empty()) words.push_back(std::move(words_.extract(words_.begin()).value()));
  return words;
}

inline bool DocumentWords::is_left_out(std::string_view run) noexcept {
  constexpr std::string_view scheme = "data:";
  if (run.size() > scheme.size() && equals_ignoring_case(run.substr(0, scheme.size()), scheme) &&
      run.find(',') != std::string_view::npos) {
    return true;
  }
  const auto begins_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  };
  return run.size() > max_run_characters &&
         std::count_if(run.begin(), run.end(), begins_character) >
             static_cast<std::ptrdiff_t>(max_run_characters);
}

inline void DocumentWords::add_text(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && !is_full()) {
    const auto end = std::find_if(text.begin(), text.end(), is_space);
    const auto size = static_cast<std::size_t>(end - text.begin());
    const std::string_view run = text.substr(0, size);
    text.remove_prefix((std::min)(size + 1, text.size()));
    if (run.empty() || is_left_out(run)) continue;
    chunk_.append(run) += ' ';
    text_bytes_ += run.size();
    if (chunk_.size() >= chunk_bytes) fold_chunk();
  }
}

inline void DocumentWords::fold_chunk() {
  for (std::string& word : folding_.words(chunk_, Folding::Purpose::index)) {
    if (words_.size() >= max_words_) break;
    if (word.size() > max_bytes_) word.resize(cut_utf8(word, max_bytes_).size());
    words_.insert(std::move(word));
  }
  chunk_.clear();
}

}  // namespace addrbook::detail
