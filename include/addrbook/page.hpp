/// The contacts page: what Options::page serves at `_page`. Plain HTML, CSS and JavaScript, without
/// anything from elsewhere. Its sources are in page/; of them cmake/embed-page.sh makes the header
/// page/files.hpp, which has their modules as one script.
#pragma once

#include <addrbook/page/files.hpp>

#include <algorithm>
#include <string_view>

namespace addrbook {

/// What a browser may do for the page (Content Security Policy Level 3): load the page's own files,
/// talk to the page's own server, and show pictures that are in a contact. No text becomes markup
/// or a script, whatever a contact holds (Trusted Types).
inline constexpr std::string_view page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'";

/// @param name  of a file of the page; the page itself is "index.html"
/// @returns the file, as it is embedded; null if there is none of this name. In "index.html",
///          `{tail}` stands for what follows a book's name in the prefix (of one book nothing), and
///          `{formats}` for the names of formats, with spaces between.
[[nodiscard]] inline const char* page_file(std::string_view name) noexcept {
  for (const detail::PageFile& file : detail::page_files) {
    if (file.name == name) return file.text;
  }
  return nullptr;
}

/// @param name  of a file, e.g. "app.js"
/// @returns its Content-Type, by its suffix
[[nodiscard]] inline std::string_view page_type(std::string_view name) noexcept {
  const std::string_view suffix = name.substr((std::min)(name.size(), name.rfind('.')));
  if (suffix == ".js") return "text/javascript; charset=UTF-8";
  if (suffix == ".css") return "text/css; charset=UTF-8";
  if (suffix == ".svg") return "image/svg+xml";
  return "text/html; charset=UTF-8";
}

}  // namespace addrbook
