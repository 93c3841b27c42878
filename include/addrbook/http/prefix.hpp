/// The grammar of mount prefixes.
#pragma once

#include <addrbook/base/ascii.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// The segment of a prefix that stands for the name of a book, with the '/' before it.
constexpr std::string_view book_segment = "/{book}";

/// @returns whether `path` is one or more segments of [A-Za-z0-9._~-], each after a '/', and none
///          of them "." or "..": such a path means the same to every router
[[nodiscard]] inline bool is_plain_path(std::string_view path) noexcept {
  if (path.empty() || path.front() != '/' || path.back() == '/' ||
      !is_alphanumeric_or("._~-/", path)) {
    return false;
  }
  path.remove_prefix(1);
  while (!path.empty()) {
    const auto segment = cut(path, '/');
    if (segment.empty() || segment == "." || segment == "..") return false;
  }
  return true;
}

/// @returns whether `prefix` is a plain path; one segment, but not the first or the last, may be
///          `{book}`
[[nodiscard]] inline bool is_valid_prefix(std::string_view prefix) noexcept {
  const auto at = prefix.find(book_segment);
  if (at == std::string_view::npos) return is_plain_path(prefix);
  return is_plain_path(prefix.substr(0, at)) &&
         is_plain_path(prefix.substr(at + book_segment.size()));
}

/// What is_valid_prefix() demands, for messages: "the prefix must be ...".
constexpr std::string_view prefix_grammar =
    "one or more segments of [A-Za-z0-9._~-], each after a '/'; one of them, but not the first or "
    "the last, may be {book}";

/// A valid prefix and its parts.
class Prefix {
 public:
  explicit Prefix(std::string text) : text_(std::move(text)) {
    const auto at = text_.find(book_segment);
    names_books_ = at != std::string::npos;
    root_size_ = names_books_ ? at : text_.size();
  }

  /// Whether it has `{book}`.
  [[nodiscard]] bool names_books() const noexcept { return names_books_; }
  /// What the paths of all its requests begin with: the prefix up to `/{book}`.
  [[nodiscard]] std::string_view root() const noexcept {
    return std::string_view(text_).substr(0, root_size_);
  }
  /// What follows `{book}`, e.g. "/addresses"; "" without that.
  [[nodiscard]] std::string_view tail() const noexcept {
    return names_books_ ? std::string_view(text_).substr(root_size_ + book_segment.size())
                        : std::string_view();
  }
  /// @param name  only used where the prefix names books
  /// @returns the path of a book's addresses
  [[nodiscard]] std::string of_book(std::string_view name) const {
    if (!names_books_) return text_;
    return std::string(root()).append("/").append(name).append(tail());
  }

 private:
  std::string text_;
  bool names_books_ = false;
  std::size_t root_size_ = 0;
};

}  // namespace addrbook::detail
